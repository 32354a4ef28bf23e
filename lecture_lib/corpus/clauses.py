"""Предложения хроники: простое, с «и», с придаточным, с деепричастием, вопрос, просьба.

Части предложения — в `lecture_lib.corpus.phrases`, документ целиком — в
`lecture_lib.corpus.chronicle`.
"""

from __future__ import annotations

from lecture_lib.corpus.frames import TIMED, Setting
from lecture_lib.corpus.phrases import SENTENCE, WORKING, Phrases


class Story(Phrases):
    """Одна хроника: держит подлежащее и время, складывает предложение за предложением."""

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

    def plain(self) -> None:
        """Подлежащее, сказуемое, дополнение; время и место — в одном из обычных порядков."""
        frame = self.state.pick(self.stock.personal[self.tense])
        aspect, adverb = self.frames.time(self.state, frame, self.tense, self.plural)
        often = adverb is not None and adverb.kind in ("freq", "duration")
        place = self.place(frame, often) if often or not adverb or frame.has("buy") else None
        self.negated = not (adverb or place) and self.deniable(frame)
        self.describable = adverb is None
        pieces = [
            self.subject,
            self.predicate(frame, aspect),
            self.complement(frame, bare=often or self.negated),
        ]
        if place:
            first = adverb is None and self.tense != "futr" and self.state.draw() < 0.15
            pieces.insert(0 if first else 3, lambda: place.emit(self.state))
        self.join(self.with_adverb(pieces, adverb), ".")
        self.negated = self.describable = False

    def aside(self) -> None:
        """Предложение не о герое: погода, звери, вещи."""
        frame = self.state.pick(self.stock.others[self.tense])
        self.other_subject(frame)
        aspect, adverb = self.frames.time(self.state, frame, self.tense, False)
        if adverb and (not frame.source.tags & TIMED or adverb.kind != "time_any"):
            adverb = None  # «через год кот замяукает» — так о зверях и вещах не говорят
        if adverb and adverb.text.startswith(("после", "перед")):
            adverb = None  # «после ужина грузовик поехал» — ужинают люди
        if self.tense == "futr" and not frame.has("arrive"):
            return self.plain()
        if frame.has("nopres", "arrive", "accident") and aspect == "impf":
            return self.plain()  # «тарелка разбивалась» — только о привычке
        pieces = [
            self.phrase("other"),
            self.predicate(frame, aspect, "O", ""),
            self.complement(frame),
        ]
        bare = not (adverb or frame.complement)
        thetic = frame.has("weather") and bare and self.state.draw() < 0.6
        if thetic or (frame.has("ahead") and not frame.complement):
            pieces[:2] = pieces[1::-1]
        if adverb:
            pieces.insert(0, lambda: self.text(adverb.text))
        self.join(pieces, ".")
        self.named = False
        return None

    def reported(self) -> None:
        """«Пётр сказал, что …»"""
        frame = self.state.pick(self.stock.told[self.tense])
        aspect = "impf" if self.tense == "pres" else "perf"
        lead = self.phrase({"past": "said", "pres": "thinks", "futr": "hopes"}[self.tense])
        self.join(
            [lead, self.full_subject, self.predicate(frame, aspect), self.complement(frame)], "."
        )
        self.named = False

    def meanwhile(self) -> None:
        """«Пока Анна читала книгу, Пётр готовил ужин.»"""
        lasting = self.stock.lasting[self.tense, self.state.draw() < 0.2]
        first = self.state.pick(lasting)
        others = [f for f in lasting if f.imperfective is not first.imperfective]
        second = self.state.pick(others)
        pieces = [lambda: self.text("пока"), self.full_subject]
        self.join([*pieces, self.predicate(first, "impf"), self.complement(first)], ", ")
        said = {word.lexeme for word in self.state.out[-SENTENCE:] if word.kind == "noun"}
        start = len(self.state.out)
        for _ in range(5):  # не «пока мы мыли посуду, Алина вытирала посуду»
            del self.state.out[start:]
            pieces = [self.phrase("friend"), self.predicate(second, "impf", "B", "")]
            self.join([*pieces, self.complement(second)], ".")
            if not any(w.lexeme in said for w in self.state.out[start:] if w.kind == "noun"):
                break
            second = self.state.pick(others)
        self.named = False

    def coordinated(self) -> None:
        """Два сказуемых при одном подлежащем: «купила хлеб и пошла домой»."""
        first = self.state.pick(self.stock.ended[self.tense])
        aspect, adverb = "perf", None
        if self.tense == "pres":
            aspect = "impf"
        elif self.datable(first) and self.state.draw() < 0.6:
            adverb = self.frames.adverb(
                self.state,
                f"time_{self.tense}",
                Setting(self.tense, aspect, tags=first.tags | {"then"}),
            )
        pieces = [self.subject, self.predicate(first, aspect), self.complement(first)]
        if aspect == "impf" or self.state.draw() < 0.2:
            self.join(self.with_adverb(pieces, adverb), ", ")
            return self.join([lambda: self.text("а потом"), self.ending(first, aspect)], ".")
        pieces += [lambda: self.text("и"), self.ending(first, aspect)]
        return self.join(self.with_adverb(pieces, adverb), ".")

    def gerund(self) -> None:
        """«Прочитав письмо, Анна позвонила сестре.»"""
        first = self.state.pick(self.stock.ended["past"])
        gerund = first.perfective.forms.get("grnd", "")
        if not gerund or gerund.endswith(("гши", "кши", "рши", "зши", "сши")):
            return self.plain()  # «помогши» почти не говорят
        self.join([self.verb(first.perfective, "grnd"), self.complement(first)], ", ")
        return self.join([self.subject, self.ending(first, "perf")], ".")

    def question(self) -> None:
        """Вопрос: «Почему …?», «Когда …?» или без вопросительного слова."""
        frame = self.state.pick(self.stock.asked[self.tense])
        own = self.person in ("me", "we")
        if self.person == "me" or (own and self.tense != "futr"):
            return self.plain()  # «Почему я помыла руки?» о себе не спрашивают
        aspect = "impf" if self.tense == "pres" else "perf"
        words = list({"futr": ("когда",), "pres": ("почему",), "past": ("",)}[self.tense])
        if not own:
            words = [] if frame.has("social", "help") and self.tense == "pres" else words
            words += [""]
            words += ["неужели"] if frame.has("once") and self.tense != "futr" else []
            words += ["зачем"] if frame.has("buy") and self.tense != "futr" else []
        word = self.state.pick(words)
        pieces = [self.subject, self.predicate(frame, aspect), self.complement(frame)]
        if word:
            pieces.insert(0, lambda: self.text(word))
        return self.join(pieces, "?")

    def modal(self) -> None:
        """«хотеть», «мочь», «решить», «собираться» с инфинитивом."""
        frame = self.state.pick(self.stock.willed[self.tense])
        modals = self.stock.modals[self.tense]
        if frame.has("speech", "eat"):  # «решила поговорить о погоде» — слишком торжественно
            if self.tense == "futr":
                return self.plain()  # «сможешь пожелать соседу удачи»
            modals = modals[:2]
        modal = self.state.pick(modals)
        verb = frame.perfective or frame.imperfective
        pieces = [self.subject, self.verb(modal, self.tense), self.verb(verb, "infn")]
        return self.join([*pieces, self.complement(frame)], ".")

    def relative(self) -> None:
        """«Женщина, которая купила хлеб, поехала домой.»"""
        if self.tense == "futr":
            return self.plain()
        first = self.state.pick(self.stock.known[self.tense])
        aspect = "perf" if self.tense == "past" else "impf"
        self.join([self.phrase("somebody")], ", ")
        self.join(
            [self.phrase("which"), self.predicate(first, aspect, "O", ""), self.complement(first)],
            ", ",
        )
        home = aspect == "perf" and first.has("buy")  # «которая купила хлеб, уже дома»
        main = self.state.pick(self.stock.mains[: None if home else -1])
        if self.state.roles["O"].lexeme.lemma in WORKING and self.state.draw() < 0.25:
            main = self.stock.work
        known = aspect == "impf" or self.state.draw() < 0.4
        self.join(
            [(lambda: main.emit(self.state)) if known else self.ending(first, aspect, "O")], "."
        )
        self.named = False
        return None

    def imperative(self) -> None:
        """Просьба к «ты» или «вы»."""
        frame = self.state.pick(self.stock.requested)
        verb = frame.perfective or frame.imperfective
        if "impr sing" not in verb.forms:
            return self.plain()
        if self.state.draw() < 0.3:
            self.text("пожалуйста, ")
        return self.join(
            [self.verb(verb, "impr"), self.complement(frame)],
            "!" if self.state.draw() < 0.5 else ".",
        )
