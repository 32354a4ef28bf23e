"""Узоры масок (mask patterns): какие токены строки выбрать, чтобы скрыть.

Четыре способа — независимо по токену, словами, отрезками, по счёту — и узор видимости обычной
языковой модели. Каждый выбор возвращает (B, S) bool: True — токен выбран. Специальные токены и
[PAD] не выбираются никогда. Формы: B — строк в батче, S — токенов в строке.

Все функции отвечают ValueError на тензор не той формы или типа, пустой батч и невозможную
вероятность; имя аргумента и значение — в тексте ошибки.
"""

from __future__ import annotations

import torch

from lecture_lib.config import check_probability, check_whole

NO_WORD = -1  # «номер слова» у специального токена

SPAN_PARAMETER = 0.2  # длина отрезка ~ Geo(0.2); Joshi et al., 2020 (SpanBERT), раздел 3.1
LONGEST_SPAN = 10  # отрезки длиннее десяти слов не разыгрываются

NEVER = 2.0  # «шум» запретного места: больше любой вероятности


def choose_positions(
    input_ids: torch.Tensor,
    special_mask: torch.Tensor,
    probability: float,
    generator: torch.Generator,
    at_least_one: bool = False,
) -> torch.Tensor:
    """Выбирает каждый обычный токен независимо, с вероятностью probability.

    input_ids (B, S) int64, special_mask (B, S) bool -> chosen (B, S) bool.

    Отступление от кода BERT: там в строке выбирают ровно round(0.15·n) токенов, но не меньше
    одного. Независимый выбор (так у RoBERTa в transformers) держит долю 15 % при любой длине;
    зато в короткой строке может не оказаться ни одного. at_least_one=True добавляет тогда один
    токен наугад — и на коротких строках доля вырастает.
    """
    check_batch(input_ids, special_mask)
    check_probability("probability", probability)
    return _below(_noise(special_mask, generator), probability, at_least_one)


def choose_whole_words(
    word_ids: torch.Tensor,
    probability: float,
    generator: torch.Generator,
    at_least_one: bool = False,
) -> torch.Tensor:
    """Выбирает слова целиком (whole word masking): все подслова слова или ни одного.

    word_ids (B, S) int64 — номер слова в строке, NO_WORD у специальных (см. `number_words`).
    Источник: примечание в репозитории google-research/bert от 31 мая 2019 года.
    """
    _check_words(word_ids)
    check_probability("probability", probability)
    special_mask = word_ids == NO_WORD
    check_generator(generator)
    noise = torch.rand(word_ids.shape, generator=generator)
    # Один жребий на слово: подслова одного слова смотрят в одну и ту же ячейку шума.
    noise = noise.gather(1, word_ids.clamp(min=0)).masked_fill(special_mask, NEVER)
    return _below(noise, probability, at_least_one)


def choose_spans(
    word_ids: torch.Tensor,
    probability: float,
    generator: torch.Generator,
    at_least_one: bool = False,
) -> torch.Tensor:
    """Выбирает отрезки подряд идущих слов (span masking), пока не наберётся доля probability.

    word_ids (B, S) int64, как у `choose_whole_words`. Длина отрезка в словах ~ Geo(0.2), не больше
    10 (в среднем 3.8); начинается он у случайного ещё не выбранного токена, не переходит через
    [SEP], а последний обрезается по счёту. Источник: Joshi et al., 2020 (SpanBERT), раздел 3.1.
    Отступление: у SpanBERT жребий 80/10/10 один на отрезок, у нас — на токен, как в BERT.
    """
    _check_words(word_ids)
    check_probability("probability", probability)
    special_mask = word_ids == NO_WORD
    segment = special_mask.cumsum(1)
    budget = _draw_budget(special_mask, probability, generator, at_least_one)
    chosen = torch.zeros_like(special_mask)
    # Шаг цикла — по отрезку в каждой строке; хоть один новый токен он добавляет всегда.
    while (left := budget - chosen.sum(1)).any():
        start = _noise(special_mask | chosen, generator).argmin(1, keepdim=True)
        length = draw_span_lengths(len(word_ids), generator)[:, None]
        distance = word_ids - word_ids.gather(1, start)  # в словах от начала отрезка
        in_span = (distance >= 0) & (distance < length) & ~special_mask & ~chosen
        in_span &= segment == segment.gather(1, start)
        chosen |= in_span & (in_span.cumsum(1) <= left[:, None])
    return chosen


def choose_count(
    special_mask: torch.Tensor, count: int, generator: torch.Generator | None = None
) -> torch.Tensor:
    """Выбирает в каждой строке count обычных токенов: с конца или, с generator, где придётся.

    Одна функция ведёт от обычной языковой модели к MLM: count=1 — «скрой последний»,
    count=1 с generator — «скрой один где угодно», count ≥ n — «скрой все». special_mask (B, S)
    bool -> (B, S) bool; в строке короче count выбираются все обычные токены.
    """
    check_mask(special_mask)
    check_whole("count", count, at_least=0)
    if generator is None:  # чем правее токен, тем раньше он в очереди
        order = torch.arange(special_mask.shape[1], 0, -1).expand(special_mask.shape)
        order = order.float().masked_fill(special_mask, torch.inf)
    else:
        order = _noise(special_mask, generator)
    place = order.argsort(1).argsort(1)  # место в очереди: 0 — первый
    return (place < count) & ~special_mask


