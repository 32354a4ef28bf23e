"""Задание: условие проверки, баллы, подсказки и ошибки, которые проверка умеет назвать."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lecture_lib.grading.answer import Answer
from lecture_lib.grading.outcome import Counterexample

KINDS = ("написать", "починить", "предсказать", "прочитать рисунок", "поставить опыт")


@dataclass(frozen=True)
class Mistake:
    """Ошибка, которую делают люди.

    says — что сказать студенту; mutant — верное решение с этой одной ошибкой: ответ, который на
    всех входах совпал с мутантом, скорее всего, ошибся так же.
    """

    says: str
    mutant: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Finding:
    """Что нашла проверка: имя ошибки (пусто — не узнана), слова и контрпример."""

    mistake: str = ""
    says: str = ""
    counterexample: Counterexample | None = None


Check = Callable[[Answer, np.random.Generator], Finding | None]


@dataclass(frozen=True)
class Task:
    """Задание урока.

    id — «02.3»: урок и номер; name — имя функции или переменной, которую ждёт проверка; check —
    None или первая найденная ошибка; given — сломанный код, который надо починить: сданный
    нетронутым, он значит «не начато».
    """

    id: str
    title: str
    kind: str
    name: str
    points: int
    minutes: int
    difficulty: int  # от 1 до 3
    notice: str  # что заметить, когда решено
    hints: tuple[str, ...]  # от намёка к плану; целого ответа нет ни в одной
    check: Check
    mistakes: Mapping[str, Mistake] = field(default_factory=dict)
    given: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind = {self.kind!r}: бывают {', '.join(KINDS)}.")
        check_difficulty(self.difficulty)
        if len(self.hints) < 2:
            raise ValueError(f"hints: у задания {self.id} подсказок {len(self.hints)}, нужно две.")

    @property
    def is_function(self) -> bool:
        """Ждёт ли задание функцию (иначе — значение)."""
        return self.kind not in ("предсказать", "прочитать рисунок")

    @property
    def lesson(self) -> str:
        """Номер урока: «02»."""
        return lesson_of(self.id)

    @property
    def label(self) -> str:
        """Строка для тетради: баллы, минуты, сложность."""
        return task_label(self.kind, self.points, self.minutes, self.difficulty)


def lesson_of(task_id: str) -> str:
    """Номер урока: «02.3» -> «02»."""
    return task_id.partition(".")[0]


def check_difficulty(difficulty: int) -> None:
    """ValueError — сложность не 1, 2 или 3."""
    if difficulty not in (1, 2, 3):
        raise ValueError(f"difficulty = {difficulty!r}: бывает 1, 2 и 3.")


def task_label(kind: str, points: float, minutes: int, difficulty: int) -> str:
    """Строка под заголовком задания: «написать · баллов 3 · минут 15 · ●●○»."""
    stars = "●" * difficulty + "○" * (3 - difficulty)
    return f"{kind} · баллов {points:g} · минут {minutes} · {stars}"
