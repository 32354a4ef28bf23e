"""Правда о словах «Городка»: что известно о каждом слове документа и как это узнаётся.

Грамматика (`grammar`) знает о каждом поставленном слове, какая это форма, о ком речь и с кем
оно согласовано; здесь это знание привязано к словам готового текста. Правила:

* `head` — слово того же предложения, по которому выбрана форма этого: у определения и
  числительного — их существительное, у сказуемого — подлежащее, где бы оно ни стояло. Подлежащее
  «Анна и Пётр» представляет первое слово, а общий номер группы стоит у обоих (`group`). У имени с
  фамилией — имя. Глагол при «который» указывает на само существительное. Подлежащего в
  предложении нет — нет и `head`; нет его и у инфинитивов и деепричастий.
* `entity` — номер участника; по `Document.entities` видно, кто это. Второе упоминание той же
  леммы в сценарии — тот же участник, если это одна исчисляемая вещь («купил велосипед… велосипед
  украли»), но не когда слово взято наугад из класса, сосчитано, стоит во множественном числе,
  названо «другим», «новым», «вторым» … или значит время, часть тела, вещество. В хрониках,
  омонимах и знаниях предложения не связаны, и повтор леммы там — новый участник.
* `antecedent` — последнее более раннее упоминание того же участника; есть у «он, она, оно, они»,
  «его, её, их» и «который». У «они» это группа целиком, а если вместе её ещё не называли —
  последний из её участников. У «я, ты, мы, вы» есть `entity` — житель, от чьего лица
  говорят или к кому обращаются, или группа, — но антецедента нет: их понимают из разговора, а
  не из текста. «Себя» и «свой» не размечены; местоимения неизменяемого текста («у них дома»)
  размечены, только если с ними согласован глагол.
* `certain` — верен ли разбор наверняка. Слова неизменяемого текста разобраны без оглядки на
  соседей и верны наверняка, только если разбор один.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lecture_lib.corpus import features
from lecture_lib.corpus.entities import Entities, name_of
from lecture_lib.corpus.links import Links, Piece, pieces_of
from lecture_lib.corpus.state import Entity, Resident, Word
from lecture_lib.corpus.world import world

_THIRD_PERSON = frozenset(("он", "она", "оно", "они"))
EXTRA_SPACE = re.compile(r" +(?=[ ,.!?»])")


@dataclass(frozen=True, slots=True)
class TokenTruth:
    """Что известно о слове; как это понимать, сказано в начале модуля.

    `start`, `end` — границы в тексте предложения; `lemma` у омонима хранит смысл; `pos` и
    `features` — как в модуле `features`; `head` — номер слова того же предложения;
    `antecedent` — пара (предложение, слово); `group` — номер группы, в которую слово входит.
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
    group: int | None = None
    certain: bool = True


class Annotator:
    """Строит разметку предложений одного документа, помня его участников."""

    def __init__(self, out: list[Word], coreferent: bool = True):
        self.entities = Entities(coreferent)
        self.groups = [
            entity.parts
            for word in out
            for entity in (word.entity, word.target)
            if entity is not None and entity.parts
        ]
        self.last: dict[int, tuple[int, int]] = {}  # номер участника → последнее упоминание
        self.sentences = 0

    def annotate(self, words: list[Word], raw: str, text: str) -> tuple[TokenTruth, ...]:
        """Разметка следующего предложения; границы пересчитаны на текст без лишних пробелов."""
        pieces = list(pieces_of(words, raw))
        links = Links(self.entities, self.groups, pieces)
        place = spans(raw)
        tokens = []
        for index, piece in enumerate(pieces):
            first, last = place[piece.start], place[piece.end]
            lemma, pos, grammemes, certain = analysis(piece)
            tokens.append(
                TokenTruth(
                    text[first:last],
                    *(first, last, lemma, pos, grammemes),
                    head=links.heads.get(index),
                    entity=links.numbers.get(index),
                    antecedent=self._antecedent(piece, index, links),
                    group=links.joined.get(index),
                    certain=certain,
                )
            )
            self._remember(piece, index, links)
        self.sentences += 1
        return tuple(tokens)

    def _antecedent(self, piece: Piece, index: int, links: Links) -> tuple[int, int] | None:
        """Последнее более раннее упоминание участника или участников группы."""
        if index in links.relative:
            return self.sentences, links.relative[index]
        number = links.numbers.get(index)
        personal = piece.word.kind == "pronoun" or piece.text.lower() in _THIRD_PERSON
        if number is None or not personal or index in links.speakers:
            return None
        if number in self.last:
            return self.last[number]
        members = self.entities.known[number].members
        return max((self.last[m] for m in members if m in self.last), default=None)

    def _remember(self, piece: Piece, index: int, links: Links) -> None:
        number = links.numbers.get(index)
        if number is None or index in links.speakers or index not in links.mentioned:
            return
        self.last[number] = (self.sentences, index)
        group = links.joined.get(index)
        if group is not None and links.first_of[group] == index:
            self.last[group] = (self.sentences, index)


def analysis(piece: Piece) -> tuple[str, str, str, bool]:
    """Лемма, часть речи, признаки слова и верны ли они наверняка."""
    word = piece.word
    if word.lexeme is not None:
        return *features.of_lexeme(word.lexeme, word.form), True
    if word.kind == "pronoun":
        who = word.entity
        return *features.of_pronoun(piece.text, word.form, who.number, who.gender), True
    if word.kind == "numeral":
        return *features.of_numeral(piece.text, word.form), True
    return features.of_literal(piece.text)


def spans(raw: str) -> list[int]:
    """Где каждая позиция неочищенного текста оказалась в очищенном."""
    removed = {i for found in EXTRA_SPACE.finditer(raw) for i in range(*found.span())}
    leading = len(raw) - len(raw.lstrip())
    places, shift = [], 0
    for index in range(len(raw) + 1):
        places.append(index - shift - min(index, leading))
        shift += index in removed and index >= leading
    return places


def stated(line: list[list[Word]], facts: list) -> list[tuple[tuple[str, str, str], ...]]:
    """Факты каждого предложения строки: факт сообщает то предложение, где стоит его значение.

    Факт — тройка «кто, что, значение». О родне говорится по одному: «дочь Анны — Вера» сообщает
    только о Вере. Факт, значение которого в строке не названо, не сообщён.
    """
    if not facts:
        return [()] * len(line)
    known = [(name_of(who), what, value) for who, what in facts for value in _values(who, what)]
    return [
        tuple((who, what, name_of(value)) for who, what, value in known if _names(words, value))
        for words in line
    ]


def _names(words: list[Word], value: Entity) -> bool:
    """Названо ли значение: сам участник или то же слово («лучший библиотекарь города»)."""
    return any(
        word.entity is value
        or (word.kind == "noun" and not value.modifiers and word.entity.lexeme is value.lexeme)
        for word in words
        if word.entity is not None
    )


def _values(who: Entity, what: str) -> list[Entity]:
    """Значения факта: свойство участника или его родные."""
    if what in who.attributes:
        return [who.attributes[what]]
    return list(world().related(what, who)) if isinstance(who, Resident) else []
