"""Проверки итогового проекта: эталоны равны независимым, мутанты узнаны, верное не бракуется."""

from __future__ import annotations

import math
import random
import re

import numpy as np
import pytest
import torch

from lecture_lib.experiments.statistics import wilson_interval
from lecture_lib.grading import Verdict, get_task, run_check
from lecture_lib.grading.answer import LocalAnswer
from lecture_lib.grading.bank import FOLDER, read_bank, try_entry
from lecture_lib.grading.bits_cases import bits_cases, bits_per_character
from lecture_lib.grading.error_cases import error_cases, error_shares
from lecture_lib.grading.interval_check import PROFILES, RIGHT, Samples, make_measured, profile
from lecture_lib.grading.split_cases import linked_letters, polite_letters, uneven_letters

MUTANTS = [
    pytest.param(task, name, id=f"{task} {name}")
    for task in ("09.2", "09.4")
    for name, mistake in get_task(task).mistakes.items()
    if mistake.mutant is not None
]
ENTRIES = [
    entry
    for task in ("09.1", "09.3")
    for entry in read_bank(FOLDER / f"{task}.md")
    if entry.verdict is Verdict.RIGHT
]


@pytest.fixture
def rng():
    """Входы этих тестов всегда одни."""
    return np.random.default_rng(9)


# ------------------------------------------------------------------ деление


@pytest.mark.parametrize("make", [uneven_letters, linked_letters, polite_letters])
def test_groups_are_connected_components(make, rng):
    """Связки переписки — области связности, найденные обходом по чистым словам."""
    letters = make(rng)
    texts: dict[tuple, set[str]] = {}
    for source, text in letters.pieces:
        words = tuple(re.findall(r"\w+", text.lower().replace("ё", "е")))
        if len(words) >= 5:
            texts.setdefault(words, set()).add(source)
    for first, group in zip(letters.pieces, letters.groups, strict=True):
        reached, queue = set(), [first[0]]
        while queue:
            source = queue.pop()
            if source not in reached:
                reached.add(source)
                queue += [name for together in texts.values() if source in together
                          for name in together]  # fmt: skip
        own = {letters.pieces[i][0] for i in np.flatnonzero(letters.groups == group)}
        assert own == reached


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_statistics_do_not_cry_wolf(entry):
    """Верный ответ на случайных входах проходит раз за разом."""
    assert [seed for seed in range(5) if not try_entry(entry, seed).is_expected] == []


# ------------------------------------------------------------------ мера


def test_bits_of_the_example():
    """Пример из условия посчитан руками."""
    visible = bits_cases(np.random.default_rng(0))[0]
    wanted = (6 / math.log(2) + 6) / 9
    assert bits_per_character(*visible.arguments) == pytest.approx(wanted)
    assert f"{wanted:.3f}" == "1.628"


def test_bits_are_cross_entropy(rng):
    """Без [UNK] биты — перекрёстная энтропия torch, поделённая на ln 2 и на знаки."""
    texts, tokens, spans, nats, alphabet = bits_cases(rng)[1].arguments
    places = [i for i, (start, end) in enumerate(spans[0]) if end > start]
    logits = torch.randn(len(places), 50, dtype=torch.float64)
    answers = torch.randint(50, (len(places),))
    each = torch.nn.functional.cross_entropy(logits, answers, reduction="none").tolist()
    row = list(nats[0])
    for place, value in zip(places, each, strict=True):
        row[place] = value
    found = bits_per_character(texts, tokens, spans, [row], alphabet)
    total = torch.nn.functional.cross_entropy(logits, answers, reduction="sum")
    assert found == pytest.approx(float(total) / math.log(2) / len(texts[0]))


# ------------------------------------------------------------------ интервал


def test_interval_is_a_plain_bootstrap(rng):
    """Интервал проверки — тот же, что у бутстрепа, написанного по определению."""
    one = make_measured(rng)
    draw, values = random.Random(1), []
    names = sorted(set(one.source.tolist()))
    rows = {name: np.flatnonzero(one.source == name) for name in names}
    for _ in range(4000):
        picked = np.concatenate([rows[draw.choice(names)] for _ in names])
        gain = one.before[picked].sum() - one.after[picked].sum()
        values.append(gain / one.chars[picked].sum())
    point, low, high = profile(Samples(one, rng), RIGHT)
    wanted = np.percentile(values, (2.5, 97.5))
    assert np.abs(wanted - (low, high)).max() < 0.05 * (high - low)
    assert point == pytest.approx(one.difference)


def test_profiles_are_far_apart(rng):
    """Неверные интервалы не спутать ни с верным, ни друг с другом: иначе диагноз — догадка."""
    inputs = [Samples(make_measured(rng), rng) for _ in range(6)]
    shown = {
        name: np.array([profile(one, how) for one in inputs])
        for name, how in (PROFILES | {"right": RIGHT}).items()
    }
    width = (shown["right"][:, 2] - shown["right"][:, 1])[:, None]
    for name, first in shown.items():
        for other, second in shown.items():
            if name < other:
                assert (np.abs(first - second) / width).mean() > 0.04, (name, other)


# ------------------------------------------------------------------ доли


def test_shares_are_wilson(rng):
    """Доли видов ошибок — с интервалом Уилсона из библиотеки, которая проверена по scipy."""
    for case in error_cases(rng):
        labels, kinds = case.arguments
        errors = [label for label in labels if label]
        for kind, (share, low, high) in error_shares(labels, kinds).items():
            if not errors:
                assert (share, low, high) == (0, 0, 1)
                continue
            hits = sum(kind in label for label in errors)
            assert (low, high) == pytest.approx(wilson_interval(hits, len(errors)), abs=1e-4)
            assert share == hits / len(errors)


def test_notice_says_the_truth():
    """Вид, которого нет среди десяти ошибок, может составлять и четверть их."""
    assert wilson_interval(0, 10)[1] == pytest.approx(0.28, abs=0.005)


class Unwatched(LocalAnswer):
    """Ответ, у которого не спрашивают, чей он: мутанты живут в lecture_lib."""

    def call(self, *arguments, watch=True):
        """Вызов без слежки."""
        return super().call(*arguments, watch=False)


@pytest.mark.parametrize(("task", "name"), MUTANTS)
def test_mutant_is_rejected_and_named(task, name):
    """Каждый мутант, сданный как ответ, отвергнут, и названа именно его ошибка."""
    mutant = get_task(task).mistakes[name].mutant
    for seed in (1, 2):
        assert run_check(get_task(task), Unwatched(mutant), seed).mistake == name
    assert run_check(get_task(task), LocalAnswer(mutant), 1).mistake == "borrowed"
