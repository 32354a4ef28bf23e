"""Общее для замеров: ключи, замер по очереди, медиана отношений, отчёт человеку и программе.

Абсолютные секунды на чужой машине ничего не говорят, поэтому соперники работают в одном процессе
по очереди, а итог — медиана отношений по кругам: соседняя программа мешает обоим поровну.
"""

from __future__ import annotations

import argparse
import math
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from lecture_lib.cli.arguments import Parser, russian_argparse
from lecture_lib.cli.output import add_json, print_json

CPU_INFO = Path("/proc/cpuinfo")
Pair = tuple[float, float]


def parse_arguments(description: str, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Разбирает ключи замера -> пространство имён с полями json и quick.

    argv=None — взять из командной строки. Непонятный ключ — сообщение по-русски и код 2.
    """
    with russian_argparse():
        parser = Parser(description=description)
        parser.add_argument(
            "--quick", action="store_true", help="то же самое, но быстрее минуты и грубее"
        )
        add_json(parser)
        return parser.parse_args(argv)


def show(
    options: argparse.Namespace, title: str, values: Mapping[str, Any], lines: Iterable[str]
) -> None:
    """Печатает отчёт: с --json — один объект из values, без него — строки lines.

    К values добавляются machine и quick: число замера без машины ничего не значит.
    """
    if options.json:
        print_json({**values, "quick": options.quick, "machine": machine()})
        return
    print(title, machine(), "", *lines, sep="\n")
    if options.quick:
        print("", "Быстрый замер: мало кругов, числа грубее.", sep="\n")


def note(text: str) -> None:
    """Говорит о ходе замера в stderr: стандартный вывод — только для отчёта."""
    print(text, file=sys.stderr, flush=True)


def machine() -> str:
    """Одна строка о машине: процессор, ядра, потоки torch, версии."""
    import torch

    from lecture_lib.environment import check_cores

    return (
        f"{processor()} · ядра {check_cores().value} · потоков torch {torch.get_num_threads()} · "
        f"Python {platform.python_version()} · torch {torch.__version__}"
    )


def processor(cpu_info: Path = CPU_INFO) -> str:
    """Название процессора; в Linux platform его не знает, но его знает /proc/cpuinfo."""
    try:
        lines = cpu_info.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), "") or platform.processor() or platform.machine()


def seconds(action: Callable[[], object]) -> float:
    """Сколько секунд шло действие."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def timed_pairs(
    first: Callable[[], object], second: Callable[[], object], rounds: int
) -> list[Pair]:
    """Меряет два действия по очереди -> пары секунд (первое, второе), по паре на круг.

    Через круг порядок меняется: тот, кто идёт вторым, не должен жить на кэше первого.
    """
    if rounds < 1:
        raise ValueError(f"rounds = {rounds}: нужен хотя бы один круг.")
    pairs = []
    for number in range(rounds):
        if number % 2:
            late = seconds(second)
            pairs.append((seconds(first), late))
        else:
            pairs.append((seconds(first), seconds(second)))
    return pairs


def median_ratio(pairs: Iterable[Pair]) -> float:
    """Медиана отношений первого числа пары ко второму.

    Секунды соперника и наши -> во сколько раз наше быстрее. ValueError — пар нет или в них не
    положительные конечные числа.
    """
    pairs = list(pairs)
    if not pairs:
        raise ValueError("pairs пуст: отношение считать не по чему.")
    for pair in pairs:
        if not all(math.isfinite(value) and value > 0 for value in pair):
            raise ValueError(f"pairs: в паре {pair} нужны положительные конечные числа.")
    return median(first / second for first, second in pairs)


def decimal(value: float, digits: int = 1) -> str:
    """Дробь по-русски: «12,3»."""
    return f"{value:.{digits}f}".replace(".", ",")


def aligned(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Строки таблицы из двух столбцов: подписи — слева, значения выровнены справа."""
    rows = list(rows)
    left = max((len(name) for name, _ in rows), default=0)
    right = max((len(value) for _, value in rows), default=0)
    return [f"{name:<{left}}  {value:>{right}}" for name, value in rows]
