"""Опыт о направлениях: виды слов на разметке, сделанной руками, статистика — по scipy."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
import torch
from scipy.stats import binomtest
from small_corpus import small_encoder

from lecture_lib.corpus import TokenTruth, documents
from lecture_lib.experiments import directions, statistics, word_kinds
from lecture_lib.experiments.directions import BIDIRECTIONAL, CAUSAL, Answer, Question
from lecture_lib.heads import PretrainingModel
from lecture_lib.tokenization import train_wordpiece

DOCUMENTS = list(documents(5, "validation", 0, 60, truth=True))
TOKENIZER = train_wordpiece((s.text for d in DOCUMENTS for s in d.sentences), vocab_size=900)


def make_model(causal: bool) -> PretrainingModel:
    torch.manual_seed(0)
    config = small_encoder(
        len(TOKENIZER),
        max_position_embeddings=200,
        initializer_range=0.3,
        is_causal=causal,
        add_pooling_layer=False,
    )
    return PretrainingModel(config, next_sentence=False).eval()


def words(*rows) -> list[TokenTruth]:
    """Разметка: слово, часть речи, признаки, с кем согласовано, участник, местоимение ли."""
    result = []
    for text, pos, features, head, entity, *rest in rows:
        lemma, antecedent = ("он", (0, 0)) if rest else (text.lower(), None)
        truth = TokenTruth(text, 0, len(text), lemma, pos, features, head, entity, antecedent)
        result.append(truth)
    return result


NEW_CAR = words(
    ("Вчера", "ADVB", "ADVB", None, None),
    ("у", "PREP", "PREP", None, None),
    ("дома", "NOUN", "gent sing masc inan", None, 0),
    ("стояла", "VERB", "past femn impf", 5, None),
    ("новая", "ADJF", "nomn femn", 5, None),
    ("машина", "NOUN", "nomn sing femn inan", None, 1),
    ("и", "CONJ", "CONJ", None, None),
    ("она", "NPRO", "nomn", None, 1, True),
    ("блестела", "VERB", "past femn impf", 7, None),
    ("на", "PREP", "PREP", None, None),
    ("солнце", "NOUN", "loct sing neut inan", None, 2),
    (".", "PNCT", "", None, None),
)


def test_kinds_of_a_sentence_marked_by_hand():
    """«Вчера у дома стояла новая машина и она блестела на солнце.» — вид каждого слова."""
    kinds = [word_kinds.kind_of(NEW_CAR, index) for index in range(len(NEW_CAR))]
    assert kinds == [
        None,
        word_kinds.PREPOSITION,
        word_kinds.AFTER_PREPOSITION,
        word_kinds.PREDICATE_FIRST,
        word_kinds.DEFINITION,
        None,
        word_kinds.CONJUNCTION,
        word_kinds.PRONOUN,
        # Подлежащее «она» — слева, хотя участник назван и ещё левее.
        word_kinds.PREDICATE_LAST,
        word_kinds.PREPOSITION,
        word_kinds.LAST_WORD,
        None,
    ]


def test_head_that_is_not_a_subject_does_not_count():
    """«Увидел мальчика, который бежал»: head сказуемого не в именительном — стороны нет."""
    sentence = words(
        ("Увидел", "VERB", "past sing masc perf", None, None),
        ("мальчика", "NOUN", "accs sing masc anim", None, 0),
        ("который", "ADJF", "nomn sing masc", 1, None),
        ("бежал", "VERB", "past sing masc impf", 1, None),
        ("домой", "ADVB", "", None, None),
        (".", "PNCT", "", None, None),
    )
    assert word_kinds.kind_of(sentence, 3) is None
    subject = replace(sentence[1], features="nomn sing masc anim")
    assert word_kinds.kind_of([sentence[0], subject, *sentence[2:]], 3) == word_kinds.PREDICATE_LAST


def test_definition_needs_its_noun_next_and_new():
    """Определение — то, что стоит перед своим существительным, ещё не названным в предложении."""
    red = ("красный", "ADJF", "nomn masc", 2, None)
    old = ("старый", "ADJF", "nomn masc", 2, None)
    car = ("мяч", "NOUN", "nomn sing masc inan", None, 0)
    dot = (".", "PNCT", "", None, None)
    there = ("там", "ADVB", "ADVB", None, None)
    assert word_kinds.kind_of(words(old, red, car, there, dot), 0) == word_kinds.DEFINITION
    assert word_kinds.kind_of(words(old, red, car, there, dot), 1) == word_kinds.DEFINITION
    predicative = words(car, there, ("красный", "ADJF", "nomn masc", 0, None), there, dot)
    assert word_kinds.kind_of(predicative, 2) is None


@pytest.mark.parametrize(
    ("answer", "pos", "features", "right"),
    [
        ("старую", "ADJF", "accs femn", True),
        ("старой", "ADJF", "accs femn", False),
        ("нового", "ADJF", "accs masc anim", True),
        ("новый", "ADJF", "accs masc anim", False),
        ("купила", "VERB", "past femn perf", True),
        ("покупала", "VERB", "past femn perf", True),  # вид — не форма
        ("купил", "VERB", "past femn perf", False),
        ("купят", "VERB", "futr 3per plur perf", True),
        ("купишь", "VERB", "futr 3per plur perf", False),
        ("готова", "ADJS", "sing femn", True),
        ("готовая", "ADJS", "sing femn", False),
        ("лесу", "NOUN", "loc2 sing masc inan", True),
        ("столе", "NOUN", "loc2 sing masc inan", True),
        ("столом", "NOUN", "loct sing masc inan", False),
        ("красиво", "ADJF", "accs neut", False),
        ("зюмба", "NOUN", "nomn sing femn inan", False),  # нет такого слова
        (",", "NOUN", "nomn sing femn inan", False),
    ],
)
def test_right_form(answer, pos, features, right):
    """Форма сверяется по признакам, а не по слову."""
    truth = words(("слово", pos, features, None, None))[0]
    assert word_kinds.has_right_form(answer, truth) is right


def test_truth_has_its_own_form():
    """Слова «Городка» сами проходят проверку формы (кроме опечаток и редких имён)."""
    checked = [t for d in DOCUMENTS for s in d.sentences for t in s.truth if word_kinds.has_form(t)]
    missed = [t.text for t in checked if not word_kinds.has_right_form(t.text, t)]
    assert len(checked) > 500
    assert len(missed) < 0.02 * len(checked), missed


def test_form_of_a_set_phrase_is_not_trusted():
    """Разбор заученного оборота многозначен (certain=False): форму по нему не проверяют."""
    day = words(("день", "NOUN", "accs sing masc inan", None, None))[0]
    assert word_kinds.has_form(replace(day, certain=True))
    assert not word_kinds.has_form(replace(day, certain=False))


def test_questions_are_cut_from_documents():
    """Слово вырезано ровно; вид — его; вопросов каждого вида не больше одного на документ."""
    draw = random.Random(0)
    for document in DOCUMENTS[:20]:
        questions = list(directions.document_questions(TOKENIZER, document, draw))
        assert max(Counter(q.kind for q in questions).values(), default=1) == 1
        for q in questions:
            assert f"{q.left}{q.word.text}{q.right}" in document.text
            pieces = [TOKENIZER.cls_token_id, *q.left_ids, *q.word_ids, *q.right_ids]
            assert pieces == TOKENIZER(f"{q.left}{q.word.text}{q.right}").input_ids[:-1]


def test_questions_do_not_depend_on_former_calls():
    """Токенизатор помнит, что его просили обрезать или дополнить текст: вопросам всё равно."""
    expected = list(directions.document_questions(TOKENIZER, DOCUMENTS[0], random.Random(0)))
    TOKENIZER(["раз", "раз два три"], truncation=True, max_length=3, padding="max_length")
    again = list(directions.document_questions(TOKENIZER, DOCUMENTS[0], random.Random(0)))
    assert again == expected


def test_sampling_is_seeded_and_bounded():
    """Те же зёрна — те же вопросы, и не больше per_seed каждого вида на зерно."""
    options = {"per_seed": 3, "documents_per_seed": 15}
    questions = directions.sample_questions(TOKENIZER, (1, 2), **options)
    assert questions == directions.sample_questions(TOKENIZER, (1, 2), **options)
    assert questions != directions.sample_questions(TOKENIZER, (3, 4), **options)
    assert max(Counter(q.kind for q in questions).values()) <= 6
    assert {q.kind for q in questions} == set(word_kinds.KINDS)


QUESTIONS = directions.sample_questions(TOKENIZER, (1,), per_seed=4, documents_per_seed=25)


def test_bidirectional_guesses_match_one_by_one():
    """Батчи ничего не меняют: ответ тот же, что у модели, спрошенной об одном вопросе."""
    model = make_model(causal=False)
    expected = []
    for q in QUESTIONS:
        mask = [TOKENIZER.mask_token_id] * len(q.word_ids)
        ids = [TOKENIZER.cls_token_id, *q.left_ids, *mask, *q.right_ids, TOKENIZER.sep_token_id]
        with torch.no_grad():
            best = model(torch.tensor([ids])).mlm_logits[0].argmax(-1).tolist()
        start = 1 + len(q.left_ids)
        names = TOKENIZER.convert_ids_to_tokens(best[start : start + len(mask)])
        expected.append("".join(name.removeprefix("##") for name in names))
    assert directions.guess_bidirectional(model, TOKENIZER, QUESTIONS) == expected


def test_causal_guesses_match_one_by_one():
    """Жадное продолжение слева, пока идут «##»; не больше четырёх подслов."""
    model = make_model(causal=True)
    expected = []
    for q in QUESTIONS:
        ids, said = [TOKENIZER.cls_token_id, *q.left_ids], []
        for step in range(4):
            with torch.no_grad():
                best = int(model(torch.tensor([ids])).mlm_logits[0, -1].argmax())
            name = TOKENIZER.convert_ids_to_tokens(best)
            if step and not name.startswith("##"):
                break
            said.append(name.removeprefix("##"))
            ids.append(best)
        expected.append("".join(said))
    assert directions.guess_causal(model, TOKENIZER, QUESTIONS) == expected


