"""Рисунки об ответах моделей: кандидаты на место маски, доли верных по видам слов, разности."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from lecture_lib.plots.picture import (
    BLUE,
    FONT,
    INK,
    PAPER,
    SERIES,
    SMALL_FONT,
    WIDTH,
    Picture,
    clean,
    percent,
    points,
)


def candidates(masks: Mapping[str, Sequence[Any]], title: str = "") -> Picture:
    """Столбики кандидатов: {заголовок: [Candidate(token, probability), …]} — по полю на маску."""
    if not masks:
        raise ValueError("masks = {}: рисовать нечего, нет ни одной маски.")
    rows = max(1, *map(len, masks.values()))
    said = "; ".join(
        f"{name} — {', '.join(c.token for c in found)}" for name, found in masks.items()
    )
    height = 1.2 + 0.46 * rows + 0.4 * bool(title) + 0.3 * any("\n" in name for name in masks)
    width = max(WIDTH, 3.3 * len(masks))
    picture = Picture(f"кандидаты на место маски: {' '.join(said.split())}", height, width)
    fields = picture.subplots(1, len(masks), squeeze=False)[0]
    for number, (axes, (name, found)) in enumerate(zip(fields, masks.items(), strict=True)):
        _candidate_bars(axes, found, SERIES[number % len(SERIES)])
        axes.set_title(name, fontsize=FONT, color=INK)
        axes.set_ylim(rows - 0.5, -0.5)
    if title:
        picture.suptitle(title, fontsize=FONT, color=INK)
    return picture


def _candidate_bars(axes: Axes, found: Sequence[Any], style: tuple[str, str, str]) -> None:
    colour, _, hatch = style
    values = [candidate.probability for candidate in found]
    bars = axes.barh(range(len(found)), values, color=colour, hatch=hatch, edgecolor=PAPER)
    axes.bar_label(bars, [percent(v) for v in values], padding=4, fontsize=FONT, color=INK)
    axes.set_yticks(range(len(found)), [candidate.token for candidate in found])
    axes.set_xlim(0, 1.28 * max(values, default=1.0) or 1.0)
    axes.set_xticks([])
    clean(axes)
    axes.spines["bottom"].set_visible(False)


def accuracy_by_kind(rows: Sequence[Mapping[str, Any]], form: bool = False) -> Picture:
    """Доля верных ответов по видам слов у двух моделей, с 95-процентными интервалами.

    rows — строки directions.tabulate; form=True — доля верных форм вместо доли верных слов.
    """
    prefix = "form_" if form else ""
    rows = [row for row in rows if row[f"{prefix}accuracy"] is not None]
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    models = list(dict.fromkeys(row["model"] for row in rows))
    what = "верных форм" if form else "верных слов"
    alt = f"доля {what} по видам слов, модели: {', '.join(models)}"
    picture = Picture(alt, 1.6 + 0.72 * len(kinds), width=10)
    axes = picture.subplots()
    for number, model in enumerate(models):
        chosen = [row for row in rows if row["model"] == model]
        places = [
            kinds.index(row["kind"]) + 0.36 * (number - (len(models) - 1) / 2) for row in chosen
        ]
        _share_bars(axes, places, chosen, prefix, SERIES[number], f"{model} модель")
    axes.set_yticks(range(len(kinds)), [_kind_label(rows, kind) for kind in kinds])
    axes.set_ylim(len(kinds) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(FuncFormatter(percent))
    axes.set_xlabel(f"доля {what}", fontsize=FONT)
    clean(axes, "x")
    picture.legend(loc="outside upper center", ncols=2, fontsize=FONT, frameon=False)
    return picture


def _kind_label(rows: Sequence[Mapping[str, Any]], kind: str) -> str:
    """Вид слова и, строкой ниже, где стоит подсказка."""
    evidence = next(row["evidence"] for row in rows if row["kind"] == kind)
    return f"{kind}\nподсказка {evidence}"


def _share_bars(axes: Axes, places, rows, prefix: str, style, label: str) -> None:
    colour, _, hatch = style
    shares = [row[f"{prefix}accuracy"] for row in rows]
    below = [share - row[f"{prefix}low"] for share, row in zip(shares, rows, strict=True)]
    above = [row[f"{prefix}high"] - share for share, row in zip(shares, rows, strict=True)]
    axes.barh(places, shares, 0.34, color=colour, hatch=hatch, edgecolor=PAPER, label=label)
    axes.errorbar(
        shares, places, xerr=[below, above], fmt="none", ecolor=INK, elinewidth=2, capsize=4
    )


def differences(rows: Sequence[Mapping[str, Any]], xlabel: str) -> Picture:
    """Разности долей с интервалами: залитая точка — различие доказано, пустая — нет."""
    proven = [row["kind"] for row in rows if row["proven"]]
    alt = f"разность «двусторонняя минус причинная»; доказана: {', '.join(proven) or 'нигде'}"
    picture = Picture(alt, 1.5 + 0.55 * len(rows), width=10)
    axes = picture.subplots()
    axes.axvline(0, color=INK, linewidth=1.5)
    for place, row in enumerate(rows):
        colour = BLUE if row["proven"] else "#7A7F85"
        axes.hlines(place, row["low"], row["high"], color=colour, linewidth=3)
        fill = colour if row["proven"] else PAPER
        axes.plot(row["difference"], place, "o", ms=11, color=colour, mfc=fill, mew=2.5)
        verdict = "доказано" if row["proven"] else "не доказано"
        axes.annotate(
            verdict,
            (1.01, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=SMALL_FONT,
        )
    axes.set_yticks(range(len(rows)), [row["kind"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_formatter(FuncFormatter(points))
    axes.set_xlabel(xlabel, fontsize=FONT)
    clean(axes, "x")
    return picture
