"""Задания урока 01: о чём спрашивают модель, как ею оценить и заполнить, что видно на рисунке."""

from __future__ import annotations

from lecture_lib.grading.cases import Cases
from lecture_lib.grading.filling_cases import (
    FILL_MISTAKES,
    PATTERN_MISTAKES,
    explain_pattern,
    fill,
    fill_cases,
    pattern,
    pattern_cases,
)
from lecture_lib.grading.question_cases import (
    QUESTION_MISTAKES,
    SCORE_MISTAKES,
    question_cases,
    questions,
    score,
    score_cases,
)
from lecture_lib.grading.task import Mistake, Task
from lecture_lib.grading.values import Fields

BUDGET = {"причинная": 200, "маскированная": 30, "проходов для оценки": 200, "батчей": 200}
BUDGET_WRONG = {
    "masked_asks_all": {"маскированная": 200},
    "causal_loses_one": {"причинная": 199},
    "causal_like_masked": {"причинная": 30},
    "masked_open": {"маскированная": 170},
    "score_one_pass": {"проходов для оценки": 1},
    "score_by_share": {"проходов для оценки": 30},
    "score_rounds": {"проходов для оценки": 7},
    "batches_equal": {"батчей": 30},
    "batches_inverted": {"батчей": 4.5},
    "batches_one": {"батчей": 6.667},
}
BUDGET_MISTAKES = {
    "masked_asks_all": Mistake("MLM спрашивает только о закрытых токенах, а закрыто 15 %."),
    "causal_loses_one": Mistake(
        "Пропущен один вопрос: [CLS] спрашивает о первом слове, так что вопросов столько же, "
        "сколько слов."
    ),
    "causal_like_masked": Mistake("Причинная модель отвечает обо всех словах за один проход."),
    "masked_open": Mistake("Это открытые токены, а спрашивают о закрытых."),
    "score_one_pass": Mistake(
        "За один проход MLM не оценить: закрыть надо каждый токен по одному."
    ),
    "score_by_share": Mistake("Для оценки закрывают по одному токену, 15 % здесь ни при чём."),
    "score_rounds": Mistake(
        "Закрывать по 15 % быстрее, но это уже другая оценка: закрытые не видят друг друга."
    ),
    "batches_equal": Mistake("Батчей столько же, но вопросов в каждом в 200/30 раза меньше."),
    "batches_inverted": Mistake("Поделено наоборот: MLM нужно больше батчей, а не меньше."),
    "batches_one": Mistake("Это «во сколько раз»; умножьте на 30 батчей причинной модели."),
}

BETTER, WORSE, UNKNOWN = "двусторонняя", "причинная", "не доказано"
READING = {"А": BETTER, "Б": UNKNOWN, "В": BETTER, "Г": UNKNOWN, "Д": WORSE}
READING_WRONG = {
    "sides_swapped": {"А": WORSE, "В": WORSE, "Д": BETTER},
    "by_the_point": {"Б": BETTER, "Г": WORSE},
    "nothing_proven": {"А": UNKNOWN, "В": UNKNOWN, "Д": UNKNOWN},
    "large_is_proven": {"Б": BETTER},
    "small_is_nothing": {"В": UNKNOWN},
    "small_minus": {"Г": WORSE},
    "minus_ignored": {"Д": BETTER},
    "minus_unknown": {"Д": UNKNOWN},
    "zero_is_better": {"Г": BETTER},
    "first_unknown": {"А": UNKNOWN},
}
READING_MISTAKES = {
    "sides_swapped": Mistake(
        "Стороны перепутаны: разность «двусторонняя минус причинная» больше нуля, когда лучше "
        "двусторонняя."
    ),
    "by_the_point": Mistake(
        "Прочитаны только точки. Пока интервал накрывает ноль, о знаке сказать нечего."
    ),
    "nothing_proven": Mistake("Интервалы А, В и Д нуля не касаются: эти различия доказаны."),
    "large_is_proven": Mistake("Разность Б велика, но её интервал накрывает ноль: данных мало."),
    "small_is_nothing": Mistake("Разность В мала, но интервал узок и лежит правее нуля."),
    "small_minus": Mistake("Точка Г левее нуля, но интервал его накрывает."),
    "minus_ignored": Mistake("Д — слева от нуля: там лучше причинная модель."),
    "minus_unknown": Mistake("Интервал Д целиком левее нуля: это доказано."),
    "zero_is_better": Mistake("Интервал Г накрывает ноль, и точка вовсе слева."),
    "first_unknown": Mistake("Интервал А целиком правее нуля: это доказано."),
}

