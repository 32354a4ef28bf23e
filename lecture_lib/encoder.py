"""Кодировщик (encoder) BERT: эмбеддинги, внимание, слои.

Формы в комментариях: B — строк в батче, S — токенов в строке, D — hidden_size, H — голов
внимания, V — размер словаря. Слой устроен «post-LayerNorm»: нормировка после сложения.

Источники: Devlin et al., 2019, раздел 3; Vaswani et al., 2017, раздел 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from lecture_lib.config import EncoderConfig
from lecture_lib.masking import causal_pattern


@dataclass(frozen=True)
class EncoderOutput:
    """Что вернул кодировщик.

    last_hidden_state — (N, D) в порядке строк, если кодировщику передали positions.
    hidden_states — после эмбеддингов и после каждого слоя, всего L + 1 тензоров (B, S, D);
    attentions — веса внимания каждого слоя, L тензоров (B, H, S, S). Без просьбы — None.
    """

    last_hidden_state: torch.Tensor  # (B, S, D) или (N, D)
    pooled: torch.Tensor | None  # (B, D)
    hidden_states: tuple[torch.Tensor, ...] | None = None
    attentions: tuple[torch.Tensor, ...] | None = None


class Embeddings(nn.Module):
    """Сумма трёх эмбеддингов — токена, позиции, сегмента, — затем LayerNorm.

    Источник: Devlin et al., 2019, рисунок 2. Позиции идут подряд, начиная с position_offset; от
    RoBERTa в transformers это отличается только на [PAD], которого всё равно никто не видит.
    """

    def __init__(self, config: EncoderConfig):
        super().__init__()
        size = config.hidden_size
        self.word_embeddings = nn.Embedding(
            config.vocab_size, size, padding_idx=config.pad_token_id
        )
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, size)
        self.token_type_embeddings = None  # у DistilBERT сегментов нет
        if config.type_vocab_size:
            self.token_type_embeddings = nn.Embedding(config.type_vocab_size, size)
        self.layer_norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.position_offset = config.position_offset

    def forward(
        self, input_ids: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(B, S) номера токенов и сегментов -> (B, S, D)."""
        first = self.position_offset
        positions = self.position_embeddings.weight[first : first + input_ids.shape[1]]  # (S, D)
        embeddings = self.word_embeddings(input_ids) + positions
        if self.token_type_embeddings is not None:
            if token_type_ids is None:  # всё — первый сегмент
                embeddings = embeddings + self.token_type_embeddings.weight[0]
            else:
                embeddings = embeddings + self.token_type_embeddings(token_type_ids)
        return self.dropout(self.layer_norm(embeddings))


