"""Что случилось, пока исполнялся код студента: исключение словами и заимствование готового.

Модуль нужен и в тетради, и в песочнице, поэтому не импортирует ничего тяжёлого.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType

LIBRARY = Path(__file__).parents[1]
# Модули проверки, которые исполняются, пока работает код студента; эталонов в них нет.
OURS = ("answer", "facts", "failures", "given", "judge", "runner", "wire")
# Чужие пакеты, которые стоят вместе с курсом и решают задание одним вызовом: seqeval — 05.2.
READY = ("seqeval",)
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
    """Замечает, если внутри исполняется код lecture_lib или пакета из READY, откуда бы ни взяли.

    Эталоны самих проверок — тоже lecture_lib; другой поток и снятое наблюдение не прячут ничего.
    """
    known: dict[CodeType, str] = {}

    def look(frame: FrameType, event: str, _) -> None:
        if event != "call":
            return
        code = frame.f_code
        if code not in known:
            known[code] = _library_name(frame)
        if known[code]:
            borrowed.append(known[code])

    before, before_threads = sys.getprofile(), threading.getprofile()
    sys.setprofile(look)
    threading.setprofile(look)
    try:
        yield
    finally:
        if sys.getprofile() is not look:
            borrowed.append("код, который снял наблюдение (sys.setprofile)")
        sys.setprofile(before)
        threading.setprofile(before_threads)


def _library_name(frame: FrameType) -> str:
    """Имя готовой функции — по файлу, откуда её код, или по модулю; пусто — она не оттуда."""
    path = frame.f_code.co_filename
    if path.startswith(f"{LIBRARY}{os.sep}"):
        parts = Path(path).relative_to(LIBRARY.parent).with_suffix("").parts
    else:
        parts = tuple(str(frame.f_globals.get("__name__", "")).split("."))
    if parts[0] in READY:
        return ".".join((*parts, frame.f_code.co_name))
    is_ours = parts[:2] == (LIBRARY.name, "grading") and parts[-1] in OURS
    if parts[0] != LIBRARY.name or len(parts) < 2 or is_ours:
        return ""
    return ".".join((*parts, frame.f_code.co_name))


def _line(frame: traceback.FrameSummary) -> str:
    return (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()


def _is_students(filename: str) -> bool:
    """Строка ли это студента: не библиотека, не Python и не сама проверка."""
    if filename.startswith("<frozen") or "site-packages" in filename:
        return False
    if filename.startswith("<"):
        return True
    return not str(Path(filename).resolve()).startswith(_FOREIGN)
