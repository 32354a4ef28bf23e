"""Дообучение (fine-tuning): примеры задачи -> батчи -> тот же цикл, что и у предобучения.

Своего здесь только то, чем дообучение отличается: функция потерь зависит от головы, число шагов
считается из эпох, лучшая эпоха выбирается на отложенных данных. Цикл, оптимизатор и расписание —
из training, примеры и батчи — из finetuning_data, отрезки ответа — из spans.

Источник: Devlin et al., 2019, раздел 3.2 и приложение A.3.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from lecture_lib.config import FinetuningConfig
from lecture_lib.finetuning_data import (
    EncodedExample,
    EncodedSpan,
    TaskBatch,
    assemble,
    check_examples,
    epoch_source,
    steps_per_epoch,
)
from lecture_lib.heads import TaskModel
from lecture_lib.losses import classification_loss, span_loss, squared_loss
from lecture_lib.masking import IGNORED
from lecture_lib.spans import LONGEST_SPAN, best_span
from lecture_lib.training import History, train

__all__ = [
    "EncodedExample",
    "EncodedSpan",
    "TaskBatch",
    "assemble",
    "epoch_source",
    "fine_tune",
    "predict",
    "steps_per_epoch",
    "task_loss",
]

ROWS_AT_ONCE = 64  # примеров за один проход при предсказании

Answer = int | float | list[int] | tuple[int, int]


def task_loss(model: TaskModel, batch: TaskBatch) -> tuple[Tensor, dict[str, float]]:
    """Функция потерь задачи и числа для журнала."""
    device = next(model.parameters()).device
    inputs, labels = batch.inputs(device), batch.labels.to(device)
    logits = model(*inputs)
    metrics = {"tokens": int(batch.attention_mask.sum())}
    if model.answer == "number":
        return squared_loss(logits, labels), metrics
    if model.answer == "span":  # классы — места строки, и дополнение среди них лишнее
        real = inputs[1].bool()[..., None]
        logits = logits.masked_fill(~real, torch.finfo(logits.dtype).min)
        loss, right = span_loss(logits, labels), (logits.argmax(1) == labels).all(-1)
    else:
        asked = labels != IGNORED
        loss = classification_loss(logits, labels)
        right = logits.detach()[asked].argmax(-1) == labels[asked]
    if len(right):
        metrics["accuracy"] = right.float().mean().item()
    return loss, metrics


def fine_tune(
    model: TaskModel,
    examples: Sequence[EncodedExample],
    config: FinetuningConfig,
    *,
    score: Callable[[nn.Module], float] | None = None,
    patience: int | None = None,
    progress: bool = True,
) -> History:
    """Дообучает модель на примерах задачи; сама модель меняется на месте, возвращается ход.

    score(model) — метрика на отложенных данных, считается после каждой эпохи (eval_score в
    журнале). patience — ранняя остановка (early stopping): если столько эпох подряд лучше не
    стало, обучение кончается; модель остаётся с весами лучшей эпохи. config.frozen=True —
    кодировщик на это время заморожен: учится только голова, dropout в нём выключен. ValueError —
    нет примеров, пример длиннее config.longest или модели, ответ не для этой головы.
    """
    if patience is not None and (score is None or patience < 1):
        raise ValueError(f"patience = {patience!r}: нужны score и хотя бы одна эпоха терпения.")
    check_examples(model, examples, config.longest)
    steps = steps_per_epoch(examples, config)
    config = replace(config, total_steps=steps * config.epochs, evaluate_every=steps)
    best = _Best(model, score, patience)
    with torch.random.fork_rng(devices=[]), _frozen(model.encoder, config.frozen):
        torch.manual_seed(config.seed)  # dropout
        history = train(
            model,
            epoch_source(examples, config, model.config.pad_token_id),
            task_loss,
            config,
            evaluate=best.evaluate if score is not None else None,
            watch=lambda row: best.is_over(),
            progress=progress,
        )
    best.restore()
    return history


@contextmanager
def _frozen(encoder: nn.Module, active: bool) -> Iterator[None]:
    """Внутри кодировщик не учится; потом учится всё, что училось прежде."""
    learning = [p for p in encoder.parameters() if p.requires_grad] if active else []
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)


def predict(
    model: TaskModel,
    examples: Sequence[EncodedExample],
    *,
    longest_span: int = LONGEST_SPAN,
    null_threshold: float | None = None,
) -> list[Answer]:
    """Ответы модели по порядку примеров.

    Номер класса; число; у разметки — номера там, где в примере стоит метка; у отрезка — первый и
    последний токен (словами — spans.span_text). longest_span и null_threshold — см. best_span.
    """
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    order = sorted(range(len(examples)), key=lambda i: len(examples[i].input_ids))
    answers: dict[int, Answer] = {}
    with torch.inference_mode():
        for start in range(0, len(order), ROWS_AT_ONCE):
            chunk = order[start : start + ROWS_AT_ONCE]
            batch = assemble([examples[i] for i in chunk], model.config.pad_token_id)
            logits = model(*batch.inputs(device)).float().cpu()
            for row, i in enumerate(chunk):
                if model.answer == "span":
                    last = examples[i].first + len(examples[i].offsets) - 1
                    span = (examples[i].first, last, longest_span, null_threshold)
                    answers[i] = best_span(logits[row], *span)
                else:
                    answers[i] = _answer(model.answer, logits[row], batch.labels[row])
    model.train(was_training)
    return [answers[i] for i in range(len(examples))]


def _answer(kind: str, logits: Tensor, labels: Tensor) -> int | float | list[int]:
    """Ответ по логитам одной строки: (C,) — у текста, (S, C) — у разметки."""
    if kind == "number":
        return float(logits)
    if kind == "tags":
        return logits[labels != IGNORED].argmax(-1).tolist()
    return int(logits.argmax())


class _Best:
    """Помнит лучшие веса и решает, не пора ли остановиться."""

    def __init__(self, model: nn.Module, score, patience: int | None) -> None:
        self.model, self.score, self.patience = model, score, patience
        self.value: float | None = None
        self.weights: dict[str, Tensor] | None = None
        self.waited = 0

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        value = self.score(model)
        if self.value is None or value > self.value:
            self.value, self.waited = value, 0
            if self.patience is not None:
                self.weights = copy.deepcopy(model.state_dict())
        else:
            self.waited += 1
        return {"score": value}

    def is_over(self) -> bool:
        return self.patience is not None and self.waited >= self.patience

    def restore(self) -> None:
        if self.weights is not None:
            self.model.load_state_dict(self.weights)
