"""Грамматика «Городка»: из дерева шаблона — согласованные слова.

Дерево (`template`) компилируется один раз; потом каждый узел кладёт
в состояние готовые слова вместе с тем, что о них известно: лемма, форма, о ком речь, с кем
согласовано. Один и тот же путь даёт и голый текст, и текст с разметкой.
"""

from __future__ import annotations

from lecture_lib.corpus import template
from lecture_lib.corpus.lexicon import Lexeme, Lexicon
from lecture_lib.corpus.noun_phrase import NounNode
from lecture_lib.corpus.slots import SlotNode, adjectives, agreement_key
from lecture_lib.corpus.state import BREAK, Entity, State, Word, plural

_THIRD_PERSON = {
    "masc": {
        "nomn": "он",
        "gent": "его",
        "datv": "ему",
        "accs": "его",
        "ablt": "им",
        "loct": "нём",
    },
    "femn": {"nomn": "она", "gent": "её", "datv": "ей", "accs": "её", "ablt": "ей", "loct": "ней"},
    "plur": {"nomn": "они", "gent": "их", "datv": "им", "accs": "их", "ablt": "ими", "loct": "них"},
}
_THIRD_PERSON["neut"] = {**_THIRD_PERSON["masc"], "nomn": "оно"}
_SPEAKERS = {
    "me": ("я", "меня", "мне", "меня", "мной", "мне"),
    "you": ("ты", "тебя", "тебе", "тебя", "тобой", "тебе"),
    "we": ("мы", "нас", "нам", "нас", "нами", "нас"),
    "vy": ("вы", "вас", "вам", "вас", "вами", "вас"),
}
PERSONAL = {
    name: dict(zip(template.CASES, forms, strict=True)) for name, forms in _SPEAKERS.items()
}
_GRAMMATICAL_PERSON = {"me": (1, "sing"), "you": (2, "sing"), "we": (1, "plur"), "vy": (2, "plur")}


class Compiled:
    """Скомпилированный шаблон; `emit` дописывает слова в состояние."""

    __slots__ = ("nodes",)

    def __init__(self, nodes: list):
        self.nodes = nodes

    def emit(self, state: State) -> None:
        for node in self.nodes:
            node.emit(state)


class _Text:
    __slots__ = ("word",)

    def __init__(self, text: str):
        self.word = Word(text)

    def emit(self, state: State) -> None:
        state.out.append(self.word)


class _Break:
    __slots__ = ()

    def emit(self, state: State) -> None:
        state.out.append(BREAK)


class _Choice:
    __slots__ = ("options",)

    def __init__(self, options: list[Compiled]):
        self.options = options

    def emit(self, state: State) -> None:
        self.options[int(state.draw() * len(self.options))].emit(state)


class VerbNode(SlotNode):
    """Глагол: время, лицо, число и род — от того, с кем он согласован."""

    def __init__(self, slot: template.Slot, lexicon: Lexicon):
        super().__init__(slot, lexicon)
        self.lexemes = [lexicon.get("VERB", lemma) for lemma in slot.lemmas]
        self.tense = slot.tense
        self.plural = "plur" in slot.features or slot.person in ("we", "vy")
        self.fixed_gender = next((g for g in ("masc", "femn", "neut") if g in slot.features), None)
        self.future_be = lexicon.get("VERB", "быть")

    def emit(self, state: State) -> None:
        lexeme = self.lexemes[0] if len(self.lexemes) == 1 else state.pick(self.lexemes)
        self.put(state, self.words(lexeme, self.target(state)))

    def words(self, lexeme: Lexeme, target: Entity | None) -> list[Word]:
        """Глагольная форма; у несовершенного будущего — два слова: «буду читать»."""
        if self.tense in ("infn", "grnd"):
            return [Word(lexeme.form(self.tense), "verb", lexeme, self.tense, None, target)]
        person, number, gender = self.agreement(target)
        if self.tense == "impr":
            key = f"impr {number}"
        elif self.tense == "past":
            key = f"past {'plur' if number == 'plur' else gender}"
        elif self.tense == "pres" and lexeme is self.future_be:
            key = "pres"
        else:
            key = f"fin {person} {number}"
            if self.tense == "futr" and lexeme.aspect == "impf" and lexeme is not self.future_be:
                be = self.future_be
                auxiliary = Word(be.form(key), "verb", be, key, None, target, self.slot.person)
                return [auxiliary, Word(lexeme.form("infn"), "verb", lexeme, "infn", None, target)]
        return [Word(lexeme.form(key), "verb", lexeme, key, None, target, self.slot.person)]

    def agreement(self, target: Entity | None) -> tuple[int, str, str]:
        """Лицо, число, род сказуемого."""
        if self.slot.person:
            person, number = _GRAMMATICAL_PERSON[self.slot.person]
            return person, number, target.gender if target else "masc"
        if target is None:
            return 3, "plur" if self.plural else "sing", self.fixed_gender or "neut"
        return 3, target.number, target.gender


