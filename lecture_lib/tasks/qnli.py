"""Вопрос и предложение (QNLI): есть ли в предложении ответ на вопрос.

Слова вопроса есть в предложении и тогда, когда ответа там нет. Либо роли другие: «Кто продал Вере
вазу?» — «Вера продала Анне вазу». Либо место и время названы у разных событий: «Где Анна купила
зонт?» — «В субботу Анна купила у Юрия зонт, а на вокзале Пётр прислал…». Классы — как в QNLI:
0 — ответ есть (entailment), 1 — ответа нет.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from lecture_lib.tasks.common import Task, TextExample, distinct, take_balanced
from lecture_lib.tasks.events import MEETING_PLACES, TIMES, Event, choose_event, tell, write
from lecture_lib.tasks.qqp import ask
from lecture_lib.tasks.relations import ASKABLE, TRANSFERS

NAMES = ("ответ есть", "ответа нет")
HERE, NOWHERE = 0, 1


def examples(split: str, count: int, seed: int = 0) -> list[TextExample]:
    """count пар поровну по классам."""
    return take_balanced(distinct(_pairs(split, seed)), len(NAMES), count)


def _pairs(split: str, seed: int) -> Iterator[TextExample]:
    draw = random.Random(f"{seed} {split} qnli")
    while True:
        label = draw.randrange(2)
        yield (about_people if draw.random() < 0.5 else about_circumstance)(split, label, draw)


def about_people(split: str, label: int, draw: random.Random) -> TextExample:
    """«Кто?», «Кому?», «У кого?»: ответа нет, если двое поменялись ролями."""
    event = choose_event(split, draw, ASKABLE)
    told = event if label == HERE else event.swapped()
    return TextExample(ask(event, draw.random() < 0.5, draw), tell(told, draw), label)


def about_circumstance(split: str, label: int, draw: random.Random) -> TextExample:
    """«Где?» или «Когда?» об одном из двух событий: у одного названо место, у другого — время."""
    first, second = choose_event(split, draw, TRANSFERS), choose_event(split, draw, TRANSFERS)
    first = replace(first, place=draw.choice(MEETING_PLACES))
    second = replace(second, time=draw.choice(TIMES))
    asks_place = draw.random() < 0.5
    with_answer, without = (first, second) if asks_place else (second, first)
    question = circumstance_question(with_answer if label == HERE else without, asks_place, draw)
    return TextExample(question, two_clauses(first, second, draw), label)


def circumstance_question(event: Event, asks_place: bool, draw: random.Random) -> str:
    """«Где Анна продала Вере вазу?» или «Когда …?»."""
    clause = draw.choice((event.relation.told[0], event.relation.mirrored[0]))
    return write(f"{'Где' if asks_place else 'Когда'} {clause}?", event.roles(), draw)


def two_clauses(first: Event, second: Event, draw: random.Random) -> str:
    """Сложное предложение о двух событиях в любом порядке."""
    one, other = draw.sample((first, second), 2)
    head, tail = tell(one, draw, ends=","), tell(other, draw, joint="а", ends=".")
    return f"{head} {tail[0].lower()}{tail[1:]}"


TASK = Task(
    name="qnli",
    title="Вопрос и предложение: есть ли ответ",
    kind="pair",
    labels=NAMES,
    metrics=("accuracy",),
    sizes={"train": 5000, "validation": 1000},
    make=examples,
)
