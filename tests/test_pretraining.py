"""Предобучение: данные, пары предложений, цели, продолжение после kill -9."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_corpus import sentences, small_encoder, stories

from lecture_lib import pretraining_data
from lecture_lib.config import MaskingConfig, PretrainingConfig
from lecture_lib.heads import PretrainingModel
from lecture_lib.masking import IGNORED
from lecture_lib.pretraining import (
    Question,
    ask_next,
    evaluate,
    new_model,
    pretrain,
    pretraining_loss,
    question_source,
    validation_questions,
)
from lecture_lib.pretraining_data import (
    CONSECUTIVE,
    RANDOM_NEXT,
    Example,
    ExampleStream,
    assemble,
    document_pairs,
    group_by_length,
    tokenize_corpus,
)
from lecture_lib.tokenization import train_byte_level_bpe, train_wordpiece

DOCUMENTS = stories(600)
TOKENIZER = train_wordpiece(sentences(DOCUMENTS), vocab_size=500)
CORPUS = tokenize_corpus(DOCUMENTS, TOKENIZER)
SMALL = small_encoder(len(TOKENIZER), hidden_dropout_prob=0.1)
CONFIG = PretrainingConfig(
    sequence_length=64, batch_size=8, total_steps=12, checkpoint_every=5, precision="fp32"
)
CAUSAL = replace(CONFIG, objective="clm", next_sentence=False)


@pytest.fixture(autouse=True)
def one_thread():
    """Модель крошечная: потоки только мешали бы друг другу."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def rows(batch):
    """Строки батча: настоящие токены, отрезки A и B, метка."""
    for ids, mask, segment, label in zip(
        batch.input_ids, batch.attention_mask, batch.token_type_ids, batch.next_sentence_label,
        strict=True,
    ):  # fmt: skip
        real = ids[mask.bool()].tolist()
        border = real.index(TOKENIZER.sep_token_id)
        assert segment[mask.bool()].tolist() == [0] * (border + 1) + [1] * (len(real) - border - 1)
        yield real, real[1:border], real[border + 1 : -1], int(label)


def test_corpus_holds_the_documents():
    assert CORPUS.documents == len(DOCUMENTS)
    assert CORPUS.sentences == sum(map(len, DOCUMENTS))
    assert CORPUS.ids.dtype == np.uint16
    sentence = int(CORPUS.document_starts[7]) + 2
    start, end = CORPUS.sentence_starts[sentence : sentence + 2]
    expected = TOKENIZER(DOCUMENTS[7][2], add_special_tokens=False).input_ids
    assert CORPUS.ids[start:end].tolist() == expected


def test_corpus_takes_objects_with_sentences():
    """Документы «Городка» — объекты; пустые документы и пустые строки пропускаются."""
    wrap = SimpleNamespace
    objects = [wrap(sentences=[wrap(text=t) for t in document]) for document in DOCUMENTS[:5]]
    invisible = ["\u200b", "\u0301\ufeff"]  # ни пробел, ни токен
    spoilt = wrap(sentences=[invisible[0], *objects[0].sentences, invisible[1]])
    documents = [spoilt, *objects[1:], [], [" "], invisible]
    corpus = tokenize_corpus(iter(documents), TOKENIZER)
    plain = tokenize_corpus(DOCUMENTS[:5], TOKENIZER)
    assert corpus.ids.tolist() == plain.ids.tolist()
    assert corpus.sentence_starts.tolist() == plain.sentence_starts.tolist()
    assert corpus.document_starts.tolist() == plain.document_starts.tolist()
    with pytest.raises(ValueError, match="documents: ни одного"):
        tokenize_corpus([], TOKENIZER)


