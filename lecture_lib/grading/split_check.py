"""Проверка задания 09.1: деление текста на обучение и отложенное без утечек.

Ответ случаен, поэтому проверяются свойства: источник и его копии — по одну сторону, отложено
столько, сколько просили, выбор решает зерно, и только оно.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lecture_lib.grading.answer import Answer
from lecture_lib.grading.cases import Found, require_value
from lecture_lib.grading.outcome import Counterexample
from lecture_lib.grading.report import describe
from lecture_lib.grading.split_cases import (
    CHAIN,
    EXACT,
    FIVE,
    NEAR,
    Letters,
    Link,
    linked_letters,
    polite_letters,
    uneven_letters,
)
from lecture_lib.grading.task import Finding, Mistake
from lecture_lib.grading.wire import as_array

SPLIT_MISTAKES = {
    "by_paragraph": Mistake(
        "Абзацы одного источника попали по обе стороны: модель проверят на письме, половину "
        "которого она прочла. Разбирайте источниками, а не абзацами."
    ),
    "ignores_copies": Mistake(
        "Один и тот же абзац есть и в обучении, и в отложенном: источники с общим абзацем надо "
        "держать вместе."
    ),
    "near_copies": Mistake(
        "Копии ищутся знак в знак, а цитату перепечатывают: регистр, знаки, пробелы и «ё» "
        "различием не считаются."
    ),
    "case_matters": Mistake("Копия, набранная в другом регистре, не узнана и утекла."),
    "marks_matter": Mistake(
        "Копия с другими знаками препинания не узнана: уберите знаки, а потом лишние пробелы, "
        "которые от них остались."
    ),
    "yo_matters": Mistake("Копия, где вместо «ё» стоит «е», не узнана и утекла."),
    "spaces_matter": Mistake("Копия с другими пробелами и переносами строк не узнана."),
    "not_transitive": Mistake(
        "Связь через третьего потеряна: А цитирует Б, Б — В, значит, А и В — одна связка, хотя "
        "общего абзаца у них нет."
    ),
    "short_links": Mistake(
        "Приветствия и прощания связали почти все письма в одно. Абзац короче пяти слов не "
        "связывает никого."
    ),
    "five_words": Mistake(
        "Копия ровно из пяти слов не узнана: не связывают абзацы короче пяти слов, а пять — уже "
        "не короче."
    ),
    "all_one_side": Mistake("Одна из частей пуста: учить или проверять не на чем."),
    "inverted": Mistake("Перевёрнуто: True — это отложено, а отложено почти всё."),
    "share_of_sources": Mistake(
        "Доля отсчитана в источниках, а просили в абзацах: письма бывают разной длины."
    ),
    "independent": Mistake(
        "Размер отложенной части пляшет: похоже, у каждого источника своя монета."
    ),
    "wrong_size": Mistake(
        "Отложено не столько: промах больше самой большой связки."
    ),
    "tail": Mistake(
        "Отложен один кусок подряд, как бы ни спросили: начало и конец текста — о разном, а выбор "
        "должен быть случайным."
    ),
    "frozen_seed": Mistake("При разных зёрнах — одно и то же деление: зерно seed не прочитано."),
    "own_randomness": Mistake(
        "С одним зерном деление каждый раз другое: опыт будет не повторить."
    ),
    "returns_indices": Mistake(
        "Вернулись номера, а просили отметку на каждый абзац: True — отложен."
    ),
    "returns_pieces": Mistake(
        "Вернулись сами абзацы или источники, а просили отметку на каждый абзац: True — отложен."
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """Один вызов: переписка, доля, зерно и ответ — (N,) bool."""

    letters: Letters
    share: float
    seed: int
    held: np.ndarray

    @property
    def target(self) -> float:
        """Сколько абзацев надо отложить."""
        return self.share * len(self.letters.pieces)

    @property
    def is_right_size(self) -> bool:
        """Не больше ли промах, чем самая большая связка."""
        return abs(int(self.held.sum()) - self.target) <= self.letters.largest

    @property
    def sources_held(self) -> int:
        """Сколько источников отложено."""
        return len(np.unique(self.letters.sources[self.held]))


def check_split(answer: Answer, rng: np.random.Generator) -> Finding | None:
    """Первая нарушенная обязанность или None."""
    uneven = _asked(answer, uneven_letters(rng), 1 / 3, rng, 16)
    linked = _asked(answer, linked_letters(rng), 0.4, rng, 8)
    polite = _asked(answer, polite_letters(rng), 0.3, rng, 4)
    return (
        _torn_source(uneven)
        or _repeats(answer, uneven[0])
        or _size(uneven)
        or _depends_on_seed(uneven)
        or _torn_source([*linked, *polite])
        or _torn_links(linked)
        or _short_links(polite)
        or _size(linked)
    )


def _asked(
    answer: Answer, letters: Letters, share: float, rng: np.random.Generator, count: int
) -> list[Trial]:
    seeds = rng.choice(2**31, count, replace=False).tolist()
    return [_ask(answer, letters, share, seed) for seed in seeds]


def _ask(answer: Answer, letters: Letters, share: float, seed: int) -> Trial:
    """Вызов с проверкой вида ответа."""
    arguments = ([list(piece) for piece in letters.pieces], share, seed)
    reply = answer.call(*arguments)
    require_value(reply, arguments)
    count = len(letters.pieces)
    shown = Counterexample(f"абзацев {count}", f"{count} отметок", describe(reply.value))
    if reply.changed:
        raise Found("mutates", shown=Counterexample(f"абзацев {count}", place="изменён pieces"))
    found = as_array(reply.value)
    if found is None:
        raise Found("returns_pieces" if isinstance(reply.value, list) else "wrong_type", "", shown)
    if found.shape != (count,) or not np.isin(found, (0, 1)).all():
        is_numbers = found.ndim == 1 and found.dtype.kind in "iu"
        raise Found("returns_indices" if is_numbers else "wrong_shape", shown=shown)
    return Trial(letters, share, seed, found.astype(bool))


def _torn_source(trials: list[Trial]) -> Finding | None:
    """Источник цел."""
    for trial in trials:
        for number in np.unique(trial.letters.sources):
            places = np.flatnonzero(trial.letters.sources == number)
            if len(set(trial.held[places].tolist())) > 1:
                out, kept = (places[trial.held[places] == side][0] for side in (True, False))
                return _broken("by_paragraph", trial, out, kept)
    return None


def _broken(name: str, trial: Trial, first: int, second: int) -> Finding:
    """Два абзаца, которые разняли."""
    place = f"отложено: {trial.held[first]} и {trial.held[second]}, зерно {trial.seed}"
    pair = [": ".join(trial.letters.pieces[number]) for number in (first, second)]
    shown = Counterexample(" | ".join(pair), "по одну сторону", "по разные", place)
    return Finding(name, counterexample=shown)


def _repeats(answer: Answer, trial: Trial) -> Finding | None:
    """Одно зерно — один ответ."""
    again = _ask(answer, trial.letters, trial.share, trial.seed)
    if np.array_equal(again.held, trial.held):
        return None
    return Finding("own_randomness", counterexample=Counterexample(f"дважды зерно {trial.seed}"))


def _size(trials: list[Trial]) -> Finding | None:
    """Отложено столько, сколько просили; одно и то же число источников — тоже промах."""
    wrong = [trial for trial in trials if not trial.is_right_size]
    name = _size_mistake(trials)
    if not wrong and name != "share_of_sources":
        return None
    trial = (wrong or trials)[0]
    shown = Counterexample(
        f"абзацев {len(trial.letters.pieces)}, share = {trial.share:.2g}, зерно {trial.seed}",
        f"отложено {trial.target:.0f} ± {trial.letters.largest}",
        f"отложено {trial.held.sum()}, источников — {trial.sources_held}",
    )
    return Finding(name, counterexample=shown)


def _size_mistake(trials: list[Trial]) -> str:
    """Почему отложено не столько."""
    if not all(0 < trial.held.sum() < len(trial.held) for trial in trials):
        return "all_one_side"
    if len({trial.held.tobytes() for trial in trials}) == 1:
        return "wrong_size"
    mean, share = np.mean([trial.held.mean() for trial in trials]), trials[0].share
    total = len(np.unique(trials[0].letters.sources))
    if abs(mean - (1 - share)) < abs(mean - share):
        return "inverted"
    counts = {trial.sources_held for trial in trials}
    sizes = {int(trial.held.sum()) for trial in trials}
    if len(counts) == 1 and len(sizes) > 1 and abs(counts.pop() - share * total) <= 1:
        return "share_of_sources"
    return "independent" if len(sizes) > 2 and abs(mean - share) < 0.1 else "wrong_size"


def _depends_on_seed(trials: list[Trial]) -> Finding | None:
    """Другое зерно — другое деление."""
    held = trials[0].held
    if any(not np.array_equal(trial.held, held) for trial in trials[1:]):
        return None
    is_edge = np.count_nonzero(np.diff(held.astype(int))) == 1
    shown = Counterexample(f"зёрна {trials[0].seed} и {trials[1].seed}")
    return Finding("tail" if is_edge else "frozen_seed", counterexample=shown)


def _torn_links(trials: list[Trial]) -> Finding | None:
    """Копии вместе: какие из них разняты, такова и ошибка."""
    torn: dict[int, tuple[Trial, Link]] = {}
    for trial in trials:
        for link in trial.letters.links:
            if trial.held[link.first] != trial.held[link.second]:
                torn.setdefault(link.kind, (trial, link))
    if not torn:
        return None
    name, kind = _link_mistake(torn)
    trial, link = torn[kind]
    return _broken(name, trial, link.first, link.second)


def _link_mistake(torn) -> tuple[str, int]:
    """Имя ошибки и род копии, на которой её показать."""
    if EXACT in torn:
        return "ignores_copies", EXACT
    near = [kind for kind in NEAR if kind in torn]
    if near:
        return (NEAR[near[0]] if len(near) == 1 else "near_copies"), near[0]
    return ("five_words", FIVE) if FIVE in torn else ("not_transitive", CHAIN)


def _short_links(trials: list[Trial]) -> Finding | None:
    """Приветствия никого не связывают: иначе почти всё — одна связка, и доли не выдержать."""
    if all(trial.is_right_size for trial in trials):
        return None
    finding = _size(trials)
    return Finding("short_links", counterexample=finding.counterexample)
