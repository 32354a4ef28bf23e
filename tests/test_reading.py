"""Прочитанный текст: токены и слова сходятся, у двух токенизаторов слова одни и те же."""

from __future__ import annotations

import pytest
from small_corpus import sentences, stories

from lecture_lib.reading import read_text
from lecture_lib.tokenization import train_byte_level_bpe, train_wordpiece

TEXTS = sentences(stories(300))
WORDPIECE = train_wordpiece(TEXTS, vocab_size=270)
BPE = train_byte_level_bpe(TEXTS, vocab_size=400)
HARD = "Она нашла ё-моё, </script>  «ключ» в школе!"

each_tokenizer = pytest.mark.parametrize("tokenizer", [WORDPIECE, BPE], ids=["wordpiece", "bpe"])


@each_tokenizer
def test_every_token_lies_in_its_word(tokenizer):
    """Буквы токена — внутри слова, которому он приписан; [CLS] и [SEP] — сами по себе."""
    reading = read_text(tokenizer, HARD, 200)
    offsets = tokenizer(HARD, return_offsets_mapping=True).offset_mapping
    assert reading.input_ids == tuple(tokenizer(HARD).input_ids)
    for unit, (start, end) in zip(reading.units, offsets, strict=True):
        if start == end:
            assert reading.spans[unit] is None
            continue
        first, last = reading.spans[unit]
        letters = HARD[start:end].lstrip()
        assert not letters or first <= end - len(letters) < end <= last
    assert reading.special_units == [True, *[False] * (len(reading.words) - 2), True]
    assert sum(reading.special_tokens) == 2


def test_two_tokenizers_see_the_same_words():
    """Слова размечены по тексту: словари разные, а слова и их отрезки — те же."""
    ours, theirs = (read_text(tokenizer, HARD, 200) for tokenizer in (WORDPIECE, BPE))
    assert ours.words[1:-1] == theirs.words[1:-1]
    assert ours.spans == theirs.spans and len(ours.tokens) != len(theirs.tokens)
    assert ours.words[1:5] == ("Она", "нашла", "ё-моё", ",")
    unit = ours.words.index("ключ")
    assert theirs.units_at(ours.spans[unit]) == [unit]


def test_words_under_one_token_are_one():
    """Смайлики подряд — один [UNK]: слово одно, и у каждой единицы есть токен."""
    reading = read_text(WORDPIECE, "Она 🎬🎬🎬 здесь", 50)
    assert reading.words[2] == "🎬🎬🎬" and reading.tokens[reading.places(2)[0]] == "[UNK]"
    assert set(reading.units) == set(range(len(reading.words)))


def test_byte_pieces_are_letters():
    """Знаки байтового BPE показаны буквами; часть буквы — байтом, а не «�»."""
    tokens = read_text(BPE, "Вчера она щ 🎬", 50).tokens
    assert "�" not in "".join(tokens) and "Ð" not in "".join(tokens)
    assert any("вчера" in token.lower() or "вче" in token.lower() for token in tokens)
    assert any(token.startswith("‹") for token in tokens)


@each_tokenizer
def test_masks_close_all_tokens_of_a_word(tokenizer):
    """Закрыто слово целиком, токенов столько же, остальные не тронуты, прежнее чтение цело."""
    reading = read_text(tokenizer, HARD, 200)
    unit = max(range(len(reading.words)), key=lambda u: len(reading.places(u)))
    closed = reading.with_masks([unit], tokenizer)
    assert len(reading.places(unit)) > 1 and closed.units == reading.units
    for place, (before, after) in enumerate(zip(reading.input_ids, closed.input_ids, strict=True)):
        assert after == (tokenizer.mask_token_id if place in reading.places(unit) else before)
    assert closed.masked == {unit} and reading.masked == frozenset()
    assert closed.words[unit] == tokenizer.mask_token
    with pytest.raises(ValueError, match="0 — не слово"):
        reading.with_masks([0], tokenizer)
    with pytest.raises(ValueError, match="99 — не слово"):
        reading.with_masks([99], tokenizer)


@each_tokenizer
def test_typed_mask_is_one_word(tokenizer):
    """Маска, написанная в тексте, — одно слово, и оно закрыто."""
    text = f"Она {tokenizer.mask_token} ключ."
    reading = read_text(tokenizer, text, 50)
    (unit,) = reading.masked
    assert text[slice(*reading.spans[unit])] == tokenizer.mask_token


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "ни одного слова"), (" \n", "ни одного слова"), ("школа " * 60, "Сократите текст")],
)
def test_unfit_text(text, said):
    """Пустой и длинный тексты — ValueError по-русски."""
    with pytest.raises(ValueError, match=said):
        read_text(WORDPIECE, text, 40)
