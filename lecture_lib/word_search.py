"""Поиск слов: на месте маски (или в конце текста) стоит слово, а модель предсказывает подслова.

Двусторонняя модель составляет слово из k подслов на месте k масок, причинная — продолжает
текст, пока слово не кончится. Правила оценки — в описаниях fill_mask и causal_candidates.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from lecture_lib.masking import pad_sequences

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

LONGEST_WORD = 3  # из скольких подслов слово составляется самое большее
LONGEST_SPELLING = 40  # букв: длиннее русских слов не бывает, а вариантов было бы много
BEAM = 12  # сколько начал слова продолжается (ширина луча)
ROWS_AT_ONCE = 64
# Если корпус токенизатора неизвестен: доли русских слов из 1, 2 и 3 подслов, на глаз.
PIECES_PER_WORD = (0.7, 0.2, 0.1)


@contextmanager
def inference(model: nn.Module) -> Iterator[None]:
    """Режим предсказания: без dropout и градиентов; прежний режим модели возвращается."""
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(was_training)


def log_probabilities(
    model: nn.Module, pad_token_id: int, rows: Sequence[list[int]], places: Sequence[int]
) -> Tensor:
    """Логарифмы вероятностей токенов на месте places[i] строки rows[i]: (N, V) float32."""
    device = next(model.parameters()).device
    found = []
    with inference(model):
        for start in range(0, len(rows), ROWS_AT_ONCE):
            chunk = slice(start, start + ROWS_AT_ONCE)
            input_ids, attention_mask = pad_sequences(rows[chunk], pad_token_id)
            positions = torch.zeros_like(input_ids, dtype=torch.bool)
            positions[range(len(input_ids)), list(places[chunk])] = True  # по одному в строке
            tensors = (input_ids.to(device), attention_mask.to(device))
            output = model(*tensors, positions=positions.to(device))
            found.append(output.mlm_logits.float().log_softmax(-1).cpu())
    return torch.cat(found)


class Pieces:
    """Таблицы словаря: какое подслово может начать слово, какое — продолжить."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        names = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
        self.names = [name for name, _ in names]
        # WordPiece помечает продолжение («##ть»), байтовый BPE — пробел перед началом («Ġмы»).
        self.marks_spaces = not any(name.startswith("##") for name in self.names)
        decode = tokenizer.backend_tokenizer.decoder.decode
        self.texts = [
            decode([name]).strip() if self.marks_spaces else name.removeprefix("##")
            for name in self.names
        ]
        special = set(tokenizer.all_special_tokens)
        self.is_word = torch.tensor(
            [t.isalnum() and n not in special for t, n in zip(self.texts, self.names, strict=True)]
        )
        mark = ("Ġ", "▁") if self.marks_spaces else "##"
        self.is_marked = torch.tensor([name.startswith(mark) for name in self.names])
        self.is_beginning = torch.zeros(len(self.names), dtype=torch.bool)
        self.is_beginning[tokenizer.init_kwargs.get("never_alone", [])] = True

    @cached_property
    def starting(self) -> Tensor:
        """(V,) bool: подслова, с которых слово начинается после пробела."""
        return self.is_word & (self.is_marked == self.marks_spaces)

    def whole(self, after: str) -> Tensor:
        """(V,) bool: подслова, которые сами бывают словом; «убира» — только начало слова."""
        return self.first(after) & ~self.is_beginning

    @cached_property
    def continuing(self) -> Tensor:
        """(V,) bool: подслова, которые продолжают слово."""
        return self.is_word & (self.is_marked != self.marks_spaces)

    @cached_property
    def known(self) -> frozenset[str]:
        """Слова, которые словарь знает целиком (и обрывки слов — они не мешают)."""
        return frozenset(self.names)

    def restore_yo(self, text: str) -> str:
        """«Подошел» -> «Подошёл», если словарь знает слово только через «ё». Длина не меняется."""
        return re.sub(r"[а-яё]*е[а-яё]*", self._restore_word, text, flags=re.IGNORECASE)

    def _restore_word(self, match: re.Match[str]) -> str:
        word = match.group()
        if word.lower() in self.known or len(word) > LONGEST_SPELLING:
            return word
        places = [i for i, letter in enumerate(word) if letter in "еЕ"]
        variants = [f"{word[:i]}{'ё' if word[i] == 'е' else 'Ё'}{word[i + 1 :]}" for i in places]
        fitting = [variant for variant in variants if variant.lower() in self.known]
        return fitting[0] if len(fitting) == 1 else word

    def first(self, after: str) -> Tensor:
        """(V,) bool: с чего может начинаться слово, если перед ним стоит знак after."""
        glued = bool(after) and not after.isspace()
        return self.continuing if self.marks_spaces and (glued or not after) else self.starting


_PIECES: WeakKeyDictionary[PreTrainedTokenizerFast, Pieces] = WeakKeyDictionary()


def pieces_of(tokenizer: PreTrainedTokenizerFast) -> Pieces:
    """Таблицы словаря; строятся один раз на токенизатор."""
    if tokenizer not in _PIECES:
        _PIECES[tokenizer] = Pieces(tokenizer)
    return _PIECES[tokenizer]


@dataclass(frozen=True)
class Slot:
    """Маска в тексте: место в ids, знаки-соседи; inside — она внутри слова."""

    place: int
    before: str
    after: str

    @property
    def inside(self) -> bool:
        return self.before.isalnum() or self.after.isalnum()


@dataclass(frozen=True)
class _Hypothesis:
    """Начало слова: для какой маски, из скольких подслов слово, какие уже выбраны."""

    slot: int
    length: int
    pieces: tuple[int, ...] = ()
    log_probability: float = 0.0


