"""Задания 03.3 и 03.4: параметры ALBERT и полносвязная часть слоя — верное и мутанты."""

from __future__ import annotations

import math

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.task import Mistake

# ------------------------------------------------------------------ 03.3, параметры


def parameters(v, e, d, f, layers, p, t, shared=True, factored=True, places="e", bias=True,
                map_bias=True, norms=2, pooler=True, ffn=2, segments=True,
                norm_size=2):  # fmt: skip
    """Верный счёт параметров ALBERT; настройки забывают по одной части."""
    b = int(bias)
    size = e if factored else d
    place_size = size if places == "e" else d
    total = v * size + p * place_size + (t * size if segments else 0)
    total += norm_size * size * bool(norms)
    if factored:
        total += e * d + d * (b and map_bias)
    layer = 4 * (d * d + b * d) + norms * norm_size * d
    layer += (d * f + b * f) + (f * d + b * d) * (ffn == 2)
    total += layer * (1 if shared else layers)
    return total + (d * d + b * d) * pooler


def _parameters_variant(**options):
    return lambda *sizes: parameters(*sizes, **options)


def parameter_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 03.3: ALBERT-base из условия и модели случайных размеров."""
    cases = [Case((30000, 128, 768, 3072, 12, 512, 2), visible=True)]
    for segments in (3, 1, 2, 4, 5):
        e, d = int(rng.integers(3, 9)), int(rng.integers(10, 20))
        rest = int(rng.integers(21, 60)), int(rng.integers(2, 8)), int(rng.integers(30, 70))
        cases.append(Case((int(rng.integers(100, 999)), e, d, *rest, segments)))
    return cases


PARAMETER_MISTAKES = {
    "not_shared": Mistake(
        "Слой посчитан L раз, а он общий: параметры у всех слоёв одни и те же.",
        _parameters_variant(shared=False),
    ),
    "not_factored": Mistake(
        "Таблица токенов посчитана как V·D, а она разложена: V·E и E·D.",
        _parameters_variant(factored=False),
    ),
    "positions_hidden": Mistake(
        "Таблица позиций — тоже ширины E: в D эмбеддинг переводится после суммы.",
        _parameters_variant(places="d"),
    ),
    "no_bias": Mistake("Смещения линейных слоёв забыты.", _parameters_variant(bias=False)),
    "no_map_bias": Mistake(
        "Не хватает D чисел: это смещение перехода из E в D или слоя над [CLS].",
        _parameters_variant(map_bias=False),
    ),
    "no_norms": Mistake("LayerNorm не посчитаны.", _parameters_variant(norms=0)),
    "one_norm": Mistake(
        "Не хватает 2·D чисел: это второй LayerNorm слоя (их два) или смещения двух слоёв D → D.",
        _parameters_variant(norms=1),
    ),
    "half_norm": Mistake(
        "У LayerNorm два вектора: масштаб γ и сдвиг β.", _parameters_variant(norm_size=1)
    ),
    "no_square": Mistake(
        "Не хватает одного слоя D → D: во внимании их четыре — Q, K, V и выход O, — а ещё один "
        "стоит над [CLS] (pooler).",
        _parameters_variant(pooler=False),
    ),
    "half_ffn": Mistake(
        "В полносвязной части два слоя: расширение и сжатие.", _parameters_variant(ffn=1)
    ),
    "no_segments": Mistake("Таблица сегментов забыта.", _parameters_variant(segments=False)),
}

# ------------------------------------------------------------------ 03.4, сломанный слой

BROKEN_LAYER = """
def feed_forward(x, w1, b1, w2, b2, gamma, beta, eps):
    hidden = F.gelu(x @ w1.T + b1, approximate="tanh")
    out = hidden @ w2.T + b2
    std = out.std(-1, keepdim=True)
    return gamma * (out - out.mean(-1, keepdim=True)) / (std + eps) + beta