def test_cache_is_read_instead_of_documents(tmp_path):
    def forbidden():
        raise AssertionError("документы прочитаны второй раз")
        yield

    first = tokenize_corpus(DOCUMENTS, TOKENIZER, cache_folder=tmp_path, key="повести")
    again = tokenize_corpus(forbidden(), TOKENIZER, cache_folder=tmp_path, key="повести")
    assert isinstance(again.ids, np.memmap)
    assert np.array_equal(first.ids, again.ids) and np.array_equal(again.ids, CORPUS.ids)
    assert not list(tmp_path.glob("*.tmp"))
    other = train_wordpiece(sentences(DOCUMENTS[:50]), vocab_size=400)
    with pytest.raises(AssertionError, match="второй раз"):
        tokenize_corpus(forbidden(), other, cache_folder=tmp_path, key="повести")


def test_pairs_are_true_continuations_or_foreign():
    """B — сразу за A в том же документе или целиком за его пределами; половина на половину."""
    neighbours = Counter()
    draw = random.Random(1)
    for document in range(300):
        low, high = (int(CORPUS.sentence_starts[i]) for i in _sentence_range(document))
        for example in document_pairs(CORPUS, document, 61, draw):
            assert low <= example.a_start < example.a_end <= high
            if example.label == CONSECUTIVE:
                assert example.b_start == example.a_end and example.b_end <= high
            elif example.label == RANDOM_NEXT:
                assert example.b_end <= low or example.b_start >= high
            neighbours[example.label] += 1
    share = neighbours[RANDOM_NEXT] / (neighbours[RANDOM_NEXT] + neighbours[CONSECUTIVE])
    assert 0.45 < share < 0.55
    assert neighbours[IGNORED] > 30


def _sentence_range(document):
    return CORPUS.document_starts[document], CORPUS.document_starts[document + 1]


def test_every_sentence_is_used_as_a_first_or_true_second_segment():
    """За проход документа каждое его предложение попадает в примеры ровно один раз."""
    draw = random.Random(0)
    for document in range(100):
        low, high = (int(CORPUS.sentence_starts[i]) for i in _sentence_range(document))
        covered = []
        for example in document_pairs(CORPUS, document, 61, draw):
            covered += range(example.a_start, example.a_end)
            if example.label == CONSECUTIVE:
                covered += range(example.b_start, example.b_end)
        assert covered == list(range(low, high))


def test_label_cannot_be_told_by_length_or_by_first_sentence():
    """Чужой отрезок той же длины и не с начала документа: NSP не решается по форме."""
    draw = random.Random(3)
    lengths = {CONSECUTIVE: [], RANDOM_NEXT: []}
    openings = {int(CORPUS.sentence_starts[i]) for i in CORPUS.document_starts[:-1]}
    for document in range(CORPUS.documents):
        for example in document_pairs(CORPUS, document, 125, draw):
            if example.label != IGNORED:
                lengths[example.label].append(example.b_end - example.b_start)
                assert example.b_start not in openings
    means = [np.mean(values) for values in lengths.values()]
    error = np.hypot(*(np.std(v) / len(v) ** 0.5 for v in lengths.values()))
    assert abs(means[0] - means[1]) < 4 * error


def test_foreign_segment_from_a_short_document_skips_its_first_sentence():
    """Единственный другой документ короче нужного: берётся всё, кроме первого предложения."""
    long, short = [f"Прошёл день {i}." for i in range(9)], ["Вчера.", "Потом ещё.", "И всё."]
    corpus = tokenize_corpus([long, short, ["Одно."]], TOKENIZER)
    begin, second, end = (int(corpus.sentence_starts[i]) for i in (9, 10, 12))
    draw = random.Random(0)
    foreign = [
        example
        for _ in range(200)
        for example in document_pairs(corpus, 0, 61, draw)
        if example.label == RANDOM_NEXT and begin <= example.b_start < end
    ]
    assert min(example.b_start for example in foreign) == second
    assert all(example.b_end <= end for example in foreign)


def test_batch_looks_like_bert_input():
    for real, first, second, label in rows(ExampleStream(CORPUS, CONFIG).batch(3)):
        assert real[0] == TOKENIZER.cls_token_id and real[-1] == TOKENIZER.sep_token_id
        assert len(real) <= 64 and first
        assert bool(second) == (label != IGNORED)
        assert real.count(TOKENIZER.sep_token_id) == (2 if second else 1)


