"""Связи слов в предложении «Городка»: кто кого называет, что с чем согласовано.

Правила, по которым это решается, записаны в модуле `truth`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lecture_lib.corpus.entities import Entities
from lecture_lib.corpus.features import is_speaker
from lecture_lib.corpus.grammar import PERSONAL
from lecture_lib.corpus.state import Entity, Resident, Word

_TOKEN = re.compile(r"[A-Za-zА-Яа-яЁё]+(?:-[A-Za-zА-Яа-яЁё]+)*|\d+|[^\w\s]\ufe0f?|_")
_ANOTHER = frozenset(
    "другой новый второй третий следующий чужой каждый любой соседний один такой запасной".split()
)
_JOINED = frozenset(("и", ",", "с", "со"))
_THIRD = {"masc": "он", "femn": "она", "neut": "оно"}
_SPEAKERS = {person: forms["nomn"] for person, forms in PERSONAL.items()}


class Piece(NamedTuple):
    """Слово или знак с границами в неочищенном тексте."""

    word: Word
    start: int
    end: int
    text: str


class Mention(NamedTuple):
    """Упоминание, которое может управлять формой другого слова."""

    index: int
    case: str
    pronoun: bool


class Links:
    """Связи слов одного предложения: номера участников, группы, управляющие слова."""

    def __init__(self, entities: Entities, groups: list, pieces: list[Piece]):
        self.pieces = pieces
        self.entities = entities
        self.numbers: dict[int, int] = {}  # слово → участник
        self.heads: dict[int, int] = {}
        self.relative: dict[int, int] = {}  # «который» → его существительное
        self.joined: dict[int, int] = {}  # слово → группа, в которую оно входит
        self.first_of: dict[int, int] = {}  # группа → её первое слово в предложении
        self.speakers: set[int] = set()  # «я», «ты», «мы», «вы»
        self.mentioned: set[int] = set()  # слова, называющие участника: имя без фамилии
        self.mentions: dict[int, list[Mention]] = {}
        self._name_nouns()
        self._name_pronouns()
        if groups:
            self._join(groups)
        self._link()

    def _name_nouns(self) -> None:
        """Номера участников, названных существительным или неизменяемым именем."""
        attributes: list[Word] = []
        previous = None
        for index, (word, *_) in enumerate(self.pieces):
            if word.kind in ("modifier", "numeral"):
                attributes.append(word)
            elif word.entity is not None and word.kind != "pronoun":
                fresh = any(a.kind == "numeral" or a.lexeme.lemma in _ANOTHER for a in attributes)
                number = self.numbers[index] = self.entities.introduce(word.entity, fresh)
                if word.entity is not previous and word.kind == "noun":
                    count = attributes[0] if attributes else None
                    case = count.form if count and count.kind == "numeral" else word.form[:4]
                    self._mention(index, number, Mention(index, case, False))
                attributes = []
            previous = word.entity

    def _name_pronouns(self) -> None:
        for index, (word, _, _, text) in enumerate(self.pieces):
            if word.kind != "pronoun":
                continue
            number = self.numbers[index] = self.entities.refer(word.entity)
            if is_speaker(text):
                self.speakers.add(index)
            case = "gent" if word.form == "poss" else word.form
            self._mention(index, number, Mention(index, case, True))

    def _mention(self, index: int, number: int, mention: Mention) -> None:
        self.mentioned.add(index)
        self.mentions.setdefault(number, []).append(mention)

    def _join(self, groups: list[tuple[Entity, ...]]) -> None:
        """Найти группы, названные подряд: «Анна Петрова и Пётр», «Анна с Петром»."""
        wanted = {
            frozenset(map(self.entities.refer, parts)): tuple(map(self.entities.refer, parts))
            for parts in groups
        }
        for run in self._runs():
            members = {self.numbers[index] for index in run}
            for key, parts in wanted.items():
                if not key <= members:
                    continue
                group = self.entities.group(parts)
                nouns = [index for index in run if self.numbers[index] in key]
                self.first_of.setdefault(group, nouns[0])
                self.joined.update(dict.fromkeys(nouns, group))

    def _runs(self) -> Iterator[list[int]]:
        """Цепочки имён, между которыми только «и», «с» и запятые."""
        run: list[int] = []
        for index, (word, _, _, text) in enumerate(self.pieces):
            if index in self.numbers and word.kind == "noun":
                run.append(index)
            elif text.lower() not in _JOINED and word.kind not in ("modifier", "numeral"):
                if len(run) > 1:
                    yield run
                run = []
        if len(run) > 1:
            yield run

    # --- кто с кем согласован -----------------------------------------------------------------

    def _link(self) -> None:
        for index, (word, *_) in enumerate(self.pieces):
            if word.kind == "verb" and word.target is None and word.form.endswith("plur"):
                head = self._plural_subject(index)
                if head is not None:
                    self.heads[index] = head
            if word.target is None or word.kind == "noun" or word.form in ("infn", "grnd", "comp"):
                continue
            if word.kind in ("modifier", "numeral"):
                head = self._noun_after(index)
            elif word.lexeme.lemma == "который":
                head = self._relative(index)
            else:
                head = self._controller(index, word)
            if head is not None:
                self.heads[index] = head

    def _noun_after(self, index: int) -> int | None:
        """Существительное, к которому относится определение или числительное."""
        entity = self.pieces[index].word.target
        for other in range(index + 1, len(self.pieces)):
            word = self.pieces[other].word
            if word.kind == "noun" and word.entity is entity:
                return other
        return None

    def _relative(self, index: int) -> int | None:
        number = self.entities.refer(self.pieces[index].word.target)
        before = [m.index for m in self.mentions.get(number, ()) if m.index < index]
        if not before:
            return None
        self.relative[index] = before[-1]
        self.numbers[index] = number
        return before[-1]

    def _controller(self, index: int, word: Word) -> int | None:
        """Слово, с которым согласовано сказуемое или обособленное определение."""
        number = self.entities.refer(word.target)
        if word.person:
            return self._speaker(index, number, _SPEAKERS[word.person])
        mentions = self.mentions.get(number, [])
        if number in self.first_of:
            mentions = [*mentions, Mention(self.first_of[number], "nomn", False)]
        if word.kind == "adjective":
            case = "nomn" if word.form.startswith("short") else word.form[:4]
            same = [m for m in mentions if m.case == case]
            return _nearest(index, same or mentions)
        subject = _nearest(index, [m for m in mentions if m.case == "nomn"])
        if subject is None:
            subject = self._relative_subject(index, number)
        return self._literal_subject(index, number, word.target) if subject is None else subject

    def _literal_subject(self, index: int, number: int, target: Entity) -> int | None:
        """Подлежащее той же части предложения, записанное неизменяемым текстом."""
        if target.parts:
            texts = {"они", "мы", "вы"}
        else:
            third = "они" if target.number == "plur" else _THIRD[target.gender]
            texts = {third, target.lexeme.forms.get(f"nomn {target.number}", third).lower()}
            if isinstance(target, Resident):
                texts |= {"я", "ты"}
        for other in self._clause(index):
            piece = self.pieces[other]
            if piece.word.kind == "text" and piece.text.lower() in texts:
                self.numbers[other] = number
                self.mentioned.add(other)
                if is_speaker(piece.text):
                    self.speakers.add(other)
                return other
        return None

    def _plural_subject(self, index: int) -> int | None:
        """«{появиться past plur} ростки»: единственное «они» своей части предложения."""
        if self.pieces[index].word.form.startswith("impr"):
            return None
        found = [
            other
            for other in self._clause(index)
            if self.pieces[other].word.kind == "noun"
            and self.pieces[other].word.form == "nomn plur"
        ]
        return found[0] if len(found) == 1 else None

    def _clause(self, index: int) -> range:
        """Слова вокруг `index` до знаков препинания с обеих сторон."""
        start, end = index, index
        while start > 0 and self.pieces[start - 1].text[:1].isalnum():
            start -= 1
        while end + 1 < len(self.pieces) and self.pieces[end + 1].text[:1].isalnum():
            end += 1
        return range(start, end + 1)

    def _relative_subject(self, index: int, number: int) -> int | None:
        """«увидела мальчика, который бежал»: подлежащее придаточного — само существительное."""
        for which in sorted(self.relative, reverse=True):
            case = self.pieces[which].word.form[:4]
            if which < index and self.numbers[which] == number and case == "nomn":
                return self.relative[which]
        return None

    def _speaker(self, index: int, number: int, pronoun: str) -> int | None:
        """«Я», «ты», «мы», «вы» при сказуемом, даже если оно — неизменяемый текст."""
        places = [
            Mention(i, "nomn", True) for i, p in enumerate(self.pieces) if p.text.lower() == pronoun
        ]
        found = _nearest(index, places)
        if found is not None and found not in self.numbers:
            self.numbers[found] = number
            self.speakers.add(found)
        return found


def _nearest(index: int, mentions: list[Mention]) -> int | None:
    """Ближайшее упоминание слева, а если слева нет — справа."""
    before = [m.index for m in mentions if m.index < index]
    after = [m.index for m in mentions if m.index > index]
    return max(before) if before else min(after, default=None)


def pieces_of(words: list[Word], raw: str) -> Iterator[Piece]:
    """Слова и знаки с границами в неочищенном тексте."""
    offset = 0
    for word in words:
        if word.kind == "text":
            for found in _TOKEN.finditer(word.text):
                start, end = offset + found.start(), offset + found.end()
                yield Piece(word, start, end, found[0])
        else:
            yield Piece(word, offset, offset + len(word.text), word.text)
        offset += len(word.text)
