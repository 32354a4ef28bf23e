"""Словарь «Городка»: леммы, классы, сочетаемость и таблица готовых форм.

Файлы словаря лежат в `lexicon/` и читаются глазами; таблица форм `forms.json.gz` построена
из них один раз (`forms`), поэтому при порождении текста разбора нет.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "lexicon"
FORMS_FILE = Path(__file__).parent / "forms.json.gz"


@dataclass(frozen=True, eq=False)
class Lexeme:
    """Слово со всеми формами.

    `lemma` у омонимов хранит и смысл: `ключ_дверной`. Ключи `forms`: у существительных
    `"gent plur"`, у прилагательных `"gent femn"` и `"accs plur anim"`, у глаголов
    `"past femn"`, `"fin 1 sing"` (настоящее или простое будущее), `"impr plur"`, `"infn"`.
    """

    lemma: str
    pos: str
    forms: dict[str, str]
    gender: str = "masc"
    animate: bool = False
    number: str = "sing"  # "plur" у слов без единственного числа
    aspect: str = ""
    flags: frozenset = field(default_factory=frozenset)

    @property
    def surface(self) -> str:
        """Лемма без пометы смысла: `ключ_дверной` → `ключ`."""
        return self.lemma.partition("_")[0]

    def form(self, key: str) -> str:
        """Форма по ключу; `KeyError` с понятным словом, если её нет."""
        try:
            return self.forms[key]
        except KeyError:
            raise KeyError(f"У слова «{self.lemma}» ({self.pos}) нет формы «{key}»") from None


@dataclass(frozen=True)
class VerbFrame:
    """Одно управление глагола: пара видов, класс подлежащего, дополнение-шаблон, пометы."""

    imperfective: str | None
    perfective: str | None
    subject: tuple[str, ...]
    complement: str
    tags: frozenset


@dataclass(frozen=True)
class Adverb:
    """Наречие или оборот: вид (`manner`, `time_past` …) и пометы."""

    text: str
    kind: str
    tags: frozenset


def rows(name: str) -> list[list[str]]:
    """Строки файла словаря, разбитые по табуляции; пустые и `#`-строки пропущены."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [
        [part.strip() for part in line.split("\t")]
        for line in lines
        if line.strip() and not line.startswith("#")
    ]


def construction_files() -> list[str]:
    """Файлы с оборотами речи: всё, что лежит в папке `lexicon/constructions`."""
    paths = sorted((FOLDER / "constructions").glob("*.txt"))
    return [f"constructions/{path.name}" for path in paths]


class Lexicon:
    """Словарь в памяти: слова, классы существительных, сочетаемость, управление, наречия."""

    def __init__(self, forms_file: Path = FORMS_FILE):
        with gzip.open(forms_file, "rt", encoding="utf-8") as file:
            table = json.load(file)
        self.lexemes: dict[tuple[str, str], Lexeme] = {}
        for pos, entries in table["lexemes"].items():
            for lemma, entry in entries.items():
                entry["flags"] = frozenset(entry.get("flags", ()))
                self.lexemes[pos, lemma] = Lexeme(lemma, pos, **entry)
        self.literals: dict[str, list[str]] = table["literals"]
        self.streets: dict[str, str] = table["streets"]
        self.places = _read_places()
        self.classes = self._read_classes()
        self.adjectives = _read_adjectives()
        self.frames = [_frame(row) for row in rows("verbs.txt")]
        self.adverbs = [_adverb(row) for row in rows("adverbs.txt")]
        self.held_out = frozenset(table.get("held_out", ()))
        self.epithets = _read_epithets()
        self._fitting: dict[tuple, list[Lexeme]] = {}
        self._members: dict[tuple, list[Lexeme]] = {}

    def _read_classes(self) -> dict[str, list[Lexeme]]:
        classes: dict[str, list[Lexeme]] = {}
        for row in rows("nouns.txt"):
            for name in row[1].split():
                classes.setdefault(name, []).append(self.get("NOUN", row[0]))
        return classes

    def get(self, pos: str, lemma: str) -> Lexeme:
        """Слово по части речи и лемме; `KeyError` подсказывает перестроить таблицу форм."""
        try:
            return self.lexemes[pos, lemma]
        except KeyError:
            raise KeyError(
                f"Слова «{lemma}» ({pos}) нет в таблице форм. Новое слово? "
                "Выполните: python -m lecture_lib.corpus.forms"
            ) from None

    def noun_classes(self, lemma: str) -> frozenset:
        """Классы существительного; у слова вне nouns.txt — пустое множество."""
        return _noun_classes().get(lemma, frozenset())

    def fitting_adjectives(self, noun: str, feature: str, group: str = "train") -> list[Lexeme]:
        """Прилагательные, которые сочетаются с существительным и имеют признак (`""` — любые).

        Признак `usual` — обычные определения из `epithets.txt`: «тёплый шарф», «спелая груша».
        """
        key = (noun, feature, group)
        if key not in self._fitting:
            classes = self.noun_classes(noun)
            if feature == "usual":
                surface = noun.partition("_")[0]
                names = self.epithets.get(noun) or self.epithets.get(surface, ())
            else:
                names = [
                    adjective
                    for adjective, (fits, features) in self.adjectives.items()
                    if (not feature or feature in features) and _fits(noun, classes, fits)
                ]
            fitting = [self.get("ADJF", name) for name in names]
            self._fitting[key] = self._of_group(fitting, group)
        return self._fitting[key]

    def members(
        self, classes: tuple[str, ...], group: str = "train", countable: bool = False
    ) -> list[Lexeme]:
        """Существительные классов без повторов; `countable` — только те, что можно сосчитать."""
        key = (classes, group, countable)
        if key not in self._members:
            found = dict.fromkeys(noun for name in classes for noun in self.classes[name])
            nouns = [
                n
                for n in found
                if not countable or (n.number == "sing" and "uncount" not in n.flags)
            ]
            self._members[key] = self._of_group(nouns, group)
        return self._members[key]

    def _of_group(self, words: list[Lexeme], group: str) -> list[Lexeme]:
        """Слова доли: в train нет отложенных, в test_words — только они, если есть хоть одно."""
        held = [word for word in words if word.lemma in self.held_out]
        if group == "test_words":
            return held or words
        return [word for word in words if word.lemma not in self.held_out] or words


