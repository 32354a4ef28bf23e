"""Предсказание: слова на месте масок, оценка предложений, порождение.

Модели в тестах — крошечные, со случайными весами: правила счёта от качества не зависят, а
верный ответ считается перебором всего словаря.
"""

import itertools
import math
import time

import pytest
import torch
from small_corpus import sentences, small_encoder, stories

from lecture_lib import word_search
from lecture_lib.config import MINI
from lecture_lib.heads import PretrainingModel
from lecture_lib.prediction import (
    Candidate,
    causal_candidates,
    fill_mask,
    fill_one_by_one,
    log_likelihood,
    next_token_distribution,
    pseudo_log_likelihood,
)
from lecture_lib.tokenization import train_byte_level_bpe, train_wordpiece
from lecture_lib.word_search import pieces_of

TEXTS = sentences(stories(300))
TOKENIZER = train_wordpiece(TEXTS, vocab_size=270)
BPE = train_byte_level_bpe(TEXTS, vocab_size=600)
TEXT = "Вчера она [MASK] в школе."
MASK = TOKENIZER.mask_token_id


def make_model(tokenizer=TOKENIZER, causal=False, extra=0, positions=40):
    torch.manual_seed(1)
    config = small_encoder(
        len(tokenizer) + extra,
        max_position_embeddings=positions,
        initializer_range=0.3,  # чтобы распределения были далеки от равномерных
        is_causal=causal,
        add_pooling_layer=False,
        pad_token_id=tokenizer.pad_token_id,
    )
    return PretrainingModel(config, next_sentence=False)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Модели крошечные: потоки только мешали бы друг другу."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture(scope="module")
def causal():
    return make_model(causal=True)


def distribution(model, ids, place):
    """Вероятности токенов на месте place — один честный прогон без батча и без отбора мест."""
    model.eval()
    with torch.no_grad():
        return model(torch.tensor([ids])).mlm_logits[0, place, : len(TOKENIZER)].softmax(-1)


def as_dict(candidates):
    return {candidate.token: candidate.probability for candidate in candidates}


def piece_ids():
    """Начинающие и продолжающие слово подслова — по именам в словаре."""
    vocabulary = TOKENIZER.get_vocab()
    starting = {name: i for name, i in vocabulary.items() if name.isalnum()}
    continuing = {n[2:]: i for n, i in vocabulary.items() if n[:2] == "##" and n[2:].isalnum()}
    return starting, continuing


def test_word_probability_equals_full_enumeration(model, monkeypatch):
    """Слова из 1 и 2 подслов перебраны все до одного; луч шире словаря обязан дать то же."""
    monkeypatch.setattr(word_search, "LONGEST_WORD", 2)
    starting, continuing = piece_ids()
    ids = TOKENIZER(TEXT).input_ids
    place = ids.index(MASK)
    one = distribution(model, ids, place)
    ids2 = [*ids[:place], MASK, *ids[place:]]
    two = distribution(model, ids2, place)
    prior = TOKENIZER.init_kwargs["pieces_per_word"]
    beginnings = set(TOKENIZER.init_kwargs["never_alone"])
    alone = {name: i for name, i in starting.items() if i not in beginnings}
    mass = prior[0] * sum(one[i].item() for i in alone.values())
    mass += prior[1] * sum(two[i].item() for i in starting.values())
    expected = {name: prior[0] * one[i].item() / mass for name, i in alone.items()}
    for name, i in starting.items():
        ids2[place] = i
        second = distribution(model, ids2, place + 1)
        for rest, j in continuing.items():
            product = prior[1] * two[i].item() * second[j].item() / mass
            expected[name + rest] = expected.get(name + rest, 0.0) + product

    found = as_dict(fill_mask(model, TOKENIZER, TEXT, top_k=100_000)[0])
    assert found.keys() == expected.keys()
    assert all(found[word] == pytest.approx(expected[word], abs=1e-6) for word in expected)
    assert 0 < sum(found.values()) <= 1


def test_beginning_of_a_word_is_not_a_word(model):
    """Обрывок не предлагают словом, но начать им слово или стоять внутри слова он может."""
    beginnings = set(TOKENIZER.convert_ids_to_tokens(TOKENIZER.init_kwargs["never_alone"]))
    assert beginnings
    (words,) = fill_mask(model, TOKENIZER, "Мама [MASK].", top_k=1000)
    assert beginnings.isdisjoint(c.token for c in words if c.token in TOKENIZER.get_vocab())
    assert any(c.token.startswith(tuple(beginnings)) for c in words)
    (inside,) = fill_mask(model, TOKENIZER, "Мама [MASK]ла.", top_k=1000)
    assert beginnings & {c.token for c in inside}


