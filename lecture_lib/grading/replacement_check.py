"""Проверка задания 02.2: замена 80/10/10 одним жребием.

Доли проверяет последовательный критерий Вальда: батчи идут, пока одно объяснение — «80/10/10» или
одна из известных ошибок — не станет правдоподобнее остальных в миллион раз. Тысяча токенов
отличит 80/10/10 от 100/0/0; чтобы отличить их от 81/10/9, нужны десятки тысяч.
"""

from __future__ import annotations

import numpy as np

from lecture_lib.grading.answer import Answer
from lecture_lib.grading.cases import Found, require_value
from lecture_lib.grading.outcome import Counterexample
from lecture_lib.grading.report import describe
from lecture_lib.grading.task import Finding, Mistake
from lecture_lib.grading.wire import Seed, as_array

MASK_ID, VOCABULARY = 17, 220
SPECIAL = np.array([0, 3, 17, 40, 41, 42, 90, 91, 150, 219])
ORDINARY = np.setdiff1d(np.arange(VOCABULARY), SPECIAL)
WORDS = ORDINARY[30:130]  # из них составлены строки: случайный токен бывает и другим
RIGHT = (0.8, 0.1, 0.1)  # [MASK], случайный, прежний

# Объяснения долей: имя ошибки и доли, которые она даёт.
EXPLANATIONS = (
    ("", RIGHT),
    ("two_coins", (0.81, 0.10, 0.09)),
    ("two_coins", (0.81, 0.09, 0.10)),
    ("share_of_rest", (0.8, 0.02, 0.18)),
    ("share_of_rest", (0.8, 0.18, 0.02)),
    ("mask_only", (1.0, 0.0, 0.0)),
    ("no_keep", (0.8, 0.2, 0.0)),
    ("no_keep", (0.9, 0.1, 0.0)),
    ("no_random", (0.8, 0.0, 0.2)),
    ("no_random", (0.9, 0.0, 0.1)),
    ("swapped", (0.1, 0.8, 0.1)),
    ("swapped", (0.1, 0.1, 0.8)),
    ("of_all", (0.12, 0.015, 0.865)),
    ("keep_not_counted", (8 / 9, 1 / 9, 0.0)),
)
SURE = 14.0  # логарифм отношения правдоподобий: e¹⁴ — миллион
ENOUGH = 90_000  # токенов, после которых решаем по тому, что есть
ACCEPTED = 30_000  # раньше верным не признаём: каждый случайный токен должен успеть выпасть
FLOOR = 1e-4  # «никогда» — это не чаще раза в десять тысяч
FAR = 30.0  # хи-квадрат с двумя степенями свободы: вероятность 3·10⁻⁷


REPLACEMENT_MISTAKES = {
    "two_coins": Mistake(
        "Это 81/10/9: похоже, две монеты подряд. Второй жребий делит не сто процентов, а остаток."
    ),
    "share_of_rest": Mistake(
        "Это 80/2/18: 10 % взяты от оставшихся двадцати, а нужны от всех выбранных."
    ),
    "mask_only": Mistake("Все выбранные стали [MASK]: это 100/0/0."),
    "no_keep": Mistake("Прежним не остался никто: 10 % выбранных должны остаться как есть."),
    "no_random": Mistake("Случайных токенов нет: 10 % выбранных должны стать случайными."),
    "swapped": Mistake("Доли переставлены: 80 % — это [MASK], а не случайный и не прежний."),
    "of_all": Mistake("Жребий снова решает, выбирать ли токен, а места уже выбраны."),
    "keep_not_counted": Mistake("Доли 8 : 1 поделены на двоих, и прежним не остался никто."),
    "wrong_rates": Mistake("Доли не 80/10/10."),
    "random_special": Mistake(
        "Случайный токен оказался служебным: тяните из ordinary_ids, а не из всего словаря."
    ),
    "one_random_token": Mistake("Случайный токен один на всех: у каждого места должен быть свой."),
    "from_batch": Mistake(
        "Случайные токены взяты из самих строк, а нужны из ordinary_ids: там есть и те, которых в "
        "строках нет."
    ),
    "one_draw": Mistake(
        "Жребий один на много мест — на строку или на столбец, — а нужен на каждый токен."
    ),
    "nothing": Mistake("Не изменился ни один токен."),
    "off_by_one": Mistake("Крайний обычный токен не выпадает никогда: граница сдвинута на один."),
    "by_order": Mistake("Исход зависит от места в строке: жребий должен быть независим от него."),
    "not_uniform_tokens": Mistake("Обычные токены выпадают не поровну."),
    "ignores_chosen": Mistake("Изменились токены, которые не были выбраны."),
    "frozen_seed": Mistake(
        "При разных генераторах — одно и то же: зерно заморожено внутри функции."
    ),
    "own_randomness": Mistake(
        "При одном и том же зерне выходит разное: случайность берётся не из generator."
    ),
}


