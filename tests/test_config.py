"""Настройки: невозможное отвергается по-русски, наборы согласованы со статьями."""

import dataclasses
import math

import pytest

from lecture_lib.config import (
    BERT_BASE,
    BERT_LARGE,
    DISTILBERT,
    MINI,
    MINI_CAUSAL,
    ROBERTA_BASE,
    STUDENT,
    TINY,
    DistillationConfig,
    EncoderConfig,
    MaskingConfig,
    PretrainingConfig,
)

IMPOSSIBLE = [
    (EncoderConfig, {"hidden_size": 770}, "num_attention_heads"),
    (EncoderConfig, {"hidden_size": 0}, "hidden_size"),
    (EncoderConfig, {"num_hidden_layers": -1}, "num_hidden_layers"),
    (EncoderConfig, {"num_hidden_layers": True}, "num_hidden_layers"),
    (EncoderConfig, {"vocab_size": 3.5}, "vocab_size"),
    (EncoderConfig, {"type_vocab_size": -1}, "type_vocab_size"),
    (EncoderConfig, {"hidden_dropout_prob": 1.2}, "hidden_dropout_prob"),
    (EncoderConfig, {"attention_probs_dropout_prob": math.nan}, "attention_probs_dropout_prob"),
    (EncoderConfig, {"layer_norm_eps": 0.0}, "layer_norm_eps"),
    (EncoderConfig, {"pad_token_id": 30522}, "pad_token_id"),
    (EncoderConfig, {"position_offset": 512}, "position_offset"),
    (EncoderConfig, {"is_causal": 1}, "is_causal"),
    (MaskingConfig, {"probability": 1.2}, "probability"),
    (MaskingConfig, {"probability": -0.1}, "probability"),
    (MaskingConfig, {"probability": "0.15"}, "probability"),
    (MaskingConfig, {"mask_rate": 0.9}, "mask_rate"),
    (MaskingConfig, {"mask_rate": 1.1, "random_rate": -0.2}, "mask_rate"),
    (MaskingConfig, {"unit": "слово"}, "unit"),
    (PretrainingConfig, {"objective": "rtd"}, "objective"),
    (PretrainingConfig, {"objective": "clm"}, "next_sentence"),
    (PretrainingConfig, {"batch_size": 0}, "batch_size"),
    (PretrainingConfig, {"learning_rate": math.inf}, "learning_rate"),
    (PretrainingConfig, {"warmup_share": 1.5}, "warmup_share"),
    (PretrainingConfig, {"adam_betas": (0.9, 1.0)}, "adam_betas"),
    (PretrainingConfig, {"adam_betas": 0.9}, "adam_betas"),
    (PretrainingConfig, {"precision": "fp16"}, "precision"),
    (PretrainingConfig, {"masking": 0.15}, "masking"),
    (DistillationConfig, {"temperature": 0.0}, "temperature"),
    (DistillationConfig, {"alpha_cos": -1.0}, "alpha_cos"),
    (DistillationConfig, {"alpha_ce": math.nan}, "alpha_ce"),
    (DistillationConfig, {"objective": "clm"}, "objective"),
]


@pytest.mark.parametrize(
    ("kind", "fields", "named"), IMPOSSIBLE, ids=[str(fields) for _, fields, _ in IMPOSSIBLE]
)
def test_impossible_values_are_named(kind, fields, named):
    """Ошибка называет аргумент и его значение — и написана по-русски."""
    with pytest.raises(ValueError) as caught:
        kind(**fields)
    message = str(caught.value)
    assert named in message
    value = fields.get(named)
    if not isinstance(value, tuple | None):
        assert repr(value) in message
    assert any("а" <= letter <= "я" for letter in message)


def test_configs_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        MINI.hidden_size = 1


def test_thirds_sum_to_one():
    """Три трети в двоичной арифметике — не ровно единица, но это честные доли."""
    rates = (1 / 3, 1 / 3, 1 / 3)
    config = MaskingConfig(mask_rate=rates[0], random_rate=rates[1], keep_rate=rates[2])
    assert config.rates == rates


def test_presets_agree_with_transformers():
    """Размеры BERT-base, RoBERTa и DistilBERT — как по умолчанию в transformers."""
    from transformers import BertConfig, DistilBertConfig, RobertaConfig

    for ours, theirs in ((BERT_BASE, BertConfig()), (ROBERTA_BASE, RobertaConfig(
        vocab_size=50265, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5,
    ))):  # fmt: skip
        for field in dataclasses.fields(EncoderConfig):
            if hasattr(theirs, field.name):
                assert getattr(ours, field.name) == getattr(theirs, field.name), field.name
    theirs = DistilBertConfig()
    assert (DISTILBERT.num_hidden_layers, DISTILBERT.hidden_size) == (theirs.n_layers, theirs.dim)
    assert (DISTILBERT.type_vocab_size, DISTILBERT.add_pooling_layer) == (0, False)


def test_sizes_of_the_lecture():
    """Лекция: base — L=12, H=768, A=12; large — L=24, H=1024, A=16."""
    sizes = [
        (c.num_hidden_layers, c.hidden_size, c.num_attention_heads) for c in (BERT_BASE, BERT_LARGE)
    ]
    assert sizes == [(12, 768, 12), (24, 1024, 16)]
    assert {c.head_size for c in (BERT_BASE, BERT_LARGE, MINI, TINY)} == {64}
    assert ROBERTA_BASE.max_sequence_length == BERT_BASE.max_sequence_length == 512


def test_causal_twin_differs_only_in_sight():
    """Близнец MINI отличается видимостью и слоем над [CLS], больше ничем."""
    twin = dataclasses.replace(MINI_CAUSAL, is_causal=False, add_pooling_layer=True)
    assert MINI_CAUSAL.is_causal and twin == MINI


def test_student_is_to_mini_what_distilbert_is_to_bert():
    """Вдвое меньше слоёв, ни сегментов, ни слоя над [CLS]; веса потерь — как в коде авторов."""
    for student, teacher in ((STUDENT, MINI), (DISTILBERT, BERT_BASE)):
        grown = dataclasses.replace(
            student,
            num_hidden_layers=2 * student.num_hidden_layers,
            type_vocab_size=2,
            add_pooling_layer=True,
        )
        assert grown == teacher
    config = DistillationConfig()
    weights = (config.alpha_ce, config.alpha_mlm, config.alpha_cos, config.temperature)
    assert weights == (5, 2, 1, 2) and not config.next_sentence
    with pytest.raises(ValueError, match="не у чего учиться"):
        DistillationConfig(alpha_ce=0, alpha_mlm=0, alpha_cos=0)