def test_narrow_beam_finds_the_same_leaders(model):
    wide = fill_mask(model, TOKENIZER, TEXT, top_k=200)[0]
    narrow = fill_mask(model, TOKENIZER, TEXT, top_k=3)[0]
    assert [c.token for c in narrow] == [c.token for c in wide[:3]]
    assert [c.probability for c in wide] == sorted((c.probability for c in wide), reverse=True)


def test_candidates_are_whole_words(model):
    for words in fill_mask(model, TOKENIZER, "[MASK], она [MASK] [MASK] в «[MASK]»!", top_k=50):
        assert len(words) == 50 and len({c.token for c in words}) == 50
        assert all(c.token.isalnum() for c in words)
        assert sum(c.probability for c in words) <= 1 + 1e-6


def test_three_piece_words_are_tried(model):
    words = fill_mask(model, TOKENIZER, TEXT, top_k=1000)[0]
    lengths = {len(TOKENIZER.tokenize(c.token)) for c in words}
    assert {1, 2, 3} <= lengths


def test_other_masks_stay_closed(model):
    """Каждая из двух масок заполняется так, будто вторая — обычный токен [MASK]."""
    text = "Она [MASK] новую [MASK]."
    ids = TOKENIZER(text).input_ids
    starting, _ = piece_ids()
    places = [i for i, token in enumerate(ids) if token == MASK]
    for words, place in zip(fill_mask(model, TOKENIZER, text, 1000, False), places, strict=True):
        expected = distribution(model, ids, place)
        found = as_dict(words)
        assert sum(found.values()) == pytest.approx(1, abs=1e-5)
        assert all(
            found[n] == pytest.approx(expected[i].item(), abs=1e-6) for n, i in starting.items()
        )


def test_mask_inside_a_word_is_one_piece(model):
    left, right = fill_mask(model, TOKENIZER, "по[MASK] и [MASK]ла", top_k=20)
    assert all(c.token.startswith("##") for c in left)
    assert all(c.token.isalnum() for c in right)
    ids = TOKENIZER("по[MASK] и [MASK]ла").input_ids
    first = distribution(model, ids, ids.index(MASK))
    _, continuing = piece_ids()
    mass = sum(first[i].item() for i in continuing.values())
    assert left[0].probability == pytest.approx(
        max(first[i].item() for i in continuing.values()) / mass, rel=1e-4
    )


def test_model_vocabulary_may_be_larger():
    """MINI объявлена на 8000 токенов, а в токенизаторе их может быть меньше."""
    padded = make_model(extra=7)
    for whole_words in (True, False):
        for words in fill_mask(padded, TOKENIZER, TEXT, 300, whole_words):
            assert {c.token for c in words} and all(c.probability >= 0 for c in words)


@pytest.mark.parametrize("text", ["", "  \n", None])
def test_empty_text(model, text):
    with pytest.raises(ValueError, match="нужна непустая строка"):
        fill_mask(model, TOKENIZER, text)


def test_text_without_mask(model):
    with pytest.raises(ValueError, match=r"здесь нет \[MASK\]"):
        fill_mask(model, TOKENIZER, "Вчера мы посмотрели фильм.")


@pytest.mark.parametrize("text", ["[mask] дом", "[МАСК] дом", "[МASK] дом", "[ MASK ]", "<mask>"])
def test_almost_a_mask_is_pointed_out(model, text):
    """Русские буквы в [МASK] глазом не отличить: ошибка показывает, что не так."""
    with pytest.raises(ValueError, match=r"» — не \[MASK\]: сверьте алфавит"):
        fill_mask(model, TOKENIZER, text)


def test_ye_is_read_as_yo_where_only_yo_is_known():
    """«Шел» вместо «шёл»: тот же ответ; слово, которое есть через «е», не трогается."""
    tokenizer = train_wordpiece(["Снова шёл дождь.", "Все шли, и всё шло."] * 50, vocab_size=320)
    known, restore = tokenizer.get_vocab(), pieces_of(tokenizer).restore_yo
    assert {"шёл", "все", "всё"} <= known.keys() and "шел" not in known
    assert restore("Шел дождь, ОН ШЕЛ. [MASK]") == "Шёл дождь, ОН ШЁЛ. [MASK]"
    assert restore("все не шелест") == "все не шелест"
    assert restore("е" * 10_000) == "е" * 10_000  # и сразу: вариантов было бы десять тысяч
    model = make_model(tokenizer)
    filled = [fill_mask(model, tokenizer, f"Снова {verb} [MASK].") for verb in ("шел", "шёл")]
    assert filled[0] == filled[1]
    assert pieces_of(BPE).restore_yo("Шел дождь") == "Шел дождь"


