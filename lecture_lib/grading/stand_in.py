"""Дублёр lecture_lib.grading внутри песочницы: тетрадь зовёт check и hint, а судья — снаружи.

Настоящих проверок внутри нет, подменять здесь нечего: что бы ни вернул этот check, баллов он
не даёт.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Postponed:
    """Вместо карточки: проверит судья."""

    def __repr__(self) -> str:
        return "Проверит преподаватель."


def check(task_id: str, answer: Any = None) -> Postponed:
    """Ничего не проверяет: это сделает судья, когда тетрадь исполнится."""
    return Postponed()


def hint(task_id: str, number: int | None = None) -> Postponed:
    """Подсказок внутри нет."""
    return Postponed()


def picture(name: str) -> Callable[..., Postponed]:
    """Рисунок задания: смотреть на него внутри некому, а числа, по которым он построен, — ответ."""
    if name.startswith("__"):
        raise AttributeError(name)
    return lambda *arguments, **settings: Postponed()


def __getattr__(name: str) -> Any:
    """Любое другое имя пакета — незнакомое: тетради курса зовут только check и hint."""
    raise AttributeError(f"lecture_lib.grading: внутри песочницы нет имени «{name}».")