class AdjectiveNode(SlotNode):
    """Согласованное слово отдельно от существительного: «оказался интересным», «который»."""

    def __init__(self, slot: template.Slot, lexicon: Lexicon):
        super().__init__(slot, lexicon)
        self.lexemes = [lexicon.get("ADJF", lemma) for lemma in slot.lemmas]
        self.short = "short" in slot.features
        self.comparative = "comp" in slot.features
        self.number = "plur" if "plur" in slot.features or slot.person in ("we", "vy") else None
        self.fixed_gender = next(
            (g for g in ("masc", "femn", "neut") if g in slot.features), "neut"
        )

    def emit(self, state: State) -> None:
        target = self.target(state)
        lexemes = self.lexemes
        if not lexemes:
            lexemes = adjectives(state, target, self.slot.adjective)
        lexeme = lexemes[0] if len(lexemes) == 1 else state.pick(lexemes)
        if self.comparative:
            key = "comp"
        else:
            number = self.number or (target.number if target else "sing")
            gender = target.gender if target else self.fixed_gender
            if self.short:
                key = f"short {'plur' if number == 'plur' else gender}"
            else:
                key = agreement_key(self.case, gender, number, bool(target and target.animate))
        self.put(
            state,
            [Word(lexeme.form(key), "adjective", lexeme, key, None, target, self.slot.person)],
        )


class PronounNode(SlotNode):
    """Личное местоимение вместо участника: «он», «ей», «мы», «их»."""

    def __init__(self, slot: template.Slot, lexicon: Lexicon):
        super().__init__(slot, lexicon)
        self.kind = next(p for p in template.PRONOUNS if p in slot.features)
        self.names = slot.role or slot.lemmas

    def emit(self, state: State) -> None:
        parts = [state.entity(name) for name in self.names]
        entity = parts[0] if len(parts) == 1 else plural(parts)
        if self.kind in PERSONAL:
            text = PERSONAL[self.kind][self.case]
        else:
            table = _THIRD_PERSON["plur" if entity.number == "plur" else entity.gender]
            text = table["gent" if self.kind == "poss" else self.case]
            if self.kind == "pro" and self.after_preposition and self.case not in ("nomn", "loct"):
                text = "н" + text
        form = "poss" if self.kind == "poss" else self.case
        self.put(state, [Word(text, "pronoun", None, form, entity)])


def compile_template(text: str, lexicon: Lexicon) -> Compiled:
    """Разобрать и скомпилировать шаблон; ошибки называют слот."""
    return _compile(template.parse(text), lexicon)


def _compile(nodes: tuple, lexicon: Lexicon) -> Compiled:
    return Compiled([_node(node, lexicon) for node in nodes])


def _node(node, lexicon: Lexicon):
    if isinstance(node, template.Literal):
        return _Text(node.text)
    if isinstance(node, template.Break):
        return _Break()
    if isinstance(node, template.Choice):
        return _Choice([_compile(option, lexicon) for option in node.options])
    if node.features & set(template.PRONOUNS):
        return PronounNode(node, lexicon)
    kind = {"VERB": VerbNode, "ADJF": AdjectiveNode, "NOUN": NounNode}[node.part_of_speech]
    return kind(node, lexicon)