def test_broken_bytes_are_explained(model):
    with pytest.raises(ValueError, match="это не текст в UTF-8"):
        fill_mask(model, TOKENIZER, "\udcff [MASK]")


@pytest.mark.parametrize("text", ["[MASK]", "😀 [MASK] 👍🏽", "[MASK] [MASK] [MASK]", "1 + [MASK]"])
def test_odd_texts_get_an_answer(model, text):
    filled = fill_mask(model, TOKENIZER, text)
    assert [len(words) for words in filled] == [5] * text.count("[MASK]")


@pytest.mark.parametrize("place", [0, 700, 1500])
def test_long_text_is_cut_to_a_window(model, place):
    """10 000 знаков: ответ тот же, что у соседства маски, дальние слова ни на что не влияют."""
    words = ["дождь", "шёл", "снова"] * 600
    words[place] = "[MASK]"
    text = " ".join(words)
    assert len(text) > 9000
    far = text.replace("дождь", "снег") if place == 0 else "снег " + text
    near = fill_mask(model, TOKENIZER, text)
    assert len(near) == 1 and len(near[0]) == 5
    if place:
        assert fill_mask(model, TOKENIZER, far) == near


def test_masks_too_far_apart(model):
    with pytest.raises(ValueError, match="от первой маски до последней 52 токенов"):
        fill_mask(model, TOKENIZER, "[MASK] " + "и " * 50 + "[MASK]")


def test_window_holds_both_edges(model):
    """Между крайними масками ровно столько токенов, сколько модель может прочесть."""
    room = 40 - 2 - 2
    text = "[MASK] " + "и " * (room - 2) + "[MASK]"
    assert len(fill_mask(model, TOKENIZER, text)) == 2
    with pytest.raises(ValueError, match="Разделите текст"):
        fill_mask(model, TOKENIZER, text.replace("и", "и и", 1))
    for left, right in itertools.product((0, 1, 50), repeat=2):
        fill_mask(model, TOKENIZER, "а " * left + text + " а" * right)


def test_wrong_kind_of_model_is_named(model, causal):
    for function in (fill_mask, fill_one_by_one, pseudo_log_likelihood):
        with pytest.raises(ValueError, match="причинная модель не видит"):
            function(causal, TOKENIZER, TEXT)
    for function in (causal_candidates, next_token_distribution, log_likelihood):
        with pytest.raises(ValueError, match="нужна причинная"):
            function(model, TOKENIZER, "Вчера она [MASK]")
    with pytest.raises(ValueError, match="токенизатор другой модели"):
        fill_mask(model, BPE, "Вчера она <mask>")
    with pytest.raises(ValueError, match="top_k=0"):
        fill_mask(model, TOKENIZER, TEXT, top_k=0)


def test_prediction_restores_training_mode(model):
    model.train()
    fill_mask(model, TOKENIZER, TEXT)
    assert model.training
    model.eval()


def test_pseudo_log_likelihood_equals_one_by_one(model):
    text = "Вчера Анна была в школе."
    ids = TOKENIZER(text).input_ids
    expected = []
    for place in range(1, len(ids) - 1):
        hidden = [*ids[:place], MASK, *ids[place + 1 :]]
        expected.append(math.log(distribution(model, hidden, place)[ids[place]].item()))
    score = pseudo_log_likelihood(model, TOKENIZER, text)
    assert score.tokens == TOKENIZER.tokenize(text)
    assert score.log_probabilities == pytest.approx(expected, abs=1e-4)
    assert score.total == pytest.approx(sum(expected), abs=1e-3)
    assert score.perplexity == pytest.approx(math.exp(-sum(expected) / len(expected)), rel=1e-4)
    with pytest.raises(ValueError, match=r"без \[MASK\]"):
        pseudo_log_likelihood(model, TOKENIZER, TEXT)
    with pytest.raises(ValueError, match="не больше 40"):
        pseudo_log_likelihood(model, TOKENIZER, "и " * 60)


def test_log_likelihood_of_causal_model(causal):
    text = "Вчера Анна была в школе."
    ids = TOKENIZER(text).input_ids
    expected = [
        math.log(distribution(causal, ids[:place], place - 1)[ids[place]].item())
        for place in range(1, len(ids) - 1)
    ]
    assert log_likelihood(causal, TOKENIZER, text).log_probabilities == pytest.approx(
        expected, abs=1e-4
    )


def test_next_token_distribution(causal):
    ids = TOKENIZER("Вчера она").input_ids[:-1]
    found = next_token_distribution(causal, TOKENIZER, "Вчера она")
    assert torch.allclose(found, distribution(causal, ids, len(ids) - 1), atol=1e-6)
    assert next_token_distribution(causal, TOKENIZER, "и " * 500).sum().item() == pytest.approx(1)


