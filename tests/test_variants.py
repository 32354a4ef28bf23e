"""GPT и BiLSTM+ELMo: кто что видит, формулы — по определению, дополнение ни на что не влияет."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lecture_lib.config import EncoderConfig, FinetuningConfig
from lecture_lib.encoder import Encoder
from lecture_lib.finetuning import EncodedExample, fine_tune
from lecture_lib.heads import SequenceClassifier, SpanExtractor, TokenClassifier
from lecture_lib.variants.bilstm import (
    BiLSTMEncoder,
    ELMo,
    LanguageLSTM,
    LSTMConfig,
    largest,
    look_across,
    reverse_rows,
)
from lecture_lib.variants.gpt import CausalEncoder

CAUSAL = EncoderConfig(
    vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=32, max_position_embeddings=16, hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0, add_pooling_layer=False, is_causal=True,
    initializer_range=0.3,
)  # fmt: skip
SMALL = LSTMConfig(vocab_size=40, hidden_size=8, max_sequence_length=16, initializer_range=0.5)
# [CLS] a b [SEP] c d [SEP] и [CLS] a [SEP] с дополнением.
IDS = torch.tensor([[2, 11, 12, 3, 13, 14, 3], [2, 15, 3, 0, 0, 0, 0]])
MASK = (IDS != 0).long()
SEGMENTS = torch.tensor([[0, 0, 0, 0, 1, 1, 1], [0] * 7])


def causal_encoder():
    torch.manual_seed(0)
    return CausalEncoder(Encoder(CAUSAL)).eval()


def elmo_encoder():
    torch.manual_seed(0)
    return BiLSTMEncoder(ELMo(LanguageLSTM(SMALL), LanguageLSTM(SMALL))).eval()


@pytest.mark.parametrize("make", [causal_encoder, elmo_encoder])
def test_every_head_fits_and_padding_does_not_matter(make):
    """Три головы над обоими кодировщиками; ответ строки не зависит от соседей по батчу."""
    for head in (SequenceClassifier, TokenClassifier, SpanExtractor):
        model = head(make(), 2).eval()
        together = model(IDS, MASK, SEGMENTS)
        for row, length in enumerate(MASK.sum(1).tolist()):
            alone = model(IDS[row : row + 1, :length], None, SEGMENTS[row : row + 1, :length])[0]
            found = together[row] if head is SequenceClassifier else together[row, :length]
            assert torch.allclose(found, alone, atol=1e-5)


def test_gpt_reads_the_whole_text_with_its_last_token():
    encoder = causal_encoder()
    encoded = encoder(IDS, MASK)
    assert torch.equal(encoded.pooled[0], encoded.last_hidden_state[0, 6])
    assert torch.equal(encoded.pooled[1], encoded.last_hidden_state[1, 2])
    for place in range(7):  # любое слово меняет вектор текста, хотя [CLS] видит только себя
        changed = IDS.clone()
        changed[0, place] = 30
        assert not torch.allclose(encoder(changed, MASK).pooled[0], encoded.pooled[0], atol=1e-4)
    with pytest.raises(ValueError, match="is_causal = False"):
        CausalEncoder(Encoder(replace(CAUSAL, is_causal=False)))


def test_reverse_rows_turns_only_real_tokens():
    turned = reverse_rows(IDS, MASK)
    assert turned.tolist() == [[3, 14, 13, 3, 12, 11, 2], [3, 15, 2, 0, 0, 0, 0]]
    assert torch.equal(reverse_rows(turned, MASK), IDS)
    states = torch.randn(2, 7, 5)
    assert torch.equal(reverse_rows(states, MASK)[1, 0], states[1, 2])


def test_language_model_equals_stacked_lstm_with_a_residual():
    """Первый слой — LSTM от torch; второй прибавляет свой вход; выход связан с эмбеддингами."""
    torch.manual_seed(0)
    model = LanguageLSTM(SMALL)
    words = model.word_embeddings.weight[IDS]
    first = model.layers[0](words)[0]
    second = first + model.layers[1](first)[0]
    for found, wanted in zip(model.read(IDS), (words, first, second), strict=True):
        assert torch.allclose(found, wanted)
    wanted = second @ model.word_embeddings.weight.T + model.decoder.bias
    assert torch.allclose(model(IDS).mlm_logits, wanted, atol=1e-5)
    asked = MASK.bool()
    assert torch.allclose(model(IDS, positions=asked).mlm_logits, wanted[asked], atol=1e-5)


def test_directions_of_elmo_do_not_know_each_other():
    """Левая половина представления зависит лишь от того, что левее, правая — от правого."""
    elmo = elmo_encoder().elmo
    before = elmo(IDS, MASK)
    for changed_place in range(7):
        changed = IDS.clone()
        changed[0, changed_place] = 30
        moved = (elmo(changed, MASK) - before)[0].abs() > 1e-6  # (S, 2·D)
        ahead, behind = moved[:, :8].any(1), moved[:, 8:].any(1)
        assert ahead.tolist() == [place >= changed_place for place in range(7)]
        assert behind.tolist() == [place <= changed_place for place in range(7)]


def test_elmo_mixes_layers_by_the_formula():
    elmo = elmo_encoder().elmo
    layers = elmo.layers(IDS, MASK)
    assert layers.shape == (3, 2, 7, 16)
    assert torch.allclose(elmo(IDS, MASK), layers.mean(0), atol=1e-6)  # s = 0: поровну
    with torch.no_grad():
        elmo.layer_weights.copy_(torch.tensor([0.0, 50.0, 0.0]))
        elmo.scale.fill_(3.0)
    assert torch.allclose(elmo(IDS, MASK), 3 * layers[1], atol=1e-5)
    with pytest.raises(ValueError, match="настройки разные"):
        ELMo(LanguageLSTM(SMALL), LanguageLSTM(replace(SMALL, hidden_size=4)))
    with pytest.raises(ValueError, match="hidden_size = 0"):
        LSTMConfig(hidden_size=0)


def test_look_across_sees_the_other_text_only():
    """То же двойным циклом; у одиночного текста — нули."""
    states = torch.randn(2, 7, 4, generator=torch.Generator().manual_seed(1))
    found = look_across(states, MASK, SEGMENTS)
    for place in range(7):
        others = [i for i in range(7) if SEGMENTS[0, i] != SEGMENTS[0, place]]
        scores = torch.stack([states[0, place] @ states[0, i] / 2 for i in others])
        wanted = sum(w * states[0, i] for w, i in zip(scores.softmax(0), others, strict=True))
        assert torch.allclose(found[0, place], wanted, atol=1e-5)
    assert not found[1].any()


def test_largest_reads_chosen_tokens():
    states = torch.tensor([[[1.0, -5.0], [-2.0, -3.0], [9.0, 9.0]]])
    chosen = torch.tensor([[True, True, False]])
    assert largest(states, chosen).tolist() == [[1.0, -3.0]]
    assert largest(states, torch.zeros_like(chosen)).tolist() == [[0.0, 0.0]]


def test_fine_tuning_moves_everything_but_the_language_models():
    examples = [EncodedExample((2, 11 + i % 3, 3), (0, 0, 0), i % 2) for i in range(8)]
    model = SequenceClassifier(elmo_encoder(), 2)
    before = {name: p.clone() for name, p in model.named_parameters()}
    config = FinetuningConfig(epochs=2, learning_rate=1e-2, precision="fp32")
    fine_tune(model, examples, config, progress=False)
    still = {name for name, p in model.named_parameters() if torch.equal(p, before[name])}
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    assert still == frozen == {n for n in before if "forwards" in n or "backwards" in n}
