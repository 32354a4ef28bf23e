"""Значения словами: короткая запись входов и первое место, где ответы разошлись."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lecture_lib.grading.outcome import Counterexample
from lecture_lib.grading.wire import Given, Seed, as_array

LONGEST = 420  # знаков в одной записи
SMALL = 48  # массив не больше этого печатается целиком


def describe_call(arguments: Sequence[Any]) -> Counterexample:
    """Контрпример, в котором известен один вход."""
    return Counterexample(given=describe_arguments(arguments))


def describe_arguments(arguments: Sequence[Any]) -> str:
    """Входы через запятую."""
    return ", ".join(describe(argument) for argument in arguments)


def describe(value: Any) -> str:
    """Значение коротко: маленький массив — целиком, большой — формой."""
    if isinstance(value, Seed):
        return f"генератор с зерном {value.seed}"
    if isinstance(value, Given):
        return f"функция {value.name}"
    if isinstance(value, np.ndarray):
        if value.size <= SMALL:
            return str(_rounded(value))
        return f"тензор {tuple(value.shape)}"
    if isinstance(value, float | list | tuple | dict):
        return _cut(str(_rounded(value)))
    return _cut(repr(value))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, np.ndarray):
        return _rounded(value.tolist()) if value.size <= SMALL else describe(value)
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return value


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def difference(
    arguments: Sequence[Any],
    expected: Any,
    got: Any,
    axes: Sequence[str] = (),
    place: str = "",
    tolerance: float = 1e-4,
) -> Counterexample:
    """Контрпример: вход, что ждали, что получили, первый разошедшийся элемент по имени осей."""
    if isinstance(expected, dict) and isinstance(got, dict):
        expected, got = _first_items(expected, got, tolerance)
    index = first_difference(expected, got, tolerance)
    if index is None:
        return Counterexample(
            describe_arguments(arguments), describe(expected), describe(got), place
        )
    wanted, found = np.asarray(expected)[index], np.asarray(got)[index]
    return Counterexample(
        given=describe_arguments(arguments),
        expected=_with_element(expected, wanted),
        got=_with_element(got, found),
        place=place or name_place(index, axes),
    )


def _with_element(value: Any, element: Any) -> str:
    shown = np.asarray(value)
    if shown.size <= SMALL:
        return describe(shown)
    return f"{describe(np.asarray(element).item())} (тензор {tuple(shown.shape)})"


def _first_items(expected: dict, got: dict, tolerance: float) -> tuple[dict, dict]:
    """Из двух словарей — то, в чём они разошлись: чего нет, что лишнее, где не то значение."""
    missing, extra = sorted(expected.keys() - got.keys()), sorted(got.keys() - expected.keys())
    wrong = [k for k in expected if k in got and not _is_close(expected[k], got[k], tolerance)]
    keys = [*missing, *extra, *wrong][:1]
    return tuple({key: part[key] for key in keys if key in part} for part in (expected, got))


def _is_close(expected: Any, got: Any, tolerance: float) -> bool:
    wanted, found = as_array(expected), as_array(got)
    if wanted is None or found is None or wanted.shape != found.shape:
        return False
    return bool(np.allclose(wanted, found, tolerance, tolerance, equal_nan=True))


def first_difference(expected: Any, got: Any, tolerance: float = 1e-4) -> tuple[int, ...] | None:
    """Индекс первого разошедшегося элемента; None — формы разные или это не массивы."""
    wanted, found = as_array(expected), as_array(got)
    if wanted is None or found is None or wanted.shape != found.shape or wanted.ndim == 0:
        return None
    wrong = ~np.isclose(wanted, found, rtol=tolerance, atol=tolerance, equal_nan=True)
    return tuple(int(i) for i in np.argwhere(wrong)[0]) if wrong.any() else None


def name_place(index: Sequence[int], axes: Sequence[str] = ()) -> str:
    """Место словами: «батч 0, позиция 3»; осей без имени — просто индекс."""
    if len(axes) != len(index):
        return f"индекс {list(index)}"
    return ", ".join(f"{axis} {i}" for axis, i in zip(axes, index, strict=True))
