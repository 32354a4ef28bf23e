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

DEV_SHARE = 4  # каждое четвёртое имя — проверочное
COLORS = frozenset("красный синий голубой зелёный жёлтый белый чёрный серый".split())
WEEKDAYS = tuple(
    "в понедельник|во вторник|в среду|в четверг|в пятницу|в субботу|в воскресенье".split("|")
)
SEASONS = tuple("летом зимой весной осенью".split())
TIMES = WEEKDAYS + SEASONS


@dataclass(frozen=True)
class Relation:
    """Отношение двух людей (A и B), часто — через вещь (O): как его выразить и как спросить.

    told — со стороны A, mirrored — то же самое со стороны B; who — вопросы, ответ на которые — A,
    whom — B. things — какие вещи уместны (пусто — вещи нет); painted — бывает ли вещь цветной.
    """

    told: tuple[str, ...]
    mirrored: tuple[str, ...]
    who: tuple[str, ...] = ()
    whom: tuple[str, ...] = ()
    things: tuple[str, ...] = ()
    painted: bool = False

    @property
    def statements(self) -> tuple[str, ...]:
        return self.told + self.mirrored


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


GOODS = tuple(
    "ваза чашка зонт шарф сумка рубашка кружка кошелёк велосипед рюкзак мяч платок".split()
)
READING = tuple("книга журнал роман словарь".split())
MAIL = tuple("письмо посылка открытка фотография телеграмма".split())