TASKS = (
    Task(
        "01.1", "Вопросы обычной модели", "написать", "questions", 2, 10, 1,
        notice="Заметьте: вопросов столько же, сколько токенов после [CLS], и каждый — MLM с "
        "маской в конце.",
        hints=(
            "О каком токене первый вопрос? Левее него должно что-то стоять.",
            "Вопрос о токене i: всё, что левее, и [MASK]. Ответ — сам токен i.",
            "Для каждого места от первого после [CLS] до последнего: начало строки до этого места, "
            "к нему mask_id; в пару — токен с этого места.",
        ),
        check=Cases(question_cases, questions, QUESTION_MISTAKES), mistakes=QUESTION_MISTAKES,
    ),
    Task(
        "01.2", "Оцените предложение", "написать", "score", 3, 15, 2,
        notice="Заметьте: предложение из n токенов стоит n проходов — за двусторонность платят "
        "временем.",
        hints=(
            "Что увидит модель, если токен не закрыть?",
            "На каждый токен — своя копия строки с одной маской и свой вызов predict.",
            "По всем местам, кроме первого и последнего: копия строки, маска на это место, predict "
            "от копии, логарифм исходного токена на этом же месте; всё сложить.",
        ),
        check=Cases(score_cases, score, SCORE_MISTAKES), mistakes=SCORE_MISTAKES,
    ),
    Task(
        "01.3", "Сначала уверенные", "написать", "fill", 4, 20, 3,
        notice="Заметьте: после каждого слова модель спрашивают заново — новое слово меняет "
        "ответы на остальные маски.",
        hints=(
            "Сколько раз нужно вызвать predict, если масок четыре?",
            "Уверенность в маске — наибольший из логарифмов вероятностей на её месте.",
            "Пока есть маски: спросить модель, запретить [MASK] как ответ, найти маску с самым "
            "большим логарифмом, вписать туда его токен.",
        ),
        check=Cases(fill_cases, fill, FILL_MISTAKES, axes=("позиция",)), mistakes=FILL_MISTAKES,
    ),
    Task(
        "01.4", "Открытое начало", "написать", "prefix_pattern", 2, 10, 2,
        notice="Заметьте: при prefix = 0 это причинная модель, при prefix = S — двусторонняя; один "
        "узор ведёт от одной к другой.",
        hints=(
            "Начните с причинного узора: кого видит токен i?",
            "Что меняется: токены начала видны всем, кто бы ни смотрел.",
            "Клетка [i, j] — True, если j не правее i или j меньше prefix.",
        ),
        check=Cases(pattern_cases, pattern, PATTERN_MISTAKES, axes=("строка", "столбец"),
                    explain=explain_pattern),
        mistakes=PATTERN_MISTAKES,
    ),
    Task(
        "01.5", "Сколько вопросов за проход", "предсказать", "budget", 1, 5, 1,
        notice="Заметьте: на том же тексте причинная модель получает в 6,7 раза больше вопросов — "
        "помните об этом, сравнивая модели «при равном числе токенов».",
        hints=(
            "Причинная модель спрашивает на каждом месте о следующем токене. Мест с вопросом — "
            "сколько?",
            "Вопросов за 30 батчей причинной модели — 30·200. Поделите на вопросы MLM в батче.",
        ),
        check=Fields(BUDGET, BUDGET_WRONG, BUDGET_MISTAKES), mistakes=BUDGET_MISTAKES,
    ),
    Task(
        "01.6", "Прочитайте интервалы", "прочитать рисунок", "verdicts", 2, 5, 2,
        notice="Заметьте: большая разность может быть не доказана, а маленькая — доказана; решает "
        "не точка, а интервал.",
        hints=(
            "Смотрите не на точку, а на отрезок: по какую сторону от нуля он лежит?",
            "Накрыл ноль — «не доказано»; целиком справа — двусторонняя, слева — причинная.",
        ),
        check=Fields(READING, READING_WRONG, READING_MISTAKES), mistakes=READING_MISTAKES,
    ),
)  # fmt: skip
