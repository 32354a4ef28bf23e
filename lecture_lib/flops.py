"""Калькулятор операций: сколько умножений и сложений в шаге обучения и в какой части модели.

Считаются матричные произведения: умножение со сложением — две операции, поэтому матрица M × K на
матрицу K × N стоит 2·M·K·N. Обратный проход вдвое дороже прямого: у каждого произведения два
множителя, и градиент нужен обоим. Поэлементное (GELU, LayerNorm, softmax) и выборка эмбеддингов
сюда не входят: операций в них мало, а время уходит на память. С torch числа сверяет тест.

Обозначения: B — строк, S — токенов в строке, N — предсказываемых мест, D — hidden_size,
F — intermediate_size, V — словарь, L — слоёв. Источник: Kaplan et al., 2020, раздел 2.1 (там
обратный проход тоже считается за два прямых).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lecture_lib.config import EncoderConfig, check_flag, check_whole


@dataclass(frozen=True)
class FlopRow:
    """Строка таблицы: часть модели, формула прямого прохода, операции туда и обратно."""

    component: str
    formula: str
    forward: int
    backward: int

    @property
    def total(self) -> int:
        """Прямой и обратный проход вместе."""
        return self.forward + self.backward


def flop_rows(
    config: EncoderConfig,
    batch_size: int,
    sequence_length: int,
    *,
    predictions: int = 0,
    next_sentence: bool = False,
) -> list[FlopRow]:
    """Операции PretrainingModel по частям на батче (B, S) — вместе с дополнением.

    predictions — сколько мест идёт через голову MLM: с positions — их число ([CLS] среди них не
    бывает), без него B·S; 0 — головы нет. ValueError — число не целое или слишком велико.
    """
    _check(config, batch_size, sequence_length, predictions, next_sentence)
    places = batch_size * sequence_length
    kept = _kept(config, batch_size, predictions, places) if predictions else places
    rows = _attention_rows(config, batch_size, sequence_length) + _wide_rows(config, places, kept)
    size = config.hidden_size
    if config.add_pooling_layer:
        # Без головы NSP вектор [CLS] считается, но никому не нужен: градиент к нему не придёт.
        way_back = 2 if next_sentence else 0
        rows.append(_row("Слой над [CLS] (pooler)", 2, batch_size, size, size, back=way_back))
    if predictions:
        rows.append(_row("Голова MLM: линейный слой", 2, predictions, size, size))
        rows.append(_row("Голова MLM: выход в словарь", 2, predictions, size, config.vocab_size))
    if next_sentence:
        rows.append(_row("Голова NSP", 2, batch_size, size, 2))
    return rows


def total_flops(rows: Sequence[FlopRow]) -> int:
    """Сумма по таблице: прямой и обратный проход вместе, в операциях."""
    return sum(row.total for row in rows)


def flop_table(rows: Sequence[FlopRow]) -> str:
    """Таблица текстом: часть, формула, миллиарды операций туда и обратно, доля; «Всего»."""
    forward, backward = sum(row.forward for row in rows), sum(row.backward for row in rows)
    lines = [(row.component, row.formula, row.forward, row.backward) for row in rows]
    lines.append(("Всего, млрд", "", forward, backward))
    first = max(len(line[0]) for line in lines)
    second = max(len(line[1]) for line in lines)
    return "\n".join(
        f"{component:<{first}}  {formula:<{second}}  {_billions(there)}  {_billions(back)}  "
        f"{(there + back) / (forward + backward):6.1%}"
        for component, formula, there, back in lines
    )


def _attention_rows(config: EncoderConfig, batch_size: int, sequence_length: int) -> list[FlopRow]:
    """Внимание всех слоёв.

    Голов в формуле нет: H голов размера D/H стоят столько же, сколько одна размера D.
    """
    size, layers = config.hidden_size, config.num_hidden_layers
    places = batch_size * sequence_length
    scores = (2, batch_size, sequence_length, sequence_length, size)
    return [
        _row("Внимание: запросы, ключи, значения", layers, 3, 2, places, size, size),
        _row("Внимание: оценки Q·Kᵀ", layers, *scores),
        _row("Внимание: веса на значения", layers, *scores),
        _row("Внимание: выход O", layers, 2, places, size, size),
    ]


def _wide_rows(config: EncoderConfig, places: int, kept: int) -> list[FlopRow]:
    """Полносвязная часть: в последнем слое — лишь на kept местах из places, в прочих — на всех."""
    size, wide, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    forward = 2 * size * wide * ((layers - 1) * places + kept)
    formula = f"2·{size}·{wide}·({layers - 1}·{places} + {kept})"
    return [
        FlopRow(f"Полносвязная часть: {part}", formula, forward, 2 * forward)
        for part in ("расширение", "сжатие")
    ]


def _kept(config: EncoderConfig, batch_size: int, predictions: int, places: int) -> int:
    """Сколько мест последний слой ведёт до конца: предсказываемые и, если есть pooler, [CLS]."""
    return min(predictions + (batch_size if config.add_pooling_layer else 0), places)


def _row(component: str, *factors: int, back: int = 2) -> FlopRow:
    """Строка из множителей; back — во сколько раз обратный проход дороже прямого."""
    forward = math.prod(factors)
    return FlopRow(component, "·".join(map(str, factors)), forward, back * forward)


def _check(
    config: EncoderConfig,
    batch_size: int,
    sequence_length: int,
    predictions: int,
    next_sentence: bool,
) -> None:
    check_whole("batch_size", batch_size, at_least=1)
    check_whole("sequence_length", sequence_length, at_least=1)
    check_whole("predictions", predictions, at_least=0)
    check_flag("next_sentence", next_sentence)
    if sequence_length > config.max_sequence_length:
        raise ValueError(
            f"sequence_length = {sequence_length}: модель видит не больше "
            f"{config.max_sequence_length} токенов."
        )
    if predictions > batch_size * sequence_length:
        raise ValueError(
            f"predictions = {predictions}: в батче всего {batch_size * sequence_length} мест."
        )
    if next_sentence and not config.add_pooling_layer:
        raise ValueError(
            "next_sentence = True при add_pooling_layer = False: голове NSP нужен слой над [CLS]."
        )


def _billions(count: int) -> str:
    """Операции в миллиардах: «12,345»."""
    return f"{count / 1e9:10,.3f}".translate(str.maketrans(",.", " ,"))
