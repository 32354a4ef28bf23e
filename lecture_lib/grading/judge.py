"""Судья: код студента не исполняет — посылает входы в песочницу и сравнивает значения у себя.

Что упало или зависло, узнаётся и обходится: ячейка, на которой песочница умерла, в следующий раз
пропускается, задание, на котором она умерла, получает свой исход, остальные проверяются дальше.
"""

from __future__ import annotations

import math
import re
import time
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lecture_lib.grading.answer import Failure, Reply, StudentFailure
from lecture_lib.grading.check import run_check
from lecture_lib.grading.facts import Facts
from lecture_lib.grading.outcome import Outcome, Verdict
from lecture_lib.grading.results import Status, TaskResult, from_outcome
from lecture_lib.grading.sandbox import Isolation, Limits
from lecture_lib.grading.session import Died, Session
from lecture_lib.grading.task import Task
from lecture_lib.grading.wire import Given, plain, revive, to_json

RESTARTS = 6  # новых песочниц на одну работу сверх первой
NUMBER = re.compile(r"[<>|=]?[biuf]\d{1,2}")  # типы чисел numpy; прочие по проводу не ходят
LONGEST_TEXT = 2000
REMOTE_CALLS = 20_000  # обращений к функции судьи за один вызов
REMOTE_NUMBERS = 2_000_000  # чисел в одном обращении
OPEN_GIVENS = ("toy_model",)  # секрета в них нет: живут внутри, а не у судьи


@dataclass(frozen=True)
class Court:
    """Где и при каких пределах исполняется чужой код; hidden — чего ему не видеть."""

    isolation: Isolation
    limits: Limits = field(default_factory=Limits)
    hidden: tuple[Path, ...] = ()


@dataclass
class Hearing:
    """Ход проверки одной работы: что пропущено, что упало, какие задания решены."""

    cells: Sequence[str]
    tasks: Sequence[Task]
    court: Court
    skipped: dict[int, Died] = field(default_factory=dict)
    failures: dict[int, Failure] = field(default_factory=dict)
    results: dict[str, TaskResult] = field(default_factory=dict)
    output_size: int = 0


def judge_notebook(cells: Sequence[str], tasks: Sequence[Task], court: Court) -> Hearing:
    """Проверяет одну работу: ячейки по порядку, потом задания -> результат по каждому заданию."""
    hearing = Hearing(cells, tasks, court)
    deadline = time.monotonic() + court.limits.total_seconds
    for _ in range(1 + RESTARTS):
        death = _sit(hearing, deadline)
        left = [task for task in tasks if task.id not in hearing.results]
        if not left:
            break
        if time.monotonic() >= deadline:
            death = Died(Status.TIMEOUT, "время на всю работу вышло")
            break
    for task in tasks:
        if task.id not in hearing.results:
            hearing.results[task.id] = _died(task, death)
    return hearing


def _sit(hearing: Hearing, deadline: float) -> Died | None:
    """Одна песочница: до конца или до её смерти; None — дошли до конца."""
    court, place = hearing.court, ""
    session = None
    hearing.failures.clear()
    try:
        with Session(court.isolation, court.limits, court.hidden, deadline) as session:
            for place, source in enumerate(hearing.cells):
                if place not in hearing.skipped:
                    _run_cell(hearing, session, place, source)
            for task in hearing.tasks:
                place = task
                if task.id not in hearing.results:
                    hearing.results[task.id] = _judge_task(hearing, session, task)
    except Died as death:
        if isinstance(place, Task):
            hearing.results[place.id] = _died(place, death)
        elif isinstance(place, int):
            hearing.skipped[place] = death
        return death
    finally:
        if session is not None:
            hearing.output_size = max(hearing.output_size, session.output_size)
    return None


def _run_cell(hearing: Hearing, session: Session, number: int, source: str) -> None:
    reply = session.ask(hearing.court.limits.cell_seconds, do="cell", source=source)
    if failure := read_failure(reply.get("failure")):
        hearing.failures[number] = failure


