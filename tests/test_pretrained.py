"""Готовые модели: равенство с transformers число в число, запись, чтение, порча файлов."""

import copy
import json
import re
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    BertLMHeadModel,
    pipeline,
)

from lecture_lib.config import (
    BERT_BASE,
    MINI,
    MINI_CAUSAL,
    MINI_PRETRAINING,
    ROBERTA_BASE,
    EncoderConfig,
)
from lecture_lib.divergence import trace_model
from lecture_lib.heads import PretrainingModel
from lecture_lib.pretrained import (
    SHIPPED_NAMES,
    export_to_hugging_face,
    from_hugging_face,
    load_pretrained,
    read_card,
    save_pretrained,
    to_hugging_face,
)
from lecture_lib.tokenization import load_tokenizer, vocabulary_fingerprint

TOLERANCE = 1e-5
SMALL = EncoderConfig(
    vocab_size=60, hidden_size=16, num_hidden_layers=3, num_attention_heads=2,
    intermediate_size=40, max_position_embeddings=20,
)  # fmt: skip
SHAPES = [
    {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1, "type_vocab_size": 2},
    {"hidden_size": 24, "num_attention_heads": 3, "num_hidden_layers": 4, "type_vocab_size": 3},
    {"hidden_size": 20, "num_attention_heads": 5, "num_hidden_layers": 2, "layer_norm_eps": 1e-5},
]


def make_batch(vocab_size, length=12, seed=0):
    """Три строки: две фразы, две фразы с дополнением, одна короткая."""
    ids = torch.randint(5, vocab_size, (3, length), generator=torch.Generator().manual_seed(seed))
    lengths = torch.tensor([[length], [length - 3], [4]])
    mask = (torch.arange(length) < lengths).long()
    types = (torch.arange(length) >= length // 2).long() * mask
    return {"input_ids": ids * mask, "attention_mask": mask, "token_type_ids": types}


def random_hugging_face(kind, seed=0, **fields):
    """Модель transformers со случайными весами — и LayerNorm и смещениями не по умолчанию."""
    torch.manual_seed(seed)
    defaults = {"vocab_size": 60, "intermediate_size": 40, "max_position_embeddings": 20}
    model = kind(BertConfig(**(defaults | fields))).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model


def assert_equal(ours, theirs, batch, tensors):
    """Каждый тензор, который отдаёт модель transformers, есть у нас и равен — и на [PAD] тоже."""
    left, right = trace_model(ours, batch), trace_model(theirs, batch)
    assert set(right) <= set(left) and len(right) == tensors
    for name, expected in right.items():
        assert (left[name] - expected).abs().max() <= TOLERANCE, name


# ------------------------------------------------------------------ равенство с transformers


@pytest.mark.parametrize("fields", SHAPES, ids=str)
def test_equals_bert_for_pretraining(fields):
    """Эмбеддинги, внимание и состояние каждого слоя, слой над [CLS], обе головы."""
    theirs = random_hugging_face(BertForPreTraining, **fields)
    ours = from_hugging_face(theirs)
    tensors = 1 + 2 * fields["num_hidden_layers"] + 3
    assert_equal(ours, theirs, make_batch(60), tensors)
    assert_equal(ours, to_hugging_face(ours), make_batch(60, seed=1), tensors)


def test_our_copy_is_its_own():
    """Перевод копирует веса: правка нашей модели не трогает исходную, и выход остаётся связан."""
    theirs = random_hugging_face(BertForMaskedLM, **SHAPES[0])
    before = copy.deepcopy(theirs.state_dict())
    ours = from_hugging_face(theirs)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.zero_()
    assert all(torch.equal(before[name], tensor) for name, tensor in theirs.state_dict().items())
    assert ours.mlm_head.decoder.weight is ours.encoder.embeddings.word_embeddings.weight
    assert all(parameter.requires_grad for parameter in ours.parameters())


def test_equals_bert_for_masked_lm():
    theirs = random_hugging_face(BertForMaskedLM, **SHAPES[1])
    ours = from_hugging_face(theirs)
    assert not ours.next_sentence and not ours.config.add_pooling_layer
    assert_equal(ours, theirs, make_batch(60), 1 + 2 * 4 + 1)
    assert type(to_hugging_face(ours)) is BertForMaskedLM


def test_causal_model_equals_bert_decoder():
    """Причинный близнец — это BertLMHeadModel с is_decoder."""
    theirs = random_hugging_face(BertLMHeadModel, is_decoder=True, **SHAPES[1])
    ours = from_hugging_face(theirs)
    assert ours.config.is_causal
    assert_equal(ours, theirs, make_batch(60), 1 + 2 * 4 + 1)
    assert type(to_hugging_face(ours)) is BertLMHeadModel


def test_names_go_there_and_back():
    """Туда и обратно — те же веса до бита."""
    theirs = random_hugging_face(BertForPreTraining, **SHAPES[1])
    back = to_hugging_face(from_hugging_face(theirs)).state_dict()
    assert back.keys() == theirs.state_dict().keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in theirs.state_dict().items())


