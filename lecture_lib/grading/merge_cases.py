"""Задания 06.1 и 06.2: обучение слияний и текст из байтовых токенов — верное и мутанты."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.task import Mistake

# ------------------------------------------------------------------ 06.1, слияния


def learn_merges(words, count, ties="alphabet", weigh=True, recount=True, merge="all", least=1,
                 pick="most", joined=False, overlap=True):  # fmt: skip
    """Верные слияния; настройки портят их в одном месте."""
    pieces = [(tuple(word), times if weigh else 1) for word, times in words.items()]
    pairs, merges = None, []
    for _ in range(count):
        if pairs is None or recount:
            pairs = _count(pieces, overlap)
        else:
            pairs.pop(merges[-1], None)
        best = _choose(pairs, ties, pick)
        if best is None or pairs[best] < least:
            break
        merges.append(best)
        pieces = [(_merged(word, best, merge), times) for word, times in pieces]
    return ["".join(pair) for pair in merges] if joined else [list(pair) for pair in merges]


def _count(pieces, overlap) -> Counter:
    pairs: Counter = Counter()
    for word, times in pieces:
        last = None
        for place, pair in enumerate(pairwise(word)):
            if not overlap and last == (pair, place - 1):
                last = None
                continue
            pairs[pair] += times
            last = (pair, place)
    return pairs


def _choose(pairs, ties, pick):
    if not pairs:
        return None
    if pick == "longest":
        return min(pairs, key=lambda p: (-len("".join(p)), -pairs[p], p))
    wanted = (min if pick == "rarest" else max)(pairs.values())
    equal = [pair for pair, times in pairs.items() if times == wanted]
    rules = {"alphabet": min, "reverse": max, "first": lambda e: e[0],
             "joined": lambda e: min(e, key="".join)}  # fmt: skip
    return rules[ties](equal)


def _merged(word, pair, how):
    if how == "none":
        return word
    if how == "text":  # «ab» сливается и там, где «a» — хвост длинного токена
        text = " ".join(word).replace(" ".join(pair), "".join(pair))
        return tuple(text.split(" "))
    out, place, done = [], 0, False
    while place < len(word):
        found = word[place : place + 2] == pair and not (done and how == "once")
        out.append("".join(pair) if found else word[place])
        done, place = done or found, place + 1 + found
    return tuple(out)


def _one_string(words, count):
    """Слова склеены в одну строку: пары переходят через границы слов."""
    return learn_merges({"".join(word * times for word, times in words.items()): 1}, count)


def _merges_variant(**options):
    return lambda words, count: learn_merges(words, count, **options)


def merges_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 06.1: пример, слова из двух-трёх букв (там часты ничьи), кончившиеся пары."""
    cases = [Case(({"мама": 2, "рама": 1}, 2), visible=True), Case(({"да": 1}, 3))]
    cases += [Case(({"ааааа": 1, "ба": 2}, 3)), Case(({"я": 3}, 2))]
    # Ничья «а» + «я» и «аб» + «а»: по алфавиту первая меньше, а слитые строки — наоборот.
    cases.append(Case(({"ая": 2, "аба": 2, "аб": 3}, 2)))
    # После слияния «аб» строка «а аб б» хранит и чужие «аб», которых сливать нельзя.
    cases.append(Case(({"бааб": 3, "абаб": 2, "баба": 2, "абба": 2}, 6)))
    for letters, size, length, count in (
        ("аб", 2, 4, 2), ("абв", 3, 5, 3), ("мир", 4, 6, 4), ("абв", 5, 7, 6), ("но", 5, 8, 7),
        ("абвг", 7, 7, 9), ("токен", 8, 8, 10), ("абв", 6, 9, 12),
    ):  # fmt: skip
        words = {}
        for _ in range(size):
            word = "".join(rng.choice(list(letters), int(rng.integers(2, length + 1))))
            words[word] = int(rng.integers(1, 7))
        cases.append(Case((words, count)))
    return cases


def explain_merges(arguments, expected, got) -> str:
    """Первое слияние, которое разошлось."""
    if not isinstance(got, list):
        return "нужен список пар"
    for number, pair in enumerate(expected):
        if number >= len(got):
            return f"слияний {len(got)}, а нужно {len(expected)}"
        if got[number] != pair:
            return f"слияние {number + 1}: нужно {pair[0]} + {pair[1]}"
    return f"слияний {len(got)}, а нужно {len(expected)}"