GIVE = Relation(
    told=(
        "{A} {подарить past @A} {B datv} {O accs}",
        "{A} {подарить past @A} {O accs} {B datv}",
        "{B datv} {A} {подарить past @A} {O accs}",
        "{O accs} {B datv} {подарить past @A} {A}",
    ),
    mirrored=(
        "{B} {получить past @B} {O accs} в подарок от {A gent}",
        "{B} {получить past @B} в подарок от {A gent} {O accs}",
        "от {A gent} {B} {получить past @B} в подарок {O accs}",
    ),
    who=(
        "Кто {подарить past masc} {B datv} {O accs}?",
        "От кого {B} {получить past @B} в подарок {O accs}?",
    ),
    whom=(
        "Кому {A} {подарить past @A} {O accs}?",
        "Кто {получить past masc} в подарок {O accs} от {A gent}?",
    ),
    things=GOODS + READING,
    painted=True,
)
SELL = Relation(
    told=(
        "{A} {продать past @A} {B datv} {O accs}",
        "{B datv} {A} {продать past @A} {O accs}",
        "{O accs} {продать past @A} {B datv} {A}",
    ),
    mirrored=(
        "{B} {купить past @B} у {A gent} {O accs}",
        "{B} {купить past @B} {O accs} у {A gent}",
        "у {A gent} {B} {купить past @B} {O accs}",
    ),
    who=("Кто {продать past masc} {B datv} {O accs}?", "У кого {B} {купить past @B} {O accs}?"),
    whom=("Кому {A} {продать past @A} {O accs}?", "Кто {купить past masc} {O accs} у {A gent}?"),
    things=GOODS,
    painted=True,
)
LEND = Relation(
    told=(
        "{A} {одолжить past @A} {B datv} {O accs}",
        "{A} {дать past @A} {B datv} на время {O accs}",
        "{B datv} {A} {одолжить past @A} {O accs}",
    ),
    mirrored=(
        "{B} {взять past @B} на время у {A gent} {O accs}",
        "{B} {взять past @B} у {A gent} {O accs} на время",
        "у {A gent} {B} {взять past @B} на время {O accs}",
    ),
    who=(
        "Кто {одолжить past masc} {B datv} {O accs}?",
        "У кого {B} {взять past @B} на время {O accs}?",
    ),
    whom=(
        "Кому {A} {одолжить past @A} {O accs}?",
        "Кто {взять past masc} на время {O accs} у {A gent}?",
    ),
    things=(*READING, "зонт", "велосипед", "рюкзак", "мяч", "сумка"),
    painted=True,
)
SEND = Relation(
    told=(
        "{A} {прислать past @A} {B datv} {O accs}",
        "{A} {прислать past @A} {O accs} {B datv}",
        "{B datv} {прислать past @A} {O accs} {A}",
    ),
    mirrored=(
        "{B} {получить past @B} от {A gent} {O accs}",
        "{B} {получить past @B} {O accs} от {A gent}",
        "от {A gent} {B} {получить past @B} {O accs}",
    ),
    who=("Кто {прислать past masc} {B datv} {O accs}?", "От кого {B} {получить past @B} {O accs}?"),
    whom=(
        "Кому {A} {прислать past @A} {O accs}?",
        "Кто {получить past masc} {O accs} от {A gent}?",
    ),
    things=MAIL,
)
WIN = Relation(
    told=(
        "{A} {выиграть past @A} у {B gent} в {O accs}",
        "{A} {выиграть past @A} в {O accs} у {B gent}",
        "у {B gent} в {O accs} {выиграть past @A} {A}",
    ),
    mirrored=(
        "{B} {проиграть past @B} {A datv} в {O accs}",
        "{B} {проиграть past @B} в {O accs} {A datv}",
        "{A datv} {B} {проиграть past @B} в {O accs}",
    ),
    who=(
        "Кто {выиграть past masc} у {B gent} в {O accs}?",
        "Кому {B} {проиграть past @B} в {O accs}?",
    ),
    whom=(
        "У кого {A} {выиграть past @A} в {O accs}?",
        "Кто {проиграть past masc} {A datv} в {O accs}?",
    ),
    things=tuple("шахматы шашки теннис бадминтон домино".split()),
)
TEACH = Relation(
    told=(
        "{A} {учить pres @A} {B accs} играть на {O loct}",
        "{B accs} {учить pres @A} играть на {O loct} {A}",
        "играть на {O loct} {A} {учить pres @A} {B accs}",
    ),
    mirrored=(
        "{B} {учиться pres @B} у {A gent} играть на {O loct}",
        "{B} {учиться pres @B} играть на {O loct} у {A gent}",
        "у {A gent} {B} {учиться pres @B} играть на {O loct}",
    ),
    who=(
        "Кто {учить pres sing} {B accs} играть на {O loct}?",
        "У кого {B} {учиться pres @B} играть на {O loct}?",
    ),
    whom=(
        "Кого {A} {учить pres @A} играть на {O loct}?",
        "Кто {учиться pres sing} у {A gent} играть на {O loct}?",
    ),
    things=tuple("гитара скрипка флейта аккордеон пианино".split()),
)
HELP = Relation(
    told=(
        "{A} {помочь past @A} {B datv} починить {O accs}",
        "{B datv} починить {O accs} {помочь past @A} {A}",
        "{A} {помочь past @A} починить {O accs} {B datv}",
    ),
    mirrored=(
        "{B} {починить past @B} {O accs} с помощью {A gent}",
        "с помощью {A gent} {B} {починить past @B} {O accs}",
    ),
    who=(
        "Кто {помочь past masc} {B datv} починить {O accs}?",
        "С чьей помощью {B} {починить past @B} {O accs}?",
    ),
    whom=(
        "Кому {A} {помочь past @A} починить {O accs}?",
        "Кто {починить past masc} {O accs} с помощью {A gent}?",
    ),
    things=tuple("велосипед будильник чайник утюг кресло фонарик".split()),
)
OLDER = Relation(
    told=("{A} старше {B gent}", "{A} старше, чем {B}"),
    mirrored=("{B} младше {A gent}", "{B} младше, чем {A}"),
)
HIGHER = Relation(
    told=("{A} {жить pres @A} этажом выше {B gent}", "этажом выше {B gent} {жить pres @A} {A}"),
    mirrored=("{B} {жить pres @B} этажом ниже {A gent}", "этажом ниже {A gent} {жить pres @B} {B}"),
)
EARLIER = Relation(
    told=("{A} {прийти past @A} раньше {B gent}", "раньше {B gent} {прийти past @A} {A}"),
    mirrored=("{B} {прийти past @B} позже {A gent}", "позже {A gent} {прийти past @B} {B}"),
)
TRANSFERS = (GIVE, SELL, LEND, SEND)
ASKABLE = (*TRANSFERS, WIN, TEACH, HELP)
ORDERS = (OLDER, HIGHER, EARLIER)
RELATIONS = (*ASKABLE, *ORDERS)
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
