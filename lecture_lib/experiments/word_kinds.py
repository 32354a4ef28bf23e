"""Виды слов: с какой стороны стоит подсказка о слове и в какой форме оно должно быть.

Вид берётся из разметки «Городка» (кто с кем согласован, на кого указывает местоимение), а не на
глаз, и сам ничего не знает о моделях: по нему задают вопросы опыты уроков.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from lecture_lib.corpus import TokenTruth

DEFINITION = "определение перед существительным"
PREDICATE_FIRST = "сказуемое перед подлежащим"
PREPOSITION = "предлог"
CONJUNCTION = "союз или частица"
PREDICATE_LAST = "сказуемое после подлежащего"
AFTER_PREPOSITION = "существительное после предлога"
PRONOUN = "местоимение «он», «она», «они»"
LAST_WORD = "последнее слово предложения"

RIGHT, BOTH, LEFT = "справа", "с обеих сторон", "слева"
# Где стоит то, что решает форму слова. Порядок — порядок строк в таблице.
EVIDENCE = {
    DEFINITION: RIGHT,
    PREDICATE_FIRST: RIGHT,
    PREPOSITION: BOTH,
    CONJUNCTION: BOTH,
    PREDICATE_LAST: LEFT,
    AFTER_PREPOSITION: LEFT,
    PRONOUN: LEFT,
    LAST_WORD: LEFT,
}
KINDS = tuple(EVIDENCE)


def kind_of(words: Sequence[TokenTruth], index: int) -> str | None:
    """Вид слова words[index] или None, если слово ни к одному виду не относится.

    Виды не пересекаются: последнее слово предложения — контроль, и оно всегда само по себе.
    """
    word = words[index]
    if not word.text.isalpha():
        return None
    if not any(other.text.isalnum() for other in words[index + 1 :]):
        return LAST_WORD if has_form(word) else None
    for kind, matches in _RULES:
        if matches(words, index):
            return kind
    return None


def _is_definition(words: Sequence[TokenTruth], index: int) -> bool:
    """Прилагательное, за которым (через другие определения) идёт его существительное."""
    word = words[index]
    if word.pos not in ("ADJF", "PRTF") or not has_form(word) or word.head is None:
        return False
    entity = words[word.head].entity
    following = index + 1
    while following < len(words) and words[following].pos in ("ADJF", "PRTF"):
        following += 1
    noun = words[following] if following < len(words) else None
    return bool(noun and noun.pos == "NOUN" and noun.entity == entity) and not any(
        other.entity == entity for other in words[:index]
    )


def _is_predicate_first(words: Sequence[TokenTruth], index: int) -> bool:
    return _is_predicate(words[index]) and _subject_side(words, index) == RIGHT


def _is_predicate_last(words: Sequence[TokenTruth], index: int) -> bool:
    return _is_predicate(words[index]) and _subject_side(words, index) == LEFT


def _is_predicate(word: TokenTruth) -> bool:
    personal = word.features.startswith(("past", "pres", "futr"))
    return word.pos == "VERB" and personal and word.head is not None


def _subject_side(words: Sequence[TokenTruth], index: int) -> str | None:
    """По какую сторону от сказуемого подлежащее; None, если его в предложении не видно."""
    head = words[index].head
    if "nomn" not in words[head].features.split():
        return None  # «увидела мальчика, который бежал»
    return LEFT if head < index else RIGHT


def _is_preposition(words: Sequence[TokenTruth], index: int) -> bool:
    return words[index].pos == "PREP"


def _is_conjunction(words: Sequence[TokenTruth], index: int) -> bool:
    return words[index].pos in ("CONJ", "PRCL")


def _is_after_preposition(words: Sequence[TokenTruth], index: int) -> bool:
    word = words[index]
    return word.pos == "NOUN" and has_form(word) and index > 0 and words[index - 1].pos == "PREP"


def _is_pronoun(words: Sequence[TokenTruth], index: int) -> bool:
    """Местоимение третьего лица, у которого есть к чему отсылать."""
    word = words[index]
    return word.pos == "NPRO" and word.lemma == "он" and word.antecedent is not None


_RULES: tuple[tuple[str, Callable[[Sequence[TokenTruth], int], bool]], ...] = (
    (DEFINITION, _is_definition),
    (PREDICATE_FIRST, _is_predicate_first),
    (PREDICATE_LAST, _is_predicate_last),
    (PREPOSITION, _is_preposition),
    (CONJUNCTION, _is_conjunction),
    (AFTER_PREPOSITION, _is_after_preposition),
    (PRONOUN, _is_pronoun),
)


_NOT_FORM = {"perf", "impf", "Poss"}  # свойства глагола и местоимения, а не формы


def has_form(word: TokenTruth) -> bool:
    """Известна ли форма слова наверняка: её поставил сам «Городок», а не разбор наугад."""
    return word.certain and bool(word.features) and word.pos in _INFLECTED


_INFLECTED = ("NOUN", "VERB", "INFN", "GRND", "ADJF", "PRTF", "ADJS", "PRTS")
_SAME_PARTS = ({"ADJF", "PRTF"}, {"ADJS", "PRTS"})  # причастия склоняются как прилагательные


def form_of(word: TokenTruth) -> frozenset[str]:
    """Признаки формы в обозначениях pymorphy3: {"accs", "femn"}, {"past", "plur"}…"""
    keys = word.features.split()
    if word.pos == "NOUN":
        keys = keys[:2]  # падеж и число; род и одушевлённость — свойства самого слова
    elif word.pos.startswith("PRT"):
        keys = [key for key in keys if key not in ("past", "pres", "actv", "pssv")]
    return _plain(frozenset(keys) - _NOT_FORM)


def has_right_form(answer: str, word: TokenTruth) -> bool:
    """Стоит ли ответ — пусть и другое слово — в нужной форме: род, число, падеж, лицо, время."""
    parts = next((same for same in _SAME_PARTS if word.pos in same), {word.pos})
    wanted = form_of(word)
    return any(pos in parts and wanted <= form for pos, form in _analyses(answer.lower()))


@cache
def _analyses(word: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """Разборы слова: часть речи и признаки; у слова не из словаря — ни одного."""
    morph = _analyzer()
    if not morph.word_is_known(word):
        return ()
    tags = [parse.tag for parse in morph.parse(word)]
    return tuple((str(tag.POS), _plain(frozenset(tag.grammemes))) for tag in tags)


def _plain(form: frozenset[str]) -> frozenset[str]:
    """«В лесу» и «о лесе» — один падеж."""
    return (form - {"loc2"}) | {"loct"} if "loc2" in form else form


@cache
def _analyzer():
    import pymorphy3

    return pymorphy3.MorphAnalyzer()
