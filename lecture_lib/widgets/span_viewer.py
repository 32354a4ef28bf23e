"""Спросите текст: вопрос, текст — и где модель видит начало и конец ответа.

Числа — логиты головы отрезка, отрезок выбирает spans.best_span; сам виджет ничего не считает.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import ipywidgets

from lecture_lib import plots
from lecture_lib.finetuning import assemble
from lecture_lib.heads import SpanExtractor
from lecture_lib.spans import LONGEST_SPAN, best_span, edge_shares, encode_span, span_text
from lecture_lib.widgets.live import LiveWidget, message_html
from lecture_lib.word_search import inference

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

MOST_TOKENS = 60  # столько подписей под осью ещё читаются
LONGEST = 12  # правый край ползунка: ответы «Городка» короче


class Found(NamedTuple):
    """Что нашла модель: токены текста, доли начала и конца, отрезок в них и ответ словами."""

    tokens: list[str]
    starts: list[float]
    ends: list[float]
    span: tuple[int, int]
    answer: str


class SpanViewer(LiveWidget):
    """Вопрос к тексту; из Python читаются и меняются question, context и longest (токенов).

    found — то, что на экране. ValueError — у модели другая голова, текст пуст или длинен.
    """

    def __init__(
        self,
        model: SpanExtractor,
        tokenizer: PreTrainedTokenizerFast,
        question: str,
        context: str,
        longest: int = LONGEST,
    ) -> None:
        if getattr(model, "answer", None) != "span":
            raise ValueError(f"model: нужна голова отрезка SpanExtractor, а это {type(model)}.")
        self.model, self.tokenizer = model, tokenizer
        self.found = self.find(question, context, longest)
        self._build(question, context, longest)
        self._update()

    @property
    def question(self) -> str:
        """Вопрос."""
        return self._question.value

    @question.setter
    def question(self, text: str) -> None:
        self.find(text, self.context, self.longest)
        self._question.value = text

    @property
    def context(self) -> str:
        """Текст, в котором ищут ответ."""
        return self._context.value

    @context.setter
    def context(self, text: str) -> None:
        self.find(self.question, text, self.longest)
        self._context.value = text

    @property
    def longest(self) -> int:
        """Сколько токенов, самое большее, бывает в ответе."""
        return self._longest.value

    @longest.setter
    def longest(self, count: int) -> None:
        if not 1 <= count <= LONGEST:
            raise ValueError(f"longest = {count}: длина ответа — от 1 до {LONGEST} токенов.")
        self._longest.value = count

    def find(self, question: str, context: str, longest: int = LONGEST_SPAN) -> Found:
        """Ответ модели на вопрос и доли начала и конца по токенам текста."""
        example = encode_span(question, context, None, "", self.tokenizer)
        if len(example.offsets) > MOST_TOKENS:
            raise ValueError(
                f"context: токенов {len(example.offsets)}, а показать можно {MOST_TOKENS}."
            )
        batch = assemble([example], self.tokenizer.pad_token_id)
        with inference(self.model):
            logits = self.model(batch.input_ids, batch.attention_mask, batch.token_type_ids)[0]
        first, last = example.first, example.first + len(example.offsets) - 1
        span = best_span(logits, first, last, longest)
        tokens = self.tokenizer.convert_ids_to_tokens(example.input_ids[first : last + 1])
        here = (span[0] - first, span[1] - first)
        return Found(tokens, *edge_shares(logits, first, last), here, span_text(example, span))

    @property
    def message(self) -> str:
        """Подпись под полями."""
        start, end = self.found.span
        sure = f"{self.found.starts[start]:.0%} и {self.found.ends[end]:.0%}".replace("%", " %")
        return f"Ответ: «{self.found.answer}». Вероятность начала и конца: {sure}."

    def static(self) -> plots.Picture:
        """Начало и конец ответа по токенам текста."""
        tokens, starts, ends, span, _ = self.found
        return plots.span_scores(tokens, starts, ends, span, self.question)

    def __repr__(self) -> str:
        return f"Спросите текст: {self.question} — {self.found.answer}"

    def _build(self, question: str, context: str, longest: int) -> None:
        wide = ipywidgets.Layout(width="95%")
        typed = {"continuous_update": False, "layout": wide}
        self._question = ipywidgets.Text(value=question, description="Вопрос:", **typed)
        self._context = ipywidgets.Textarea(value=context, description="Текст:", rows=3, **typed)
        self._longest = ipywidgets.IntSlider(
            value=longest, min=1, max=LONGEST, description="Не длиннее:", continuous_update=False
        )
        self._message = ipywidgets.HTML()
        self._image = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        fields = (self._question, self._context, self._longest)
        for field in fields:
            field.observe(self._update, "value")
        self.view = ipywidgets.VBox([*fields, self._message, self._image])

    def _update(self, _change=None) -> None:
        try:
            self.found = self.find(self.question, self.context, self.longest)
        except ValueError as error:
            self._message.value = message_html(str(error), is_error=True)
            return
        self._message.value = message_html(self.message)
        self._image.value = self.static().png()
