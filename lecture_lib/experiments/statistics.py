"""Статистика опытов: доверительные интервалы, парные сравнения, поправка на их число.

Здесь только то, что уроки объясняют словами; проверено по scipy. Все интервалы — 95-процентные.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

NORMAL_QUANTILE = 1.959963984540054  # 97,5-й процентиль нормального распределения


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """Интервал Уилсона для доли correct/total: не выходит за [0, 1] и верен у краёв.

    Источник: Wilson, 1927; Brown, Cai, DasGupta, 2001. ValueError — если долю не составить.
    """
    if not 0 <= correct <= total or total == 0:
        raise ValueError(f"correct = {correct}, total = {total}: доли из этих чисел не составить.")
    z2 = NORMAL_QUANTILE**2
    share = correct / total
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    spread = math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    half = NORMAL_QUANTILE * spread / (1 + z2 / total)
    return max(0.0, centre - half), min(1.0, centre + half)


def mcnemar_p_value(only_first: int, only_second: int) -> float:
    """Точный критерий Макнемара для двух моделей на одних и тех же вопросах.

    Считаются только вопросы, где модели разошлись: only_first — права лишь первая, only_second —
    лишь вторая. Будь модели равны, кто прав — решала бы монета; p — вероятность такого или ещё
    большего перевеса (в любую сторону). Источник: McNemar, 1947, точный вариант.
    """
    if min(only_first, only_second) < 0:
        raise ValueError(
            f"only_first = {only_first}, only_second = {only_second}: это числа вопросов, "
            "отрицательными они не бывают."
        )
    total = only_first + only_second
    tail = sum(math.comb(total, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail / 2**total)


def difference_interval(only_first: int, only_second: int, total: int) -> tuple[float, float]:
    """Интервал для разности долей «первая минус вторая» на одних и тех же вопросах.

    Источник: Bonett, Price, 2012: к каждому из двух исходов, где модели разошлись, добавляется
    единица — без неё при малых числах интервал получается слишком узким.
    """
    if min(only_first, only_second) < 0 or only_first + only_second > total or total == 0:
        raise ValueError(
            f"only_first = {only_first}, only_second = {only_second}, total = {total}: "
            "вопросов, где модели разошлись, не может быть больше, чем всех."
        )
    first, second = (only_first + 1) / (total + 2), (only_second + 1) / (total + 2)
    difference = first - second
    half = NORMAL_QUANTILE * math.sqrt((first + second - difference**2) / (total + 2))
    return max(-1.0, difference - half), min(1.0, difference + half)


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """Поправка Холма: p-значения нескольких сравнений, увеличенные так, чтобы верить всем сразу.

    Чем больше сравнений, тем вернее какое-нибудь удастся случайно; после поправки вероятность
    хотя бы одной ложной находки не больше порога. Источник: Holm, 1979.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def paired_t_test(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Парный критерий Стьюдента: средняя разность «первое минус второе», её интервал и p.

    Пары — запуски с одним зерном: общая для них удача вычитается. Верен, если разности
    распределены близко к нормальному закону; по пяти парам этого не проверить, поэтому малым p
    верим, а большие читаем как «не знаем». Считает scipy. ValueError — пар
    меньше двух.
    """
    if len(pairs) < 2:
        raise ValueError(f"pairs: пар {len(pairs)}, а о разбросе можно судить хотя бы по двум.")
    differences = [first - second for first, second in pairs]
    mean = math.fsum(differences) / len(differences)
    if max(differences) == min(differences):  # разброса нет, и критерий делил бы на ноль
        p_value = 1.0 if mean == 0 else 0.0
        return {"difference": mean, "low": mean, "high": mean, "p_value": p_value}
    from scipy.stats import ttest_1samp  # четверть секунды: только когда понадобится

    found = ttest_1samp(differences, 0.0)
    low, high = found.confidence_interval(0.95)
    return {
        "difference": mean,
        "low": float(low),
        "high": float(high),
        "p_value": float(found.pvalue),
    }
