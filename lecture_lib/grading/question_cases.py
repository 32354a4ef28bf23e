"""Задания 01.1–01.4: вопросы модели, оценка, заполнение, узор видимости — верное и мутанты."""

from __future__ import annotations

import math

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.task import Mistake
from lecture_lib.grading.wire import Given

CLS, SEP, MASK, VOCABULARY = 0, 1, 2, 14

# ------------------------------------------------------------------ 01.1, вопросы


def questions(ids, mask_id, first=1, last=0, right=False, mask=True, leak=0, answer=0):
    """Верные пары «видно — ответ»; настройки портят их в одном месте."""
    pairs = []
    for i in range(first, len(ids) - last - answer):
        seen = list(ids[: i + leak]) + ([mask_id] if mask else [])
        if right:
            seen = [*ids[:i], mask_id, *ids[i + 1 :]]
        pairs.append([seen, ids[i + answer]])
    return pairs


def _questions_variant(**options):
    return lambda ids, mask_id: questions(ids, mask_id, **options)


def question_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 01.1: пример из условия и строки случайной длины с разным номером [MASK]."""
    cases = [Case(([0, 7, 9, 5], 2), visible=True)]
    for length in (2, 3, 5, 6, 9):
        ids = [CLS, *(int(i) for i in rng.integers(20, 90, length - 1))]
        cases.append(Case((ids, int(rng.integers(91, 99)))))
    return cases


QUESTION_MISTAKES = {
    "sees_right": Mistake(
        "Видно и то, что правее маски: это вопрос MLM, а обычная модель вправо не смотрит.",
        _questions_variant(right=True),
    ),
    "asks_first": Mistake(
        "Спрошено и о первом токене, [CLS], но левее него ничего нет.", _questions_variant(first=0)
    ),
    "starts_late": Mistake(
        "Пропущен первый вопрос: о токене сразу после [CLS].", _questions_variant(first=2)
    ),
    "stops_early": Mistake(
        "Пропущен последний вопрос: цикл кончается на единицу раньше.", _questions_variant(last=1)
    ),
    "no_mask": Mistake(
        "Нет маски: у MLM на месте вопроса стоит [MASK].", _questions_variant(mask=False)
    ),
    "leaks": Mistake(
        "Ответ виден: в контекст попал и сам токен, о котором спрашивают.",
        _questions_variant(leak=1),
    ),
    "answer_shifted": Mistake(
        "Ответ сдвинут: под маской стоит один токен, а ответом назван следующий.",
        _questions_variant(answer=1),
    ),
    "only_last": Mistake(
        "Задан один вопрос, о последнем токене, а их столько, сколько токенов после [CLS].",
        lambda ids, mask_id: questions(ids, mask_id)[-1:],
    ),
    "backwards": Mistake(
        "Вопросы идут с конца, а просили слева направо.",
        lambda ids, mask_id: questions(ids, mask_id)[::-1],
    ),
    "pairs_swapped": Mistake(
        "В паре сначала то, что видно, потом ответ, — а не наоборот.",
        lambda ids, mask_id: [[answer, seen] for seen, answer in questions(ids, mask_id)],
    ),
}

# ------------------------------------------------------------------ 01.2, псевдологарифм


def score(ids, mask_id, predict, hide="one", where="inner", value="log", shift=0, mean=False):
    """Верная сумма логарифмов; настройки портят её в одном месте."""
    inner = range(1, len(ids) - 1)
    asked = {"inner": inner, "all": range(len(ids)), "no_first": inner[1:], "no_last": inner[:-1],
             "with_sep": range(1, len(ids))}[where]  # fmt: skip
    row, total = list(ids), []
    for i in asked:
        hidden = list(ids) if hide != "accumulate" else row
        if hide != "none":
            hidden[i] = mask_id
        if hide == "all":
            hidden = [mask_id if j in inner else ids[j] for j in range(len(ids))]
        if hide == "right":
            hidden = [*ids[:i], mask_id]
        place = min(max(i + shift, 0), len(hidden) - 1)
        log_p = float(predict(hidden)[place, ids[i]])
        total.append(log_p if value == "log" else math.exp(log_p))
    if value == "product":
        return math.prod(total)
    return sum(total) / (len(total) if mean else 1)


def _score_variant(**options):
    return lambda ids, mask_id, predict: score(ids, mask_id, predict, **options)


def score_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 01.2: предложения и игрушечная модель, каждый раз новая."""
    cases = []
    for length in (2, 2, 3, 4, 6):
        ids = [CLS, *(int(i) for i in rng.integers(3, VOCABULARY, length)), SEP]
        cases.append(Case((ids, MASK, Given("toy_model", (VOCABULARY, int(rng.integers(1e6)))))))
    return cases


