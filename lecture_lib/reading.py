"""Прочитанный текст: токены, слова и какой токен из какого слова — для любого токенизатора.

Слова размечены по самому тексту, а не по токенам: слово — буквы и цифры, с дефисом внутри, или
один знак. Поэтому две модели с разными словарями делят текст на одни и те же слова, и слово можно
закрыть в обеих сразу. Если токен накрыл несколько слов (смайлики под одним [UNK]), они слиты.

Единицы (units) текста: [CLS], слова и знаки по порядку, [SEP] — каждый токен входит в одну.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from lecture_lib.byte_bpe import BYTES, readable

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

WORD = r"\w+(?:-\w+)*|[^\w\s]"
Span = tuple[int, int]


@dataclass(frozen=True)
class Reading:
    """Текст глазами модели.

    input_ids — вместе с [CLS] и [SEP]; tokens — подписи токенов; units — единица каждого токена;
    words — подписи единиц, spans — где они в тексте (у [CLS] и [SEP] — None); masked — единицы,
    закрытые масками.
    """

    text: str
    input_ids: tuple[int, ...]
    tokens: tuple[str, ...]
    units: tuple[int, ...]
    words: tuple[str, ...]
    spans: tuple[Span | None, ...]
    masked: frozenset[int] = frozenset()

    @cached_property
    def special_units(self) -> list[bool]:
        """Для каждой единицы: [CLS] это или [SEP]."""
        return [span is None for span in self.spans]

    @cached_property
    def special_tokens(self) -> list[bool]:
        """То же для каждого токена."""
        return [self.special_units[unit] for unit in self.units]

    def places(self, unit: int) -> list[int]:
        """Места токенов единицы."""
        return [place for place, owner in enumerate(self.units) if owner == unit]

    def units_at(self, span: Span) -> list[int]:
        """Единицы, которые задевает отрезок текста: так слово находят в чужой разметке."""
        start, end = span
        return [u for u, own in enumerate(self.spans) if own and own[0] < end and start < own[1]]

    def with_masks(self, units: Sequence[int], tokenizer: PreTrainedTokenizerFast) -> Reading:
        """То же, но каждый токен этих единиц закрыт маской; число токенов прежнее.

        ValueError — единицы нет или это [CLS], [SEP].
        """
        for unit in units:
            if not 0 <= unit < len(self.spans) or self.spans[unit] is None:
                raise ValueError(f"units: {unit} — не слово; слова здесь — {self._known()}.")
        closed, mask = set(units), tokenizer.mask_token
        places = [place for place, unit in enumerate(self.units) if unit in closed]
        return replace(
            self,
            input_ids=_replaced(self.input_ids, places, tokenizer.mask_token_id),
            tokens=_replaced(self.tokens, places, mask),
            words=_replaced(self.words, closed, mask),
            masked=self.masked | closed,
        )

    def _known(self) -> str:
        words = [unit for unit, span in enumerate(self.spans) if span]
        return f"от {words[0]} до {words[-1]}"


def _replaced(row: Sequence, places: Iterable[int], value: object) -> tuple:
    """Тот же ряд, где на этих местах — value."""
    places = set(places)
    return tuple(value if place in places else item for place, item in enumerate(row))


def read_text(tokenizer: PreTrainedTokenizerFast, text: str, longest: int) -> Reading:
    """Читает текст. Маска, написанная в тексте, — слово, и оно закрыто.

    ValueError — в тексте нет ни одного токена или их больше longest вместе с [CLS] и [SEP].
    """
    encoded = tokenizer(text, return_offsets_mapping=True, verbose=False)
    ids, offsets = encoded.input_ids, encoded.offset_mapping
    if all(start == end for start, end in offsets):
        raise ValueError("В тексте нет ни одного слова — введите предложение.")
    if len(ids) > longest:
        raise ValueError(
            f"Токенов {len(ids)}, а прочесть можно {longest}, вместе с [CLS] и [SEP]. "
            "Сократите текст."
        )
    tokens = token_labels(tokenizer, ids)
    units, spans = _units(_word_spans(text, tokenizer.mask_token), text, offsets)
    words = _labels(text, tokens, units, spans)
    hidden = {u for u, token in zip(units, ids, strict=True) if token == tokenizer.mask_token_id}
    return Reading(text, tuple(ids), tokens, units, words, spans, frozenset(hidden))


def token_labels(tokenizer: PreTrainedTokenizerFast, ids: Sequence[int]) -> tuple[str, ...]:
    """Токены для глаз: «##ки» как есть, знаки байтового BPE — буквами, часть буквы — «‹d0›»."""
    from tokenizers.decoders import ByteLevel

    tokens = tokenizer.convert_ids_to_tokens(list(ids))
    if not isinstance(tokenizer.backend_tokenizer.decoder, ByteLevel):
        return tuple(tokens)
    return tuple(readable(token) if BYTES.keys() >= set(token) else token for token in tokens)


def _word_spans(text: str, mask_token: str) -> list[Span]:
    pattern = rf"{re.escape(mask_token)}|{WORD}"
    return [match.span() for match in re.finditer(pattern, text)] or [(0, len(text))]


def _units(
    words: Sequence[Span], text: str, offsets: Sequence[Span]
) -> tuple[tuple[int, ...], tuple[Span | None, ...]]:
    """Единица каждого токена и отрезки единиц; слово без токенов слито с тем, что перед ним."""
    ends = [end for _, end in words]
    owners: list[int | None] = []
    for start, end in offsets:
        spaces = len(text[start:end]) - len(text[start:end].lstrip())
        found = min(bisect_right(ends, start + spaces), len(words) - 1)
        owners.append(found if start < end else None)
    used = sorted({owner for owner in owners if owner is not None})
    last = [following - 1 for following in used[1:]] + [len(words) - 1]
    joined = {o: (words[o][0], words[end][1]) for o, end in zip(used, last, strict=True)}
    units: list[int] = []
    spans: list[Span | None] = []
    for place, owner in enumerate(owners):
        if place == 0 or owner is None or owner != owners[place - 1]:
            spans.append(None if owner is None else joined[owner])
        units.append(len(spans) - 1)
    return tuple(units), tuple(spans)


def _labels(
    text: str, tokens: Sequence[str], units: Sequence[int], spans: Sequence[Span | None]
) -> tuple[str, ...]:
    """Подпись единицы: слово — как в тексте, специальная — её токен."""
    first = {unit: token for token, unit in zip(reversed(tokens), reversed(units), strict=True)}
    return tuple(text[slice(*span)] if span else first[u] for u, span in enumerate(spans))
