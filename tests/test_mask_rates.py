"""Счёт исходов маскирования: числа сходятся со scipy и с прямым подсчётом."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import binomtest

from lecture_lib.experiments.mask_rates import (
    ActionCounts,
    count_actions,
    rate_rows,
    repeat_masking,
    running_shares,
)
from lecture_lib.masking import KEEP, MASK, NOT_CHOSEN, RANDOM, MaskingVocabulary, draw_replacements

VOCABULARY = MaskingVocabulary(mask_token_id=4, vocab_size=100, special_token_ids=(0, 1, 2, 3, 4))
IDS = torch.tensor([[3, *range(10, 30), 2], [3, *range(40, 50), 2, *[0] * 10]])
RATES = (0.8, 0.1, 0.1)


def two_coins(chosen, generator):
    """Известная ошибка: 10 % — случайный, из остальных 10 % — прежний."""
    random, keep = (torch.rand(chosen.shape, generator=generator) < 0.1 for _ in range(2))
    drawn = torch.where(random, RANDOM, torch.where(keep, KEEP, MASK))
    return torch.where(chosen, drawn, NOT_CHOSEN).to(torch.int8)


def test_counts_by_hand():
    """Невыбранные и специальные в счёт действий не входят."""
    actions = torch.tensor([[0, 1, 2, 3, 1, 0]], dtype=torch.int8)
    special = torch.tensor([[True, False, False, False, False, False]])
    counts = count_actions(actions, special)
    assert counts == ActionCounts(ordinary=5, mask=2, random=1, keep=1)
    assert counts.chosen == 4
    assert counts + counts == ActionCounts(10, 4, 2, 2)


def test_special_token_with_an_action_is_an_error():
    """Действие у специального токена — ошибка маскирования, и счёт её не прячет."""
    special = torch.tensor([[True, False]])
    with pytest.raises(ValueError, match="специальному"):
        count_actions(torch.tensor([[1, 0]], dtype=torch.int8), special)
    with pytest.raises(ValueError, match="actions: форма"):
        count_actions(torch.zeros(1, 3, dtype=torch.int8), special)


def test_repeat_counts_every_time():
    """Тысяча маскирований батча — тысяча раз по тридцать обычных токенов; доли — у целей."""
    counts = repeat_masking(IDS, 0.4, (0.2, 0.3, 0.5), VOCABULARY, 1000, torch.Generator())
    assert counts.ordinary == 30_000
    assert counts.chosen / 30_000 == pytest.approx(0.4, abs=0.015)
    found = [count / counts.chosen for count in (counts.mask, counts.random, counts.keep)]
    assert found == pytest.approx([0.2, 0.3, 0.5], abs=0.02)
    with pytest.raises(ValueError, match="times = 0"):
        repeat_masking(IDS, 0.4, RATES, VOCABULARY, 0, torch.Generator())


def test_intervals_equal_scipy():
    """Интервалы строк — уилсоновы, как в scipy."""
    rows = rate_rows(ActionCounts(ordinary=1000, mask=120, random=20, keep=10), 0.15, RATES)
    assert [row["name"] for row in rows] == ["выбран", "[MASK]", "случайный", "прежний"]
    assert [(row["count"], row["total"]) for row in rows] == [
        (150, 1000), (120, 150), (20, 150), (10, 150),
    ]  # fmt: skip
    for row in rows:
        expected = binomtest(row["count"], row["total"]).proportion_ci(method="wilson")
        assert (row["low"], row["high"]) == pytest.approx(tuple(expected), abs=1e-9)
        assert row["inside"] == (expected.low <= row["target"] <= expected.high)


def test_nothing_to_divide():
    """Никого не выбрали — долей действий нет, и это None, а не ноль."""
    rows = rate_rows(ActionCounts(ordinary=10), 0.15, RATES)
    assert rows[0]["share"] == 0
    assert all(row["share"] is row["inside"] is None for row in rows[1:])


def test_a_million_tells_one_draw_from_two_coins():
    """На миллионе ошибка в один пункт видна по всем меркам, на сотне — нет."""
    chosen = torch.ones(1000, 1000, dtype=torch.bool)
    one = draw_replacements(chosen, RATES, torch.Generator().manual_seed(1))
    two = two_coins(chosen, torch.Generator().manual_seed(1))
    for actions, keep in ((one, 0.1), (two, 0.09)):
        small, large = running_shares(actions.flatten() == KEEP, (100, 1_000_000))
        assert small["low"] < 0.1 < small["high"]
        assert large["low"] < keep < large["high"]
        assert (large["low"] < 0.1 < large["high"]) == (keep == 0.1)


def test_running_shares_by_hand():
    """Доля считается по началу последовательности, а не по всей."""
    rows = running_shares(torch.tensor([True, True, False, False]), (2, 4))
    assert [(row["count"], row["share"]) for row in rows] == [(2, 1.0), (2, 0.5)]


@pytest.mark.parametrize("total", [0, 5])
def test_running_shares_refuse_impossible_sizes(total):
    """Больше исходов, чем есть, не взять; ноль — тоже."""
    with pytest.raises(ValueError, match=f"sizes: {total}"):
        running_shares(torch.ones(4, dtype=torch.bool), (total,))
    with pytest.raises(ValueError, match="outcomes"):
        running_shares(torch.ones(2, 2, dtype=torch.bool), (1,))
