"""Задания 01.1 и 01.2: вопросы модели и оценка предложения — верное, входы и мутанты."""

from __future__ import annotations

import math

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.task import Mistake
from lecture_lib.grading.wire import Given

VOCABULARY = 14


def alphabet(rng: np.random.Generator) -> tuple[int, int, int, list[int]]:
    """Номера [CLS], [SEP], [MASK] — каждый раз другие — и номера обычных токенов."""
    cls, sep, mask, *words = (int(i) for i in rng.permutation(VOCABULARY))
    return cls, sep, mask, words


# ------------------------------------------------------------------ 01.1, вопросы


def questions(ids, mask_id, first=1, last=0, right=False, mask=True, leak=0, answer=0,
              by_value=False):  # fmt: skip
    """Верные пары «видно — ответ»; настройки портят их в одном месте."""
    pairs = []
    for i in range(first, len(ids) - last - answer):
        end = ids.index(ids[i]) if by_value else i
        seen = list(ids[: end + leak]) + ([mask_id] if mask else [])
        if right:
            seen = [*ids[:i], mask_id, *ids[i + 1 :]]
        pairs.append([seen, ids[i + answer]])
    return pairs


def _questions_variant(**options):
    return lambda ids, mask_id: questions(ids, mask_id, **options)


def question_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 01.1: пример из условия, строки случайной длины, строка с повторами."""
    cases = [Case(([0, 7, 9, 5], 2), visible=True)]
    for length in (1, 2, 4, 5, 8):
        words = [int(i) for i in rng.integers(20, 90, length)]
        words[3:4] = words[:1] * len(words[3:4])  # четвёртое слово повторяет первое
        cases.append(Case(([int(rng.integers(10, 20)), *words], int(rng.integers(91, 99)))))
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
    "place_by_value": Mistake(
        "Место найдено по номеру токена (index), а токен в строке бывает не один.",
        _questions_variant(by_value=True),
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


def score(ids, mask_id, predict, hide="one", where="inner", value="log", shift=0, mean=False,
          by_value=False):  # fmt: skip
    """Верная сумма логарифмов; настройки портят её в одном месте."""
    inner = range(1, len(ids) - 1)
    asked = {"inner": inner, "all": range(len(ids)), "no_first": inner[1:], "no_last": inner[:-1],
             "with_sep": range(1, len(ids))}[where]  # fmt: skip
    row, total = list(ids), []
    for i in map(ids.index, map(ids.__getitem__, asked)) if by_value else asked:
        hidden = list(ids) if hide != "accumulate" else row
        if hide != "none":
            hidden[i] = mask_id
        if hide == "equal":
            hidden = [mask_id if token == ids[i] else token for token in ids]
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
    """Входы 01.2: предложения, среди них с повтором; игрушечная модель каждый раз новая."""
    cases = []
    for length in (2, 2, 3, 4, 6):
        cls, sep, mask, words = alphabet(rng)
        words = words[:length]
        if length > 2:
            words[-1] = words[0]
        cases.append(Case(([cls, *words, sep], mask, toy_given(rng))))
    return cases


def toy_given(rng: np.random.Generator) -> Given:
    """Новая игрушечная модель."""
    return Given("toy_model", (VOCABULARY, int(rng.integers(1e6))))


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
    "equal_hidden": Mistake(
        "Вместе с токеном закрыты все такие же: закрывать надо место, а не номер.",
        _score_variant(hide="equal"),
    ),
    "place_by_value": Mistake(
        "Место найдено по номеру токена (index), а токен в строке бывает не один.",
        _score_variant(by_value=True),
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