MERGES_MISTAKES = {
    "ties_first": Mistake(
        "Ничья решена порядком, в каком пары попались (так делает max и most_common). Из равных "
        "берут первую по алфавиту.",
        _merges_variant(ties="first"),
    ),
    "ties_joined": Mistake(
        "Ничья решена по слитой строке, а сравнивают пары: кортеж с кортежем.",
        _merges_variant(ties="joined"),
    ),
    "ties_reversed": Mistake(
        "Из равных по частоте взята последняя по алфавиту, а нужна первая.",
        _merges_variant(ties="reverse"),
    ),
    "words_not_weighed": Mistake(
        "Каждое слово посчитано один раз: сколько раз оно встретилось, забыто.",
        _merges_variant(weigh=False),
    ),
    "words_not_weighed_ties": Mistake(
        "Забыто, сколько раз встретилось слово, и ничья решена порядком, а не алфавитом.",
        _merges_variant(weigh=False, ties="first"),
    ),
    "not_recounted": Mistake(
        "Пары посчитаны один раз. После слияния соседи другие: считать надо заново.",
        _merges_variant(recount=False),
    ),
    "not_recounted_ties": Mistake(
        "Пары посчитаны один раз, а после слияния соседи другие; и ничья решена не алфавитом.",
        _merges_variant(recount=False, ties="first"),
    ),
    "not_merged": Mistake(
        "Пара найдена, но в словах не слита: каждый раз побеждает она же.",
        _merges_variant(merge="none"),
    ),
    "once_per_word": Mistake(
        "В слове слита только первая такая пара, а надо — все.", _merges_variant(merge="once")
    ),
    "text_replace": Mistake(
        "Слияние через replace по строке с пробелами задевает и хвосты длинных токенов: «ба б» "
        "превращается в «баб», хотя сливали «а» и «б».",
        _merges_variant(merge="text"),
    ),
    "text_replace_ties": Mistake(
        "Слияние через replace по строке задевает хвосты длинных токенов, и ничья решена порядком.",
        _merges_variant(merge="text", ties="first"),
    ),
    "no_overlaps": Mistake(
        "В «ааа» пара «а» + «а» стоит дважды: соседи считаются все, и с общим знаком тоже.",
        _merges_variant(overlap=False),
    ),
    "stops_at_two": Mistake(
        "Пары, встреченные один раз, не слиты. Здесь сливают, пока есть хоть одна пара.",
        _merges_variant(least=2),
    ),
    "across_words": Mistake(
        "Пары посчитаны и через границу слов: слова нельзя склеивать.", _one_string
    ),
    "longest": Mistake(
        "Взята самая длинная пара, а нужна самая частая.", _merges_variant(pick="longest")
    ),
    "rarest": Mistake("Взята самая редкая пара, а нужна самая частая.",
                      _merges_variant(pick="rarest")),
    "joined": Mistake(
        "Вернулись слитые токены, а просили пары: из «аба» не узнать, «а» + «ба» это или "
        "«аб» + «а».",
        _merges_variant(joined=True),
    ),
    "one_less": Mistake(
        "Слияний на одно меньше, чем просили.", lambda words, count: learn_merges(words, count - 1)
    ),
    "one_more": Mistake(
        "Слияний на одно больше, чем просили.", lambda words, count: learn_merges(words, count + 1)
    ),
}  # fmt: skip

# ------------------------------------------------------------------ 06.2, токены в текст

BROKEN_TEXT = """
def to_text(tokens, signs):
    text = ""
    for token in tokens:
        raw = bytes(ord(sign) % 256 for sign in token)
        text += raw.decode("utf-8", errors="replace")
    return text.strip()
"""


def _table() -> str:
    """Знаки байтов, как у GPT-2: строка из 256 знаков."""
    visible = [b for b in range(256) if 33 <= b <= 126 or (b >= 161 and b != 173)]
    hidden = [b for b in range(256) if b not in visible]
    return "".join(chr(b) if b in visible else chr(256 + hidden.index(b)) for b in range(256))


TABLE = _table()


def to_text(tokens, signs, table="signs", whole=True, strip=False, errors="replace", between=""):
    """Верный текст; настройки портят его в одном месте."""
    codes = {"signs": signs.index, "own": TABLE.index, "ord": lambda sign: ord(sign) % 256}[table]
    pieces = [bytes(codes(sign) for sign in token) for token in tokens]
    if whole:
        text = between.encode().join(pieces).decode("utf-8", errors=errors)
    else:
        text = between.join(piece.decode("utf-8", errors=errors) for piece in pieces)
    return text.strip() if strip else text


def _text_variant(**options):
    return lambda tokens, signs: to_text(tokens, signs, **options)


