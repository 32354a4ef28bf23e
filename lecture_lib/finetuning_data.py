"""Данные дообучения: примеры в номерах -> эпохи -> батчи.

Примеры короткие, их мало, и проходят их несколько раз — каждую эпоху в своём порядке. Батч номер
n — чистая функция зерна и n, как и у предобучения (pretraining_data).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lecture_lib.config import FinetuningConfig
from lecture_lib.heads import TaskModel
from lecture_lib.masking import IGNORED, pad_sequences

POOL_BATCHES = 8  # внутри стольких батчей примеры собраны по длине


@dataclass(frozen=True)
class EncodedExample:
    """Пример в номерах: токены со специальными, сегменты и ответ.

    labels — номер класса; число (регрессия); номера по токенам, где -100 — места без ответа; у
    отрезка (EncodedSpan) — его первый и последний токен.
    """

    input_ids: tuple[int, ...]
    token_type_ids: tuple[int, ...]
    labels: int | float | tuple[int, ...]


@dataclass(frozen=True)
class EncodedSpan(EncodedExample):
    """Вопрос и текст с отрезком ответа; labels = (0, 0), то есть [CLS], — ответа в тексте нет."""

    context: str  # текст, в котором ищут ответ
    first: int  # номер первого токена текста
    offsets: tuple[tuple[int, int], ...]  # знаки текста, из которых вышел каждый его токен


@dataclass(frozen=True)
class TaskBatch:
    """Батч: input_ids, attention_mask, token_type_ids (B, S); labels (B,), (B, S) или (B, 2)."""

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor
    labels: Tensor

    def inputs(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """То, что читает модель, на её устройстве."""
        tensors = (self.input_ids, self.attention_mask, self.token_type_ids)
        return tuple(tensor.to(device) for tensor in tensors)


def assemble(examples: Sequence[EncodedExample], pad_token_id: int) -> TaskBatch:
    """Складывает примеры в батч; короткие дополняются справа, метки дополнения — -100."""
    input_ids, attention_mask = pad_sequences([e.input_ids for e in examples], pad_token_id)
    segments, _ = pad_sequences([e.token_type_ids for e in examples], 0)
    labels = [example.labels for example in examples]
    if isinstance(labels[0], tuple):
        labels, _ = pad_sequences(labels, IGNORED)
    else:
        labels = torch.tensor(labels)
    return TaskBatch(input_ids, attention_mask, segments, labels)


def epoch_source(
    examples: Sequence[EncodedExample], config: FinetuningConfig, pad_token_id: int
) -> Callable[[int], TaskBatch]:
    """Функция «номер шага -> батч»: эпоха за эпохой, каждая в своём порядке.

    Порядок случаен, но внутри порции из POOL_BATCHES батчей примеры собраны по длине: дополнения
    почти нет. Всё решают config.seed и номер шага.
    """
    steps = steps_per_epoch(examples, config)
    known: dict[int, list[list[int]]] = {}

    def batch(step: int) -> TaskBatch:
        epoch, place = divmod(step, steps)
        if epoch not in known:
            known.clear()
            known[epoch] = epoch_order(examples, config, epoch)
        return assemble([examples[i] for i in known[epoch][place]], pad_token_id)

    return batch


def epoch_order(
    examples: Sequence[EncodedExample], config: FinetuningConfig, epoch: int
) -> list[list[int]]:
    """Номера примеров по батчам эпохи."""
    draw, size = np.random.default_rng([config.seed, epoch]), config.batch_size
    shuffled = draw.permutation(len(examples))
    batches = []
    for start in range(0, len(shuffled), POOL_BATCHES * size):
        pool = shuffled[start : start + POOL_BATCHES * size]
        pool = sorted(pool, key=lambda i: len(examples[i].input_ids))
        batches += [pool[place : place + size] for place in range(0, len(pool), size)]
    return [batches[place] for place in draw.permutation(len(batches))]


def steps_per_epoch(examples: Sequence[EncodedExample], config: FinetuningConfig) -> int:
    """Сколько батчей в эпохе. ValueError — если примеров нет."""
    if not examples:
        raise ValueError("examples: ни одного примера, дообучать не на чем.")
    return -(-len(examples) // config.batch_size)


def check_examples(model: TaskModel, examples: Sequence[EncodedExample], longest: int) -> None:
    """ValueError, если пример не поместится в longest токенов или ответ модели невозможен."""
    longest = min(longest, model.config.max_sequence_length)
    check = _CHECKS[model.answer]
    for number, example in enumerate(examples):
        length = len(example.input_ids)
        if length > longest:
            raise ValueError(f"examples[{number}]: {length} токенов, а помещается {longest}.")
        complaint = check(example, model.classifier.out_features)
        if complaint:
            raise ValueError(f"examples[{number}]: {complaint}.")


def _class_complaint(example: EncodedExample, classes: int) -> str | None:
    label = example.labels
    if isinstance(label, tuple | float):
        return f"метка {label!r}, а голова ждёт номер класса"
    return None if 0 <= label < classes else _impossible(label, classes)


def _tags_complaint(example: EncodedExample, classes: int) -> str | None:
    labels, length = example.labels, len(example.input_ids)
    if not isinstance(labels, tuple) or len(labels) != length:
        return f"метки {labels!r}, а голова ждёт по метке на каждый из {length} токенов"
    wrong = [label for label in labels if label != IGNORED and not 0 <= label < classes]
    return _impossible(wrong[0], classes) if wrong else None


def _number_complaint(example: EncodedExample, classes: int) -> str | None:
    is_number = isinstance(example.labels, int | float) and math.isfinite(example.labels)
    return None if is_number else f"ответ {example.labels!r}, а голова ждёт конечное число"


def _span_complaint(example: EncodedExample, classes: int) -> str | None:
    if not isinstance(example, EncodedSpan):
        return "у примера нет текста с отрезком (EncodedSpan), а голова ищет отрезок"
    start, end = example.labels
    last = example.first + len(example.offsets) - 1
    if (start, end) != (0, 0) and not example.first <= start <= end <= last:
        return f"отрезок {start}…{end} вне текста: его токены — {example.first}…{last}"
    return None


def _impossible(label: int, classes: int) -> str:
    return f"метка {label} невозможна, классов у модели {classes}"


_CHECKS = {
    "class": _class_complaint,
    "tags": _tags_complaint,
    "number": _number_complaint,
    "span": _span_complaint,
}
