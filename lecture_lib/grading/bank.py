"""Банк ответов: неверные — как ошибаются люди — и верные, написанные по-разному.

Банк — папка файлов .md; преподаватель пополняет его, положив рядом ещё один. В файле — сколько
угодно ответов, у каждого заголовок и ячейка кода:

    ### 02.2 неверно two_coins: две монеты подряд
    ### 02.2 верно: циклы
    ### 02.2 не начато: заготовка

Первое слово после «неверно» — ошибка, которую проверка должна назвать.
"""

from __future__ import annotations

import contextlib
import io
import linecache
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lecture_lib.grading.answer import LocalAnswer
from lecture_lib.grading.check import get_task, run_check
from lecture_lib.grading.outcome import Outcome, Verdict

FOLDER = Path(__file__).with_name("bank")
ENTRY = re.compile(
    r"^### +(\d\d\.\d+) +(неверно|верно|не начато)(?: +(\w+))?: *(.*?)\n+```python\n(.*?)^```",
    re.MULTILINE | re.DOTALL,
)
WANTED = {
    "неверно": Verdict.WRONG,
    "верно": Verdict.RIGHT,
    "не начато": Verdict.NOT_ATTEMPTED,
}
PRELUDE = """
import math
import random

import numpy as np
import torch
import torch.nn.functional as F
"""


@dataclass(frozen=True)
class Entry:
    """Ответ из банка: задание, какого исхода и какой ошибки ждать, пояснение, текст."""

    task: str
    verdict: Verdict
    mistake: str
    title: str
    source: str
    file: str = ""

    @property
    def id(self) -> str:
        """Имя для теста: «02.2 неверно two_coins: две монеты подряд»."""
        return " ".join(filter(None, [self.task, str(self.verdict), self.mistake, self.title]))

    def answer(self) -> Any:
        """Исполняет текст, как ячейку тетради, и возвращает то, что сдал бы студент."""
        name = f"<банк {self.id}>"
        linecache.cache[name] = (len(self.source), None, self.source.splitlines(True), name)
        space: dict[str, Any] = {"__name__": "__main__"}
        exec(PRELUDE, space)
        exec(compile(self.source, name, "exec"), space)
        return space[get_task(self.task).name]


@dataclass(frozen=True)
class Trial:
    """Ответ из банка и исход его проверки; seconds — времени процессора."""

    entry: Entry
    outcome: Outcome
    seconds: float

    @property
    def is_expected(self) -> bool:
        """Исход тот, что написан в банке; ошибка студента, упавшая с исключением, — тоже отказ."""
        if self.entry.verdict is Verdict.WRONG:
            return self.outcome.verdict in (Verdict.WRONG, Verdict.ERROR)
        return self.outcome.verdict is self.entry.verdict

    @property
    def is_diagnosed(self) -> bool:
        """Названа та самая ошибка; «error» в банке значит «остановится с исключением»."""
        if self.entry.mistake == "error":
            return self.outcome.verdict is Verdict.ERROR
        return self.outcome.mistake == self.entry.mistake


def load_bank(folder: Path = FOLDER) -> list[Entry]:
    """Все ответы папки; ValueError — заголовок без ячейки, незнакомое задание."""
    return [entry for path in sorted(folder.glob("*.md")) for entry in read_bank(path)]


def read_bank(path: Path) -> list[Entry]:
    """Ответы одного файла."""
    text = path.read_text(encoding="utf-8")
    entries = [
        Entry(task, WANTED[verdict], mistake or "", title.strip(), source, path.name)
        for task, verdict, mistake, title, source in ENTRY.findall(text)
    ]
    headings = len(re.findall(r"^### ", text, re.MULTILINE))
    if len(entries) != headings:
        raise ValueError(f"{path.name}: заголовков {headings}, а ответов с кодом {len(entries)}.")
    for entry in entries:
        get_task(entry.task)
        if (entry.verdict is Verdict.WRONG) != bool(entry.mistake):
            raise ValueError(f"{path.name}: «{entry.id}»: имя ошибки бывает у неверных, и только.")
    return entries


def try_entry(entry: Entry, seed: int | None = None) -> Trial:
    """Проверяет один ответ из банка."""
    start = time.process_time()  # на занятой машине часы на стене врут
    with contextlib.redirect_stdout(io.StringIO()):  # ответы, которые печатают, не портят отчёт
        outcome = run_check(get_task(entry.task), LocalAnswer(entry.answer()), seed)
    return Trial(entry, outcome, time.process_time() - start)


def matrix(entries: Iterable[Entry], seed: int | None = None) -> list[Trial]:
    """Проверяет все ответы по порядку."""
    return [try_entry(entry, seed) for entry in entries]


def summary(trials: Iterable[Trial]) -> dict[str, int]:
    """Счёт матрицы: заданий, неверных, отвергнутых, узнанных, верных, принятых."""
    trials = list(trials)
    wrong = [t for t in trials if t.entry.verdict is Verdict.WRONG]
    right = [t for t in trials if t.entry.verdict is Verdict.RIGHT]
    blank = [t for t in trials if t.entry.verdict is Verdict.NOT_ATTEMPTED]
    return {
        "tasks": len({t.entry.task for t in trials}),
        "wrong": len(wrong),
        "rejected": sum(t.is_expected for t in wrong),
        "diagnosed": sum(t.is_diagnosed for t in wrong),
        "right": len(right),
        "accepted": sum(t.is_expected for t in right),
        "stubs": len(blank),
        "not_attempted": sum(t.is_expected for t in blank),
    }
