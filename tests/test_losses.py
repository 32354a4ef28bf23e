"""Функции потерь: сверка с формулой, крайние случаи, сдвиг причинной модели."""

import math

import pytest
import torch
import torch.nn.functional as F

from lecture_lib.losses import (
    IGNORED,
    causal_labels,
    causal_lm_loss,
    hidden_cosine_loss,
    mlm_loss,
    nsp_loss,
    soft_target_loss,
)


def random_case(rows=3, length=70, vocab=11, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, length, vocab, generator=generator)
    labels = torch.randint(vocab, (rows, length), generator=generator)
    labels[torch.rand(rows, length, generator=generator) < 0.8] = IGNORED
    return logits, labels


def test_loss_equals_the_definition():
    """Среднее −log p по выбранным местам; порции по 64 строки на итог не влияют."""
    logits, labels = random_case()
    logits.requires_grad_()
    loss = mlm_loss(logits, labels)
    probabilities = logits.detach().softmax(-1)
    picked = [
        -math.log(probabilities[b, s, labels[b, s]])
        for b, s in (labels != IGNORED).nonzero().tolist()
    ]
    assert loss.item() == pytest.approx(sum(picked) / len(picked), abs=1e-5)
    loss.backward()
    ours, logits.grad = logits.grad, None
    F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED).backward()
    assert torch.allclose(ours, logits.grad, atol=1e-7)


def test_selected_rows_give_the_same_loss():
    """(N, V) на выбранных местах и (B, S, V) с меткой -100 — одна и та же потеря."""
    logits, labels = random_case()
    chosen = labels != IGNORED
    selected = mlm_loss(logits[chosen], labels[chosen])
    assert selected.item() == pytest.approx(mlm_loss(logits, labels).item(), abs=1e-6)


def test_uniform_model_loses_log_v():
    """Модель, которая ничего не знает, теряет ln V."""
    loss = mlm_loss(torch.zeros(4, 8000), torch.tensor([1, 2, 3, 4]))
    assert loss.item() == pytest.approx(math.log(8000), abs=1e-4)


def test_nothing_to_predict_is_zero_not_nan():
    logits = torch.zeros(1, 3, 7, requires_grad=True)
    loss = mlm_loss(logits, torch.full((1, 3), IGNORED))
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()
    empty = mlm_loss(torch.zeros(0, 7, requires_grad=True), torch.zeros(0, dtype=torch.long))
    assert empty.item() == 0


def test_bfloat16_logits_are_summed_in_float32():
    """Потеря по bf16-логитам — как по ним же во float32: сумма экспонент точна."""
    logits = (torch.randn(100, 8000, generator=torch.Generator().manual_seed(0)) * 3).bfloat16()
    labels = torch.arange(100)
    expected = F.cross_entropy(logits.double(), labels)
    assert mlm_loss(logits, labels).item() == pytest.approx(expected.item(), abs=1e-4)


def test_causal_loss_shifts_answers_not_logits():
    """Место i отвечает за токен i + 1; дополнение и последнее место не считаются."""
    ids = torch.tensor([[5, 6, 7, 0]])
    mask = torch.tensor([[1, 1, 1, 0]])
    assert causal_labels(ids, mask).tolist() == [[6, 7, IGNORED, IGNORED]]
    knows_next = torch.full((1, 4, 9), -30.0)
    knows_next[0, 0, 6] = knows_next[0, 1, 7] = 30.0
    assert causal_lm_loss(knows_next, ids, mask).item() < 1e-6
    knows_itself = F.one_hot(ids, 9).float() * 60 - 30
    assert causal_lm_loss(knows_itself, ids, mask).item() > 50


def test_causal_loss_equals_transformers():
    """Та же потеря, что у причинных моделей transformers."""
    from transformers.loss.loss_utils import ForCausalLMLoss

    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 9, 20, generator=generator)
    ids = torch.randint(20, (2, 9), generator=generator)
    theirs = ForCausalLMLoss(logits, ids, vocab_size=20)
    assert causal_lm_loss(logits, ids).item() == pytest.approx(theirs.item(), abs=1e-6)


def test_nsp_loss():
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    expected = (math.log(1 + math.exp(-2)) + math.log(1 + math.e)) / 2
    assert nsp_loss(logits, torch.tensor([0, 0])).item() == pytest.approx(expected, abs=1e-6)


# ------------------------------------------------------------------ дистилляция


def two_tables(rows=150, vocab=13, seed=0):
    generator = torch.Generator().manual_seed(seed)
    student, teacher = torch.randn(2, rows, vocab, generator=generator) * 2
    return student.requires_grad_(), teacher.requires_grad_()


