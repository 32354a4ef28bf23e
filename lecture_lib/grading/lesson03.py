"""Задания урока 03: внимание, эмбеддинги, параметры, слой, формы, рисунок голов."""

from __future__ import annotations

from lecture_lib.grading.attention_cases import (
    ATTENTION_MISTAKES,
    EMBED_MISTAKES,
    attention,
    attention_cases,
    embed,
    embed_cases,
    real_places,
)
from lecture_lib.grading.cases import HALF, Cases
from lecture_lib.grading.layer_cases import (
    BROKEN_LAYER,
    LAYER_MISTAKES,
    PARAMETER_MISTAKES,
    feed_forward,
    layer_cases,
    parameter_cases,
    parameters,
)
from lecture_lib.grading.task import Mistake, Task
from lecture_lib.grading.values import Fields

SHAPES = {
    "эмбеддинги": (2, 7, 12),
    "запросы по головам": (2, 3, 7, 4),
    "оценки": (2, 3, 7, 7),
    "расширение": (2, 7, 48),
    "логиты MLM": (2, 7, 50),
    "слой над [CLS]": (2, 12),
}
SHAPE_WRONG = {
    "concatenated": {"эмбеддинги": (2, 7, 36)},
    "heads_last": {"запросы по головам": (2, 7, 3, 4)},
    "heads_full": {"запросы по головам": (2, 3, 7, 12)},
    "scores_by_size": {"оценки": (2, 3, 4, 4)},
    "scores_no_heads": {"оценки": (2, 7, 7)},
    "scores_like_values": {"оценки": (2, 3, 7, 4)},
    "not_wide": {"расширение": (2, 7, 12)},
    "logits_hidden": {"логиты MLM": (2, 7, 12)},
    "logits_one": {"логиты MLM": (2, 50)},
    "cls_with_length": {"слой над [CLS]": (2, 7, 12)},
    "cls_classes": {"слой над [CLS]": (2, 2)},
    "no_batch": {"эмбеддинги": (7, 12)},
}
SHAPE_MISTAKES = {
    "concatenated": Mistake("Три эмбеддинга складывают, а не ставят в ряд: ширина остаётся D."),
    "heads_last": Mistake("Перед произведением голова должна стоять раньше позиции: (B, H, S, d)."),
    "heads_full": Mistake("Голове достаётся не D чисел, а d = D / H."),
    "scores_by_size": Mistake("Оценка есть у каждой пары токенов: S × S, а не d × d."),
    "scores_no_heads": Mistake("У каждой головы свои оценки: ось H пропала."),
    "scores_like_values": Mistake("Это форма выхода головы; оценки — до умножения на V."),
    "not_wide": Mistake("Полносвязная часть сначала расширяет вектор до F."),
    "logits_hidden": Mistake("Логитов столько, сколько токенов в словаре."),
    "logits_one": Mistake("MLM отвечает на каждом месте, а не раз на строку."),
    "cls_with_length": Mistake("Слой над [CLS] берёт из строки один вектор, первый."),
    "cls_classes": Mistake("Это форма логитов NSP; сам слой над [CLS] сохраняет ширину D."),
    "no_batch": Mistake("Ось батча потеряна."),
}

HEADS = {"1": "следующее", "2": "[SEP]", "3": "предыдущее", "4": "поровну"}
HEADS_WRONG = {
    "rows_and_columns": {"1": "предыдущее", "3": "следующее"},
    "cls_for_sep": {"2": "[CLS]"},
    "self_one": {"1": "себя"},
    "self_three": {"3": "себя"},
    "uniform_unused": {"4": "себя"},
    "sep_uniform": {"2": "поровну"},
    "uniform_sep": {"4": "[SEP]"},
    "sep_next": {"2": "следующее"},
    "one_sep": {"1": "[SEP]"},
}
HEADS_MISTAKES = {
    "rows_and_columns": Mistake(
        "Строки и столбцы перепутаны: строка — кто смотрит, столбец — на кого."
    ),
    "cls_for_sep": Mistake("Полоса стоит в последнем столбце, а [CLS] — в первом."),
    "self_one": Mistake("Диагональ головы 1 сдвинута: на себя — это главная диагональ."),
    "self_three": Mistake("Диагональ головы 3 сдвинута: на себя — это главная диагональ."),
    "uniform_unused": Mistake("У головы 4 все клетки одного цвета: она не выделяет никого."),
    "sep_uniform": Mistake("У головы 2 не весь квадрат одинаков: тёмен один столбец."),
    "uniform_sep": Mistake("У головы 4 нет тёмного столбца: внимание роздано поровну."),
    "sep_next": Mistake("Столбец — это один и тот же токен для всех строк, а не сосед."),
    "one_sep": Mistake("У головы 1 — диагональ, а [SEP] дал бы столбец."),
}

