"""Задания урока 05: отрезок ответа, F1 сущностей, вход пары, размеры голов, кривая по меткам."""

from __future__ import annotations

from lecture_lib.grading.cases import Cases
from lecture_lib.grading.pair_cases import (
    BROKEN_PAIR,
    PAIR_MISTAKES,
    explain_pair,
    pair_cases,
    pair_input,
)
from lecture_lib.grading.span_cases import SPAN_MISTAKES, answers, explain_span, span_cases
from lecture_lib.grading.tag_cases import TAG_MISTAKES, entity_scores, tag_cases
from lecture_lib.grading.task import Mistake, Task
from lecture_lib.grading.values import Fields

# ------------------------------------------------------------------ 05.4, размеры голов

SIZES = {
    "MNLI": 2307,
    "STS-B": 769,
    "SQuAD": 1538,
    "NER": 6921,
    "логитов NER": 36864,
    "шагов MNLI": 36816,
}
SIZES_WRONG = {
    "no_bias": {"MNLI": 2304, "STS-B": 768, "SQuAD": 1536, "NER": 6912},
    "pooler_counted": {"MNLI": 2307 + 590_592},
    "whole_model": {"MNLI": 109_484_547},
    "pair_doubled": {"MNLI": 4611},
    "two_classes": {"MNLI": 1538},
    "regression_two": {"STS-B": 1538},
    "regression_six": {"STS-B": 4614},
    "span_one": {"SQuAD": 769},
    "span_by_length": {"SQuAD": 98_432},
    "span_by_places": {"SQuAD": 196_864},
    "tags_no_outside": {"NER": 6152},
    "tags_no_begin": {"NER": 3845},
    "tags_only_kinds": {"NER": 3076},
    "tags_by_length": {"NER": 885_888},
    "logits_per_row": {"логитов NER": 288},
    "logits_one_row": {"логитов NER": 1152},
    "logits_places": {"логитов NER": 4096},
    "steps_floor": {"шагов MNLI": 36813},
    "steps_epoch": {"шагов MNLI": 12272},
    "steps_examples": {"шагов MNLI": 1_178_106},
}
SIZES_MISTAKES = {
    "no_bias": Mistake("Смещения забыты: у линейного слоя из D в C их C."),
    "pooler_counted": Mistake("Посчитан и слой над [CLS], а он пришёл из предобучения готовым."),
    "whole_model": Mistake("Это вся модель, а спрашивали о новых параметрах — одной голове."),
    "pair_doubled": Mistake("Пара — это одна строка с одним [CLS]: вход головы D, а не 2D."),
    "two_classes": Mistake("В MNLI классов три: следует, противоречит, ни то ни другое."),
    "regression_two": Mistake("STS-B — регрессия: выход один."),
    "regression_six": Mistake("Оценки STS-B — число от 0 до 5, а не один из шести классов."),
    "span_one": Mistake("У отрезка два логита на токен: начала и конца."),
    "span_by_length": Mistake(
        "Голова отрезка одна и та же на каждом месте: от длины строки её размер не зависит."
    ),
    "span_by_places": Mistake(
        "Голова отрезка одна и та же на каждом месте: от длины строки её размер не зависит."
    ),
    "tags_no_outside": Mistake("Забыт класс O: токен вне сущностей."),
    "tags_no_begin": Mistake("У каждого вида две метки — B и I; и ещё O."),
    "tags_only_kinds": Mistake("У каждого вида две метки — B и I; и ещё O."),
    "tags_by_length": Mistake(
        "Голова разметки одна и та же на каждом месте: от длины строки её размер не зависит."
    ),
    "logits_per_row": Mistake("NER отвечает на каждом месте, а не раз на строку."),
    "logits_one_row": Mistake("Это логиты одной строки, а в батче их 32."),
    "logits_places": Mistake("Это число мест, а на каждом — по логиту на класс."),
    "steps_floor": Mistake("Последний, неполный батч эпохи — тоже шаг."),
    "steps_epoch": Mistake("Это шаги одной эпохи, а их три."),
    "steps_examples": Mistake("Это примеры, а шаг — целый батч."),
}

# ------------------------------------------------------------------ 05.5, кривая по меткам

