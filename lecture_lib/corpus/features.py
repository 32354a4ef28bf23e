"""Лемма, часть речи и признаки слова «Городка» — в обозначениях OpenCorpora, одинаково для всех.

Признаки — граммемы через пробел, всегда в порядке `ORDER`; часть речи стоит отдельно:

| слово | часть речи | признаки |
|---|---|---|
| книгу | NOUN | accs sing femn inan |
| нового (дома) | ADJF | gent sing masc |
| готова | ADJS | sing femn |
| написанная | PRTF | nomn past sing femn pssv perf |
| читала | VERB | past sing femn impf |
| прочитаю | VERB | futr 1per sing perf |
| читайте | VERB | impr plur impf |
| читать, прочитав | INFN, GRND | impf; past perf |
| ей | NPRO | datv 3per sing femn |
| её (книга) | NPRO | gent 3per sing femn Poss |
| пятью | NUMR | ablt |

У слов только множественного числа («ножницы») рода нет. Прочее: PREP, CONJ, PRCL, ADVB … без
признаков, NUMB — цифры, LATN — латиница, PNCT — знаки и смайлики, UNKN — неизвестное слово.
"""

from __future__ import annotations

from functools import cache

from lecture_lib.corpus.grammar import PERSONAL
from lecture_lib.corpus.lexicon import Lexeme, lexicon, rows
from lecture_lib.corpus.template import CASES

ORDER = (
    *CASES,
    *("past", "pres", "futr", "impr"),
    *("1per", "2per", "3per"),
    *("sing", "plur"),
    *("masc", "femn", "neut"),
    *("anim", "inan"),
    *("actv", "pssv"),
    *("perf", "impf"),
    "Poss",
)
_RANK = {grammeme: rank for rank, grammeme in enumerate(ORDER)}
_SAME = {"loc2": "loct", "loc1": "loct", "gen2": "gent", "gen1": "gent", "acc2": "accs"}
_GENDERS = ("masc", "femn", "neut")
_INFLECTED = frozenset("NOUN ADJF ADJS PRTF PRTS VERB INFN GRND NPRO NUMR".split())
_PERSONS = {"я": ("1per", "sing"), "ты": ("2per", "sing"), "мы": ("1per", "plur")}
_PERSONS["вы"] = ("2per", "plur")

Analysis = tuple[str, str, str]


def canonical(grammemes) -> str:
    """Граммемы в принятом порядке; то, чего нет в `ORDER`, отброшено."""
    known = {_SAME.get(g, g) for g in grammemes}
    return " ".join(sorted((g for g in known if g in _RANK), key=_RANK.__getitem__))


@cache
def of_lexeme(lexeme: Lexeme, key: str) -> Analysis:
    """Разбор формы, которую поставила грамматика: лемма, часть речи, признаки."""
    if lexeme.surface.isdigit():
        return lexeme.surface, "NUMB", ""
    pos, grammemes = {"NOUN": _noun, "ADJF": _adjective, "VERB": _verb}[lexeme.pos](
        lexeme, key.split()
    )
    lemma = default_senses().get(lexeme.lemma, lexeme.lemma) if pos == "NOUN" else lexeme.lemma
    return lemma, pos, canonical(grammemes)


def _noun(lexeme: Lexeme, key: list[str]) -> tuple[str, set]:
    gender = () if lexeme.number == "plur" else (lexeme.gender,)
    return "NOUN", {*key, *gender, "anim" if lexeme.animate else "inan"}


def _adjective(lexeme: Lexeme, key: list[str]) -> tuple[str, set]:
    participle = "PRTF" in lexeme.flags
    grammemes = {*key, *(lexeme.flags if participle else ())}
    if key[-1] in _GENDERS or any(g in key for g in _GENDERS):
        grammemes.add("sing")
    if key[0] == "short":
        return "PRTS" if participle else "ADJS", grammemes
    if key[0] == "comp":
        return "COMP", set()
    return "PRTF" if participle else "ADJF", grammemes


def _verb(lexeme: Lexeme, key: list[str]) -> tuple[str, set]:
    aspect = lexeme.aspect
    if key[0] == "infn":
        return "INFN", {aspect}
    if key[0] == "grnd":
        return "GRND", {aspect, "past" if aspect == "perf" else "pres"}
    if key[0] == "fin":
        future = aspect == "perf" or lexeme.lemma == "быть"
        return "VERB", {"futr" if future else "pres", f"{key[1]}per", key[2], aspect}
    if key[0] == "pres":  # «есть»
        return "VERB", {"pres", "3per", aspect}
    return "VERB", {*key, aspect, *(() if key[-1] in ("sing", "plur") else ("sing",))}


@cache
def of_pronoun(text: str, form: str, number: str, gender: str) -> Analysis:
    """Разбор личного местоимения; `form` — падеж или `poss`."""
    speaker = _speakers().get(text)
    if speaker:
        return speaker, "NPRO", canonical({form, *_PERSONS[speaker]})
    who = {"3per", number, *((gender,) if number == "sing" else ())}
    case = {"gent", "Poss"} if form == "poss" else {form}
    return "он", "NPRO", canonical(who | case)


@cache
def _speakers() -> dict[str, str]:
    return {form: forms["nomn"] for forms in PERSONAL.values() for form in forms.values()}


def is_speaker(text: str) -> bool:
    """Первое или второе лицо: «я», «тебе», «нами» …"""
    return text.lower() in _speakers()


@cache
def of_numeral(text: str, form: str) -> Analysis:
    """Разбор числительного: «двадцати двух» → «двадцать два»; цифры — `NUMB`."""
    if text.isdigit():
        return text, "NUMB", ""
    return " ".join(_numerals().get(word, word) for word in text.split()), "NUMR", form


@cache
def _numerals() -> dict[str, str]:
    words = [w for (pos, _), w in lexicon().lexemes.items() if pos == "NUMR"]
    words.append(lexicon().get("ADJF", "один"))
    return {form: word.lemma for word in words for form in word.forms.values()}


def of_literal(text: str) -> tuple[str, str, str, bool]:
    """Разбор слова из неизменяемого текста и верен ли он наверняка.

    Это первый разбор pymorphy3 без оглядки на соседей; верен наверняка, только если он один.
    """
    return _of_literal(text.lower())


@cache
def _of_literal(text: str) -> tuple[str, str, str, bool]:
    known = lexicon().literals.get(text)
    if known:
        lemma, tag, *certain = known
        pos, *grammemes = tag.replace(" ", ",").split(",")
        return lemma, pos, canonical(grammemes) if pos in _INFLECTED else "", bool(certain)
    if text.isdigit():
        return text, "NUMB", "", True
    if not text[:1].isalnum():
        return text, "PNCT", "", True
    latin = text[0] in "abcdefghijklmnopqrstuvwxyz"
    return text, "LATN" if latin else "UNKN", "", latin


@cache
def default_senses() -> dict[str, str]:
    """Обычный смысл омонима, записанного без пометы: «замок» → `замок_дверной`."""
    return {lemma: sense for lemma, sense in rows("default_senses.txt")}
