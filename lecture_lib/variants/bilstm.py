"""BiLSTM + ELMo: две языковые модели на LSTM, обученные врозь, и читатель над их состояниями.

Одна модель читает слева направо, другая — справа налево, и друг о друге они не знают: слово
видно с двух сторон, но не сразу с обеих — представления лишь поставлены рядом. Языковые модели
заморожены; задача учит веса слоёв, две BiLSTM и внимание между текстами пары.

Источники: Peters et al., 2018 (ELMo), разделы 3.1–3.3; Wang et al., 2018 (GLUE), раздел 4.1.
Отступления от ELMo: слово — это подслова, а не свёртка по буквам; эмбеддинги и выход в словарь у
направлений свои (так их рисует и статья о BERT, рисунок 3). От GLUE: пара читается одной строкой.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import nn

from lecture_lib.config import check_positive, check_probability, check_whole
from lecture_lib.encoder import EncoderOutput
from lecture_lib.heads import PretrainingOutput, run_lstm


@dataclass(frozen=True)
class LSTMConfig:
    """Размеры языковой модели на LSTM."""

    vocab_size: int = 8000  # V — сколько токенов в словаре
    hidden_size: int = 128  # D — длина вектора токена и состояния одного направления
    num_hidden_layers: int = 2  # слоёв LSTM, у ELMo — 2
    max_sequence_length: int = 128  # длиннее не читаем: как у трансформера рядом
    hidden_dropout_prob: float = 0.0  # dropout перед ответом задачи
    initializer_range: float = 0.04  # стандартное отклонение начальных эмбеддингов и выхода
    pad_token_id: int = 0  # номер [PAD]

    def __post_init__(self) -> None:
        for name in ("vocab_size", "hidden_size", "num_hidden_layers", "max_sequence_length"):
            check_whole(name, getattr(self, name), at_least=1)
        check_whole("pad_token_id", self.pad_token_id, at_least=0)
        check_probability("hidden_dropout_prob", self.hidden_dropout_prob)
        check_positive("initializer_range", self.initializer_range)


class LanguageLSTM(nn.Module):
    """Языковая модель: читает строку слева направо, логиты места i — о токене i + 1.

    Модель другого направления — точно такая же: ей дают строку задом наперёд (reverse_rows).
    Второй слой складывается со своим входом (residual), как у ELMo; выход в словарь — таблица
    эмбеддингов.
    """

    def __init__(self, config: LSTMConfig):
        super().__init__()
        self.config, size = config, config.hidden_size
        self.word_embeddings = nn.Embedding(
            config.vocab_size, size, padding_idx=config.pad_token_id
        )
        self.layers = nn.ModuleList(
            nn.LSTM(size, size, batch_first=True) for _ in range(config.num_hidden_layers)
        )
        self.decoder = nn.Linear(size, config.vocab_size)
        nn.init.normal_(self.word_embeddings.weight, std=config.initializer_range)
        nn.init.zeros_(self.word_embeddings.weight[config.pad_token_id])
        nn.init.zeros_(self.decoder.bias)
        self.decoder.weight = self.word_embeddings.weight

    def read(self, input_ids: torch.Tensor) -> list[torch.Tensor]:
        """(B, S) -> эмбеддинги и состояния каждого слоя, L + 1 тензоров (B, S, D)."""
        states = [self.word_embeddings(input_ids)]
        for number, layer in enumerate(self.layers):
            output, _ = layer(states[-1])
            states.append(output if number == 0 else output + states[-1])
        return states

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        *,
        positions: torch.Tensor | None = None,
    ) -> PretrainingOutput:
        """Логиты следующего токена: (B, S, V) или, если переданы positions, (N, V).

        Дополнение стоит справа, до него чтение не доходит, поэтому маска не нужна.
        """
        states = self.read(input_ids)[-1]
        if positions is not None:
            states = states[positions]  # (B, S, D) -> (N, D)
        return PretrainingOutput(self.decoder(states), None, states)


def reverse_rows(rows: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """Настоящие токены каждой строки — задом наперёд, дополнение — на месте; (B, S, …)."""
    lengths = attention_mask.sum(dim=1, keepdim=True)  # (B, 1)
    places = torch.arange(rows.shape[1], device=rows.device)
    order = torch.where(places < lengths, lengths - 1 - places, places)  # (B, S)
    return rows[torch.arange(len(rows), device=rows.device)[:, None], order]


class ELMo(nn.Module):
    """Представление токена: состояния двух моделей рядом, слои сложены с весами задачи.

    γ · Σ softmax(s)_j · [вперёд_j; назад_j] — Peters et al., 2018, формула (1). Учатся только γ
    (scale) и s (layer_weights). ValueError — модели разного размера.
    """

    def __init__(self, forwards: LanguageLSTM, backwards: LanguageLSTM):
        super().__init__()
        if forwards.config != backwards.config:
            raise ValueError(
                f"forwards, backwards: настройки разные — {forwards.config} и {backwards.config}."
            )
        self.config = forwards.config
        self.forwards = forwards.requires_grad_(False)
        self.backwards = backwards.requires_grad_(False)
        self.layer_weights = nn.Parameter(torch.zeros(self.config.num_hidden_layers + 1))
        self.scale = nn.Parameter(torch.ones(1))

    def layers(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """(B, S) -> состояния обоих направлений рядом, (L + 1, B, S, 2·D)."""
        with torch.no_grad():
            ahead = self.forwards.read(input_ids)
            behind = self.backwards.read(reverse_rows(input_ids, attention_mask))
        behind = [reverse_rows(states, attention_mask) for states in behind]
        return torch.stack([torch.cat(pair, -1) for pair in zip(ahead, behind, strict=True)])

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """(B, S) -> (B, S, 2·D)."""
        layers = self.layers(input_ids, attention_mask)
        weights = self.layer_weights.softmax(0).to(layers.dtype)
        return self.scale * torch.einsum("l,lbsd->bsd", weights, layers)


class BiLSTMEncoder(nn.Module):
    """Читатель над ELMo под теми же головами, что и BERT: BiLSTM, внимание к соседу, BiLSTM.

    Внимание — к другому тексту пары (look_across). Вектор текста — наибольшее по его токенам, пары
    [u; v; |u − v|; u · v] (Wang et al., 2018). Один текст — то же, только v — нули.
    """

    def __init__(self, elmo: ELMo):
        super().__init__()
        half, size = elmo.config.hidden_size, 2 * elmo.config.hidden_size
        self.elmo = elmo
        self.config = replace(elmo.config, hidden_size=size)
        self.lstm = nn.LSTM(size, half, bidirectional=True, batch_first=True)
        self.second_lstm = nn.LSTM(2 * size, half, bidirectional=True, batch_first=True)
        self.pooler = nn.Sequential(nn.Linear(4 * size, size), nn.Tanh())

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
    ) -> EncoderOutput:
        """input_ids, attention_mask, token_type_ids (B, S) -> состояния (B, S, 2·D) и вектор."""
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        if token_type_ids is None:
            token_type_ids = torch.zeros_like(input_ids)
        states = run_lstm(self.lstm, self.elmo(input_ids, attention_mask), attention_mask)
        found = look_across(states, attention_mask, token_type_ids)
        states = run_lstm(self.second_lstm, torch.cat([states, found], -1), attention_mask)
        real = attention_mask.bool()
        u, v = (largest(states, real & (token_type_ids == text)) for text in (0, 1))
        pooled = self.pooler(torch.cat([u, v, (u - v).abs(), u * v], -1))
        return EncoderOutput(last_hidden_state=states, pooled=pooled)


def look_across(
    states: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
) -> torch.Tensor:
    """Внимание к другому тексту пары, (B, S, D) -> (B, S, D); другого текста нет — нули."""
    real = attention_mask.bool()[:, None, :]
    other = token_type_ids[:, :, None] != token_type_ids[:, None, :]
    visible = real & other  # (B, S, S): строка — кто смотрит, столбец — на кого
    scores = states @ states.transpose(1, 2) * states.shape[-1] ** -0.5
    weights = scores.masked_fill(~visible, torch.finfo(scores.dtype).min).softmax(-1)
    return weights.masked_fill(~visible, 0.0) @ states


def largest(states: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Наибольшее по выбранным токенам, (B, S, D) и (B, S) -> (B, D); выбранных нет — нули."""
    lowest = torch.finfo(states.dtype).min
    best = states.masked_fill(~chosen[..., None], lowest).amax(dim=1)
    return best.masked_fill(~chosen.any(dim=1, keepdim=True), 0.0)
