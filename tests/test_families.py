"""RoBERTa и DistilBERT: веса transformers туда и обратно, числа те же до 1e-5."""

from dataclasses import replace

import pytest
import torch
from transformers import (
    AutoModelForMaskedLM,
    DistilBertConfig,
    DistilBertForMaskedLM,
    DistilBertForSequenceClassification,
    RobertaConfig,
    RobertaForMaskedLM,
)

from lecture_lib.bert_names import config_from_hugging_face, config_to_hugging_face
from lecture_lib.config import BERT_BASE, DISTILBERT, ROBERTA_BASE
from lecture_lib.distillation import spread_layers, student_from_teacher
from lecture_lib.heads import PretrainingModel, SequenceClassifier
from lecture_lib.pretrained import (
    export_to_hugging_face,
    from_hugging_face,
    load_pretrained,
    to_hugging_face,
)
from lecture_lib.tokenization import train_byte_level_bpe, train_wordpiece

TOLERANCE = 1e-5
TEXTS = ["Вчера мы смотрели фильм.", "Мама поставила чашку на стол.", "Фильм кончился, и мы пошли."]
ROBERTA_SHAPES = [
    {"hidden_size": 24, "num_attention_heads": 3, "num_hidden_layers": 3},
    {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1, "type_vocab_size": 2},
]
DISTILBERT_SHAPES = [
    {"dim": 24, "n_heads": 3, "n_layers": 3, "hidden_dim": 40},
    {"dim": 16, "n_heads": 2, "n_layers": 1, "hidden_dim": 64, "sinusoidal_pos_embds": True},
]


def shaken(model, seed=0):
    """Случайные веса — и у LayerNorm и смещений, чтобы перепутанные имена дали другие числа."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return model.eval()


def tiny_roberta(fields=ROBERTA_SHAPES[0]):
    defaults = {
        "vocab_size": 60, "intermediate_size": 40, "max_position_embeddings": 20,
        "layer_norm_eps": 1e-5, "type_vocab_size": 1,
    }  # fmt: skip
    torch.manual_seed(0)
    return shaken(RobertaForMaskedLM(RobertaConfig(**(defaults | fields))))


def tiny_distilbert(fields=DISTILBERT_SHAPES[0]):
    torch.manual_seed(0)
    return shaken(
        DistilBertForMaskedLM(DistilBertConfig(vocab_size=60, max_position_embeddings=20, **fields))
    )


def make_batch(vocab_size, pad, length=12):
    """Три строки: целая, с дополнением справа, совсем короткая."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(5, vocab_size, (3, length), generator=generator)
    mask = (torch.arange(length) < torch.tensor([[length], [length - 3], [4]])).long()
    return {"input_ids": torch.where(mask.bool(), ids, pad), "attention_mask": mask}


@torch.no_grad()
def assert_equal(ours, theirs, batch):
    """Состояния после эмбеддингов и каждого слоя и логиты: на всех настоящих токенах равны."""
    real = batch["attention_mask"].bool()
    left = ours(**batch, output_hidden_states=True)
    right = theirs(**batch, output_hidden_states=True)
    assert len(left.hidden_states) == len(right.hidden_states)
    pairs = [*zip(left.hidden_states, right.hidden_states, strict=True)]
    for number, (mine, other) in enumerate([*pairs, (left.mlm_logits, right.logits)]):
        assert (mine - other)[real].abs().max() <= TOLERANCE, number


FAMILY = pytest.mark.parametrize(
    ("make", "shapes", "pad"),
    [(tiny_roberta, ROBERTA_SHAPES, 1), (tiny_distilbert, DISTILBERT_SHAPES, 0)],
    ids=["roberta", "distilbert"],
)


@FAMILY
def test_equals_transformers_both_ways(make, shapes, pad):
    """Их модель -> наша -> снова их: числа те же, веса после круга — до бита."""
    for fields in shapes:
        theirs = make(fields)
        ours = from_hugging_face(theirs)
        batch = make_batch(60, pad)
        assert_equal(ours, theirs, batch)
        back = to_hugging_face(ours)
        assert type(back) is type(theirs)
        state, before = back.state_dict(), theirs.state_dict()
        assert state.keys() == before.keys()
        assert all(torch.equal(state[name], before[name]) for name in before)


def test_roberta_positions_start_after_padding():
    """Первое место RoBERTa — третья строка таблицы позиций; без сдвига числа другие."""
    theirs = tiny_roberta()
    ours = from_hugging_face(theirs)
    assert (ours.config.position_offset, ours.config.pad_token_id) == (2, 1)
    assert ours.config.max_sequence_length == 18
    ours.encoder.embeddings.position_offset = 1
    with pytest.raises(AssertionError):
        assert_equal(ours, theirs, make_batch(60, 1))


def test_equals_full_distilbert_base():
    """Полный DistilBERT-base: 66 миллионов случайных весов, шесть слоёв."""
    torch.manual_seed(0)
    theirs = DistilBertForMaskedLM(DistilBertConfig()).eval()
    ours = from_hugging_face(theirs)
    assert ours.config == DISTILBERT and not ours.next_sentence
    count = sum(parameter.numel() for parameter in ours.parameters())
    assert count == sum(parameter.numel() for parameter in theirs.parameters())
    assert_equal(ours, theirs, make_batch(30522, 0, length=16))


