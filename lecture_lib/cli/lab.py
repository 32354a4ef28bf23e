"""``lecture lab``: открыть JupyterLab на уроках."""

from __future__ import annotations

import argparse

from lecture_lib.cli.arguments import whole_number

SUMMARY = "открыть JupyterLab на уроках"


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    add_server_keys(parser)


def add_server_keys(parser: argparse.ArgumentParser) -> None:
    """Ключи сервера: где слушать и открывать ли браузер."""
    parser.add_argument("--ip", metavar="АДРЕС", help="слушать этот адрес (в контейнере 0.0.0.0)")
    parser.add_argument(
        "--port", type=whole_number(1, 65535), metavar="ПОРТ", help="порт (обычно 8888)"
    )
    parser.add_argument(
        "--browser",
        action=argparse.BooleanOptionalAction,
        help="открыть браузер самому (обычно — если есть экран)",
    )


def run(options: argparse.Namespace) -> None:
    """Открывает JupyterLab и ждёт, пока его не остановят."""
    from lecture_lib.lab import run_lab

    run_lab(ip=options.ip, port=options.port, browser=options.browser)
