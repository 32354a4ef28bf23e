"""Опыт RoBERTa: переключатели переключают то, что обещают; меры не зависят от словаря; [UNK]."""

from __future__ import annotations

import math
import random
from dataclasses import asdict, replace

import pytest
import torch
from small_corpus import sentences, small_encoder, stories

from lecture_lib.config import PretrainingConfig
from lecture_lib.experiments import roberta, roberta_data, vocabularies
from lecture_lib.experiments.roberta import BASELINE, RECIPES, SWITCHES, Recipe
from lecture_lib.experiments.unknown_tokens import SAMPLES, lost_pieces, unknown_rows
from lecture_lib.experiments.vocabularies import Gap, choice_scores, fill_scores, hide
from lecture_lib.heads import PretrainingModel, PretrainingOutput
from lecture_lib.pretraining import question_source, weighted_loss
from lecture_lib.pretraining_data import tokenize_corpus
from lecture_lib.tokenization import train_byte_level_bpe, train_wordpiece

TEXTS = [f" {text}" for text in sentences(stories(200))]
CONFIG = PretrainingConfig(batch_size=4, sequence_length=32, next_sentence=False, total_steps=4)


@pytest.fixture(scope="module")
def wordpiece():
    return train_wordpiece(TEXTS, 700)


@pytest.fixture(scope="module")
def bpe():
    return train_byte_level_bpe(TEXTS, 700)


def test_every_switch_is_one_field():
    """Строка опыта отличается от BERT ровно одним переключателем; «пять вместе» — без длины."""
    base = asdict(Recipe())
    for name, field in SWITCHES.items():
        assert asdict(RECIPES[name]) == {**base, field: True}
    assert set(SWITCHES.values()) == set(base)
    assert RECIPES["RoBERTa"] == replace(RECIPES["пять вместе"], longer=True)
    assert all(asdict(RECIPES["RoBERTa"]).values())
    with pytest.raises(ValueError, match="variant = 'BART'"):
        roberta.recipe("BART")


def test_equal_budget_except_for_length():
    """Батчей (шаги × накопление) поровну у всех, кроме «дольше»; скорость растёт как корень."""
    settings = roberta.experiment_settings()
    budget = {}
    for name, switches in RECIPES.items():
        config, accumulate = roberta.training_config(switches, settings, seed=3)
        budget[name] = config.total_steps * accumulate
        assert config.learning_rate == pytest.approx(1e-3 * math.sqrt(accumulate))
        assert config.next_sentence != switches.full_sentences and config.seed == 3
    base = budget[BASELINE]
    longer = {name for name, switches in RECIPES.items() if switches.longer}
    assert {name for name, count in budget.items() if count != base} == longer
    assert {budget[name] / base for name in longer} == {roberta.BUDGET["longer"]}


def test_static_masks_come_round_and_dynamic_do_not(wordpiece):
    """Через copies проходов статические батчи те же до токена, а динамические — новые."""
    corpus = tokenize_corpus(stories(120), wordpiece)
    source = question_source(corpus, CONFIG)
    period = roberta.static_period(corpus, CONFIG, 2)
    static = roberta.static_questions(source, period)
    for step in (0, 5):
        again = static(period + step)
        assert torch.equal(static(step).input_ids, again.input_ids)
        assert torch.equal(static(step).labels, again.labels)
        assert not torch.equal(source(step).labels, source(period + step).labels)
    seen = sum(static(step).batch.tokens for step in range(period))
    assert seen == pytest.approx(2 * _tokens_with_special(corpus), rel=0.1)


def _tokens_with_special(corpus) -> float:
    """Токенов за проход: у каждого примера ещё [CLS] и [SEP]; примеров — от документа и больше."""
    stream = roberta.ExampleStream(corpus, CONFIG)
    draw = random.Random(0)
    return sum(e.length for d in range(corpus.documents) for e in stream._examples(d, draw))


def test_weight_is_the_number_of_questions(wordpiece):
    corpus = tokenize_corpus(stories(120), wordpiece)
    question = question_source(corpus, CONFIG)(0)
    model = PretrainingModel(small_encoder(len(wordpiece)), next_sentence=False)
    _, metrics = weighted_loss(model, question)
    assert metrics["weight"] == (question.labels != -100).sum()


def test_quick_run_covers_everything(tmp_path):
    """Проба двух крайних рецептов: токенов поровну с поправкой на длину, меры — доли и биты."""
    rows = roberta.run(tmp_path, (0,), (BASELINE, "RoBERTa"), quick=True, workers=1, progress=False)
    bert, changed = rows
    assert changed["steps"] == bert["steps"] and changed["tokens"] == pytest.approx(
        2 * bert["tokens"], rel=0.3
    )
    for row in rows:
        assert 0 <= row["word_accuracy"] <= 1 and 0 <= row["form_accuracy"] <= 1
        assert 0 < row["bits_per_character"] < 20
    columns, lines = roberta.table(rows)
    assert [line[0] for line in lines] == [BASELINE, "RoBERTa"] and len(columns) == 4
    assert roberta.report(rows)["compared"] == {}
    data = roberta_data.prepare(roberta.QUICK, tmp_path)  # из кэша
    assert len(data.words) == 20 and len(data.forms) == 10
    assert data.corpora[True, True].documents == 2 * data.corpora[False, False].documents


