"""Задания урока 02: маскирование — выбрать, заменить, посчитать потерю, проверить чужую замену."""

from __future__ import annotations

import numpy as np

from lecture_lib.grading.cases import HALF, Case, Cases
from lecture_lib.grading.choice_check import CHOICE_MISTAKES, check_choice
from lecture_lib.grading.experiment_check import EXPERIMENT_MISTAKES, check_experiment
from lecture_lib.grading.loss_cases import BROKEN_LOSS, LOSS_MISTAKES, loss_cases, masked_loss
from lecture_lib.grading.replacement_check import REPLACEMENT_MISTAKES, check_replacement
from lecture_lib.grading.task import Mistake, Task
from lecture_lib.grading.values import Fields
from lecture_lib.grading.wire import as_array

# ------------------------------------------------------------------ 02.4, целые слова


def _widen(tokens, chosen, back=True, forward=True, last=True, every=False, extra=False):
    starts = [i for i, token in enumerate(tokens) if not token.startswith("##")]
    words = [list(range(a, b)) for a, b in zip(starts, [*starts[1:], len(tokens)], strict=True)]
    result = list(chosen)
    for word in words if last else words[:-1]:
        picked = [i for i in word if chosen[i]]
        if every:
            mark = len(picked) == len(word)
            for i in word:
                result[i] = mark
        elif picked:
            for i in word:
                if (back or i >= picked[0]) and (forward or i <= picked[-1]):
                    result[i] = True
            if extra and word[-1] + 1 < len(tokens):
                result[word[-1] + 1] = True
    return result


def _widen_variant(**options):
    return lambda tokens, chosen: _widen(tokens, chosen, **options)


def _only_neighbours(tokens, chosen):
    result = list(chosen)
    for i, picked in enumerate(chosen):
        if picked and i + 1 < len(tokens) and tokens[i + 1].startswith("##"):
            result[i + 1] = True
        if picked and i and tokens[i].startswith("##"):
            result[i - 1] = True
    return result


def _only_heads(tokens, chosen):
    wide = _widen(tokens, chosen)
    return [w and not token.startswith("##") for w, token in zip(wide, tokens, strict=True)]


def _chain(tokens, chosen):
    result = list(chosen)
    for i in range(1, len(tokens)):
        if tokens[i].startswith("##") and (result[i - 1] or result[i]):
            result[i] = result[i - 1] = True
    return result


def _indices(tokens, chosen):
    return [i for i, picked in enumerate(_widen(tokens, chosen)) if picked]


WORDS = ("кот", "дом", "рыб ##ка", "отли ##чный", "при ##ве ##т", "по ##смо ##тре ##ли", "и", "мы")
VISIBLE_WORDS = (
    ["[CLS]", "мы", "по", "##смо", "##тре", "##ли", "фильм", "[SEP]"],
    [False, False, False, True, False, False, False, False],
)


def _word_cases(rng: np.random.Generator) -> list[Case]:
    cases = [Case(VISIBLE_WORDS, visible=True)]
    for count in (1, 2, 3, 4, 6, 8, 8, 10):
        words = [WORDS[int(i)] for i in rng.integers(0, len(WORDS), count)]
        words[int(rng.integers(count))] = WORDS[int(rng.integers(3, 6))]
        tokens = ["[CLS]", *" ".join(words).split(), "[SEP]"]
        chosen = [bool(rng.random() < 0.25) and not t.startswith("[") for t in tokens]
        pieces = [i for i, token in enumerate(tokens) if token.startswith("##")]
        chosen[int(rng.choice(pieces))] = True
        cases.append(Case((tokens, chosen)))
    long = "по ##смо ##тре ##ли кот".split()
    cases += [Case((long, [i == k for i in range(5)])) for k in range(5)]
    cases.append(Case((["кот", "рыб", "##ка"], [False, True, False])))  # слово в самом конце
    cases.append(Case(("рыб ##ка и рыб ##ка".split(), [i == 4 for i in range(5)])))  # повтор
    return [*cases, Case((["мы", "и"], [False, False]))]


