"""Вопросы к модели: что считается годным ответом и как складывается итог."""

from __future__ import annotations

from collections import Counter

import pytest

from lecture_lib.experiments import probes
from lecture_lib.experiments.probes import Probe, accepts
from lecture_lib.prediction import Candidate


@pytest.mark.parametrize(
    ("accepted", "word", "fits"),
    [
        ("@VERB,past,plur", "посмотрели", True),
        ("@VERB,past,plur", "посмотрел", False),
        ("@VERB,past,plur", "посмотрим", False),
        ("@NOUN,gent|@INFN", "собаки", True),
        ("@NOUN,gent|@INFN", "летать", True),
        ("@NOUN,gent|@INFN", "собаку", False),
        ("=она|анна", "Она", True),
        ("=она|анна", "он", False),
        ("@VERB,futr,1per,sing|=буду", "буду", True),
    ],
)
def test_accepted_words(accepted, word, fits):
    """Годность решают pymorphy3 или список, и неверная форма не проходит."""
    assert accepts(accepted, word) is fits


def test_every_kind_has_enough_questions():
    """В каждом виде не меньше десяти вопросов, и в каждом вопросе ровно одна маска."""
    questions = probes.probes()
    assert min(Counter(p.kind for p in questions).values()) >= 10
    assert all(p.text.count("[MASK]") == 1 and p.accepted[0] in "@=" for p in questions)


def test_run_ranks_the_first_fitting_word(monkeypatch):
    """Ранг — место первого годного слова; итог считает доли по видам."""
    answers = {"а [MASK]": ["дом", "лес"], "б [MASK]": ["пёс", "кот"], "в [MASK]": ["стол"]}

    def fill(model, tokenizer, text, top_k):
        return [[Candidate(word, 0.5) for word in answers[text]]]

    monkeypatch.setattr(probes, "fill_mask", fill)
    questions = [
        Probe("x", "а [MASK]", "=лес"),
        Probe("x", "б [MASK]", "=пёс"),
        Probe("y", "в [MASK]", "=стул"),
    ]
    rows = probes.run(None, None, questions)
    assert [row["rank"] for row in rows] == [2, 1, None]
    result = probes.summary(rows)
    assert result["x"] == {"questions": 2, "top1": 0.5, "top3": 1.0}
    assert result["всего"]["questions"] == 3
