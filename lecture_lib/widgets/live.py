"""Основа виджетов: живой вид и его неподвижный двойник — рисунок.

Где виджеты не работают (GitHub, nbconvert, терминал), видна картинка: она лежит в том же выводе
ячейки, что и виджет, и показывается, когда ожить нечему.
"""

from __future__ import annotations

import base64
import html
from abc import ABC, abstractmethod
from typing import Any

import ipywidgets

from lecture_lib.plots import Picture


class LiveWidget(ABC):
    """Виджет с двойником. Наследник строит view и описывает себя в static() и __repr__()."""

    view: ipywidgets.Widget

    @abstractmethod
    def static(self) -> Picture:
        """Неподвижный двойник: рисунок того, что виджет показывает."""

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        live = self.view._repr_mimebundle_(**options)
        picture = base64.b64encode(self.static().png()).decode()
        return {**live, "image/png": picture, "text/plain": repr(self)}


def message_html(text: str, is_error: bool = False) -> str:
    """Сообщение под виджетом; ошибка отмечена не только цветом, но и знаком."""
    colour, sign = ("#A32000", "✗ ") if is_error else ("#222222", "")
    style = f"font-size: 16px; color: {colour}; line-height: 1.4"
    return f'<div role="status" style="{style}">{sign}{html.escape(text)}</div>'
