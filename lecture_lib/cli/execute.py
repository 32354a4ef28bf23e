"""``lecture execute``: исполнить уроки заново и сохранить выводы."""

from __future__ import annotations

import argparse
from pathlib import Path

from lecture_lib.cli.output import add_json, percent, print_json

SUMMARY = "исполнить уроки заново и сохранить выводы (для авторов)"


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    parser.add_argument(
        "notebooks", nargs="*", type=Path, metavar="ТЕТРАДЬ", help="какие (обычно — все уроки)"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Исполняет тетради по очереди и печатает секунды каждой."""
    from lecture_lib.execution import execute_notebook
    from lecture_lib.lab import find_course_root

    paths = options.notebooks or sorted((find_course_root() / "lessons").glob("*.ipynb"))
    done = []
    for path in paths:
        result = execute_notebook(path)
        done.append(result)
        if not options.json:
            print(
                f"{result.path.name}: {result.seconds:.0f} с, {result.size // 1000} КБ, "
                f"сравнивается {percent(result.compared)} ячеек"
            )
    if options.json:
        rows = [
            {"notebook": r.path.name, "seconds": r.seconds, "bytes": r.size, "compared": r.compared}
            for r in done
        ]
        print_json({"notebooks": rows})
