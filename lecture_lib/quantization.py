"""Квантование (quantization): веса целыми числами по восемь бит вместо дробных по тридцать два.

Динамическое квантование линейного слоя: матрица хранится в int8, по своему масштабу на строку
выхода; входы слоя переводятся в int8 на ходу, по их наибольшему числу. Учить заново не надо.
Источник: Jacob et al., 2018, раздел 2.1 («Quantization scheme»).
"""

from __future__ import annotations

import copy
import io
import warnings
from typing import TypeVar

import torch
from torch import nn
from torch.ao.quantization import (
    float_qparams_weight_only_qconfig,
    per_channel_dynamic_qconfig,
    quantize_dynamic,
)

Model = TypeVar("Model", bound=nn.Module)

WORDS = "word_embeddings"  # большая таблица; позиции и сегменты малы и остаются дробными


def quantize(model: Model) -> Model:
    """Копия модели, где линейные слои и эмбеддинги токенов — в int8; сама модель не меняется.

    Квантованная модель только отвечает: учить её нельзя, процессор — единственное место, где она
    работает. Отступление от одной матрицы на двоих: выход в словарь и эмбеддинги токенов после
    квантования — две разные таблицы int8. ValueError — квантовать в модели нечего.
    """
    chosen = {
        name: float_qparams_weight_only_qconfig
        if isinstance(module, nn.Embedding)
        else per_channel_dynamic_qconfig
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) or name.rpartition(".")[2] == WORDS
    }
    if not chosen:
        raise ValueError(
            "model: нет ни линейных слоёв, ни эмбеддингов токенов — нечего квантовать."
        )
    with warnings.catch_warnings():
        # torch просит перейти на отдельный пакет torchao; в закреплённой версии всё на месте.
        warnings.simplefilter("ignore")
        return quantize_dynamic(copy.deepcopy(model).eval(), chosen, inplace=True)


def size_in_bytes(model: nn.Module) -> int:
    """Сколько байт заняли бы веса модели на диске; веса, общие для двух слоёв, — один раз."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(model.state_dict(), buffer)
    return buffer.tell()
