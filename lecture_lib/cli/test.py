"""``lecture test``: проверить курс."""

from __future__ import annotations

import argparse

SUMMARY = "проверить курс: ruff, тесты и уроки"


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    parser.add_argument(
        "pytest",
        nargs=argparse.REMAINDER,
        metavar="…",
        help="что передать pytest, например tests/test_cli.py -k fill (обычно — всё)",
    )


def run(options: argparse.Namespace) -> int:
    """Прогоняет проверки курса; код завершения — первый ненулевой."""
    from lecture_lib.lab import find_course_root
    from lecture_lib.quality import run_checks

    return run_checks(find_course_root(), options.pytest)
