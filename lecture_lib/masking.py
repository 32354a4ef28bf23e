"""Маскирование (masking): какие токены скрыть от модели и чем их заменить.

Маскирование — цепочка из четырёх шагов, и каждый шаг — функция:

    chosen = choose_positions(...)       # какие токены предсказывать: 15 %
    actions = draw_replacements(...)     # что сделать с каждым из них: 80 / 10 / 10
    masked = apply_replacements(...)     # сделать
    labels = make_labels(...)            # правильные ответы: -100 там, где ответ не нужен

`mask_tokens` вызывает их подряд. Случайность приходит снаружи, в generator; тензоры, которые
передал вызывающий, не меняются. Формы: B — строк в батче, S — токенов в строке.

Источник: Devlin et al., 2019, раздел 3.1 и приложение A.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import torch

from lecture_lib.config import MaskingConfig, check_rates, check_whole
from lecture_lib.mask_patterns import (
    NO_WORD,
    causal_pattern,
    check_batch,
    check_generator,
    check_mask,
    check_matrix,
    check_same_shape,
    choose_count,
    choose_positions,
    choose_spans,
    choose_whole_words,
    number_words,
)

# Выбор токенов описан в mask_patterns, но спрашивают его отсюда: маскирование — один предмет.
__all__ = [
    "IGNORED",
    "KEEP",
    "MASK",
    "NOT_CHOSEN",
    "NO_WORD",
    "RANDOM",
    "MaskingVocabulary",
    "apply_replacements",
    "causal_pattern",
    "choose_count",
    "choose_positions",
    "choose_spans",
    "choose_whole_words",
    "draw_replacements",
    "dynamic_masks",
    "find_special",
    "find_words",
    "make_labels",
    "mask_count",
    "mask_last",
    "mask_tokens",
    "number_words",
    "pad_sequences",
    "static_masks",
]

IGNORED = -100  # метка «здесь ничего не предсказываем»; её же пропускает cross_entropy

# Что сделано с токеном. Не выбранные токены отличаются от выбранных и оставленных (KEEP):
# вторые модель предсказывает, первые — нет.
NOT_CHOSEN, MASK, RANDOM, KEEP = 0, 1, 2, 3


@dataclass(frozen=True)
class MaskingVocabulary:
    """Что маскирование знает о словаре: номер [MASK], размер, специальные и «продолжающие».

    continuation_token_ids — подслова, которые продолжают слово («##ть»); нужны только
    маскированию целых слов и отрезков.
    """

    mask_token_id: int
    vocab_size: int
    special_token_ids: tuple[int, ...]
    continuation_token_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_whole("vocab_size", self.vocab_size, at_least=1)
        for name in ("special_token_ids", "continuation_token_ids"):
            for token_id in getattr(self, name):
                self._check_id(name, token_id)
        self._check_id("mask_token_id", self.mask_token_id)
        if len(set(self.special_token_ids)) >= self.vocab_size:
            raise ValueError(
                f"special_token_ids = {self.special_token_ids}: в словаре из {self.vocab_size} "
                "токенов не осталось ни одного обычного."
            )

    def _check_id(self, name: str, token_id: int) -> None:
        check_whole(name, token_id, at_least=0)
        if token_id >= self.vocab_size:
            raise ValueError(f"{name}: номера {token_id} нет, vocab_size = {self.vocab_size}.")

    @classmethod
    def from_tokenizer(cls, tokenizer) -> MaskingVocabulary:
        """Собирает описание из токенизатора transformers — WordPiece или байтового BPE."""
        special = set(tokenizer.all_special_ids)
        pieces = tokenizer.get_vocab()
        if any(piece.startswith("##") for piece in pieces):  # WordPiece: «##» — продолжение
            continuation = {i for piece, i in pieces.items() if piece.startswith("##")}
        else:  # байтовый BPE: «Ġ» — пробел, то есть начало слова
            continuation = {i for piece, i in pieces.items() if not piece.startswith("Ġ")}
        return cls(
            mask_token_id=tokenizer.mask_token_id,
            vocab_size=len(tokenizer),
            special_token_ids=tuple(sorted(special)),
            continuation_token_ids=tuple(sorted(continuation - special)),
        )

    @cached_property
    def is_special(self) -> torch.Tensor:
        """(V,) bool: какие номера специальные."""
        return self._table(self.special_token_ids)

    @cached_property
    def is_continuation(self) -> torch.Tensor:
        """(V,) bool: какие номера продолжают слово."""
        return self._table(self.continuation_token_ids)

    @cached_property
    def ordinary_token_ids(self) -> torch.Tensor:
        """(V − число специальных,) номера обычных токенов: из них берут случайный."""
        return (~self.is_special).nonzero()[:, 0]

    def _table(self, token_ids: tuple[int, ...]) -> torch.Tensor:
        table = torch.zeros(self.vocab_size, dtype=torch.bool)
        table[list(token_ids)] = True
        return table


def find_special(input_ids: torch.Tensor, vocabulary: MaskingVocabulary) -> torch.Tensor:
    """Отмечает специальные токены и [PAD]: (B, S) номера -> (B, S) bool.

    ValueError — номера не того типа или формы, батч пуст, номер за пределами словаря.
    """
    _check_ids(input_ids, vocabulary)
    return _look_up(vocabulary.is_special, input_ids)


def find_words(
    input_ids: torch.Tensor, special_mask: torch.Tensor, vocabulary: MaskingVocabulary
) -> torch.Tensor:
    """Нумерует слова строки по подсловам: [CLS] при ##вет ! [SEP] -> -1 0 0 1 -1."""
    _check_ids(input_ids, vocabulary)
    check_batch(input_ids, special_mask)
    return number_words(_look_up(vocabulary.is_continuation, input_ids), special_mask)


def draw_replacements(
    chosen: torch.Tensor, rates: tuple[float, float, float], generator: torch.Generator
) -> torch.Tensor:
    """Разыгрывает, что сделать с каждым выбранным токеном: ОДИН жребий с тремя исходами.

    chosen (B, S) bool, rates — доли ([MASK], случайный, прежний) -> (B, S) int8 со значениями
    NOT_CHOSEN, MASK, RANDOM, KEEP. Две монеты подряд дают другое: «10 % — случайный, из
    остальных 10 % — прежний» — это 81 / 10 / 9, и на глаз такую ошибку не заметить.
    """
    check_mask(chosen, "chosen")
    check_rates(*rates)
    check_generator(generator)
    mask_rate, random_rate, _ = rates
    draw = torch.rand(int(chosen.sum()), generator=generator)
    # Отрезок [0, 1) разрезан на три части, длина каждой — вероятность исхода. Каждая
    # пройденная граница — плюс единица: MASK, за первой границей RANDOM, за второй KEEP.
    outcome = MASK + (draw >= mask_rate).to(torch.int8) + (draw >= mask_rate + random_rate)
    actions = torch.full(chosen.shape, NOT_CHOSEN, dtype=torch.int8)
    return actions.masked_scatter_(chosen, outcome)  # исходы ложатся на выбранные места подряд


def apply_replacements(
    input_ids: torch.Tensor,
    actions: torch.Tensor,
    vocabulary: MaskingVocabulary,
    generator: torch.Generator,
) -> torch.Tensor:
    """Заменяет токены по разыгранным действиям и возвращает новый тензор (B, S).

    Случайный токен берётся поровну из обычных — специальным он не бывает, а прежним изредка
    (раз в V) бывает, как и в коде BERT.
    """
    _check_ids(input_ids, vocabulary)
    check_same_shape("actions", actions, input_ids)
    check_generator(generator)
    is_random = actions == RANDOM
    ordinary = vocabulary.ordinary_token_ids
    picked = torch.randint(len(ordinary), (int(is_random.sum()),), generator=generator)
    masked_ids = input_ids.masked_fill(actions == MASK, vocabulary.mask_token_id)
    return masked_ids.masked_scatter_(is_random, _look_up(ordinary, picked))


def make_labels(input_ids: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Правильные ответы: исходный токен на выбранных местах, -100 на остальных; (B, S)."""
    check_batch(input_ids, chosen, "chosen")
    return input_ids.masked_fill(~chosen, IGNORED)


def mask_tokens(
    input_ids: torch.Tensor,
    special_mask: torch.Tensor | None,
    config: MaskingConfig,
    vocabulary: MaskingVocabulary,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Все четыре шага подряд: (B, S) номера -> (masked_ids, labels), обе (B, S).

    special_mask — (B, S) bool, где выбирать нельзя; None — найти специальные токены самой.
    Специальные токены и [PAD] не выбираются, даже если special_mask их не отметила.
    ValueError — пустой батч, не те формы или типы, номера за пределами словаря.
    """
    special = find_special(input_ids, vocabulary)
    if special_mask is not None:
        check_batch(input_ids, special_mask)
        special = special | special_mask
    arguments = (config.probability, generator, config.at_least_one)
    if config.unit == "token":
        chosen = choose_positions(input_ids, special, *arguments)
    else:
        word_ids = find_words(input_ids, special, vocabulary)
        choose = choose_whole_words if config.unit == "whole_word" else choose_spans
        chosen = choose(word_ids, *arguments)
    actions = draw_replacements(chosen, config.rates, generator)
    masked_ids = apply_replacements(input_ids, actions, vocabulary, generator)
    return masked_ids, make_labels(input_ids, chosen)


def mask_count(
    input_ids: torch.Tensor,
    count: int,
    vocabulary: MaskingVocabulary,
    generator: torch.Generator | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Скрывает под [MASK] count обычных токенов каждой строки -> (masked_ids, labels).

    Без generator — последние, с ним — любые. Ползунок урока 01 меняет только count: при 1 это
    вопрос обычной языковой модели, при count ≥ n модель не видит ни одного слова.
    """
    chosen = choose_count(find_special(input_ids, vocabulary), count, generator)
    return input_ids.masked_fill(chosen, vocabulary.mask_token_id), make_labels(input_ids, chosen)


def mask_last(
    input_ids: torch.Tensor, vocabulary: MaskingVocabulary
) -> tuple[torch.Tensor, torch.Tensor]:
    """Скрывает последний обычный токен каждой строки: P(w_n | w_1 … w_{n-1})."""
    return mask_count(input_ids, 1, vocabulary)


def dynamic_masks(
    input_ids: torch.Tensor,
    special_mask: torch.Tensor | None,
    config: MaskingConfig,
    vocabulary: MaskingVocabulary,
    *,
    seed: int,
    epoch: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Динамические маски: в каждой эпохе новые, но при тех же (seed, epoch) — те же самые.

    Источник: Liu et al., 2019 (RoBERTa), раздел 4.1.
    """
    check_whole("seed", seed, at_least=0)
    check_whole("epoch", epoch, at_least=0)
    # SeedSequence перемешивает пару: соседние seed + epoch дали бы одинаковые маски.
    mixed = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint32)[0]
    generator = torch.Generator().manual_seed(int(mixed))
    return mask_tokens(input_ids, special_mask, config, vocabulary, generator)


def static_masks(
    input_ids: torch.Tensor,
    special_mask: torch.Tensor | None,
    config: MaskingConfig,
    vocabulary: MaskingVocabulary,
    *,
    seed: int,
    epoch: int,
    copies: int = 10,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Статические маски: данные размножены copies раз, дальше маски повторяются по кругу.

    Так учили BERT: 10 копий на 40 эпох, каждую маску модель видела четырежды
    (Liu et al., 2019, раздел 4.1). copies=1 — одна маска на всё обучение.
    """
    check_whole("copies", copies, at_least=1)
    check_whole("epoch", epoch, at_least=0)
    return dynamic_masks(
        input_ids, special_mask, config, vocabulary, seed=seed, epoch=epoch % copies
    )


def pad_sequences(
    sequences: Sequence[Sequence[int]], pad_token_id: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Складывает списки номеров в прямоугольник -> (input_ids, attention_mask), обе (B, S) int64.

    Короткие дополняются справа; attention_mask: 1 — токен, 0 — дополнение.
    """
    lengths = np.fromiter(map(len, sequences), dtype=np.int64, count=len(sequences))
    if len(lengths) == 0 or lengths.max() == 0:
        raise ValueError(f"sequences = {sequences!r}: батч пуст, складывать нечего.")
    is_real = np.arange(lengths.max()) < lengths[:, None]
    input_ids = np.full(is_real.shape, pad_token_id, dtype=np.int64)
    flat = chain.from_iterable(sequences)
    input_ids[is_real] = np.fromiter(flat, dtype=np.int64, count=lengths.sum())
    return torch.from_numpy(input_ids), torch.from_numpy(is_real.astype(np.int64))


def _look_up(table: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """table[ids]. index_select, а не скобки: скобки будят второй поток ради восьми тысяч чисел."""
    return table.index_select(0, ids.flatten()).view(ids.shape)


def _check_ids(input_ids: torch.Tensor, vocabulary: MaskingVocabulary) -> None:
    check_matrix("input_ids", input_ids, torch.long)
    smallest, largest = (int(value) for value in torch.aminmax(input_ids))
    for value in (smallest, largest):
        if not 0 <= value < vocabulary.vocab_size:
            raise ValueError(
                f"input_ids: номера {value} нет в словаре, vocab_size = {vocabulary.vocab_size}."
            )
