"""Следование при малых данных (RTE): вытекает ли второе предложение из короткого рассказа.

Надо понять, на кого указывает «она» и «ему», сравнить троих через среднего («Анна старше Веры,
Вера старше Петра») или проследить, у кого осталась вещь. Слова у верных и неверных выводов одни и
те же. Классы — как в RTE: 0 — следует (entailment), 1 — не следует.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from lecture_lib.tasks.common import Task, TextExample, distinct, take_balanced
from lecture_lib.tasks.events import (
    MEETING_PLACES,
    Event,
    change_thing,
    choose_event,
    choose_people,
    tell,
    write,
)
from lecture_lib.tasks.relations import GIVE, LEND, ORDERS, SELL

NAMES = ("следует", "не следует")
FOLLOWS, FAILS = 0, 1
# Рассказ с местоимениями: они и она — разного рода, поэтому спутать их нельзя.
PRONOUNS = {
    GIVE: "{A pro} {подарить past @A} {B pro datv} {O accs}",
    SELL: "{A pro} {продать past @A} {B pro datv} {O accs}",
    LEND: "{A pro} {одолжить past @A} {B pro datv} {O accs}",
}
OWNERS = (
    "{W} сейчас у {N gent}",
    "сейчас {W} у {N gent}",
    "у {N gent} сейчас {W}",
)


def examples(split: str, count: int, seed: int = 0) -> list[TextExample]:
    """count пар поровну по классам."""
    return take_balanced(distinct(_pairs(split, seed)), len(NAMES), count)


def _pairs(split: str, seed: int) -> Iterator[TextExample]:
    draw = random.Random(f"{seed} {split} rte")
    while True:
        make = draw.choice((with_pronouns, through_the_middle, who_has_it))
        yield make(split, draw.randrange(2), draw)


def with_pronouns(split: str, label: int, draw: random.Random) -> TextExample:
    """«Анна встретила Петра на вокзале. Она подарила ему вазу.» — кто получил вазу и от кого?"""
    event = choose_event(split, draw, tuple(PRONOUNS), draw.choice(("mf", "fm")))
    event = replace(event, place=draw.choice(MEETING_PLACES))
    met = draw.choice(
        ("{A} {встретить past @A} {B accs} {at P}", "{B} {встретить past @B} {A accs} {at P}")
    )
    told = write(f"{met}. {PRONOUNS[event.relation]}.", event.roles(), draw)
    claim = event
    if label == FAILS:
        claim = change_thing(event, draw) if draw.random() < 0.25 else event.swapped()
    return TextExample(told, tell(replace(claim, place=""), draw), label)


def through_the_middle(split: str, label: int, draw: random.Random) -> TextExample:
    """«Анна старше Веры. Вера старше Петра.» — кто младше, Анна или Пётр?"""
    relation = draw.choice(ORDERS)
    first, middle, last = choose_people(split, 3, draw)
    told = [tell(Event(relation, *two), draw) for two in ((first, middle), (middle, last))]
    draw.shuffle(told)
    claim = Event(relation, first, last)
    return TextExample(
        " ".join(told), tell(claim if label == FOLLOWS else claim.swapped(), draw), label
    )


def who_has_it(split: str, label: int, draw: random.Random) -> TextExample:
    """Вещь дважды перешла из рук в руки: у кого она теперь?"""
    start = choose_event(split, draw, (GIVE, SELL))
    last = next(p for p in choose_people(split, 3, draw) if p not in (start.a, start.b))
    onward = replace(start, a=start.b, b=last, relation=draw.choice((GIVE, SELL)))
    told = f"{tell(start, draw)} {tell(onward, draw, joint='потом')}"
    holder = last if label == FOLLOWS else draw.choice((start.a, start.b))
    roles = {"W": start.roles()["O"], "N": holder}
    return TextExample(told, write(draw.choice(OWNERS) + ".", roles, draw), label)


TASK = Task(
    name="rte",
    title="Следование из короткого рассказа, данных мало",
    kind="pair",
    labels=NAMES,
    metrics=("accuracy",),
    sizes={"train": 900, "validation": 400},
    make=examples,
)
