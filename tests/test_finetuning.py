"""Дообучение: головы равны голове Hugging Face, эпохи проходят все примеры, остановка вовремя."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
)

from lecture_lib.bert_names import to_hugging_face_names
from lecture_lib.config import EncoderConfig, FinetuningConfig
from lecture_lib.encoder import Encoder
from lecture_lib.finetuning import (
    EncodedExample,
    EncodedSpan,
    assemble,
    epoch_source,
    fine_tune,
    predict,
    steps_per_epoch,
    task_loss,
)
from lecture_lib.heads import (
    FeatureTagger,
    PretrainingModel,
    SequenceClassifier,
    SpanExtractor,
    TokenClassifier,
)
from lecture_lib.masking import IGNORED

SMALL = EncoderConfig(
    vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=32, max_position_embeddings=16,
    hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
)  # fmt: skip
CONFIG = FinetuningConfig(
    batch_size=8, epochs=12, learning_rate=1e-2, precision="fp32", warmup_share=0.1
)


def encoder(seed=0, config=SMALL):
    torch.manual_seed(seed)
    return Encoder(config)


def has_seven(count=96, seed=0):
    """Есть ли в строке токен 7: задача, которой не решить, не глядя на токены."""
    draw = torch.Generator().manual_seed(seed)
    examples = []
    for number in range(count):
        length = 4 + number % 5
        ids = torch.randint(10, 40, (length,), generator=draw).tolist()
        if number % 2:
            ids[number % length] = 7
        row = (2, *ids, 3)
        examples.append(EncodedExample(row, (0,) * len(row), number % 2))
    return examples


def tagging(count=96, seed=0):
    """Метка токена — делится ли номер на три; специальные без метки."""
    return [
        EncodedExample(
            e.input_ids, e.token_type_ids,
            (IGNORED, *(int(i % 3 == 0) for i in e.input_ids[1:-1]), IGNORED),
        )
        for e in has_seven(count, seed)
    ]  # fmt: skip


def question_answering(count=240, seed=0):
    """Отрезок — от токена 7 до следующего за ним; первые два токена — вопрос, и в нём тоже 7."""
    examples = []
    for number, e in enumerate(has_seven(count, seed)):
        ids = [i for i in e.input_ids[1:-1] if i != 7]
        place = number % (len(ids) - 1)
        row = (2, 7, 3, *ids[:place], 7, *ids[place:], 3)
        offsets = tuple((i, i + 1) for i in range(len(ids) + 1))
        labels, segments = (3 + place, 4 + place), (0,) * 3 + (1,) * (len(row) - 3)
        examples.append(EncodedSpan(row, segments, labels, "я" * len(offsets), 3, offsets))
    return examples


def counting(count=96, seed=0):
    """Ответ — число: сколько в строке токенов, делящихся на три."""
    return [
        replace(e, labels=float(sum(i % 3 == 0 for i in e.input_ids[1:-1])))
        for e in has_seven(count, seed)
    ]


def same_weights(ours, theirs, labels):
    """Голова Hugging Face и наша с одними весами; кодировщик Hugging Face без dropout."""
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=16, num_labels=labels,
        attn_implementation="eager",
    )  # fmt: skip
    reference = theirs(config).eval()
    pretrained = PretrainingModel(SMALL)
    model = ours(pretrained.encoder, labels).eval()
    state = to_hugging_face_names(pretrained.state_dict())
    name = "qa_outputs" if ours is SpanExtractor else "classifier"
    state |= {f"{name}.{n}": t for n, t in model.classifier.state_dict().items()}
    assert not reference.load_state_dict(state, strict=False).missing_keys
    return model, reference


def six_rows():
    """Батч с двумя сегментами и дополнением — готовые аргументы модели."""
    batch = assemble(has_seven(6), 0)
    segments = (torch.arange(batch.input_ids.shape[1]) > 3).long().expand_as(batch.input_ids)
    return {
        "input_ids": batch.input_ids,
        "attention_mask": batch.attention_mask,
        "token_type_ids": segments * batch.attention_mask,
    }


@pytest.mark.parametrize(
    ("ours", "theirs", "labels"),
    [
        (SequenceClassifier, BertForSequenceClassification, 3),
        (SequenceClassifier, BertForSequenceClassification, 1),
        (TokenClassifier, BertForTokenClassification, 3),
        (SpanExtractor, BertForQuestionAnswering, 2),
    ],
)
def test_logits_equal_hugging_face(ours, theirs, labels):
    """Те же веса — те же логиты, с сегментами и дополнением."""
    model, reference = same_weights(ours, theirs, labels)
    tensors = six_rows()
    with torch.no_grad():
        wanted, found = reference(**tensors), model(**tensors)
    if ours is SpanExtractor:
        wanted = torch.stack([wanted.start_logits, wanted.end_logits], dim=-1)
    else:
        wanted = wanted.logits
    if ours is not SequenceClassifier:  # состояния дополнения ни на что не влияют
        real = tensors["attention_mask"].bool()
        wanted, found = wanted[real], found[real]
    assert torch.allclose(found, wanted, atol=1e-5)


def test_span_loss_equals_hugging_face():
    """Без дополнения потеря отрезка — та же; с дополнением наша от соседей по батчу не зависит."""
    model, reference = same_weights(SpanExtractor, BertForQuestionAnswering, 2)
    spans = [replace(e, labels=(2, 3)) for e in question_answering(40) if len(e.input_ids) == 8]
    batch = assemble(spans[:4], 0)
    with torch.no_grad():
        wanted = reference(
            input_ids=batch.input_ids,
            token_type_ids=batch.token_type_ids,
            start_positions=batch.labels[:, 0],
            end_positions=batch.labels[:, 1],
        ).loss
        together = [spans[0], max(question_answering(40), key=lambda e: len(e.input_ids))]
        alone = [task_loss(model, assemble([e], 0))[0] for e in together]
        assert torch.allclose(task_loss(model, batch)[0], wanted, atol=1e-5)
        mixed = task_loss(model, assemble(together, 0))[0]
    assert torch.allclose(mixed, torch.stack(alone).mean(), atol=1e-5)


@pytest.mark.parametrize(
    ("head", "data"),
    [
        (SequenceClassifier, has_seven),
        (TokenClassifier, tagging),
        (SpanExtractor, question_answering),
    ],
)
def test_learns_a_rule_it_has_not_seen_verbatim(head, data):
    """Дообученная модель отвечает верно на новых примерах, а начальная — нет."""
    model, test = head(encoder(), 2), data(60, seed=5)

    def share(model):
        pairs = []
        for answer, example in zip(predict(model, test), test, strict=True):
            wanted = example.labels
            if head is TokenClassifier:
                pairs += zip(answer, [n for n in wanted if n != IGNORED], strict=True)
            else:
                pairs.append((answer, wanted))
        return sum(a == b for a, b in pairs) / len(pairs)

    assert share(model) < 0.8
    fine_tune(model, data(), CONFIG, progress=False)
    assert share(model) > 0.93


def test_learns_to_count():
    """Регрессия: ошибка на новых примерах впятеро меньше, чем у ответа «всегда среднее»."""
    model, test = SequenceClassifier(encoder(), 1), counting(60, seed=5)
    fine_tune(model, counting(200), replace(CONFIG, epochs=20), progress=False)
    truth = torch.tensor([e.labels for e in test])
    error = (torch.tensor(predict(model, test)) - truth).square().mean()
    assert error < truth.var() / 5


def test_frozen_encoder_does_not_move():
    """Учится только голова, dropout кодировщика молчит; после обучения всё оттаивает."""
    noisy = replace(SMALL, hidden_dropout_prob=0.5, attention_probs_dropout_prob=0.5)
    model = SequenceClassifier(encoder(config=noisy), 2)
    before = {n: p.clone() for n, p in model.named_parameters()}
    modes = []
    model.encoder.embeddings.register_forward_hook(lambda m, *_: modes.append(m.training))
    fine_tune(model, has_seven(16), replace(CONFIG, frozen=True, epochs=2), progress=False)
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {"classifier.weight", "classifier.bias"}
    assert modes and not any(modes)
    assert all(p.requires_grad for p in model.parameters())
    fine_tune(model, has_seven(16), replace(CONFIG, epochs=1), progress=False)
    assert all(modes[4:]) and not torch.equal(
        model.encoder.embeddings.word_embeddings.weight,
        before["encoder.embeddings.word_embeddings.weight"],
    )


def test_feature_tagger_reads_the_last_layers_and_trains_only_itself():
    model = FeatureTagger(encoder(), 2, layers=2)
    assert model.lstm.input_size == 2 * SMALL.hidden_size
    frozen = {n: p.clone() for n, p in model.encoder.named_parameters()}
    fine_tune(model, tagging(32), replace(CONFIG, epochs=2), progress=False)
    assert all(torch.equal(p, frozen[n]) for n, p in model.encoder.named_parameters())
    with pytest.raises(ValueError, match="layers = 5: слоёв у кодировщика 2"):
        FeatureTagger(encoder(), 2, layers=5)


def test_feature_tagger_does_not_look_at_padding():
    """Ответ строки не зависит от того, с кем она в батче."""
    model = FeatureTagger(encoder(), 3, layers=2).eval()
    examples = tagging(5)
    together = assemble(examples, 0)
    logits = model(together.input_ids, together.attention_mask, together.token_type_ids)
    for row, example in enumerate(examples):
        alone = assemble([example], 0)
        own = model(alone.input_ids, alone.attention_mask, alone.token_type_ids)[0]
        assert torch.allclose(logits[row, : len(own)], own, atol=1e-5)


def test_epoch_visits_every_example_once_and_in_a_new_order():
    examples, config = has_seven(50), replace(CONFIG, batch_size=8)
    steps = steps_per_epoch(examples, config)
    assert steps == math.ceil(50 / 8)
    batch = epoch_source(examples, config, 0)

    def epoch(number):
        rows = []
        for step in range(number * steps, (number + 1) * steps):
            found = batch(step)
            for ids, mask in zip(found.input_ids, found.attention_mask, strict=True):
                rows.append(tuple(ids[mask.bool()].tolist()))
        return rows

    first, second = epoch(0), epoch(1)
    wanted = sorted(e.input_ids for e in examples)
    assert sorted(first) == sorted(second) == wanted
    assert first != second
    assert first == epoch(0)  # номер шага решает всё, в каком порядке ни спрашивай


def test_early_stopping_keeps_the_best_epoch():
    """Метрика растёт до третьей эпохи, потом падает: веса — от третьей, обучение кончено."""
    model, seen = SequenceClassifier(encoder(), 2), []

    def score(model):
        seen.append(model.classifier.weight.detach().clone())
        return [0.1, 0.2, 0.9, 0.3, 0.2, 0.1][len(seen) - 1]

    history = fine_tune(
        model, has_seven(16), replace(CONFIG, epochs=6), score=score, patience=2, progress=False
    )
    assert len(seen) == 5 and not history.interrupted
    assert torch.equal(model.classifier.weight, seen[2])
    assert history.column("eval_score")[1] == [0.1, 0.2, 0.9, 0.3, 0.2]


SPAN = question_answering(1)[0]


@pytest.mark.parametrize(
    ("head", "labels", "example", "message"),
    [
        (SequenceClassifier, 2, EncodedExample((2, *range(10, 30), 3), (0,) * 22, 1),
         r"examples\[0\]: 22 токенов, а помещается 16"),
        (SequenceClassifier, 2, EncodedExample((2, 11, 3), (0,) * 3, 2),
         r"метка 2 невозможна, классов у модели 2"),
        (SequenceClassifier, 2, EncodedExample((2, 11, 3), (0,) * 3, (IGNORED, 1, IGNORED)),
         r"голова ждёт номер класса"),
        (SequenceClassifier, 2, EncodedExample((2, 11, 3), (0,) * 3, 0.5),
         r"метка 0\.5, а голова ждёт номер класса"),
        (SequenceClassifier, 1, EncodedExample((2, 11, 3), (0,) * 3, math.nan),
         r"ответ nan, а голова ждёт конечное число"),
        (TokenClassifier, 2, EncodedExample((2, 11, 3), (0,) * 3, (IGNORED, -1, IGNORED)),
         r"метка -1 невозможна"),
        (TokenClassifier, 2, EncodedExample((2, 11, 3), (0,) * 3, (1, 1)),
         r"по метке на каждый из 3 токенов"),
        (SpanExtractor, 2, EncodedExample((2, 11, 3), (0,) * 3, (1, 1)), r"EncodedSpan"),
        (SpanExtractor, 2, replace(SPAN, labels=(1, 1)), r"отрезок 1…1 вне текста: его токены"),
        (SpanExtractor, 2, replace(SPAN, labels=(4, 3)), r"отрезок 4…3 вне текста"),
    ],
)  # fmt: skip
def test_bad_examples_are_refused(head, labels, example, message):
    with pytest.raises(ValueError, match=message):
        fine_tune(head(encoder(), labels), [example], CONFIG, progress=False)


def test_nothing_to_learn_from():
    with pytest.raises(ValueError, match="ни одного примера"):
        fine_tune(SequenceClassifier(encoder(), 2), [], CONFIG, progress=False)
    with pytest.raises(ValueError, match="patience = 2"):
        fine_tune(SequenceClassifier(encoder(), 2), has_seven(4), CONFIG, patience=2)
    with pytest.raises(ValueError, match="num_labels = 3: у отрезка два логита"):
        SpanExtractor(encoder(), 3)
    with pytest.raises(ValueError, match="num_labels = 0"):
        SequenceClassifier(encoder(), 0)
    with pytest.raises(ValueError, match="num_labels = 1"):
        TokenClassifier(encoder(), 1)
