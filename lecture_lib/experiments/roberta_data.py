"""Данные опыта RoBERTa: два словаря, четыре корпуса и вопросы, общие для всех рецептов.

Оба словаря обучены на одних и тех же текстах и одной величины, чтобы переключатель «словарь»
менял только способ деления.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lecture_lib.corpus import documents
from lecture_lib.experiments.vocabularies import Gap, sample_forms, sample_words, spaced
from lecture_lib.files import write_atomically
from lecture_lib.pretraining_data import TokenizedCorpus, tokenize_corpus
from lecture_lib.tokenization import (
    load_tokenizer,
    save_tokenizer,
    train_byte_level_bpe,
    train_wordpiece,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class Data:
    """Словари по ключу byte_level, корпуса по ключу (byte_level, more_data) и вопросы."""

    tokenizers: dict[bool, PreTrainedTokenizerFast]
    corpora: dict[tuple[bool, bool], TokenizedCorpus]
    words: list[Gap]
    forms: list[Gap]


def prepare(budget: Mapping[str, int], folder: str | Path) -> Data:
    """Готовит данные по бюджету опыта; второй раз — из кэша папки.

    budget: documents, more (во сколько раз больше документов), vocab_size, words, forms.
    """
    cache = Path(folder) / "cache"
    sizes = {False: budget["documents"], True: budget["documents"] * budget["more"]}
    learners = {False: ("wordpiece", train_wordpiece), True: ("bpe", train_byte_level_bpe)}
    tokenizers = {
        byte_level: _tokenizer(cache / name, learn, sizes[True], budget["vocab_size"])
        for byte_level, (name, learn) in learners.items()
    }
    corpora = {
        (byte_level, more): tokenize_corpus(
            texts(count), tokenizer, cache_folder=cache, key=f"corpus-{count}"
        )
        for byte_level, tokenizer in tokenizers.items()
        for more, count in sizes.items()
    }
    return Data(tokenizers, corpora, *_questions(cache / "questions.json", tokenizers, budget))


def texts(count: int) -> Iterator[list[str]]:
    """Документы обучения; предложение — с пробелом впереди, как внутри текста."""
    for document in documents(seed=0, split="train", count=count):
        yield [spaced(sentence.text) for sentence in document.sentences]


def _tokenizer(
    folder: Path, learn: Callable, count: int, vocab_size: int
) -> PreTrainedTokenizerFast:
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        sentences = (sentence for document in texts(count) for sentence in document)
        save_tokenizer(learn(sentences, vocab_size), folder)
    return load_tokenizer(folder)


def _questions(
    path: Path, tokenizers: Mapping[bool, PreTrainedTokenizerFast], budget: Mapping[str, int]
) -> tuple[list[Gap], list[Gap]]:
    if not path.exists():
        forms = sample_forms((tokenizers[False], tokenizers[True]), budget["forms"])
        made = sample_words(budget["words"]), forms
        plain = [[asdict(gap) for gap in gaps] for gaps in made]
        write_atomically(path, json.dumps(plain, ensure_ascii=False).encode())
    words, forms = json.loads(path.read_text(encoding="utf-8"))
    return [Gap(**gap) for gap in words], [Gap(**gap) for gap in forms]
