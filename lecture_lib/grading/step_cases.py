"""Задания 04.2 и 04.3: скорость обучения и шаг из частей — верное и мутанты."""

from __future__ import annotations

import math

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.task import Mistake

# ------------------------------------------------------------------ 04.2, расписание


def learning_rate(step, peak, warmup, total, rise="linear", fall="linear", floor=True, unit=True):
    """Верная скорость на шаге; настройки портят её в одном месте."""
    height = peak if unit else 1.0
    if step < warmup and rise != "none":
        share = {"linear": step / warmup, "plus_one": (step + 1) / warmup,
                 "whole": step // warmup, "square": (step / warmup) ** 2,
                 "root": (step / warmup) ** 0.5, "down": 1 - step / warmup}[rise]  # fmt: skip
        return height * share
    left = (total - step) / (total - warmup)
    value = {
        "linear": left,
        "from_start": (total - step) / total,
        "too_slow": 1 - (step - warmup) / total,
        "shifted": (total - 1 - step) / max(total - 1 - warmup, 1),
        "shifted_late": (total - step + 1) / (total - warmup),
        "constant": 1.0,
        "cosine": (1 + math.cos(math.pi * min(1 - left, 1))) / 2,
        "root": (max(warmup, 1) / max(step, 1)) ** 0.5,
        "square": left * abs(left),
        "step_minus_warmup": (step - warmup) / (total - warmup),
    }[fall]
    return height * (max(0.0, value) if floor else value)


def _rate_variant(**options):
    return lambda *inputs: learning_rate(*inputs, **options)


def _overlaid(step, peak, warmup, total):
    """Разогрев умножен на спад: пик не достигается."""
    rise = min(1.0, step / warmup) if warmup else 1.0
    return peak * rise * max(0.0, (total - step) / total)


def rate_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 04.2: пример, разогрев, пик, спад, конец и за концом; разогрева бывает ноль."""
    cases = [Case((5, 2.0, 10, 100), visible=True)]
    for _ in range(4):
        warmup = int(rng.integers(4, 12))
        total = warmup + int(rng.integers(10, 40))
        peak = round(float(rng.uniform(1, 9)), 2)
        steps = {0, 1, warmup - 1, warmup, warmup + 1, (warmup + total) // 2, total - 1, total}
        steps |= {total + 1, total + 7}
        cases += [Case((step, peak, warmup, total)) for step in sorted(steps)]
    return [*cases, *(Case((step, 3.0, 0, 12)) for step in (0, 1, 6, 12, 15))]


RATE_MISTAKES = {
    "plus_one": Mistake(
        "Разогрев сдвинут на шаг: здесь на нулевом шаге скорость — ноль.",
        _rate_variant(rise="plus_one"),
    ),
    "from_start": Mistake(
        "Спад отмерен от нулевого шага, а не от конца разогрева: после пика скорость прыгает вниз.",
        _rate_variant(fall="from_start"),
    ),
    "too_slow": Mistake(
        "Спад поделён на все шаги, а не на оставшиеся: к концу скорость не дойдёт до нуля.",
        _rate_variant(fall="too_slow"),
    ),
    "negative": Mistake(
        "После конца обучения скорость отрицательна: модель пойдёт в гору. Ниже нуля нельзя.",
        _rate_variant(floor=False),
    ),
    "from_start_negative": Mistake(
        "Спад отмерен от нулевого шага, а не от конца разогрева, да ещё и уходит ниже нуля.",
        _rate_variant(fall="from_start", floor=False),
    ),
    "plus_one_negative": Mistake(
        "Разогрев сдвинут на шаг (на нулевом шаге скорость — ноль), а после конца скорость "
        "отрицательна.",
        _rate_variant(rise="plus_one", floor=False),
    ),
    "constant": Mistake("После разогрева скорость не падает.", _rate_variant(fall="constant")),
    "no_warmup": Mistake("Разогрева нет: скорость сразу велика.", _rate_variant(rise="none")),
    "no_warmup_long": Mistake(
        "Разогрева нет, а спад идёт с нулевого шага.",
        _rate_variant(rise="none", fall="from_start"),
    ),
    "whole_division": Mistake(
        "Деление целочисленное (//): весь разогрев скорость — ноль.", _rate_variant(rise="whole")
    ),
    "warmup_down": Mistake(
        "Разогрев перевёрнут: скорость в нём падает, а должна расти.", _rate_variant(rise="down")
    ),
    "grows_after": Mistake(
        "После разогрева скорость растёт снова с нуля: спад перевёрнут.",
        _rate_variant(fall="step_minus_warmup", floor=False),
    ),
    "overlaid": Mistake(
        "Разогрев и спад перемножены: пик ниже обещанного. Сначала одно, потом другое.", _overlaid
    ),
    "cosine": Mistake("Спад по косинусу, а у BERT — по прямой.", _rate_variant(fall="cosine")),
    "inverse_root": Mistake(
        "Спад как 1/√шаг: так учили первый трансформер, а BERT — по прямой.",
        _rate_variant(fall="root"),
    ),
    "end_shifted": Mistake(
        "Ноль достигнут на шаг раньше: он должен быть ровно на шаге total.",
        _rate_variant(fall="shifted"),
    ),
    "no_peak": Mistake(
        "Это множитель от нуля до единицы: умножьте его на пик.", _rate_variant(unit=False)
    ),
}

# ------------------------------------------------------------------ 04.3, шаг из частей

BROKEN_STEP = """
def step_gradient(parts, counts, max_norm):
    result = []
    for tensors in zip(*parts):
        gradient = sum(tensors) / len(parts)
        result.append(gradient * max_norm / gradient.norm())
    return result
