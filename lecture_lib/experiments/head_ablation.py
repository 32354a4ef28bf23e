"""Опыт урока 03: что станет с моделью, если голову выключить.

Карта внимания показывает, куда голова смотрит, но не показывает, нужно ли это модели. Здесь
вместо взгляда — вмешательство: выход одной головы заменяется нулями, и модель снова угадывает те
же закрытые слова. Источник: Michel et al., 2019, раздел 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lecture_lib.config import MaskingConfig
from lecture_lib.experiments.passages import Passage
from lecture_lib.experiments.statistics import NORMAL_QUANTILE
from lecture_lib.heads import PretrainingModel
from lecture_lib.masking import IGNORED, MaskingVocabulary, mask_tokens, pad_sequences
from lecture_lib.word_search import inference

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PASSAGES_AT_ONCE = 16
MASKING = MaskingConfig(mask_rate=1.0, random_rate=0.0, keep_rate=0.0, at_least_one=True)


@contextmanager
def silenced(model: PretrainingModel, layer: int, head: int) -> Iterator[None]:
    """Внутри with выход головы (слой и голова — с единицы) равен нулю; потом модель прежняя.

    ValueError — такого слоя или такой головы нет.
    """
    config = model.config
    for name, value, most in (
        ("layer", layer, config.num_hidden_layers),
        ("head", head, config.num_attention_heads),
    ):
        if not 1 <= value <= most:
            raise ValueError(f"{name} = {value}: у модели они от 1 до {most}.")
    own = slice((head - 1) * config.head_size, head * config.head_size)

    def silence(_module: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
        context = inputs[0].clone()  # (B, S, D), головы лежат подряд
        context[..., own] = 0
        return (context,)

    hook = model.encoder.layers[layer - 1].attention.output.register_forward_pre_hook(silence)
    try:
        yield
    finally:
        hook.remove()


def run(
    model: PretrainingModel,
    tokenizer: PreTrainedTokenizerFast,
    passages: Sequence[Passage],
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Строки {layer, head, loss, increase, low, high}: прирост функции потерь MLM, в натах.

    Закрыты 15 % токенов, одни и те же для всех голов; первая строка — целая модель (layer и head
    равны None). low и high — 95-процентный интервал прироста: отрывки — независимые наблюдения.
    """
    batches = list(_masked_batches(tokenizer, passages, torch.Generator().manual_seed(seed)))
    whole = _losses(model, batches)
    rows = [{"layer": None, "head": None, "loss": whole.mean().item()}]
    for layer in range(1, model.config.num_hidden_layers + 1):
        for head in range(1, model.config.num_attention_heads + 1):
            with silenced(model, layer, head):
                losses = _losses(model, batches)
            rows.append({"layer": layer, "head": head, **_increase(whole, losses)})
    return rows


def _masked_batches(
    tokenizer: PreTrainedTokenizerFast, passages: Sequence[Passage], generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Батчи (скрытые номера, маска дополнения, метки); в батче отрывки близкой длины."""
    vocabulary = MaskingVocabulary.from_tokenizer(tokenizer)
    rows = sorted((list(passage.input_ids) for passage in passages), key=len)
    for start in range(0, len(rows), PASSAGES_AT_ONCE):
        chunk = rows[start : start + PASSAGES_AT_ONCE]
        input_ids, attention_mask = pad_sequences(chunk, tokenizer.pad_token_id)
        masked, labels = mask_tokens(input_ids, None, MASKING, vocabulary, generator)
        yield masked, attention_mask, labels


def _losses(model: PretrainingModel, batches: Sequence[tuple[Tensor, ...]]) -> Tensor:
    """Средняя потеря на скрытый токен в каждом отрывке: (N,)."""
    found = []
    for masked, attention_mask, labels in batches:
        hidden = labels != IGNORED
        with inference(model):
            logits = model(masked, attention_mask, positions=hidden).mlm_logits.float()
        loss = nn.functional.cross_entropy(logits, labels[hidden], reduction="none")
        by_token = torch.zeros(labels.shape).masked_scatter(hidden, loss)
        found.append(by_token.sum(1) / hidden.sum(1))
    return torch.cat(found)


def _increase(whole: Tensor, losses: Tensor) -> dict[str, float]:
    growth = losses - whole
    mean = growth.mean().item()
    half = NORMAL_QUANTILE * growth.std().item() / math.sqrt(len(growth))
    return {
        "loss": losses.mean().item(),
        "increase": mean,
        "low": mean - half,
        "high": mean + half,
    }
