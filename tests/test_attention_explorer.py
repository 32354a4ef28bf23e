"""Обозреватель внимания со стороны ядра: числа — те же, что при прямом вызове модели."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import torch
from small_corpus import sentences, small_encoder, stories

from lecture_lib.attention import word_attention
from lecture_lib.evidence import agreement, evidence
from lecture_lib.experiments import head_scores
from lecture_lib.experiments.attention_probes import DEFINITION, NEXT, PREVIOUS
from lecture_lib.heads import PretrainingModel
from lecture_lib.reading import read_text
from lecture_lib.tokenization import train_byte_level_bpe, train_wordpiece
from lecture_lib.variants.bilstm import LanguageLSTM, LSTMConfig
from lecture_lib.widgets.attention_explorer import PROBES, AttentionExplorer

TEXTS = sentences(stories(300))
TOKENIZER = train_wordpiece(TEXTS, vocab_size=270)
BPE = train_byte_level_bpe(TEXTS, vocab_size=400)
SENTENCES = ["Вчера она нашла ключ в школе.", "Дул холодный ветер."]
MOST_BYTES = {64: 650_000, 128: 2_500_000}  # внимание 12 × 12 голов на проводе


def make_model(tokenizer=TOKENIZER, **changes):
    torch.manual_seed(2)
    changes = {"initializer_range": 0.3, "add_pooling_layer": False, **changes}
    config = small_encoder(len(tokenizer), pad_token_id=tokenizer.pad_token_id, **changes)
    return PretrainingModel(config, next_sentence=False).eval()


MODEL = make_model()


@pytest.fixture
def explorer():
    return AttentionExplorer(MODEL, TOKENIZER, SENTENCES)


def direct(model, ids, layer, head):
    """Внимание прямым вызовом модели."""
    with torch.no_grad():
        layers = model(torch.tensor([list(ids)]), output_attentions=True).attentions
    return layers[layer - 1][0, head - 1]


def sent_exact(explorer, model=0):
    """Точные числа, ушедшие на страницу: (слой, голова, матрица)."""
    sent = explorer.view.exact[model]
    size = len(explorer.view.panels[model]["tokens"])
    weights = np.frombuffer(sent["weights"], "<f4").reshape(size, size)
    return sent["layer"], sent["head"], torch.tensor(weights)


def sent_bytes(explorer, model=0):
    """Округлённое внимание на странице, (слоёв, H, S, S), долями."""
    panel = explorer.view.panels[model]
    size = len(panel["tokens"])
    flat = torch.tensor(np.frombuffer(panel["weights"], np.uint8).astype(np.float32)) / 255
    return flat.reshape(-1, panel["heads"], size, size)


def test_shows_the_models_own_attention(explorer):
    """И у Python, и на странице — внимание выбранной головы; миниатюры округлены до 1/255."""
    explorer.sentence, explorer.layer, explorer.head = 1, 2, 1
    ids = TOKENIZER(SENTENCES[1]).input_ids
    expected = direct(MODEL, ids, 2, 1)
    torch.testing.assert_close(explorer.weights, expected)
    assert explorer.tokens == TOKENIZER.convert_ids_to_tokens(ids)
    layer, head, exact = sent_exact(explorer)
    assert (layer, head) == (2, 1)
    torch.testing.assert_close(exact, expected, atol=1e-6, rtol=0)
    for i, j in ((1, 1), (1, 2), (2, 1), (2, 2)):
        gap = (sent_bytes(explorer)[i - 1, j - 1] - direct(MODEL, ids, i, j)).abs().max()
        assert gap <= 1 / 510 + 1e-6
    assert "слой 2, голова 1: Дул холодный ветер." in repr(explorer)


def test_page_changes_the_head(explorer):
    """Страница сменила слой и голову одним сообщением — точные числа уже этой головы."""
    explorer.view.set_state({"layer": 2, "head": 2})
    layer, head, exact = sent_exact(explorer)
    assert (explorer.layer, explorer.head) == (layer, head) == (2, 2)
    torch.testing.assert_close(exact, explorer.weights, atol=1e-6, rtol=0)


def test_words_instead_of_tokens(explorer):
    """Слова целиком: столбцы сложены, строки усреднены, подписи — слова текста."""
    tokens = explorer.weights
    explorer.merge_words = True
    reading = read_text(TOKENIZER, SENTENCES[0], 64)
    torch.testing.assert_close(explorer.weights, word_attention(tokens, reading.units))
    assert explorer.tokens == list(reading.words) == explorer.view.panels[0]["tokens"]
    assert len(explorer.tokens) < len(reading.tokens)
    torch.testing.assert_close(explorer.weights.sum(-1), torch.ones(len(reading.words)))


def test_mask_shows_evidence_about_the_word(explorer):
    """Закрыли слово: внимание — предложения с маской, вклад и ρ — как у evidence и agreement."""
    unit = next(unit for unit, word in explorer.view.chips if word == "ключ")
    explorer.masked = unit
    plain = read_text(TOKENIZER, SENTENCES[0], 64)
    closed = plain.with_masks([unit], TOKENIZER)
    torch.testing.assert_close(explorer.weights, direct(MODEL, closed.input_ids, 1, 1))
    found = evidence(MODEL, TOKENIZER, plain, unit)
    looks = word_attention(explorer.weights, plain.units)[unit].tolist()
    (shown,) = explorer.evidence
    assert shown["rho"] == pytest.approx(agreement(looks, found.drops))
    drops = {word: drop for word, drop, _ in shown["rows"]}
    assert drops["школе"] == pytest.approx(found.drops[plain.words.index("школе")], abs=1e-5)
    sizes = [abs(drop) for _, drop, _ in shown["rows"]]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) == len(plain.words) - 3
    assert [layer for layer, _, _ in shown["layers"]] == [0, 1, 2]
    first = plain.places(unit)[0]
    with torch.no_grad():
        chances = MODEL(torch.tensor([closed.input_ids])).mlm_logits[0, first].softmax(-1)
    assert shown["layers"][-1][2] == pytest.approx(chances[plain.input_ids[first]].item(), abs=1e-5)
    explorer.masked = -1
    assert explorer.evidence == [None]


def test_evidence_follows_the_head(explorer):
    """Другая голова — другое внимание и другой вывод, а вклад слов прежний."""
    explorer.masked = 2
    before = explorer.evidence[0]
    explorer.layer, explorer.head = 2, 2
    after = explorer.evidence[0]
    assert [row[1] for row in before["rows"]] == pytest.approx([row[1] for row in after["rows"]])
    assert [row[2] for row in before["rows"]] != [row[2] for row in after["rows"]]
    assert "слой 2, голова 2" in after["verdict"]


def test_typed_mask_needs_no_click(explorer):
    """[MASK] в самом тексте — тот же вопрос; верного ответа нет."""
    explorer.text = "Вчера она [MASK] ключ."
    (shown,) = explorer.evidence
    assert shown["layers"][0][2] is None and shown["rows"]


def test_heads_in_order_of_a_measure(explorer):
    """Мера — та, что у sentence_scores; подпись говорит, на скольких словах."""
    explorer.order = NEXT
    reading = read_text(TOKENIZER, SENTENCES[0], 64)
    weights = torch.stack(
        [torch.stack([direct(MODEL, reading.input_ids, i, j) for j in (1, 2)]) for i in (1, 2)]
    )
    expected = head_scores.sentence_scores(
        word_attention(weights, reading.units), reading.words, NEXT
    )
    (shown,) = explorer.scores
    assert shown["shares"] == expected.shares.tolist() and shown["probe"] == NEXT
    assert f"предложения: {expected.asked}" in shown["note"]


def test_measures_on_the_corpus_are_counted_once(explorer, monkeypatch):
    """Пробы с разметкой меряются на корпусе, один раз на модель."""
    calls = []

    def fake(_model, _tokenizer):
        calls.append(1)
        return {DEFINITION: head_scores.HeadScores(DEFINITION, torch.ones(2, 2), 7)}

    monkeypatch.setattr("lecture_lib.widgets.attention_panel.corpus_scores", fake)
    explorer.order = DEFINITION
    assert explorer.scores[0]["asked"] == 7
    explorer.order = NEXT
    explorer.order = DEFINITION
    assert calls == [1]
    explorer.order = PROBES[-1]  # вопросов не нашлось — так и сказано
    assert "Измерить нельзя" in explorer.scores[0]["note"]


def test_prediction_gets_an_answer(explorer, monkeypatch):
    """Предсказание: права ли голова и какая права чаще всех; головы встают по этой мере."""
    shares = torch.tensor([[0.25, 0.0], [1.0, 0.5]])
    found = head_scores.HeadScores(PREVIOUS, shares, 4)
    monkeypatch.setattr(
        "lecture_lib.widgets.attention_panel.sentence_scores", lambda *_arguments: found
    )
    assert explorer.answer == "" and "предыдущее слово" in explorer.view.question
    explorer.predicted = [1, 1]
    assert "1 из 4" in explorer.answer and "слой 2, голова 1: 4 из 4" in explorer.answer
    assert explorer.order == PREVIOUS
    explorer.predicted = [2, 1]
    assert "Верно" in explorer.answer
    explorer.sentence = 1
    assert explorer.answer == "" and explorer.predicted == []


def test_two_models_side_by_side():
    """Словари разные, а слово закрыто в обеих моделях; внимание у каждой своё."""
    other = make_model(BPE, num_hidden_layers=3)
    explorer = AttentionExplorer(
        MODEL, TOKENIZER, SENTENCES, other=(other, BPE), names=("наша", "байтовая")
    )
    explorer.masked = explorer.view.chips[3][0]
    closed = [panel.reading for panel in explorer.panels]
    spans = [reading.spans[next(iter(reading.masked))] for reading in closed]
    assert spans[0] == spans[1] and SENTENCES[0][slice(*spans[0])] == "ключ"
    explorer.other_layer, explorer.other_head = 3, 2
    torch.testing.assert_close(
        sent_exact(explorer, 1)[2], direct(other, closed[1].input_ids, 3, 2), atol=1e-6, rtol=0
    )
    assert [panel["name"] for panel in explorer.view.panels] == ["наша", "байтовая"]
    assert len(explorer.evidence) == 2
    with pytest.raises(ValueError, match="other_layer = 4"):
        explorer.other_layer = 4


def test_model_without_masks_says_so():
    """Причинная модель внимание показывает, а про закрытое слово объясняет."""
    explorer = AttentionExplorer(make_model(is_causal=True), TOKENIZER, SENTENCES)
    explorer.masked = 2
    assert "причинная" in explorer.evidence[0]["problem"]
    assert explorer.weights.triu(1).sum() == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "ни одного слова"),
        ("школа " * 60, "прочесть можно 64"),
        ("ё" * 10_000 + " " + "и " * 10_000, "Сократите текст"),
    ],
)
def test_unfit_text_is_a_message(explorer, text, said):
    """Негодный текст — слова в виджете, без исключения и без старых картинок; потом всё живо."""
    explorer.masked, explorer.order = 2, NEXT
    explorer.text = text
    assert said in explorer.problem and said in repr(explorer)
    assert explorer.view.panels == explorer.view.chips == explorer.evidence == []
    assert said in explorer.static()._repr_html_()
    explorer.layer, explorer.merge_words, explorer.predicted = 2, True, [1, 1]
    explorer.text = SENTENCES[1]
    assert explorer.problem == "" and explorer.masked == -1
    assert explorer.tokens == ["[CLS]", "Дул", "холодный", "ветер", ".", "[SEP]"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sentence", 2),
        ("sentence", -1),
        ("layer", 0),
        ("layer", True),
        ("head", 3),
        ("other_head", 1),
        ("masked", 0),
        ("masked", 99),
        ("look", "кружки"),
        ("order", "самая красивая"),
    ],
)
def test_refuses_unknown_values(explorer, name, value):
    """Номера или имени нет — ValueError с именем и значением."""
    with pytest.raises(ValueError, match=f"{name} = {value!r}"):
        setattr(explorer, name, value)


@pytest.mark.parametrize("wrong", [[], "Дул ветер."])
def test_refuses_no_sentences(wrong):
    """Пустой список и строка вместо списка — ValueError."""
    with pytest.raises(ValueError, match="sentences"):
        AttentionExplorer(MODEL, TOKENIZER, wrong)


def test_refuses_a_model_without_attention():
    """Модель без внимания — ValueError по-русски."""
    lstm = LanguageLSTM(LSTMConfig(vocab_size=len(TOKENIZER)))
    with pytest.raises(ValueError, match="внимания не отдаёт"):
        AttentionExplorer(lstm, TOKENIZER, SENTENCES)


@pytest.mark.parametrize("tokens", [64, 128])
def test_wire_stays_within_its_budget(tokens):
    """12 × 12 голов: байт на долю — и на 64 токенах, и на 128 провод в пределах."""
    model = make_model(
        num_hidden_layers=12,
        num_attention_heads=12,
        hidden_size=48,
        max_position_embeddings=512,
    )
    explorer = AttentionExplorer(model, TOKENIZER, ["и " * (tokens - 2)])
    assert len(explorer.tokens) == tokens
    assert len(explorer.view.panels[0]["weights"]) == 144 * tokens**2
    assert explorer.view.wire_bytes() <= MOST_BYTES[tokens]


def test_long_text_comes_layer_by_layer():
    """Больше 128 токенов — на странице один слой, остальные по просьбе; больше 512 — сообщение."""
    model = make_model(max_position_embeddings=600)
    explorer = AttentionExplorer(model, TOKENIZER, ["и " * 510])
    ids = TOKENIZER("и " * 510).input_ids
    assert len(ids) == 512
    assert sent_bytes(explorer).shape == (1, 2, 512, 512)
    explorer.layer = 2
    assert explorer.view.panels[0]["first"] == 2
    torch.testing.assert_close(explorer.weights, direct(model, ids, 2, 1), atol=1e-6, rtol=1e-4)
    assert "один слой" in explorer.view.panels[0]["note"]
    explorer.order = PREVIOUS
    assert "Измерить нельзя" in explorer.scores[0]["note"]
    explorer.masked = 3
    assert "до 64" in explorer.evidence[0]["problem"]
    explorer.text = "и " * 511
    assert "прочесть можно 512" in explorer.problem


def test_static_twin_shows_the_same(explorer):
    """Двойник — матрица выбранной головы; без [CLS] и [SEP], если они спрятаны."""
    (image,) = explorer.static().axes[0].images
    shown = torch.tensor(image.get_array().tolist())
    torch.testing.assert_close(shown, explorer.weights)
    explorer.hide_special = True
    (image,) = explorer.static().axes[0].images
    shown = torch.tensor(image.get_array().tolist())
    torch.testing.assert_close(shown, explorer.weights[1:-1, 1:-1])


def test_output_holds_widget_twin_and_words(explorer):
    """В выводе ячейки — живой вид, картинка и слова."""
    bundle, _ = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert base64.b64decode(bundle["image/png"])[:4] == b"\x89PNG"
    assert bundle["text/plain"] == repr(explorer)


def test_markup_in_a_text_stays_text(explorer):
    """`</script>` уходит на страницу как есть: в разметку её никто не превращает."""
    explorer.text = "Она нашла </script> ключ"
    assert [word for _, word in explorer.view.chips][2:6] == ["<", "/", "script", ">"]
