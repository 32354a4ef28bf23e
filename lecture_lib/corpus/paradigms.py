"""Формы одного слова по pymorphy3 — поля `Lexeme` для таблицы форм (`forms`)."""

from __future__ import annotations

from functools import cache

from lecture_lib.corpus import template
from lecture_lib.corpus.lexicon import rows

VARIANTS = {
    "V-oy",
    "V-ey",
    "V-ie",
    "V-bi",
    "V-sh",
    "V-ej",
    "Cmp2",
    "gen2",
    "acc2",
    "loc2",
    "V-be",
    "V-en",
}
POS_TAGS = {
    "NOUN": ("NOUN", "NPRO", "ADJF"),
    "ADJF": ("ADJF", "PRTF", "ADJS", "NPRO"),
    "VERB": ("INFN",),
    "NUMR": ("NUMR",),
}
# Флаги, с которыми должен совпасть разбор.
CHECKED = {"masc", "femn", "anim", "inan", "Name", "Surn", "impf", "perf"}
PARTICIPLE = {"actv", "pssv", "pres", "past", "perf", "impf"}


class FormsError(ValueError):
    """Слово, которое pymorphy3 не узнаёт таким, каким оно записано."""


def lexeme_entry(pos: str, lemma: str, flags: frozenset) -> dict:
    """Формы слова по pymorphy3 — поля `Lexeme`."""
    surface = lemma.partition("_")[0]
    if pos == "NOUN" and "indecl" in flags:
        return _indeclinable(surface, flags)
    parse = _best_parse(pos, surface, flags)
    entry = {"NOUN": _noun, "ADJF": _adjective, "VERB": _verb, "NUMR": _numeral}[pos](parse, flags)
    entry["forms"].update(irregular_forms().get((pos, lemma), {}))
    keep = sorted(flags & {"na", "uncount", "plural", "indecl", "Name", "Surn"})
    if parse.tag.POS == "PRTF":  # причастие: вид, залог и время нужны разметке
        keep = sorted({"PRTF"} | parse.tag.grammemes & PARTICIPLE)
    if keep:
        entry["flags"] = keep
    if flags & {"Name", "Surn", "Title"} or surface[0].isupper():
        entry["forms"] = {key: form.capitalize() for key, form in entry["forms"].items()}
    return entry


def _best_parse(pos: str, surface: str, flags: frozenset):
    candidates = []
    for parse in morph().parse(surface.lower()):
        tag = parse.tag.grammemes
        if parse.tag.POS not in POS_TAGS[pos]:
            continue
        base = parse.word if parse.tag.POS == "PRTF" else parse.normal_form
        fits = base == surface.lower() or parse.word == surface.lower()
        if not fits or (pos == "NOUN" and "nomn" not in tag and parse.tag.POS != "NPRO"):
            continue
        wrong = [f for f in flags & CHECKED if f not in tag]
        rank = (
            len(wrong),
            POS_TAGS[pos].index(parse.tag.POS),
            base != surface.lower(),
            -parse.score,
        )
        if "Impe" in tag:
            rank = (rank[0] + 1, *rank[1:])
        if pos == "NOUN" and not flags & {"Name", "Surn"}:
            rank = (len(wrong) + bool(tag & {"Name", "Surn", "Geox", "Abbr"}), *rank[1:])
        candidates.append((rank, len(candidates), parse))
    if not candidates:
        raise FormsError(
            f"pymorphy3 не знает слова «{surface}» как {pos} {' '.join(sorted(flags))}".strip()
        )
    return min(candidates, key=lambda candidate: candidate[:2])[2]


def _forms_of(parse, wanted: set):
    """Формы парадигмы с нужной частью речи; варианты вроде «встретивши» — в конце."""
    forms = [form for form in parse.lexeme if form.tag.POS in wanted]
    yield from sorted(forms, key=lambda form: bool(form.tag.grammemes & VARIANTS))


@cache
def word_list(name: str) -> frozenset:
    """Слова файла-списка: `rejected_forms.txt`, `second_locative.txt`."""
    return frozenset(word for row in rows(name) for word in row[0].split())


@cache
def irregular_forms() -> dict[tuple[str, str], dict[str, str]]:
    """Поправки из `irregular_forms.txt`: (часть речи, лемма) → {ключ: форма}."""
    return {
        (pos, lemma): dict(pair.strip().split("=") for pair in pairs.split(";"))
        for pos, lemma, pairs in rows("irregular_forms.txt")
    }