def test_compare_needs_the_same_seeds():
    rows = [
        {"row": name, "seed": seed, **dict.fromkeys(roberta.MEASURES, base + (base * seed) ** 2)}
        for name, base in ((BASELINE, 0.1), ("без NSP", 0.2))
        for seed in range(3)
    ]
    (found,) = roberta.compare(rows, "word_accuracy")
    # Разности по зёрнам: 0.1, 0.13 и 0.22.
    assert found["row"] == "без NSP" and found["difference"] == pytest.approx(0.15)
    assert set(roberta.report(rows)["compared"]) == set(roberta.MEASURES)


GAP = Gap(" Вчера Анна была на рынке.", 12, 16, "было")


def test_hidden_word_is_the_same_in_both_vocabularies(wordpiece, bpe):
    """Под масками — ровно слово: его токены складываются в него же, остальные видны."""
    for tokenizer in (wordpiece, bpe):
        hidden = hide(tokenizer, GAP)
        assert tokenizer.decode(hidden.answers).strip() == GAP.word == "была"
        assert all(hidden.input_ids[place] == tokenizer.mask_token_id for place in hidden.places)
        restored = list(hidden.input_ids)
        for place, answer in zip(hidden.places, hidden.answers, strict=True):
            restored[place] = answer
        assert restored == tokenizer(GAP.text).input_ids
    assert GAP.other.text == " Вчера Анна было на рынке." and GAP.other.word == "было"


class _Uniform(torch.nn.Module):
    """Модель, у которой все токены равновероятны, кроме любимого."""

    def __init__(self, config, favourite=None):
        super().__init__()
        self.config, self.favourite = config, favourite
        self.anchor = torch.nn.Parameter(torch.zeros(1))

    def forward(self, input_ids, attention_mask=None, token_type_ids=None, *, positions):
        logits = torch.zeros(int(positions.sum()), self.config.vocab_size)
        if self.favourite is not None:
            logits[:, self.favourite] = 20.0
        return PretrainingOutput(logits, None, logits)


def test_bits_of_a_uniform_model(wordpiece, bpe):
    """У равномерной модели бит на знак — это токенов × log₂ V / знаков, в любом словаре."""
    for tokenizer in (wordpiece, bpe):
        model = _Uniform(small_encoder(len(tokenizer)))
        pieces = len(hide(tokenizer, GAP).places)
        scores = fill_scores(model, tokenizer, [GAP, GAP])
        assert scores["bits"] == pytest.approx(pieces * math.log2(len(tokenizer)) / 4, rel=1e-5)


def test_favourite_word_is_counted(wordpiece):
    """Модель, которая всюду ставит «была», права там, где «была», и выбирает её из двух форм."""
    (answer,) = hide(wordpiece, GAP).answers
    model = _Uniform(small_encoder(len(wordpiece)), answer)
    assert fill_scores(model, wordpiece, [GAP, GAP.other])["accuracy"] == 0.5
    mirror = replace(GAP.other, wrong="была")
    assert len(hide(wordpiece, mirror).places) == 1
    assert choice_scores(model, wordpiece, [GAP, mirror])["accuracy"] == 0.5


def test_sampled_questions_are_fair():
    """Слова — строчные и закрыты точно; пары форм — одной длины в обоих словарях."""
    words = vocabularies.sample_words(30)
    assert words == vocabularies.sample_words(30) and len(words) == 30
    assert all(vocabularies.LOWERCASE_WORD.fullmatch(gap.word) for gap in words)
    assert all(len(gap.text) <= vocabularies.LONGEST_TEXT and gap.text[0] == " " for gap in words)
    texts = [text for document in roberta_data.texts(300) for text in document]
    pair = train_wordpiece(texts, 3000), train_byte_level_bpe(texts, 3000)
    forms = vocabularies.sample_forms(pair, 20)
    assert len(forms) == 20
    with pytest.raises(ValueError, match="count = 3"):
        vocabularies.sample_forms(pair, 3)
    for gap in forms:
        assert gap.word != gap.wrong and gap.word[0].isupper() == gap.wrong[0].isupper()
        for tokenizer in pair:
            assert len(hide(tokenizer, gap).places) == len(hide(tokenizer, gap.other).places)


def test_unknown_tokens(wordpiece, bpe):
    """WordPiece теряет эмодзи, «ѣ» и «é» вместе со словом; байтовый BPE — ничего."""
    rows = unknown_rows({"WordPiece": wordpiece, "BPE": bpe})
    assert len(rows) == 2 * len(SAMPLES)
    share = {(row["sample"], row["tokenizer"]): row for row in rows}
    for sample in SAMPLES:
        assert share[sample, "BPE"]["unknown"] == share[sample, "BPE"]["lost"] == 0
    for sample in ("эмодзи", "латиница", "старая орфография"):
        assert share[sample, "WordPiece"]["share"] > 0
    for sample in ("обычный текст", "опечатки"):
        assert share[sample, "WordPiece"]["unknown"] == 0
    assert lost_pieces(wordpiece, "Въ лѣсу café 🎉!") == ["лѣсу", "café", "🎉"]
    (row,) = unknown_rows({"WordPiece": wordpiece}, {"кот": ["кот 🎉"]})
    assert (row["unknown"], row["lost"]) == (1, 0.25)
    with pytest.raises(ValueError, match="нет ни слова"):
        unknown_rows({"BPE": bpe}, {"пусто": ["  "]})
