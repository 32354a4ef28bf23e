"""Хроники «Городка»: предложения, которые грамматика складывает сама из управления глаголов.

Сценарии держат сюжет, хроники — язык: любой глагол словаря с любым подходящим дополнением, в любом
лице и времени, с обстоятельствами, отрицанием, вопросом, придаточным. В половине хроник подлежащее
и время держатся весь документ, и следующее предложение не случайно; в другой половине — пёстрой —
они каждый раз новые, и сказуемое узнаётся только из самого предложения.
"""

from __future__ import annotations

from lecture_lib.corpus.clauses import Story
from lecture_lib.corpus.lexicon import Lexicon
from lecture_lib.corpus.state import LINE, Entity, State
from lecture_lib.corpus.stock import Stock
from lecture_lib.corpus.world import World

# Кто герой хроники: житель по имени или лицо местоимения.
PERSONS = ("name",) * 9 + ("me",) * 3 + ("we",) * 4 + ("you",) + ("vy",) * 2
# Доля хроник (обычных и пёстрых), где герой — не житель по имени, а «моя сестра», «наши соседи»,
# «художница»: у существительного род и число узнаются по слову, и согласование с ним тоже нужно.
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


class Chronicle:
    """Источник документов-хроник; устройство предложений — в `clauses.Story`."""

    kind = "chronicle"
    name = "chronicle"

    def __init__(self, words: Lexicon, town: World):
        self.words, self.town = words, town
        self.stock = Stock(words)

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
        return Story(self.stock, state, person, state.pick(TENSES))

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