def test_configs_go_there_and_back():
    """Наборы лекции — настоящие RoBERTa и DistilBERT: их config.json переводится в те же поля."""
    roberta = replace(ROBERTA_BASE, add_pooling_layer=False)
    for config, kind in ((roberta, RobertaConfig), (DISTILBERT, DistilBertConfig)):
        fields = config_to_hugging_face(config, next_sentence=False)
        assert config_from_hugging_face(fields, has_pooler=False) == config
        made = kind(**fields)
        assert (made.hidden_size, made.num_hidden_layers) == (768, config.num_hidden_layers)
        assert config_from_hugging_face(made.to_dict(), has_pooler=False) == config


@torch.no_grad()
def test_classifier_without_pooler_equals_distilbert():
    """Классификатор над DistilBERT: новый слой с ReLU вместо pooler, логиты те же."""
    base = tiny_distilbert()
    theirs = DistilBertForSequenceClassification(base.config).eval()
    theirs.distilbert.load_state_dict(base.distilbert.state_dict())
    ours = SequenceClassifier(from_hugging_face(base).encoder, theirs.num_labels).eval()
    for mine, its in (
        (ours.first_token, theirs.pre_classifier),
        (ours.classifier, theirs.classifier),
    ):
        torch.nn.init.normal_(mine.bias)
        its.load_state_dict(mine.state_dict())
    batch = make_batch(60, 0)
    assert torch.allclose(ours(**batch), theirs(**batch).logits, atol=1e-5)


@torch.no_grad()
def test_exported_student_opens_in_transformers(tmp_path):
    """Ученик из слоёв учителя уходит в transformers как DistilBERT и читается обратно."""
    tokenizer = train_wordpiece(TEXTS * 5, vocab_size=300)
    torch.manual_seed(0)
    config = replace(
        BERT_BASE, vocab_size=len(tokenizer), hidden_size=24, num_attention_heads=3,
        num_hidden_layers=4, intermediate_size=40, max_position_embeddings=20,
    )  # fmt: skip
    student = student_from_teacher(shaken(PretrainingModel(config)), spread_layers(4, 2))
    export_to_hugging_face(student, tokenizer, tmp_path)
    theirs = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    assert type(theirs) is DistilBertForMaskedLM
    assert_equal(student, theirs, make_batch(len(tokenizer), tokenizer.pad_token_id))
    again = load_pretrained(tmp_path)
    assert again.config == student.config
    assert_equal(again, theirs, make_batch(len(tokenizer), tokenizer.pad_token_id))


@torch.no_grad()
def test_exported_roberta_opens_in_transformers(tmp_path):
    """Наша RoBERTa с байтовым словарём — тоже; дополнение там номер 1 и позиций не занимает."""
    tokenizer = train_byte_level_bpe(TEXTS * 5, vocab_size=300)
    pad = tokenizer.pad_token_id
    config = replace(
        ROBERTA_BASE, vocab_size=len(tokenizer), hidden_size=24, num_attention_heads=3,
        num_hidden_layers=2, intermediate_size=40, max_position_embeddings=30,
        pad_token_id=pad, position_offset=pad + 1, add_pooling_layer=False,
    )  # fmt: skip
    model = shaken(PretrainingModel(config, next_sentence=False))
    export_to_hugging_face(model, tokenizer, tmp_path)
    theirs = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    assert type(theirs) is RobertaForMaskedLM
    assert_equal(model, theirs, make_batch(len(tokenizer), pad))
    assert load_pretrained(tmp_path).config == config


@pytest.mark.parametrize(
    ("config", "next_sentence", "said"),
    [
        (ROBERTA_BASE, True, "next_sentence = True"),
        (replace(ROBERTA_BASE, type_vocab_size=0), False, "type_vocab_size = 0"),
        (replace(ROBERTA_BASE, position_offset=3), False, "position_offset = 3"),
        (replace(DISTILBERT, layer_norm_eps=1e-5), False, "layer_norm_eps = 1e-05"),
        (replace(DISTILBERT, is_causal=True), False, "is_causal = True"),
    ],
)
def test_models_that_transformers_lacks_are_refused(config, next_sentence, said):
    with pytest.raises(ValueError, match=said):
        config_to_hugging_face(config, next_sentence)


def test_untied_or_foreign_models_are_refused():
    """Отдельный выход в словарь, другая активация, чужое семейство, веса без головы MLM."""
    theirs = tiny_distilbert()
    theirs.vocab_projector.weight = torch.nn.Parameter(torch.zeros(60, 24))
    with pytest.raises(ValueError, match=r"vocab_projector\.weight"):
        from_hugging_face(theirs)
    with pytest.raises(ValueError, match="activation = 'relu'"):
        config_from_hugging_face({"model_type": "distilbert", "activation": "relu"}, False)
    with pytest.raises(ValueError, match="model_type = 'albert'"):
        config_from_hugging_face({"model_type": "albert"}, False)
    with pytest.raises(ValueError, match="с головой MLM"):
        from_hugging_face(tiny_roberta().roberta)