def number_words(is_continuation: torch.Tensor, special_mask: torch.Tensor) -> torch.Tensor:
    """Нумерует слова: новое начинается там, где подслово не продолжает соседа слева.

    (B, S) bool, (B, S) bool -> (B, S) int64, NO_WORD у специальных. Нумерация сквозная: у слов
    двух фраз одной строки номера разные (у word_ids токенизатора они начинаются заново).
    """
    after_special = special_mask.roll(1, dims=1)
    after_special[:, 0] = True
    starts = ~special_mask & (~is_continuation | after_special)
    return (starts.cumsum(1) - 1).masked_fill(special_mask, NO_WORD)


def causal_pattern(sequence_length: int) -> torch.Tensor:
    """Кто кого видит в обычной языковой модели: (S, S) bool, [i, j] — видит ли токен i токен j.

    Токен видит себя и всё, что левее; у BERT на этом месте сплошное True.
    """
    check_whole("sequence_length", sequence_length, at_least=1)
    return torch.ones(sequence_length, sequence_length, dtype=torch.bool).tril()


def _noise(forbidden: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Равномерный шум [0, 1), на запретных местах — число больше любой вероятности."""
    check_generator(generator)
    return torch.rand(forbidden.shape, generator=generator).masked_fill_(forbidden, NEVER)


def _below(noise: torch.Tensor, probability: float, at_least_one: bool) -> torch.Tensor:
    """Где шум меньше вероятности; at_least_one добавляет самое малое значение строки."""
    chosen = noise < probability
    if at_least_one and probability > 0:
        smallest = noise.min(1, keepdim=True).values
        chosen |= (noise == smallest) & (noise < NEVER)
    return chosen


def _draw_budget(
    special_mask: torch.Tensor,
    probability: float,
    generator: torch.Generator,
    at_least_one: bool,
) -> torch.Tensor:
    """Сколько токенов выбрать в строке: (B,). Округление случайное, чтобы среднее было точным."""
    check_generator(generator)
    ordinary = (~special_mask).sum(1)
    budget = (ordinary * probability + torch.rand(len(special_mask), generator=generator)).long()
    if at_least_one and probability > 0:
        budget = budget.clamp(min=1)
    return torch.minimum(budget, ordinary)


def draw_span_lengths(count: int, generator: torch.Generator) -> torch.Tensor:
    """Длины отрезков: Geo(0.2), ограниченное десятью и заново нормированное; (count,) int64."""
    lengths = torch.arange(1, LONGEST_SPAN + 1)
    weights = SPAN_PARAMETER * (1 - SPAN_PARAMETER) ** (lengths - 1)
    return lengths[torch.multinomial(weights, count, replacement=True, generator=generator)]


def _check_words(word_ids: torch.Tensor) -> None:
    check_matrix("word_ids", word_ids, torch.long)
    smallest, largest = (int(value) for value in torch.aminmax(word_ids))
    if smallest < NO_WORD or largest >= word_ids.shape[1]:
        raise ValueError(
            f"word_ids: номера слов от {smallest} до {largest}, а должны быть от {NO_WORD} "
            f"(специальный токен) до {word_ids.shape[1] - 1} (токенов в строке — "
            f"{word_ids.shape[1]})."
        )


def check_mask(mask: torch.Tensor, name: str = "special_mask") -> None:
    """Проверяет отметки: непустой тензор (B, S) bool."""
    check_matrix(name, mask, torch.bool)


def check_matrix(name: str, value: torch.Tensor, dtype: torch.dtype) -> None:
    """Проверяет, что value — непустой тензор (B, S) нужного типа."""
    if not isinstance(value, torch.Tensor):
        raise ValueError(f"{name} = {value!r}: здесь нужен тензор (B, S).")
    if value.dtype != dtype:
        raise ValueError(f"{name}: тип {value.dtype}, а нужен {dtype}.")
    if value.dim() != 2:
        raise ValueError(f"{name}: форма {tuple(value.shape)}, а нужна (B, S) — строки и токены.")
    if value.numel() == 0:
        raise ValueError(f"{name}: форма {tuple(value.shape)} — батч пуст, маскировать нечего.")


def check_same_shape(name: str, value: torch.Tensor, like: torch.Tensor) -> None:
    """Проверяет, что форма value — как у input_ids."""
    if value.shape != like.shape:
        raise ValueError(
            f"{name}: форма {tuple(value.shape)}, а у input_ids — {tuple(like.shape)}."
        )


def check_batch(input_ids: torch.Tensor, mask: torch.Tensor, name: str = "special_mask") -> None:
    """Проверяет номера и отметки одной формы (B, S)."""
    check_matrix("input_ids", input_ids, torch.long)
    check_mask(mask, name)
    check_same_shape(name, mask, input_ids)


def check_generator(generator: torch.Generator) -> None:
    """Проверяет, что передан источник случайности, а не зерно."""
    if not isinstance(generator, torch.Generator):
        raise ValueError(
            f"generator = {generator!r}: здесь нужен torch.Generator, "
            "например torch.Generator().manual_seed(0)."
        )
