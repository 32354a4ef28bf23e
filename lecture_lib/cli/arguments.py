"""Разбор командной строки (argparse), который говорит по-русски.

argparse переводит свои слова через gettext, но русского каталога у него нет. Здесь его слова
подменяются на время разбора; всё остальное в argparse не тронуто.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

RUSSIAN = {
    "usage: ": "как вызвать: ",
    "options": "ключи",
    "positional arguments": "аргументы",
    "show this help message and exit": "показать эту справку",
    "show program's version number and exit": "показать версию",
    "%(heading)s:": "%(heading)s:",
    "argument %(argument_name)s: %(message)s": "%(argument_name)s: %(message)s",
    "unrecognized arguments: %s": "непонятные аргументы: %s",
    "the following arguments are required: %s": "не хватает: %s",
    "one of the arguments %s is required": "нужен один из ключей: %s",
    "not allowed with argument %s": "нельзя вместе с %s",
    "expected one argument": "после него нужно значение",
    "expected at least one argument": "нужно хотя бы одно значение",
    "expected at most one argument": "лишние значения",
    "expected %s argument": "нужно значений: %s",
    "expected %s arguments": "нужно значений: %s",
    "ignored explicit argument %r": "значение %r здесь лишнее",
    "invalid %(type)s value: %(value)r": "не подходит значение %(value)r",
    "invalid choice: %(value)r (choose from %(choices)s)": (
        "не бывает %(value)r; бывает %(choices)s"
    ),
    "ambiguous option: %(option)s could match %(matches)s": (
        "%(option)s можно понять по-разному: %(matches)s"
    ),
}


def translate(message: str) -> str:
    """Русский текст сообщения argparse; незнакомое сообщение возвращается как есть."""
    return RUSSIAN.get(message, message)


@contextlib.contextmanager
def russian_argparse() -> Iterator[None]:
    """Внутри этого блока argparse говорит по-русски."""
    gettext, ngettext = argparse._, argparse.ngettext
    argparse._ = translate
    argparse.ngettext = lambda one, many, count: translate(one if count == 1 else many)
    try:
        yield
    finally:
        argparse._, argparse.ngettext = gettext, ngettext


class Parser(argparse.ArgumentParser):
    """Разборщик, который об ошибке говорит одной строкой и выходит с кодом 2."""

    def __init__(self, *args, **kwargs) -> None:
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Печатает ошибку одной строкой и подсказывает, где справка."""
        print(f"{self.prog}: {message} (справка: {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def whole_number(at_least: int, at_most: int | None = None) -> Callable[[str], int]:
    """Тип аргумента: целое число не меньше ``at_least`` и не больше ``at_most``."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"нужно целое число, а не {text!r}") from None
        if value < at_least:
            raise argparse.ArgumentTypeError(f"нужно число не меньше {at_least}, а не {value}")
        if at_most is not None and value > at_most:
            raise argparse.ArgumentTypeError(f"нужно число не больше {at_most}, а не {value}")
        return value

    return parse
