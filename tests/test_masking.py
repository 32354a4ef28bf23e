"""Маскирование: доли проверяются на миллионе токенов, запреты — на каждом."""

import math
import time

import pytest
import torch

from lecture_lib.config import MaskingConfig
from lecture_lib.mask_patterns import draw_span_lengths
from lecture_lib.masking import (
    IGNORED,
    KEEP,
    MASK,
    NO_WORD,
    NOT_CHOSEN,
    RANDOM,
    MaskingVocabulary,
    apply_replacements,
    causal_pattern,
    choose_count,
    choose_positions,
    choose_spans,
    choose_whole_words,
    draw_replacements,
    dynamic_masks,
    find_special,
    find_words,
    make_labels,
    mask_count,
    mask_last,
    mask_tokens,
    number_words,
    pad_sequences,
    static_masks,
)

PAD, UNK, CLS, SEP, MASK_ID = range(5)
SPECIAL = (PAD, UNK, CLS, SEP, MASK_ID)
V = 1000
VOCABULARY = MaskingVocabulary(MASK_ID, V, SPECIAL, tuple(range(800, V)))  # 800… — «##»
RATES = (0.8, 0.1, 0.1)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def make_batch(rows=9000, length=128, seed=0):
    """[CLS] слова [SEP] и дополнение разной длины; (rows, length)."""
    generator = seeded(seed)
    ids = torch.randint(len(SPECIAL), V, (rows, length), generator=generator)
    ids[:, 0] = CLS
    ends = torch.randint(length - 8, length, (rows, 1), generator=generator)
    places = torch.arange(length)
    return ids.masked_fill(places == ends, SEP).masked_fill(places > ends, PAD)


@pytest.fixture(scope="module")
def batch():
    return make_batch()


@pytest.fixture(scope="module")
def masked(batch):
    return mask_tokens(batch, None, MaskingConfig(), VOCABULARY, seeded(1))


def z_score(count, trials, probability):
    """На сколько стандартных отклонений частота ушла от вероятности."""
    return (count - trials * probability) / math.sqrt(trials * probability * (1 - probability))


def outcome_counts(actions):
    return [int((actions == outcome).sum()) for outcome in (MASK, RANDOM, KEEP)]


# ------------------------------------------------------------------ доли


def test_fifteen_percent_of_ordinary_tokens(batch, masked):
    """Выбрано 15 % обычных токенов: миллион испытаний, пять стандартных отклонений."""
    ordinary = batch >= len(SPECIAL)
    chosen = masked[1] != IGNORED
    assert ordinary.sum() >= 1_000_000
    assert abs(z_score(int(chosen.sum()), int(ordinary.sum()), 0.15)) < 5
    assert abs(z_score(int(chosen.sum()), int(ordinary.sum()), 0.151)) > 2  # 15,1 % уже видно


def two_coins(shape, generator):
    """Известная ошибка: сначала «10 % — случайный», из остальных «10 % — прежний»: 81/10/9."""
    is_random = torch.rand(shape, generator=generator) < 0.1
    is_kept = ~is_random & (torch.rand(shape, generator=generator) < 0.1)
    actions = torch.full(shape, MASK)
    return actions.masked_fill(is_random, RANDOM).masked_fill(is_kept, KEEP)


def test_one_draw_gives_80_10_10_and_two_coins_do_not():
    """Миллион жребиев: 80/10/10 внутри пяти отклонений, 81/10/9 — далеко снаружи."""
    chosen = torch.ones(1000, 1000, dtype=torch.bool)
    ours = outcome_counts(draw_replacements(chosen, RATES, seeded()))
    wrong = outcome_counts(two_coins(chosen.shape, seeded()))
    assert all(abs(z_score(n, 10**6, rate)) < 5 for n, rate in zip(ours, RATES, strict=True))
    assert abs(z_score(wrong[0], 10**6, 0.8)) > 15
    assert abs(z_score(wrong[2], 10**6, 0.1)) > 15


