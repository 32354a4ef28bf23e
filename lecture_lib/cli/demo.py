"""``lecture demo``: показать урок живыми слайдами или прорепетировать показ."""

from __future__ import annotations

import argparse

from lecture_lib.cli.arguments import whole_number
from lecture_lib.cli.lab import add_server_keys
from lecture_lib.cli.output import add_json, print_json

SUMMARY = "показать урок живыми слайдами (для преподавателей)"


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    parser.add_argument("lesson", metavar="НОМЕР", help="номер урока, например 01")
    parser.add_argument(
        "--check",
        action="store_true",
        help="репетиция: исполнить все ячейки без браузера и показать секунды",
    )
    parser.add_argument(
        "--limit",
        type=whole_number(1),
        default=10,
        metavar="СЕКУНД",
        help="с --check: дольше этого ячейка считается долгой (10)",
    )
    parser.add_argument(
        "--notes", action="store_true", help="напечатать ход лекции: минуты и заметки"
    )
    add_json(parser)
    add_server_keys(parser)


def run(options: argparse.Namespace) -> int:
    """Открывает показ и ждёт; с ``--check`` репетирует, и код 1 — если показывать нельзя."""
    from lecture_lib import demo
    from lecture_lib.lab import find_course_root

    if options.json and not options.check:
        raise ValueError("--json бывает только вместе с --check.")
    if options.notes:
        print(demo.describe_lesson(find_course_root(), options.lesson))
        return 0
    if options.check:
        return print_check(options)
    demo.run_demo(options.lesson, ip=options.ip, port=options.port, browser=options.browser)
    return 0


def print_check(options: argparse.Namespace) -> int:
    """Печатает итог репетиции."""
    from lecture_lib.demo import check_demo
    from lecture_lib.rehearsal import describe_rehearsal

    rehearsal = check_demo(options.lesson, options.limit)
    if options.json:
        print_json({"lesson": options.lesson, **rehearsal.as_dict()})
    else:
        print(describe_rehearsal(rehearsal))
    return 0 if rehearsal.ok else 1
