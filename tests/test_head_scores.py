"""Мера голов: известное внимание даёт известные доли; на корпусе — те же, что у проб."""

from __future__ import annotations

import pytest
import torch
from small_corpus import small_encoder

from lecture_lib.encoder import Encoder
from lecture_lib.experiments.attention_probes import (
    DEFINITION,
    NEXT,
    PREVIOUS,
    SEPARATOR,
    head_hits,
    sample_cases,
)
from lecture_lib.experiments.head_scores import ON_CORPUS, corpus_scores, sentence_scores
from lecture_lib.tokenization import load_tokenizer

WORDS = ("[CLS]", "Дул", "ветер", ",", "холодно", "[SEP]")


def looking(*targets):
    """Внимание одной головы, которая смотрит из единицы i в targets[i]."""
    return torch.nn.functional.one_hot(torch.tensor(targets), len(targets)).float()


def scores(probe):
    """Четыре головы: назад, вперёд, на [SEP], и та, у которой верно лишь одно слово."""
    heads = [
        looking(0, 0, 1, 2, 3, 4),
        looking(1, 2, 3, 4, 5, 5),
        looking(5, 5, 5, 5, 5, 5),
        looking(0, 2, 4, 1, 1, 0),
    ]
    return sentence_scores(torch.stack(heads).reshape(2, 2, 6, 6), WORDS, probe)


@pytest.mark.parametrize(
    ("probe", "asked", "shares"),
    [
        (PREVIOUS, 2, [1, 0, 0, 0]),  # у «Дул» предыдущего слова нет, запятую не спрашивают
        (NEXT, 2, [0, 1, 0, 0.5]),  # у «холодно» нет следующего
        (SEPARATOR, 3, [0, 1 / 3, 1, 0]),  # «холодно» смотрит вперёд — а там как раз [SEP]
    ],
)
def test_planted_attention(probe, asked, shares):
    """Голова, которая смотрит куда спросили, права всегда; спрошены слова, а не знаки."""
    found = scores(probe)
    assert found.asked == asked
    assert found.shares.flatten().tolist() == pytest.approx(shares)


def test_specials_are_not_candidates():
    """Голова, которая почти всё отдаёт [CLS], судится по остальному — как в пробах."""
    weights = 0.1 * looking(0, 0, 1, 2, 3, 4) + 0.9 * looking(0, 0, 0, 0, 0, 0)
    assert sentence_scores(weights[None, None], WORDS, PREVIOUS).shares.item() == 1


def test_nobody_to_ask():
    """Слов нет — спрошено ноль, и доли нулевые; чужая проба — ValueError."""
    nothing = sentence_scores(torch.ones(1, 1, 3, 3) / 3, ("[CLS]", "!", "[SEP]"), PREVIOUS)
    assert (nothing.asked, nothing.shares.item()) == (0, 0)
    with pytest.raises(ValueError, match="на предложении меряются"):
        sentence_scores(torch.ones(1, 1, 3, 3), WORDS[:3], DEFINITION)


def test_corpus_scores_are_the_probes():
    """На корпусе доля — среднее head_hits по вопросам этой пробы."""
    tokenizer = load_tokenizer()
    torch.manual_seed(0)
    encoder = Encoder(small_encoder(len(tokenizer), max_position_embeddings=128))
    found = corpus_scores(encoder, tokenizer, count=12)
    cases = sample_cases(tokenizer, 1, count=12)
    hits = head_hits(encoder, cases, tokenizer.pad_token_id).float()
    for probe in ON_CORPUS:
        chosen = [number for number, case in enumerate(cases) if case.probe == probe]
        assert found[probe].asked == len(chosen) > 0
        torch.testing.assert_close(found[probe].shares, hits[chosen].mean(0))
