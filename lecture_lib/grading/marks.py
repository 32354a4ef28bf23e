"""Оценки, поставленные человеком: из журнала nbgrader или из ведомости — в итоги.

Записи проверки не меняются: оценка накладывается на них, когда печатаются ведомость и страницы.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lecture_lib.grading.results import Record, Status, TaskResult
from lecture_lib.grading.submission import Assignment


@dataclass(frozen=True)
class Mark:
    """Балл и, быть может, слова к нему."""

    points: float
    comment: str = ""


Marks = Mapping[tuple[str, str], Mark]  # (студент, номер задания) -> оценка


def with_marks(records: Sequence[Record], marks: Marks) -> list[Record]:
    """Записи, в которых исход оценённых человеком заданий — его оценка."""
    return [
        replace(record, tasks=tuple(_marked(record.student, task, marks) for task in record.tasks))
        for record in records
    ]


def _marked(student: str, task: TaskResult, marks: Marks) -> TaskResult:
    mark = marks.get((student, task.task))
    if mark is None:
        return task
    said = mark.comment or task.message
    return replace(task, status=Status.MARKED, points=mark.points, message=said)


def read_marks_file(path: Path, assignment: Assignment) -> Marks:
    """Оценки из ведомости grades.csv, где вписаны баллы письменных заданий; пусто — не оценено.

    ValueError — нет столбца студентов, вместо балла не число или балл больше возможного.
    """
    text = path.read_text(encoding="utf-8-sig")
    first = text.partition("\n")[0]
    separator = ";" if first.count(";") > first.count(",") else ","  # так сохраняет русский Excel
    rows = list(csv.DictReader(text.splitlines(), delimiter=separator))
    if rows and "студент" not in rows[0]:
        raise ValueError(f"{path.name}: нет столбца «студент».")
    marks = {}
    for row in rows:
        for item in assignment.written:
            value = (row.get(f"{item.id} баллы") or "").strip()
            if value:
                points = _points(value, item.points, f"{path.name}, {row['студент']}, {item.id}")
                marks[row["студент"], item.id] = Mark(points)
    return marks


def _points(value: str, most: float, place: str) -> float:
    try:
        points = float(value.replace(",", "."))
    except ValueError:
        points = math.nan
    if not 0 <= points <= most:
        raise ValueError(f"{place}: балл {value!r}, а бывает от 0 до {most:g}.")
    return points
