"""Урок 07: рисунки о дистилляции и ползунок температуры показывают ровно те числа, что им дали."""

from __future__ import annotations

import math

import pytest
import torch
from small_corpus import sentences, small_encoder, stories

from lecture_lib import plots
from lecture_lib.heads import PretrainingModel
from lecture_lib.prediction import Candidate, fill_mask
from lecture_lib.tokenization import train_wordpiece
from lecture_lib.widgets.temperature_slider import STOPS, TemperatureSlider

TOKENIZER = train_wordpiece(sentences(stories(300)), vocab_size=300)
TEXT = "Вчера она нашла [MASK] в школе."
WORDS = [Candidate("фильм", 0.6), Candidate("сериал", 0.0301), Candidate("балет", 0.0001)]
ROWS = [
    {"layers": (0, 2, 5), "value": 0.44, "marked": True},
    {"layers": (1, 3, 5), "value": 0.19},
]


def make_model():
    torch.manual_seed(2)
    config = small_encoder(len(TOKENIZER), initializer_range=0.3, add_pooling_layer=False)
    return PretrainingModel(config, next_sentence=False).eval()


MODEL = make_model()


@pytest.fixture
def slider():
    return TemperatureSlider(MODEL, TOKENIZER, TEXT)


def written(axes):
    return [text.get_text() for text in axes.texts]


def test_soft_targets_show_the_rest():
    """Столбик на слово и ещё один — всё остальное; малые доли не превращаются в «0 %»."""
    (axes,) = plots.soft_targets({"T = 1": WORDS}).axes
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([0.6, 0.0301, 0.0001, 0.3698])
    assert written(axes) == ["60 %", "3,0 %", "< 0,1 %", "37 %"]
    assert [label.get_text() for label in axes.get_yticklabels()][-1] == "все прочие"


def test_soft_targets_need_the_same_words():
    """Поля с разными словами или без слов не сравнить."""
    with pytest.raises(ValueError, match="слова в полях разные"):
        plots.soft_targets({"T = 1": WORDS, "T = 2": WORDS[:2]})
    with pytest.raises(ValueError, match="рисовать нечего"):
        plots.soft_targets({})


def test_layer_strips_fill_what_was_taken():
    """Залиты ровно взятые слои, номера написаны на них."""
    (axes,) = plots.layer_strips(6, {"": (0, 2, 5)}).axes
    colours = [box.get_facecolor() for box in axes.patches]
    assert [colour == colours[0] for colour in colours] == [True, False, True, False, False, True]
    assert written(axes) == ["0", "2", "5"]
    with pytest.raises(ValueError, match="слоя 6 нет"):
        plots.layer_strips(6, {"": (0, 6)})


def test_layer_choices_bars():
    """Длина столбика — значение; отмеченный набор ещё и заштрихован."""
    picture = plots.layer_choices(6, ROWS, "токен угадан")
    bars = picture.axes[1].patches
    assert [bar.get_width() for bar in bars] == [0.44, 0.19]
    assert [bar.get_hatch() or "" for bar in bars] == ["///", ""]
    assert "лучший — слои 0, 2, 5 — 44 %" in repr(picture)


def test_front_points():
    """Точки стоят на своих долях."""
    rows = [
        {"row": "ученик", "layers": 2, "flops_share": 0.5, "quality_share": 0.9},
        {"row": "учитель", "layers": 4, "flops_share": 1.0, "quality_share": 1.0},
    ]
    (line,) = plots.quality_front(rows, "качество").axes[0].lines
    assert list(zip(*line.get_data(), strict=True)) == [(0.5, 0.9), (1.0, 1.0)]
    with pytest.raises(ValueError, match="points пуст"):
        plots.quality_front([], "качество")


def test_slider_at_one_equals_the_model(slider):
    """При T = 1 слова и вероятности — те же, что у fill_mask по токенам."""
    assert STOPS[slider.stop] == 1.0
    (expected,) = fill_mask(MODEL, TOKENIZER, TEXT, top_k=6, whole_words=False)
    shown = slider.words(1.0)
    assert [c.token for c in shown] == [c.token for c in expected]
    assert [c.probability for c in shown] == pytest.approx(
        [c.probability for c in expected], rel=1e-4
    )


def test_temperature_flattens_and_keeps_the_order(slider):
    """Чем больше T, тем ровнее; порядок слов не меняется; предел — весь словарь поровну."""
    found = [slider.choices(stop) for stop in STOPS]
    assert found == sorted(found) and 1 <= found[0]
    assert slider.choices(1e6) == pytest.approx(len(TOKENIZER), rel=1e-3)
    assert slider.choices(1e-6) == pytest.approx(1)
    for stop in STOPS:
        shares = [c.probability for c in slider.words(stop)]
        assert shares == sorted(shares, reverse=True)
        first, second = shares[:2]
        gap = slider.targets.logits.topk(2).values
        assert math.log(first / second) == pytest.approx(float(gap[0] - gap[1]) / stop, rel=1e-3)


def test_moving_the_slider_redraws(slider):
    """Другая остановка — другая картинка и другая подпись."""
    before, said = bytes(slider._image.value), slider.message
    slider.stop = len(STOPS) - 1
    assert before[:4] == b"\x89PNG" and bytes(slider._image.value) != before
    assert slider.message != said and slider.message.startswith("T = 5.")


def test_new_text_asks_again(slider):
    """Другое предложение — другие логиты; ошибка в нём сказана на виджете, а не трассировкой."""
    before = slider.targets.logits
    slider.text = "Он читает [MASK]."
    assert not torch.equal(slider.targets.logits, before)
    slider._text.value = "Масок здесь нет."
    assert "масок 0" in slider._message.value and "✗" in slider._message.value
    with pytest.raises(ValueError, match="масок 2"):
        slider.text = "[MASK] и [MASK]"
    with pytest.raises(ValueError, match="читает не больше"):
        TemperatureSlider(MODEL, TOKENIZER, "слово " * 200 + "[MASK]")
    with pytest.raises(ValueError, match="остановки"):
        slider.stop = 99


def test_twin_shows_every_stop(slider):
    """Двойник — поле на остановку, в каждом те же столбики, что у виджета."""
    fields = [axes for axes in slider.static().axes if axes.get_visible()]
    assert len(fields) == len(STOPS)
    for axes, stop in zip(fields, STOPS, strict=True):
        widths = [bar.get_width() for bar in axes.patches[:-1]]
        assert widths == pytest.approx([c.probability for c in slider.words(stop)])
    assert "T = 0,5 — " in repr(slider)
