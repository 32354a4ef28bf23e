"""Пакетная проверка: сколько секунд уходит на одну работу, когда их много.

Работы собираются из тетради преподавателя: каждая третья — верная, каждая третья — нетронутая
заготовка, каждая третья — с ячейкой, на которой песочница умирает и начинает заново. Итог —
настоящее время всего захода, делённое на число работ.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import aligned, decimal, note, parse_arguments, show
from lecture_lib.grading.batch import Folders, grade_all
from lecture_lib.grading.judge import Court
from lecture_lib.grading.results import Record, State
from lecture_lib.grading.sandbox import find_isolation
from lecture_lib.grading.submission import find_assignment
from lecture_lib.lab import find_course_root

ASSIGNMENT = "02"
COUNT, QUICK_COUNT = 100, 6
JOBS = 2
KINDS = ("верная", "заготовка", "с крахом")
CRASH = {
    "cell_type": "code",
    "id": "crash",
    "metadata": {},
    "outputs": [],
    "execution_count": None,
    "source": "import os\nos._exit(1)",
}


def make_submissions(folder: Path, count: int) -> None:
    """Складывает count работ трёх видов по очереди."""
    root = find_course_root()
    name = find_assignment(ASSIGNMENT).notebook
    right = json.loads((root / "solutions" / name).read_text(encoding="utf-8"))
    stub = json.loads((root / "exercises" / name).read_text(encoding="utf-8"))
    crashing = {**right, "cells": [CRASH, *right["cells"]]}
    for number in range(count):
        kind = number % len(KINDS)
        place = folder / f"{number:03d} {KINDS[kind]}"
        place.mkdir(parents=True)
        text = json.dumps((right, stub, crashing)[kind], ensure_ascii=False)
        (place / name).write_text(text, encoding="utf-8")


def check_grades(records: Sequence[Record], count: int) -> None:
    """Замер стоит чего-то, только если оценки верны; RuntimeError — нет."""
    if len(records) != count:
        raise RuntimeError(f"Проверено {len(records)} работ из {count}.")
    for record in records:
        kind = record.student.partition(" ")[2]
        full = 0 if kind == "заготовка" else record.max_points
        state = State.CRASH if kind == "с крахом" else State.GRADED
        if (record.points, record.state) != (full, state):
            raise RuntimeError(f"{record.student}: {record.points} баллов, {record.state}.")


def measure(count: int) -> dict[str, object]:
    """Весь замер."""
    isolation = find_isolation()
    if isolation.warning:
        note(isolation.warning)
    with tempfile.TemporaryDirectory() as base:
        folders = Folders(Path(base, "submissions"), Path(base, "grades"))
        make_submissions(folders.submissions, count)
        court = Court(isolation, hidden=(folders.submissions,))
        started = time.perf_counter()
        records = grade_all(folders, find_assignment(ASSIGNMENT), court, JOBS)
        seconds = time.perf_counter() - started
    check_grades(records, count)
    return {
        "seconds_per_submission": seconds / count,
        "seconds": seconds,
        "submissions": count,
        "jobs": JOBS,
        "sandbox": "bubblewrap" if isolation.bubblewrap else "без bubblewrap",
        "states": dict(Counter(str(record.state) for record in records)),
    }


def as_lines(values: dict) -> list[str]:
    """Отчёт для человека."""
    rows = [
        ("работ", str(values["submissions"])),
        ("сразу проверяется", str(values["jobs"])),
        ("секунд на работу", decimal(values["seconds_per_submission"], 2)),
        ("секунд всего", decimal(values["seconds"])),
        ("песочница", values["sandbox"]),
    ]
    return aligned([*rows, *((state, str(count)) for state, count in values["states"].items())])


def main(argv: Sequence[str] | None = None) -> None:
    """Команда python -m benchmarks.grading."""
    options = parse_arguments("Скорость пакетной проверки", argv)
    values = measure(QUICK_COUNT if options.quick else COUNT)
    show(options, f"Проверка работ урока {ASSIGNMENT}", values, as_lines(values))


if __name__ == "__main__":
    main()