def test_causal_answer_ignores_the_right_side():
    """Что стоит правее слова, причинной модели всё равно, а двусторонней — нет."""
    cut = [replace(q, right="", right_ids=()) for q in QUESTIONS]
    causal, both = make_model(causal=True), make_model(causal=False)
    guess = directions.guess_causal
    assert guess(causal, TOKENIZER, cut) == guess(causal, TOKENIZER, QUESTIONS)
    guess = directions.guess_bidirectional
    assert guess(both, TOKENIZER, cut) != guess(both, TOKENIZER, QUESTIONS)


def test_marking_forgives_yo_and_case():
    """«Елка» вместо «Ёлка» — верно; форма неверного слова проверяется отдельно."""
    tree = words(("Ёлка", "NOUN", "nomn sing femn inan", None, 0))[0]
    question = Question(word_kinds.LAST_WORD, "", tree, "", (), (1,), ())
    marked = directions.mark(BIDIRECTIONAL, [question] * 3, ["елка", "сосна", "сосну"])
    assert [(a.correct, a.right_form) for a in marked] == [
        (True, True),
        (False, True),
        (False, False),
    ]


def answers(kind: str, both: str, one: str) -> list[Answer]:
    """Ответы двух моделей: «+» — верно, «-» — нет."""
    truth = words(("и", "CONJ", "CONJ", None, None))[0]
    question = Question(kind, "", truth, "", (), (1,), ())
    marks = [(BIDIRECTIONAL, both), (CAUSAL, one)]
    return [Answer(question, model, "и", c == "+", None) for model, row in marks for c in row]


