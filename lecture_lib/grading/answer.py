"""Ответ студента, как его видит проверка: можно спросить значение и вызвать на входах.

Настоящая функция остаётся там, где её написали. В тетради это LocalAnswer; судье пакетной
проверки довольно своего класса с теми же value, facts и call — код студента он не исполняет.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lecture_lib.grading.facts import Facts, facts_of
from lecture_lib.grading.failures import Failure, describe_failure, watch_library
from lecture_lib.grading.wire import changed, plain, revive


@dataclass(frozen=True)
class Reply:
    """Что вернул один вызов: значение (после plain) или ошибка.

    changed — номера входов, которые функция изменила; borrowed — функция lecture_lib, которой она
    воспользовалась (пусто — ни одной или не следили).
    """

    value: Any = None
    failure: Failure | None = None
    changed: tuple[int, ...] = ()
    borrowed: str = ""


class StudentFailure(Exception):
    """Код студента упал, а проверка на это не рассчитывала."""

    def __init__(self, failure: Failure, arguments: Sequence[Any]) -> None:
        super().__init__(str(failure))
        self.failure, self.arguments = failure, tuple(arguments)


class Answer(Protocol):
    """То, что проверка знает об ответе."""

    facts: Facts

    def value(self) -> Any:
        """Сам ответ, если это не функция: число, строка, словарь (после plain)."""

    def call(self, *arguments: Any, watch: bool = True) -> Reply:
        """Вызов функции студента; входы — как в wire. watch=False — не следить за lecture_lib."""


@dataclass(frozen=True)
class LocalAnswer:
    """Ответ в этом же процессе: объект из тетради."""

    answer: Any

    @property
    def facts(self) -> Facts:
        """Что видно, не вызывая: функция ли это и не заготовка ли."""
        return facts_of(self.answer)

    def value(self) -> Any:
        """Сам ответ после plain."""
        return plain(self.answer)

    def call(self, *arguments: Any, watch: bool = True) -> Reply:
        """Вызывает функцию на собственных копиях входов."""
        return perform(self.answer, arguments, watch)


def perform(function: Any, arguments: Sequence[Any], watch: bool = True) -> Reply:
    """Один вызов функции студента — там, где она живёт; ошибка не вылетает наружу, а описана.

    KeyboardInterrupt проходит: остановить проверку можно всегда.
    """
    given = [revive(argument) for argument in arguments]
    failure, value, borrowed = None, None, []
    try:
        with watch_library(borrowed) if watch else contextlib.nullcontext():
            value = plain(function(*given))
    except (Exception, SystemExit) as error:
        failure = describe_failure(error)
    pairs = enumerate(zip(arguments, given, strict=True))
    return Reply(
        value=value,
        failure=failure,
        changed=tuple(number for number, (before, after) in pairs if changed(before, after)),
        borrowed=borrowed[0] if borrowed else "",
    )
