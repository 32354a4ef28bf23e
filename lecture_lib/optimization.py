"""Оптимизатор: группы параметров, AdamW, расписание, накопление градиента, точность.

Источники: Devlin et al., 2019, приложение A.2; Loshchilov, Hutter, 2019 (AdamW).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from lecture_lib.config import TrainingConfig


def optimizer_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Делит параметры на две группы: матрицы — с weight_decay, векторы — без.

    Векторы — это смещения (bias) и масштабы LayerNorm. Притягивать их к нулю незачем:
    они не переучиваются, а масштаб LayerNorm должен быть около единицы.
    Источник: код BERT, optimization.py.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]


def make_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    """AdamW, по возможности «слитый» (fused): он обновляет все тензоры за один проход."""
    groups = optimizer_groups(model, config.weight_decay)
    settings = {"lr": config.learning_rate, "betas": config.adam_betas, "eps": config.adam_eps}
    try:
        return torch.optim.AdamW(groups, fused=True, **settings)
    except RuntimeError:
        return torch.optim.AdamW(groups, **settings)


def learning_rate_at(step: int, config: TrainingConfig) -> float:
    """Скорость обучения на шаге step (с нуля): линейный разогрев (warm-up), потом линейный спад.

    Devlin et al. 2019, приложение A.2. Первый и последний шаги не пропадают зря:
    скорость на них мала, но не равна нулю.
    """
    warmup = round(config.warmup_share * config.total_steps)
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    return config.learning_rate * (config.total_steps - step) / (config.total_steps - warmup)


def resolve_precision(precision: str) -> str:
    """«auto» -> «bf16», если процессор умеет умножать матрицы в bfloat16 (AMX, AVX512-BF16)."""
    if precision != "auto":
        return precision
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    fast = capabilities.get("amx_bf16") or capabilities.get("avx512_bf16")
    return "bf16" if fast else "fp32"


def average_gradients(model: nn.Module, weight: float) -> None:
    """Делит накопленный градиент на сумму весов частей шага.

    Выходит среднее по всем вопросам шага, а не среднее средних: вопросов в частях не поровну.
    """
    if weight not in (0, 1):
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad.div_(weight)


def average_metrics(
    parts: Sequence[dict[str, float]], weights: Sequence[float]
) -> dict[str, float]:
    """Числа шага из чисел его частей: «tokens» складываются, прочее — среднее с весами частей."""
    if len(parts) == 1:
        return parts[0]
    averaged = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        # Не всякая величина есть в каждой части: среднее — по тем, где она была.
        known = [(p[name], w) for p, w in zip(parts, weights, strict=True) if name in p]
        total = sum(weight for _, weight in known)
        averaged[name] = sum(value * weight for value, weight in known) / (total or 1)
    if "tokens" in averaged:
        averaged["tokens"] = sum(part.get("tokens", 0) for part in parts)
    return averaged
