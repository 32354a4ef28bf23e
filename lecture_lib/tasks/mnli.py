"""Следование (NLI), как MNLI: следует ли второе предложение из первого, противоречит или неясно.

Пары строятся из правды «Городка» вычёркиванием определения и отрицанием глагола:

    купила новую книгу  ⟹  купила книгу            (короче — слабее)
    не купила книгу     ⟹  не купила новую книгу    (под «не» — наоборот)

Поэтому по одной лишь длине, по одному «не» и по общим словам ответа не узнать: надо сравнить
предложения и вспомнить, как отрицание переворачивает следование. Классы: 0 — следует
(entailment), 1 — неясно (neutral), 2 — противоречит (contradiction), как в MNLI.

MNLI-m — доля validation: сценарии те же, документы другие; MNLI-mm — доля test_scripts: сценарии,
которых в обучении не было.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from lecture_lib.corpus import Sentence, TokenTruth, documents
from lecture_lib.corpus.lexicon import lexicon
from lecture_lib.tasks.common import (
    DOCUMENTS_AT_MOST,
    SEEDS,
    Task,
    TextExample,
    belongs,
    take_balanced,
)

ENTAILMENT, NEUTRAL, CONTRADICTION = 0, 1, 2
NAMES = ("следует", "неясно", "противоречит")

# Посылка и гипотеза: (полное ли предложение, есть ли отрицание).
FULL, SHORT = True, False
FORMS = {
    ENTAILMENT: (((FULL, False), (SHORT, False)), ((SHORT, True), (FULL, True))),
    NEUTRAL: (
        ((SHORT, False), (FULL, False)),
        ((FULL, True), (SHORT, True)),
        ((SHORT, False), (FULL, True)),
        ((FULL, True), (SHORT, False)),
    ),
    CONTRADICTION: (
        ((FULL, False), (SHORT, True)),
        ((SHORT, True), (FULL, False)),
        ((FULL, False), (FULL, True)),
        ((SHORT, True), (SHORT, False)),
    ),
}
# Роды значения, которые сужают понятие: «новая книга» — книга, а «следующая» — не всегда.
NARROWING = frozenset(
    "quality material origin color size age taste look kind temper feeling state weather".split()
)
_SPOILERS = frozenset("не ни нет никто ничего никогда нигде никуда только даже уже ещё еще".split())
_SIGNS = frozenset(',—–:;«»()…?!-"')
_BUSY = frozenset(("INFN", "GRND", "CONJ", "PRTS", "PRTF", "ADJS", "PRED", "COMP"))
_VOWELS = "аиоуэ"


def pairs(split: str, count: int, seed: int = 0) -> list[TextExample]:
    """count пар поровну по классам; из одного предложения — не больше одной пары.

    Предложений обучающей доли в проверочных нет, и отличий в одном определении — тоже.

    split — доля корпуса: «train», «validation» или «test_scripts» (сценарии, которых не было).
    """
    return take_balanced(_pairs(split, seed), len(NAMES), count)


def _pairs(split: str, seed: int) -> Iterator[TextExample]:
    draw = random.Random(f"{seed} {split} следование")
    seen: set[str] = set()
    corpus_seed = SEEDS[split] + 1000 * seed
    for document in documents(corpus_seed, split, 0, DOCUMENTS_AT_MOST, truth=True):
        if document.kind == "construction":  # обороты коротки и повторяются из доли в долю
            continue
        for sentence in document.sentences:
            found = narrowing(sentence)
            if found is None:
                continue
            short = write(sentence, found[0])  # пары, где другое только определение, — соседи
            if short in seen or not belongs(short, split):
                continue
            seen.add(short)
            yield make_pair(sentence, *found, draw)


def make_pair(sentence: Sentence, adjective: int, verb: int, draw: random.Random) -> TextExample:
    """Пара из предложения: класс и вид пары решает жребий."""
    label = draw.choice((ENTAILMENT, NEUTRAL, CONTRADICTION))
    premise, hypothesis = draw.choice(FORMS[label])
    first, second = (
        write(sentence, None if full else adjective, verb if negated else None)
        for full, negated in (premise, hypothesis)
    )
    return TextExample(first, second, label)


def narrowing(sentence: Sentence) -> tuple[int, int] | None:
    """Номера определения и сказуемого, если предложение годится; иначе None.

    Годится простое утвердительное: одно сказуемое в личной форме, подлежащее левее, ни запятых,
    ни отрицаний; определение — не у подлежащего (иначе «не пришёл сосед» значило бы другое).
    """
    words = sentence.truth
    verbs = [i for i, word in enumerate(words) if word.pos == "VERB"]
    if len(verbs) != 1 or any(map(_spoils, words)) or not sentence.text.endswith("."):
        return None
    verb = verbs[0]
    subject = words[verb].head
    if subject is None or subject > verb or "impr" in words[verb].features:
        return None
    for i in range(len(words) - 1):
        if _narrows(words, i) and words[i].head != subject:
            return i, verb
    return None


def write(sentence: Sentence, dropped: int | None = None, negated: int | None = None) -> str:
    """Предложение без слова dropped и с «не» перед словом negated; первая буква — прописная."""
    text = sentence.text
    edits = []
    if dropped is not None:
        word, following = sentence.truth[dropped], sentence.truth[dropped + 1]
        edits.append((word.start, following.start, ""))
    if negated is not None:
        start = sentence.truth[negated].start
        verb = text[start : start + 1]
        edits.append((start, start + 1, f"не {verb.lower() if start == 0 else verb}"))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text[:1].upper() + text[1:]


def _narrows(words: Sequence[TokenTruth], index: int) -> bool:
    """Стоит ли здесь определение, сужающее существительное сразу за ним."""
    word, following = words[index], words[index + 1]
    if word.pos != "ADJF" or word.head != index + 1 or following.pos != "NOUN":
        return False
    known = lexicon().adjectives.get(word.lemma)
    before = words[index - 1] if index else None
    alone = before is None or before.pos != "ADJF" or before.head != word.head
    fits = before is None or _preposition_fits(before.text.lower(), following.text.lower())
    return alone and fits and known is not None and bool(known[1] & NARROWING)


def _preposition_fits(preposition: str, word: str) -> bool:
    """Останется ли предлог прежним перед другим словом: «о великих» — но «об ошибках»."""
    if preposition in ("об", "обо", "во", "со", "ко"):
        return False
    if preposition == "о":
        return word[0] not in _VOWELS
    return not (preposition in ("в", "с") and word[0] in "вфсзшж" and word[1:2] not in "аеёиоуыэюя")


def _spoils(word: TokenTruth) -> bool:
    text = word.text.lower()
    return text in _SPOILERS or text in _SIGNS or word.pos in _BUSY


TASK = Task(
    name="mnli",
    title="Следование: вытекает ли второе предложение из первого",
    kind="pair",
    labels=NAMES,
    metrics=("accuracy",),
    sizes={"train": 4500, "validation": 900, "test_scripts": 600},
    make=pairs,
)
