"""Итоги пакетной проверки: что вышло с заданием, что — с работой; запись, которая не рвётся.

Крах, тайм-аут и ноль — разные вещи: ноль получает тот, чья работа проверена и не засчитана.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from lecture_lib.files import write_atomically
from lecture_lib.grading.outcome import Outcome


class Status(StrEnum):
    """Исход задания: четыре, как в тетради, и те, что бывают только у пакетной проверки.

    WAITING — письменный ответ есть, балла за него ещё нет: это не ноль. MARKED — балл поставил
    человек.
    """

    NOT_ATTEMPTED = "не начато"
    ERROR = "ошибка"
    WRONG = "неверно"
    RIGHT = "верно"
    CRASH = "крах"
    TIMEOUT = "тайм-аут"
    REVIEW = "смотреть вручную"
    WAITING = "проверяет преподаватель"
    MARKED = "оценил преподаватель"


class State(StrEnum):
    """Что случилось с работой целиком."""

    GRADED = "проверено"
    CRASH = "крах"
    TIMEOUT = "тайм-аут"
    REVIEW = "смотреть вручную"
    UNREADABLE = "не читается"
    MISSING = "не сдано"


@dataclass(frozen=True)
class TaskResult:
    """Итог одного задания; details — подписи и тексты под сообщением."""

    task: str
    title: str
    status: Status
    points: float
    max_points: float
    message: str = ""
    mistake: str = ""
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Record:
    """Итог одной работы; fingerprint — по чему видно, что работа и проверка те же."""

    student: str
    assignment: str
    state: State
    tasks: tuple[TaskResult, ...]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    fingerprint: str = ""

    @property
    def points(self) -> float:
        """Баллы за всё, что уже оценено."""
        return sum(task.points for task in self.tasks)

    @property
    def max_points(self) -> float:
        """Сколько баллов можно было получить за то, что уже оценено."""
        return sum(t.max_points for t in self.tasks if t.status is not Status.WAITING)

    @property
    def waiting_points(self) -> float:
        """Сколько баллов ещё может поставить преподаватель."""
        return sum(t.max_points for t in self.tasks if t.status is Status.WAITING)


def from_outcome(outcome: Outcome) -> TaskResult:
    """Исход проверки -> строка итогов."""
    return TaskResult(
        outcome.task,
        outcome.title,
        Status(str(outcome.verdict)),
        outcome.points,
        outcome.max_points,
        outcome.message,
        outcome.mistake,
        tuple(outcome.rows()),
    )


def overall_state(tasks: Iterable[TaskResult], deaths: Iterable[Status] = ()) -> State:
    """Состояние работы: худшее из случившегося; ошибка и ноль — это «проверено»."""
    seen = {task.status for task in tasks} | set(deaths)
    for status in (Status.REVIEW, Status.CRASH, Status.TIMEOUT):
        if status in seen:
            return State(str(status))
    return State.GRADED


def save_record(record: Record, path: Path) -> None:
    """Пишет запись целиком или никак."""
    text = json.dumps(asdict(record), ensure_ascii=False, indent=1)
    write_atomically(path, text.encode("utf-8", "replace"))


def load_record(path: Path) -> Record | None:
    """Читает запись; None — её нет или она написана не нами."""
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        tasks = tuple(_task(item) for item in tree.pop("tasks"))
        state, notes = State(tree.pop("state")), tuple(tree.pop("notes"))
        return Record(**tree, state=state, notes=notes, tasks=tasks)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _task(tree: dict) -> TaskResult:
    status = Status(tree.pop("status"))
    details = tuple((str(label), str(text)) for label, text in tree.pop("details"))
    return TaskResult(**tree, status=status, details=details)
