"""Основа рисунков: класс Picture, палитра, кегли, чистые оси.

Цвета различимы при любом цветовом зрении (палитра Окабэ и Ито), и цвет нигде не единственный
признак: ряды отличаются ещё и штриховкой или формой точки.
"""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#C8CCD0", "#222222"
PALE_BLUE, PAPER = "#D6E8F3", "#FFFFFF"
DEEP_ORANGE, DEEP_GREEN = "#B04A00", "#00734F"  # темнее: ими пишут и на них пишут
SERIES = (
    (BLUE, "o", ""),
    (ORANGE, "s", "///"),
    (GREEN, "^", "xxx"),
    ("#CC79A7", "D", "..."),
    ("#56B4E9", "v", "++"),
    ("#8A6D00", "P", "oo"),
)

FONT, SMALL_FONT = 15, 13
WIDTH = 9.0  # дюймов: рисунок входит в ширину тетради
DPI = 100
COLOURS = 24
FEW_COLOURS = 8  # где краска одна, хватает и восьми


class Picture(Figure):
    """Рисунок с подписью для тех, кто его не видит; показывается без pyplot и его настроек."""

    colours = COLOURS

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
        image.quantize(self.colours, dither=Image.Dither.NONE).save(
            buffer, format="png", optimize=True
        )
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


class CommaFormatter(ScalarFormatter):
    """Числа на оси с десятичной запятой, как пишут по-русски."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return super().__call__(x, pos).replace(".", ",")


def percent(value: float, _: object = None) -> str:
    """Доля в процентах; второй довод — номер деления, его присылает ось."""
    return f"{100 * value:.0f} %"


def points(value: float, _: object = None) -> str:
    """Разность в процентных пунктах, со знаком."""
    whole = round(100 * value)
    return f"{whole:+d}".replace("-", "−") if whole else "0"


def clean(axes: Axes, grid: str | None = None) -> None:
    """Убирает рамку и подбирает кегль; grid — по какой оси провести линии."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=FONT, length=0, colors=INK)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color="#E3E6E8")