TASKS = (
    Task(
        "03.1", "Внимание многих голов", "написать", "attention", 4, 20, 2,
        notice="Заметьте: маска и √d — по строчке, а забытая строчка портит все ответы, и форму "
        "при этом не меняет.",
        hints=(
            "Оценки — Q·Kᵀ, форма (B, H, S, S). Какая ось — «на кого смотрят»?",
            "Маску (B, S) растяните до (B, 1, 1, S) и закройте столбцы до softmax.",
            "Оценки, делённые на √d → −∞ там, где маска 0 → softmax по последней оси → умножить на "
            "V → переставить оси в (B, S, H, d) → склеить две последние.",
        ),
        check=Cases(attention_cases, attention, ATTENTION_MISTAKES,
                    axes=("батч", "позиция", "число"), tolerance=HALF, matters=real_places),
        mistakes=ATTENTION_MISTAKES,
    ),
    Task(
        "03.2", "Сумма трёх и LayerNorm", "написать", "embed", 3, 15, 2,
        notice="Заметьте: порядок слов попал в сумму одним слагаемым — таблицей позиций.",
        hints=(
            "Каждая таблица выбирает строки по номерам: words[input_ids] — уже (B, S, D).",
            "Номер позиции — место в строке, от нуля; он один для всего батча.",
            "Сумма трёх → среднее и дисперсия по последней оси (дисперсия делится на D) → вычесть, "
            "поделить на √(дисперсия + ε) → умножить на γ, прибавить β.",
        ),
        check=Cases(embed_cases, embed, EMBED_MISTAKES, tolerance=HALF,
                    axes=("батч", "позиция", "число")),
        mistakes=EMBED_MISTAKES,
    ),
    Task(
        "03.3", "Во что обойдётся ALBERT", "написать", "parameters", 3, 15, 2,
        notice="Заметьте: 12 слоёв стоят как один — у ALBERT-base 11,7 млн параметров против 109, "
        "а считает она почти столько же.",
        hints=(
            "Разбейте модель на части: три таблицы и LayerNorm, переход E → D, слой, pooler.",
            "Линейный слой из m в n — это m·n и ещё n. LayerNorm ширины n — 2·n.",
            "Таблицы и их LayerNorm — ширины E; переход E·D + D; один слой: 4 линейных D → D, два "
            "LayerNorm, D → F и F → D; pooler D → D.",
        ),
        check=Cases(parameter_cases, parameters, PARAMETER_MISTAKES, tolerance=1e-9),
        mistakes=PARAMETER_MISTAKES,
    ),
    Task(
        "03.4", "Слой, который не совпал", "починить", "feed_forward", 3, 12, 2,
        notice="Заметьте: ни одна из ошибок не меняла формы — найти их могло только сравнение "
        "чисел.",
        hints=(
            "Ошибок три. Сравните код с рисунком слоя: чего нет между двумя линейными и LayerNorm?",
            "Проверьте три места: какой GELU, что прибавляется перед LayerNorm, где стоит ε.",
            "GELU через erf; LayerNorm от суммы входа и выхода; дисперсия делится на D, ε — под "
            "корнем.",
        ),
        check=Cases(layer_cases, feed_forward, LAYER_MISTAKES, tolerance=2e-5,
                    axes=("батч", "позиция", "число")),
        mistakes=LAYER_MISTAKES, given=BROKEN_LAYER,
    ),
    Task(
        "03.5", "Предскажите формы", "предсказать", "shapes", 2, 7, 1,
        notice="Заметьте: длина строки S входит дважды только в оценки — поэтому внимание дорожает "
        "как S².",
        hints=(
            "Начните с простого: что такое B, S, D, H, F, V в этом примере и чему равно d?",
            "Оценка — одно число на пару токенов у каждой головы; pooler смотрит на один токен.",
        ),
        check=Fields(SHAPES, SHAPE_WRONG, SHAPE_MISTAKES), mistakes=SHAPE_MISTAKES,
    ),
    Task(
        "03.6", "Куда смотрят головы", "прочитать рисунок", "heads", 1, 5, 1,
        notice="Заметьте: рисунок читают по строкам — строка отвечает «на кого смотрю я».",
        hints=(
            "Возьмите одну строку, например третью, и найдите в ней самую тёмную клетку.",
            "Столбец правее главной диагонали — токен, который стоит дальше в строке.",
        ),
        check=Fields(HEADS, HEADS_WRONG, HEADS_MISTAKES), mistakes=HEADS_MISTAKES,
    ),
)  # fmt: skip