def _word_place(arguments, expected, got) -> str:
    tokens, _ = arguments
    found = as_array(got)
    if found is None or found.shape != (len(tokens),):
        return f"нужен список из {len(tokens)} значений True и False, по одному на токен"
    wrong = int(np.argmax(found != np.array(expected)))
    if found[wrong] not in (0, 1):
        return f"позиция {wrong}: нужно True или False, а стоит {found[wrong]:g}"
    state = "должен быть выбран" if expected[wrong] else "не должен быть выбран"
    return f"позиция {wrong}: токен «{tokens[wrong]}» {state}"


WORD_MISTAKES = {
    "only_forward": Mistake(
        "Слово закрыто только вправо от выбранного подслова, а начало осталось видно.",
        _widen_variant(back=False),
    ),
    "only_back": Mistake(
        "Слово закрыто только влево от выбранного подслова, а конец остался виден.",
        _widen_variant(forward=False),
    ),
    "last_word": Mistake(
        "Последнее слово строки не закрыто: цикл кончается раньше.", _widen_variant(last=False)
    ),
    "all_or_nothing": Mistake(
        "Слово закрывается, только если выбраны все его подслова, а довольно одного.",
        _widen_variant(every=True),
    ),
    "one_too_many": Mistake(
        "Вместе со словом закрыт и следующий токен: граница сдвинута на один.",
        _widen_variant(extra=True),
    ),
    "neighbours_only": Mistake(
        "Закрыты только соседи выбранного подслова; в длинном слове остаются открытые.",
        _only_neighbours,
    ),
    "heads_only": Mistake("Отмечено только первое подслово каждого слова.", _only_heads),
    "one_pass": Mistake(
        "Один проход слева направо: до начала длинного слова отметка не доходит.", _chain
    ),
    "nothing": Mistake("Ничего не добавлено: вернулся прежний выбор.", lambda t, c: list(c)),
    "returns_indices": Mistake(
        "Вернулись номера мест, а просили список True и False по токенам.", _indices
    ),
}

# ------------------------------------------------------------------ 02.5, предсказать числа

COUNTS = {"выбрано": 480, "станут [MASK]": 384, "изменятся": 432, "считает потеря": 480}
COUNT_MISTAKES = {
    "all_places": Mistake(
        "15 % взяты от всех мест батча. Служебные токены и дополнение не выбирают."
    ),
    "only_masks": Mistake(
        "Потеря считается по всем выбранным: и по случайным, и по оставленным, не только по [MASK]."
    ),
    "loss_over_changed": Mistake("Оставленные как есть тоже предсказывают: потеря видит и их."),
    "loss_over_all": Mistake("Потеря видит только выбранные токены, остальным ответа не ждут."),
    "keep_changes": Mistake("Изменятся не все выбранные: десятая часть останется прежней."),
    "only_random_changes": Mistake("Изменятся и те, что стали [MASK], а не только случайные."),
    "mask_of_all": Mistake("80 % — от выбранных, а не от всех обычных токенов."),
    "mask_rest": Mistake("[MASK] становятся 80 % выбранных, а не все выбранные."),
    "per_row": Mistake("Это числа для одной строки, а строк в батче 32."),
}
COUNT_WRONG = {
    "all_places": {"выбрано": 32 * 128 * 0.15},
    "per_row": {"выбрано": 15, "станут [MASK]": 12},
    "mask_of_all": {"станут [MASK]": 2560},
    "mask_rest": {"станут [MASK]": 480},
    "keep_changes": {"изменятся": 480},
    "only_random_changes": {"изменятся": 48},
    "only_masks": {"считает потеря": 384},
    "loss_over_changed": {"считает потеря": 432},
    "loss_over_all": {"считает потеря": 3200},
}

