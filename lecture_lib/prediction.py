"""Предсказание: заполнение масок словами, оценка предложений, порождение.

Двусторонняя модель (MLM) заполняет маску где угодно; причинная (causal) видит только левую
часть и продолжает текст. Функции говорят, если модель не того рода.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lecture_lib.word_search import (
    BEAM,
    LONGEST_WORD,
    Slot,
    WordSearch,
    continue_words,
    inference,
    log_probabilities,
    pieces_of,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class Candidate:
    """Кандидат на место маски: слово (или подслово) и его вероятность."""

    token: str
    probability: float


@dataclass(frozen=True)
class SentenceScore:
    """Логарифмы вероятностей токенов предложения (натуральные)."""

    tokens: list[str]
    log_probabilities: list[float]

    @property
    def total(self) -> float:
        return math.fsum(self.log_probabilities)

    @property
    def perplexity(self) -> float:
        """exp(−total / число токенов): у MLM — псевдоперплексия."""
        return math.exp(-self.total / len(self.tokens))


@dataclass(frozen=True)
class FillingStep:
    """Шаг заполнения по одной маске: какая по счёту заполнена, чем и что получилось."""

    mask: int
    chosen: Candidate
    text: str


def fill_mask(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    text: str,
    top_k: int = 5,
    whole_words: bool = True,
) -> list[list[Candidate]]:
    """Заполняет каждую маску текста: по top_k кандидатов, вероятнейшие первыми.

    Маска, стоящая отдельно, — это целое слово. Слово w из k подслов (k = 1, 2, 3) оценивается
    так: маску заменяют k масками и заполняют слева направо,

        P(w) = P(k) · p(w₁) · p(w₂ | w₁) · p(w₃ | w₁ w₂) / Z,

    где P(k) — доля слов из k подслов в корпусе токенизатора, а Z = Σₖ P(k)·Aₖ, где Aₖ —
    вероятность, которую модель отдала всем началам слов на месте w₁. Кандидатами бывают только
    буквы и цифры; Z снимает долю знаков и спецтокенов, и сумма по словам не больше 1. Подслово,
    которое в корпусе токенизатора лишь начинало слова («убира»), при k = 1 не слово.
    Слово, найденное с разными k, учтено один раз, с суммой вероятностей.

    Маска внутри слова («по[MASK]ли») — одно подслово; продолжающее пишется с «##».
    whole_words=False — просто токены по softmax, как в pipeline("fill-mask").
    Слово, набранное через «е» («подошел»), читается через «ё», если словарь знает только такое.
    Масок несколько — каждая заполняется, пока остальные закрыты. Из текста длиннее модели
    берётся окно вокруг масок. ValueError — пустой текст, нет масок, маски не помещаются в окно.
    """
    _require_kind(model, tokenizer, causal=False, instead="causal_candidates")
    if top_k < 1:
        raise ValueError(f"top_k={top_k}: нужен хотя бы один кандидат")
    ids, slots = _read_masks(tokenizer, text, model.config.max_sequence_length)
    if not whole_words:
        places = [slot.place for slot in slots]
        rows = log_probabilities(model, tokenizer.pad_token_id, [ids] * len(slots), places)
        names = pieces_of(tokenizer).names
        # Словарь модели бывает больше словаря токенизатора: лишние номера ничего не значат.
        found = [dict(zip(names, row.exp().tolist(), strict=False)) for row in rows]
        return [_top(tokens, top_k) for tokens in found]
    search = WordSearch(model, tokenizer, ids, slots, beam=max(BEAM, top_k))
    return [_top(words, top_k) for words in search.run()]


def fill_one_by_one(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    text: str,
    order: str = "left_to_right",
    generator: torch.Generator | None = None,
    top_k: int = 5,
) -> list[FillingStep]:
    """Заполняет маски по очереди; каждая следующая видит уже вписанные слова.

    order — «left_to_right» (слева направо) или «confident» (сначала та маска, в которой модель
    увереннее). Берётся первый кандидат, а с generator — случайный из top_k по вероятностям.
    """
    if order not in ("left_to_right", "confident"):
        raise ValueError(f"order={order!r}: бывает «left_to_right» или «confident»")
    steps: list[FillingStep] = []
    left = text.count(tokenizer.mask_token) or 1  # если масок нет, об этом скажет fill_mask
    while left:
        filled = fill_mask(model, tokenizer, text, top_k)
        sure = [words[0].probability if words else 0.0 for words in filled]
        mask = sure.index(max(sure)) if order == "confident" else 0
        chosen = _draw(filled[mask], generator)
        start, end = _mask_spans(tokenizer, text)[mask]
        text = text[:start] + chosen.token.removeprefix("##") + text[end:]
        steps.append(FillingStep(mask, chosen, text))
        left -= 1
    return steps


def pseudo_log_likelihood(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, text: str
) -> SentenceScore:
    """Псевдологарифм правдоподобия: Σ log p(токен | все остальные), токены скрыты по одному.

    Источник: Salazar et al. 2020, «Masked Language Model Scoring», формула (1). Это не
    вероятность предложения: по всем предложениям такие оценки не складываются в единицу.
    ValueError — текст пуст, содержит маску или длиннее модели.
    """
    _require_kind(model, tokenizer, causal=False, instead="log_likelihood")
    ids = _read_plain(model, tokenizer, text)
    places = range(1, len(ids) - 1)
    rows = [[*ids[:p], tokenizer.mask_token_id, *ids[p + 1 :]] for p in places]
    scores = log_probabilities(model, tokenizer.pad_token_id, rows, places)
    return _score(tokenizer, scores, ids[1:-1])


def log_likelihood(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, text: str
) -> SentenceScore:
    """Логарифм правдоподобия у причинной модели: Σ log p(токен | токены левее)."""
    _require_kind(model, tokenizer, causal=True, instead="pseudo_log_likelihood")
    ids = _read_plain(model, tokenizer, text)
    with inference(model):
        logits = model(torch.tensor([ids])).mlm_logits[0].float()
    return _score(tokenizer, logits[:-2].log_softmax(-1), ids[1:-1])


def next_token_distribution(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, text: str
) -> Tensor:
    """Вероятности следующего токена после текста у причинной модели: (V,), сумма 1."""
    _require_kind(model, tokenizer, causal=True, instead="fill_mask")
    ids = _left_context(model, tokenizer, text)
    return log_probabilities(model, tokenizer.pad_token_id, [ids], [len(ids) - 1])[0].exp()


def causal_candidates(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    text: str,
    top_k: int = 5,
    ignore_right: bool = False,
) -> list[Candidate]:
    """Слова на место маски, стоящей в конце: причинная модель видит только то, что левее.

    P(w) = Π p(подслово | левее) · p(дальше не «##…»), поделённое на вероятность того, что
    следующим идёт слово, а не знак; сумма по словам не больше 1. После маски допустимы лишь
    знаки препинания. ignore_right=True — отбросить всё, что правее, и предсказать вслепую.
    """
    _require_kind(model, tokenizer, causal=True, instead="fill_mask")
    spans = _mask_spans(tokenizer, text)
    start, end = spans[0]
    if not ignore_right and any(map(str.isalnum, text[end:])):
        raise ValueError(
            f"text={_short(text)!r}: правее маски есть текст, а причинная модель его не видит. "
            "Поставьте маску последней или передайте ignore_right=True."
        )
    ids = _left_context(model, tokenizer, text[:start].rstrip())
    first = pieces_of(tokenizer).first(text[start - 1 : start])
    return _top(continue_words(model, tokenizer, ids, first, max(BEAM, top_k)), top_k)


def _require_kind(model: nn.Module, tokenizer, causal: bool, instead: str) -> None:
    """ValueError, если модель не того рода или её словарь меньше, чем у токенизатора."""
    if model.config.is_causal and not causal:
        raise ValueError(
            "model: причинная модель не видит текста правее маски, а здесь нужна двусторонняя "
            f"(MLM). Для причинной есть {instead}."
        )
    if causal and not model.config.is_causal:
        raise ValueError(
            "model: двусторонняя модель (MLM) не умеет продолжать текст слева направо, здесь "
            f"нужна причинная. Для двусторонней есть {instead}."
        )
    if len(tokenizer) > model.config.vocab_size:
        raise ValueError(
            f"tokenizer: в нём {len(tokenizer)} токенов, а у модели {model.config.vocab_size}. "
            "Это токенизатор другой модели."
        )


def _mask_spans(tokenizer: PreTrainedTokenizerFast, text: str) -> list[tuple[int, int]]:
    """Где в тексте маски; ValueError, если текст пуст или масок нет."""
    _check_text(text)
    mask = tokenizer.mask_token
    spans = [match.span() for match in re.finditer(re.escape(mask), text)]
    if not spans:
        raise ValueError(
            f"text={_short(text)!r}: здесь нет {mask}. Поставьте {mask} на место слова, которое "
            f"модель должна угадать.{_lookalike(text, mask)}"
        )
    return spans


def _lookalike(text: str, mask: str) -> str:
    """Подсказка, если маска написана почти верно: не теми буквами или с пробелами."""
    found = re.search(r"[\[<]\s*[mм][aа][sс][kк]\s*[\]>]", text, re.IGNORECASE)
    return f" «{found.group()}» — не {mask}: сверьте алфавит, регистр и скобки." if found else ""


def _read_masks(
    tokenizer: PreTrainedTokenizerFast, text: str, longest: int
) -> tuple[list[int], list[Slot]]:
    """Номера токенов (с [CLS] и [SEP]) и места масок в них; длинный текст сужается до окна."""
    spans = _mask_spans(tokenizer, text)
    readable = pieces_of(tokenizer).restore_yo(text)
    content = _token_ids(tokenizer, readable)
    places = [i for i, token in enumerate(content) if token == tokenizer.mask_token_id]
    # Слову из трёх подслов понадобятся ещё два места.
    room = longest - 2 - (LONGEST_WORD - 1)
    if places[-1] - places[0] >= room:
        raise ValueError(
            f"text={_short(text)!r}: от первой маски до последней {places[-1] - places[0] + 1} "
            f"токенов, а модель читает {room} сразу. Разделите текст на части."
        )
    if len(content) > room:
        start = max(0, min((places[0] + places[-1] - room) // 2 + 1, len(content) - room))
        content = content[start : start + room]
        places = [place - start for place in places]
    slots = [
        Slot(place + 1, text[start - 1 : start] if start else "", text[end : end + 1])
        for place, (start, end) in zip(places, spans, strict=True)
    ]
    return [tokenizer.cls_token_id, *content, tokenizer.sep_token_id], slots


def _read_plain(model: nn.Module, tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    """Номера токенов текста без масок, с [CLS] и [SEP]; ValueError, если он не помещается."""
    _check_text(text)
    ids = tokenizer(text).input_ids
    if tokenizer.mask_token_id in ids:
        raise ValueError(
            f"text={_short(text)!r}: оценивается готовое предложение, без {tokenizer.mask_token}"
        )
    if len(ids) > model.config.max_sequence_length:
        raise ValueError(
            f"text={_short(text)!r}: {len(ids)} токенов, а модель читает не больше "
            f"{model.config.max_sequence_length}"
        )
    return ids


def _left_context(model: nn.Module, tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    """[CLS] и последние токены текста — столько, чтобы осталось место для слова."""
    content = _token_ids(tokenizer, text)
    room = model.config.max_sequence_length - 1 - LONGEST_WORD
    return [tokenizer.cls_token_id, *content[-room:]]


def _token_ids(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    """Номера токенов без специальных; backend_tokenizer помнил бы чужую просьбу обрезать текст."""
    return tokenizer(text, add_special_tokens=False, verbose=False).input_ids


def _check_text(text: str) -> None:
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"text={text!r}: нужна непустая строка")
    try:
        text.encode()
    except UnicodeEncodeError as error:  # так Python хранит байты, которые не UTF-8
        raise ValueError(f"text={_short(text)!r}: это не текст в UTF-8") from error


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "…"


def _top(words: dict[str, float], top_k: int) -> list[Candidate]:
    best = sorted(words.items(), key=lambda item: -item[1])[:top_k]
    return [Candidate(word, probability) for word, probability in best]


def _draw(candidates: Sequence[Candidate], generator: torch.Generator | None) -> Candidate:
    if generator is None:
        return candidates[0]
    weights = torch.tensor([candidate.probability for candidate in candidates])
    return candidates[int(torch.multinomial(weights, 1, generator=generator))]


def _score(tokenizer: PreTrainedTokenizerFast, scores: Tensor, ids: list[int]) -> SentenceScore:
    values = scores[range(len(ids)), ids].tolist()
    return SentenceScore(tokenizer.convert_ids_to_tokens(ids), values)
