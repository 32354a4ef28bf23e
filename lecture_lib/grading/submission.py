"""Сданная тетрадь: найти её в папке, прочитать, что бы там ни лежало, и сличить с выданной.

Судья читает чужие файлы сам, поэтому ссылки не открываются (за ссылкой может лежать решение),
а каналы и устройства — тем более.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from lecture_lib.grading.results import State
from lecture_lib.grading.task import Task
from lecture_lib.grading.written import Written

LARGEST = 100 * 2**20  # байт; больше — это уже не тетрадь
PYTHON_KERNELS = ("", "python3", "python")
# Ячейка с этой меткой — опыт: он идёт минуты и на машине студента, судье в ней проверять нечего.
EXPERIMENT = "experiment"


@dataclass(frozen=True)
class Assignment:
    """Что проверяется: номер, задания, имя выданной тетради и она сама (если есть).

    tasks проверяет судья, written — человек.
    """

    id: str
    tasks: tuple[Task, ...]
    notebook: str = ""
    released: Path | None = None
    written: tuple[Written, ...] = ()


@dataclass(frozen=True)
class Submission:
    """Прочитанная работа; problem — почему её проверить нельзя (тогда ячеек нет).

    answers — письменные ответы по номеру задания: пусто — заготовку не тронули, None — ячейки нет.
    """

    student: str
    cells: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    content: bytes = b""
    problem: State | None = None
    answers: Mapping[str, str | None] = field(default_factory=dict)


class Unreadable(Exception):
    """Файл есть, а тетради в нём нет."""


def find_assignment(assignment: str) -> Assignment:
    """Задания урока и выданная тетрадь exercises/NN_….ipynb; ValueError — такого урока нет."""
    from lecture_lib.grading.check import load_tasks, load_written
    from lecture_lib.lab import find_course_root

    everything = load_tasks().values()
    tasks = tuple(task for task in everything if task.lesson == assignment)
    written = tuple(item for item in load_written().values() if item.lesson == assignment)
    if not tasks:
        known = ", ".join(sorted({task.lesson for task in everything}))
        raise ValueError(f"assignment = {assignment!r}: есть {known}.")
    with contextlib.suppress(ValueError, OSError):
        found = sorted((find_course_root() / "exercises").glob(f"{assignment}_*.ipynb"))
        if found:
            return Assignment(assignment, tasks, found[0].name, found[0], written)
    return Assignment(assignment, tasks, written=written)


def find_submissions(folder: Path, assignment: Assignment) -> dict[str, list[Path]]:
    """Студент -> его файлы, похожие на тетради: папка на студента или файл на студента."""
    if not folder.is_dir():
        raise ValueError(f"submissions = {str(folder)!r}: такой папки нет.")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            own = [path / assignment.id, path]
            found.setdefault(path.name, []).extend(_notebooks(own))
        elif ".ipynb" in path.name.lower():
            found.setdefault(path.name[: path.name.lower().index(".ipynb")], []).append(path)
    return found


def _notebooks(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir() and not folder.is_symlink():
            names = sorted(folder.iterdir())
            yield from (p for p in names if ".ipynb" in p.name.lower() and p.name[0] != ".")


def read_submission(student: str, paths: Sequence[Path], assignment: Assignment) -> Submission:
    """Читает работу студента; чего бы ни лежало в папке, исключений не будет."""
    if not paths:
        return Submission(student, problem=State.MISSING, notes=("Тетради нет.",))
    contents, problems = {}, []
    for path in paths:
        try:
            contents[path] = read_regular(path)
        except Unreadable as error:
            problems.append(f"{path.name}: {error}.")
    if not contents:
        return Submission(student, problem=State.UNREADABLE, notes=tuple(problems))
    path, notes = choose(contents, assignment)
    content, notes = contents[path], [*problems, *notes]
    try:
        tree, more = parse(content)
        cells = list(code_cells(tree, released_cells(assignment)))
        answers = written_answers(tree, assignment)
    except Unreadable as error:
        notes.append(f"{path.name}: {error}.")
        return Submission(student, (), tuple(notes), content, State.UNREADABLE)
    notes += [*more, *compare_with_released(tree, released_cells(assignment))]
    return Submission(student, tuple(cells), tuple(notes), content, answers=answers)


def read_regular(path: Path) -> bytes:
    """Содержимое обычного файла; ссылки, каналы, устройства и великаны — Unreadable."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if path.is_symlink():
        raise Unreadable("это ссылка, по ссылкам проверка не ходит")
    try:
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise Unreadable(f"не открывается ({error.strerror})") from None
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise Unreadable("это не файл")
        if about.st_size > LARGEST:
            raise Unreadable(f"больше {LARGEST // 2**20} МБ")
        return file.read(LARGEST)


