"""Опыт урока 03: на что голова тратит внимание — на [CLS], [SEP], знаки, соседей, остальные слова.

У каждого слова внимания ровно единица, и эти доли — куда она ушла в среднем. Раньше, чем искать в
голове грамматику, полезно узнать, не смотрит ли она почти всегда в одно место (Clark et al., 2019,
раздел 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lecture_lib.experiments.passages import Passage, passage_attentions

if TYPE_CHECKING:
    from torch import nn

PLACES = ("[CLS]", "[SEP]", "само слово", "слово слева", "слово справа", "знаки", "другие слова")


def run(model: nn.Module, passages: Sequence[Passage], pad_token_id: int = 0) -> list[dict]:
    """Строки {layer, head, доля каждого из PLACES}: среднее по словам отрывков, сумма долей — 1.

    Смотрят только слова; место, подходящее под два описания, записано в первое из них. Слои и
    головы считаются с единицы. ValueError — в отрывках нет ни одного слова.
    """
    total, words = 0, 0
    for index, weights in passage_attentions(model, passages, pad_token_id):
        looking = [unit for unit, w in enumerate(passages[index].words, 1) if w.text.isalpha()]
        for unit in looking:
            places = torch.tensor(_places(passages[index], unit))
            total = total + _shares(weights[:, :, unit], places)
        words += len(looking)
    if not words:
        raise ValueError("passages: в отрывках нет ни одного слова, смотреть некому.")
    return list(_rows(total / words))


def _places(passage: Passage, unit: int) -> list[int]:
    """Номер описания из PLACES для каждой единицы отрывка, если смотрит единица unit."""
    last = len(passage.words) + 1
    near = {0: 0, last: 1, unit: 2}
    if unit > 1:
        near[unit - 1] = 3
    if unit + 1 < last:
        near[unit + 1] = 4
    return [
        near[other] if other in near else 6 if passage.words[other - 1].text.isalnum() else 5
        for other in range(last + 1)
    ]


def _shares(row: Tensor, places: Tensor) -> Tensor:
    """(L, H, U) внимание слова -> (L, H, 7) доли мест."""
    shares = torch.zeros(*row.shape[:2], len(PLACES))
    return shares.index_add(2, places, row)


def _rows(shares: Tensor) -> list[dict[str, Any]]:
    return [
        {"layer": layer, "head": head, **dict(zip(PLACES, row.tolist(), strict=True))}
        for layer, heads in enumerate(shares, 1)
        for head, row in enumerate(heads, 1)
    ]