"""
_erf = np.vectorize(math.erf)


def feed_forward(x, w1, b1, w2, b2, gamma, beta, eps, act="erf", order="post", root="inside",
                 ddof=0, bias=True):  # fmt: skip
    """Верная полносвязная часть слоя; настройки портят её в одном месте."""

    def norm(y):
        spread = y.var(-1, keepdims=True, ddof=ddof)
        inner = {"inside": eps, "own": 1e-5, "outside": 0}[root]
        divisor = np.sqrt(spread + inner) + (eps if root == "outside" else 0)
        return gamma * (y - y.mean(-1, keepdims=True)) / divisor + beta

    x = x.astype(float)
    hidden = (norm(x) if order == "pre" else x) @ w1.T + (b1 if bias else 0)
    gelus = {
        "erf": lambda h: h * 0.5 * (1 + _erf(h / math.sqrt(2))),
        "tanh": lambda h: 0.5 * h * (1 + np.tanh(0.7978845608 * (h + 0.044715 * h**3))),
        "sigmoid": lambda h: h / (1 + np.exp(-1.702 * h)),
        "relu": lambda h: np.maximum(h, 0),
        "none": lambda h: h,
    }
    out = gelus[act](hidden) @ w2.T + (b2 if bias else 0)
    if order in ("pre", "no_norm"):
        return x + out
    if order == "residual_after":
        return x + norm(out)
    return norm(out) if order == "no_residual" else norm(x + out)


SIZES = ((1, 1, 3, 5, 0.05), (1, 3, 4, 8, 0.2), (2, 3, 4, 9, 0.05))  # B, S, D, F, ε


def _layer_variant(**options):
    return lambda *inputs: feed_forward(*inputs, **options)


def layer_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 03.4; веса велики, чтобы два GELU разошлись заметно."""
    cases = []
    for rows, length, size, wide, eps in SIZES:
        shapes = ((rows, length, size), (wide, size), (wide,), (size, wide), *[(size,)] * 3)
        tensors = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
        tensors[0], tensors[3] = 1.5 * tensors[0], 2 * tensors[3]
        cases.append(Case((*tensors, eps), rows=rows))
    return cases


LAYER_MISTAKES = {
    "no_residual": Mistake(
        "Нет остаточной связи: перед LayerNorm к выходу прибавляют вход.",
        _layer_variant(order="no_residual"),
    ),
    "residual_after": Mistake(
        "Вход прибавлен после LayerNorm, а у BERT — до него.",
        _layer_variant(order="residual_after"),
    ),
    "pre_norm": Mistake(
        "Это pre-LayerNorm, как у GPT-2: нормирован вход. У BERT нормируют сумму.",
        _layer_variant(order="pre"),
    ),
    "no_norm": Mistake("LayerNorm забыт.", _layer_variant(order="no_norm")),
    "tanh_gelu": Mistake(
        "GELU взят приближённый, через tanh, а у BERT — через erf: разница в тысячных, и её видно.",
        _layer_variant(act="tanh"),
    ),
    "sigmoid_gelu": Mistake(
        "GELU взят приближённый, через сигмоиду.", _layer_variant(act="sigmoid")
    ),
    "relu": Mistake("ReLU вместо GELU.", _layer_variant(act="relu")),
    "no_activation": Mistake(
        "Нелинейности нет: два линейных слоя подряд — один линейный.", _layer_variant(act="none")
    ),
    "eps_outside": Mistake(
        "ε прибавлена к σ, а надо — к дисперсии, под корень.", _layer_variant(root="outside")
    ),
    "unbiased": Mistake(
        "Дисперсия поделена на D − 1, а в LayerNorm — на D.", _layer_variant(ddof=1)
    ),
    "unbiased_outside": Mistake(
        "σ взята из std (он делит на D − 1), и ε прибавлена к ней, а не к дисперсии под корнем.",
        _layer_variant(ddof=1, root="outside"),
    ),
    "own_eps": Mistake("ε взята своя (10⁻⁵), а не та, что дана.", _layer_variant(root="own")),
    "nothing_fixed": Mistake(
        "Все три ошибки на месте: GELU через tanh, нет остаточной связи, σ взята из std.",
        _layer_variant(act="tanh", order="no_residual", ddof=1, root="outside"),
    ),
    "tanh_unbiased": Mistake(
        "Осталось две ошибки: GELU взят через tanh, а σ — из std (D − 1, ε снаружи).",
        _layer_variant(act="tanh", ddof=1, root="outside"),
    ),
    "no_residual_tanh": Mistake(
        "Осталось две ошибки: GELU взят через tanh, и нет остаточной связи.",
        _layer_variant(act="tanh", order="no_residual"),
    ),
    "no_residual_unbiased": Mistake(
        "Осталось две ошибки: нет остаточной связи, и σ взята из std (D − 1, ε снаружи).",
        _layer_variant(order="no_residual", ddof=1, root="outside"),
    ),
    "no_bias": Mistake("Смещения b1 и b2 забыты.", _layer_variant(bias=False)),
}
