"""Рисунки о таблицах статей: числа бумаги и рядом — наша миниатюра с разбросом."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from lecture_lib.plots.picture import BLUE, FONT, INK, PAPER, SMALL_FONT, Picture, clean
from lecture_lib.reference import ReferenceTable

UNSURE = "#7A7F85"
VERDICTS = {True: "доказано", False: "не доказано", None: ""}


def paper_table(table: ReferenceTable) -> Picture:
    """Таблица статьи точками: поле на столбец, у каждой точки — её число, масштаб полей общий.

    Первая строка — базовая: её точка пустая, через неё идёт пунктир. ValueError — есть пустые
    клетки.
    """
    _check_filled(table)
    picture = Picture(f"{table.title} ({table.source})", _height(table), width=11)
    _paper_panel(picture, table)
    return picture


def paper_and_miniature(
    table: ReferenceTable,
    rows: Sequence[Mapping[str, Any]],
    names: Mapping[str, str],
    whiskers: str,
) -> Picture:
    """Бумага против миниатюры: сверху таблица статьи, снизу наши числа, строка под строкой.

    rows — по словарю на клетку: row и column, как в table, mean и half (в тех же единицах;
    half — полуширина усов), proven — доказано ли отличие от первой строки (у неё самой None).
    names — чем столбец статьи заменён у нас, whiskers — что означают усы.
    ValueError — клетки нет в table, клетка пропущена или повторена, столбец не назван.
    """
    _check_filled(table)
    if missing := [column for column in table.columns if column not in names]:
        raise ValueError(f"names: не названы столбцы {', '.join(missing)}.")
    cells = _cells_by_place(table, rows)
    proven = [f"{row} в «{names[column]}»" for (row, column), c in cells.items() if c["proven"]]
    alt = f"{table.title}: статья и миниатюра; доказано: {', '.join(proven) or 'ничего'}"
    picture = Picture(alt, 2 * _height(table) + 0.3, width=11)
    paper, ours = picture.subfigures(2, 1)
    _paper_panel(paper, table)
    ours.suptitle(f"Миниатюра; усы — {whiskers}", fontsize=FONT, color=INK)
    fields = _fields(ours, table, names)
    for axes, column in zip(fields, table.columns, strict=True):
        _our_field(axes, [cells[row, column] for row, _ in table.rows])
    _same_scale(fields)
    return picture


def _check_filled(table: ReferenceTable) -> None:
    if empty := [name for name, values in table.rows if None in values]:
        raise ValueError(f"table: в строках {', '.join(empty)} есть пустые клетки.")


def _cells_by_place(
    table: ReferenceTable, rows: Sequence[Mapping[str, Any]]
) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Наши клетки по месту (строка, столбец); проверяет, что таблица заполнена ровно по разу."""
    cells: dict[tuple[str, str], Mapping[str, Any]] = {}
    for cell in rows:
        place = cell["row"], cell["column"]
        table.value(*place)  # ValueError, если такой клетки в статье нет
        if place in cells:
            raise ValueError(f"rows: клетка {place} дана дважды.")
        cells[place] = cell
    for row, _ in table.rows:
        for column in table.columns:
            if (row, column) not in cells:
                raise ValueError(f"rows: нет клетки ({row!r}, {column!r}).")
    return cells


def _height(table: ReferenceTable) -> float:
    return 1.35 + 0.42 * len(table.rows)


def _paper_panel(place: Picture | SubFigure, table: ReferenceTable) -> None:
    place.suptitle(table.source, fontsize=FONT, color=INK)
    fields = _fields(place, table)
    for axes, column in zip(fields, table.columns, strict=True):
        values = list(table.column(column).values())
        _baseline(axes, values[0])
        for number, value in enumerate(values):
            axes.plot(value, number, "o", ms=11, color=BLUE, mfc=BLUE if number else PAPER, mew=2.5)
            _write(axes, number, _number(value))
    _same_scale(fields)


def _our_field(axes: Axes, cells: Sequence[Mapping[str, Any]]) -> None:
    """Поле миниатюры: залитая точка — отличие от базовой строки доказано, пустая — нет."""
    _baseline(axes, cells[0]["mean"])
    for number, cell in enumerate(cells):
        colour = BLUE if cell["proven"] or number == 0 else UNSURE
        low, high = cell["mean"] - cell["half"], cell["mean"] + cell["half"]
        axes.hlines(number, low, high, color=colour, linewidth=3)
        fill = colour if cell["proven"] else PAPER
        axes.plot(cell["mean"], number, "o", ms=11, color=colour, mfc=fill, mew=2.5)
        text = f"{_number(cell['mean'])} ± {_number(cell['half'])}"
        _write(axes, number, text, VERDICTS[cell["proven"]])


def _fields(
    place: Picture | SubFigure, table: ReferenceTable, names: Mapping[str, str] | None = None
) -> list[Axes]:
    """По полю на столбец, с именами строк слева; names — заголовки вместо имён столбцов."""
    fields = list(place.subplots(1, len(table.columns), sharey=True, squeeze=False)[0])
    for axes, column in zip(fields, table.columns, strict=True):
        axes.set_title((names or {}).get(column, column), fontsize=FONT, color=INK)
        axes.set_ylim(len(table.rows) - 0.4, -0.6)
        clean(axes)
        axes.set_xticks([])  # числа написаны у точек
        axes.spines[["left", "bottom"]].set_visible(False)
    fields[0].set_yticks(range(len(table.rows)), [name for name, _ in table.rows])
    return fields


def _baseline(axes: Axes, value: float) -> None:
    axes.axvline(value, color=INK, linewidth=1.2, linestyle=":")


def _write(axes: Axes, place: int, text: str, verdict: str = "") -> None:
    """Число строки — у правого края поля, вердикт — под ним."""
    where = {"xycoords": ("axes fraction", "data"), "ha": "right", "fontsize": SMALL_FONT}
    axes.annotate(text, (1.0, place - (0.17 if verdict else 0)), va="center", color=INK, **where)
    if verdict:
        axes.annotate(verdict, (1.0, place + 0.25), va="center", color=INK, **where)


def _same_scale(fields: Sequence[Axes]) -> None:
    """Пункт занимает одно место на всех полях; справа остаётся место для чисел."""
    limits = [axes.dataLim.intervalx for axes in fields]
    span = max(1e-9, *(high - low for low, high in limits))
    for axes, (low, _) in zip(fields, limits, strict=True):
        axes.set_xlim(low - 0.12 * span, low + 1.95 * span)


def _number(value: float) -> str:
    """Число с одним знаком после запятой: 84,2."""
    return f"{value:.1f}".replace(".", ",")
