"""Игрушечные задания для тестов пакетной проверки: лёгкие, без torch в тетради."""

from __future__ import annotations

import json
from pathlib import Path

from lecture_lib.grading.cases import Case, Cases
from lecture_lib.grading.submission import Assignment
from lecture_lib.grading.task import Mistake, Task
from lecture_lib.grading.values import Fields

SECRET = 743  # верный ответ третьего задания: в тетрадь он попасть не должен


def _lists(rng):
    yield Case(([1, 2],), visible=True)
    for length in (1, 3, 5):
        yield Case(([int(x) for x in rng.integers(1, 1000, length)],))


def _pairs(rng):
    for _ in range(3):
        yield Case(tuple(int(x) for x in rng.integers(1, 1000, 2)))


def _task(number, title, kind, name, check, mistakes):
    return Task(
        id=f"77.{number}",
        title=title,
        kind=kind,
        name=name,
        points=2,
        minutes=1,
        difficulty=1,
        notice="Верно.",
        hints=("Подумайте.", "Ещё подумайте."),
        check=check,
        mistakes=mistakes,
    )


SQUARES = {"squares": Mistake("Числа возведены в квадрат.", lambda xs: [x * x for x in xs])}
DOUBLE = Cases(make=_lists, reference=lambda xs: [2 * x for x in xs], mistakes=SQUARES)
ADD = Cases(make=_pairs, reference=lambda a, b: a + b, mistakes={})
PREDICT = Fields(right={"число": SECRET}, wrong={}, mistakes={})

TASKS = (
    _task(1, "Удвоить", "написать", "double", DOUBLE, SQUARES),
    _task(2, "Сложить", "написать", "add", ADD, {}),
    _task(3, "Угадать", "предсказать", "prediction", PREDICT, {}),
)

HONEST = {
    "setup": "from lecture_lib.grading import check, hint\n"
    "from lecture_lib.grading.pictures import heads_picture\n"
    "hint('77.1')\nheads_picture()",
    "double": "def double(xs):\n    return [2 * x for x in xs]",
    "check1": 'check("77.1", double)',
    "add": "def add(a, b):\n    return a + b",
    "prediction": f'prediction = {{"число": {SECRET}}}',
}
ZERO = HONEST | {
    "double": "def double(xs):\n    return [x * x for x in xs]",
    "add": "def add(a, b):\n    return a - b",
    "prediction": 'prediction = {"число": 1}',
}


def notebook(cells, **metadata) -> dict:
    """Тетрадь из пар «id — текст»; ячейки check — запертые."""
    pairs = cells.items() if isinstance(cells, dict) else cells
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3"}, **metadata},
        "cells": [
            {
                "id": name,
                "cell_type": "code",
                "source": source.splitlines(keepends=True),
                "metadata": {"editable": False} if name.startswith("check") else {},
                "outputs": [],
                "execution_count": None,
            }
            for name, source in pairs
        ],
    }


def write_notebook(path: Path, cells, **metadata) -> Path:
    """Кладёт тетрадь в файл."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook(cells, **metadata), ensure_ascii=False), encoding="utf-8")
    return path


def make_assignment(folder: Path) -> Assignment:
    """Задания и «выданная» тетрадь с заготовками."""
    stub = HONEST | {
        "double": "def double(xs):\n    ...",
        "add": "def add(a, b):\n    ...",
        "prediction": 'prediction = {"число": ...}',
    }
    path = write_notebook(folder / "77_игрушки.ipynb", stub)
    return Assignment("77", TASKS, path.name, path)