def test_whole_chain_keeps_the_rates(batch, masked):
    """Те же доли в готовых примерах: [MASK], другой обычный токен, прежний."""
    ids, labels = masked
    chosen = labels != IGNORED
    total = int(chosen.sum())
    is_mask = (ids == MASK_ID) & chosen
    same = (ids == batch) & chosen
    # Случайный токен раз в V − 5 совпадает с прежним — на столько «прежних» больше.
    agrees = 0.1 / (V - len(SPECIAL))
    assert abs(z_score(int(is_mask.sum()), total, 0.8)) < 5
    assert abs(z_score(int(same.sum()), total, 0.1 + agrees)) < 5


@pytest.mark.parametrize("outcome", (MASK, RANDOM, KEEP))
def test_certain_outcome_never_fails(outcome):
    """Доли 100/0/0, 0/100/0 и 0/0/100 соблюдаются без исключений."""
    rates = tuple(float(outcome == other) for other in (MASK, RANDOM, KEEP))
    actions = draw_replacements(torch.ones(1000, 500, dtype=torch.bool), rates, seeded())
    assert (actions == outcome).all()


@pytest.mark.parametrize("probability", (0.0, 1.0))
def test_certain_probability_never_fails(batch, probability):
    chosen = choose_positions(batch, batch < 5, probability, seeded())
    assert torch.equal(chosen, (batch >= 5) & (probability == 1.0))


# ------------------------------------------------------------------ запреты и неизменность


@pytest.mark.parametrize("unit", ("token", "whole_word", "span"))
def test_special_tokens_are_untouched(unit):
    """Специальные токены и [PAD] не меняются и не предсказываются при любом выборе."""
    ids = make_batch(rows=300)
    config = MaskingConfig(probability=0.6, unit=unit, at_least_one=True)
    masked_ids, labels = mask_tokens(ids, None, config, VOCABULARY, seeded(3))
    special = ids < len(SPECIAL)
    assert torch.equal(masked_ids[special], ids[special])
    assert (labels[special] == IGNORED).all()
    assert (labels[labels != IGNORED] == ids[labels != IGNORED]).all()


def test_random_token_is_uniform_over_ordinary(batch):
    """Случайный токен — любой обычный с равной вероятностью (хи-квадрат) и никогда специальный."""
    actions = torch.full(batch.shape, RANDOM).masked_fill(batch < 5, NOT_CHOSEN)
    drawn = apply_replacements(batch, actions, VOCABULARY, seeded())[batch >= 5]
    counts = torch.bincount(drawn, minlength=V)
    assert counts[: len(SPECIAL)].sum() == 0
    expected = len(drawn) / (V - len(SPECIAL))
    chi_square = float(((counts[len(SPECIAL) :] - expected) ** 2 / expected).sum())
    degrees = V - len(SPECIAL) - 1
    assert abs(chi_square - degrees) < 5 * math.sqrt(2 * degrees)


def test_random_token_skips_scattered_special_ids():
    """Специальные номера не обязаны стоять в начале словаря."""
    vocabulary = MaskingVocabulary(mask_token_id=7, vocab_size=9, special_token_ids=(0, 3, 7))
    ids = torch.full((50, 50), 4)
    config = MaskingConfig(probability=1.0, mask_rate=0.0, random_rate=1.0, keep_rate=0.0)
    masked_ids, _ = mask_tokens(ids, None, config, vocabulary, seeded())
    assert set(masked_ids.unique().tolist()) == {1, 2, 4, 5, 6, 8}


def test_callers_tensors_stay_and_seed_repeats(batch):
    """Тензор вызывающего не меняется; то же зерно — те же маски, другое — другие."""
    ids, special = batch[:50].clone(), batch[:50] < 5
    before = ids.clone(), special.clone()
    first, again, other = (
        mask_tokens(ids, special, MaskingConfig(), VOCABULARY, seeded(s)) for s in (1, 1, 2)
    )
    assert torch.equal(ids, before[0]) and torch.equal(special, before[1])
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[1], other[1])


