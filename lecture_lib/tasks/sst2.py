"""Оценка в отзыве (SST-2): доволен ли автор.

Слово «хороший» ответа не решает: каждое прилагательное стоит и в хвалебных, и в ругательных
отзывах одинаково часто, а знак оценки переворачивают «не», «нельзя сказать», «зря пишут» и
противопоставление «думали — оказался», «раньше — теперь». Классы: 0 — недоволен, 1 — доволен.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from lecture_lib.tasks.common import Task, TextExample, distinct, take_balanced
from lecture_lib.tasks.events import DEV_SHARE, thing, write

NAMES = ("недоволен", "доволен")
# О чём отзывы и какими словами хвалят и ругают: пары противоположных.
SUBJECTS = {
    "фильм спектакль сериал мультфильм комедия концерт лекция экскурсия": (
        ("интересный", "скучный"),
        ("весёлый", "скучный"),
        ("умный", "глупый"),
        ("увлекательный", "слабый"),
    ),
    "роман рассказ повесть книга сказка статья": (
        ("интересный", "скучный"),
        ("умный", "глупый"),
        ("увлекательный", "слабый"),
    ),
    "суп борщ салат пирог торт рыба мясо пицца каша компот": (
        ("вкусный", "невкусный"),
        ("вкусный", "пресный"),
        ("свежий", "несвежий"),
    ),
    "номер комната гостиница кафе ресторан вагон палатка": (
        ("чистый", "грязный"),
        ("уютный", "мрачный"),
        ("тихий", "шумный"),
        ("просторный", "тесный"),
    ),
    "кресло диван кровать рюкзак велосипед зонт пылесос телефон": (
        ("удобный", "неудобный"),
        ("надёжный", "ненадёжный"),
        ("прочный", "хрупкий"),
    ),
    "официант официантка продавец врач": (
        ("вежливый", "грубый"),
        ("добрый", "злой"),
        ("внимательный", "грубый"),
    ),
}
# Фильм и книга не меняются: «раньше роман был скучным, а теперь» о них не скажут.
CHANGELESS = frozenset(" ".join(list(SUBJECTS)[:2]).split())
ANY = (("хороший", "плохой"), ("отличный", "ужасный"), ("прекрасный", "ужасный"))
# X — о чём отзыв; said — названное слово, opposite — его противоположность. Первые хвалят,
# если слово хорошее, вторые — если плохое.
SAME = (
    "{X} и правда {said nomn @X}.",
    "{X} {оказаться past @X} на редкость {said ablt @X}.",
    "Думали, что {X} {быть futr @X} {opposite ablt @X}, а {X pro} {оказаться past @X} "
    "{said ablt @X}.",
    "Говорили, что {X} {opposite nomn @X}, но это неправда: {X pro} {said nomn @X}.",
    "{X} не {opposite nomn @X}, а {said nomn @X}.",
    "Вопреки отзывам, {X} {оказаться past @X} {said ablt @X}.",
    "Раньше {X} {быть past @X} {opposite ablt @X}, а теперь {said nomn @X}.",
    "Как ни странно, {X} {said nomn @X}.",
)
REVERSED = (
    "{X} совсем не {said nomn @X}.",
    "{X} не {такой nomn @X} {said nomn @X}, как пишут в отзывах.",
    "Никто из нас не назвал бы {X accs} {said ablt @X}.",
    "Нельзя сказать, что {X} {said nomn @X}.",
    "Зря пишут, что {X} {said nomn @X}.",
    "{X} не {показаться past @X} нам {said ablt @X}.",
    "Раньше {X} {быть past @X} {said ablt @X}, а теперь {opposite nomn @X}.",
    "Ждали, что {X} {быть futr @X} {said ablt @X}, но ошиблись.",
)
# Чем отзыв начинается; оценки в этом нет.
OPENINGS = (
    "", "", "", "Решили написать отзыв. ", "Пишем о том, что было вчера. ",
    "Друзья просили рассказать. ", "Скажем честно. ", "Коротко о главном. ",
)  # fmt: skip


def examples(split: str, count: int, seed: int = 0) -> list[TextExample]:
    """count отзывов поровну по классам."""
    return take_balanced(distinct(_reviews(split, seed)), len(NAMES), count)


def _reviews(split: str, seed: int) -> Iterator[TextExample]:
    draw = random.Random(f"{seed} {split} sst2")
    known = topics(split)
    while True:
        yield review(*draw.choice(known), draw)


def topics(split: str) -> list[tuple[str, tuple[str, str]]]:
    """О чём и какой парой слов; о чём обучающие отзывы, о том проверочных нет."""
    return [
        (noun, pair)
        for nouns, pairs in SUBJECTS.items()
        for number, noun in enumerate(nouns.split())
        for pair in (*pairs, *ANY)
        if (number % DEV_SHARE == 0) == (split != "train")
    ]


def review(noun: str, pair: tuple[str, str], draw: random.Random) -> TextExample:
    """Отзыв: какое слово пары названо и каким оборотом — решает жребий."""
    is_good = draw.random() < 0.5
    said, opposite = pair if is_good else pair[::-1]
    keeps = draw.random() < 0.5
    fitting = [
        form
        for form in (SAME if keeps else REVERSED)
        if noun not in CHANGELESS or not form.startswith("Раньше")
    ]
    template = draw.choice(fitting)
    text = template.replace("{said", "{" + said).replace("{opposite", "{" + opposite)
    opening = draw.choice(OPENINGS)
    return TextExample(opening + write(text, {"X": thing(noun)}, draw), "", int(is_good == keeps))


TASK = Task(
    name="sst2",
    title="Отзыв: доволен ли автор",
    kind="single",
    labels=NAMES,
    metrics=("accuracy",),
    sizes={"train": 3000, "validation": 800},
    make=examples,
)
