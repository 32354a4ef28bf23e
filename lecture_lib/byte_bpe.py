"""Байтовый BPE (byte-level byte pair encoding), написанный руками, — урок 06 идёт по нему шагами.

Текст -> слова -> байты UTF-8 -> печатные знаки -> слияния соседних знаков. Алфавит — 256 байтов,
поэтому любой текст на любом языке кодируется без [UNK] и восстанавливается знак в знак.
Слияния и разбор совпадают с библиотекой `tokenizers`; она в сотни раз быстрее, и обучает наши
словари `tokenization.train_byte_level_bpe`.

Источники: Sennrich et al., 2016, раздел 3.2 и алгоритм 1 (слияния); Radford et al., 2019,
раздел 2.2 (байты вместо букв, деление на слова); Liu et al., 2019, раздел 4.4.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import regex

from lecture_lib.config import check_whole

Pair = tuple[str, str]
Word = tuple[str, ...]

# Деление на слова, как в GPT-2: слово берёт с собой пробел слева; буквы, цифры и прочие знаки
# порознь. «'s», «'re» — хвосты английских слов.
WORDS = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


def byte_signs() -> dict[int, str]:
    """Печатный знак каждому из 256 байтов: байт -> знак.

    188 байтов — сами себе знаки («a», «!», «Ð»). Остальные не видны на экране (пробел, перевод
    строки, управляющие); им по порядку достаются знаки, начиная с номера 256, и пробел
    становится «Ġ». Таблица — из кода GPT-2 (Radford et al., 2019), она же у RoBERTa.
    """
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
    visible += range(ord("®"), ord("ÿ") + 1)
    hidden = (byte for byte in range(256) if byte not in visible)
    signs = {byte: chr(byte) for byte in visible}
    return signs | {byte: chr(256 + number) for number, byte in enumerate(hidden)}


SIGNS = byte_signs()
BYTES = {sign: byte for byte, sign in SIGNS.items()}
# Номера знаков — по порядку их кодов, как в `tokenizers`: от номеров зависит, какая из одинаково
# частых пар сольётся первой.
ALPHABET = tuple(sorted(BYTES))


def to_signs(text: str) -> str:
    """Текст -> байты UTF-8 -> печатные знаки: «кот» -> «ÐºÐ¾ÑĤ»."""
    return "".join(SIGNS[byte] for byte in text.encode("utf-8"))


def from_signs(signs: str) -> str:
    """Обратно: знаки -> байты -> текст; половина буквы превращается в «�».

    ValueError — среди знаков есть такой, который не обозначает байта.
    """
    unknown = [sign for sign in signs if sign not in BYTES]
    if unknown:
        raise ValueError(f"signs = {signs!r}: знак {unknown[0]!r} не обозначает никакого байта.")
    return bytes(BYTES[sign] for sign in signs).decode("utf-8", errors="replace")


def readable(piece: str) -> str:
    """Токен для глаз: буквы — буквами, пробел — «␣», байты неполной буквы и эмодзи — «‹d0›»."""
    text = bytes(BYTES[sign] for sign in piece).decode("utf-8", errors="surrogateescape")
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if char == " ":
        return "␣"
    if char.isprintable() and char < "\u2600":
        return char
    # Одинокий байт лежит в тексте под видом суррогата; у эмодзи и управляющих знаков байты свои.
    return "".join(f"‹{byte:02x}›" for byte in char.encode("utf-8", errors="surrogateescape"))


def split_words(text: str) -> list[str]:
    """Делит текст на слова, ничего не теряя: «Мы, да?» -> «Мы», «,», « да», «?»."""
    return WORDS.findall(text)


def count_words(texts: Iterable[str]) -> dict[Word, int]:
    """Сколько раз встретилось каждое слово; слово — кортеж знаков, по одному на байт."""
    return Counter(tuple(to_signs(word)) for text in texts for word in split_words(text))


def count_pairs(words: Mapping[Word, int]) -> Counter[Pair]:
    """Сколько раз встретилась каждая пара соседей, с учётом частоты слов."""
    pairs: Counter[Pair] = Counter()
    for word, times in words.items():
        for pair in pairwise(word):
            pairs[pair] += times
    return pairs


def merge_pair(word: Word, pair: Pair) -> Word:
    """Сливает пару в слове всюду, слева направо: (a, b, a, b) и (a, b) -> (ab, ab)."""
    merged: list[str] = []
    place = 0
    while place < len(word):
        found = word[place : place + 2] == pair
        merged.append("".join(pair) if found else word[place])
        place += 2 if found else 1
    return tuple(merged)


def best_pair(pairs: Mapping[Pair, int], numbers: Mapping[str, int]) -> Pair:
    """Самая частая пара; из равных — та, чьи номера меньше (так решает и `tokenizers`)."""
    most = max(pairs.values())
    ties = [pair for pair, times in pairs.items() if times == most]
    return min(ties, key=lambda pair: (numbers[pair[0]], numbers[pair[1]]))


def train_merges(texts: Iterable[str], count: int, min_frequency: int = 2) -> list[Pair]:
    """Обучает BPE: не больше count слияний в порядке обучения.

    Каждый раз сливается самая частая пара; слияния кончаются раньше, когда пар, встреченных
    хотя бы min_frequency раз, не осталось. ValueError — count или min_frequency не подходят.
    """
    check_whole("count", count, at_least=0)
    check_whole("min_frequency", min_frequency, at_least=1)
    return [pair for pair, _ in merge_steps(count_words(texts), count, min_frequency)]


def merge_steps(
    words: Mapping[Word, int], count: int, min_frequency: int = 2
) -> Iterator[tuple[Pair, int]]:
    """Слияния по одному: пара и сколько раз она встретилась перед слиянием."""
    words, pairs = dict(words), count_pairs(words)
    holders = _holders(words)
    numbers = {sign: number for number, sign in enumerate(ALPHABET)}
    for _ in range(count):
        pair = best_pair(pairs, numbers) if pairs else None
        if pair is None or pairs[pair] < min_frequency:
            return
        yield pair, pairs[pair]
        numbers.setdefault("".join(pair), len(numbers))
        for word in holders.pop(pair):
            _replace_word(words, pairs, holders, word, merge_pair(word, pair))


def _holders(words: Mapping[Word, int]) -> dict[Pair, set[Word]]:
    """В каких словах стоит каждая пара: чтобы после слияния трогать только их."""
    holders: dict[Pair, set[Word]] = defaultdict(set)
    for word in words:
        for pair in pairwise(word):
            holders[pair].add(word)
    return holders


def _replace_word(
    words: dict[Word, int], pairs: Counter[Pair], holders: dict[Pair, set[Word]],
    old: Word, new: Word,
) -> None:  # fmt: skip
    times = words.pop(old)
    words[new] = times
    for pair in pairwise(old):
        pairs[pair] -= times
        if pairs[pair] == 0:
            del pairs[pair]
        if pair in holders:
            holders[pair].discard(old)
    for pair in pairwise(new):
        pairs[pair] += times
        holders[pair].add(new)


def encode_steps(word: Word, ranks: Mapping[Pair, int]) -> Iterator[Word]:
    """Как слово собирается: само слово и оно же после каждого слияния.

    Каждый раз сливается пара, которую обучение нашло раньше всех, а не самая длинная.
    """
    yield word
    while len(word) > 1:
        pair = min(pairwise(word), key=lambda p: ranks.get(p, len(ranks)))
        if pair not in ranks:
            return
        word = merge_pair(word, pair)
        yield word


@dataclass(frozen=True)
class ByteBPE:
    """Обученный байтовый BPE: список слияний в порядке обучения — больше ему ничего не нужно."""

    merges: tuple[Pair, ...]

    @classmethod
    def train(cls, texts: Iterable[str], count: int, min_frequency: int = 2) -> ByteBPE:
        """Обучает не больше count слияний на текстах (см. train_merges)."""
        return cls(tuple(train_merges(texts, count, min_frequency)))

    @classmethod
    def from_tokenizer(cls, tokenizer) -> ByteBPE:
        """Берёт слияния готового токенизатора transformers; ValueError — он не байтовый BPE."""
        model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
        if model.get("type") != "BPE" or "Ġ" not in model["vocab"]:
            raise ValueError(f"tokenizer: это {model.get('type')}, а нужен байтовый BPE.")
        return cls(tuple((left, right) for left, right in model["merges"]))

    @cached_property
    def ranks(self) -> dict[Pair, int]:
        """Пара -> номер слияния."""
        return {pair: number for number, pair in enumerate(self.merges)}

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """Все токены: 256 знаков и по токену на слияние (повторы — одним токеном)."""
        return tuple(dict.fromkeys([*ALPHABET, *map("".join, self.merges)]))

    def first(self, count: int) -> ByteBPE:
        """Тот же BPE, каким он был после count слияний. ValueError — столько слияний нет."""
        check_whole("count", count, at_least=0)
        if count > len(self.merges):
            raise ValueError(f"count = {count}: слияний всего {len(self.merges)}.")
        return ByteBPE(self.merges[:count])

    def encode(self, text: str) -> list[str]:
        """Текст -> токены из печатных знаков: «да» -> «Ð´Ð°» (если обучение до этого дошло)."""
        return [piece for word in split_words(text) for piece in self.encode_word(word)]

    def encode_word(self, word: str) -> Word:
        """Слово -> токены: последнее состояние encode_steps."""
        *_, pieces = encode_steps(tuple(to_signs(word)), self.ranks)
        return pieces

    def decode(self, pieces: Sequence[str]) -> str:
        """Токены -> текст, тот самый, знак в знак."""
        return from_signs("".join(pieces))
