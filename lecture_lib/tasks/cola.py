"""Приемлемость предложения (CoLA): так говорят или нет.

Предложения — из документов «Городка»; неприемлемое испорчено в одном месте: сказуемое не
согласовано с подлежащим, определение — с существительным, после предлога не тот падеж или предлог
стоит не перед своим словом. Чтобы порча была порчей наверняка, новая форма сверяется со всеми
разборами соседа: «книге» вместо «книги» после «из» нельзя, а «стол» вместо «стола» после «в» —
можно, и такое не берётся. Классы — как в CoLA: 0 — неприемлемо, 1 — приемлемо.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from lecture_lib.corpus import Sentence, TokenTruth, documents
from lecture_lib.corpus.lexicon import Lexeme, lexicon
from lecture_lib.tasks.common import (
    DOCUMENTS_AT_MOST,
    SEEDS,
    Task,
    TextExample,
    belongs,
    take_balanced,
)

NAMES = ("неприемлемо", "приемлемо")
LONGEST = 14  # слов: в длинных порча теряется и для человека
# С какими падежами предлог бывает — со всеми, в каких бы значениях.
CASES_AFTER = {
    "в": "accs loct loc2", "на": "accs loct loc2", "у": "gent", "к": "datv", "из": "gent gen2",
    "от": "gent", "до": "gent", "для": "gent", "без": "gent", "после": "gent", "о": "loct accs",
    "об": "loct accs", "над": "ablt", "перед": "ablt", "через": "accs", "про": "accs",
    "под": "accs ablt", "за": "accs ablt",
}  # fmt: skip
_GENDERS = ("masc", "femn", "neut")

Spoiler = Callable[[Sentence, int, random.Random], str | None]


def examples(split: str, count: int, seed: int = 0) -> list[TextExample]:
    """count предложений поровну по классам; каждое предложение корпуса — не больше раза."""
    return take_balanced(_sentences(split, seed), len(NAMES), count)


def _sentences(split: str, seed: int) -> Iterator[TextExample]:
    draw = random.Random(f"{seed} {split} cola")
    seen: set[str] = set()
    corpus_seed = SEEDS[split] + 1000 * seed
    for document in documents(corpus_seed, split, 0, DOCUMENTS_AT_MOST, truth=True):
        for sentence in document.sentences:
            key = sentence.text.lower().replace("ё", "е")
            if key in seen or not belongs(key, split) or not is_clean(sentence):
                continue
            seen.add(key)
            bad = spoil(sentence, draw)
            # Годное предложение — тоже из тех, что можно испортить; испорченное — той же доли.
            if bad is not None and belongs(bad, split):
                label = draw.randrange(2)
                yield TextExample(sentence.text if label else bad, "", label)


def is_clean(sentence: Sentence) -> bool:
    """Простое короткое предложение без реплик, цифр, латиницы и опечаток."""
    words = sentence.truth
    text = sentence.text
    if not 3 <= len(words) <= LONGEST or not re.fullmatch(r"[А-ЯЁ][А-Яа-яё, -]+[.!?]", text):
        return False
    return all(
        word.pos not in ("LATN", "NUMB", "UNKN") and word.text.lower().replace("ё", "е") in _known()
        for word in words
        if word.pos != "PNCT"
    )


def spoil(sentence: Sentence, draw: random.Random) -> str | None:
    """Предложение, испорченное в одном месте, или None: испортить нечего."""
    ways = list(SPOILERS)
    draw.shuffle(ways)
    for way in ways:
        places = list(range(len(sentence.truth)))
        draw.shuffle(places)
        for place in places:
            found = way(sentence, place, draw)
            if found is not None:
                return found
    return None


def spoil_verb(sentence: Sentence, place: int, draw: random.Random) -> str | None:
    """Сказуемое в чужом роде, числе или лице: «мама пришёл», «мы идёт»."""
    word = sentence.truth[place]
    subject = _head(sentence.truth, place)
    if word.pos != "VERB" or subject is None or subject.group is not None:
        return None
    if subject.pos not in ("NOUN", "NPRO") or _near_numeral(sentence.truth, word.head):
        return None
    if not _is_first_predicate(sentence.truth, place):
        return None
    lexeme = lexicon().lexemes.get(("VERB", word.lemma))
    if lexeme is None:
        return None
    if "past" in word.features:
        # «Я», «ты» и «врач» рода не показывают: у них портится только число.
        shows = subject.pos == "NOUN" and not _two_gender(subject)
        keys = [f"past {g}" for g in (*_GENDERS, "plur") if shows or g == "plur"]
        if "plur" in word.features.split():
            keys = [f"past {gender}" for gender in _GENDERS]
            if subject.text.lower() == "вы":
                return None
    else:
        keys = [f"fin {person} {number}" for person in (1, 2, 3) for number in ("sing", "plur")]
    if "inan" in subject.features.split() and "femn" not in subject.features.split():
        keys = [key for key in keys if key not in ("past plur", "fin 3 plur")]  # «автобус ждали»
    return _replaced(sentence, place, _others(lexeme, keys, word), draw)


def spoil_adjective(sentence: Sentence, place: int, draw: random.Random) -> str | None:
    """Определение в чужом роде, числе или падеже: «новую домом»."""
    word = sentence.truth[place]
    noun = _head(sentence.truth, place)
    if word.pos != "ADJF" or noun is None or noun.pos != "NOUN" or word.head != place + 1:
        return None
    adjective = lexicon().lexemes.get(("ADJF", word.lemma))
    owner = lexicon().lexemes.get(("NOUN", noun.lemma))
    if adjective is None or owner is None or _near_numeral(sentence.truth, word.head):
        return None
    allowed = _agreeing(owner, noun.text.lower())
    forbidden = {text for key, text in adjective.forms.items() if _plain(key) in allowed}
    texts = {t for key, t in adjective.forms.items() if _is_full(key) and t not in forbidden}
    return _replaced(sentence, place, sorted(texts), draw)


def spoil_case(sentence: Sentence, place: int, draw: random.Random) -> str | None:
    """Не тот падеж сразу после предлога: «из книге»."""
    word = sentence.truth[place]
    if word.pos != "NOUN" or not place:
        return None
    cases = CASES_AFTER.get(sentence.truth[place - 1].text.lower())
    noun = lexicon().lexemes.get(("NOUN", word.lemma))
    if cases is None or noun is None:
        return None
    allowed = cases.split()
    forbidden = {text for key, text in noun.forms.items() if key.split()[0] in allowed}
    texts = {
        text
        for key, text in noun.forms.items()
        if key.endswith(word_number(word)) and text not in forbidden
    }
    return _replaced(sentence, place, sorted(texts), draw)


def spoil_order(sentence: Sentence, place: int, draw: random.Random) -> str | None:
    """Предлог после своего слова: «пошла парк в»."""
    words = sentence.truth
    if place + 1 >= len(words) or words[place].text.lower() not in CASES_AFTER:
        return None
    first, second = words[place], words[place + 1]
    if words[place].pos != "PREP" or second.pos not in ("NOUN", "ADJF"):
        return None
    text = sentence.text
    moved = f"{second.text} {first.text.lower()}"
    found = text[: first.start] + moved + text[second.end :]
    return found[:1].upper() + found[1:]


SPOILERS: tuple[Spoiler, ...] = (spoil_verb, spoil_adjective, spoil_case, spoil_order)


def word_number(word: TokenTruth) -> str:
    """Число слова: plur или sing."""
    return "plur" if "plur" in word.features.split() else "sing"


def _head(words: Sequence[TokenTruth], place: int) -> TokenTruth | None:
    """То, с чем слово согласовано, если это известно наверняка."""
    word = words[place]
    head = None if word.head is None else words[word.head]
    return head if word.certain and head is not None and head.certain else None


def _is_first_predicate(words: Sequence[TokenTruth], place: int) -> bool:
    """У второго сказуемого подлежащее можно и не подразумевать: «… а потом позвонят соседу»."""
    head = words[place].head
    return not any(w.pos == "VERB" and w.head == head for w in words[:place])


def _two_gender(noun: TokenTruth) -> bool:
    """«Врач пришла» — можно: род мужских слов о людях порчей не считается."""
    return "masc" in noun.features.split() and "person" in lexicon().noun_classes(noun.lemma)


def _near_numeral(words: Sequence[TokenTruth], place: int) -> bool:
    """Рядом числительное: «три книги лежали» и «лежало» — можно и так и так."""
    return any(word.pos in ("NUMR", "NUMB") for word in words[max(0, place - 3) : place + 1])


def _agreeing(noun: Lexeme, text: str) -> set[tuple[str, ...]]:
    """Падеж и род (или plur), в которых определение подошло бы к такой форме."""
    found = set()
    for key, form in noun.forms.items():
        if form.lower() == text:
            case, number = key.split()[:2]
            found.add((case[:3], "plur" if number == "plur" else noun.gender))
    return found


def _plain(key: str) -> tuple[str, ...]:
    """Ключ прилагательного «accs plur anim» → падеж и род; loc2 — тоже предложный."""
    return (key.split()[0][:3], *key.split()[1:2])


def _is_full(key: str) -> bool:
    return key.split()[0] in ("nomn", "gent", "datv", "accs", "ablt", "loct")


def _others(lexeme: Lexeme, keys: Sequence[str], word: TokenTruth) -> list[str]:
    texts = {lexeme.forms[key] for key in keys if key in lexeme.forms}
    return sorted(texts - {word.text.lower()})


def _replaced(
    sentence: Sentence, place: int, texts: Sequence[str], draw: random.Random
) -> str | None:
    """Предложение, где на месте place — другая форма; None, если её нет."""
    word = sentence.truth[place]
    others = [text for text in texts if text.lower() != word.text.lower()]
    if not others:
        return None
    new = draw.choice(others)
    new = new[:1].upper() + new[1:] if word.text[:1].isupper() else new
    return sentence.text[: word.start] + new + sentence.text[word.end :]


@cache
def _known() -> frozenset[str]:
    """Все формы словаря, с «е» вместо «ё»: чего среди них нет, то опечатка."""
    words = lexicon()
    forms = {form for lexeme in words.lexemes.values() for form in lexeme.forms.values()}
    forms.update(words.literals)
    forms.update("он она оно они его её ему ей им их ими ним ней них него неё ними нём".split())
    forms.update("я ты мы вы меня тебя нас вас мне тебе нам вам мной тобой нами вами".split())
    return frozenset(part for form in forms for part in form.lower().replace("ё", "е").split())


TASK = Task(
    name="cola",
    title="Приемлемость: говорят ли так",
    kind="single",
    labels=NAMES,
    metrics=("matthews", "accuracy"),
    sizes={"train": 4000, "validation": 800},
    make=examples,
)
