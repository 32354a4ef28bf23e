"""Метрики задач против независимых формул на случайных ответах."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from lecture_lib.tasks import metrics

DRAW = np.random.default_rng(0)
CASES = [(DRAW.integers(0, 2, 200), DRAW.integers(0, 2, 200)) for _ in range(5)]


@pytest.mark.parametrize("case", CASES)
def test_classification_metrics_match_scikit_learn_and_their_formulas(case):
    truth, guess = case
    tp, fp = int((truth & guess).sum()), int((~truth.astype(bool) & guess).sum())
    fn, tn = int((truth & ~guess.astype(bool)).sum()), int(((truth + guess) == 0).sum())
    assert metrics.accuracy(truth, guess) == pytest.approx((tp + tn) / 200)
    assert metrics.f1(truth, guess) == pytest.approx(2 * tp / (2 * tp + fp + fn))
    spread = ((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)) ** 0.5
    assert metrics.matthews(truth, guess) == pytest.approx((tp * tn - fp * fn) / spread)
    assert metrics.f1(truth, guess) == pytest.approx(sk.f1_score(truth, guess))
    assert metrics.matthews(truth, guess) == pytest.approx(sk.matthews_corrcoef(truth, guess))


def test_correlations_match_numpy_and_ranks():
    x, noise = DRAW.normal(size=100), DRAW.normal(size=100)
    y = np.exp(x) + noise
    assert metrics.pearson(x, y) == pytest.approx(np.corrcoef(x, y)[0, 1])
    ranks = np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1]
    assert metrics.spearman(x, y) == pytest.approx(ranks)
    assert metrics.spearman(x, np.exp(x)) == pytest.approx(1.0) != metrics.pearson(x, np.exp(x))
    assert metrics.pearson(x, np.zeros(100)) == 0.0


def test_one_answer_for_all_scores_zero():
    truth = [0, 1, 0, 1]
    assert metrics.matthews(truth, [1, 1, 1, 1]) == 0.0
    assert metrics.f1(truth, [0, 0, 0, 0]) == 0.0


def test_squad_metrics():
    truth = ["у Анны", "в субботу", "Пётр", "на вокзале"]
    guess = ["У анны.", "субботу", "Петр", "в парке"]
    assert metrics.exact_match(truth, guess) == pytest.approx(2 / 4)
    # Второй: общее слово одно из двух и одного; четвёртый — ни одного.
    assert metrics.span_f1(truth, guess) == pytest.approx((1 + 2 / 3 + 1 + 0) / 4)
    assert metrics.span_f1(["да да нет"], ["да нет нет"]) == pytest.approx(2 / 3)
    assert metrics.span_f1([""], [""]) == 1.0 and metrics.span_f1(["да"], [""]) == 0.0


def spans(tags):
    """Сущности по BIO, разобранные независимо от seqeval."""
    found, start = set(), None
    for place, tag in enumerate([*tags, "O"]):
        goes_on = start is not None and tag == f"I-{tags[start][2:]}"
        if start is not None and not goes_on:
            found.add((start, place, tags[start][2:]))
            start = None
        if start is None and tag != "O":
            start = place
    return found


def test_entity_f1_matches_spans():
    names = ["O", "O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    truth, guess = (
        [[names[i] for i in DRAW.integers(0, 6, 12)] for _ in range(40)] for _ in range(2)
    )
    pairs = [(spans(a), spans(b)) for a, b in zip(truth, guess, strict=True)]
    both = sum(len(a & b) for a, b in pairs)
    total = sum(len(a) + len(b) for a, b in pairs)
    assert both and metrics.entity_f1(truth, guess) == pytest.approx(2 * both / total)
    assert metrics.entity_f1([["O"]], [["O"]]) == 0.0
    with pytest.raises(ValueError, match="меток 1, а слов в предложении 2"):
        metrics.entity_f1([["O", "O"]], [["O"]])


def test_evaluate():
    found = metrics.evaluate(("accuracy", "f1"), [0, 1, 1], [0, 1, 0])
    assert found == {"accuracy": pytest.approx(2 / 3), "f1": pytest.approx(2 / 3)}
    assert set(metrics.TITLES) == set(metrics.METRICS)
    with pytest.raises(ValueError, match="метрики 'bleu' нет среди accuracy"):
        metrics.evaluate(("bleu",), [0], [0])
    with pytest.raises(ValueError, match="ответов 1, а примеров 2"):
        metrics.evaluate(("accuracy",), [0, 1], [0])
    with pytest.raises(ValueError, match="ответов 0"):
        metrics.evaluate(("accuracy",), [], [])
