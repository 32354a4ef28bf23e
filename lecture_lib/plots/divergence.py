"""Рисунок о сравнении двух моделей: насколько разошёлся каждый тензор."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lecture_lib.plots.picture import FONT, INK, SERIES, SMALL_FONT, Picture, clean

FLOOR = 1e-9  # точное совпадение на логарифмической шкале не показать: рисуем здесь


def divergence_profile(
    comparisons: Mapping[str, Sequence[Any]], tolerance: float, title: str = ""
) -> Picture:
    """Разница по тензорам (relative) в порядке вычисления, шкала логарифмическая.

    comparisons — {подпись: [Comparison, …]} из divergence.compare_models; пунктир — допуск.
    ValueError — сравнивать нечего.
    """
    if not comparisons or not all(comparisons.values()):
        raise ValueError("comparisons: нет ни одного сравнения, рисовать нечего.")
    names = [comparison.name for comparison in next(iter(comparisons.values()))]
    firsts = [
        f"{name} — {next((c.name for c in found if not c.relative <= tolerance), 'нигде')}"
        for name, found in comparisons.items()
    ]
    picture = Picture(f"где модели расходятся: {'; '.join(firsts)}", 1.5 + 0.36 * len(names))
    axes = picture.subplots()
    axes.axvline(tolerance, color=INK, linewidth=1.5, linestyle="--", label="допуск")
    for number, (name, found) in enumerate(comparisons.items()):
        colour, marker, _ = SERIES[number % len(SERIES)]
        values = [max(FLOOR, comparison.relative) for comparison in found]
        places = [names.index(comparison.name) for comparison in found]
        axes.plot(values, places, color=colour, marker=marker, ms=8, lw=1.5, label=name)
    axes.set_xscale("log")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("разница в долях (10⁻⁹ — столько и меньше)", fontsize=FONT)
    axes.set_title(title, fontsize=FONT, color=INK)
    clean(axes, "x")
    axes.tick_params(axis="y", labelsize=SMALL_FONT)
    picture.legend(loc="outside lower center", ncols=2, fontsize=SMALL_FONT, frameon=False)
    return picture
