"""Имена BERT, RoBERTa и DistilBERT: как веса и настройки называются у нас и в transformers.

Больше нигде в библиотеке имён из transformers нет. Здесь только переименования — ни одно число
не меняется, и сама библиотека transformers не нужна.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from lecture_lib.config import EncoderConfig

# Выход в словарь у нас: смещение и матрица; матрица — та же таблица, что эмбеддинги токенов.
DECODER_BIAS, TIED = "mlm_head.decoder.bias", "mlm_head.decoder.weight"
WORDS = "encoder.embeddings.word_embeddings.weight"


@dataclass(frozen=True)
class Family:
    """Семейство моделей в transformers: имена весов, активации и класса с головой MLM.

    names — наше имя -> имя там, {} — номер слоя. biases — как зовётся смещение выхода в словарь:
    первое имя — само оно, остальные — его повторы; output — матрица выхода.
    """

    model_type: str
    architecture: str
    activation: str
    names: Mapping[str, str]
    biases: tuple[str, ...]
    output: str

    @property
    def words(self) -> str:
        """Имя таблицы эмбеддингов токенов."""
        return self.names["encoder.embeddings.word_embeddings"] + ".weight"


def _bert_names(prefix: str) -> dict[str, str]:
    """Имена кодировщика: у BERT и RoBERTa они различаются только началом."""
    ours_and_theirs = {
        "embeddings.word_embeddings": "embeddings.word_embeddings",
        "embeddings.position_embeddings": "embeddings.position_embeddings",
        "embeddings.token_type_embeddings": "embeddings.token_type_embeddings",
        "embeddings.layer_norm": "embeddings.LayerNorm",
        "layers.{}.attention.query": "encoder.layer.{}.attention.self.query",
        "layers.{}.attention.key": "encoder.layer.{}.attention.self.key",
        "layers.{}.attention.value": "encoder.layer.{}.attention.self.value",
        "layers.{}.attention.output": "encoder.layer.{}.attention.output.dense",
        "layers.{}.attention_norm": "encoder.layer.{}.attention.output.LayerNorm",
        "layers.{}.intermediate": "encoder.layer.{}.intermediate.dense",
        "layers.{}.output": "encoder.layer.{}.output.dense",
        "layers.{}.output_norm": "encoder.layer.{}.output.LayerNorm",
        "pooler.dense": "pooler.dense",
    }
    return {f"encoder.{ours}": f"{prefix}.{theirs}" for ours, theirs in ours_and_theirs.items()}


BERT = Family(
    model_type="bert",
    architecture="BertForMaskedLM",
    activation="hidden_act",
    names={
        **_bert_names("bert"),
        "mlm_head.transform": "cls.predictions.transform.dense",
        "mlm_head.layer_norm": "cls.predictions.transform.LayerNorm",
        "nsp_head.classifier": "cls.seq_relationship",
    },
    biases=("cls.predictions.bias", "cls.predictions.decoder.bias"),
    output="cls.predictions.decoder.weight",
)
ROBERTA = Family(
    model_type="roberta",
    architecture="RobertaForMaskedLM",
    activation="hidden_act",
    names={
        **_bert_names("roberta"),
        "mlm_head.transform": "lm_head.dense",
        "mlm_head.layer_norm": "lm_head.layer_norm",
    },
    biases=("lm_head.bias", "lm_head.decoder.bias"),
    output="lm_head.decoder.weight",
)
DISTILBERT = Family(
    model_type="distilbert",
    architecture="DistilBertForMaskedLM",
    activation="activation",
    names={
        "encoder.embeddings.word_embeddings": "distilbert.embeddings.word_embeddings",
        "encoder.embeddings.position_embeddings": "distilbert.embeddings.position_embeddings",
        "encoder.embeddings.layer_norm": "distilbert.embeddings.LayerNorm",
        "encoder.layers.{}.attention.query": "distilbert.transformer.layer.{}.attention.q_lin",
        "encoder.layers.{}.attention.key": "distilbert.transformer.layer.{}.attention.k_lin",
        "encoder.layers.{}.attention.value": "distilbert.transformer.layer.{}.attention.v_lin",
        "encoder.layers.{}.attention.output": "distilbert.transformer.layer.{}.attention.out_lin",
        "encoder.layers.{}.attention_norm": "distilbert.transformer.layer.{}.sa_layer_norm",
        "encoder.layers.{}.intermediate": "distilbert.transformer.layer.{}.ffn.lin1",
        "encoder.layers.{}.output": "distilbert.transformer.layer.{}.ffn.lin2",
        "encoder.layers.{}.output_norm": "distilbert.transformer.layer.{}.output_layer_norm",
        "mlm_head.transform": "vocab_transform",
        "mlm_head.layer_norm": "vocab_layer_norm",
    },
    biases=("vocab_projector.bias",),
    output="vocab_projector.weight",
)
FAMILIES = {family.model_type: family for family in (BERT, ROBERTA, DISTILBERT)}

# Поля config.json, которые DistilBERT назвал по-своему.
DISTILBERT_FIELDS = {
    "hidden_size": "dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "intermediate_size": "hidden_dim",
    "hidden_dropout_prob": "dropout",
    "attention_probs_dropout_prob": "attention_dropout",
}
# Этих полей в его config.json нет: сегментов не бывает, добавка LayerNorm вписана в код.
DISTILBERT_FIXED = {"type_vocab_size": 0, "layer_norm_eps": 1e-12}


def family_of(config: EncoderConfig) -> Family:
    """Семейство, в виде которого модель уходит в transformers.

    Позиции со сдвигом — RoBERTa; сегментов нет — DistilBERT; остальное — BERT.
    """
    if config.position_offset:
        return ROBERTA
    return BERT if config.type_vocab_size else DISTILBERT


def family_named(model_type: object) -> Family:
    """Семейство по полю model_type файла config.json; ValueError — здесь такое не читается."""
    if model_type not in FAMILIES:
        listed = ", ".join(FAMILIES)
        raise ValueError(f"model_type = {model_type!r}: здесь читаются только {listed}.")
    return FAMILIES[model_type]


def to_hugging_face_names(
    state: Mapping[str, torch.Tensor], family: Family = BERT
) -> dict[str, torch.Tensor]:
    """Наш state_dict -> state_dict с именами transformers (без связанной матрицы выхода)."""
    renamed = {family.biases[0]: state[DECODER_BIAS]}
    for name, tensor in state.items():
        if name not in (TIED, DECODER_BIAS):
            renamed[_rename(name, family.names)] = tensor
    return renamed


def from_hugging_face_names(
    state: Mapping[str, torch.Tensor], family: Family = BERT
) -> dict[str, torch.Tensor]:
    """state_dict из transformers -> наш: float32, выход в словарь — таблица эмбеддингов.

    ValueError — если это не модель family с головой MLM или выход в словарь у неё отдельный.
    """
    backwards = {theirs: ours for ours, theirs in family.names.items()}
    # В старых чекпойнтах LayerNorm хранит gamma и beta.
    state = {re.sub("gamma$", "weight", re.sub("beta$", "bias", n)): t for n, t in state.items()}
    for name in (family.words, family.biases[0]):
        if name not in state:
            raise ValueError(
                f"state: нет тензора {name}; нужна модель {family.model_type} с головой MLM."
            )
    if family.output in state and not torch.equal(state[family.output], state[family.words]):
        raise ValueError(f"state: {family.output} — не таблица эмбеддингов; здесь веса связаны.")
    skipped = (family.output, *family.biases)
    renamed = {
        _rename(name, backwards): tensor.float()
        for name, tensor in state.items()
        if name not in skipped and not name.endswith("position_ids")
    }
    renamed[DECODER_BIAS] = state[family.biases[0]].float()
    renamed[TIED] = renamed[WORDS]
    return renamed


def _rename(name: str, names: Mapping[str, str]) -> str:
    """Переводит одно имя: номер слоя вынимается, остаток ищется в словаре."""
    stem, _, kind = name.rpartition(".")  # kind — weight или bias
    layer = re.search(r"\.\d+\.", stem)
    pattern = re.sub(r"\.\d+\.", ".{}.", stem)
    if pattern not in names:
        raise ValueError(
            f"state: незнакомый тензор {name}; в этой модели для предобучения такого нет."
        )
    return f"{names[pattern].format(layer.group().strip('.') if layer else '')}.{kind}"


def config_from_hugging_face(config: Mapping[str, Any], has_pooler: bool) -> EncoderConfig:
    """config.json модели -> EncoderConfig; ValueError, если математика модели другая."""
    family = family_named(config.get("model_type"))
    for name, value in {family.activation: "gelu", "position_embedding_type": "absolute"}.items():
        if config.get(name, value) != value:
            raise ValueError(f"{name} = {config[name]!r}: здесь читается только {value!r}.")
    own = {}
    if family is DISTILBERT:
        own = DISTILBERT_FIXED | {o: config[t] for o, t in DISTILBERT_FIELDS.items() if t in config}
    elif family is ROBERTA:  # первые позиции, по [PAD] включительно, не заняты
        own = {"position_offset": config.get("pad_token_id", 1) + 1}
    fields = {field.name for field in dataclasses.fields(EncoderConfig)}
    shared = {n: value for n, value in config.items() if n in fields and value is not None}
    return EncoderConfig(
        **shared | own,
        add_pooling_layer=has_pooler,
        is_causal=bool(config.get("is_decoder", False)),
    )


def config_to_hugging_face(config: EncoderConfig, next_sentence: bool) -> dict[str, Any]:
    """EncoderConfig -> содержимое config.json для transformers.

    ValueError — такой модели там нет: например, RoBERTa с NSP или без сегментов.
    """
    family = family_of(config)
    if family is not BERT:
        _check_exportable(config, family, next_sentence)
    ours_only = ("position_offset", "add_pooling_layer", "is_causal")
    shared = {n: v for n, v in dataclasses.asdict(config).items() if n not in ours_only}
    if family is DISTILBERT:
        shared = {DISTILBERT_FIELDS.get(n, n): v for n, v in shared.items()}
        shared = {n: v for n, v in shared.items() if n not in DISTILBERT_FIXED}
    kind = "BertForPreTraining" if next_sentence else family.architecture
    if config.is_causal:
        kind = "BertLMHeadModel"
    own = {} if family is DISTILBERT else {"is_decoder": config.is_causal}
    return (
        shared
        | own
        | {
            "architectures": [kind],
            "model_type": family.model_type,
            family.activation: "gelu",
            "dtype": "float32",
        }
    )


def _check_exportable(config: EncoderConfig, family: Family, next_sentence: bool) -> None:
    """ValueError, если у семейства не бывает таких настроек."""
    values = {
        "next_sentence": next_sentence,
        "is_causal": config.is_causal,
        "position_offset": config.position_offset,
        "type_vocab_size": config.type_vocab_size,
        "layer_norm_eps": config.layer_norm_eps,
    }
    wanted: dict[str, Any] = {"next_sentence": False, "is_causal": False}
    if family is DISTILBERT:
        wanted |= DISTILBERT_FIXED
    else:
        wanted |= {
            "position_offset": config.pad_token_id + 1,
            "type_vocab_size": max(config.type_vocab_size, 1),
        }
    if any(values[name] != value for name, value in wanted.items()):
        listed = ", ".join(f"{name} = {values[name]!r}" for name in wanted)
        raise ValueError(f"{listed}: такой модели {family.model_type} в transformers нет.")
