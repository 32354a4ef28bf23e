"""Задачи на «Городке»: ответы следуют из правды, и по одному слову их не угадать."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from lecture_lib.corpus import documents
from lecture_lib.masking import IGNORED
from lecture_lib.tasks import mnli, ner
from lecture_lib.tasks.common import (
    TaggedExample,
    TextExample,
    encode_tagged,
    encode_texts,
    take_balanced,
)
from lecture_lib.tokenization import load_tokenizer

TOKENIZER = load_tokenizer()


@pytest.fixture(scope="module")
def pairs():
    return mnli.pairs("validation", 120)


def words(text):
    return text.lower().rstrip(".").split()


def relation(first, second):
    """Класс пары по её словам: независимый разбор, без кода задачи.

    Предложение — множество слов и знак; «короче» значит «шире».
    """
    (a, not_a), (b, not_b) = (
        ([w for w in words(text) if w != "не"], "не" in words(text)) for text in (first, second)
    )
    wider, narrower, same = len(b) < len(a), len(b) > len(a), len(a) == len(b)
    if not_a == not_b:
        follows = (narrower or same) if not_a else (wider or same)
        return mnli.ENTAILMENT if follows else mnli.NEUTRAL
    positive_is_narrower = (narrower if not_a else wider) or same
    return mnli.CONTRADICTION if positive_is_narrower else mnli.NEUTRAL


def test_labels_follow_from_logic(pairs):
    assert Counter(pair.label for pair in pairs) == {0: 40, 1: 40, 2: 40}
    for pair in pairs:
        assert relation(pair.first, pair.second) == pair.label, pair


def test_pairs_differ_in_one_word_or_negation(pairs):
    for pair in pairs:
        first, second = Counter(words(pair.first)), Counter(words(pair.second))
        difference = (first - second) + (second - first)
        assert 1 <= sum(difference.values()) <= 2, pair
        assert pair.first[0].isupper() and pair.second.endswith(".")


def test_no_single_cue_gives_the_answer(pairs):
    """Ни «не» в гипотезе, ни её длина не выдают класс: у каждой приметы классов не меньше двух."""
    for cue in (
        lambda p: "не" in words(p.second),
        lambda p: len(words(p.second)) > len(words(p.first)),
        lambda p: ("не" in words(p.first), "не" in words(p.second)),
    ):
        groups = {}
        for pair in pairs:
            groups.setdefault(cue(pair), Counter())[pair.label] += 1
        best = sum(max(group.values()) for group in groups.values())
        assert best / len(pairs) < 0.75


def test_splits_do_not_share_sentences(pairs):
    train = {(p.first, p.second) for p in mnli.pairs("train", 120)}
    assert not train & {(p.first, p.second) for p in pairs}


def test_narrowing_refuses_what_changes_the_meaning():
    """Вопросы, отрицания, сложные предложения и определения подлежащего не берутся."""
    for document in documents(3, "train", 0, 60, truth=True):
        for sentence in document.sentences:
            found = mnli.narrowing(sentence)
            if found:
                adjective, verb = found
                assert sentence.truth[verb].pos == "VERB"
                assert sentence.truth[adjective].head != sentence.truth[verb].head
                assert not {"не", "?", ","} & {w.text for w in sentence.truth}


def test_make_pair_reaches_every_form():
    sentence, (adjective, verb) = next(
        (s, mnli.narrowing(s))
        for d in documents(3, "train", 0, 400, truth=True)
        for s in d.sentences
        if mnli.narrowing(s)
    )
    made = {mnli.make_pair(sentence, adjective, verb, random.Random(seed)) for seed in range(200)}
    assert len(made) == sum(len(forms) for forms in mnli.FORMS.values())


def test_encode_texts():
    encoded = encode_texts([TextExample("Мама дома.", "Мама не дома.", 2)], TOKENIZER)[0]
    assert encoded.labels == 2
    assert encoded.input_ids.count(TOKENIZER.sep_token_id) == 2
    assert set(encoded.token_type_ids) == {0, 1}
    with pytest.raises(ValueError, match=r"examples\[1\]: пустой текст"):
        encode_texts([TextExample("Да.", "", 0), TextExample("  ", "", 0)], TOKENIZER)


def test_tag_stands_on_the_first_piece():
    example = TaggedExample(("Библиотекарша", "Анна"), ("B-ROLE", "B-PER"))
    encoded = encode_tagged([example], TOKENIZER, ner.TAGS)[0]
    pieces = TOKENIZER.convert_ids_to_tokens(list(encoded.input_ids))
    asked = [(p, n) for p, n in zip(pieces, encoded.labels, strict=True) if n != IGNORED]
    assert [ner.TAGS[n] for _, n in asked] == ["B-ROLE", "B-PER"]
    assert not any(piece.startswith("##") for piece, _ in asked)
    assert len(pieces) > 4  # длинное слово и правда разбито
    with pytest.raises(ValueError, match="слов 1, а меток 2"):
        encode_tagged([TaggedExample(("Да",), ("O", "O"))], TOKENIZER, ner.TAGS)
    with pytest.raises(ValueError, match="метки «B-ORG» нет среди"):
        encode_tagged([TaggedExample(("Да",), ("B-ORG",))], TOKENIZER, ner.TAGS)
    with pytest.raises(ValueError, match="пустое предложение"):
        encode_tagged([TaggedExample((), ())], TOKENIZER, ner.TAGS)


def test_take_balanced():
    stream = [TextExample(str(i), "", i % 3) for i in range(30)]
    found = take_balanced(stream, 3, 9)
    assert Counter(e.label for e in found) == {0: 3, 1: 3, 2: 3}
    with pytest.raises(ValueError, match="класса 0 нашлось 10 из 20"):
        take_balanced(stream, 3, 60)


def test_ner_marks_residents_places_roles_animals():
    found = Counter()
    for example in ner.sentences("train", 150):
        assert len(example.words) == len(example.tags)
        assert set(example.tags) <= set(ner.TAGS)
        for word, tag in zip(example.words, example.tags, strict=True):
            found[tag[2:]] += tag != "O"
            if tag.endswith("PER"):
                assert word[0].isupper()
            assert tag == "O" or word.lower() not in ("он", "она", "они", "его", "я")
        previous = "O"
        for tag in example.tags:
            assert not tag.startswith("I-") or previous[2:] == tag[2:]
            previous = tag
    assert all(found[kind] for kind in ner.KINDS)
