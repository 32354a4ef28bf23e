"""Проверка задания 02.1: ровно round(p·n) случайных токенов в каждой строке, но не меньше одного.

Ответ случаен, поэтому сверять его не с чем: проверяются свойства. Те, что обязаны выполняться
всегда, — на каждом вызове; равномерность — статистикой с порогом в шесть отклонений.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lecture_lib.grading.answer import Answer
from lecture_lib.grading.cases import Found, require_value
from lecture_lib.grading.outcome import Counterexample
from lecture_lib.grading.report import describe
from lecture_lib.grading.task import Finding, Mistake
from lecture_lib.grading.wire import Seed, as_array

PAD, CLS, SEP, MASK = 0, 1, 2, 3  # какой по счёту номер в special_ids что значит
NAMES = ("[PAD]", "[CLS]", "[SEP]", "[MASK]")
SIGMAS = 6.0

CHOICE_MISTAKES = {
    "special_chosen": Mistake("Выбраны служебные токены: [CLS] и [SEP] не предсказывают."),
    "padding_chosen": Mistake("Выбрано дополнение: [PAD] — не слово, учиться на нём нечему."),
    "hardcoded_ids": Mistake(
        "Номера служебных вписаны в код числами. Они приходят во входе special_ids и бывают любыми."
    ),
    "independent": Mistake(
        "Число выбранных пляшет: похоже, у каждого токена своя монета. "
        "Здесь просили ровно round(p·n) в каждой строке."
    ),
    "no_minimum": Mistake("В короткой строке не выбрано ничего, а нужен хотя бы один токен."),
    "rounds_down": Mistake("p·n обрезано до целого, а просили округлить до ближайшего."),
    "rounds_up": Mistake("p·n округлено вверх, а просили до ближайшего."),
    "one_more": Mistake(
        "Выбрано на один токен больше: мест в очереди с нулевого по k-е — уже k + 1."
    ),
    "fixed_share": Mistake(
        "Доля вписана в код числом 0,15, а она приходит во входе probability и бывает другой."
    ),
    "nothing": Mistake("Не выбрано ни одного токена."),
    "counts_special": Mistake(
        "Доля взята от всей строки, со служебными и дополнением, а не от обычных токенов."
    ),
    "whole_batch": Mistake("Доля выдержана на весь батч, а в отдельных строках — нет."),
    "repeats": Mistake(
        "Выбрано меньше, чем просили: либо места тянутся с возвращением и повторяются, либо "
        "argsort взят один раз (место в очереди даёт второй) и часть мест пришлась на служебные."
    ),
    "frozen_seed": Mistake(
        "При разных генераторах — один и тот же выбор: зерно заморожено внутри функции."
    ),
    "own_randomness": Mistake(
        "При одном и том же зерне выбор разный: случайность берётся не из generator."
    ),
    "not_random": Mistake("Выбор не случаен: каждый раз первые (или последние) токены строки."),
    "same_rows": Mistake("Во всех строках батча выбраны одни и те же места: жребий был один."),
    "not_uniform": Mistake("Одни места выбираются чаще других, а должны — поровну."),
    "contiguous": Mistake("Выбранные токены стоят подряд: это отрезок, а не независимые места."),
    "spread_out": Mistake(
        "Выбранные токены почти не стоят рядом: между ними держится расстояние, а места должны "
        "быть независимы."
    ),
    "returns_indices": Mistake("Вернулись номера, а просили отметки: (B, S), True — выбран."),
}


@dataclass(frozen=True)
class Trial:
    """Один вызов: номера, служебные, доля, зерно и — после вызова — выбранные места.

    drawn — сколько чисел из генератора уже взято.
    """

    ids: np.ndarray
    special: np.ndarray
    probability: float
    seed: int
    chosen: np.ndarray | None = None
    drawn: int = 0

    @property
    def ordinary(self) -> np.ndarray:
        """(B, S) bool: обычные токены."""
        return ~np.isin(self.ids, self.special)

    @property
    def quota(self) -> np.ndarray:
        """(B,) сколько выбрать в каждой строке."""
        count = self.ordinary.sum(1)
        wanted = np.maximum(1, np.floor(self.probability * count + 0.5).astype(int))
        return np.minimum(wanted, count)

    @property
    def arguments(self) -> tuple:
        """Входы функции студента."""
        return self.ids, self.special, self.probability, Seed(self.seed, self.drawn)


def build(rng: np.random.Generator, rows: int, length: int, special, probability=0.15,
          inner=()) -> Trial:  # fmt: skip
    """Строки [CLS] … [SEP] [PAD]…: у каждой своя длина; доля p·n не попадает на половину.

    В чётных строках p·n округляется вниз, в нечётных — вверх. inner — какие служебные стоят ещё и
    посреди строки.
    """
    ids = np.full((rows, length), special[PAD], dtype=np.int64)
    free = np.setdiff1d(np.arange(300), special)
    counts = np.arange(length // 2, length - 1 - len(inner))
    rest = (probability * counts) % 1
    sides = counts[(rest > 0.02) & (rest < 0.48)], counts[rest > 0.52]
    for number, row in enumerate(ids):
        count = int(rng.choice(sides[number % 2]))
        words = np.insert(rng.choice(free, count), count // 2, [special[i] for i in inner])
        row[: len(words) + 2] = [special[CLS], *words, special[SEP]]
    return Trial(ids, np.array(special), probability, int(rng.integers(1, 2**31)))


def check_choice(answer: Answer, rng: np.random.Generator) -> Finding | None:
    """Первая нарушенная обязанность или None."""
    usual, other = (0, 2, 3, 4), tuple(int(i) for i in rng.choice(np.arange(20, 300), 4, False))
    trials = [_ask(answer, trial) for special in (usual, other) for trial in _trials(rng, special)]
    for duty in (_special_untouched, _quota_kept):  # сперва что выбрано, потом сколько
        for trial in trials:
            if finding := duty(trial, trials):
                return finding
    return _randomness(answer, trials, rng)


def _trials(rng: np.random.Generator, special) -> list[Trial]:
    small = build(rng, 1, 12, special, 0.3)
    return [
        small,
        replace(small, seed=small.seed + 1),
        build(rng, 3, 40, special, inner=(SEP,)),
        build(rng, 4, 24, special, 0.4, inner=(SEP, MASK)),
        build(rng, 5, 6, special, 0.15),  # короткие строки: без «не меньше одного» выходит ноль
    ]


def _ask(answer: Answer, trial: Trial) -> Trial:
    """Вызов с проверкой вида ответа."""
    reply = answer.call(*trial.arguments)
    require_value(reply, trial.arguments)
    found = as_array(reply.value)
    if found is None or found.shape != trial.ids.shape or not np.isin(found, (0, 1)).all():
        known = "returns_indices" if _looks_like_indices(found, trial) else "wrong_shape"
        shown = Counterexample(
            describe(trial.ids), f"(B, S) bool, форма {trial.ids.shape}", describe(reply.value)
        )
        raise Found(known, shown=shown)
    if reply.changed:
        raise Found("mutates", shown=Counterexample(describe(trial.ids), place="изменён вход"))
    return replace(trial, chosen=found.astype(bool))


def _looks_like_indices(found: np.ndarray | None, trial: Trial) -> bool:
    """Номера мест или сами номера токенов вместо отметок."""
    if found is None:
        return True
    return found.size > 0 and found.ndim <= 2 and not np.isin(found, (0, 1)).all()


def _quota_kept(trial: Trial, trials: list[Trial]) -> Finding | None:
    """В каждой строке выбрано ровно сколько просили."""
    if (trial.chosen.sum(1) == trial.quota).all():
        return None
    row = int(np.argmax(trial.chosen.sum(1) != trial.quota))
    shown = Counterexample(
        f"строка {describe(trial.ids[row])}, p = {trial.probability}",
        f"выбрано {trial.quota[row]} из {trial.ordinary[row].sum()} обычных",
        f"выбрано {trial.chosen[row].sum()}",
        f"батч {row}",
    )
    return Finding(_count_mistake(trials), counterexample=shown)


def _special_untouched(trial: Trial, trials: list[Trial]) -> Finding | None:
    """Служебные и дополнение не выбраны."""
    wrong = np.argwhere(trial.chosen & ~trial.ordinary)
    if not len(wrong):
        return None
    row, place = (int(i) for i in wrong[0])
    kind = NAMES[int(np.argmax(trial.special == trial.ids[row, place]))]
    spoiled = [t for t in trials if (t.chosen & ~t.ordinary).any()]
    only_unusual = all(t.special[1] > 4 for t in spoiled)
    kinds = {int(i) for t in spoiled for i in np.flatnonzero(np.isin(t.special, t.ids[t.chosen]))}
    if only_unusual:
        known = "hardcoded_ids"
    elif kinds == {PAD}:
        known = "padding_chosen"
    else:
        known = "special_chosen"
    shown = Counterexample(
        f"строка {describe(trial.ids[row])}, служебные {trial.special.tolist()}",
        place=f"батч {row}, позиция {place}: это {kind}, его выбирать нельзя",
    )
    return Finding(known, counterexample=shown)


def _near(value):
    return np.floor(value + 0.5).astype(int)


# Правила, по которым выбрано не столько: p — доля, n — (B,) обычных токенов, s — мест в строке,
# f — (B,) занятых мест, вместе со служебными.
RULES = (
    ("no_minimum", lambda p, n, s, f: _near(p * n)),
    ("rounds_down", lambda p, n, s, f: np.maximum(1, np.floor(p * n).astype(int))),
    ("rounds_down", lambda p, n, s, f: np.floor(p * n).astype(int)),
    ("one_more", lambda p, n, s, f: np.maximum(1, _near(p * n)) + 1),
    ("fixed_share", lambda p, n, s, f: np.maximum(1, _near(0.15 * n))),
    ("rounds_up", lambda p, n, s, f: np.ceil(p * n).astype(int)),
    ("counts_special", lambda p, n, s, f: np.maximum(1, _near(p * s + 0 * n))),
    ("counts_special", lambda p, n, s, f: _near(p * s + 0 * n)),
    ("counts_special", lambda p, n, s, f: np.maximum(1, _near(p * f))),
    ("counts_special", lambda p, n, s, f: _near(p * f)),
    ("counts_special", lambda p, n, s, f: np.maximum(1, _near(p * (f - 2)))),
)


def _full(trial: Trial) -> np.ndarray:
    """(B,) мест, где не дополнение."""
    return (trial.ids != trial.special[PAD]).sum(1)


def _count_mistake(trials: list[Trial]) -> str:
    """По какому правилу получилось столько, сколько получилось."""
    if not any(t.chosen.any() for t in trials):
        return "nothing"
    counts = [(t, t.chosen.sum(1), t.ordinary.sum(1)) for t in trials]
    for name, rule in RULES:
        wanted = [np.minimum(rule(t.probability, n, t.ids.shape[1], _full(t)), n)
                  for t, _, n in counts]  # fmt: skip
        if all(np.array_equal(w, c) for w, (_, c, _) in zip(wanted, counts, strict=True)):
            return name
    if all(abs(c.sum() - max(1, _near(t.probability * n.sum()))) <= 1 for t, c, n in counts):
        return "whole_batch"
    return "repeats" if all((c <= t.quota).all() for t, c, _ in counts) else "independent"


def _randomness(answer: Answer, trials: list[Trial], rng: np.random.Generator) -> Finding | None:
    """Случаен ли выбор: зависит от зерна и только от него, равномерен, не отрезками."""
    base = trials[2]
    same = _ask(answer, base)
    shown = Counterexample(f"{describe(base.ids)}, зерно {base.seed}")
    if not np.array_equal(same.chosen, base.chosen):
        return Finding("own_randomness", counterexample=shown)
    ids = np.repeat(build(rng, 1, 24, (0, 2, 3, 4), 0.15).ids, 200, axis=0)
    wide = [
        _ask(answer, Trial(ids, base.special * 0 + np.array((0, 2, 3, 4)), 0.15, seed))
        for seed in rng.integers(1, 2**31, 5).tolist()
    ]
    if all(np.array_equal(t.chosen, wide[0].chosen) for t in wide[1:]):
        known = "not_random" if (wide[0].chosen == wide[0].chosen[0]).all() else "frozen_seed"
        if known == "not_random" and not _is_edge(wide[0]):
            known = "frozen_seed"
        return Finding(known, counterexample=Counterexample(describe(wide[0].ids)))
    if np.array_equal(_ask(answer, replace(base, drawn=1000)).chosen, base.chosen):
        return Finding("initial_seed", counterexample=shown)
    return _distribution(wide)


def _is_edge(trial: Trial) -> bool:
    """Выбраны первые или последние обычные токены подряд."""
    places = np.flatnonzero(trial.chosen[0])
    ordinary = np.flatnonzero(trial.ordinary[0])
    count = len(places)
    return np.array_equal(places, ordinary[:count]) or np.array_equal(places, ordinary[-count:])


def _distribution(wide: list[Trial]) -> Finding | None:
    if all((t.chosen == t.chosen[0]).all() for t in wide):
        return Finding("same_rows", counterexample=Counterexample(describe(wide[0].ids)))
    chosen = np.concatenate([t.chosen for t in wide])[:, wide[0].ordinary[0]]  # (1000, n)
    count, share = chosen.sum(0), chosen.mean()
    spread = np.sqrt(len(chosen) * share * (1 - share))
    farthest = int(np.argmax(np.abs(count - len(chosen) * share)))
    if abs(count[farthest] - len(chosen) * share) > SIGMAS * spread:
        place = f"обычный токен {farthest}: выбран {count[farthest]} раз из {len(chosen)}"
        wanted = f"около {len(chosen) * share:.0f}"
        return Finding("not_uniform", counterexample=Counterexample("", wanted, place))
    k, n = int(chosen[0].sum()), chosen.shape[1]
    together = (chosen[:, 1:] & chosen[:, :-1]).sum()
    expected = len(chosen) * (n - 1) * k * (k - 1) / (n * (n - 1))
    if k > 1 and abs(together - expected) > SIGMAS * np.sqrt(expected) + 1:
        place = f"соседей выбрано {together} пар, а ждали около {expected:.0f}"
        known = "contiguous" if together > expected else "spread_out"
        return Finding(known, counterexample=Counterexample("", got=place))
    return None