def test_table_counts():
    """Строки таблицы: верных, всего, доля, интервал; форма, которой нет, — пустая."""
    rows = directions.tabulate(answers(word_kinds.CONJUNCTION, "+++-", "+---"))
    assert [(r["model"], r["correct"], r["total"], r["accuracy"]) for r in rows] == [
        (BIDIRECTIONAL, 3, 4, 0.75),
        (CAUSAL, 1, 4, 0.25),
    ]
    assert all(r["low"] < r["accuracy"] < r["high"] for r in rows)
    assert all(r["form_accuracy"] is None for r in rows)


def test_comparison_counts_disagreements_only():
    """p-значение зависит от вопросов, где модели разошлись; поправка — на число видов."""
    clear = answers(word_kinds.DEFINITION, "+" * 12 + "-" * 8, "-" * 20)
    same = answers(word_kinds.CONJUNCTION, "++--", "++--")
    first, second = directions.compare([*clear, *same])
    assert first["difference"] == 0.6 and first["only_bidirectional"] == 12
    assert first["p_value"] == pytest.approx(2 * binomtest(12, 12).pvalue)
    assert first["proven"] and not second["proven"]
    assert second["p_value"] == 1.0 and second["low"] < 0 < second["high"]
    with pytest.raises(ValueError, match="what = 'слово'"):
        directions.compare(clear, "слово")