def test_special_mask_of_the_caller_is_respected(batch):
    """Вызывающий может запретить и обычные токены."""
    forbidden = torch.zeros_like(batch, dtype=torch.bool)
    forbidden[:, :60] = True
    _, labels = mask_tokens(batch, forbidden, MaskingConfig(), VOCABULARY, seeded())
    assert (labels[:, :60] == IGNORED).all() and (labels[:, 60:] != IGNORED).any()


def test_at_least_one_per_row():
    """Короткие строки: с at_least_one пустых нет, без него — с вероятностью 0.85³."""
    ids = torch.tensor([[CLS, 10, 11, 12, SEP]]).repeat(20_000, 1)
    special = find_special(ids, VOCABULARY)
    plain = choose_positions(ids, special, 0.15, seeded())
    forced = choose_positions(ids, special, 0.15, seeded(), at_least_one=True)
    assert abs(z_score(int((~plain.any(1)).sum()), len(ids), 0.85**3)) < 5
    assert forced.any(1).all() and not (forced & special).any()
    assert torch.equal(forced[plain.any(1)], plain[plain.any(1)])
    only_special = torch.full((2, 3), SEP)
    nothing = choose_positions(only_special, only_special < 5, 0.15, seeded(), at_least_one=True)
    assert not nothing.any()


# ------------------------------------------------------------------ слова, отрезки, счёт


def test_words_are_numbered_through():
    """Подслово продолжает соседа слева, но не специальный токен; номера сквозные."""
    ids = torch.tensor([[CLS, 10, 900, 11, SEP, 900, 901, 12, SEP, PAD]])
    words = find_words(ids, ids < 5, VOCABULARY)
    assert words.tolist() == [[NO_WORD, 0, 0, 1, NO_WORD, 2, 2, 3, NO_WORD, NO_WORD]]


def test_whole_words_are_chosen_whole(batch):
    """Слово выбрано целиком или не выбрано; доля токенов остаётся 15 %."""
    words = find_words(batch, batch < 5, VOCABULARY)
    chosen = choose_whole_words(words, 0.15, seeded())
    same_word = (words[:, 1:] == words[:, :-1]) & (words[:, 1:] != NO_WORD)
    assert same_word.sum() > 100_000
    assert torch.equal(chosen[:, 1:][same_word], chosen[:, :-1][same_word])
    starts = (words != NO_WORD) & (words != words.roll(1, 1))
    assert abs(z_score(int((chosen & starts).sum()), int(starts.sum()), 0.15)) < 5


def runs(chosen):
    """Длины сплошных отрезков True."""
    padded = torch.nn.functional.pad(chosen.int(), (1, 1))
    edges = padded.diff(dim=1)
    return (edges == -1).nonzero()[:, 1] - (edges == 1).nonzero()[:, 1]


def test_spans_are_long_and_fill_the_budget():
    """Отрезки: доля 15 %, средняя длина больше трёх; независимый выбор дал бы 1 / 0.85."""
    rows, length = 4000, 256
    words = torch.arange(length).repeat(rows, 1)  # слово — один токен
    chosen = choose_spans(words, 0.15, seeded())
    share = chosen.float().mean().item()
    assert share == pytest.approx(0.15, abs=1 / length / math.sqrt(rows) * 3)
    lengths = runs(chosen).float()
    assert 3.0 < lengths.mean() < 4.5
    independent = runs(torch.rand(rows, length, generator=seeded()) < 0.15).float()
    assert independent.mean() == pytest.approx(1 / 0.85, abs=0.02)


def test_span_lengths_follow_spanbert():
    """Длины отрезков ~ Geo(0.2), усечённое до 10: хи-квадрат и среднее 3.8 из статьи."""
    lengths = draw_span_lengths(200_000, seeded())
    weights = torch.tensor([0.2 * 0.8**k for k in range(10)], dtype=torch.double)
    expected = len(lengths) * weights / weights.sum()
    counts = torch.bincount(lengths, minlength=11)
    assert counts[0] == 0 and len(counts) == 11
    assert float(((counts[1:] - expected) ** 2 / expected).sum()) < 9 + 5 * math.sqrt(18)
    assert lengths.double().mean() == pytest.approx(3.8, abs=0.03)


