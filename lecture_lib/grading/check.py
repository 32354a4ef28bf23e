"""Проверка в тетради: check("02.2", spoil) показывает карточку, hint("02.2") — подсказку."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from lecture_lib.grading.answer import Answer, LocalAnswer, StudentFailure
from lecture_lib.grading.cases import GENERAL, Found
from lecture_lib.grading.facts import same_code
from lecture_lib.grading.outcome import Outcome, Verdict
from lecture_lib.grading.report import describe_call
from lecture_lib.grading.task import Finding, Task
from lecture_lib.grading.written import Written

NOT_ATTEMPTED = "Пока здесь заготовка. Напишите ответ, исполните свою ячейку и проверьте снова."


@cache
def load_tasks() -> dict[str, Task]:
    """Все задания с проверкой по порядку: «02.3» -> Task."""
    return {task.id: task for module in lesson_modules() for task in module.TASKS}


@cache
def load_written() -> dict[str, Written]:
    """Все задания, которые проверяет преподаватель: «09.5» -> Written."""
    return {item.id: item for module in lesson_modules() for item in getattr(module, "WRITTEN", ())}


def lesson_modules() -> list[ModuleType]:
    """Модули заданий lessonNN по порядку: урок с заданиями — тот, у которого есть такой файл."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("lesson[0-9][0-9].py"))
    return [importlib.import_module(f"lecture_lib.grading.{name}") for name in names]


def get_task(task_id: str) -> Task:
    """Задание по номеру; ValueError — такого нет."""
    tasks = load_tasks()
    if task_id not in tasks:
        raise ValueError(f"task_id = {task_id!r}: есть задания {', '.join(tasks)}.")
    return tasks[task_id]


def check(task_id: str, answer: Any) -> Outcome:
    """Проверяет ответ студента на новых случайных входах; в тетради исход виден карточкой."""
    return run_check(get_task(task_id), LocalAnswer(answer))


def run_check(task: Task, answer: Answer, seed: int | None = None) -> Outcome:
    """Проверка любого ответа — и здешнего, и живущего в другом процессе.

    seed — для тестов: те же входы. Без него входы каждый раз другие, и подогнать ответ нельзя.
    """
    blank = Outcome(task.id, task.title, Verdict.RIGHT, task.notice, max_points=task.points)
    if _is_untouched(task, answer):
        return replace(blank, verdict=Verdict.NOT_ATTEMPTED, message=NOT_ATTEMPTED)
    if task.is_function != answer.facts.callable:
        wanted = "нужна функция" if task.is_function else "нужно значение, а не функция"
        return replace(blank, verdict=Verdict.WRONG, message=f"{task.name}: здесь {wanted}.")
    try:
        finding = task.check(answer, np.random.default_rng(seed))
    except StudentFailure as error:
        return _failed(blank, error)
    except Found as found:
        finding = found.finding
    if finding is None:
        return replace(blank, points=task.points)
    return _wrong(blank, task, finding)


def _is_untouched(task: Task, answer: Answer) -> bool:
    facts = answer.facts
    return facts.stub or bool(task.given and same_code(facts.source, task.given))


def _failed(blank: Outcome, error: StudentFailure) -> Outcome:
    failure = error.failure
    if failure.kind == "NotImplementedError" or failure.kind == "Ellipsis":
        return replace(blank, verdict=Verdict.NOT_ATTEMPTED, message=NOT_ATTEMPTED)
    where = f"в строке {failure.line}" if failure.line else "во время вызова"
    return replace(
        blank,
        verdict=Verdict.ERROR,
        message=f"Код остановился {where}: до сравнения ответов дело не дошло.",
        failure=failure,
        counterexample=describe_call(error.arguments),
    )


def _wrong(blank: Outcome, task: Task, finding: Finding) -> Outcome:
    known = task.mistakes.get(finding.mistake)
    general = GENERAL.get(finding.mistake, "Ответ расходится с верным.")
    message = finding.says or (known.says if known else general)
    return replace(
        blank,
        verdict=Verdict.WRONG,
        message=message,
        mistake=finding.mistake,
        counterexample=finding.counterexample,
    )


@dataclass(frozen=True)
class Hint:
    """Подсказка: номер, сколько всего, текст."""

    task: str
    number: int
    total: int
    text: str

    def __repr__(self) -> str:
        return f"{self.task}, подсказка {self.number} из {self.total}. {self.text}"


_shown: dict[str, int] = {}


def hint(task_id: str, number: int | None = None) -> Hint:
    """Следующая подсказка — от намёка к плану; number — та, что с этим номером (с единицы).

    После последней показывается она же. ValueError — подсказки с таким номером нет.
    """
    task = get_task(task_id)
    total = len(task.hints)
    if number is None:
        number = min(_shown.get(task_id, 0) + 1, total)
    if not isinstance(number, int) or not 1 <= number <= total:
        raise ValueError(f"number = {number!r}: подсказок у задания {task_id} — {total}.")
    _shown[task_id] = number
    return Hint(task_id, number, total, task.hints[number - 1])
