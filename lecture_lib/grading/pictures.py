"""Рисунки заданий «прочитать рисунок»: числа для них и сами рисунки, без подписи-ответа."""

from __future__ import annotations

import torch

from lecture_lib.plots.attention import attention_grid
from lecture_lib.plots.picture import BLUE, FONT, INK, Picture, clean

# Разность долей «двусторонняя минус причинная» в пунктах: оценка и края интервала.
INTERVALS = {
    "А": (12.0, 7.0, 17.0),
    "Б": (15.0, -2.0, 32.0),
    "В": (2.0, 0.5, 3.5),
    "Г": (-1.0, -3.0, 1.0),
    "Д": (-6.0, -9.0, -3.0),
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