def check_replacement(answer: Answer, rng: np.random.Generator) -> Finding | None:
    """Проверка 02.2 целиком: первая нарушенная обязанность или None."""
    _small_calls(answer, rng)
    return _rates(answer, rng)


def _batch(rng: np.random.Generator, rows: int, length: int, share: float):
    ids = rng.choice(WORDS, (rows, length)).astype(np.int64)
    ids[:, 0], ids[:, -1] = SPECIAL[1], SPECIAL[3]
    chosen = rng.random(ids.shape) < share
    chosen[:, 0] = chosen[:, -1] = False
    return ids, chosen, MASK_ID, ORDINARY.astype(np.int64), Seed(int(rng.integers(1, 2**31)))


def _ask(answer: Answer, arguments: tuple, watch: bool = True) -> np.ndarray:
    """Вызов с проверкой вида ответа и невыбранных мест."""
    reply = answer.call(*arguments, watch=watch)
    require_value(reply, arguments)
    ids, chosen = arguments[:2]
    found = as_array(reply.value)
    if found is None or found.shape != ids.shape:
        raise Found("wrong_shape", shown=Counterexample(describe(ids), got=describe(reply.value)))
    touched = (found != ids) & ~chosen
    if touched.any():
        row, place = (int(i) for i in np.argwhere(touched)[0])
        raise Found(
            "ignores_chosen",
            "Изменились токены, которые не были выбраны.",
            Counterexample(
                f"строка {describe(ids[row])}",
                str(ids[row, place]),
                str(found[row, place]),
                f"батч {row}, позиция {place}: токен не выбран, он должен остаться",
            ),
        )
    if reply.changed:
        raise Found("mutates", shown=Counterexample(describe(ids), place="изменён вход"))
    return found.astype(np.int64)


def _small_calls(answer: Answer, rng: np.random.Generator) -> None:
    """Обязанности: ничего лишнего не тронуто, зерно решает всё и ничего, кроме него."""
    _ask(answer, _batch(rng, 1, 8, 0.8))
    empty = _batch(rng, 2, 8, 0.0)  # ничего не выбрано — ничего и не меняется
    _ask(answer, empty)
    arguments = _batch(rng, 24, 24, 0.9)
    first, again = _ask(answer, arguments), _ask(answer, arguments)
    given = Counterexample(f"тензор {arguments[0].shape}, зерно {arguments[-1].seed}")
    others = [_ask(answer, (*arguments[:-1], Seed(arguments[-1].seed + k))) for k in (1, 2)]
    if all(np.array_equal(first, other) for other in others):
        raise Found(_frozen_mistake(first, *arguments[:2]), shown=given)
    if not np.array_equal(first, again):
        raise Found("own_randomness", shown=given)
    spent = _ask(answer, (*arguments[:-1], Seed(arguments[-1].seed, 5000)))
    if np.array_equal(first, spent):
        raise Found("initial_seed", shown=given)


