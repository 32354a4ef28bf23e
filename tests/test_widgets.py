"""Виджеты со стороны ядра: щелчки меняют состояние, числа — те же, что при прямом вызове."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import torch
from small_corpus import sentences, small_encoder, stories

from lecture_lib.byte_bpe import ByteBPE
from lecture_lib.config import MaskingConfig
from lecture_lib.heads import PretrainingModel
from lecture_lib.masking import KEEP, NOT_CHOSEN, MaskingVocabulary, mask_count, mask_tokens
from lecture_lib.plots import Picture
from lecture_lib.prediction import causal_candidates, fill_mask
from lecture_lib.tokenization import train_wordpiece
from lecture_lib.widgets.mask_playground import MOST_MASKS, MOST_WORDS, MaskPlayground
from lecture_lib.widgets.mask_rates import MANY, MaskRates, rebalance
from lecture_lib.widgets.mask_slider import MaskSlider, stops
from lecture_lib.widgets.merge_slider import MergeSlider
from lecture_lib.widgets.training_curves import TrainingCurves

TOKENIZER = train_wordpiece(sentences(stories(300)), vocab_size=300)
TEXT = "Вчера она нашла ключ в школе."


def make_model(causal=False):
    torch.manual_seed(2)
    config = small_encoder(
        len(TOKENIZER),
        initializer_range=0.3,
        is_causal=causal,
        add_pooling_layer=False,
    )
    return PretrainingModel(config, next_sentence=False).eval()


MODEL, CAUSAL = make_model(), make_model(causal=True)


@pytest.fixture
def playground():
    return MaskPlayground(MODEL, TOKENIZER, CAUSAL, TEXT)


@pytest.fixture
def slider():
    return MaskSlider(MODEL, TOKENIZER, TEXT)


def probabilities(candidates):
    return {c.token: pytest.approx(c.probability, abs=1e-5) for c in candidates}


def click(playground, number):
    """То, что делает щелчок по слову."""
    playground._buttons[number].value ^= True


def test_playground_starts_open(playground):
    """Сначала все слова открыты, и написано, что делать."""
    assert playground.masked == [] and playground.masks == []
    assert "Щёлкните" in playground.message
    assert [b.description for b in playground._buttons] == TEXT.rstrip(".").split()


def test_click_masks_and_shows_the_same_numbers(playground):
    """Щелчок закрывает слово; числа — те же, что у fill_mask."""
    click(playground, 2)
    assert playground.masked_text == "Вчера она [MASK] ключ в школе."
    expected = fill_mask(MODEL, TOKENIZER, playground.masked_text)[0]
    shown = playground.masks[0]
    assert {c.token: c.probability for c in shown} == probabilities(expected)
    click(playground, 2)
    assert playground.masks == [] and playground.masked == []


def test_causal_reads_the_left_side_open(playground):
    """Причинная модель отвечает о последнем закрытом слове, читая левое открытым."""
    playground.mask([1, 4])
    expected = causal_candidates(CAUSAL, TOKENIZER, "Вчера она нашла ключ [MASK]")
    assert {c.token: c.probability for c in playground.causal} == probabilities(expected)
    assert len(playground.masks) == 2


def test_picture_changes_with_state(playground):
    """Картинка на виджете — рисунок нынешнего состояния."""
    playground.mask([1])
    first = bytes(playground._image.value)
    playground.mask([3])
    assert first[:4] == b"\x89PNG" and bytes(playground._image.value) != first
    playground.mask([])
    assert playground._image.layout.display == "none"


def test_static_twin_shows_the_same(playground):
    """У двойника те же столбики, что у виджета."""
    playground.mask([1, 3])
    axes = playground.static().axes
    widths = [[bar.get_width() for bar in field.patches] for field in axes]
    shown = [*playground.masks, playground.causal]
    assert widths == [[c.probability for c in found] for found in shown]
    assert isinstance(MaskPlayground(MODEL, TOKENIZER).static(), Picture)


def test_new_text_opens_all_words(playground):
    """Новый текст — новые кнопки, всё открыто."""
    playground.mask([0])
    playground.text = "Дул холодный ветер."
    assert playground.masked == []
    assert [b.description for b in playground._buttons] == ["Дул", "холодный", "ветер"]


def test_typed_mask_is_a_mask(playground):
    """Маску можно и напечатать; причинной модели она мешает, и та молчит."""
    playground.text = "Она [MASK] в школе."
    assert playground.masked == [1] and len(playground.masks) == 1
    playground.mask([1, 3])
    assert playground.causal == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "ни одного слова"),
        ("?! …", "ни одного слова"),
        ("слово " * (MOST_WORDS + 1), "Сократите"),
        ("ё" * 10_000, "Щёлкните"),
    ],
)
def test_playground_says_what_is_wrong(playground, text, said):
    """Ошибка — русским текстом на самом виджете, без исключений и без старых столбиков."""
    playground.mask([1])
    playground.text = text
    assert said in playground.message
    assert playground.masks == [] and playground._image.layout.display == "none"


def test_model_errors_become_messages(playground):
    """Текст длиннее модели — объяснение, а не трассировка."""
    playground.text = "Она " + "эюя " * 36 + "в школе."
    playground.mask([0, 38])
    assert "✗" in playground.message and "токенов" in playground.message


def test_too_many_masks(playground):
    """Закрыто больше, чем помещается, — сказано, сколько открыть."""
    playground.mask(range(MOST_MASKS + 1))
    assert "Откройте лишние" in playground.message and playground.masks == []


def test_unknown_word_number(playground):
    """Номер слова, которого нет, — ValueError."""
    with pytest.raises(ValueError, match="numbers = \\[17\\]"):
        playground.mask([17])


def test_text_is_inert(playground):
    """Разметка в тексте остаётся текстом."""
    playground.text = "<script>alert</script> ключ"
    playground.mask([0])
    assert "<script>" not in playground._message.value


def test_stops_go_from_last_to_all():
    """Остановки: последнее, одно, доли, всё; числа скрытых не убывают."""
    found = stops(18)
    assert (found[0].count, found[0].from_end) == (1, True)
    assert (found[1].count, found[1].from_end) == (1, False)
    assert found[2] == ("15 %", 3, False)
    assert found[-1].count == 18
    counts = [stop.count for stop in stops(1)]
    assert counts == [1] * len(counts)


def test_every_stop_equals_mask_count(slider):
    """На каждой остановке скрыто то, что скрывает mask_count, а ответы — argmax модели."""
    vocabulary = MaskingVocabulary.from_tokenizer(TOKENIZER)
    ids = torch.tensor([TOKENIZER(TEXT).input_ids])
    for number, stop in enumerate(slider.stops):
        slider.stop = number
        generator = None if stop.from_end else torch.Generator().manual_seed(slider.seed)
        masked, labels = mask_count(ids, stop.count, vocabulary, generator)
        assert slider.shown.hidden == (labels[0, 1:-1] != -100).tolist()
        with torch.no_grad():
            best = MODEL(masked).mlm_logits[0, 1:-1].argmax(-1).tolist()
        assert slider.shown.answers == TOKENIZER.convert_ids_to_tokens(best)
        assert f"Скрыто {stop.count} из {ids.shape[1] - 2}" in slider.message


def test_first_stop_is_a_language_model_question(slider):
    """Первая остановка скрывает последний токен — и говорит об этом."""
    assert slider.shown.hidden[-1] and sum(slider.shown.hidden) == 1
    assert "обычной языковой модели" in slider.message


def test_button_moves_masks(slider):
    """«Другие места» скрывает столько же токенов, но других."""
    slider.stop = 3
    before = slider.shown.hidden
    seen = []
    for _ in range(5):
        slider._button.click()
        seen.append(slider.shown.hidden)
    assert any(hidden != before for hidden in seen)
    assert {sum(hidden) for hidden in seen} == {sum(before)}


def test_slider_static_twin(slider):
    """Двойник ползунка показывает все остановки сразу."""
    written = repr(slider.static())
    assert all(stop.name in written for stop in slider.stops)


@pytest.mark.parametrize("number", [-1, 99])
def test_wrong_stop(slider, number):
    """Остановки с таким номером нет — ValueError."""
    with pytest.raises(ValueError, match=f"stop = {number}"):
        slider.stop = number


def test_slider_refuses_empty_and_endless_text():
    """Пустой текст и текст длиннее модели — ошибки по-русски."""
    with pytest.raises(ValueError, match="скрывать нечего"):
        MaskSlider(MODEL, TOKENIZER, " ")
    with pytest.raises(ValueError, match="читает не больше 64"):
        MaskSlider(MODEL, TOKENIZER, "школа " * 100)


def test_merge_slider_follows_its_text():
    """Слева — байты, справа — слова; новый текст режется заново, непоказуемый — ошибка."""
    bpe = ByteBPE.train(sentences(stories(300)), 400)
    slider = MergeSlider(bpe, "Там она 🎬")
    total = len(bpe.merges)
    assert slider.stops[:3] == [0, 30, 100] and slider.stops[-1] == total
    assert len(slider.pieces(0)) == len("Там она 🎬".encode())
    assert slider.pieces(total)[:2] == ["Там", "␣она"]
    picture = slider._image.value
    slider.stop = len(slider.stops) - 1
    assert slider._image.value != picture
    assert slider.message == "Знаков 9, байтов 18, токенов 7."
    slider.text = "Там"
    assert slider.message == "Знаков 3, байтов 6, токенов 1."
    assert f"{total} — 1" in repr(slider)
    slider._text.value = ""
    assert "знаков 0" in slider._message.value
    with pytest.raises(ValueError, match="знаков 121"):
        MergeSlider(bpe, "а" * 121)
    with pytest.raises(ValueError, match="stop = 99"):
        slider.stop = 99


@pytest.fixture
def rates():
    return MaskRates(TOKENIZER, TEXT, seed=4)


@pytest.mark.parametrize(
    ("before", "moved", "value", "after"),
    [
        ((80, 10, 10), 0, 60, (60, 20, 20)),  # остаток делится как делился: поровну
        ((80, 15, 5), 0, 60, (60, 30, 10)),  # три к одному
        ((100, 0, 0), 0, 50, (50, 25, 25)),  # делить было нечего — поровну
        ((80, 10, 10), 2, 100, (0, 0, 100)),
        ((33, 34, 33), 1, 1, (49, 1, 50)),  # лишний процент — последней
    ],
)
def test_rebalance_rule(before, moved, value, after):
    """Двинутая доля стоит, где поставили; две другие делят остаток в прежнем отношении."""
    assert rebalance(before, moved, value) == after


def test_rebalance_always_sums_to_hundred():
    """Какой ползунок и куда ни двигай, сумма — сто и отрицательных долей нет."""
    triple = (80, 10, 10)
    for step in range(300):
        triple = rebalance(triple, step % 3, step * 37 % 101)
        assert sum(triple) == 100 and min(triple) >= 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (((80, 10, 20), 0, 5), "в сумме 100"),
        (((80, 10, 10), 0, 101), "value = 101"),
        (((80, 10, 10), 0, -1), "value = -1"),
        (((80, 10, 10), 3, 5), "moved = 3"),
    ],
)
def test_rebalance_refuses(arguments, said):
    """Невозможные проценты — ValueError."""
    with pytest.raises(ValueError, match=said):
        rebalance(*arguments)


def test_rates_show_what_mask_tokens_does(rates):
    """На полоске — ровно то, что сделала бы mask_tokens с тем же генератором."""
    generator = torch.Generator().manual_seed(4)
    ids = torch.tensor([TOKENIZER(TEXT).input_ids])
    masked, labels = mask_tokens(ids, None, MaskingConfig(), rates.vocabulary, generator)
    assert torch.equal(rates.shown, masked)
    assert torch.equal(rates.actions != NOT_CHOSEN, labels != -100)


def test_moving_one_rate_moves_the_others(rates):
    """Ползунок [MASK] двинули — сумма осталась 100, ползунки стоят по тройке, счёт обнулился."""
    rates.many()
    assert rates.times == MANY + 1
    rates._sliders[0].value = 50
    assert rates.rates == (50, 25, 25) == tuple(slider.value for slider in rates._sliders)
    assert rates.times == 1
    rates._probability.value = 40
    assert rates.times == 1 and rates.probability == 40


def test_counters_reach_their_targets(rates):
    """После десяти тысяч маскирований доли — в пункте от целей, а тройка другая — другие и цели."""
    rates.rates, rates.probability = (30, 50, 20), 40
    for _ in range(10):
        rates._buttons[1].click()
    targets = {"выбран": 0.4, "[MASK]": 0.3, "случайный": 0.5, "прежний": 0.2}
    assert {row["name"]: row["target"] for row in rates.rows} == pytest.approx(targets)
    for row in rates.rows:
        assert row["share"] == pytest.approx(row["target"], abs=0.01), row
    assert f"Накоплено маскирований: {10 * MANY + 1}" in rates.message


def test_again_draws_other_masks(rates):
    """«Другие маски» меняет полоску и добавляет к счёту одно маскирование."""
    seen = set()
    for _ in range(8):
        rates._buttons[0].click()
        seen.add(tuple(rates.actions[0].tolist()))
    assert len(seen) > 1 and rates.times == 9


def test_extreme_rates(rates):
    """Всё оставить — модель видит исходное предложение; ничего не выбирать — прочерки в счёте."""
    rates.probability, rates.rates = 100, (0, 0, 100)
    assert torch.equal(rates.shown, rates.input_ids)
    assert set(rates.actions[~rates.special_mask].tolist()) == {KEEP}
    rates.probability = 0
    assert rates.rows[1]["share"] is None and "—" in rates._table.value
    assert "Выбрано 0 из" in rates.message


@pytest.mark.parametrize(
    ("name", "value"), [("probability", 101), ("probability", 0.15), ("rates", (80, 10, 20))]
)
def test_impossible_rates(rates, name, value):
    """Проценты вне границ — ValueError с именем."""
    with pytest.raises(ValueError, match=name):
        setattr(rates, name, value)


def test_rates_refuse_empty_text():
    """В пустом тексте выбирать не из чего."""
    with pytest.raises(ValueError, match="выбирать не из чего"):
        MaskRates(TOKENIZER, " ")


@pytest.mark.parametrize("name", ["playground", "slider", "rates"])
def test_output_holds_widget_and_twin(name, request):
    """В выводе ячейки — и живой виджет, и картинка, и слова: что-нибудь да покажут везде."""
    widget = request.getfixturevalue(name)
    bundle = widget._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert base64.b64decode(bundle["image/png"])[:4] == b"\x89PNG"
    assert bundle["text/plain"] == repr(widget) and "object at" not in repr(widget)


def test_widgets_compute_nothing():
    """Виджеты не считают: softmax, log и сортировки живут на нижних этажах."""
    folder = Path(__file__).parent.parent / "lecture_lib" / "widgets"
    for path in folder.glob("*.py"):
        code = path.read_text(encoding="utf-8")
        assert not [word for word in ("softmax", "log(", ".exp(", "topk") if word in code], path


def test_training_curves_grow_and_forget_repeated_steps():
    """Строка журнала видна в подписи; после продолжения пройденные заново шаги не двоятся."""
    curves = TrainingCurves({"loss": "потери", "eval_x": "проверка"}, total_steps=30)
    assert "ещё не началось" in curves._message.value
    for step in (10, 20, 20, 30):
        row = {"step": step, "loss": 9.0 - step / 10, "tokens_per_second": 1000.0}
        curves.watch(row | ({"eval_x": 0.5} if step == 20 else {}))
    assert curves.curves("loss") == [(10, 8.0), (20, 7.0), (30, 6.0)]
    assert curves.curves("eval_x") == [(20, 0.5)]
    assert curves.message == "Шаг 30 из 30 · 1000 токенов/с · потери: 6,00 · проверка: 0,50"
    assert curves._image.value == curves.static().png()
    with pytest.raises(ValueError, match="columns"):
        TrainingCurves({})