TASKS = (
    Task(
        "02.1", "Ровно 15 %", "написать", "choose", 3, 15, 2,
        notice="Заметьте цену точности: в коротких строках «не меньше одного» поднимает долю "
        "выше 15 %.",
        hints=(
            "Обычный токен — тот, чей номер не в special_ids. Сначала найдите их: torch.isin.",
            "Кого выбрать: дайте каждому токену случайное число и возьмите k наименьших; "
            "служебным дайте число больше всех.",
            "Порядок: обычные → k = max(1, округлённое p·n) для каждой строки → случайный шум с "
            "бесконечностью на служебных → место в очереди (argsort дважды) → меньше k.",
        ),
        check=check_choice, mistakes=CHOICE_MISTAKES,
    ),
    Task(
        "02.2", "Один жребий", "написать", "spoil", 3, 15, 2,
        notice="Заметьте: отрезок [0, 1) разрезан один раз на три части — поэтому доли точны, "
        "а с двумя монетами вышло бы 81/10/9.",
        hints=(
            "Сколько случайных чисел нужно одному токену, чтобы выбрать один исход из трёх?",
            "Одно число u: меньше 0,8 — [MASK], от 0,8 до 0,9 — случайный, дальше — прежний.",
            "Копия входа → u для каждого места → два условия, оба вместе с chosen → случайные "
            "токены берутся из ordinary_ids по случайному номеру места в нём.",
        ),
        check=check_replacement, mistakes=REPLACEMENT_MISTAKES,
    ),
    Task(
        "02.3", "Сломанная потеря", "починить", "masked_loss", 2, 10, 1,
        notice="Заметьте: невыбранные места не дают ни слагаемого, ни единицы в знаменателе — "
        "это и делает метка −100.",
        hints=(
            "Ошибок в коде три. Посмотрите на ось softmax и на то, сколько чисел усредняется.",
            "Словарь — последняя ось. Метка 0 — это [PAD], а не «ответа нет».",
            "Логарифм softmax по последней оси → вероятность верного токена в каждом месте → "
            "сумма по выбранным, делённая на их число; пустой выбор — ноль.",
        ),
        check=Cases(loss_cases, masked_loss, LOSS_MISTAKES, tolerance=HALF),
        mistakes=LOSS_MISTAKES, given=BROKEN_LOSS,
    ),
    Task(
        "02.4", "Слово целиком", "написать", "widen", 2, 12, 2,
        notice="Заметьте: доля закрытых токенов выросла — чтобы она осталась 15 %, выбирать надо "
        "слова, а не подслова.",
        hints=(
            "Слово начинается с токена без «##» и тянется, пока следующие начинаются с «##».",
            "Сначала разбейте токены на слова, потом решайте о каждом слове целиком.",
            "Для каждого токена найдите номер его слова; соберите номера слов, где есть выбранный "
            "токен; выберите все токены этих слов.",
        ),
        check=Cases(_word_cases, _widen, WORD_MISTAKES, explain=_word_place),
        mistakes=WORD_MISTAKES,
    ),
    Task(
        "02.5", "Предскажите счёт", "предсказать", "counts", 1, 5, 1,
        notice="Заметьте: потеря считается по 480 токенам, а [MASK] среди них — только 384.",
        hints=(
            "Сначала — сколько в батче обычных токенов: выбирают из них.",
            "80/10/10 — доли от выбранных. Прежние не меняются, но их предсказывают.",
        ),
        check=Fields(COUNTS, COUNT_WRONG, COUNT_MISTAKES), mistakes=COUNT_MISTAKES,
    ),
    Task(
        "02.6", "Поймайте 81/10/9", "поставить опыт", "looks_right", 4, 20, 3,
        notice="Заметьте: чтобы увидеть разницу в один процентный пункт, нужны десятки тысяч "
        "токенов — на глаз такую ошибку не поймать.",
        hints=(
            "Случайная доля гуляет на √(p(1−p)/n). При каком n это много меньше 0,01?",
            "Проверять надо не одно: доли [MASK] и случайных, невыбранные места, вид случайных "
            "токенов.",
            "Большой тензор обычных токенов, выбрана половина мест → вызов spoil → невыбранные не "
            "изменились? заменённые — [MASK] или из ordinary_ids? доли [MASK], изменённых и "
            "прежних в пределах 4 отклонений?",
        ),
        check=check_experiment, mistakes=EXPERIMENT_MISTAKES,
    ),
)  # fmt: skip