def test_spans_do_not_cross_separators():
    """Отрезок не переходит через [SEP]: у строк с двумя фразами рвётся на границе."""
    ids = torch.tensor([[CLS, *[10] * 5, SEP, *[11] * 5, SEP]]).repeat(500, 1)
    words = find_words(ids, ids < 5, VOCABULARY)
    chosen = choose_spans(words, 0.1, seeded(), at_least_one=True)
    assert (chosen.sum(1) >= 1).all() and not (chosen & (ids < 5)).any()
    both = chosen[:, 1:6].any(1) & chosen[:, 7:12].any(1)
    assert not both.any()  # счёт — один токен: два куска значили бы, что отрезок перешагнул


def test_one_function_from_last_to_all():
    """Ползунок урока 01: count=1 — последний токен, count=n — все, между ними — хвост."""
    ids = torch.tensor([[CLS, 10, 11, 12, SEP, PAD], [CLS, 20, SEP, PAD, PAD, PAD]])
    masked_ids, labels = mask_last(ids, VOCABULARY)
    assert masked_ids.tolist() == [
        [CLS, 10, 11, MASK_ID, SEP, PAD],
        [CLS, MASK_ID, SEP, PAD, PAD, PAD],
    ]
    assert labels[0].tolist() == [IGNORED, IGNORED, IGNORED, 12, IGNORED, IGNORED]
    assert mask_count(ids, 2, VOCABULARY)[0][0].tolist() == [CLS, 10, MASK_ID, MASK_ID, SEP, PAD]
    everything, _ = mask_count(ids, 6, VOCABULARY)
    assert torch.equal(everything == MASK_ID, ids >= 5)
    assert torch.equal(mask_count(ids, 0, VOCABULARY)[0], ids)
    anywhere = choose_count((ids < 5).repeat(3000, 1), 1, seeded())
    assert (anywhere.sum(1) == 1).all()
    assert abs(z_score(int(anywhere[::2, 1].sum()), 3000, 1 / 3)) < 5


def test_causal_pattern_is_a_triangle():
    pattern = causal_pattern(4)
    assert all(bool(pattern[i, j]) == (j <= i) for i in range(4) for j in range(4))


def test_static_masks_repeat_and_dynamic_do_not(batch):
    """Статические маски ходят по кругу из copies, динамические каждую эпоху новые."""
    arguments = (batch[:20], None, MaskingConfig(), VOCABULARY)
    static = [static_masks(*arguments, seed=5, epoch=e, copies=3)[1] for e in range(7)]
    assert torch.equal(static[0], static[3]) and torch.equal(static[2], static[5])
    assert not torch.equal(static[0], static[1])
    dynamic = [dynamic_masks(*arguments, seed=5, epoch=e)[1] for e in range(5)]
    assert all(not torch.equal(a, b) for a in dynamic for b in dynamic if a is not b)
    assert torch.equal(dynamic[3], dynamic_masks(*arguments, seed=5, epoch=3)[1])
    assert not torch.equal(dynamic[3], dynamic_masks(*arguments, seed=3, epoch=5)[1])


# ------------------------------------------------------------------ ошибки

IDS = torch.tensor([[CLS, 10, 11, SEP]])
NONE = torch.zeros(1, 4, dtype=torch.bool)