def _judge_task(hearing: Hearing, session: Session, task: Task) -> TaskResult:
    """Одно задание; всё, на чём споткнулась сама проверка, увидит преподаватель."""
    reply = session.ask(hearing.court.limits.call_seconds, do="facts", name=task.name)
    if reply.get("missing"):
        return _missing(hearing, task)
    if failure := read_failure(reply.get("failure")):
        return _plain_result(task, Status.ERROR, f"Ответ не удалось даже посмотреть: {failure}.")
    answer = SandboxAnswer(session, task.name, read_facts(reply.get("facts")))
    try:
        outcome = run_check(task, answer)
    except Died:
        raise
    except Exception as error:
        if session.death:
            raise session.death from None
        says = f"Проверка не смогла разобрать ответ ({type(error).__name__})."
        return _plain_result(task, Status.REVIEW, says)
    if session.death:
        raise session.death
    return from_outcome(outcome)


def _missing(hearing: Hearing, task: Task) -> TaskResult:
    """Имени в тетради нет: не дошли, упали по дороге или не писали."""
    defines = re.compile(rf"^\s*(?:def|class)\s+{task.name}\b|^\s*{task.name}\s*[:=]", re.MULTILINE)
    places = [number for number, source in enumerate(hearing.cells) if defines.search(source)]
    for number in reversed(places):
        if number in hearing.skipped:
            death = hearing.skipped[number]
            says = f"Ячейка {number + 1}, где {task.name}: {death.reason}."
            return _plain_result(task, death.status, says)
        if failure := hearing.failures.get(number):
            return from_outcome(_failed(task, number, failure))
    says = f"Имени {task.name} в тетради нет: ячейка удалена или не написана."
    return _plain_result(task, Status.NOT_ATTEMPTED, says)


def _failed(task: Task, number: int, failure: Failure) -> Outcome:
    says = f"Ячейка {number + 1}, где {task.name}, остановилась с ошибкой."
    blank = Outcome(task.id, task.title, Verdict.ERROR, says, max_points=task.points)
    return replace(blank, failure=failure)


def _died(task: Task, death: Died | None) -> TaskResult:
    status = death.status if death else Status.CRASH
    reason = death.reason if death else "песочница не дошла до этого задания"
    return _plain_result(task, status, f"Во время проверки: {reason}.")


def _plain_result(task: Task, status: Status, message: str) -> TaskResult:
    return TaskResult(task.id, task.title, status, 0, task.points, message)


@dataclass(frozen=True)
class SandboxAnswer:
    """Ответ, который живёт в песочнице: те же facts, value и call, что у ответа в тетради."""

    session: Session
    name: str
    facts: Facts

    def value(self) -> Any:
        """Сам ответ; StudentFailure — его не перевести в простые значения."""
        limit = self.session.limits.call_seconds
        reply = self.session.ask(limit, do="value", name=self.name)
        if failure := read_failure(reply.get("failure")):
            raise StudentFailure(failure, ())
        return decode(reply.get("value"))

    def call(self, *arguments: Any, watch: bool = True) -> Reply:
        """Вызов там; значения — сюда."""
        remote = Remote()
        reply = self.session.ask(
            self.session.limits.call_seconds,
            remote.answer,
            do="call",
            name=self.name,
            arguments=[remote.encode(argument) for argument in arguments],
            watch=watch,
        )
        changed = reply.get("changed")
        numbers = changed if isinstance(changed, list) else []
        return Reply(
            value=decode(reply.get("value")),
            failure=read_failure(reply.get("failure")),
            changed=tuple(n for n in numbers if type(n) is int and 0 <= n < len(arguments)),
            borrowed=_text(reply.get("borrowed")),
        )