def choose(contents: dict[Path, bytes], assignment: Assignment) -> tuple[Path, list[str]]:
    """Какую из тетрадей проверять: с выданным именем, иначе — где больше заданий этого урока."""
    wanted = unicodedata.normalize("NFC", assignment.notebook)
    for path in contents:
        if wanted and unicodedata.normalize("NFC", path.name) == wanted:
            return path, []

    def asked(path: Path) -> int:
        return sum(task.id.encode() in contents[path] for task in assignment.tasks)

    best = max(contents, key=lambda path: (asked(path), path.stat().st_mtime))
    if not wanted and len(contents) == 1:
        return best, []
    others = f", другие не смотрел: {len(contents) - 1}" if len(contents) > 1 else ""
    return best, [f"Имя не то, что у выданной; проверена {best.name}{others}."]


def parse(content: bytes) -> tuple[dict, list[str]]:
    """Байты -> дерево тетради и замечания; Unreadable — это не тетрадь."""
    notes = []
    text, encoding = _decode(content)
    if encoding != "utf-8":
        notes.append(f"Тетрадь не в UTF-8: прочитана как {encoding}.")
    try:
        tree = json.loads(text)
    except json.JSONDecodeError as error:
        broken = "испорчен" if text.rstrip().endswith(("}", "]")) else "обрывается"
        raise Unreadable(f"файл {broken} (строка {error.lineno})") from None
    except (ValueError, RecursionError):  # бездонная вложенность, число из тысяч цифр
        raise Unreadable("файл испорчен") from None
    if not isinstance(tree, dict):
        raise Unreadable("это не тетрадь Jupyter")
    kernel = _path(tree, "metadata", "kernelspec", "name")
    if isinstance(kernel, str) and kernel not in PYTHON_KERNELS:
        notes.append(f"Ядро тетради — «{kernel[:60]}»; исполнена здешним Python.")
    return tree, notes


