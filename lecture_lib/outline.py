"""Ход лекции для преподавателя: когда какой слайд, сколько на него минут и о чём не забыть.

Печатается в терминал, из которого открыт показ: на проекторе его не видно.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lecture_lib.deck import starts_slide

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from lecture_lib.slides import Plan

PROMPT_WIDTH = 96  # знаков в строке терминала


@dataclass(frozen=True)
class Stage:
    """Этап лекции: минута начала, минут всего, номер слайда, заголовок, заметка."""

    start: float
    minutes: float
    slide: int
    title: str
    note: str = ""


def numbered(deck: NotebookNode) -> Iterator[tuple[int, str, NotebookNode]]:
    """Ячейки показа с номером экрана (с единицы) и заголовком, под которым они стоят."""
    number, title = 0, ""
    for cell in deck.cells:
        number += starts_slide(cell)
        if cell.cell_type == "markdown" and (found := re.match(r"#{1,3} (.+)", cell.source)):
            title = found[1].strip()
        yield number, title, cell


def outline(deck: NotebookNode, plan: Mapping[str, Plan]) -> list[Stage]:
    """Этапы лекции по порядку: ячейки показа, у которых в плане есть минуты или заметка."""
    stages, clock = [], 0.0
    for slide, title, cell in numbered(deck):
        lecture = cell.metadata.get("lecture", {})
        note = plan[lecture["cell"]].note if lecture.get("cell") in plan else ""
        minutes = lecture.get("minutes", 0.0)
        if minutes or note:
            stages.append(Stage(clock, minutes, slide, title, note))
            clock += minutes
    return stages


def describe_outline(title: str, slides: int, stages: Sequence[Stage]) -> str:
    """Ход лекции текстом для терминала."""
    total = sum(stage.minutes for stage in stages)
    if not stages:
        return f"{title}. Экранов {slides}; минут и заметок в плане урока пока нет."
    lines = [f"{title}. Экранов {slides}, минут {total:g}.", ""]
    for stage in stages:
        lines += _stage_lines(stage)
    return "\n".join(lines)


def _stage_lines(stage: Stage) -> Iterator[str]:
    clock = f"{int(stage.start) // 60}:{int(stage.start) % 60:02d}"
    minutes = f"{stage.minutes:g} мин" if stage.minutes else ""
    yield f"{clock:>5}  экран {stage.slide:>2}  {minutes:>6}  {stage.title}"
    yield from textwrap.wrap(
        stage.note, PROMPT_WIDTH, initial_indent=" " * 25, subsequent_indent=" " * 25
    )
