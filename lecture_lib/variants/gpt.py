"""Причинная модель (GPT) как кодировщик прикладных задач.

[CLS] причинной модели стоит первым и видит только себя. Весь текст прочитал лишь последний токен,
[SEP], — его состояние и есть вектор текста, сразу под линейный слой.

Источник: Radford et al., 2018, раздел 3.2, формула (3). Отступления: вспомогательной потери
языковой модели при дообучении нет; пара в задачах о сходстве читается в одном порядке, не в двух.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from lecture_lib.encoder import Encoder, EncoderOutput


class LastToken(nn.Module):
    """Вектор последовательности — состояние её последнего настоящего токена."""

    def forward(
        self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(B, S, D) и (B, S) -> (B, D)."""
        if attention_mask is None:
            return hidden_states[:, -1]
        places = torch.arange(hidden_states.shape[1], device=hidden_states.device)
        last = (attention_mask * places).argmax(dim=1)  # (B,)
        return hidden_states[torch.arange(len(last), device=last.device), last]


class CausalEncoder(nn.Module):
    """Причинный кодировщик под теми же головами, что и BERT: pooled — последний токен.

    Сегментов у GPT нет: где кончилась первая фраза, говорит [SEP]. ValueError — кодировщик не
    причинный.
    """

    def __init__(self, encoder: Encoder):
        super().__init__()
        if not encoder.config.is_causal:
            raise ValueError("encoder: is_causal = False, а здесь нужна причинная модель.")
        self.config, self.encoder = encoder.config, encoder
        self.pooler = LastToken()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        *,
        output_hidden_states: bool = False,
    ) -> EncoderOutput:
        """input_ids, attention_mask (B, S) -> состояния (B, S, D) и вектор (B, D)."""
        encoded = self.encoder(input_ids, attention_mask, output_hidden_states=output_hidden_states)
        return replace(encoded, pooled=self.pooler(encoded.last_hidden_state, attention_mask))
