"""Значения, которые можно послать в другой процесс и получить обратно: JSON и массивы numpy.

Проверка не держит в руках функцию студента: она посылает входы и получает значения. Входы — это
числа, строки, списки, словари, массивы, а ещё две вещи, которые по проводу не ходят, — генератор
и готовая функция; вместо них идут Seed и Given, а оживают они там, где исполняется код студента.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator, Mapping, MappingView, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import torch

NUMBERS = "biuf"  # виды чисел numpy, которые умеют и провод, и сравнение
EXACT = {int: int.__int__, float: float.__float__, str: str.__str__}
BYTES = (bytes, bytearray, memoryview)


@dataclass(frozen=True)
class Seed:
    """Вместо torch.Generator: генератор с этим зерном, из которого взято drawn чисел."""

    seed: int
    drawn: int = 0


@dataclass(frozen=True)
class Given:
    """Вместо функции, которую студент получает готовой: её имя в given.py и настройки."""

    name: str
    settings: tuple = ()


def revive(value: Any) -> Any:
    """Вход, каким его получит студент: массив -> тензор, Seed -> генератор, Given -> функция."""
    if isinstance(value, Seed):
        generator = torch.Generator().manual_seed(value.seed)
        torch.rand(value.drawn, generator=generator)
        return generator
    if isinstance(value, Given):
        from lecture_lib.grading.given import make_given

        return make_given(value.name, value.settings)
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, list | tuple):
        return type(value)(revive(item) for item in value)
    if isinstance(value, Mapping):
        return {key: revive(item) for key, item in value.items()}
    return copy.deepcopy(value)


def plain(value: Any) -> Any:
    """Ответ без torch и классов: тензор -> массив, кортеж и генератор -> список, дробь -> float.

    Ноль осей — это число. Наследник числа или строки становится ими самими: чужого «==» проверка
    не спрашивает. Чего не перевести, остаётся строкой «<тип>»: проверка скажет, что тип не тот.
    """
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.float() if value.dtype == torch.bfloat16 else value
        return plain(value.numpy())
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in NUMBERS:  # строки и объекты по проводу массивом не ходят
            return plain(value.tolist())
        return np.array(value) if value.ndim else plain(value[()])
    if isinstance(value, np.generic):
        return float(value) if value.dtype.kind == "f" else plain(value.item())
    if value is None or value is Ellipsis or isinstance(value, bool):
        return value
    for kind, exact in EXACT.items():
        if isinstance(value, kind):
            return exact(value)
    return _plain_other(value)


def _plain_other(value: Any) -> Any:
    if isinstance(value, Real | Decimal):  # Fraction и Decimal
        return float(value)
    if isinstance(value, Mapping):
        return {str.__str__(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, Sequence | Iterator | MappingView) and not isinstance(value, BYTES):
        return [plain(item) for item in value]
    return f"<{type(value).__name__}>"


def to_json(value: Any) -> Any:
    """Вход или ответ как дерево JSON; массивы — base64 в порядке строк."""
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value)
        data = base64.b64encode(array.tobytes()).decode()
        return {"__array__": data, "dtype": array.dtype.str, "shape": list(array.shape)}
    if isinstance(value, Seed):
        return {"__seed__": value.seed, "drawn": value.drawn}
    if isinstance(value, Given):
        return {"__given__": value.name, "settings": [to_json(item) for item in value.settings]}
    if value is Ellipsis:
        return {"__ellipsis__": True}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    return value


def from_json(tree: Any) -> Any:
    """Обратно из to_json; кортежи становятся списками. ValueError — массив записан неверно."""
    if isinstance(tree, list):
        return [from_json(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if "__array__" in tree:
        return _array(tree)
    if "__seed__" in tree:
        return Seed(tree["__seed__"], tree["drawn"])
    if "__given__" in tree:
        return Given(tree["__given__"], tuple(from_json(item) for item in tree["settings"]))
    if "__ellipsis__" in tree:
        return ...
    return {key: from_json(item) for key, item in tree.items()}


def _array(tree: dict) -> np.ndarray:
    dtype = np.dtype(str(tree["dtype"]))
    if dtype.hasobject:
        raise ValueError(f"dtype = {tree['dtype']!r}: по проводу ходят только числа.")
    data = base64.b64decode(tree["__array__"])
    return np.frombuffer(data, dtype=dtype).reshape([int(n) for n in tree["shape"]]).copy()


def changed(before: Any, after: Any) -> bool:
    """Изменился ли вход, пока его держал студент: before — что посылали, after — что осталось."""
    if isinstance(before, Seed | Given):
        return False
    return not identical(plain(before), plain(after)) or tracks_gradient(after)


def tracks_gradient(value: Any) -> bool:
    """Следит ли за входом autograd: студенту тензоры дают без этого, значит, включил он сам.

    Это тоже порча: .grad чужого тензора переживёт вызов, и следующий прибавит к нему свой.
    """
    if isinstance(value, torch.Tensor):
        return value.requires_grad or value.grad is not None
    if isinstance(value, Mapping):
        value = list(value.values())
    return isinstance(value, list | tuple) and any(map(tracks_gradient, value))


def identical(first: Any, second: Any) -> bool:
    """Равны ли два значения после plain до последнего знака; NaN равен NaN."""
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        one, two = as_array(first), as_array(second)
        same = one is not None and two is not None
        return same and np.array_equal(one, two, equal_nan=True)
    if isinstance(first, list) and isinstance(second, list):
        pairs = zip(first, second, strict=False)
        return len(first) == len(second) and all(identical(a, b) for a, b in pairs)
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(
            identical(v, second[k]) for k, v in first.items()
        )
    return first == second or (first != first and second != second)


def as_array(value: Any) -> np.ndarray | None:
    """Числа любого вида (массив, список, число) одним массивом; None — это не числа."""
    if isinstance(value, str) or value is None or value is Ellipsis or isinstance(value, dict):
        return None
    try:
        array = np.asarray(value)
    except ValueError:  # строки разной длины
        return None
    return array if array.dtype.kind in NUMBERS else None
