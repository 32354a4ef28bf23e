"""Тетради студента из тетрадей преподавателя: решения вырезаны, выводов нет.

Источник — solutions/: области решения стоят между «### BEGIN SOLUTION» и «### END SOLUTION», а в
тексте — между такими же строками, спрятанными в комментарий HTML. Папка exercises/ порождается
отсюда и руками не правится; знаки те же, что понимает nbgrader.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lecture_lib.files import write_atomically

if TYPE_CHECKING:
    from nbformat import NotebookNode

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = ("# ваш код", "...")
WORDS_STUB = ("*ваш ответ*",)  # на месте ответа словами
TEACHER_ONLY = "teacher"  # ячейка с этой меткой студенту не отдаётся
SHORTEST = 12  # короче этого строка решения ничего не выдаёт: «return out», «else:»


def build_exercises(solutions: Path, exercises: Path) -> list[Path]:
    """Порождает тетради студента; возвращает те, что изменились. ValueError — область не закрыта.

    Тетради, у которых больше нет источника, удаляются.
    """
    exercises.mkdir(exist_ok=True)
    changed = []
    sources = sorted(solutions.glob("*.ipynb"))
    for path in exercises.glob("*.ipynb"):
        if path.name not in {source.name for source in sources}:
            path.unlink()
            changed.append(path)
    for source in sources:
        target = exercises / source.name
        content = exercise_bytes(source)
        if not target.is_file() or target.read_bytes() != content:
            write_atomically(target, content)
            changed.append(target)
    return changed


def stale_exercises(solutions: Path, exercises: Path) -> list[str]:
    """Имена тетрадей, которые расходятся с источником содержанием или лишние."""
    names = {path.name for folder in (solutions, exercises) for path in folder.glob("*.ipynb")}
    return sorted(name for name in names if not _is_fresh(solutions / name, exercises / name))


def _is_fresh(source: Path, target: Path) -> bool:
    return source.is_file() and target.is_file() and target.read_bytes() == exercise_bytes(source)


def exercise_bytes(source: Path) -> bytes:
    """Файл тетради студента."""
    import nbformat

    notebook = strip_notebook(nbformat.read(source, as_version=4), source.name)
    return (nbformat.writes(notebook) + "\n").encode("utf-8")


def strip_notebook(notebook: NotebookNode, name: str = "") -> NotebookNode:
    """Копия тетради без решений, выводов, номеров исполнения и ячеек преподавателя."""
    notebook = copy.deepcopy(notebook)
    notebook.cells = [
        cell for cell in notebook.cells if TEACHER_ONLY not in cell.metadata.get("tags", ())
    ]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = strip_solution(cell.source, name)
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = strip_solution(cell.source, name, WORDS_STUB)
    return notebook


def strip_solution(source: str, name: str = "", stub: Sequence[str] = STUB) -> str:
    """Текст ячейки, где каждая область решения заменена заготовкой с тем же отступом."""
    lines, inside = [], False
    for line in source.splitlines():
        mark = _mark(line)
        if mark == BEGIN and not inside:
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + text for text in stub]
            inside = True
        elif mark == END and inside:
            inside = False
        elif mark in (BEGIN, END):
            raise ValueError(f"{name}: лишняя метка «{mark}».")
        elif not inside:
            lines.append(line)
    if inside:
        raise ValueError(f"{name}: область решения не закрыта меткой «{END}».")
    return "\n".join(lines)


def _mark(line: str) -> str:
    """Строка без отступа и без скобок комментария HTML."""
    return line.strip().removeprefix("<!-- ").removesuffix(" -->")


def solution_lines(notebook: NotebookNode) -> Iterator[str]:
    """Строки из областей решения, по которым его можно узнать."""
    for cell in notebook.cells:
        inside = False
        for line in cell.source.splitlines():
            mark = _mark(line)
            if mark in (BEGIN, END):
                inside = mark == BEGIN
            elif inside and len(line.strip()) > SHORTEST and not line.startswith("def "):
                yield line.strip()  # заголовок функции студент видит и так


def leaked_lines(notebook: NotebookNode) -> list[str]:
    """Строки решения, которые остались в тетради студента."""
    shown = "\n".join(cell.source for cell in strip_notebook(notebook).cells)
    return [line for line in solution_lines(notebook) if line in shown]
