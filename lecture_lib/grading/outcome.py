"""Исход проверки: не начато, ошибка, неверно, верно — и карточка, которая об этом говорит.

Карточка читается и в JupyterLab (HTML), и в VS Code, и в терминале (текст): слова в них одни.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from lecture_lib.grading.failures import Failure


class Verdict(StrEnum):
    """Четыре исхода; путать их нельзя: упавшее — не неверное, а нетронутое — не упавшее."""

    NOT_ATTEMPTED = "не начато"
    ERROR = "ошибка"
    WRONG = "неверно"
    RIGHT = "верно"


SIGNS = {
    Verdict.NOT_ATTEMPTED: ("○", "#5F6B75"),
    Verdict.ERROR: ("!", "#8A6D00"),
    Verdict.WRONG: ("✗", "#A32000"),
    Verdict.RIGHT: ("✓", "#00734F"),
}


@dataclass(frozen=True)
class Counterexample:
    """Наименьший вход, на котором ответ неверен: что дали, что ждали, что вышло, где разошлось."""

    given: str
    expected: str = ""
    got: str = ""
    place: str = ""

    def rows(self) -> Iterator[tuple[str, str]]:
        """Непустые строки карточки: подпись и текст."""
        labels = ("вход", "ждали", "получили", "где")
        values = (self.given, self.expected, self.got, self.place)
        yield from (pair for pair in zip(labels, values, strict=True) if pair[1])


@dataclass(frozen=True)
class Outcome:
    """Исход проверки одного задания.

    mistake — имя распознанной ошибки («two_coins»), пусто — не распознана; points — начислено.
    """

    task: str
    title: str
    verdict: Verdict
    message: str
    mistake: str = ""
    points: float = 0
    max_points: float = 0
    counterexample: Counterexample | None = None
    failure: Failure | None = field(default=None)

    @property
    def is_right(self) -> bool:
        """Верно ли."""
        return self.verdict is Verdict.RIGHT

    def as_dict(self) -> dict[str, Any]:
        """Исход для JSON."""
        return {**asdict(self), "verdict": str(self.verdict)}

    def rows(self) -> Iterator[tuple[str, str]]:
        """Подробности под сообщением: своя строка студента, след, контрпример."""
        if self.failure is not None:
            yield "ошибка", str(self.failure)
            if self.failure.source:
                yield f"строка {self.failure.line}", self.failure.source
            if len(self.failure.trace) > 1:
                yield "как дошло", "\n".join(self.failure.trace)
        if self.counterexample is not None:
            yield from self.counterexample.rows()

    @property
    def heading(self) -> str:
        """Первая строка: «02.2 «80/10/10» — неверно, 0 из 3»."""
        score = f"{self.points:g} из {self.max_points:g}"
        return f"{self.task} «{self.title}» — {self.verdict}, баллов {score}"

    def __repr__(self) -> str:
        sign, _ = SIGNS[self.verdict]
        lines = [f"{sign} {self.heading}", self.message]
        for label, value in self.rows():
            first, *rest = value.splitlines()
            lines += [f"  {label + ':':<10} {first}", *(f"  {'':<10} {line}" for line in rest)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        sign, colour = SIGNS[self.verdict]
        rows = "".join(
            f'<tr><td style="text-align:left;vertical-align:top;opacity:.75;white-space:nowrap">'
            f'{html.escape(label)}</td><td style="text-align:left"><code style="white-space:'
            f'pre-wrap">{html.escape(value)}</code></td></tr>'
            for label, value in self.rows()
        )
        return (
            f'<div role="status" style="border-left:5px solid {colour};padding:4px 14px;'
            f'font-size:15px;line-height:1.45"><b style="color:{colour}">{sign} '
            f"{html.escape(self.heading)}</b><br>{html.escape(self.message)}"
            f'<table style="margin:6px 0 0">{rows}</table></div>'
        )
