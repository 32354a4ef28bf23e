"""Хроники «Городка»: предложения, которые грамматика складывает сама из управления глаголов.

Сценарии держат сюжет, хроники — язык: любой глагол словаря с любым подходящим дополнением, в любом
лице и времени, с обстоятельствами, отрицанием, вопросом, придаточным. Подлежащее и время
держатся весь документ, поэтому следующее предложение не случайно и здесь.
"""

from __future__ import annotations

from collections.abc import Callable

from lecture_lib.corpus import template
from lecture_lib.corpus.frames import TIMED, Frame, Frames, Setting
from lecture_lib.corpus.grammar import VerbNode, compile_template
from lecture_lib.corpus.lexicon import Adverb, Lexeme, Lexicon
from lecture_lib.corpus.state import LINE, SPACE, Entity, State, Word
from lecture_lib.corpus.world import World

# Кто герой хроники: житель по имени или лицо местоимения.
PERSONS = ("name",) * 9 + ("me",) * 3 + ("we",) * 4 + ("you",) + ("vy",) * 2
TENSES = ("past",) * 10 + ("pres",) * 4 + ("futr",) * 5
PHRASES = {
    "name": "{S}",
    "pro": "{S pro}",
    "me": "{S me}",
    "we": "{S we}",
    "you": "{S you}",
    "vy": "{S vy}",
    "friend": "{B}",
    "other": "{O}",
    "somebody": "{O=женщина|мужчина|сосед|соседка|учитель|учительница|врач|"
    "пенсионер|пенсионерка|коллега|сотрудник|сотрудница|друг|подруга|прохожий|старик|старушка}",
    "said": "{B} {сказать|рассказать|сообщить past @B}, что",
    "thinks": "{B} {думать|знать|считать pres @B}, что",
    "which": "{который nomn @O}",
}
MODALS = {
    "past": ("хотеть", "мочь", "решить", "собираться"),
    "pres": ("хотеть", "мочь", "собираться"),
    "futr": ("смочь",),
}
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
# Чем кончается «Женщина, которая …»: кто она.
MAINS = (
    "{жить pres @O} [в соседнем доме|рядом с нами|на нашей улице|на пятом этаже|недалеко от парка]",
    "{работать pres @O} {at больница|школа|банк|магазин|библиотека|почта|музей|аптека|завод}",
    "[сейчас|уже] [дома|на работе|в парке]",
)
_WILLED = ("act", "motion", "buy", "work", "speech", "help")

Piece = Callable[[], None]


class Chronicle:
    """Источник документов-хроник; устройство предложений — в :class:`_Story`."""

    kind = "chronicle"
    name = "chronicle"

    def __init__(self, words: Lexicon, town: World):
        self.words, self.town = words, town
        self.frames = Frames(words)
        self.phrases = {name: compile_template(text, words) for name, text in PHRASES.items()}
        self.verbs = {
            (tense, person): VerbNode(template.parse_slot(f"быть {tense} @S{person}"), words)
            for tense in template.TENSES
            for person in ("", ".me", ".we", ".you", ".vy")
        }
        self.endings = {
            (tense, aspect, role + person): [
                compile_template(text.replace("V}", f"{tense} @{role}{person}}}"), words)
                for text in texts
            ]
            for aspect, texts in ENDINGS.items()
            for tense in MODALS
            for role, person in [("S", p) for p in ("", ".me", ".we", ".you", ".vy")] + [("O", "")]
        }
        self.mains = [compile_template(text, words) for text in MAINS]
        self.modals = {
            t: [words.get("VERB", verb) for verb in verbs] for t, verbs in MODALS.items()
        }
        asked = [
            f for f in self.frames.personal if not f.has("noimpr", "accident", "feeling", "infn")
        ]
        self.willed = {tense: [f for f in asked if f.suits(tense)] for tense in MODALS}
        self.personal = {t: [f for f in self.frames.personal if f.suits(t)] for t in MODALS}
        self.finished = {t: [f for f in self.personal[t] if f.finished] for t in MODALS}
        self.ended = {t: [f for f in self.finished[t] if not f.has("big")] for t in MODALS}
        self.lasting = {
            t: [f for f in self.personal[t] if "dur" in f.tags and not f.has("infn")]
            for t in MODALS
        }
        self.others = {t: [f for f in self.frames.others if f.suits(t)] for t in MODALS}

    def emit(self, state: State) -> list:
        """Сложить хронику из 4–8 предложений."""
        hero = state.roles["S"] = state.pick(self.town.adults)
        friends = self.town.related("friend", hero)
        state.roles["B"] = state.pick(friends) if friends else None
        story = _Story(self, state, state.pick(PERSONS), state.pick(TENSES))
        for _ in range(4 + int(state.draw() * 5)):
            story.sentence()
            state.out.append(LINE)
        return []


