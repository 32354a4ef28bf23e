"""Уроки как файлы: исполнены по порядку, невелики, без ошибок, и выводы их сравниваются.

Сами уроки исполняет nbval: он сравнивает каждую ячейку с тем, что сохранено в тетради.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

LESSONS = Path(__file__).resolve().parent.parent / "lessons"
NOTEBOOKS = sorted(LESSONS.glob("*.ipynb"))

SIZE_LIMIT = 300_000
COMPARED_SHARE = 0.6
NOT_COMPARED = {"nbval-ignore-output", "nbval-skip"}
MARKERS = re.compile(r"^\s*#\s*(NBVAL_IGNORE_OUTPUT|NBVAL_SKIP|PYTEST_VALIDATE_IGNORE_OUTPUT)")
CELL_METADATA = {"tags", "jupyter", "slideshow", "lecture"}
NOTEBOOK_METADATA = {"kernelspec", "language_info"}

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)


def read(path: Path) -> dict:
    """Тетрадь как словарь."""
    return json.loads(path.read_text(encoding="utf-8"))


def code_cells(path: Path) -> list[dict]:
    """Непустые ячейки с кодом."""
    cells = [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]
    return [cell for cell in cells if "".join(cell["source"]).strip()]


def is_compared(cell: dict) -> bool:
    """Сравнит ли nbval вывод ячейки с сохранённым."""
    if NOT_COMPARED & set(cell["metadata"].get("tags", ())):
        return False
    return not any(MARKERS.match(line) for line in "".join(cell["source"]).splitlines())


def test_first_lessons_exist():
    """Курс открывается нулевым уроком и первым."""
    assert {path.name[:3] for path in NOTEBOOKS} >= {"00_", "01_"}


@each_notebook
def test_executed_in_order(path):
    """Ячейки исполнены сверху вниз, каждая по разу, в новом ядре."""
    counts = [cell["execution_count"] for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@each_notebook
def test_small_enough(path):
    """Файл тетради не тяжелее 300 КБ, со всем, что в нём лежит."""
    assert path.stat().st_size <= SIZE_LIMIT


@each_notebook
def test_no_errors_saved(path):
    """В выводах нет ни ошибок, ни предупреждений, ни путей чужой машины."""
    outputs = [output for cell in code_cells(path) for output in cell["outputs"]]
    assert [o for o in outputs if o["output_type"] == "error"] == []
    assert [o for o in outputs if o.get("name") == "stderr"] == []
    assert not re.search(r"/home/|/root/|/work/|/Users/|[A-Z]:\\\\", json.dumps(outputs))


@each_notebook
def test_clean_metadata(path):
    """В метаданных только ядро «python3», теги и разметка слайдов."""
    notebook = read(path)
    assert set(notebook["metadata"]) <= NOTEBOOK_METADATA
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    extra = [set(cell["metadata"]) - CELL_METADATA for cell in notebook["cells"]]
    assert not any(extra)


@each_notebook
def test_most_outputs_are_compared(path):
    """nbval сравнивает вывод не меньше чем у 60 % ячеек."""
    cells = code_cells(path)
    assert sum(map(is_compared, cells)) >= COMPARED_SHARE * len(cells)


@each_notebook
def test_no_semicolons_at_the_end(path):
    """Ячейка не гасит вывод точкой с запятой: под nbval это не действует (нужно ``_ = …``)."""
    sources = ["".join(cell["source"]).rstrip() for cell in code_cells(path)]
    assert [source for source in sources if source.endswith(";")] == []
