"""Готовые функции, которые задание даёт студенту: по имени и настройкам (wire.Given).

Функция — вход проверки, как число или тензор: по проводу идёт имя, а собирается она там, где
исполняется код студента.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch


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


FACTORIES: dict[str, Callable[..., Any]] = {"replacer": replacer, "toy_model": toy_model}
