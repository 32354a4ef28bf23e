"""Проверка курса целиком: ruff, тесты и уроки (``make test``, ``lecture test``)."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TOOLS = ("ruff", "pytest", "nbval")


def missing_tools() -> list[str]:
    """Каких инструментов проверки нет в этом окружении."""
    return [name for name in TOOLS if importlib.util.find_spec(name) is None]


def run_checks(root: Path, pytest_arguments: Sequence[str] = ()) -> int:
    """Прогоняет все проверки и возвращает код завершения: ноль, если всё прошло.

    root: папка курса; pytest_arguments: что передать pytest вместо «всех тестов и уроков».
    Если инструменты не установлены, бросает ``ModuleNotFoundError``.
    """
    if missing := missing_tools():
        raise ModuleNotFoundError(
            f"для проверки не хватает пакетов: {', '.join(missing)}; "
            "поставьте их: pip install -e '.[dev]' -c constraints.txt (или сразу make test)"
        )
    commands = (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("pytest", *pytest_arguments),
    )
    # Опечатка в коде не отменяет тестов: за один прогон видно всё.
    codes = [run_module(root, *command) for command in commands]
    return next((code for code in codes if code), 0)


def run_module(root: Path, *command: str) -> int:
    """Запускает ``python -m <команда>`` в папке курса; возвращает код завершения."""
    # Модели в тестах малы: на большой машине потоки дольше ждали бы друг друга, чем считали.
    environment = {"OMP_NUM_THREADS": str(min(2, os.cpu_count() or 1)), **os.environ}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=root, env=environment, check=False
    ).returncode
