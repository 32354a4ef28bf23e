"""Головы (heads) над кодировщиком: MLM, NSP и четыре прикладные — пара, текст, отрезок, разметка.

Голова — небольшой слой, который превращает скрытые состояния в ответ задачи. Формы: B — строк,
S — токенов, D — hidden_size, V — словарь, N — предсказываемых мест в батче, C — классов.

Источник: Devlin et al., 2019, раздел 3.1 (MLM, NSP) и рисунок 4 (прикладные задачи).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import nn

from lecture_lib.config import EncoderConfig, check_whole
from lecture_lib.encoder import Encoder, Pooler

__all__ = [
    "TASK_HEADS",
    "FeatureTagger",
    "MLMHead",
    "NSPHead",
    "Pooler",
    "PretrainingModel",
    "PretrainingOutput",
    "SequenceClassifier",
    "SpanExtractor",
    "TaskModel",
    "TokenClassifier",
    "run_lstm",
]


@dataclass(frozen=True)
class PretrainingOutput:
    """Что вернула модель предобучения; hidden_states и attentions — как у кодировщика."""

    mlm_logits: torch.Tensor  # (B, S, V) или (N, V), если переданы positions
    nsp_logits: torch.Tensor | None  # (B, 2), 0 — фразы шли подряд
    last_hidden_state: torch.Tensor  # (B, S, D) или (N, D), если переданы positions
    pooled: torch.Tensor | None = None  # (B, D)
    hidden_states: tuple[torch.Tensor, ...] | None = None
    attentions: tuple[torch.Tensor, ...] | None = None


class MLMHead(nn.Module):
    """Голова MLM: линейный слой, GELU, LayerNorm и выход в словарь.

    Матрица выхода — это таблица эмбеддингов токенов (связывание весов, weight tying): логит
    токена — скалярное произведение его эмбеддинга на вектор места, плюс смещение токена.
    Первый слой и LayerNorm есть в коде google-research/bert, в статье о них не сказано.
    """

    def __init__(self, config: EncoderConfig, word_embeddings: nn.Embedding):
        super().__init__()
        self.transform = nn.Linear(config.hidden_size, config.hidden_size)
        self.layer_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)
        nn.init.normal_(self.transform.weight, std=config.initializer_range)
        nn.init.zeros_(self.transform.bias)
        nn.init.zeros_(self.decoder.bias)
        self.decoder.weight = word_embeddings.weight  # один и тот же параметр, не копия

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(…, D) -> логиты (…, V)."""
        return self.decoder(self.layer_norm(F.gelu(self.transform(hidden_states))))


