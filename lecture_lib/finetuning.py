"""Дообучение (fine-tuning): примеры задачи -> батчи -> тот же цикл, что и у предобучения.

Своего здесь только то, чем дообучение отличается: примеры короткие и их мало, проходят их
несколько раз, а число шагов считается из эпох. Цикл, оптимизатор и расписание — из training.

Источник: Devlin et al., 2019, раздел 3.2 и приложение A.3.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from lecture_lib.config import FinetuningConfig
from lecture_lib.losses import classification_loss
from lecture_lib.masking import IGNORED, pad_sequences
from lecture_lib.training import History, train

ROWS_AT_ONCE = 64  # примеров за один проход при предсказании
POOL_BATCHES = 8  # внутри стольких батчей примеры собраны по длине


@dataclass(frozen=True)
class EncodedExample:
    """Пример в номерах: токены со специальными, сегменты и ответ.

    labels — номер класса или список номеров по токенам, где -100 — места без ответа.
    """

    input_ids: tuple[int, ...]
    token_type_ids: tuple[int, ...]
    labels: int | tuple[int, ...]


@dataclass(frozen=True)
class TaskBatch:
    """Батч задачи: input_ids, attention_mask, token_type_ids (B, S); labels (B,) или (B, S)."""

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor
    labels: Tensor


def assemble(examples: Sequence[EncodedExample], pad_token_id: int) -> TaskBatch:
    """Складывает примеры в батч; короткие дополняются справа, метки дополнения — -100."""
    input_ids, attention_mask = pad_sequences([e.input_ids for e in examples], pad_token_id)
    segments, _ = pad_sequences([e.token_type_ids for e in examples], 0)
    if isinstance(examples[0].labels, int):
        labels = torch.tensor([e.labels for e in examples])
    else:
        labels, _ = pad_sequences([e.labels for e in examples], IGNORED)
    return TaskBatch(input_ids, attention_mask, segments, labels)


def epoch_source(
    examples: Sequence[EncodedExample], config: FinetuningConfig, pad_token_id: int
) -> Callable[[int], TaskBatch]:
    """Функция «номер шага -> батч»: эпоха за эпохой, каждая в своём порядке.

    Порядок случаен, но внутри порции из POOL_BATCHES батчей примеры собраны по длине: дополнения
    почти нет. Всё решают config.seed и номер шага.
    """
    steps = steps_per_epoch(examples, config)

    def order(epoch: int) -> list[list[int]]:
        draw = np.random.default_rng([config.seed, epoch])
        shuffled = draw.permutation(len(examples))
        pool = POOL_BATCHES * config.batch_size
        found = []
        for start in range(0, len(shuffled), pool):
            part = sorted(shuffled[start : start + pool], key=lambda i: len(examples[i].input_ids))
            size = config.batch_size
            found += [part[place : place + size] for place in range(0, len(part), size)]
        return [found[place] for place in draw.permutation(len(found))]

    known: dict[int, list[list[int]]] = {}

    def batch(step: int) -> TaskBatch:
        epoch, place = divmod(step, steps)
        if epoch not in known:
            known.clear()
            known[epoch] = order(epoch)
        return assemble([examples[i] for i in known[epoch][place]], pad_token_id)

    return batch


def steps_per_epoch(examples: Sequence[EncodedExample], config: FinetuningConfig) -> int:
    """Сколько батчей в эпохе. ValueError — если примеров нет."""
    if not examples:
        raise ValueError("examples: ни одного примера, дообучать не на чем.")
    return -(-len(examples) // config.batch_size)


def task_loss(model: nn.Module, batch: TaskBatch) -> tuple[Tensor, dict[str, float]]:
    """Функция потерь задачи и числа для журнала."""
    device = next(model.parameters()).device
    labels = batch.labels.to(device)
    logits = model(
        batch.input_ids.to(device), batch.attention_mask.to(device), batch.token_type_ids.to(device)
    )
    asked = labels != IGNORED
    right = logits.detach()[asked].argmax(-1) == labels[asked]
    loss = classification_loss(logits, labels)
    return loss, {
        "tokens": int(batch.attention_mask.sum()),
        "accuracy": right.float().mean().item(),
    }


def fine_tune(
    model: nn.Module,
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
    кодировщик не учится. ValueError — нет примеров, пример длиннее config.longest или модели,
    метка за пределами классов.
    """
    if patience is not None and (score is None or patience < 1):
        raise ValueError(f"patience = {patience!r}: нужны score и хотя бы одна эпоха терпения.")
    _check_examples(model, examples, config)
    if config.frozen:
        model.encoder.requires_grad_(False)
    steps = steps_per_epoch(examples, config)
    config = replace(config, total_steps=steps * config.epochs, evaluate_every=steps)
    best = _Best(model, score, patience)
    with torch.random.fork_rng(devices=[]):
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


def predict(model: nn.Module, examples: Sequence[EncodedExample]) -> list[int | list[int]]:
    """Ответы модели по порядку примеров: номер класса или, у разметки, номера там, где метка."""
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    order = sorted(range(len(examples)), key=lambda i: len(examples[i].input_ids))
    answers: dict[int, int | list[int]] = {}
    with torch.inference_mode():
        for start in range(0, len(order), ROWS_AT_ONCE):
            chunk = order[start : start + ROWS_AT_ONCE]
            batch = assemble([examples[i] for i in chunk], model.config.pad_token_id)
            tensors = (batch.input_ids, batch.attention_mask, batch.token_type_ids)
            best = model(*(tensor.to(device) for tensor in tensors)).argmax(-1).cpu()
            for row, i in enumerate(chunk):
                asked = batch.labels[row] != IGNORED
                answers[i] = best[row][asked].tolist() if best.dim() == 2 else int(best[row])
    model.train(was_training)
    return [answers[i] for i in range(len(examples))]


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


def _check_examples(
    model: nn.Module, examples: Sequence[EncodedExample], config: FinetuningConfig
) -> None:
    longest = min(config.longest, model.config.max_sequence_length)
    classes = model.classifier.out_features
    for number, example in enumerate(examples):
        if len(example.input_ids) > longest:
            raise ValueError(
                f"examples[{number}]: {len(example.input_ids)} токенов, а помещается {longest}."
            )
        labels = example.labels if isinstance(example.labels, tuple) else (example.labels,)
        wrong = [label for label in labels if label != IGNORED and not 0 <= label < classes]
        if wrong:
            raise ValueError(
                f"examples[{number}]: метка {wrong[0]} невозможна, классов у модели {classes}."
            )
