"""Готовые модели: чекпойнты курса, папки и имена Hugging Face — в нашу модель и обратно.

`load_pretrained` открывает всё одним вызовом: "mini" — чекпойнт из поставки, папку — нашу или в
формате Hugging Face, имя на Hub — «cointegrated/rubert-tiny2». Веса BERT, RoBERTa и DistilBERT у
нас и в transformers одни и те же, различаются только имена; переводит их bert_names. Сама
библиотека transformers загружается, лишь когда нужна живая модель оттуда.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors.torch
import torch

from lecture_lib.bert_names import (
    TIED,
    WORDS,
    config_from_hugging_face,
    config_to_hugging_face,
    family_named,
    family_of,
    from_hugging_face_names,
    to_hugging_face_names,
)
from lecture_lib.config import EncoderConfig
from lecture_lib.files import sync_folder, write_atomically
from lecture_lib.heads import PretrainingModel
from lecture_lib.network import hub_is_reachable

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SHIPPED_FOLDER = Path(__file__).parent / "pretrained_data"
SHIPPED_NAMES = ("mini", "mini-causal", "mini-causal-short")
WEIGHTS, CONFIG, CARD, CHECKSUMS = "model.safetensors", "config.json", "card.json", "sha256.json"
OLD_WEIGHTS = "pytorch_model.bin"


def save_pretrained(model: PretrainingModel, folder: str | Path, card: Mapping[str, Any]) -> Path:
    """Пишет чекпойнт курса: веса fp16, настройки, карточка и контрольные суммы файлов.

    card — что записать о модели: команда, зёрна, число токенов, метрики. Файлы пишутся во
    временную папку и переносятся; суммы — последними, поэтому прерванная запись обнаружится при
    чтении. ValueError — в весах NaN, бесконечность или число, которое в fp16 не помещается.
    """
    state = {n: t.detach().half() for n, t in model.state_dict().items() if n != TIED}
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"model: в {name} есть NaN, бесконечность или число больше 65504.")
    weights = safetensors.torch.save(state)
    fields = {
        "encoder": dataclasses.asdict(model.config),
        "next_sentence": model.next_sentence,
    }
    facts = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "precision": "fp16",
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    files = {WEIGHTS: weights, CONFIG: _json(fields), CARD: _json({**card, **facts})}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    _write_files(Path(folder), files | {CHECKSUMS: _json(sums)})
    return Path(folder)


def read_card(name_or_folder: str | Path) -> dict[str, Any]:
    """Карточка чекпойнта курса: команда, зёрна, токены, метрики, sha256 весов."""
    return json.loads(_read_verified(_find_folder(name_or_folder))[CARD])


def load_pretrained(name_or_folder: str | Path = "mini") -> PretrainingModel:
    """Открывает модель: имя из поставки, папку (нашу или Hugging Face) или имя на Hub.

    Модель возвращается в режиме eval и во float32. Имя из поставки важнее одноимённой папки.
    ValueError — файла нет, он повреждён, это не BERT, RoBERTa или DistilBERT, нет сети.
    """
    folder = _find_folder(name_or_folder)
    if (folder / CHECKSUMS).is_file() or (folder / CARD).is_file():
        return _load_ours(folder)
    return _load_hugging_face(folder)


def _load_ours(folder: Path) -> PretrainingModel:
    files = _read_verified(folder)
    fields = _parse_json(files[CONFIG], folder / CONFIG)
    state = _parse_weights(files[WEIGHTS], folder / WEIGHTS)
    state = {name: tensor.float() for name, tensor in state.items()}
    state[TIED] = state[WORDS]
    return _fill(EncoderConfig(**fields["encoder"]), fields["next_sentence"], state)


def _load_hugging_face(folder: Path) -> PretrainingModel:
    fields = _parse_json(_read_file(folder / CONFIG), folder / CONFIG)
    family_named(fields.get("model_type"))  # чужую модель узнаём до чтения весов
    if (folder / WEIGHTS).is_file() or not (folder / OLD_WEIGHTS).is_file():
        state = _parse_weights(_read_file(folder / WEIGHTS), folder / WEIGHTS)
    else:
        try:
            state = torch.load(folder / OLD_WEIGHTS, map_location="cpu", weights_only=True)
        except Exception as error:  # torch отвечает RuntimeError, UnpicklingError, EOFError…
            raise ValueError(f"Файл {folder / OLD_WEIGHTS} повреждён: {error}") from error
    return _from_hugging_face_state(state, fields)


def _fill(
    config: EncoderConfig, next_sentence: bool, state: Mapping[str, torch.Tensor]
) -> PretrainingModel:
    """Создаёт модель и кладёт в неё веса; лишних и недостающих быть не должно."""
    model = PretrainingModel(config, next_sentence=next_sentence)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"Веса не подходят к настройкам модели: {error}") from error
    return model.eval()


def from_hugging_face(model: PreTrainedModel) -> PretrainingModel:
    """Модель transformers -> наша.

    Берёт BertForPreTraining, BertForMaskedLM, BertLMHeadModel, RobertaForMaskedLM и
    DistilBertForMaskedLM. ValueError — модель другая или другой математики.
    """
    return _from_hugging_face_state(model.state_dict(), model.config.to_dict())


def to_hugging_face(model: PretrainingModel) -> PreTrainedModel:
    """Наша модель -> модель transformers с теми же весами.

    BertForPreTraining или BertForMaskedLM; причинная — BertLMHeadModel, с позициями со сдвигом —
    RobertaForMaskedLM, без сегментов — DistilBertForMaskedLM. ValueError — такой там нет.
    """
    import transformers

    fields = config_to_hugging_face(model.config, model.next_sentence)
    family = family_of(model.config)
    kind = getattr(transformers, fields["architectures"][0])
    theirs = kind(kind.config_class(**fields))
    missing, unexpected = theirs.load_state_dict(
        to_hugging_face_names(_exportable_state(model), family), strict=False
    )
    tied = {family.output, *family.biases[1:]}  # эти тензоры — те же, что уже загружены
    if unexpected or not set(missing) <= tied:
        raise ValueError(f"model: не переведены тензоры {sorted(set(missing) - tied)}{unexpected}.")
    return theirs.eval()


def export_to_hugging_face(
    model: PretrainingModel, tokenizer: PreTrainedTokenizerBase, folder: str | Path
) -> Path:
    """Пишет папку, которую открывают AutoModelForMaskedLM и pipeline("fill-mask")."""
    folder = Path(folder)
    fields = config_to_hugging_face(model.config, model.next_sentence)
    if len(tokenizer) > model.config.vocab_size:
        raise ValueError(
            f"tokenizer: токенов {len(tokenizer)}, а в модели их {model.config.vocab_size}."
        )
    tokenizer.save_pretrained(folder)
    state = to_hugging_face_names(_exportable_state(model), family_of(model.config))
    state = {name: tensor.contiguous() for name, tensor in state.items()}
    content = safetensors.torch.save(state, metadata={"format": "pt"})
    _write_files(folder, {CONFIG: _json(fields), WEIGHTS: content})
    return folder


def _exportable_state(model: PretrainingModel) -> dict[str, torch.Tensor]:
    """Веса без слоя над [CLS], если у такой модели transformers его нет."""
    keep_pooler = model.next_sentence
    return {
        name: tensor.detach().float()
        for name, tensor in model.state_dict().items()
        if keep_pooler or not name.startswith("encoder.pooler.")
    }


def _from_hugging_face_state(
    state: Mapping[str, torch.Tensor], fields: Mapping[str, Any]
) -> PretrainingModel:
    ours = from_hugging_face_names(state, family_named(fields.get("model_type")))
    config = config_from_hugging_face(fields, has_pooler="encoder.pooler.dense.weight" in ours)
    return _fill(config, "nsp_head.classifier.weight" in ours, ours)


def _find_folder(name_or_folder: str | Path) -> Path:
    """Папка с моделью: из поставки, на диске или скачанная с Hub."""
    name = str(name_or_folder)
    if name in SHIPPED_NAMES:
        return SHIPPED_FOLDER / name
    if Path(name).is_dir():
        return Path(name)
    if isinstance(name_or_folder, Path) or not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", name):
        raise ValueError(f"name_or_folder = {name!r}: такой папки нет.")
    return _download(name)


def _download(name: str) -> Path:
    """Скачивает модель с Hub или берёт из кэша; без сети отвечает сразу, одной строкой."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    online = hub_is_reachable()
    try:
        config = hf_hub_download(name, CONFIG, local_files_only=not online)
        try:
            hf_hub_download(name, WEIGHTS, local_files_only=not online)
        except EntryNotFoundError:  # старые модели хранят веса в другом файле
            hf_hub_download(name, OLD_WEIGHTS, local_files_only=not online)
    except Exception as error:  # у huggingface_hub полтора десятка видов ошибок
        reason = f"на Hub не нашлось ({type(error).__name__})" if online else "сети нет"
        raise ValueError(
            f"name_or_folder = {name!r}: такой папки нет, в кэше модели нет, {reason}. "
            f"Без сети работают модели курса: {', '.join(SHIPPED_NAMES)}."
        ) from error
    return Path(config).parent


