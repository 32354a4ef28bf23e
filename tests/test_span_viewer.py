"""Виджет «Спросите текст»: числа — те же, что у best_span, поля и ползунок меняют ответ."""

from __future__ import annotations

import base64

import pytest
import torch
from small_corpus import sentences, small_encoder, stories

from lecture_lib.encoder import Encoder
from lecture_lib.finetuning import predict
from lecture_lib.heads import SpanExtractor, TokenClassifier
from lecture_lib.spans import encode_span, span_text
from lecture_lib.tokenization import train_wordpiece
from lecture_lib.widgets.span_viewer import LONGEST, MOST_TOKENS, SpanViewer

TOKENIZER = train_wordpiece(sentences(stories(300)), vocab_size=300)
QUESTION, CONTEXT = "Где она нашла ключ?", "Вчера она нашла ключ в школе. Дул холодный ветер."
torch.manual_seed(2)
ENCODER = Encoder(small_encoder(len(TOKENIZER), initializer_range=0.3))
MODEL = SpanExtractor(ENCODER).eval()


@pytest.fixture
def viewer():
    return SpanViewer(MODEL, TOKENIZER, QUESTION, CONTEXT)


def direct_answer(question, context, longest):
    example = encode_span(question, context, None, "", TOKENIZER)
    (span,) = predict(MODEL, [example], longest_span=longest)
    return span_text(example, span)


@pytest.mark.parametrize("longest", [1, 2, LONGEST])
def test_answer_equals_prediction(viewer, longest):
    """Ответ — тот же, что у finetuning.predict; ползунок и правда ограничивает длину."""
    viewer.longest = longest
    start, end = viewer.found.span
    assert viewer.found.answer == direct_answer(QUESTION, CONTEXT, longest)
    assert viewer.found.answer in CONTEXT and end - start < longest
    assert viewer.found.answer in viewer.message


def test_shares_are_softmax_over_the_text(viewer):
    """Доли начала и конца дают по единице, и чисел столько же, сколько токенов текста."""
    tokens, starts, ends, _, _ = viewer.found
    assert len(tokens) == len(starts) == len(ends)
    assert sum(starts) == pytest.approx(1, abs=1e-5)
    assert sum(ends) == pytest.approx(1, abs=1e-5)


def test_typing_changes_the_answer(viewer):
    """Новый вопрос и новый текст — новые числа и новый рисунок."""
    before, picture = viewer.found, viewer._image.value
    viewer._question.value = "Кто нашла ключ?"
    assert viewer.found.starts != before.starts and viewer._image.value != picture
    viewer._context.value = "Она купила хлеб."
    assert viewer.found.answer == direct_answer("Кто нашла ключ?", "Она купила хлеб.", LONGEST)


def test_empty_field_is_explained_and_nothing_breaks(viewer):
    """Стёртый вопрос — сообщение, а прежний ответ цел."""
    before = viewer.found
    viewer._question.value = "  "
    assert "пустой текст" in viewer._message.value
    assert viewer.found == before


def test_twin_shows_the_span(viewer):
    """Двойник — рисунок, и описан словами."""
    bundle = viewer._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"])[:4] == b"\x89PNG"
    assert QUESTION in bundle["text/plain"] and viewer.found.answer in bundle["text/plain"]


def test_impossible_input_is_refused(viewer):
    """Чужая голова, пустой и длинный текст, длина вне ползунка — понятные ошибки."""
    with pytest.raises(ValueError, match="голова отрезка"):
        SpanViewer(TokenClassifier(ENCODER, 3), TOKENIZER, QUESTION, CONTEXT)
    with pytest.raises(ValueError, match=r"question.*пустой"):
        viewer.question = ""
    with pytest.raises(ValueError, match=f"показать можно {MOST_TOKENS}"):
        SpanViewer(MODEL, TOKENIZER, "Где?", "Дул ветер. " * 20)
    with pytest.raises(ValueError, match=f"от 1 до {LONGEST}"):
        viewer.longest = 0
