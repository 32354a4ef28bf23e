"""Задание 09.2: биты на знак — мера, которой сравнимы модели с разными токенизаторами."""

from __future__ import annotations

import math

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.task import Mistake

SERVICE = ("[CLS]", "[SEP]", "[PAD]")
UNKNOWN = "[UNK]"
NAMES = ("Анна", "Пётр", "кот", "самовар", "электричка", "чай", "ёлка")
VERBS = ("видит", "рисует", "не помнит", "подарила", "ждёт")
STRANGE = ("🐱", "naïve", "Ѣхали", "🎉🎉🎉", "ﬁn")


def bits_per_character(texts, tokens, spans, nats, alphabet, below="chars", service=False,
                       unit="bits", average="all", own=True, extra="chars",
                       invert=False):  # fmt: skip
    """Верная мера; настройки портят её в одном месте."""
    rows = [
        _row(*row, alphabet, below, service, unit, own, extra)
        for row in zip(texts, tokens, spans, nats, strict=True)
    ]
    paid, count = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    value = float(np.mean(paid / count) if average == "texts" else paid.sum() / count.sum())
    if average == "perplexity":
        return 2**value
    return 1 / value if invert else value


def _row(text, tokens, spans, nats, alphabet, below, service, unit, own, extra):
    """Один текст: заплачено бит и на сколько знаков их делить."""
    paid = 0.0
    for token, (start, end), price in zip(tokens, spans, nats, strict=True):
        if token in SERVICE and not service:
            continue
        is_unknown = token == UNKNOWN
        spelled = {"chars": end - start, "once": 1, "none": 0}.get(extra, 0) * is_unknown
        own_price = price if own or not is_unknown else 0.0
        scale = {"bits": 1 / math.log(2), "nats": 1.0, "times": math.log(2)}[unit]
        paid += own_price * scale + spelled * math.log2(alphabet)
        if extra == "mixed" and is_unknown:  # биты прибавлены к натам и переведены ещё раз
            paid += (end - start) * math.log2(alphabet) * scale
        if extra == "natural" and is_unknown:
            paid += (end - start) * math.log(alphabet)
    return paid, _below(text, tokens, spans, below)


def _below(text, tokens, spans, below):
    """На что делить."""
    ordinary = [token for token in tokens if token not in SERVICE]
    return {
        "chars": len(text),
        "tokens": len(ordinary),
        "all_tokens": len(tokens),
        "words": len(text.split()),
        "no_spaces": len("".join(text.split())),
        "bytes": len(text.encode()),
        "spans": sum(end - start for start, end in spans),
        "pieces": sum(len(token.removeprefix("##")) for token in ordinary),
    }[below]


def _variant(**options):
    return lambda *inputs: bits_per_character(*inputs, **options)


def _text(rng: np.random.Generator, strange: int) -> tuple[str, list[str]]:
    """Фраза и её слова; strange слов из неё словарь не знает."""
    count = int(rng.integers(3, 8))
    words = [str(rng.choice(NAMES if place % 2 == 0 else VERBS)) for place in range(count)]
    for place in rng.choice(count, min(strange, count), replace=False):
        words[int(place)] = str(rng.choice(STRANGE))
    return " ".join(words) + ".", words


def _encoded(rng: np.random.Generator, text: str, is_bytes: bool):
    """Токены и места: куски слов; у байтового токенизатора знак бывает разбит на несколько."""
    tokens, spans = ["[CLS]"], [[0, 0]]
    place = 0
    while place < len(text):
        if text[place] == " ":
            place += 1
            continue
        end = place + 1
        while end < len(text) and text[end] not in " .":
            end += 1
        tokens_here, spans_here = _pieces(rng, text, place, end, is_bytes)
        tokens, spans, place = tokens + tokens_here, spans + spans_here, end
    padding = int(rng.integers(0, 4))
    return [*tokens, "[SEP]", *["[PAD]"] * padding], [*spans, *[[0, 0]] * (1 + padding)]


def _pieces(rng: np.random.Generator, text: str, start: int, end: int, is_bytes: bool):
    """Одно слово: целиком, двумя кусками, байтами или [UNK]."""
    word = text[start:end]
    if any(part in word for part in STRANGE):
        if not is_bytes:
            return [UNKNOWN], [[start, end]]
        places = [place for place in range(start, end) for _ in text[place].encode()]
        return ["Ð"] * len(places), [[place, place + 1] for place in places]
    if len(word) < 4 or rng.random() < 0.5:
        return [word.lower()], [[start, end]]
    middle = start + int(rng.integers(2, len(word) - 1))
    first, second = text[start:middle].lower(), text[middle:end].lower()
    return [first, f"##{second}"], [[start, middle], [middle, end]]


