"""Соперники замера предобучения: путь курса и путь Hugging Face, шаг за шагом.

Цель одна — MLM, 15 % токенов, 80/10/10, без NSP; начальные веса, тексты, отрезки, скорость
обучения и настройки AdamW одни и те же, dropout у обеих моделей 0 (так у MINI). Различается то,
что различалось бы у студента:

    курс          шаг из четырёх частей (накопление градиента), в части — похожие длины; логиты
                  только на закрытых местах; bfloat16, если процессор его умеет; слитый (fused)
                  AdamW
    Hugging Face  случайный порядок, DataCollatorForLanguageModeling с дополнением до самой длинной
                  строки, логиты везде, torch.optim.AdamW, как он есть
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch
from torch import nn
from torch.utils.data import DataLoader

from lecture_lib.config import EncoderConfig, PretrainingConfig
from lecture_lib.flops import flop_rows, total_flops
from lecture_lib.losses import mlm_loss
from lecture_lib.masking import IGNORED
from lecture_lib.optimization import (
    average_gradients,
    learning_rate_at,
    make_optimizer,
    resolve_precision,
)
from lecture_lib.pretrained import to_hugging_face
from lecture_lib.pretraining import (
    Question,
    evaluate,
    new_model,
    question_source,
    weighted_loss,
)
from lecture_lib.pretraining_data import TokenizedCorpus, document_segments

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


Row = dict[str, list[int]]  # отрезок для DataLoader: input_ids и special_tokens_mask


# Строки внутри части похожи длиной, а части — разные: шаг видит и короткие отрезки, и длинные.
PARTS = 4


class Work(NamedTuple):
    """Сделанное за шаг: токены без дополнения, токены с ним, операции (у соперника — 0)."""

    tokens: int
    places: int
    flops: int = 0


class Trainer(Protocol):
    """Кто умеет сделать шаг обучения и ответить на отложенные вопросы."""

    def step(self) -> Work:
        """Один шаг вместе с подготовкой батча."""

    def held_out_loss(self, questions: Sequence[Question]) -> float:
        """Потери MLM на отложенных вопросах, во float32, на один закрытый токен."""


class CourseTrainer:
    """Путь курса: тот же шаг, что в `training.train` с accumulate=PARTS, но по одному."""

    def __init__(
        self, encoder: EncoderConfig, config: PretrainingConfig, corpus: TokenizedCorpus
    ) -> None:
        self.encoder, self.config = encoder, config
        part = replace(config, batch_size=max(1, config.batch_size // PARTS))
        self.part = question_source(corpus, part)
        self.model = new_model(encoder, config).train()
        self.optimizer = make_optimizer(self.model, config)
        self.bf16 = resolve_precision(config.precision) == "bf16"
        self.done = 0

    def questions(self, step: int) -> list[Question]:
        """Части шага step."""
        return [self.part(number) for number in range(step * PARTS, (step + 1) * PARTS)]

    def step(self) -> Work:
        """Один шаг вместе с подготовкой батчей."""
        self.optimizer.zero_grad(set_to_none=True)
        done = [self._read(question) for question in self.questions(self.done)]
        average_gradients(self.model, sum(asked for asked, _ in done))
        update(self.model, self.optimizer, self.config, self.done)
        self.done += 1
        return Work(*(sum(column) for column in zip(*(work for _, work in done), strict=True)))

    def held_out_loss(self, questions: Sequence[Question]) -> float:
        """Потери MLM на отложенных вопросах, во float32, на один закрытый токен."""
        return evaluate(self.model, questions)["loss"]

    def _read(self, question: Question) -> tuple[int, Work]:
        """Градиент одной части: сколько в ней вопросов и сколько сделано."""
        rows, length = question.input_ids.shape
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            loss, metrics = weighted_loss(self.model, question)
        asked = metrics["weight"]
        (loss * asked).backward()
        flops = total_flops(flop_rows(self.encoder, rows, length, predictions=asked))
        return asked, Work(metrics["tokens"], rows * length, flops)


class HuggingFaceTrainer:
    """Путь Hugging Face: BertForMaskedLM с теми же начальными весами; bf16 — под autocast."""

    def __init__(
        self,
        encoder: EncoderConfig,
        config: PretrainingConfig,
        rows: Sequence[Row],
        tokenizer: PreTrainedTokenizerFast,
        *,
        bf16: bool,
    ) -> None:
        self.config, self.bf16 = config, bf16
        self.model = to_hugging_face(new_model(encoder, config)).train()
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=config.learning_rate,
            betas=config.adam_betas,
            eps=config.adam_eps,
            weight_decay=config.weight_decay,
        )
        self.batches = collated_batches(rows, config, tokenizer)
        self.done = 0

    def step(self) -> Work:
        """Один шаг вместе с подготовкой батча."""
        batch = next(self.batches)
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            loss = self.model(**batch).loss
        loss.backward()
        update(self.model, self.optimizer, self.config, self.done)
        self.done += 1
        return Work(int(batch["attention_mask"].sum()), batch["input_ids"].numel())

    def held_out_loss(self, questions: Sequence[Question]) -> float:
        """Потери MLM на отложенных вопросах, во float32, на один закрытый токен."""
        with torch.no_grad():
            losses = [self._total_loss(question) for question in questions]
        asked = sum(int((question.labels != IGNORED).sum()) for question in questions)
        return sum(losses) / asked

    def _total_loss(self, question: Question) -> float:
        """Сумма потерь; логиты — только на закрытых местах: проверка не тянет время замера."""
        positions = question.labels != IGNORED
        states = self.model.bert(question.input_ids, question.batch.attention_mask)[0]
        logits = self.model.cls(states[positions])
        return mlm_loss(logits, question.labels[positions]).item() * int(positions.sum())


def update(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    config: PretrainingConfig,
    step: int,
) -> None:
    """Обрезка градиента и шаг оптимизатора; скорость обучения — по общему расписанию."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate_at(step, config)
    nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
    optimizer.step()


def collated_batches(
    rows: Sequence[Row], config: PretrainingConfig, tokenizer: PreTrainedTokenizerFast
) -> Iterator[dict[str, torch.Tensor]]:
    """Батчи Hugging Face без конца: DataLoader в случайном порядке, эпоха за эпохой.

    Строк в батче столько, чтобы настоящих токенов выходило в среднем как у нас.
    """
    from transformers import DataCollatorForLanguageModeling

    mean_length = sum(len(row["input_ids"]) for row in rows) / len(rows)
    collator = DataCollatorForLanguageModeling(
        tokenizer, mlm_probability=config.masking.probability, seed=config.seed
    )
    loader = DataLoader(
        rows,
        batch_size=max(1, round(config.batch_size * config.sequence_length / mean_length)),
        shuffle=True,
        drop_last=True,  # неполный батч в конце эпохи сбил бы счёт токенов
        generator=torch.Generator().manual_seed(config.seed),
        collate_fn=collator,
    )
    while True:
        for batch in loader:
            yield dict(batch)


def encoded_segments(corpus: TokenizedCorpus, config: PretrainingConfig) -> list[Row]:
    """Отрезки документов, как их режет и наш поток; отметки специальных — заранее (run_mlm.py)."""
    draw = random.Random(config.seed)
    rows = []
    for document in range(corpus.documents):
        for segment in document_segments(corpus, document, config.sequence_length - 2, draw):
            ids = corpus.ids[segment.a_start : segment.a_end].tolist()
            row = [corpus.cls_id, *ids, corpus.sep_id]
            special = [1, *[0] * len(ids), 1]
            rows.append({"input_ids": row, "special_tokens_mask": special})
    return rows
