"""Сколько ждёт студент: импорт, команда fill, загрузка чекпойнта и каждый урок целиком.

Всё холодное: новый процесс на каждый замер, как у того, кто только что открыл терминал. Уроки
исполняются тем же кодом, что и lecture execute, но в копии: сами тетради не меняются. Сети для
них нет, чтобы скачивание модели не попало в счёт.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from benchmarks.report import aligned, decimal, note, parse_arguments, seconds, show
from lecture_lib.execution import execute_notebook
from lecture_lib.lab import find_course_root

ROUNDS, QUICK_ROUNDS = 7, 3
TEXT = "Мама поставила [MASK] на стол."
LIMITS = {"import_seconds": 0.3, "fill_seconds": 4.0, "checkpoint_seconds": 1.0}
NAMES = {
    "import_seconds": "import lecture_lib",
    "fill_seconds": "lecture fill, вся команда",
    "checkpoint_seconds": "load_pretrained, библиотека уже загружена",
}

# Что меряет новый процесс: сначала подготовка, потом — по часам — само действие.
TIMED = "import time\n{before}\nstart = time.perf_counter()\n{action}\n"
TIMED += "print(time.perf_counter() - start)"
LOADING = "from lecture_lib.pretrained import load_pretrained"


def python(*arguments: str) -> str:
    """Вывод нового процесса Python; RuntimeError с его сообщением, если он кончился ошибкой."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"python {arguments[0]} …: код {done.returncode}.\n{done.stderr}")
    return done.stdout


def inner_seconds(action: str, before: str = "") -> float:
    """Секунды действия в новом процессе — без запуска Python и подготовки before."""
    return float(python("-c", TIMED.format(before=before, action=action)))


def import_seconds() -> float:
    """Холодный импорт пакета."""
    return inner_seconds("import lecture_lib")


def fill_seconds() -> float:
    """Вся команда lecture fill, от нажатия Enter до ответа."""
    return seconds(lambda: python("-m", "lecture_lib.cli", "fill", TEXT))


def checkpoint_seconds() -> float:
    """Загрузка чекпойнта вместе с проверкой контрольных сумм; torch уже загружен."""
    return inner_seconds("load_pretrained('mini')", LOADING)


MEASURES: dict[str, Callable[[], float]] = {
    "import_seconds": import_seconds,
    "fill_seconds": fill_seconds,
    "checkpoint_seconds": checkpoint_seconds,
}


def measure_starts(rounds: int) -> dict[str, float]:
    """Медианы холодных запусков, в секундах; перед счётом — один прогон, чтобы прочесть диск."""
    found = {}
    for name, measure in MEASURES.items():
        measure()
        found[name] = median(measure() for _ in range(rounds))
    return found


def lesson_paths(root: Path, quick: bool) -> list[Path]:
    """Тетради уроков по порядку; quick — только урок 00."""
    return sorted((root / "lessons").glob("00_*.ipynb" if quick else "*.ipynb"))


def execute_copies(paths: Sequence[Path]) -> dict[str, float]:
    """Исполняет копии тетрадей -> {имя: секунды вместе с запуском ядра}.

    ValueError — в ячейке ошибка или тетрадей нет.
    """
    if not paths:
        raise ValueError("paths пуст: не нашлось ни одного урока.")
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        lessons = shutil.copytree(paths[0].parent, Path(folder, "lessons"))
        for path in paths:
            found[path.stem] = execute_notebook(lessons / path.name).seconds
            note(f"{path.stem}: {decimal(found[path.stem])} с")
    return found


def as_lines(values: dict) -> list[str]:
    """Отчёт для человека: холодные запуски рядом с пределами, потом уроки."""
    starts = [
        (f"{NAMES[name]} (предел {decimal(limit)})", decimal(values[name], 2))
        for name, limit in LIMITS.items()
    ]
    lessons = [(name, decimal(value)) for name, value in values["lessons"].items()]
    return ["Холодные запуски, секунд", *aligned(starts), "", "Уроки, секунд", *aligned(lessons)]


def main(argv: Sequence[str] | None = None) -> None:
    """Команда python -m benchmarks.course."""
    options = parse_arguments("Сколько ждёт студент: запуски и уроки", argv)
    os.environ["HF_HUB_OFFLINE"] = "1"  # его унаследуют и ядра уроков
    starts = measure_starts(QUICK_ROUNDS if options.quick else ROUNDS)
    lessons = execute_copies(lesson_paths(find_course_root(), options.quick))
    values = {"lessons": lessons, **starts}
    show(options, "Курс: сколько приходится ждать", values, as_lines(values))


if __name__ == "__main__":
    main()
