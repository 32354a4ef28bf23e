"""Метрики прикладных задач: те же, что в статьях, и считают их стандартные библиотеки.

Доля верных, F1 и коэффициент Мэтьюса — scikit-learn; корреляции — scipy; F1 сущностей — seqeval.
Точное совпадение и F1 слов, как в SQuAD, библиотек с русским языком не имеют: они здесь.
Все метрики — от 0 до 1 (корреляции и Мэтьюс — от −1 до 1), больше — лучше.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

Answers = Sequence[Any]


def accuracy(truth: Answers, guesses: Answers) -> float:
    """Доля верных ответов."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(truth, guesses))


def f1(truth: Answers, guesses: Answers) -> float:
    """F1 класса 1 — «перифраз» в QQP и MRPC; 0, если его ни разу не назвали."""
    from sklearn.metrics import f1_score

    return float(f1_score(truth, guesses, pos_label=1, average="binary", zero_division=0.0))


def matthews(truth: Answers, guesses: Answers) -> float:
    """Коэффициент корреляции Мэтьюса (CoLA); 0, если все ответы одинаковы."""
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(truth, guesses))


def pearson(truth: Answers, guesses: Answers) -> float:
    """Корреляция Пирсона; 0, если все ответы одинаковы (тогда она не определена)."""
    from scipy.stats import pearsonr

    return _correlation(pearsonr, truth, guesses)


def spearman(truth: Answers, guesses: Answers) -> float:
    """Ранговая корреляция Спирмена; 0, если все ответы одинаковы."""
    from scipy.stats import spearmanr

    return _correlation(spearmanr, truth, guesses)


def _correlation(measure: Callable, truth: Answers, guesses: Answers) -> float:
    if len(set(truth)) < 2 or len(set(guesses)) < 2:
        return 0.0
    return float(measure(truth, guesses).statistic)


def exact_match(truth: Sequence[str], guesses: Sequence[str]) -> float:
    """Доля ответов, совпавших целиком: без оглядки на регистр, знаки и «ё».

    Источник: Rajpurkar et al., 2016 (SQuAD), раздел 6.1; артиклей в русском нет.
    """
    pairs = zip(truth, guesses, strict=True)
    return sum(normalized(a) == normalized(b) for a, b in pairs) / len(truth)


def span_f1(truth: Sequence[str], guesses: Sequence[str]) -> float:
    """Среднее по вопросам F1 общих слов ответа. Источник: тот же раздел."""
    pairs = zip(truth, guesses, strict=True)
    return sum(_word_f1(normalized(a), normalized(b)) for a, b in pairs) / len(truth)


def _word_f1(right: list[str], guess: list[str]) -> float:
    if not right or not guess:  # «ответа нет»: верно только пустое
        return float(right == guess)
    return 2 * sum((Counter(right) & Counter(guess)).values()) / (len(right) + len(guess))


def normalized(answer: str) -> list[str]:
    """Слова ответа: строчными буквами, «е» вместо «ё», без знаков."""
    return re.findall(r"\w+", answer.lower().replace("ё", "е"))


def entity_f1(truth: Sequence[Sequence[str]], guesses: Sequence[Sequence[str]]) -> float:
    """F1 по сущностям целиком: верна та, у которой верны и границы, и вид; считает seqeval.

    Источник: Tjong Kim Sang, De Meulder, 2003 (CoNLL-2003), раздел 2.3. ValueError — предложений
    или меток не поровну.
    """
    from seqeval.metrics import f1_score

    for right, guess in zip(truth, guesses, strict=True):
        if len(right) != len(guess):
            raise ValueError(f"guesses: меток {len(guess)}, а слов в предложении {len(right)}.")
    with warnings.catch_warnings():  # ни одной сущности — 0, и предупреждать не о чем
        warnings.simplefilter("ignore")
        return float(f1_score(list(map(list, truth)), list(map(list, guesses)), zero_division=0))


METRICS: dict[str, Callable[[Answers, Answers], float]] = {
    measure.__name__: measure
    for measure in (
        *(accuracy, f1, matthews, pearson, spearman),
        *(exact_match, span_f1, entity_f1),
    )
}
TITLES = {
    "accuracy": "доля верных",
    "f1": "F1",
    "matthews": "Мэтьюс",
    "pearson": "Пирсон",
    "spearman": "Спирмен",
    "exact_match": "точное совпадение",
    "span_f1": "F1 слов ответа",
    "entity_f1": "F1 сущностей",
}


def evaluate(names: Sequence[str], truth: Answers, guesses: Answers) -> dict[str, float]:
    """Значения метрик по именам. ValueError — ответов нет, не поровну, метрика неизвестна."""
    if not len(truth) or len(truth) != len(guesses):
        raise ValueError(f"guesses: ответов {len(guesses)}, а примеров {len(truth)}.")
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise ValueError(f"names: метрики {unknown[0]!r} нет среди {', '.join(METRICS)}.")
    return {name: METRICS[name](truth, guesses) for name in names}
