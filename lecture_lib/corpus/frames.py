"""Управление глаголов и обстоятельства «Городка», готовые к порождению.

Здесь решается, что с чем уместно: какой вид требует «каждый день», какое наречие подходит к
глаголу речи, где обычно читают. Сами предложения складывает :mod:`~lecture_lib.corpus.clauses`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lecture_lib.corpus.grammar import Compiled, State, compile_template
from lecture_lib.corpus.lexicon import Adverb, Lexeme, Lexicon, VerbFrame

TIME_KINDS = {
    "past": ("time_past", "time_past", "time_any"),
    "pres": ("time_pres", "freq", "freq"),
    "futr": ("time_futr", "time_futr", "time_any"),
}
TENSES = frozenset(TIME_KINDS)
# Пометы, по которым два действия уместны в одном предложении.
KINDRED = frozenset("work leisure motion buy eat help speech social look sleep arrive".split())
# Действия, при которых наречие образа действия уместно с любым дополнением.
DESCRIBED = frozenset("work eat sleep motion speech look mental walk weather sound".split())
_PLACES = {"park": "парк", "shop": "магазин", "school": "школа", "work": "работа", "street": "улица"}


@dataclass(frozen=True)
class Frame:
    """Одно управление: глаголы двух видов, дополнение и места, где это бывает."""

    source: VerbFrame
    imperfective: Lexeme | None
    perfective: Lexeme | None
    complement: Compiled | None
    places: tuple[Compiled, ...]

    def verb(self, aspect: str) -> Lexeme | None:
        """Глагол нужного вида (``impf`` или ``perf``), если он есть."""
        return self.imperfective if aspect == "impf" else self.perfective

    def has(self, *tags: str) -> bool:
        return any(tag in self.source.tags for tag in tags)

    def suits(self, tense: str) -> bool:
        """Уместно ли управление в этом времени: «завтра я испугаюсь» не говорят."""
        if tense == "pres":
            return self.imperfective is not None and not self.has("nopres")
        return tense == "past" or not self.has("feeling", "accident")


@dataclass(frozen=True)
class Setting:
    """Обстановка сказуемого: время, вид, подлежащее во множественном числе, человек ли оно."""

    tense: str
    aspect: str
    plural: bool = False
    human: bool = True


class Frames:
    """Все управления и наречия словаря; :attr:`personal` — те, где действует человек."""

    def __init__(self, words: Lexicon):
        self.words = words
        frames = [self._frame(frame) for frame in words.frames if frame.subject and frame.subject[0] != "-"]
        self.personal = [f for f in frames if "person" in f.source.subject]
        self.others = [f for f in frames if "person" not in f.source.subject]
        self.by_tag: dict[str, list[Frame]] = {}
        for frame in self.personal:
            for tag in frame.source.tags & KINDRED:
                self.by_tag.setdefault(tag, []).append(frame)
        self.adverbs: dict[str, list[Adverb]] = {}
        for adverb in words.adverbs:
            self.adverbs.setdefault(adverb.kind, []).append(adverb)

    def _frame(self, frame: VerbFrame) -> Frame:
        def verb(lemma):
            return self.words.get("VERB", lemma) if lemma else None

        complement = compile_template(frame.complement, self.words) if frame.complement else None
        places = [p for tag in sorted(frame.tags) if tag.startswith("place:") for p in tag[6:].split(",")]
        compiled = tuple(compile_template(self._place(place), self.words) for place in places)
        return Frame(frame, verb(frame.imperfective), verb(frame.perfective), complement, compiled)

    def _place(self, name: str) -> str:
        """Помета ``place:`` → шаблон обстоятельства места."""
        if name == "home":
            return "дома"
        if re.match("[а-яё]", name):
            return f"{{at {name}}}"
        return f"{{at %{name}}}" if name in self.words.classes else f"{{at {_PLACES[name]}}}"

    def related(self, state: State, tense: str, first: Frame) -> Frame | None:
        """Второе дело из того же ряда, если у первого есть ряд."""
        tags = sorted(first.source.tags & KINDRED)
        if not tags:
            return None
        second = state.pick(self.by_tag[state.pick(tags)])
        same = {first.imperfective, first.perfective} & {second.imperfective, second.perfective} - {None}
        return second if not same and second.suits(tense) else None

    def time(self, state: State, frame: Frame, tense: str, plural: bool) -> tuple[str, Adverb | None]:
        """Вид глагола и обстоятельство времени, которые не спорят друг с другом."""
        kind = state.pick(TIME_KINDS[tense])
        if tense == "past" and frame.imperfective and state.draw() < 0.25:
            kind = state.pick(("freq", "duration"))
        if kind == "freq" and frame.has("nofreq"):
            kind = "time_pres"
        if kind == "time_pres" and frame.has("habit"):
            kind = "freq"
        imperfective_only = tense == "pres" or kind in ("freq", "duration")
        aspect = "impf" if imperfective_only or state.draw() > 0.68 else "perf"
        if not frame.verb(aspect):
            aspect = "impf" if aspect == "perf" else "perf"
            kind = TIME_KINDS[tense][0]
        if state.draw() > 0.62:
            return aspect, None
        return aspect, self.adverb(state, kind, Setting(tense, aspect, plural))

    def adverb(self, state: State, kind: str, setting: Setting) -> Adverb | None:
        """Обстоятельство вида ``kind``, уместное в этой обстановке."""
        fitting = [adverb for adverb in self.adverbs.get(kind, ()) if _allowed(adverb, setting)]
        return state.pick(fitting) if fitting else None

    def manner(self, state: State, frame: Frame, setting: Setting) -> str | None:
        """Наречие образа действия, подходящее к глаголу."""
        if frame.has("noadv", "feeling"):
            return None
        fitting = [
            adverb.text
            for adverb in self.adverbs.get("manner", ())
            if adverb.tags & frame.source.tags & DESCRIBED and _allowed(adverb, setting) and "end" not in adverb.tags
        ]
        return state.pick(fitting) if fitting else None


def _allowed(adverb: Adverb, setting: Setting) -> bool:
    tags = adverb.tags
    if "neg" in tags or ("plursubj" in tags and not setting.plural) or ("human" in tags and not setting.human):
        return False
    if tags & TENSES and setting.tense not in tags:
        return False
    return not (tags & {"impf", "perf"}) or setting.aspect in tags
