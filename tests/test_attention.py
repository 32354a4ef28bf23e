"""Внимание на одном тексте: то же, что у модели; слой отдельно — тот же слой; байты близки."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_corpus import small_encoder

from lecture_lib.attention import attention, to_bytes, to_floats
from lecture_lib.encoder import Encoder
from lecture_lib.heads import PretrainingModel, TokenClassifier
from lecture_lib.variants.bilstm import LanguageLSTM, LSTMConfig

IDS = [2, 7, 11, 5, 3]


def make_encoder(**changes):
    torch.manual_seed(3)
    return Encoder(small_encoder(20, initializer_range=0.4, **changes))


def test_attention_is_the_models_own():
    """Все слои — то, что вернул кодировщик; чужая голова над ним ничего не меняет."""
    encoder = make_encoder().eval()
    with torch.no_grad():
        expected = torch.cat(encoder(torch.tensor([IDS]), output_attentions=True).attentions)
    torch.testing.assert_close(attention(encoder, IDS), expected)
    torch.testing.assert_close(attention(TokenClassifier(encoder, 3), IDS), expected)


@pytest.mark.parametrize("is_causal", [False, True])
def test_one_layer_is_the_same_layer(is_causal):
    """Слой, взятый отдельно, — тот же; после чтения в модели ничего не остаётся."""
    encoder = make_encoder(is_causal=is_causal, add_pooling_layer=False)
    model = PretrainingModel(encoder.config, next_sentence=False)
    full = attention(model, IDS)
    for layer in (1, 2):
        torch.testing.assert_close(attention(model, IDS, layer)[0], full[layer - 1])
    hooks = [layer.attention._forward_hooks for layer in model.encoder.layers]
    assert not any(hooks) and model.training


def test_unknown_layer_and_model_without_attention():
    """Слоя нет, внимания нет — ValueError по-русски."""
    with pytest.raises(ValueError, match="layer = 3: слоёв у модели 2"):
        attention(make_encoder(), IDS, 3)
    with pytest.raises(ValueError, match="LanguageLSTM внимания не отдаёт"):
        attention(LanguageLSTM(LSTMConfig(vocab_size=20)), IDS)


def test_bytes_round_and_floats_do_not():
    """Байт ошибается не больше чем на полступени, float32 — ни на сколько."""
    weights = torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    weights[0, 0, 0, :2] = torch.tensor([0.0, 1.0])
    shown = np.frombuffer(to_bytes(weights), np.uint8).reshape(weights.shape) / 255
    assert np.abs(shown - weights.numpy()).max() <= 1 / 510 + 1e-7
    assert shown[0, 0, 0, :2].tolist() == [0, 1]
    exact = np.frombuffer(to_floats(weights[1, 2].T), "<f4").reshape(5, 5)
    assert (exact == weights[1, 2].T.numpy()).all()
