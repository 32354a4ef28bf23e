"""Задание 09.4: доли видов ошибок с интервалом Уилсона — сломанное, верное и мутанты."""

from __future__ import annotations

import math

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.task import Mistake

KINDS = ("форма", "смысл", "имя", "знак", "редкое слово")

BROKEN_SHARES = """
def error_shares(labels, kinds):
    shares = {}
    for kind in kinds:
        count = sum(kind in label for label in labels)
        if count:
            share = count / len(labels)
            half = 1.96 * math.sqrt(share * (1 - share) / len(labels))
            shares[kind] = (share, share - half, share + half)
    return shares
"""


def error_shares(labels, kinds, total="errors", interval="wilson", zero=True, z=1.96, point="share",
                 order="up", scale=1.0, nothing="unknown", count="errors"):  # fmt: skip
    """Верные доли: вид -> [доля, нижний конец, верхний]; настройки портят их в одном месте."""
    wrong = [label for label in labels if label]
    size = {"errors": len(wrong), "asked": len(labels), "labels": sum(map(len, wrong)),
            "ten": 10}[total]  # fmt: skip
    found = {}
    for kind in kinds:
        hits = sum(kind in label for label in wrong)
        if count == "first":
            hits = sum(label[0] == kind for label in wrong)
        if count == "only":
            hits = sum(label == [kind] for label in wrong)
        if hits or zero:
            found[kind] = _shown(hits, size, interval, z, point, order, scale, nothing)
    return found


def _shown(hits, size, interval, z, point, order, scale, nothing):
    """Доля и концы одного вида; ошибок нет — неизвестно ничего, от 0 до 1."""
    if size == 0:
        return [0.0, 0.0, scale if nothing == "unknown" else 0.0]
    share = hits / size
    centre, half = _interval(share, size, interval, z)
    low, high = centre - half, centre + half
    if interval == "clipped":
        low, high = max(0.0, low), min(1.0, high)
    value = {"share": share, "centre": centre, "count": hits}[point]
    if order == "half":
        return [scale * value, scale * half, scale * half]
    ends = [scale * low, scale * high]
    return [scale * value, *(ends if order == "up" else ends[::-1])]


def _interval(share, size, interval, z):
    """Середина и полуширина."""
    spread = share * (1 - share) / size
    if interval in ("wald", "clipped"):
        return share, z * math.sqrt(spread)
    if interval == "no_root":
        return share, z * spread
    below = 1 + z**2 / size
    centre = (share + z**2 / (2 * size)) / below
    half = z * math.sqrt(spread + z**2 / (4 * size**2)) / below
    return {
        "wilson": (centre, half),
        "around_share": (share, half),
        "no_below": (centre * below, half * below),
        "no_inner": (centre, z * math.sqrt(spread) / below),
        "agresti": (centre, z * math.sqrt(centre * (1 - centre) / (size + z**2))),
    }[interval]


def _variant(**options):
    return lambda labels, kinds: error_shares(labels, kinds, **options)


def _labels(rng: np.random.Generator, errors: int, right: int, kinds) -> list[list[str]]:
    """Виды ошибок: у трети их два; пустой список — модель не ошиблась."""
    labels: list[list[str]] = [[] for _ in range(right)]
    for _ in range(errors):
        count = 2 if rng.random() < 0.35 and len(kinds) > 1 else 1
        labels.append([str(kind) for kind in rng.choice(kinds, count, replace=False)])
    return [labels[place] for place in rng.permutation(len(labels))]


