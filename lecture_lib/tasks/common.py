"""Общее у прикладных задач: что такое задача, виды примеров, кодирование, отбор поровну.

Задача (Task) — имя, вид, метки, метрики и функция, которая порождает примеры. Пример — слова и
ответ на человеческом языке; в номера его переводит токенизатор, и с этой минуты задача ничем не
отличается от любой другой (finetuning.EncodedExample).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from lecture_lib.finetuning import EncodedExample
from lecture_lib.masking import IGNORED

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# Зёрна корпуса задач: предобучение идёт на зерне 0, и его документов в задачах нет.
SEEDS = {"train": 101, "validation": 102, "test_scripts": 103, "test_words": 104}
DOCUMENTS_AT_MOST = 200_000  # дальше этого номера документы задачи не ищут
DEV_PART = 3  # проверочным долям достаётся каждое третье предложение корпуса, обучающей — прочие
KINDS = ("pair", "single", "span", "tags")


@dataclass(frozen=True)
class TextExample:
    """Текст или пара текстов (second не пуст) и ответ: номер класса или число (у STS-B)."""

    first: str
    second: str
    label: int | float


@dataclass(frozen=True)
class SpanExample:
    """Вопрос, текст и ответ — отрезок текста: context[start : start + len(answer)] == answer."""

    question: str
    context: str
    answer: str
    start: int


@dataclass(frozen=True)
class TaggedExample:
    """Слова предложения и метка каждого слова."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


Example = TextExample | SpanExample | TaggedExample


@dataclass(frozen=True)
class Task:
    """Прикладная задача: как называется, что за примеры и чем мерить.

    kind — pair (пара текстов), single (один), span (отрезок ответа), tags (метка слова); labels —
    имена меток по номерам, пусто у отрезков и у чисел; metrics — имена из tasks.metrics, главная
    первой; sizes — сколько примеров в каждой доле: train — обучающая, прочие — проверочные;
    make(split, count, seed) — порождает примеры.
    """

    name: str
    title: str
    kind: str
    labels: tuple[str, ...]
    metrics: tuple[str, ...]
    sizes: Mapping[str, int]
    make: Callable[[str, int, int], Sequence[Example]] = field(repr=False)

    def examples(self, split: str, count: int | None = None, seed: int = 0) -> list[Example]:
        """count примеров доли (по умолчанию — sizes[split]); другое зерно — другие примеры.

        ValueError — такой доли у задачи нет, count меньше единицы.
        """
        if split not in self.sizes:
            listed = ", ".join(self.sizes)
            raise ValueError(f"split = {split!r}: у задачи {self.name} есть только {listed}.")
        wanted = self.sizes[split] if count is None else count
        if wanted < 1:
            raise ValueError(f"count = {count}: нужен хотя бы один пример.")
        return list(self.make(split, wanted, seed))[:wanted]

    @property
    def dev_splits(self) -> tuple[str, ...]:
        """Проверочные доли: все, кроме обучающей."""
        return tuple(split for split in self.sizes if split != "train")

    @property
    def is_regression(self) -> bool:
        """Ответ — число, а не класс (STS-B)."""
        return self.kind in ("pair", "single") and not self.labels


def encode_texts(
    examples: Iterable[TextExample], tokenizer: PreTrainedTokenizerFast
) -> list[EncodedExample]:
    """[CLS] первый [SEP] второй [SEP] и ответ. ValueError — пустой текст."""
    found = []
    for number, example in enumerate(examples):
        if not example.first.strip():
            raise ValueError(f"examples[{number}]: пустой текст.")
        encoded = tokenizer(example.first, example.second or None)
        found.append(
            EncodedExample(tuple(encoded.input_ids), tuple(encoded.token_type_ids), example.label)
        )
    return found


def encode_tagged(
    examples: Iterable[TaggedExample], tokenizer: PreTrainedTokenizerFast, names: Sequence[str]
) -> list[EncodedExample]:
    """Метка слова стоит на его первом подслове, у остальных подслов и специальных — -100.

    Источник правила: Devlin et al., 2019, раздел 5.3. names — имена меток по номерам.
    ValueError — слов и меток не поровну, метки нет среди names, пустое предложение.
    """
    numbers = {name: number for number, name in enumerate(names)}
    found = []
    for place, example in enumerate(examples):
        _check_tagged(place, example, numbers)
        encoded = tokenizer(list(example.words), is_split_into_words=True)
        labels, previous = [], None
        for word in encoded.word_ids():
            is_first = word is not None and word != previous
            labels.append(numbers[example.tags[word]] if is_first else IGNORED)
            previous = word
        found.append(
            EncodedExample(tuple(encoded.input_ids), tuple(encoded.token_type_ids), tuple(labels))
        )
    return found


def _check_tagged(place: int, example: TaggedExample, numbers: dict[str, int]) -> None:
    if not example.words:
        raise ValueError(f"examples[{place}]: пустое предложение.")
    if len(example.words) != len(example.tags):
        raise ValueError(
            f"examples[{place}]: слов {len(example.words)}, а меток {len(example.tags)}."
        )
    unknown = [tag for tag in example.tags if tag not in numbers]
    if unknown:
        listed = ", ".join(numbers)
        raise ValueError(f"examples[{place}]: метки «{unknown[0]}» нет среди {listed}.")


def belongs(sentence: str, split: str) -> bool:
    """Может ли предложение корпуса попасть в долю: обучающая и проверочные его не делят.

    Разные зёрна этого не дают: короткое «Кот спал.» порождается не раз. Решает отпечаток самого
    предложения, без оглядки на регистр и «ё».
    """
    plain = sentence.lower().replace("ё", "е")
    is_dev = zlib.crc32(plain.encode()) % DEV_PART == 0
    return is_dev == (split != "train")


Item = TypeVar("Item")


def distinct(examples: Iterable[Item], key: Callable[[Item], Hashable] = lambda e: e) -> Iterator:
    """Примеры без повторов: из тех, у кого ключ один, остаётся первый."""
    seen: set[Hashable] = set()
    for example in examples:
        name = key(example)
        if name not in seen:
            seen.add(name)
            yield example


def take_balanced(examples: Iterable[TextExample], classes: int, count: int) -> list[TextExample]:
    """Первые примеры по порядку, но каждого класса поровну — всего count или чуть больше.

    ValueError — примеры кончились раньше: называет, какого класса не хватило.
    """
    wanted = -(-count // classes)
    left = dict.fromkeys(range(classes), wanted)
    found = []
    for example in examples:
        if left[example.label]:
            left[example.label] -= 1
            found.append(example)
            if not any(left.values()):
                return found
    short = next(label for label, number in left.items() if number)
    raise ValueError(
        f"count = {count}: примеров класса {short} нашлось {wanted - left[short]} из {wanted}."
    )
