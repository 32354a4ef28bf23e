"""Рисунки уроков: кандидаты, точность по видам слов, видимость, маски, кривые обучения.

Рисунки ничего не вычисляют — показывают числа, которые вернули нижние этажи. Каждый — Picture:
тетрадь показывает её сама, `alt` говорит словами, что нарисовано, а `save` пишет файл. Цвета
различимы при любом цветовом зрении (палитра Окабэ и Ито), и цвет нигде не единственный признак:
модели отличаются ещё и штриховкой или формой точки.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#C8CCD0", "#222222"
PALE_BLUE, PAPER = "#D6E8F3", "#FFFFFF"
DEEP_ORANGE, DEEP_GREEN = "#B04A00", "#00734F"  # темнее: ими пишут и на них пишут
SERIES = ((BLUE, "o", ""), (ORANGE, "s", "///"), (GREEN, "^", "xxx"))

FONT, SMALL_FONT = 15, 13
WIDTH = 9.0  # дюймов: рисунок входит в ширину тетради
DPI = 100
COLOURS = 24
SHORT_LINE, LONG_LINE = 72.0, 92.0  # ширина полоски токенов, в буквах: от и до


class Picture(Figure):
    """Рисунок с подписью для тех, кто его не видит; показывается без pyplot и его настроек."""

    def __init__(self, alt: str, height: float, width: float = WIDTH) -> None:
        super().__init__(figsize=(width, height), dpi=DPI, facecolor=PAPER, layout="constrained")
        self.alt = alt

    def __repr__(self) -> str:
        return f"Рисунок: {self.alt}"

    def png(self) -> bytes:
        """Рисунок как PNG; цветов 24 — на глаз те же, а тетрадь втрое легче."""
        from PIL import Image

        image = Image.open(io.BytesIO(self._written("png"))).convert("RGB")
        buffer = io.BytesIO()
        image.quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, format="png", optimize=True)
        return buffer.getvalue()

    def save(self, path: str | Path) -> Path:
        """Пишет рисунок в файл .png, .svg или .pdf; буквы в SVG остаются буквами."""
        path = Path(path)
        kind = path.suffix.lstrip(".")
        path.write_bytes(self.png() if kind == "png" else self._written(kind))
        return path

    def _repr_png_(self) -> bytes:
        return self.png()

    def _written(self, kind: str) -> bytes:
        import matplotlib

        buffer = io.BytesIO()
        with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "lecture"}):
            self.savefig(buffer, format=kind)
        return buffer.getvalue()


def _percent(value: float, _: object = None) -> str:
    return f"{100 * value:.0f} %"


def _points(value: float, _: object = None) -> str:
    """Разность в процентных пунктах, со знаком."""
    whole = round(100 * value)
    return f"{whole:+d}".replace("-", "−") if whole else "0"


def _clean(axes: Axes, grid: str | None = None) -> None:
    """Убирает рамку и подбирает кегль; grid — по какой оси провести линии."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=FONT, length=0, colors=INK)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color="#E3E6E8")


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
    axes.bar_label(bars, [_percent(v) for v in values], padding=4, fontsize=FONT, color=INK)
    axes.set_yticks(range(len(found)), [candidate.token for candidate in found])
    axes.set_xlim(0, 1.28 * max(values, default=1.0) or 1.0)
    axes.set_xticks([])
    _clean(axes)
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
    axes.xaxis.set_major_formatter(FuncFormatter(_percent))
    axes.set_xlabel(f"доля {what}", fontsize=FONT)
    _clean(axes, "x")
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
    axes.xaxis.set_major_formatter(FuncFormatter(_points))
    axes.set_xlabel(xlabel, fontsize=FONT)
    _clean(axes, "x")
    return picture


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
class _Cell:
    """Клетка полоски: надпись, цвета, подпись снизу."""

    text: str
    face: str = PALE_BLUE
    edge: str = BLUE
    ink: str = INK
    below: str = ""
    below_ink: str = INK


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
            _mask_cell(token, answer) if is_hidden else _Cell(token)
            for token, is_hidden, answer in zip(tokens, chosen, said, strict=True)
        ]
    shown = [[cell.below or cell.text for cell in cells] for cells in strips.values()]
    widths = _widths([*(tokens for tokens, _ in rows.values()), *shown])
    return _strips(f"скрытые токены: {hidden}", strips, widths)


def _mask_cell(token: str, answer: str) -> _Cell:
    right = answer == token
    below = f"{'✓' if right else '✗'} {answer}" if answer else ""
    return _Cell(
        "[MASK]", DEEP_ORANGE, DEEP_ORANGE, PAPER, below, DEEP_GREEN if right else DEEP_ORANGE
    )


def influence(rows: Mapping[str, tuple[Sequence[bool], int]], tokens: Sequence[str]) -> Picture:
    """Какие токены влияют на ответ: {вопрос: ((S,) bool, о каком токене спрашивают)}."""
    strips, said = {}, []
    for name, (row, asked) in rows.items():
        cells = [
            _Cell(token) if on else _Cell("·", PAPER, GREY)
            for token, on in zip(tokens, row, strict=True)
        ]
        cells[asked] = _Cell("?", DEEP_ORANGE, DEEP_ORANGE, PAPER)
        strips[name] = cells
        seen = ", ".join(token for token, on in zip(tokens, row, strict=True) if on)
        said.append(f"{name} — {seen or 'ни один'}")
    alt = f"токены, от которых зависит ответ: {'; '.join(said)}"
    return _strips(alt, strips, _widths([tokens]))


def _widths(rows: Iterable[Sequence[str]]) -> list[float]:
    """Ширина клеток в буквах: по самому длинному токену столбца, но чтобы вошло и «[MASK]»."""
    columns = zip_longest(*rows, fillvalue="")
    return [max(6, *map(len, column)) + 1.5 for column in columns]


def _strips(alt: str, strips: Mapping[str, Sequence[_Cell]], widths: Sequence[float]) -> Picture:
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


def _draw_cell(axes: Axes, cell: _Cell, x: float, top: float, width: float) -> None:
    box = (x + 0.15, top), width - 0.3, 0.8
    axes.add_patch(Rectangle(*box, facecolor=cell.face, edgecolor=cell.edge))
    middle = x + width / 2
    weight = "bold" if cell.ink == PAPER else "normal"
    style = {"ha": "center", "va": "center", "fontsize": SMALL_FONT}
    axes.text(middle, top + 0.4, cell.text, color=cell.ink, weight=weight, **style)
    if cell.below:
        axes.text(middle, top + 1.05, cell.below, color=cell.below_ink, **style)


def loss_curves(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    xlabel: str = "шаг",
    ylabel: str = "функция потерь",
) -> Picture:
    """Кривые обучения: {название: [(шаг, значение), …]}."""
    picture = Picture(f"{ylabel} по оси «{xlabel}»: {', '.join(curves)}", 4.2)
    axes = picture.subplots()
    for number, (name, points) in enumerate(curves.items()):
        colour, marker, _ = SERIES[number % len(SERIES)]
        x, y = zip(*points, strict=True) if points else ((), ())
        every = max(1, len(points) // 8)
        axes.plot(x, y, color=colour, marker=marker, markevery=every, ms=8, lw=2.5, label=name)
    axes.set_xlabel(xlabel, fontsize=FONT)
    axes.set_ylabel(ylabel, fontsize=FONT)
    _clean(axes, "both")
    axes.legend(fontsize=FONT, frameon=False)
    return picture
