"""Общее у прикладных задач: вид примера, кодирование токенизатором, отбор поровну.

Пример задачи — слова и ответ на человеческом языке; в номера его переводит токенизатор, и с этой
минуты задача ничем не отличается от любой другой (finetuning.EncodedExample).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lecture_lib.finetuning import EncodedExample
from lecture_lib.masking import IGNORED

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# Зёрна корпуса задач: предобучение идёт на зерне 0, и его предложений в задачах нет.
SEEDS = {"train": 101, "validation": 102, "test_scripts": 103, "test_words": 104}


@dataclass(frozen=True)
class TextExample:
    """Текст или пара текстов (second не пуст) и номер класса."""

    first: str
    second: str
    label: int


@dataclass(frozen=True)
class TaggedExample:
    """Слова предложения и метка каждого слова."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


def encode_texts(
    examples: Iterable[TextExample], tokenizer: PreTrainedTokenizerFast
) -> list[EncodedExample]:
    """[CLS] первый [SEP] второй [SEP] и номер класса. ValueError — пустой текст."""
    found = []
    for number, example in enumerate(examples):
        if not example.first.strip():
            raise ValueError(f"examples[{number}]: пустой текст.")
        encoded = tokenizer(example.first, example.second or None)
        found.append(
            EncodedExample(
                tuple(encoded.input_ids), tuple(encoded.token_type_ids), int(example.label)
            )
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