TUNED, FROZEN, UNKNOWN = "дообучение", "признаки", "не доказано"
CURVES = {
    "при 50": FROZEN,
    "при 100": UNKNOWN,
    "при 500": TUNED,
    "с нуля лучше признаков": 2000,
    "во сколько раз": 10,
}
CURVES_WRONG = {
    "tuning_always": {"при 50": TUNED},
    "fifty_unknown": {"при 50": UNKNOWN},
    "by_the_point": {"при 100": FROZEN},
    "hundred_tuned": {"при 100": TUNED},
    "nothing_proven": {"при 500": UNKNOWN},
    "features_always": {"при 500": FROZEN},
    "touches": {"с нуля лучше признаков": 1000},
    "too_early": {"с нуля лучше признаков": 500},
    "beats_tuning": {"с нуля лучше признаков": "никогда"},
    "inverted": {"во сколько раз": 0.1},
    "by_thousand": {"во сколько раз": 5},
    "by_fifty": {"во сколько раз": 40},
    "by_hundred": {"во сколько раз": 20},
    "difference": {"во сколько раз": 1800},
}
CURVES_MISTAKES = {
    "tuning_always": Mistake("При 50 метках дообучение ещё ниже, и отрезки не пересекаются."),
    "fifty_unknown": Mistake("При 50 метках отрезки не пересекаются."),
    "by_the_point": Mistake("При 100 метках точки почти рядом, а отрезки накрывают друг друга."),
    "hundred_tuned": Mistake("При 100 метках дообучение ещё не выше, отрезки накладываются."),
    "nothing_proven": Mistake("При 500 метках отрезки далеко друг от друга."),
    "features_always": Mistake("При 500 метках дообучение уже много выше признаков."),
    "touches": Mistake(
        "При 1000 метках точка «с нуля» ниже признаков, а отрезки пересекаются: это ещё не "
        "«доказанно выше»."
    ),
    "too_early": Mistake("При 500 метках «с нуля» доказанно ниже признаков."),
    "beats_tuning": Mistake("Сравните «с нуля» с признаками, а не с дообучением."),
    "inverted": Mistake("Поделено наоборот: обученной с нуля нужно больше меток."),
    "by_thousand": Mistake("С 1000 метками «с нуля» ещё ниже, чем дообучение с 200."),
    "by_fifty": Mistake("Сравнивали с дообучением на 200 метках, а не на 50."),
    "by_hundred": Mistake("Сравнивали с дообучением на 200 метках, а не на 100."),
    "difference": Mistake("Это разность, а просили отношение."),
}

TASKS = (
    Task(
        "05.1", "Лучший отрезок", "написать", "answers", 4, 20, 3,
        notice="Заметьте: голова выдаёт логиты каждому токену, а «конец не раньше начала» и «не "
        "длиннее m» модель не знает — это правила выбора, и стоят они снаружи.",
        hints=(
            "Лучшее начало и лучший конец порознь могут не сойтись в отрезок. Что надо перебрать?",
            "Сумма логитов для всех пар — таблица S × S: start[:, None] + end[None, :]. Какие её "
            "клетки запретить?",
            "Таблица сумм для строки → −∞ там, где конец раньше начала, отрезок длиннее longest "
            "или граница не в тексте → лучшая клетка → сравнить с суммой на месте 0.",
        ),
        check=Cases(span_cases, answers, SPAN_MISTAKES, axes=("батч", "граница"),
                    explain=explain_span),
        mistakes=SPAN_MISTAKES,
    ),
    Task(
        "05.2", "F1 сущностей", "написать", "entity_scores", 4, 25, 3,
        notice="Заметьте: одна неверная граница портит и точность, и полноту — сущность названа "
        "зря, а настоящая пропущена.",
        hints=(
            "Сначала напишите разбор одного предложения: метки → множество (начало, конец, вид).",
            "Где сущность кончается? Перед O, перед B, перед I другого вида — и в конце строки.",
            "Сущности каждого предложения вместе с его номером → два множества → общие, названные, "
            "настоящие → точность, полнота, 2PR/(P+R); вместо деления на ноль — ноль.",
        ),
        check=Cases(tag_cases, entity_scores, TAG_MISTAKES, tolerance=1e-3), mistakes=TAG_MISTAKES,
    ),
    Task(
        "05.3", "Пара, которая не поместилась", "починить", "pair_input", 3, 15, 2,
        notice="Заметьте: обрезать готовую строку нельзя — модель потеряет [SEP], по которому "
        "привыкла узнавать конец.",
        hints=(
            "Посчитайте токены сегмента 0: [CLS], первая часть — и что ещё?",
            "Обрезать надо части, а не готовую строку; сколько места займут служебные?",
            "Копии частей → пока вместе они длиннее longest − 3, снять последний токен с более "
            "длинной (поровну — со второй) → собрать строку → сегменты по длине частей.",
        ),
        check=Cases(pair_cases, pair_input, PAIR_MISTAKES, explain=explain_pair),
        mistakes=PAIR_MISTAKES, given=BROKEN_PAIR,
    ),
    Task(
        "05.4", "Чего стоит голова", "предсказать", "sizes", 2, 8, 1,
        notice="Заметьте: самая большая из этих голов — 0,006 % модели; всё остальное пришло из "
        "предобучения.",
        hints=(
            "Голова — один линейный слой из D в C: сколько у него весов и сколько смещений?",
            "C у отрезка — 2, у регрессии — 1, у разметки — по две метки на вид и ещё O. Длина "
            "строки на число параметров не влияет.",
        ),
        check=Fields(SIZES, SIZES_WRONG, SIZES_MISTAKES, tolerance=1e-6), mistakes=SIZES_MISTAKES,
    ),
    Task(
        "05.5", "Сколько меток заменило предобучение", "прочитать рисунок", "curves", 2, 7, 2,
        notice="Заметьте: при полусотне меток выигрывают готовые признаки, дальше — дообучение, "
        "а модели с нуля, чтобы сравняться с ним, нужно в десять раз больше меток.",
        hints=(
            "«Доказано» — когда отрезки двух моделей при одном числе меток не пересекаются.",
            "Найдите, на какой высоте дообучение при 200 метках, и ведите по этой высоте вправо — "
            "до точки «с нуля», которая не ниже.",
        ),
        check=Fields(CURVES, CURVES_WRONG, CURVES_MISTAKES), mistakes=CURVES_MISTAKES,
    ),
)  # fmt: skip
