"""Мера каждой головы: часто ли слово смотрит больше всего туда, куда спрашивает проба.

Три пробы — предыдущее слово, следующее, [SEP] — видны по местам, и их меряют прямо на предложении.
Остальным нужна разметка «Городка»: они меряются на его отложенных документах. Лучшая из многих
голов на тех же документах завышена; честное сравнение с базовыми уровнями — attention_probes.run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lecture_lib.experiments.attention_probes import (
    ANTECEDENT,
    DEFINITION,
    NEXT,
    PREDICATE,
    PREVIOUS,
    SEPARATOR,
    head_hits,
    looks_right,
    sample_cases,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

ON_SENTENCE = (PREVIOUS, NEXT, SEPARATOR)
ON_CORPUS = (DEFINITION, PREDICATE, ANTECEDENT)
DOCUMENTS = 60


@dataclass(frozen=True)
class HeadScores:
    """Доли каждой головы по одной пробе: shares (L, H); asked — скольких слов спросили."""

    probe: str
    shares: Tensor
    asked: int


def sentence_scores(weights: Tensor, words: Sequence[str], probe: str) -> HeadScores:
    """Проба на одном предложении: weights (L, H, U, U) между единицами, words — их подписи.

    Первая единица — [CLS], последняя — [SEP]; спрашивают слова из букв. Кандидаты — остальные
    единицы, без [CLS] и [SEP], если проба не о [SEP]. ValueError — проба не по местам.
    """
    last = len(words) - 1
    shifts = {PREVIOUS: -1, NEXT: 1}
    if probe not in ON_SENTENCE:
        raise ValueError(f"probe = {probe!r}: на предложении меряются {', '.join(ON_SENTENCE)}.")
    hits = []
    for unit in (u for u in range(1, last) if words[u].isalpha()):
        target = last if probe == SEPARATOR else unit + shifts[probe]
        units = range(last + 1) if probe == SEPARATOR else range(1, last)
        candidates = [other for other in units if other != unit]
        if target in candidates:
            hits.append(looks_right(weights, unit, candidates, {target}))
    if not hits:
        return HeadScores(probe, torch.zeros(weights.shape[:2]), 0)
    return HeadScores(probe, torch.stack(hits).float().mean(0), len(hits))


def corpus_scores(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    seed: int = 1,
    count: int = DOCUMENTS,
) -> dict[str, HeadScores]:
    """Пробы ON_CORPUS на count документах «Городка»: {проба: доли голов}."""
    cases = [c for c in sample_cases(tokenizer, seed, count=count) if c.probe in ON_CORPUS]
    hits = head_hits(model, cases, tokenizer.pad_token_id).float()  # (N, L, H)
    scores = {}
    for probe in ON_CORPUS:
        chosen = [number for number, case in enumerate(cases) if case.probe == probe]
        if chosen:
            scores[probe] = HeadScores(probe, hits[chosen].mean(0), len(chosen))
    return scores
