"""Проверка задания 04.1: пары NSP — что в паре, какая у неё метка и случаен ли выбор.

Ответ случаен, поэтому проверяются свойства: что обязано быть всегда — на каждом вызове, доли и
разнообразие — по многим парам, с порогом в шесть отклонений.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lecture_lib.grading.answer import Answer
from lecture_lib.grading.cases import Found, require_value
from lecture_lib.grading.outcome import Counterexample
from lecture_lib.grading.report import describe
from lecture_lib.grading.task import Finding, Mistake
from lecture_lib.grading.wire import Seed, as_array

NEXT, FOREIGN = 0, 1
SIGMAS = 6.0
SMALL_CALLS, LARGE_CALLS, EDGE_CALLS = 8, 6, 120
LARGE_DOCUMENTS = 120

NSP_MISTAKES = {
    "labels_swapped": Mistake("Метки перепутаны: 0 — идут подряд, 1 — чужое."),
    "same_document": Mistake(
        "Чужое взято из того же документа: такая пара может оказаться соседней, а метка скажет "
        "«чужое»."
    ),
    "crosses_documents": Mistake(
        "Через границу документов: за последним предложением идёт начало другого рассказа, а "
        "названо это продолжением."
    ),
    "asks_last": Mistake(
        "Пара есть и у последнего предложения документа, а продолжения у него нет."
    ),
    "stops_early": Mistake("Последняя пара документа потеряна: цикл кончается на единицу раньше."),
    "every_second": Mistake(
        "Предложения пройдены через одно, а пара нужна каждому, кроме последнего."
    ),
    "only_some": Mistake("Пар меньше, чем нужно: по одной на предложение, кроме последних."),
    "doubled": Mistake("Пар больше, чем нужно: на каждое предложение — одна, та или другая."),
    "shuffled": Mistake("Пары перемешаны, а просили в порядке корпуса."),
    "previous": Mistake("Второе в паре — предыдущее предложение, а нужно следующее."),
    "b_is_a": Mistake("Второе предложение пары — то же самое, что и первое."),
    "skips_one": Mistake("Названо продолжением, а стоит через одно."),
    "wrong_label": Mistake("Метка говорит «подряд», а второе предложение — не следующее."),
    "not_a_sentence": Mistake("Второе в паре — не предложение корпуса целиком."),
    "always_next": Mistake("Чужих пар нет вовсе: модели не на чем учиться говорить «нет»."),
    "always_foreign": Mistake("Все пары чужие: модели не на чем учиться говорить «да»."),
    "wrong_share": Mistake("Чужих пар не половина."),
    "one_coin": Mistake("Жребий один на весь документ, а нужен на каждую пару."),
    "fixed_labels": Mistake(
        "Метки не выпадают, а чередуются: жребий у каждой пары должен быть свой."
    ),
    "frozen_seed": Mistake(
        "При разных генераторах пары одни и те же: зерно заморожено внутри функции."
    ),
    "own_randomness": Mistake(
        "При одном и том же зерне пары разные: случайность берётся не из generator."
    ),
    "one_foreign": Mistake("Чужое предложение одно на всех: у каждой пары должно быть своё."),
    "one_source": Mistake(
        "Чужой документ не выбирается заново для каждой пары: все чужие рассказа — из одного "
        "места."
    ),
    "always_first": Mistake(
        "Чужое — всегда первое в своём документе: модель узнает его по зачину и читать не станет."
    ),
    "neighbour_document": Mistake(
        "Чужое всегда из соседнего по счёту документа, а нужен случайный."
    ),
    "few_foreign": Mistake(
        "Чужим становится не любое предложение: многие не выпадают никогда."
    ),
    "off_by_one": Mistake("Какое-то предложение не выпадает никогда: граница сдвинута на один."),
    "pairs_of_two": Mistake("В ответе не тройки: нужны (первое, второе, метка)."),
}  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """Пара, узнанная в корпусе: документ и место первого и второго предложения, метка."""

    first: tuple[int, int]
    second: tuple[int, int]
    label: int

    @property
    def is_next(self) -> bool:
        """Идёт ли второе сразу за первым."""
        return self.second == (self.first[0], self.first[1] + 1)


def check_pairs(answer: Answer, rng: np.random.Generator) -> Finding | None:
    """Проверка 04.1: первая нарушенная обязанность."""
    calls = []
    for number in range(SMALL_CALLS):
        documents = make_documents(rng, 2 + number % 3, 4)
        calls.append((documents, _ask(answer, documents, _seed(rng))))
    for duty in (_check_firsts, _check_seconds):
        duty(calls)
    _check_seed(answer, rng)
    large = make_documents(rng, LARGE_DOCUMENTS, 5)
    found = [_ask(answer, large, _seed(rng), watch=False) for _ in range(LARGE_CALLS)]
    for duty in (_check_firsts, _check_seconds):
        duty([(large, pairs) for pairs in found])
    return _check_coins(found) or _check_foreign(large, found) or _check_edges(answer, rng)


def make_documents(rng: np.random.Generator, count: int, longest: int) -> list:
    """Документы из предложений с неповторимыми номерами; бывают и из одного предложения."""
    sizes = rng.integers(1, longest + 1, count)
    sizes[: (count + 1) // 2] = np.maximum(sizes[: (count + 1) // 2], 3)
    sizes = rng.permutation(sizes).tolist()
    sizes[-1] = max(sizes[-1], 2)
    tokens = iter(rng.permutation(20_000)[: 3 * sum(sizes)].tolist())
    return [[[next(tokens) for _ in range(int(rng.integers(1, 4)))] for _ in range(size)]
            for size in sizes]  # fmt: skip


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1, 2**31))


def _ask(answer: Answer, documents: list, seed: int, watch: bool = True, drawn: int = 0) -> list:
    """Вызов; пары узнаны в корпусе. drawn — сколько чисел из генератора уже взято."""
    arguments = (documents, Seed(seed, drawn))
    reply = answer.call(*arguments, watch=watch)
    require_value(reply, arguments)
    if not isinstance(reply.value, list) or not _are_triples(reply.value):
        known = "pairs_of_two" if isinstance(reply.value, list) else "wrong_type"
        raise Found(known, shown=Counterexample(describe(documents), got=describe(reply.value)))
    if reply.changed:
        raise Found("mutates", shown=Counterexample(describe(documents), place="изменён вход № 1"))
    return [_recognise(documents, item) for item in reply.value]


def _are_triples(items: list) -> bool:
    """Тройки ли это; «пары отдельно, метки отдельно» — нет, сколько бы их ни было."""
    return all(isinstance(i, list) and len(i) == 3 and np.ndim(as_array(i[0])) == 1 for i in items)


def _recognise(documents: list, item: list) -> Pair:
    places = {tuple(s): (d, i) for d, document in enumerate(documents)
              for i, s in enumerate(document)}  # fmt: skip
    keys = [_key(value) for value in item[:2]]
    for key, word in zip(keys, ("первое", "второе"), strict=True):
        if key not in places:
            shown = Counterexample(describe(documents), got=describe(item), place=f"{word} в паре")
            raise Found("not_a_sentence", f"В паре {word} — не предложение корпуса целиком.", shown)
    label = np.asarray(item[2]).reshape(-1)
    if len(label) != 1 or label[0] not in (NEXT, FOREIGN):
        raise Found("wrong_label", "Метка — 0 или 1.", Counterexample("", got=describe(item[2])))
    return Pair(places[keys[0]], places[keys[1]], int(label[0]))


def _key(value) -> tuple | None:
    found = as_array(value)
    return None if found is None else tuple(found.reshape(-1).tolist())


def _wanted(documents: list) -> list[tuple[int, int]]:
    """Место первого в каждой паре: все предложения, кроме последних."""
    return [(d, i) for d, document in enumerate(documents) for i in range(len(document) - 1)]


def _check_firsts(calls: list) -> None:
    """У каждого предложения, кроме последнего в документе, ровно одна пара, и все по порядку."""
    for documents, pairs in calls:
        firsts = [pair.first for pair in pairs]
        if firsts != _wanted(documents):
            known = _firsts_mistake(calls)
            shown = Counterexample(
                describe(documents),
                f"пар {len(_wanted(documents))}",
                f"пар {len(firsts)}",
                _missing_place(documents, firsts),
            )
            raise Found(known, NSP_MISTAKES[known].says, shown)


def _missing_place(documents: list, firsts: list) -> str:
    for d, i in _wanted(documents):
        if (d, i) not in firsts:
            return f"документ {d}: нет пары у предложения {i}"
    extra = [place for place in firsts if place not in _wanted(documents)]
    return f"документ {extra[0][0]}: пара у предложения {extra[0][1]}" if extra else ""


def _firsts_mistake(calls: list) -> str:
    def all_match(rule) -> bool:
        return all(rule(docs, [p.first for p in pairs]) for docs, pairs in calls)

    pairs = [pair for _, found in calls for pair in found]
    extra = [p for docs, found in calls for p in found if p.first not in _wanted(docs)]
    if extra:
        crossing = any(p.label == NEXT and p.second == (p.first[0] + 1, 0) for p in extra)
        return "crosses_documents" if crossing else "asks_last"
    if all_match(lambda docs, firsts: sorted(firsts) == _wanted(docs)):
        return "shuffled"
    if all_match(lambda docs, firsts: firsts == [
        (d, i) for d, doc in enumerate(docs) for i in range(len(doc) - 2)]):  # fmt: skip
        return "stops_early"
    if pairs and all(pair.first[1] % 2 == 0 for pair in pairs):
        return "every_second"
    if all_match(lambda docs, firsts: set(firsts) == set(_wanted(docs))):
        return "doubled"
    return "only_some"


def _check_seconds(calls: list) -> None:
    """Метка 0 — следующее предложение, метка 1 — предложение другого документа."""
    broken = [(docs, pair) for docs, found in calls for pair in found if _is_wrong(pair)]
    if not broken:
        return
    documents, pair = broken[0]
    known = _seconds_mistake([pair for _, found in calls for pair in found])
    word = "подряд" if pair.label == NEXT else "чужое"
    (d1, i1), (d2, i2) = pair.first, pair.second
    place = f"документ {d1}, предложение {i1} → документ {d2}, предложение {i2}: названо «{word}»"
    raise Found(known, NSP_MISTAKES[known].says, Counterexample(describe(documents), place=place))


def _is_wrong(pair: Pair) -> bool:
    return not pair.is_next if pair.label == NEXT else pair.first[0] == pair.second[0]


def _seconds_mistake(pairs: list[Pair]) -> str:
    wrong = [pair for pair in pairs if _is_wrong(pair)]
    turned = [Pair(p.first, p.second, 1 - p.label) for p in pairs]
    labelled = {NEXT: [p for p in wrong if p.label == NEXT],
                FOREIGN: [p for p in wrong if p.label == FOREIGN]}  # fmt: skip
    if all(not _is_wrong(p) for p in turned) or _mostly_turned(turned):
        return "labels_swapped"
    if all(p.first == p.second for p in wrong):
        return "b_is_a"
    for step, name in ((-1, "previous"), (2, "skips_one")):
        moved = [p for p in labelled[NEXT] if _is_moved(p, step)]
        if labelled[NEXT] and len(moved) == len(labelled[NEXT]):
            return name
    return "same_document" if labelled[FOREIGN] and not labelled[NEXT] else "wrong_label"


def _is_moved(pair: Pair, step: int) -> bool:
    """Второе стоит через step от первого; у нулевого предложения «предыдущее» — это [-1]."""
    same = pair.first[0] == pair.second[0]
    wrapped = step < 0 and pair.first[1] == 0
    return same and (wrapped or pair.second[1] == pair.first[1] + step)


def _mostly_turned(turned: list[Pair]) -> bool:
    """С обратными метками почти всё верно: метки перепутаны, а остальное — вторая ошибка."""
    return sum(not _is_wrong(p) for p in turned) > 0.75 * len(turned)


def _check_seed(answer: Answer, rng: np.random.Generator) -> None:
    """Зерно решает всё и ничего, кроме него."""
    documents, seed = make_documents(rng, 8, 6), _seed(rng)
    shown = Counterexample(describe(documents), place=f"зерно {seed}")
    first, again = (_ask(answer, documents, seed) for _ in range(2))
    others = [_ask(answer, documents, _seed(rng)) for _ in range(4)]
    spent = _ask(answer, documents, seed, drawn=1000)
    if all(other == first for other in others):
        labels = {pair.label for pair in first}
        names = {frozenset({NEXT}): "always_next", frozenset({FOREIGN}): "always_foreign"}
        raise Found(names.get(frozenset(labels), "frozen_seed"), shown=shown)
    if first != again:
        raise Found("own_randomness", shown=shown)
    if first == spent:
        raise Found("initial_seed", shown=shown)


def _check_coins(found: list[list[Pair]]) -> Finding | None:
    """Чужих — половина, и жребий у каждой пары свой."""
    labels = np.array([[pair.label for pair in pairs] for pairs in found])
    names = {0.0: "always_next", 1.0: "always_foreign"}
    if labels.mean() in names:
        return Finding(names[labels.mean()])
    if (labels == labels[0]).all():
        return Finding("fixed_labels", counterexample=Counterexample("", got=str(labels[0][:12])))
    if (abs(2 * labels.sum(1) - labels.shape[1]) <= 1).all():
        return Finding("quota", counterexample=Counterexample("", got="чужих всякий раз половина"))
    together = np.mean([one == two for one, two in _neighbours(found)])
    if together > 0.95 or together < 0.05:
        return Finding("one_coin" if together > 0.95 else "fixed_labels")
    if abs(labels.mean() - 0.5) > SIGMAS * 0.5 / np.sqrt(labels.size):
        shown = Counterexample(f"пар {labels.size}", "чужих 50 %", f"чужих {labels.mean():.0%}")
        return Finding("wrong_share", counterexample=shown)
    return None


def _neighbours(found: list[list[Pair]]) -> Iterator[tuple[int, int]]:
    """Метки соседних пар одного документа."""
    for pairs in found:
        for one, two in pairwise(pairs):
            if one.first[0] == two.first[0]:
                yield one.label, two.label


def _check_foreign(documents: list, found: list[list[Pair]]) -> Finding | None:
    """Чужое — любое предложение любого другого документа."""
    foreign = [pair for pairs in found for pair in pairs if pair.label == FOREIGN]
    sources = [{p.second for p in pairs if p.label == FOREIGN} for pairs in found]
    if all(len(places) < 4 for places in sources):
        return Finding("one_foreign")
    moves = {(p.second[0] - p.first[0]) % len(documents) for p in foreign}
    if len(moves) < 4:
        return Finding("neighbour_document")
    same = [one == two for pairs in found for one, two in _foreign_neighbours(pairs)]
    if np.mean(same) > 0.9:
        return Finding("one_source")
    if all(pair.second[1] == 0 for pair in foreign):
        return Finding("always_first")
    return None


def _foreign_neighbours(pairs: list[Pair]) -> Iterator[tuple[int, int]]:
    """Откуда взято чужое у соседних чужих пар одного документа."""
    for one, two in pairwise(pair for pair in pairs if pair.label == FOREIGN):
        if one.first[0] == two.first[0]:
            yield one.second[0], two.second[0]


def _check_edges(answer: Answer, rng: np.random.Generator) -> Finding | None:
    """Чужим бывает каждое предложение: на маленьком корпусе за много вызовов выпадут все."""
    documents = make_documents(rng, 4, 3)
    calls = [_ask(answer, documents, _seed(rng), watch=False) for _ in range(EDGE_CALLS)]
    used = {pair.second for pairs in calls for pair in pairs if pair.label == FOREIGN}
    every = [(d, i) for d, document in enumerate(documents) for i in range(len(document))]
    missing = [place for place in every if place not in used]
    if not missing:
        return None
    d, i = missing[0]
    got = f"документ {d}, предложение {i} не выпало ни разу за {EDGE_CALLS} вызовов"
    long = sum(len(document) > 1 for document in documents)  # «сдвинуто» — по одному в каждом
    known = "off_by_one" if len(missing) <= long else "few_foreign"
    return Finding(known, counterexample=Counterexample(describe(documents), got=got))
