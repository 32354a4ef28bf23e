"""Поиск первого расхождения: испорченный вес находят там, где он испорчен."""

import copy
from dataclasses import replace

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, BertForPreTraining, BertModel

from lecture_lib.config import EncoderConfig
from lecture_lib.divergence import compare_models, describe_divergence, first_divergence
from lecture_lib.heads import PretrainingModel
from lecture_lib.pretrained import from_hugging_face, to_hugging_face

CONFIG = EncoderConfig(
    vocab_size=60, hidden_size=16, num_hidden_layers=4, num_attention_heads=2,
    intermediate_size=32, max_position_embeddings=12,
)  # fmt: skip
IDS = torch.tensor([[2, 10, 11, 12, 3, 15, 16, 3], [2, 20, 21, 3, 30, 3, 0, 0]])
BATCH = {
    "input_ids": IDS,
    "attention_mask": (IDS != 0).long(),
    "token_type_ids": torch.tensor([[0] * 5 + [1] * 3, [0] * 4 + [1] * 2 + [0] * 2]),
}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return PretrainingModel(CONFIG).eval()


def spoil(model, name):
    """Копия модели, в которой сдвинут один вес."""
    broken = copy.deepcopy(model)
    with torch.no_grad():
        broken.get_parameter(name).view(-1)[0] += 0.05
    return broken


@pytest.mark.parametrize("layer", range(4))
@pytest.mark.parametrize(
    ("weight", "tensor"),
    [
        ("attention.query.weight", "веса внимания"),
        ("attention.value.weight", "скрытые состояния"),
        ("output_norm.bias", "скрытые состояния"),
    ],
)
def test_broken_layer_is_named(model, layer, weight, tensor):
    """Испорчен слой k — назван слой k, и внутри слоя — первый разошедшийся тензор."""
    broken = spoil(model, f"encoder.layers.{layer}.{weight}")
    found = first_divergence(model, broken, BATCH)
    assert found.name == f"слой {layer + 1}: {tensor}" and found.layer == layer + 1
    against_transformers = first_divergence(broken, to_hugging_face(model), BATCH)
    assert against_transformers.name == found.name


@pytest.mark.parametrize(
    ("weight", "name"),
    [
        ("encoder.embeddings.layer_norm.bias", "эмбеддинги"),
        ("encoder.pooler.dense.bias", "вектор [CLS] (pooler)"),
        ("mlm_head.decoder.bias", "логиты MLM"),
        ("nsp_head.classifier.bias", "логиты NSP"),
    ],
)
def test_broken_ends_are_named(model, weight, name):
    """Испорчено до слоёв или после них."""
    assert first_divergence(model, spoil(model, weight), BATCH).name == name


def test_place_and_values_are_exact(model):
    """index, left и right указывают на самое большое отличие, padding не в счёт."""
    broken = spoil(model, "encoder.layers.1.output_norm.bias")
    found = first_divergence(model, broken, BATCH)
    row, position, coordinate = found.index
    assert coordinate == 0 and BATCH["attention_mask"][row, position] == 1
    left = model(**BATCH, output_hidden_states=True).hidden_states[2][found.index].item()
    assert found.left == left and found.difference == pytest.approx(0.05, abs=1e-6)
    text = describe_divergence(found)
    assert "слой 2: скрытые состояния" in text and f"({row}, {position}, 0)" in text


@pytest.mark.parametrize(("size", "found"), [(0.0, "логиты MLM"), (300.0, None)])
def test_rounding_of_big_numbers_is_not_a_divergence(model, size, found):
    """Сдвиг 10⁻³ виден на логитах около единицы, а на сотнях — это округление float32."""
    torch.nn.init.constant_(model.mlm_head.decoder.bias, size)
    shifted = copy.deepcopy(model)
    with torch.no_grad():
        shifted.mlm_head.decoder.bias[7] += 1e-3
    divergence = first_divergence(model, shifted, BATCH)
    assert (divergence and divergence.name) == found


def test_nan_is_a_divergence(model):
    broken = copy.deepcopy(model)
    with torch.no_grad():
        broken.encoder.layers[2].output.bias[3] = torch.nan
    found = first_divergence(model, broken, BATCH)
    assert found.layer == 3 and found.difference != found.difference


def test_equal_models_agree_and_stay_in_their_mode(model):
    """Согласие со всеми видами BERT из transformers; режим и внимание не испорчены."""
    theirs = to_hugging_face(model).train()
    model.train()
    assert first_divergence(model, theirs, BATCH) is None
    assert "Расхождений нет" in describe_divergence(None)
    assert theirs.training and model.training and theirs.config._attn_implementation == "sdpa"
    names = [comparison.name for comparison in compare_models(model, theirs, BATCH)]
    assert names[:2] == ["эмбеддинги", "слой 1: веса внимания"]
    assert names[-3:] == ["вектор [CLS] (pooler)", "логиты MLM", "логиты NSP"]
    assert len(names) == 1 + 2 * 4 + 3


@pytest.mark.parametrize("kind", (BertForPreTraining, BertForMaskedLM))
def test_works_for_each_bert(kind):
    torch.manual_seed(1)
    theirs = kind(BertConfig(
        vocab_size=60, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=12,
    ))  # fmt: skip
    assert first_divergence(from_hugging_face(theirs), theirs, BATCH) is None
    bare = BertModel(theirs.config, add_pooling_layer=False)
    bare.load_state_dict(theirs.bert.state_dict(), strict=False)
    assert first_divergence(from_hugging_face(theirs).encoder, bare, BATCH) is None


def test_different_sizes_are_refused(model):
    bigger = PretrainingModel(replace(CONFIG, hidden_size=32))
    with pytest.raises(ValueError, match=r"\(2, 8, 16\) и \(2, 8, 32\)"):
        first_divergence(model, bigger, BATCH)