def test_soft_targets_by_hand():
    """Два исхода: KL(учитель ‖ ученик) и T² посчитаны на бумаге; наоборот — другое число."""
    teacher, student = torch.tensor([[math.log(9.0), 0.0]]), torch.zeros(1, 2)
    # Температура 2 превращает 9 : 1 в 3 : 1.
    forward = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    backward = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    assert soft_target_loss(student, teacher, 2.0).item() == pytest.approx(4 * forward, abs=1e-6)
    assert abs(forward - backward) > 0.01
    # Ученик, разогретый так же, как учитель, не теряет ничего.
    assert soft_target_loss(teacher, teacher, 3.0).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("temperature", (1.0, 2.0, 5.0))
def test_soft_targets_equal_the_authors_code(temperature):
    """Строка из distiller.py авторов: KLDivLoss(batchmean), умноженная на T²."""
    student, teacher = two_tables()
    theirs = torch.nn.KLDivLoss(reduction="batchmean")(
        F.log_softmax(student / temperature, dim=-1), F.softmax(teacher / temperature, dim=-1)
    )
    expected = theirs * temperature**2
    ours = soft_target_loss(student, teacher, temperature)
    assert ours.item() == pytest.approx(expected.item(), rel=1e-5)
    (mine,), (their_gradient,) = (torch.autograd.grad(loss, student) for loss in (ours, expected))
    assert torch.allclose(mine, their_gradient, atol=1e-7)
    shaped = soft_target_loss(student.view(3, 50, 13), teacher.view(3, 50, 13), temperature)
    assert shaped.item() == pytest.approx(ours.item(), abs=1e-6)


def test_gradient_keeps_its_size_when_temperature_grows():
    """При больших T градиент стремится к (логиты ученика − логиты учителя) / V: для этого и T²."""
    student, teacher = two_tables()
    with torch.no_grad():
        student -= student.mean(-1, keepdim=True)
        teacher -= teacher.mean(-1, keepdim=True)
    limit = (student - teacher).detach() / student.numel()  # V · число мест
    (gradient,) = torch.autograd.grad(soft_target_loss(student, teacher, 1000.0), student)
    assert torch.allclose(gradient, limit, atol=0.02 * limit.abs().max().item())


def test_hidden_cosine():
    """Потеря — CosineEmbeddingLoss с целью 1; длина вектора ни на что не влияет."""
    student, teacher = two_tables()
    ours = hidden_cosine_loss(student.view(3, 50, 13), teacher.view(3, 50, 13))
    expected = torch.nn.CosineEmbeddingLoss()(student, teacher, torch.ones(150))
    assert ours.item() == pytest.approx(expected.item(), abs=1e-6)
    assert hidden_cosine_loss(3 * teacher, teacher).item() == pytest.approx(0, abs=1e-6)
    assert hidden_cosine_loss(-teacher, teacher).item() == pytest.approx(2, abs=1e-6)
    corner = hidden_cosine_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 1.0]]))
    assert corner.item() == pytest.approx(1 - math.sqrt(0.5), abs=1e-6)


@pytest.mark.parametrize("loss", (soft_target_loss, hidden_cosine_loss))
def test_teacher_gets_no_gradient(loss):
    """Градиент идёт ученику и никогда — учителю; пустой батч даёт ноль, а не NaN."""
    student, teacher = two_tables()
    loss(student, teacher).backward()
    assert teacher.grad is None and student.grad.abs().sum() > 0
    nothing = loss(student[:0], teacher[:0])
    assert nothing.item() == 0


def test_distillation_losses_take_bfloat16():
    """Логиты и состояния из autocast: сумма идёт во float32 и от точной отличается мало."""
    student, teacher = (table.detach().bfloat16() for table in two_tables())
    for loss in (soft_target_loss, hidden_cosine_loss):
        exact = loss(student.double().float(), teacher.double().float()).item()
        assert loss(student, teacher).item() == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: soft_target_loss(torch.zeros(2, 7), torch.zeros(2, 8)), r"teacher_logits.*2, 8"),
        (lambda: soft_target_loss(torch.zeros(2, 7), torch.zeros(2, 7), 0), "temperature = 0"),
        (lambda: hidden_cosine_loss(torch.zeros(2, 4), torch.zeros(2, 6)), "teacher_states"),
        (lambda: mlm_loss(torch.zeros(2, 7), torch.tensor([1, 7])), "метка 7"),
        (lambda: mlm_loss(torch.zeros(2, 7), torch.tensor([1, -1])), "метка -1"),
        (lambda: mlm_loss(torch.zeros(2, 3, 7), torch.tensor([1, 1])), r"labels: форма \(2,\)"),
        (lambda: nsp_loss(torch.zeros(2, 3), torch.tensor([1, 1])), r"logits: форма \(2, 3\)"),
    ],
)
def test_impossible_arguments_are_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()
