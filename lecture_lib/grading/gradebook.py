"""Журнал nbgrader: баллы и пометы судьи — через его API, ручные оценки остаются.

Крах, тайм-аут и сбой проверки записываются нулём, который ждёт человека (needs_manual_grade),
и словом в комментарии; у письменного ответа автоматического балла нет вовсе. Несданная работа
в журнал не попадает, как это принято у nbgrader.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from lecture_lib.grading.marks import Mark, Marks
from lecture_lib.grading.results import Record, State, Status, TaskResult
from lecture_lib.grading.submission import Assignment, cell_name

WAITS = (Status.CRASH, Status.TIMEOUT, Status.REVIEW, Status.WAITING)


def write_gradebook(url: str, assignment: Assignment, records: Sequence[Record]) -> None:
    """Записывает итоги в журнал по адресу вида sqlite:///gradebook.db.

    Повторная запись ничего не удваивает. ImportError — nbgrader не поставлен.
    """
    with _open(url) as gradebook:
        notebook = notebook_name(assignment)
        _describe(gradebook, assignment, notebook)
        for record in records:
            if record.state is not State.MISSING:
                _write_record(gradebook, assignment, notebook, record)


def read_marks(url: str, assignment: Assignment) -> Marks:
    """Оценки, поставленные в журнале руками; те, что ждут пересмотра, — не в счёт."""
    from nbgrader.api import MissingEntry

    marks: Marks = {}
    with _open(url) as gradebook:
        for submission in gradebook.assignment_submissions(assignment.id):
            for task, grade_cell, answer_cell in _cells(assignment):
                where = (notebook_name(assignment), assignment.id, submission.student.id)
                with contextlib.suppress(MissingEntry):
                    grade = gradebook.find_grade(grade_cell, *where)
                    said = gradebook.find_comment(answer_cell, *where).manual_comment
                    if grade.manual_score is not None and not grade.needs_manual_grade:
                        mark = Mark(float(grade.manual_score), said or "")
                        marks[submission.student.id, task] = mark
    return marks


def notebook_name(assignment: Assignment) -> str:
    """Имя тетради в журнале: имя файла без расширения."""
    return Path(assignment.notebook or f"{assignment.id}.ipynb").stem


@contextlib.contextmanager
def _open(url: str) -> Iterator:
    try:
        from nbgrader.api import Gradebook
    except ImportError:
        raise ImportError("Для журнала нужен nbgrader: pip install 'lecture-lib[grade]'.") from None
    with _own_programs(), Gradebook(url) as gradebook:
        yield gradebook


@contextlib.contextmanager
def _own_programs() -> Iterator[None]:
    """Новый журнал nbgrader размечает командой alembic, а она стоит рядом с этим Python."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _cells(assignment: Assignment) -> Iterator[tuple[str, str, str]]:
    """Задание, ячейка с баллом и ячейка с ответом; у письменного это одна ячейка."""
    for task in assignment.tasks:
        yield task.id, cell_name("check", task.id), cell_name("answer", task.id)
    for item in assignment.written:
        yield item.id, cell_name("answer", item.id), cell_name("answer", item.id)


def _describe(gradebook, assignment: Assignment, notebook: str) -> None:
    """Задание, тетрадь и её ячейки; что уже есть в журнале, остаётся."""
    name = assignment.id
    gradebook.update_or_create_assignment(name)
    gradebook.update_or_create_notebook(notebook, name)
    points = {item.id: item.points for item in (*assignment.tasks, *assignment.written)}
    for task, grade_cell, answer_cell in _cells(assignment):
        kind = "markdown" if grade_cell == answer_cell else "code"
        gradebook.update_or_create_grade_cell(
            grade_cell, notebook, name, max_score=points[task], cell_type=kind
        )
        gradebook.update_or_create_solution_cell(answer_cell, notebook, name)


def _write_record(gradebook, assignment: Assignment, notebook: str, record: Record) -> None:
    gradebook.update_or_create_student(record.student)
    gradebook.update_or_create_submission(record.assignment, record.student)
    where = (notebook, record.assignment, record.student)
    unreadable = record.state is State.UNREADABLE
    results = {task.task: task for task in record.tasks}
    for name, grade_cell, answer_cell in _cells(assignment):
        task = results[name]
        grade = gradebook.find_grade(grade_cell, *where)
        comment = gradebook.find_comment(answer_cell, *where)
        said = str(record.state) if unreadable else _comment(task)
        is_new = task.status is Status.WAITING and comment.auto_comment not in (None, said)
        grade.auto_score = None if task.status is Status.WAITING else task.points
        # Поставленное руками не трогаем и снова проверять не просим — если ответ тот же.
        waits = unreadable or task.status in WAITS
        grade.needs_manual_grade = waits and (grade.manual_score is None or is_new)
        comment.auto_comment = said
    gradebook.db.commit()


def _comment(task: TaskResult) -> str:
    return f"{task.status}: {task.message}" if task.message else str(task.status)
