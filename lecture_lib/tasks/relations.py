"""Отношения двух жителей: чем о них рассказать с обеих сторон и как спросить о каждой.

Шаблоны — на языке corpus.template: {A} и {B} — люди, {O} — вещь.
"""

from __future__ import annotations

from dataclasses import dataclass


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
