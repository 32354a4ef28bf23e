"""Задание 05.1: отрезок ответа по логитам начала и конца — верное, входы и мутанты."""

from __future__ import annotations

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.task import Mistake

BLOCKED = -1e9


def answers(start, end, context, longest, pick="pairs", order=True, extra=0, inside="both",
            null="sum", value="sum", give="places"):  # fmt: skip
    """Верные отрезки (B, 2); настройки портят их в одном месте."""
    rows = [
        _answer(*row, longest + extra, pick, order, inside, null, value)
        for row in zip(start.astype(float), end.astype(float), context.astype(bool), strict=True)
    ]
    first = [int(np.argmax(row)) for row in context]
    shifts = {
        "places": lambda a, b, _: [a, b],
        "exclusive": lambda a, b, _: [a, b + (b > 0)],
        "all_exclusive": lambda a, b, _: [a, b + 1],
        "relative": lambda a, b, n: [a - n, b - n] if b else [0, 0],
        "swapped": lambda a, b, _: [b, a],
        "length": lambda a, b, _: [a, b - a + 1] if b else [0, 0],
    }
    return np.array([shifts[give](a, b, n) for (a, b), n in zip(rows, first, strict=True)])


def _answer(start, end, context, longest, pick, order, inside, null, value):
    """Один отрезок; таблица сумм (S, S): строка — начало, столбец — конец."""
    rows = context if inside in ("both", "start") else np.ones_like(context)
    columns = context if inside in ("both", "end") else np.ones_like(context)
    if null == "mixed":  # [CLS] — место наравне с прочими
        rows, columns = (np.r_[True, seen[1:]] for seen in (rows, columns))
    scores = start[:, None] * end[None] if value == "product" else start[:, None] + end[None]
    places = np.arange(len(start))
    distance = places[None] - places[:, None]
    allowed = rows[:, None] & columns[None]
    allowed &= (distance >= 0) & (distance < longest) if order else abs(distance) < longest
    place = _pick(scores, np.where(rows, start, BLOCKED), np.where(columns, end, BLOCKED),
                  allowed, pick)  # fmt: skip
    empty = {"sum": scores[0, 0], "tie": scores[0, 0], "start": start[0], "zero": 0.0}
    null_score = empty.get(null, -np.inf)
    wins = scores[place] >= null_score if null == "tie" else scores[place] > null_score
    return place if wins else (0, 0)


def _pick(scores, start, end, allowed, pick):
    """Какая пара выбрана: лучшая вместе, лучшие врозь или сначала одна граница, потом другая."""
    table = np.where(allowed, scores, BLOCKED)
    a, b = int(start.argmax()), int(end.argmax())
    if pick == "independent":
        return a, b
    if pick == "sorted":
        return min(a, b), max(a, b)
    if pick == "start_first":
        return a, int(table[a].argmax())
    if pick == "end_first":
        return int(table[:, b].argmax()), b
    return tuple(int(n) for n in np.unravel_index(table.argmax(), table.shape))


def _variant(**options):
    return lambda *inputs: answers(*inputs, **options)


