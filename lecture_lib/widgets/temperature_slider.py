"""Ползунок температуры: настоящее распределение учителя на месте маски, от острого до ровного.

Ползунок меняет только T — на что делятся логиты. Слова те же и в том же порядке:
температура меняет уверенность, а не мнение. Предложение можно вписать своё.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lecture_lib import plots
from lecture_lib.prediction import Candidate
from lecture_lib.soft_targets import read_soft_targets
from lecture_lib.widgets.stops import TextSlider

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerFast

STOPS = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
SENTENCE = "Вчера мы посмотрели отличный [MASK] в кинотеатре."
WORDS = 6  # сколько слов показать; прочим — один общий столбик


class TemperatureSlider(TextSlider):
    """Ползунок температуры; из Python читаются и меняются stop (номер остановки) и text."""

    def __init__(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerFast,
        text: str = SENTENCE,
        stop: int = 1,
    ) -> None:
        self.model, self.tokenizer = model, tokenizer
        self._build(text, stop, [_name(value) for value in STOPS], "Температура:")

    def read(self, text: str) -> None:
        """Спрашивает учителя о предложении с одной маской."""
        self.targets = read_soft_targets(self.model, self.tokenizer, text)

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

    def picture(self) -> plots.Picture:
        """Слова учителя при нынешней температуре."""
        temperature = STOPS[self.stop]
        return plots.soft_targets({_name(temperature): self.words(temperature)})


def _name(temperature: float) -> str:
    return f"T = {temperature:g}".replace(".", ",")
