"""Рисунок о входе BERT: эмбеддинги токена, сегмента и позиции, которые складываются.

Как рисунок 2 у Devlin et al., 2019, но с настоящими токенами и настоящими числами.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from lecture_lib.plots.picture import FONT, INK, SMALL_FONT, Picture

SHOWN = 6  # столько первых координат вектора нарисовано
ROW, BOX = 1.5, 1.0  # шаг строк и высота ячейки
PALETTE = "PuOr"  # отрицательные — оранжевые, положительные — фиолетовые
SHADES = 11  # оттенков: больше палитра PNG не удержит, и фиолетовый станет серым


def embedding_sum(
    tokens: Sequence[str], segments: Sequence[str], vectors: Mapping[str, Any]
) -> Picture:
    """Строки эмбеддингов одна над другой, между ними «+», перед последней — «=».

    vectors — {подпись: (S, D)}: эмбеддинги токена, сегмента, позиции и их сумма, в этом порядке;
    в ячейке — что за вектор и его первые координаты цветом. ValueError — строк не четыре или
    векторов не столько, сколько токенов.
    """
    if len(vectors) != 4:
        raise ValueError(f"vectors: строк {len(vectors)}, а нужны четыре — три слагаемых и сумма.")
    for name, rows in vectors.items():
        if len(rows) != len(tokens) or len(segments) != len(tokens):
            raise ValueError(
                f"vectors[{name!r}]: векторов {len(rows)}, сегментов {len(segments)}, "
                f"а токенов {len(tokens)}."
            )
    widths = [max(5.0, len(token) + 1.5) for token in tokens]
    total = sum(widths)
    said = f"вход BERT: {' + '.join(list(vectors)[:3])}; токены: {', '.join(tokens)}"
    picture = Picture(said, 4.6, width=min(13.5, 3.0 + 0.128 * total))
    axes = picture.subplots()
    positions = [str(place) for place in range(len(tokens))]
    labels = (tokens, segments, positions, [""] * len(tokens))
    for line, ((name, rows), shown) in enumerate(zip(vectors.items(), labels, strict=True)):
        _line(axes, line, name, rows, shown, widths)
    axes.set(xlim=(-17, total + 0.5), ylim=(4 * ROW - 0.2, -0.2))
    axes.axis("off")
    return picture


def _line(
    axes: Axes, line: int, name: str, rows: Any, shown: Sequence[str], widths: Sequence[float]
) -> None:
    top = line * ROW
    axes.text(-2.6, top + BOX / 2, name, ha="right", va="center", fontsize=FONT, color=INK)
    sign = ("", "+", "+", "=")[line]
    axes.text(-1.2, top + BOX / 2, sign, ha="center", va="center", fontsize=FONT + 4, color=INK)
    seen = [vector[:SHOWN] for vector in rows.tolist()]
    scale = max(abs(value) for vector in seen for value in vector) or 1.0
    left = 0.0
    for vector, text, width in zip(seen, shown, widths, strict=True):
        _box(axes, left, top, width, text, [value / scale for value in vector])
        left += width


def _box(
    axes: Axes, left: float, top: float, width: float, text: str, values: Sequence[float]
) -> None:
    """Ячейка: сверху подпись, снизу координаты; у суммы подписи нет, и координаты во всю высоту."""
    colours = matplotlib.colormaps[PALETTE].resampled(SHADES)
    inner, share = width - 0.5, 0.42 if text else 1.0
    cell = inner / len(values)
    for number, value in enumerate(values):
        place = (left + 0.25 + number * cell, top + BOX * (1 - share))
        face = colours(0.5 + value / 2)
        axes.add_patch(Rectangle(place, cell, BOX * share, facecolor=face, linewidth=0))
    axes.add_patch(
        Rectangle((left + 0.25, top), inner, BOX, fill=False, edgecolor="#5A5F65", linewidth=1.2)
    )
    middle = left + width / 2
    style = {"ha": "center", "va": "center", "fontsize": SMALL_FONT, "color": INK}
    axes.text(middle, top + BOX * 0.28, text, **style)
