"""Хроники «Городка»: предложения, которые грамматика складывает сама из управления глаголов.

Сценарии держат сюжет, хроники — язык: любой глагол словаря с любым подходящим дополнением, в любом
лице и времени, с обстоятельствами, отрицанием, вопросом, придаточным. В половине хроник подлежащее
и время держатся весь документ, и следующее предложение не случайно; в другой половине — пёстрой —
они каждый раз новые, и сказуемое узнаётся только из самого предложения.
"""

from __future__ import annotations

from collections.abc import Callable

from lecture_lib.corpus import template
from lecture_lib.corpus.clauses import Story
from lecture_lib.corpus.frames import Frame, Frames
from lecture_lib.corpus.grammar import VerbNode, compile_template
from lecture_lib.corpus.lexicon import Lexicon
from lecture_lib.corpus.phrases import ENDINGS
from lecture_lib.corpus.state import LINE, Entity, State
from lecture_lib.corpus.world import World

# Кто герой хроники: житель по имени или лицо местоимения.
PERSONS = ("name",) * 9 + ("me",) * 3 + ("we",) * 4 + ("you",) + ("vy",) * 2
# Доля хроник (обычных и пёстрых), где герой — не житель по имени, а «моя сестра», «наши соседи», «художница»: у
# существительного род и число узнаются по слову, и согласование с ним тоже надо показать.
NOUN_HERO = {False: 0.4, True: 0.75}
MOTLEY = 0.5  # доля пёстрых хроник: в каждом предложении свой герой и своё время
KIN_HEROES = (
    "мама папа бабушка дедушка брат сестра дядя тётя сын дочь муж жена друг подруга сосед соседка "
    "племянник племянница коллега"
).split()
ROLE_HEROES = (
    "учитель учительница врач художник художница музыкант инженер журналист журналистка писатель "
    "писательница спортсмен спортсменка студент студентка пенсионер пенсионерка фермер архитектор "
    "женщина мужчина девушка юноша старик старушка"
).split()
MANY_HEROES = (
    "друг подруга сосед соседка коллега студент студентка родитель родственник брат сестра учитель "
    "врач инженер музыкант художник спортсмен фермер женщина мужчина девушка"
).split()
OWNED = frozenset("друг подруга сосед соседка коллега родитель родственник брат сестра".split())
POINTERS = {False: ("этот", "этот", "этот", "тот"), True: ("этот", "этот", "некоторый", "другой")}
EPITHETS = ("молодой", "пожилой", "знакомый", "высокий", "весёлый")
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


class Chronicle:
    """Источник документов-хроник; устройство предложений — в `clauses.Story`."""

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

    def emit(self, state: State) -> list:
        """Сложить хронику из 4–8 предложений."""
        motley = state.draw() < MOTLEY
        story = self.story(state, motley)
        for number in range(4 + int(state.draw() * 5)):
            if motley and number:
                story = self.story(state, motley)
            story.sentence()
            state.out.append(LINE)
        return []

    def story(self, state: State, motley: bool) -> Story:
        """Новый герой и новое время."""
        person = state.pick(PERSONS)
        if person == "name" and state.draw() < NOUN_HERO[motley]:
            state.roles["S"] = self.noun_hero(state, motley)
            friends = self.town.adults
        else:
            state.roles["S"] = state.pick(self.town.adults)
            friends = self.town.related("friend", state.roles["S"])
        state.roles["B"] = state.pick(friends) if friends else None
        return Story(self, state, person, state.pick(TENSES))

    def noun_hero(self, state: State, motley: bool) -> Entity:
        """Герой-существительное: «моя сестра», «эти студенты», «пожилые соседи» или «художница»."""
        many = state.draw() < 0.4
        kin = not many and state.draw() < 0.5
        lemma = state.pick(MANY_HEROES if many else KIN_HEROES if kin else ROLE_HEROES)
        state.used.add(lemma)
        whose = self.hero_modifiers(state, lemma, many, motley)
        return Entity(self.words.get("NOUN", lemma), "plur" if many else None, modifiers=whose)

    def hero_modifiers(self, state: State, lemma: str, many: bool, motley: bool) -> tuple:
        """Чей он, который из многих и каков: «наши», «некоторые», «весёлая»."""
        words = []
        if lemma in ("муж", "жена"):
            words = ["мой"]
        elif lemma in OWNED or lemma in KIN_HEROES:
            words = [state.pick(("мой", "мой", "наш", "наш", "твой", "ваш"))]
        elif motley and state.draw() < 0.5:
            words = [state.pick(POINTERS[many])]
        if motley and lemma not in ("старик", *KIN_HEROES) and state.draw() < 0.25:
            words.append(state.pick(EPITHETS))
        return tuple(self.words.get("ADJF", word) for word in words)


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
