"""Доли замен: сколько раз выпало каждое действие, с интервалами, и сошлось ли с целью.

Урок 02 проверяет этими функциями жребий 80/10/10, а виджет долей показывает их счёт.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import torch

from lecture_lib.config import check_whole
from lecture_lib.experiments.statistics import wilson_interval
from lecture_lib.mask_patterns import check_mask, check_same_shape
from lecture_lib.masking import (
    KEEP,
    MASK,
    NOT_CHOSEN,
    RANDOM,
    MaskingVocabulary,
    choose_positions,
    draw_replacements,
    find_special,
)

CHOSEN = "выбран"
ACTION_NAMES = {MASK: "[MASK]", RANDOM: "случайный", KEEP: "прежний"}


@dataclass(frozen=True)
class ActionCounts:
    """Счёт исходов: сколько обычных токенов прошло и что выпало выбранным из них."""

    ordinary: int = 0
    mask: int = 0
    random: int = 0
    keep: int = 0

    @property
    def chosen(self) -> int:
        """Сколько токенов выбрано: под [MASK], подменённых и оставленных вместе."""
        return self.mask + self.random + self.keep

    def __add__(self, other: ActionCounts) -> ActionCounts:
        return ActionCounts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def count_actions(actions: torch.Tensor, special_mask: torch.Tensor) -> ActionCounts:
    """Считает исходы жребия: actions (B, S) int8, special_mask (B, S) bool -> ActionCounts.

    ValueError — формы разные или действие досталось специальному токену.
    """
    check_mask(special_mask)
    check_same_shape("actions", actions, special_mask)
    if (actions[special_mask] != NOT_CHOSEN).any():
        raise ValueError("actions: действие досталось специальному токену, а их не выбирают.")
    found = torch.bincount(actions.flatten().long(), minlength=KEEP + 1).tolist()
    return ActionCounts(int((~special_mask).sum()), found[MASK], found[RANDOM], found[KEEP])


def repeat_masking(
    input_ids: torch.Tensor,
    probability: float,
    rates: tuple[float, float, float],
    vocabulary: MaskingVocabulary,
    times: int,
    generator: torch.Generator,
) -> ActionCounts:
    """Маскирует батч (B, S) заново times раз и считает исходы всех раз вместе.

    probability — доля выбираемых, rates — доли ([MASK], случайный, прежний).
    """
    check_whole("times", times, at_least=1)
    many = input_ids.repeat(times, 1)  # (B, S) -> (times·B, S)
    special = find_special(many, vocabulary)
    chosen = choose_positions(many, special, probability, generator)
    return count_actions(draw_replacements(chosen, rates, generator), special)


def rate_rows(
    counts: ActionCounts, probability: float, rates: tuple[float, float, float]
) -> list[dict[str, Any]]:
    """Доли с интервалами Уилсона рядом с целями: строки name, count, total, share, low, high…

    Первая строка — доля выбранных среди обычных, дальше три действия — доли среди выбранных.
    target — цель, inside — лежит ли она в интервале. Если делить не на что, share, low, high и
    inside — None.
    """
    rows = [_rate_row(CHOSEN, counts.chosen, counts.ordinary, probability)]
    found = (counts.mask, counts.random, counts.keep)
    for name, count, target in zip(ACTION_NAMES.values(), found, rates, strict=True):
        rows.append(_rate_row(name, count, counts.chosen, target))
    return rows


def _rate_row(name: str, count: int, total: int, target: float) -> dict[str, Any]:
    row = {"name": name, "count": count, "total": total, "target": target}
    if total == 0:
        return {**row, "share": None, "low": None, "high": None, "inside": None}
    low, high = wilson_interval(count, total)
    return {
        **row, "share": count / total, "low": low, "high": high, "inside": low <= target <= high,
    }  # fmt: skip


def running_shares(outcomes: torch.Tensor, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Как доля сходится: доля True среди первых n исходов для каждого n из sizes.

    outcomes (N,) bool -> строки total, count, share, low, high (интервал Уилсона).
    ValueError — outcomes не (N,) bool или столько исходов нет.
    """
    if outcomes.dtype != torch.bool or outcomes.dim() != 1:
        raise ValueError(
            f"outcomes: тип {outcomes.dtype}, форма {tuple(outcomes.shape)}, а нужны (N,) bool."
        )
    rows = []
    for total in sizes:
        if not 1 <= total <= len(outcomes):
            raise ValueError(f"sizes: {total} исходов взять нельзя, их {len(outcomes)}.")
        count = int(outcomes[:total].sum())
        low, high = wilson_interval(count, total)
        rows.append(
            {"total": total, "count": count, "share": count / total, "low": low, "high": high}
        )
    return rows
