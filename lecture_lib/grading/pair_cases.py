"""Задание 05.3: вход пары с сегментами и обрезкой длиннейшего — сломанное, верное и мутанты."""

from __future__ import annotations

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.task import Mistake

BROKEN_PAIR = """
def pair_input(first, second, longest, cls_id, sep_id):
    input_ids = [cls_id, *first, sep_id, *second, sep_id]
    segment_ids = [0] * (len(first) + 1) + [1] * (len(second) + 2)
    return input_ids[:longest], segment_ids[:longest]
"""


def pair_input(first, second, longest, cls_id, sep_id, cut="longest", room=3, tie="second",
               side="end", segments="right", frame="right"):  # fmt: skip
    """Верный вход пары [токены, сегменты]; настройки портят его в одном месте."""
    first, second = _cut(list(first), list(second), longest - room, cut, tie, side)
    ids = [cls_id, *first, sep_id, *second, sep_id]
    middle = len(first) + (1 if segments == "early" else 2)
    marks = [0] * middle + [1] * (len(ids) - middle)
    if segments == "zeros":
        marks = [0] * len(ids)
    if segments == "last_zero":
        marks[-1] = 0
    if segments == "inverted":
        marks = [1 - mark for mark in marks]
    if segments == "from_one":
        marks = [1 + mark for mark in marks]
    if segments == "late":
        marks[middle] = 0
    if frame == "no_last":
        ids, marks = ids[:-1], marks[:-1]
    if frame == "no_first":
        ids, marks = ids[1:], marks[1:]
    if frame == "no_middle":
        ids, marks = ids[: len(first) + 1] + ids[len(first) + 2 :], marks[1:]
    if cut == "tail":
        return [ids[:longest], marks[:longest]]
    if cut == "tail_sep" and len(ids) > longest:
        return [[*ids[: longest - 1], sep_id], marks[:longest]]
    return [ids, marks]


def _cut(first, second, room, cut, tie, side):
    """Обе части, укороченные до room токенов вместе."""
    if cut in ("tail", "tail_sep", "never"):
        return first, second
    half = room // 2
    if cut == "halves":
        return first[:half], second[: room - half]
    if cut == "each":
        return first[:room], second[:room]
    if cut == "halves_if_long" and len(first) + len(second) > room:
        return first[:half], second[: room - half]
    if cut == "ratio" and len(first) + len(second) > room:
        kept = round(room * len(first) / (len(first) + len(second)))
        return first[:kept], second[: room - kept]
    while len(first) + len(second) > room:
        longer = len(first) > len(second) or (tie == "first" and len(first) == len(second))
        kinds = {"second": second, "first": first, "shortest": second if longer else first}
        chosen = kinds.get(cut, first if longer else second) or first or second
        chosen.pop(-1 if side == "end" else 0)
    return first, second


def _variant(**options):
    return lambda *inputs: pair_input(*inputs, **options)


