"""Сценарии «Городка»: файлы `scripts/*.txt` превращаются в документы.

Сценарий — роли и шаги; у шага несколько вариантов, выбирается один. Участники выбираются из мира
(`world`), слова — из словаря, согласование делает грамматика.
Посмотреть на сценарий: `python -m lecture_lib.corpus.stories --script kino --count 5`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lecture_lib.corpus.grammar import Compiled, compile_template
from lecture_lib.corpus.lexicon import Lexicon, lexicon
from lecture_lib.corpus.sentences import finished
from lecture_lib.corpus.state import LINE, Entity, Resident, State
from lecture_lib.corpus.template import TemplateError
from lecture_lib.corpus.world import World, world

SCRIPTS = Path(__file__).parent / "scripts"
OPTIONAL_STEP = 0.6  # как часто играется шаг, помеченный «?»
_PREFIX = re.compile(r"\s*(?:(\?)(?=\s)|<([^>]*)>)")
_GUARD = re.compile(r"(\w+)(?:\.(\w+))?\s*(!?=)\s*([\w|]+)(?:\.(\w+))?$")

Guard = Callable[[State], bool]


@dataclass(frozen=True)
class Line:
    """Вариант шага: условия, шаблон и факты мира, которые он сообщает."""

    guards: tuple[Guard, ...]
    text: Compiled
    facts: tuple[tuple[str, str], ...]

    def fits(self, state: State) -> bool:
        return all(guard(state) for guard in self.guards)


@dataclass(frozen=True)
class Step:
    """Шаг сценария: варианты и можно ли его пропустить."""

    lines: tuple[Line, ...]
    optional: bool


@dataclass(frozen=True)
class Role:
    """Роль из заголовка. `kind`: `person`, `relation`, `noun`, `class` или `value`."""

    name: str
    kind: str
    options: tuple[str, ...] = ()
    of: str = ""
    gender: str = ""
    profession: str = ""


class Script:
    """Один сценарий, готовый к порождению документов."""

    def __init__(self, path: Path, words: Lexicon, town: World):
        self.name = path.stem
        head, _, body = path.read_text(encoding="utf-8").partition("\n---\n")
        self.kind, self.topic, self.split = "story", self.name, "train"
        self.words, self.town = words, town
        self.roles: list[Role] = []
        for line in head.splitlines():
            if line.strip() and not line.startswith("#"):
                self._read_header(line.strip(), path)
        self.own = {role.name for role in self.roles}
        self.steps = [
            self._step(block, path) for block in re.split(r"\n\s*\n", body) if _lines(block)
        ]
        self._casts = self._possible_casts()

    def _read_header(self, line: str, path: Path) -> None:
        field, _, value = line.partition(":")
        if field in ("kind", "topic", "split"):
            setattr(self, field, value.strip())
            return
        found = re.fullmatch(r"(\w+)\s*[:=]\s*(.+)", line)
        if not found:
            raise TemplateError(f"{path.name}: не понять строку заголовка «{line}»")
        self.roles.append(_role(found[1], found[2].strip()))

    def _step(self, block: str, path: Path) -> Step:
        lines, optional = [], False
        for text in _lines(block):
            try:
                line, skippable = _line(text, self.words)
            except (TemplateError, KeyError) as error:
                raise TemplateError(f"{path.name}: {error.args[0]}\n    {text}") from None
            lines.append(line)
            optional = optional or skippable
        return Step(tuple(lines), optional)

    def _possible_casts(self) -> list[Resident]:
        """Кто может сыграть первую роль: у кого есть нужные родные, друзья, профессия."""
        people = [role for role in self.roles if role.kind == "person"]
        if not people:
            return []
        first = people[0]
        needed = [
            role.options[0]
            for role in self.roles
            if role.kind == "relation" and role.of == first.name
        ]
        return [
            r for r in _candidates(self.town, first) if all(self.town.related(n, r) for n in needed)
        ]

    def cast(self, state: State) -> None:
        """Раздать роли; у участников разные имена."""
        for _ in range(20):
            state.roles.clear()
            if all(self._assign(role, state) for role in self.roles):
                return
        raise TemplateError(f"Сценарий {self.name}: не удалось раздать роли")

    def _assign(self, role: Role, state: State) -> bool:
        if role.kind == "value":
            state.roles[role.name] = state.pick(role.options)
        elif role.kind == "noun":
            state.roles[role.name] = Entity(self.words.get("NOUN", state.pick(role.options)))
        elif role.kind == "class":
            state.roles[role.name] = Entity(
                state.pick_fresh(self.words.members(role.options, state.group))
            )
        else:
            return self._assign_person(role, state)
        return True

    def _assign_person(self, role: Role, state: State) -> bool:
        if role.kind == "relation":
            found = self.town.related(role.options[0], state.roles[role.of])
        elif not any(isinstance(other, Resident) for other in state.roles.values()):
            found = self._casts
        else:
            found = _candidates(self.town, role)
        taken = {o.lexeme for o in state.roles.values() if isinstance(o, Resident)}
        found = [r for r in found if r.lexeme not in taken and role.gender in ("", r.gender)]
        if not found:
            return False
        state.roles[role.name] = state.pick(found)
        return True

    def emit(self, state: State) -> list[list[tuple[Resident, str]]]:
        """Сыграть сценарий: слова — в `state.out`; возвращает факты каждой строки."""
        self.cast(state)
        facts = []
        for step in self.steps:
            if step.optional and state.draw() >= OPTIONAL_STEP:
                continue
            fitting = [line for line in step.lines if line.fits(state)]
            if not fitting:
                continue
            line = state.pick(fitting)
            # «@очередь» согласуется со словом своей строки, а не с «очередями» из прошлой.
            state.roles = {
                name: who for name, who in state.roles.items() if name in self.own or name.isascii()
            }
            line.text.emit(state)
            state.out.append(LINE)
            facts.append([(state.roles[role], fact) for role, fact in line.facts])
        return facts


def _lines(block: str) -> list[str]:
    return [line for line in block.splitlines() if line.strip() and not line.startswith("#")]


def _role(name: str, value: str) -> Role:
    """Разобрать правую часть заголовка роли."""
    relation = re.fullmatch(r"(\w+)\((\w+)\)(?:\s+(masc|femn))?", value)
    if relation:
        return Role(name, "relation", (relation[1],), of=relation[2], gender=relation[3] or "")
    if re.match(r"(person|child|adult)\b", value):
        words = value.split()
        gender = next((w for w in words if w in ("masc", "femn")), "")
        profession = next((w[5:] for w in words if w.startswith("prof=")), "")
        return Role(name, "person", (words[0],), gender=gender, profession=profession)
    if value.startswith("%"):
        return Role(name, "class", tuple(value[1:].split(",")))
    options = tuple(option.strip() for option in value.split("|"))
    return Role(name, "noun" if re.match("[а-яё]", options[0]) else "value", options)


def _candidates(town: World, role: Role) -> list[Resident]:
    people = [
        r for r in town.residents if (r.index in town.children) == (role.options[0] == "child")
    ]
    if role.gender:
        people = [r for r in people if r.gender == role.gender]
    if role.profession:
        people = [r for r in people if town.has_profession(r, role.profession)]
    return people


def _line(text: str, words: Lexicon) -> tuple[Line, bool]:
    """Строка сценария: пометы впереди, шаблон, факты позади."""
    text, _, tail = text.partition(";;")
    optional, guards = False, []
    while found := _PREFIX.match(text):
        if found[1]:
            optional = True
        else:
            guards.append(_guard(found[2]))
        text = text[found.end() :]
    facts = tuple(
        tuple(word.split(".")) for word in tail.replace("fact", " ").split() if "." in word
    )
    return Line(tuple(guards), compile_template(text.strip(), words), facts), optional


def _guard(source: str) -> Guard:
    """Условие: var=value, var=один|другой, A.femn, A.gender=B.gender; вместо = бывает !=."""
    found = _GUARD.match(source)
    if not found:
        name, _, gender = source.partition(".")
        if gender == "plur":
            return lambda state: state.roles[name].number == "plur"
        if gender not in ("masc", "femn", "neut"):
            raise TemplateError(f"Не понять условие «<{source}>»")
        return lambda state: state.roles[name].gender == gender
    left, left_field, sign, right, right_field = found.groups()
    equal = sign == "="

    def check(state: State) -> bool:
        others = [_value(state, right, right_field)] if right_field else right.split("|")
        return (_value(state, left, left_field) in others) == equal

    return check


def _value(state: State, name: str, field: str | None):
    """Значение переменной, лемма предмета или свойство участника."""
    value = state.roles[name]
    if isinstance(value, str):
        return value
    if field in ("gender", "number"):
        return getattr(value, field)
    if field:
        return value.attributes[field].lexeme.lemma
    return value.lexeme.lemma


@cache
def scripts() -> dict[str, Script]:
    """Все сценарии пакета по именам, по алфавиту."""
    return {path.stem: Script(path, lexicon(), world()) for path in sorted(SCRIPTS.glob("*.txt"))}


def main() -> None:
    """Показать несколько документов одного сценария (для авторов сценариев)."""
    import argparse
    import random

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--script", required=True, help="имя файла без .txt")
    parser.add_argument("--count", type=int, default=5, help="сколько документов")
    parser.add_argument("--seed", type=int, default=0, help="зерно генератора")
    options = parser.parse_args()
    script = Script(SCRIPTS / f"{options.script}.txt", lexicon(), world())
    for number in range(options.count):
        state = State(lexicon(), random.Random(options.seed * 1000 + number).random)
        script.emit(state)
        print("\n".join(sentence.text for sentence in finished(state)), end="\n\n")


if __name__ == "__main__":
    main()
