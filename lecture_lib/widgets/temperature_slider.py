"""Ползунок температуры: настоящее распределение учителя на месте маски, от острого до ровного.

Ползунок меняет только T — на что делятся логиты. Слова те же и в том же порядке:
температура меняет уверенность, а не мнение. Предложение можно вписать своё.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from lecture_lib import plots
from lecture_lib.prediction import Candidate
from lecture_lib.soft_targets import SoftTargets, read_soft_targets
from lecture_lib.widgets.live import LiveWidget, message_html

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerFast

STOPS = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
SENTENCE = "Вчера мы посмотрели отличный [MASK] в кинотеатре."
WORDS = 6  # сколько слов показать; прочим — один общий столбик


class TemperatureSlider(LiveWidget):
    """Ползунок температуры; из Python читаются и меняются stop (номер остановки) и text."""

    def __init__(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerFast,
        text: str = SENTENCE,
        stop: int = 1,
    ) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.targets = self._read(text)
        self._build(text, stop)

    @property
    def stop(self) -> int:
        """Номер остановки ползунка."""
        return self._slider.index

    @stop.setter
    def stop(self, index: int) -> None:
        if not 0 <= index < len(STOPS):
            raise ValueError(f"stop = {index}: остановки — от 0 до {len(STOPS) - 1}.")
        self._slider.index = index

    @property
    def text(self) -> str:
        """Предложение с одной маской."""
        return self._text.value

    @text.setter
    def text(self, text: str) -> None:
        self._read(text)  # ValueError — до того, как что-то изменится
        self._text.value = text

    def words(self, temperature: float) -> list[Candidate]:
        """Вероятнейшие токены и их вероятности при температуре."""
        return self.targets.words(temperature, WORDS)

    def choices(self, temperature: float) -> float:
        """Из скольких равновероятных слов выбирал бы столь же неуверенный учитель."""
        return self.targets.choices(temperature)

    @property
    def message(self) -> str:
        """Подпись под ползунком."""
        temperature = STOPS[self.stop]
        found = round(self.choices(temperature))
        return f"{_name(temperature)}. Такая неуверенность — как выбор из {found} равных слов."

    def static(self) -> plots.Picture:
        """Все остановки ползунка рядом."""
        return plots.soft_targets({_name(stop): self.words(stop) for stop in STOPS})

    def __repr__(self) -> str:
        said = ", ".join(f"{_name(stop)} — {self.choices(stop):.0f}" for stop in STOPS)
        return f"Ползунок температуры: «{self.text}»; как выбор из равных слов: {said}"

    def _read(self, text: str) -> SoftTargets:
        return read_soft_targets(self.model, self.tokenizer, text)

    def _build(self, text: str, stop: int) -> None:
        wide = ipywidgets.Layout(width="70%")
        self._text = ipywidgets.Text(
            value=text, description="Текст:", continuous_update=False, layout=wide
        )
        self._slider = ipywidgets.SelectionSlider(
            options=[_name(value) for value in STOPS], description="Температура:", layout=wide,
            style={"description_width": "initial"},
        )  # fmt: skip
        self._message = ipywidgets.HTML()
        self._image = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        self.view = ipywidgets.VBox([self._text, self._slider, self._message, self._image])
        self.stop = stop
        self._slider.observe(self._update, "index")
        self._text.observe(self._reread, "value")
        self._update()

    def _reread(self, _change) -> None:
        try:
            self.targets = self._read(self.text)
        except ValueError as error:
            self._message.value = message_html(str(error), is_error=True)
            return
        self._update()

    def _update(self, _change=None) -> None:
        self._message.value = message_html(self.message)
        temperature = STOPS[self.stop]
        picture = plots.soft_targets({_name(temperature): self.words(temperature)})
        self._image.value = picture.png()


def _name(temperature: float) -> str:
    return f"T = {temperature:g}".replace(".", ",")
