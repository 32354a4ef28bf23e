"""Динамическое маскирование: наше против DataCollatorForLanguageModeling из transformers.

Обе стороны получают одни и те же закодированные последовательности и делают одно и то же:
дополняют батч до прямоугольника, сами находят специальные токены, выбирают 15 %, разыгрывают
80/10/10 и ставят метки. Что это и правда одно и то же, проверяется до замера: check_same_work.

Последовательности — документы «Городка», обрезанные до 128 токенов, как у предобучения (это
ratio), и предложения по одному (ratio_sentences): чем короче строка, тем меньше выигрыш.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import torch

from benchmarks.report import aligned, decimal, median_ratio, parse_arguments, show, timed_pairs
from lecture_lib.cli.output import percent, thousands
from lecture_lib.config import MaskingConfig
from lecture_lib.corpus import documents
from lecture_lib.masking import IGNORED, MaskingVocabulary, mask_tokens, pad_sequences
from lecture_lib.tokenization import load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SEED = 0
RULE = MaskingConfig()  # 15 % и 80/10/10 — о том же просят и collator
BATCH_SIZE, BATCHES = 64, 20
LONGEST = 128  # токенов в последовательности вместе со специальными
ROUNDS, QUICK_ROUNDS = 101, 15  # круг — все батчи по разу у каждой стороны
CHECKS = 4  # сколько раз пройти батчи, проверяя доли
SIGMAS = 5.0  # отклонение доли больше пяти сигм случайностью не объяснить

Rows = Sequence[Sequence[int]]


class Masked(NamedTuple):
    """Батч после маскирования: номера, отметки настоящих токенов, правильные ответы; (B, S)."""

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    labels: torch.Tensor


Side = Callable[[Rows], Masked]


class Shares(NamedTuple):
    """Доли: выбранных среди обычных токенов, среди выбранных — [MASK], случайных и прежних."""

    chosen: float
    mask: float
    random: float
    keep: float


def our_side(tokenizer: PreTrainedTokenizerFast, config: MaskingConfig = RULE) -> Side:
    """Наше маскирование: сложить последовательности и замаскировать."""
    vocabulary = MaskingVocabulary.from_tokenizer(tokenizer)
    generator = torch.Generator().manual_seed(SEED)

    def mask(rows: Rows) -> Masked:
        input_ids, attention_mask = pad_sequences(rows, tokenizer.pad_token_id)
        masked_ids, labels = mask_tokens(input_ids, None, config, vocabulary, generator)
        return Masked(masked_ids, attention_mask, labels)

    return mask


def collator_side(tokenizer: PreTrainedTokenizerFast) -> Side:
    """То же через transformers.

    Готовый special_tokens_mask его не ускоряет: отметки приходится дополнять вместе с номерами.
    """
    from transformers import DataCollatorForLanguageModeling

    collator = DataCollatorForLanguageModeling(
        tokenizer, mlm_probability=RULE.probability, seed=SEED
    )

    def mask(rows: Rows) -> Masked:
        batch = collator([{"input_ids": row} for row in rows])
        return Masked(batch["input_ids"], batch["attention_mask"], batch["labels"])

    return mask


def encoded(tokenizer: PreTrainedTokenizerFast, kind: str) -> list[Rows]:
    """Батчи закодированных текстов: kind — "sentences" или "documents"."""
    found = documents(seed=SEED, split="train", count=BATCH_SIZE * BATCHES)
    if kind == "sentences":
        texts = (sentence.text for document in found for sentence in document.sentences)
    else:
        texts = (document.text for document in found)
    texts = list(islice(texts, BATCH_SIZE * BATCHES))
    rows = tokenizer(texts, truncation=True, max_length=LONGEST).input_ids
    return [rows[i : i + BATCH_SIZE] for i in range(0, len(rows), BATCH_SIZE)]


def check_same_work(
    batches: Sequence[Rows], side: Side, tokenizer: PreTrainedTokenizerFast
) -> Shares:
    """Проверяет, что сторона делает ровно то, о чём договорились, и возвращает её доли.

    RuntimeError — дополнение, метки или нетронутые токены не те; доли дальше SIGMAS сигм от
    15 % и 80/10/10.
    """
    counts = torch.zeros(4, dtype=torch.long)
    for rows in batches:
        counts += count_outcomes(rows, side(rows), tokenizer)
    ordinary, chosen, mask, random = counts.tolist()
    check_share("выбранных", chosen, ordinary, RULE.probability)
    outcomes = (mask, random, chosen - mask - random)
    names = ("[MASK]", "случайных", "прежних")
    for name, count, rate in zip(names, outcomes, RULE.rates, strict=True):
        check_share(name, count, chosen, rate)
    return Shares(chosen / ordinary, *(count / chosen for count in outcomes))


def count_outcomes(rows: Rows, masked: Masked, tokenizer: PreTrainedTokenizerFast) -> torch.Tensor:
    """Сколько обычных токенов, выбранных, [MASK] и случайных: (4,) int64; RuntimeError — не то."""
    original, attention_mask = pad_sequences(rows, tokenizer.pad_token_id)
    special = torch.isin(original, torch.tensor(tokenizer.all_special_ids))
    chosen = masked.labels != IGNORED
    expect(torch.equal(masked.attention_mask, attention_mask), "дополнение не то")
    expect(torch.equal(masked.labels[chosen], original[chosen]), "метки — не исходные токены")
    expect(torch.equal(masked.input_ids[~chosen], original[~chosen]), "изменён невыбранный токен")
    expect(not (chosen & special).any(), "выбран специальный токен")
    is_mask = chosen & (masked.input_ids == tokenizer.mask_token_id)
    is_random = chosen & ~is_mask & (masked.input_ids != original)
    return torch.stack([m.sum() for m in (~special, chosen, is_mask, is_random)])


def check_share(name: str, count: int, total: int, rate: float) -> None:
    """Доля count/total неотличима от rate; иначе RuntimeError."""
    sigma = math.sqrt(rate * (1 - rate) / total)
    expect(abs(count / total - rate) < SIGMAS * sigma, f"{name} {count / total:.4f}, а не {rate}")


def expect(condition: bool, problem: str) -> None:
    """RuntimeError с описанием, если условие нарушено."""
    if not condition:
        raise RuntimeError(f"Стороны делают не одно и то же: {problem}.")


def compare(batches: Sequence[Rows], ours: Side, collator: Side, rounds: int) -> dict[str, float]:
    """Медиана отношений по кругам и скорость сторон в настоящих токенах в секунду."""
    pairs = timed_pairs(
        lambda: [collator(rows) for rows in batches],
        lambda: [ours(rows) for rows in batches],
        rounds,
    )
    tokens = sum(len(row) for rows in batches for row in rows)
    theirs_seconds, our_seconds = (median(column) for column in zip(*pairs, strict=True))
    return {
        "ratio": median_ratio(pairs),
        "ours_tokens_per_second": tokens / our_seconds,
        "collator_tokens_per_second": tokens / theirs_seconds,
        "tokens_per_sequence": tokens / (BATCH_SIZE * len(batches)),
    }


def measure(rounds: int) -> dict[str, object]:
    """Весь замер: проверить, что стороны равны, и сравнить на предложениях и на документах."""
    tokenizer = load_tokenizer("wordpiece")
    sides = {"ours": our_side(tokenizer), "collator": collator_side(tokenizer)}
    data = {kind: encoded(tokenizer, kind) for kind in ("sentences", "documents")}
    everything = [rows for batches in data.values() for rows in batches] * CHECKS
    shares = {
        name: check_same_work(everything, side, tokenizer)._asdict() for name, side in sides.items()
    }
    found = {kind: compare(batches, **sides, rounds=rounds) for kind, batches in data.items()}
    return {
        **found["documents"],
        **{f"{name}_sentences": value for name, value in found["sentences"].items()},
        "rounds": rounds,
        "shares": shares,
    }


def as_lines(values: dict) -> list[str]:
    """Отчёт для человека."""
    lines = []
    for title, end in (("Документы до 128 токенов", ""), ("Предложения по одному", "_sentences")):
        per_sequence = decimal(values[f"tokens_per_sequence{end}"])
        rows = [
            ("наше, токенов в секунду", thousands(values[f"ours_tokens_per_second{end}"])),
            ("collator, токенов в секунду", thousands(values[f"collator_tokens_per_second{end}"])),
            ("во сколько раз наше быстрее", decimal(values[f"ratio{end}"])),
        ]
        lines += [f"{title} (в среднем {per_sequence} токена)", *aligned(rows), ""]
    lines.append("Доли: выбрано, из них [MASK], случайных, прежних")
    for name, shares in values["shares"].items():
        lines.append(f"  {name:<9} " + "  ".join(percent(share) for share in shares.values()))
    return [*lines, f"Кругов: {values['rounds']}, батчей в круге: {BATCHES} по {BATCH_SIZE}"]


def main(argv: Sequence[str] | None = None) -> None:
    """Команда python -m benchmarks.masking."""
    options = parse_arguments("Скорость динамического маскирования", argv)
    values = measure(QUICK_ROUNDS if options.quick else ROUNDS)
    show(options, "Маскирование: наше против transformers", values, as_lines(values))


if __name__ == "__main__":
    main()
