"""Задания 01.3 и 01.4: заполнение масок и узор видимости — верное, входы и мутанты."""

from __future__ import annotations

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.question_cases import VOCABULARY, alphabet, toy_given
from lecture_lib.grading.task import Mistake
from lecture_lib.grading.wire import Given, as_array

# ------------------------------------------------------------------ 01.3, заполнение


def fill(ids, mask_id, predict, order="confident", ban=True, steps=None, shift=0, raw=False):
    """Верное заполнение масок; настройки портят его в одном месте."""
    ids = list(ids)
    table = predict(ids).numpy().copy()
    for _ in range(steps or ids.count(mask_id)):
        masks = [i for i, token in enumerate(ids) if token == mask_id]
        if not masks:
            break
        if order != "once":
            table = predict(ids).numpy().copy()
        with_mask = table.copy()
        if ban:
            table[:, mask_id] = -np.inf
        weighed = with_mask if raw else table
        sure = {i: weighed[min(i + shift, len(ids) - 1)].max() for i in masks}
        ends = {"left": masks[0], "once": masks[0], "right": masks[-1]}
        place = ends.get(order, (min if order == "least" else max)(masks, key=sure.get))
        ids[place] = int(table[min(place + shift, len(ids) - 1)].argmax())
    return ids


def _fill_variant(**options):
    return lambda ids, mask_id, predict: fill(ids, mask_id, predict, **options)


def _overwrite(ids, mask_id, predict):
    table = predict(list(ids)).numpy().copy()
    table[:, mask_id] = -np.inf
    return [int(i) for i in table.argmax(-1)]


def fill_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 01.3: одна маска, потом несколько; модель каждый раз новая.

    Среди моделей всегда есть такая, которой больше всего нравится [MASK], и такая, у которой от
    него зависит, какую из двух масок заполнить первой.
    """
    cases = []
    for length, masks in ((3, 1), (4, 2), (6, 3), (7, 4), (8, 5), (8, 5)):
        cls, sep, mask, words = alphabet(rng)
        ids = [int(i) for i in rng.choice(words, length)]
        for i in rng.choice(length, masks, replace=False):
            ids[int(i)] = mask
        cases.append(Case(([cls, *ids, sep], mask, toy_given(rng))))
    return [*cases, _tempting_case(rng, 1, ban=False), _tempting_case(rng, 2, raw=True)]


def _tempting_case(rng: np.random.Generator, masks: int, **flaw) -> Case:
    """Строка и модель, на которых ошибка flaw даёт другой ответ."""
    from lecture_lib.grading.given import toy_model

    cls, sep, mask, words = alphabet(rng)
    row = [cls, mask, words[0], *[mask] * (masks - 1), sep]
    seed = int(rng.integers(1e6))
    while True:
        model = toy_model(VOCABULARY, seed)
        if fill(row, mask, model) != fill(row, mask, model, **flaw):
            return Case((row, mask, Given("toy_model", (VOCABULARY, seed))))
        seed += 1


FILL_MISTAKES = {
    "once": Mistake(
        "Модель спрошена один раз: вторая маска не знает, чем заполнена первая.",
        _fill_variant(order="once"),
    ),
    "left_to_right": Mistake(
        "Маски заполнены слева направо, а просили — сначала ту, в которой модель увереннее.",
        _fill_variant(order="left"),
    ),
    "right_to_left": Mistake(
        "Маски заполнены справа налево, а просили — сначала самую уверенную.",
        _fill_variant(order="right"),
    ),
    "least_sure": Mistake(
        "Первой заполняется маска, в которой модель уверена меньше всего.",
        _fill_variant(order="least"),
    ),
    "mask_as_answer": Mistake(
        "Ответом бывает сам [MASK]: его надо исключить.", _fill_variant(ban=False)
    ),
    "mask_is_sure": Mistake(
        "Уверенность посчитана вместе с [MASK], а ответом он быть не может: исключите его раньше, "
        "чем сравнивать.",
        _fill_variant(raw=True),
    ),
    "one_step": Mistake("Заполнена только одна маска.", _fill_variant(steps=1)),
    "place_shifted": Mistake(
        "Ответ взят с соседнего места, а у MLM он — под самой маской.", _fill_variant(shift=1)
    ),
    "overwrites": Mistake("Изменились и те токены, что не были масками.", _overwrite),
    "nothing": Mistake("Маски остались на месте.", lambda ids, mask_id, predict: list(ids)),
}

# ------------------------------------------------------------------ 01.4, узор видимости


def pattern(length, prefix, kind="right", extra=0):
    """Верный узор видимости с открытым началом; настройки портят его в одном месте."""
    i, j = np.arange(length)[:, None], np.arange(length)[None, :]
    causal, open_part = j <= i, (j < prefix + extra) | (i < 0)
    kinds = {
        "right": causal | open_part,
        "causal": causal | (i < 0),
        "transposed": (causal | open_part).T,
        "no_self": (j < i) | open_part,
        "sees_all": causal | (i < prefix),
        "only_prefix": open_part,
        "everything": (i >= 0) | (j >= 0),
        "inverted": ~(causal | open_part),
        "added": causal.astype(int) + open_part,
        "blocks": (causal & (i >= prefix) & (j >= prefix)) | (open_part & (i < prefix)),
    }
    return kinds[kind]


def _pattern_variant(**options):
    return lambda length, prefix: pattern(length, prefix, **options)


def pattern_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 01.4: пример из условия, края (ничего и всё) и случайные."""
    pairs = [(4, 2), (3, 0), (3, 3), (5, 1)]
    pairs += [(n, int(rng.integers(2, n - 1))) for n in (5, 6, 9)]
    return [Case(pair, visible=number == 0) for number, pair in enumerate(pairs)]


