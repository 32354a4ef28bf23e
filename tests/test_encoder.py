"""Кодировщик и головы: видимость, независимость от соседей, ошибки, работа в bfloat16.

Равенство с transformers, число в число, проверяет test_pretrained.py.
"""

from dataclasses import replace

import pytest
import torch

from lecture_lib.config import DISTILBERT, ROBERTA_BASE, TINY, EncoderConfig
from lecture_lib.encoder import Embeddings, Encoder, SelfAttention
from lecture_lib.heads import PretrainingModel

SMALL = EncoderConfig(
    vocab_size=50, hidden_size=12, num_hidden_layers=2, num_attention_heads=3,
    intermediate_size=24, max_position_embeddings=16,
)  # fmt: skip
CAUSAL = replace(SMALL, is_causal=True, add_pooling_layer=False)
IDS = torch.tensor([[2, 10, 11, 12, 13, 3], [2, 20, 21, 3, 0, 0]])
MASK = (IDS != 0).long()


def build(config=SMALL, seed=0, **options):
    torch.manual_seed(seed)
    return PretrainingModel(config, **options).eval()


@torch.no_grad()
def test_attention_equals_the_formula():
    """Внимание сверяется с формулой, записанной циклами по головам и парам токенов."""
    torch.manual_seed(0)
    attention = SelfAttention(SMALL).eval()
    states = torch.randn(1, 5, 12)
    output, weights = attention(states)
    heads = []
    for head in range(3):
        part = slice(4 * head, 4 * head + 4)
        query, key, value = (
            linear(states)[0, :, part]
            for linear in (attention.query, attention.key, attention.value)
        )
        context = torch.zeros(5, 4)
        for i in range(5):
            scores = torch.tensor([float(query[i] @ key[j]) / 4**0.5 for j in range(5)])
            shares = scores.exp() / scores.exp().sum()
            assert torch.allclose(weights[0, head, i], shares, atol=1e-6)
            context[i] = sum(shares[j] * value[j] for j in range(5))
        heads.append(context)
    expected = attention.output(torch.cat(heads, dim=1))
    assert torch.allclose(output[0], expected, atol=1e-6)


def test_padding_changes_nothing():
    """Строка читается одинаково, сколько бы дополнения справа ни стояло."""
    model = build()
    padded = model(IDS, MASK, output_attentions=True)
    alone = model(IDS[1:, :4])
    assert torch.allclose(padded.mlm_logits[1, :4], alone.mlm_logits[0], atol=1e-6)
    assert torch.allclose(padded.nsp_logits[1], alone.nsp_logits[0], atol=1e-6)
    assert all((weights[1, :, :, 4:] == 0).all() for weights in padded.attentions)


def test_causal_model_does_not_see_the_right():
    """Правый токен меняет логиты слева у двунаправленной модели и не меняет у причинной."""
    changed = IDS.clone()
    changed[0, 4] = 40
    causal = build(CAUSAL, next_sentence=False)
    before, after = causal(IDS, MASK).mlm_logits[0], causal(changed, MASK).mlm_logits[0]
    assert torch.equal(before[:4], after[:4]) and not torch.allclose(before[4], after[4])
    both_ways = build()
    assert not torch.allclose(both_ways(IDS).mlm_logits[0, 1], both_ways(changed).mlm_logits[0, 1])


def test_outputs_come_on_request():
    """Состояний L + 1, весов L; строки весов — распределения; без просьбы — None."""
    model = build()
    plain = model(IDS, MASK)
    assert plain.hidden_states is None and plain.attentions is None
    full = model(IDS, MASK, output_hidden_states=True, output_attentions=True)
    assert [s.shape for s in full.hidden_states] == [(2, 6, 12)] * 3
    assert [w.shape for w in full.attentions] == [(2, 3, 6, 6)] * 2
    assert torch.allclose(full.attentions[0].sum(-1), torch.ones(2, 3, 6))
    assert torch.equal(full.hidden_states[-1], plain.last_hidden_state)


def test_positions_select_the_same_logits():
    """Логиты выбранных мест — те же, что в полной таблице, в порядке строк."""
    model = build()
    positions = torch.zeros_like(IDS, dtype=torch.bool)
    positions[0, 2] = positions[1, 1] = positions[0, 4] = True
    chosen = model(IDS, MASK, positions=positions).mlm_logits
    assert torch.allclose(chosen, model(IDS, MASK).mlm_logits[positions], atol=1e-6)


def gradients(model, loss):
    """Градиенты всех весов, до которых дошла функция потерь."""
    model.zero_grad(set_to_none=True)
    loss.backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("next_sentence", [True, False])
def test_positions_change_neither_answers_nor_gradients(next_sentence):
    """Последний слой ведёт до конца не все места — а [CLS], логиты и градиенты те же."""
    model = build(next_sentence=next_sentence)
    positions = torch.zeros_like(IDS, dtype=torch.bool)
    positions[0, 2] = positions[1, 1] = positions[0, 4] = True

    def loss(logits, output):
        pairs = output.nsp_logits.logsumexp(-1).sum() if next_sentence else 0
        return logits.logsumexp(-1).sum() + pairs

    chosen, full = model(IDS, MASK, positions=positions), model(IDS, MASK)
    assert torch.allclose(chosen.pooled, full.pooled, atol=1e-6)
    assert chosen.last_hidden_state.shape == (3, model.config.hidden_size)
    assert torch.allclose(chosen.last_hidden_state, full.last_hidden_state[positions], atol=1e-6)
    expected = gradients(model, loss(full.mlm_logits[positions], full))
    ours = gradients(model, loss(chosen.mlm_logits, chosen))
    assert ours.keys() == expected.keys()
    for name, gradient in expected.items():
        assert torch.allclose(ours[name], gradient, atol=1e-5), name


