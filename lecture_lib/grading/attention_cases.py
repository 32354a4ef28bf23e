"""Задания 03.1 и 03.2: верные внимание и эмбеддинги, их входы и мутанты."""

from __future__ import annotations

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.task import Mistake

# ------------------------------------------------------------------ 03.1, внимание


def attention(q, k, v, mask, scale="d", axis=-1, masking="before", merge="heads"):
    """Верное внимание в numpy; настройки портят его в одном месте."""
    heads, size = q.shape[1], q.shape[-1]
    factor = {"d": size**-0.5, "none": 1.0, "D": (heads * size) ** -0.5, "no_root": 1 / size,
              "times": size**0.5, "length": q.shape[-2] ** -0.5}[scale]  # fmt: skip
    scores = q.astype(float) @ k.astype(float).swapaxes(-1, -2) * factor
    seen = np.broadcast_to(mask[:, None, None, :].astype(bool), scores.shape)
    if masking == "inverted":
        seen = ~seen
    if masking in ("before", "inverted"):
        scores = np.where(seen, scores, -1e9)
    if masking == "zero":
        scores = scores * seen
    if masking == "weak":
        scores = scores - 10 * ~seen
    if masking == "added":
        scores = scores + seen
    weights = np.exp(scores - scores.max(axis, keepdims=True))
    weights = weights / weights.sum(axis, keepdims=True)
    if masking == "after":
        weights = weights * seen
    context = weights @ v.astype(float)
    if merge == "heads":
        context = context.swapaxes(1, 2)
    if merge == "mean":
        return context.mean(1)
    return context.reshape(len(q), q.shape[2], heads * size)


def _attention_variant(**options):
    return lambda q, k, v, mask: attention(q, k, v, mask, **options)


def attention_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 03.1: батчи с дополнением, от одной строки к трём."""
    cases = []
    for rows, heads, length, size in ((1, 2, 2, 3), (1, 2, 4, 3), (2, 2, 5, 3), (3, 4, 6, 2)):
        shape = (rows, heads, length, size)
        q, k, v = (rng.standard_normal(shape).astype(np.float32) for _ in range(3))
        mask = np.ones((rows, length), dtype=np.int64)
        for row in range(rows):
            if length > 2:
                mask[row, int(rng.integers(2, length)) :] = 0
        padding = mask[:, None, :, None] == 0  # посторонние числа: на них смотреть нельзя вовсе
        k, v = (np.where(padding, times * part, part) for part, times in ((k, 4), (v, 30)))
        arrays = (part.astype(np.float32) for part in (q, k, v))
        cases.append(Case((*arrays, mask), rows=rows))
    return cases


ATTENTION_MISTAKES = {
    "no_scale": Mistake("Оценки не поделены на √d.", _attention_variant(scale="none")),
    "scale_hidden": Mistake(
        "Поделено на √D, а d — размер одной головы, последняя ось запроса.",
        _attention_variant(scale="D"),
    ),
    "scale_length": Mistake(
        "Поделено на √S, а нужно на √d: размер головы — последняя ось запроса, а не предпоследняя.",
        _attention_variant(scale="length"),
    ),
    "no_root": Mistake("Поделено на d, а нужно на √d.", _attention_variant(scale="no_root")),
    "multiplied": Mistake(
        "Оценки умножены на √d, а их надо поделить.", _attention_variant(scale="times")
    ),
    "wrong_axis": Mistake(
        "softmax взят не по той оси: в сумме единицу должна давать каждая строка — то, на кого "
        "смотрит один токен.",
        _attention_variant(axis=-2),
    ),
    "softmax_heads": Mistake(
        "softmax взят по головам: голова смотрит сама по себе.", _attention_variant(axis=1)
    ),
    "mask_after": Mistake(
        "Маска наложена после softmax: внимание на дополнение обнулено, а сумма строки уже не "
        "единица. Маску прибавляют к оценкам.",
        _attention_variant(masking="after"),
    ),
    "no_mask": Mistake(
        "Токены смотрят на дополнение: маска забыта или закрывает строки (кто смотрит), а надо "
        "столбцы — на кого смотрят.",
        _attention_variant(masking="none"),
    ),
    "mask_zero": Mistake(
        "Оценки дополнения умножены на 0, но e⁰ = 1: внимание ему всё равно достаётся.",
        _attention_variant(masking="zero"),
    ),
    "mask_added": Mistake(
        "К оценкам прибавлены 0 и 1: дополнение видно. Нужно 0 и очень большое отрицательное.",
        _attention_variant(masking="added"),
    ),
    "weak_mask": Mistake(
        "К оценкам дополнения прибавлено слишком скромное число: внимание ему всё равно достаётся. "
        "Нужна −∞ или хотя бы −10 000.",
        _attention_variant(masking="weak"),
    ),
    "mask_inverted": Mistake(
        "Маска перевёрнута: 1 — настоящий токен, закрывать надо нули.",
        _attention_variant(masking="inverted"),
    ),
    "merged_wrong": Mistake(
        "Головы склеены без перестановки осей: перед reshape нужна (B, S, H, d).",
        _attention_variant(merge="flat"),
    ),
    "mean_heads": Mistake(
        "Головы усреднены, а их надо поставить в ряд.", _attention_variant(merge="mean")
    ),
}


def real_places(q, k, v, mask):
    """Места, ответ на которых важен: у дополнения он может быть любым."""
    return mask.astype(bool)


# ------------------------------------------------------------------ 03.2, эмбеддинги


def embed(ids, types, words, places, segments, gamma, beta, eps, use="tps", shift=0,
           norm="layer", root="inside", ddof=0, affine="both"):  # fmt: skip
    """Верная сумма эмбеддингов с LayerNorm; настройки портят её в одном месте."""
    x = words[ids].astype(float) if "t" in use else 0
    if "p" in use:
        x = x + places[shift : shift + ids.shape[1]].astype(float)
    if "s" in use:
        x = x + segments[types].astype(float)
    if "0" in use:
        x = x + segments[0].astype(float)
    if norm == "none":
        return x
    axis = {"layer": -1, "length": 1, "batch": 0, "all": (1, 2)}[norm]
    spread = x.var(axis, keepdims=True, ddof=ddof)
    divisor = np.sqrt(spread + eps) if root == "inside" else np.sqrt(spread) + eps
    if root == "variance":
        divisor = spread + eps
    if root == "no_eps":
        divisor = np.sqrt(spread)
    x = (x - x.mean(axis, keepdims=True)) / divisor
    if affine == "swapped":
        return x * beta + gamma
    return x * (gamma if affine in ("both", "gamma") else 1) + (beta if affine == "both" else 0)


def _embed_variant(**options):
    return lambda *inputs: embed(*inputs, **options)


def embed_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 03.2; ε велика, чтобы было видно, где она стоит."""
    cases = []
    for rows, length, size, eps in ((1, 2, 4, 0.1), (1, 4, 6, 0.1), (2, 3, 5, 0.3), (3, 5, 4, 0.1)):
        tables = [rng.standard_normal((n, size)).astype(np.float32) for n in (12, 9, 2)]
        gamma, beta = (rng.standard_normal(size).astype(np.float32) for _ in range(2))
        ids = rng.integers(0, 12, (rows, length))
        types = np.sort(rng.integers(0, 2, (rows, length)), axis=1)
        types[:, -1] = 1
        cases.append(Case((ids, types, *tables, gamma, beta, eps), rows=rows))
    return cases


