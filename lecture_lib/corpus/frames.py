"""Управление глаголов и обстоятельства «Городка», готовые к порождению.

Здесь решается, что с чем уместно: какой вид требует «каждый день», какое наречие подходит к
глаголу речи, где обычно читают. Сами предложения складывает `lecture_lib.corpus.clauses`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lecture_lib.corpus.grammar import Compiled, compile_template
from lecture_lib.corpus.lexicon import Adverb, Lexeme, Lexicon, VerbFrame
from lecture_lib.corpus.state import State

TIME_KINDS = {
    "past": ("time_past", "time_past", "time_any"),
    "pres": ("time_pres", "freq", "freq"),
    "futr": ("time_futr", "time_futr", "time_any"),
}
TENSES = frozenset(TIME_KINDS)
# Длящиеся занятия: «пока …», «весь день …», «всё ещё …».
LASTING = frozenset("work leisure wait sleep".split())
# Законченное дело, после которого говорят «… и пошла домой».
FINISHED = frozenset("work leisure buy eat help speech social act chore".split())
# Звери и вещи: при каких глаголах уместно «вчера», «утром».
TIMED = frozenset("weather motion leisure eat arrive wait sleep".split())
_PLACES = {
    "park": "парк",
    "shop": "магазин",
    "school": "школа",
    "work": "работа",
    "street": "улица",
}


@dataclass(frozen=True)
class Frame:
    """Одно управление: глаголы двух видов, дополнение и места, где это бывает."""

    source: VerbFrame
    imperfective: Lexeme | None
    perfective: Lexeme | None
    complement: Compiled | None
    bare: Compiled | None  # дополнение без определений: «часто пью чай», а не «горячий чай»
    places: tuple[Compiled, ...]

    def verb(self, aspect: str) -> Lexeme | None:
        """Глагол нужного вида (``impf`` или ``perf``), если он есть."""
        return self.imperfective if aspect == "impf" else self.perfective

    def has(self, *tags: str) -> bool:
        return any(tag in self.source.tags for tag in tags)

    @property
    def tags(self) -> frozenset:
        """Пометы глагола и ``dur`` у длящихся занятий."""
        tags = self.source.tags
        return tags | {"dur"} if tags & LASTING and self.imperfective else tags

    @property
    def finished(self) -> bool:
        """Законченное дело: о нём сообщают и спрашивают."""
        return bool(
            self.perfective
            and self.source.tags & FINISHED
            and not self.has("infn", "feeling", "noend", "noimpr")
        )

    @property
    def ended(self) -> bool:
        """Дело, после которого берутся за другое: не мелочь («положила книгу») и не на месяц."""
        return self.finished and not self.has("big", "act")

    @property
    def domestic(self) -> bool:
        """Дело домашнее: после него не «пошла домой»."""
        home = ("place:home", "place:кухня", "athome")
        return any(tag.startswith(home) for tag in self.source.tags)

    def suits(self, tense: str) -> bool:
        """Уместно ли управление в этом времени: «завтра я испугаюсь» не говорят."""
        if tense == "pres":
            return self.imperfective is not None and not self.has("nopres")
        trifle = self.has("act", "look")  # «завтра я закрою глаза» не говорят
        return tense == "past" or not (trifle or self.has("feeling", "accident", "nofutr"))


@dataclass(frozen=True)
class Setting:
    """Обстановка сказуемого: время, вид, подлежащее во множественном числе, человек ли оно."""

    tense: str
    aspect: str
    plural: bool = False
    human: bool = True
    tags: frozenset = frozenset()


class Frames:
    """Все управления и наречия словаря; :attr:`personal` — те, где действует человек."""

    def __init__(self, words: Lexicon):
        self.words = words
        frames = [
            self._frame(frame)
            for frame in words.frames
            if frame.subject and frame.subject[0] != "-"
        ]
        self.personal = [f for f in frames if "person" in f.source.subject]
        self.others = [f for f in frames if "person" not in f.source.subject]
        self.adverbs: dict[str, list[Adverb]] = {}
        for adverb in words.adverbs:
            self.adverbs.setdefault(adverb.kind, []).append(adverb)

    def _frame(self, frame: VerbFrame) -> Frame:
        def verb(lemma):
            return self.words.get("VERB", lemma) if lemma else None

        text = frame.complement.replace("?*", "?*usual~")
        complement = compile_template(text, self.words) if text else None
        bare = compile_template(frame.complement.replace("?*", ""), self.words) if text else None
        places = [
            p for tag in sorted(frame.tags) if tag.startswith("place:") for p in tag[6:].split(",")
        ]
        compiled = tuple(compile_template(self._place(place), self.words) for place in places)
        pair = verb(frame.imperfective), verb(frame.perfective)
        return Frame(frame, *pair, complement, bare, compiled)

    def _place(self, name: str) -> str:
        """Помета ``place:`` → шаблон обстоятельства места."""
        if name == "home":
            return "дома"
        if re.match("[а-яё]", name):
            return f"{{at {name}}}"
        return f"{{at %{name}}}" if name in self.words.classes else f"{{at {_PLACES[name]}}}"

    def time(
        self, state: State, frame: Frame, tense: str, plural: bool
    ) -> tuple[str, Adverb | None]:
        """Вид глагола и обстоятельство времени, которые не спорят друг с другом."""
        lasting = "dur" in frame.tags
        kind = state.pick(TIME_KINDS[tense])
        if (
            tense == "past"
            and frame.imperfective
            and not frame.has("once", "nofreq", "act", "notime")
            and state.draw() < 0.25
        ):
            kind = "duration" if lasting and state.draw() < 0.5 else "freq"
        if tense == "pres":
            if frame.has("nofreq", "once"):
                kind = "time_pres"
            elif frame.has("habit", "arrive") or not (
                lasting or frame.has("act", "chore", "motion", "look", "speech")
            ):
                kind = "freq"
        imperfective_only = tense == "pres" or kind in ("freq", "duration")
        aspect = "impf" if imperfective_only or (lasting and state.draw() < 0.3) else "perf"
        if not frame.verb(aspect):
            aspect = "impf" if aspect == "perf" else "perf"
            kind = TIME_KINDS[tense][0]
        if frame.has("feeling", "notime") or (
            state.draw() > 0.45 and kind not in ("freq", "duration")
        ):
            return aspect, None
        adverb = self.adverb(state, kind, Setting(tense, aspect, plural, tags=frame.tags))
        if adverb is None and kind == "freq" and tense != "pres" and frame.perfective:
            aspect = "perf"  # без «часто» несовершенный вид повис бы: «она сообщала адрес»
        return aspect, adverb

    def adverb(self, state: State, kind: str, setting: Setting) -> Adverb | None:
        """Обстоятельство вида ``kind``, уместное в этой обстановке."""
        fitting = [adverb for adverb in self.adverbs.get(kind, ()) if _allowed(adverb, setting)]
        return state.pick(fitting) if fitting else None

    def manner(self, state: State, frame: Frame, setting: Setting) -> str | None:
        """Наречие образа действия, подходящее к глаголу."""
        if frame.has("noadv", "feeling", "accident"):
            return None
        if (setting.tense, setting.aspect) == ("futr", "impf"):
            return None  # «будет быстро мыть тарелки»
        fitting = [
            adverb.text
            for adverb in self.adverbs.get("manner", ())
            if adverb.tags & frame.source.tags
            and _allowed(adverb, setting)
            and "end" not in adverb.tags
        ]
        return state.pick(fitting) if fitting else None


def _allowed(adverb: Adverb, setting: Setting) -> bool:
    tags = adverb.tags
    if (
        "neg" in tags
        or ("plursubj" in tags and not setting.plural)
        or ("human" in tags and not setting.human)
    ):
        return False
    wanted = next((tag[4:].split(",") for tag in tags if tag.startswith("for:")), None)
    if wanted and not setting.tags & set(wanted):
        return False
    unwanted = next((tag[4:].split(",") for tag in tags if tag.startswith("not:")), ())
    if setting.tags & set(unwanted):
        return False
    if tags & TENSES and setting.tense not in tags:
        return False
    return not (tags & {"impf", "perf"}) or setting.aspect in tags
