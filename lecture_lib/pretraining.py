"""Предобучение (pre-training): MLM + NSP, а также причинная модель — тем же циклом.

Две цели отличаются только метками. MLM скрывает часть токенов и спрашивает о них; обычная
языковая модель ничего не скрывает и на каждом месте спрашивает о следующем токене. Через
выходной слой (V столбцов — самый дорогой) идут лишь места, о которых спрашивают.

Источники: Devlin et al. 2019, §3.1 и приложение A.2; Liu et al. 2019, §4.1 (новые маски на
каждом шаге).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lecture_lib.checkpoints import KEPT
from lecture_lib.config import EncoderConfig, PretrainingConfig
from lecture_lib.heads import PretrainingModel
from lecture_lib.losses import causal_labels, mlm_loss, nsp_loss
from lecture_lib.masking import IGNORED, MaskingVocabulary, mask_tokens
from lecture_lib.pretraining_data import ExampleStream, PretrainingBatch, TokenizedCorpus
from lecture_lib.training import History, train

VALIDATION_BATCHES = 8
# Зерно отложенных примеров и их масок: у всех моделей они одни и те же, что бы ни было в config.
VALIDATION_SEED = 2_000_003


@dataclass(frozen=True)
class Question:
    """Батч с вопросами: что видит модель, и правильные ответы (-100 — места без вопроса)."""

    input_ids: Tensor  # (B, S), для MLM — с масками
    labels: Tensor  # (B, S)
    batch: PretrainingBatch


def step_generator(seed: int, step: int) -> torch.Generator:
    """Генератор случайных чисел шага: одинаков, дошли до шага сразу или после перерыва."""
    mixed = np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(mixed))


def ask_hidden(
    batch: PretrainingBatch,
    config: PretrainingConfig,
    vocabulary: MaskingVocabulary,
    generator: torch.Generator,
) -> Question:
    """MLM: скрывает токены и спрашивает о скрытых."""
    masked, labels = mask_tokens(batch.input_ids, None, config.masking, vocabulary, generator)
    return Question(masked, labels, batch)


def ask_next(batch: PretrainingBatch) -> Question:
    """Причинная модель: на каждом месте спрашивает, какой токен стоит правее."""
    labels = causal_labels(batch.input_ids, batch.attention_mask)
    return Question(batch.input_ids, labels, batch)


def question_source(
    corpus: TokenizedCorpus, config: PretrainingConfig
) -> Callable[[int], Question]:
    """Функция «номер шага -> батч с вопросами»; зависит только от config.seed и номера."""
    stream = ExampleStream(corpus, config)

    def question(step: int) -> Question:
        batch = stream.batch(step)
        if config.objective == "clm":
            return ask_next(batch)
        generator = step_generator(config.seed, step)
        return ask_hidden(batch, config, corpus.vocabulary, generator)

    return question


def pretraining_loss(model: nn.Module, question: Question) -> tuple[Tensor, dict[str, float]]:
    """Сумма функций потерь MLM (или причинной) и NSP; числа для журнала."""
    device = next(model.parameters()).device
    labels = question.labels.to(device)
    positions = labels != IGNORED
    batch = question.batch
    output = model(
        question.input_ids.to(device),
        batch.attention_mask.to(device),
        batch.token_type_ids.to(device),
        positions=positions,
    )
    answers = labels[positions]  # (N,)
    loss = token_loss = mlm_loss(output.mlm_logits, answers)
    metrics = {
        "tokens": batch.tokens,
        "padding": 1 - batch.tokens / batch.input_ids.numel(),
        "token_loss": token_loss.item(),
    }
    # В маленьком батче может не оказаться ни одной маски: тогда и доли верных нет, а не NaN.
    if len(answers):
        metrics["accuracy"] = share_right(output.mlm_logits, answers)
    pairs = batch.next_sentence_label.to(device)
    # Батч может состоять из одних одиночных предложений: тогда о паре не спрашивают.
    if output.nsp_logits is not None and (pairs != IGNORED).any():
        pair_loss = nsp_loss(output.nsp_logits, pairs)
        loss = token_loss + pair_loss
        known = pairs != IGNORED
        metrics["nsp_loss"] = pair_loss.item()
        metrics["nsp_accuracy"] = share_right(output.nsp_logits[known], pairs[known])
    return loss, metrics


def weighted_loss(model: nn.Module, question: Question) -> tuple[Tensor, dict[str, float]]:
    """То же для шага из нескольких батчей: вес батча («weight») — число вопросов в нём."""
    loss, metrics = pretraining_loss(model, question)
    return loss, {**metrics, "weight": int((question.labels != IGNORED).sum())}


def share_right(logits: Tensor, answers: Tensor) -> float:
    """Доля верных ответов: (N, C) и (N,) -> число.

    Верен ответ с наибольшим логитом. Ищем максимум (amax), а не его место (argmax): место в
    bfloat16 ищется раз в двадцать дольше и занимало бы 5 % шага обучения.
    """
    logits = logits.detach()
    chosen = logits.gather(-1, answers[:, None]).squeeze(-1)  # (N, C) -> (N,)
    return (chosen >= logits.amax(dim=-1)).float().mean().item()


def validation_questions(
    corpus: TokenizedCorpus, config: PretrainingConfig, count: int = VALIDATION_BATCHES
) -> list[Question]:
    """Постоянные отложенные вопросы: зерно у них своё, не config.seed."""
    source = question_source(corpus, replace(config, seed=VALIDATION_SEED))
    return [source(step) for step in range(count)]


def evaluate(model: nn.Module, questions: Iterable[Question]) -> dict[str, float]:
    """Потери и доля верных ответов на вопросах, в float32; каждый вопрос весит поровну.

    Ключи: loss и accuracy — о токенах; nsp_accuracy — если модель отвечает и о парах.
    """
    totals = {"tokens": 0, "loss": 0.0, "right": 0.0, "pairs": 0, "right_pairs": 0.0}
    for question in questions:
        with torch.no_grad():
            _, metrics = pretraining_loss(model, question)
        asked = int((question.labels != IGNORED).sum())
        totals["tokens"] += asked
        totals["loss"] += asked * metrics["token_loss"]
        totals["right"] += asked * metrics.get("accuracy", 0.0)
        if "nsp_accuracy" in metrics:
            pairs = int((question.batch.next_sentence_label != IGNORED).sum())
            totals["pairs"] += pairs
            totals["right_pairs"] += pairs * metrics["nsp_accuracy"]
    scores = {
        "loss": totals["loss"] / max(totals["tokens"], 1),
        "accuracy": totals["right"] / max(totals["tokens"], 1),
    }
    if totals["pairs"]:
        scores["nsp_accuracy"] = totals["right_pairs"] / totals["pairs"]
    return scores


def new_model(config: EncoderConfig, pretraining: PretrainingConfig) -> PretrainingModel:
    """Модель со случайными весами по зерну pretraining.seed; общий генератор torch не сдвинут."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(pretraining.seed)
        return PretrainingModel(config, next_sentence=pretraining.next_sentence)


