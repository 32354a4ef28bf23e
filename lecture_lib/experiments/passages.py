"""Отрывки документов «Городка» и внимание между словами: от токенов модели — к словам разметки.

Модель смотрит на токены, а правда известна о словах, поэтому внимание складывается по правилу
Clark et al., 2019, раздел 4.1: внимание К слову — сумма по его подсловам, внимание ОТ слова —
среднее по ним. [CLS] и [SEP] остаются сами собой. Сумма строки при этом по-прежнему равна 1.

Единицы (units) отрывка: 0 — [CLS], 1 … W — слова и знаки препинания, W + 1 — [SEP].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lecture_lib.attention import word_attention
from lecture_lib.corpus import Document, TokenTruth
from lecture_lib.masking import pad_sequences
from lecture_lib.word_search import inference

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerFast

LONGEST = 126  # токенов в отрывке: с [CLS] и [SEP] — 128, столько читает MINI
PASSAGES_AT_ONCE = 16


@dataclass(frozen=True)
class Passage:
    """Соседние предложения одного документа, которые модель читает за раз.

    words — слова подряд; places[i] — (предложение документа, номер слова в нём); units — единица
    каждого токена из input_ids, вместе с [CLS] и [SEP].
    """

    words: tuple[TokenTruth, ...]
    places: tuple[tuple[int, int], ...]
    input_ids: tuple[int, ...]
    units: tuple[int, ...]

    @cached_property
    def index_of(self) -> dict[tuple[int, int], int]:
        """Номер слова в отрывке по его месту в документе."""
        return {place: index for index, place in enumerate(self.places)}

    def head(self, index: int) -> int | None:
        """Номер слова, по которому выбрана форма слова index (TokenTruth.head)."""
        head = self.words[index].head
        return None if head is None else self.index_of[self.places[index][0], head]

    def antecedent(self, index: int) -> int | None:
        """Номер антецедента; None, если его нет или он остался за пределами отрывка."""
        return self.index_of.get(self.words[index].antecedent)

    @property
    def names(self) -> list[str]:
        """Подписи единиц: «[CLS]», слова, «[SEP]»."""
        return ["[CLS]", *(word.text for word in self.words), "[SEP]"]


def split_into_passages(
    tokenizer: PreTrainedTokenizerFast, document: Document, longest: int = LONGEST
) -> Iterator[Passage]:
    """Режет документ на отрывки не длиннее longest токенов, целыми предложениями и без повторов.

    Пропускаются предложения, которые сами длиннее или где два слова слились в один токен (смайлики
    подряд — одно [UNK]). ValueError — документ без разметки.
    """
    if any(sentence.truth is None for sentence in document.sentences):
        raise ValueError(f"document: у документа {document.id} нет разметки (truth=True).")
    pieces = _encode(tokenizer, document)
    chosen: list[int] = []
    for number, (ids, owners) in enumerate(pieces):
        if len(ids) > longest or len(set(owners)) < len(document.sentences[number].truth):
            continue
        if chosen and sum(len(pieces[n][0]) for n in chosen) + len(ids) > longest:
            yield _join(tokenizer, document, pieces, chosen)
            chosen = []
        chosen.append(number)
    if chosen:
        yield _join(tokenizer, document, pieces, chosen)


def _encode(
    tokenizer: PreTrainedTokenizerFast, document: Document
) -> list[tuple[list[int], list[int]]]:
    """Для каждого предложения: номера токенов и номер слова каждого токена."""
    encoded = tokenizer(
        [sentence.text for sentence in document.sentences],
        add_special_tokens=False,
        return_offsets_mapping=True,
    )
    owners = [
        [_word_at(sentence.truth, start) for start, _ in offsets]
        for sentence, offsets in zip(document.sentences, encoded.offset_mapping, strict=True)
    ]
    return list(zip(encoded.input_ids, owners, strict=True))


def _word_at(words: Sequence[TokenTruth], start: int) -> int:
    return next(index for index, word in enumerate(words) if word.start <= start < word.end)


def _join(
    tokenizer: PreTrainedTokenizerFast, document: Document, pieces: Sequence, chosen: Sequence[int]
) -> Passage:
    words, places, ids, units = [], [], [tokenizer.cls_token_id], [0]
    for number in chosen:
        sentence_ids, owners = pieces[number]
        ids += sentence_ids
        units += [1 + len(words) + owner for owner in owners]
        words += document.sentences[number].truth
        places += [(number, index) for index in range(len(document.sentences[number].truth))]
    ids.append(tokenizer.sep_token_id)
    units.append(len(words) + 1)
    return Passage(tuple(words), tuple(places), tuple(ids), tuple(units))


def passage_attentions(
    model: nn.Module, passages: Sequence[Passage], pad_token_id: int = 0
) -> Iterator[tuple[int, Tensor]]:
    """Пары (номер отрывка, внимание между его единицами (L, H, U, U)); короткие отрывки — первыми.

    model(input_ids, attention_mask, output_attentions=True) — Encoder или PretrainingModel.
    """
    order = sorted(range(len(passages)), key=lambda number: len(passages[number].input_ids))
    for start in range(0, len(order), PASSAGES_AT_ONCE):
        chunk = order[start : start + PASSAGES_AT_ONCE]
        rows = [list(passages[number].input_ids) for number in chunk]
        input_ids, attention_mask = pad_sequences(rows, pad_token_id)
        with inference(model):
            layers = model(input_ids, attention_mask, output_attentions=True).attentions
        weights = torch.stack(tuple(layers), dim=1).float()  # L × (B, H, S, S) -> (B, L, H, S, S)
        for row, number in enumerate(chunk):
            size = len(rows[row])
            own = weights[row, :, :, :size, :size]  # без дополнения
            yield number, word_attention(own, passages[number].units)
