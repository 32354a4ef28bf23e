"""Квантование int8: модель отвечает почти так же, весит вчетверо меньше, исходная цела."""

import copy

import pytest
import torch
from small_corpus import small_encoder
from torch import nn

from lecture_lib.distillation import new_student
from lecture_lib.heads import PretrainingModel, TokenClassifier
from lecture_lib.quantization import quantize, size_in_bytes

CONFIG = small_encoder(2000, hidden_size=64, intermediate_size=256, initializer_range=0.1)


def make_batch():
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 2000, (4, 12), generator=generator)
    mask = (torch.arange(12) < torch.tensor([[12], [9], [5], [2]])).long()
    return ids * mask, mask


def test_linear_layer_is_rounded_to_its_scale():
    """Веса строки — целые числа, умноженные на её масштаб: ошибка не больше половины шага."""
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Linear(16, 5))
    with torch.no_grad():
        layer[0].weight[3] *= 100  # у каждой строки — свой масштаб: большая не портит малых
    exact = layer[0].weight.detach()
    rounded = quantize(layer)[0].weight().dequantize()
    step = exact.abs().amax(dim=1, keepdim=True) / 127
    assert ((rounded - exact).abs() <= 0.52 * step).all()
    assert not torch.equal(rounded, exact)


@torch.no_grad()
def test_answers_stay_close_and_the_model_stays_whole():
    """Логиты отличаются на проценты, но отличаются; исходная модель не тронута."""
    torch.manual_seed(0)
    model = PretrainingModel(CONFIG).eval()
    before = copy.deepcopy(model.state_dict())
    small = quantize(model)
    ids, mask = make_batch()
    real = mask.bool()
    ours, theirs = (m(ids, mask).mlm_logits[real] for m in (small, model))
    error = (ours - theirs).norm() / theirs.norm()
    assert 0 < error < 0.1
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in before.items())
    asked = torch.zeros_like(ids, dtype=torch.bool)
    asked[:, 1] = True
    ours, theirs = (m(ids, mask, positions=asked).mlm_logits for m in (small, model))
    assert 0 < (ours - theirs).norm() / theirs.norm() < 0.1  # и на одних спрошенных местах


def test_size_falls_threefold_even_in_a_narrow_model():
    """Вместо четырёх байт — один и масштаб на строку; общая таблица считается один раз."""
    torch.manual_seed(0)
    model = new_student(small_encoder(2000, type_vocab_size=0, add_pooling_layer=False))
    exact = 4 * sum(parameter.numel() for parameter in model.parameters())
    assert size_in_bytes(model) == pytest.approx(exact, rel=0.1)
    head = TokenClassifier(PretrainingModel(CONFIG).encoder, 3)
    assert size_in_bytes(head) / size_in_bytes(quantize(head)) > 2.8


def test_nothing_to_quantize_is_an_error():
    with pytest.raises(ValueError, match="нечего квантовать"):
        quantize(nn.LayerNorm(4))
