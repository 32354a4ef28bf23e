"""Задание 07.2: шаг обучения на мягких целях — сломанный, верный и мутанты.

Градиент посчитан руками: у T²·KL(p ‖ q) по логитам ученика он равен T·(q − p), делённому на число
строк.
"""

from __future__ import annotations

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.task import Mistake

BROKEN_STEP = """
def distill_step(x, student, teacher, temperature, rate):
    student = student.clone().requires_grad_()
    teacher = teacher.clone().requires_grad_()
    log_q = (x @ student / temperature).log_softmax(-1)
    log_p = (x @ teacher / temperature).log_softmax(-1)
    loss = (log_q.exp() * (log_q - log_p)).sum(-1).mean()
    loss.backward()
    with torch.no_grad():
        return student - rate * student.grad, teacher - rate * teacher.grad
"""


def distill_step(x, student, teacher, temperature, rate, way="forward", power=2, moves=False,
                 heat="both", reduce="mean", axis=-1, sign=-1, target="soft"):  # fmt: skip
    """Верные веса после шага [ученик, учитель]; настройки портят шаг в одном месте."""
    x, student, teacher = (part.astype(float) for part in (x, student, teacher))
    hot = {"both": (1, 1), "student": (1, 0), "teacher": (0, 1), "none": (0, 0),
           "times": (-1, -1)}[heat]  # fmt: skip
    ours, theirs = (temperature**power_ for power_ in hot)
    q, p = _softmax(x @ student / ours, axis), _softmax(x @ teacher / theirs, axis)
    if target == "hard":
        p = np.eye(p.shape[-1])[(x @ teacher).argmax(-1)]
    by_student, by_teacher = _gradients(x @ student, x @ teacher, q, p, way, ours, theirs, axis)
    size = {"mean": len(x), "sum": 1, "all": q.size}[reduce]
    scale = rate * temperature**power / size
    student = student + sign * scale * x.T @ by_student
    return [student, teacher + sign * scale * x.T @ by_teacher if moves else teacher]


def _gradients(student, teacher, q, p, way, ours, theirs, axis):
    """Производные потери по логитам ученика и учителя."""
    if way == "square":
        return 2 * (student - teacher) / q.shape[-1], 2 * (teacher - student) / q.shape[-1]
    ratio = np.log(np.maximum(q, 1e-30)) - np.log(np.maximum(p, 1e-30))
    if way == "reverse":
        divergence = (q * ratio).sum(axis, keepdims=True)
        return q * (ratio - divergence) / ours, (p - q) / theirs
    divergence = (-p * ratio).sum(axis, keepdims=True)
    return (q - p) / ours, p * (-ratio - divergence) / theirs


def _softmax(logits, axis):
    e = np.exp(logits - logits.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def _variant(**options):
    return lambda *inputs: distill_step(*inputs, **options)


def step_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 07.2: состояния (N, D), две матрицы выхода (D, V), температура, скорость."""
    cases = []
    for rows, size, words, temperature, rate in (
        (1, 2, 3, 2.0, 1.0), (2, 3, 4, 3.0, 0.5), (5, 3, 6, 4.0, 0.8), (4, 4, 5, 1.5, 1.0),
    ):  # fmt: skip
        x = 1.5 * rng.standard_normal((rows, size))
        student, teacher = (1.5 * rng.standard_normal((size, words)) for _ in range(2))
        tensors = (part.astype(np.float32) for part in (x, student, teacher))
        cases.append(Case((*tensors, temperature, rate)))
    return cases


_DIRECTION = "KL взята не в ту сторону: ученика усредняют с вероятностями учителя, а не своими."
_SQUARE = "Нет множителя T²: при большой температуре градиент почти исчезает."
_TEACHER = "Учитель тоже сдвинулся: градиент ему не положен."
STEP_MISTAKES = {
    "untouched": Mistake(
        f"Все три ошибки на месте. {_DIRECTION}", _variant(way="reverse", power=0, moves=True)
    ),
    "reverse_no_square": Mistake(f"Осталось две ошибки. {_DIRECTION} {_SQUARE}",
                                 _variant(way="reverse", power=0)),
    "reverse_teacher": Mistake(f"Осталось две ошибки. {_DIRECTION} {_TEACHER}",
                               _variant(way="reverse", moves=True)),
    "no_square_teacher": Mistake(f"Осталось две ошибки. {_SQUARE} {_TEACHER}",
                                 _variant(power=0, moves=True)),
    "reverse": Mistake(_DIRECTION, _variant(way="reverse")),
    "no_square": Mistake(_SQUARE, _variant(power=0)),
    "teacher_moves": Mistake(_TEACHER, _variant(moves=True)),
    "one_power": Mistake("Множитель T вместо T²: градиент дважды поделён на T.",
                         _variant(power=1)),
    "inverse_square": Mistake("Потеря поделена на T², а её надо умножить.", _variant(power=-2)),
    "student_cold": Mistake(
        "Логиты ученика не поделены на T: мягкой стала только половина сравнения.",
        _variant(heat="teacher"),
    ),
    "teacher_cold": Mistake(
        "Логиты учителя не поделены на T: цели остались острыми.", _variant(heat="student")
    ),
    "no_temperature": Mistake("Логиты не поделены на T.", _variant(heat="none")),
    "no_temperature_no_square": Mistake("Температуры нет: логиты не поделены на T.",
                                        _variant(heat="none", power=0)),
    "temperature_inverted": Mistake("Логиты умножены на T, а надо поделить.",
                                    _variant(heat="times")),
    "sum": Mistake("Это сумма по строкам, а просили среднее.", _variant(reduce="sum")),
    "mean_of_numbers": Mistake(
        "Среднее взято по всем числам, а надо — по строкам: внутри строки KL — сумма.",
        _variant(reduce="all"),
    ),
    "uphill": Mistake("Шаг сделан вверх: градиент вычитают.", _variant(sign=1)),
    "hard_targets": Mistake(
        "Цели жёсткие: взят один лучший ответ учителя, а не его распределение.",
        _variant(target="hard"),
    ),
    "hard_no_square": Mistake(
        "Цели жёсткие: взят один лучший ответ учителя, а не его распределение.",
        _variant(target="hard", power=0, heat="none"),
    ),
    "square": Mistake("Это квадрат разности логитов, а просили KL.",
                      _variant(way="square", power=0)),
    "wrong_axis": Mistake("softmax взят по строкам батча, а словарь — последняя ось.",
                          _variant(axis=0)),
}  # fmt: skip


def explain_step(arguments, expected, got) -> str:
    """Чьи веса разошлись и где."""
    if not isinstance(got, list | np.ndarray) or len(got) != 2:
        return "нужна пара: веса ученика и веса учителя"
    for name, wanted, found in zip(("учитель", "ученик"), expected[::-1], got[::-1], strict=True):
        if np.shape(found) != wanted.shape:
            return f"{name}: форма {np.shape(found)}, а нужна {wanted.shape}"
        wrong = np.argwhere(~np.isclose(wanted, found, rtol=1e-3, atol=1e-3))
        if len(wrong):
            row, column = (int(n) for n in wrong[0])
            return (
                f"{name}, строка {row}, столбец {column}: ждали {wanted[row, column]:.4g}, "
                f"получили {found[row][column]:.4g}"
            )
    return ""
