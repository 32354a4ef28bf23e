"""Имена BERT: как одни и те же веса и настройки называются у нас и в transformers.

Больше нигде в библиотеке имён из transformers нет. Здесь только переименования — ни одно число
не меняется, и сама библиотека transformers не нужна.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import torch

from lecture_lib.config import EncoderConfig

# Наше имя -> имя в BertForPreTraining; {} — номер слоя.
NAMES = {
    "encoder.embeddings.word_embeddings": "bert.embeddings.word_embeddings",
    "encoder.embeddings.position_embeddings": "bert.embeddings.position_embeddings",
    "encoder.embeddings.token_type_embeddings": "bert.embeddings.token_type_embeddings",
    "encoder.embeddings.layer_norm": "bert.embeddings.LayerNorm",
    "encoder.layers.{}.attention.query": "bert.encoder.layer.{}.attention.self.query",
    "encoder.layers.{}.attention.key": "bert.encoder.layer.{}.attention.self.key",
    "encoder.layers.{}.attention.value": "bert.encoder.layer.{}.attention.self.value",
    "encoder.layers.{}.attention.output": "bert.encoder.layer.{}.attention.output.dense",
    "encoder.layers.{}.attention_norm": "bert.encoder.layer.{}.attention.output.LayerNorm",
    "encoder.layers.{}.intermediate": "bert.encoder.layer.{}.intermediate.dense",
    "encoder.layers.{}.output": "bert.encoder.layer.{}.output.dense",
    "encoder.layers.{}.output_norm": "bert.encoder.layer.{}.output.LayerNorm",
    "encoder.pooler.dense": "bert.pooler.dense",
    "mlm_head.transform": "cls.predictions.transform.dense",
    "mlm_head.layer_norm": "cls.predictions.transform.LayerNorm",
    "nsp_head.classifier": "cls.seq_relationship",
}
# Смещение выхода в словарь в transformers хранится дважды: само и внутри decoder.
DECODER_BIAS = ("mlm_head.decoder.bias", "cls.predictions.bias")
TIED = ("mlm_head.decoder.weight", "cls.predictions.decoder.weight")
WORDS = ("encoder.embeddings.word_embeddings.weight", "bert.embeddings.word_embeddings.weight")


def to_hugging_face_names(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Наш state_dict -> state_dict с именами transformers (без связанной матрицы выхода)."""
    renamed = {DECODER_BIAS[1]: state[DECODER_BIAS[0]]}
    for name, tensor in state.items():
        if name not in (TIED[0], DECODER_BIAS[0]):
            renamed[_rename(name, NAMES)] = tensor
    return renamed


def from_hugging_face_names(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """state_dict из transformers -> наш: float32, выход в словарь — таблица эмбеддингов.

    ValueError — если это не BERT с головой MLM или выход в словарь у модели отдельный.
    """
    backwards = {theirs: ours for ours, theirs in NAMES.items()}
    # В старых чекпойнтах LayerNorm хранит gamma и beta.
    state = {re.sub("gamma$", "weight", re.sub("beta$", "bias", n)): t for n, t in state.items()}
    for name in (WORDS[1], DECODER_BIAS[1]):
        if name not in state:
            raise ValueError(f"state: нет тензора {name}; нужен BERT с головой MLM.")
    if TIED[1] in state and not torch.equal(state[TIED[1]], state[WORDS[1]]):
        raise ValueError(f"state: {TIED[1]} — не таблица эмбеддингов; здесь веса связаны.")
    skipped = (TIED[1], DECODER_BIAS[1], "cls.predictions.decoder.bias")
    renamed = {
        _rename(name, backwards): tensor.float()
        for name, tensor in state.items()
        if name not in skipped and not name.endswith("position_ids")
    }
    renamed[DECODER_BIAS[0]] = state[DECODER_BIAS[1]].float()
    renamed[TIED[0]] = renamed[WORDS[0]]
    return renamed


def _rename(name: str, names: Mapping[str, str]) -> str:
    """Переводит одно имя: номер слоя вынимается, остаток ищется в словаре."""
    stem, _, kind = name.rpartition(".")  # kind — weight или bias
    layer = re.search(r"\.\d+\.", stem)
    pattern = re.sub(r"\.\d+\.", ".{}.", stem)
    if pattern not in names:
        raise ValueError(f"state: незнакомый тензор {name}; в BERT для предобучения такого нет.")
    return f"{names[pattern].format(layer.group().strip('.') if layer else '')}.{kind}"


def config_from_hugging_face(config: Mapping[str, Any], has_pooler: bool) -> EncoderConfig:
    """config.json модели BERT -> EncoderConfig; ValueError, если математика модели другая."""
    expected = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
    for name, value in expected.items():
        actual = config.get(name, None if name == "model_type" else value)
        if actual != value:
            raise ValueError(f"{name} = {actual!r}: здесь читается только {value!r}.")
    fields = {field.name for field in dataclasses.fields(EncoderConfig)}
    return EncoderConfig(
        **{name: value for name, value in config.items() if name in fields and value is not None},
        add_pooling_layer=has_pooler,
        is_causal=bool(config.get("is_decoder", False)),
    )


def config_to_hugging_face(config: EncoderConfig, next_sentence: bool) -> dict[str, Any]:
    """EncoderConfig -> содержимое config.json для transformers.

    ValueError — у BERT в transformers нет сдвига позиций и всегда есть сегменты.
    """
    if config.position_offset or not config.type_vocab_size:
        raise ValueError(
            f"position_offset = {config.position_offset}, "
            f"type_vocab_size = {config.type_vocab_size}: такой модели BERT в transformers нет."
        )
    ours_only = ("position_offset", "add_pooling_layer", "is_causal")
    shared = {n: v for n, v in dataclasses.asdict(config).items() if n not in ours_only}
    kind = "BertForPreTraining" if next_sentence else "BertForMaskedLM"
    if config.is_causal:
        kind = "BertLMHeadModel"
    return shared | {
        "architectures": [kind],
        "model_type": "bert",
        "hidden_act": "gelu",
        "is_decoder": config.is_causal,
        "dtype": "float32",
    }
