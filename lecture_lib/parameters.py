"""Калькулятор параметров: сколько чисел в модели и в какой её части.

Формулы, а не обход весов: видно, откуда взялись «110M» и «340M». С настоящей моделью (нашей и из
transformers) их сверяет тест. Обозначения: V — словарь, P — позиций, T — сегментов, D —
hidden_size, F — intermediate_size, L — слоёв. Источник: Devlin et al., 2019, раздел 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lecture_lib.config import EncoderConfig


@dataclass(frozen=True)
class ParameterRow:
    """Строка таблицы: часть модели, формула с подставленными числами, сколько параметров."""

    component: str
    formula: str
    count: int


def parameter_rows(
    config: EncoderConfig, *, mlm_head: bool = False, next_sentence: bool = False
) -> list[ParameterRow]:
    """Параметры по частям: эмбеддинги, слои, слой над [CLS], головы.

    Без голов это BertModel в transformers; с mlm_head и next_sentence — BertForPreTraining.
    Матрица выхода головы MLM не считается: она та же, что таблица эмбеддингов токенов.
    """
    rows = _embedding_rows(config) + _layer_rows(config)
    size = config.hidden_size
    if config.add_pooling_layer:
        rows.append(_linear("Слой над [CLS] (pooler)", size, size))
    if mlm_head:
        rows.append(_linear("Голова MLM: линейный слой", size, size))
        rows.append(_product("Голова MLM: LayerNorm", 2, size))
        rows.append(_product("Голова MLM: смещения токенов", config.vocab_size))
    if next_sentence:
        if not config.add_pooling_layer:
            raise ValueError("next_sentence = True при add_pooling_layer = False: голове NSP "
                             "нужен слой над [CLS].")  # fmt: skip
        rows.append(_linear("Голова NSP", size, 2))
    return rows


def total_parameters(rows: Sequence[ParameterRow]) -> int:
    """Сумма по строкам таблицы."""
    return sum(row.count for row in rows)


def parameter_table(rows: Sequence[ParameterRow]) -> str:
    """Таблица текстом: часть, формула, число параметров, доля; последняя строка — «Всего»."""
    total = total_parameters(rows)
    lines = [(row.component, row.formula, row.count) for row in rows] + [("Всего", "", total)]
    first = max(len(component) for component, _, _ in lines)
    second = max(len(formula) for _, formula, _ in lines)
    return "\n".join(
        f"{component:<{first}}  {formula:<{second}}  {_spaced(count):>12}  {count / total:6.1%}"
        for component, formula, count in lines
    )


def _embedding_rows(config: EncoderConfig) -> list[ParameterRow]:
    size = config.hidden_size
    rows = [
        _product("Эмбеддинги токенов", config.vocab_size, size),
        _product("Эмбеддинги позиций", config.max_position_embeddings, size),
    ]
    if config.type_vocab_size:
        rows.append(_product("Эмбеддинги сегментов", config.type_vocab_size, size))
    return [*rows, _product("LayerNorm эмбеддингов", 2, size)]


def _layer_rows(config: EncoderConfig) -> list[ParameterRow]:
    """Строки слоя, каждая умножена на число слоёв."""
    size, wide, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    return [
        _linear("Внимание: запросы Q", size, size, layers),
        _linear("Внимание: ключи K", size, size, layers),
        _linear("Внимание: значения V", size, size, layers),
        _linear("Внимание: выход O", size, size, layers),
        _product("LayerNorm после внимания", layers, 2, size),
        _linear("Полносвязная часть: расширение", size, wide, layers),
        _linear("Полносвязная часть: сжатие", wide, size, layers),
        _product("LayerNorm после полносвязной", layers, 2, size),
    ]


def _linear(component: str, inputs: int, outputs: int, layers: int = 1) -> ParameterRow:
    """Линейный слой: матрица входы × выходы и смещение на каждый выход."""
    formula = f"{inputs}·{outputs} + {outputs}"
    if layers > 1:
        formula = f"{layers}·({formula})"
    return ParameterRow(component, formula, layers * (inputs * outputs + outputs))


def _product(component: str, *factors: int) -> ParameterRow:
    count = 1
    for factor in factors:
        count *= factor
    return ParameterRow(component, "·".join(map(str, factors)), count)


def _spaced(count: int) -> str:
    """Число с пробелами между тысячами: 109 482 240."""
    return f"{count:,}".replace(",", " ")
