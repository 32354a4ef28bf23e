"""Основа виджетов: живой вид и его неподвижный двойник — рисунок или страница слов.

Где виджеты не работают (GitHub, nbconvert, терминал), виден двойник: он лежит в том же выводе
ячейки, что и виджет, и показывается, когда ожить нечему.
"""

from __future__ import annotations

import base64
import html
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import ipywidgets

from lecture_lib.plots import Picture


@dataclass(frozen=True)
class Page:
    """Двойник из слов: страница HTML, которой не нужны ни ядро, ни JavaScript."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


class LiveWidget(ABC):
    """Виджет с двойником. Наследник строит view и описывает себя в static() и __repr__()."""

    view: ipywidgets.Widget

    @abstractmethod
    def static(self) -> Picture | Page:
        """Неподвижный двойник: то, что виджет показывает, рисунком или словами."""

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        return self._with_twin(self.view._repr_mimebundle_(**options))

    def _with_twin(self, live: dict[str, Any]) -> dict[str, Any]:
        """Живой вид, двойник и слова — одним выводом ячейки."""
        return {**live, **twin_bundle(self.static()), "text/plain": repr(self)}


def twin_bundle(twin: Picture | Page) -> dict[str, str]:
    """Двойник для вывода ячейки: рисунок — PNG в base64, страница — HTML."""
    if isinstance(twin, Page):
        return {"text/html": twin.html}
    return {"image/png": base64.b64encode(twin.png()).decode()}


def message_html(text: str, is_error: bool = False) -> str:
    """Сообщение под виджетом; ошибка отмечена не только цветом, но и знаком."""
    colour, sign = ("#A32000", "✗ ") if is_error else ("#222222", "")
    style = f"font-size: 16px; color: {colour}; line-height: 1.4"
    return f'<div role="status" style="{style}">{sign}{html.escape(text)}</div>'
