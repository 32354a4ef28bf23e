"""Задания курса: проверка с диагнозом, подсказки, банк ошибок.

    from lecture_lib.grading import check, hint

Задание — Task (task.py), проверки собраны по урокам (lesson01.py …), исход — Outcome.
"""

from lecture_lib.grading.check import check, get_task, hint, load_tasks, run_check
from lecture_lib.grading.outcome import Outcome, Verdict

__all__ = ["Outcome", "Verdict", "check", "get_task", "hint", "load_tasks", "run_check"]
