"""Рассматриватель внимания: предложение, слой, голова — и матрица, кто на кого смотрит.

Числа — те же, что возвращает модель с output_attentions; сам виджет ничего не считает.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import ipywidgets
import torch
from torch import Tensor

from lecture_lib import plots
from lecture_lib.widgets.live import LiveWidget, message_html
from lecture_lib.word_search import inference

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerFast

MOST_TOKENS = 30  # столько строк и столбцов ещё читаются
SENTENCES = (
    "Старый кот увидел маленькую рыбку, и он её съел.",
    "Анна купила новую книгу, потому что она любит читать.",
    "Вчера мы посмотрели отличный фильм в кинотеатре.",
    "На столе у окна лежали красные яблоки.",
)


class AttentionViewer(LiveWidget):
    """Рассматриватель внимания; из Python читаются и меняются sentence, layer и head.

    sentence — номер предложения с нуля, layer и head — номера с единицы, weights — (S, S) на
    экране, tokens — подписи. ValueError — нет предложений, предложение пусто или длинно.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerFast,
        sentences: Sequence[str] = SENTENCES,
        sentence: int = 0,
        layer: int = 1,
        head: int = 1,
    ) -> None:
        if isinstance(sentences, str) or not sentences:
            raise ValueError(f"sentences = {sentences!r}: нужен непустой список предложений.")
        self.model, self.tokenizer, self.sentences = model, tokenizer, tuple(sentences)
        self._read = [self._read_sentence(text) for text in self.sentences]
        self._build()
        self.sentence, self.layer, self.head = sentence, layer, head
        for control in (self._sentence, self._layer, self._head):
            control.observe(self._update, "value")
        self._update()

    @property
    def sentence(self) -> int:
        """Номер предложения."""
        return self._sentence.value

    @sentence.setter
    def sentence(self, number: int) -> None:
        _check("sentence", number, 0, len(self.sentences) - 1)
        self._sentence.value = number

    @property
    def layer(self) -> int:
        """Номер слоя, первый — 1."""
        return self._layer.value

    @layer.setter
    def layer(self, number: int) -> None:
        _check("layer", number, 1, self._layer.max)
        self._layer.value = number

    @property
    def head(self) -> int:
        """Номер головы, первая — 1."""
        return self._head.value

    @head.setter
    def head(self, number: int) -> None:
        _check("head", number, 1, self._head.max)
        self._head.value = number

    @property
    def tokens(self) -> list[str]:
        """Токены предложения вместе с [CLS] и [SEP]."""
        return self._read[self.sentence][0]

    @property
    def weights(self) -> Tensor:
        """Внимание выбранной головы, (S, S)."""
        return self._read[self.sentence][1][self.layer - 1, self.head - 1]

    @property
    def message(self) -> str:
        """Подпись под ползунками."""
        strongest = self.weights[1:-1].max(1)
        row = int(strongest.values.argmax()) + 1
        seen = self.tokens[int(strongest.indices[row - 1])]
        share = f"{float(strongest.values[row - 1]):.0%}".replace("%", " %")
        return f"Сильнее всех смотрит «{self.tokens[row]}» на «{seen}»: {share} внимания."

    def static(self) -> plots.Picture:
        """Матрица выбранной головы."""
        return plots.attention_matrix(self.weights, self.tokens, self.title)

    @property
    def title(self) -> str:
        """Заголовок рисунка: слой и голова."""
        return f"слой {self.layer}, голова {self.head}"

    def __repr__(self) -> str:
        return f"Внимание, {self.title}: {self.sentences[self.sentence]}"

    def _read_sentence(self, text: str) -> tuple[list[str], Tensor]:
        """Токены и внимание всех слоёв и голов, (L, H, S, S)."""
        ids = self.tokenizer(text).input_ids
        most = min(MOST_TOKENS, self.model.config.max_sequence_length)
        if not 3 <= len(ids) <= most:
            raise ValueError(
                f"sentences: в «{text[:60]}» токенов {len(ids)}, а нужно от 3 до {most}."
            )
        with inference(self.model):
            layers = self.model(torch.tensor([ids]), output_attentions=True).attentions
        return self.tokenizer.convert_ids_to_tokens(ids), torch.cat(tuple(layers)).float()

    def _build(self) -> None:
        wide = ipywidgets.Layout(width="95%")
        options = [(text, number) for number, text in enumerate(self.sentences)]
        self._sentence = ipywidgets.Dropdown(options=options, description="Текст:", layout=wide)
        self._layer = _slider("Слой:", self.model.config.num_hidden_layers)
        self._head = _slider("Голова:", self.model.config.num_attention_heads)
        self._message = ipywidgets.HTML()
        self._image = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        sliders = ipywidgets.HBox([self._layer, self._head])
        self.view = ipywidgets.VBox([self._sentence, sliders, self._message, self._image])

    def _update(self, _change=None) -> None:
        self._message.value = message_html(self.message)
        self._image.value = self.static().png()


def _slider(name: str, most: int) -> ipywidgets.IntSlider:
    return ipywidgets.IntSlider(value=1, min=1, max=most, description=name, continuous_update=False)


def _check(name: str, number: int, least: int, most: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise ValueError(f"{name} = {number!r}: номера — от {least} до {most}.")
