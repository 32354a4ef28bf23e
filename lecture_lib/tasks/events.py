"""События «Городка» для задач: кто, кому, что, где и когда — и чем об этом сказать по-разному.

Событие — участники, вещь и отношение между ними. Каждое отношение умеет рассказать о себе
несколькими способами, с обеих сторон («Анна подарила Вере вазу» — «Вера получила от Анны вазу в
подарок»), и задать вопрос о каждой стороне. Слова, роды и падежи ставит грамматика корпуса,
определения — только те, что словарь разрешает существительному.

Люди обучающих и проверочных примеров зовутся по-разному: имя делит задачи на доли, поэтому
запомнить ответ по имени нельзя.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from lecture_lib.corpus.gorodok import finished
from lecture_lib.corpus.grammar import Compiled, compile_template
from lecture_lib.corpus.lexicon import lexicon
from lecture_lib.corpus.state import Entity, Resident, State
from lecture_lib.corpus.world import world
from lecture_lib.tasks.relations import RELATIONS, Relation

DEV_SHARE = 4  # каждое четвёртое имя — проверочное
COLORS = frozenset("красный синий голубой зелёный жёлтый белый чёрный серый".split())
WEEKDAYS = tuple(
    "в понедельник|во вторник|в среду|в четверг|в пятницу|в субботу|в воскресенье".split("|")
)
SEASONS = tuple("летом зимой весной осенью".split())
TIMES = WEEKDAYS + SEASONS


@dataclass(frozen=True)
class Event:
    """Что случилось: отношение, двое, вещь и её определение, место и время."""

    relation: Relation
    a: Resident
    b: Resident
    thing: str = ""
    adjective: str = ""
    place: str = ""
    time: str = ""

    def roles(self) -> dict[str, Entity]:
        """Участники для шаблонов: A, B, O — вещь, P — место."""
        found: dict[str, Entity] = {"A": self.a, "B": self.b}
        if self.thing:
            found["O"] = thing(self.thing, self.adjective)
        if self.place:
            found["P"] = Entity(lexicon().get("NOUN", self.place))
        return found

    def swapped(self) -> Event:
        """То же событие, где двое поменялись ролями."""
        return replace(self, a=self.b, b=self.a)


MEETING_PLACES = tuple("вокзал рынок парк стадион школа музей театр библиотека кафе почта".split())


def write(template: str, roles: Mapping[str, Entity], draw: random.Random) -> str:
    """Предложения шаблона с этими участниками: с прописной буквы, слова согласованы.

    Шаблон — на языке corpus.template; житель назван одним именем.
    """
    state = State(lexicon(), draw.random)
    state.roles.update(roles)
    # «Полное имя» при первом упоминании корпус решает жребием; в задачах — всегда имя.
    state.mentioned.update(who for who in roles.values() if isinstance(who, Resident))
    _compiled(template).emit(state)
    return " ".join(sentence.text for sentence in finished(state))


@cache
def _compiled(template: str) -> Compiled:
    return compile_template(template, lexicon())


@cache
def people(split: str) -> tuple[tuple[Resident, ...], tuple[Resident, ...]]:
    """Мужчины и женщины, о которых говорят примеры доли: по одному на имя.

    Имя, чья форма совпадает с чужим именем («Валентина» — и Валентину), не берётся.
    """
    named = {r.lexeme.surface: r for r in reversed(world().residents)}
    forms = [form for r in named.values() for form in set(r.lexeme.forms.values())]
    clear = sorted(name for name in named if forms.count(name) == 1)
    mine = [
        named[name]
        for number, name in enumerate(clear)
        if (number % DEV_SHARE == 0) == (split != "train")
    ]
    men = tuple(r for r in mine if r.gender == "masc")
    return men, tuple(r for r in mine if r.gender == "femn")


def choose_people(split: str, count: int, draw: random.Random, genders: str = "") -> list[Resident]:
    """count разных людей; genders — «mf», «ff» …: пол каждого, иначе любой."""
    men, women = people(split)
    pools = {"m": men, "f": women}
    genders = genders or "".join(draw.choice("mf") for _ in range(count))
    found: list[Resident] = []
    while len(found) < count:
        who = draw.choice(pools[genders[len(found)]])
        if who not in found:
            found.append(who)
    return found


@cache
def colors(noun: str) -> tuple[str, ...]:
    """Цвета, которые словарь разрешает существительному."""
    fitting = lexicon().fitting_adjectives(noun, "color")
    return tuple(word.lemma for word in fitting if word.lemma in COLORS)


def thing(noun: str, adjective: str = "") -> Entity:
    """Вещь с постоянным определением: «синяя ваза»."""
    words = lexicon()
    fixed = (words.get("ADJF", adjective),) if adjective else ()
    return Entity(words.get("NOUN", noun), modifiers=fixed)


def choose_event(
    split: str, draw: random.Random, relations: Sequence[Relation] = RELATIONS, genders: str = ""
) -> Event:
    """Случайное событие доли; вещь — цветная, если отношение и словарь позволяют."""
    relation = draw.choice(relations)
    a, b = choose_people(split, 2, draw, genders)
    noun = draw.choice(relation.things) if relation.things else ""
    painted = relation.painted and noun and colors(noun)
    return Event(relation, a, b, noun, draw.choice(colors(noun)) if painted else "")


def change_thing(event: Event, draw: random.Random) -> Event:
    """То же событие с другой вещью или, у цветной, с другим цветом. ValueError — вещи нет."""
    if not event.thing:
        raise ValueError("event: у этого отношения нет вещи.")
    if event.adjective and draw.random() < 0.5:
        others = [color for color in colors(event.thing) if color != event.adjective]
        return replace(event, adjective=draw.choice(others))
    things = [
        noun
        for noun in event.relation.things
        if noun != event.thing and bool(colors(noun)) >= bool(event.adjective)
    ]
    return replace(event, thing=draw.choice(things))


def change_time(event: Event, draw: random.Random) -> Event:
    """То же событие в другой день или в другое время года: «летом» с «в среду» не спорит."""
    known = WEEKDAYS if event.time in WEEKDAYS else SEASONS
    return replace(event, time=draw.choice([time for time in known if time != event.time]))


def tell(
    event: Event,
    draw: random.Random,
    template: str = "",
    *,
    ends: str = ".",
    joint: str = "",
    denied: Event | None = None,
) -> str:
    """Предложение о событии; время и место стоят впереди или позади, как придётся.

    template — чем рассказать (по умолчанию — любой способ отношения); joint — слово, с которого
    предложение начинается: «потом»; denied — событие, чьи время и место, если они другие,
    отрицаются: «не в среду, а в субботу».
    """
    clause = template or draw.choice(event.relation.statements)
    roles = event.roles()
    time, place = event.time, "{at P}" if event.place else ""
    if denied and denied.time != time:
        time = f"не {denied.time}, а {time}"
    if denied and denied.place != event.place:
        roles["N"] = Entity(lexicon().get("NOUN", denied.place))
        place = f"не {{at N}}, а {place}"
    parts = [part for part in (time, place) if part]
    draw.shuffle(parts)
    before = [part for part in parts if draw.random() < 0.6 and not part.startswith("не ")]
    after = [part for part in parts if part not in before]
    between = ", и " if len(after) > 1 and all(part.startswith("не ") for part in after) else " "
    return write(
        " ".join(filter(None, [joint, *before, clause, between.join(after)])) + ends, roles, draw
    )
