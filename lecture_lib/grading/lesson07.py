"""Задания урока 07: начало ученика, мягкие цели, косинус, числа DistilBERT, опыт с абляцией."""

from __future__ import annotations

from lecture_lib.grading.ablation_check import ABLATION_MISTAKES, check_ablation
from lecture_lib.grading.cases import HALF, Cases
from lecture_lib.grading.soft_target_cases import (
    BROKEN_STEP,
    STEP_MISTAKES,
    distill_step,
    explain_step,
    step_cases,
)
from lecture_lib.grading.student_cases import (
    HIDDEN_MISTAKES,
    WEIGHT_MISTAKES,
    explain_weights,
    hidden_cases,
    hidden_loss,
    student_weights,
    weight_cases,
)
from lecture_lib.grading.task import Mistake, Task
from lecture_lib.grading.values import Fields

# ------------------------------------------------------------------ 07.4, числа DistilBERT

LAYER, SEGMENTS, POOLER = 7.087872, 0.001536, 0.590592  # млн параметров
BERT = 109.482240
STUDENT = BERT - 6 * LAYER - SEGMENTS - POOLER
NUMBERS = {
    "параметров, млн": STUDENT,
    "быстрее, %": 100 * (668 / 410 - 1),
    "качества осталось, %": 100 * 77.0 / 79.5,
    "отношение при T = 2": 9,
    "int8, МБ": STUDENT,
}
NUMBERS_WRONG = {
    "pooler_kept": {"параметров, млн": BERT - 6 * LAYER},
    "half_of_all": {"параметров, млн": BERT / 2},
    "six_layers_only": {"параметров, млн": 6 * LAYER},
    "half_embeddings": {"параметров, млн": 6 * LAYER + 23.835648 / 2},
    "by_the_slogan": {"параметров, млн": 0.6 * BERT},
    "nothing_dropped": {"параметров, млн": BERT},
    "time_saved": {"быстрее, %": 100 * (1 - 410 / 668)},
    "whole_ratio": {"быстрее, %": 100 * 668 / 410},
    "time_share": {"быстрее, %": 100 * 410 / 668},
    "ratio_not_percent": {"быстрее, %": 668 / 410},
    "points_lost": {"качества осталось, %": 97.5},
    "lost_not_kept": {"качества осталось, %": 100 * 2.5 / 79.5},
    "lost_rounded": {"качества осталось, %": 3.1},
    "difference": {"качества осталось, %": 2.5},
    "quality_inverted": {"качества осталось, %": 100 * 79.5 / 77.0},
    "share_not_percent": {"качества осталось, %": 77.0 / 79.5},
    "ratio_halved": {"отношение при T = 2": 40.5},
    "ratio_kept": {"отношение при T = 2": 81},
    "ratio_squared": {"отношение при T = 2": 6561},
    "ratio_doubled": {"отношение при T = 2": 162},
    "float_bytes": {"int8, МБ": 4 * STUDENT},
    "half_bytes": {"int8, МБ": 2 * STUDENT},
    "bits": {"int8, МБ": STUDENT / 8},
    "eight_bytes": {"int8, МБ": 8 * STUDENT},
}
NUMBERS_MISTAKES = {
    "pooler_kept": Mistake("Слой над [CLS] не отброшен: у DistilBERT его нет."),
    "half_of_all": Mistake("Пополам делятся только слои: таблица токенов у ученика прежняя."),
    "six_layers_only": Mistake("Забыты эмбеддинги: они остаются у ученика почти целиком."),
    "half_embeddings": Mistake("Таблица токенов не уменьшилась: половина взята лишь от слоёв."),
    "by_the_slogan": Mistake(
        "Это «на 40 % меньше», применённое к модели; посчитайте по частям — выйдет не ровно 60 %."
    ),
    "nothing_dropped": Mistake("Это сам учитель."),
    "time_saved": Mistake(
        "Это на сколько меньше время. «Быстрее» — о скорости: она обратна времени."
    ),
    "whole_ratio": Mistake("Это отношение скоростей в процентах: «на сколько» — без ста."),
    "time_share": Mistake("Это доля времени, а просили, на сколько больше скорость."),
    "ratio_not_percent": Mistake("Это «во сколько раз», а просили, на сколько процентов."),
    "points_lost": Mistake("Пункты вычтены из ста, а долю берут от качества учителя."),
    "lost_not_kept": Mistake("Это доля потерянного, а просили оставшееся."),
    "lost_rounded": Mistake("Это доля потерянного, а просили оставшееся."),
    "difference": Mistake("Это разность в пунктах, а просили долю от качества учителя."),
    "quality_inverted": Mistake("Поделено наоборот: делят на качество учителя."),
    "share_not_percent": Mistake("Это доля, а просили проценты."),
    "ratio_halved": Mistake(
        "Отношение поделено на T. На T делятся логиты, то есть логарифм отношения."
    ),
    "ratio_kept": Mistake("Температура отношение меняет: логиты делятся на T."),
    "ratio_squared": Mistake("Логиты умножены на T, а их делят: распределение становится мягче."),
    "ratio_doubled": Mistake(
        "Отношение умножено на T, а с ростом температуры оно сближается с единицей."
    ),
    "float_bytes": Mistake("Это размер в float32: четыре байта на вес, а у int8 — один."),
    "half_bytes": Mistake("Это два байта на вес, как в float16, а у int8 — один."),
    "bits": Mistake("int8 — восемь бит, то есть один байт на вес; делить на восемь не надо."),
    "eight_bytes": Mistake("int8 — восемь бит, а не восемь байтов."),
}