"""


def step_gradient(parts, counts, max_norm, weigh="counts", norm="global", limit=True,
                  when="after", kind=2, clip=True):  # fmt: skip
    """Верный градиент шага; настройки портят его в одном месте."""
    parts = [[np.asarray(g, dtype=float) for g in part] for part in parts]
    if when == "before":
        parts = [_clipped(part, max_norm, norm, limit, kind) for part in parts]
    total = sum(counts)
    weights = {"counts": [n / total for n in counts], "equal": [1 / len(parts)] * len(parts),
               "sum": [1.0] * len(parts), "raw": list(counts),
               "both": [n / len(parts) for n in counts],
               "inverse": _shares([1 / n for n in counts])}[weigh]  # fmt: skip
    mean = [sum(w * g for w, g in zip(weights, tensors, strict=True))
            for tensors in zip(*parts, strict=True)]  # fmt: skip
    if when == "before" or not clip:
        return mean
    return _clipped(mean, max_norm, norm, limit, kind)


def _shares(values):
    return [value / sum(values) for value in values]


def _clipped(gradients, max_norm, norm, limit, kind):
    if kind == "value":
        return [np.clip(g, -max_norm, max_norm) for g in gradients]
    measures = {1: lambda g: np.abs(g).sum(), 2: lambda g: np.sqrt((g**2).sum()),
                "square": lambda g: (g**2).sum(), "max": lambda g: np.abs(g).max()}  # fmt: skip
    lengths = [measures[kind](g) for g in gradients]
    whole = {2: np.sqrt(np.square(lengths).sum()), "max": max(lengths)}.get(kind, sum(lengths))
    if norm == "sum":
        whole = sum(lengths)
    lengths = lengths if norm == "each" else [whole] * len(gradients)
    factors = [max_norm / length for length in lengths]
    return [g * (min(1.0, f) if limit else f) for g, f in zip(gradients, factors, strict=True)]


def _step_variant(**options):
    return lambda *inputs: step_gradient(*inputs, **options)


def step_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 04.3: одна часть, две, четыре; градиент то длиннее предела, то короче."""
    cases = []
    far, near, tight = (400, 500), (4, 6), (0.3, 0.6)  # предел во столько раз длиннее градиента
    for parts, limits in ((1, far), (1, tight), (2, near), (2, tight), (4, tight), (3, far)):
        shapes = ((2,), (2, 3)) if parts < 3 else ((3, 2), (2,), (4,))
        counts = [int(n) for n in rng.permutation([3, 11, 40, 97])[:parts]]
        gradients = [[rng.standard_normal(shape).astype(np.float32) for shape in shapes]
                     for _ in range(parts)]  # fmt: skip
        mean = step_gradient(gradients, counts, 1.0, clip=False)
        length = float(np.sqrt(sum((g**2).sum() for g in mean)))
        max_norm = round(length * float(rng.uniform(*limits)), 3)
        cases.append(Case((gradients, counts, max_norm)))
    return cases


