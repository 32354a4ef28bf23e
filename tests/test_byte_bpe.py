"""Байтовый BPE руками: таблица, слова, слияния и разбор — как у `tokenizers`; текст не теряется."""

from __future__ import annotations

import json
import random
import sys
import unicodedata

import pytest
from small_corpus import sentences, stories
from tokenizers import ByteLevelBPETokenizer, pre_tokenizers

from lecture_lib import byte_bpe
from lecture_lib.byte_bpe import ByteBPE, merge_steps, split_words, to_signs, train_merges
from lecture_lib.tokenization import BPE_SPECIAL_TOKENS, train_byte_level_bpe, train_wordpiece

TEXTS = sentences(stories(200))
STRANGE = [
    "😀 👍🏽 👩‍👩‍👧  два пробела\nи строка\t!",
    "Въ лѣто 6496-е, ѳита; naïve café — don't we'll I'M",
    "½ ² Ⅷ ٣ 日本語 ελληνικά…\u00a0\u200b\u2028  ",
    "",
]


def reference(texts: list[str], vocab_size: int) -> ByteLevelBPETokenizer:
    """Токенизатор `tokenizers`, обученный на тех же текстах."""
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(texts, vocab_size, show_progress=False)
    return tokenizer


def test_signs_are_those_of_tokenizers():
    """256 разных знаков, тех же, что у библиотеки; пробел — «Ġ», перевод строки — «Ċ»."""
    assert sorted(byte_bpe.SIGNS) == list(range(256))
    assert set(byte_bpe.SIGNS.values()) == set(pre_tokenizers.ByteLevel.alphabet())
    assert (byte_bpe.SIGNS[32], byte_bpe.SIGNS[10], byte_bpe.SIGNS[65]) == ("Ġ", "Ċ", "A")
    assert to_signs("кот") == "ÐºÐ¾ÑĤ"


def test_words_are_those_of_tokenizers():
    """Слова совпадают на странных текстах и на случайных строках из всех видов знаков."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False)
    draw = random.Random(0)
    alphabet = "аБz'st 1½²Ⅷ٣ \t\n\u00a0\u3000.,!—«»_😀日\u0301ё"
    noise = ["".join(draw.choices(alphabet, k=12)) for _ in range(500)]
    for text in [*TEXTS[:50], *STRANGE, *noise]:
        words = split_words(text)
        assert "".join(words) == text
        assert [to_signs(word) for word in words] == [w for w, _ in split.pre_tokenize_str(text)]


def test_merges_equal_tokenizers():
    """Слияния — те же и в том же порядке, пары-ровесницы тоже; так и до исчерпания пар."""
    for count in (100, 10_000):
        theirs = reference(TEXTS, 256 + count).to_str()
        ours = train_merges(TEXTS, count)
        assert [list(pair) for pair in ours] == _merges(theirs)
    assert len(ours) < 10_000


def test_random_strings_with_repeats_merge_alike():
    """Строки вроде «aaabab», где пары накладываются друг на друга."""
    for seed in range(5):
        draw = random.Random(seed)
        texts = ["".join(draw.choices("ab ", k=30)) for _ in range(20)]
        assert [list(pair) for pair in train_merges(texts, 30)] == _merges(
            reference(texts, 286).to_str()
        )


def _merges(text: str) -> list[list[str]]:
    return json.loads(text)["model"]["merges"]


def test_steps_count_what_they_merge():
    """Число при слиянии — сколько раз пара стоит в тексте; пересчёт с нуля даёт то же."""
    words = byte_bpe.count_words(TEXTS[:100])
    numbers = {sign: number for number, sign in enumerate(byte_bpe.ALPHABET)}
    for pair, times in merge_steps(words, 60):
        pairs = byte_bpe.count_pairs(words)
        assert (pair, times) == (byte_bpe.best_pair(pairs, numbers), pairs[pair])
        numbers.setdefault("".join(pair), len(numbers))
        merged: dict = {}
        for word, count in words.items():
            new = byte_bpe.merge_pair(word, pair)
            merged[new] = merged.get(new, 0) + count
        words = merged


def test_encoding_equals_tokenizers():
    """При тех же слияниях токены те же — и у обученного нами, и у взятого из поставки."""
    theirs = reference(TEXTS, 600)
    ours = ByteBPE.train(TEXTS, 344)
    course = train_byte_level_bpe(TEXTS, 605)
    borrowed = ByteBPE.from_tokenizer(course)
    assert borrowed == ours
    assert set(ours.vocabulary) | set(BPE_SPECIAL_TOKENS) == set(course.get_vocab())
    for text in [*TEXTS[:80], *STRANGE]:
        assert ours.encode(text) == theirs.encode(text).tokens == course.tokenize(text)


def test_nothing_is_lost():
    """Любой знак Юникода кодируется и возвращается; случайные байты — тоже."""
    ours = ByteBPE.train(TEXTS, 100)
    everything = "".join(
        chr(code)
        for code in range(0, sys.maxunicode + 1, 37)
        if unicodedata.category(chr(code)) != "Cs"
    )
    for text in [everything, *STRANGE, *TEXTS[:20]]:
        assert ours.decode(ours.encode(text)) == text
        assert set(ours.encode(text)) <= set(ours.vocabulary)


def test_earlier_merge_goes_first():
    """Порядок слияний решает: «abc» при (b, c) раньше (a, b) — это a + bc."""
    bpe = ByteBPE((("b", "c"), ("a", "b")))
    assert bpe.encode("abc") == ["a", "bc"]
    assert bpe.first(0).encode("abc") == ["a", "b", "c"]
    assert list(byte_bpe.encode_steps(("a", "b", "c"), bpe.ranks)) == [
        ("a", "b", "c"),
        ("a", "bc"),
    ]


def test_half_a_letter_is_visible():
    half = to_signs("ж")[0]
    assert byte_bpe.from_signs(half) == "�"
    assert byte_bpe.readable(half) == "‹d0›"
    assert byte_bpe.readable(to_signs(" кот") + half) == "␣кот‹d0›"
    assert byte_bpe.readable(to_signs("😀\n")) == "‹f0›‹9f›‹98›‹80›‹0a›"


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="count = -1"):
        train_merges(TEXTS, -1)
    with pytest.raises(ValueError, match="min_frequency = 0"):
        train_merges(TEXTS, 5, min_frequency=0)
    with pytest.raises(ValueError, match="знак 'я' не обозначает"):
        byte_bpe.from_signs("я")
    with pytest.raises(ValueError, match="count = 3: слияний всего 2"):
        ByteBPE((("b", "c"), ("a", "b"))).first(3)
    with pytest.raises(ValueError, match="это WordPiece"):
        ByteBPE.from_tokenizer(train_wordpiece(TEXTS, 600))
