"""Слайды из урока: одна мысль на экране, всё помещается, код тот же и по порядку."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from lecture_lib.deck import ROOM, cell_height, make_deck, split_text, starts_slide, text_height
from lecture_lib.outline import describe_outline, numbered, outline
from lecture_lib.slides import Plan, mark_slides, read_plan, slide_type

LESSONS = sorted((Path(__file__).resolve().parent.parent / "lessons").glob("*.ipynb"))
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
QUESTION = "**Предскажите:** сколько?"
TALLEST = 24.0  # строк: экран — 21,8, ещё немного прокрутит сам показ


def kinds(*cells, plan=None):
    """Виды слайдов и тексты показа, собранного из таких ячеек."""
    lesson = new_notebook(cells=list(cells))
    mark_slides(lesson, plan or {})
    return [(slide_type(cell), cell.source) for cell in make_deck(lesson).cells]


def test_reading_stays_question_moves_on():
    """Чтение вывода остаётся на прежнем слайде, раздел и вопрос открывают новые."""
    text = f"Прочитаем вывод.\n\n## Раздел\n\nОпыт.\n\n{QUESTION}\n\n### Мелочь"
    assert list(split_text(text, "slide")) == [
        ("fragment", "Прочитаем вывод."),
        ("slide", f"## Раздел\n\nОпыт.\n\n{QUESTION}"),
        ("subslide", "### Мелочь"),
    ]
    assert list(split_text(f"Прочитаем.\n\n{QUESTION}", "subslide")) == [
        ("fragment", "Прочитаем."),
        ("subslide", QUESTION),
    ]
    assert list(split_text(QUESTION, "subslide")) == [("subslide", QUESTION)]


def test_hidden_answer_opens_by_key():
    """Свёрнутый ответ становится фрагментом, варианты опроса остаются свёрнутыми."""
    answer = "<details>\n<summary>Ответ</summary>\n\nДва.\n\nИ три.\n</details>"
    parts = list(split_text(f"## Раздел\n\n{QUESTION}\n\n{answer}", "slide"))
    assert [kind for kind, _ in parts] == ["slide", "fragment"]
    assert parts[1][1] == "**Ответ.** Два.\n\nИ три."
    options = "<details><summary>а) нет</summary>\nНет.</details>"
    assert list(split_text(f"## Раздел\n\n{options}", "slide")) == [
        ("slide", f"## Раздел\n\n{options}")
    ]


def test_navigation_and_colab_are_left_out():
    """Ссылки на соседние уроки и ячейка для Colab в классе не нужны."""
    title = new_markdown_cell("# 01. Урок\n\n[← 00. Старт](00.ipynb) · [02. Дальше →](02.ipynb)")
    colab = new_code_cell('if "google.colab" in sys.modules:\n    pass')
    assert kinds(title, colab) == [("slide", "# 01. Урок")]


def test_plan_overrides_the_rule():
    """План пропускает ячейку и начинает слайд там, где правило его не видит."""
    first, second = new_markdown_cell("# Урок", id="a"), new_markdown_cell("Мысль.", id="b")
    assert kinds(first, second, plan={"b": Plan(slide="skip")}) == [("slide", "# Урок")]
    assert kinds(first, second, plan={"b": Plan(slide="slide")})[1] == ("slide", "Мысль.")


def test_what_does_not_fit_goes_to_the_next_slide():
    """Высокий вывод уносит код на новый слайд, длинный текст продолжается на следующем."""
    tall = new_code_cell("print()")
    tall.outputs = [new_output("stream", text="строка\n" * 22)]
    short = new_code_cell("1")
    heading = new_markdown_cell("## Раздел\n\nтекст")
    assert [kind for kind, _ in kinds(heading, short, tall)] == ["slide", "fragment", "subslide"]
    long = "## Раздел\n\n" + "\n\n".join(["слово " * 150] * 3)
    parts = list(split_text(long, "slide"))
    assert [kind for kind, _ in parts] == ["slide", "subslide", "subslide"]
    assert all(text_height(text) <= ROOM for _, text in parts)


@each_lesson
def test_deck_shows_the_whole_lesson(path):
    """Показ правильный как тетрадь: без выводов, имена свои, код урока — весь и по порядку."""
    lesson = nbformat.read(path, as_version=4)
    deck = make_deck(lesson)
    nbformat.validate(deck)
    assert slide_type(deck.cells[0]) == "slide" and len({c.id for c in deck.cells}) == len(
        deck.cells
    )
    shown = [c for c in deck.cells if c.cell_type == "code"]
    assert not any(cell.outputs for cell in shown)
    kept = [c for c in lesson.cells if c.cell_type == "code" and slide_type(c) != "skip"]
    assert [c.source for c in shown] == [c.source for c in kept]


@each_lesson
def test_every_screen_fits(path):
    """Экран не выше проектора 1280×720, если в нём не одна-единственная высокая ячейка."""
    lesson = nbformat.read(path, as_version=4)
    sources = {cell.id: cell for cell in lesson.cells if cell.cell_type == "code"}
    screens: dict[int, list[float]] = {}
    for number, _, cell in numbered(make_deck(lesson)):
        screens.setdefault(number, []).append(cell_height(sources.get(cell.id, cell)))
    crowded = {n: tall for n, tall in screens.items() if sum(tall) > ROOM and len(tall) > 1}
    assert crowded == {}
    assert {n: tall for n, tall in screens.items() if sum(tall) > TALLEST} == {}


def test_outline_keeps_time():
    """Ход лекции: часы идут, заметка стоит у своего экрана, минуты складываются."""
    cells = [
        new_markdown_cell("# Урок", id="a"),
        new_markdown_cell("Вывод.\n\n## Раздел", id="b"),
        new_code_cell("1", id="c"),
    ]
    plan = {"a": Plan(minutes=2), "b": Plan(minutes=65, note="Не торопитесь."), "c": Plan(note="!")}
    lesson = new_notebook(cells=cells)
    mark_slides(lesson, plan)
    deck = make_deck(lesson)
    stages = outline(deck, plan)
    assert [(s.start, s.minutes, s.slide, s.title, s.note) for s in stages] == [
        (0, 2, 1, "Урок", ""),
        (2, 65, 2, "Раздел", "Не торопитесь."),
        (67, 0, 2, "Раздел", "!"),
    ]
    text = describe_outline("Урок", sum(map(starts_slide, deck.cells)), stages)
    assert "Экранов 2, минут 67." in text and " 1:07 " in text and "Не торопитесь." in text
    assert "пока нет" in describe_outline("Урок", 1, [])


@each_lesson
def test_planned_minutes_reach_the_outline(path):
    """Ни одна минута плана не потерялась по дороге к слайдам."""
    plan = read_plan(path)
    stages = outline(make_deck(nbformat.read(path, as_version=4)), plan)
    assert sum(s.minutes for s in stages) == sum(p.minutes or 0 for p in plan.values())
    assert [s.note for s in stages if s.note] == [p.note for p in plan.values() if p.note]
