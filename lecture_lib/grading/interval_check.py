"""Проверка задания 09.3: парный бутстреп по источникам — «стало ли лучше?».

Выборки у студента свои, поэтому его концы интервала не обязаны совпасть с нашими: они сравниваются
в долях ширины. Чем интервал плох, видно по тому, к какому из известных неверных он ближе всех.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lecture_lib.grading.answer import Answer
from lecture_lib.grading.cases import Found, require_value
from lecture_lib.grading.outcome import Counterexample
from lecture_lib.grading.report import describe
from lecture_lib.grading.task import Finding, Mistake
from lecture_lib.grading.wire import as_array

TRIALS = 6
DRAWS = 4000  # выборок у проверки: своя случайность концов — около одного процента ширины
TOLERANCE = 0.045  # ширин: настолько могут разойтись концы в среднем; у 90 % вместо 95 — 0,08
NEAR = 0.06  # ширин: настолько ответ близок к известному неверному
SHAKY = 0.2  # ширин: столько промаха объясняет и одна малость выборок
UNSTEADY = 0.05  # с двумя зёрнами концы гуляют на столько — выборок мало
POINT = 1e-6  # разность считается по самим данным, без выборок, и обязана сойтись

INTERVAL_MISTAKES = {
    "by_paragraph": Mistake(
        "Интервал узок: выбраны абзацы, а надо источники. Абзацы одного письма похожи друг на "
        "друга и как отдельные свидетельства не считаются."
    ),
    "unpaired": Mistake(
        "Интервал широк: выборки до и после — разные. Обе модели читали одни и те же абзацы, и "
        "трудность абзаца в разности сокращается, пока пары целы."
    ),
    "unpaired_paragraphs": Mistake(
        "Выборки до и после — разные, да ещё и по абзацам: и пары разорваны, и источники."
    ),
    "each_equal": Mistake(
        "Усреднены меры отдельных абзацев: короткий весит столько же, сколько длинный. В каждой "
        "выборке сумму бит делят на сумму знаков."
    ),
    "sources_equal": Mistake(
        "Усреднены меры источников, и письмо в две строки весит столько же, сколько тетрадь. "
        "В каждой выборке сумму бит делят на сумму знаков."
    ),
    "per_paragraph": Mistake(
        "Биты не поделены на знаки: это разность на абзац, а просили — на знак."
    ),
    "sign": Mistake("Знак перевёрнут: «до минус после», больше нуля — стало лучше."),
    "swapped_ends": Mistake("Концы переставлены: сначала нижний, потом верхний."),
    "ninety": Mistake("Это 90-процентный интервал: для 95 % отрезают по 2,5 % с каждой стороны."),
    "one_sigma": Mistake(
        "Это одно стандартное отклонение выборок, а 95 % — почти два в каждую сторону."
    ),
    "root_again": Mistake(
        "Разброс выборок ещё раз поделён на корень из их числа: он и так говорит об ошибке "
        "разности, а не об одном источнике."
    ),
    "all_draws": Mistake("Взяты крайние из всех выборок, а не 2,5 и 97,5 процента."),
    "spread_of_paragraphs": Mistake(
        "Это разброс отдельных абзацев, а спрашивали, как неточна разность по всем сразу."
    ),
    "not_drawn_back": Mistake(
        "Концы совпали с самой разностью: источники надо тянуть с возвращением, иначе каждая "
        "выборка — те же данные."
    ),
    "half_width": Mistake("Вместо концов вернулась полуширина, а просили сами концы."),
    "mean_of_draws": Mistake(
        "Разность взята как среднее выборок, а просили её по самим данным: выборки нужны только "
        "концам."
    ),
    "few_draws": Mistake(
        "Выборок мало: с двумя зёрнами концы расходятся заметно. Нужно не меньше двух тысяч."
    ),
    "frozen_seed": Mistake(
        "При разных зёрнах концы одни и те же: зерно seed не прочитано или выборок нет."
    ),
    "own_randomness": Mistake("С одним зерном концы каждый раз другие: опыт будет не повторить."),
}


@dataclass(frozen=True)
class Measured:
    """Что измерено: биты абзаца у двух моделей, его знаки и номер источника, по (N,)."""

    before: np.ndarray
    after: np.ndarray
    chars: np.ndarray
    source: np.ndarray

    @property
    def difference(self) -> float:
        """Верная разность, бит на знак."""
        return float((self.before - self.after).sum() / self.chars.sum())

    def arguments(self, seed: int) -> tuple:
        """Входы функции студента."""
        names = [f"письмо {number + 1}" for number in self.source]
        return self.before.tolist(), self.after.tolist(), self.chars.tolist(), names, seed


class Samples:
    """Измеренное и выборки к нему: каждая пара выборок тянется один раз, когда понадобится."""

    def __init__(self, one: Measured, rng: np.random.Generator) -> None:
        self.one, self._rng = one, rng

    @cached_property
    def source(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Номер источника на абзац и две выборки источников."""
        return self._drawn(self.one.source)

    @cached_property
    def paragraph(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """То же, если каждый абзац сам по себе."""
        return self._drawn(np.arange(len(self.one.chars)))

    def _drawn(self, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        count = int(unit.max()) + 1  # выборка — (DRAWS, U): сколько раз вытянута каждая единица
        shares = np.full(count, 1 / count)
        first, second = (self._rng.multinomial(count, shares, DRAWS) for _ in range(2))
        return unit, first.astype(float), second.astype(float)


def make_measured(rng: np.random.Generator) -> Measured:
    """Письма по 1–4 абзаца: трудность и выигрыш у письма общие, у длинных выигрыш меньше."""
    sizes = rng.permutation(np.resize((1, 2, 3, 4), 14))
    source = np.repeat(np.arange(len(sizes)), sizes)
    chars = rng.integers(40, 320, len(source))
    hard = 2.4 + 0.7 * rng.standard_normal(len(sizes))[source]
    gain = 0.12 * rng.standard_normal(len(sizes))[source] + 0.2 - 0.0012 * (chars - 180)
    gain += 0.03 * rng.standard_normal(len(source))
    before = hard + 0.05 * rng.standard_normal(len(source))
    order = rng.permutation(len(source))  # абзацы письма не обязаны стоять подряд
    columns = ((before * chars).round(2), ((before - gain) * chars).round(2), chars, source)
    return Measured(*(column[order] for column in columns))


def check_interval(answer: Answer, rng: np.random.Generator) -> Finding | None:
    """Проверка 09.3: разность точна, концы — там, где у парного бутстрепа по источникам."""
    inputs = [make_measured(rng) for _ in range(TRIALS)]
    seeds = rng.choice(2**31, 2 * TRIALS, replace=False).tolist()
    first = np.array([_ask(answer, one, s) for one, s in zip(inputs, seeds[:TRIALS], strict=True)])
    again = np.array([_ask(answer, one, s) for one, s in zip(inputs, seeds[TRIALS:], strict=True)])
    samples = [Samples(one, rng) for one in inputs]
    name = _mistake(samples, first, again)
    if not name and not np.array_equal(_ask(answer, inputs[0], seeds[0]), first[0]):
        name = "own_randomness"
    return None if name is None else _finding(name, samples, first)


def _ask(answer: Answer, one: Measured, seed: int) -> np.ndarray:
    """(3,): разность, нижний конец, верхний."""
    arguments = one.arguments(seed)
    reply = answer.call(*arguments)
    require_value(reply, arguments)
    found = as_array(reply.value)
    shown = Counterexample(f"абзацев {len(one.chars)}", "три числа", describe(reply.value))
    if found is None:
        raise Found("wrong_type", shown=shown)
    if found.shape != (3,):
        raise Found("wrong_shape", shown=shown)
    if not np.isfinite(found).all():
        raise Found("nan", shown=shown)
    if reply.changed:
        raise Found("mutates", shown=Counterexample("", place="изменён вход"))
    return found.astype(float)


def _mistake(samples: list[Samples], first, again) -> str | None:
    """Имя ошибки, пусто — неизвестна, None — ошибки нет."""
    wanted = _profiles(samples, RIGHT)  # (T, 3)
    width = (wanted[:, 2] - wanted[:, 1])[:, None]  # (T, 1)
    point = np.abs(first[:, 0] - wanted[:, 0])
    if (point <= POINT * (1 + np.abs(wanted[:, 0]))).all():
        if np.abs(first[:, 1:] - first[:, :1]).max() < POINT:
            return "not_drawn_back"
        unsteady = (np.abs(first[:, 1:] - again[:, 1:]) / width).mean()
        known = "few_draws" if unsteady > UNSTEADY else "frozen_seed" if unsteady == 0 else ""
        error = (np.abs(first[:, 1:] - wanted[:, 1:]) / width).mean()
        if error < TOLERANCE or (known == "few_draws" and error < SHAKY):
            return known or None
        return _nearest(samples, first, known)
    if (point < 0.15 * width[:, 0]).all() and not np.array_equal(first[:, 0], again[:, 0]):
        return "mean_of_draws"
    return _nearest(samples, first, "")


def _nearest(samples: list[Samples], found, otherwise: str) -> str:
    """Известная неверная мера, на которую ответ похож; otherwise — ни на одну."""
    distances = {}
    for name, options in PROFILES.items():
        wanted = _profiles(samples, options)
        scale = np.abs(wanted[:, 2] - wanted[:, 1])[:, None] + 1e-12
        distances[name] = (np.abs(found - wanted) / scale).mean()
    best = min(distances, key=distances.get)
    return best if distances[best] < NEAR else otherwise


# Как считать: unit — что тянуть, paired — одна ли выборка у моделей, measure — что усреднять,
# ends — откуда концы, sign и order — как отдать.
RIGHT = dict(unit="source", paired=True, measure="ratio", ends=(2.5, 97.5), sign=1, order="up")
PROFILES = {
    name: RIGHT | options
    for name, options in {
        "by_paragraph": {"unit": "paragraph"},
        "unpaired": {"paired": False},
        "unpaired_paragraphs": {"unit": "paragraph", "paired": False},
        "each_equal": {"measure": "each"},
        "sources_equal": {"measure": "sources"},
        "per_paragraph": {"measure": "count"},
        "sign": {"sign": -1},
        "swapped_ends": {"order": "down"},
        "ninety": {"ends": (5, 95)},
        "one_sigma": {"ends": "sigma"},
        "root_again": {"ends": "root"},
        "all_draws": {"ends": (0.05, 99.95)},
        "spread_of_paragraphs": {"ends": "paragraphs"},
        "half_width": {"order": "half"},
    }.items()
}


def _profiles(samples: list[Samples], how: dict) -> np.ndarray:
    """(T, 3): разность и концы, посчитанные так, как велит how, — по каждому входу."""
    return np.array([profile(one, how) for one in samples])


def profile(samples: Samples, how: dict) -> tuple[float, float, float]:
    """Разность и концы одного входа."""
    unit, drawn, second = getattr(samples, how["unit"])
    other = drawn if how["paired"] else second
    ones = np.ones((1, drawn.shape[1]))
    one, sign, measure = samples.one, how["sign"], how["measure"]
    values = sign * _measured(one, drawn, other, unit, measure)
    point = sign * float(_measured(one, ones, ones, unit, measure)[0])
    low, high = _ends(one, values, point, how["ends"])
    if how["order"] == "half":
        return point, (low - high) / 2, (high - low) / 2
    return (point, low, high) if how["order"] == "up" else (point, high, low)


def _measured(one: Measured, drawn, other, unit, measure: str) -> np.ndarray:
    """Мера «до минус после» в каждой выборке: до — по drawn, после — по other."""
    return _mean(one.before, one, drawn, unit, measure) - _mean(
        one.after, one, other, unit, measure
    )


def _mean(bits: np.ndarray, one: Measured, drawn, unit, measure: str) -> np.ndarray:
    """Средние биты в выборках: на знак всех сразу, абзаца, источника или просто на абзац."""
    count = drawn.shape[1]
    if measure == "sources":  # каждый источник — одно число
        own = np.bincount(unit, bits, count) / np.bincount(unit, one.chars, count)
        return drawn @ own / count
    above, below = {
        "ratio": (bits, one.chars),
        "each": (bits / one.chars, np.ones(len(bits))),
        "count": (bits, np.ones(len(bits))),
    }[measure]
    return drawn @ np.bincount(unit, above, count) / (drawn @ np.bincount(unit, below, count))


def _ends(one: Measured, values: np.ndarray, point: float, ends) -> tuple[float, float]:
    """Концы интервала по выборкам."""
    if isinstance(ends, tuple):
        low, high = np.percentile(values, ends)
        return float(low), float(high)
    half = {
        "sigma": values.std(),
        "root": 1.96 * values.std() / np.sqrt(len(values)),
        "paragraphs": 1.96 * ((one.before - one.after) / one.chars).std(),
    }[ends]
    return point - half, point + half


def _finding(name: str, samples: list[Samples], found) -> Finding:
    """Контрпример: вход, где концы дальше всего от верных."""
    wanted = _profiles(samples, RIGHT)
    place = int(np.abs(found - wanted).sum(1).argmax())
    one = samples[place].one
    shown = Counterexample(
        f"источников {len(np.unique(one.source))}, абзацев {len(one.chars)}",
        "разность {:.4f}, интервал около {:.3f} … {:.3f}".format(*wanted[place]),
        "разность {:.4f}, интервал {:.3f} … {:.3f}".format(*found[place]),
    )
    says = "" if name else "Интервал не там, где у парного бутстрепа по источникам."
    return Finding(name, says, shown)