def test_positions_leave_all_hidden_states_whole():
    """Если просят и все состояния, последний слой считается целиком, а ответ — на positions."""
    model = build()
    positions = IDS == IDS[0, 2]
    output = model(IDS, MASK, positions=positions, output_hidden_states=True)
    full = model(IDS, MASK, output_hidden_states=True)
    for one, other in zip(output.hidden_states, full.hidden_states, strict=True):
        assert torch.equal(one, other)
    assert torch.equal(output.last_hidden_state, full.last_hidden_state[positions])
    assert torch.allclose(output.pooled, full.pooled, atol=1e-6)


def test_output_matrix_is_the_embedding_table():
    """Связывание весов: матрица выхода и таблица эмбеддингов — один параметр."""
    model = build()
    assert model.mlm_head.decoder.weight is model.encoder.embeddings.word_embeddings.weight
    assert sum(p.numel() for p in model.parameters()) < sum(
        t.numel() for t in model.state_dict().values()
    )


def test_initial_weights():
    """Как у BERT: N(0, initializer_range²), смещения — нули, LayerNorm — единицы, [PAD] — ноль."""
    model = PretrainingModel(TINY)
    for name, weights in model.named_parameters():
        if weights.dim() == 2 and "token_type" not in name:
            assert 0.9 < weights.std() / TINY.initializer_range < 1.125, name
        elif "norm.weight" in name:
            assert (weights == 1).all(), name
        elif weights.dim() == 1:
            assert (weights == 0).all(), name
    assert (model.encoder.embeddings.word_embeddings.weight[TINY.pad_token_id] == 0).all()


def test_variants_that_are_only_numbers():
    """RoBERTa: позиции с двойки; DistilBERT: ни сегментов, ни слоя над [CLS]."""
    roberta = Embeddings(replace(ROBERTA_BASE, vocab_size=50, hidden_size=24)).eval()
    base = Embeddings(replace(SMALL, hidden_size=24, layer_norm_eps=1e-5, type_vocab_size=1)).eval()
    base.load_state_dict(
        {
            name: tensor[2:18] if "position" in name else tensor
            for name, tensor in roberta.state_dict().items()
        }
    )
    assert torch.equal(roberta(IDS), base(IDS))
    small = replace(DISTILBERT, vocab_size=50, hidden_size=24, num_hidden_layers=1)
    distil = Encoder(small).eval()
    assert distil(IDS).pooled is None
    assert not any("token_type" in name for name, _ in distil.named_parameters())


def test_bfloat16_stays_close_and_keeps_weights():
    """Под autocast состояния — bfloat16, веса — float32, ответы близки к точным."""
    model = build(TINY)
    ids = torch.randint(5, 8000, (2, 16), generator=torch.Generator().manual_seed(0))
    exact = model(ids)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(ids, torch.ones_like(ids))
    assert rough.last_hidden_state.dtype == torch.bfloat16
    assert all(p.dtype == torch.float32 for p in model.parameters())
    difference = rough.last_hidden_state.float() - exact.last_hidden_state
    assert difference.abs().mean() < 0.02 * exact.last_hidden_state.abs().mean()


def test_dropout_acts_only_in_training():
    model = build(replace(SMALL, hidden_dropout_prob=0.5))
    assert torch.equal(model(IDS).mlm_logits, model(IDS).mlm_logits)
    model.train()
    assert not torch.equal(model(IDS).mlm_logits, model(IDS).mlm_logits)


def all_weights_learn(model, loss):
    loss.backward()
    return [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]


def test_every_weight_takes_part():
    """Градиент доходит до каждого параметра: ни один слой не забыт в forward."""
    model = build()
    output = model(IDS, MASK, (IDS > 11).long())
    loss = output.mlm_logits.square().sum() + output.nsp_logits.square().sum()
    # Смещение ключей прибавляет ко всем оценкам запроса одно и то же: softmax его не видит.
    idle = [name for name in all_weights_learn(model, loss) if not name.endswith("key.bias")]
    assert idle == []


WRONG_CALLS = {
    r"input_ids: форма \(6,\)": lambda m: m(IDS[0]),
    r"input_ids: форма \(0, 6\)": lambda m: m(IDS[:0]),
    "токенов в строке 17": lambda m: m(torch.ones(1, 17, dtype=torch.long)),
    "input_ids: номера 50": lambda m: m(torch.tensor([[50]])),
    "input_ids: номера -100": lambda m: m(torch.tensor([[-100]])),
    r"attention_mask: форма \(1, 6\)": lambda m: m(IDS, MASK[:1]),
    "token_type_ids: номера 2": lambda m: m(IDS, None, MASK * 2),
    "positions: тип torch.int64": lambda m: m(IDS, positions=IDS),
}


@pytest.mark.parametrize("named", WRONG_CALLS)
def test_impossible_arguments_are_named(named):
    """Вместо IndexError из глубины torch — ошибка с именем аргумента."""
    with pytest.raises(ValueError, match=named):
        WRONG_CALLS[named](build())


def test_next_sentence_needs_a_pooler():
    with pytest.raises(ValueError, match="add_pooling_layer = False"):
        PretrainingModel(replace(SMALL, add_pooling_layer=False))
    with pytest.raises(ValueError, match="is_causal = True"):
        PretrainingModel(replace(SMALL, is_causal=True))