def test_equals_full_bert_base():
    """Полный BERT-base: 110 миллионов случайных весов, двенадцать слоёв, обе головы."""
    torch.manual_seed(0)
    theirs = BertForPreTraining(BertConfig()).eval()
    ours = from_hugging_face(theirs)
    assert ours.config == BERT_BASE
    assert_equal(ours, theirs, make_batch(30522, length=16), 1 + 2 * 12 + 3)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"hidden_act": "relu"}, "hidden_act = 'relu'"),
        ({"model_type": "roberta"}, "model_type = 'roberta'"),
    ],
)
def test_other_mathematics_is_refused(tmp_path, fields, named):
    """Модель с другой активацией загрузилась бы и врала; вместо этого — ошибка."""
    random_hugging_face(BertForMaskedLM, **SHAPES[0]).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | fields))
    with pytest.raises(ValueError, match=fields.get("model_type", named)):
        load_pretrained(tmp_path)


def test_untied_output_is_refused():
    theirs = random_hugging_face(BertForMaskedLM, **SHAPES[0])
    theirs.cls.predictions.decoder.weight = torch.nn.Parameter(torch.zeros(60, 16))
    with pytest.raises(ValueError, match=r"cls\.predictions\.decoder\.weight"):
        from_hugging_face(theirs)


# ------------------------------------------------------------------ папки Hugging Face


@pytest.fixture(scope="module")
def tokenizer():
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"вчера мы смотрели фильм .".split()]
    backend = Tokenizer(models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(strip_accents=False)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]",
    )  # fmt: skip


@torch.no_grad()
@pytest.mark.parametrize("next_sentence", (True, False))
def test_exported_folder_opens_in_transformers(tmp_path, tokenizer, next_sentence):
    """AutoModelForMaskedLM, AutoTokenizer и pipeline("fill-mask") — и те же логиты."""
    torch.manual_seed(0)
    model = PretrainingModel(replace(SMALL, vocab_size=10), next_sentence=next_sentence).eval()
    export_to_hugging_face(model, tokenizer, tmp_path)
    theirs = AutoModelForMaskedLM.from_pretrained(tmp_path)
    batch = dict(
        AutoTokenizer.from_pretrained(tmp_path)("Вчера мы [MASK] фильм.", return_tensors="pt")
    )
    assert batch["input_ids"].tolist() == [[2, 5, 6, 4, 8, 9, 3]]
    ours = model(**batch).mlm_logits
    assert (theirs(**batch).logits - ours).abs().max() <= TOLERANCE
    fill = pipeline("fill-mask", model=str(tmp_path))
    best = fill("Вчера мы [MASK] фильм.", top_k=1)[0]
    probabilities = ours[0, 3].softmax(-1)
    assert best["token"] == int(probabilities.argmax())
    assert best["score"] == pytest.approx(float(probabilities.max()), abs=1e-5)
    again = load_pretrained(tmp_path)
    assert again.next_sentence == next_sentence
    assert torch.equal(again(**batch).mlm_logits, ours)


def test_causal_export_opens_as_causal(tmp_path, tokenizer):
    torch.manual_seed(0)
    config = replace(SMALL, vocab_size=10, is_causal=True, add_pooling_layer=False)
    model = PretrainingModel(config, next_sentence=False).eval()
    export_to_hugging_face(model, tokenizer, tmp_path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path)
    ids = torch.tensor([[2, 5, 6, 7, 8, 3]])
    assert (theirs(ids).logits - model(ids).mlm_logits).abs().max() <= TOLERANCE
    assert load_pretrained(tmp_path).config == config


