"""``lecture experiment``: полный опыт урока — обучить, измерить, показать строки."""

from __future__ import annotations

import argparse
from pathlib import Path

from lecture_lib.cli.arguments import whole_number
from lecture_lib.cli.output import add_json, percent, print_json

SUMMARY = "повторить опыт урока или показать его строки"
EXPERIMENTS = ("table8",)
SEEDS, QUICK_SEEDS = 5, 2


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    parser.add_argument("name", choices=EXPERIMENTS, help="какой опыт")
    parser.add_argument(
        "--show", action="store_true", help="показать готовые строки из поставки, не считая"
    )
    parser.add_argument(
        "--quick", action="store_true", help="проба: всё то же на крошечных данных, за минуту"
    )
    parser.add_argument(
        "--seeds", type=whole_number(2), metavar="N", help=f"сколько зёрен ({SEEDS})"
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
    from lecture_lib.experiments import table8

    if options.show:
        rows = table8.load_rows()
    else:
        folder = options.out or Path("runs", options.name + ("-quick" if options.quick else ""))
        seeds = range(options.seeds or (QUICK_SEEDS if options.quick else SEEDS))
        rows = table8.run(folder, seeds, quick=options.quick, workers=options.workers)
        if options.save:
            table8.save(rows, options.save, options.quick)
    summary = table8.summary(rows)
    if options.json:
        print_json({"rows": rows, "summary": summary})
    else:
        print_table(summary, table8.MEASURES)


def print_table(summary: list[dict], measures: dict[str, str]) -> None:
    """Таблица для человека: вариант, по столбцу на меру, среднее ± отклонение."""
    print(f"{'MASK/SAME/RND':<14}", *(f"{name:>24}" for name in measures.values()))
    for row in summary:
        cells = [
            f"{percent(row[measure]['mean'])} ± {percent(row[measure]['std'])}"
            for measure in measures
        ]
        print(f"{row['row']:<14}", *(f"{cell:>24}" for cell in cells))
