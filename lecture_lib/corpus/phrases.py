"""Части предложения хроники: подлежащее, сказуемое, дополнение, обстоятельство, продолжение.

Каждая часть — функция без аргументов, которая дописывает слова в состояние документа; из частей
предложение складывает `lecture_lib.corpus.clauses`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lecture_lib.corpus.frames import Frame, Setting
from lecture_lib.corpus.grammar import Compiled
from lecture_lib.corpus.lexicon import Adverb, Lexeme
from lecture_lib.corpus.state import SPACE, Entity, State, Word

if TYPE_CHECKING:
    from lecture_lib.corpus.stock import Stock

# Какое продолжение уместно после какого дела: отдыхают после работы, а не после разговора.
AFTER = {
    "work": ("return", "out", "phone", "visit", "meet", "drink", "rest"),
    "leisure": ("return", "errand", "phone", "visit", "drink"),  # погуляв, не идут в парк
    "buy": ("return", "ride", "phone", "visit", "meet"),
    "eat": ("return", "out", "phone", "visit", "drink"),
    "help": ("return", "out", "drink"),
    "speech": ("return", "out"),
    "social": ("return", "phone"),
    "chore": ("phone", "home", "home"),
}

# О ком уместно «работает в банке»: не о пенсионере и не о том, чьё место работы в самом слове.
WORKING = ("женщина", "мужчина", "девушка", "юноша")

SENTENCE = 20  # сколько последних слов просмотреть, чтобы не повториться

Piece = Callable[[], None]


class Phrases:
    """Герой, время и состояние хроники и части, из которых складываются её предложения."""

    def __init__(self, stock: Stock, state: State, person: str, tense: str):
        self.stock, self.state, self.frames = stock, state, stock.frames
        self.person, self.tense = person, tense
        self.plural = person in ("we", "vy") or state.roles["S"].number == "plur"
        self.negated = False  # стоит ли сейчас «не»
        self.describable = False  # уместно ли наречие образа действия
        self.named = False  # назван ли житель в прошлом предложении — тогда можно «он»

    def place(self, frame: Frame, often: bool) -> Compiled | None:
        """Обстоятельство места; при «часто» — только у отдыха и еды: «обедаю в кафе»."""
        if not frame.places or (often and not frame.has("leisure", "eat")):
            return None
        return self.state.pick(frame.places) if self.state.draw() < 0.4 else None

    def deniable(self, frame: Frame) -> bool:
        """Поставить ли «не»."""
        trifle = frame.has("act", "look", "motion", "sound", "chore")  # «не опустила руку»
        if self.tense == "futr":  # «не послушает сонату»
            trifle = trifle or not frame.has("noadv") or frame.has("work", "eat")
        return not (trifle or frame.has("accident", "noneg")) and self.state.draw() < 0.14

    @staticmethod
    def datable(frame: Frame) -> bool:
        """Ставят ли при «… и пошла домой» время: не «вчера утром сшила юбку и пошла домой»."""
        long = frame.has("once") and not frame.has("buy", "social")
        return not (long or frame.has("chore", "eat", "notime"))

    def with_adverb(self, pieces: list[Piece], adverb: Adverb | None) -> list[Piece]:
        """Поставить обстоятельство времени в начало, перед сказуемым или в конец."""
        if adverb is None:
            return pieces
        place = 1 if "pre" in adverb.tags else 0
        short = " " not in adverb.text or adverb.text.startswith(("вчера", "сегодня", "завтра"))
        if "end" in adverb.tags and len(pieces) == 3 and self.state.draw() < 0.5:
            place = len(pieces)
        elif short and not adverb.tags & {"start", "pre", "end"} and self.state.draw() < 0.3:
            place = 1
        return [*pieces[:place], lambda: self.text(adverb.text), *pieces[place:]]

    def subject(self) -> None:
        """Подлежащее: имя, «он/она» после имени или местоимение хроники."""
        if self.person != "name":
            self.stock.phrases[self.person].emit(self.state)
        elif self.named and self.state.draw() < 0.6:
            self.stock.phrases["pro"].emit(self.state)
        else:
            self.full_subject()

    def full_subject(self) -> None:
        """Подлежащее, названное прямо: после другого участника «он» был бы неясен."""
        self.stock.phrases[self.person].emit(self.state)
        self.named = True

    def other_subject(self, frame: Frame) -> None:
        """Вещь или зверь в роль ``O``: одна или несколько."""
        options = frame.source.subject
        if options[0].startswith("="):
            lexeme = self.stock.words.get("NOUN", self.state.pick(options)[1:])
        else:
            lexeme = self.state.pick_fresh(self.stock.words.members(options, self.state.group))
        several = frame.has("many") and self.state.draw() < 0.35
        pointed = frame.has("many") and self.state.draw() < 0.15
        pointer = (self.stock.words.get("ADJF", "этот"),) if pointed else ()
        self.state.roles["O"] = Entity(lexeme, "plur" if several else None, modifiers=pointer)

    def predicate(
        self, frame: Frame, aspect: str, role: str = "S", person: str | None = None
    ) -> Piece:
        """Сказуемое: иногда с отрицанием или наречием образа действия."""

        def emit() -> None:
            before = ""
            if self.negated:
                before = "не"
            elif self.describable and self.state.draw() < 0.4:
                human = role != "O" or "person" in frame.source.subject
                setting = Setting(
                    self.tense, aspect, self.plural and role == "S", human, frame.tags
                )
                before = self.frames.manner(self.state, frame, setting) or ""
            lexeme = frame.verb(aspect) or frame.imperfective or frame.perfective
            words = self.verb_words(lexeme, self.tense, role, person)
            if before:  # «не буду читать», но «буду внимательно читать»
                words.insert(0 if before == "не" else len(words) - 1, Word(before))
            self.put(words)

        return emit

    def verb(self, lexeme: Lexeme, tense: str) -> Piece:
        """Глагол о герое хроники."""
        return lambda: self.put(self.verb_words(lexeme, tense, "S", None))

    def verb_words(self, lexeme: Lexeme, tense: str, role: str, person: str | None) -> list[Word]:
        if person is None:
            person = "" if self.person == "name" else f".{self.person}"
        return self.stock.verbs[tense, person].words(lexeme, self.state.roles[role])

    def complement(self, frame: Frame, bare: bool = False) -> Piece:
        """Дополнение; `bare` — без случайных определений."""
        chosen = frame.bare if bare else frame.complement
        return lambda: chosen.emit(self.state) if chosen else None

    def ending(self, first: Frame, aspect: str, role: str = "S") -> Piece:
        """«… и пошла домой»: продолжение, уместное после любого дела, но не то же самое дело."""
        person = "" if self.person == "name" or role == "O" else f".{self.person}"
        texts = self.stock.endings[self.tense, aspect, role + person]
        used = {verb.lemma for verb in (first.imperfective, first.perfective) if verb}
        group = next(kinds for tag, kinds in AFTER.items() if first.has(tag))
        unfit = {"return"} if first.domestic else set()
        if self.tense == "futr":
            unfit.add("drink")  # чай на завтра не загадывают
        kinds = [kind for kind in group if kind not in unfit]
        endings = [
            (kind, ending)
            for kind in kinds
            for ending in texts[kind]
            if ending.nodes[0].lexemes[0].lemma not in used
        ]
        return lambda: self.without_repeats(endings)

    def without_repeats(self, endings: list[tuple[str, Compiled]]) -> None:
        """Продолжение с новым лицом и местом: не «погулял с другом и позвонил другу»."""
        out = self.state.out
        start = len(out)
        said = {word.lexeme for word in out[-SENTENCE:] if word.kind == "noun"}
        for _ in range(5):
            del out[start:]
            kind = self.state.pick(sorted({kind for kind, _ in endings}))
            self.state.pick([e for k, e in endings if k == kind]).emit(self.state)
            if not any(word.lexeme in said for word in out[start:] if word.kind == "noun"):
                break

    def phrase(self, name: str) -> Piece:
        return lambda: self.stock.phrases[name].emit(self.state)

    def text(self, text: str) -> None:
        self.state.out.append(Word(text))

    def put(self, words: list[Word]) -> None:
        """Слова через пробел."""
        self.join([lambda word=word: self.state.out.append(word) for word in words], "")

    def join(self, pieces: list[Piece], end: str) -> None:
        """Выполнить части через пробел и поставить знак; пустые части пробела не дают."""
        out = self.state.out
        for piece in pieces:
            before = len(out)
            piece()
            if len(out) > before:
                out.append(SPACE)
        if out and out[-1] is SPACE:
            out.pop()
        if end:
            out.append(Word(end))