def _case(rng: np.random.Generator, rows: int, strange: int, is_bytes: bool = False) -> Case:
    texts, tokens, spans, nats = [], [], [], []
    for _ in range(rows):
        text, _ = _text(rng, strange)
        encoded, places = _encoded(rng, text, is_bytes)
        texts.append(text)
        tokens.append(encoded)
        spans.append(places)
        scale = float(rng.uniform(0.5, 4))  # тексты нарочно неравно трудны: среднее средних не то
        nats.append((scale * rng.gamma(2.0, 1.0, len(encoded))).round(3).tolist())
    return Case((texts, tokens, spans, nats, int(rng.integers(60, 200))))


VISIBLE = Case(
    (
        ["Кот ест 🐱"],
        [["[CLS]", "кот", "ест", "[UNK]", "[SEP]"]],
        [[[0, 0], [0, 3], [4, 7], [8, 9], [0, 0]]],
        [[0.7, 2.0, 3.0, 1.0, 0.3]],
        64,
    ),
    visible=True,
)


def bits_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 09.2: пример, один текст без [UNK] и с ним, байтовый токенизатор, несколько текстов."""
    return [
        VISIBLE,
        _case(rng, 1, 0),
        _case(rng, 1, 2),
        _case(rng, 1, 2, is_bytes=True),
        _case(rng, 4, 0),
        _case(rng, 5, 1),
        _case(rng, 6, 2),
        _case(rng, 3, 2, is_bytes=True),
    ]


BITS_MISTAKES = {
    "per_token": Mistake(
        "Поделено на число токенов, а у каждого токенизатора оно своё. Делят на знаки текста.",
        _variant(below="tokens"),
    ),
    "per_all_tokens": Mistake(
        "Поделено на число токенов, да ещё и со служебными. Делят на знаки текста.",
        _variant(below="all_tokens"),
    ),
    "per_word": Mistake("Поделено на число слов, а просили знаки.", _variant(below="words")),
    "service_counted": Mistake(
        "Посчитаны и служебные токены: [CLS], [SEP] и [PAD] — не текст, за них не платят.",
        _variant(service=True),
    ),
    "nats": Mistake(
        "Это наты, а не биты: натуральный логарифм надо поделить на ln 2.", _variant(unit="nats")
    ),
    "times_ln2": Mistake("На ln 2 умножено, а надо поделить.", _variant(unit="times")),
    "mean_of_texts": Mistake(
        "Усреднены меры отдельных текстов: короткий весит столько же, сколько длинный. Сумму бит "
        "делят на сумму знаков.",
        _variant(average="texts"),
    ),
    "no_spaces": Mistake(
        "Пробелы не посчитаны, а они тоже знаки текста.", _variant(below="no_spaces")
    ),
    "bytes": Mistake(
        "Посчитаны байты UTF-8, а не знаки: русская буква — два байта.", _variant(below="bytes")
    ),
    "by_spans": Mistake(
        "Знаки посчитаны по местам токенов: пробелы пропали, а знак, разбитый на байты, посчитан "
        "несколько раз. Считайте по тексту.",
        _variant(below="spans"),
    ),
    "by_pieces": Mistake(
        "Знаки посчитаны по записи токенов: пробелов там нет, а [UNK] — это пять знаков, каких в "
        "тексте не было.",
        _variant(below="pieces"),
    ),
    "unknown_free": Mistake(
        "За знаки под [UNK] не заплачено: модель сказала лишь «слово мне незнакомо», а самих букв "
        "не назвала.",
        _variant(extra="none"),
    ),
    "unknown_once": Mistake(
        "За [UNK] доплачено один раз, а надо — за каждый закрытый им знак.",
        _variant(extra="once"),
    ),
    "unknown_skipped": Mistake(
        "[UNK] пропущен целиком: ни его −ln p, ни знаков под ним.",
        _variant(own=False, extra="none"),
    ),
    "unknown_no_own": Mistake(
        "Забыта −ln p самого [UNK]: то, что слово незнакомо, тоже надо было угадать.",
        _variant(own=False),
    ),
    "mixed_units": Mistake(
        "Биты за [UNK] прибавлены к натам и переведены вместе с ними: log₂ — это уже биты.",
        _variant(extra="mixed"),
    ),
    "natural_log": Mistake(
        "За знаки под [UNK] взят натуральный логарифм и прибавлен к битам.",
        _variant(extra="natural"),
    ),
    "perplexity": Mistake(
        "Это перплексия, 2 в степени ответа, а просили сами биты.", _variant(average="perplexity")
    ),
    "inverted": Mistake("Перевёрнуто: это знаков на бит.", _variant(invert=True)),
}


def explain_bits(arguments, expected, got) -> str:
    """Из чего складывается верный ответ."""
    texts, tokens, _, _, alphabet = arguments
    unknown = sum(row.count(UNKNOWN) for row in tokens)
    characters = sum(map(len, texts))
    return f"знаков {characters}, [UNK] — {unknown}, за знак под ним {math.log2(alphabet):.4g} бит"