def error_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 09.4: пример, десять ошибок, невстреченный вид, один вид на всех, ни одной ошибки."""
    example = [["форма"], [], ["смысл", "имя"], ["форма"], []]
    cases = [Case((example, ["форма", "смысл", "имя", "знак"]), visible=True)]
    for errors, right, present in ((10, 0, 3), (10, 15, 3), (7, 20, 2), (40, 60, 4), (9, 4, 1)):
        chosen = [str(kind) for kind in rng.permutation(KINDS)]
        labels = _labels(rng, errors, right, chosen[:present])
        cases.append(Case((labels, chosen[: max(present + 1, 3)])))
    cases.append(Case(([[], [], []], list(KINDS[:3]))))
    return cases


_WALD = (
    "Интервал обычный, p ± 1,96·√(p(1 − p)/n): при десяти ошибках он выходит за 0 и 1, а у вида, "
    "который не встретился, имеет нулевую ширину. Нужен интервал Уилсона."
)
_ASKED = "Доля взята от всех вопросов, а просили — от ошибок: верные ответы в счёт не идут."
_ZERO = "Виды, которые не встретились, пропали. Ноль из десяти — тоже ответ: от 0 до 28 %."
ERROR_MISTAKES = {
    "untouched": Mistake(
        f"Все три ошибки на месте. {_ASKED}", _variant(total="asked", interval="wald", zero=False)
    ),
    "asked_wald": Mistake(f"Осталось две ошибки. {_ASKED} {_WALD}",
                          _variant(total="asked", interval="wald")),
    "asked_zero": Mistake(f"Осталось две ошибки. {_ASKED} {_ZERO}",
                          _variant(total="asked", zero=False)),
    "wald_zero": Mistake(f"Осталось две ошибки. {_WALD} {_ZERO}",
                         _variant(interval="wald", zero=False)),
    "asked": Mistake(_ASKED, _variant(total="asked")),
    "wald": Mistake(_WALD, _variant(interval="wald")),
    "zero_missing": Mistake(_ZERO, _variant(zero=False)),
    "clipped": Mistake(
        "Обычный интервал обрезан до [0, 1], но у вида, который не встретился, его ширина так и "
        "осталась нулём. Нужен интервал Уилсона.",
        _variant(interval="clipped"),
    ),
    "labels_counted": Mistake(
        "Поделено на число меток, а у одной ошибки их бывает две. Делят на число ошибок.",
        _variant(total="labels"),
    ),
    "first_only": Mistake(
        "Посчитана только первая метка ошибки, а видов у ошибки бывает два.",
        _variant(count="first"),
    ),
    "only_pure": Mistake(
        "Ошибки, у которых два вида, пропущены: они относятся к обоим.", _variant(count="only")
    ),
    "around_share": Mistake(
        "Полуширина Уилсона отложена от самой доли, а середина его интервала сдвинута к половине.",
        _variant(interval="around_share"),
    ),
    "centre_given": Mistake(
        "Вместо доли дана середина интервала: доля — это просто k/n.", _variant(point="centre")
    ),
    "no_denominator": Mistake(
        "Не поделено на 1 + z²/n: у Уилсона на это делят и середину, и полуширину.",
        _variant(interval="no_below"),
    ),
    "no_inner": Mistake(
        "Под корнем забыто z²/(4n²): без него вид, который не встретился, опять получает нулевую "
        "ширину.",
        _variant(interval="no_inner"),
    ),
    "agresti": Mistake(
        "Это интервал Агрести — Коулла: он шире, и у края вылезает за ноль. Просили Уилсона.",
        _variant(interval="agresti"),
    ),
    "no_root": Mistake("Забыт корень: p(1 − p)/n — это дисперсия.", _variant(interval="no_root")),
    "ninety": Mistake("z = 1,64 — это 90 %, а просили 95.", _variant(z=1.64)),
    "one_sigma": Mistake("z = 1 — это 68 %, а просили 95.", _variant(z=1.0)),
    "percent": Mistake("Это проценты, а просили доли от 0 до 1.", _variant(scale=100.0)),
    "counts": Mistake("Вместо доли дано число ошибок.", _variant(point="count")),
    "half_width": Mistake("Вместо концов дана полуширина.", _variant(order="half")),
    "swapped_ends": Mistake("Концы переставлены: сначала нижний.", _variant(order="down")),
    "nothing_is_zero": Mistake(
        "Если ошибок нет вовсе, о долях не известно ничего: от 0 до 1, а не ровно ноль.",
        _variant(nothing="zero"),
    ),
}  # fmt: skip


def explain_errors(arguments, expected, got) -> str:
    """Какой вид разошёлся."""
    labels, _ = arguments
    errors = sum(bool(label) for label in labels)
    if not isinstance(got, dict):
        return "нужен словарь: вид — три числа"
    if missing := [kind for kind in expected if kind not in got]:
        return f"нет вида «{missing[0]}»; ошибок {errors}"
    for kind, wanted in expected.items():
        if np.shape(got[kind]) != (3,) or not np.allclose(wanted, got[kind], 1e-3, 1e-3):
            hits = sum(kind in label for label in labels)
            return f"«{kind}»: {hits} из {errors} ошибок (вопросов {len(labels)})"
    return ""