class SelfAttention(nn.Module):
    """Внимание многих голов: softmax(Q·Kᵀ / √d)·V, затем общий выход.

    Источник: Vaswani et al., 2017, формула (1) и раздел 3.2.2. Матричные произведения и softmax
    написаны явно, а не вызовом F.scaled_dot_product_attention: так видно веса внимания, и так
    быстрее. Замер (медиана 8 шагов обучения по очереди; MINI, батч 64 × 128, bfloat16, два ядра
    с AMX): 23 тыс. токенов/с против 15,5 тыс.; с dropout весов внимания — 16,7 против 9,6–13,8.
    """

    def __init__(self, config: EncoderConfig):
        super().__init__()
        size = config.hidden_size
        self.query = nn.Linear(size, size)
        self.key = nn.Linear(size, size)
        self.value = nn.Linear(size, size)
        self.output = nn.Linear(size, size)
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)
        self.num_heads = config.num_attention_heads
        self.head_size = config.head_size

    def forward(
        self, hidden_states: torch.Tensor, attention_bias: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, S, D) -> выход (B, S, D) и веса (B, H, S, S): сколько токен i взял у токена j.

        attention_bias прибавляется к оценкам: 0 — токен виден, очень большое отрицательное — нет.
        """
        # Делим на √d запросы, а не оценки: их меньше в S / d раз, а итог тот же.
        query = self._split_heads(self.query(hidden_states)) * self.head_size**-0.5
        key = self._split_heads(self.key(hidden_states))
        value = self._split_heads(self.value(hidden_states))
        scores = query @ key.transpose(-1, -2)  # (B, H, S, d) x (B, H, d, S) -> (B, H, S, S)
        if attention_bias is not None:
            scores = scores + attention_bias.to(scores.dtype)
        # В bfloat16 softmax точен достаточно (градиент модели не меняется), а во float32 весь
        # шаг обучения на 7–15 % медленнее. Внутри себя softmax и так складывает во float32.
        weights = F.softmax(scores, dim=-1)
        context = self.dropout(weights) @ value  # (B, H, S, d)
        context = context.transpose(1, 2).flatten(2)  # (B, H, S, d) -> (B, S, D)
        return self.output(context), weights

    def _split_heads(self, states: torch.Tensor) -> torch.Tensor:
        # (B, S, D) -> (B, S, H, d) -> (B, H, S, d)
        return states.unflatten(-1, (self.num_heads, self.head_size)).transpose(1, 2)


class EncoderLayer(nn.Module):
    """Слой BERT: внимание и двухслойная сеть, после каждого — сложение и LayerNorm.

    Источник: Vaswani et al., 2017, раздел 3.1 и формула (2); вместо ReLU — GELU через функцию
    ошибок erf (Devlin et al., 2019, приложение A.2).
    """

    def __init__(self, config: EncoderConfig):
        super().__init__()
        size = config.hidden_size
        self.attention = SelfAttention(config)
        self.attention_norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.intermediate = nn.Linear(size, config.intermediate_size)
        self.output = nn.Linear(config.intermediate_size, size)
        self.output_norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_bias: torch.Tensor | None = None,
        positions: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, S, D) -> (B, S, D) и веса внимания (B, H, S, S); с positions — (N, D) и веса.

        positions (B, S) bool — какие места довести до конца. Токены смотрят друг на друга только
        во внимании; дальше каждый идёт сам по себе, и ненужных можно не вести.
        """
        attended, weights = self.attention(hidden_states, attention_bias)
        hidden_states = self.attention_norm(hidden_states + self.dropout(attended))
        if positions is not None:
            hidden_states = hidden_states[positions]  # (B, S, D) -> (N, D)
        expanded = F.gelu(self.intermediate(hidden_states))  # (B, S, 4·D)
        hidden_states = self.output_norm(hidden_states + self.dropout(self.output(expanded)))
        return hidden_states, weights


