"""Разметка под показ: у каждой ячейки урока есть вид слайда, и источник у разметки один."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lecture_lib import slides
from lecture_lib.cli import main
from lecture_lib.slides import Plan, mark_file, mark_slides, read_plan, rule_type

LESSONS = sorted((Path(__file__).resolve().parent.parent / "lessons").glob("*.ipynb"))
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (new_markdown_cell("# 01. Урок\n\nтекст"), "slide"),
        (new_markdown_cell("Прочитаем вывод.\n\n## Дальше\n\nтекст"), "slide"),
        (new_markdown_cell("Прочитаем.\n\n### Мелочь"), "subslide"),
        (new_markdown_cell("А теперь. **Предскажите:** сколько?"), "subslide"),
        (new_markdown_cell("Прочитаем вывод."), "fragment"),
        (new_code_cell("print(1)  # ## не заголовок"), "fragment"),
        (new_code_cell('import sys\n\nif "google.colab" in sys.modules:\n    pass'), "skip"),
    ],
)
def test_rule(cell, expected):
    """Вид слайда виден по самой ячейке."""
    assert rule_type(cell) == expected


@each_lesson
def test_every_cell_is_marked(path):
    """Каждая ячейка урока размечена, и ровно так, как велят правило и план."""
    lesson = nbformat.read(path, as_version=4)
    expected = copy.deepcopy(lesson)
    mark_slides(expected, read_plan(path))
    assert [c.metadata for c in lesson.cells] == [c.metadata for c in expected.cells], (
        f"разметка {path.name} устарела: выполните lecture slides"
    )
    assert all(c.metadata["slideshow"]["slide_type"] in slides.TYPES for c in lesson.cells)


@each_lesson
def test_notes_stay_out_of_the_notebook(path):
    """Заметок преподавателю в тетради нет: студент не увидит их ни здесь, ни в экспорте."""
    written = path.read_text(encoding="utf-8")
    notes = [planned.note for planned in read_plan(path).values() if planned.note]
    assert [note for note in notes if note in written] == []


@pytest.mark.parametrize("plan", sorted(slides.PLANS.glob("*.toml")), ids=lambda path: path.stem)
def test_plans_belong_to_lessons(plan):
    """План назван именем урока, его ячейки есть в уроке, минуты — на разделах."""
    (path,) = (path for path in LESSONS if path.stem == plan.stem)
    cells = {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}
    planned = read_plan(path)
    assert planned and planned.keys() <= cells.keys()
    timed = [name for name, entry in planned.items() if entry.minutes]
    assert {rule_type(cells[name]) for name in timed} <= {"slide", "subslide"}
    assert list(tomllib.loads(plan.read_text(encoding="utf-8"))) == [
        name for name in cells if name in planned
    ]


def test_marking_touches_only_marks(tmp_path):
    """Текст, выводы и теги остаются; вторая разметка ничего не меняет."""
    cell = new_code_cell("1", id="a", metadata={"tags": ["nbval-skip"], "lecture": {"minutes": 9}})
    cell.outputs = [nbformat.v4.new_output("stream", text="вывод\n")]
    path = tmp_path / "99_proba.ipynb"
    nbformat.write(new_notebook(cells=[cell]), path)
    (tmp_path / "99_proba.toml").write_text(
        '[a]\nslide = "slide"\nnote = "тайна"\n', encoding="utf-8"
    )
    assert mark_file(path, tmp_path) is True
    marked = nbformat.read(path, as_version=4).cells[0]
    assert marked.metadata == {"tags": ["nbval-skip"], "slideshow": {"slide_type": "slide"}}
    assert (marked.source, marked.outputs) == (cell.source, cell.outputs)
    assert mark_file(path, tmp_path) is False
    assert "тайна" not in path.read_text(encoding="utf-8")


def test_wrong_plans_are_explained(tmp_path):
    """Чужая ячейка, незнакомый вид, незнакомое поле и отрицательные минуты названы."""
    with pytest.raises(ValueError, match="нет в тетради: b"):
        mark_slides(new_notebook(cells=[new_code_cell("1", id="a")]), {"b": Plan(minutes=1)})
    for text, expected in {
        '[a]\nslide = "notes"': "slide = 'notes'",
        "[a]\nminutes = -1": "minutes = -1",
        "[a]\nтемп = 1": "99_proba.toml не читается",
        "[a": "99_proba.toml не читается",
    }.items():
        (tmp_path / "99_proba.toml").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=expected):
            read_plan("99_proba.ipynb", tmp_path)
    assert read_plan("98_proba.ipynb", tmp_path) == {}


def test_command_marks_a_notebook(tmp_path, capsys):
    """lecture slides размечает тетрадь и говорит об этом."""
    path = tmp_path / "99_proba.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Проба")]), path)
    assert main(["slides", str(path)]) == 0 and main(["slides", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "99_proba.ipynb: размечен",
        "99_proba.ipynb: уже размечен",
    ]
