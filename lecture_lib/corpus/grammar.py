"""Грамматика «Городка»: из дерева шаблона — согласованные слова.

Дерево (`template`) компилируется один раз; потом каждый узел кладёт
в состояние готовые слова вместе с тем, что о них известно: лемма, форма, о ком речь, с кем
согласовано. Один и тот же путь даёт и голый текст, и текст с разметкой.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from lecture_lib.corpus import template
from lecture_lib.corpus.lexicon import Lexeme, Lexicon
from lecture_lib.corpus.numerals import count_forms

_VOICED_TO = {
    "в": ("во", re.compile(r"[вф][бвгджзклмнпрстфхцчшщ]|дво|мно|сне\b|сну\b|рту\b|льду|все[мхй]")),
    "с": ("со", re.compile(r"[сзшж][бвгджзклмнпрстфхцчшщ]|щ|дво|мно|льд|вс[её]|втор")),
    "к": ("ко", re.compile(r"мне\b|всем|всей|дню\b|двор|сну\b|втор")),
    "о": ("об", re.compile(r"[аэиоу]")),
}
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


class Entity:
    """То, о чём говорит документ: человек, вещь, место. Слово, род, число и свойства."""

    __slots__ = ("attributes", "gender", "lexeme", "modifiers", "number", "parts", "title")

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
    """Одно слово на выходе; kind — text, noun, adjective, verb, pronoun или numeral."""

    text: str
    kind: str = "text"
    lexeme: Lexeme | None = None
    form: str = ""
    entity: Entity | None = None
    target: Entity | None = None


NAMED_PLACE = 0.08  # как часто место зовут по имени: «в кинотеатре „Заря“»
RARELY_NAMED = ("магазин", "театр")  # «Мир книг» не годится, когда идут за молоком
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


class _SlotNode:
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


class VerbNode(_SlotNode):
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
                auxiliary = Word(be.form(key), "verb", be, key, None, target)
                return [auxiliary, Word(lexeme.form("infn"), "verb", lexeme, "infn", None, target)]
        return [Word(lexeme.form(key), "verb", lexeme, key, None, target)]

    def agreement(self, target: Entity | None) -> tuple[int, str, str]:
        """Лицо, число, род сказуемого."""
        if self.slot.person:
            person, number = _GRAMMATICAL_PERSON[self.slot.person]
            return person, number, target.gender if target else "masc"
        if target is None:
            return 3, "plur" if self.plural else "sing", self.fixed_gender or "neut"
        return 3, target.number, target.gender


class AdjectiveNode(_SlotNode):
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
        self.put(state, [Word(lexeme.form(key), "adjective", lexeme, key, None, target)])


class PronounNode(_SlotNode):
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
        self.put(state, [Word(text, "pronoun", None, self.case, entity)])


class NounNode(_SlotNode):
    """Именная группа: (предлог) (числительное) определения и существительное."""

    def __init__(self, slot: template.Slot, lexicon: Lexicon):
        super().__init__(slot, lexicon)
        self.lexemes = [lexicon.get("NOUN", lemma) for lemma in slot.lemmas]
        self.plural = "plur" in slot.features
        self.singular = "sing" in slot.features
        self.place = slot.place
        if slot.place:
            self.case = {"at": "loct", "to": "accs", "from": "gent"}[slot.place]
        self.modifiers = [
            (m, [lexicon.get("ADJF", lemma) for lemma in m.lemmas]) for m in slot.modifiers
        ]
        self.mention = next((m for m in template.MENTIONS if m in slot.features), None)
        self.countable = slot.numeral is not None or self.plural
        for name in slot.classes:
            if name not in lexicon.classes:
                raise template.TemplateError(
                    f"Класса «{name}» нет в nouns.txt: «{{{slot.source}}}»"
                )

    def emit(self, state: State) -> None:
        entity = self.resolve(state)
        if self.slot.numeral:
            words, preposition = self.counted(state, entity), None
        else:
            words, preposition = self.phrase(state, entity), self.place_preposition(entity)
        self.put(state, words, preposition)

    def resolve(self, state: State) -> Entity:
        """Найти или создать участника; класс и список лемм дают нового."""
        slot = self.slot
        if slot.role:
            parts = [state.entity(name) for name in slot.role]
            entity = parts[0] if len(parts) == 1 else plural(parts)
            entity = entity.attributes[slot.attribute] if slot.attribute else entity
            if slot.bind:
                state.roles[slot.bind] = entity
            return entity
        if slot.classes:
            lexeme = state.pick_fresh(class_members(state, slot.classes, self.countable))
        else:
            lexeme = self.lexemes[0] if len(self.lexemes) == 1 else state.pick(self.lexemes)
        entity = Entity(lexeme, "plur" if self.plural else None)
        titles = state.lexicon.places.get(lexeme.lemma) if self.place and not self.plural else None
        if titles and state.draw() < NAMED_PLACE and lexeme.lemma not in RARELY_NAMED:
            entity.title = state.pick(titles)
        state.roles[lexeme.lemma] = entity
        if slot.bind:
            state.roles[slot.bind] = entity
        return entity

    def number(self, entity: Entity) -> str:
        if self.plural:
            return "plur"
        return "sing" if self.singular else entity.number

    def place_preposition(self, entity: Entity) -> str | None:
        if not self.place:
            return None
        on = "na" in entity.lexeme.flags
        if self.place == "from":
            return "с" if on else "из"
        return "на" if on else "в"

    def phrase(self, state: State, entity: Entity) -> list[Word]:
        """Определения и существительное в нужном падеже."""
        if entity.parts and not self.plural:
            return self.coordinated(state, entity)
        number = self.number(entity)
        words = self.described(
            state, entity, agreement_key(self.case, entity.gender, number, entity.animate)
        )
        for lexeme in entity.modifiers:
            key = agreement_key(self.case, entity.gender, number, entity.animate)
            words.append(Word(lexeme.form(key), "adjective", lexeme, key, None, entity))
        return words + self.noun(state, entity, f"{self.case} {number}")

    def coordinated(self, state: State, group: Entity) -> list[Word]:
        """«Анна и Пётр» в нужном падеже."""
        words: list[Word] = []
        for index, part in enumerate(group.parts):
            if index:
                words.append(Word("и"))
            words += self.noun(state, part, f"{self.case} {part.number}")
        return words

    def noun(self, state: State, entity: Entity, key: str) -> list[Word]:
        if isinstance(entity, Resident):
            return self.name(state, entity, key)
        lexeme = entity.lexeme
        preposition = (self.preposition or "").lower()
        if key == "loct sing" and (self.place == "at" or preposition in ("в", "во", "на")):
            key = "loc2 sing" if "loc2 sing" in lexeme.forms else key
        words = [Word(lexeme.form(key), "noun", lexeme, key, entity)]
        if entity.title and entity not in state.mentioned:
            state.mentioned.add(entity)
            words.append(Word(entity.title))
        return words

    def name(self, state: State, resident: Resident, key: str) -> list[Word]:
        """Имя жителя: полностью при первом упоминании (в половине случаев), потом только имя."""
        mention = self.mention
        if mention is None:
            new = resident not in state.mentioned
            mention = "full" if new and state.draw() < 0.5 else "first"
        state.mentioned.add(resident)
        first = Word(resident.lexeme.form(key), "noun", resident.lexeme, key, resident)
        last = Word(resident.last.form(key), "noun", resident.last, key, resident)
        return {"full": [first, last], "first": [first], "last": [last]}[mention]

    def described(self, state: State, entity: Entity, key: str) -> list[Word]:
        """Определения слота, согласованные по ключу `key`."""
        words = []
        for modifier, lexemes in self.modifiers:
            if modifier.probability < 1 and state.draw() >= modifier.probability:
                continue
            if not lexemes:
                lexemes = adjectives(state, entity, modifier.feature or "")
                if not lexemes:
                    continue
            lexeme = lexemes[0] if len(lexemes) == 1 else state.pick_fresh(lexemes)
            words.append(Word(lexeme.form(key), "adjective", lexeme, key, None, entity))
        return words

    def counted(self, state: State, entity: Entity) -> list[Word]:
        """«два стола», «пять новых книг», «двадцати одному ученику»."""
        low, high, digits = self.slot.numeral
        count = low + int(state.draw() * (high - low + 1))
        entity.number = "sing" if count == 1 else "plur"
        lexeme = entity.lexeme
        numeral, noun_key, adjective_case = count_forms(
            state.lexicon, count, self.case, lexeme.gender, lexeme.animate, digits
        )
        case, _, number = noun_key.partition(" ")
        key = agreement_key(
            adjective_case if adjective_case in ("gent", "nomn") else case,
            lexeme.gender,
            "plur" if adjective_case else number,
            lexeme.animate,
        )
        words = [Word(numeral, "numeral", None, self.case, None, entity)]
        words += self.described(state, entity, key)
        text = COUNTED.get(lexeme.lemma) if noun_key == "gent plur" else None
        return [*words, Word(text or lexeme.form(noun_key), "noun", lexeme, noun_key, entity)]


# Счётные формы: «пять лет», «шесть человек».
COUNTED = {"год": "лет", "человек": "человек", "раз": "раз"}


def class_members(state: State, classes: tuple[str, ...], countable: bool = False) -> list[Lexeme]:
    """Слова классов, доступные этой доле корпуса (`state.group`)."""
    return state.lexicon.members(classes, state.group, countable)


def adjectives(state: State, entity: Entity, feature: str) -> list[Lexeme]:
    """Подходящие к участнику прилагательные, доступные этой доле корпуса."""
    return state.lexicon.fitting_adjectives(entity.lexeme.lemma, feature, state.group)


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
