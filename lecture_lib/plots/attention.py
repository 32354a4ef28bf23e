"""Рисунки внимания: матрица одной головы, все головы сразу, линии «слово → слово».

Строка матрицы — кто смотрит, столбец — на кого; в строке внимания ровно единица. Слои и головы
подписаны с единицы.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import Colormap

from lecture_lib.plots.picture import BLUE, FONT, INK, PAPER, SMALL_FONT, WIDTH, Picture

SHADES = 9  # оттенков от белого до синего: больше палитра PNG не удержит
WRITTEN_FROM = 0.095  # доли от 10 % и больше написаны числом
MOST_WRITTEN = 20  # больше токенов — клетки малы для чисел
DARK = 0.55  # на таком фоне пишут белым


def shades() -> Colormap:
    """Шкала от 0 до 1 оттенками синего."""
    return matplotlib.colormaps["Blues"].resampled(SHADES)


def attention_matrix(weights: Any, tokens: Sequence[str], title: str = "") -> Picture:
    """Матрица внимания одной головы: weights (S, S), в каждой строке сумма 1.

    ValueError — матрица не квадратная или токенов не столько, сколько в ней строк.
    """
    size = _check_square(weights, tokens)
    said = f"внимание головы{f' — {title}' if title else ''}: {_strongest(weights, tokens)}"
    picture = Picture(said, 2.0 + 0.44 * size, width=min(12.0, 3.2 + 0.58 * size))
    axes = picture.subplots()
    axes.imshow(weights.tolist(), cmap=shades(), vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(size), tokens, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(size), tokens)
    axes.tick_params(labelsize=SMALL_FONT, length=0, colors=INK)
    axes.set_xlabel("на кого смотрит", fontsize=FONT)
    axes.set_ylabel("кто смотрит", fontsize=FONT)
    axes.set_title(title, fontsize=FONT, color=INK)
    axes.spines[:].set_visible(False)
    if size <= MOST_WRITTEN:
        _write_shares(axes, weights)
    return picture


def _check_square(weights: Any, tokens: Sequence[str]) -> int:
    shape = tuple(getattr(weights, "shape", ()))
    if shape != (len(tokens), len(tokens)):
        raise ValueError(
            f"weights: форма {shape}, а токенов {len(tokens)} — нужна матрица (S, S) на S токенов."
        )
    return len(tokens)


def _strongest(weights: Any, tokens: Sequence[str]) -> str:
    """Куда токены смотрят больше всего — словами, первые шесть."""
    pairs = [
        f"{token} → {tokens[int(row.argmax())]}" for token, row in zip(tokens, weights, strict=True)
    ]
    return ", ".join(pairs[:6]) + (" …" if len(pairs) > 6 else "")


def _write_shares(axes: Axes, weights: Any) -> None:
    """Проценты в клетках: доля видна и без цвета."""
    for y, row in enumerate(weights):
        for x, value in enumerate(row):
            if value >= WRITTEN_FROM:
                ink = PAPER if value > DARK else INK
                style = {"ha": "center", "va": "center", "fontsize": SMALL_FONT, "color": ink}
                axes.text(x, y, f"{100 * value:.0f}", **style)


def attention_grid(weights: Any, title: str = "") -> Picture:
    """Все головы миниатюрами: weights (L, H, S, S); строка — слой, столбец — голова."""
    shape = tuple(getattr(weights, "shape", ()))
    if len(shape) != 4 or shape[2] != shape[3]:
        raise ValueError(f"weights: форма {shape}, а нужна (L, H, S, S).")
    layers, heads = shape[:2]
    picture = Picture(
        f"миниатюры внимания, слоёв {layers}, голов в слое {heads}",
        0.5 + 1.5 * layers + 0.4 * bool(title),
        width=max(5.0, 1.3 + 2.1 * heads),
    )
    fields = picture.subplots(layers, heads, squeeze=False)
    for layer in range(layers):
        for head in range(heads):
            axes = fields[layer][head]
            axes.imshow(weights[layer, head].tolist(), cmap=shades(), vmin=0, vmax=1, aspect="auto")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_color("#9AA0A6")
            if layer == 0:
                axes.set_title(f"голова {head + 1}", fontsize=SMALL_FONT, color=INK)
        fields[layer][0].set_ylabel(f"слой {layer + 1}", fontsize=SMALL_FONT, color=INK)
    if title:
        picture.suptitle(title, fontsize=FONT, color=INK)
    return picture


def attention_lines(
    weights: Any, tokens: Sequence[str], title: str = "", threshold: float = 0.1
) -> Picture:
    """Линии от того, кто смотрит (слева), к тому, на кого (справа); толщина — доля внимания.

    weights — (S, S); доли меньше threshold не нарисованы. ValueError — как у attention_matrix.
    """
    size = _check_square(weights, tokens)
    said = f"линии внимания{f' — {title}' if title else ''}: {_strongest(weights, tokens)}"
    picture = Picture(said, 1.0 + 0.36 * size, width=WIDTH * 0.8)
    axes = picture.subplots()
    for y, row in enumerate(weights):
        for x, value in enumerate(row):
            if value >= threshold:
                width = 0.5 + 6 * float(value)
                axes.plot([0, 1], [y, x], color=BLUE, lw=width, alpha=0.75, solid_capstyle="round")
    for place, align, x in (("кто смотрит", "right", -0.04), ("на кого", "left", 1.04)):
        axes.text(x, -1.1, place, ha=align, va="center", fontsize=SMALL_FONT, color="#5A5F65")
        for y, token in enumerate(tokens):
            axes.text(x, y, token, ha=align, va="center", fontsize=FONT, color=INK)
    axes.set(xlim=(-0.75, 1.75), ylim=(size - 0.4, -1.7), xticks=[], yticks=[])
    axes.set_title(title, fontsize=FONT, color=INK)
    axes.axis("off")
    return picture
