"""Площадка масок: введите предложение, закройте слова щелчком и смотрите, чем модель их заполнит.

Рядом, если дана причинная модель, — её ответ о последнем закрытом слове: она читает то, что левее
(открытыми), и больше ничего.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import ipywidgets

from lecture_lib import plots
from lecture_lib.prediction import Candidate, causal_candidates, fill_mask
from lecture_lib.widgets.live import LiveWidget, message_html

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerFast

MOST_WORDS = 40  # столько кнопок ещё помещается на экране
MOST_MASKS = 3  # столько столбчатых полей — тоже
HINT = "Щёлкните по слову, чтобы закрыть его."


class MaskPlayground(LiveWidget):
    """Площадка масок; состояние читается и меняется из Python: text, masked, masks, causal.

    masked — номера закрытых слов по порядку, masks — кандидаты двусторонней модели для каждого,
    causal — кандидаты причинной для последнего из них, message — что написано под кнопками.
    """

    def __init__(
        self,
        bidirectional: nn.Module,
        tokenizer: PreTrainedTokenizerFast,
        causal_model: nn.Module | None = None,
        text: str = "Вчера мы посмотрели отличный фильм в кинотеатре.",
        masked: Iterable[int] = (),
        top_k: int = 5,
    ) -> None:
        self.bidirectional, self.causal_model = bidirectional, causal_model
        self.tokenizer, self.top_k = tokenizer, top_k
        self.masks: list[list[Candidate]] = []
        self.causal: list[Candidate] = []
        self._buttons: list[ipywidgets.ToggleButton] = []
        self._build()
        self._input.value = text
        self.mask(masked)

    @property
    def text(self) -> str:
        """Предложение без масок."""
        return self._input.value

    @text.setter
    def text(self, value: str) -> None:
        self._input.value = value

    @property
    def masked(self) -> list[int]:
        """Номера закрытых слов."""
        return [number for number, button in enumerate(self._buttons) if button.value]

    @property
    def message(self) -> str:
        """Что написано под кнопками."""
        return re.sub("<[^>]+>", "", self._message.value)

    @property
    def masked_text(self) -> str:
        """Предложение, как его видит двусторонняя модель."""
        return self._with_masks(self.masked)

    def mask(self, numbers: Iterable[int]) -> None:
        """Закрывает слова с этими номерами и открывает остальные."""
        chosen = set(numbers)
        if unknown := chosen - set(range(len(self._buttons))):
            raise ValueError(f"numbers = {sorted(unknown)}: таких слов нет, их {len(self._words)}.")
        self._paused = True
        for number, button in enumerate(self._buttons):
            button.value = number in chosen
        self._paused = False
        self._answer()

    def static(self) -> plots.Picture:
        """Столбики кандидатов, как на виджете сейчас."""
        return plots.candidates(self._fields() or {HINT: []}, title=self.masked_text)

    def __repr__(self) -> str:
        return f"Площадка масок: {self.masked_text}"

    def _build(self) -> None:
        self._paused = False
        self._input = ipywidgets.Text(
            description="Текст:",
            continuous_update=False,  # ответ — по Enter, а не на каждую букву
            layout=ipywidgets.Layout(width="95%"),
        )
        self._row = ipywidgets.HBox(layout=ipywidgets.Layout(flex_flow="row wrap"))
        self._message = ipywidgets.HTML()
        self._image = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        self.view = ipywidgets.VBox([self._input, self._row, self._message, self._image])
        self._input.observe(self._on_text, "value")

    def _on_text(self, _change) -> None:
        """Новое предложение: новые кнопки, все слова открыты."""
        pattern = rf"{re.escape(self.tokenizer.mask_token)}|\w+(?:-\w+)*"
        self._words = list(re.finditer(pattern, self.text))
        shown = self._words if len(self._words) <= MOST_WORDS else []
        for button in self._buttons:
            button.close()
        self._buttons = [self._button(word[0]) for word in shown]
        self._row.children = self._buttons
        self._answer()

    def _button(self, word: str) -> ipywidgets.ToggleButton:
        is_mask = word == self.tokenizer.mask_token
        button = ipywidgets.ToggleButton(
            value=is_mask,
            disabled=is_mask,  # маску, введённую руками, открывать нечем
            description=word,
            tooltip=f"закрыть или открыть «{word}»",
            layout=ipywidgets.Layout(width="auto"),
        )
        button.observe(self._on_click, "value")
        return button

    def _on_click(self, _change) -> None:
        if not self._paused:
            self._answer()

    def _answer(self) -> None:
        """Спрашивает модели и показывает ответ или объяснение, почему ответа нет."""
        self.masks, self.causal = [], []
        masked = self.masked
        try:
            if problem := self._problem(masked):
                raise ValueError(problem)
            if masked:
                self.masks = fill_mask(
                    self.bidirectional, self.tokenizer, self.masked_text, self.top_k
                )
                self.causal = self._ask_causal(masked[-1])
        except ValueError as error:
            self.masks, self.causal = [], []
            self._show(str(error), is_error=True)
        else:
            self._show(self.masked_text if masked else HINT)

    def _problem(self, masked: list[int]) -> str:
        if not self._words:
            return "В тексте нет ни одного слова — введите предложение."
        if not self._buttons:
            return f"Слов {len(self._words)}, а здесь помещается {MOST_WORDS}. Сократите текст."
        if len(masked) > MOST_MASKS:
            return f"Закрыто слов: {len(masked)}, а рядом помещаются {MOST_MASKS}. Откройте лишние."
        return ""

    def _ask_causal(self, number: int) -> list[Candidate]:
        """Причинная модель читает всё левее слова открытым."""
        left = self.text[: self._words[number].start()]
        if self.causal_model is None or self.tokenizer.mask_token in left:
            return []
        text = left + self.tokenizer.mask_token
        return causal_candidates(self.causal_model, self.tokenizer, text, self.top_k)

    def _with_masks(self, numbers: Iterable[int]) -> str:
        text = self.text
        for number in sorted(numbers, reverse=True):
            start, end = self._words[number].span()
            text = text[:start] + self.tokenizer.mask_token + text[end:]
        return text

    def _fields(self) -> dict[str, list[Candidate]]:
        """Заголовки полей и кандидаты в них."""
        fields = {
            f"{place}. вместо\n«{self._words[number][0]}»": found
            for place, (number, found) in enumerate(zip(self.masked, self.masks, strict=False), 1)
        }
        if self.causal:
            fields["причинная модель:\nтолько по левой части"] = self.causal
        return fields

    def _show(self, message: str, is_error: bool = False) -> None:
        self._message.value = message_html(message, is_error)
        fields = self._fields()
        self._image.value = plots.candidates(fields).png() if fields else b""
        self._image.layout.display = "" if fields else "none"
