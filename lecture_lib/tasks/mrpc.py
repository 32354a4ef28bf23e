"""Перифраз (MRPC): одно ли и то же говорят два предложения — данных мало.

Перифраз рассказывает о том же событии другими словами и с другой стороны: «Анна продала Вере
вазу» — «Вера купила у Анны вазу». Не перифраз отличается одним фактом: двое поменялись ролями,
другая вещь, другой цвет, другое время. У половины отрицательных слова те же самые, и мешок слов
их от перифраза не отличит. Классы: 0 — о разном, 1 — перифраз.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from lecture_lib.tasks.common import Task, TextExample, distinct, take_balanced
from lecture_lib.tasks.events import TIMES, Event, change_thing, change_time, choose_event, tell
from lecture_lib.tasks.relations import ORDERS, TEACH

NAMES = ("о разном", "перифраз")


def examples(split: str, count: int, seed: int = 0) -> list[TextExample]:
    """count пар поровну по классам."""
    return take_balanced(distinct(_pairs(split, seed)), len(NAMES), count)


def _pairs(split: str, seed: int) -> Iterator[TextExample]:
    draw = random.Random(f"{seed} {split} mrpc")
    while True:
        event = choose_event(split, draw)
        if event.relation not in (*ORDERS, TEACH) and draw.random() < 0.5:
            event = replace(event, time=draw.choice(TIMES))
        label = draw.randrange(2)
        yield pair(event, event if label else change(event, draw), draw)


def pair(event: Event, other: Event, draw: random.Random) -> TextExample:
    """Пара предложений о двух событиях; перифраз — если событие одно."""
    statements = event.relation.statements
    first, second = draw.sample(statements, 2)
    return TextExample(tell(event, draw, first), tell(other, draw, second), int(event == other))


def change(event: Event, draw: random.Random) -> Event:
    """То же событие, но с одним другим фактом."""
    kinds = ["swap", "swap"]
    kinds += ["thing"] if event.thing else []
    kinds += ["time"] if event.time else []
    kind = draw.choice(kinds)
    if kind == "thing":
        return change_thing(event, draw)
    if kind == "time":
        return change_time(event, draw)
    return event.swapped()


TASK = Task(
    name="mrpc",
    title="Перифраз: об одном ли говорят два предложения",
    kind="pair",
    labels=NAMES,
    metrics=("f1", "accuracy"),
    sizes={"train": 1500, "validation": 600},
    make=examples,
)