@pytest.mark.parametrize("kind", (BertForPreTraining, BertForMaskedLM))
def test_folder_of_transformers_opens_here(tmp_path, kind):
    """save_pretrained из transformers читается; так же — старый pytorch_model.bin."""
    theirs = random_hugging_face(kind, **SHAPES[1])
    theirs.save_pretrained(tmp_path)
    batch = make_batch(60)
    expected = trace_model(theirs, batch)["логиты MLM"]
    assert (load_pretrained(tmp_path)(**batch).mlm_logits - expected).abs().max() <= TOLERANCE
    (tmp_path / "model.safetensors").unlink()
    old_names = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    state = {
        re.sub(r"LayerNorm\.\w+$", lambda found: old_names[found.group()], name): tensor
        for name, tensor in theirs.state_dict().items()
    }
    torch.save(state, tmp_path / "pytorch_model.bin")
    assert (load_pretrained(tmp_path)(**batch).mlm_logits - expected).abs().max() <= TOLERANCE


def test_export_refuses_what_bert_cannot_hold(tmp_path, tokenizer):
    small_roberta = replace(ROBERTA_BASE, vocab_size=10, hidden_size=12, num_hidden_layers=1)
    with pytest.raises(ValueError, match="position_offset = 2"):
        export_to_hugging_face(PretrainingModel(small_roberta), tokenizer, tmp_path)
    with pytest.raises(ValueError, match="токенов 10, а в модели их 7"):
        export_to_hugging_face(PretrainingModel(replace(SMALL, vocab_size=7)), tokenizer, tmp_path)


# ------------------------------------------------------------------ чекпойнты курса


@pytest.fixture(scope="module")
def mini():
    torch.manual_seed(0)
    return PretrainingModel(MINI).eval()


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    return save_pretrained(PretrainingModel(SMALL), tmp_path / "модель", {"seed": 3})


def test_checkpoint_comes_back(tmp_path, mini):
    """Веса возвращаются с точностью fp16, настройки и карточка — целиком; файл — около 8 МБ."""
    folder = save_pretrained(mini, tmp_path, {"command": "lecture pretrain", "seed": 0})
    size = (folder / "model.safetensors").stat().st_size
    assert 8e6 < size < 9e6
    times = []
    for _ in range(3):
        start = time.perf_counter()
        again = load_pretrained(folder)
        times.append(time.perf_counter() - start)
    assert min(times) < 1
    assert again.config == MINI and again.next_sentence and not again.training
    for name, tensor in again.state_dict().items():
        assert torch.equal(tensor, mini.state_dict()[name].half().float()), name
    assert again.mlm_head.decoder.weight is again.encoder.embeddings.word_embeddings.weight
    card = read_card(folder)
    assert card["command"] == "lecture pretrain" and len(card["sha256"]) == 64
    assert card["parameters"] == sum(p.numel() for p in mini.parameters())
    assert sorted(path.name for path in folder.iterdir()) == [
        "card.json", "config.json", "model.safetensors", "sha256.json",
    ]  # fmt: skip


def test_checkpoint_remembers_causality(tmp_path):
    config = replace(MINI_CAUSAL, vocab_size=50, num_hidden_layers=1)
    model = PretrainingModel(config, next_sentence=False)
    again = load_pretrained(save_pretrained(model, tmp_path, {}))
    assert again.config == config and again.nsp_head is None


def test_overwriting_replaces_the_checkpoint(folder):
    torch.manual_seed(1)
    other = PretrainingModel(replace(SMALL, num_hidden_layers=2))
    save_pretrained(other, folder, {"seed": 1})
    assert load_pretrained(folder).config.num_hidden_layers == 2
    assert read_card(folder)["seed"] == 1


def flip(path, place=-1):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ("model.safetensors", "config.json", "card.json"))
@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (flip, "повреждён"),
        (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), "повреждён"),
        (lambda path: path.write_bytes(b""), "повреждён"),
        (lambda path: path.unlink(), "Нет файла"),
    ],
    ids=["один бит", "половина", "пусто", "нет"],
)
def test_damage_is_an_error_not_a_wrong_model(folder, name, harm, named):
    """Порча любого файла — понятная ошибка с именем файла."""
    harm(folder / name)
    with pytest.raises(ValueError, match=named) as caught:
        load_pretrained(folder)
    assert name in str(caught.value)


