"""Задания 04 и 06: эталоны проверок сверены с независимыми, верные ответы не бракуются зря."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import binom

from lecture_lib import byte_bpe
from lecture_lib.grading import Verdict, lesson04, lesson06, pictures
from lecture_lib.grading.bank import load_bank, try_entry
from lecture_lib.grading.comparison_check import EQUAL_LABS, LOOKS
from lecture_lib.grading.given import BATCH_RUNS, ROW_TOKENS, make_given
from lecture_lib.grading.merge_cases import TABLE, learn_merges, text_cases, to_text
from lecture_lib.grading.packing_cases import pack, pack_cases
from lecture_lib.grading.step_cases import learning_rate, step_gradient

RIGHT = [e for e in load_bank() if e.verdict is Verdict.RIGHT and e.task in ("04.1", "06.5")]


@pytest.mark.parametrize("entry", RIGHT, ids=lambda entry: entry.id)
def test_statistics_do_not_cry_wolf(entry):
    """Там, где проверка статистическая, верный ответ проходит раз за разом."""
    assert all(try_entry(entry, seed).is_expected for seed in range(4))


def accepted(alarm: float) -> float:
    """Вероятность, что 06.5 примет опыт, который тревожится с вероятностью alarm."""
    waiting, found = {0: 1.0}, 0.0
    for number, (more, few, bearable) in enumerate(LOOKS):
        labs = more + (EQUAL_LABS if number == 0 else 0)
        after: dict[int, float] = {}
        for alarms, weight in waiting.items():
            for new, chance in enumerate(binom.pmf(range(labs + 1), labs, alarm)):
                after[alarms + new] = after.get(alarms + new, 0.0) + weight * chance
        found += sum(weight for alarms, weight in after.items() if alarms <= few)
        waiting = {k: weight for k, weight in after.items() if few < k <= bearable}
    assert not waiting  # последний взгляд решает
    return found


def test_comparison_keeps_its_promises():
    """Тревога раз из десяти обещана и принята; раз из пяти — почти всегда нет."""
    assert accepted(0.1) > 0.99 and accepted(0.05) > 0.9999
    assert accepted(0.2) < 0.07 and accepted(0.25) < 0.01


def test_step_is_the_gradient_of_the_whole_batch():
    """Шаг из частей — градиент среднего по всем вопросам, обрезанный самим torch."""
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(3, 4, generator=generator, requires_grad=True),
               torch.randn(4, generator=generator, requires_grad=True)]  # fmt: skip
    inputs, counts = torch.randn(20, 3, generator=generator), [2, 5, 13]
    parts = []
    for rows in inputs.split(counts):
        loss = (rows @ weights[0] + weights[1]).pow(2).sum(1).mean()
        parts.append([g.numpy() for g in torch.autograd.grad(loss, weights)])
    (inputs @ weights[0] + weights[1]).pow(2).sum(1).mean().backward()
    length = float(torch.nn.utils.get_total_norm([w.grad for w in weights]))
    torch.nn.utils.clip_grad_norm_(weights, length / 2)
    for ours, weight in zip(step_gradient(parts, counts, length / 2), weights, strict=True):
        assert np.allclose(ours, weight.grad.numpy(), rtol=1e-4)


@pytest.mark.parametrize("warmup", [0, 7])
def test_rate_is_two_straight_lines(warmup):
    """Эталон расписания — ломаная через (0, 0), (warmup, peak), (total, 0)."""
    points = ([0, 30], [2.5, 0]) if warmup == 0 else ([0, warmup, 30], [0, 2.5, 0])
    steps = range(40)
    ours = [learning_rate(step, 2.5, warmup, 30) for step in steps]
    assert np.allclose(ours, np.interp(steps, *points))


def test_merges_agree_with_the_library():
    """Без ничьих слияния те же, что у байтового BPE курса."""
    words = {"low": 50, "lower": 23, "newest": 61, "widest": 37, "st": 5, "lo": 2, "ew": 4}
    known = byte_bpe.merge_steps({tuple(word): n for word, n in words.items()}, 5)
    assert learn_merges(words, 5) == [list(pair) for pair, _ in known]


def test_text_agrees_with_the_library():
    """Таблица знаков — GPT-2, и текст собирается тот же."""
    assert {byte: TABLE[byte] for byte in range(256)} == byte_bpe.byte_signs()
    for case in text_cases(np.random.default_rng(0)):
        tokens, signs = case.arguments
        if signs == TABLE:
            assert to_text(tokens, signs) == byte_bpe.from_signs("".join(tokens))


def test_packed_rows_fit_and_lose_nothing():
    """Строки не длиннее положенного, а предложения в них — все и по порядку."""
    for case in pack_cases(np.random.default_rng(1)):
        documents, length, cls_id, sep_id = case.arguments
        rows = pack(*case.arguments)
        assert all(len(row) <= length and row[0] == cls_id and row[-1] == sep_id for row in rows)
        content = [token for row in rows for token in row[1:-1] if token != sep_id]
        whole = [t for d in documents for s in d for t in s[: length - 2]]
        assert content == whole


def test_counts_follow_from_the_paper():
    """Числа задания 04.4 — из статьи: 1 млн шагов по 256 строк, 90 % по 128 токенов."""
    planned, actual = 1e6 * 256 * 512, 9e5 * 256 * 128 + 1e5 * 256 * 512
    wanted = [planned / 1e9, planned / 3.3e9, actual / 1e9, actual / 3.3e9, 0.15 * 256 * 128]
    assert np.allclose(list(lesson04.READ.values()), wanted, rtol=2e-3)
    assert lesson06.MASKS["не спросят, %"] == pytest.approx(100 * 0.85**5, rel=1e-3)


def test_curves_show_what_the_answer_says():
    """Ответ 04.5 виден по числам рисунка: где кончается каждая кривая."""
    low, high = pictures.FREQUENCIES, pictures.UNIFORM
    assert high == pytest.approx(math.log(8000), abs=0.01)
    for name, curve in pictures.LOSS_CURVES.items():
        end = curve[-1]
        seen = {lesson04.PEEKS: end < 0.5, lesson04.LEARNS: 0.5 < end < low - 1,
                lesson04.STUCK: abs(end - low) < 0.1, lesson04.NOTHING: abs(end - high) < 0.1,
                lesson04.DIVERGED: end > high + 1 and min(curve) < low}  # fmt: skip
        assert [word for word, found in seen.items() if found] == [lesson04.CURVES[name]]


def test_laboratory_keeps_its_promises():
    """Лаборатория повторяет ответ, растёт с токенами, считает запуски и знает свои батчи."""
    tokens = ROW_TOKENS * 256 * 100
    train = make_given("laboratory", (32, 256, tokens, 3.0, 5))
    assert train(32, 800, 1) == train(32, 800, 1) != train(32, 800, 2)
    gaps = [train(32, 800, seed) - train(256, 100, seed) for seed in range(20)]
    assert np.mean(gaps) == pytest.approx(3.0, abs=0.7)
    assert train(256, 200, 0) - train(256, 100, 0) == pytest.approx(4.0)
    with pytest.raises(ValueError, match="batch = 64"):
        train(64, 10, 0)
    with pytest.raises(ValueError, match="steps = 0"):
        train(32, 0, 0)
    with pytest.raises(ValueError, match=f"больше {BATCH_RUNS} запусков"):
        for seed in range(BATCH_RUNS):
            train(32, 800, seed)
