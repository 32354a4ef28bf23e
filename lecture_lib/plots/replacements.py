"""Рисунки о выборе и замене: кого выбрали, чем заменили, как доли сходятся к целям."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from lecture_lib.masking import KEEP, MASK, NOT_CHOSEN, RANDOM
from lecture_lib.plots.masks import Cell, column_widths, strip_picture
from lecture_lib.plots.picture import (
    BLUE,
    DEEP_GREEN,
    DEEP_ORANGE,
    FEW_COLOURS,
    FONT,
    INK,
    PAPER,
    SERIES,
    SMALL_FONT,
    Picture,
    clean,
)

MUTED = "#6B7075"  # серый, которым ещё можно писать

# Действие видно трижды: по цвету, по рамке и по знаку перед токеном.
SIGNS = {MASK: "", RANDOM: "≠ ", KEEP: "= "}
WORDS = {MASK: "закрыт", RANDOM: "≠ случайный", KEEP: "= прежний"}
LOOKS = {
    MASK: {"face": DEEP_ORANGE, "edge": DEEP_ORANGE, "ink": PAPER},
    RANDOM: {"face": PAPER, "edge": DEEP_ORANGE, "line": "--", "thickness": 2.5},
    KEEP: {"face": PAPER, "edge": DEEP_GREEN, "thickness": 3.0},
}


def chosen_strip(rows: Mapping[str, tuple[Sequence[str], Sequence[bool]]]) -> Picture:
    """Полоски с отметкой выбранных: {подпись: (токены, кто выбран)}; токены остаются видны."""
    strips = {
        name: [
            Cell(token, BLUE, INK, PAPER) if is_chosen else Cell(token)
            for token, is_chosen in zip(tokens, chosen, strict=True)
        ]
        for name, (tokens, chosen) in rows.items()
    }
    said = "; ".join(
        f"{name or 'выбраны'} — {', '.join(_picked(*row)) or 'никто'}" for name, row in rows.items()
    )
    widths = column_widths([tokens for tokens, _ in rows.values()])
    picture = strip_picture(f"выбранные токены: {said}", strips, widths)
    picture.colours = FEW_COLOURS
    return picture


def _picked(tokens: Sequence[str], chosen: Sequence[bool]) -> list[str]:
    return [token for token, is_chosen in zip(tokens, chosen, strict=True) if is_chosen]


def replacement_strip(
    rows: Mapping[str, tuple[Sequence[str], Sequence[str], Sequence[int]]], ignored: str = ""
) -> Picture:
    """Полоски с заменами: {подпись: (исходные токены, что видит модель, действия)}.

    Под выбранным токеном — ответ, которого от модели ждут; под остальными — ignored.
    """
    strips = {
        name: [_replaced_cell(*triple, ignored) for triple in zip(*row, strict=True)]
        for name, row in rows.items()
    }
    counts = {action: sum(list(row[2]).count(action) for row in rows.values()) for action in WORDS}
    said = ", ".join(f"{WORDS[action]} — {count}" for action, count in counts.items())
    texts = [[cell.text for cell in cells] for cells in strips.values()]
    answers = [[cell.below for cell in cells] for cells in strips.values()]
    picture = strip_picture(f"замены токенов: {said}", strips, column_widths([*texts, *answers]))
    picture.set_figheight(picture.get_figheight() + 0.45)  # место для легенды
    _add_legend(picture, counts)
    return picture


def _replaced_cell(token: str, shown: str, action: int, ignored: str) -> Cell:
    if action == NOT_CHOSEN:
        return Cell(shown, below=ignored, below_ink=MUTED)
    return Cell(SIGNS[action] + shown, **LOOKS[action], below=token)


def _add_legend(picture: Picture, counts: Mapping[int, int]) -> None:
    """Легенда с числами: сколько чего вышло на этом рисунке."""
    handles = [
        Patch(
            facecolor=look["face"],
            edgecolor=look["edge"],
            linestyle=look.get("line", "-"),
            linewidth=look.get("thickness", 1.0),
            label=f"{WORDS[action]}: {counts[action]}",
        )
        for action, look in LOOKS.items()
    ]
    picture.legend(
        handles=handles, loc="outside upper left", ncols=3, fontsize=SMALL_FONT, frameon=False
    )


def share_convergence(
    curves: Mapping[str, Sequence[Mapping[str, Any]]], target: float, ylabel: str
) -> Picture:
    """Сходимость долей: {название: строки total, share, low, high}; пунктир — цель target.

    Точка — доля среди первых total исходов, усы — 95-процентный интервал; ось total — в порядках.
    """
    last = "; ".join(
        f"{name} — {_share(rows[-1]['share'])} после {_spaced(rows[-1]['total'])}"
        for name, rows in curves.items()
    )
    picture = Picture(f"{ylabel}, цель {_share(target)}: {last}", 4.6)
    axes = picture.subplots()
    axes.axhline(target, color=INK, linewidth=1.5, linestyle="--")
    for number, (name, rows) in enumerate(curves.items()):
        # Усы разных рядов раздвинуты: стоя на одном месте, они закрыли бы друг друга.
        places = [row["total"] * 1.12 ** (number - (len(curves) - 1) / 2) for row in rows]
        _whiskers(axes, places, rows, number, name)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(_spaced))
    axes.yaxis.set_major_formatter(FuncFormatter(_share))
    axes.set_xlabel("выбранных токенов", fontsize=FONT)
    axes.set_ylabel(ylabel, fontsize=FONT)
    clean(axes, "y")
    axes.legend(fontsize=FONT, frameon=False, loc="upper right")
    return picture


def _whiskers(axes, places, rows, number: int, name: str) -> None:
    colour, marker, _ = SERIES[number]
    shares = [row["share"] for row in rows]
    below = [row["share"] - row["low"] for row in rows]
    above = [row["high"] - row["share"] for row in rows]
    axes.errorbar(
        places, shares, yerr=[below, above], fmt=marker, ms=9, color=colour, label=name,
        elinewidth=2.5, capsize=5,
    )  # fmt: skip


def _share(value: float, _: object = None) -> str:
    """Доля в процентах с одним знаком, когда он нужен: 15 %, 9,5 %."""
    return f"{100 * value:.1f}".removesuffix(".0").replace(".", ",") + " %"


def _spaced(value: float, _: object = None) -> str:
    """Целое с пробелами между разрядами: 1 000 000."""
    return f"{value:,.0f}".replace(",", " ")
