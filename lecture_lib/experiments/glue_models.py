"""Модели таблицы GLUE урока 05: четыре кодировщика, обученные нами на одних и тех же токенах.

Как в лекции: BiLSTM+ELMo (два направления порознь), причинная GPT, малый и большой BERT. GPT и
малый BERT — одного размера, как в статье. Для сравнения — малый BERT без предобучения и он же
предобученный, но замороженный: учится лишь голова над его признаками.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lecture_lib.config import MINI, MINI_PRETRAINING, TINY, EncoderConfig, PretrainingConfig
from lecture_lib.encoder import Encoder
from lecture_lib.experiments.sweeps import Row
from lecture_lib.experiments.task_scores import fresh_encoder
from lecture_lib.files import write_atomically
from lecture_lib.losses import causal_labels
from lecture_lib.pretraining import (
    Question,
    check_compatible,
    pretrain,
    pretraining_loss,
    question_source,
    train_on_corpus,
)
from lecture_lib.pretraining_data import TokenizedCorpus, tokenize_corpus
from lecture_lib.tokenization import load_tokenizer
from lecture_lib.training import History
from lecture_lib.variants.bilstm import BiLSTMEncoder, ELMo, LanguageLSTM, LSTMConfig, reverse_rows
from lecture_lib.variants.gpt import CausalEncoder

# Имя -> подпись в таблице, в порядке лекции.
MODELS = {
    "scratch": "BERT малый, с нуля",
    "elmo": "BiLSTM + ELMo",
    "gpt": "GPT",
    "bert-small-frozen": "BERT малый, признаки",
    "bert-small": "BERT малый",
    "bert-large": "BERT большой",
}
# Что предобучать: у ELMo — два направления. Долгие — первыми, чтобы ядра кончили вместе.
PRETRAINED = ("bert-large", "elmo-forwards", "elmo-backwards", "gpt", "bert-small")
SIZES = {
    "bert-large": MINI,
    "bert-small": TINY,
    "gpt": replace(TINY, is_causal=True, add_pooling_layer=False),
}
LSTM_SIZE = LSTMConfig(hidden_size=TINY.hidden_size)
# Скорость обучения: маленьким и рекуррентным — больше.
RATES = {"bert-large": 5e-4, "bert-small": 1e-3, "gpt": 1e-3}
LSTM_RATE = 2e-3
FROZEN = "-frozen"  # так кончается имя модели, у которой кодировщик не учится
WEIGHTS = "weights.pt"


def pretraining_config(name: str, tokens: int, batch_size: int) -> PretrainingConfig:
    """Настройки предобучения модели: у всех равный бюджет в токенах."""
    bidirectional = name.startswith("bert")
    shared = replace(
        MINI_PRETRAINING,
        batch_size=batch_size,
        learning_rate=RATES.get(name, LSTM_RATE),
        total_steps=max(1, tokens // (batch_size * MINI_PRETRAINING.sequence_length)),
    )
    if bidirectional:
        return shared
    return replace(shared, objective="clm", next_sentence=False)


def pretrain_one(job: Mapping[str, Any], settings: Mapping[str, Any], folder: str) -> Row:
    """Предобучает модель job["model"] и кладёт веса кодировщика в папку опыта."""
    started = time.perf_counter()
    name, config = job["model"], pretraining_config(job["model"], **settings["pretraining"])
    corpus, place = load_corpus(settings, folder), Path(folder, name)
    if name.startswith("elmo"):
        backwards = name.endswith("backwards")
        model, history = pretrain_lstm(LSTM_SIZE, config, corpus, place, backwards=backwards)
        kept: nn.Module = model
    else:
        model, history = pretrain(SIZES[name], config, corpus, place, kept=1, progress=False)
        kept = model.encoder
    buffer = io.BytesIO()
    torch.save(kept.state_dict(), buffer)
    write_atomically(place / WEIGHTS, buffer.getvalue())
    return {
        "tokens": int(history.rows[-1]["tokens"]),
        "train_loss": history.rows[-1]["token_loss"],
        "parameters": sum(p.numel() for p in model.parameters()),
        "seconds": round(time.perf_counter() - started, 1),
    }


def pretrain_lstm(
    config: LSTMConfig,
    pretraining: PretrainingConfig,
    corpus: TokenizedCorpus,
    folder: str | Path | None = None,
    *,
    backwards: bool,
    progress: bool = False,
) -> tuple[LanguageLSTM, History]:
    """Языковая модель на LSTM; backwards=True — читает справа налево.

    Данные и функция потерь — те же, что у причинного трансформера: вопросы «какой токен дальше».
    """
    causal = EncoderConfig(vocab_size=config.vocab_size, is_causal=True, add_pooling_layer=False)
    check_compatible(causal, pretraining, corpus)
    questions = question_source(corpus, pretraining)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(pretraining.seed)
        model = LanguageLSTM(config)
    history = train_on_corpus(
        model,
        (lambda step: turned(questions(step))) if backwards else questions,
        pretraining_loss,
        pretraining,
        corpus,
        folder,
        about={"backwards": backwards},
        kept=1,
        progress=progress,
    )
    return model, history


def turned(question: Question) -> Question:
    """Те же строки задом наперёд: спрашивают о токене, который в тексте стоит левее."""
    mask = question.batch.attention_mask
    rows = reverse_rows(question.input_ids, mask)
    return Question(rows, causal_labels(rows, mask), question.batch)


def load_corpus(settings: Mapping[str, Any], folder: str | Path) -> TokenizedCorpus:
    """Корпус предобучения; второй раз — из кэша рядом."""
    from lecture_lib.corpus import documents

    source = documents(seed=0, split="train", count=settings["documents"])
    return tokenize_corpus(
        source, load_tokenizer(), cache_folder=Path(folder, "cache"), key="train"
    )


def load_encoder(name: str, folder: str | Path, seed: int = 0) -> nn.Module:
    """Кодировщик модели name под головы задач; новые слои читателя ELMo решает зерно.

    ValueError — такой модели нет или её ещё не предобучили.
    """
    if name not in MODELS:
        raise ValueError(f"name = {name!r}: есть только {', '.join(MODELS)}.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == "scratch":
            return fresh_encoder(SIZES["bert-small"], seed)
        if name == "elmo":
            both = (
                _read(LanguageLSTM(LSTM_SIZE), Path(folder, f"elmo-{side}"))
                for side in ("forwards", "backwards")
            )
            return BiLSTMEncoder(ELMo(*both))
        source = name.removesuffix(FROZEN)
        encoder = _read(Encoder(SIZES[source]), Path(folder, source))
    return CausalEncoder(encoder) if name == "gpt" else encoder


def _read(model: nn.Module, folder: Path) -> nn.Module:
    try:
        model.load_state_dict(torch.load(folder / WEIGHTS, weights_only=True))
    except FileNotFoundError as error:
        raise ValueError(f"folder = {str(folder)!r}: модель ещё не предобучена.") from error
    return model
