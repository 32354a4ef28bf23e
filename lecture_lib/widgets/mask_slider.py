"""Ползунок масок: одна функция маскирования — от «скрой последнее» до «скрой всё».

Ползунок меняет у `masking.mask_count` только число скрытых токенов и место: с конца или где
придётся. Под каждым скрытым токеном — что на это место поставила модель.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import ipywidgets
import torch

from lecture_lib import plots
from lecture_lib.masking import IGNORED, MaskingVocabulary, mask_count
from lecture_lib.widgets.live import message_html
from lecture_lib.widgets.stops import StopSlider
from lecture_lib.word_search import inference

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerFast

SHARES = (0.15, 0.4, 0.7)  # промежуточные остановки ползунка
SENTENCE = (
    "Вчера мы посмотрели отличный фильм в новом кинотеатре, а потом долго гуляли по парку "
    "и ели мороженое"
)


class Stop(NamedTuple):
    """Остановка ползунка: подпись, сколько токенов скрыть и с конца ли."""

    name: str
    count: int
    from_end: bool


class Shown(NamedTuple):
    """Что видно на остановке: токены, какие скрыты, ответы модели на месте скрытых."""

    tokens: list[str]
    hidden: list[bool]
    answers: list[str]

    @property
    def right(self) -> int:
        """Сколько скрытых токенов модель угадала."""
        return sum(h and a == t for t, h, a in zip(*self, strict=True))


def stops(count: int) -> list[Stop]:
    """Остановки для предложения из count токенов; доли — не меньше одного токена."""
    shares = [
        Stop(f"{share:.0%}".replace("%", " %"), max(1, round(share * count)), False)
        for share in SHARES
    ]
    first = [Stop("последнее", 1, True), Stop("одно где угодно", 1, False)]
    return [*first, *shares, Stop("всё", count, False)]


class MaskSlider(StopSlider):
    """Ползунок масок; из Python читаются и меняются stop (номер остановки) и seed."""

    def __init__(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerFast,
        text: str = SENTENCE,
        stop: int = 0,
        seed: int = 0,
    ) -> None:
        self.model, self.tokenizer, self.seed = model, tokenizer, seed
        self.vocabulary = MaskingVocabulary.from_tokenizer(tokenizer)
        self.input_ids = torch.tensor([tokenizer(text).input_ids])
        if self.input_ids.shape[1] > model.config.max_sequence_length:
            raise ValueError(
                f"text: {self.input_ids.shape[1]} токенов, а модель читает не больше "
                f"{model.config.max_sequence_length}."
            )
        if self.input_ids.shape[1] < 3:
            raise ValueError(f"text = {text!r}: скрывать нечего, в тексте нет ни одного токена.")
        self.stops = stops(self.input_ids.shape[1] - 2)
        self._build(stop)

    @property
    def message(self) -> str:
        """Подпись под ползунком."""
        stop, shown = self.stops[self.stop], self.shown
        total = len(shown.tokens)
        return (
            f"Скрыто {sum(shown.hidden)} из {total}, модель видит {total - sum(shown.hidden)}, "
            f"угадала {shown.right}."
            + (" Это вопрос обычной языковой модели." if stop.from_end else "")
        )

    def masks(self, stop: Stop) -> tuple[torch.Tensor, torch.Tensor]:
        """Скрытое предложение и ответы, как их вернула mask_count."""
        generator = None if stop.from_end else torch.Generator().manual_seed(self.seed)
        return mask_count(self.input_ids, stop.count, self.vocabulary, generator)

    def show(self, stop: Stop) -> Shown:
        """Токены, скрытые места и ответы модели на остановке."""
        masked_ids, labels = self.masks(stop)
        with inference(self.model):
            best = self.model(masked_ids).mlm_logits[0].argmax(-1).tolist()
        hidden = (labels[0] != IGNORED).tolist()
        name = self.tokenizer.convert_ids_to_tokens
        tokens, answers = name(self.input_ids[0].tolist()), name(best)
        # Без [CLS] и [SEP]: их не скрывают и не угадывают.
        return Shown(tokens[1:-1], hidden[1:-1], answers[1:-1])

    def static(self) -> plots.Picture:
        """Все остановки ползунка одна под другой."""
        shown = {stop.name: self.show(stop) for stop in self.stops}
        rows = {f"Скрыть: {name}": (s.tokens, s.hidden) for name, s in shown.items()}
        answers = {f"Скрыть: {name}": s.answers for name, s in shown.items()}
        return plots.mask_strip(rows, answers)

    def __repr__(self) -> str:
        return f"Ползунок масок: {', '.join(stop.name for stop in self.stops)}"

    def _build(self, stop: int) -> None:
        self._slider = ipywidgets.SelectionSlider(
            options=[stop.name for stop in self.stops],
            description="Скрыть:",
            layout=ipywidgets.Layout(width="70%"),
        )
        self._button = ipywidgets.Button(description="Другие места", icon="refresh")
        self._message = ipywidgets.HTML()
        self._image = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        controls = ipywidgets.HBox([self._slider, self._button])
        self.view = ipywidgets.VBox([controls, self._message, self._image])
        self.stop = stop
        self._slider.observe(self._update, "index")
        self._button.on_click(self._reseed)
        self._update()

    def _reseed(self, _button) -> None:
        self.seed += 1
        self._update()

    def _update(self, _change=None) -> None:
        self.shown = self.show(self.stops[self.stop])
        self._message.value = message_html(self.message)
        tokens, hidden, answers = self.shown
        self._image.value = plots.mask_strip({"": (tokens, hidden)}, {"": answers}).png()
