"""Функции потерь (losses) предобучения: MLM, NSP и причинная языковая модель.

Все три — перекрёстная энтропия −log p(верный ответ), усреднённая по тому, что модель
предсказывает. У BERT потери MLM и NSP складываются (Devlin et al., 2019, приложение A.2).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from lecture_lib.masking import IGNORED

# Столько строк логитов (64 × 8000 × 4 байта = 2 МБ) помещается в кэш процессора. Вся таблица
# разом не помещается и ездит в память по нескольку раз: порциями выходит в 2,5 раза быстрее.
ROWS_AT_ONCE = 64


def mlm_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Средняя перекрёстная энтропия по предсказываемым местам.

    logits (B, S, V) и labels (B, S) — или (N, V) и (N,), если модель вернула только выбранные
    места. Места с меткой -100 не участвуют; если других нет, потеря равна нулю (а не NaN).
    ValueError — формы не подходят друг другу или метка за пределами словаря.
    """
    _check_shapes(logits, labels)
    labels = labels.reshape(-1)
    logits = logits.reshape(-1, logits.shape[-1])
    count = int((labels != IGNORED).sum())
    portions = zip(logits.split(ROWS_AT_ONCE), labels.split(ROWS_AT_ONCE), strict=True)
    # .float(): логиты могли прийти в bfloat16, а в нём у суммы тысяч экспонент три верных знака.
    total = sum(
        F.cross_entropy(rows.float(), answers, ignore_index=IGNORED, reduction="sum")
        for rows, answers in portions
    )
    return total / max(count, 1)


def nsp_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Перекрёстная энтропия задачи NSP: logits (B, 2), labels (B,), 0 — фразы шли подряд."""
    _check_shapes(logits, labels)
    if logits.dim() != 2 or logits.shape[1] != 2:
        raise ValueError(f"logits: форма {tuple(logits.shape)}, а у NSP она (B, 2).")
    return F.cross_entropy(logits.float(), labels)


def classification_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Перекрёстная энтропия прикладной задачи: логиты (…, C), метки (…), -100 — без ответа.

    Годится и тексту (B, C), и токенам (B, S, C): это та же mlm_loss, только классов мало.
    """
    return mlm_loss(logits, labels)


def causal_lm_loss(
    logits: torch.Tensor, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Потеря обычной языковой модели: логиты места i отвечают за токен i + 1.

    logits (B, S, V), input_ids (B, S), attention_mask (B, S), 1 — настоящий токен. Первый токен
    никто не предсказывает, дополнение не считается. Это та же mlm_loss — сдвинуты лишь ответы.
    """
    labels = causal_labels(input_ids, attention_mask)
    return mlm_loss(logits, labels)


def causal_labels(
    input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Ответы для причинной модели: в каждом месте — следующий токен, в последнем -100; (B, S)."""
    labels = input_ids.roll(-1, dims=1)
    labels[:, -1] = IGNORED
    if attention_mask is not None:
        next_is_real = attention_mask.roll(-1, dims=1).bool()
        labels = labels.masked_fill(~next_is_real, IGNORED)
    return labels


def _check_shapes(logits: torch.Tensor, labels: torch.Tensor) -> None:
    if logits.shape[:-1] != labels.shape:
        raise ValueError(
            f"labels: форма {tuple(labels.shape)}, а у логитов без последней оси — "
            f"{tuple(logits.shape[:-1])}."
        )
    if labels.numel() == 0:
        return
    wrong = labels[(labels != IGNORED) & ((labels < 0) | (labels >= logits.shape[-1]))]
    if len(wrong):
        raise ValueError(
            f"labels: метка {int(wrong[0])} невозможна, классов {logits.shape[-1]} "
            f"(пропуск обозначается {IGNORED})."
        )