def test_batch_is_a_function_of_seed_and_step():
    one, two = question_source(CORPUS, CONFIG), question_source(CORPUS, CONFIG)
    for step in (130, 3, 64, 130):  # порции запрашиваются вразброс
        left, right = one(step), two(step)
        assert torch.equal(left.input_ids, right.input_ids)
        assert torch.equal(left.labels, right.labels)
    other = question_source(CORPUS, replace(CONFIG, seed=1))(3)
    assert other.input_ids.shape != one(3).input_ids.shape or not torch.equal(
        other.input_ids, one(3).input_ids
    )


def test_masks_are_new_in_every_epoch():
    """Одни и те же тексты в разные шаги скрыты по-разному: маскирование динамическое."""
    tiny = tokenize_corpus(DOCUMENTS[:1], TOKENIZER)
    source = question_source(tiny, replace(CONFIG, next_sentence=False, batch_size=1))
    hidden = {}
    for step in range(40):
        question = source(step)
        for ids, labels in zip(question.batch.input_ids, question.labels, strict=True):
            hidden.setdefault(tuple(ids.tolist()), set()).add(tuple(labels.tolist()))
    assert max(map(len, hidden.values())) > 5


@pytest.mark.parametrize("next_sentence", [True, False])
def test_little_padding_and_steady_token_budget(next_sentence):
    config = PretrainingConfig(sequence_length=128, batch_size=16, next_sentence=next_sentence)
    stream = ExampleStream(CORPUS, config)
    batches = [stream.batch(step) for step in range(128)]
    real = [batch.tokens for batch in batches]
    assert 1 - sum(real) / sum(batch.input_ids.numel() for batch in batches) < 0.05
    assert sum(real) / len(real) == pytest.approx(16 * 128, rel=0.05)
    assert max(real) - min(real) < 0.1 * 16 * 128


def test_documents_are_visited_equally(monkeypatch):
    """Сколько бы порций ни прошло, один документ видели не чаще другого больше чем на раз."""
    monkeypatch.setattr(pretraining_data, "SINGLE_SHARE", 0.0)
    stream = ExampleStream(CORPUS, replace(CONFIG, next_sentence=False))  # документ — один пример
    visits, orders = Counter(), []
    for pool in range(4):
        order = [example.a_start for batch in stream._make_pool(pool) for example in batch]
        visits.update(order)
        orders.append(order)
    assert len(visits) == CORPUS.documents
    assert max(visits.values()) - min(visits.values()) <= 1
    assert orders[0] != orders[1]


def test_group_by_length_keeps_everything():
    draw = random.Random(0)
    examples = [Example(0, draw.choice([5, 5, 5, 60])) for _ in range(100)]
    for count in (1, 7, 99, 100):
        groups = group_by_length(examples, count)
        assert len(groups) == count and all(groups)
        assert Counter(e for g in groups for e in g) == Counter(examples)


def test_long_sentence_is_cut_to_the_model():
    long = tokenize_corpus([["Слово " * 300, "Да."], ["Нет. " * 300]], TOKENIZER)
    for next_sentence in (True, False):
        stream = ExampleStream(long, replace(CONFIG, next_sentence=next_sentence))
        assert max(stream.batch(step).input_ids.shape[1] for step in range(20)) == 64 - (
            1 if next_sentence else 0
        )


def test_nsp_needs_two_documents():
    with pytest.raises(ValueError, match="документов 1"):
        ExampleStream(tokenize_corpus(DOCUMENTS[:1], TOKENIZER), CONFIG)