def test_damaged_checksums_are_an_error(folder):
    (folder / "sha256.json").write_text("{")
    with pytest.raises(ValueError, match=r"sha256\.json"):
        load_pretrained(folder)
    (folder / "sha256.json").unlink()
    with pytest.raises(ValueError, match=r"sha256\.json"):
        load_pretrained(folder)


@pytest.mark.parametrize("name", ("model.safetensors", "pytorch_model.bin"))
def test_damaged_hugging_face_folder_is_an_error(tmp_path, name):
    """У чужой папки контрольных сумм нет, но обрезанный файл узнаётся и так."""
    theirs = random_hugging_face(BertForMaskedLM, **SHAPES[0])
    theirs.save_pretrained(tmp_path)
    if name == "pytorch_model.bin":
        (tmp_path / "model.safetensors").unlink()
        torch.save(theirs.state_dict(), tmp_path / name)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ValueError, match=f"{name} повреждён"):
        load_pretrained(tmp_path)
    path.unlink()
    with pytest.raises(ValueError, match="Нет файла"):
        load_pretrained(tmp_path)


def test_missing_tensor_is_an_error(tmp_path):
    theirs = random_hugging_face(BertForMaskedLM, **SHAPES[0])
    state = copy.copy(theirs.state_dict())
    del state["bert.encoder.layer.0.output.dense.bias"]
    theirs.save_pretrained(tmp_path, state_dict=state)
    with pytest.raises(ValueError, match=r"encoder\.layers\.0\.output\.bias"):
        load_pretrained(tmp_path)


def test_diverged_model_is_not_saved(tmp_path):
    model = PretrainingModel(SMALL)
    with torch.no_grad():
        model.encoder.layers[1].intermediate.weight[0, 0] = 1e6
    with pytest.raises(ValueError, match=r"layers\.1\.intermediate\.weight"):
        save_pretrained(model, tmp_path, {})
    assert not any(tmp_path.iterdir())


# ------------------------------------------------------------------ имена и сеть


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match="такой папки нет"):
        load_pretrained(tmp_path / "нет")
    with pytest.raises(ValueError, match="такой папки нет"):
        load_pretrained("./нет/такой/папки")


def test_hub_without_network_is_one_quick_line():
    """Без сети — одна строка по-русски, за секунды."""
    start = time.perf_counter()
    with pytest.raises(ValueError) as caught:
        load_pretrained("cointegrated/rubert-tiny2")
    assert time.perf_counter() - start < 5
    message = str(caught.value)
    assert "cointegrated/rubert-tiny2" in message and "сети нет" in message
    assert "mini" in message and "\n" not in message


def test_transformers_is_not_loaded_for_our_files(folder):
    """Свой чекпойнт открывается без transformers: быстро и без лишней памяти."""
    code = (
        "import sys; from lecture_lib.pretrained import load_pretrained; "
        f"load_pretrained({str(folder)!r}); assert 'transformers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# Что у сестёр общее: корпус, зерно, словарь.
SAME_LESSONS = ("documents", "corpus_commit", "seed", "vocabulary")


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_shipped_models_speak_the_shipped_vocabulary(name):
    """Чекпойнт обучен с тем токенизатором, что лежит рядом; иначе он понял бы номера неверно."""
    assert read_card(name)["vocabulary"] == vocabulary_fingerprint(load_tokenizer())


def test_shipped_models_saw_the_same():
    """Причинная сестра прочла столько же токенов того же корпуса."""
    mini, causal = read_card("mini"), read_card("mini-causal")
    for name in SAME_LESSONS:
        assert mini[name] == causal[name]
    assert mini["tokens"] == pytest.approx(causal["tokens"], rel=0.02)


def test_short_model_was_asked_as_much():
    """Остановленной причинной задали столько же вопросов, сколько двусторонней: по 30 % токенов."""
    mini, short = read_card("mini"), read_card("mini-causal-short")
    for name in SAME_LESSONS:
        assert mini[name] == short[name]
    asked = MINI_PRETRAINING.masking.probability * mini["tokens"]
    assert short["tokens"] == pytest.approx(asked, rel=0.03)
