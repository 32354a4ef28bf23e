"""``lecture test``: проверить курс."""

from __future__ import annotations

import argparse

SUMMARY = "проверить курс: ruff, тесты и уроки"


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    parser.add_argument(
        "pytest",
        nargs="*",
        metavar="…",
        help="что передать pytest, например tests/test_cli.py -k fill (обычно — всё)",
    )


def split_arguments(argv: list[str]) -> tuple[list[str], list[str]]:
    """Отделяет ключи pytest: «-k» и «-x» argparse принял бы за свои."""
    if argv[:1] != ["test"] or {"-h", "--help"} & set(argv):
        return argv, []
    return argv[:1], argv[1:]


def run(options: argparse.Namespace) -> int:
    """Прогоняет проверки курса; код завершения — первый ненулевой."""
    from lecture_lib.lab import find_course_root
    from lecture_lib.quality import run_checks

    return run_checks(find_course_root(), options.pytest)
