"""Общее для слотов «Городка»: предлог перед словом, ключ согласования, с кем согласовать."""

from __future__ import annotations

import re

from lecture_lib.corpus import template
from lecture_lib.corpus.lexicon import Lexeme, Lexicon
from lecture_lib.corpus.state import SPACE, Entity, State, Word, plural

_VOICED_TO = {
    "в": ("во", re.compile(r"[вф][бвгджзклмнпрстфхцчшщ]|дво|мно|сне\b|сну\b|рту\b|льду|все[мхй]")),
    "с": ("со", re.compile(r"[сзшж][бвгджзклмнпрстфхцчшщ]|щ|дво|мно|льд|вс[её]|втор")),
    "к": ("ко", re.compile(r"мне\b|всем|всей|дню\b|двор|сну\b|втор")),
    "о": ("об", re.compile(r"[аэиоу]")),
}


def agreement_key(case: str, gender: str, number: str, animate: bool) -> str:
    """Ключ формы прилагательного: `"accs masc anim"`, `"gent femn"`, `"nomn plur"`."""
    agreement = "plur" if number == "plur" else gender
    if case == "accs" and agreement in ("masc", "plur"):
        return f"accs {agreement} {'anim' if animate else 'inan'}"
    return f"{case} {agreement}"


def vocalised(preposition: str, following: str) -> str:
    """«в» или «во», «с» или «со», «о» или «об» — по началу следующего слова."""
    rule = _VOICED_TO.get(preposition.lower())
    if rule is None:
        return preposition
    if preposition.lower() == "о" and following.startswith(("мне", "всём", "всех", "всей")):
        return preposition + "бо"
    if rule[1].match(following.lower()):
        return rule[0] if preposition.islower() else rule[0].capitalize()
    return preposition


def adjectives(state: State, entity: Entity, feature: str) -> list[Lexeme]:
    """Подходящие к участнику прилагательные, доступные этой доле корпуса."""
    return state.lexicon.fitting_adjectives(entity.lexeme.lemma, feature, state.group)


class SlotNode:
    """Общее для слотов: предлог перед словом и участник, о котором речь."""

    def __init__(self, slot: template.Slot, lexicon: Lexicon):
        self.slot = slot
        self.preposition = slot.preposition
        self.case = slot.case
        self.targets = slot.agree
        self.after_preposition = slot.preposition is not None

    def target(self, state: State) -> Entity | None:
        """С кем согласовать: участник или группа."""
        if not self.targets:
            return None
        if len(self.targets) == 1:
            return state.entity(self.targets[0])
        return plural([state.entity(name) for name in self.targets])

    def put(self, state: State, words: list[Word], preposition: str | None = None) -> None:
        """Положить слова через пробел, предлог — впереди и в нужном виде."""
        preposition = preposition or self.preposition
        out = state.out
        if preposition:
            out.append(Word(vocalised(preposition, words[0].text)))
            out.append(SPACE)
        out.append(words[0])
        for word in words[1:]:
            out.append(SPACE)
            out.append(word)
