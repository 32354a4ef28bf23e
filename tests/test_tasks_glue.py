"""МикроGLUE: метки следуют из правды, доли не текут, одна примета ответа не выдаёт."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from lecture_lib.corpus import documents
from lecture_lib.corpus.lexicon import lexicon
from lecture_lib.tasks import (
    TASKS,
    cola,
    events,
    load_task,
    mrpc,
    qnli,
    qqp,
    relations,
    rte,
    squad,
    sst2,
    stsb,
    wnli,
)
from lecture_lib.tasks.common import SEEDS, SpanExample, TaggedExample, belongs

# Задачи, где примеры порождаются быстро; у остальных — документы корпуса.
FROM_DOCUMENTS = ("mnli", "cola", "ner")
COUNT = {"mnli": 24, "cola": 80, "ner": 80}


@cache
def some(name, split="train", seed=0):
    return TASKS[name].examples(split, COUNT.get(name, 400), seed)


def texts(example):
    if isinstance(example, SpanExample):
        return (f"{example.question} {example.context}",)
    if isinstance(example, TaggedExample):
        return (" ".join(example.words),)
    return (f"{example.first} ‖ {example.second}",)


def names_in(example):
    """Имена жителей в примере — в начальной форме."""
    words = re.findall(r"\w+", " ".join(texts(example)))
    return {name_of_form()[word] for word in words if word in name_of_form()}


@cache
def name_of_form():
    return {form: name for name, forms in first_names().items() for form in forms}


@cache
def first_names():
    return {
        r.lexeme.surface: set(r.lexeme.forms.values())
        for split in ("train", "validation")
        for pool in events.people(split)
        for r in pool
    }


@pytest.mark.parametrize("name", TASKS)
def test_examples_are_repeatable_distinct_and_sized(name):
    task = load_task(name)
    found = some(name)
    assert len(found) == COUNT.get(name, 400) == len(set(found))
    assert all(text.strip() for example in found for text in texts(example))
    if name not in FROM_DOCUMENTS:
        assert task.examples("train", 40) == task.examples("train", 40)
        assert task.examples("train", 40, seed=1) != task.examples("train", 40)
    lowest = 900 if name in ("rte", "wnli", "mrpc") else 1000
    assert lowest <= task.sizes["train"] <= 8000
    assert all(300 <= task.sizes[split] <= 1000 for split in task.dev_splits)


@pytest.mark.parametrize("name", TASKS)
def test_no_leak_between_splits(name):
    """Ни один пример проверочной доли не встречается в обучающей — и почему так выходит."""
    task = TASKS[name]
    train = {text for example in some(name) for text in texts(example)}
    for split in task.dev_splits:
        if split == "validation":
            assert not train & {text for e in some(name, split) for text in texts(e)}
    if name in (
        "mrpc",
        "qqp",
        "qnli",
        "stsb",
        "rte",
        "squad",
        "wnli",
    ):  # имена долей не пересекаются
        mine, theirs = (
            {who for example in some(name, split) for who in names_in(example)}
            for split in ("train", "validation")
        )
        assert mine and theirs and not mine & theirs
    if name in FROM_DOCUMENTS:  # документы долей — от разных зёрен, и не от зерна предобучения
        used = [SEEDS[split] + 1000 * seed for split in task.sizes for seed in range(3)]
        assert len(set(used)) == len(used) and 0 not in used
        for split in ("train", "validation"):
            sources = [source_of(example, name) for example in some(name, split)]
            assert len([source for source in sources if source]) > 5
            assert all(belongs(source, split) for source in sources if source)


def source_of(example, name):
    """Предложение корпуса, из которого сделан пример, или пусто, если по примеру его не узнать."""
    if name == "ner":
        return " ".join(example.words[:-1]) + example.words[-1] if plain(example.words) else ""
    if name == "cola":
        return example.first
    lengths = {len(re.sub(r"\b[Нн]е ", "", t).split()) for t in (example.first, example.second)}
    short = min((example.first, example.second), key=lambda t: len(re.sub(r"\b[Нн]е ", "", t)))
    return re.sub(r"\bне ", "", short) if len(lengths) == 2 and short[:3] != "Не " else ""


def plain(words):
    """Знак только в конце: тогда текст собирается из слов однозначно."""
    return words[-1] in ".!?" and all(re.fullmatch(r"[А-Яа-яЁё]+", word) for word in words[:-1])


def test_people_are_split_by_name_and_names_are_clear():
    pools = [pool for split in ("train", "validation") for pool in events.people(split)]
    names = [r.lexeme.surface for pool in pools for r in pool]
    assert len(set(names)) == len(names) > 100
    forms = Counter(f for pool in pools for r in pool for f in set(r.lexeme.forms.values()))
    assert all(forms[name] == 1 for name in names)  # «Валентина» — не чей-то винительный


def test_mnli_mismatched_takes_unseen_scripts():
    def scripts(split):
        return {d.script for d in documents(SEEDS[split], split, 0, 60) if d.kind == "story"}

    assert scripts("test_scripts") and not scripts("test_scripts") & scripts("train")


@pytest.mark.parametrize("name", [n for n in TASKS if TASKS[n].labels and TASKS[n].kind != "tags"])
def test_classes_are_balanced(name):
    counts = Counter(example.label for example in some(name))
    assert set(counts) == set(range(len(TASKS[name].labels)))
    assert max(counts.values()) - min(counts.values()) <= 1


def lemmas(text):
    """Мешок начальных форм имён и слов: «Вере» и «Вера» — одно."""
    return Counter(name_of_form().get(w, w.lower()) for w in re.findall(r"\w+", text))


@pytest.mark.parametrize("relation", relations.RELATIONS)
def test_both_sides_tell_the_same(relation):
    """Все способы рассказать называют обоих и вещь, вопросы — ровно одного."""
    draw = random.Random(0)
    event = events.choose_event("train", draw, (relation,), "mf")
    pair = {event.a.lexeme.surface, event.b.lexeme.surface}
    for statement in relation.statements:
        text = events.write(statement + ".", event.roles(), draw)
        assert text[0].isupper() and text.endswith(".") and pair <= set(lemmas(text))
    for side, asked in ((relation.who, event.b), (relation.whom, event.a)):
        for question in side:
            text = events.write(question, event.roles(), draw)
            assert pair & set(lemmas(text)) == {asked.lexeme.surface}


def test_mrpc_changes_exactly_one_fact():
    draw = random.Random(1)
    for _ in range(200):
        event = events.choose_event("train", draw)
        other = mrpc.change(event, draw)
        swapped = (other.a, other.b) == (event.b, event.a)
        thing = (other.thing, other.adjective) != (event.thing, event.adjective)
        assert other != event and swapped + thing + (other.time != event.time) == 1
        assert other.relation is event.relation


def test_half_of_mrpc_negatives_use_the_same_words():
    wrong = [e for e in some("mrpc") if e.label == 0]
    people = [len(names_in(e)) for e in wrong]
    assert set(people) == {2}  # чужие не появляются: по именам ответа не узнать


def test_stsb_score_is_the_number_of_common_facts():
    draw = random.Random(2)
    for score in (0, 1, 2, 3, 4, 5) * 20:
        event = replace(
            events.choose_event("train", draw, relations.TRANSFERS), place="парк", time="в среду"
        )
        facts = set(draw.sample(stsb.FACTS, 5 - score))
        other = stsb.change(event, facts, "train", draw)
        assert stsb.common_facts(event, other) == score, (facts, other)
    assert Counter(e.label for e in some("stsb")).keys() == {0.0, 1.0, 2.0, 3.0, 4.0, 5.0}


def test_stsb_denial_hides_the_shared_words():
    """«Не в среду, а в субботу»: слово первого рассказа во втором есть, а факт другой."""
    hidden = [e for e in some("stsb") if ", а " in e.second]
    assert len(hidden) > len(some("stsb")) / 3
    assert all(re.search(r"\bне (в |на )?\w+", example.second) for example in hidden)


def test_qqp_swaps_keep_the_words():
    draw = random.Random(3)
    event = events.choose_event("train", draw, (relations.SELL,))
    same, other = qqp.about_people(event, 1, draw), qqp.about_people(event, 0, draw)
    assert same.label == 1 and other.label == 0
    assert names_in(same) < {event.a.lexeme.surface, event.b.lexeme.surface}
    assert len(names_in(other)) == 1


def test_qnli_answer_is_in_the_sentence_only_for_its_class():
    draw = random.Random(4)
    for label in (qnli.HERE, qnli.NOWHERE) * 30:
        found = qnli.about_circumstance("train", label, draw)
        answers_place = found.first.startswith("Где")
        asked = names_in(events_example(found.first))
        clause = next(c for c in found.second.split(", а ") if asked <= names_in(events_example(c)))
        has_time = any(time in clause.lower() for time in events.TIMES)
        assert has_time == (answers_place == (label == qnli.NOWHERE)), found


def events_example(text):
    return TaggedExample(tuple(re.findall(r"\w+", text)), ())


def test_sst2_word_alone_does_not_decide():
    """У каждого прилагательного доли похвалы близки к половине."""
    good = Counter()
    seen = Counter()
    pairs = {word for _, pair in sst2.topics("train") for word in pair}
    for example in sst2.examples("train", 2500):
        for word in pairs:
            forms = set(lexicon().get("ADJF", word).forms.values())
            if forms & set(re.findall(r"\w+", example.first.lower())):
                seen[word] += 1
                good[word] += example.label
    common = [word for word in pairs if seen[word] > 60]
    assert len(common) > 8
    assert all(0.3 < good[word] / seen[word] < 0.7 for word in common)


def test_sst2_review_signs():
    def label(template, said, opposite):
        assert template in sst2.SAME or template in sst2.REVERSED
        return int((said == "хороший") == (template in sst2.SAME))

    assert label("{X} и правда {said nomn @X}.", "хороший", "плохой") == 1
    assert label("{X} совсем не {said nomn @X}.", "хороший", "плохой") == 0
    assert label("Зря пишут, что {X} {said nomn @X}.", "плохой", "хороший") == 1
    train, dev = ({noun for noun, _ in sst2.topics(s)} for s in ("train", "validation"))
    assert len(dev) > 9 and not train & dev


def test_wnli_has_reasons_for_both_and_same_gender():
    for schema in (*wnli.SCHEMAS, wnli.FITTING):
        assert schema.first and schema.second
    for example in some("wnli"):
        people = [first_names()[name] for name in names_in(example)]
        assert len(people) in (0, 2)
        assert re.search(r"потому что .*\b(он|она|оно|ему|ей|его|её|него|неё)\b", example.first)
        assert not re.search(r"\b(он|она|ему|ей)\b", example.second)


def test_wnli_label_follows_the_reason():
    cast = tuple(events.choose_people("train", 2, random.Random(0), "ff"))
    schema = wnli.SCHEMAS[0]
    for seed in range(20):
        right = wnli.make_pair(schema, cast, 1, random.Random(seed))
        about_first = any(word in right.first for word in ("опоздала", "забыла"))
        assert names_in(events_example(right.second)) == {cast[not about_first].lexeme.surface}


def test_rte_pronouns_differ_in_gender_and_owner_is_right():
    draw = random.Random(5)
    for label in (rte.FOLLOWS, rte.FAILS) * 20:
        found = rte.who_has_it("train", label, draw)
        last = [w for w in re.findall(r"\w+", found.first.split(". ")[1])]
        holder = names_in(events_example(found.second))
        assert len(holder) == 1
        assert label == rte.FAILS or holder <= names_in(TaggedExample(tuple(last), ()))
        pronoun = rte.with_pronouns("train", label, draw)
        assert re.search(r"\. (Он|Она) ", pronoun.first)


def test_squad_answers_stand_in_place():
    kinds = Counter()
    for example in some("squad"):
        end = example.start + len(example.answer)
        assert example.context[example.start : end] == example.answer
        kinds[example.question.split()[0]] += 1
        assert 3 <= example.context.count(".") <= 5
    assert {"Где", "Когда", "Кто"} <= set(kinds)


def test_squad_name_in_keeps_the_case():
    anna = next(r for p in events.people("train") for r in p if r.gender == "femn")
    form = anna.lexeme.forms["gent sing"]
    assert squad.name_in(f"Вазу купили у {form}.", anna) == form
    with pytest.raises(ValueError, match="здесь нет"):
        squad.name_in("Никого.", anna)


def test_cola_spoils_agreement_government_and_order():
    """Каждый вид порчи что-нибудь находит и меняет ровно одно место."""
    draw = random.Random(6)
    found = Counter()
    for document in documents(5, "train", 0, 60, truth=True):
        for sentence in filter(cola.is_clean, document.sentences):
            for way in cola.SPOILERS:
                places = range(len(sentence.truth))
                bad = next(filter(None, (way(sentence, p, draw) for p in places)), None)
                if bad is None:
                    continue
                found[way.__name__] += 1
                a, b = (re.findall(r"\w+", t.lower()) for t in (sentence.text, bad))
                changed = sum(x != y for x, y in zip(a, b, strict=True))
                assert changed == (2 if way is cola.spoil_order else 1), bad
    assert len(found) == len(cola.SPOILERS) and min(found.values()) > 3


def test_cola_knows_what_is_allowed():
    """Формы, которые тоже годятся, порчей не считаются; опечатки и реплики не берутся."""
    assert cola._agreeing(lexicon().get("NOUN", "книга"), "книги") == {
        ("gen", "femn"), ("nom", "plur"), ("acc", "plur"),
    }  # fmt: skip
    clean = next(
        sentence
        for document in documents(5, "train", 0, 40, truth=True)
        for sentence in filter(cola.is_clean, document.sentences)
    )
    word = max(clean.truth, key=lambda w: len(w.text))
    typo = replace(word, text=word.text + "щщ")
    spoiled = tuple(typo if w is word else w for w in clean.truth)
    assert not cola.is_clean(replace(clean, truth=spoiled))
    assert not cola.is_clean(replace(clean, text=f"«{clean.text}»"))


def test_cola_leaves_second_predicates_alone():
    """«… а потом позвонят соседу» — можно: подлежащее подразумевается другое."""
    draw = random.Random(7)
    checked = 0
    for document in documents(5, "train", 0, 60, truth=True):
        for sentence in filter(cola.is_clean, document.sentences):
            heads = {}
            for place, word in enumerate(sentence.truth):
                if word.pos == "VERB" and word.head is not None:
                    if word.head in heads:
                        checked += 1
                        assert cola.spoil_verb(sentence, place, draw) is None
                    heads.setdefault(word.head, place)
    assert checked > 3


def test_unknown_names_and_splits_are_explained():
    with pytest.raises(ValueError, match="name = 'mnlii': есть задачи mnli, qqp"):
        load_task("mnlii")
    with pytest.raises(ValueError, match="split = 'test': у задачи mrpc есть только train"):
        TASKS["mrpc"].examples("test")
    with pytest.raises(ValueError, match="count = 0: нужен хотя бы один"):
        TASKS["mrpc"].examples("train", 0)
