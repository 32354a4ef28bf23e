"""Одна модель на экране внимания: что она прочла и какими полями это уходит на страницу.

Сама панель ничего не считает: внимание, пробы голов, вклад слов и ответы слоёв возвращают нижние
этажи. Короткий текст читается во всех слоях сразу, длинный — по слою за раз.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from lecture_lib.attention import (
    MOST_IN_FULL,
    MOST_TOKENS,
    attention,
    encoder_of,
    to_bytes,
    to_floats,
    word_attention,
)
from lecture_lib.evidence import Evidence, agreement, evidence, layer_answers
from lecture_lib.experiments.head_scores import (
    ON_SENTENCE,
    HeadScores,
    corpus_scores,
    sentence_scores,
)
from lecture_lib.reading import Span, read_text

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerFast

ROUNDED = "Рисунок округлён до 1/255, числа под ним точные."
LONG = "Текст длинный: на странице один слой, остальные придут по щелчку."
LAYERS_NOTE = (
    "Голову MLM учили читать только последний слой: строки выше — догадка, что там записано."
)


class AttentionPanel:
    """Модель, её токенизатор и прочитанный текст: plain — как есть, reading — с закрытым словом."""

    def __init__(self, model: nn.Module, tokenizer: PreTrainedTokenizerFast, name: str) -> None:
        self.encoder = encoder_of(model)
        self.model, self.tokenizer, self.name = model, tokenizer, name
        config = self.encoder.config
        self.layers, self.heads = config.num_hidden_layers, config.num_attention_heads
        self.longest = min(MOST_TOKENS, config.max_sequence_length)
        self._corpus: dict[str, HeadScores] = {}

    def read(self, text: str, closed: Span | None) -> None:
        """Читает текст; closed — отрезок слова, которое закрыть. ValueError — текст не годится."""
        self.plain = read_text(self.tokenizer, text, self.longest)
        self.target = self._target(closed)
        closes = self.target is not None and self.target not in self.plain.masked
        self.reading = (
            self.plain.with_masks([self.target], self.tokenizer) if closes else self.plain
        )
        self._cached: dict[int | None, Tensor] = {}
        self._clues: tuple[Evidence, dict[str, Any]] | None = None

    def _target(self, closed: Span | None) -> int | None:
        """Слово, о котором спрашивают: закрытое щелчком или единственная маска текста."""
        if closed is not None:
            return next(iter(self.plain.units_at(closed)), None)
        return next(iter(self.plain.masked)) if len(self.plain.masked) == 1 else None

    @property
    def is_long(self) -> bool:
        """Слишком ли длинен текст, чтобы держать все слои."""
        return len(self.plain.tokens) > MOST_IN_FULL

    def labels(self, merged: bool) -> list[str]:
        """Подписи строк и столбцов: токены или слова."""
        return list(self.reading.words if merged else self.reading.tokens)

    def weights(self, layer: int, head: int, merged: bool) -> Tensor:
        """Внимание головы между токенами (S, S) или словами (U, U), слои и головы с единицы."""
        found = self._read_layers(layer)
        one = found[0 if self.is_long else layer - 1, head - 1]
        return word_attention(one, self.reading.units) if merged else one

    def _read_layers(self, layer: int) -> Tensor:
        """Внимание всех слоёв, а у длинного текста — одного: (L, H, S, S) или (1, H, S, S)."""
        wanted = layer if self.is_long else None
        if wanted not in self._cached:
            self._cached = {wanted: attention(self.encoder, self.reading.input_ids, wanted)}
        return self._cached[wanted]

    def fields(self, layer: int, merged: bool) -> dict[str, Any]:
        """Что нарисовать: подписи и внимание байтами, (слоёв, H, S, S)."""
        weights, reading = self._read_layers(layer), self.reading
        if merged:
            weights = word_attention(weights, reading.units)
        return {
            "name": self.name,
            "layers": self.layers,
            "heads": self.heads,
            "first": layer if self.is_long else 1,
            "tokens": self.labels(merged),
            "special": reading.special_units if merged else reading.special_tokens,
            "weights": to_bytes(weights),
            "note": f"{LONG} {ROUNDED}" if self.is_long else ROUNDED,
        }

    def exact(self, layer: int, head: int, merged: bool) -> dict[str, Any]:
        """Точные числа одной головы: float32."""
        weights = self.weights(layer, head, merged)
        return {"layer": layer, "head": head, "weights": to_floats(weights)}

    def scores(self, probe: str) -> HeadScores | None:
        """Мера каждой головы; None — текст для пробы длинен или спросить некого."""
        if probe not in ON_SENTENCE:
            self._corpus = self._corpus or corpus_scores(self.encoder, self.tokenizer)
            return self._corpus.get(probe)
        if self.is_long:
            return None
        weights = word_attention(self._read_layers(1), self.reading.units)
        return sentence_scores(weights, self.reading.words, probe)

    def evidence(self, layer: int, head: int) -> dict[str, Any] | None:
        """Улики о закрытом слове; None — ничего не закрыто, поле problem — посчитать нельзя."""
        if self.target is None:
            return None
        try:
            if self._clues is None:  # от головы они не зависят: другая голова их не пересчитывает
                found = evidence(self.model, self.tokenizer, self.plain, self.target)
                self._clues = found, self._layer_answers()
            found, answers = self._clues
        except ValueError as error:
            return {"problem": f"{self.name}: {error}"}
        looks = self.weights(layer, head, merged=True)[self.target].tolist()
        rho = agreement(looks, found.drops)
        words = self.plain.words
        rows = [(words[unit], found.drops[unit], looks[unit]) for unit in found.strongest_first]
        return {
            "name": self.name,
            "answer": found.answer,
            "chance": found.probability,
            "rows": rows,
            "rho": rho,
            "verdict": _verdict(rho, len(rows), layer, head),
            "note": "На сколько нат модель хуже угадает слово, если закрыть ещё и это.",
            **answers,
        }

    def _layer_answers(self) -> dict[str, Any]:
        """Ответы по слоям о первом токене закрытого слова."""
        places = self.plain.places(self.target)
        is_typed = self.target in self.plain.masked
        right = None if is_typed else self.plain.input_ids[places[0]]
        answers = layer_answers(
            self.model, self.tokenizer, self.reading.input_ids, places[0], right
        )
        rows = [(a.layer, [(c.token, c.probability) for c in a.best], a.right) for a in answers]
        first = f" Токенов в слове {len(places)}, здесь первый." if len(places) > 1 else ""
        return {"layers": rows, "layers_note": LAYERS_NOTE + first}


def _verdict(rho: float | None, count: int, layer: int, head: int) -> str:
    """Согласны ли внимание и вклад — словами."""
    where = f"слой {layer}, голова {head}"
    if rho is None:
        return f"Внимание ({where}) против вклада: рангов не сравнить, слов {count}."
    number = f"{rho:.2f}".replace(".", ",").replace("-", "−")
    return f"Внимание ({where}) против вклада: ρ Спирмена = {number} по {count} словам и знакам."
