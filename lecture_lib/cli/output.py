"""Вывод команд: объект JSON для программы, русские числа для человека."""

from __future__ import annotations

import argparse
import json


def add_json(parser: argparse.ArgumentParser) -> None:
    """Добавляет ключ ``--json``: один объект в stdout вместо текста для человека."""
    parser.add_argument("--json", action="store_true", help="вывести один объект JSON")


def print_json(report: object) -> None:
    """Печатает отчёт одним объектом JSON."""
    print(json.dumps(report, ensure_ascii=False))


def percent(share: float) -> str:
    """Доля в процентах: «12,3 %»."""
    return f"{100 * share:.1f}".replace(".", ",") + " %"


def thousands(number: float) -> str:
    """Целое с пробелами между тысячами: «1 234 567»."""
    return f"{number:,.0f}".replace(",", " ")
