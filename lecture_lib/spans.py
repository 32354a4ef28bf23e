"""Отрезки ответа (spans): знаки текста <-> токены и выбор лучшего отрезка по логитам.

Источник: Devlin et al., 2019, разделы 4.2 (SQuAD 1.1) и 4.3 (SQuAD 2.0: ответа может не быть).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from lecture_lib.config import FinetuningConfig, check_whole
from lecture_lib.finetuning_data import EncodedSpan

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

NO_ANSWER = (0, 0)  # начало и конец на [CLS]
LONGEST_SPAN = 30  # токенов в ответе; столько же — max_answer_length в коде BERT


def encode_span(
    question: str,
    context: str,
    start: int | None,
    answer: str,
    tokenizer: PreTrainedTokenizerFast,
    longest: int = FinetuningConfig.longest,
) -> EncodedSpan:
    """[CLS] вопрос [SEP] текст [SEP] и отрезок ответа в токенах.

    start — с какого знака текста начинается answer; None — ответа в тексте нет. Граница ответа
    внутри токена отходит к краю этого токена. ValueError — пустой вопрос или текст, answer не
    стоит на месте start, пример не помещается в longest токенов.
    """
    for name, text in (("question", question), ("context", context)):
        if not text.strip():
            raise ValueError(f"{name} = {text!r}: пустой текст.")
    encoded = tokenizer(question, context, return_offsets_mapping=True)
    inside = [place for place, part in enumerate(encoded.sequence_ids()) if part == 1]
    if not inside:
        raise ValueError(f"context = {context!r}: из текста не вышло ни одного токена.")
    first = inside[0]
    offsets = tuple(encoded.offset_mapping[place] for place in inside)
    labels = NO_ANSWER
    if start is not None:
        _check_answer(context, start, answer)
        labels = tuple(first + i for i in token_span(offsets, start, start + len(answer)))
    if len(encoded.input_ids) > longest:
        where = f", ответ «{answer}» кончается на токене {labels[1]}" if start is not None else ""
        raise ValueError(
            f"context: вопрос и текст — {len(encoded.input_ids)} токенов, а помещается {longest}"
            f"{where}. Укоротите текст вокруг ответа."
        )
    return EncodedSpan(
        tuple(encoded.input_ids), tuple(encoded.token_type_ids), labels, context, first, offsets
    )


def token_span(offsets: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """Первый и последний токен, в которых есть знаки start … end - 1; номера — внутри offsets.

    ValueError — таких токенов нет: например, отрезок из одних пробелов.
    """
    touched = [i for i, (left, right) in enumerate(offsets) if left < end and right > start]
    if not touched:
        raise ValueError(f"start = {start}, end = {end}: на этих знаках нет ни одного токена.")
    return touched[0], touched[-1]


def character_span(example: EncodedSpan, span: tuple[int, int]) -> tuple[int, int]:
    """Токены отрезка (первый и последний) -> знаки текста: с какого и до какого, не включая.

    ValueError — отрезок не из текста примера.
    """
    start, end = (place - example.first for place in span)
    if not 0 <= start <= end < len(example.offsets):
        last = example.first + len(example.offsets) - 1
        raise ValueError(f"span = {span}: токены текста — с {example.first} по {last}.")
    return example.offsets[start][0], example.offsets[end][1]


def span_text(example: EncodedSpan, span: tuple[int, int]) -> str:
    """Ответ словами — так, как он написан в тексте; нет ответа — пустая строка."""
    if tuple(span) == NO_ANSWER:
        return ""
    start, end = character_span(example, span)
    return example.context[start:end].strip()  # у байтового BPE пробел — часть токена


def best_span(
    logits: torch.Tensor,
    first: int,
    last: int,
    longest: int = LONGEST_SPAN,
    null_threshold: float | None = None,
) -> tuple[int, int]:
    """Отрезок с наибольшей суммой логитов начала и конца среди токенов first … last.

    logits (S, 2). Начало не правее конца, в отрезке не больше longest токенов. null_threshold —
    порог τ из раздела 4.3: если лучшая сумма не больше суммы на [CLS] плюс τ, ответа нет и
    вернётся NO_ANSWER; None — ответ есть всегда. ValueError — текст вне строки логитов.
    """
    check_whole("longest", longest, at_least=1)
    if not 0 <= first <= last < len(logits):
        raise ValueError(f"first = {first}, last = {last}: токенов в строке {len(logits)}.")
    start, end = logits[first : last + 1].float().unbind(-1)  # (C,), (C,) — токены текста
    scores = start[:, None] + end[None, :]  # (C, C): строка — начало, столбец — конец
    allowed = torch.ones_like(scores, dtype=torch.bool).triu().tril(longest - 1)
    scores = scores.masked_fill(~allowed, -torch.inf)
    if null_threshold is not None and scores.max() <= logits[0].float().sum() + null_threshold:
        return NO_ANSWER
    row, column = divmod(int(scores.argmax()), len(scores))
    return first + row, first + column


def edge_shares(logits: torch.Tensor, first: int, last: int) -> tuple[list[float], list[float]]:
    """Вероятности начала и конца ответа на токенах first … last; логиты — (S, 2)."""
    starts, ends = logits[first : last + 1].float().softmax(0).unbind(-1)
    return starts.tolist(), ends.tolist()


def _check_answer(context: str, start: int, answer: str) -> None:
    if not answer.strip():
        raise ValueError(f"answer = {answer!r}: пустой ответ; «ответа нет» — это start = None.")
    found = context[start : start + len(answer)] if start >= 0 else ""
    if found != answer:
        raise ValueError(
            f"answer = {answer!r}: в тексте со знака start = {start} стоит {found!r}, а не ответ."
        )