def pair_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 05.3: пример из условия, пара без обрезки, длинная первая, длинная вторая, равные."""
    cases = [Case(([7, 8, 9, 10, 11], [20, 21], 8, 1, 2), visible=True)]
    sizes = [(2, 3, 12), (3, 3, 9), (6, 2, 9), (2, 6, 9), (4, 4, 9), (9, 4, 10), (3, 12, 11),
             (8, 7, 12), (5, 5, 10), (20, 3, 15), (7, 9, 19), (7, 9, 18), (1, 1, 4)]  # fmt: skip
    for a, b, longest in sizes:
        first, second = (rng.integers(200, 900, n).tolist() for n in (a, b))
        cls_id, sep_id = (int(n) for n in rng.choice(np.arange(1, 100), 2, replace=False))
        cases.append(Case((first, second, longest, cls_id, sep_id)))
    return cases


PAIR_MISTAKES = {
    "tail_cut": Mistake(
        "Отрезан хвост готовой строки: пропал последний [SEP], и укоротилась только вторая часть.",
        _variant(cut="tail"),
    ),
    "tail_and_segments": Mistake(
        "Осталось две ошибки: [SEP] после первой части — ещё сегмент 0, а обрезают не готовую "
        "строку, а части, до того как поставлены [SEP].",
        _variant(cut="tail", segments="early"),
    ),
    "early_segments": Mistake(
        "[SEP] после первой части помечен сегментом 1, а он принадлежит первой: сегмент 0.",
        _variant(segments="early"),
    ),
    "late_segments": Mistake(
        "Первый токен второй части помечен сегментом 0: граница сегментов сдвинута.",
        _variant(segments="late"),
    ),
    "zero_segments": Mistake(
        "Сегменты не различаются: у всех токенов 0.", _variant(segments="zeros")
    ),
    "last_zero": Mistake(
        "Последний [SEP] помечен сегментом 0, а он принадлежит второй части.",
        _variant(segments="last_zero"),
    ),
    "inverted_segments": Mistake(
        "Сегменты переставлены: первая часть — 0, вторая — 1.", _variant(segments="inverted")
    ),
    "segments_from_one": Mistake("Сегменты — 0 и 1, а не 1 и 2.", _variant(segments="from_one")),
    "last_replaced": Mistake(
        "Хвост отрезан, и на последнее место поставлен [SEP]: укоротилась только вторая часть, "
        "а надо ту, что длиннее.",
        _variant(cut="tail_sep"),
    ),
    "only_second": Mistake(
        "Укорачивается только вторая часть, а надо ту, что сейчас длиннее.", _variant(cut="second")
    ),
    "only_first": Mistake(
        "Укорачивается только первая часть, а надо ту, что сейчас длиннее.", _variant(cut="first")
    ),
    "shortest_cut": Mistake("Укорачивается более короткая часть.", _variant(cut="shortest")),
    "halves": Mistake(
        "Каждой части отдана половина места, даже если другой столько не нужно.",
        _variant(cut="halves_if_long"),
    ),
    "always_halves": Mistake(
        "Каждой части отдана половина места, хотя пара поместилась бы и так.",
        _variant(cut="halves"),
    ),
    "ratio": Mistake(
        "Части укорочены поровну в долях, а надо снимать по токену с той, что длиннее.",
        _variant(cut="ratio"),
    ),
    "each_alone": Mistake(
        "Каждая часть укорочена сама по себе, а поместиться они должны вместе.",
        _variant(cut="each"),
    ),
    "never_cut": Mistake("Длинная пара не обрезана.", _variant(cut="never")),
    "specials_forgotten": Mistake(
        "Места служебным не оставлено: кроме частей, в строке ещё [CLS] и два [SEP].",
        _variant(room=0),
    ),
    "room_for_two": Mistake("Служебных в строке три, а место оставлено двум.", _variant(room=2)),
    "room_for_four": Mistake(
        "Отрезано лишнее: служебных в строке три, а место оставлено четырём.", _variant(room=4)
    ),
    "tie_first": Mistake(
        "При равной длине токен снят с первой части, а просили — со второй.",
        _variant(tie="first"),
    ),
    "cut_front": Mistake("Токены сняты с начала части, а надо с конца.", _variant(side="start")),
    "no_last_sep": Mistake("Нет [SEP] в конце строки.", _variant(frame="no_last")),
    "no_cls": Mistake("Нет [CLS] в начале строки.", _variant(frame="no_first")),
    "no_middle_sep": Mistake("Нет [SEP] между частями.", _variant(frame="no_middle")),
}


def explain_pair(arguments, expected, got) -> str:
    """Что не так: длины, токены или сегменты."""
    got = got.tolist() if isinstance(got, np.ndarray) else got
    if not isinstance(got, list) or len(got) != 2 or not all(np.ndim(part) == 1 for part in got):
        return "нужны два списка: номера токенов и номера сегментов"
    (ids, marks), (found, signs) = expected, (list(part) for part in got)
    if len(found) != len(signs):
        return f"токенов {len(found)}, а сегментов {len(signs)}"
    if len(found) > arguments[2]:
        return f"в строке {len(found)} токенов, а помещается {arguments[2]}"
    for name, wanted, given in (("токен", ids, found), ("сегмент", marks, signs)):
        for place, (right, wrong) in enumerate(zip(wanted, given, strict=False)):
            if right != wrong:
                return f"позиция {place}: {name} {right}, а стоит {wrong}"
    return f"токенов {len(found)}, а должно быть {len(ids)}"