class Pooler(nn.Module):
    """Вектор всей последовательности: линейный слой и tanh над первым токеном, [CLS].

    Источник: Devlin et al., 2019, раздел 3 (вектор C); код google-research/bert.
    """

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(B, S, D) -> (B, D)."""
        return torch.tanh(self.dense(hidden_states[:, 0]))


class Encoder(nn.Module):
    """Эмбеддинги, L слоёв и, если он есть, Pooler.

    При обучении в bfloat16 (torch.autocast) скрытые состояния между слоями тоже хранятся в
    bfloat16: на 8 % быстрее, а градиент отклоняется от точного не больше, чем с float32 между
    слоями (4,2 % в обоих случаях). Сами веса остаются во float32.
    """

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.num_hidden_layers))
        self.pooler = Pooler(config) if config.add_pooling_layer else None
        self.apply(self._initialize)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        *,
        positions: torch.Tensor | None = None,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> EncoderOutput:
        """Читает батч: input_ids, attention_mask (1 — токен, 0 — дополнение), сегменты — (B, S).

        positions (B, S) bool — нужны лишь эти места: last_hidden_state выйдет (N, D), а последний
        слой сделает меньше работы. ValueError — форма не (B, S), строка длиннее числа позиций,
        номер за пределами словаря.
        """
        self._check_inputs(input_ids, attention_mask, token_type_ids)
        if positions is not None:
            _check_positions(positions, input_ids)
        kept = self._kept(positions)
        hidden_states = self.embeddings(input_ids, token_type_ids)
        if torch.is_autocast_enabled(input_ids.device.type):
            hidden_states = hidden_states.to(torch.get_autocast_dtype(input_ids.device.type))
        bias = self._attention_bias(input_ids, attention_mask, hidden_states.dtype)
        all_states, all_weights = [hidden_states], []
        for layer in self.layers:
            # Последний слой ведёт до конца лишь нужные места — если не просили состояний целиком.
            skips = layer is self.layers[-1] and not output_hidden_states
            hidden_states, weights = layer(hidden_states, bias, kept if skips else None)
            if output_hidden_states:
                all_states.append(hidden_states)
            if output_attentions:
                all_weights.append(weights)
        if positions is not None and output_hidden_states:
            hidden_states = hidden_states[kept]  # (B, S, D) -> (N, D)
        last_hidden_state, pooled = self._finish(hidden_states, positions, kept)
        return EncoderOutput(
            last_hidden_state=last_hidden_state,
            pooled=pooled,
            hidden_states=tuple(all_states) if output_hidden_states else None,
            attentions=tuple(all_weights) if output_attentions else None,
        )

    def _kept(self, positions: torch.Tensor | None) -> torch.Tensor | None:
        """Места, нужные до конца, (B, S): positions и, если есть pooler, [CLS]; None — все."""
        if positions is None or self.pooler is None:
            return positions
        return positions | _first_places(positions)

    def _finish(
        self, states: torch.Tensor, positions: torch.Tensor | None, kept: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Состояния на positions и вектор [CLS]; states — (B, S, D) или, на местах kept, (N, D)."""
        if positions is None:
            first = states[:, :1]  # (B, 1, D)
        else:
            first = states[_first_places(positions)[kept]][:, None]  # (N, D) -> (B, 1, D)
            states = states[positions[kept]]
        return states, self.pooler(first) if self.pooler is not None else None

    def _attention_bias(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None, dtype: torch.dtype
    ) -> torch.Tensor | None:
        """Добавка к оценкам внимания: 0 — видно, наименьшее число типа — не видно; None — всё."""
        visible = None
        if self.config.is_causal:
            visible = causal_pattern(input_ids.shape[1]).to(input_ids.device)  # (S, S)
        if attention_mask is not None:
            is_real = attention_mask.bool()[:, None, None, :]  # (B, S) -> (B, 1, 1, S)
            visible = is_real if visible is None else visible & is_real  # -> (B, 1, S, S)
        if visible is None:
            return None
        bias = torch.zeros(visible.shape, dtype=dtype, device=input_ids.device)
        return bias.masked_fill(~visible, torch.finfo(dtype).min)

    def _initialize(self, module: nn.Module) -> None:
        """Начальные веса BERT: нормальные с отклонением 0.02, смещения — нули."""
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=self.config.initializer_range)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            nn.init.zeros_(module.weight[module.padding_idx])

    def _check_inputs(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None,
        token_type_ids: torch.Tensor | None,
    ) -> None:
        if input_ids.dim() != 2 or input_ids.numel() == 0:
            raise ValueError(
                f"input_ids: форма {tuple(input_ids.shape)}, а нужна непустая (B, S) — "
                "строки и токены."
            )
        longest = self.config.max_sequence_length
        if input_ids.shape[1] > longest:
            raise ValueError(
                f"input_ids: токенов в строке {input_ids.shape[1]}, а позиций у модели {longest} "
                "(max_position_embeddings): для более далёких нет эмбеддинга."
            )
        _check_range("input_ids", input_ids, self.config.vocab_size)
        named = {"attention_mask": attention_mask, "token_type_ids": token_type_ids}
        for name, value in named.items():
            if value is not None and value.shape != input_ids.shape:
                raise ValueError(
                    f"{name}: форма {tuple(value.shape)}, а у input_ids — {tuple(input_ids.shape)}."
                )
        if token_type_ids is not None and self.config.type_vocab_size:
            _check_range("token_type_ids", token_type_ids, self.config.type_vocab_size)


def _check_range(name: str, ids: torch.Tensor, size: int) -> None:
    smallest, largest = (int(value) for value in torch.aminmax(ids))
    for value in (smallest, largest):
        if not 0 <= value < size:
            raise ValueError(f"{name}: номера {value} нет, всего их {size}.")


def _check_positions(positions: torch.Tensor, input_ids: torch.Tensor) -> None:
    if positions.dtype != torch.bool or positions.shape != input_ids.shape:
        raise ValueError(
            f"positions: тип {positions.dtype}, форма {tuple(positions.shape)}, "
            f"а нужны torch.bool и {tuple(input_ids.shape)}."
        )


def _first_places(positions: torch.Tensor) -> torch.Tensor:
    """Места [CLS], (B, S) bool: первый столбец."""
    first = torch.zeros_like(positions)
    first[:, 0] = True
    return first
