"""Задание 05.2: точность, полнота и F1 сущностей по меткам BIO — верное, входы и мутанты."""

from __future__ import annotations

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.task import Mistake

KINDS = ("PER", "LOC", "ORG")


def entities(tags, stray="opens", kind="splits", adjacent="splits", tail=True):
    """Сущности предложения — (начало, конец, вид); настройки портят разбор в одном месте."""
    found, start, current = [], None, ""
    for place, tag in enumerate([*tags, "O"]):
        prefix, _, name = tag.partition("-")
        continues = prefix == "I" and start is not None
        continues &= kind == "ignored" or name == current
        continues |= adjacent == "merged" and start is not None and name == current
        if continues:
            continue
        if start is not None and (tail or place < len(tags)):
            found.append((start, place - 1, current))
        opens = prefix == "B" or (prefix == "I" and stray == "opens")
        start, current = (place, name) if opens else (None, "")
    return found


def entity_scores(truth, guesses, unit="entity", count="all", f1="harmonic", scale=1, order="pr",
                  **options):  # fmt: skip
    """Верные [точность, полнота, F1]; настройки портят их в одном месте."""
    pairs = list(zip(truth, guesses, strict=True))
    if unit == "joined":
        pairs = [([t for tags in side for t in tags] for side in (truth, guesses))]
    found = [[_units(tags, unit, options) for tags in pair] for pair in pairs]
    if count == "sentences":
        scores = [_scores(*_counts([pair], unit), f1) for pair in found]
        result = [float(np.mean(column)) for column in zip(*scores, strict=True)]
    elif count == "collapsed":  # номер предложения забыт: сущности с разных строк слились
        merged = [[[e for pair in found for e in set(pair[side])] for side in (0, 1)]]
        merged = [[sorted(set(side)) for side in merged[0]]]
        result = _scores(*_counts(merged, unit), f1)
    elif count == "kinds":
        kinds = sorted({e[2] for pair in found for side in pair for e in side})
        parts = [[[[e for e in side if e[2] == k] for side in p] for p in found] for k in kinds]
        scores = [_scores(*_counts(part, unit), f1) for part in parts] or [[0.0] * 3]
        result = [float(np.mean(column)) for column in zip(*scores, strict=True)]
    else:
        result = _scores(*_counts(found, unit), f1)
    if order == "rp":
        result[:2] = result[1::-1]
    return [scale * value for value in result]


def _units(tags, unit, options):
    tags = list(tags)
    if unit == "tokens":
        return [(i, i, tag) for i, tag in enumerate(tags) if tag != "O"]
    if unit == "token_kinds":
        return [(i, i, tag[2:]) for i, tag in enumerate(tags) if tag != "O"]
    if unit == "all_tokens":
        return [(i, i, tag) for i, tag in enumerate(tags)]
    if unit == "starts":
        return [(i, i, tag) for i, tag in enumerate(tags) if tag[0] == "B"]
    whole = entities(tags, **options)
    return [(a, b, "") for a, b, _ in whole] if unit == "borders" else whole


def _counts(found, unit):
    """Сколько совпало, сколько названо, сколько есть."""
    if unit == "overlap":
        hits = sum(
            any(a[2] == b[2] and a[0] <= b[1] and b[0] <= a[1] for b in right)
            for right, guess in found
            for a in guess
        )
    else:
        hits = sum(len(set(right) & set(guess)) for right, guess in found)
    return hits, sum(len(g) for _, g in found), sum(len(r) for r, _ in found)


def _scores(hits, named, present, f1):
    precision, recall = hits / max(named, 1), hits / max(present, 1)
    total = precision + recall
    mean = {"harmonic": 2 * precision * recall / total if total else 0.0, "mean": total / 2,
            "product": precision * recall / total if total else 0.0,
            "root": (precision * recall) ** 0.5}[f1]  # fmt: skip
    return [precision, recall, mean]


def _variant(**options):
    return lambda truth, guesses: entity_scores(truth, guesses, **options)


def _sentence(rng: np.random.Generator, length: int) -> list[str]:
    """Случайные метки BIO: сущности бывают вплотную, а последняя — в самом конце."""
    tags: list[str] = []
    while len(tags) < length:
        if rng.random() < 0.4:
            tags.append("O")
            continue
        kind, size = KINDS[int(rng.integers(3))], int(rng.integers(1, 4))
        tags += [f"B-{kind}", *[f"I-{kind}"] * (size - 1)]
    return tags[:length]


