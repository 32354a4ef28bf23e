"""Ответ студента, как его видит проверка: можно спросить значение и вызвать на входах.

Настоящая функция остаётся там, где её написали. В тетради это LocalAnswer; судье пакетной
проверки довольно своего класса с теми же value, facts и call — код студента он не исполняет.
"""

from __future__ import annotations

import contextlib
import linecache
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lecture_lib.grading.facts import Facts, facts_of
from lecture_lib.grading.wire import changed, plain, revive

LIBRARY = "lecture_lib."
OURS = "lecture_lib.grading"
LONGEST_MESSAGE = 300


@dataclass(frozen=True)
class Failure:
    """Исключение в коде студента: вид, текст, строка, где случилось, и короткий след."""

    kind: str
    message: str = ""
    line: int | None = None
    source: str = ""
    trace: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind


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
        with _watching(borrowed) if watch else contextlib.nullcontext():
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


@contextlib.contextmanager
def _watching(borrowed: list[str]) -> Iterator[None]:
    """Замечает, если внутри исполняется код lecture_lib, откуда бы его ни взяли."""

    def look(frame, event, _) -> None:
        if event == "call":
            module = frame.f_globals.get("__name__", "")
            if module.startswith(LIBRARY) and not module.startswith(OURS):
                borrowed.append(f"{module}.{frame.f_code.co_name}")

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


def describe_failure(error: BaseException) -> Failure:
    """Исключение словами: своя строка студента и след без чужих строк."""
    message = " ".join(str(error).split())[:LONGEST_MESSAGE]
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_students(f.filename)]
    if not frames:
        return Failure(type(error).__name__, message)
    last = frames[-1]
    trace = tuple(f"строка {f.lineno}, {f.name}: {(f.line or '').strip()}" for f in frames[-4:])
    return Failure(type(error).__name__, message, last.lineno, _line(last), trace)


def _line(frame: traceback.FrameSummary) -> str:
    return (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()


_FOREIGN = tuple(
    str(Path(path).resolve()) for path in (sys.prefix, sys.base_prefix, Path(__file__).parent)
)


def _is_students(filename: str) -> bool:
    """Строка ли это студента: не библиотека, не Python и не сама проверка."""
    if filename.startswith("<frozen") or "site-packages" in filename:
        return False
    if filename.startswith("<"):
        return True
    return not str(Path(filename).resolve()).startswith(_FOREIGN)
