"""Проверка значения — числа, словаря, выбранной буквы: задания «предсказать» и «прочитать»."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lecture_lib.grading.answer import Answer
from lecture_lib.grading.cases import same_values
from lecture_lib.grading.outcome import Counterexample
from lecture_lib.grading.report import describe
from lecture_lib.grading.task import Finding, Mistake

EDGES = " «»“”\"'.,;!"  # слово, переписанное из условия вместе с кавычками, — то же слово


@dataclass(frozen=True)
class Fields:
    """Словарь ответов: у каждого поля верное значение и значения, по которым видна ошибка.

    wrong: имя ошибки -> {поле: значение}; ошибка узнана, если все её поля названы именно так.
    Первая по порядку узнанная побеждает, поэтому общие ошибки стоят раньше частных.
    """

    right: Mapping[str, Any]
    wrong: Mapping[str, Mapping[str, Any]]
    mistakes: Mapping[str, Mistake]
    tolerance: float = 1e-3

    def __call__(self, answer: Answer, rng: np.random.Generator) -> Finding | None:
        """Первая найденная ошибка или None; случайность здесь не нужна."""
        given = answer.value()
        if not isinstance(given, dict):
            return Finding("not_a_dict", f"Нужен словарь с ключами {', '.join(self.right)}.")
        given = {key: _text(value) for key, value in given.items()}
        if missing := [key for key in self.right if key not in given]:
            return Finding("missing_key", f"В словаре нет ключа «{missing[0]}».")
        wrong = [key for key, value in self.right.items() if not self._same(value, given[key])]
        if not wrong:
            return None
        name = next((n for n, v in self.wrong.items() if self._matches(v, given)), "")
        texts = [key for key in wrong if _is_text(given[key]) and not _is_text(self.right[key])]
        if texts and not name:
            says = f"В поле «{texts[0]}» — текст в кавычках, а нужны числа."
            return Finding("wrong_type", says, _shown(texts, given))
        return Finding(name, self._says(name, wrong), _shown(wrong, given))

    def _matches(self, values: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
        return all(self._same(value, given[key]) for key, value in values.items())

    def _same(self, expected: Any, got: Any) -> bool:
        expected = _text(expected)
        return same_values(expected, got, self.tolerance)

    def _says(self, name: str, wrong: list[str]) -> str:
        if name:
            return self.mistakes[name].says
        return f"Неверно: {', '.join(f'«{key}»' for key in wrong)}. Остальное сошлось."


def _text(value: Any) -> Any:
    """Слова сравниваются без регистра, кавычек, лишних пробелов и различия «е» и «ё»."""
    if isinstance(value, str):
        return " ".join(value.lower().replace("ё", "е").split()).strip(EDGES)
    return list(value) if isinstance(value, tuple) else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not value.startswith("<")


def _shown(wrong: list[str], given: Mapping[str, Any]) -> Counterexample:
    """Контрпример без верного ответа: предсказание пусть исправит студент."""
    return Counterexample(given=f"поле «{wrong[0]}»", got=describe(given[wrong[0]]))
