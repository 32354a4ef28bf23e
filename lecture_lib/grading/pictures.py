"""Рисунки заданий «прочитать рисунок»: числа для них и сами рисунки, без подписи-ответа."""

from __future__ import annotations

import torch

from lecture_lib.plots.attention import attention_grid
from lecture_lib.plots.picture import BLUE, FONT, INK, SERIES, Picture, clean

# Разность долей «двусторонняя минус причинная» в пунктах: оценка и края интервала.
INTERVALS = {
    "А": (12.0, 7.0, 17.0),
    "Б": (15.0, -2.0, 32.0),
    "В": (2.0, 0.5, 3.5),
    "Г": (-1.0, -3.0, 1.0),
    "Д": (-6.0, -9.0, -3.0),
}
# Потери MLM по ходу обучения: (тысяч шагов, потери); черты — ln V и частоты слов.
UNIFORM, FREQUENCIES = 8.99, 6.4
CURVE_STEPS = (0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10)
LOSS_CURVES = {
    "А": (9.0, 7.6, 6.7, 6.5, 6.43, 6.42, 6.38, 6.41, 6.4, 6.39, 6.41, 6.38, 6.4),
    "Б": (9.0, 6.1, 3.4, 1.7, 0.9, 0.4, 0.2, 0.13, 0.1, 0.08, 0.07, 0.06, 0.06),
    "В": (9.0, 7.4, 6.6, 6.42, 6.37, 6.2, 5.4, 4.6, 4.0, 3.6, 3.35, 3.2, 3.1),
    "Г": (9.02, 8.99, 9.01, 8.98, 9.0, 8.99, 9.01, 9.0, 8.98, 9.0, 8.99, 9.01, 9.0),
    "Д": (9.0, 7.3, 6.5, 6.2, 5.8, 5.3, 5.1, 7.9, 10.6, 11.4, 11.2, 11.6, 11.5),
}
# Доля верных в процентах и половина интервала при каждом числе меток: рисунок задания 05.5.
LABELS = (50, 100, 200, 500, 1000, 2000)
LABEL_CURVES = {
    "дообучение": ((45, 5), (58, 4), (68, 3), (77, 2), (81, 2), (84, 1)),
    "признаки": ((56, 3), (60, 2), (62, 2), (63, 1), (64, 1), (64, 1)),
    "с нуля": ((34, 3), (36, 3), (41, 4), (52, 4), (61, 4), (71, 3)),
}
LENGTH = 8  # токенов: [CLS], шесть слов, [SEP]
BLUR = 0.04  # немного внимания достаётся всем


def head_weights() -> torch.Tensor:
    """Внимание четырёх голов, (1, 4, S, S): строка — кто смотрит, столбец — на кого."""
    places = torch.arange(LENGTH)
    targets = (
        (places + 1).clamp(max=LENGTH - 1),
        torch.full((LENGTH,), LENGTH - 1),
        (places - 1).clamp(min=0),
    )
    sharp = [torch.nn.functional.one_hot(target, LENGTH).float() for target in targets]
    heads = torch.stack([*sharp, torch.full((LENGTH, LENGTH), 1 / LENGTH)])
    return ((1 - BLUR) * heads + BLUR / LENGTH)[None]


def heads_picture() -> Picture:
    """Четыре головы миниатюрами — рисунок задания 03.6."""
    return attention_grid(head_weights(), "[CLS], шесть слов, [SEP]")


def intervals_picture() -> Picture:
    """Пять разностей с 95-процентными интервалами — рисунок задания 01.6."""
    listed = "; ".join(f"{name}: {low} … {high}" for name, (_, low, high) in INTERVALS.items())
    picture = Picture(f"разности с интервалами — {listed}", 4.0)
    axes = picture.subplots()
    axes.axvline(0, color=INK, linewidth=1.5)
    for place, (centre, low, high) in enumerate(INTERVALS.values()):
        axes.hlines(place, low, high, color=BLUE, linewidth=3)
        axes.plot(centre, place, "o", ms=11, color=BLUE)
    axes.set_yticks(range(len(INTERVALS)), list(INTERVALS))
    axes.set_ylim(len(INTERVALS) - 0.5, -0.5)
    axes.set_xlabel("двусторонняя минус причинная, процентных пунктов", fontsize=FONT)
    clean(axes, "x")
    return picture


def curves_picture() -> Picture:
    """Потери пяти обучений и две черты — рисунок задания 04.5."""
    listed = "; ".join(
        f"{name}: {curve[0]}, {curve[4]}, {curve[7]}, {curve[-1]}"
        for name, curve in LOSS_CURVES.items()
    )
    moments = f"на шагах 0, 2, 5 и 10 тысяч — {listed}"
    picture = Picture(
        f"потери MLM пяти обучений {moments}; ln V {UNIFORM}, частоты {FREQUENCIES}", 5
    )
    axes = picture.subplots()
    for height, name in ((UNIFORM, "ln V"), (FREQUENCIES, "частоты слов")):
        axes.axhline(height, color=INK, linewidth=1.5, linestyle="--", zorder=3)
        axes.text(7.6, height + 0.15, name, fontsize=FONT, color=INK, va="bottom")
    for (name, curve), (colour, marker, _) in zip(LOSS_CURVES.items(), SERIES, strict=False):
        axes.plot(CURVE_STEPS, curve, color=colour, marker=marker, linewidth=2.5, ms=6)
        axes.text(10.25, curve[-1], name, fontsize=FONT, color=INK, va="center", weight="bold")
    axes.set_xlim(0, 10.2)
    axes.set_ylim(0, 12.4)
    axes.set_xlabel("шагов, тысяч", fontsize=FONT)
    axes.set_ylabel("потери MLM", fontsize=FONT)
    clean(axes)
    return picture


def labels_picture() -> Picture:
    """Доля верных при разном числе меток у трёх способов — рисунок задания 05.5."""
    listed = "; ".join(
        f"{name}: " + ", ".join(f"{n} — {c} ± {d}" for n, (c, d) in zip(LABELS, curve, strict=True))
        for name, curve in LABEL_CURVES.items()
    )
    picture = Picture(f"доля верных в процентах по числу меток — {listed}", 5)
    axes = picture.subplots()
    rows = zip(LABEL_CURVES.items(), SERIES, (0.97, 1.0, 1.03), strict=False)
    for (name, curve), (colour, marker, _), shift in rows:  # сдвиг: отрезки не закрывают друг друга
        centres, halves = zip(*curve, strict=True)
        places = [shift * n for n in LABELS]
        axes.errorbar(places, centres, halves, color=colour, marker=marker, lw=2.5, ms=8, capsize=4)
        axes.text(2250, centres[-1], name, fontsize=FONT, color=INK, va="center")
    axes.set_xscale("log")
    axes.set_xticks(LABELS, [str(n) for n in LABELS])
    axes.minorticks_off()
    axes.set_xlim(44, 4200)
    axes.set_ylim(28, 88)
    axes.set_xlabel("размеченных примеров", fontsize=FONT)
    axes.set_ylabel("верных, %", fontsize=FONT)
    clean(axes)
    return picture