def test_byte_level_bpe_goes_the_same_way():
    bpe = train_byte_level_bpe(sentences(DOCUMENTS), vocab_size=500)
    corpus = tokenize_corpus(DOCUMENTS, bpe)
    batch = ExampleStream(corpus, CAUSAL).batch(0)
    text = bpe.decode(batch.input_ids[0], skip_special_tokens=True)
    assert any(text.startswith(document[0][:10]) for document in DOCUMENTS) or text in str(
        DOCUMENTS
    )


def test_causal_question_is_the_next_token():
    batch = assemble(CORPUS, [Example(0, 5), Example(0, 3)])
    labels = ask_next(batch).labels.tolist()
    ids = CORPUS.ids[:5].tolist()
    sep = TOKENIZER.sep_token_id
    assert labels[0] == [*ids, sep, IGNORED]
    assert labels[1] == [*ids[:3], sep, IGNORED, IGNORED, IGNORED]


def test_loss_is_mlm_plus_nsp():
    """Сверка с прямым счётом: полные логиты, cross_entropy от torch."""
    model = new_model(SMALL, CONFIG).eval()
    question = question_source(CORPUS, CONFIG)(1)
    batch = question.batch
    loss, metrics = pretraining_loss(model, question)
    full = model(question.input_ids, batch.attention_mask, batch.token_type_ids)
    cross_entropy = torch.nn.functional.cross_entropy
    token = cross_entropy(full.mlm_logits.transpose(1, 2), question.labels)
    pair = cross_entropy(full.nsp_logits, batch.next_sentence_label)
    assert loss.item() == pytest.approx((token + pair).item(), rel=1e-5)
    asked = question.labels != IGNORED
    right = (full.mlm_logits.argmax(-1) == question.labels)[asked].float().mean().item()
    assert metrics["accuracy"] == pytest.approx(right)
    assert metrics["tokens"] == int(batch.attention_mask.sum())
    assert metrics["token_loss"] == pytest.approx(token.item(), rel=1e-5)


def test_batch_of_single_sentences_has_no_pair_loss():
    model = new_model(SMALL, CONFIG)
    question = ask_next(assemble(CORPUS, [Example(0, 5), Example(5, 9)]))
    loss, metrics = pretraining_loss(model, question)
    assert torch.isfinite(loss) and "nsp_loss" not in metrics


def test_batch_without_masks_gives_no_nan():
    """В маленьком батче масок может не быть: потери — ноль, доли верных нет, NaN нет нигде."""
    model = new_model(SMALL, CONFIG).eval()
    batch = assemble(CORPUS, [Example(0, 3)])
    empty = Question(batch.input_ids, torch.full_like(batch.input_ids, IGNORED), batch)
    loss, metrics = pretraining_loss(model, empty)
    assert loss.item() == 0 and "accuracy" not in metrics
    assert evaluate(model, [empty]) == {"loss": 0.0, "accuracy": 0.0}
    asked = validation_questions(CORPUS, CONFIG, count=1)
    assert evaluate(model, [*asked, empty]) == evaluate(model, asked)


def test_validation_questions_do_not_depend_on_the_run():
    left = validation_questions(CORPUS, CONFIG, count=2)
    right = validation_questions(CORPUS, replace(CONFIG, seed=5, learning_rate=1.0), count=2)
    assert all(torch.equal(a.input_ids, b.input_ids) for a, b in zip(left, right, strict=True))


def test_evaluation_weighs_tokens_equally():
    model = new_model(SMALL, CONFIG).eval()
    questions = validation_questions(CORPUS, CONFIG, count=5)
    losses = [pretraining_loss(model, q)[1]["token_loss"] for q in questions]
    weights = [(q.labels != IGNORED).sum().item() for q in questions]
    scores = evaluate(model, questions)
    assert scores["loss"] == pytest.approx(np.average(losses, weights=weights))
    assert set(scores) == {"loss", "accuracy", "nsp_accuracy"}


