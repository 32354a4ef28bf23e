"""Рисунки о дистилляции: мягкие цели по температурам, слои ученика, качество против цены."""

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
    ORANGE,
    PALE_BLUE,
    PAPER,
    SMALL_FONT,
    WIDTH,
    Picture,
    clean,
    percent,
)

REST = "все прочие"
COLUMNS = 3  # полей в ряду: четвёртое сделало бы столбики слишком короткими


def soft_targets(fields: Mapping[str, Sequence[Any]]) -> Picture:
    """Распределение учителя: {заголовок: [Candidate(token, probability), …]}, поле на температуру.

    Слова во всех полях одни и те же, в одном порядке; нижний столбик — вероятность всех прочих.
    ValueError — полей нет или слова в них разные.
    """
    words = _same_words(fields)
    best = "; ".join(f"{name} — {_fine_percent(f[0].probability)}" for name, f in fields.items())
    across = min(COLUMNS, len(fields))
    down = -(-len(fields) // across)
    height = 0.3 + down * (0.8 + 0.42 * (len(words) + 1))
    width = WIDTH if across == 1 else 12
    picture = Picture(f"мягкие цели, вероятность слова «{words[0]}»: {best}", height, width)
    places = picture.subplots(down, across, sharey=True, squeeze=False).flat
    for axes, (name, found) in zip(places, fields.items(), strict=False):
        _target_bars(axes, [candidate.probability for candidate in found])
        axes.set_title(name, fontsize=FONT, color=INK)
        axes.set_yticks(range(len(words) + 1), [*words, REST])
        axes.set_ylim(len(words) + 0.5, -0.5)
    for axes in list(picture.axes)[len(fields) :]:
        axes.set_visible(False)
    return picture


def _same_words(fields: Mapping[str, Sequence[Any]]) -> list[str]:
    lists = [[candidate.token for candidate in found] for found in fields.values()]
    if not lists or not lists[0]:
        raise ValueError(f"fields = {dict(fields)}: рисовать нечего.")
    if any(words != lists[0] for words in lists):
        raise ValueError("fields: слова в полях разные, сравнить столбики нельзя.")
    return lists[0]


def _target_bars(axes: Axes, shares: Sequence[float]) -> None:
    rest = max(0.0, 1 - sum(shares))
    values = [*shares, rest]
    bars = axes.barh(range(len(values)), values, color=BLUE, edgecolor=PAPER)
    bars[-1].set(facecolor=ORANGE, hatch="///")  # не слово, а тысячи слов разом
    axes.bar_label(bars, [_fine_percent(v) for v in values], padding=4, fontsize=FONT, color=INK)
    axes.set_xlim(0, 1.3)
    axes.set_xticks([])
    clean(axes)
    axes.spines["bottom"].set_visible(False)


def _fine_percent(value: float) -> str:
    """Доля в процентах; меньше десяти — с десятой, меньше десятой — знаком «меньше»."""
    if value >= 0.0995:
        return percent(value)
    return f"{100 * value:.1f} %".replace(".", ",") if value >= 0.0005 else "< 0,1 %"


def layer_strips(total: int, rows: Mapping[str, Sequence[int]]) -> Picture:
    """Какие слои учителя достались ученику: {подпись: номера слоёв с нуля}, полоска на ученика.

    ValueError — слоя с таким номером у учителя нет.
    """
    said = "; ".join(f"{name} — {', '.join(map(str, kept))}" for name, kept in rows.items())
    picture = Picture(f"слои учителя, которые взял ученик: {said}", 0.5 + 0.62 * len(rows))
    axes = picture.subplots()
    for place, kept in enumerate(rows.values()):
        _strip(axes, total, kept, place)
    _strip_axes(axes, total, list(rows))
    return picture


def layer_choices(total: int, rows: Sequence[Mapping[str, Any]], xlabel: str) -> Picture:
    """Наборы слоёв и что с ними выходит: слева полоска слоёв, справа столбик — доля.

    rows — словари {layers, value} в том порядке, в каком их показать; с ключом marked — столбик
    другого цвета и со штриховкой. ValueError — слоя с таким номером у учителя нет.
    """
    best = max(rows, key=lambda row: row["value"])
    said = f"{', '.join(map(str, best['layers']))} — {percent(best['value'])}"
    alt = f"{xlabel} по наборам слоёв: всего наборов {len(rows)}, лучший — слои {said}"
    picture = Picture(alt, 1.1 + 0.36 * len(rows), width=10)
    left, right = picture.subplots(1, 2, width_ratios=[1, 2])
    for place, row in enumerate(rows):
        _strip(left, total, row["layers"], place)
    _strip_axes(left, total, [""] * len(rows))
    values = [row["value"] for row in rows]
    bars = right.barh(range(len(rows)), values, 0.72, color=BLUE, edgecolor=PAPER)
    for bar, row in zip(bars, rows, strict=True):
        if row.get("marked"):
            bar.set(facecolor=ORANGE, hatch="///")
    right.bar_label(bars, [percent(v) for v in values], padding=4, fontsize=SMALL_FONT, color=INK)
    right.set_ylim(len(rows) - 0.5, -0.5)
    right.set_xlim(0, 1.15 * max(values) or 1.0)
    right.set_yticks([])
    right.xaxis.set_major_formatter(FuncFormatter(percent))
    right.set_xlabel(xlabel, fontsize=FONT)
    clean(right, "x")
    return picture


def _strip(axes: Axes, total: int, kept: Sequence[int], place: int) -> None:
    """Клетка на слой учителя; взятые залиты, и номер на них написан."""
    if wrong := [layer for layer in kept if not 0 <= layer < total]:
        raise ValueError(f"layers: слоя {wrong[0]} нет, у учителя слои от 0 до {total - 1}.")
    for layer in range(total):
        taken = layer in kept
        fill = BLUE if taken else PALE_BLUE
        box = Rectangle((layer + 0.06, place - 0.4), 0.88, 0.8, facecolor=fill, edgecolor=BLUE)
        axes.add_patch(box)
        if taken:
            style = {"ha": "center", "va": "center", "fontsize": SMALL_FONT, "color": PAPER}
            axes.text(layer + 0.5, place, str(layer), **style)


def _strip_axes(axes: Axes, total: int, names: Sequence[str]) -> None:
    axes.set_xlim(0, total)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xticks([])
    axes.set_yticks(range(len(names)), names)
    clean(axes)
    axes.spines[["left", "bottom"]].set_visible(False)


def quality_front(points: Sequence[Mapping[str, Any]], ylabel: str) -> Picture:
    """Качество против цены: точка на модель, подпись — её имя и число слоёв.

    points — строки experiments.distillation.front: row, layers, flops_share, quality_share; доли —
    от учителя. ValueError — точек нет.
    """
    if not points:
        raise ValueError("points пуст: рисовать нечего.")
    said = "; ".join(
        f"{p['row']}: операций {percent(p['flops_share'])}, качества {percent(p['quality_share'])}"
        for p in points
    )
    picture = Picture(f"качество против цены: {said}", 4.6)
    axes = picture.subplots()
    x = [point["flops_share"] for point in points]
    y = [point["quality_share"] for point in points]
    axes.plot(x, y, "-o", color=BLUE, ms=11, lw=2)
    for point, place in zip(points, zip(x, y, strict=True), strict=True):
        text = f"{point['row']}\n{percent(point['quality_share'])}"
        style = {"textcoords": "offset points", "fontsize": SMALL_FONT, "color": INK}
        axes.annotate(text, place, (12, -6), va="top", **style)  # правее и ниже линии
    low, high = min(y), max(y)
    span = max(high - low, 0.02)
    axes.set_ylim(low - 0.5 * span, high + 0.15 * span)
    axes.set_xlim(-0.04, 1.25 * max(x))  # справа — место для подписи последней точки
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(percent))
    axes.set_xlabel("операций на текст, доля от учителя", fontsize=FONT)
    axes.set_ylabel(ylabel, fontsize=FONT)
    clean(axes, "both")
    return picture