def _guess(rng: np.random.Generator, tags: list[str]) -> list[str]:
    """Ответ с ошибками: границы, вид, пропуск, I без B."""
    guess = list(tags)
    for a, b, _ in entities(tags):
        draw, other = rng.random(), KINDS[int(rng.integers(3))]
        if draw < 0.15:
            guess[a : b + 1] = ["O"] * (b - a + 1)
        elif draw < 0.3:
            guess[a : b + 1] = [f"{tag[:2]}{other}" for tag in guess[a : b + 1]]
        elif draw < 0.45:
            guess[b] = "O"
        elif draw < 0.6:
            guess[a] = guess[a].replace("B-", "I-")
        elif draw < 0.7:
            guess[b] = f"I-{other}"
    return guess


VISIBLE = (
    [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-ORG", "O"]],
    [["B-PER", "I-PER", "O", "B-ORG"], ["O", "B-ORG", "I-ORG"]],
)


def tag_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 05.2: пример из условия, случаи, на которых ошибаются, и случайные тексты."""
    kind, other = (KINDS[int(i)] for i in rng.permutation(3)[:2])
    b, i, ib = f"B-{kind}", f"I-{kind}", f"B-{other}"
    pairs = [
        VISIBLE,
        ([[b, i]], [[b, i]]),  # сущность кончается вместе с предложением
        ([["O", b, "O"]], [["O", i, "O"]]),  # I без B
        ([[b, b, "O"]], [[b, i, "O"]]),  # две вплотную
        ([[b, ib, "O"]], [[b, f"I-{other}", "O"]]),  # вид сменился посреди
        ([[b, "O"], [b, "O"], ["O", ib]], [[b, "O"], ["O", "O"], [ib, "O"]]),
        ([["O", b], [b, "O"]], [["O", b], [i, "O"]]),  # граница предложений
        ([[b, "O"]], [["O", "O"]]),
        ([["O", "O"]], [["O", b]]),
    ]
    for count in (3, 6, 12, 20):
        truth = [_sentence(rng, int(rng.integers(3, 10))) for _ in range(count)]
        pairs.append((truth, [_guess(rng, tags) for tags in truth]))
    return [Case(pair, visible=n == 0) for n, pair in enumerate(pairs)]


TAG_MISTAKES = {
    "tokens": Mistake(
        "Сосчитаны токены, а надо — сущности: целиком верная или никакая.",
        _variant(unit="tokens"),
    ),
    "token_kinds": Mistake(
        "Сосчитаны токены по видам, без B и I, а надо — сущности целиком.",
        _variant(unit="token_kinds"),
    ),
    "accuracy": Mistake(
        "Это доля верных меток, вместе с O. Меток O большинство, и угадать их нетрудно: считайте "
        "только сущности.",
        _variant(unit="all_tokens"),
    ),
    "starts": Mistake(
        "Сравниваются только начала B: конец сущности не проверен.", _variant(unit="starts")
    ),
    "kind_ignored": Mistake(
        "Вид сущности не сравнивается, только границы.", _variant(unit="borders")
    ),
    "overlap": Mistake(
        "Засчитано частичное совпадение, а границы обязаны совпасть обе.",
        _variant(unit="overlap"),
    ),
    "stray_lost": Mistake(
        "I без B потеряно: по условию оно тоже начинает сущность.", _variant(stray="lost")
    ),
    "kind_change_missed": Mistake(
        "I другого вида продолжило прежнюю сущность, а должно начать новую.",
        _variant(kind="ignored"),
    ),
    "adjacent_merged": Mistake(
        "Две сущности вплотную слились: каждое B начинает новую.", _variant(adjacent="merged")
    ),
    "last_lost": Mistake(
        "Потеряна сущность, которая кончается вместе с предложением: после цикла её надо закрыть.",
        _variant(tail=False),
    ),
    "sentences_joined": Mistake(
        "Предложения склеены: сущность переходит через границу.", _variant(unit="joined")
    ),
    "sentence_forgotten": Mistake(
        "Сущности разных предложений спутаны: сущность — это ещё и номер предложения.",
        _variant(count="collapsed"),
    ),
    "mean_of_sentences": Mistake(
        "Оценки усреднены по предложениям, а считают по всем сущностям сразу.",
        _variant(count="sentences"),
    ),
    "mean_of_kinds": Mistake(
        "Оценки усреднены по видам (macro), а просили по всем сущностям сразу (micro).",
        _variant(count="kinds"),
    ),
    "swapped": Mistake(
        "Точность и полнота перепутаны: точность — доля верных среди названных.",
        _variant(order="rp"),
    ),
    "arithmetic": Mistake(
        "F1 — среднее гармоническое, а здесь арифметическое.", _variant(f1="mean")
    ),
    "geometric": Mistake("F1 — среднее гармоническое, а здесь геометрическое.",
                         _variant(f1="root")),
    "no_two": Mistake("В F1 забыт множитель 2: 2·P·R / (P + R).", _variant(f1="product")),
    "percent": Mistake("Это проценты, а просили доли.", _variant(scale=100)),
}  # fmt: skip
