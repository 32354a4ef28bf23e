"""Что случилось, пока исполнялся код студента: исключение словами и заимствование из lecture_lib.

Модуль нужен и в тетради, и в песочнице, поэтому не импортирует ничего тяжёлого.
"""

from __future__ import annotations

import contextlib
import linecache
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LIBRARY = "lecture_lib."
OURS = "lecture_lib.grading"
LONGEST_MESSAGE = 300
_FOREIGN = tuple(
    str(Path(path).resolve()) for path in (sys.prefix, sys.base_prefix, Path(__file__).parents[1])
)


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


def describe_failure(error: BaseException) -> Failure:
    """Исключение словами: своя строка студента и след без чужих строк."""
    message = " ".join(str(error).split())[:LONGEST_MESSAGE]
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_students(f.filename)]
    if not frames:  # до исполнения дело не дошло: строку знает сама SyntaxError
        line, source = getattr(error, "lineno", None), getattr(error, "text", None)
        return Failure(type(error).__name__, message, line, (source or "").strip())
    last = frames[-1]
    trace = tuple(f"строка {f.lineno}, {f.name}: {(f.line or '').strip()}" for f in frames[-4:])
    return Failure(type(error).__name__, message, last.lineno, _line(last), trace)


@contextlib.contextmanager
def watch_library(borrowed: list[str]) -> Iterator[None]:
    """Замечает, если внутри исполняется код lecture_lib, откуда бы его ни взяли."""

    def look(frame, event, _) -> None:
        module = str(frame.f_globals.get("__name__", ""))
        if event == "call" and module.startswith(LIBRARY) and not module.startswith(OURS):
            borrowed.append(f"{module}.{frame.f_code.co_name}")

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


def _line(frame: traceback.FrameSummary) -> str:
    return (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()


def _is_students(filename: str) -> bool:
    """Строка ли это студента: не библиотека, не Python и не сама проверка."""
    if filename.startswith("<frozen") or "site-packages" in filename:
        return False
    if filename.startswith("<"):
        return True
    return not str(Path(filename).resolve()).startswith(_FOREIGN)
