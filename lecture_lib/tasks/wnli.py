"""Схемы Винограда (WNLI): на кого указывает местоимение — подставим и спросим, верно ли.

«Анна извинилась перед Верой, потому что она опоздала.» — «Анна опоздала.» верно, «Вера опоздала.»
нет. Оба человека одного рода, поэтому грамматика не поможет: решает смысл причины. У большинства
схем есть причина и для первого, и для второго участника. Классы: 0 — неверно, 1 — верно.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from lecture_lib.corpus.state import Entity
from lecture_lib.tasks.common import Task, TextExample, distinct, take_balanced
from lecture_lib.tasks.events import DEV_SHARE, choose_people, thing, write

NAMES = ("неверно", "верно")
THINGS_SHARE = 0.2  # доля примеров о вещах, остальные — о людях


@dataclass(frozen=True)
class Schema:
    """Что произошло с A и B и причины; W — тот, о ком причина: `first` — это A, `second` — B."""

    main: str
    first: tuple[str, ...]
    second: tuple[str, ...]


SCHEMAS = (
    Schema(
        "{A} {извиниться past @A} перед {B ablt}",
        ("{W} {опоздать past @W}", "{W} {забыть past @W} о встрече"),
        ("{W datv} пришлось долго ждать", "{W} {обидеться past @W}"),
    ),
    Schema(
        "{A} {поблагодарить past @A} {B accs}",
        ("подарок {W datv} понравился", "{W datv} вовремя помогли"),
        ("{W} {помочь past @W} с ремонтом", "{W} {принести past @W} лекарство"),
    ),
    Schema(
        "{A} {похвалить past @A} {B accs}",
        ("песня {W datv} понравилась", "пирог {W datv} понравился"),
        ("{W} прекрасно {спеть past @W}", "{W} {испечь past @W} вкусный пирог"),
    ),
    Schema(
        "{A} {попросить past @A} у {B gent} зонт",
        ("{W} {забыть past @W} свой дома", "{W} не {хотеть past @W} промокнуть"),
        ("у {W gent} было два", "{W datv} зонт был не нужен"),
    ),
    Schema(
        "{A} {навестить past @A} {B accs}",
        ("{W} {соскучиться past @W}", "у {W gent} был свободный день"),
        ("{W} {заболеть past @W}", "{W} {лежать past @W} в больнице"),
    ),
    Schema(
        "{A} {уступить past @A} {B datv} место",
        ("{W} {выходить past @W} на следующей остановке", "{W datv} не хотелось сидеть"),
        ("{W} едва {стоять past @W} на ногах", "{W} {держать past @W} тяжёлые сумки"),
    ),
    Schema(
        "{A} {обогнать past @A} {B accs}",
        ("{W} {бежать past @W} быстрее", "{W} много {тренироваться past @W}"),
        ("{W} {бежать past @W} медленнее", "{W} {устать past @W}"),
    ),
    Schema(
        "{A} не {догнать past @A} {B accs}",
        ("{W} {бежать past @W} слишком медленно", "{W} {устать past @W}"),
        ("{W} {бежать past @W} слишком быстро", "{W} {выйти past @W} намного раньше"),
    ),
    Schema(
        "{A} не {услышать past @A} {B accs}",
        ("{W} {слушать past @W} музыку", "{W} крепко {спать past @W}"),
        ("{W} {говорить past @W} слишком тихо", "{W} {стоять past @W} слишком далеко"),
    ),
    Schema(
        "{A} {накормить past @A} {B accs}",
        ("{W} {любить past @W} угощать гостей", "{W} {приготовить past @W} слишком много"),
        ("{W} ничего не {есть past @W} с утра", "{W} {прийти past @W} с работы без сил"),
    ),
    Schema(
        "{A} {спросить past @A} у {B gent} дорогу",
        ("{W} {заблудиться past @W}", "{W} впервые {приехать past @W} в город"),
        ("{W} хорошо {знать past @W} город", "{W} {жить past @W} на этой улице"),
    ),
    Schema(
        "{A} {дать past @A} {B datv} куртку",
        ("{W datv} было жарко", "{W} {быть past @W} в тёплом свитере"),
        ("{W} {замёрзнуть past @W}", "{W} {прийти past @W} в одной рубашке"),
    ),
    Schema(
        "{A} {позвонить past @A} {B datv}",
        ("{W} {соскучиться past @W}", "{W datv} хотелось поговорить"),
        ("у {W gent} был день рождения", "{W} давно не {отвечать past @W} на письма"),
    ),
    Schema(
        "{A} {обидеться past @A} на {B accs}",
        ("{W accs} не позвали в гости", "{W accs} не поздравили"),
        ("{W} {забыть past @W} о дне рождения", "{W} {сказать past @W} грубое слово"),
    ),
    Schema(
        "{A} {разбудить past @A} {B accs}",
        ("{W datv} было страшно", "{W datv} не спалось"),
        ("{W} {храпеть past @W}", "{W} {проспать past @W}"),
    ),
    Schema(
        "{A} {утешить past @A} {B accs}",
        ("{W} не {мочь past @W} смотреть на чужие слёзы",),
        ("{W} {плакать past @W}", "{W} {потерять past @W} кошелёк"),
    ),
    Schema(
        "{A} {ждать past @A} {B accs} целый час",
        ("{W} {прийти past @W} слишком рано",),
        ("{W} {опоздать past @W}", "{W} {попасть past @W} в пробку"),
    ),
    Schema(
        "{A} {занять past @A} у {B gent} денег",
        ("{W} {потратить past @W} всю зарплату", "{W datv} не хватало на билет"),
        ("у {W gent} были лишние деньги", "{W} недавно {получить past @W} премию"),
    ),
    Schema(
        "{A} {пригласить past @A} {B accs} на ужин",
        ("{W} {приготовить past @W} слишком много", "{W datv} не хотелось ужинать без гостей"),
        ("{W} давно {хотеть past @W} прийти в гости", "у {W gent} дома было пусто"),
    ),
    Schema(
        "{A} {завидовать past @A} {B datv}",
        ("{W accs} не взяли на море", "{W datv} не дали премии"),
        ("{W} {уезжать past @W} к морю", "{W datv} дали премию"),
    ),
    Schema(
        "{A} не {поверить past @A} {B datv}",
        ("{W accs} часто обманывали", "{W} уже {знать past @W} правду"),
        ("{W} часто {обманывать past @W}", "{W} {говорить past @W} неправду"),
    ),
)
# Вещь не поместилась: виновата либо она, либо то, куда её клали; роды одинаковы.
FITTING = Schema(
    "{A} не {поместиться past @A} в {B accs}",
    ("{W} {быть past @W} слишком {большой|широкий ablt @W}",),
    ("{W} {быть past @W} слишком {маленький|тесный ablt @W}",),
)
FILLINGS = tuple(
    (what, where)
    for whats, wheres in (
        ("мяч телевизор рюкзак ковёр чайник зонт", "чемодан ящик шкаф мешок багажник"),
        ("ваза картина кастрюля кукла подушка гитара", "сумка коробка корзина тумбочка"),
        ("зеркало кресло пальто одеяло", "ведро"),
    )
    for what in whats.split()
    for where in wheres.split()
)


def examples(split: str, count: int, seed: int = 0) -> list[TextExample]:
    """count пар поровну по классам."""
    return take_balanced(distinct(_pairs(split, seed)), len(NAMES), count)


def _pairs(split: str, seed: int) -> Iterator[TextExample]:
    draw = random.Random(f"{seed} {split} wnli")
    while True:
        about_things = draw.random() < THINGS_SHARE
        schema = FITTING if about_things else draw.choice(SCHEMAS)
        cast = _things(split, draw) if about_things else _people(split, draw)
        yield make_pair(schema, cast, draw.randrange(2), draw)


def make_pair(
    schema: Schema, cast: tuple[Entity, Entity], label: int, draw: random.Random
) -> TextExample:
    """Предложение с местоимением и его подстановка — верная (label = 1) или нет."""
    about_first = draw.random() < 0.5
    reason = draw.choice(schema.first if about_first else schema.second)
    right, wrong = cast if about_first else cast[::-1]
    hidden = reason.replace("{W", "{W pro")
    roles = {"A": cast[0], "B": cast[1]}
    # Обе записи причины выбирают из «большой|широкий» одно и то же: зерно у них общее.
    dice = draw.random()
    first = write(
        f"{schema.main}, потому что {hidden}.", {**roles, "W": right}, random.Random(dice)
    )
    named = right if label else wrong
    return TextExample(first, write(f"{reason}.", {"W": named}, random.Random(dice)), label)


def _people(split: str, draw: random.Random) -> tuple[Entity, Entity]:
    first, second = choose_people(split, 2, draw, draw.choice(("mm", "ff")))
    return first, second


def _things(split: str, draw: random.Random) -> tuple[Entity, Entity]:
    mine = [
        pair
        for number, pair in enumerate(FILLINGS)
        if (number % DEV_SHARE == 0) == (split != "train")
    ]
    what, where = draw.choice(mine)
    return thing(what), thing(where)


TASK = Task(
    name="wnli",
    title="Местоимение: кого оно заменяет",
    kind="pair",
    labels=NAMES,
    metrics=("accuracy",),
    sizes={"train": 1000, "validation": 400},
    make=examples,
)
