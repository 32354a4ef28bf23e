"""Рисунки о прикладных задачах: четыре головы, отрезок ответа, таблица оценок, кривая меток."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullLocator

from lecture_lib.plots.attention import DARK, shades
from lecture_lib.plots.masks import SHORT_LINE
from lecture_lib.plots.picture import (
    BLUE,
    DEEP_GREEN,
    DEEP_ORANGE,
    FONT,
    GREY,
    INK,
    PALE_BLUE,
    PAPER,
    SERIES,
    SMALL_FONT,
    Picture,
    clean,
    percent,
)

PANEL = 3.9  # высота поля рисунка голов, в строках
NARROW = 3  # букв в самой узкой клетке
LETTERS_PER_INCH = 8.0  # столько букв кеглем 13 стоит в дюйме с запасом
WIDEST = 13.9  # дюймов: шире тетрадь не покажет
BODY = "кодировщик — во всех четырёх один и тот же"
NOTHING = "—"  # так написана пустая клетка таблицы

# Поле рисунка голов: токены и ответ над каждым, "" — на этом месте не отвечают.
HeadPanel = Sequence[tuple[str, str]]
# Клетка таблицы: среднее и разброс (None — его не измеряли) или None — числа нет.
TableCell = tuple[float, float | None] | None


def four_heads(panels: Mapping[str, HeadPanel]) -> Picture:
    """Где голова читает ответ: {название задачи: [(токен, ответ над ним или ""), …]}.

    Источник рисунка: Devlin et al., 2019, рисунок 4.
    """
    said = "; ".join(
        f"{name} — {', '.join(answer for _, answer in panel if answer)}"
        for name, panel in panels.items()
    )
    widths = [_widths(panel) for panel in panels.values()]
    right = max(SHORT_LINE, *map(sum, widths))
    picture = Picture(
        f"головы над одним кодировщиком: {said}", 0.44 * PANEL * len(panels), _inches(right)
    )
    axes = picture.subplots()
    for number, ((name, panel), wide) in enumerate(zip(panels.items(), widths, strict=True)):
        _head_panel(axes, name, panel, wide, PANEL * number)
    axes.set(xlim=(0, right), ylim=(PANEL * len(panels), -0.1))
    axes.axis("off")
    return picture


def _widths(cells: Sequence[Sequence[str]]) -> list[float]:
    """Ширина столбцов в буквах — по самой длинной надписи каждого."""
    return [max(NARROW, *map(len, texts)) + 2.0 for texts in cells]


def _inches(letters: float) -> float:
    """Ширина рисунка, в которую столько букв войдёт, не налезая друг на друга."""
    return min(WIDEST, max(11.0, letters / LETTERS_PER_INCH))


def _head_panel(
    axes: Axes, name: str, panel: HeadPanel, widths: Sequence[float], top: float
) -> None:
    """Одно поле сверху вниз: название, ответы, кодировщик, токены."""
    axes.text(0, top + 0.45, name, fontsize=FONT, color=INK, va="center", weight="bold")
    _box(axes, (0.15, top + 1.85), sum(widths) - 0.3, BODY, PALE_BLUE, BLUE)
    x = 0.0
    for (token, answer), width in zip(panel, widths, strict=True):
        _box(axes, (x + 0.15, top + 2.85), width - 0.3, token, PAPER, GREY)
        if answer:
            _box(axes, (x + 0.15, top + 0.85), width - 0.3, answer, DEEP_ORANGE, DEEP_ORANGE, PAPER)
        x += width


def _box(
    axes: Axes,
    corner: tuple[float, float],
    width: float,
    text: str,
    face: str,
    edge: str,
    ink: str = INK,
) -> None:
    axes.add_patch(Rectangle(corner, width, 0.75, facecolor=face, edgecolor=edge))
    x, y = corner
    style = {"ha": "center", "va": "center", "fontsize": SMALL_FONT, "color": ink}
    axes.text(x + width / 2, y + 0.38, text, **style)


def span_scores(
    tokens: Sequence[str],
    starts: Sequence[float],
    ends: Sequence[float],
    span: tuple[int, int],
    title: str = "",
) -> Picture:
    """Где начинается и где кончается ответ: вероятности токенов текста; полоса — сам отрезок.

    starts, ends (S,) — доли от 0 до 1; span — номера первого и последнего токена отрезка.
    ValueError — чисел и токенов не поровну, отрезок вне текста.
    """
    if not len(tokens) == len(starts) == len(ends):
        raise ValueError(f"tokens: токенов {len(tokens)}, а чисел — {len(starts)} и {len(ends)}.")
    first, last = span
    if not 0 <= first <= last < len(tokens):
        raise ValueError(f"span = {span}: токены текста — с 0 по {len(tokens) - 1}.")
    said = f"ответ — {' '.join(tokens[first : last + 1])}"
    picture = Picture(f"{title or 'отрезок ответа'}; {said}", 3.6 + 0.4 * bool(title), width=11)
    axes = picture.subplots()
    axes.axvspan(first - 0.5, last + 0.5, color=PALE_BLUE)
    places = range(len(tokens))
    for shift, values, number, name in ((-0.2, starts, 0, "начало"), (0.2, ends, 1, "конец")):
        colour, _, hatch = SERIES[number]
        at = [place + shift for place in places]
        axes.bar(at, values, 0.4, color=colour, hatch=hatch, edgecolor=PAPER, label=name)
    axes.set_xlim(-0.7, len(tokens) - 0.3)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(FuncFormatter(percent))
    clean(axes, "y")
    axes.set_xticks(places, tokens, rotation=90, fontsize=SMALL_FONT)
    picture.legend(loc="outside upper right", ncols=2, fontsize=SMALL_FONT, frameon=False)
    if title:
        picture.suptitle(title, fontsize=FONT, color=INK, x=0.01, ha="left")
    return picture


def score_tables(
    tables: Mapping[str, Mapping[str, Mapping[str, TableCell]]], columns: Sequence[str]
) -> Picture:
    """Таблицы оценок одна под другой: {заголовок: {строка: {столбец: (среднее, разброс)}}}.

    Чем темнее клетка, тем строка лучше в своём столбце этой таблицы; лучшая отмечена рамкой.
    Клетки, которой нет, или None — прочерк. ValueError — столбца нет среди columns.
    """
    for name, rows in tables.items():
        if unknown := {column for row in rows.values() for column in row} - set(columns):
            raise ValueError(f"tables: в «{name}» лишние столбцы {', '.join(sorted(unknown))}.")
    said = "; ".join(f"{name} — строк {len(rows)}" for name, rows in tables.items())
    heights = [len(rows) + 1.6 for rows in tables.values()]
    picture = Picture(f"таблицы оценок: {said}", 0.48 * sum(heights) + 0.2, width=13)
    fields = picture.subplots(len(tables), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (name, rows) in zip(fields, tables.items(), strict=True):
        _score_field(axes, name, rows, columns)
    return picture


def _score_field(
    axes: Axes, name: str, rows: Mapping[str, Mapping[str, TableCell]], columns: Sequence[str]
) -> None:
    colours = shades()
    for x, column in enumerate(columns):
        values = [(row.get(column) or (None, None))[0] for row in rows.values()]
        known = [value for value in values if value is not None]
        low, high = min(known, default=0.0), max(known, default=0.0)
        for y, (row, value) in enumerate(zip(rows.values(), values, strict=True)):
            share = 0.0 if value is None or high == low else 0.75 * (value - low) / (high - low)
            best = value is not None and value == high
            frame = {"edgecolor": INK if best else PAPER, "linewidth": 2.5 if best else 1}
            box = Rectangle((x - 0.47, y - 0.44), 0.94, 0.88, facecolor=colours(share), **frame)
            axes.add_patch(box)
            style = {"color": PAPER if share > DARK else INK, "fontsize": SMALL_FONT}
            axes.text(x, y, _cell_text(row.get(column)), ha="center", va="center", **style)
    axes.set(xlim=(-0.55, len(columns) - 0.45), ylim=(len(rows) - 0.5, -0.5))
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.xaxis.tick_top()
    axes.set_title(name, fontsize=FONT, color=INK, loc="left", pad=26)
    axes.tick_params(labelsize=SMALL_FONT, length=0, colors=INK)
    axes.spines[:].set_visible(False)


def _cell_text(cell: TableCell) -> str:
    """Среднее с одним знаком, а под разброс — «±»: 84,2±0,3; пустая клетка — прочерк."""
    if cell is None:
        return NOTHING
    mean, std = cell
    text = f"{mean:.1f}" if std is None else f"{mean:.1f}±{std:.1f}"
    return text.replace(".", ",").replace("-", "−")


def label_curves(
    rows: Sequence[Mapping[str, Any]], names: Mapping[str, str], ylabel: str
) -> Picture:
    """Качество от числа размеченных примеров; усы — стандартное отклонение по зёрнам.

    rows — строки learning_curve.summary одной задачи: start, labels, mean, std; names — подписи
    начал. Ось меток — в порядках. ValueError — строк нет.
    """
    if not rows:
        raise ValueError("rows = []: рисовать нечего, нет ни одной строки.")
    counts = sorted({row["labels"] for row in rows})
    picture = Picture(f"{ylabel} от числа меток, {counts[0]}–{counts[-1]}: {_last(rows, names)}", 4)
    axes = picture.subplots()
    for number, (start, name) in enumerate(names.items()):
        chosen = sorted((r for r in rows if r["start"] == start), key=lambda r: r["labels"])
        colour, marker, _ = SERIES[number]
        # Усы двух кривых раздвинуты: стоя на одном месте, они закрыли бы друг друга.
        places = [row["labels"] * 1.03 ** (2 * number - 1) for row in chosen]
        means, stds = ([row[key] for row in chosen] for key in ("mean", "std"))
        axes.errorbar(
            places, means, yerr=stds, color=colour, marker=marker, ms=9, lw=2.5, capsize=5,
            label=name,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.yaxis.set_major_formatter(FuncFormatter(percent))
    axes.set_xlabel("размеченных примеров", fontsize=FONT)
    axes.set_ylabel(ylabel, fontsize=FONT)
    clean(axes, "both")
    axes.legend(fontsize=FONT, frameon=False)
    return picture


def _last(rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    """Последняя точка каждой кривой словами."""
    most = max(rows, key=lambda row: row["labels"])["labels"]
    found = [row for row in rows if row["labels"] == most]
    return "; ".join(f"{names[row['start']]} — {percent(row['mean'])}" for row in found)


def labelled_words(rows: Mapping[str, Sequence[tuple[str, str, str]]]) -> Picture:
    """Размеченные предложения: {подпись: [(слово, верная метка, метка модели), …]}.

    Под словом — метка модели: ✓, если верна, иначе ✗ и верная. Где обе метки — «O», клетка пуста.
    """
    strips = {name: [_labelled(*word) for word in words] for name, words in rows.items()}
    wrong = sum(is_right is False for cells in strips.values() for _, _, is_right in cells)
    widths = {name: _widths([cell[:2] for cell in cells]) for name, cells in strips.items()}
    right = max(SHORT_LINE, *map(sum, widths.values()))
    said = f"разметка: слов {sum(map(len, rows.values()))}, ошибок {wrong}"
    picture = Picture(said, 0.95 * len(rows) + 0.1, _inches(right))
    axes = picture.subplots()
    for number, (name, cells) in enumerate(strips.items()):
        top, x = 1.95 * number, 0.0
        axes.text(0, top + 0.3, name, fontsize=SMALL_FONT, color=INK, va="center")
        for cell, width in zip(cells, widths[name], strict=True):
            _labelled_cell(axes, cell, x, top, width)
            x += width
    axes.set(xlim=(0, right), ylim=(1.95 * len(strips), 0))
    axes.axis("off")
    return picture


def _labelled_cell(
    axes: Axes, cell: tuple[str, str, bool | None], x: float, top: float, width: float
) -> None:
    text, tag, is_right = cell
    face, edge = (PALE_BLUE, BLUE) if tag else (PAPER, GREY)
    _box(axes, (x + 0.15, top + 0.55), width - 0.3, text, face, edge)
    colour = DEEP_GREEN if is_right else DEEP_ORANGE
    style = {"ha": "center", "va": "center", "fontsize": SMALL_FONT, "color": colour}
    axes.text(x + width / 2, top + 1.6, tag, **style)


def _labelled(word: str, right: str, said: str) -> tuple[str, str, bool | None]:
    """Слово, подпись под ним и верна ли метка (None — метить нечего)."""
    if right == said:
        return (word, "", None) if right == "O" else (word, f"✓ {said}", True)
    return word, f"✗ {said}, а надо {right}", False
