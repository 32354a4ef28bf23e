"""Проверка задания 07.5: опыт студента находит, чего стоит каждая часть рецепта.

Сколько теряет рецепт без каждой части, здесь известно; студент узнаёт это запусками, в которых
есть случайность. Оценка сверяется с допуском, а чем она плоха, видно по числам и по журналу
запусков: какие рецепты и зёрна он сравнил.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lecture_lib.grading.answer import Answer
from lecture_lib.grading.cases import Found, require_value
from lecture_lib.grading.given import lab_quality, recipe_lab
from lecture_lib.grading.outcome import Counterexample
from lecture_lib.grading.report import describe
from lecture_lib.grading.task import Finding, Mistake
from lecture_lib.grading.wire import Given, as_array

TOLERANCE = 2.0  # пунктов; отклонение оценки — 0,32 у двадцати парных запусков, 0,5 у восьми
ENOUGH_SEEDS = 8
CLOSE, FAR = 0.15, 0.3  # доля ошибки, с которой числа похожи на известный промах: FAR — у малых n
PARTS = ("мягкие цели", "MLM", "косинус", "начало со слоёв учителя")

ABLATION_MISTAKES = {
    "one_seed": Mistake(
        "Вывод сделан по одному зерну: одиночный запуск гуляет на пункт и больше. Повторите "
        "сравнение с разными зёрнами и усредните разности."
    ),
    "few_seeds": Mistake(
        "Зёрен мало: ошибка средней разности падает как 1/√n, и с такими числами она ещё велика."
    ),
    "unpaired": Mistake(
        "Полный рецепт и рецепт без части запущены с разными зёрнами: удача зерна общая для всех "
        "рецептов и в разности сократилась бы, а так она осталась."
    ),
    "adds_one": Mistake(
        "Часть добавлена к пустому рецепту, а спрашивали, чего лишится полный. Части действуют "
        "вместе, и это разные числа."
    ),
    "only_one_left": Mistake(
        "Полный рецепт сравнён с рецептом из одной этой части: убраны все остальные."
    ),
    "removed_in_turn": Mistake(
        "Части убирались одна за другой и не возвращались: каждая после первой сравнена уже с "
        "неполным рецептом."
    ),
    "against_nothing": Mistake(
        "Рецепт без части сравнён с пустым, а надо — с полным."
    ),
    "sign": Mistake("Знак перевёрнут: потеря — это «полный минус рецепт без части»."),
    "absolute": Mistake("Взят модуль: если без части рецепт лучше, потеря отрицательна."),
    "quality": Mistake("Вернулось качество рецепта без части, а просили, сколько потеряно."),
    "relative": Mistake("Это доля от качества, а просили пункты."),
    "percent": Mistake("Это проценты от качества, а просили пункты."),
    "sum": Mistake("Разности сложены по зёрнам, а их надо усреднить."),
    "best_run": Mistake(
        "Сравнены лучшие запуски, а лучший — это удача: сравнивают средние."
    ),
    "no_runs": Mistake("Ни одного запуска: числа взяты не из опыта."),
    "wrong_keys": Mistake("В словаре должны быть ровно те части, что даны в parts."),
}  # fmt: skip


@dataclass
class Trial:
    """Один вызов: рецепт с известными потерями, журнал запусков и ответ."""

    parts: list[str]
    effects: dict[str, float]
    pairs: dict[str, float]
    key: int
    calls: list = field(default_factory=list)
    answer: dict[str, float] = field(default_factory=dict)

    @property
    def arguments(self) -> tuple:
        """Входы функции студента."""
        lab = Given("recipe_lab", (self.key, self.effects, self.pairs, self.calls))
        return lab, list(self.parts)

    def quality(self, *parts: str) -> float:
        """Качество рецепта без случайности."""
        return lab_quality(parts, self.effects, self.pairs)

    def without(self, *dropped: str) -> float:
        """Качество рецепта, из которого убраны dropped."""
        return self.quality(*(part for part in self.parts if part not in dropped))

    @property
    def losses(self) -> dict[str, float]:
        """Верный ответ."""
        return {part: self.without() - self.without(part) for part in self.parts}

    @property
    def worst(self) -> str:
        """Часть, в которой оценка ошиблась больше всего."""
        return max(self.parts, key=lambda part: abs(self.answer[part] - self.losses[part]))

    @property
    def is_right(self) -> bool:
        """Все ли оценки в пределах допуска."""
        return abs(self.answer[self.worst] - self.losses[self.worst]) <= TOLERANCE


def check_ablation(answer: Answer, rng: np.random.Generator) -> Finding | None:
    """Проверка 07.5: оценки близки к настоящим потерям, и запусков для этого довольно."""
    trials = [_asked(answer, _trial(rng, count)) for count in (2, 3, 4, 4)]
    wrong = [trial for trial in trials if not trial.is_right]
    known = _mistake(trials, bool(wrong))
    if not wrong and not known:
        return None
    trial = (wrong or trials)[0]
    part = trial.worst
    return Finding(
        known,
        "" if known else "Оценка потери дальше от настоящей, чем допускает условие.",
        Counterexample(
            f"рецепт {', '.join(trial.parts)}",
            f"без «{part}» теряется {trial.losses[part]:.1f} ± {TOLERANCE}",
            f"{trial.answer[part]:.2f}",
            f"запусков {len(trial.calls)}, зёрен {len(_seeds(trial))}",
        ),
    )


def _trial(rng: np.random.Generator, count: int) -> Trial:
    """Рецепт, в котором части действуют вместе: порознь, по очереди и в полном — разные числа."""
    parts = [str(part) for part in rng.permutation(PARTS)[:count]]
    effects = {part: float(rng.uniform(2, 6)) for part in parts}
    pairs = {
        f"{a}+{b}": float(rng.uniform(2.5, 4) * rng.choice((-1, 1)))
        for i, a in enumerate(parts)
        for b in parts[i + 1 :]
    }
    trial = Trial(parts, effects, pairs, int(rng.integers(1, 2**31)))
    apart = [abs(loss - effects[part]) for part, loss in trial.losses.items()]
    signs = [abs(loss) for loss in trial.losses.values()]
    is_seen = min(apart) > 2.7 and min(signs) > 1.2  # промахи дальше допуска
    if count == len(PARTS):  # и хоть без одной части рецепт лучше
        is_seen = is_seen and min(trial.losses.values()) < -2
    return trial if is_seen else _trial(rng, count)


def _asked(answer: Answer, trial: Trial) -> Trial:
    """Вызов с проверкой вида ответа."""
    reply = answer.call(*trial.arguments)
    require_value(reply, trial.arguments)
    shown = Counterexample(f"parts = {trial.parts}", got=describe(reply.value))
    if not isinstance(reply.value, Mapping):
        raise Found("wrong_type", "Нужен словарь: часть рецепта — сколько без неё теряется.", shown)
    if set(reply.value) != set(trial.parts):
        raise Found("wrong_keys", shown=shown)
    if reply.changed:  # убрать часть и вернуть на место можно: список у вызывающего прежний
        raise Found(
            "mutates", shown=Counterexample(f"parts = {trial.parts}", place="изменён parts")
        )
    trial.answer = {part: _number(value, shown) for part, value in reply.value.items()}
    return trial


def _number(value: Any, shown: Counterexample) -> float:
    array = as_array(value)
    if array is None or array.size != 1 or not np.isfinite(array).all():
        raise Found("wrong_type", "Потеря каждой части — одно конечное число.", shown)
    return float(array.reshape(()))


def _seeds(trial: Trial) -> set[int]:
    return {seed for _, seed in trial.calls}


def _mistake(trials: list[Trial], is_wrong: bool) -> str:
    """Чем плох опыт: сперва видное по журналу, потом узнанное по числам."""
    if not all(trial.calls for trial in trials):
        return "no_runs"
    if all(len(_seeds(trial)) > 1 for trial in trials) and _is_best_run(trials):
        return "best_run"
    if all(map(_is_unpaired, trials)) and (is_wrong or all(map(_has_stray_seed, trials))):
        return "unpaired"
    if is_wrong and (name := _by_numbers(trials)):
        return name
    if all(len(_seeds(trial)) == 1 for trial in trials):
        return "one_seed"
    fewest = min(len(_runs(trial)[part]) for trial in trials for part in trial.parts)
    if fewest < ENOUGH_SEEDS:
        return "one_seed" if fewest == 1 else "few_seeds"
    return ""


def _runs(trial: Trial) -> dict[str, set[int]]:
    """Зёрна, с которыми запущен рецепт без каждой части; ни одного такого — пустое множество."""
    runs: dict[str, set[int]] = {part: set() for part in trial.parts}
    for chosen, seed in trial.calls:
        dropped = set(trial.parts) - set(chosen)
        if len(dropped) == 1:
            runs[dropped.pop()].add(seed)
    return runs


def _is_unpaired(trial: Trial) -> bool:
    """Есть ли часть, у которой зёрна полного рецепта и рецепта без неё не те же."""
    full = {seed for chosen, seed in trial.calls if len(chosen) == len(trial.parts)}
    return any(full and seeds and full != seeds for seeds in _runs(trial).values())


def _has_stray_seed(trial: Trial) -> bool:
    """Есть ли у рецепта без части зерно, с которым полного не запускали."""
    full = {seed for chosen, seed in trial.calls if len(chosen) == len(trial.parts)}
    return any(seeds - full for seeds in _runs(trial).values())


def _by_numbers(trials: list[Trial]) -> str:
    """Промах, на который числа похожи больше всего, если похожи."""
    errors = {name: _error(trials, profile) for name, profile in _PROFILES.items()}
    errors["removed_in_turn"] = min(errors["removed_in_turn"], errors.pop("removed_back"))
    best = min(errors, key=errors.get)
    few = max(len(_seeds(trial)) for trial in trials) < ENOUGH_SEEDS
    close = errors[best] < (FAR if few else CLOSE)
    return best if close and errors[best] < _error(trials, _losses) else ""


def _losses(trial: Trial) -> dict[str, float]:
    return trial.losses


def _in_turn(trial: Trial, parts: list[str]) -> dict[str, float]:
    """Потери, если части убирать одну за другой."""
    return {
        part: trial.without(*parts[:place]) - trial.without(*parts[: place + 1])
        for place, part in enumerate(parts)
    }


def _each(rule) -> Any:
    return lambda trial: {part: rule(trial, part) for part in trial.parts}


_PROFILES = {
    "adds_one": _each(lambda t, p: t.quality(p) - t.quality()),
    "only_one_left": _each(lambda t, p: t.without() - t.quality(p)),
    "removed_in_turn": lambda t: _in_turn(t, t.parts),
    "removed_back": lambda t: _in_turn(t, t.parts[::-1]),
    "against_nothing": _each(lambda t, p: t.without(p) - t.quality()),
    "sign": _each(lambda t, p: -t.losses[p]),
    "absolute": _each(lambda t, p: abs(t.losses[p])),
    "quality": _each(lambda t, p: t.without(p)),
    "relative": _each(lambda t, p: t.losses[p] / t.without()),
    "percent": _each(lambda t, p: 100 * t.losses[p] / t.without()),
    "sum": _each(lambda t, p: len(_runs(t)[p]) * t.losses[p]),
}


def _error(trials: list[Trial], profile) -> float:
    """Средняя ошибка ответа, если бы верным был profile, — в долях среднего значения profile."""
    pairs = [(t.answer[part], value) for t in trials for part, value in profile(t).items()]
    given, wanted = np.array(pairs).T
    return float(np.abs(given - wanted).mean() / np.abs(wanted).mean())


def _is_best_run(trials: list[Trial]) -> bool:
    """Равен ли ответ разности лучших запусков."""
    for trial in trials:
        best = _best_runs(trial)
        for part in trial.parts:
            gap = best.get((), np.inf) - best.get((part,), 0.0) - trial.answer[part]
            if abs(gap) > 1e-6:
                return False
    return True


def _best_runs(trial: Trial) -> dict[tuple[str, ...], float]:
    """Лучшее качество каждого запущенного рецепта; ключ — чего в нём нет."""
    train = recipe_lab(trial.key, trial.effects, trial.pairs, [])
    best: dict[tuple[str, ...], float] = {}
    for chosen, seed in trial.calls:
        dropped = tuple(part for part in trial.parts if part not in chosen)
        best[dropped] = max(best.get(dropped, -np.inf), train(chosen, seed))
    return best
