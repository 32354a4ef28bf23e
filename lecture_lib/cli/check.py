"""``lecture check``: проверить окружение."""

from __future__ import annotations

import argparse

from lecture_lib.cli.output import add_json, print_json

SUMMARY = "проверить окружение: пакеты, память, чекпойнты"


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Печатает самопроверку; код 1, если что-то не в порядке."""
    from lecture_lib.environment import check_environment

    report = check_environment()
    if options.json:
        print_json(report.as_dict())
    else:
        print(report)
    return 0 if report.ok else 1