def _rows(rng: np.random.Generator, rows: int, length: int):
    """Логиты и место текста: у каждой строки своё; в трети строк силён [CLS]."""
    start, end = (3 * rng.standard_normal((rows, length)) for _ in range(2))
    context = np.zeros((rows, length), dtype=np.int64)
    for row in range(rows):
        first = int(rng.integers(3, length // 2))
        context[row, first : int(rng.integers(length - 3, length - 1))] = 1
    start[:, 0], end[:, 0] = rng.standard_normal((2, rows))
    start[::3, 0] += 5
    end[::3, 0] += 5
    start[1::4] -= 12  # ответ есть, хотя все суммы отрицательны
    return start.astype(np.float32), end.astype(np.float32), context


def _tempting_row(rng: np.random.Generator):
    """Начало на [CLS] сильно, конец слаб: пара (0, токен текста) лучше всех, но она не отрезок."""
    start, end, context = _rows(rng, 1, 9)
    start[0, 0], end[0, 0] = 20, -40
    return start, end, context


def _tied_row():
    """Лучшая сумма в тексте — ровно сумма на [CLS]; целые числа не округляются."""
    start = np.array([[3, 0, 1, 4, 1, 0]], dtype=np.float32)
    end = np.array([[2, 0, 0, 1, 0, 1]], dtype=np.float32)
    return start, end, np.array([[0, 0, 1, 1, 1, 0]])


# Куда поставить сильные начало и конец при longest = 3, тексте на местах 5–12: слишком длинно на
# один, ровно, конец раньше начала, в вопросе, конец за текстом, начало в вопросе, далеко.
TRAPS = ((6, 9), (6, 8), (9, 7), (2, 3), (11, 13), (4, 6), (5, 12))


def _traps(rng: np.random.Generator):
    """Батч, в каждой строке которого лучшая пара — соблазн для одной из ошибок."""
    start, end = rng.standard_normal((2, len(TRAPS), 16))
    context = np.zeros((len(TRAPS), 16), dtype=np.int64)
    context[:, 5:13] = 1
    for row, (first, last) in enumerate(TRAPS):
        start[row, first] += 7
        end[row, last] += 7
    return start.astype(np.float32), end.astype(np.float32), context


def span_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 05.1: пример из условия, несколько строк по одной, потом батчи."""
    start = np.array([[0, 5, 1, 0, 2, 4, 1, 0]], dtype=np.float32)
    end = np.array([[0, 1, 0, 3, 2, 0, 3, 6]], dtype=np.float32)
    context = np.array([[0, 0, 0, 1, 1, 1, 1, 0]])
    cases = [Case((start, end, context, 2), visible=True)]
    for longest in (1, 2, 3, 4, 2, 3):
        cases.append(Case((*_rows(rng, 1, 10), longest)))
    cases += [Case((*_tempting_row(rng), 9)), Case((*_tied_row(), 2))]
    traps = _traps(rng)  # сперва по одному: ошибка, видная лишь здесь, — не «только для батча 1»
    cases += [Case((*(part[k : k + 1] for part in traps), 3)) for k in range(len(TRAPS))]
    cases.append(Case((*traps, 3), rows=len(TRAPS)))
    for rows, longest in ((12, 2), (30, 4), (30, 5)):
        cases.append(Case((*_rows(rng, rows, 16), longest), rows=rows))
    return cases


SPAN_MISTAKES = {
    "independent": Mistake(
        "Начало и конец выбраны порознь: конец бывает раньше начала, а отрезок — слишком длинным. "
        "Выбирают лучшую пару.",
        _variant(pick="independent"),
    ),
    "sorted": Mistake(
        "Начало и конец выбраны порознь, а если вышло наоборот — переставлены. Это другой отрезок: "
        "сумма его логитов не лучшая.",
        _variant(pick="sorted"),
    ),
    "start_first": Mistake(
        "Сначала выбрано лучшее начало, к нему — конец. Лучшая пара может начинаться не там.",
        _variant(pick="start_first"),
    ),
    "end_first": Mistake(
        "Сначала выбран лучший конец, к нему — начало. Лучшая пара может кончаться не там.",
        _variant(pick="end_first"),
    ),
    "end_before_start": Mistake(
        "Конец бывает раньше начала: такие пары надо исключить.", _variant(order=False)
    ),
    "no_limit": Mistake("Длина не ограничена: longest не прочитан.", _variant(extra=10**6)),
    "one_longer": Mistake(
        "Отрезок бывает на токен длиннее: в отрезке от a до b токенов b − a + 1.",
        _variant(extra=1),
    ),
    "one_shorter": Mistake(
        "Отрезок из longest токенов уже не рассматривается: граница сдвинута на один.",
        _variant(extra=-1),
    ),
    "outside": Mistake(
        "Отрезок бывает в вопросе или на [SEP]: границы ищут только среди токенов текста.",
        _variant(inside="none"),
    ),
    "end_outside": Mistake(
        "Начало взято из текста, а конец бывает и вне его: context закрывает обе границы.",
        _variant(inside="start"),
    ),
    "start_outside": Mistake(
        "Конец взят из текста, а начало бывает и вне его: context закрывает обе границы.",
        _variant(inside="end"),
    ),
    "always_answers": Mistake(
        "Ответ есть всегда: с суммой логитов на [CLS] лучший отрезок не сравнили.",
        _variant(null="never"),
    ),
    "null_start_only": Mistake(
        "Сравнили с одним логитом начала на [CLS], а надо с суммой начала и конца.",
        _variant(null="start"),
    ),
    "null_zero": Mistake(
        "«Ответа нет» решено сравнением с нулём, а надо — с суммой логитов на [CLS].",
        _variant(null="zero"),
    ),
    "tie_answers": Mistake(
        "При равных суммах ответа нет: отрезок должен быть лучше пары на [CLS], а не равен ей.",
        _variant(null="tie"),
    ),
    "null_mixed": Mistake(
        "[CLS] стоит в одной паре с токеном текста, а «ответа нет» — это только пара (0, 0).",
        _variant(null="mixed"),
    ),
    "product": Mistake(
        "Логиты перемножены, а их надо сложить: это логарифмы.", _variant(value="product")
    ),
    "exclusive": Mistake(
        "Конец сдвинут на один: нужен последний токен отрезка, а не следующий за ним.",
        _variant(give="exclusive"),
    ),
    "all_exclusive": Mistake(
        "Конец сдвинут на один: нужен последний токен отрезка, а не следующий за ним; и "
        "«ответа нет» — это (0, 0).",
        _variant(give="all_exclusive"),
    ),
    "relative": Mistake(
        "Номера отсчитаны от начала текста, а нужны — от начала строки.",
        _variant(give="relative"),
    ),
    "swapped": Mistake("В паре сначала начало, потом конец.", _variant(give="swapped")),
    "length": Mistake("Второе число — длина, а нужен последний токен.", _variant(give="length")),
}


def explain_span(arguments, expected, got) -> str:
    """Первая разошедшаяся строка словами."""
    wanted, found = np.asarray(expected), np.asarray(got)
    if wanted.shape != found.shape:
        return ""
    row = int(np.argmax((wanted != found).any(1)))
    start, end, context, longest = (np.asarray(value) for value in arguments)
    a, b = (int(n) for n in found[row])
    if not (0 <= a < start.shape[1] and 0 <= b < start.shape[1]):
        return f"батч {row}: таких мест в строке нет"
    if (a, b) == (0, 0):
        return f"батч {row}: ответ в тексте есть, он лучше пары на [CLS]"
    if b < a:
        return f"батч {row}: конец {b} раньше начала {a}"
    if not (context[row, a] and context[row, b]):
        return f"батч {row}: место {a if not context[row, a] else b} — не из текста"
    if b - a + 1 > longest:
        return f"батч {row}: в отрезке {b - a + 1} токенов, а можно {longest}"
    if not wanted[row].any():
        return f"батч {row}: сумма на [CLS] не меньше, значит, ответа нет"
    sums = [float(start[row, i] + end[row, j]) for i, j in (wanted[row], found[row])]
    return f"батч {row}: у верного отрезка сумма {sums[0]:.3g}, у этого — {sums[1]:.3g}"