def explain_step(arguments, expected, got) -> str:
    """Длины градиента словами."""
    try:
        norms = [math.sqrt(sum(float((np.asarray(g) ** 2).sum()) for g in tensors))
                 for tensors in (expected, got)]  # fmt: skip
    except (TypeError, ValueError):
        return "нужен список тензоров, по одному на параметр"
    return f"длина всего градиента: нужно {norms[0]:.4g}, вышло {norms[1]:.4g}"


STEP_MISTAKES = {
    "mean_of_means": Mistake(
        "Части усреднены поровну. Вопросов в них не поровну: три вопроса весят столько же, сколько "
        "сто.",
        _step_variant(weigh="equal"),
    ),
    "each_alone": Mistake(
        "Каждый тензор обрезан по своей длине: направление шага изменилось. Длина — одна на весь "
        "градиент.",
        _step_variant(norm="each"),
    ),
    "lengthens": Mistake(
        "Короткий градиент растянут до предела. Обрезка только укорачивает.",
        _step_variant(limit=False),
    ),
    "mean_of_means_each": Mistake(
        "Осталось две ошибки: части усреднены поровну, и каждый тензор обрезан по своей длине.",
        _step_variant(weigh="equal", norm="each"),
    ),
    "mean_of_means_lengthens": Mistake(
        "Осталось две ошибки: части усреднены поровну, и короткий градиент растянут.",
        _step_variant(weigh="equal", limit=False),
    ),
    "each_lengthens": Mistake(
        "Осталось две ошибки: у каждого тензора своя длина, и короткий растянут.",
        _step_variant(norm="each", limit=False),
    ),
    "nothing_fixed": Mistake(
        "Все три ошибки на месте: веса частей, длина одного тензора, растянутый короткий градиент.",
        _step_variant(weigh="equal", norm="each", limit=False),
    ),
    "clipped_before": Mistake(
        "Обрезана каждая часть, а надо — сумму: сначала сложить, потом обрезать.",
        _step_variant(when="before"),
    ),
    "not_clipped": Mistake("Градиент не обрезан.", _step_variant(clip=False)),
    "sum_of_parts": Mistake("Части сложены, а не усреднены.", _step_variant(weigh="sum")),
    "not_divided": Mistake(
        "Части умножены на число вопросов, но на все вопросы не поделены.",
        _step_variant(weigh="raw"),
    ),
    "divided_by_parts": Mistake(
        "Взвешенная сумма поделена на число частей, а надо — на число всех вопросов.",
        _step_variant(weigh="both"),
    ),
    "weights_inverted": Mistake(
        "Веса перевёрнуты: части с тремя вопросами досталось больше всех.",
        _step_variant(weigh="inverse"),
    ),
    "by_value": Mistake(
        "Обрезаны отдельные числа, а не длина: направление изменилось.", _step_variant(kind="value")
    ),
    "no_root": Mistake(
        "Длина — корень из суммы квадратов; корень забыт.", _step_variant(kind="square")
    ),
    "sum_of_norms": Mistake(
        "Длины тензоров сложены. Складывают квадраты, корень — в конце.", _step_variant(norm="sum")
    ),
    "absolute": Mistake(
        "Длина посчитана суммой модулей, а нужна обычная, из квадратов.", _step_variant(kind=1)
    ),
    "largest": Mistake("За длину взято наибольшее число градиента.", _step_variant(kind="max")),
}
