"""Сходство предложений (STS-B): сколько фактов из пяти у них общих, число от 0 до 5.

Факты: кто отдал, кто получил, что, где и когда. Сказано о них по-разному, с разных сторон, а
разные факты бывают записаны теми же словами: те же двое, но поменялись ролями; «в среду» — и «не
в среду, а в субботу».
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from lecture_lib.tasks.common import Task, TextExample, distinct
from lecture_lib.tasks.events import (
    MEETING_PLACES,
    TIMES,
    Event,
    change_thing,
    change_time,
    choose_event,
    choose_people,
    tell,
)
from lecture_lib.tasks.relations import TRANSFERS

FACTS = ("a", "b", "thing", "place", "time")
DENIED = 0.6  # как часто второй рассказ отрицает место и как часто — время
SWAPPED = 0.5  # если другие оба участника — как часто это те же двое, но наоборот


def examples(split: str, count: int, seed: int = 0) -> list[TextExample]:
    """count пар; каждое число общих фактов встречается одинаково часто."""
    return list(islice(distinct(_pairs(split, seed)), count))


def _pairs(split: str, seed: int) -> Iterator[TextExample]:
    draw = random.Random(f"{seed} {split} stsb")
    while True:
        for score in draw.sample(range(len(FACTS) + 1), len(FACTS) + 1):
            yield pair(split, score, draw)


def pair(split: str, score: int, draw: random.Random) -> TextExample:
    """Два рассказа, у которых score общих фактов."""
    event = replace(
        choose_event(split, draw, TRANSFERS),
        place=draw.choice(MEETING_PLACES),
        time=draw.choice(TIMES),
    )
    other = change(event, set(draw.sample(FACTS, len(FACTS) - score)), split, draw)
    first, second = draw.sample(event.relation.statements, 2)
    denied = denial(event, other, draw)
    return TextExample(
        tell(event, draw, first), tell(other, draw, second, denied=denied), float(score)
    )


def denial(event: Event, other: Event, draw: random.Random) -> Event | None:
    """Чьи место и время второй рассказ отрицает: «не в среду, а в субботу».

    Если они другие — отрицаются сказанные в первом, если те же — случайные: так общие слова не
    выдают общих фактов.
    """
    denied = other
    if draw.random() < DENIED:
        time = event.time if event.time != other.time else change_time(other, draw).time
        denied = replace(denied, time=time)
    if draw.random() < DENIED:
        places = [place for place in MEETING_PLACES if place != other.place]
        place = event.place if event.place != other.place else draw.choice(places)
        denied = replace(denied, place=place)
    return denied if denied != other else None


def change(event: Event, facts: set[str], split: str, draw: random.Random) -> Event:
    """То же событие, у которого названные факты — другие."""
    other = event
    if {"a", "b"} <= facts and draw.random() < SWAPPED:
        other = other.swapped()
    else:
        strangers = [p for p in choose_people(split, 4, draw) if p not in (event.a, event.b)]
        other = replace(other, **dict(zip(sorted(facts & {"a", "b"}), strangers, strict=False)))
    if "thing" in facts:
        other = change_thing(other, draw)
    if "place" in facts:
        places = [place for place in MEETING_PLACES if place != event.place]
        other = replace(other, place=draw.choice(places))
    return change_time(other, draw) if "time" in facts else other


def common_facts(event: Event, other: Event) -> int:
    """Сколько фактов у двух событий общих; вещь с другим определением — другая."""
    same_thing = (event.thing, event.adjective) == (other.thing, other.adjective)
    return same_thing + sum(
        getattr(event, fact) == getattr(other, fact) for fact in FACTS if fact != "thing"
    )


TASK = Task(
    name="stsb",
    title="Сходство: сколько общих фактов",
    kind="pair",
    labels=(),
    metrics=("pearson", "spearman"),
    sizes={"train": 3000, "validation": 800},
    make=examples,
)