def pretrain(
    config: EncoderConfig,
    pretraining: PretrainingConfig,
    corpus: TokenizedCorpus,
    folder: str | Path | None = None,
    resume: bool = True,
    *,
    validation: TokenizedCorpus | None = None,
    watch: Callable[[dict[str, float]], bool | None] | None = None,
    kept: int | None = KEPT,
    log_every: int = 20,
    progress: bool = True,
) -> tuple[PretrainingModel, History]:
    """Предобучает модель с нуля (или с чекпойнта в folder) и возвращает её и ход обучения.

    validation — отложенный корпус: по нему считаются eval_loss, eval_accuracy и
    eval_nsp_accuracy. Про остальное, прерывание и расхождение — см. `training.train`.
    ValueError — если config, pretraining и corpus не подходят друг другу.
    """
    check_compatible(config, pretraining, corpus)
    model = new_model(config, pretraining)
    history = train_on_corpus(
        model,
        question_source(corpus, pretraining),
        pretraining_loss,
        pretraining,
        corpus,
        folder,
        resume,
        validation=validation,
        watch=watch,
        kept=kept,
        log_every=log_every,
        progress=progress,
    )
    return model, history


def train_on_corpus(
    model: nn.Module,
    questions: Callable[[int], Question],
    step_loss: Callable[[nn.Module, Question], tuple[Tensor, dict[str, float]]],
    config: PretrainingConfig,
    corpus: TokenizedCorpus,
    folder: str | Path | None = None,
    resume: bool = True,
    *,
    validation: TokenizedCorpus | None = None,
    about: Mapping[str, Any] | None = None,
    watch: Callable[[dict[str, float]], bool | None] | None = None,
    kept: int | None = KEPT,
    accumulate: int = 1,
    log_every: int = 20,
    progress: bool = True,
) -> History:
    """Общее у всех обучений на корпусе: зерно, отложенные вопросы, отпечаток корпуса.

    about — от чего ещё зависят веса, кроме корпуса и настроек; прочее — см. `training.train`.
    """
    held_out = validation_questions(validation, config) if validation else []
    # Внутри train общий генератор нужен только dropout; снаружи он останется прежним.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return train(
            model,
            questions,
            step_loss,
            config,
            folder=folder,
            resume=resume,
            evaluate=(lambda model: evaluate(model, held_out)) if held_out else None,
            about={"corpus": corpus.fingerprint} | dict(about or {}),
            watch=watch,
            kept=kept,
            accumulate=accumulate,
            log_every=log_every,
            progress=progress,
        )


def check_compatible(
    config: EncoderConfig, pretraining: PretrainingConfig, corpus: TokenizedCorpus
) -> None:
    """ValueError, если модель, цель и корпус не подходят друг другу."""
    vocab_size = corpus.vocabulary.vocab_size
    if vocab_size > config.vocab_size:
        raise ValueError(
            f"vocab_size = {config.vocab_size}: в токенизаторе корпуса {vocab_size} токенов"
        )
    if pretraining.sequence_length > config.max_sequence_length:
        raise ValueError(
            f"sequence_length = {pretraining.sequence_length}: модель видит не больше "
            f"{config.max_sequence_length} токенов"
        )
    if config.is_causal != (pretraining.objective == "clm"):
        raise ValueError(
            f"objective = {pretraining.objective!r} и is_causal = {config.is_causal}: цель «clm» "
            "нужна причинной модели, «mlm» — двусторонней"
        )
    if pretraining.next_sentence and config.type_vocab_size == 1:
        raise ValueError("type_vocab_size = 1: для NSP модель должна различать отрезки A и B")
    if config.pad_token_id != corpus.pad_id:
        raise ValueError(f"pad_token_id = {config.pad_token_id}: у токенизатора он {corpus.pad_id}")
