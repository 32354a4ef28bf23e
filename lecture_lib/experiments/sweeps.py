"""Долгие опыты: много независимых обучений, строки результатов на диске, продолжение с места.

Опыт — список заданий (вариант, зерно) и функция, которая по заданию возвращает строку чисел.
Готовая строка сразу дописывается в файл; повторный вызов считает только то, чего в файле нет.
Процессов столько, сколько ядер, и у каждого один поток: маленьким моделям так выгоднее, чем один
процесс с несколькими потоками.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from tqdm.auto import tqdm

from lecture_lib.checkpoints import append_row, read_history
from lecture_lib.files import write_atomically

SETTINGS = "settings.json"
ROWS = "rows.jsonl"

Row = dict[str, Any]
RunOne = Callable[[Mapping[str, Any], Mapping[str, Any], str], Row]


def sweep(
    jobs: Sequence[Mapping[str, Any]],
    run_one: RunOne,
    settings: Mapping[str, Any],
    folder: str | Path,
    *,
    workers: int | None = None,
    progress: bool = True,
) -> list[Row]:
    """Выполняет задания и возвращает все строки опыта, в порядке заданий.

    run_one(job, settings, folder) вызывается в отдельном процессе, поэтому это функция модуля.
    settings — всё, от чего зависят числа; с другими настройками в той же папке — ValueError.
    Прерванный опыт («Ctrl+C», kill) продолжает тот же вызов: готовые строки целы.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _check_settings(folder, settings)
    done = read_history(folder / ROWS)
    left = [job for job in jobs if not any(_answers(row, job) for row in done)]
    workers = min(workers or os.cpu_count() or 1, max(len(left), 1))
    bar = tqdm(total=len(jobs), initial=len(jobs) - len(left), desc="Опыт", disable=not progress)
    with bar, _pool(workers) as pool:
        waiting = {pool.submit(run_one, job, settings, str(folder)): job for job in left}
        try:
            for future in as_completed(waiting):
                row = {**waiting[future], **future.result()}
                append_row(folder / ROWS, row)
                done.append(row)
                bar.update()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [next(row for row in done if _answers(row, job)) for job in jobs]


def save_rows(rows: Iterable[Row], settings: Mapping[str, Any], path: str | Path) -> None:
    """Пишет строки опыта одним файлом JSON — тем, что лежит в поставке рядом с опытом."""
    report = {"settings": dict(settings), "versions": versions(), "rows": list(rows)}
    lines = json.dumps(report, ensure_ascii=False, indent=1)
    write_atomically(path, (lines + "\n").encode())


def read_rows(path: str | Path) -> dict[str, Any]:
    """Файл save_rows: settings, versions, rows. ValueError — файла нет или он испорчен."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(
            f"path = {str(path)!r}: строк опыта здесь нет или файл испорчен."
        ) from error


def versions() -> dict[str, str]:
    """На чём считали: Python, torch, процессор."""
    import torch

    processor = getattr(torch.cpu, "get_capabilities", dict)().get("cpu_name", "")
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "processor": str(processor or platform.machine()),
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Среднее и стандартное отклонение по запускам; у одного запуска отклонение — 0."""
    return {
        "mean": fmean(values),
        "std": stdev(values) if len(values) > 1 else 0.0,
        "seeds": len(values),
    }


def _pool(workers: int) -> ProcessPoolExecutor:
    # spawn: у дочернего процесса свой torch, без потоков и замков родителя.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _answers(row: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    return all(row.get(name) == value for name, value in job.items())


def _check_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    path = folder / SETTINGS
    plain = json.loads(json.dumps(settings))
    if not path.exists():
        write_atomically(path, json.dumps(plain, ensure_ascii=False, indent=1).encode())
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    changed = [n for n in {*before, *plain} if before.get(n) != plain.get(n)]
    if changed:
        listed = "; ".join(f"{n}: было {before.get(n)}, стало {plain.get(n)}" for n in changed)
        raise ValueError(
            f"folder = {str(folder)!r}: здесь начат опыт с другими настройками ({listed}). "
            "Верните прежние или укажите другую папку."
        )