WRONG_CALLS = {
    "probability = 1.2": lambda: choose_positions(IDS, NONE, 1.2, seeded()),
    "probability = nan": lambda: choose_positions(IDS, NONE, math.nan, seeded()),
    "mask_rate = 0.9": lambda: draw_replacements(NONE, (0.9, 0.1, 0.1), seeded()),
    "input_ids: номера 1000": lambda: find_special(torch.tensor([[V]]), VOCABULARY),
    "input_ids: номера -1": lambda: find_special(torch.tensor([[-1]]), VOCABULARY),
    r"input_ids: форма \(0, 4\)": lambda: find_special(IDS[:0], VOCABULARY),
    r"input_ids: форма \(4,\)": lambda: find_special(IDS[0], VOCABULARY),
    "input_ids: тип torch.float32": lambda: find_special(IDS.float(), VOCABULARY),
    r"input_ids = \[\[1, 2\]\]": lambda: find_special([[1, 2]], VOCABULARY),
    r"special_mask: форма \(1, 3\)": lambda: choose_positions(IDS, NONE[:, :3], 0.1, seeded()),
    "special_mask: тип torch.int64": lambda: choose_positions(IDS, IDS, 0.1, seeded()),
    "chosen: тип torch.int64": lambda: make_labels(IDS, IDS),
    r"actions: форма \(1, 2\)": lambda: apply_replacements(IDS, IDS[:, :2], VOCABULARY, seeded()),
    "generator = 42": lambda: choose_positions(IDS, NONE, 0.1, 42),
    "word_ids: номера слов": lambda: choose_whole_words(IDS, 0.1, seeded()),
    "count = -1": lambda: choose_count(NONE, -1),
    "copies = 0": lambda: static_masks(
        IDS, None, MaskingConfig(), VOCABULARY, seed=0, epoch=0, copies=0
    ),
    "sequence_length = 0": lambda: causal_pattern(0),
    r"sequences = \[\]": lambda: pad_sequences([], PAD),
    "mask_token_id: номера 9": lambda: MaskingVocabulary(9, 5, (0,)),
    "special_token_ids": lambda: MaskingVocabulary(0, 2, (0, 1)),
}


@pytest.mark.parametrize("named", WRONG_CALLS)
def test_impossible_arguments_are_named(named):
    """Ошибка называет аргумент и значение."""
    with pytest.raises(ValueError, match=named):
        WRONG_CALLS[named]()


# ------------------------------------------------------------------ против transformers


@pytest.fixture(scope="module")
def tokenizer():
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    names = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4}
    pieces = {("##" if i >= 800 else "") + f"т{i}": i for i in range(5, V)}
    backend = Tokenizer(models.WordPiece(names | pieces, unk_token="[UNK]"))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]",
    )  # fmt: skip


def test_vocabulary_from_tokenizer(tokenizer):
    assert MaskingVocabulary.from_tokenizer(tokenizer) == VOCABULARY


def test_padding_matches_transformers(tokenizer):
    sequences = [[2, 5, 6, 3], [2, 3], [2, 7, 8, 9, 10, 3]]
    theirs = tokenizer.pad({"input_ids": sequences}, return_tensors="pt")
    input_ids, attention_mask = pad_sequences(sequences, PAD)
    assert torch.equal(input_ids, theirs["input_ids"])
    assert torch.equal(attention_mask, theirs["attention_mask"])


def test_faster_than_transformers(tokenizer):
    """Сложить и замаскировать те же последовательности — хотя бы впятеро быстрее collator'а.

    На свободной машине — в десять с лишним раз; порог ниже, потому что тесты идут и на занятой.
    """
    from transformers import DataCollatorForLanguageModeling

    collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
    sequences = [[i for i in row if i != PAD] for row in make_batch(rows=64).tolist()]
    generator = seeded()

    def ours():
        input_ids, _ = pad_sequences(sequences, PAD)
        mask_tokens(input_ids, None, MaskingConfig(), VOCABULARY, generator)

    def theirs():
        collator([{"input_ids": row} for row in sequences])

    times = {ours: [], theirs: []}
    for _ in range(12):
        for call, spent in times.items():
            start = time.perf_counter()
            call()
            spent.append(time.perf_counter() - start)
    assert min(times[theirs]) > 5 * min(times[ours])


def test_number_words_checks_nothing_but_counts():
    """number_words берёт готовые признаки: строка без «продолжений» — по слову на токен."""
    special = torch.tensor([[True, False, False, True]])
    assert number_words(torch.zeros_like(special), special).tolist() == [[-1, 0, 1, -1]]
