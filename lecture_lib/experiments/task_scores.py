"""Дообучить кодировщик на задаче «МикроGLUE» и измерить — то, что делает каждый опыт с задачами.

Задача приносит примеры и имена метрик; голову, функцию потерь и предсказание выбирает её вид.
Ранняя остановка смотрит на отложенную часть обучающих примеров, поэтому проверочные доли честны:
по ним ничего не выбирали.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from lecture_lib.config import EncoderConfig, FinetuningConfig
from lecture_lib.encoder import Encoder
from lecture_lib.files import write_atomically
from lecture_lib.finetuning import fine_tune, predict
from lecture_lib.finetuning_data import EncodedExample, EncodedSpan
from lecture_lib.heads import TASK_HEADS, TaskModel
from lecture_lib.masking import IGNORED
from lecture_lib.spans import encode_span, span_text
from lecture_lib.tasks.common import Task, encode_tagged, encode_texts
from lecture_lib.tasks.metrics import evaluate

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

STOPPING_SHARE = 0.1  # доля обучающих примеров, по которой выбирается лучшая эпоха
Encoded = dict[str, list[EncodedExample]]


def encode_task(task: Task, examples: Sequence, tokenizer: PreTrainedTokenizerFast) -> list:
    """Примеры задачи любого вида -> примеры в номерах."""
    if task.kind == "tags":
        return encode_tagged(examples, tokenizer, task.labels)
    if task.kind == "span":
        return [
            encode_span(e.question, e.context, e.start if e.answer else None, e.answer, tokenizer)
            for e in examples
        ]
    return encode_texts(examples, tokenizer)


def prepare_task(
    task: Task,
    tokenizer: PreTrainedTokenizerFast,
    folder: str | Path,
    counts: Mapping[str, int] | None = None,
) -> Encoded:
    """Доли задачи в номерах: train и проверочные; второй раз — из файла folder/<задача>.pt.

    counts — сколько примеров взять в доле; без него — сколько положено задаче (task.sizes).
    """
    path = Path(folder) / f"{task.name}.pt"
    if not path.exists():
        counts = counts or {}
        made = {
            split: encode_task(task, task.examples(split, counts.get(split)), tokenizer)
            for split in task.sizes
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = {split: [asdict(e) for e in found] for split, found in made.items()}
        buffer = io.BytesIO()
        torch.save(plain, buffer)
        write_atomically(path, buffer.getvalue())
    loaded = torch.load(path, weights_only=True)
    kind = EncodedSpan if task.kind == "span" else EncodedExample
    return {split: [kind(**e) for e in found] for split, found in loaded.items()}


def fresh_encoder(config: EncoderConfig, seed: int) -> Encoder:
    """Кодировщик без предобучения: случайные веса по зерну; общий генератор torch не сдвинут."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Encoder(config)


def new_head(task: Task, encoder: nn.Module, seed: int) -> TaskModel:
    """Голова под вид задачи над этим кодировщиком; начальные веса головы решает зерно."""
    classes = 1 if task.is_regression else len(task.labels) or 2
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TASK_HEADS[task.kind](encoder, classes)


def tune(
    task: Task,
    encoder: nn.Module,
    examples: Sequence[EncodedExample],
    config: FinetuningConfig,
    *,
    patience: int | None = None,
    progress: bool = False,
) -> TaskModel:
    """Дообученная модель задачи; кодировщик меняется на месте.

    patience — ранняя остановка: лучшая эпоха выбирается по главной метрике на отложенной десятой
    доле examples. Без неё обучение идёт на всех examples все эпохи.
    """
    model = new_head(task, encoder, config.seed)
    if patience is None:
        fine_tune(model, examples, config, progress=progress)
        return model
    learning, stopping = hold_out(examples)

    def score(model: TaskModel) -> float:
        return measure(task, model, stopping)[task.metrics[0]]

    fine_tune(model, learning, config, score=score, patience=patience, progress=progress)
    return model


def hold_out(examples: Sequence, share: float = STOPPING_SHARE) -> tuple[list, list]:
    """Делит примеры на две части: доля share, выбранная наугад, — во вторую; всегда одна и та же.

    Наугад, а не каждый десятый: у задачи метки могут чередоваться. ValueError — во вторую часть
    не попало ни одного.
    """
    count = int(len(examples) * share)
    if not count:
        raise ValueError(f"examples: примеров {len(examples)}, а нужно хотя бы {ceil(1 / share)}.")
    chosen = set(np.random.default_rng(0).permutation(len(examples))[:count].tolist())
    first = [example for i, example in enumerate(examples) if i not in chosen]
    return first, [examples[i] for i in sorted(chosen)]


def measure(task: Task, model: TaskModel, examples: Sequence[EncodedExample]) -> dict[str, float]:
    """Метрики задачи на примерах."""
    truth = [_named(task, e, _truth(e)) for e in examples]
    answers = zip(examples, predict(model, examples), strict=True)
    return evaluate(task.metrics, truth, [_named(task, e, answer) for e, answer in answers])


def _truth(example: EncodedExample) -> Any:
    """Верный ответ в том же виде, в каком отвечает predict."""
    labels = example.labels
    if isinstance(labels, tuple) and not isinstance(example, EncodedSpan):
        return [label for label in labels if label != IGNORED]
    return labels


def _named(task: Task, example: EncodedExample, answer: Any) -> Any:
    """Ответ, каким его понимает метрика: отрезок — словами, метки слов — именами."""
    if task.kind == "span":
        return span_text(example, answer)
    return [task.labels[n] for n in answer] if task.kind == "tags" else answer
