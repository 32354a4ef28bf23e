"""Пакетная проверка: папка работ -> запись на каждого; прерванная, продолжается с места.

Запись пишется сразу и целиком, поэтому готовое не теряется, а проверенное не проверяется дважды;
изменилась работа или сама проверка — изменился отпечаток, и работа проверяется заново.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lecture_lib.grading.judge import Court, Hearing, judge_notebook
from lecture_lib.grading.results import (
    Record,
    State,
    Status,
    TaskResult,
    load_record,
    overall_state,
    save_record,
)
from lecture_lib.grading.sandbox import HERE, MEGABYTE
from lecture_lib.grading.submission import (
    Assignment,
    Submission,
    find_submissions,
    read_submission,
)
from lecture_lib.grading.task import Task
from lecture_lib.grading.written import Written

LOUD = MEGABYTE  # больше вывода — есть о чём сказать
Progress = Callable[[Record, bool], None]


@dataclass(frozen=True)
class Folders:
    """Откуда работы и куда итоги."""

    submissions: Path
    results: Path

    def record(self, student: str) -> Path:
        """Запись студента."""
        return self.results / "records" / f"{student}.json"


def grade_all(
    folders: Folders,
    assignment: Assignment,
    court: Court,
    jobs: int = 2,
    again: bool = False,
    progress: Progress = lambda record, fresh: None,
) -> list[Record]:
    """Проверяет все работы -> записи по алфавиту студентов.

    progress(record, fresh) зовётся после каждой; fresh=False — взята готовой. again=True —
    проверить и готовые. ValueError — папки с работами нет.
    """
    students = find_submissions(folders.submissions, assignment)
    (folders.results / "records").mkdir(parents=True, exist_ok=True)
    records: dict[str, Record] = {}

    def work(student: str, paths: Sequence[Path]) -> tuple[Record, bool]:
        return grade_one(student, paths, folders, assignment, court, again)

    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        futures = [pool.submit(work, *item) for item in students.items()]
        try:
            for future in as_completed(futures):
                record, fresh = future.result()
                records[record.student] = record
                progress(record, fresh)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [records[student] for student in sorted(records)]


def grade_one(
    student: str,
    paths: Sequence[Path],
    folders: Folders,
    assignment: Assignment,
    court: Court,
    again: bool = False,
) -> tuple[Record, bool]:
    """Проверяет одного и пишет запись; (запись, проверялся ли сейчас)."""
    started = time.monotonic()
    submission = read_submission(student, paths, assignment)
    mark = fingerprint(submission, assignment)
    ready = None if again else load_record(folders.record(student))
    if ready and ready.fingerprint == mark and ready.student == student:
        return ready, False
    record = _judged(submission, assignment, court, mark, started)
    save_record(record, folders.record(student))
    return record, True


def _judged(
    submission: Submission, assignment: Assignment, court: Court, mark: str, started: float
) -> Record:
    state, notes = submission.problem, list(submission.notes)
    written = [written_result(item, submission.answers) for item in assignment.written]
    if state is not None:
        tasks = [_untouched(task) for task in (*assignment.tasks, *assignment.written)]
    else:
        try:
            hearing = judge_notebook(submission.cells, assignment.tasks, court)
        except Exception as error:  # сбой самой проверки не останавливает остальных
            notes.append(f"Сбой проверки: {type(error).__name__}: {error}.")
            state = State.REVIEW
            tasks = [*map(_untouched, assignment.tasks), *written]
        else:
            tasks = [*(hearing.results[task.id] for task in assignment.tasks), *written]
            state = overall_state(tasks, [death.status for death in hearing.skipped.values()])
            notes += remarks(hearing)
    seconds = round(time.monotonic() - started, 2)
    return Record(
        submission.student, assignment.id, state, tuple(tasks), tuple(notes), seconds, mark
    )


def _untouched(task: Task | Written) -> TaskResult:
    return TaskResult(task.id, task.title, Status.NOT_ATTEMPTED, 0, task.points)


def written_result(item: Written, answers: Mapping[str, str | None]) -> TaskResult:
    """Письменное задание: заготовка не тронута — не начато, иначе ждёт преподавателя."""
    text = answers.get(item.id)
    if text == "":
        return _untouched(item)
    says = "Ячейки для ответа в тетради нет: ищите его рядом."
    if text is not None:
        mark = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:8]
        says = f"Слов: {len(text.split())}. Отпечаток ответа: {mark}."
    details = tuple((row.price, row.says) for row in item.criteria)
    return TaskResult(item.id, item.title, Status.WAITING, 0, item.points, says, details=details)


def remarks(hearing: Hearing) -> list[str]:
    """Что стоит знать преподавателю и студенту: убитые и упавшие ячейки, порядок, вывод."""
    notes = [
        f"Ячейка {number + 1} пропущена — {death.status}: {death.reason}."
        for number, death in sorted(hearing.skipped.items())
    ]
    for number, failure in sorted(hearing.failures.items()):
        later = _defined_later(hearing.cells, number, failure.kind, failure.message)
        hint = f" Имя задаёт ячейка {later + 1}: порядок ячеек не тот." if later else ""
        notes.append(f"Ячейка {number + 1} упала: {failure}.{hint}")
    if hearing.output_size > LOUD:
        size = hearing.output_size // MEGABYTE
        notes.append(f"Тетрадь напечатала {size} МБ; вывод отброшен.")
    return notes


def _defined_later(cells: Sequence[str], number: int, kind: str, message: str) -> int | None:
    """Номер более поздней ячейки, где задаётся имя, которого не хватило."""
    if kind != "NameError" or message.count("'") < 2:
        return None
    name = message.split("'")[1]
    starts = (f"def {name}(", f"class {name}", f"import {name}", f"{name} =")
    for later in range(number + 1, len(cells)):
        if any(line.startswith(starts) for line in cells[later].splitlines()):
            return later
    return None


def fingerprint(submission: Submission, assignment: Assignment) -> str:
    """По чему видно, что проверено то же самое и тем же: работа, задания, код проверки."""
    digest = hashlib.sha256(_code_digest())
    digest.update(repr((submission.student, submission.problem, submission.notes)).encode())
    for task in assignment.tasks:
        digest.update(f"{task.id} {task.name} {task.points}\n".encode())
    digest.update(repr(assignment.written).encode())
    digest.update(submission.content)
    return digest.hexdigest()


@cache
def _code_digest() -> bytes:
    digest = hashlib.sha256()
    for path in sorted(HERE.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()
