"""Рисунки о ходе обучения: кривые."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lecture_lib.plots.picture import FONT, SERIES, Picture, clean


def loss_curves(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    xlabel: str = "шаг",
    ylabel: str = "функция потерь",
) -> Picture:
    """Кривые обучения: {название: [(шаг, значение), …]}."""
    picture = Picture(f"{ylabel} по оси «{xlabel}»: {', '.join(curves)}", 4.2)
    axes = picture.subplots()
    for number, (name, points) in enumerate(curves.items()):
        colour, marker, _ = SERIES[number % len(SERIES)]
        x, y = zip(*points, strict=True) if points else ((), ())
        every = max(1, len(points) // 8)
        axes.plot(x, y, color=colour, marker=marker, markevery=every, ms=8, lw=2.5, label=name)
    axes.set_xlabel(xlabel, fontsize=FONT)
    axes.set_ylabel(ylabel, fontsize=FONT)
    clean(axes, "both")
    axes.legend(fontsize=FONT, frameon=False)
    return picture