def _frozen_mistake(found, ids, chosen) -> str:
    """Почему при разных генераторах одно и то же."""
    if np.array_equal(found, ids):
        return "nothing"
    return "mask_only" if (found[chosen] == MASK_ID).all() else "frozen_seed"


def _rates(answer: Answer, rng: np.random.Generator) -> Finding | None:
    """Батчи, пока доли не объяснятся чем-нибудь одним; заодно — случайные токены и жребии."""
    counts, seen = np.zeros(3), np.zeros(VOCABULARY, dtype=int)
    halves = np.zeros((2, 2))  # (половина строки, [MASK] или нет)
    excess: list = []  # насколько [MASK] больше положенного: во всём батче и в каждой строке
    while True:
        arguments = _batch(rng, 16, 200, 0.95)
        ids, chosen = arguments[:2]
        found = _ask(answer, arguments, watch=False)
        new, old = found[chosen], ids[chosen]
        is_mask, is_same = new == MASK_ID, new == old
        random = new[~is_mask & ~is_same]
        counts += is_mask.sum(), len(random), (is_same & ~is_mask).sum()
        seen += np.bincount(random, minlength=VOCABULARY)[:VOCABULARY]
        _check_random_tokens(random, ids, found, chosen)
        late = np.broadcast_to(np.arange(200) >= 100, ids.shape)[chosen]
        for half in (0, 1):
            halves[half] += (is_mask & (late == half)).sum(), (~is_mask & (late == half)).sum()
        _check_draws(found, ids, chosen)
        extra = ((found == MASK_ID) & chosen).sum(1) - RIGHT[0] * chosen.sum(1)
        excess.append((extra.sum(), abs(extra).max()))
        best, lead = _best_explanation(counts)
        settled = lead > SURE and (best or counts.sum() > ACCEPTED)
        if settled or counts.sum() > ENOUGH:
            break
    if not best and (abs(np.array(excess)) <= 1).all(0).any():
        got = "[MASK] всякий раз ровно 80 %"
        return Finding("quota", counterexample=Counterexample("", got=got))
    return _judge(best, counts, seen, halves)


def _check_random_tokens(random, ids, found, chosen) -> None:
    """Случайные токены — обычные и не один на всех."""
    wrong = np.isin(random, SPECIAL)
    if wrong.any():
        place = f"вместо токена поставлен служебный {int(random[wrong][0])}"
        raise Found(
            "random_special",
            shown=Counterexample("служебные " + str(SPECIAL.tolist()), place=place),
        )
    if len(random) and (random.min() < 0 or random.max() >= VOCABULARY):
        raise Found("random_special", shown=Counterexample("", got=str(int(random.max()))))
    if len(random) > 60 and len(np.unique(random)) == 1:
        raise Found("one_random_token", shown=Counterexample("", got=f"всюду {int(random[0])}"))
    kept = (found != ids) & chosen & (found != MASK_ID)
    for where, values, mask in (("строке", found, kept), ("столбце", found.T, kept.T)):
        if len(random) > 60 and _shared(values, mask) > 0.5:
            got = f"в {where} случайный токен один и тот же"
            raise Found("one_random_token", shown=Counterexample("", got=got))


def _check_draws(found, ids, chosen) -> None:
    """Жребий у каждого токена свой: ни в строке, ни в столбце исходы не бывают все одинаковы."""
    kinds = np.where(found == MASK_ID, 0, np.where(found == ids, 2, 1))
    if len(np.unique(kinds[chosen])) == 1:
        return  # исход один на весь батч: об этом скажут доли
    halves = [(kinds[:, part] == 0)[chosen[:, part]].mean() for part in _halves(ids.shape[1])]
    known = "by_order" if abs(halves[0] - halves[1]) > 0.25 else "one_draw"
    for where, values, kept in (("строке", kinds, chosen), ("столбце", kinds.T, chosen.T)):
        if _shared(values, kept) > 0.5:
            raise Found(known, shown=Counterexample("", got=f"в {where} у всех один исход"))