def test_causal_word_ends_when_the_next_piece_does_not_continue_it(causal, monkeypatch):
    """P(слова) сверена с суммой по всем его разбиениям на одно и два подслова."""
    monkeypatch.setattr(word_search, "LONGEST_WORD", 2)
    starting, continuing = piece_ids()
    ids = TOKENIZER("Вчера она").input_ids[:-1]

    def after(*pieces):
        return distribution(causal, [*ids, *pieces], len(ids) + len(pieces) - 1)

    def ends(*pieces):
        return 1 - sum(after(*pieces)[j].item() for j in continuing.values())

    first = after()
    mass = sum(first[i].item() for i in starting.values())
    found = as_dict(causal_candidates(causal, TOKENIZER, "Вчера она [MASK].", top_k=100_000))
    leaders = list(found)[:10] + list(found)[200:210]
    assert sum(found.values()) <= 1 and any(w in starting for w in leaders)
    for word in leaders:
        total = 0.0
        if (i := starting.get(word)) is not None:
            total += first[i].item() * ends(i)
        for cut in range(1, len(word)):
            i, j = starting.get(word[:cut]), continuing.get(word[cut:])
            if i is not None and j is not None:
                total += first[i].item() * after(i)[j].item() * ends(i, j)
        assert found[word] == pytest.approx(total / mass, rel=1e-3)


def test_causal_model_does_not_peek_right(causal):
    with pytest.raises(ValueError, match="правее маски есть текст"):
        causal_candidates(causal, TOKENIZER, "Вчера она [MASK] в школе.")
    blind = causal_candidates(causal, TOKENIZER, "Вчера она [MASK] в школе.", ignore_right=True)
    assert blind == causal_candidates(causal, TOKENIZER, "Вчера она [MASK]!")


def test_filling_one_by_one(model):
    text = "[MASK] она [MASK] [MASK]."
    steps = fill_one_by_one(model, TOKENIZER, text)
    assert [step.text.count("[MASK]") for step in steps] == [2, 1, 0]
    current = text
    for step in steps:
        assert step.mask == 0 and step.chosen == fill_mask(model, TOKENIZER, current)[0][0]
        current = current.replace("[MASK]", step.chosen.token, 1)
        assert step.text == current


def test_most_confident_mask_goes_first(model):
    text = "[MASK] она [MASK] [MASK]."
    first = fill_one_by_one(model, TOKENIZER, text, order="confident")[0]
    sure = [words[0] for words in fill_mask(model, TOKENIZER, text)]
    assert first.chosen == max(sure, key=lambda c: c.probability)
    assert sure[first.mask] == first.chosen
    with pytest.raises(ValueError, match="order='наугад'"):
        fill_one_by_one(model, TOKENIZER, text, order="наугад")


def test_sampling_is_seeded_and_varied(model):
    def sample(seed):
        generator = torch.Generator().manual_seed(seed)
        return fill_one_by_one(model, TOKENIZER, TEXT, generator=generator, top_k=10)[-1].text

    assert sample(1) == sample(1)
    assert len({sample(seed) for seed in range(8)}) > 1


def test_byte_level_bpe_gives_words():
    model = make_model(BPE)
    for text in ("Вчера она <mask> в школе.", "<mask> она была.", "«<mask>», — спросила Анна."):
        words = fill_mask(model, BPE, text, top_k=20)[0]
        assert len(words) == 20 and all(c.token.isalnum() for c in words)
    pieces = pieces_of(BPE)
    starts = {pieces.texts[i] for i in pieces.starting.nonzero()[:, 0].tolist()}
    assert {"она", "была"} <= starts and "," not in starts


def test_candidate_is_plain_data():
    assert Candidate("фильм", 0.5) == Candidate("фильм", 0.5)


def test_one_sentence_is_quick():
    """MINI (6 × 192) и предложение с двумя масками; считается время процессора, порог с запасом."""
    torch.manual_seed(0)
    model = PretrainingModel(MINI)
    text = "Вчера мы [MASK] отличный [MASK] в кинотеатре."
    fill_mask(model, TOKENIZER, text)
    started = time.process_time()
    fill_mask(model, TOKENIZER, text)
    assert time.process_time() - started < 1.0


def test_someone_elses_truncation_is_forgotten(model, causal):
    """Токенизатор, у которого раньше просили обрезать текст, отвечает так же."""
    last = "Вчера она была в [MASK]"
    before = fill_mask(model, TOKENIZER, TEXT), causal_candidates(causal, TOKENIZER, last)
    TOKENIZER(TEXT, truncation=True, max_length=4, padding="max_length")
    assert (fill_mask(model, TOKENIZER, TEXT), causal_candidates(causal, TOKENIZER, last)) == before
