"""Участники документа «Городка» для разметки: номера, виды, имена и когда повтор — тот же самый."""

from __future__ import annotations

from dataclasses import dataclass

from lecture_lib.corpus.lexicon import Lexeme, lexicon
from lecture_lib.corpus.state import Entity, Resident

# Повтор этих слов — не повтор той же вещи: «через час … через час».
_UNCOUNTED = frozenset(
    "time_unit weekday month season daytime quality emotion material body body_look money".split()
)


@dataclass(frozen=True, slots=True)
class EntityTruth:
    """Участник документа: вид, имя в начальной форме и, у группы, номера её участников.

    Виды: `resident` — житель, `group` — группа, `pet` — кличка, `street` — улица, `house` — номер
    дома, `place` — место, `noun` — всё прочее.
    """

    kind: str
    name: str
    members: tuple[int, ...] = ()


class Entities:
    """Участники документа и их номера."""

    def __init__(self, coreferent: bool):
        self.coreferent = coreferent
        self.known: list[EntityTruth] = []
        self._numbers: dict[int, int] = {}  # id участника грамматики → номер
        self._latest: dict[Lexeme, int] = {}  # слово → кого им назвали последним
        self._named: dict[str, int] = {}  # то же без помет смысла: «@лук» — и о `лук_овощ`
        self._groups: dict[frozenset[int], int] = {}

    def introduce(self, entity: Entity, fresh: bool = False) -> int:
        """Номер участника, которого назвали существительным; `fresh` — заведомо новый."""
        number = self._numbers.get(id(entity))
        if number is not None:
            return number
        number = self._latest.get(entity.lexeme)
        if number is None or fresh or not (self.coreferent and _repeatable(entity)):
            number = self._new(_kind(entity), name_of(entity))
        self._numbers[id(entity)] = number
        if not isinstance(entity, Resident):
            self._latest[entity.lexeme] = self._named[entity.lexeme.surface] = number
        return number

    def refer(self, entity: Entity) -> int:
        """Номер участника, о котором говорит местоимение или с которым согласован глагол."""
        if entity.parts:
            return self.group(tuple(self.refer(part) for part in entity.parts))
        number = self._numbers.get(id(entity))
        if number is None:  # «прошла неделя»: глагол согласован с лемой своей строки
            number = self._named.get(entity.lexeme.surface)
            if number is None or isinstance(entity, Resident):
                return self.introduce(entity)
            self._numbers[id(entity)] = number
        return number

    def group(self, members: tuple[int, ...]) -> int:
        """Номер группы; порядок участников не важен."""
        key = frozenset(members)
        if key not in self._groups:
            name = " и ".join(self.known[member].name for member in members)
            self._groups[key] = self._new("group", name, members)
        return self._groups[key]

    def groups(self) -> dict[frozenset[int], int]:
        return self._groups

    def _new(self, kind: str, name: str, members: tuple[int, ...] = ()) -> int:
        self.known.append(EntityTruth(kind, name, members))
        return len(self.known) - 1


def _repeatable(entity: Entity) -> bool:
    """Может ли повтор слова значить ту же самую вещь."""
    lexeme = entity.lexeme
    if entity.fresh or entity.title or "uncount" in lexeme.flags:
        return False
    if entity.number == "plur" and lexeme.number != "plur":
        return False
    return not lexicon().noun_classes(lexeme.lemma) & _UNCOUNTED


def _kind(entity: Entity) -> str:
    if isinstance(entity, Resident):
        return "resident"
    if entity.lexeme.surface.isdigit():
        return "house"
    if entity.lexeme.surface[:1].isupper():
        return "pet"
    if entity.modifiers:
        return "street"
    return "place" if "place" in lexicon().noun_classes(entity.lexeme.lemma) else "noun"


def name_of(entity: Entity) -> str:
    """Имя участника в именительном падеже — с фамилией, определением, названием."""
    if isinstance(entity, Resident):
        return entity.full_name
    key = f"nomn {entity.lexeme.number}"
    gender = "plur" if entity.lexeme.number == "plur" else entity.gender
    words = [m.forms.get(f"nomn {gender}", m.surface) for m in entity.modifiers]
    return " ".join(filter(None, [*words, entity.lexeme.forms.get(key, ""), entity.title]))
