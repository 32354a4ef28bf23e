"""Калькулятор операций: сверка со счётчиком torch, который видит каждое произведение."""

import re
from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lecture_lib.config import BERT_BASE, DISTILBERT, MINI, EncoderConfig
from lecture_lib.flops import flop_rows, flop_table, total_flops
from lecture_lib.heads import PretrainingModel
from lecture_lib.losses import mlm_loss, nsp_loss
from lecture_lib.parameters import parameter_rows

# Все размеры разные: перепутанные множители дадут другое число.
SMALL = EncoderConfig(
    vocab_size=37,
    hidden_size=12,
    num_hidden_layers=3,
    num_attention_heads=2,
    intermediate_size=20,
    max_position_embeddings=16,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
)
BATCH, LENGTH = 5, 7
CAUSAL = replace(SMALL, is_causal=True, add_pooling_layer=False)
WITHOUT_SEGMENTS = replace(SMALL, type_vocab_size=0, add_pooling_layer=False)


def inputs():
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(SMALL.vocab_size, (BATCH, LENGTH), generator=draw)
    return ids, torch.ones_like(ids), torch.zeros_like(ids)


def counted(function):
    """Сколько операций насчитал torch и что вернула функция."""
    with FlopCounterMode(display=False) as counter:
        result = function()
    return counter.get_total_flops(), result


def loss_of(output, positions, next_sentence):
    loss = mlm_loss(output.mlm_logits, torch.ones(output.mlm_logits.shape[:-1], dtype=torch.long))
    if next_sentence:
        loss = loss + nsp_loss(output.nsp_logits, torch.zeros(BATCH, dtype=torch.long))
    return loss


@pytest.mark.parametrize("predicted", [1, 9, None])
@pytest.mark.parametrize(
    ("config", "next_sentence"),
    [(SMALL, True), (SMALL, False), (CAUSAL, False), (WITHOUT_SEGMENTS, False)],
)
def test_equals_torch_both_ways(config, next_sentence, predicted):
    """Прямой и обратный проход порознь — ровно, со всеми головами, с positions и без них."""
    model = PretrainingModel(config, next_sentence=next_sentence)
    positions = None
    if predicted is not None:
        ordinary = [place for place in range(BATCH * LENGTH) if place % LENGTH]  # не [CLS]
        positions = torch.zeros(BATCH * LENGTH, dtype=torch.bool)
        positions[ordinary[:predicted]] = True
        positions = positions.view(BATCH, LENGTH)
    forward, output = counted(lambda: model(*inputs(), positions=positions))
    loss = loss_of(output, positions, next_sentence)
    backward, _ = counted(loss.backward)
    places = BATCH * LENGTH if predicted is None else predicted
    rows = flop_rows(config, BATCH, LENGTH, predictions=places, next_sentence=next_sentence)
    assert sum(row.forward for row in rows) == forward
    assert sum(row.backward for row in rows) == backward
    assert total_flops(rows) == forward + backward


def test_equals_torch_in_bfloat16():
    """От точности число операций не зависит: autocast лишних произведений не добавляет."""
    model = PretrainingModel(SMALL)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        forward, output = counted(lambda: model(*inputs()))
        loss = loss_of(output, None, True)
    backward, _ = counted(loss.backward)
    rows = flop_rows(SMALL, BATCH, LENGTH, predictions=BATCH * LENGTH, next_sentence=True)
    assert total_flops(rows) == forward + backward


def test_encoder_alone():
    """Без голов — сам кодировщик; обратный проход доходит и до первого слоя."""
    encoder = PretrainingModel(WITHOUT_SEGMENTS, next_sentence=False).encoder
    forward, output = counted(lambda: encoder(*inputs()))
    backward, _ = counted(output.last_hidden_state.sum().backward)
    rows = flop_rows(WITHOUT_SEGMENTS, BATCH, LENGTH)
    assert (sum(r.forward for r in rows), sum(r.backward for r in rows)) == (forward, backward)
    assert backward == 2 * forward


@pytest.mark.parametrize("mode", ["внимание", "полносвязная часть"])
def test_components_equal_modules(mode):
    """Каждая строка — свой кусок слоя, а не только сумма верна."""
    model = PretrainingModel(SMALL)
    with FlopCounterMode(display=False) as counter:
        model(*inputs())
    seen = {n: sum(c.values()) for n, c in counter.get_flop_counts().items()}
    attention = sum(n for name, n in seen.items() if name.endswith(".attention"))
    layers = sum(n for name, n in seen.items() if re.search(r"layers\.\d+$", name))
    rows = flop_rows(SMALL, BATCH, LENGTH)
    ours = sum(row.forward for row in rows if row.component.lower().startswith(mode))
    assert ours == (attention if mode == "внимание" else layers - attention) > 0


def test_six_operations_per_parameter_and_token():
    """Правило «6 операций на параметр и токен» (Kaplan et al., 2020) верно для матриц слоёв."""
    products = [r for r in flop_rows(BERT_BASE, 1, 512) if "·Kᵀ" not in r.component]
    products = [r for r in products if r.component.startswith(("Внимание", "Полносвязная"))]
    matrices = sum(r.total for r in products if "веса" not in r.component)
    rows = parameter_rows(BERT_BASE)
    parameters = sum(r.count for r in rows if r.component.startswith(("Внимание", "Полносвязная")))
    assert matrices / (6 * 512 * parameters) == pytest.approx(1, abs=2e-3)  # смещения не в счёт


def test_formulas_say_what_they_count():
    """Формула, прочитанная как арифметика, даёт операции прямого прохода."""
    for config in (BERT_BASE, MINI, DISTILBERT):
        for row in flop_rows(config, 32, 100, predictions=480):
            assert eval(row.formula.replace("·", "*")) == row.forward, row


def test_table_is_readable():
    rows = flop_rows(MINI, 64, 128, predictions=1228)
    table = flop_table(rows).splitlines()
    assert "6·3·2·8192·192·192" in table[0] and "10,872" in table[0] and "21,743" in table[0]
    assert "2·192·768·(5·8192 + 1292)" in table[4]  # 1228 предсказаний и 64 [CLS]
    forward = sum(row.forward for row in rows) / 1e9
    assert table[-1].split()[:3] == ["Всего,", "млрд", f"{forward:.3f}".replace(".", ",")]
    assert len({len(line) for line in table}) == 1


@pytest.mark.parametrize(
    ("config", "arguments", "message"),
    [
        (SMALL, {"batch_size": 0}, "batch_size = 0"),
        (SMALL, {"sequence_length": 17}, "sequence_length = 17: модель видит не больше 16"),
        (SMALL, {"sequence_length": 7.0}, "sequence_length = 7.0"),
        (SMALL, {"predictions": 36}, "predictions = 36: в батче всего 35"),
        (SMALL, {"predictions": -1}, "predictions = -1"),
        (SMALL, {"next_sentence": 1}, "next_sentence = 1"),
        (CAUSAL, {"next_sentence": True}, "add_pooling_layer = False"),
    ],
)
def test_impossible_requests(config, arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        flop_rows(config, **({"batch_size": BATCH, "sequence_length": LENGTH} | arguments))
