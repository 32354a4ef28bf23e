"""Мир «Городка»: жители, их родня, дома, работа и привычки — одни и те же во всех документах.

Мир не зависит от зерна корпуса: Анна Петрова всегда живёт на своей улице и всегда держит одного и
того же кота. Поэтому модель может выучить факты, а мы — о них спросить.
"""

from __future__ import annotations

import random
from functools import cache

from lecture_lib.corpus.forms import feminine_surname
from lecture_lib.corpus.lexicon import Lexeme, Lexicon, lexicon, rows
from lecture_lib.corpus.state import Entity, Resident

WORLD_SEED = 2018
ELDERS = 40  # старших пар
COUPLES = 60  # пар, у которых могут быть дети
SINGLES = 50
FACTS = (
    "prof",
    "work",
    "street",
    "house",
    "pet",
    "petname",
    "dish",
    "drink",
    "hobby",
    "instrument",
)


class World:
    """Жители и связи между ними.

    `residents` — все жители; `adults` — взрослые; `relations[имя][номер]` — список номеров,
    где имя — spouse, child (школьники), grown (взрослые дети), parent, sibling, friend,
    neighbour или colleague.
    """

    def __init__(self, words: Lexicon, seed: int = WORLD_SEED):
        self.words = words
        self.draw = random.Random(seed).random
        self.residents: list[Resident] = []
        self.children: set[int] = set()
        self.relations: dict[str, dict[int, list[int]]] = {}
        self._names = {g: [r[0] for r in rows("names.txt") if r[1] == g] for g in ("masc", "femn")}
        self._surnames = [row[0] for row in rows("surnames.txt")]
        self._professions = rows("professions.txt")
        self._taken: set[tuple[str, str]] = set()
        self._settle()
        self._acquaint()

    @property
    def adults(self) -> list[Resident]:
        return [r for r in self.residents if r.index not in self.children]

    def related(self, relation: str, resident: Resident) -> list[Resident]:
        """Кем приходятся жителю другие: `related("child", anna)` — дети Анны."""
        return [self.residents[i] for i in self.relations.get(relation, {}).get(resident.index, ())]

    def has_profession(self, resident: Resident, profession: str) -> bool:
        """Работает ли житель по профессии; её можно назвать в мужском или женском роде."""
        mine = resident.attributes["prof"].lexeme.lemma
        return any(mine in row[:2] and profession in row[:2] for row in rows("professions.txt"))

    def _pick(self, items):
        return items[int(self.draw() * len(items))]

    def _settle(self) -> None:
        """Заселить город: старшие пары, их взрослые дети с семьями, одиночки."""
        elders = [self._couple(self._surnames[number]) for number in range(ELDERS)]
        for number in range(COUPLES):
            his, hers = elders[number % ELDERS], elders[(5 * number + 7) % ELDERS]
            couple = self._couple(his[0].last.lemma)
            for spouse, parents in zip(couple, (his, hers), strict=True):
                self._grow_up(spouse, parents)
            self._raise_children(couple, his[0].last.lemma)
        for number in range(SINGLES):
            self._adult(("masc", "femn")[number % 2], self._surnames[ELDERS + number], self._home())

    def _couple(self, surname: str) -> list[Resident]:
        home = self._home()
        couple = [self._adult(gender, surname, home) for gender in ("masc", "femn")]
        self._relate("spouse", *couple)
        return couple

    def _adult(self, gender: str, surname: str, home: dict) -> Resident:
        """Взрослый житель; профессии раздаются по кругу."""
        profession = self._professions[len(self.adults) % len(self._professions)]
        return self._resident(gender, surname, home, profession)

    def _grow_up(self, one: Resident, parents: list[Resident]) -> None:
        """Родители взрослого жителя; другие их дети — его братья и сёстры."""
        for sibling in self.related("grown", parents[0]):
            self._relate("sibling", one, sibling)
        for parent in parents:
            self._relate("parent", one, parent, back="grown")

    def _raise_children(self, parents: list[Resident], surname: str) -> None:
        """До трёх детей-школьников у пары."""
        home = {name: parents[0].attributes[name] for name in ("street", "house", "pet", "petname")}
        siblings: list[Resident] = []
        for _ in range(int(self.draw() * 4)):
            pupil = ["ученик", "ученица", "школа"]
            child = self._resident(self._pick(("masc", "femn")), surname, home, pupil)
            self.children.add(child.index)
            for parent in parents:
                self._relate("parent", child, parent, back="child")
            for other in siblings:
                self._relate("sibling", child, other)
            siblings.append(child)

    def _home(self) -> dict:
        """Общее у семьи: улица, дом, питомец и его кличка."""
        street = self._pick(rows("streets.txt"))[0]
        pet_row = self._pick(rows("petnames.txt"))
        adjective = self.words.get("ADJF", self.words.streets[street])
        return {
            "street": Entity(self.words.get("NOUN", "улица"), modifiers=(adjective,)),
            "house": Entity(_number_lexeme(1 + int(self.draw() * 40))),
            "pet": self._noun(pet_row[1]),
            "petname": self._noun(pet_row[0]),
        }

    def _workplace(self, lemma: str) -> Entity:
        """Место работы; у школ, больниц и магазинов города есть номера и названия."""
        titles = self.words.places.get(lemma)
        return Entity(self.words.get("NOUN", lemma), title=self._pick(titles) if titles else "")

    def _noun(self, lemma: str) -> Entity:
        return Entity(self.words.get("NOUN", lemma))

    def _resident(self, gender: str, surname: str, home: dict, profession: list[str]) -> Resident:
        last = surname if gender == "masc" else feminine_surname(surname)
        while True:
            first = self._pick(self._names[gender])
            if (first, last) not in self._taken:
                break
        self._taken.add((first, last))
        resident = Resident(
            self.words.get("NOUN", first), self.words.get("NOUN", last), len(self.residents)
        )
        resident.gender = gender
        resident.attributes = {
            **home,
            "prof": self._noun(profession[0 if gender == "masc" else 1]),
            "work": self._workplace(profession[2]),
            "dish": Entity(self._pick(self._liked("dish"))),
            "drink": Entity(self._pick(self._liked("drink"))),
            "hobby": self._noun(self._pick(rows("hobbies.txt"))[0]),
            "instrument": Entity(self._pick(self._liked("instrument"))),
        }
        self.residents.append(resident)
        return resident

    def _liked(self, name: str) -> list[Lexeme]:
        """Слова класса, о которых говорит мир: без отложенных для `test_words`."""
        return self.words.members((name,))

    def _relate(
        self, relation: str, one: Resident, other: Resident, back: str | None = None
    ) -> None:
        self.relations.setdefault(relation, {}).setdefault(one.index, []).append(other.index)
        self.relations.setdefault(back or relation, {}).setdefault(other.index, []).append(
            one.index
        )

    def _acquaint(self) -> None:
        """Друзья, соседи и коллеги: имена в паре всегда разные."""
        adults = self.adults
        for one in adults:
            for other in adults[one.index % 7 :: 7]:
                if self._may_know(one, other) and self.draw() < 0.2:
                    self._relate("friend", one, other)
        for index, one in enumerate(adults):
            for other in adults[index + 1 :]:
                if not self._may_know(one, other):
                    continue
                mine, theirs = one.attributes, other.attributes
                if mine["street"].modifiers == theirs["street"].modifiers:
                    self._relate("neighbour", one, other)
                if mine["work"].lexeme is theirs["work"].lexeme:
                    self._relate("colleague", one, other)

    def _may_know(self, one: Resident, other: Resident) -> bool:
        if one is other or one.lexeme is other.lexeme or one.last.lemma[:4] == other.last.lemma[:4]:
            return False
        return other.index not in self.relations.get("friend", {}).get(one.index, ())


@cache
def _number_lexeme(number: int) -> Lexeme:
    """Номер дома: число, которое не склоняется."""
    from lecture_lib.corpus.template import CASES, NUMBERS

    forms = {f"{case} {count}": str(number) for case in CASES for count in NUMBERS}
    return Lexeme(str(number), "NOUN", forms)


@cache
def world() -> World:
    """Мир курса: один на всех."""
    return World(lexicon())
