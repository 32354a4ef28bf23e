"""Задание 02.3: потеря MLM по выбранным токенам — сломанная, верная, входы и мутанты."""

from __future__ import annotations

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.task import Mistake

BROKEN_LOSS = """
def masked_loss(logits, input_ids, chosen):
    labels = torch.where(chosen, input_ids, 0)
    log_probabilities = logits.log_softmax(1)
    picked = log_probabilities.gather(-1, labels[..., None])[..., 0]
    return -picked.mean()
"""


def masked_loss(logits, ids, chosen, axis=-1, where="chosen", reduce="mean", value="log",
                labels="ids"):  # fmt: skip
    """Верная потеря; настройки портят её в одном месте."""
    shifted = logits.astype(float) - logits.max(axis, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))
    if value == "logit":
        log_p = logits.astype(float)
    if labels == "zero":
        ids = np.where(chosen, ids, 0)
    picked = np.take_along_axis(log_p, ids[..., None], -1)[..., 0]
    picked = {"log": picked, "logit": picked, "log2": picked / np.log(2),
              "p": np.exp(picked), "log10": picked / np.log(10)}[value]  # fmt: skip
    kept = {"all": np.ones_like(chosen), "others": ~chosen, "chosen": chosen,
            "nonzero": chosen & (ids != 0)}[where]  # fmt: skip
    if not kept.any() and reduce != "nan":
        return 0.0
    total = -(picked * kept).sum()
    if reduce == "rows":
        counts = np.maximum(kept.sum(1), 1)
        return float((-(picked * kept).sum(1) / counts).mean())
    divisor = {"mean": kept.sum(), "sum": 1, "all": kept.size, "nan": kept.sum(),
               "batch": len(kept)}[reduce]  # fmt: skip
    with np.errstate(invalid="ignore"):
        return float(total / divisor) if divisor else float("nan")


def _variant(**options):
    return lambda logits, ids, chosen: masked_loss(logits, ids, chosen, **options)


def loss_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 02.3: от одной строки к трём, с токеном номер 0 среди выбранных; и пустой выбор."""
    cases = []
    for rows, length, size in ((1, 4, 5), (1, 6, 9), (2, 5, 7), (3, 8, 11)):
        chosen = rng.random((rows, length)) < 0.4
        chosen[0, 1], chosen[0, 2] = True, False
        chosen[:, -1] = rows > 1  # строки с разным числом выбранных
        if rows > 1:
            chosen[0] = True
            chosen[0, 0] = False
        logits = (2 * rng.standard_normal((rows, length, size))).astype(np.float32)
        ids = rng.integers(1, size, (rows, length))
        if length > 4:
            ids[0, 1] = 0  # и у токена с номером 0 бывает потеря
            chosen[0, 3] = True
        cases.append(Case((logits, ids, chosen), rows=rows))
    logits, ids, chosen = cases[0].arguments
    return [*cases, Case((logits, ids, np.zeros_like(chosen)))]


LOSS_MISTAKES = {
    "all_tokens": Mistake(
        "Потеря усреднена по всем токенам, а спрашивали модель только о выбранных.",
        _variant(where="all"),
    ),
    "zero_labels": Mistake(
        "Там, где ответа не ждут, стоит метка 0 — и потеря считает, что ждали [PAD].",
        _variant(where="all", labels="zero"),
    ),
    "zero_ignored": Mistake(
        "Выбранный токен с номером 0 пропал из потери: 0 — такой же номер, как другие. «Ответа "
        "нет» обозначают числом, которого среди номеров не бывает, — скажем, −100.",
        _variant(where="nonzero"),
    ),
    "wrong_axis": Mistake(
        "softmax взят не по словарю, а по токенам строки: последняя ось — словарь.",
        _variant(axis=1),
    ),
    "wrong_axis_all": Mistake(
        "softmax взят по токенам строки (ось 1), а среднее — по всем местам. Словарь — последняя "
        "ось, а места — только выбранные.",
        _variant(axis=1, where="all", labels="zero"),
    ),
    "divided_by_all": Mistake(
        "Сумма по выбранным поделена на число всех токенов, а надо — выбранных.",
        _variant(reduce="all"),
    ),
    "sum": Mistake("Это сумма, а просили среднее по выбранным.", _variant(reduce="sum")),
    "batch_mean": Mistake(
        "Сумма поделена на число строк, а надо — на число выбранных токенов.",
        _variant(reduce="batch"),
    ),
    "mean_of_rows": Mistake(
        "Среднее взято сначала в строках, потом по строкам: строка с одним выбранным токеном "
        "получает тот же вес, что строка с десятью.",
        _variant(reduce="rows"),
    ),
    "not_chosen": Mistake(
        "Потеря посчитана по невыбранным токенам: условие перевёрнуто.",
        _variant(where="others"),
    ),
    "no_log": Mistake("Забыт логарифм: это вероятность.", _variant(value="p")),
    "no_softmax": Mistake(
        "Логит — ещё не логарифм вероятности: забыт softmax.", _variant(value="logit")
    ),
    "log2": Mistake("Логарифм двоичный, а просили натуральный.", _variant(value="log2")),
    "log10": Mistake("Логарифм десятичный, а просили натуральный.", _variant(value="log10")),
    "nan_when_empty": Mistake(
        "Если не выбран ни один токен, выходит 0/0. Потеря пустого батча — ноль.",
        _variant(reduce="nan"),
    ),
}
