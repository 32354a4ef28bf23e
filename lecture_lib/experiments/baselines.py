"""Базовые модели задач: большинство и мешок слов — ниже них BERT быть не должен.

Мешок слов (bag of words) — частоты слов и пар соседних слов и логистическая регрессия
(scikit-learn). Пара текстов — слова с пометой стороны, их произведение (есть с обеих сторон) и
модуль разности (есть только с одной). У разметки «мешок» — само слово и соседи по одному с каждой
стороны. У отрезка — слова вопроса вместе со словами кандидата и его соседями.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lecture_lib.tasks import load_task
from lecture_lib.tasks.common import Example, SpanExample, TaggedExample, Task, TextExample
from lecture_lib.tasks.metrics import evaluate

ITERATIONS = 300
LONGEST_ANSWER = 2  # слов в кандидате на ответ
WRONG_CANDIDATES = 12  # неверных кандидатов на вопрос при обучении
SPAN_QUESTIONS = 1500  # вопросов, на которых учится мешок слов для отрезков

Scores = dict[str, float]


def run(
    task: Task | str, split: str = "validation", count: int | None = None, seed: int = 0
) -> dict[str, Scores]:
    """Метрики базовых моделей на доле split: {majority: {…}, bag_of_words: {…}}.

    count — сколько обучающих примеров взять (по умолчанию все). ValueError — нет задачи или доли.
    """
    task = load_task(task) if isinstance(task, str) else task
    train, dev = task.examples("train", count, seed), task.examples(split, seed=seed)
    truth = [answer_of(example, task) for example in dev]
    return {
        "majority": evaluate(task.metrics, truth, majority(train, dev, task)),
        "bag_of_words": evaluate(task.metrics, truth, bag_of_words(train, dev, task)),
    }


def answer_of(example: Example, task: Task) -> Any:
    """Верный ответ: номер класса, число, текст отрезка или список меток."""
    if isinstance(example, SpanExample):
        return example.answer
    return list(example.tags) if isinstance(example, TaggedExample) else example.label


def majority(train: Sequence[Example], dev: Sequence[Example], task: Task) -> list[Any]:
    """Самый частый ответ обучающих примеров; у чисел — среднее."""
    if task.is_regression:
        return [float(np.mean([example.label for example in train]))] * len(dev)
    if task.kind == "tags":
        common = Counter(tag for example in train for tag in example.tags).most_common(1)[0][0]
        return [[common] * len(example.tags) for example in dev]
    return [Counter(answer_of(e, task) for e in train).most_common(1)[0][0]] * len(dev)


def bag_of_words(train: Sequence[Example], dev: Sequence[Example], task: Task) -> list[Any]:
    """Ответы мешка слов."""
    if task.kind == "span":
        return _answer_spans(train[:SPAN_QUESTIONS], dev)
    if task.kind == "tags":
        return _tag_words(train, dev)
    return _classify(train, dev, task)


def _classify(train: Sequence[TextExample], dev: Sequence[TextExample], task: Task) -> list[Any]:
    from sklearn.linear_model import LogisticRegression, Ridge

    vectorizer = _fitted([t for e in train for t in (e.first, e.second) if t])
    # liblinear в несколько раз быстрее, но знает только два класса.
    solver = "liblinear" if len(task.labels) == 2 else "lbfgs"
    logistic = LogisticRegression(max_iter=ITERATIONS, solver=solver)
    model = Ridge() if task.is_regression else logistic
    model.fit(text_features(train, vectorizer), [example.label for example in train])
    return model.predict(text_features(dev, vectorizer)).tolist()


def _fitted(texts: Sequence[str]):
    from sklearn.feature_extraction.text import CountVectorizer

    # Односложные «в», «с», «я» — тоже слова: обычный шаблон scikit-learn их выбросил бы.
    return CountVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[?!]", min_df=2).fit(texts)


def text_features(examples: Sequence[TextExample], vectorizer):
    """Признаки примеров: (B, V), у пар — (B, 4·V): две стороны, произведение, разность."""
    from scipy.sparse import hstack

    first = vectorizer.transform([example.first for example in examples])
    if not any(example.second for example in examples):
        return first
    second = vectorizer.transform([example.second for example in examples])
    return hstack([first, second, first.multiply(second), abs(first - second)]).tocsr()


def _tag_words(train: Sequence[TaggedExample], dev: Sequence[TaggedExample]) -> list[list[str]]:
    model = _with_features("lbfgs")
    model.fit(
        [f for e in train for f in word_features(e.words)], [t for e in train for t in e.tags]
    )
    return [model.predict(list(word_features(example.words))).tolist() for example in dev]


def word_features(words: Sequence[str]) -> Iterator[dict[str, int]]:
    """Признаки каждого слова: оно само и соседи; регистр модель не видит, как и наш BERT."""
    lower = ["^", *(word.lower() for word in words), "$"]
    for place in range(1, len(lower) - 1):
        yield {
            f"слово {lower[place]}": 1,
            f"слева {lower[place - 1]}": 1,
            f"справа {lower[place + 1]}": 1,
        }


def _with_features(solver: str):
    """Признаки-словари -> логистическая регрессия."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(DictVectorizer(), LogisticRegression(max_iter=ITERATIONS, solver=solver))


def _answer_spans(train: Sequence[SpanExample], dev: Sequence[SpanExample]) -> list[str]:
    draw = random.Random(0)
    features, labels = [], []
    for example in train:
        found = list(candidates(example))
        right = [text == example.answer and start == example.start for text, start, _ in found]
        wrong = [place for place, is_right in enumerate(right) if not is_right]
        kept = draw.sample(wrong, min(WRONG_CANDIDATES, len(wrong)))
        for place in [*kept, *(place for place, is_right in enumerate(right) if is_right)]:
            features.append(found[place][2])
            labels.append(right[place])
    model = _with_features("lbfgs").fit(features, labels)
    answers = []
    for example in dev:
        found = list(candidates(example))
        scores = model.predict_proba([known for _, _, known in found])[:, 1]
        answers.append(found[int(scores.argmax())][0])
    return answers


def candidates(example: SpanExample) -> Iterator[tuple[str, int, dict[str, int]]]:
    """Отрезки текста до LONGEST_ANSWER слов: сам отрезок, где начинается, признаки."""
    words = list(re.finditer(r"[\w-]+", example.context))
    asked = re.findall(r"\w+", example.question.lower())
    inside = [word[0].lower() in asked for word in words]
    for first in range(len(words)):
        for last in range(first, min(first + LONGEST_ANSWER, len(words))):
            start, end = words[first].start(), words[last].end()
            around = range(max(0, first - 6), min(len(words), last + 7))
            near = sum(inside[place] for place in around)
            said = [word[0].lower() for word in words[first : last + 1]]
            before = words[first - 1][0].lower() if first else "^"
            known = {f"{asked[0]} {asked[1]}: {word}": 1 for word in said}
            known |= {f"{asked[0]} {asked[1]}: после {before}": 1, f"слов {len(said)}": 1}
            known |= {"слов вопроса рядом": near, "само из вопроса": any(inside[first : last + 1])}
            yield example.context[start:end], start, known