class Remote:
    """Функции, которые студент получает готовыми, но которые остаются у судьи: в них секрет."""

    def __init__(self) -> None:
        self._functions: list[Any] = []
        self._calls = 0

    def encode(self, value: Any) -> Any:
        """Вход для провода; готовая функция — её номером."""
        if isinstance(value, Given) and value.name not in OPEN_GIVENS:
            self._functions.append(revive(value))
            return {"__remote__": len(self._functions) - 1}
        if isinstance(value, list | tuple):
            return [self.encode(item) for item in value]
        return to_json(value)

    def answer(self, message: dict) -> dict:
        """Вызывает свою функцию на присланном; ошибка возвращается текстом."""
        try:
            self._calls += 1
            if self._calls > REMOTE_CALLS:
                raise ValueError(f"больше {REMOTE_CALLS} обращений за один вызов")
            arguments = [_argument(tree) for tree in message["arguments"]]
            value = self._functions[message["ask"]](*arguments)
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"[:LONGEST_TEXT]}
        states = [to_json(_state(argument)) for argument in arguments]
        return {"value": to_json(plain(value)), "states": states}


def _argument(tree: Any) -> Any:
    """Присланный аргумент: массив — тензором, состояние генератора — генератором."""
    import torch

    if isinstance(tree, dict) and "__state__" in tree:
        generator = torch.Generator()
        generator.set_state(torch.from_numpy(decode(tree["__state__"])))
        return generator
    value = decode(tree)
    if isinstance(value, np.ndarray) and value.size > REMOTE_NUMBERS:
        raise ValueError(f"тензор больше {REMOTE_NUMBERS} чисел")
    return revive(value)


def _state(argument: Any) -> np.ndarray | None:
    import torch

    return argument.get_state().numpy() if isinstance(argument, torch.Generator) else None


def decode(tree: Any) -> Any:
    """Значение из песочницы; ValueError — это не то, что умеет посылать честный исполнитель."""
    if isinstance(tree, list):
        return [decode(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if "__array__" in tree:
        return _array(tree)
    if tree.keys() == {"__ellipsis__"}:
        return ...
    return {key: decode(item) for key, item in tree.items() if not key.startswith("__")}


def _array(tree: dict) -> np.ndarray:
    """Массив чисел; размеры сверяются с данными до того, как numpy за них возьмётся."""
    kind, shape, data = tree.get("dtype"), tree.get("shape"), tree["__array__"]
    if not isinstance(kind, str) or not NUMBER.fullmatch(kind):
        raise ValueError(f"dtype = {_text(kind)!r}: по проводу ходят только числа.")
    if not isinstance(shape, list) or len(shape) > 16 or any(type(n) is not int for n in shape):
        raise ValueError("shape: нужен список целых.")
    raw, dtype = b64decode(data), np.dtype(kind)
    if min(shape, default=1) < 0 or math.prod(shape) * dtype.itemsize != len(raw):
        raise ValueError("shape: не сходится с данными.")
    return np.frombuffer(raw, dtype).reshape(shape).copy()


def read_failure(tree: Any) -> Failure | None:
    """Ошибка студента из ответа песочницы: только короткие строки и число."""
    if not isinstance(tree, dict):
        return None
    trace = tree.get("trace") if isinstance(tree.get("trace"), list) else []
    return Failure(
        kind=_text(tree.get("kind")) or "ошибка",
        message=_text(tree.get("message")),
        line=tree["line"] if type(tree.get("line")) is int else None,
        source=_text(tree.get("source")),
        trace=tuple(_text(line) for line in trace[:4]),
    )


def read_facts(tree: Any) -> Facts:
    """Факты об ответе; сочинённые факты баллов не дают: функцию всё равно вызовут."""
    if not isinstance(tree, dict):
        return Facts(callable=False)
    flags = {name: tree.get(name) is True for name in ("callable", "stub")}
    source = tree.get("source")
    return Facts(**flags, source=source if isinstance(source, str) else "")


def _text(value: Any) -> str:
    """Короткая строка без управляющих знаков: терминалу и странице она не повредит."""
    text = value if isinstance(value, str) else ""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text[:LONGEST_TEXT])