class NSPHead(nn.Module):
    """Голова NSP: шли ли две фразы подряд. Класс 0 — да, класс 1 — вторая взята наугад."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.classifier = nn.Linear(config.hidden_size, 2)
        nn.init.normal_(self.classifier.weight, std=config.initializer_range)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """(B, D) -> логиты (B, 2)."""
        return self.classifier(pooled)


class PretrainingModel(nn.Module):
    """Кодировщик с головами MLM и, если next_sentence, NSP.

    С config.is_causal это обычная языковая модель: логиты места i отвечают за токен i + 1. Сдвиг
    делает функция потерь (losses.causal_lm_loss), а не модель.
    ValueError — next_sentence=True, а слоя над [CLS] в config нет или модель причинная.
    """

    def __init__(self, config: EncoderConfig, next_sentence: bool = True):
        super().__init__()
        if next_sentence and not config.add_pooling_layer:
            raise ValueError(
                "next_sentence = True при add_pooling_layer = False: задаче NSP нужен слой "
                "над [CLS]."
            )
        if next_sentence and config.is_causal:
            raise ValueError(
                "next_sentence = True при is_causal = True: [CLS] причинной модели видит только "
                "себя и о фразах ничего не знает."
            )
        self.config = config
        self.next_sentence = next_sentence
        self.encoder = Encoder(config)
        self.mlm_head = MLMHead(config, self.encoder.embeddings.word_embeddings)
        self.nsp_head = NSPHead(config) if next_sentence else None

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        *,
        positions: torch.Tensor | None = None,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> PretrainingOutput:
        """Предсказывает токены; input_ids, attention_mask, token_type_ids — (B, S).

        positions (B, S) bool — считать логиты только там, (N, V) в порядке строк; без него —
        везде, (B, S, V). Предсказывать надо 15 % мест, а выход в словарь — дорогая часть модели;
        полносвязная часть последнего слоя остальным местам тоже ни к чему.
        """
        encoded = self.encoder(
            input_ids,
            attention_mask,
            token_type_ids,
            positions=positions,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        return PretrainingOutput(
            mlm_logits=self.mlm_head(encoded.last_hidden_state),
            nsp_logits=self.nsp_head(encoded.pooled) if self.nsp_head is not None else None,
            last_hidden_state=encoded.last_hidden_state,
            pooled=encoded.pooled,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
        )


class TaskModel(nn.Module):
    """Кодировщик с головой прикладной задачи: прочитать признаки, затем dropout и линейный слой.

    Головы различаются тем, какие признаки читают (read), и тем, что значит их ответ (answer):
    "class" — номер класса, "number" — число, "tags" — класс каждого токена, "span" — отрезок.
    """

    answer: str

    def __init__(self, encoder: Encoder, size: int, num_labels: int, dropout: float = 0.0):
        super().__init__()
        self.config, self.encoder = encoder.config, encoder
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(size, num_labels)
        nn.init.normal_(self.classifier.weight, std=encoder.config.initializer_range)
        nn.init.zeros_(self.classifier.bias)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """input_ids, attention_mask, token_type_ids (B, S) -> логиты (B, C) или (B, S, C)."""
        features = self.read(input_ids, attention_mask, token_type_ids)
        return self.classifier(self.dropout(features))

    def read(self, *inputs: torch.Tensor | None) -> torch.Tensor:
        """Признаки: состояние каждого токена, (B, S) -> (B, S, D)."""
        return self.encoder(*inputs).last_hidden_state

    def train(self, mode: bool = True) -> Self:
        """Замороженный кодировщик и при обучении головы остаётся без dropout."""
        super().train(mode)
        if not any(parameter.requires_grad for parameter in self.encoder.parameters()):
            self.encoder.eval()
        return self


class SequenceClassifier(TaskModel):
    """Класс пары текстов или одного текста: линейный слой над вектором [CLS] (Pooler).

    num_labels = 1 — не класс, а число (регрессия), как в STS-B. Источник: Devlin et al., 2019,
    рисунок 4 (a), (b); слои — как у BertForSequenceClassification. У DistilBERT слоя над [CLS]
    нет: его место занимает новый, с ReLU, как в DistilBertForSequenceClassification. ValueError —
    num_labels меньше единицы.
    """

    def __init__(self, encoder: Encoder, num_labels: int):
        check_whole("num_labels", num_labels, at_least=1)
        config, size = encoder.config, encoder.config.hidden_size
        super().__init__(encoder, size, num_labels, config.hidden_dropout_prob)
        self.answer = "number" if num_labels == 1 else "class"
        self.first_token = None
        if encoder.pooler is None:
            self.first_token = nn.Linear(size, size)
            nn.init.normal_(self.first_token.weight, std=config.initializer_range)
            nn.init.zeros_(self.first_token.bias)

    def read(self, *inputs: torch.Tensor | None) -> torch.Tensor:
        """Признаки: вектор всей последовательности, (B, S) -> (B, D)."""
        encoded = self.encoder(*inputs)
        if self.first_token is None:
            return encoded.pooled
        return F.relu(self.first_token(encoded.last_hidden_state[:, 0]))


class TokenClassifier(TaskModel):
    """Разметка последовательности (tagging): линейный слой над каждым токеном, логиты (B, S, C).

    Источник: Devlin et al., 2019, рисунок 4 (d) и раздел 5.3. ValueError — num_labels меньше двух.
    """

    answer = "tags"

    def __init__(self, encoder: Encoder, num_labels: int):
        check_whole("num_labels", num_labels, at_least=2)
        config = encoder.config
        super().__init__(encoder, config.hidden_size, num_labels, config.hidden_dropout_prob)


class SpanExtractor(TaskModel):
    """Отрезок ответа в тексте (span): каждому токену — логит начала и логит конца, (B, S, 2).

    Источник: Devlin et al., 2019, рисунок 4 (c) и раздел 4.2: векторы S и E — две строки
    линейного слоя. Как у BertForQuestionAnswering, есть смещения и нет dropout.
    """

    answer = "span"

    def __init__(self, encoder: Encoder, num_labels: int = 2):
        if num_labels != 2:
            raise ValueError(f"num_labels = {num_labels!r}: у отрезка два логита — начало и конец.")
        super().__init__(encoder, encoder.config.hidden_size, num_labels)


class FeatureTagger(TaskModel):
    """Разметка по готовым признакам (feature-based): кодировщик заморожен, учится BiLSTM.

    Признаки токена — скрытые состояния последних layers слоёв, поставленные в ряд; над ними
    двухслойная двунаправленная LSTM. Источник: Devlin et al., 2019, раздел 5.3; в таблице 8 —
    последние четыре слоя. ValueError — слоёв у кодировщика меньше, чем просят.
    """

    answer = "tags"

    def __init__(self, encoder: Encoder, num_labels: int, layers: int = 4):
        check_whole("num_labels", num_labels, at_least=2)
        config, size = encoder.config, encoder.config.hidden_size
        if not 1 <= layers <= config.num_hidden_layers:
            raise ValueError(f"layers = {layers}: слоёв у кодировщика {config.num_hidden_layers}.")
        super().__init__(encoder.requires_grad_(False), 2 * size, num_labels)
        self.layers = layers
        self.lstm = nn.LSTM(layers * size, size, num_layers=2, bidirectional=True, batch_first=True)

    def read(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Признаки: выход BiLSTM, (B, S) -> (B, S, 2·D)."""
        with torch.no_grad():
            encoded = self.encoder(
                input_ids, attention_mask, token_type_ids, output_hidden_states=True
            )
        features = torch.cat(encoded.hidden_states[-self.layers :], dim=-1)  # (B, S, layers·D)
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        return run_lstm(self.lstm, features, attention_mask)


# Четыре задачи рисунка 4 статьи и их головы: пара и один текст — одна и та же голова.
TASK_HEADS = {
    "pair": SequenceClassifier,
    "single": SequenceClassifier,
    "span": SpanExtractor,
    "tags": TokenClassifier,
}


def run_lstm(lstm: nn.LSTM, features: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """LSTM по настоящим токенам строк: (B, S, D) -> (B, S, выход); на дополнении — нули."""
    packed = nn.utils.rnn.pack_padded_sequence(
        features, attention_mask.sum(dim=1).cpu(), batch_first=True, enforce_sorted=False
    )
    states, _ = nn.utils.rnn.pad_packed_sequence(
        lstm(packed)[0], batch_first=True, total_length=features.shape[1]
    )
    return states