class WordSearch:
    """Поиск слов лучом: сразу для всех масок и длин, по одному подслову за проход модели."""

    def __init__(self, model, tokenizer, ids: list[int], slots: list[Slot], beam: int) -> None:
        self.model, self.tokenizer, self.pieces = model, tokenizer, pieces_of(tokenizer)
        self.ids, self.slots, self.beam = ids, slots, beam
        self.prior = tokenizer.init_kwargs.get("pieces_per_word", PIECES_PER_WORD)
        self.mass = [0.0] * len(slots)  # Z каждой маски
        self.words: list[dict[str, float]] = [{} for _ in slots]

    def run(self) -> list[dict[str, float]]:
        """Для каждой маски — слова и их вероятности."""
        active = [
            _Hypothesis(i, length)
            for i, slot in enumerate(self.slots)
            for length in range(1, 2 if slot.inside else LONGEST_WORD + 1)
        ]
        while active:
            rows = [self._row(h) for h in active]
            places = [self.slots[h.slot].place + len(h.pieces) for h in active]
            scores = log_probabilities(self.model, self.tokenizer.pad_token_id, rows, places)
            scored = zip(active, scores, strict=True)
            grown = [new for h, row in scored for new in self._grow(h, row)]
            for hypothesis in grown:
                if len(hypothesis.pieces) == hypothesis.length:
                    self._keep(hypothesis)
            active = self._prune([h for h in grown if len(h.pieces) < h.length])
        found = zip(self.words, self.mass, strict=True)
        return [{word: p / mass for word, p in words.items()} for words, mass in found]

    def _row(self, h: _Hypothesis) -> list[int]:
        """Текст, где на месте маски — выбранные подслова и маски вместо остальных."""
        place = self.slots[h.slot].place
        masks = [self.tokenizer.mask_token_id] * (h.length - len(h.pieces))
        return [*self.ids[:place], *h.pieces, *masks, *self.ids[place + 1 :]]

    def _grow(self, h: _Hypothesis, scores: Tensor) -> Iterator[_Hypothesis]:
        """Продолжает начало слова самыми вероятными подсловами."""
        allowed = self.pieces.continuing if h.pieces else self._first(h)
        scores = _only(scores, allowed)
        if not h.pieces:
            self.mass[h.slot] += self._prior(h) * scores.logsumexp(0).exp().item()
        best = scores.topk(min(self.beam, int(allowed.sum())))
        for value, piece in zip(best.values.tolist(), best.indices.tolist(), strict=True):
            yield _Hypothesis(h.slot, h.length, (*h.pieces, piece), h.log_probability + value)

    def _first(self, h: _Hypothesis) -> Tensor:
        slot = self.slots[h.slot]
        if slot.before.isalnum():
            return self.pieces.continuing
        is_word = h.length == 1 and not slot.inside
        return self.pieces.whole(slot.before) if is_word else self.pieces.first(slot.before)

    def _keep(self, h: _Hypothesis) -> None:
        word = "".join(self.pieces.texts[piece] for piece in h.pieces)
        if self.slots[h.slot].before.isalnum() and not self.pieces.marks_spaces:
            word = "##" + word
        words = self.words[h.slot]
        words[word] = words.get(word, 0.0) + self._prior(h) * math.exp(h.log_probability)

    def _prior(self, h: _Hypothesis) -> float:
        return 1.0 if self.slots[h.slot].inside else self.prior[h.length - 1]

    def _prune(self, hypotheses: list[_Hypothesis]) -> list[_Hypothesis]:
        """Для каждой маски и длины слова оставляет beam лучших начал."""
        groups: dict[tuple[int, int], list[_Hypothesis]] = {}
        for h in hypotheses:
            groups.setdefault((h.slot, h.length), []).append(h)
        for group in groups.values():
            group.sort(key=lambda h: -h.log_probability)
        return [h for group in groups.values() for h in group[: self.beam]]


def continue_words(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, ids: list[int], first: Tensor, beam: int
) -> dict[str, float]:
    """Слова, которыми причинная модель продолжает ids: слово кончено, когда дальше не «##…»."""
    pieces = pieces_of(tokenizer)
    words: dict[str, float] = {}
    heads: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    for length in range(LONGEST_WORD + 1):
        rows = [[*ids, *head] for head, _ in heads]
        last = [len(row) - 1 for row in rows]
        scores = log_probabilities(model, tokenizer.pad_token_id, rows, last)
        allowed = pieces.continuing if length else first
        scores = _only(scores, allowed)
        goes_on = scores.logsumexp(-1).exp().tolist()
        if length == 0:
            mass = goes_on[0]
        for (head, value), more in zip(heads, goes_on, strict=True):
            if head and not (len(head) == 1 and pieces.is_beginning[head[0]]):
                word = "".join(pieces.texts[piece] for piece in head)
                words[word] = words.get(word, 0.0) + math.exp(value) * (1 - more) / mass
        total = scores + torch.tensor([value for _, value in heads])[:, None]
        best = total.flatten().topk(min(beam, len(heads) * int(allowed.sum())))
        heads = [
            ((*heads[index // scores.shape[1]][0], index % scores.shape[1]), value)
            for value, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]
    return words


def _only(scores: Tensor, allowed: Tensor) -> Tensor:
    """Оставляет разрешённые токены; у модели номеров бывает больше, чем в токенизаторе."""
    return scores[..., : len(allowed)].masked_fill(~allowed, -math.inf)