TEXTS = ("кот", " Привет, мир! ", "cat и кот\n", "🎬 кино", "  да", "café № 7\t", "въ лѣсу 😴\n\n",
         " рыбак поймал щуку", "日本語 и русский")  # fmt: skip


def text_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 06.2: тексты, разрезанные где попало; оборванная буква; другая таблица."""
    other = "".join(rng.permutation(list(TABLE)))
    cases = [Case((_cut(rng, "cat", TABLE, 0.4), TABLE))]
    for number, text in enumerate(TEXTS):
        signs = TABLE if number % 3 < 2 else other
        for share in (0.0, 0.3, 0.7):
            cases.append(Case((_cut(rng, text, signs, share), signs)))
    for signs in (TABLE, other):
        torn = _signs(" кот", signs)[:-1]  # от последней буквы остался один байт
        cases.append(Case(([torn[:3], torn[3:]], signs)))
    return [*cases, Case(([], TABLE))]


def _signs(text: str, signs: str) -> str:
    return "".join(signs[byte] for byte in text.encode())


def _cut(rng: np.random.Generator, text: str, signs: str, share: float) -> list[str]:
    """Знаки байтов текста, разрезанные на токены с вероятностью share после каждого знака."""
    line, tokens = _signs(text, signs), [""]
    for sign in line:
        tokens[-1] += sign
        if rng.random() < share:
            tokens.append("")
    return [token for token in tokens if token]


def explain_text(arguments, expected, got) -> str:
    """Первый разошедшийся знак."""
    if not isinstance(got, str):
        return "нужна строка"
    if expected.strip() == got.strip():
        return "пробелы или переводы строки по краям пропали"
    for place, (one, two) in enumerate(zip(expected, got, strict=False)):
        if one != two:
            return f"знак {place}: нужно «{one}», вышло «{two}»"
    return f"знаков {len(got)}, а нужно {len(expected)}"


TEXT_MISTAKES = {
    "token_alone": Mistake(
        "Каждый токен расшифрован отдельно, и буквы, разрезанные между токенами, пропали. Сначала "
        "соберите все байты, потом расшифруйте.",
        _text_variant(whole=False),
    ),
    "wrong_byte": Mistake(
        "Знак переведён в байт остатком от деления на 256. Для пробела это случайно верно, для "
        "байтов 127–160 — нет: ищите знак в signs.",
        _text_variant(table="ord"),
    ),
    "stripped": Mistake(
        "Пробелы и переводы строки по краям срезаны, а текст должен вернуться знак в знак.",
        _text_variant(strip=True),
    ),
    "token_alone_wrong_byte": Mistake(
        "Осталось две ошибки: токены расшифрованы поодиночке, и знак переведён в байт не по "
        "таблице.",
        _text_variant(whole=False, table="ord"),
    ),
    "token_alone_stripped": Mistake(
        "Осталось две ошибки: токены расшифрованы поодиночке, и края текста срезаны.",
        _text_variant(whole=False, strip=True),
    ),
    "wrong_byte_stripped": Mistake(
        "Осталось две ошибки: знак переведён в байт не по таблице, и края текста срезаны.",
        _text_variant(table="ord", strip=True),
    ),
    "nothing_fixed": Mistake(
        "Все три ошибки на месте: токены поодиночке, байт не по таблице, срезанные края.",
        _text_variant(whole=False, table="ord", strip=True),
    ),
    "own_table": Mistake(
        "Таблица своя, а не та, что дана: signs бывает и другой.", _text_variant(table="own")
    ),
    "ignored": Mistake(
        "Оборванная буква пропала молча. Пусть на её месте стоит «�»: потерю должно быть видно.",
        _text_variant(errors="ignore"),
    ),
    "token_alone_ignored": Mistake(
        "Токены расшифрованы поодиночке, и половины букв пропадают молча. Сначала соберите все "
        "байты.",
        _text_variant(whole=False, errors="ignore"),
    ),
    "spaces_added": Mistake(
        "Между токенами вставлены пробелы. Пробел у байтового BPE уже внутри токена.",
        _text_variant(between=" "),
    ),
    "latin": Mistake(
        "Байты прочитаны как latin-1: по букве на байт. Это UTF-8: в букве их бывает два и больше.",
        lambda tokens, signs: bytes(signs.index(s) for t in tokens for s in t).decode("latin-1"),
    ),
    "only_space": Mistake(
        "Заменён только знак пробела, а остальные знаки — тоже байты.",
        lambda tokens, signs: "".join(tokens).replace("Ġ", " "),
    ),
    "not_decoded": Mistake(
        "Вернулись байты, а просили текст: не хватает decode.", lambda tokens, signs: "<bytes>"
    ),
}  # fmt: skip
