"""``lecture experiment``: полный опыт урока — обучить, измерить, показать строки.

Опыт — модуль lecture_lib.experiments, у которого есть run(folder, seeds, quick=…, workers=…),
load_rows(), save(rows, path, quick), report(rows) — объект для ``--json`` — и table(rows): столбцы
и строки для человека, где число — словарь {mean, std} или доля, остальное — текст.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from lecture_lib.cli.arguments import whole_number
from lecture_lib.cli.output import add_json, percent, print_json

SUMMARY = "повторить опыт урока или показать его строки"


class Experiment(NamedTuple):
    """Модуль опыта и сколько зёрен он берёт: полный и на пробу."""

    module: str
    seeds: int
    quick_seeds: int


EXPERIMENTS = {
    "table8": Experiment("table8", 5, 2),
    "glue": Experiment("glue", 3, 1),
    "learning-curve": Experiment("learning_curve", 3, 1),
    "roberta": Experiment("roberta", 3, 2),
    "distillation": Experiment("distillation", 3, 2),
}


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    parser.add_argument("name", choices=tuple(EXPERIMENTS), help="какой опыт")
    parser.add_argument(
        "--show", action="store_true", help="показать готовые строки из поставки, не считая"
    )
    parser.add_argument(
        "--quick", action="store_true", help="проба: всё то же на крошечных данных, за минуту"
    )
    parser.add_argument(
        "--seeds", type=whole_number(2), metavar="N", help="сколько зёрен (у каждого опыта своё)"
    )
    parser.add_argument(
        "--workers", type=whole_number(1), metavar="N", help="процессов (по числу ядер)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="ПАПКА", help="где считать (обычно runs/<опыт>)"
    )
    parser.add_argument("--save", type=Path, metavar="ФАЙЛ", help="записать строки в файл JSON")
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Считает опыт (прерванный — продолжает) или показывает готовые строки."""
    experiment = EXPERIMENTS[options.name]
    module = import_module(f"lecture_lib.experiments.{experiment.module}")
    if options.show:
        rows = module.load_rows()
    else:
        folder = options.out or Path("runs", options.name + ("-quick" if options.quick else ""))
        seeds = options.seeds or (experiment.quick_seeds if options.quick else experiment.seeds)
        rows = module.run(folder, range(seeds), quick=options.quick, workers=options.workers)
        if options.save:
            module.save(rows, options.save, options.quick)
    if options.json:
        print_json(module.report(rows))
    else:
        print_table(*module.table(rows))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Таблица для человека: первый столбец — слева, числа — справа."""
    lines = [list(columns), *([_cell(value) for value in row] for row in rows)]
    first, *widths = (max(len(line[i]) for line in lines) for i in range(len(columns)))
    for name, *cells in lines:
        print(f"{name:<{first}}", *(f"{c:>{w}}" for c, w in zip(cells, widths, strict=True)))


def _cell(value: Any) -> str:
    """Клетка: {mean, std} — «84,2 % ± 0,3 %», доля — в процентах, None — прочерк."""
    if isinstance(value, dict):
        spread = f" ± {percent(value['std'])}" if value["seeds"] > 1 else ""
        return percent(value["mean"]) + spread
    if value is None:
        return "—"
    return percent(value) if isinstance(value, float) else str(value)
