"""``lecture export``: урок страницей HTML, которая открывается без сети."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "сохранить урок страницей HTML, которая открывается без сети"


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    parser.add_argument(
        "lessons", nargs="*", metavar="НОМЕР", help="какие уроки, например 01 (обычно — все)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/html"), metavar="ПАПКА", help="куда (runs/html)"
    )


def run(options: argparse.Namespace) -> None:
    """Пишет страницы и печатает путь каждой."""
    from lecture_lib.export import export_lesson, find_lesson
    from lecture_lib.lab import find_course_root

    lessons = find_course_root() / "lessons"
    chosen = [find_lesson(lessons, number) for number in options.lessons]
    for path in chosen or sorted(lessons.glob("[0-9][0-9]_*.ipynb")):
        page = export_lesson(path, options.out)
        print(f"{page}: {page.stat().st_size // 1000} КБ")
