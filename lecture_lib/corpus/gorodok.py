"""Документы «Городка»: какого вида следующий, кто его сложит и в какую долю корпуса он попадёт.

Документ целиком определяется зерном, долей и номером: `documents(seed=0, split="train")`
на любой машине даёт одни и те же байты, с какого номера ни начни.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from lecture_lib.corpus import knowledge
from lecture_lib.corpus.chronicle import Chronicle
from lecture_lib.corpus.entities import EntityTruth
from lecture_lib.corpus.lexicon import lexicon
from lecture_lib.corpus.sentences import Sentence, finished
from lecture_lib.corpus.state import State
from lecture_lib.corpus.stories import scripts
from lecture_lib.corpus.truth import Annotator
from lecture_lib.corpus.world import world

SPLITS = ("train", "validation", "test_scripts", "test_words")
# Из чего сложен корпус: доли видов документов. Хроник и оборотов впятеро больше, чем рассказов:
# сценарий модель может запомнить, а сочетание любых подлежащего и сказуемого — только понять.
MIXTURE = {
    "chronicle": 0.25,
    "story": 0.12,
    "construction": 0.36,
    "homonym": 0.08,
    "knowledge": 0.06,
    "habit": 0.04,
    "dialogue": 0.04,
    "letter": 0.02,
    "review": 0.01,
    "notice": 0.01,
    "chat": 0.01,
}
# Виды, где предложения стоят сами по себе: повтор слова там — не тот же предмет.
UNRELATED = ("chronicle", "homonym", "knowledge", "construction")
_WITHOUT_YO = 0.12  # в стольких документах вместо «ё» стоит «е», как часто печатают
_WITH_TYPO = 0.02  # в стольких документах есть опечатка


@dataclass(frozen=True)
class Document:
    """Документ: номер, вид (`story`, `dialogue` …), сценарий и предложения.

    `entities` — участники по номерам из `TokenTruth.entity`, если просили разметку.
    """

    id: int
    kind: str
    script: str
    sentences: tuple[Sentence, ...]
    entities: tuple[EntityTruth, ...] = ()

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.sentences)


def documents(
    seed: int = 0, split: str = "train", start: int = 0, count: int = 1000, truth: bool = False
) -> Iterator[Document]:
    """Документы с номерами `start … start + count − 1`.

    Args:
        seed: зерно корпуса.
        split: `train`, `validation`, `test_scripts` (сценарии, которых нет в обучении)
            или `test_words` (в каждом документе есть слово, которого нет в обучении).
        start, count: какие номера породить.
        truth: добавить разметку каждого слова (`TokenTruth`).

    Raises:
        ValueError: неизвестная доля, отрицательные `start` или `count`.
    """
    if split not in SPLITS:
        raise ValueError(f"Аргумент split = {split!r}: есть только {', '.join(SPLITS)}")
    if start < 0 or count < 0:
        raise ValueError(
            f"Аргументы start = {start} и count = {count} не могут быть отрицательными"
        )
    return (document(seed, split, number, truth) for number in range(start, start + count))


def document(seed: int, split: str, number: int, truth: bool = False) -> Document:
    """Один документ по номеру."""
    words = lexicon()
    group = "test_words" if split == "test_words" else "train"
    for attempt in range(200):
        draw = random.Random(
            (((seed << 3) + SPLITS.index(split)) << 50) + (number << 8) + attempt
        ).random
        state = State(words, draw, group=group)
        source = _source(split, draw)
        facts = source.emit(state)
        if group == "train" or any(
            w.lexeme and w.lexeme.lemma in words.held_out for w in state.out
        ):
            break
    noise = _noise(draw)
    annotator = Annotator(state.out, source.kind not in UNRELATED) if truth else None
    sentences = finished(state, annotator, facts, noise)
    known = tuple(annotator.entities.known) if annotator else ()
    return Document(number, source.kind, source.name, tuple(sentences), known)


def _source(split: str, draw):
    """Выбрать, что порождать: вид — по долям, сценарий внутри вида — равновероятно."""
    kinds, bounds = _sources(split)
    point = draw() * bounds[-1]
    sources = kinds[next(i for i, bound in enumerate(bounds) if point < bound)]
    return sources[int(draw() * len(sources))]


@cache
def _sources(split: str) -> tuple[list[list], list[float]]:
    held = split == "test_scripts"
    by_kind: dict[str, list] = {}
    for script in scripts().values():
        if (script.split == "test") == held:
            by_kind.setdefault(script.kind, []).append(script)
    if not held:
        by_kind["chronicle"] = [Chronicle(lexicon(), world())]
        by_kind["homonym"] = knowledge.homonyms()
        by_kind["knowledge"] = knowledge.knowledge()
        by_kind["construction"] = knowledge.constructions()
    kinds, bounds, total = [], [], 0.0
    for kind, sources in sorted(by_kind.items()):
        total += MIXTURE[kind]
        kinds.append(sources)
        bounds.append(total)
    return kinds, bounds


def _noise(draw):
    """Порча документа: «е» вместо «ё» или одна опечатка; длина текста не меняется."""
    point = draw()
    if point < _WITHOUT_YO:
        return lambda text: text.replace("ё", "е").replace("Ё", "Е")
    if point < _WITHOUT_YO + _WITH_TYPO:
        return lambda text: _typo(text, draw)
    return None


def _typo(text: str, draw) -> str:
    """Переставить две соседние буквы в случайном месте."""
    place = 1 + int(draw() * max(1, len(text) - 3))
    if text[place : place + 2].isalpha():
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    return text
