"""Запас хроники: обороты, связки и управления глаголов, разложенные по времени и уместности.

Собирается один раз на словарь; предложения из него складывают `lecture_lib.corpus.phrases` и
`lecture_lib.corpus.clauses`.
"""

from __future__ import annotations

from collections.abc import Callable

from lecture_lib.corpus import template
from lecture_lib.corpus.frames import Frame, Frames
from lecture_lib.corpus.grammar import VerbNode, compile_template
from lecture_lib.corpus.lexicon import Lexicon

KIN = "друг|подруга|сосед|соседка|брат|сестра|коллега|мама|папа|бабушка|дедушка|тётя|дядя"
# Чем кончается «купила хлеб и …»; V — время и лицо подлежащего.
ENDINGS = {
    "perf": {
        "return": ("{пойти V} домой", "{поехать V} домой", "{вернуться V} домой"),
        "ride": ("{сесть V} в {автобус|трамвай|такси accs}", "{пойти V} на {остановка accs}"),
        "out": (
            "{пойти V} {to магазин|аптека|рынок|библиотека|почта}",
            "{пойти V} в {парк accs}",
            "{пойти V} на {прогулка accs}",
        ),
        "errand": ("{пойти V} {to магазин|аптека|рынок|библиотека|почта}",),
        "phone": (f"{{позвонить V}} {{{KIN} datv}}",),
        "visit": (f"{{поехать V}} к {{{KIN} datv}}",),
        "meet": (f"{{встретиться V}} с {{{KIN} ablt}}",),
        "drink": (
            "{выпить V} {чашка accs} {чай|кофе|какао gent}",
            "{выпить V} {стакан accs} {чай|сок|вода|молоко|кефир gent}",
        ),
        "rest": ("{сесть V} отдыхать", "{лечь V} отдыхать"),
        "home": (
            "{сесть V} завтракать",
            "{сесть V} ужинать",
            "{лечь V} спать",
            "{включить V} {телевизор|радио|музыка accs}",
        ),
    },
    "impf": {
        "return": ("{идти V} домой", "{возвращаться V} домой"),
        "ride": ("{садиться V} в {автобус|трамвай|такси accs}",),
        "out": ("{идти V} {to магазин|аптека|рынок|парк|библиотека|почта}",),
        "errand": ("{идти V} {to магазин|аптека|рынок|библиотека|почта}",),
        "phone": (f"{{звонить V}} {{{KIN} datv}}",),
        "visit": (f"{{ехать V}} к {{{KIN} datv}}",),
        "meet": (f"{{встречаться V}} с {{{KIN} ablt}}",),
        "drink": ("{пить V} {чай|кофе accs}",),
        "rest": ("{отдыхать V}",),
        "home": ("{садиться V} ужинать", "{ложиться V} спать", "{включать V} {телевизор accs}"),
    },
}
PHRASES = {
    "name": "{S}",
    "pro": "{S pro}",
    "me": "{S me}",
    "we": "{S we}",
    "you": "{S you}",
    "vy": "{S vy}",
    "friend": "{B}",
    "other": "{O}",
    "somebody": "{O=женщина|мужчина|девушка|юноша|женщина|мужчина|девушка|"
    "пенсионер|пенсионерка|студент|художник|музыкант|инженер|журналист|почтальон|старик|старушка}",
    "said": "{B} {сказать|рассказать|сообщить past @B}, что",
    "thinks": "{B} {думать|знать|говорить pres @B}, что",
    "hopes": "{B} {думать|знать|надеяться pres @B}, что",
    "which": "{который nomn @O}",
}
MODALS = {
    "past": ("хотеть", "собираться", "решить"),
    "pres": ("хотеть", "собираться", "мочь"),
    "futr": ("смочь",),
}
# Дела, которые хотят, решают и собираются сделать: не «хотела опустить сумку».
WILLED = frozenset("buy leisure work help social speech habit walk eat".split())
# Чем кончается «Женщина, которая …»: кто она.
MAINS = (  # последнее не уместно, если дело идёт сейчас: «которая варит суп, сейчас в парке»
    "{жить pres @O} [в соседнем доме|рядом с нами|на нашей улице|на пятом этаже|недалеко от парка]",
    "хорошо {знать pres @O} [мою сестру|моего брата|нашу бабушку|нашего соседа]",
    "часто {бывать pres @O} {at библиотека|парк|музей|театр}",
    "[сейчас|уже] [дома|в парке|у нас в гостях]",
)
WORK = "{работать pres @O} {at больница|школа|банк|магазин|библиотека|почта|музей|аптека|завод}"


class Stock:
    """Всё, из чего складывается хроника."""

    def __init__(self, words: Lexicon):
        self.words = words
        self.frames = Frames(words)
        self.phrases = {name: compile_template(text, words) for name, text in PHRASES.items()}
        self.verbs = {
            (tense, person): VerbNode(template.parse_slot(f"быть {tense} @S{person}"), words)
            for tense in template.TENSES
            for person in ("", ".me", ".we", ".you", ".vy")
        }
        self.endings = _endings(words)
        self.mains = [compile_template(text, words) for text in MAINS]
        self.work = compile_template(WORK, words)
        self.modals = {
            t: [words.get("VERB", verb) for verb in verbs] for t, verbs in MODALS.items()
        }
        self._sort_frames()

    def _sort_frames(self) -> None:
        """Раскладывает управления по тому, где они уместны: {время: управления}."""
        people = self.frames.personal
        asked = [f for f in people if not f.has("noimpr", "accident", "feeling", "infn")]
        self.requested = [f for f in asked if f.suits("past")]
        self.willed = _by_tense(asked, lambda f: f.source.tags & WILLED)
        self.personal = _by_tense(people)
        self.finished = _by_tense(people, lambda f: f.finished)
        self.told = _by_tense(people, lambda f: f.finished and not f.has("act", "chore", "eat"))
        self.ended = _by_tense(people, lambda f: f.ended)
        self.asked = _by_tense(people, lambda f: f.finished and not f.has("chore", "act"))
        self.known = _by_tense(people, lambda f: f.ended and not f.has("chore"))
        self.others = _by_tense(self.frames.others)
        lasting = [f for f in people if "dur" in f.tags and not f.has("infn", "habit", "nowhile")]
        self.lasting = {
            (tense, big): frames
            for big in (False, True)
            for tense, frames in _by_tense(lasting, lambda f, big=big: f.has("big") == big).items()
        }


def _endings(words: Lexicon) -> dict:
    """Продолжения «… и пошла домой»: {(время, вид, роль с лицом): {дело: шаблоны}}."""
    subjects = [("S", p) for p in ("", ".me", ".we", ".you", ".vy")] + [("O", "")]
    return {
        (tense, aspect, role + person): {
            kind: [
                compile_template(text.replace("V}", f"{tense} @{role}{person}}}"), words)
                for text in texts
            ]
            for kind, texts in kinds.items()
        }
        for aspect, kinds in ENDINGS.items()
        for tense in MODALS
        for role, person in subjects
    }


def _by_tense(
    frames: list[Frame], fits: Callable[[Frame], object] = lambda frame: True
) -> dict[str, list[Frame]]:
    """Управления, уместные в каждом из времён."""
    return {tense: [f for f in frames if f.suits(tense) and fits(f)] for tense in MODALS}
