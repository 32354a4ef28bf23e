"""Готовые функции, которые задание даёт студенту: по имени и настройкам (wire.Given).

Функция — вход проверки, как число или тензор: по проводу идёт имя, а собирается она там, где
исполняется код студента.
"""

from __future__ import annotations

import math
import random
import zlib
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import torch

ROW_TOKENS = 128  # токенов в строке батча лаборатории
BATCH_RUNS = 60  # столько обучений даст лаборатория батчей
RECIPE_RUNS = 200  # запусков рецепта на один вызов
RECIPE_EMPTY = 30.0  # пунктов у пустого рецепта
RECIPE_SHARED, RECIPE_OWN = 10.0, 1.0  # пунктов: разброс общей удачи зерна и свой у запуска


def make_given(name: str, settings: Sequence[Any]) -> Callable[..., Any]:
    """Собирает функцию по имени; ValueError — такого имени нет."""
    if name not in FACTORIES:
        raise ValueError(f"name = {name!r}: есть функции {', '.join(FACTORIES)}.")
    return FACTORIES[name](*settings)


def replacer(mask: float, random: float, flaw: str = "") -> Callable[..., torch.Tensor]:
    """Функция замены с долями mask и random (остальное — прежний токен) и, быть может, изъяном.

    Изъяны: special — случайный токен бывает служебным; neighbours — портит и невыбранные места;
    one_token — случайный токен один на весь вызов; own — на каждый вызов одно и то же зерно.
    """

    def replace(input_ids, chosen, mask_id, ordinary_ids, generator):
        if flaw == "own":
            generator = torch.Generator().manual_seed(0)
        draw = torch.rand(input_ids.shape, generator=generator)
        pool = ordinary_ids
        if flaw == "special":
            pool = torch.arange(int(ordinary_ids.max()) + 1)
        picked = pool[torch.randint(len(pool), input_ids.shape, generator=generator)]
        if flaw == "one_token":
            picked = picked.flatten()[0].expand(input_ids.shape)
        where = chosen
        if flaw == "neighbours":
            where = chosen | (torch.rand(input_ids.shape, generator=generator) < 0.01)
        new = torch.where(where & (draw < mask), mask_id, input_ids)
        return torch.where(where & (draw >= mask) & (draw < mask + random), picked, new)

    return replace


def toy_model(vocab_size: int, seed: int) -> Callable[[Any], torch.Tensor]:
    """Игрушечная модель: список номеров -> логарифмы вероятностей (S, V) для каждого места.

    Ответ на месте зависит от всех токенов строки и от расстояния до них, поэтому подглядывание,
    сдвиг и забытая маска видны в числах. Веса — случайные, с зерном seed.
    """
    generator = torch.Generator().manual_seed(seed)
    table = torch.randn(64, vocab_size, vocab_size, generator=generator, dtype=torch.float64)

    def predict(ids) -> torch.Tensor:
        ids = torch.as_tensor(ids).long().flatten()
        place = torch.arange(len(ids))
        shift = (place[:, None] - place[None, :]) % 64  # (S, S): вправо и влево — разные таблицы
        return table[shift, ids[None, :]].mean(1).mul(3).log_softmax(-1)  # (S, S, V) -> (S, V)

    return predict


def recipe_lab(key: int, effects: dict, pairs: dict, calls: list) -> Callable[..., float]:
    """Опытная мастерская: train(части рецепта, зерно) -> качество в пунктах.

    effects — сколько даёт часть сама, pairs — сколько добавляют две части вместе («а+б»). Удача
    зерна общая для всех рецептов, и она велика; своя у каждого запуска — мала. Запуск с теми же
    частями и зерном повторяется точно. Каждый запуск дописывается в calls.
    """

    def train(parts, seed, /) -> float:  # по имени и в песочнице не передать
        chosen = sorted({str(part) for part in parts})
        if unknown := [part for part in chosen if part not in effects]:
            raise ValueError(f"части «{unknown[0]}» нет, есть {', '.join(effects)}")
        if len(calls) >= RECIPE_RUNS:
            raise ValueError(f"запуски кончились: их было {RECIPE_RUNS}")
        calls.append((tuple(chosen), int(seed)))
        place = int(seed) % 2**32
        shared = np.random.default_rng([key, place]).standard_normal()
        mark = zlib.crc32("+".join(chosen).encode())
        own = np.random.default_rng([key, place, mark]).standard_normal()
        return lab_quality(chosen, effects, pairs) + RECIPE_SHARED * shared + RECIPE_OWN * own

    return train


def lab_quality(parts: Collection[str], effects: dict, pairs: dict) -> float:
    """Качество рецепта без случайности."""
    joint = sum(value for pair, value in pairs.items() if set(pair.split("+")) <= set(parts))
    return RECIPE_EMPTY + sum(effects[part] for part in parts) + joint


def laboratory(
    first: int, second: int, tokens: int, effect: float, secret: int, flaw: str = ""
) -> Callable[[int, int, int], float]:
    """Лаборатория задания 06.5: train(batch, steps, seed) -> качество в процентах, без обучения.

    При равном числе токенов батч first лучше на effect пунктов. Качество растёт с числом
    прочитанных токенов и шумит: часть шума общая у зерна, часть — своя. Изъяны: only_at_budget —
    вдали от бюджета tokens первый хуже; first_seed_lies — врёт зерно, которое спросили первым.
    ValueError — незнакомый батч, шагов меньше одного, больше BATCH_RUNS запусков.
    """
    runs, liar = [0], []

    def train(batch, steps, seed) -> float:
        batch, steps, seed = int(batch), int(steps), int(seed)
        runs[0] += 1
        if runs[0] > BATCH_RUNS:
            raise ValueError(
                f"больше {BATCH_RUNS} запусков: столько машинного времени вам не дали."
            )
        if batch not in (first, second):
            raise ValueError(f"batch = {batch}: сравнить просили {first} и {second}.")
        if steps < 1:
            raise ValueError(f"steps = {steps}: нужен хотя бы один шаг.")
        liar.append(seed)
        read = batch * steps * ROW_TOKENS / tokens
        gain = effect
        if flaw == "only_at_budget" and not 0.75 < read < 1.33:
            gain = -effect
        if flaw == "first_seed_lies":
            return 60.0 + (batch == first) * 2 * effect * (1 if seed == liar[0] else -1)
        quality = 60 + 4 * math.log2(read) + gain * (batch == first)
        noise = (random.Random(f"{secret} {key}").gauss(0, 0.5) for key in (seed, (seed, batch)))
        return quality + sum(noise)

    return train


FACTORIES: dict[str, Callable[..., Any]] = {
    "replacer": replacer,
    "toy_model": toy_model,
    "recipe_lab": recipe_lab,
    "laboratory": laboratory,
}
