"""Вопросы опросов: чтение из файлов quizzes/NN.toml и ответы студента. Без экрана.

Опрос — файл из вопросов [[question]], в каждом 3–4 варианта [[question.option]]:

    [[question]]
    text = "Сколько токенов BERT предсказывает?"

    [[question.option]]
    text = "15 %"
    correct = true
    explanation = "Да: все выбранные, даже те, что остались прежними."

Верен ровно один вариант, а объяснение есть у каждого: на ошибке учатся, только если она разобрана.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("quizzes")
LETTERS = "абвг"
FEWEST, MOST = 3, len(LETTERS)


@dataclass(frozen=True)
class Option:
    """Вариант ответа: текст, объяснение к нему и верен ли он."""

    text: str
    explanation: str
    correct: bool = False

    @property
    def sign(self) -> str:
        """Знак, который виден и без цвета: ✓ или ✗."""
        return "✓" if self.correct else "✗"


@dataclass(frozen=True)
class Question:
    """Вопрос и его варианты, по порядку а, б, в, г; верный среди них один."""

    text: str
    options: tuple[Option, ...]

    @property
    def lettered(self) -> list[str]:
        """Варианты с буквами: «а) 15 %»."""
        named = zip(LETTERS, self.options, strict=False)
        return [f"{letter}) {option.text}" for letter, option in named]


class Answers:
    """Ответы студента: что выбрано сейчас, что он пробовал раньше и каков счёт.

    Передумать можно сколько угодно раз: счёт помнит первую попытку, а не последнюю.
    """

    def __init__(self, questions: Sequence[Question]) -> None:
        if not questions:
            raise ValueError("questions пуст: в опросе нужен хотя бы один вопрос.")
        self.questions = tuple(questions)
        self._tried: list[list[int]] = [[] for _ in self.questions]

    def choose(self, question: int, option: int) -> Option:
        """Записывает выбор и возвращает вариант; номера — с нуля. ValueError — таких нет."""
        _check_number("question", question, len(self.questions))
        _check_number("option", option, len(self.questions[question].options))
        tried = self._tried[question]
        if tried[-1:] != [option]:  # повторный щелчок по выбранному — не новая попытка
            tried.append(option)
        return self.questions[question].options[option]

    def tried(self, question: int) -> tuple[int, ...]:
        """Номера вариантов в том порядке, в каком их выбирали."""
        _check_number("question", question, len(self.questions))
        return tuple(self._tried[question])

    def chosen(self, question: int) -> Option | None:
        """Вариант, выбранный сейчас; None — вопрос ещё без ответа."""
        tried = self.tried(question)
        return self.questions[question].options[tried[-1]] if tried else None

    @property
    def answered(self) -> int:
        """На сколько вопросов есть ответ."""
        return sum(map(bool, self._tried))

    @property
    def right_at_first(self) -> int:
        """На сколько вопросов верно ответили с первой попытки."""
        pairs = zip(self.questions, self._tried, strict=True)
        return sum(bool(tried) and q.options[tried[0]].correct for q, tried in pairs)

    @property
    def score(self) -> str:
        """Счёт словами."""
        total = len(self.questions)
        left = total - self.answered
        text = f"Верно с первой попытки: {self.right_at_first} из {total}"
        return f"{text}. Без ответа: {left}." if left else f"{text}."

    def history(self, question: int) -> str:
        """Попытки подряд, если их было несколько: «а ✗ → б ✓»."""
        tried = self.tried(question)
        options = self.questions[question].options
        steps = [f"{LETTERS[number]} {options[number].sign}" for number in tried]
        return " → ".join(steps) if len(steps) > 1 else ""


def quiz_names(folder: Path = FOLDER) -> list[str]:
    """Имена опросов, которые есть: «01», «02»…"""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load_questions(name: str, folder: Path = FOLDER) -> tuple[Question, ...]:
    """Вопросы опроса по имени: «02» -> вопросы урока 02. ValueError — нет такого или он неверен."""
    if name not in quiz_names(folder):
        raise ValueError(f"name = {name!r}: есть только опросы {', '.join(quiz_names(folder))}.")
    path = folder / f"{name}.toml"
    return parse_questions(path.read_text(encoding="utf-8"), path.name)


def parse_questions(source: str, name: str) -> tuple[Question, ...]:
    """Вопросы из текста TOML; name — как назвать его в ошибке.

    ValueError с номером вопроса — нет вопросов, текста или объяснения, вариантов не 3–4,
    верный не один, незнакомое поле.
    """
    try:
        fields = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{name}: это не TOML ({error}).") from None
    _check_fields(name, fields, {"question"})
    questions = _tables(name, fields, "question")
    return tuple(
        _question(f"{name}, вопрос {number}", question)
        for number, question in enumerate(questions, start=1)
    )


def _question(place: str, fields: Mapping[str, Any]) -> Question:
    _check_fields(place, fields, {"text", "option"})
    text = _text(place, fields, "text")
    found = _tables(place, fields, "option")
    if not FEWEST <= len(found) <= MOST:
        raise ValueError(f"{place}: вариантов {len(found)}, а нужно от {FEWEST} до {MOST}.")
    named = zip(LETTERS, found, strict=False)
    options = tuple(_option(f"{place}, вариант {letter}", option) for letter, option in named)
    correct = sum(option.correct for option in options)
    if correct != 1:
        raise ValueError(f"{place}: верных вариантов {correct}, а нужен ровно один.")
    return Question(text, options)


def _option(place: str, fields: Mapping[str, Any]) -> Option:
    _check_fields(place, fields, {"text", "explanation", "correct"})
    correct = fields.get("correct", False)
    if not isinstance(correct, bool):
        raise ValueError(f"{place}: correct = {correct!r}, а нужно true или false.")
    return Option(_text(place, fields, "text"), _text(place, fields, "explanation"), correct)


def _text(place: str, fields: Mapping[str, Any], name: str) -> str:
    """Текст поля одной строкой; переносы в файле — для удобства, на экране их нет."""
    value = fields.get(name, "")
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{place}: {name} = {value!r}, а нужен непустой текст.")
    return re.sub(r"[ \n]+", " ", value).strip()


def _tables(place: str, fields: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = fields.get(name, [])
    if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):
        raise ValueError(f"{place}: {name} = {found!r}, а нужны таблицы [[…{name}]].")
    if not found:
        raise ValueError(f"{place}: нет ни одной таблицы [[…{name}]].")
    return found


def _check_fields(place: str, fields: Mapping[str, Any], known: set[str]) -> None:
    """Незнакомое поле — почти всегда опечатка."""
    if unknown := sorted(fields.keys() - known):
        raise ValueError(
            f"{place}: незнакомое поле {unknown[0]}, бывают {', '.join(sorted(known))}."
        )


def _check_number(name: str, number: int, count: int) -> None:
    if not isinstance(number, int) or not 0 <= number < count:
        raise ValueError(f"{name} = {number!r}: номера — от 0 до {count - 1}.")
