"""Рисунки о масках: кто кого видит, полоски токенов, от чего зависит ответ.

Рисунки о том, чем выбранные токены заменены, — в replacements.py; полоска у них общая.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from lecture_lib.plots.picture import (
    BLUE,
    DEEP_GREEN,
    DEEP_ORANGE,
    FONT,
    GREY,
    INK,
    PALE_BLUE,
    PAPER,
    SMALL_FONT,
    Picture,
)

SHORT_LINE, LONG_LINE = 72.0, 92.0  # ширина полоски токенов, в буквах: от и до


def visibility(patterns: Mapping[str, Any], tokens: Sequence[str]) -> Picture:
    """Кто кого видит: {название: (S, S) bool}, строка — кто смотрит, столбец — на кого."""
    size = len(tokens)
    alt = f"кто кого видит: {', '.join(patterns)}; токенов {size}"
    picture = Picture(alt, 1.9 + 0.42 * size, width=10)
    fields = picture.subplots(1, len(patterns), squeeze=False, sharey=True)[0]
    for axes, (name, pattern) in zip(fields, patterns.items(), strict=True):
        for row in range(size):
            for column in range(size):
                _visibility_cell(axes, row, column, bool(pattern[row][column]))
        axes.set(xlim=(0, size), ylim=(size, 0), aspect="equal")
        axes.set_xticks([i + 0.5 for i in range(size)], tokens, rotation=60, ha="right")
        axes.set_yticks([i + 0.5 for i in range(size)], tokens)
        axes.set_title(name, fontsize=FONT, color=INK)
        axes.tick_params(labelsize=SMALL_FONT, length=0)
        axes.spines[:].set_visible(False)
    fields[0].set_ylabel("кто смотрит", fontsize=FONT)
    picture.supxlabel("на кого", fontsize=FONT)
    return picture


def _visibility_cell(axes: Axes, row: int, column: int, seen: bool) -> None:
    box = Rectangle((column, row), 1, 1, facecolor=BLUE if seen else PAPER, edgecolor=GREY)
    axes.add_patch(box)
    if not seen:  # точка — чтобы «не видит» читалось и без цвета
        axes.plot(column + 0.5, row + 0.5, ".", color="#9AA0A6", ms=5)


@dataclass(frozen=True)
class Cell:
    """Клетка полоски: надпись, цвета, рамка (её линия и толщина), подпись снизу."""

    text: str
    face: str = PALE_BLUE
    edge: str = BLUE
    ink: str = INK
    below: str = ""
    below_ink: str = INK
    line: str = "-"
    thickness: float = 1.0


def mask_strip(
    rows: Mapping[str, tuple[Sequence[str], Sequence[bool]]],
    answers: Mapping[str, Sequence[str]] | None = None,
) -> Picture:
    """Полоски токенов: {подпись: (токены, что скрыто)}; answers — ответы модели под скрытыми."""
    answers = answers or {}
    hidden = "; ".join(f"{name or 'скрыто'} — {sum(chosen)}" for name, (_, chosen) in rows.items())
    strips = {}
    for name, (tokens, chosen) in rows.items():
        said = answers.get(name) or [""] * len(tokens)
        strips[name] = [
            _mask_cell(token, answer) if is_hidden else Cell(token)
            for token, is_hidden, answer in zip(tokens, chosen, said, strict=True)
        ]
    shown = [[cell.below or cell.text for cell in cells] for cells in strips.values()]
    widths = column_widths([*(tokens for tokens, _ in rows.values()), *shown])
    return strip_picture(f"скрытые токены: {hidden}", strips, widths)


def _mask_cell(token: str, answer: str) -> Cell:
    right = answer == token
    below = f"{'✓' if right else '✗'} {answer}" if answer else ""
    return Cell(
        "[MASK]", DEEP_ORANGE, DEEP_ORANGE, PAPER, below, DEEP_GREEN if right else DEEP_ORANGE
    )


def influence(rows: Mapping[str, tuple[Sequence[bool], int]], tokens: Sequence[str]) -> Picture:
    """Какие токены влияют на ответ: {вопрос: ((S,) bool, о каком токене спрашивают)}."""
    strips, said = {}, []
    for name, (row, asked) in rows.items():
        cells = [
            Cell(token) if on else Cell("·", PAPER, GREY)
            for token, on in zip(tokens, row, strict=True)
        ]
        cells[asked] = Cell("?", DEEP_ORANGE, DEEP_ORANGE, PAPER)
        strips[name] = cells
        seen = ", ".join(token for token, on in zip(tokens, row, strict=True) if on)
        said.append(f"{name} — {seen or 'ни один'}")
    alt = f"токены, от которых зависит ответ: {'; '.join(said)}"
    return strip_picture(alt, strips, column_widths([tokens]))


def column_widths(rows: Iterable[Sequence[str]]) -> list[float]:
    """Ширина клеток в буквах: по самому длинному токену столбца, но чтобы вошло и «[MASK]»."""
    columns = zip_longest(*rows, fillvalue="")
    return [max(6, *map(len, column)) + 1.5 for column in columns]


def strip_picture(
    alt: str, strips: Mapping[str, Sequence[Cell]], widths: Sequence[float]
) -> Picture:
    """Полоски клеток одна под другой, над каждой — её подпись; длинная идёт в несколько строк."""
    places, lines = _wrapped(widths)
    line_height = 1.4 if any(cell.below for cells in strips.values() for cell in cells) else 0.9
    label_height = 0.5 * any(strips)
    step = label_height + line_height * lines + 0.1
    picture = Picture(alt, 0.15 + 0.52 * step * len(strips), width=11)
    axes = picture.subplots()
    for number, (name, cells) in enumerate(strips.items()):
        top = number * step + label_height
        axes.text(0, top - 0.12, name, fontsize=SMALL_FONT, color=INK, va="bottom")
        for cell, width, (line, x) in zip(cells, widths, places, strict=False):
            _draw_cell(axes, cell, x, top + line * line_height, width)
    right = max(x + width for width, (_, x) in zip(widths, places, strict=True))
    axes.set(xlim=(0, max(SHORT_LINE, right)), ylim=(step * len(strips), 0))
    axes.axis("off")
    return picture


def _wrapped(widths: Sequence[float]) -> tuple[list[tuple[int, float]], int]:
    """Где стоит каждая клетка — (строка, отступ) — и сколько вышло строк."""
    places, line, x = [], 0, 0.0
    for width in widths:
        if x and x + width > LONG_LINE:
            line, x = line + 1, 0.0
        places.append((line, x))
        x += width
    return places, line + 1


def _draw_cell(axes: Axes, cell: Cell, x: float, top: float, width: float) -> None:
    box = (x + 0.15, top), width - 0.3, 0.8
    frame = {"linestyle": cell.line, "linewidth": cell.thickness}
    axes.add_patch(Rectangle(*box, facecolor=cell.face, edgecolor=cell.edge, **frame))
    middle = x + width / 2
    weight = "bold" if cell.ink == PAPER else "normal"
    style = {"ha": "center", "va": "center", "fontsize": SMALL_FONT}
    axes.text(middle, top + 0.4, cell.text, color=cell.ink, weight=weight, **style)
    if cell.below:
        axes.text(middle, top + 1.05, cell.below, color=cell.below_ink, **style)
