"""Исполнение тетрадей: выводы сохраняются чистыми, ошибка файла не портит."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lecture_lib.execution import METADATA, clean_notebook, compared_share, execute_notebook


@pytest.fixture
def lesson(tmp_path):
    """Записывает тетрадь с такими ячейками в папку lessons и возвращает её путь."""

    def write(*sources: str):
        cells = [new_markdown_cell("# Проба"), *map(new_code_cell, sources)]
        path = tmp_path / "lessons" / "99_proba.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(new_notebook(cells=cells), path)
        return path

    return write


def test_outputs_are_stored_without_traces(lesson, tmp_path):
    """После исполнения есть вывод и номера ячеек, а путей машины и лишних помет нет."""
    path = lesson("import os\nprint(os.getcwd())", "6 * 7")
    result = execute_notebook(path)
    notebook = nbformat.read(path, as_version=4)
    assert notebook.cells[2].outputs[0]["data"]["text/plain"] == "42"
    assert [c.execution_count for c in notebook.cells[1:]] == [1, 2]
    assert str(tmp_path) not in path.read_text(encoding="utf-8")
    assert dict(notebook.metadata) == METADATA
    marks = [cell.metadata["slideshow"]["slide_type"] for cell in notebook.cells]
    assert marks == ["slide", "fragment", "fragment"]
    assert result.compared == 1.0 and result.size == path.stat().st_size


def test_failed_lesson_stays_as_it_was(lesson):
    """Ошибка в ячейке названа, а файл не изменён."""
    path = lesson("1 / 0")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="ZeroDivisionError"):
        execute_notebook(path)
    assert path.read_bytes() == before


def test_missing_notebook_is_named(tmp_path):
    """Нет файла — понятная ошибка с его именем."""
    with pytest.raises(ValueError, match=r"нет\.ipynb"):
        execute_notebook(tmp_path / "нет.ipynb")


def test_widget_views_are_removed():
    """От виджета остаётся картинка-двойник; теги ячейки целы."""
    cell = new_code_cell(
        "x", metadata={"tags": ["nbval-ignore-output"], "execution": {"a": "1"}, "nbgrader": {}}
    )
    data = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "image/png": "aGk="}
    cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
    notebook = new_notebook(cells=[cell, new_code_cell("y")])
    clean_notebook(notebook, root=Path("/курс"))
    assert list(cell.outputs[0]["data"]) == ["image/png"]
    assert dict(cell.metadata) == {"tags": ["nbval-ignore-output"], "nbgrader": {}}
    assert compared_share(notebook) == 0.5
