"""Именная группа «Городка»: (предлог) (числительное) определения и существительное."""

from __future__ import annotations

from lecture_lib.corpus import template
from lecture_lib.corpus.lexicon import Lexeme, Lexicon
from lecture_lib.corpus.numerals import count_forms
from lecture_lib.corpus.slots import SlotNode, adjectives, agreement_key
from lecture_lib.corpus.state import Entity, Resident, State, Word, plural

NAMED_PLACE = 0.08  # как часто место зовут по имени: «в кинотеатре „Заря“»
RARELY_NAMED = ("магазин", "театр")  # «Мир книг» не годится, когда идут за молоком


class NounNode(SlotNode):
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
        if "hidden" in self.slot.features:
            return
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
        entity.fresh = bool(slot.classes)
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
            words.append(Word(lexeme.form(key), "modifier", lexeme, key, None, entity))
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
            words.append(Word(entity.title, entity=entity))
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
            words.append(Word(lexeme.form(key), "modifier", lexeme, key, None, entity))
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
