"""Части предложения хроники: подлежащее, сказуемое, дополнение, обстоятельство, продолжение.

Каждая часть — функция без аргументов, которая дописывает слова в состояние документа; из частей
предложение складывает `lecture_lib.corpus.clauses`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lecture_lib.corpus.frames import Frame, Setting
from lecture_lib.corpus.lexicon import Adverb, Lexeme
from lecture_lib.corpus.state import SPACE, Entity, State, Word

if TYPE_CHECKING:
    from lecture_lib.corpus.chronicle import Chronicle

KIN = "друг|подруга|сосед|соседка|брат|сестра|коллега|мама|папа|бабушка|дедушка|тётя|дядя"
# Чем кончается «купила хлеб и …»: после любого дела; V — время и лицо подлежащего.
ENDINGS = {
    "perf": (
        "{пойти V} домой",
        "{поехать V} домой",
        "{вернуться V} домой",
        f"{{позвонить V}} {{{KIN} datv}}",
        f"{{рассказать V}} об этом {{{KIN} datv}}",
        f"{{поехать V}} к {{{KIN} datv}}",
        f"{{встретиться V}} с {{{KIN} ablt}}",
        "{пойти V} {to магазин|аптека|рынок|парк|библиотека|почта}",
        "{пойти V} на {вокзал|остановка|прогулка|площадь accs}",
        "{отдохнуть V}",
        "{сесть V} отдыхать",
        "{выпить V} {чай|кофе|сок|вода gent}",
        "{выпить V} {чашка|стакан accs} {чай|кофе gent}",
        "{сесть V} в {автобус|трамвай|такси accs}",
    ),
    "impf": (
        "{идти V} домой",
        "{возвращаться V} домой",
        f"{{звонить V}} {{{KIN} datv}}",
        f"{{ехать V}} к {{{KIN} datv}}",
        "{идти V} {to магазин|аптека|рынок|парк|библиотека|почта}",
        "{отдыхать V}",
        "{пить V} {чай|кофе accs}",
    ),
}
# После мелкого домашнего дела («положила книгу на полку») никуда не едут.
AT_HOME = ("позвонить", "звонить", "выпить", "пить")

Piece = Callable[[], None]


class Phrases:
    """Герой, время и состояние хроники и части, из которых складываются её предложения."""

    def __init__(self, maker: Chronicle, state: State, person: str, tense: str):
        self.maker, self.state, self.frames = maker, state, maker.frames
        self.person, self.tense = person, tense
        self.plural = person in ("we", "vy")
        self.negatable = False  # уместно ли сейчас «не»
        self.describable = False  # уместно ли наречие образа действия
        self.named = False  # назван ли житель в прошлом предложении — тогда можно «он»

    def imperfective_frame(self) -> Frame:
        """Длящееся действие для «пока …»."""
        return self.state.pick(self.maker.lasting[self.tense])

    def with_adverb(self, pieces: list[Piece], adverb: Adverb | None) -> list[Piece]:
        """Поставить обстоятельство времени в начало, перед сказуемым или в конец."""
        if adverb is None:
            return pieces
        place = 1 if "pre" in adverb.tags else 0
        if "end" in adverb.tags and self.state.draw() < 0.5:
            place = len(pieces)
        elif not adverb.tags & {"start", "pre", "end"} and self.state.draw() < 0.3:
            place = 1
        return [*pieces[:place], lambda: self.text(adverb.text), *pieces[place:]]

    def subject(self) -> None:
        """Подлежащее: имя, «он/она» после имени или местоимение хроники."""
        if self.person != "name":
            self.maker.phrases[self.person].emit(self.state)
        elif self.named and self.state.draw() < 0.6:
            self.maker.phrases["pro"].emit(self.state)
        else:
            self.full_subject()

    def full_subject(self) -> None:
        """Подлежащее, названное прямо: после другого участника «он» был бы неясен."""
        self.maker.phrases[self.person].emit(self.state)
        self.named = True

    def other_subject(self, frame: Frame) -> None:
        """Неодушевлённое или звериное подлежащее — в роль ``O``."""
        options = frame.source.subject
        if options[0].startswith("="):
            lexeme = self.maker.words.get("NOUN", self.state.pick(options)[1:])
        else:
            lexeme = self.state.pick_fresh(self.maker.words.members(options, self.state.group))
        self.state.roles["O"] = Entity(lexeme)

    def predicate(
        self, frame: Frame, aspect: str, role: str = "S", person: str | None = None
    ) -> Piece:
        """Сказуемое: иногда с отрицанием или наречием образа действия."""

        def emit() -> None:
            before = ""
            if (
                self.negatable
                and self.state.draw() < 0.14
                and role == "S"
                and not frame.has("accident", "noneg")
            ):
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
        return self.maker.verbs[tense, person].words(lexeme, self.state.roles[role])

    def complement(self, frame: Frame) -> Piece:
        return lambda: frame.complement.emit(self.state) if frame.complement else None

    def ending(self, first: Frame, aspect: str, role: str = "S") -> Piece:
        """«… и пошла домой»: продолжение, уместное после любого дела, но не то же самое дело."""
        person = "" if self.person == "name" or role == "O" else f".{self.person}"
        texts = self.maker.endings[self.tense, aspect, role + person]
        used = {verb.lemma for verb in (first.imperfective, first.perfective) if verb}
        while True:
            index = int(self.state.draw() * len(texts))
            text = ENDINGS[aspect][index]
            verb = text.partition(" ")[0].strip("{")
            if verb in used or ("отд" in text and not first.has("work")):
                continue  # отдыхают после работы, а не после разговора
            if KIN in text and first.has("speech", "social", "help"):
                continue  # «спросила друга и позвонила другу»
            if (
                first.has("work", "leisure", "buy", "eat", "speech", "social", "help")
                or verb in AT_HOME
            ):
                return lambda: texts[index].emit(self.state)

    def phrase(self, name: str) -> Piece:
        return lambda: self.maker.phrases[name].emit(self.state)

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