class _Story:
    """Одна хроника: держит подлежащее и время, складывает предложение за предложением."""

    def __init__(self, maker: Chronicle, state: State, person: str, tense: str):
        self.maker, self.state, self.frames = maker, state, maker.frames
        self.person, self.tense = person, tense
        self.plural = person in ("we", "vy")
        self.negatable = False  # уместно ли сейчас «не»
        self.describable = False  # уместно ли наречие образа действия
        self.named = False  # назван ли житель в прошлом предложении — тогда можно «он»

    def sentence(self) -> None:
        """Выбрать устройство предложения и сложить его."""
        point = self.state.draw()
        has_friend = self.state.roles["B"] is not None
        if point < 0.12:
            self.aside()
        elif point < 0.18 and has_friend:
            self.reported()
        elif point < 0.24 and has_friend and self.tense != "futr":
            self.meanwhile()
        elif point < 0.35:
            self.coordinated()
        elif point < 0.40 and self.tense == "past":
            self.gerund()
        elif point < 0.46:
            self.question()
        elif point < 0.54:
            self.modal()
        elif point < 0.59:
            self.relative()
        elif point < 0.65 and self.person in ("you", "vy"):
            self.imperative()
        else:
            self.plain()

    # --- устройство предложений -------------------------------------------------------------

    def plain(self) -> None:
        """Подлежащее, сказуемое, дополнение; время и место — в одном из обычных порядков."""
        frame = self.state.pick(self.maker.personal[self.tense])
        aspect, adverb = self.frames.time(self.state, frame, self.tense, self.plural)
        pieces = [self.subject, self.predicate(frame, aspect), self.complement(frame)]
        place = self.state.pick(frame.places) if frame.places and self.state.draw() < 0.4 else None
        if place:
            pieces.insert(
                0 if adverb is None and self.state.draw() < 0.15 else 3,
                lambda: place.emit(self.state),
            )
        self.negatable = adverb is None and not place
        self.describable = adverb is None
        self.join(self.with_adverb(pieces, adverb), ".")
        self.negatable = self.describable = False

    def aside(self) -> None:
        """Предложение не о герое: погода, звери, вещи."""
        frame = self.state.pick(self.maker.others[self.tense])
        self.other_subject(frame)
        aspect, adverb = self.frames.time(self.state, frame, self.tense, False)
        if adverb and (not frame.source.tags & TIMED or adverb.kind != "time_any"):
            adverb = None  # «через год кот замяукает» — так о зверях и вещах не говорят
        if self.tense == "futr" and not frame.has("arrive"):
            return self.plain()
        if frame.has("nopres", "arrive", "accident") and aspect == "impf":
            return self.plain()  # «тарелка разбивалась» — только о привычке
        pieces = [
            self.phrase("other"),
            self.predicate(frame, aspect, "O", ""),
            self.complement(frame),
        ]
        if frame.has("weather") and not adverb and self.state.draw() < 0.6:
            pieces[:2] = pieces[1::-1]
        self.join(self.with_adverb(pieces, adverb), ".")
        self.named = False
        return None

    def reported(self) -> None:
        """«Пётр сказал, что …»"""
        frame = self.state.pick(self.maker.finished[self.tense])
        aspect = "impf" if self.tense == "pres" else "perf"
        lead = self.phrase("thinks" if self.tense == "pres" else "said")
        self.join(
            [lead, self.full_subject, self.predicate(frame, aspect), self.complement(frame)], "."
        )
        self.named = False

    def meanwhile(self) -> None:
        """«Пока Анна читала книгу, Пётр готовил ужин.»"""
        first, second = self.imperfective_frame(), self.imperfective_frame()
        pieces = [lambda: self.text("пока"), self.full_subject]
        self.join([*pieces, self.predicate(first, "impf"), self.complement(first)], ", ")
        self.join(
            [
                self.phrase("friend"),
                self.predicate(second, "impf", "B", ""),
                self.complement(second),
            ],
            ".",
        )
        self.named = False

    def coordinated(self) -> None:
        """Два сказуемых при одном подлежащем: «купила хлеб и пошла домой»."""
        first = self.state.pick(self.maker.ended[self.tense])
        aspect, adverb = "perf", None
        if self.tense == "pres":
            aspect = "impf"
        elif self.state.draw() < 0.6:
            adverb = self.frames.adverb(
                self.state, f"time_{self.tense}", Setting(self.tense, aspect, tags=first.tags)
            )
        pieces = [self.subject, self.predicate(first, aspect), self.complement(first)]
        pieces += [lambda: self.text("и"), self.ending(first, aspect)]
        self.join(self.with_adverb(pieces, adverb), ".")

    def gerund(self) -> None:
        """«Прочитав письмо, Анна позвонила сестре.»"""
        first = self.state.pick(self.maker.ended["past"])
        gerund = first.perfective.forms.get("grnd", "")
        if not gerund or gerund.endswith(("гши", "кши", "рши", "зши", "сши")):
            return self.plain()  # «помогши» почти не говорят
        self.join([self.verb(first.perfective, "grnd"), self.complement(first)], ", ")
        return self.join([self.subject, self.ending(first, "perf")], ".")

    def question(self) -> None:
        """Вопрос: «Почему …?», «Когда …?» или без вопросительного слова."""
        if self.person in ("me", "we") and self.tense != "futr":
            return self.plain()  # «Почему я помыла руки?» о себе не спрашивают
        frame = self.state.pick(self.maker.finished[self.tense])
        aspect = "impf" if self.tense == "pres" else "perf"
        words = list({"futr": ("когда",), "pres": ("почему",), "past": ("",)}[self.tense])
        if self.person not in ("me", "we"):
            words += ["", "неужели"] if self.tense != "futr" else [""]
            words += ["зачем"] if frame.has("buy", "act") and self.tense != "futr" else []
        word = self.state.pick(words)
        pieces = [self.subject, self.predicate(frame, aspect), self.complement(frame)]
        if word:
            pieces.insert(0, lambda: self.text(word))
        return self.join(pieces, "?")

    def modal(self) -> None:
        """«хотеть», «мочь», «решить», «собираться» с инфинитивом."""
        frame = self.state.pick(self.maker.willed[self.tense])
        modal = self.state.pick(self.maker.modals[self.tense])
        verb = frame.perfective or frame.imperfective
        pieces = [self.subject, self.verb(modal, self.tense), self.verb(verb, "infn")]
        self.join([*pieces, self.complement(frame)], ".")

    def relative(self) -> None:
        """«Женщина, которая купила хлеб, поехала домой.»"""
        if self.tense == "futr":
            return self.plain()
        first = self.state.pick(self.maker.ended[self.tense])
        aspect = "perf" if self.tense == "past" else "impf"
        self.join([self.phrase("somebody")], ", ")
        self.join(
            [self.phrase("which"), self.predicate(first, aspect, "O", ""), self.complement(first)],
            ", ",
        )
        main = self.state.pick(self.maker.mains)
        known = aspect == "impf" or self.state.draw() < 0.4
        self.join(
            [(lambda: main.emit(self.state)) if known else self.ending(first, aspect, "O")], "."
        )
        self.named = False
        return None

    def imperative(self) -> None:
        """Просьба к «ты» или «вы»."""
        frame = self.state.pick(self.maker.willed[self.tense])
        verb = frame.perfective or frame.imperfective
        if "impr sing" not in verb.forms:
            return self.plain()
        if self.state.draw() < 0.3:
            self.text("пожалуйста, ")
        return self.join(
            [self.verb(verb, "impr"), self.complement(frame)],
            "!" if self.state.draw() < 0.5 else ".",
        )

    # --- части предложения -------------------------------------------------------------------

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