def _fits(noun: str, classes: frozenset, fits: frozenset) -> bool:
    """Подходит ли прилагательное с полем `fits`: класс, «=слово» — да, «-слово» — нет.

    Слово без пометы смысла («роман») отвечает любому смыслу из поля («=роман_книга»).
    """
    surface = noun.partition("_")[0]
    plain = noun == surface
    named = {w[0] + (w[1:].partition("_")[0] if plain else w[1:]) for w in fits if w[0] in "=-"}
    if named & {f"-{noun}", f"-{surface}"}:
        return False
    return bool(classes & fits or named & {f"={noun}", f"={surface}"})


@cache
def _noun_classes() -> dict[str, frozenset]:
    """Классы по леммам; слово без пометы смысла получает классы первого из своих смыслов."""
    table: dict[str, frozenset] = {}
    for row in rows("nouns.txt"):
        table[row[0]] = frozenset(row[1].split())
        table.setdefault(row[0].partition("_")[0], table[row[0]])
    return table


_UNQUOTED = {"река", "озеро", "деревня", "село", "станция"}


def _read_places() -> dict[str, list[str]]:
    """Названия мест города по видам: кинотеатр → «Заря» …, школа → № 5 …"""
    places: dict[str, list[str]] = {}
    for kind, name in rows("places.txt"):
        bare = kind in _UNQUOTED or name.startswith("№")
        places.setdefault(kind, []).append(name if bare else f"«{name}»")
    return places


def _read_epithets() -> dict[str, list[str]]:
    """Обычные определения по существительным: «чай» → «горячий»."""
    table: dict[str, list[str]] = {}
    for adjectives, nouns in rows("epithets.txt"):
        for noun in nouns.split():
            table.setdefault(noun, []).extend(
                a for a in adjectives.split() if a not in table.get(noun, ())
            )
    return table


def _read_adjectives() -> dict[str, tuple[frozenset, frozenset]]:
    table = {}
    for row in rows("adjectives.txt"):
        features = frozenset(row[2].split()) if len(row) > 2 else frozenset()
        table[row[0]] = (frozenset(row[1].split()), features)
    return table


def _frame(row: list[str]) -> VerbFrame:
    row = row + [""] * (4 - len(row))
    imperfective, _, perfective = row[0].partition("/")
    listed = row[1].startswith("=")
    subjects = row[1][1:].split("|") if listed else row[1].replace(",", " ").split()
    return VerbFrame(
        imperfective.strip() if imperfective.strip() not in ("", "-") else None,
        perfective.strip() if perfective.strip() not in ("", "-") else None,
        tuple(f"={noun}" for noun in subjects) if listed else tuple(subjects),
        row[2],
        frozenset(row[3].split()),
    )


def _adverb(row: list[str]) -> Adverb:
    return Adverb(row[0], row[1], frozenset(row[2].split()) if len(row) > 2 else frozenset())


@cache
def lexicon() -> Lexicon:
    """Словарь курса; читается один раз (около четверти секунды)."""
    return Lexicon()
