"""Вопрос к тексту (SQuAD): найти отрезок с ответом.

Текст — несколько сообщений о жителях; рядом с нужным всегда есть похожее: те же двое поменялись
ролями, та же вещь другого цвета, то же дело в другом месте. Вопрос задан другими словами, чем
сказано в тексте. Ответ — отрезок текста: имя в том падеже, в каком оно стоит, место или время.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from lecture_lib.corpus.state import Resident
from lecture_lib.tasks.common import SpanExample, Task, distinct
from lecture_lib.tasks.events import (
    MEETING_PLACES,
    TIMES,
    Event,
    change_thing,
    change_time,
    choose_event,
    tell,
    write,
)
from lecture_lib.tasks.qnli import circumstance_question
from lecture_lib.tasks.relations import ASKABLE, TRANSFERS

SENTENCES = (3, 4, 5)


def examples(split: str, count: int, seed: int = 0) -> list[SpanExample]:
    """count вопросов с текстами."""
    return list(islice(distinct(_questions(split, seed)), count))


def _questions(split: str, seed: int) -> Iterator[SpanExample]:
    draw = random.Random(f"{seed} {split} squad")
    while True:
        make = about_people if draw.random() < 0.5 else about_circumstance
        found = make(split, draw)
        if found is not None:
            yield found


def about_people(split: str, draw: random.Random) -> SpanExample | None:
    """«У кого Вера купила вазу?» — рядом сказано, у кого вазу купила не Вера."""
    event = choose_event(split, draw, ASKABLE)
    if event.relation in TRANSFERS and draw.random() < 0.5:
        event = replace(event, time=draw.choice(TIMES))
    asks_who = draw.random() < 0.5
    template = draw.choice(event.relation.who if asks_who else event.relation.whom)
    question = write(template, event.roles(), draw)
    told = tell(event, draw)
    answer = name_in(told, event.a if asks_who else event.b)
    rival = change_thing(event.swapped(), draw)
    return passage(question, told, answer, [tell(rival, draw)], event, split, draw)


def about_circumstance(split: str, draw: random.Random) -> SpanExample | None:
    """«Где Анна подарила Вере вазу?» — рядом Вера подарила вазу Анне, но в другом месте."""
    event = choose_event(split, draw, TRANSFERS)
    event = replace(event, place=draw.choice(MEETING_PLACES), time=draw.choice(TIMES))
    asks_place = draw.random() < 0.5
    question = circumstance_question(event, asks_place, draw)
    told = tell(event, draw)
    answer = write("{at P}", event.roles(), draw) if asks_place else event.time
    elsewhere = [place for place in MEETING_PLACES if place != event.place]
    rival = replace(change_time(event.swapped(), draw), place=draw.choice(elsewhere))
    found = re.search(re.escape(answer), told, re.IGNORECASE)
    return passage(question, told, found[0], [tell(rival, draw)], event, split, draw)


def passage(
    question: str,
    told: str,
    answer: str,
    rivals: list[str],
    event: Event,
    split: str,
    draw: random.Random,
) -> SpanExample | None:
    """Текст из нужного предложения, похожих на него и прочих — в случайном порядке.

    None — случайное предложение говорит о тех же людях: тогда ответов могло бы быть два.
    """
    others = [choose_event(split, draw) for _ in range(draw.choice(SENTENCES) - 2)]
    known = {event.a, event.b}
    if any({other.a, other.b} & known for other in others):
        return None
    sentences = [told, *rivals, *(tell(other, draw) for other in others)]
    draw.shuffle(sentences)
    before = sentences[: sentences.index(told)]
    start = sum(len(sentence) + 1 for sentence in before) + told.index(answer)
    return SpanExample(question, " ".join(sentences), answer, start)


def name_in(text: str, who: Resident) -> str:
    """Имя жителя в той форме, в какой оно стоит в тексте. ValueError — имени нет."""
    forms = set(who.lexeme.forms.values())
    for word in re.findall(r"[\w-]+", text):
        if word in forms:
            return word
    raise ValueError(f"text = {text!r}: имени «{who.lexeme.surface}» здесь нет.")


TASK = Task(
    name="squad",
    title="Вопрос к тексту: найти отрезок с ответом",
    kind="span",
    labels=(),
    metrics=("span_f1", "exact_match"),
    sizes={"train": 4000, "validation": 800},
    make=examples,
)
