"""Команда ``lecture``: открыть уроки, проверить окружение и курс, посмотреть корпус и модель.

Подкоманда — файл этой папки с функцией ``add``; загружает она только то, что ей нужно.
Ошибка — одна строка в stderr и код 2.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

from lecture_lib import __version__
from lecture_lib.cli import (
    check,
    corpus,
    demo,
    execute,
    exercises,
    experiment,
    export,
    fill,
    grade,
    lab,
    pretrain,
    slides,
    test,
    tokenizer,
)
from lecture_lib.cli.arguments import Parser, russian_argparse

COMMANDS = {
    "lab": lab,
    "test": test,
    "check": check,
    "corpus": corpus,
    "fill": fill,
    "tokenizer": tokenizer,
    "execute": execute,
    "export": export,
    "demo": demo,
    "slides": slides,
    "pretrain": pretrain,
    "experiment": experiment,
    "exercises": exercises,
    "grade": grade,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Выполняет команду и возвращает код завершения."""
    argv = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    own, foreign = test.split_arguments(argv)
    with russian_argparse():
        options = build_parser().parse_args(own)
    options.pytest = foreign
    # Дословная команда: pretrain записывает её рядом с весами.
    options.command_line = shlex.join(["lecture", *argv])
    try:
        return COMMANDS[options.command].run(options) or 0
    except KeyboardInterrupt:
        print("lecture: остановлено", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Вывод закрыли раньше времени (lecture corpus | head): жаловаться не на что.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, ArithmeticError, OSError, ImportError, RuntimeError) as error:
        print(f"lecture {options.command}: {one_line(error)}", file=sys.stderr)
        return 2


def one_line(error: Exception) -> str:
    """Текст ошибки одной строкой."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"не открывается {error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def build_parser() -> Parser:
    """Описывает команду целиком; слова argparse переводит ``russian_argparse``."""
    parser = Parser(prog="lecture", description="Курс «BERT и его наследники».")
    version = f"lecture {__version__}"
    parser.add_argument("--version", action="version", version=version, help="показать версию")
    commands = parser.add_subparsers(
        title="команды", dest="command", metavar="команда", required=True
    )
    for name, module in COMMANDS.items():
        summary = module.SUMMARY
        described = f"{summary[0].upper()}{summary[1:]}."
        module.add(commands.add_parser(name, help=summary, description=described))
    return parser
