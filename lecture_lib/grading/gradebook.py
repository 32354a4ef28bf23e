"""Журнал nbgrader: баллы и пометы судьи — через его API, ручные оценки остаются.

Крах, тайм-аут и сбой проверки записываются нулём, который ждёт человека (needs_manual_grade),
и словом в комментарии; несданная работа в журнал не попадает, как это принято у nbgrader.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from lecture_lib.grading.results import Record, State, Status, TaskResult
from lecture_lib.grading.submission import Assignment

WAITS = (Status.CRASH, Status.TIMEOUT, Status.REVIEW)


def cell_name(kind: str, task_id: str) -> str:
    """Имя ячейки в тетрадях курса: «check-02-1»."""
    return f"{kind}-{task_id.replace('.', '-')}"


def write_gradebook(url: str, assignment: Assignment, records: Sequence[Record]) -> None:
    """Записывает итоги в журнал по адресу вида sqlite:///gradebook.db.

    Повторная запись ничего не удваивает. ImportError — nbgrader не поставлен.
    """
    try:
        from nbgrader.api import Gradebook
    except ImportError:
        raise ImportError("Для журнала нужен nbgrader: pip install 'lecture-lib[grade]'.") from None
    with _own_programs(), Gradebook(url) as gradebook:
        notebook = Path(assignment.notebook or f"{assignment.id}.ipynb").stem
        _describe(gradebook, assignment, notebook)
        for record in records:
            if record.state is not State.MISSING:
                _write_record(gradebook, notebook, record)


@contextlib.contextmanager
def _own_programs() -> Iterator[None]:
    """Новый журнал nbgrader размечает командой alembic, а она стоит рядом с этим Python."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _describe(gradebook, assignment: Assignment, notebook: str) -> None:
    """Задание, тетрадь и её ячейки; что уже есть в журнале, остаётся."""
    name = assignment.id
    gradebook.update_or_create_assignment(name)
    gradebook.update_or_create_notebook(notebook, name)
    for task in assignment.tasks:
        gradebook.update_or_create_grade_cell(
            cell_name("check", task.id), notebook, name, max_score=task.points, cell_type="code"
        )
        gradebook.update_or_create_solution_cell(cell_name("answer", task.id), notebook, name)


def _write_record(gradebook, notebook: str, record: Record) -> None:
    gradebook.update_or_create_student(record.student)
    gradebook.update_or_create_submission(record.assignment, record.student)
    where = (notebook, record.assignment, record.student)
    unreadable = record.state is State.UNREADABLE
    for task in record.tasks:
        grade = gradebook.find_grade(cell_name("check", task.task), *where)
        grade.auto_score = task.points
        # Поставленное руками не трогаем и снова проверять не просим.
        waits = unreadable or task.status in WAITS
        grade.needs_manual_grade = waits and grade.manual_score is None
        comment = gradebook.find_comment(cell_name("answer", task.task), *where)
        comment.auto_comment = str(record.state) if unreadable else _comment(task)
    gradebook.db.commit()


def _comment(task: TaskResult) -> str:
    return f"{task.status}: {task.message}" if task.message else str(task.status)
