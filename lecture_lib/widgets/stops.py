"""Ползунки с остановками: общий номер остановки и, если текст можно вписать, общие поля и вид."""

from __future__ import annotations

from abc import abstractmethod

import ipywidgets

from lecture_lib.plots import Picture
from lecture_lib.widgets.live import LiveWidget, message_html


class StopSlider(LiveWidget):
    """Виджет с ползунком остановок; из Python читается и меняется stop — номер остановки."""

    _slider: ipywidgets.SelectionSlider

    @property
    def stop(self) -> int:
        """Номер остановки ползунка."""
        return self._slider.index

    @stop.setter
    def stop(self, index: int) -> None:
        count = len(self._slider.options)
        if not 0 <= index < count:
            raise ValueError(f"stop = {index}: остановки — от 0 до {count - 1}.")
        self._slider.index = index


class TextSlider(StopSlider):
    """Ползунок над текстом, который можно вписать; из Python меняется и text.

    Наследник читает текст (read), подписывает (message) и рисует остановку (picture). Текст,
    который не читается, остаётся в поле, а под ползунком стоит, что с ним не так.
    """

    @abstractmethod
    def read(self, text: str) -> None:
        """Принимает текст. ValueError — он не годится, и ничего не изменилось."""

    @property
    @abstractmethod
    def message(self) -> str:
        """Подпись под ползунком."""

    @abstractmethod
    def picture(self) -> Picture:
        """Рисунок нынешней остановки."""

    @property
    def text(self) -> str:
        """Текст в поле."""
        return self._text.value

    @text.setter
    def text(self, text: str) -> None:
        self.read(text)  # ValueError — до того, как что-то изменится
        self._text.value = text

    def _build(self, text: str, stop: int, names: list[str], description: str) -> None:
        self.read(text)
        wide = ipywidgets.Layout(width="70%")
        self._problem = ""
        self._text = ipywidgets.Text(
            value=text, description="Текст:", continuous_update=False, layout=wide
        )
        self._slider = ipywidgets.SelectionSlider(
            options=names,
            description=description,
            layout=wide,
            style={"description_width": "initial"},
        )
        self._message = ipywidgets.HTML()
        self._image = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        self.view = ipywidgets.VBox([self._text, self._slider, self._message, self._image])
        self.stop = stop
        self._slider.observe(self._update, "index")
        self._text.observe(self._reread, "value")
        self._update()

    def _reread(self, _change) -> None:
        self._problem = ""
        try:
            self.read(self.text)
        except ValueError as error:
            self._problem = str(error)
        self._update()

    def _update(self, _change=None) -> None:
        said = self._problem or self.message
        self._message.value = message_html(said, is_error=bool(self._problem))
        if not self._problem:
            self._image.value = self.picture().png()
