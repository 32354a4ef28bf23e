"""Именованные сущности (NER), как CoNLL-2003: отрезки слов и их вид — по правде «Городка».

Виды: PER — житель по имени, LOC — место и улица, ROLE — человек по роли («врач», «соседка»),
ANIM — зверь или птица. Метки — BIO: B-PER открывает отрезок, I-PER продолжает, O — вне. Регистр
модель не видит, поэтому имя от слова отличает только смысл; у омонимов решает контекст («замок»
на горе — место, на двери — нет).
"""

from __future__ import annotations

from collections.abc import Iterator

from lecture_lib.corpus import Document, Sentence, TokenTruth, documents
from lecture_lib.corpus.lexicon import lexicon
from lecture_lib.tasks.common import DOCUMENTS_AT_MOST, SEEDS, TaggedExample, Task, belongs

KINDS = ("PER", "LOC", "ROLE", "ANIM")
TAGS = ("O", *(f"{place}-{kind}" for kind in KINDS for place in "BI"))
_CLASSES = (("animal", "ANIM"), ("place", "LOC"), ("person", "ROLE"))


def sentences(split: str, count: int, seed: int = 0) -> list[TaggedExample]:
    """count размеченных предложений; в каждом хотя бы одна сущность, повторов нет.

    split — «train», «validation», «test_scripts» или «test_words» (слова, которых не было).
    ValueError — предложений не набралось.
    """
    found: dict[tuple[str, ...], TaggedExample] = {}
    for example in _sentences(split, seed):
        if any(tag != "O" for tag in example.tags):
            found.setdefault(example.words, example)
        if len(found) == count:
            return list(found.values())
    raise ValueError(f"count = {count}: предложений с сущностями нашлось {len(found)}.")


def _sentences(split: str, seed: int) -> Iterator[TaggedExample]:
    corpus_seed = SEEDS[split] + 1000 * seed
    for document in documents(corpus_seed, split, 0, DOCUMENTS_AT_MOST, truth=True):
        for sentence in document.sentences:
            if belongs(sentence.text, split):
                yield tag(sentence, document)


def tag(sentence: Sentence, document: Document) -> TaggedExample:
    """Слова предложения и их метки BIO."""
    words = sentence.truth
    tags: list[str] = []
    for index, word in enumerate(words):
        kind = kind_of(word, document)
        previous = words[index - 1] if index else None
        goes_on = (
            kind is not None
            and previous is not None
            and previous.entity == word.entity
            and tags[-1].endswith(kind)
        )
        tags.append("O" if kind is None else f"{'I' if goes_on else 'B'}-{kind}")
    return TaggedExample(tuple(word.text for word in words), tuple(tags))


def kind_of(word: TokenTruth, document: Document) -> str | None:
    """Вид сущности, которую называет слово, или None; местоимения не называют, а указывают."""
    if word.entity is None or word.pos not in ("NOUN", "ADJF"):
        return None
    kind = document.entities[word.entity].kind
    if kind == "resident":
        return "PER" if word.pos == "NOUN" or word.text[:1].isupper() else None
    if kind == "street":
        return "LOC"
    if word.pos != "NOUN":
        return None
    classes = lexicon().noun_classes(word.lemma)
    return next((name for known, name in _CLASSES if known in classes), None)


TASK = Task(
    name="ner",
    title="Именованные сущности: кто, где и какой зверь",
    kind="tags",
    labels=TAGS,
    metrics=("entity_f1",),
    sizes={"train": 2000, "validation": 600, "test_words": 400},
    make=sentences,
)