def test_models_must_not_be_swapped():
    """Перепутать модели местами нельзя: ошибка называет аргументы."""
    with pytest.raises(ValueError, match="bidirectional, causal"):
        directions.ask(make_model(causal=True), make_model(causal=False), TOKENIZER, QUESTIONS)


def test_run_returns_rows():
    """Опыт целиком: по две строки на вид, доли — от числа вопросов."""
    both, causal = make_model(causal=False), make_model(causal=True)
    rows = directions.run(both, causal, TOKENIZER, (1,), per_seed=2, documents_per_seed=15)
    assert [row["kind"] for row in rows[::2]] == list(word_kinds.KINDS)
    assert all(0 <= r["correct"] <= r["total"] <= 2 for r in rows)


@pytest.mark.parametrize(("correct", "total"), [(0, 10), (3, 10), (10, 10), (57, 180)])
def test_wilson_equals_scipy(correct, total):
    """Интервал Уилсона — как у scipy."""
    theirs = binomtest(correct, total).proportion_ci(method="wilson")
    ours = statistics.wilson_interval(correct, total)
    assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (5, 0), (9, 4), (3, 17), (40, 41)])
def test_mcnemar_equals_binomial_test(first, second):
    """Точный критерий Макнемара — биномиальный критерий по разошедшимся ответам."""
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert statistics.mcnemar_p_value(first, second) == pytest.approx(expected)


def test_difference_interval_covers_the_truth():
    """95-процентный интервал накрывает настоящую разность примерно в 95 случаях из ста."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.tensor([0.25, 0.10, 0.65])  # права только первая, только вторая, поровну
    draws = torch.multinomial(weights, 1500 * 120, replacement=True, generator=generator)
    covered = 0
    for row in draws.view(1500, 120):
        first, second = int((row == 0).sum()), int((row == 1).sum())
        low, high = statistics.difference_interval(first, second, 120)
        covered += low <= 0.15 <= high
    assert 0.93 < covered / 1500 < 0.97


def test_holm_by_hand():
    """Холм: наименьшее p — на число сравнений, следующее — на одно меньше, по возрастанию."""
    assert statistics.holm_adjusted([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert statistics.holm_adjusted([0.9, 0.8]) == [1.0, 1.0]
    assert statistics.holm_adjusted([]) == []


@pytest.mark.parametrize("numbers", [(-1, 4), (5, 4), (0, 0)])
def test_impossible_shares_are_refused(numbers):
    """Доли «пять из четырёх» не бывает."""
    with pytest.raises(ValueError, match="correct ="):
        statistics.wilson_interval(*numbers)
    with pytest.raises(ValueError, match="only_first ="):
        statistics.difference_interval(3, 2, 4)
    with pytest.raises(ValueError, match="only_first ="):
        statistics.mcnemar_p_value(-1, 2)
