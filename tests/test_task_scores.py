"""Задача любого вида: примеры -> номера -> ответы -> метрика; отложенная часть; кэш."""

from __future__ import annotations

import pytest
import torch

from lecture_lib.config import FinetuningConfig
from lecture_lib.experiments import task_scores
from lecture_lib.experiments.task_scores import (
    encode_task,
    fresh_encoder,
    hold_out,
    measure,
    new_head,
    prepare_task,
    tune,
)
from lecture_lib.heads import SequenceClassifier, SpanExtractor, TokenClassifier
from lecture_lib.masking import IGNORED
from lecture_lib.tasks.common import SpanExample, TaggedExample, Task, TextExample
from lecture_lib.tokenization import train_wordpiece
from tests.small_corpus import sentences, small_encoder, stories

TEXTS = sorted(set(sentences(stories(60))))
TOKENIZER = train_wordpiece(TEXTS, 400)


def task(kind, labels, metrics, examples):
    sizes = {"train": len(examples), "validation": 4}
    return Task("проба", "Проба", kind, labels, metrics, sizes, lambda split, n, seed: examples[:n])


PAIRS = task(
    "pair", ("нет", "да"), ("matthews", "accuracy"),
    [TextExample(text, TEXTS[i % 7], i % 2) for i, text in enumerate(TEXTS[:30])],
)  # fmt: skip
NUMBERS = task(
    "pair", (), ("pearson",),
    [TextExample(text, TEXTS[i % 7], i / 3) for i, text in enumerate(TEXTS[:30])],
)  # fmt: skip
TAGS = task(
    "tags", ("O", "B-PER"), ("entity_f1",),
    [
        TaggedExample(tuple(text.split()), ("O", "B-PER", *["O"] * (len(text.split()) - 2)))
        for text in TEXTS[:30]
    ],
)  # fmt: skip
SPANS = task(
    "span", (), ("span_f1", "exact_match"),
    [
        SpanExample("Кто это?", text, text.split()[1], text.index(text.split()[1]))
        for text in TEXTS[:30]
    ],
)  # fmt: skip
EVERY = [PAIRS, NUMBERS, TAGS, SPANS]


@pytest.mark.parametrize("example_task", EVERY, ids=lambda t: f"{t.kind}-{t.metrics[0]}")
def test_right_answers_score_one_and_wrong_ones_less(example_task, monkeypatch):
    """Если модель отвечает верно, каждая метрика равна единице; сдвинутые ответы — хуже."""
    encoded = encode_task(example_task, example_task.examples("train"), TOKENIZER)
    truth = [
        [n for n in e.labels if n != IGNORED] if example_task.kind == "tags" else e.labels
        for e in encoded
    ]
    monkeypatch.setattr(task_scores, "predict", lambda model, examples: truth)
    assert measure(example_task, None, encoded) == dict.fromkeys(
        example_task.metrics, pytest.approx(1.0)
    )
    wrong = truth[7:] + truth[:7]
    if example_task.kind == "tags":
        wrong = [[1 - n for n in tags] for tags in truth]
    if example_task.kind == "span":
        wrong = [(e.first, e.first) for e in encoded]  # первое слово, а верно второе
    monkeypatch.setattr(task_scores, "predict", lambda model, examples: wrong)
    assert all(value < 0.9 for value in measure(example_task, None, encoded).values())


def test_kind_of_task_chooses_the_head():
    encoder = fresh_encoder(small_encoder(len(TOKENIZER)), 0)
    heads = [new_head(each, encoder, 0) for each in EVERY]
    wanted = [SequenceClassifier, SequenceClassifier, TokenClassifier, SpanExtractor]
    assert [type(head) for head in heads] == wanted
    assert [head.classifier.out_features for head in heads] == [2, 1, 2, 2]
    assert [head.answer for head in heads] == ["class", "number", "tags", "span"]


def test_seed_decides_the_weights_and_the_common_generator_stays():
    before = torch.get_rng_state()
    first, again, other = (fresh_encoder(small_encoder(50), seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    one, two, three = (e.embeddings.word_embeddings.weight for e in (first, again, other))
    assert torch.equal(one, two) and not torch.equal(one, three)


@pytest.mark.parametrize("example_task", EVERY, ids=lambda t: f"{t.kind}-{t.metrics[0]}")
def test_tune_trains_and_stops_on_held_out_training_examples(example_task, tmp_path, monkeypatch):
    """Обучение идёт на одной части, остановка смотрит на другую; проверочная доля не участвует."""
    encoded = prepare_task(example_task, TOKENIZER, tmp_path)
    seen = []
    monkeypatch.setattr(
        task_scores, "measure",
        lambda task, model, examples: seen.append(examples) or {task.metrics[0]: 0.5},
    )  # fmt: skip
    config = FinetuningConfig(epochs=4, precision="fp32")
    encoder = fresh_encoder(small_encoder(len(TOKENIZER)), 0)
    before = encoder.embeddings.word_embeddings.weight.clone()
    tune(example_task, encoder, encoded["train"], config, patience=1)
    assert seen == [hold_out(encoded["train"])[1]] * 2  # вторая эпоха не лучше первой — стоп
    assert not torch.equal(before, encoder.embeddings.word_embeddings.weight)


def test_hold_out_divides_without_loss():
    first, second = hold_out(list(range(95)))
    assert len(second) == 9 and sorted(first + second) == list(range(95))
    assert hold_out(list(range(95)))[1] == second
    alternating = [i % 10 for i in range(400)]  # каждый десятый был бы одним и тем же
    assert len(set(hold_out(alternating)[1])) > 5
    with pytest.raises(ValueError, match="примеров 9, а нужно хотя бы 10"):
        hold_out(list(range(9)))


@pytest.mark.parametrize("example_task", [TAGS, SPANS], ids=lambda t: t.kind)
def test_prepared_examples_survive_the_disk(example_task, tmp_path):
    made = prepare_task(example_task, TOKENIZER, tmp_path, {"train": 12})
    assert {split: len(found) for split, found in made.items()} == {"train": 12, "validation": 4}
    assert made["train"] == encode_task(example_task, example_task.examples("train", 12), TOKENIZER)
    assert prepare_task(example_task, TOKENIZER, tmp_path) == made  # из файла
