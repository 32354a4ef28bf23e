"""``lecture slides``: разметить уроки под показ по правилу и планам."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "разметить уроки под показ: виды слайдов и минуты (для авторов)"


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    parser.add_argument(
        "notebooks", nargs="*", type=Path, metavar="ТЕТРАДЬ", help="какие (обычно — все уроки)"
    )


def run(options: argparse.Namespace) -> None:
    """Размечает тетради на месте и говорит, какие изменились; текст и выводы не тронуты."""
    from lecture_lib.lab import find_course_root
    from lecture_lib.slides import mark_file

    paths = options.notebooks or sorted((find_course_root() / "lessons").glob("*.ipynb"))
    for path in paths:
        print(f"{path.name}: {'размечен' if mark_file(path) else 'уже размечен'}")
