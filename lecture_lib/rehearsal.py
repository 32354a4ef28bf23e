"""Репетиция показа: все ячейки слайдов в новом ядре, секунды каждой и внятный итог.

Заодно прогревает машину: модели, словари и шрифты, прочитанные сейчас, в классе откроются быстрее.
Исполняется ровно то, что увидит зал, — слайды, а не урок.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lecture_lib.execution import CELL_TIMEOUT
from lecture_lib.outline import numbered

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode

SLOW = 10.0  # секунд: дольше зал ждать не станет


@dataclass(frozen=True)
class CellRun:
    """Исполненная ячейка: номер экрана, первая строка, секунды, ошибка (пусто — её нет)."""

    slide: int
    cell: str
    line: str
    seconds: float
    error: str = ""


@dataclass(frozen=True)
class Rehearsal:
    """Итог репетиции; limit — сколько секунд считается долгим."""

    runs: tuple[CellRun, ...]
    limit: float = SLOW
    problem: str = ""  # что не так с самой машиной, например нет пакета показа

    @property
    def failed(self) -> list[CellRun]:
        """Ячейки с ошибкой."""
        return [run for run in self.runs if run.error]

    @property
    def slow(self) -> list[CellRun]:
        """Ячейки без ошибки, которых пришлось бы ждать дольше limit секунд."""
        return [run for run in self.runs if not run.error and run.seconds > self.limit]

    @property
    def ok(self) -> bool:
        """Можно ли идти в класс; долгая ячейка — не помеха, о ней достаточно знать."""
        return not self.failed and not self.problem

    @property
    def seconds(self) -> float:
        """Секунд на все ячейки."""
        return sum(run.seconds for run in self.runs)

    def as_dict(self) -> dict[str, object]:
        """Тот же итог для ``--json``."""
        return {
            "ok": self.ok,
            "seconds": round(self.seconds, 2),
            "limit": self.limit,
            "failed": [run.cell for run in self.failed],
            "slow": [run.cell for run in self.slow],
            "problem": self.problem,
            "cells": [asdict(run) for run in self.runs],
        }


def rehearse(
    deck: NotebookNode, folder: Path, limit: float = SLOW, timeout: float = CELL_TIMEOUT
) -> Rehearsal:
    """Исполняет ячейки показа по порядку в новом ядре; после ошибки идёт дальше.

    folder: рабочая папка ядра; timeout: секунд, после которых ячейка считается зависшей — на ней
    репетиция кончается.
    """
    from nbclient import NotebookClient

    client = NotebookClient(
        deck,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
    )
    with client.setup_kernel():
        return Rehearsal(tuple(run_cells(client)), limit)


def run_cells(client: NotebookClient) -> Iterator[CellRun]:
    """Исполняет ячейки с кодом по порядку, пока ядро отвечает."""
    for index, (slide, _, cell) in enumerate(numbered(client.nb)):
        if cell.cell_type == "code":
            start = time.perf_counter()
            error, answers = run_cell(client, index)
            seconds = time.perf_counter() - start
            line = next(line for line in cell.source.splitlines() if line.strip()).strip()
            yield CellRun(slide, cell.metadata["lecture"]["cell"], line, seconds, error)
            if not answers:  # спрашивать остальное не у кого
                return


def run_cell(client: NotebookClient, index: int) -> tuple[str, bool]:
    """Исполняет одну ячейку; возвращает ошибку (пусто — её нет) и отвечает ли ещё ядро."""
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    try:
        client.execute_cell(client.nb.cells[index], index)
    except CellExecutionError as failure:
        return f"{failure.ename}: {failure.evalue}", True
    except CellTimeoutError:
        return f"не закончилась за {client.timeout:g} с, дальше репетиция не пошла", False
    except DeadKernelError:
        return "ядро умерло, дальше репетиция не пошла", False
    return "", True


def describe_rehearsal(rehearsal: Rehearsal) -> str:
    """Таблица секунд и итог текстом для терминала."""
    lines = ["экран  секунд  ячейка"]
    for run in rehearsal.runs:
        mark = "✗" if run.error else "!" if run in rehearsal.slow else " "
        seconds = f"{run.seconds:.1f}".replace(".", ",")
        lines.append(f"{run.slide:>5} {seconds:>7} {mark} {run.line[:70]}")
        if run.error:
            lines.append(f"{'':>15} → {run.error.splitlines()[0][:100]}")
    return "\n".join([*lines, "", verdict(rehearsal)])


def verdict(rehearsal: Rehearsal) -> str:
    """Итог: можно ли показывать и о чём знать заранее."""
    total = f"{rehearsal.seconds:.0f} с на {len(rehearsal.runs)} ячеек с кодом"
    said = [f"Исполнено: {total}."]
    if rehearsal.problem:
        said.append(f"Показ не откроется: {rehearsal.problem}.")
    if rehearsal.failed:
        slides = ", ".join(str(run.slide) for run in rehearsal.failed)
        said.append(f"Показывать нельзя: ошибки на экранах {slides}.")
    if rehearsal.slow:
        slides = ", ".join(f"{run.slide} ({run.seconds:.0f} с)" for run in rehearsal.slow)
        said.append(f"Дольше {rehearsal.limit:g} с придётся ждать на экранах {slides}.")
    if rehearsal.ok:
        said.append("Ошибок нет, можно показывать.")
    return " ".join(said)
