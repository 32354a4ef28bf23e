"""Улики: что на самом деле подсказало закрытое слово — и что модель думала о нём слой за слоем.

Внимание показывает, откуда голова взяла числа, но не то, пригодились ли они. Вклад слова меряют
вмешательством: закрыть ещё и его и посмотреть, насколько модель стала хуже угадывать цель.
Совпадает ли одно с другим, говорит ранговая корреляция.

Источник: Jain, Wallace, 2019, раздел 4.1 — внимание против «убери слово» (leave-one-out); там
мера согласия — τ Кендалла, здесь — ρ Спирмена: её проще объяснить.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from scipy.stats import spearmanr  # полсекунды: здесь, а не при первом щелчке в классе
from torch import Tensor, nn

from lecture_lib.heads import PretrainingModel
from lecture_lib.prediction import Candidate
from lecture_lib.reading import Reading, token_labels
from lecture_lib.word_search import inference, log_probabilities

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

MOST_WORDS = 64  # слов: каждое закрывается в своей строке, длиннее — долго
FEWEST_PAIRS = 4  # на трёх словах ρ почти всегда ±1 или ±0,5


@dataclass(frozen=True)
class Evidence:
    """Вклад слов в предсказание цели.

    target — единица текста; answer — что в ней верно; log_probability — её логарифм вероятности,
    когда закрыта только она (натуральный); drops — для каждой единицы, насколько он упадёт, если
    закрыть и её: больше нуля — слово помогало; None — у самой цели, у [CLS] и [SEP].
    """

    target: int
    answer: str
    log_probability: float
    drops: list[float | None]

    @property
    def probability(self) -> float:
        """Вероятность верного ответа, когда закрыта только цель."""
        return math.exp(self.log_probability)

    @property
    def strongest_first(self) -> list[int]:
        """Единицы с вкладом, от самого большого по величине."""
        known = [unit for unit, drop in enumerate(self.drops) if drop is not None]
        return sorted(known, key=lambda unit: -abs(self.drops[unit]))


def evidence(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, reading: Reading, target: int
) -> Evidence:
    """Закрывает цель, потом вместе с ней — каждое другое слово по очереди.

    Каждый токен слова закрыт своей маской, а логарифмы вероятностей его токенов сложены. Если цель
    уже закрыта маской в самом тексте, верного ответа нет, и за него взят самый вероятный токен.
    ValueError — модель масок не заполняет, target — не слово, слов больше MOST_WORDS.
    """
    require_masks(model)
    closed = reading.with_masks([target], tokenizer)
    others = [u for u, special in enumerate(reading.special_units) if not special and u != target]
    if len(others) + 1 > MOST_WORDS:
        raise ValueError(f"Слов {len(others) + 1}, а вклад считается, если их до {MOST_WORDS}.")
    rows = [closed, *(closed.with_masks([unit], tokenizer) for unit in others)]
    places = reading.places(target)
    scores = _scores(model, tokenizer, rows, places)  # (строк, токенов цели, V)
    ids = [reading.input_ids[place] for place in places]
    if target in reading.masked:
        ids = scores[0].argmax(-1).tolist()
    totals = scores[:, range(len(ids)), ids].sum(-1).tolist()
    drops: list[float | None] = [None] * len(reading.words)
    for unit, total in zip(others, totals[1:], strict=True):
        drops[unit] = totals[0] - total
    return Evidence(target, " ".join(token_labels(tokenizer, ids)), totals[0], drops)


def _scores(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    rows: Sequence[Reading],
    places: Sequence[int],
) -> Tensor:
    """Логарифмы вероятностей на каждом из мест каждой строки: (строк, мест, V)."""
    repeated = [list(row.input_ids) for row in rows for _ in places]
    found = log_probabilities(model, tokenizer.pad_token_id, repeated, list(places) * len(rows))
    return found.unflatten(0, (len(rows), len(places)))


def agreement(looks: Sequence[float], drops: Sequence[float | None]) -> float | None:
    """ρ Спирмена между вниманием к словам и их вкладом; слова без вклада (None) не в счёт.

    None — слов меньше FEWEST_PAIRS или все значения одинаковы: рангов нет. ValueError — ряды
    разной длины.
    """
    if len(looks) != len(drops):
        raise ValueError(f"looks и drops: {len(looks)} и {len(drops)} — нужно поровну.")
    pairs = [(look, drop) for look, drop in zip(looks, drops, strict=True) if drop is not None]
    if len(pairs) < FEWEST_PAIRS or any(len(set(side)) == 1 for side in zip(*pairs, strict=True)):
        return None
    rho = float(spearmanr(*zip(*pairs, strict=True)).statistic)
    return None if math.isnan(rho) else rho


@dataclass(frozen=True)
class LayerAnswer:
    """Что голова MLM прочла бы после слоя: layer 0 — эмбеддинги, последний — ответ модели.

    best — вероятнейшие токены; right — вероятность верного (None, если он неизвестен).
    """

    layer: int
    best: list[Candidate]
    right: float | None


def layer_answers(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    input_ids: Sequence[int],
    place: int,
    right_id: int | None = None,
    top_k: int = 3,
) -> list[LayerAnswer]:
    """Ответы головы MLM на месте place по состояниям каждого слоя: L + 1 строка.

    Голову учили читать только последний слой: по остальным её ответ — догадка о том, что там
    записано, а не предсказание модели. Приём известен как logit lens (nostalgebraist, 2020).
    ValueError — модель масок не заполняет.
    """
    require_masks(model)
    with inference(model):
        encoded = model.encoder(torch.tensor([list(input_ids)]), output_hidden_states=True)
        states = torch.stack([layer[0, place] for layer in encoded.hidden_states])  # (L + 1, D)
        chances = model.mlm_head(states).float().softmax(-1)[:, : len(tokenizer)]  # (L + 1, V)
    best = chances.topk(top_k)
    answers = []
    for layer, (values, ids) in enumerate(zip(best.values.tolist(), best.indices, strict=True)):
        names = token_labels(tokenizer, ids.tolist())
        found = [Candidate(name, value) for name, value in zip(names, values, strict=True)]
        right = None if right_id is None else float(chances[layer, right_id])
        answers.append(LayerAnswer(layer, found, right))
    return answers


def require_masks(model: nn.Module) -> None:
    """ValueError, если модель не заполняет маски: она причинная или у неё нет головы MLM."""
    if not isinstance(model, PretrainingModel) or model.config.is_causal:
        why = "причинная" if isinstance(model, PretrainingModel) else "без головы MLM"
        raise ValueError(f"Модель {why}: закрытого слова она не предсказывает.")
