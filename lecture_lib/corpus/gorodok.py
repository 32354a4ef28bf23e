"""Документы «Городка»: от слов грамматики к предложениям, с разметкой или без, и к долям корпуса.

Документ целиком определяется зерном, долей и номером: `documents(seed=0, split="train")`
на любой машине даёт одни и те же байты, с какого номера ни начни.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from lecture_lib.corpus import knowledge
from lecture_lib.corpus.clauses import Chronicle
from lecture_lib.corpus.grammar import BREAK, LINE, Entity, Resident, State, Word
from lecture_lib.corpus.lexicon import lexicon
from lecture_lib.corpus.stories import scripts
from lecture_lib.corpus.world import world

SPLITS = ("train", "validation", "test_scripts", "test_words")
# Из чего сложен корпус: доли видов документов.
MIXTURE = {
    "story": 0.44,
    "chronicle": 0.22,
    "habit": 0.10,
    "dialogue": 0.06,
    "homonym": 0.05,
    "knowledge": 0.05,
    "letter": 0.03,
    "review": 0.02,
    "notice": 0.02,
    "chat": 0.01,
}
_WITHOUT_YO = 0.12  # в стольких документах вместо «ё» стоит «е», как часто печатают
_WITH_TYPO = 0.02  # в стольких документах есть опечатка
_EXTRA_SPACE = re.compile(r" +(?=[ ,.!?»])")
_NEW_SPEECH = re.compile(r"(?<=\. — )[а-яё]")  # после авторских слов реплика — с прописной
_ANSWER = re.compile(r"(?<=\? — )[а-яё]")  # «Кто это? — Врач.»
_QUOTE = re.compile(r"(?<=: «)[а-яё]")  # прямая речь после двоеточия
_TOKEN = re.compile(r"[A-Za-zА-Яа-яЁё]+(?:-[A-Za-zА-Яа-яЁё]+)*|\d+|[^\w\s]|_")


@dataclass(frozen=True)
class TokenTruth:
    """Что известно о слове.

    `start`, `end` — границы в тексте предложения; `head` — номер слова того же предложения,
    с которым согласовано это; `entity` — номер участника в документе; `antecedent` —
    `(предложение, слово)`, на которое указывает местоимение.
    """

    text: str
    start: int
    end: int
    lemma: str
    pos: str
    features: str
    head: int | None = None
    entity: int | None = None
    antecedent: tuple[int, int] | None = None


@dataclass(frozen=True)
class Sentence:
    """Предложение; `truth` и `facts` заполнены, если просили разметку."""

    text: str
    truth: tuple[TokenTruth, ...] | None = None
    facts: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Document:
    """Документ: номер, вид (`story`, `dialogue` …), сценарий и предложения."""

    id: int
    kind: str
    script: str
    sentences: tuple[Sentence, ...]

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
    sentences = finished(state, truth, facts, noise)
    return Document(number, source.kind, source.name, tuple(sentences))


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


def finished(
    state: State, truth: bool = False, facts: list | None = None, noise=None
) -> list[Sentence]:
    """Слова состояния → предложения: лишние пробелы убраны, первая буква прописная."""
    annotator = _Annotator(state) if truth else None
    sentences: list[Sentence] = []
    for words, known in _by_sentence(state.out, facts or []):
        raw = "".join([word.text for word in words])
        text = _EXTRA_SPACE.sub("", raw) if "  " in raw or " ," in raw or " ." in raw else raw
        text = _capitalised(text.strip())
        if noise:
            text = noise(text)
        if not annotator:
            sentences.append(Sentence(text))
            continue
        stated = tuple((_name(who), what, _value(who, what)) for who, what in known)
        sentences.append(
            Sentence(text, annotator.annotate(words, raw, text, len(sentences)), stated)
        )
    return sentences


def _by_sentence(out: list[Word], facts: list) -> Iterator[tuple[list[Word], list]]:
    """Разрезать выход по границам; факты строки относятся к её первому предложению."""
    words: list[Word] = []
    remaining = iter(facts)
    known = next(remaining, [])
    for word in out:
        if word is not BREAK and word is not LINE:
            words.append(word)
            continue
        if words:
            yield words, known
            words, known = [], []
        if word is LINE:
            known = next(remaining, [])
    if words:
        yield words, known


def _capitalised(text: str) -> str:
    """Прописная буква в начале предложения, новой реплики и ответа на вопрос."""
    start = next((i for i, letter in enumerate(text) if letter.isalnum()), 0)
    text = text[:start] + text[start : start + 1].upper() + text[start + 1 :]
    if ": «" in text:
        text = _QUOTE.sub(lambda found: found[0].upper(), text)
    if " — " not in text:
        return text
    text = _NEW_SPEECH.sub(lambda found: found[0].upper(), text)
    if text[0] in "—«" or text.find(" — ") < text.find("? — "):  # «— Кто там? — спросила Анна.»
        return text
    return _ANSWER.sub(lambda found: found[0].upper(), text)


def _name(who: Entity) -> str:
    return who.full_name if isinstance(who, Resident) else who.lexeme.surface


def _value(who: Entity, what: str) -> str:
    found = who.attributes.get(what)
    if found is not None:
        return " ".join([m.surface for m in found.modifiers] + [found.lexeme.surface])
    relatives = world().related(what, who) if isinstance(who, Resident) else []
    return ", ".join(relative.full_name for relative in relatives)


class _Annotator:
    """Строит `TokenTruth` по словам грамматики, помня участников через весь документ."""

    def __init__(self, state: State):
        self.literals = state.lexicon.literals
        self.numbers: dict[int, int] = {}  # id участника → номер в документе
        self.mentions: dict[int, tuple[int, int]] = {}  # id участника → последнее упоминание

    def annotate(
        self, words: list[Word], raw: str, text: str, sentence: int
    ) -> tuple[TokenTruth, ...]:
        """Разметка предложения; границы пересчитаны на текст без лишних пробелов."""
        pieces = list(self._pieces(words))
        place = _Spans(raw)
        here = {id(w.entity): i for i, (w, _, _) in enumerate(pieces) if w.entity is not None}
        tokens = []
        for index, (word, start, end) in enumerate(pieces):
            first, last = place(start), place(end)
            lemma, pos, features = self._analysis(word, raw[start:end])
            antecedent = self.mentions.get(id(word.entity)) if word.kind == "pronoun" else None
            head = here.get(id(word.target)) if word.target is not None else None
            number = None
            if word.entity is not None:
                number = self.numbers.setdefault(id(word.entity), len(self.numbers))
                self.mentions[id(word.entity)] = (sentence, index)
            tokens.append(
                TokenTruth(
                    text[first:last], first, last, lemma, pos, features, head, number, antecedent
                )
            )
        return tuple(tokens)

    def _pieces(self, words: list[Word]) -> Iterator[tuple[Word, int, int]]:
        """Слова и знаки с границами в неочищенном тексте."""
        offset = 0
        for word in words:
            if word.kind == "text":
                for found in _TOKEN.finditer(word.text):
                    yield word, offset + found.start(), offset + found.end()
            else:
                yield word, offset, offset + len(word.text)
            offset += len(word.text)

    def _analysis(self, word: Word, text: str) -> tuple[str, str, str]:
        if word.lexeme is not None:
            lexeme = word.lexeme
            extra = (
                f"{lexeme.gender} {'anim' if lexeme.animate else 'inan'}"
                if word.kind == "noun"
                else ""
            )
            return lexeme.lemma, lexeme.pos, f"{word.form} {extra or lexeme.aspect}".strip()
        if word.kind == "pronoun":
            return "он" if text.lower() not in _SPEAKER_FORMS else text.lower(), "NPRO", word.form
        if word.kind == "numeral":
            return text.lower(), "NUMR", word.form
        known = self.literals.get(text.lower())
        if known:
            return known[0], known[1].partition(",")[0].partition(" ")[0], known[1]
        return text.lower(), "PNCT" if not text[:1].isalnum() else "UNKN", ""


_SPEAKER_FORMS = frozenset(
    "я меня мне мной ты тебя тебе тобой мы нас нам нами вы вас вам вами".split()
)


class _Spans:
    """Перевод границ из неочищенного текста в очищенный."""

    def __init__(self, raw: str):
        self.shift, removed = [], 0
        spaces = {i for found in _EXTRA_SPACE.finditer(raw) for i in range(*found.span())}
        leading = len(raw) - len(raw.lstrip())
        for index in range(len(raw) + 1):
            self.shift.append(index - removed - min(index, leading))
            removed += index in spaces and index >= leading

    def __call__(self, index: int) -> int:
        return self.shift[index]