def _decode(content: bytes) -> tuple[str, str]:
    """Текст и кодировка, в которой он прочитался."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace"), "utf-16"
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":  # оборвано посреди буквы
            return content.decode("utf-8-sig", "replace"), "utf-8"
        return content.decode("cp1251", "replace"), "cp1251"


def _path(tree: object, *keys: str) -> object:
    for key in keys:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _cells(tree: dict) -> list[dict]:
    """Ячейки и нового формата, и третьего, где они лежали в worksheets."""
    cells = tree.get("cells")
    if cells is None and isinstance(tree.get("worksheets"), list):
        sheets = [_path(sheet, "cells") for sheet in tree["worksheets"]]
        cells = [cell for sheet in sheets if isinstance(sheet, list) for cell in sheet]
    if not isinstance(cells, list):
        raise Unreadable("это не тетрадь Jupyter: в ней нет ячеек")
    return [cell for cell in cells if isinstance(cell, dict)]


def released_cells(assignment: Assignment) -> dict[str, dict]:
    """Ячейки выданной тетради по имени; пусто — выданной нет."""
    if assignment.released is None:
        return {}
    tree = json.loads(assignment.released.read_text("utf-8"))
    return {key: cell for cell in _cells(tree) if (key := _key(cell))}


def code_cells(tree: dict, released: Mapping[str, dict] = MappingProxyType({})) -> Iterator[str]:
    """Тексты ячеек с кодом по порядку; выводы не нужны, какими бы большими они ни были.

    Опыт не исполняется — ни выданные ячейки, ни те, что студент вставил между ними, — но место их
    остаётся: по номеру ячейку ищут в тетради.
    """
    is_experiment = False
    for cell in _cells(tree):
        if cell.get("cell_type") == "code":
            tags = _path(cell, "metadata", "tags")
            is_tagged = isinstance(tags, list) and EXPERIMENT in tags
            is_experiment |= is_tagged
            is_inserted = is_experiment and _key(cell) not in released
            yield "" if is_tagged or is_inserted else _source(cell)


def cell_name(kind: str, task_id: str) -> str:
    """Имя ячейки в тетрадях курса: «check-02-1»."""
    return f"{kind}-{task_id.replace('.', '-')}"


def written_answers(tree: dict, assignment: Assignment) -> dict[str, str | None]:
    """Письменные ответы: номер -> текст; пусто — заготовка не тронута, None — ячейки нет."""
    names = {item.id: cell_name("answer", item.id) for item in assignment.written}
    if not names:
        return {}
    given, own = released_cells(assignment), _texts(tree)
    stubs = {name: _source(cell).split() for name, cell in given.items()}
    same = {name for name, text in own.items() if text.split() == stubs.get(name, [])}
    return {task: "" if name in same else own.get(name) for task, name in names.items()}


def _texts(tree: dict) -> dict[str, str]:
    """Тексты ячеек по имени; повторённые — один за другим."""
    found: dict[str, list[str]] = {}
    for cell in _cells(tree):
        found.setdefault(_key(cell), []).append(_source(cell))
    return {name: "\n\n".join(texts) for name, texts in found.items()}


def _source(cell: dict) -> str:
    source = cell.get("source", cell.get("input", ""))
    lines = source if isinstance(source, list) else [source]
    text = "".join(line for line in lines if isinstance(line, str))
    return text.encode("utf-8", "replace").decode()  # половинки суррогатных пар не пройдут


def compare_with_released(tree: dict, given: Mapping[str, dict]) -> list[str]:
    """Чем тетрадь отличается от выданной: пропало, повторено, переставлено, правлено запертое."""
    own = [cell for cell in _cells(tree) if _key(cell) in given]
    keys = [_key(cell) for cell in own]
    counts, first = Counter(keys), list(dict.fromkeys(keys))
    locked = {_key(c): c for c in own if _is_locked(given[_key(c)])}
    edited = [k for k, cell in locked.items() if _source(cell) != _source(given[k])]
    groups = (
        ("Удалены ячейки", [key for key in given if key not in counts]),
        ("Повторены ячейки", [key for key, count in counts.items() if count > 1]),
        ("Переставлены ячейки", _moved(first, [key for key in given if key in counts])),
        ("Правлены запертые ячейки (проверяет их судья, а не тетрадь)", edited),
    )
    return [f"{title}: {', '.join(keys)}." for title, keys in groups if keys]


def _key(cell: dict) -> str:
    """По чему ячейка узнаётся: имя nbgrader, иначе id."""
    key = _path(cell, "metadata", "nbgrader", "grade_id") or cell.get("id") or ""
    return re.sub(r"[^\w.\-]", "", key)[:80] if isinstance(key, str) else ""


def _is_locked(cell: dict) -> bool:
    frozen = _path(cell, "metadata", "editable") is False
    return frozen or _path(cell, "metadata", "nbgrader", "locked") is True


def _moved(own: list[str], given: list[str]) -> list[str]:
    return [key for key, wanted in zip(own, given, strict=False) if key != wanted]
