"""Внимание модели на одном тексте: все слои или один, между токенами или словами, байтами.

Внимание всех слоёв — это L·H·S² чисел: у BERT-base на 512 токенах 150 МБ. Короткий текст читается
весь, длинный — по слою за раз.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from lecture_lib.encoder import Encoder
from lecture_lib.word_search import inference

STEPS = 255  # на столько ступеней округляет байт
MOST_IN_FULL = 128  # токенов: столько ещё держим во всех слоях сразу
MOST_TOKENS = 512  # и столько — в одном слое


def encoder_of(model: nn.Module) -> Encoder:
    """Кодировщик модели — она сама или её часть. ValueError — внимания в модели нет."""
    encoder = getattr(model, "encoder", model)
    if not isinstance(encoder, Encoder):
        raise ValueError(
            f"Модель {type(model).__name__} внимания не отдаёт: показать можно только кодировщик "
            "из слоёв внимания (BERT, RoBERTa, DistilBERT)."
        )
    return encoder


def attention(model: nn.Module, input_ids: Sequence[int], layer: int | None = None) -> Tensor:
    """Внимание на одной строке: (L, H, S, S), а если назван слой (с единицы) — (1, H, S, S).

    Читается та же сеть; остальные слои при названном слое лишь не хранятся. ValueError — такого
    слоя нет или модель внимания не отдаёт.
    """
    encoder, ids = encoder_of(model), torch.tensor([list(input_ids)])
    if layer is None:
        with inference(encoder):
            return torch.cat(encoder(ids, output_attentions=True).attentions).float()
    if not 1 <= layer <= len(encoder.layers):
        raise ValueError(f"layer = {layer}: слоёв у модели {len(encoder.layers)}.")
    with inference(encoder), _caught(encoder.layers[layer - 1].attention) as caught:
        encoder(ids)
    return caught[0].float()


@contextmanager
def _caught(module: nn.Module) -> Iterator[list[Tensor]]:
    """Список, в который попадут веса внимания этого слоя, когда модель его пройдёт."""
    caught: list[Tensor] = []
    handle = module.register_forward_hook(lambda _module, _inputs, out: caught.append(out[1]))
    try:
        yield caught
    finally:
        handle.remove()


def word_attention(weights: Tensor, units: Sequence[int]) -> Tensor:
    """Внимание между токенами (…, S, S) -> между единицами (…, U, U): столбцы складываются,
    строки усредняются. ValueError — единиц не столько, сколько токенов, или у какой-то их нет.

    Источник: Clark et al., 2019, раздел 4.1.
    """
    if len(units) != weights.shape[-1] or len(units) != weights.shape[-2]:
        raise ValueError(
            f"units: их {len(units)}, а внимание — {tuple(weights.shape[-2:])}: нужна единица "
            "на каждый токен."
        )
    owner = torch.nn.functional.one_hot(torch.tensor(units)).to(weights.dtype)  # (S, U)
    if (owner.sum(0) == 0).any():
        raise ValueError(f"units = {list(units)}: номера идут с пропуском, есть слово без токенов.")
    to_words = weights @ owner  # (…, S, S) -> (…, S, U)
    return (owner / owner.sum(0)).T @ to_words  # -> (…, U, U)


def to_bytes(weights: Tensor) -> bytes:
    """Доли от 0 до 1 байтами, ближайшая из 255 ступеней: ошибка не больше 1/510."""
    return (weights * STEPS).round().to(torch.uint8).numpy().tobytes()


def to_floats(weights: Tensor) -> bytes:
    """Те же доли без округления: float32, младший байт первым."""
    return weights.to(torch.float32).contiguous().numpy().astype("<f4").tobytes()
