"""Поиск первого расхождения: с какого тензора две модели считают разное.

Если две реализации BERT дают разные логиты, смотреть на логиты бесполезно: ошибка могла быть в
первом слое. Здесь тензоры сравниваются в том порядке, в каком модель их вычисляет, — эмбеддинги,
веса внимания и состояние каждого слоя, слой над [CLS], логиты — и называется первый, который
разошёлся. Сравнивать можно нашу модель с нашей или с моделью из transformers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from lecture_lib.encoder import Encoder
from lecture_lib.heads import PretrainingModel

# В долях наибольшего числа тензора: float32 хранит семь знаков, а не столько-то после запятой.
# Столько набегает от порядка сложения; ошибка в коде даёт на порядки больше.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Comparison:
    """Сравнение одного тензора двух моделей.

    layer — номер слоя с 1 (в коде — layers[layer - 1]), 0 — эмбеддинги, None — слои позади.
    index — где разница наибольшая: для состояний (строка, позиция, координата), для внимания
    (строка, голова, запрос, ключ), для логитов (строка, позиция, токен) или (строка, класс).
    scale — наибольшее по модулю число тензора, но не меньше единицы.
    """

    name: str
    layer: int | None
    difference: float
    index: tuple[int, ...]
    left: float
    right: float
    scale: float = 1.0

    @property
    def relative(self) -> float:
        """Разница в долях scale: логиты до двадцати округляются грубее, чем доли внимания."""
        return self.difference / self.scale

    def __str__(self) -> str:
        place = ", ".join(map(str, self.index))
        return (
            f"{self.name}: наибольшая разница {self.difference:.3g} на месте ({place}): "
            f"{self.left:.6g} и {self.right:.6g}"
        )


def compare_models(
    left: torch.nn.Module, right: torch.nn.Module, batch: Mapping[str, torch.Tensor]
) -> list[Comparison]:
    """Сравнивает все тензоры, которые есть у обеих моделей, в порядке вычисления.

    batch — input_ids и, если нужны, attention_mask и token_type_ids, все (B, S). Места, где
    стоит [PAD], не сравниваются. Модели считают в режиме eval и возвращаются в прежний.
    ValueError — формы не совпали: модели разного размера сравнивать не с чем.
    """
    left_trace, right_trace = trace_model(left, batch), trace_model(right, batch)
    is_real = batch.get("attention_mask", torch.ones_like(batch["input_ids"])).bool()
    return [
        _compare(name, left_trace[name], right_trace[name], is_real)
        for name in left_trace
        if name in right_trace
    ]


def first_divergence(
    left: torch.nn.Module,
    right: torch.nn.Module,
    batch: Mapping[str, torch.Tensor],
    tolerance: float = TOLERANCE,
) -> Comparison | None:
    """Первый тензор, чья разница (relative) больше tolerance; None, если модели согласны."""
    for comparison in compare_models(left, right, batch):
        if not comparison.relative <= tolerance:  # так NaN — тоже расхождение
            return comparison
    return None


def describe_divergence(divergence: Comparison | None) -> str:
    """Итог поиска одной фразой."""
    if divergence is None:
        return "Расхождений нет: все тензоры совпали."
    return f"Первое расхождение — {divergence}."


@torch.no_grad()
def trace_model(
    model: torch.nn.Module, batch: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Все промежуточные тензоры модели по именам, в порядке вычисления."""
    with _evaluating(model):
        if isinstance(model, Encoder | PretrainingModel):
            return dict(_trace_ours(model, batch))
        return dict(_trace_hugging_face(model, batch))


def _trace_ours(
    model: Encoder | PretrainingModel, batch: Mapping[str, torch.Tensor]
) -> Iterator[tuple[str, torch.Tensor]]:
    output = model(**batch, output_hidden_states=True, output_attentions=True)
    yield from _layer_tensors(output.hidden_states, output.attentions)
    if output.pooled is not None:
        yield "вектор [CLS] (pooler)", output.pooled
    if isinstance(model, PretrainingModel):
        yield "логиты MLM", output.mlm_logits
        if output.nsp_logits is not None:
            yield "логиты NSP", output.nsp_logits


def _trace_hugging_face(
    model: torch.nn.Module, batch: Mapping[str, torch.Tensor]
) -> Iterator[tuple[str, torch.Tensor]]:
    with _eager_attention(model):  # другие реализации внимания весов не отдают
        output = model(**batch, output_hidden_states=True, output_attentions=True)
    yield from _layer_tensors(output.hidden_states, output.attentions)
    pooler = getattr(getattr(model, model.base_model_prefix, model), "pooler", None)
    if pooler is not None:
        yield "вектор [CLS] (pooler)", pooler(output.hidden_states[-1])
    logits = output.get("prediction_logits", output.get("logits"))
    if logits is not None:
        yield "логиты MLM", logits
    if output.get("seq_relationship_logits") is not None:
        yield "логиты NSP", output["seq_relationship_logits"]


def _layer_tensors(
    hidden_states: tuple[torch.Tensor, ...], attentions: tuple[torch.Tensor, ...]
) -> Iterator[tuple[str, torch.Tensor]]:
    """Внутри слоя веса внимания вычисляются раньше его выхода — в этом порядке и идут."""
    yield "эмбеддинги", hidden_states[0]
    for number, (weights, states) in enumerate(zip(attentions, hidden_states[1:], strict=True), 1):
        yield f"слой {number}: веса внимания", weights
        yield f"слой {number}: скрытые состояния", states


def _compare(
    name: str, left: torch.Tensor, right: torch.Tensor, is_real: torch.Tensor
) -> Comparison:
    if left.shape != right.shape:
        raise ValueError(
            f"{name}: формы {tuple(left.shape)} и {tuple(right.shape)} — модели разного размера."
        )
    difference = (left.float() - right.float()).abs()
    if difference.dim() == 4:  # внимание (B, H, S, S): не смотрим, куда смотрит [PAD]
        difference = difference.masked_fill(~is_real[:, None, :, None], 0.0)
    elif difference.dim() == 3:  # состояния и логиты (B, S, …)
        difference = difference.masked_fill(~is_real[:, :, None], 0.0)
    worst = difference.nan_to_num(torch.inf, torch.inf).argmax()
    index = tuple(int(i) for i in torch.unravel_index(worst, difference.shape))
    return Comparison(
        name=name,
        layer=_layer_number(name),
        difference=difference[index].item(),
        index=index,
        left=left[index].item(),
        right=right[index].item(),
        scale=max(1.0, left.abs().max().item()),
    )


def _layer_number(name: str) -> int | None:
    if name == "эмбеддинги":
        return 0
    return int(name.split(":")[0].removeprefix("слой ")) if name.startswith("слой ") else None


@contextmanager
def _evaluating(model: torch.nn.Module) -> Iterator[None]:
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


@contextmanager
def _eager_attention(model: torch.nn.Module) -> Iterator[None]:
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(before)
