"""Проверка по примерам: вызвать, сравнить с верным ответом, узнать ошибку по мутантам.

Входы строятся заново при каждой проверке, от малых к большим: первый неверный и есть наименьший
контрпример. Ошибку называет мутант — верное решение с одной поломкой, — который на всех входах
дал то же, что студент; что мутантами не описать (подогнано под пример, портит чужой тензор,
умеет только один ряд), узнаётся по поведению.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lecture_lib.grading.answer import Answer, Failure, Reply, StudentFailure
from lecture_lib.grading.outcome import Counterexample
from lecture_lib.grading.report import describe, describe_arguments, difference
from lecture_lib.grading.task import Finding, Mistake
from lecture_lib.grading.wire import as_array, identical, revive

TOLERANCE = 1e-4
HALF = 3e-3  # допуск, в который входит и float16; ошибки этих заданий больше
ENOUGH = 0.6  # столько неверных ответов должен повторить мутант, чтобы ошибку назвать

# Чем кончается рассказ о месте, если ответ такой, о каком explain не думала.
SPEECHLESS = (ArithmeticError, AttributeError, LookupError, StopIteration, TypeError, ValueError)

# Ошибки, у которых мутанта нет: они видны по поведению в любом задании.
GENERAL = {
    "borrowed": "Ответ взят готовым. Задание — написать это своими руками.",
    "mutates": "Ответ верный, но функция изменила тензор, который ей дали, — числа в нём или "
    "requires_grad. Работайте на своей копии: вызывающему он ещё нужен.",
    "hardcoded": "На примере из условия верно, а на других входах — нет: "
    "ответ подогнан под пример.",
    "constant": "Ответ один и тот же на любых входах: функция на них не смотрит.",
    "batch_one": "С одной строкой верно, с несколькими — нет: функция работает только для батча 1.",
    "mutates_instead": "Функция изменила данный ей тензор и ничего не вернула. Верните новый.",
    "returns_none": "Функция ничего не вернула: кажется, забыт return.",
    "branch_returns_none": "На этом входе функция ничего не вернула: в одной из веток забыт "
    "return.",
    "wrong_type": "Вернулось не то, что просили: сравните вид ответа с условием.",
    "wrong_shape": "Форма ответа не та: сравните её с условием.",
    "wrong_length": "Длина ответа не та, что просили.",
    "transposed": "Ответ верный, но оси переставлены.",
    "sign": "Всё верно, кроме знака.",
    "nan": "В ответе есть NaN или бесконечность.",
    "initial_seed": "Генератор уже потрачен, а ответ тот же: взято только его зерно "
    "(initial_seed). Тяните числа из самого генератора.",
    "quota": "Доли выдержаны точь-в-точь: исходы розданы по счёту, а жребий у каждого должен быть "
    "свой, независимый.",
    "remembers": "Второй вызов с теми же входами дал другое: функция что-то запоминает между "
    "вызовами.",
}


class Found(Exception):
    """Ошибка, найденная посреди проверки: finding — что о ней известно."""

    def __init__(self, mistake: str, says: str = "", shown: Counterexample | None = None) -> None:
        super().__init__(mistake)
        self.finding = Finding(mistake, says, shown)


def require_value(reply: Reply, arguments: Sequence[Any]) -> None:
    """Останавливает проверку, если ответа нет: ошибка, заготовка или чужая работа."""
    if reply.value is Ellipsis:
        raise StudentFailure(Failure("Ellipsis"), arguments)
    if reply.failure:
        raise StudentFailure(reply.failure, arguments)
    if reply.borrowed:
        raise Found("borrowed", f"{GENERAL['borrowed']} Сейчас работу делает {reply.borrowed}.")
    if reply.value is None:
        raise Found("mutates_instead" if reply.changed else "returns_none")


@dataclass(frozen=True)
class Case:
    """Входы одного вызова; visible — пример, который студент видит в условии."""

    arguments: tuple
    visible: bool = False
    rows: int = 1  # строк в батче: по ней узнаётся «работает только для батча 1»


@dataclass(frozen=True)
class Cases:
    """Проверка: make строит входы, reference отвечает верно, mistakes — чем ошибаются.

    Числа сравниваются с допуском tolerance, прочее — точно. explain(arguments, expected, got) —
    где разошлось, словами; matters(arguments) — (…) bool, какие места ответа важны (нет — все).
    reference и мутанты получают массивы numpy, ожившие Seed и Given.
    """

    make: Callable[[np.random.Generator], Sequence[Case]]
    reference: Callable[..., Any]
    mistakes: Mapping[str, Mistake]
    axes: tuple[str, ...] = ()
    tolerance: float = TOLERANCE
    explain: Callable[..., str] | None = None
    matters: Callable[..., np.ndarray] | None = None

    def __call__(self, answer: Answer, rng: np.random.Generator) -> Finding | None:
        """Первая найденная ошибка или None."""
        cases = list(self.make(rng))
        replies = [self._kept(case, answer.call(*case.arguments)) for case in cases]
        _raise_if_unfinished(cases, replies)
        if borrowed := next((r.borrowed for r in replies if r.borrowed), ""):
            return Finding("borrowed", f"{GENERAL['borrowed']} Сейчас работу делает {borrowed}.")
        wanted = [self._solve(self.reference, case) for case in cases]
        wrong = [
            number
            for number, (value, reply) in enumerate(zip(wanted, replies, strict=True))
            if reply.failure or not self.same(value, reply.value)
        ]
        if not wrong:
            return self._look_closer(answer, cases, replies)
        return self._name(cases, wanted, replies, wrong)

    def same(self, expected: Any, got: Any) -> bool:
        """Равны ли ответы."""
        return same_values(expected, got, self.tolerance)

    def _solve(self, function: Callable[..., Any], case: Case) -> Any:
        value = function(*[self._prepared(value) for value in case.arguments])
        return self._projected(case, value)

    def _kept(self, case: Case, reply: Reply) -> Reply:
        return replace(reply, value=self._projected(case, reply.value))

    def _projected(self, case: Case, value: Any) -> Any:
        """Ответ, в котором неважные места — нули."""
        if self.matters is None or (array := as_array(value)) is None:
            return value
        matters = self.matters(*case.arguments)
        if array.shape[: matters.ndim] != matters.shape:
            return value
        return np.where(
            matters.reshape(matters.shape + (1,) * (array.ndim - matters.ndim)), array, 0
        )

    def _prepared(self, value: Any) -> Any:
        return value.copy() if isinstance(value, np.ndarray) else revive(value)

    def _look_closer(self, answer: Answer, cases: list[Case], replies: list[Reply]):
        """Ответы верны; не испорчены ли входы и повторится ли ответ."""
        for case, reply in zip(cases, replies, strict=True):
            if reply.changed:
                return Finding("mutates", GENERAL["mutates"], _changed(case, reply.changed))
        again = self._kept(cases[0], answer.call(*cases[0].arguments))
        if again.failure or not self.same(replies[0].value, again.value):
            shown = difference(cases[0].arguments, replies[0].value, again.value, self.axes)
            return Finding("remembers", GENERAL["remembers"], shown)
        return None

    def _name(
        self, cases: list[Case], wanted: list, replies: list[Reply], wrong: list[int]
    ) -> Finding:
        """Имя ошибки и наименьший контрпример."""
        first = wrong[0]
        if replies[first].failure and not _only_batches(cases, wrong):
            raise StudentFailure(replies[first].failure, cases[first].arguments)
        shown = self._shown(cases[first], wanted[first], replies[first])
        shares = self._mutants(cases, wanted, replies)
        form = self._form(wanted[first], replies[first].value)
        best = max(shares, key=shares.get, default="")
        known = (
            (best if best and shares[best] == 1 else "")
            or _behaviour(cases, replies, wrong, form)
            or (best if best and shares[best] >= ENOUGH else "")
            or form
        )
        says = self.mistakes[known].says if known in self.mistakes else GENERAL.get(known, "")
        return Finding(known, says, shown)

    def _shown(self, case: Case, expected: Any, reply: Reply) -> Counterexample:
        if reply.failure:
            given = describe_arguments(case.arguments)
            return Counterexample(given, describe(expected), str(reply.failure))
        place = ""
        if self.explain is not None:
            # Слова о месте — украшение: об ответе чужого вида им бывает нечего сказать.
            with contextlib.suppress(*SPEECHLESS):
                place = self.explain(case.arguments, expected, reply.value) or ""
        return difference(case.arguments, expected, reply.value, self.axes, place, self.tolerance)

    def _mutants(self, cases: list[Case], wanted: list, replies: list[Reply]) -> dict[str, float]:
        """Доля неверных ответов, которую повторил каждый мутант."""
        return {
            name: self._agreement(mistake.mutant, cases, wanted, replies)
            for name, mistake in self.mistakes.items()
            if mistake.mutant is not None
        }

    def _agreement(self, mutant, cases: list[Case], wanted: list, replies: list[Reply]) -> float:
        """Доля неверных ответов студента, которые мутант повторил; верные он обязан повторить."""
        hits = total = 0
        for case, right, reply in zip(cases, wanted, replies, strict=True):
            try:
                value = self._solve(mutant, case)
            except Exception:  # мутант имеет право упасть: и ошибка, которую он изображает, падает
                matched = reply.failure is not None
            else:
                matched = reply.failure is None and self.same(value, reply.value)
            if reply.failure is None and self.same(right, reply.value):
                if not matched:
                    return 0.0
                continue
            hits, total = hits + matched, total + 1
        return hits / total if total else 0.0

    def _form(self, expected: Any, got: Any) -> str:
        """Ошибки вида ответа: тип, форма, знак, NaN."""
        wanted, found = as_array(expected), as_array(got)
        if wanted is None or found is None:
            if wanted is not None and isinstance(got, list):
                return "wrong_type" if _has_text(got) else "wrong_shape"
            kinds = [str if isinstance(v, str) else type(v) for v in (expected, got)]
            return "" if kinds[0] is kinds[1] else "wrong_type"
        if wanted.shape != found.shape:
            if wanted.ndim > 1 and wanted.size == found.size and _is_transposed(wanted, found):
                return "transposed"
            is_list = isinstance(expected, list) and wanted.ndim == found.ndim
            return "wrong_length" if is_list else "wrong_shape"
        if found.dtype.kind == "f" and not np.isfinite(found).all() and np.isfinite(wanted).all():
            return "nan"
        if wanted.dtype.kind != "b" and found.dtype.kind != "b":
            if same_values(expected, (-found).tolist(), self.tolerance):
                return "sign"
        return "transposed" if wanted.ndim > 1 and _is_transposed(wanted, found) else ""


def same_values(expected: Any, got: Any, tolerance: float = TOLERANCE) -> bool:
    """Равны ли ответы: числа — с допуском и при любом типе, остальное — точно.

    Список годится вместо тензора, 0 и 1 — вместо False и True, (1,) — вместо числа.
    """
    if isinstance(expected, dict):
        return (
            isinstance(got, dict)
            and expected.keys() == got.keys()
            and all(same_values(value, got[key], tolerance) for key, value in expected.items())
        )
    wanted, found = as_array(expected), as_array(got)
    if wanted is not None and found is not None:
        if wanted.ndim == 0 and found.size == 1:
            found = found.reshape(())
        if wanted.shape != found.shape:
            return False
        close = np.isclose(
            wanted.astype(float), found.astype(float), tolerance, tolerance, equal_nan=True
        )
        return bool(close.all())
    if isinstance(expected, list | tuple) and isinstance(got, list):
        pairs = zip(expected, got, strict=False)
        return len(expected) == len(got) and all(same_values(a, b, tolerance) for a, b in pairs)
    return wanted is None and found is None and expected == got


def _raise_if_unfinished(cases: list[Case], replies: list[Reply]) -> None:
    """Если все вызовы упали одинаково рано или вернули «...», сравнивать нечего."""
    if replies[0].value is Ellipsis:
        raise StudentFailure(Failure("Ellipsis"), cases[0].arguments)
    if all(reply.failure for reply in replies):
        raise StudentFailure(replies[0].failure, cases[0].arguments)


def _behaviour(cases: list[Case], replies: list[Reply], wrong: list[int], form: str) -> str:
    """Ошибки, которые видны по тому, когда ответ верен и меняется ли он.

    form — что не так с видом ответа: о «<bytes>» или NaN не говорят «функция не смотрит на вход».
    """
    values = [reply.value for reply in replies]
    if all(value is None for value in values):
        return "mutates_instead" if all(reply.changed for reply in replies) else "returns_none"
    if all(values[number] is None and not replies[number].failure for number in wrong):
        return "branch_returns_none"
    if _only_batches(cases, wrong):
        return "batch_one"
    if form in ("wrong_type", "nan"):
        return ""
    if all(identical(values[0], value) for value in values[1:]):
        visible_right = cases[0].visible and 0 not in wrong
        return "hardcoded" if visible_right else "constant"
    visible = {number for number, case in enumerate(cases) if case.visible}
    if visible and not visible & set(wrong) and len(wrong) == len(cases) - len(visible):
        return "hardcoded"
    return ""


def _only_batches(cases: list[Case], wrong: list[int]) -> bool:
    """Неверны в точности все входы, где строк больше одной."""
    large = [number for number, case in enumerate(cases) if case.rows > 1]
    return bool(large) and len(large) < len(cases) and wrong == large


def _changed(case: Case, numbers: Sequence[int]) -> Counterexample:
    place = "изменён вход № " + ", ".join(str(number + 1) for number in numbers)
    return Counterexample(given=describe_arguments(case.arguments), place=place)


def _has_text(value: Any) -> bool:
    """Есть ли в списке что-нибудь, кроме чисел."""
    if isinstance(value, list):
        return any(map(_has_text, value))
    return as_array(value) is None


def _is_transposed(wanted: np.ndarray, found: np.ndarray) -> bool:
    swapped = np.swapaxes(found, -1, -2) if found.ndim > 1 else found
    return swapped.shape == wanted.shape and same_values(wanted, swapped)
