"""Замер пакетной проверки: работы трёх видов, а неверным оценкам замер не верит."""

from __future__ import annotations

import pytest

from benchmarks import grading
from lecture_lib.grading.results import Record, State, Status, TaskResult
from lecture_lib.grading.submission import find_assignment, find_submissions, read_submission


def test_submissions_of_three_kinds(tmp_path):
    """Верная, заготовка и с крахом — по очереди; крах — первой ячейкой."""
    grading.make_submissions(tmp_path, 4)
    assignment = find_assignment(grading.ASSIGNMENT)
    found = find_submissions(tmp_path, assignment)
    assert [name.partition(" ")[2] for name in found] == [*grading.KINDS, "верная"]
    read = [read_submission(name, paths, assignment) for name, paths in found.items()]
    assert all(submission.problem is None for submission in read)
    right, stub, crash, again = (submission.cells for submission in read)
    assert right == again != stub
    assert crash[1:] == right and "_exit" in crash[0]


def test_wrong_grades_are_refused():
    """Лишний балл, недостача и пропавшая работа — RuntimeError."""
    full = TaskResult("02.1", "", Status.RIGHT, 2, 2)
    zero = TaskResult("02.1", "", Status.NOT_ATTEMPTED, 0, 2)
    right = Record("0 верная", "02", State.GRADED, (full,))
    stub = Record("1 заготовка", "02", State.GRADED, (zero,))
    crash = Record("2 с крахом", "02", State.CRASH, (full,))
    grading.check_grades([right, stub, crash], 3)
    for bad in (
        Record("0 верная", "02", State.GRADED, (zero,)),
        Record("1 заготовка", "02", State.GRADED, (full,)),
        Record("2 с крахом", "02", State.GRADED, (full,)),
    ):
        with pytest.raises(RuntimeError, match=bad.student):
            grading.check_grades([bad], 1)
    with pytest.raises(RuntimeError, match="1 работ из 2"):
        grading.check_grades([right], 2)
