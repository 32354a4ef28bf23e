"""«Городок»: объём, повторяемость, согласование, доли без утечек."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from functools import cache

import pytest

from lecture_lib.corpus import SPLITS, documents, statistics
from lecture_lib.corpus.gorodok import Document
from lecture_lib.corpus.grammar import State
from lecture_lib.corpus.lexicon import lexicon
from lecture_lib.corpus.stories import scripts
from lecture_lib.corpus.world import FACTS, world

DIGEST = """
import hashlib, sys
from lecture_lib.corpus import documents
text = "\\n".join(d.text for s in ("train", "test_words") for d in documents(5, s, 30, 150))
print(hashlib.sha256(text.encode("utf-8")).hexdigest())
"""


@cache
def annotated(split: str, count: int) -> tuple[Document, ...]:
    return tuple(documents(seed=11, split=split, start=0, count=count, truth=True))


def test_corpus_is_as_large_as_promised():
    """Словарь, мир, сценарии и омонимы — не меньше обещанного."""
    counts = statistics(seconds=0.1)
    least = {
        "lemmas": 1500, "nouns": 700, "verbs": 300, "adjectives": 250, "adverbs": 80,
        "residents": 200, "scripts": 40, "homonyms": 25,
    }  # fmt: skip
    assert {name: counts[name] for name in least if counts[name] < least[name]} == {}


def test_generation_is_fast():
    """Не меньше 10 000 предложений за секунду ядра без разметки и 3 000 с ней (лучший из трёх)."""
    list(documents(count=50))

    def speed(truth: bool) -> float:
        start = time.process_time()
        sentences = sum(len(d.sentences) for d in documents(seed=1, count=400, truth=truth))
        return sentences / (time.process_time() - start)

    assert max(speed(False) for _ in range(3)) > 10_000
    assert max(speed(True) for _ in range(3)) > 3_000


def test_same_seed_gives_same_bytes_in_another_process():
    """Другой процесс с другим зерном хешей даёт те же байты."""
    digests = set()
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        result = subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(result.stdout)
    assert len(digests) == 1


def test_any_slice_equals_the_whole():
    """Документ зависит только от зерна, доли и номера."""
    whole = [d.text for d in documents(seed=3, count=60)]
    assert [d.text for d in documents(seed=3, start=20, count=15)] == whole[20:35]
    assert [d.text for d in documents(seed=4, count=60)] != whole


@pytest.mark.parametrize("bad", [{"split": "dev"}, {"start": -1}, {"count": -5}])
def test_bad_arguments_are_named(bad):
    """Ошибка называет аргумент и значение."""
    name, value = next(iter(bad.items()))
    with pytest.raises(ValueError, match=name) as error:
        documents(**bad)
    assert str(value) in str(error.value)


@pytest.mark.parametrize("name", sorted(scripts()))
def test_every_script_plays(name):
    """Сценарий играется сто раз без ошибок и почти всегда по-разному."""
    import random

    from lecture_lib.corpus.gorodok import finished

    texts = []
    for seed in range(100):
        state = State(lexicon(), random.Random(seed).random)
        scripts()[name].emit(state)
        texts.append(" ".join(s.text for s in finished(state)))
    assert len(set(texts)) > 80
    broken = [
        t for t in texts if any(mark in t for mark in ("{", "}", "[", "]", "|", "  ", " ,", "<"))
    ]
    assert broken == []


def test_stories_have_four_to_ten_sentences():
    """Рассказ — от 4 до 10 предложений (в среднем по сценарию)."""
    import random

    from lecture_lib.corpus.gorodok import finished

    wrong = {}
    for name, script in scripts().items():
        if script.kind != "story":
            continue
        lengths = []
        for seed in range(40):
            state = State(lexicon(), random.Random(seed).random)
            script.emit(state)
            lengths.append(len(finished(state)))
        if not 4 <= sum(lengths) / len(lengths) <= 12:
            wrong[name] = lengths
    assert wrong == {}


def test_spans_point_into_the_text():
    """Границы каждого слова разметки указывают на само слово."""
    for document in annotated("train", 500):
        for sentence in document.sentences:
            for token in sentence.truth:
                assert sentence.text[token.start : token.end] == token.text
            covered = sum(token.end - token.start for token in sentence.truth)
            assert covered == len(sentence.text.replace(" ", "")) + sum(
                token.text.count(" ") for token in sentence.truth
            )


def test_antecedents_are_earlier_and_agree():
    """Местоимение указывает на более раннее слово того же участника."""
    seen = 0
    for document in annotated("train", 800):
        for index, sentence in enumerate(document.sentences):
            for place, token in enumerate(sentence.truth):
                if token.antecedent is None:
                    continue
                where = token.antecedent
                assert where < (index, place)
                members = (token.entity, *document.entities[token.entity].members)
                assert document.sentences[where[0]].truth[where[1]].entity in members
                seen += 1
    assert seen > 300


def test_facts_agree_with_the_world():
    """Факт, который сообщает предложение, есть в мире."""
    people = {r.full_name: r for r in world().residents}
    stated = Counter()
    for document in annotated("train", 2000):
        for sentence in document.sentences:
            for who, what, value in sentence.facts:
                stated[what] += 1
                if what in FACTS:
                    assert people[who].attributes[what].lexeme.surface in value
    assert all(stated[fact] > 0 for fact in ("prof", "work", "street", "pet", "dish", "hobby")), (
        stated
    )


def test_scripts_do_not_leak():
    """Отложенные сценарии не встречаются в обучении и наоборот."""
    train = {d.script for d in documents(count=3000)}
    held = {d.script for d in documents(split="test_scripts", count=300)}
    assert len(held) >= 4
    assert not train & held


def test_words_do_not_leak():
    """Отложенных слов нет в обучающей части, а в `test_words` они в каждом документе."""
    held = lexicon().held_out
    assert len(held) >= 30
    forms = {
        form.lower()
        for (pos, lemma), lexeme in lexicon().lexemes.items()
        if lemma in held and pos in ("NOUN", "ADJF")
        for form in lexeme.forms.values()
    }
    for split in ("train", "validation"):
        for document in annotated(split, 1500):
            for sentence in document.sentences:
                for token in sentence.truth:
                    assert token.lemma not in held
                    assert token.text.lower() not in forms, sentence.text
    for document in annotated("test_words", 200):
        assert any(t.lemma in held for s in document.sentences for t in s.truth)


def test_splits_share_no_documents():
    """Тексты долей не повторяют друг друга."""
    texts = {split: {d.text for d in documents(split=split, count=400)} for split in SPLITS}
    for one in SPLITS:
        for other in SPLITS:
            if one < other:
                assert len(texts[one] & texts[other]) <= 4, (one, other)
