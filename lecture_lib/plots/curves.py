"""Рисунки о ходе обучения: кривые."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from lecture_lib.plots.picture import (
    FONT,
    INK,
    SERIES,
    SMALL_FONT,
    WIDTH,
    CommaFormatter,
    Picture,
    clean,
)

INSIDE = 2  # столько кривых подписываются внутри осей: больше подписей ложится на кривые
ROW = 3  # столько полей встаёт в ряд; если их больше, рядов несколько, по два поля


def loss_curves(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    xlabel: str = "шаг",
    ylabel: str = "функция потерь",
) -> Picture:
    """Кривые обучения в общих осях: {название: [(шаг, значение), …]}."""
    picture = Picture(f"{ylabel} по оси «{xlabel}»: {', '.join(curves)}", 4.2)
    axes = picture.subplots()
    for number, (name, points) in enumerate(curves.items()):
        _curve(axes, points, number, name)
    axes.set_xlabel(xlabel, fontsize=FONT)
    axes.set_ylabel(ylabel, fontsize=FONT)
    clean(axes, "both")
    if len(curves) <= INSIDE:
        axes.legend(fontsize=FONT, frameon=False)
    else:
        picture.legend(fontsize=SMALL_FONT, frameon=False, ncols=2, loc="outside upper left")
    return picture


def training_panels(curves: Mapping[str, Sequence[tuple[float, float]]]) -> Picture:
    """Кривые обучения, каждая в своём поле и со своей осью: {название: [(шаг, значение), …]}.

    Величина от 0 до 1 — доля, и ось у долей общая: иначе шум вокруг половины выглядит успехом.
    """
    said = "; ".join(f"{name} — {points[-1][1]:.2f}" for name, points in curves.items() if points)
    said = said.replace(".", ",")
    across = len(curves) if len(curves) <= ROW else 2
    down = -(-len(curves) // across)
    height = 3.6 if down == 1 else 2.6 * down
    picture = Picture(f"ход обучения: {said or 'пока пусто'}", height, max(WIDTH, 4.2 * across))
    fields = picture.subplots(down, across, squeeze=False).flat
    for number, (axes, (name, points)) in enumerate(zip(fields, curves.items(), strict=False)):
        _curve(axes, points, number, name)
        if points and all(0 <= y <= 1 for _, y in points):
            axes.set_ylim(0, 1)
        axes.set_title(name, fontsize=FONT, color=INK)
        axes.set_xlabel("шаг", fontsize=FONT)
        clean(axes, "both")
    for axes in fields[len(curves) :]:
        axes.set_axis_off()
    return picture


def _curve(axes: Axes, points: Sequence[tuple[float, float]], number: int, name: str) -> None:
    colour, marker, _ = SERIES[number % len(SERIES)]
    x, y = zip(*points, strict=True) if points else ((), ())
    every = max(1, len(points) // 8)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(CommaFormatter())
    axes.plot(x, y, color=colour, marker=marker, markevery=every, ms=8, lw=2.5, label=name)