def _read_verified(folder: Path) -> dict[str, bytes]:
    """Файлы чекпойнта, сверенные с контрольными суммами."""
    sums = _parse_json(_read_file(folder / CHECKSUMS), folder / CHECKSUMS)
    files = {name: _read_file(folder / name) for name in (WEIGHTS, CONFIG, CARD)}
    for name, content in files.items():
        if hashlib.sha256(content).hexdigest() != sums.get(name):
            raise ValueError(
                f"Файл {folder / name} повреждён или записан не до конца: контрольная сумма не "
                "сходится. Восстановите его: git checkout или новая установка курса."
            )
    return files


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"Нет файла {path}: модель не открыть ({error.strerror}).") from error


def _parse_json(content: bytes, path: Path) -> dict[str, Any]:
    try:
        return json.loads(content)
    except ValueError as error:
        raise ValueError(f"Файл {path} повреждён: {error}") from error


def _parse_weights(content: bytes, path: Path) -> dict[str, torch.Tensor]:
    try:
        return safetensors.torch.load(content)
    except Exception as error:  # SafetensorError, а у обрезанного файла — и другие
        raise ValueError(f"Файл {path} повреждён: {error}") from error


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Пишет файлы через временную папку: под настоящим именем каждый появляется целым."""
    folder.mkdir(parents=True, exist_ok=True)
    staging = folder / ".writing"
    staging.mkdir(exist_ok=True)
    for name, content in files.items():
        write_atomically(staging / name, content)
    for name in files:
        os.replace(staging / name, folder / name)
    sync_folder(folder)
    shutil.rmtree(staging)


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