def _halves(length: int) -> tuple[slice, slice]:
    return slice(length // 2), slice(length // 2, None)


def _shared(values, kept) -> float:
    """Доля строк, в которых все значения на отмеченных местах одинаковы, а мест хотя бы два."""
    rows = [v[k] for v, k in zip(values, kept, strict=True) if k.sum() > 1]
    return float(np.mean([len(np.unique(row)) == 1 for row in rows])) if rows else 0.0


def _best_explanation(counts: np.ndarray) -> tuple[str, float]:
    """Самое правдоподобное объяснение и насколько оно опережает следующее с другим именем."""
    scores: dict[str, float] = {}
    for name, rates in EXPLANATIONS:
        score = float(counts @ np.log(np.maximum(rates, FLOOR)))
        scores[name] = max(score, scores.get(name, -np.inf))
    first, second = sorted(scores, key=scores.get)[-1:-3:-1]
    return first, scores[first] - scores[second]


def _judge(best: str, counts, seen, halves) -> Finding | None:
    """Приговор по счётам: counts — исходы, seen — номера случайных, halves — половины строки."""
    shares = counts / counts.sum()
    listed = " / ".join(f"{100 * share:.1f}" for share in shares).replace(".", ",")
    shown = Counterexample(
        f"{counts.sum():.0f} выбранных токенов", "80 / 10 / 10 процентов", f"{listed}",
        "[MASK] / случайный / прежний",
    )  # fmt: skip
    if best and _fits(counts, best):
        return Finding(best, counterexample=shown)
    if not _fits(counts, ""):
        return Finding("wrong_rates", counterexample=shown)
    if not np.delete(seen, WORDS).any():
        got = f"из {len(ORDINARY)} обычных номеров выпадали {np.count_nonzero(seen)}"
        return Finding("from_batch", counterexample=Counterexample("", got=got))
    if seen[ORDINARY[-1]] == 0 or seen[ORDINARY[0]] == 0:
        which = ORDINARY[-1] if seen[ORDINARY[-1]] == 0 else ORDINARY[0]
        return Finding("off_by_one", counterexample=Counterexample(
            f"обычные номера — от {ORDINARY[0]} до {ORDINARY[-1]}",
            got=f"номер {which} не выпал ни разу из {int(seen.sum())}"))  # fmt: skip
    return _order(halves, seen)


def _fits(counts: np.ndarray, name: str) -> bool:
    """Подходят ли счёты под объяснение: хи-квадрат невелик хотя бы для одних из его долей."""
    same = 0.1 / len(ORDINARY) * np.array([0, -1, 1])  # случайный изредка совпадает с прежним
    for explanation, rates in EXPLANATIONS:
        expected = counts.sum() * np.maximum(np.array(rates) + same * (rates[1] > 0), 10 * FLOOR)
        if explanation == name and ((counts - expected) ** 2 / expected).sum() < FAR:
            return True
    return False


def _order(halves, seen) -> Finding | None:
    """Исход не зависит от места в строке, а случайный токен — любой обычный поровну."""
    shares = halves[:, 0] / halves.sum(1)
    spread = np.sqrt(0.16 * (1 / halves.sum(1)).sum())
    if abs(shares[0] - shares[1]) > 6 * spread:
        got = f"[MASK] в левой половине {shares[0]:.0%}, в правой {shares[1]:.0%}"
        return Finding("by_order", counterexample=Counterexample("", "поровну", got))
    used = seen[ORDINARY]
    mean = used.mean()
    if mean > 8 and ((used - mean) ** 2 / mean).sum() > len(used) + 6 * np.sqrt(2 * len(used)) + 20:
        return Finding("not_uniform_tokens")
    return None
