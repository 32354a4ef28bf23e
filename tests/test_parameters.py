"""Калькулятор параметров: сверка с transformers и с нашими моделями."""

import pytest
import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    RobertaConfig,
    RobertaModel,
)

from lecture_lib.config import (
    BERT_BASE,
    BERT_LARGE,
    DISTILBERT,
    MINI,
    MINI_CAUSAL,
    ROBERTA_BASE,
    TINY,
)
from lecture_lib.heads import PretrainingModel
from lecture_lib.parameters import parameter_rows, parameter_table, total_parameters
from lecture_lib.reference import CLAIMED_PARAMETERS

LARGE = BertConfig(
    hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096
)
ROBERTA = RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1)
HEADS = {"mlm_head": True, "next_sentence": True}
CASES = [
    (BERT_BASE, {}, BertModel, BertConfig()),
    (BERT_BASE, HEADS, BertForPreTraining, BertConfig()),
    (BERT_LARGE, {}, BertModel, LARGE),
    (BERT_LARGE, HEADS, BertForPreTraining, LARGE),
    (ROBERTA_BASE, {}, RobertaModel, ROBERTA),
    (DISTILBERT, {}, DistilBertModel, DistilBertConfig()),
]


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(("ours", "heads", "kind", "theirs"), CASES)
def test_equals_transformers(ours, heads, kind, theirs):
    """Сумма формул равна числу параметров модели transformers (на meta: без памяти)."""
    with torch.device("meta"):
        expected = count(kind(theirs))
    assert total_parameters(parameter_rows(ours, **heads)) == expected


def test_the_famous_number():
    """109 482 240 параметров bert-base-uncased; 110M и 340M статьи — округление."""
    assert total_parameters(parameter_rows(BERT_BASE)) == 109_482_240
    base = total_parameters(parameter_rows(BERT_BASE, **HEADS))
    large = total_parameters(parameter_rows(BERT_LARGE, **HEADS))
    assert round(base, -6) == CLAIMED_PARAMETERS["BERT_BASE"]
    assert abs(large - CLAIMED_PARAMETERS["BERT_LARGE"]) < 5e6


@pytest.mark.parametrize(
    ("config", "next_sentence"),
    [(MINI, True), (MINI_CAUSAL, False), (TINY, True), (DISTILBERT, False)],
)
def test_equals_our_models(config, next_sentence):
    with torch.device("meta"):
        expected = count(PretrainingModel(config, next_sentence=next_sentence))
    rows = parameter_rows(config, mlm_head=True, next_sentence=next_sentence)
    assert total_parameters(rows) == expected


def test_without_pooler_is_masked_lm():
    """BertForMaskedLM — без слоя над [CLS]."""
    from dataclasses import replace

    with torch.device("meta"):
        expected = count(BertForMaskedLM(BertConfig()))
    rows = parameter_rows(replace(BERT_BASE, add_pooling_layer=False), mlm_head=True)
    assert total_parameters(rows) == expected


def test_components_equal_modules():
    """Каждая строка — свой кусок модели, а не только сумма верна."""
    with torch.device("meta"):
        layers = PretrainingModel(MINI).encoder.layers
    rows = {row.component: row.count for row in parameter_rows(MINI)}
    attention = sum(n for name, n in rows.items() if name.startswith("Внимание"))
    assert attention == sum(count(layer.attention) for layer in layers)
    assert rows["Полносвязная часть: сжатие"] == sum(count(layer.output) for layer in layers)
    assert rows["LayerNorm после внимания"] == sum(count(layer.attention_norm) for layer in layers)


def test_formulas_say_what_they_count():
    """Формула, прочитанная как арифметика, даёт то же число."""
    for config in (BERT_BASE, BERT_LARGE, MINI, DISTILBERT):
        for row in parameter_rows(config, mlm_head=True):
            assert eval(row.formula.replace("·", "*")) == row.count, row


def test_table_is_readable():
    table = parameter_table(parameter_rows(BERT_BASE)).splitlines()
    assert "30522·768" in table[0] and "23 440 896" in table[0]
    assert table[-1].split()[:4] == ["Всего", "109", "482", "240"]
    assert len({len(line) for line in table}) == 1
