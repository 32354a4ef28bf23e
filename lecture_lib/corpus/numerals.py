"""Числительные «Городка»: «два стола», «пять книг», «двадцати одному ученику»."""

from __future__ import annotations

from lecture_lib.corpus.lexicon import Lexicon

_UNITS = "два три четыре пять шесть семь восемь девять".split()
_TEENS = (
    "десять одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать "
    "семнадцать восемнадцать девятнадцать"
).split()
_TENS = "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто".split()


def count_forms(
    lexicon: Lexicon, count: int, case: str, gender: str, animate: bool, digits: bool = False
) -> tuple[str, str, str]:
    """Числительное (словами или цифрами), ключ формы существительного и форма определения при нём.

    Третье значение: `""` — определение как у существительного, `"gent"` и `"nomn"` — этот
    падеж множественного («два больших стола», «две большие книги»), `"plur"` — множественное
    в падеже существительного.

    Raises:
        ValueError: число меньше единицы или, словами, больше 99.
    """
    if count < 1 or (count > 99 and not digits):
        raise ValueError(f"Аргумент count = {count}: словами умеем считать от 1 до 99")
    last, teen = count % 10, 10 < count % 100 < 20
    words = [str(count)] if digits else _numeral_words(lexicon, count, case, gender, animate)
    numeral = " ".join(words)
    if last == 1 and not teen:
        return numeral, f"{case} sing", ""
    if case not in ("nomn", "accs"):
        return numeral, f"{case} plur", "plur"
    if 2 <= last <= 4 and not teen:
        if case == "accs" and animate and count < 5:
            return numeral, "gent plur", "gent"
        return numeral, "gent sing", "nomn" if gender == "femn" else "gent"
    return numeral, "gent plur", "gent"


def _numeral_words(
    lexicon: Lexicon, count: int, case: str, gender: str, animate: bool
) -> list[str]:
    if count >= 20 and count % 10:
        tens = _TENS[count // 10 - 2]
        return [
            _form(lexicon, tens, case, gender, False),
            *_numeral_words(lexicon, count % 10, case, gender, False),
        ]
    if count == 1:
        return [_one(lexicon, case, gender, animate)]
    if count >= 20:
        word = _TENS[count // 10 - 2]
    else:
        word = _TEENS[count - 10] if count >= 10 else _UNITS[count - 2]
    return [_form(lexicon, word, case, gender, animate)]


def _one(lexicon: Lexicon, case: str, gender: str, animate: bool) -> str:
    key = f"{case} {gender}"
    if case == "accs" and gender == "masc":
        key += " anim" if animate else " inan"
    return lexicon.get("ADJF", "один").form(key)


def _form(lexicon: Lexicon, word: str, case: str, gender: str, animate: bool) -> str:
    """Форма числительного; у «два» есть род, у 2–4 винительный одушевлённых — «двух»."""
    forms = lexicon.get("NUMR", word).forms
    if case == "accs" and animate and "gent" in forms and word in ("два", "три", "четыре"):
        return forms["gent"]
    return forms.get(f"{case} {gender}") or forms[case]
