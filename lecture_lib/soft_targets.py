"""Мягкие цели (soft targets): распределение модели на месте маски и что с ним делает температура.

Источник: Hinton et al., 2015, раздел 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from lecture_lib.config import check_positive
from lecture_lib.prediction import Candidate
from lecture_lib.word_search import inference

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class SoftTargets:
    """Логиты (V,) на месте маски и токенизатор, который называет их по именам."""

    logits: Tensor
    tokenizer: PreTrainedTokenizerFast

    def distribution(self, temperature: float) -> Tensor:
        """Распределение при температуре: softmax(логиты / T), (V,). ValueError — T ≤ 0."""
        check_positive("temperature", temperature)
        return (self.logits / temperature).softmax(-1)

    def words(self, temperature: float, count: int) -> list[Candidate]:
        """Вероятнейшие токены, count штук; порядок от температуры не зависит."""
        best = self.logits.topk(count).indices
        shares = self.distribution(temperature)[best].tolist()
        names = self.tokenizer.convert_ids_to_tokens(best.tolist())
        return [Candidate(name, share) for name, share in zip(names, shares, strict=True)]

    def choices(self, temperature: float) -> float:
        """Из скольких равновероятных слов выбирал бы столь же неуверенный: exp(энтропия)."""
        return torch.special.entr(self.distribution(temperature)).sum().exp().item()


def read_soft_targets(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, text: str
) -> SoftTargets:
    """Распределение модели на месте единственной маски текста.

    ValueError — масок не одна или текст длиннее, чем модель читает.
    """
    ids = torch.tensor([tokenizer(text).input_ids])
    longest = model.config.max_sequence_length
    if ids.shape[1] > longest:
        raise ValueError(f"text: {ids.shape[1]} токенов, а модель читает не больше {longest}.")
    places = (ids[0] == tokenizer.mask_token_id).nonzero().flatten().tolist()
    if len(places) != 1:
        raise ValueError(
            f"text = {text!r}: масок {len(places)}, а нужна ровно одна — {tokenizer.mask_token}."
        )
    with inference(model):
        return SoftTargets(model(ids).mlm_logits[0, places[0]].float(), tokenizer)