EMBED_MISTAKES = {
    "no_segments": Mistake("Эмбеддинг сегмента не прибавлен.", _embed_variant(use="tp")),
    "segments_ignored": Mistake(
        "Всем токенам прибавлен сегмент A: номера segment_ids не прочитаны.",
        _embed_variant(use="tp0"),
    ),
    "no_positions": Mistake(
        "Эмбеддинг позиции не прибавлен: порядка слов модель не узнает.", _embed_variant(use="ts")
    ),
    "shifted": Mistake(
        "Позиции начаты с единицы, а первая строка таблицы — нулевая.", _embed_variant(shift=1)
    ),
    "no_norm": Mistake("LayerNorm забыт.", _embed_variant(norm="none")),
    "eps_outside": Mistake(
        "ε прибавлена к σ, а надо — к дисперсии, под корень.", _embed_variant(root="outside")
    ),
    "no_eps": Mistake("ε забыта или взята своя, а не та, что дана.", _embed_variant(root="no_eps")),
    "no_root": Mistake("Поделено на дисперсию: забыт корень.", _embed_variant(root="variance")),
    "unbiased": Mistake(
        "Дисперсия поделена на D − 1: torch.var так делает, пока не скажешь unbiased=False.",
        _embed_variant(ddof=1),
    ),
    "norm_over_length": Mistake(
        "Среднее и дисперсия взяты вдоль строки, а надо — внутри вектора одного токена.",
        _embed_variant(norm="length"),
    ),
    "norm_over_all": Mistake(
        "Среднее и дисперсия взяты по всем токенам сразу, а надо — внутри вектора каждого.",
        _embed_variant(norm="all"),
    ),
    "no_beta": Mistake("Сдвиг β забыт.", _embed_variant(affine="gamma")),
    "no_affine": Mistake("Масштаб γ и сдвиг β забыты.", _embed_variant(affine="none")),
    "swapped": Mistake("γ и β перепутаны местами.", _embed_variant(affine="swapped")),
}
