"""Проверка задания 06.5: честно ли студент сравнивает два батча.

Ему дают лаборатории — функции обучения, о которых судья знает правду, — и смотрят, что он скажет.
Лаборатории с изъяном подобраны так, чтобы каждая ошибка опыта давала свой ответ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lecture_lib.grading.answer import Answer
from lecture_lib.grading.cases import Found, require_value
from lecture_lib.grading.given import ROW_TOKENS
from lecture_lib.grading.outcome import Counterexample
from lecture_lib.grading.report import describe
from lecture_lib.grading.task import Finding, Mistake
from lecture_lib.grading.values import EDGES
from lecture_lib.grading.wire import Given

FIRST, SECOND, UNKNOWN = "первый", "второй", "не видно"
SMALL, LARGE = 32, 256
EFFECT = 3.0  # пунктов; разброс одного запуска — 0,7
# Обещано: ложных тревог не больше одной из десяти, замеченных разниц — не меньше девяти из десяти.
# Если по первым лабораториям не решить, даются ещё; честный опыт отвергнут реже раза из ста, а тот,
# что тревожится раз из пяти, принят в шести случаях из ста: за один взгляд их не различить.
EQUAL_LABS = 24
LOOKS = ((0, 1, 9), (48, 6, 15), (168, 36, 36))  # ещё лабораторий; тревог: мало и терпимо
MANY_ALARMS = 0.5  # доля тревог, с которой разброса, похоже, нет в опыте вовсе
TRUE_LABS, FEW_CAUGHT = 10, 5
TRUE_MORE, CAUGHT = 40, 40

COMPARISON_MISTAKES = {
    "same_steps": Mistake(
        "Больший батч побеждает всегда, даже там, где разницы нет. Похоже, поровну у моделей "
        "шагов, а не токенов: большой батч прочёл больше."
    ),
    "wrong_budget": Mistake(
        "Токенов у моделей поровну, но не столько, сколько велено: при другом бюджете ответ бывает "
        "другим. Токенов в шаге — батч на длину строки."
    ),
    "one_seed": Mistake(
        "Опыт верит одному запуску. Разброс между зёрнами больше, чем многие «открытия»: нужны "
        "разные зёрна."
    ),
    "no_spread": Mistake(
        "Победитель назван там, где разницы нет: средние сравнили, а с разбросом — нет. Пока "
        "интервал разности накрывает ноль, ответ — «не видно»."
    ),
    "too_loose": Mistake(
        "Разброс учтён, но порог низок: победитель назван там, где разницы нет, чаще раза из "
        "десяти. Разность должна быть больше двух своих ошибок, а при трёх-пяти запусках — и "
        "больше трёх."
    ),
    "too_strict": Mistake(
        "Настоящая разница в 3 пункта не замечена: мало запусков или слишком широк интервал."
    ),
    "always_unknown": Mistake("Ответ всегда «не видно», даже когда разница в 3 пункта."),
    "always_same": Mistake("Ответ всегда один и тот же, кто бы ни был лучше."),
    "never_unknown": Mistake("Опыт умеет ответить только «первый» или «второй»."),
    "inverted": Mistake("Победитель перепутан: больше — лучше."),
    "by_batch": Mistake("Ответ зависит от размера батча, а не от того, что показали запуски."),
}


@dataclass(frozen=True)
class Lab:
    """Лаборатория: на сколько пунктов первый лучше, кто больше и какой у неё изъян."""

    effect: float
    is_large_first: bool
    flaw: str = ""

    def words(self) -> str:
        """Правда о ней."""
        first, second = _batches(self)
        names = {0: "разницы нет", 1: "лучше первый", -1: "лучше второй"}
        return f"батчи {first} и {second}, на деле {names[int(np.sign(self.effect))]}"


def check_comparison(answer: Answer, rng: np.random.Generator) -> Finding | None:
    """Проверка 06.5: опыт не видит разницы, где её нет, и видит, где она есть."""
    equal = _equal(answer, rng, EQUAL_LABS)
    true = _true(answer, rng, TRUE_LABS)
    return (
        _stuck(equal + true)
        or _unfair(equal, true)
        or _budget(answer, rng)
        or _alarms(answer, equal, rng)
        or _misses(answer, true, rng)
    )


def _equal(answer: Answer, rng: np.random.Generator, count: int) -> list[tuple[Lab, str]]:
    """Что опыт сказал о лабораториях, где разницы нет."""
    labs = [Lab(0.0, bool(k % 2)) for k in range(count)]
    return [(lab, _ask(answer, lab, rng)) for lab in labs]


def _true(answer: Answer, rng: np.random.Generator, count: int) -> list[tuple[Lab, str]]:
    """Что опыт сказал о лабораториях, где разница есть."""
    labs = [Lab(EFFECT * (-1) ** k, bool(k // 2 % 2)) for k in range(count)]
    return [(lab, _ask(answer, lab, rng)) for lab in labs]


def _batches(lab: Lab) -> tuple[int, int]:
    return (LARGE, SMALL) if lab.is_large_first else (SMALL, LARGE)


def _ask(answer: Answer, lab: Lab, rng: np.random.Generator) -> str:
    """Приговор опыта этой лаборатории."""
    first, second = _batches(lab)
    tokens = ROW_TOKENS * LARGE * int(rng.integers(40, 400))
    settings = (first, second, tokens, lab.effect, int(rng.integers(2**31)), lab.flaw)
    arguments = (Given("laboratory", settings), first, second, tokens)
    reply = answer.call(*arguments)
    require_value(reply, arguments)
    verdict = reply.value
    verdict = " ".join(verdict.lower().split()).strip(EDGES) if isinstance(verdict, str) else ""
    if verdict not in (FIRST, SECOND, UNKNOWN):
        says = f"Нужно одно из слов: «{FIRST}», «{SECOND}», «{UNKNOWN}»."
        raise Found("wrong_type", says, Counterexample(lab.words(), got=describe(reply.value)))
    return verdict


def _finding(name: str, lab: Lab | None = None, got: str = "") -> Finding:
    shown = Counterexample(lab.words() if lab else "", got=got)
    return Finding(name, counterexample=shown)


def _stuck(said: list) -> Finding | None:
    """Отвечает ли опыт по-разному."""
    words = {verdict for _, verdict in said}
    if len(words) == 1:
        return _finding("always_unknown" if words == {UNKNOWN} else "always_same", got=words.pop())
    return None


def _unfair(equal: list, true: list) -> Finding | None:
    """Не побеждает ли больший батч всюду и не перепутан ли победитель."""
    larger = [verdict == (FIRST if lab.is_large_first else SECOND) for lab, verdict in equal]
    smaller = [verdict == (SECOND if lab.is_large_first else FIRST) for lab, verdict in equal]
    for share, name in ((np.mean(larger), "same_steps"), (np.mean(smaller), "by_batch")):
        if share > 0.9:
            return _finding(name, equal[0][0], equal[0][1])
    wrong = [(lab, verdict) for lab, verdict in true if verdict == _opposite(lab)]
    if len(wrong) > len(true) // 2:
        return _finding("inverted", *wrong[0])
    return None


def _winner(lab: Lab) -> str:
    return FIRST if lab.effect > 0 else SECOND


def _opposite(lab: Lab) -> str:
    return SECOND if lab.effect > 0 else FIRST


def _budget(answer: Answer, rng: np.random.Generator) -> Finding | None:
    """В этих лабораториях первый лучше ровно при данном бюджете, а при другом — хуже."""
    labs = [Lab(EFFECT, large, "only_at_budget") for large in (False, True) * 2]
    said = [_ask(answer, lab, rng) for lab in labs]
    if all(verdict == SECOND for verdict in said):
        return _finding("wrong_budget", labs[0], said[0])
    return None


def _alarms(answer: Answer, equal: list, rng: np.random.Generator) -> Finding | None:
    """Ложные тревоги: редки; если часты — чего в опыте нет."""
    for more, few, bearable in LOOKS:
        equal = equal + _equal(answer, rng, more)
        alarms = [(lab, verdict) for lab, verdict in equal if verdict != UNKNOWN]
        if len(alarms) <= few:
            return None
        if len(alarms) > bearable:
            break
    got = f"победитель назван {len(alarms)} раз из {len(equal)}"
    return _finding(_why_alarms(answer, len(alarms) / len(equal), rng), alarms[0][0], got)


def _why_alarms(answer: Answer, share: float, rng: np.random.Generator) -> str:
    """Отчего тревоги часты: опыт верит одному запуску, разброса не знает или порог низок."""
    trust = [_ask(answer, Lab(EFFECT, large, "first_seed_lies"), rng) for large in (False, True)]
    if all(verdict == FIRST for verdict in trust):
        return "one_seed"
    return "no_spread" if share > MANY_ALARMS else "too_loose"


def _misses(answer: Answer, true: list, rng: np.random.Generator) -> Finding | None:
    """Настоящая разница замечена."""
    missed = [(lab, verdict) for lab, verdict in true if verdict != _winner(lab)]
    if not missed:
        return None
    if len(true) - len(missed) >= FEW_CAUGHT:
        true = true + _true(answer, rng, TRUE_MORE)
        missed = [(lab, verdict) for lab, verdict in true if verdict != _winner(lab)]
        if len(true) - len(missed) >= CAUGHT:
            return None
    got = f"замечено {len(true) - len(missed)} раз из {len(true)}"
    return _finding("too_strict", missed[0][0], got)
