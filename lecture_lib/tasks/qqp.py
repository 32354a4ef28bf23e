"""Одинаковые вопросы (QQP): ответит ли на оба вопроса один и тот же ответ.

«Где Анна продала Вере вазу?» и «Где Вера купила у Анны вазу?» — один вопрос; «Где Вера продала
Анне вазу?» — другой, хотя слова почти те же. Спрашивают и об участниках: «Кто продал Вере вазу?»
— «У кого Вера купила вазу?». Бывает, что другая только вещь, её цвет или само вопросительное слово.
Классы: 0 — разные вопросы, 1 — один и тот же.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from lecture_lib.tasks.common import Task, TextExample, distinct, take_balanced
from lecture_lib.tasks.events import Event, change_thing, choose_event, write
from lecture_lib.tasks.relations import ASKABLE

NAMES = ("разные", "один и тот же")
# Чем начинают вопрос; смысла это не меняет.
OPENINGS = ("", "", "Скажите, ", "Не знаете ли вы, ", "Интересно, ", "Напомните, ", "Простите, ")
# Вопросы о событии целиком: за словом идёт рассказ о нём.
ABOUT_EVENT = ("Где", "Когда", "Почему", "Правда ли, что", "Откуда известно, что")
ABOUT_PEOPLE = 0.25  # доля вопросов об участниках: «Кто?», «У кого?»
OTHER_THING, OTHER_WORD = 0.2, 0.15  # доли отрицательных, где другая вещь; где спросили о другом


def examples(split: str, count: int, seed: int = 0) -> list[TextExample]:
    """count пар вопросов поровну по классам."""
    return take_balanced(distinct(_pairs(split, seed)), len(NAMES), count)


def _pairs(split: str, seed: int) -> Iterator[TextExample]:
    draw = random.Random(f"{seed} {split} qqp")
    while True:
        label = draw.randrange(2)
        if draw.random() < ABOUT_PEOPLE:
            found = about_people(choose_event(split, draw, ASKABLE), label, draw)
        else:
            found = about_event(choose_event(split, draw, ASKABLE), label, draw)
        if found.first != found.second:
            yield found


def about_event(event: Event, label: int, draw: random.Random) -> TextExample:
    """«Где …?», «Правда ли, что …?»: отрицательная пара отличается ролями, вещью или словом."""
    word = other_word = draw.choice(ABOUT_EVENT)
    other = event
    point = draw.random()
    if not label and point < OTHER_THING:
        other = change_thing(event, draw)
    elif not label and point < OTHER_THING + OTHER_WORD:
        other_word = draw.choice([known for known in ABOUT_EVENT[:3] if known != word])
    elif not label:
        other = event.swapped()
    first, second = draw.sample(event.relation.statements, 2)
    return TextExample(
        opened(write(f"{word} {first}?", event.roles(), draw), draw),
        opened(write(f"{other_word} {second}?", other.roles(), draw), draw),
        label,
    )


def about_people(event: Event, label: int, draw: random.Random) -> TextExample:
    """«Кто …?», «Кому …?»: отрицательная пара спрашивает о другой стороне той же вещи."""
    asks_who = draw.random() < 0.5
    if label:
        return TextExample(ask(event, asks_who, draw), ask(event, asks_who, draw), label)
    return TextExample(ask(event, asks_who, draw), ask(event.swapped(), not asks_who, draw), label)


def ask(event: Event, asks_who: bool, draw: random.Random) -> str:
    """Вопрос о стороне A (asks_who) или B."""
    templates = event.relation.who if asks_who else event.relation.whom
    return opened(write(draw.choice(templates), event.roles(), draw), draw)


def opened(question: str, draw: random.Random) -> str:
    """Вопрос, может быть, с вежливым началом: «Скажите, …»."""
    opening = draw.choice(OPENINGS)
    return opening + question[0].lower() + question[1:] if opening else question


TASK = Task(
    name="qqp",
    title="Вопросы: об одном ли спрашивают",
    kind="pair",
    labels=NAMES,
    metrics=("f1", "accuracy"),
    sizes={"train": 6000, "validation": 1000},
    make=examples,
)
