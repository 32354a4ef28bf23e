"""Опыт урока 06: что словарь не может записать — доля [UNK] в эмодзи, латинице, старой орфографии.

WordPiece курса знает русские и латинские буквы, цифры и знаки; слово с любым другим знаком он
заменяет на [UNK] целиком. Байтовому BPE неизвестных знаков нет: алфавит у него — байты.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Row = dict[str, Any]

SAMPLES: dict[str, tuple[str, ...]] = {
    "обычный текст": (
        "Вчера мы посмотрели отличный фильм в кинотеатре.",
        "Бабушка испекла пирог и позвала соседей пить чай.",
        "Завтра в школе не будет уроков, и дети пойдут в парк.",
    ),
    "опечатки": (
        "Вчира мы посматрели отличьный фильм в кенотеатре.",
        "Бабушка испикла пирок и пазвала саседей пить чяй.",
        "Зафтра в школе не будит урокоф, и дити пайдут в парк.",
    ),
    "латиница": (
        "Купила latte и круассан в café «Déjà vu».",
        "Слушаем Beyoncé и Sigur Rós, потом Motörhead.",
        "Wi-Fi в hotel Zürich: логин guest, пароль mañana.",
    ),
    "старая орфография": (
        "Въ лѣсу раздавался топоръ дровосѣка.",
        "Онъ уважать себя заставилъ и лучше выдумать не могъ.",
        "Исторія Государства Россійскаго, сочиненіе Карамзина.",
    ),
    "эмодзи": (
        "Ура, каникулы! 🎉🎉🎉",
        "Кот спит 😴, собака ест 🍖, а я учусь 🤓.",
        "Фильм на 👍👍🏽, семья 👨‍👩‍👧 довольна ❤️",
    ),
}
WORD = re.compile(r"\S+")


def lost_pieces(tokenizer: PreTrainedTokenizerFast, text: str) -> list[str]:
    """Куски текста, от которых осталось только [UNK], по порядку."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return [
        text[start:end]
        for token, (start, end) in zip(encoded.input_ids, encoded.offset_mapping, strict=True)
        if token == tokenizer.unk_token_id
    ]


def unknown_rows(
    tokenizers: Mapping[str, PreTrainedTokenizerFast],
    samples: Mapping[str, Sequence[str]] = SAMPLES,
) -> list[Row]:
    """Строки «образец × словарь»: sample, tokenizer, tokens, unknown, share, lost, per_word.

    share — доля [UNK] среди токенов, lost — доля знаков (без пробелов), которых под ними не
    видно, per_word — токенов на слово между пробелами. ValueError — в образце нет ни слова.
    """
    return [
        {"sample": sample, "tokenizer": name, **_counts(tokenizer, texts)}
        for sample, texts in samples.items()
        for name, tokenizer in tokenizers.items()
    ]


def _counts(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> Row:
    words = sum(len(WORD.findall(text)) for text in texts)
    if words == 0:
        raise ValueError(f"samples: в образце {list(texts)!r} нет ни слова.")
    tokens = sum(len(tokenizer(text, add_special_tokens=False).input_ids) for text in texts)
    lost = [piece for text in texts for piece in lost_pieces(tokenizer, text)]
    signs = sum(len("".join(text.split())) for text in texts)
    return {
        "tokens": tokens,
        "unknown": len(lost),
        "share": len(lost) / tokens,
        "lost": sum(len("".join(piece.split())) for piece in lost) / signs,
        "per_word": tokens / words,
    }
