"""Улики: вклад слов — против счёта руками, ответы слоёв — против самой модели."""

from __future__ import annotations

import pytest
import torch
from small_corpus import sentences, small_encoder, stories

from lecture_lib.evidence import MOST_WORDS, agreement, evidence, layer_answers
from lecture_lib.heads import PretrainingModel, TokenClassifier
from lecture_lib.prediction import fill_mask
from lecture_lib.reading import read_text
from lecture_lib.tokenization import train_wordpiece

TOKENIZER = train_wordpiece(sentences(stories(300)), vocab_size=270)
MASK = TOKENIZER.mask_token_id
TEXT = "Вчера она нашла ключ в школе."


def make_model(**changes):
    torch.manual_seed(4)
    config = small_encoder(
        len(TOKENIZER), initializer_range=0.3, add_pooling_layer=False, **changes
    )
    return PretrainingModel(config, next_sentence=False).eval()


MODEL = make_model()


def reading(text=TEXT, longest=64):
    return read_text(TOKENIZER, text, longest)


def total_by_hand(ids, places, answers):
    """Σ log p(верный токен) на закрытых местах — одним прямым вызовом модели."""
    row = torch.tensor([[MASK if place in places else token for place, token in enumerate(ids)]])
    with torch.no_grad():
        scores = MODEL(row).mlm_logits[0].log_softmax(-1)
    return sum(scores[place, answers[place]].item() for place in answers)


@pytest.mark.parametrize("word", ["ключ", "школе"])
def test_drops_equal_a_count_by_hand(word):
    """Вклад — разность двух сумм логарифмов; слово из нескольких токенов закрыто целиком."""
    text = reading()
    target = text.words.index(word)
    found = evidence(MODEL, TOKENIZER, text, target)
    own = text.places(target)
    answers = {place: text.input_ids[place] for place in own}
    base = total_by_hand(text.input_ids, own, answers)
    assert found.log_probability == pytest.approx(base, abs=1e-5)
    for unit, drop in enumerate(found.drops):
        if unit == target or text.special_units[unit]:
            assert drop is None
        else:
            hidden = [*own, *text.places(unit)]
            after = total_by_hand(text.input_ids, hidden, answers)
            assert drop == pytest.approx(base - after, abs=1e-5)


def test_target_has_several_tokens():
    """Пример выше проверяет и слово из нескольких токенов."""
    text = reading()
    assert max(len(text.places(text.words.index(w))) for w in ("ключ", "школе")) > 1


def test_typed_mask_asks_about_the_best_token():
    """Верного ответа нет — за него взят вероятнейший токен, как у fill_mask."""
    text = reading("Вчера она [MASK] ключ в школе.")
    (target,) = text.masked
    found = evidence(MODEL, TOKENIZER, text, target)
    best = fill_mask(MODEL, TOKENIZER, text.text, 1, whole_words=False)[0][0]
    assert found.answer == best.token
    assert torch.tensor(found.log_probability).exp().item() == pytest.approx(best.probability, 1e-4)


def test_agreement_is_a_rank_correlation():
    """Монотонная связь — ровно 1 и −1; одинаковых и коротких рядов не сравнить."""
    drops = [None, 0.1, 5.0, 2.0, -3.0, None]
    assert agreement([9, 0.2, 0.9, 0.3, 0.1, 9], drops) == pytest.approx(1)
    assert agreement([0, 0.3, 0.01, 0.02, 0.9, 0], drops) == pytest.approx(-1)
    # Ранги 1…5 против 2, 1, 4, 3, 5: ρ = 1 − 6·Σd² / (n(n² − 1)) = 1 − 6·4 / 120.
    assert agreement([2, 1, 4, 3, 5], [1, 2, 3, 4, 5]) == pytest.approx(1 - 24 / 120)
    assert agreement([1, 1, 1, 1], [1, 2, 3, 4]) is None
    assert agreement([1, 2, 3], [3, 2, 1]) is None
    assert agreement([1, 2], [None, None]) is None
    with pytest.raises(ValueError, match="2 и 1"):
        agreement([1, 2], [1])


def test_last_layer_answers_as_the_model():
    """Последняя строка — ответ самой модели; остальные — её голова над состояниями слоёв."""
    text = reading("Вчера она [MASK] ключ в школе.")
    place = text.input_ids.index(MASK)
    answers = layer_answers(MODEL, TOKENIZER, text.input_ids, place, right_id=9)
    assert [answer.layer for answer in answers] == [0, 1, 2]
    (expected,) = fill_mask(MODEL, TOKENIZER, text.text, 3, whole_words=False)
    for ours, theirs in zip(answers[-1].best, expected, strict=True):
        assert ours.token == theirs.token
        assert ours.probability == pytest.approx(theirs.probability, abs=1e-5)
    ids = torch.tensor([text.input_ids])
    with torch.no_grad():
        states = MODEL.encoder(ids, output_hidden_states=True).hidden_states
        for answer, state in zip(answers, states, strict=True):
            chances = MODEL.mlm_head(state[0, place]).softmax(-1)
            assert answer.right == pytest.approx(chances[9].item(), abs=1e-5)
            assert answer.best[0].probability == pytest.approx(chances.max().item(), abs=1e-5)


def test_right_answer_may_be_unknown():
    """Верный токен не назван — вероятности верного нет."""
    answers = layer_answers(MODEL, TOKENIZER, reading().input_ids, 1)
    assert {answer.right for answer in answers} == {None}


def test_models_that_cannot_answer():
    """Причинная модель и модель без головы MLM закрытого слова не предсказывают."""
    text = reading()
    with pytest.raises(ValueError, match="Модель причинная"):
        evidence(make_model(is_causal=True), TOKENIZER, text, 1)
    with pytest.raises(ValueError, match="без головы MLM"):
        layer_answers(TokenClassifier(MODEL.encoder, 2), TOKENIZER, text.input_ids, 1)


def test_refuses_specials_and_endless_text():
    """[CLS] не закрыть; слов больше предела — сказано сколько."""
    with pytest.raises(ValueError, match="0 — не слово"):
        evidence(MODEL, TOKENIZER, reading(), 0)
    endless = reading("и " * (MOST_WORDS + 1), longest=200)
    with pytest.raises(ValueError, match=f"Слов {MOST_WORDS + 1}"):
        evidence(MODEL, TOKENIZER, endless, 1)