@pytest.mark.parametrize("objective", ["mlm", "clm"])
def test_pretraining_learns(objective):
    """За сто шагов модель узнаёт больше, чем частоты слов."""
    causal = objective == "clm"
    config = replace(SMALL, is_causal=causal, add_pooling_layer=not causal, hidden_dropout_prob=0.0)
    settings = replace(
        CAUSAL if causal else CONFIG, total_steps=100, batch_size=16, learning_rate=1e-2,
        evaluate_every=100, masking=MaskingConfig(unit="whole_word"),
    )  # fmt: skip
    model, history = pretrain(
        config, settings, CORPUS, validation=tokenize_corpus(stories(100, seed=9), TOKENIZER),
        progress=False,
    )  # fmt: skip
    last = history.rows[-1]
    frequency = np.bincount(CORPUS.ids, minlength=len(TOKENIZER)) / CORPUS.tokens
    entropy = -np.sum(frequency[frequency > 0] * np.log(frequency[frequency > 0]))
    assert last["eval_loss"] < 0.8 * entropy
    assert isinstance(model, PretrainingModel) and ("eval_nsp_accuracy" in last) == (not causal)
    assert last["tokens"] == pytest.approx(100 * 16 * 64, rel=0.05)


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
import test_pretraining as t
import lecture_lib.pretraining as p

source = p.question_source
def deadly(corpus, config):
    question = source(corpus, config)
    def ask(step):
        if step == 8:
            os.kill(os.getpid(), signal.SIGKILL)
        return question(step)
    return ask
p.question_source = deadly
t.torch.set_num_threads(1)
p.pretrain(t.SMALL, t.CONFIG, t.CORPUS, {folder!r}, progress=False)
"""


def test_resume_after_sigkill_is_bit_identical(tmp_path):
    """Маски, dropout и порядок данных после kill -9 те же, что без него."""
    folder = str(tmp_path / "killed")
    program = KILLED.format(tests=os.path.dirname(__file__), folder=folder)
    killed = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    torch.manual_seed(123)  # чужое состояние генератора не должно ничего решать
    before = torch.get_rng_state()
    resumed, _ = pretrain(SMALL, CONFIG, CORPUS, folder, progress=False)
    assert torch.equal(torch.get_rng_state(), before)
    whole, _ = pretrain(SMALL, CONFIG, CORPUS, progress=False)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_other_corpus_does_not_continue_the_run(tmp_path):
    """В той же папке, но на других текстах: модель не смешивает два корпуса молча."""
    short = replace(CONFIG, total_steps=2)
    pretrain(SMALL, short, CORPUS, tmp_path, progress=False)
    same = tokenize_corpus(DOCUMENTS, TOKENIZER, cache_folder=tmp_path / "кэш")
    pretrain(SMALL, short, same, tmp_path, progress=False)
    other = tokenize_corpus(DOCUMENTS[1:], TOKENIZER)
    with pytest.raises(ValueError, match=rf"corpus: было {CORPUS.tokens} токенов"):
        pretrain(SMALL, short, other, tmp_path, progress=False)


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        ({"vocab_size": 100}, {}, "vocab_size = 100"),
        ({"max_position_embeddings": 32}, {}, "sequence_length = 64"),
        ({"is_causal": True}, {}, "is_causal = True"),
        ({"type_vocab_size": 1}, {}, "type_vocab_size = 1"),
        ({"pad_token_id": 3}, {}, "pad_token_id = 3"),
        ({}, {"objective": "clm", "next_sentence": False}, "objective = 'clm'"),
    ],
)
def test_incompatible_settings(model, settings, message):
    with pytest.raises(ValueError, match=message):
        pretrain(replace(SMALL, **model), replace(CONFIG, **settings), CORPUS)


def test_corpus_is_not_cut_by_an_earlier_call():
    """Просьба обрезать текст, сделанная раньше, на корпус не действует."""
    expected = tokenize_corpus(DOCUMENTS, TOKENIZER).tokens
    TOKENIZER("Вчера мы ходили в кино.", truncation=True, max_length=4, padding="max_length")
    assert tokenize_corpus(DOCUMENTS, TOKENIZER).tokens == expected
