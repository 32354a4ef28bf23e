"""Состояние документа «Городка»: участники, слова на выходе, роли и источник случайности."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from lecture_lib.corpus.lexicon import Lexeme, Lexicon


class Entity:
    """То, о чём говорит документ: человек, вещь, место. Слово, род, число и свойства."""

    __slots__ = (
        "attributes", "fresh", "gender", "lexeme", "modifiers", "number", "parts", "title",
    )  # fmt: skip

    def __init__(
        self, lexeme: Lexeme, number: str | None = None, modifiers: tuple = (), title: str = ""
    ):
        self.lexeme = lexeme
        self.number = number or lexeme.number
        self.gender = lexeme.gender
        self.modifiers = modifiers  # постоянные определения: «Садовая» улица
        self.title = title  # неизменяемое имя: кинотеатр «Заря»
        self.parts: tuple[Entity, ...] = ()  # у группы «Анна и Пётр» — её участники
        self.attributes: dict[str, Entity] = {}
        self.fresh = False  # слово взято из класса наугад: такого участника ещё не было

    @property
    def animate(self) -> bool:
        return self.lexeme.animate


class Resident(Entity):
    """Житель: имя и фамилия вместо одного слова."""

    __slots__ = ("index", "last")

    def __init__(self, first: Lexeme, last: Lexeme, index: int):
        super().__init__(first)
        self.last = last
        self.index = index

    @property
    def full_name(self) -> str:
        return f"{self.lexeme.forms['nomn sing']} {self.last.forms['nomn sing']}"


class Word(NamedTuple):
    """Одно слово на выходе; `kind` — text, noun, modifier, adjective, verb, pronoun или numeral.

    `modifier` — определение внутри именной группы, `adjective` — сказуемое или обособленное
    определение; `person` — me, you, we или vy, если глагол согласован с говорящим.
    """

    text: str
    kind: str = "text"
    lexeme: Lexeme | None = None
    form: str = ""
    entity: Entity | None = None
    target: Entity | None = None
    person: str | None = None


SPACE = Word(" ")
BREAK = Word("\n", "break")  # граница предложений внутри строки сценария
LINE = Word("\n", "line")  # конец строки сценария


@dataclass
class State:
    """Состояние одного документа: роли, выход и источник случайности (функция `[0, 1)`)."""

    lexicon: Lexicon
    draw: Callable[[], float]
    roles: dict = field(default_factory=dict)
    out: list = field(default_factory=list)
    mentioned: set = field(default_factory=set)
    used: set = field(default_factory=set)
    group: str = "train"  # из какой доли слов брать: "train" или "test_words"

    def pick(self, items):
        """Равновероятный выбор; на любой машине один и тот же."""
        return items[int(self.draw() * len(items))]

    def pick_fresh(self, items):
        """Выбор слова, которого в документе ещё не было (если за три попытки нашлось)."""
        for _ in range(3):
            lexeme = items[int(self.draw() * len(items))]
            if lexeme.lemma not in self.used:
                break
        self.used.add(lexeme.lemma)
        return lexeme

    def entity(self, name: str) -> Entity:
        """Участник по имени роли или по лемме (лемма без роли становится участником сразу)."""
        found = self.roles.get(name)
        if found is None:
            found = self.roles[name] = Entity(self.lexicon.get("NOUN", name))
        return found


def plural(parts: list[Entity]) -> Entity:
    """Группа участников: «Анна и Пётр» согласуется во множественном числе."""
    group = Entity(parts[0].lexeme, "plur")
    group.parts = tuple(parts)
    return group
