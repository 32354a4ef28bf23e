"""Таблица форм «Городка»: строится через pymorphy3 один раз и едет вместе с пакетом.

Запуск: `python -m lecture_lib.corpus.forms`. Собирает все леммы словаря и шаблонов, просит
у pymorphy3 их формы и пишет `forms.json.gz` (одинаковые байты при одинаковом входе).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable
from functools import cache

from lecture_lib.corpus import template
from lecture_lib.corpus.lexicon import FOLDER, FORMS_FILE, construction_files, rows
from lecture_lib.corpus.paradigms import FormsError, lexeme_entry, morph

SCRIPTS = FOLDER.parent / "scripts"
NUMERALS = (
    "два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать "
    "четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать двадцать тридцать "
    "сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто"
).split()
# Разборы слов неизменяемого текста, где первый разбор pymorphy3 почти всегда неверен.
CORRECTED = {
    "есть": ("быть", "VERB,impf,intr sing,3per,pres,indc"),
    "слесарь": ("слесарь", "NOUN,anim,masc sing,nomn"),
    "парке": ("парк", "NOUN,inan,masc sing,loct"),
    "нашли": ("найти", "VERB,perf,tran plur,past,indc"),
    "выходные": ("выходные", "NOUN,inan plur,nomn"),
    "пора": ("пора", "PRED"),
    "дома": ("дома", "ADVB"),
    "ок": ("ок", "INTJ"),
    "рады": ("рад", "ADJS plur"),
    "летом": ("летом", "ADVB"),
    "весной": ("весной", "ADVB"),
    "осенью": ("осенью", "ADVB"),
    "днём": ("днём", "ADVB"),
}
# Слова, которые нужны самой грамматике, а не файлам словаря.
GRAMMAR_WORDS = (
    [
        ("ADJF", word)
        for word in (
            "один который этот тот весь свой каждый некоторый другой мой твой наш ваш"
        ).split()
    ]
    + [
        ("VERB", word)
        for word in (
            "быть мочь смочь хотеть решить собираться сказать рассказать написать ответить "
            "сообщить думать знать надеяться считать"
        ).split()
    ]
    + [("NOUN", word) for word in "улица житель жительница".split()]
    + [("NUMR", word) for word in NUMERALS]
)


def template_lines() -> Iterable[tuple[str, str]]:
    """Все шаблоны пакета парами «откуда, текст»: сценарии, управление глаголов, омонимы, знания."""
    for path in sorted(SCRIPTS.glob("*.txt")):
        body = path.read_text(encoding="utf-8").partition("\n---\n")[2]
        for number, line in enumerate(body.splitlines()):
            text = clean_line(line)
            if text:
                yield f"{path.name}:{number}", text
    for row in rows("verbs.txt"):
        yield f"verbs.txt: {row[0]}", row[2] if len(row) > 2 else ""
    for row in rows("homonyms.txt"):
        yield f"homonyms.txt: {row[0]}", row[1]
    for file in ("pairs.txt", *construction_files()):
        for row in rows(file):
            yield file, row[-1]
    for row in rows("professions.txt"):
        yield f"professions.txt: {row[0]}", row[3] if len(row) > 3 else ""


def clean_line(line: str) -> str:
    """Строка сценария без помет `?`, `<условие>`, `;; fact …`; вызовы `>>` — пусто."""
    line = line.partition(";;")[0].strip()
    if line.startswith((">>", "#")):
        return ""
    return re.sub(r"^(\?\s*)?(<[^>]*>\s*)*(\?\s*)?", "", line)


def needed_lexemes() -> dict[tuple[str, str], frozenset]:
    """Все пары (часть речи, лемма), нужные словарю и шаблонам, с флагами из файлов."""
    needed: dict[tuple[str, str], frozenset] = dict.fromkeys(GRAMMAR_WORDS, frozenset())

    def want(pos: str, lemma: str, flags: Iterable[str] = ()) -> None:
        needed[pos, lemma] = needed.get((pos, lemma), frozenset()) | frozenset(flags)

    for row in rows("nouns.txt"):
        want("NOUN", row[0], row[2].split() if len(row) > 2 else ())
    for row in rows("adjectives.txt"):
        want("ADJF", row[0])
        for word in row[1].split():
            if word.startswith("="):
                want("NOUN", word[1:])
    for row in rows("verbs.txt"):
        for verb, aspect in zip(row[0].split("/"), ("impf", "perf"), strict=False):
            if verb.strip() not in ("", "-"):
                want("VERB", verb.strip(), (aspect,))
        if row[1].startswith("="):
            for noun in row[1][1:].split("|"):
                want("NOUN", noun)
    for row in rows("names.txt"):
        want("NOUN", row[0], (row[1], "Name"))
    for row in rows("surnames.txt"):
        want("NOUN", row[0], ("masc", "Surn"))
        want("NOUN", feminine_surname(row[0]), ("femn", "Surn"))
    for row in rows("streets.txt"):
        want("ADJF", street_adjective(row[0]), ("Title",))
    for row in rows("professions.txt"):
        want("NOUN", row[0])
        want("NOUN", row[1])
        want("NOUN", row[2])
    for row in rows("hobbies.txt"):
        want("NOUN", row[0])
    for row in rows("petnames.txt"):
        want("NOUN", row[0], ("anim", "Title"))
        want("NOUN", row[1], ("anim",))
    _want_template_words(want)
    return needed


def _header_nouns() -> Iterable[str]:
    """Существительные из ролей сценариев: `berry = клубника|малина`."""
    for path in sorted(SCRIPTS.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").partition("\n---\n")[0].splitlines():
            found = re.match(r"\w+\s*=\s*([а-яё_|\-]+)$", line.strip())
            yield from found[1].split("|") if found else ()


def _want_template_words(want) -> None:
    for lemma in _header_nouns():
        want("NOUN", lemma)
    for place, text in template_lines():
        try:
            nodes = template.parse(text)
        except template.TemplateError as error:
            raise FormsError(f"{place}: {error}") from None
        for slot in template.slots(nodes):
            for lemma in slot.lemmas:
                want(slot.part_of_speech, lemma)
            for modifier in slot.modifiers:
                for lemma in modifier.lemmas:
                    want("ADJF", lemma)
            for target in slot.agree:
                if re.match("[а-яё]", target):
                    want("NOUN", target)


def feminine_surname(surname: str) -> str:
    """Женская фамилия по мужской: Петров → Петрова, Садовский → Садовская, Толстой → Толстая."""
    if surname.endswith(("ий", "ый", "ой")):
        return surname[:-2] + "ая"
    return surname + "а"


@cache
def street_adjective(feminine: str) -> str:
    """Лемма названия улицы: Садовая → `садовый_улица` (пишется с прописной во всех формах)."""
    for parse in morph().parse(feminine.lower()):
        if parse.tag.POS == "ADJF" and {"femn", "nomn"} <= parse.tag.grammemes:
            return parse.normal_form + "_улица"
    raise FormsError(f"streets.txt: «{feminine}» — не прилагательное женского рода")


def build() -> dict:
    """Построить таблицу форм: `{"lexemes": {pos: {lemma: {...}}}, "literals": {...}}`."""
    table: dict = {"lexemes": {}, "literals": {}}
    mistakes = []
    for (pos, lemma), flags in sorted(needed_lexemes().items()):
        try:
            table["lexemes"].setdefault(pos, {})[lemma] = lexeme_entry(pos, lemma, flags)
        except FormsError as error:
            mistakes.append(str(error))
    if mistakes:
        raise FormsError("\n".join(mistakes))
    table["streets"] = {row[0]: street_adjective(row[0]) for row in rows("streets.txt")}
    words = {
        word.lower()
        for _, text in template_lines()
        for piece in template.literals(template.parse(text))
        for word in re.findall(r"[А-Яа-яёЁ]+(?:-[А-Яа-яёЁ]+)*", piece)
    }
    for word in sorted(words):
        table["literals"][word] = literal_entry(word)
    table["held_out"] = held_out_words(table)
    for word in sorted(_other_literals() - words):  # на отложенные слова они не влияют
        table["literals"][word] = literal_entry(word)
    return table


def _other_literals() -> set[str]:
    """Слова наречий и названий мест: в шаблонах их нет, а в тексте они бывают."""
    texts = [row[0] for row in rows("adverbs.txt")] + [row[1] for row in rows("places.txt")]
    texts += ["она он они оно никто никого ничего"]
    return {word for text in texts for word in re.findall(r"[а-яё]+(?:-[а-яё]+)*", text.lower())}


def literal_entry(word: str) -> list:
    """Разбор слова неизменяемого текста: лемма, помета и `1`, если разбор только один."""
    if word in CORRECTED:
        return list(CORRECTED[word])
    parses = morph().parse(word)
    single = len({(parse.normal_form, str(parse.tag)) for parse in parses}) == 1
    entry = [parses[0].normal_form, str(parses[0].tag)]
    if entry[0] in ("она", "оно", "они"):  # у личного местоимения лемма одна
        entry[0] = "он"
    return [*entry, 1] if single and morph().word_is_known(word) else entry


def held_out_words(table: dict) -> list[str]:
    """Слова `held_out.txt`, которых нет в обучающей части.

    Raises:
        FormsError: слово названо в шаблоне буквально или его форма совпала с формой другого слова.
    """
    named = {lemma for _, text in template_lines() for lemma in _named(text)}
    named |= set(_header_nouns())
    for file in ("epithets.txt", "hobbies.txt"):
        named |= {word for row in rows(file) for word in row[0].split()}
    named |= {word for row in rows("professions.txt") for word in row[:3]}
    named |= {n for row in rows("verbs.txt") if row[1][0] == "=" for n in row[1][1:].split("|")}
    owners = _form_owners(table)
    held = rows("held_out.txt")
    for lemma, pos in held:
        shared = [
            f for f in table["lexemes"][pos][lemma]["forms"].values() if owners[f.lower()] > 1
        ]
        if lemma in named or shared:
            where = "названо в шаблоне" if lemma in named else f"делит форму «{shared[0]}»"
            raise FormsError(f"Отложенное слово «{lemma}» (held_out.txt) {where}")
    return sorted(lemma for lemma, _ in held)


def _form_owners(table: dict) -> dict[str, int]:
    """Сколько слов имеют эту форму; у неизменяемого текста и наречий — заведомо больше одного."""
    owners: dict[str, int] = {word: 2 for word in table["literals"]}
    owners |= {word: 2 for row in rows("adverbs.txt") for word in row[0].split()}
    for entries in table["lexemes"].values():
        for entry in entries.values():
            for form in {form.lower() for form in entry["forms"].values()}:
                owners[form] = owners.get(form, 0) + 1
    return owners


def _named(text: str) -> Iterable[str]:
    """Леммы, названные в шаблоне буквально."""
    for slot in template.slots(template.parse(text)):
        yield from slot.lemmas
        yield from (lemma for modifier in slot.modifiers for lemma in modifier.lemmas)
        yield from slot.agree


def main() -> None:
    """Перестроить таблицу форм и сказать, сколько в ней слов."""
    table = build()
    text = json.dumps(table, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    FORMS_FILE.write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))
    words = {pos: len(entries) for pos, entries in table["lexemes"].items()}
    print(f"Таблица форм: {words}; неизменяемых слов в шаблонах: {len(table['literals'])}")


if __name__ == "__main__":
    main()