TASKS = (
    Task(
        "07.1", "Ученик начинает не с нуля", "написать", "student_weights", 3, 15, 2,
        notice="Заметьте: половина слоёв — это отбор имён и новая нумерация; ни одного числа, "
        "кроме позиций, менять не пришлось.",
        hints=(
            "Разделите имена на три рода: слои, то, что ученику не нужно, и всё остальное.",
            "Номер слоя — между «encoder.layer.» и следующей точкой; слой layers[i] учителя — это "
            "слой i ученика.",
            "Копия словаря без слоёв, сегментов и pooler → к позициям прибавить строку 0 таблицы "
            "сегментов → для каждого i переписать веса слоя layers[i] под номером i.",
        ),
        check=Cases(weight_cases, student_weights, WEIGHT_MISTAKES, explain=explain_weights),
        mistakes=WEIGHT_MISTAKES,
    ),
    Task(
        "07.2", "Шаг на мягких целях", "починить", "distill_step", 4, 20, 3,
        notice="Заметьте: T² не украшение — без него при T = 4 ученик получил бы в шестнадцать раз "
        "меньший шаг.",
        hints=(
            "Ошибок три: две в потере, одна — в том, чьи веса меняются.",
            "KL(учитель ‖ ученик) усредняет по вероятностям учителя. А где множитель T²?",
            "Вероятности учителя — без градиента → сумма p·(ln p − ln q) в строке, среднее по "
            "строкам, умножить на T² → шаг делает только ученик.",
        ),
        check=Cases(step_cases, distill_step, STEP_MISTAKES, tolerance=1e-3, explain=explain_step),
        mistakes=STEP_MISTAKES, given=BROKEN_STEP,
    ),
    Task(
        "07.3", "Смотреть туда же", "написать", "hidden_loss", 2, 10, 1,
        notice="Заметьте: длины векторов в ответ не вошли — ученик должен смотреть в ту же "
        "сторону, а не повторить состояние число в число.",
        hints=(
            "Косинус — скалярное произведение, делённое на обе длины. По какой оси его брать?",
            "Дополнение надо исключить и из суммы, и из числа слагаемых.",
            "Состояния только настоящих токенов, (N, D) → косинус в каждой строке → 1 − cos → "
            "среднее.",
        ),
        check=Cases(hidden_cases, hidden_loss, HIDDEN_MISTAKES, tolerance=HALF),
        mistakes=HIDDEN_MISTAKES,
    ),
    Task(
        "07.4", "Меньше, быстрее, почти так же", "предсказать", "numbers", 2, 10, 2,
        notice="Заметьте: слоёв вдвое меньше, а параметров — только на 39 %: треть того, что "
        "осталось, — таблица токенов.",
        hints=(
            "Параметры считайте по частям: что у ученика то же, чего вдвое меньше, чего нет.",
            "Скорость обратна времени. Отношение вероятностей — экспонента разности логитов, а "
            "логиты делятся на T.",
        ),
        check=Fields(NUMBERS, NUMBERS_WRONG, NUMBERS_MISTAKES), mistakes=NUMBERS_MISTAKES,
    ),
    Task(
        "07.5", "Что в рецепте важно", "поставить опыт", "losses", 4, 25, 3,
        notice="Заметьте: удача зерна в десять раз больше своей случайности запуска — но в парах "
        "она сокращается, и двадцати зёрен хватает.",
        hints=(
            "С чем сравнивать рецепт без части: с пустым, с другим неполным или с полным?",
            "У запусков с одним зерном удача общая. Что с ней станет в разности?",
            "Для каждого зерна — полный рецепт и по одному рецепту без каждой части → разности "
            "«полный минус без части» → среднее по зёрнам. Посчитайте, сколько зёрен помещается "
            "в 200 запусков.",
        ),
        check=check_ablation, mistakes=ABLATION_MISTAKES,
    ),
)  # fmt: skip