def _noun(parse, flags: frozenset) -> dict:
    forms: dict[str, str] = {}
    for form in sorted(parse.lexeme, key=lambda form: form.word in word_list("rejected_forms.txt")):
        tag = form.tag
        if tag.POS != parse.tag.POS or ("Surn" in flags and tag.gender != parse.tag.gender):
            continue
        if tag.POS == "ADJF" and tag.number == "sing" and tag.gender != parse.tag.gender:
            continue
        if tag.POS == "ADJF" and ("inan" if "anim" in flags else "anim") in tag.grammemes:
            continue
        key = f"{tag.case} {tag.number or 'sing'}"
        if "loc2" in tag.grammemes or tag.case == "loc2":
            if parse.normal_form in word_list("second_locative.txt"):
                forms.setdefault("loc2 sing", form.word)
        elif not tag.grammemes & VARIANTS:
            forms.setdefault(key, form.word)
    if parse.tag.POS == "NPRO" and not parse.tag.number:  # «себя», «кто» — при любом числе
        forms |= {key.replace("sing", "plur"): form for key, form in forms.items()}
    written_plural = "plur" in parse.tag.grammemes and parse.word != parse.normal_form  # «овощи»
    plural_only = (
        "Pltm" in parse.tag.grammemes
        or "plural" in flags
        or written_plural
        or not any(key.endswith("sing") for key in forms)
    )
    gender = next((f for f in ("masc", "femn", "neut") if f in flags), None) or str(
        parse.tag.gender or "masc"
    )
    animate = "anim" in flags or ("inan" not in flags and parse.tag.animacy == "anim")
    return _entry(forms, gender=gender, animate=animate, number="plur" if plural_only else "sing")


def _indeclinable(surface: str, flags: frozenset) -> dict:
    keys = [f"{case} {number}" for case in template.CASES for number in template.NUMBERS]
    gender = next((f for f in ("masc", "femn") if f in flags), "neut")
    keep = sorted(flags & {"na", "uncount", "indecl"})
    return {
        **_entry(dict.fromkeys(keys, surface), gender=gender, animate="anim" in flags),
        "flags": keep,
    }


def _adjective(parse, flags: frozenset) -> dict:
    same = {g for g in ("actv", "pssv", "pres", "past", "perf", "impf") if g in parse.tag.grammemes}
    forms: dict[str, str] = {}
    for form in _forms_of(parse, {"ADJF", "PRTF", "ADJS", "PRTS", "COMP"}):
        tag = form.tag
        if parse.tag.POS == "PRTF" and not same <= tag.grammemes:
            continue
        if tag.POS == "COMP":
            forms.setdefault("comp", form.word)
        elif ("Supr" in tag.grammemes) == ("Supr" in parse.tag.grammemes):
            forms.setdefault(_adjective_key(tag), form.word)
    return _entry(forms)


def _adjective_key(tag) -> str:
    agreement = "plur" if tag.number == "plur" else str(tag.gender)
    if tag.POS in ("ADJS", "PRTS"):
        return f"short {agreement}"
    if tag.case == "accs" and agreement in ("masc", "plur"):
        return f"accs {agreement} {'anim' if 'anim' in tag.grammemes else 'inan'}"
    return f"{tag.case} {agreement}"


def _verb(parse, flags: frozenset) -> dict:
    forms: dict[str, str] = {}
    perfective = parse.tag.aspect == "perf"
    usual = sorted(  # «услышав», а не «услыша»; «выйдя», а не «вышедши»
        _forms_of(parse, {"VERB", "INFN", "GRND"}),
        key=lambda form: perfective and _gerund_rank(form.word),
    )
    for form in usual:
        tag = form.tag
        if tag.POS == "INFN":
            key = "infn"
        elif tag.POS == "GRND":
            if ("past" in tag.grammemes) != perfective:
                continue
            key = "grnd"
        elif tag.mood == "impr":
            if "incl" in tag.grammemes:
                continue
            key = f"impr {tag.number}"
        elif tag.tense == "past":
            key = f"past {'plur' if tag.number == 'plur' else tag.gender}"
        elif parse.normal_form == "быть" and tag.tense == "pres":
            key = "pres"
        else:
            person = tag.person[0] if tag.person else "3"  # безличные: «хочется»
            key = f"fin {person} {tag.number}"
        forms.setdefault(key, form.word)
    return _entry(forms, aspect=str(parse.tag.aspect))


def _gerund_rank(word: str) -> int:
    """Место деепричастия среди вариантов: «услышав», потом «выйдя», потом «вышедши»."""
    if word.endswith(("в", "вшись", "шись")):
        return 0
    return 2 if word.endswith("ши") else 1


def _numeral(parse, flags: frozenset) -> dict:
    forms: dict[str, str] = {}
    for form in _forms_of(parse, {"NUMR"}):
        tag = form.tag
        key = f"{tag.case} {tag.gender}" if tag.gender else str(tag.case)
        if tag.case == "accs" and "anim" in tag.grammemes:
            key = f"{tag.case} anim"
        forms.setdefault(key, form.word)
    return _entry(forms)


def _entry(forms: dict, **extra) -> dict:
    """Пустые и значения по умолчанию в таблицу не пишем: так она вдвое меньше."""
    defaults = {"gender": "masc", "animate": False, "number": "sing", "aspect": ""}
    values = {key: value for key, value in extra.items() if value != defaults[key] and value}
    return {"forms": forms, **values}


@cache
def morph():
    """Разбор pymorphy3; нужен только при построении таблицы."""
    import pymorphy3

    return pymorphy3.MorphAnalyzer()
