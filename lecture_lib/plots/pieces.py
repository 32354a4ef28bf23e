"""Рисунки о словарях: как текст разрезан на токены и сколько его теряется под [UNK]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from lecture_lib.plots.picture import (
    BLUE,
    FONT,
    INK,
    PALE_BLUE,
    PAPER,
    SERIES,
    SMALL_FONT,
    Picture,
    clean,
    percent,
)

LINE = 92.0  # ширина строки, в буквах
LINE_HEIGHT, LABEL_HEIGHT = 1.0, 0.9


def piece_lines(rows: Mapping[str, Sequence[str]]) -> Picture:
    """Разрезанный текст: {подпись: токены}; клетка — токен, длинная строка переносится."""
    placed = {name: _wrapped(pieces) for name, pieces in rows.items()}
    heights = [LABEL_HEIGHT + LINE_HEIGHT * (places[-1][0] + 1) for places in placed.values()]
    said = "; ".join(f"{name} — токенов {len(pieces)}" for name, pieces in rows.items())
    picture = Picture(f"токены: {said}", 0.15 + 0.48 * sum(heights), width=11)
    axes = picture.subplots()
    top = 0.0
    for (name, places), height in zip(placed.items(), heights, strict=True):
        axes.text(0, top + 0.7, name, fontsize=SMALL_FONT, color=INK, va="bottom")
        for piece, (line, x, width) in zip(rows[name], places, strict=True):
            _draw_piece(axes, piece, x, top + LABEL_HEIGHT + line * LINE_HEIGHT, width)
        top += height
    axes.set(xlim=(0, LINE), ylim=(top, 0))
    axes.axis("off")
    return picture


def _wrapped(pieces: Sequence[str]) -> list[tuple[int, float, float]]:
    """Место каждого токена: строка, отступ, ширина."""
    places, line, x = [], 0, 0.0
    for piece in pieces:
        width = len(piece) + 1.2
        if x and x + width > LINE:
            line, x = line + 1, 0.0
        places.append((line, x, width))
        x += width
    return places


def _draw_piece(axes: Axes, piece: str, x: float, top: float, width: float) -> None:
    box = Rectangle((x + 0.1, top), width - 0.2, 0.8, facecolor=PALE_BLUE, edgecolor=BLUE)
    axes.add_patch(box)
    style = {"ha": "center", "va": "center", "fontsize": SMALL_FONT, "color": INK}
    axes.text(x + width / 2, top + 0.42, piece, **style)


def unknown_shares(rows: Sequence[Mapping[str, Any]]) -> Picture:
    """Доля знаков текста, которых под [UNK] не видно: полоса на словарь, группа на образец.

    rows — строки experiments.unknown_tokens.unknown_rows; у полосы — её доля и токенов на слово.
    """
    samples = list(dict.fromkeys(row["sample"] for row in rows))
    names = list(dict.fromkeys(row["tokenizer"] for row in rows))
    said = "; ".join(f"{r['sample']}, {r['tokenizer']} — {percent(r['lost'])}" for r in rows)
    picture = Picture(f"потеряно знаков: {said}", 1.5 + 0.8 * len(samples), width=10)
    axes = picture.subplots()
    for number, name in enumerate(names):
        shift = 0.38 * (number - (len(names) - 1) / 2)
        chosen = [row for row in rows if row["tokenizer"] == name]
        places = [samples.index(row["sample"]) + shift for row in chosen]
        colour, _, hatch = SERIES[number]
        lost = [row["lost"] for row in chosen]
        axes.barh(places, lost, 0.34, color=colour, hatch=hatch, edgecolor=PAPER, label=name)
        for row, place in zip(chosen, places, strict=True):
            _note(axes, row, place)
    axes.set_yticks(range(len(samples)), samples)
    axes.set_ylim(len(samples) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(FuncFormatter(percent))
    axes.set_xlabel("знаков под [UNK]", fontsize=FONT)
    clean(axes, "x")
    picture.legend(loc="outside upper center", ncols=len(names), fontsize=FONT, frameon=False)
    return picture


def _note(axes: Axes, row: Mapping[str, Any], place: float) -> None:
    per_word = f"{row['per_word']:.1f}".replace(".", ",")
    text = f"{percent(row['lost'])}, токенов на слово {per_word}"
    inside = row["lost"] > 0.6  # длинной полосе подпись справа не поместится
    side = {"ha": "right", "color": PAPER} if inside else {"ha": "left", "color": INK}
    shift = -0.01 if inside else 0.01
    axes.text(row["lost"] + shift, place, text, va="center", fontsize=SMALL_FONT, **side)
