"""Рисунки о головах внимания: пробы с усами, на что уходит внимание, что будет без головы."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from lecture_lib.plots.attention import DARK, shades
from lecture_lib.plots.picture import (
    BLUE,
    FONT,
    INK,
    ORANGE,
    PAPER,
    SMALL_FONT,
    Picture,
    clean,
    percent,
)

# Кто отвечает в пробе: цвет и форма точки, чтобы различать и без цвета.
MARKS = {
    "голова": (BLUE, "o", BLUE),
    "смещение": (ORANGE, "s", PAPER),
    "правило": (INK, "^", PAPER),
    "необученная": ("#7A7F85", "D", PAPER),
}
WRITTEN_FROM = 0.045  # меньшие доли внимания числом не написаны: рисунок легче, а смысл тот же
STEP = 0.17  # расстояние между точками одной пробы


def probe_shares(rows: Sequence[Mapping[str, Any]]) -> Picture:
    """Доли проб внимания с 95-процентными интервалами: голова и её базовые уровни.

    rows — строки attention_probes.run: probe, kind, layer, head, offset, share, low, high.
    """
    probes = list(dict.fromkeys(row["probe"] for row in rows))
    said = "; ".join(
        f"{row['probe']} — {percent(row['share'])}" for row in rows if row["kind"] == "голова"
    )
    picture = Picture(f"куда смотрят головы: {said}", 1.5 + 0.85 * len(probes), width=10.5)
    axes = picture.subplots()
    labels = set()
    for place, probe in enumerate(probes):
        group = [row for row in rows if row["probe"] == probe]
        for number, row in enumerate(group):
            shift = STEP * (number - (len(group) - 1) / 2)
            label = None if row["kind"] in labels else row["kind"]
            labels.add(row["kind"])
            _share_point(axes, place + shift, row, label)
            _note(axes, place + shift, _described(row))
    axes.set_yticks(range(len(probes)), probes)
    axes.set_ylim(len(probes) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(FuncFormatter(percent))
    axes.set_xlabel("доля слов, смотрящих куда надо", fontsize=FONT)
    clean(axes, "x")
    picture.legend(loc="outside upper center", ncols=4, fontsize=SMALL_FONT, frameon=False)
    return picture


def _share_point(axes: Axes, place: float, row: Mapping[str, Any], label: str | None) -> None:
    colour, marker, fill = MARKS[row["kind"]]
    axes.hlines(place, row["low"], row["high"], color=colour, linewidth=2.5)
    axes.plot(
        row["share"], place, marker, ms=9, color=colour, mfc=fill, mew=2, ls="none", label=label
    )


def _described(row: Mapping[str, Any]) -> str:
    """Кто именно: «слой 2, голова 1», «смещение −1»; у необученной и правила — ничего."""
    if row["kind"] == "голова":
        return f"слой {row['layer']}, голова {row['head']}"
    if row["kind"] == "смещение":
        return f"смещение {row['offset']:+d}".replace("-", "−")
    return ""


def _note(axes: Axes, place: float, text: str) -> None:
    where = {"xycoords": ("axes fraction", "data"), "va": "center", "annotation_clip": False}
    axes.annotate(text, (1.01, place), fontsize=SMALL_FONT, color=INK, **where)


def attention_budget(rows: Sequence[Mapping[str, Any]], places: Sequence[str]) -> Picture:
    """На что уходит внимание: строка — голова, столбец — место, в клетке — проценты от 5.

    rows — строки attention_budget.run, places — его PLACES.
    """
    shares = [[row[place] for place in places] for row in rows]
    most = max(rows, key=lambda row: max(row[place] for place in places))
    where = max(places, key=lambda place: most[place])
    said = f"сильнее всего — слой {most['layer']}, голова {most['head']}: {where}"
    picture = Picture(f"на что головы тратят внимание; {said}", 1.9 + 0.34 * len(rows), width=8.6)
    axes = picture.subplots()
    axes.imshow(shares, cmap=shades(), vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(places)), places, rotation=30, ha="left", rotation_mode="anchor")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(rows)), _head_names(rows))
    axes.tick_params(labelsize=SMALL_FONT, length=0, colors=INK)
    axes.spines[:].set_visible(False)
    for y, row in enumerate(shares):
        for x, value in enumerate(row):
            if value >= WRITTEN_FROM:
                style = {"color": PAPER if value > DARK else INK, "fontsize": SMALL_FONT}
                axes.text(x, y, f"{100 * value:.0f}", ha="center", va="center", **style)
    return picture


def head_ablation(rows: Sequence[Mapping[str, Any]]) -> Picture:
    """Насколько хуже модель без каждой головы: точка — прирост потери, линия — её интервал.

    rows — строки head_ablation.run; строка целой модели (layer = None) не рисуется.
    """
    heads = [row for row in rows if row["layer"] is not None]
    worst = max(heads, key=lambda row: row["increase"])
    said = f"больше всего — слой {worst['layer']}, голова {worst['head']}"
    picture = Picture(f"прирост функции потерь без головы; {said}", 1.4 + 0.34 * len(heads))
    axes = picture.subplots()
    axes.axvline(0, color=INK, linewidth=1.5)
    for place, row in enumerate(heads):
        sure = row["low"] > 0 or row["high"] < 0
        colour = BLUE if sure else "#7A7F85"
        axes.hlines(place, row["low"], row["high"], color=colour, linewidth=3)
        axes.plot(row["increase"], place, "o", ms=9, color=colour, mfc=colour if sure else PAPER)
    axes.set_yticks(range(len(heads)), _head_names(heads))
    axes.set_ylim(len(heads) - 0.5, -0.5)
    axes.xaxis.set_major_formatter(FuncFormatter(_decimal))
    axes.set_xlabel("прирост функции потерь MLM, нат на токен", fontsize=FONT)
    clean(axes, "x")
    axes.tick_params(axis="y", labelsize=SMALL_FONT)
    return picture


def _head_names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Подписи голов; слой назван у первой: рисунок легче, и видно, где слой начался."""
    return [
        f"слой {row['layer']}, голова {row['head']}"
        if row["head"] == 1
        else f"голова {row['head']}"
        for row in rows
    ]


def _decimal(value: float, _: object = None) -> str:
    """Число с запятой: 0,2; второй довод — номер деления, его присылает ось."""
    return f"{value:.1f}".replace(".", ",").replace("-", "−")