SCORE_MISTAKES = {
    "peeks": Mistake(
        "Токен не закрыт: модель видит ответ, и оценка ничего не стоит.",
        _score_variant(hide="none"),
    ),
    "all_hidden": Mistake(
        "Закрыты все токены сразу, а надо по одному: остальные видны.", _score_variant(hide="all")
    ),
    "accumulates": Mistake(
        "Закрытый токен не открыт обратно: к концу строки закрыто всё, что было левее.",
        _score_variant(hide="accumulate"),
    ),
    "left_only": Mistake(
        "Видно только то, что левее: так считают у причинной модели.", _score_variant(hide="right")
    ),
    "with_special": Mistake(
        "В сумму попали [CLS] и [SEP]: они есть в любом предложении.", _score_variant(where="all")
    ),
    "with_sep": Mistake("В сумму попал [SEP].", _score_variant(where="with_sep")),
    "skips_first": Mistake("Пропущен первый токен.", _score_variant(where="no_first")),
    "skips_last": Mistake("Пропущен последний токен.", _score_variant(where="no_last")),
    "mean": Mistake("Это среднее, а просили сумму.", _score_variant(mean=True)),
    "probabilities": Mistake(
        "Сложены вероятности, а надо их логарифмы.", _score_variant(value="p")
    ),
    "product": Mistake(
        "Это произведение вероятностей: просили его логарифм, то есть сумму логарифмов.",
        _score_variant(value="product"),
    ),
    "place_left": Mistake(
        "Логарифм взят на место левее: так отвечает причинная модель, а у MLM ответ — под маской.",
        _score_variant(shift=-1),
    ),
    "place_right": Mistake("Логарифм взят на место правее маски.", _score_variant(shift=1)),
}

# ------------------------------------------------------------------ 01.3, заполнение


def fill(ids, mask_id, predict, order="confident", ban=True, steps=None, shift=0):
    """Верное заполнение масок; настройки портят его в одном месте."""
    ids = list(ids)
    table = predict(ids).numpy().copy()
    for _ in range(steps or ids.count(mask_id)):
        masks = [i for i, token in enumerate(ids) if token == mask_id]
        if not masks:
            break
        if order != "once":
            table = predict(ids).numpy().copy()
        if ban:
            table[:, mask_id] = -np.inf
        sure = {i: table[min(i + shift, len(ids) - 1)].max() for i in masks}
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

    Среди моделей всегда есть такая, которой на первом шагу больше всего нравится [MASK].
    """
    cases = []
    for length, masks in ((3, 1), (4, 2), (6, 3), (7, 4), (8, 5), (8, 5)):
        ids = [int(i) for i in rng.integers(3, VOCABULARY, length)]
        for i in rng.choice(length, masks, replace=False):
            ids[int(i)] = MASK
        row = [CLS, *ids, SEP]
        cases.append(Case((row, MASK, Given("toy_model", (VOCABULARY, int(rng.integers(1e6)))))))
    return [*cases, _tempting_case(rng)]


def _tempting_case(rng: np.random.Generator) -> Case:
    from lecture_lib.grading.given import toy_model

    row = [CLS, MASK, int(rng.integers(3, VOCABULARY)), SEP]
    seed = int(rng.integers(1e6))
    while int(toy_model(VOCABULARY, seed)(row)[1].argmax()) != MASK:
        seed += 1
    return Case((row, MASK, Given("toy_model", (VOCABULARY, seed))))


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
        "blocks": (causal & (i >= prefix) & (j >= prefix)) | (open_part & (i < prefix)),
    }
    return kinds[kind]


def _pattern_variant(**options):
    return lambda length, prefix: pattern(length, prefix, **options)


def pattern_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 01.4: пример из условия, края (ничего и всё) и случайные."""
    pairs = [(4, 2), (3, 0), (3, 3)]
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
    "one_more": Mistake(
        "Открыто на один токен больше: в начале ровно prefix токенов.", _pattern_variant(extra=1)
    ),
    "one_less": Mistake(
        "Открыто на один токен меньше: в начале ровно prefix токенов.", _pattern_variant(extra=-1)
    ),
}


def explain_pattern(arguments, expected, got) -> str:
    """Первая разошедшаяся клетка словами."""
    wanted, found = np.asarray(expected), np.asarray(got)
    if wanted.shape != found.shape:
        return ""
    i, j = (int(n) for n in np.argwhere(wanted != (found != 0))[0])
    return f"токен {i} {'должен' if wanted[i, j] else 'не должен'} видеть токен {j}"
