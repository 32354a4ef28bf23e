"""Отрезки: знаки и токены переводятся туда и обратно, лучший отрезок — перебором, ошибки ясны."""

from __future__ import annotations

import random
import re
from itertools import combinations_with_replacement

import pytest
import torch

from lecture_lib.spans import (
    NO_ANSWER,
    best_span,
    character_span,
    encode_span,
    span_text,
    token_span,
)
from lecture_lib.tokenization import train_byte_level_bpe, train_wordpiece
from tests.small_corpus import sentences, stories

TEXTS = sentences(stories(60))
TOKENIZERS = {
    "wordpiece": train_wordpiece(TEXTS, 400),
    "bpe": train_byte_level_bpe(TEXTS, 400),
}
QUESTION = "Что нашла Анна?"
CONTEXT = "Вчера Анна была на рынке. Там она нашла тёплый шарф, а не ключ."


@pytest.mark.parametrize("name", TOKENIZERS)
def test_every_run_of_words_survives_the_round_trip(name):
    """Любой отрезок из целых слов: знаки -> токены -> те же знаки."""
    tokenizer = TOKENIZERS[name]
    words = [match.span() for match in re.finditer(r"\w+", CONTEXT)]
    for (start, _), (_, end) in combinations_with_replacement(words, 2):
        example = encode_span(QUESTION, CONTEXT, start, CONTEXT[start:end], tokenizer)
        assert character_span(example, example.labels)[1] == end
        assert span_text(example, example.labels) == CONTEXT[start:end]


def test_span_stands_in_the_second_text():
    """Слово есть и в вопросе, и в тексте: отрезок — в тексте."""
    tokenizer = TOKENIZERS["wordpiece"]
    example = encode_span(QUESTION, CONTEXT, CONTEXT.index("Анна"), "Анна", tokenizer)
    first, last = example.labels
    assert example.first == example.token_type_ids.index(1) <= first
    assert character_span(example, (first, last)) == (6, 10)
    assert example.first + len(example.offsets) == len(example.input_ids) - 1  # последний — [SEP]


def test_boundary_inside_a_token_moves_to_its_edge():
    offsets = [(0, 5), (5, 6), (7, 12)]
    assert token_span(offsets, 2, 8) == (0, 2)
    assert token_span(offsets, 5, 6) == (1, 1)
    with pytest.raises(ValueError, match="start = 6, end = 7: на этих знаках нет"):
        token_span(offsets, 6, 7)


def test_no_answer_points_at_cls():
    example = encode_span(QUESTION, CONTEXT, None, "", TOKENIZERS["wordpiece"])
    assert example.labels == NO_ANSWER and span_text(example, NO_ANSWER) == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("  ", CONTEXT, 6, "Анна"), "question = '  ': пустой текст"),
        ((QUESTION, "\n", 0, "Анна"), "context = .*: пустой текст"),
        ((QUESTION, "\u0301", None, ""), "context = .*: из текста не вышло ни одного токена"),
        ((QUESTION, CONTEXT, 7, "Анна"), "start = 7 стоит 'нна '"),
        ((QUESTION, CONTEXT, -4, "ключ"), "start = -4"),
        ((QUESTION, CONTEXT, 6, " "), "answer = ' ': пустой ответ"),
        ((QUESTION, CONTEXT * 9, 6, "Анна"), r"а помещается 128, ответ «Анна» кончается на токене"),
    ],
)
def test_bad_spans_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        encode_span(*arguments, TOKENIZERS["wordpiece"])


def test_best_span_equals_brute_force():
    """Перебор всех пар: та же лучшая, при любых границах текста и длине."""
    draw, generator = random.Random(0), torch.Generator().manual_seed(0)
    for _ in range(60):
        size = draw.randint(3, 12)
        logits = torch.randn(size, 2, generator=generator)
        first = draw.randint(1, size - 1)
        last, longest = draw.randint(first, size - 1), draw.randint(1, size)
        pairs = [
            (i, j) for i in range(first, last + 1) for j in range(i, min(last, i + longest - 1) + 1)
        ]
        wanted = max(pairs, key=lambda pair: float(logits[pair[0], 0] + logits[pair[1], 1]))
        assert best_span(logits, first, last, longest) == wanted


def test_null_threshold_decides_between_the_span_and_no_answer():
    logits = torch.tensor([[1.0, 1.0], [9.0, 9.0], [2.0, 0.0], [0.0, 3.0]])  # вопрос — токен 1
    assert best_span(logits, 2, 3) == (2, 3)
    assert best_span(logits, 2, 3, null_threshold=2.9) == (2, 3)  # 5 > 2 + 2,9
    assert best_span(logits, 2, 3, null_threshold=3.0) == NO_ANSWER
    with pytest.raises(ValueError, match="first = 2, last = 4: токенов в строке 4"):
        best_span(logits, 2, 4)
    with pytest.raises(ValueError, match="longest = 0"):
        best_span(logits, 2, 3, longest=0)


def test_character_span_refuses_the_question():
    example = encode_span(QUESTION, CONTEXT, 6, "Анна", TOKENIZERS["wordpiece"])
    with pytest.raises(ValueError, match=r"span = \(1, 2\): токены текста — с"):
        character_span(example, (1, 2))