PATTERN_MISTAKES = {
    "causal_only": Mistake(
        "Это узор причинной модели: начало открыто не всем.", _pattern_variant(kind="causal")
    ),
    "transposed": Mistake(
        "Строки и столбцы перепутаны: [i, j] — видит ли i токен j.",
        _pattern_variant(kind="transposed"),
    ),
    "no_self": Mistake("Токен должен видеть и себя.", _pattern_variant(kind="no_self")),
    "prefix_sees_all": Mistake(
        "Токены начала видят продолжение: так модель подсмотрит ответ.",
        _pattern_variant(kind="sees_all"),
    ),
    "only_prefix": Mistake(
        "Продолжение видит только начало, а должно видеть ещё и своё прошлое.",
        _pattern_variant(kind="only_prefix"),
    ),
    "everything": Mistake(
        "Видно всё: это двусторонняя модель.", _pattern_variant(kind="everything")
    ),
    "inverted": Mistake("Узор перевёрнут: True значит «видит».", _pattern_variant(kind="inverted")),
    "blocks": Mistake(
        "Продолжение не видит начала: получились две отдельные модели.",
        _pattern_variant(kind="blocks"),
    ),
    "added": Mistake(
        "Два узора сложены: где верно и то и другое, вышло 2. Нужно «или»: True и False.",
        _pattern_variant(kind="added"),
    ),
    "one_more": Mistake(
        "Открыто на один токен больше: в начале ровно prefix токенов.", _pattern_variant(extra=1)
    ),
    "one_less": Mistake(
        "Открыто на один токен меньше: в начале ровно prefix токенов.", _pattern_variant(extra=-1)
    ),
}


def explain_pattern(arguments, expected, got) -> str:
    """Первая разошедшаяся клетка словами."""
    wanted, found = np.asarray(expected), as_array(got)
    if found is None or wanted.shape != found.shape:
        return ""
    i, j = (int(n) for n in np.argwhere(wanted != found)[0])
    if found[i, j] not in (0, 1):
        return f"клетка [{i}, {j}]: нужно True или False, а стоит {found[i, j]:g}"
    return f"токен {i} {'должен' if wanted[i, j] else 'не должен'} видеть токен {j}"
