"""Дистилляция: три потери по определению, учитель заморожен, продолжение бит в бит."""

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from small_corpus import sentences, small_encoder, stories

from lecture_lib.config import DistillationConfig, MaskingConfig
from lecture_lib.distillation import (
    check_pair,
    distill,
    distillation_loss,
    new_student,
    spread_layers,
    student_from_teacher,
    teacher_output,
    weights_fingerprint,
)
from lecture_lib.heads import PretrainingModel
from lecture_lib.masking import IGNORED
from lecture_lib.pretrained import load_pretrained, save_pretrained
from lecture_lib.pretraining import question_source
from lecture_lib.pretraining_data import tokenize_corpus
from lecture_lib.tokenization import train_wordpiece

DOCUMENTS = stories(200)
TOKENIZER = train_wordpiece(sentences(DOCUMENTS), vocab_size=300)
CORPUS = tokenize_corpus(DOCUMENTS, TOKENIZER)
SMALL = small_encoder(
    len(TOKENIZER), num_hidden_layers=4, hidden_dropout_prob=0.1, initializer_range=0.2
)
CONFIG = DistillationConfig(
    sequence_length=32, batch_size=8, total_steps=12, checkpoint_every=5, precision="fp32",
    masking=MaskingConfig(probability=0.3), learning_rate=3e-3,
)  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread():
    """Модель крошечная: потоки только мешали бы друг другу."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def teacher():
    torch.manual_seed(0)
    return PretrainingModel(SMALL).eval()


@pytest.fixture
def student(teacher):
    return student_from_teacher(teacher, (0, 3))


def question(config=CONFIG):
    """Батч с вопросами, в котором есть и дополнение, и места без вопроса."""
    source = question_source(CORPUS, config)
    found = next(q for q in map(source, range(64)) if not q.batch.attention_mask.all())
    assert (found.labels == IGNORED).any() and (found.labels != IGNORED).any()
    return found


def same_weights(left, right):
    pairs = zip(left.state_dict().values(), right.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


# ------------------------------------------------------------------ ученик из слоёв учителя


def test_spread_layers_are_the_authors_layers():
    """Из двенадцати шесть — список из кода DistilBERT; первый и последний слои есть всегда."""
    assert spread_layers(12, 6) == (0, 2, 4, 7, 9, 11)
    assert spread_layers(6, 3) == (0, 2, 5)
    assert spread_layers(4, 4) == (0, 1, 2, 3) and spread_layers(12, 1) == (0,)
    with pytest.raises(ValueError, match="kept = 5"):
        spread_layers(4, 5)


@torch.no_grad()
def test_student_with_all_layers_reads_like_the_teacher(teacher):
    """Все слои взяты — на одиночном тексте логиты те же; о втором сегменте ученик не знает."""
    student = student_from_teacher(teacher, range(4))
    ids = torch.randint(5, len(TOKENIZER), (3, 9), generator=torch.Generator().manual_seed(0))
    mask = (torch.arange(9) < torch.tensor([[9], [6], [2]])).long()
    ours, theirs = student(ids, mask), teacher(ids, mask)
    assert torch.allclose(ours.mlm_logits, theirs.mlm_logits, atol=1e-5)
    second = torch.ones_like(ids)
    assert torch.equal(student(ids, mask, second).mlm_logits, ours.mlm_logits)
    changed = (teacher(ids, mask, second).mlm_logits - theirs.mlm_logits).abs().max()
    assert changed > 0.01


def test_student_takes_the_named_layers(teacher):
    """Слои — те, что названы, в том же порядке; веса — копии, правка ученика учителя не трогает."""
    before = copy.deepcopy(teacher)
    student = student_from_teacher(teacher, (1, 3))
    assert (student.config.num_hidden_layers, student.config.type_vocab_size) == (2, 0)
    assert student.encoder.pooler is None and student.nsp_head is None
    for ours, theirs in zip(student.encoder.layers, (1, 3), strict=True):
        assert same_weights(ours, teacher.encoder.layers[theirs])
    assert same_weights(student.mlm_head, teacher.mlm_head)
    assert student.mlm_head.decoder.weight is student.encoder.embeddings.word_embeddings.weight
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.zero_()
    assert same_weights(teacher, before)


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ((), "layers пуст"),
        ((0, 4), "слоя 4 нет"),
        ((-1,), "layers = -1"),
        ((2, 1), "по возрастанию"),
        ((1, 1), "без повторов"),
    ],
)
def test_impossible_layers_are_named(teacher, layers, said):
    with pytest.raises(ValueError, match=said):
        student_from_teacher(teacher, layers)


def test_student_is_saved_as_a_checkpoint(tmp_path, student):
    again = load_pretrained(save_pretrained(student, tmp_path, {}))
    assert again.config == student.config and again.nsp_head is None


# ------------------------------------------------------------------ функция потерь


def test_loss_is_the_weighted_sum_of_three(teacher, student):
    """Каждая потеря — по определению: по полным логитам и состояниям, места отобраны здесь."""
    asked = question()
    total, metrics = distillation_loss(student, teacher, asked, CONFIG)
    inputs = (asked.input_ids, asked.batch.attention_mask, asked.batch.token_type_ids)
    with torch.no_grad():
        ours = student(*inputs, output_hidden_states=True)
        theirs = teacher(*inputs, output_hidden_states=True)
    places, real = asked.labels != IGNORED, asked.batch.attention_mask.bool()
    temperature = CONFIG.temperature
    expected = {
        "ce_loss": F.kl_div(
            (ours.mlm_logits[places] / temperature).log_softmax(-1),
            (theirs.mlm_logits[places] / temperature).softmax(-1),
            reduction="batchmean",
        ) * temperature**2,
        "mlm_loss": F.cross_entropy(ours.mlm_logits[places], asked.labels[places]),
        "cos_loss": 1 - F.cosine_similarity(
            ours.hidden_states[-1][real], theirs.hidden_states[-1][real]
        ).mean(),
    }  # fmt: skip
    for name, value in expected.items():
        assert metrics[name] == pytest.approx(value.item(), rel=1e-4), name
    weighted = 5 * metrics["ce_loss"] + 2 * metrics["mlm_loss"] + metrics["cos_loss"]
    assert total.item() == pytest.approx(weighted, rel=1e-5)
    assert metrics["tokens"] == int(asked.batch.attention_mask.sum())


@pytest.mark.parametrize("left_out", ("ce", "mlm", "cos"))
def test_zero_weight_removes_the_loss(teacher, student, left_out):
    """Потери с нулевым весом нет ни в сумме, ни в журнале; остальные прежние."""
    _, whole = distillation_loss(student, teacher, question(), CONFIG)
    config = replace(CONFIG, **{f"alpha_{left_out}": 0.0})
    total, metrics = distillation_loss(student, teacher, question(), config)
    assert whole.keys() - metrics.keys() == {f"{left_out}_loss"}
    weights = {name: getattr(config, f"alpha_{name}") for name in ("ce", "mlm", "cos")}
    left = sum(w * whole[f"{name}_loss"] for name, w in weights.items() if w)
    assert total.item() == pytest.approx(left, rel=1e-5)


def test_teacher_answers_only_where_asked(teacher, student, monkeypatch):
    """Выход в словарь считается на спрошенных местах; без потерь учителя он не считает вовсе."""
    asked = question()
    seen = []
    forward = teacher.mlm_head.forward
    monkeypatch.setattr(teacher.mlm_head, "forward", lambda s: seen.append(s.shape) or forward(s))
    distillation_loss(student, teacher, asked, CONFIG)
    count = int((asked.labels != IGNORED).sum())
    assert seen == [(count, SMALL.hidden_size)] and 0 < count < asked.batch.tokens
    distillation_loss(student, teacher, asked, replace(CONFIG, alpha_ce=0, alpha_cos=0))
    assert len(seen) == 1


def test_gradient_reaches_the_student_only(teacher, student):
    total, _ = distillation_loss(student, teacher, question(), CONFIG)
    total.backward()
    assert all(p.grad is None for p in teacher.parameters())
    assert all(p.grad is not None for p in student.parameters())


def test_teacher_in_training_mode_is_refused(teacher):
    with pytest.raises(ValueError, match="режиме обучения"):
        teacher_output(teacher.train(), question())


# ------------------------------------------------------------------ обучение


def run(teacher, student, folder=None, config=CONFIG, **settings):
    settings = {"log_every": 4, "progress": False} | settings
    return distill(teacher, student, config, CORPUS, folder, **settings)


def test_student_learns_and_the_teacher_stays(teacher, student):
    """Потери падают; учитель, исходный ученик и общий генератор torch — прежние."""
    before, start, random = copy.deepcopy(teacher), copy.deepcopy(student), torch.get_rng_state()
    trained, history = run(teacher.train(), student, config=replace(CONFIG, total_steps=20))
    for name in ("ce_loss", "mlm_loss", "cos_loss", "loss"):
        _, values = history.column(name)
        assert values[-1] < 0.95 * values[0], name
    assert same_weights(teacher, before) and same_weights(student, start)
    assert teacher.training and all(p.grad is None for p in teacher.parameters())
    assert not same_weights(trained, start) and not trained.training
    assert torch.equal(torch.get_rng_state(), random)


def test_teacher_answers_without_dropout(teacher, student):
    """Учителя отдали в режиме обучения — цели всё равно те же: на время он переведён в eval."""
    quiet, _ = run(teacher, student)
    noisy, _ = run(teacher.train(), student)
    assert same_weights(quiet, noisy)


def test_interrupted_distillation_is_bit_identical(tmp_path, teacher, student):
    """Обучение упало посреди шага; тот же вызов приходит к тем же весам и тому же журналу."""
    whole, expected = run(teacher, student, tmp_path / "целиком")
    forward, calls = teacher.forward, []

    def fail_later(*inputs, **settings):
        calls.append(1)
        if len(calls) == 8:
            raise RuntimeError("нарочно")
        return forward(*inputs, **settings)

    teacher.forward = fail_later
    with pytest.raises(RuntimeError, match="нарочно"):
        run(teacher, student, tmp_path / "прервано")
    resumed, history = run(teacher, student, tmp_path / "прервано")
    assert len(calls) == 8 + 12 - 5  # продолжено с чекпойнта, а не с начала
    assert same_weights(resumed, whole)
    for name in ("step", "loss", "ce_loss", "mlm_loss", "cos_loss", "tokens"):
        assert history.column(name) == expected.column(name)


def test_other_teacher_or_start_does_not_continue_the_run(tmp_path, teacher, student):
    """С чужим учителем или с другого начала обучение не продолжается: веса вышли бы ничьи."""
    run(teacher, student, tmp_path)
    other = PretrainingModel(SMALL).eval()
    with pytest.raises(ValueError, match="teacher: было"):
        run(other, student, tmp_path)
    with pytest.raises(ValueError, match="student: было"):
        run(teacher, student_from_teacher(teacher, (1, 2)), tmp_path)
    assert weights_fingerprint(student) == weights_fingerprint(copy.deepcopy(student))


def test_validation_is_the_same_held_out_loss(teacher, student):
    """Отложенные потери — те же, что у предобучения: их можно сравнивать с потерями учителя."""
    _, history = run(teacher, student, validation=CORPUS)
    assert {"eval_loss", "eval_accuracy"} <= history.rows[-1].keys()


@pytest.mark.parametrize(
    ("change", "settings", "said"),
    [
        ({"hidden_size": 16}, {}, "hidden_size = 16, а у учителя 32"),
        ({"vocab_size": 999}, {}, "vocab_size = 999"),
        ({"max_position_embeddings": 20}, {}, "не больше 20"),
        ({"is_causal": True}, {}, "is_causal = True"),
    ],
)
def test_pair_that_does_not_fit_is_refused(teacher, change, settings, said):
    config = replace(SMALL, type_vocab_size=0, add_pooling_layer=False, **change)
    with pytest.raises(ValueError, match=said):
        check_pair(teacher, new_student(config), replace(CONFIG, **settings), CORPUS)


def test_narrow_student_learns_without_the_cosine(teacher):
    """Без косинуса ширина ученика свободна; с головой NSP ученик не принимается."""
    config = replace(SMALL, hidden_size=16, type_vocab_size=0, add_pooling_layer=False)
    check_pair(teacher, new_student(config), replace(CONFIG, alpha_cos=0), CORPUS)
    with pytest.raises(ValueError, match="голова NSP"):
        check_pair(teacher, copy.deepcopy(teacher), CONFIG, CORPUS)


def test_pairs_of_segments_are_read_too(teacher, student):
    """next_sentence=True: отрезки парами, учитель различает сегменты, потери NSP нет."""
    config = replace(CONFIG, next_sentence=True)
    source = question_source(CORPUS, config)
    asked = next(q for q in map(source, range(64)) if q.batch.token_type_ids.any())
    _, metrics = distillation_loss(student, teacher, asked, config)
    assert metrics.keys() == {"ce_loss", "mlm_loss", "cos_loss", "tokens", "accuracy"}


def test_new_student_depends_on_the_seed_alone():
    config = replace(SMALL, type_vocab_size=0, add_pooling_layer=False)
    torch.manual_seed(3)
    assert same_weights(new_student(config, 5), new_student(config, 5))
    assert not same_weights(new_student(config, 5), new_student(config, 6))
