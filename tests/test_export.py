"""Урок страницей HTML: ни одной ссылки наружу, формулы и рисунки — внутри."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, writes

from lecture_lib.cli import main
from lecture_lib.export import export_lesson, find_lesson, link_pages, title_of
from lecture_lib.slides import read_plan

LESSONS = Path(__file__).resolve().parent.parent / "lessons"
# Что браузер загружает сам, без щелчка: у этих тегов адрес должен лежать внутри страницы.
LOADED = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "object": "data",
}
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)


class Loads(HTMLParser):
    """Собирает адреса, за которыми страница пошла бы сама."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.images = 0

    def handle_starttag(self, tag, attrs):
        address = dict(attrs).get(LOADED.get(tag))
        self.images += tag == "img"
        if address and not address.startswith(("data:", "#")):
            self.addresses.append(address)


def loads(page: str) -> Loads:
    """Разбирает страницу; стили и скрипты проверяются текстом."""
    found = Loads()
    found.feed(page)
    found.addresses += re.findall(r"url\(\s*['\"]?(?!data:|#)([^)'\"]+)", page)
    found.addresses += re.findall(r"@import\s+['\"]([^'\"]+)", page)
    found.addresses += re.findall(r"(?:import\(|from )\s*['\"](https?:[^'\"]+)", page)
    return found


@pytest.fixture
def lesson(tmp_path):
    """Тетрадь со всем, что могло бы уйти в сеть: формулой, рисунком, виджетом, ссылкой."""
    data = {
        "image/png": PNG,
        "text/plain": "Рисунок: «точка»",
        "application/vnd.jupyter.widget-view+json": {"model_id": "x"},
    }
    cells = [
        new_markdown_cell("# 01. Пробный урок\n\nДоля $p^2 \\approx 0{,}1$ и $$\\frac{a}{b}$$"),
        new_markdown_cell("[дальше](02_next.ipynb#part) · [сайт](https://example.com/x.ipynb)"),
        new_code_cell("1 < 2", outputs=[new_output("display_data", data=data)]),
    ]
    path = tmp_path / "01_probe.ipynb"
    path.write_text(writes(new_notebook(cells=cells)), encoding="utf-8")
    return path


def test_page_loads_nothing_from_outside(lesson, tmp_path):
    """Формулы — MathML, рисунок — внутри, скриптов нет, ссылки ведут на соседние страницы."""
    written = export_lesson(lesson, tmp_path / "pages")
    page = written.read_text(encoding="utf-8")
    assert written.name == "01_probe.html"
    assert loads(page).addresses == []
    assert "<script" not in page
    assert page.count("<math") == 2 and "<mfrac>" in page and "$" not in page
    assert PNG in page and 'alt="Рисунок: «точка»"' in page
    assert "<title>01. Пробный урок</title>" in page and '<html lang="ru">' in page
    assert 'href="02_next.html#part"' in page and "https://example.com/x.ipynb" in page


@pytest.mark.parametrize("path", sorted(LESSONS.glob("*.ipynb")), ids=lambda p: p.stem)
def test_lessons_are_self_contained(path, tmp_path):
    """Ни один урок курса не пошёл бы за чужим скриптом, стилем, шрифтом или картинкой."""
    page = export_lesson(path, tmp_path).read_text(encoding="utf-8")
    found = loads(page)
    assert found.addresses == []
    stored = path.read_text(encoding="utf-8").count('"image/png"')
    assert found.images >= stored


def test_notes_are_not_exported(tmp_path):
    """Заметок преподавателю и минут в странице нет."""
    path = LESSONS / "01_mlm.ipynb"
    page = export_lesson(path, tmp_path).read_text(encoding="utf-8")
    notes = [planned.note for planned in read_plan(path).values() if planned.note]
    assert notes and [note for note in notes if note in page] == []
    assert "slide_type" not in page and '"minutes"' not in page


def test_checker_sees_what_nbconvert_loads(lesson):
    """Сама проверка не слепа: у обычной страницы nbconvert чужие адреса она находит."""
    from nbconvert.exporters import HTMLExporter

    page, _ = HTMLExporter().from_filename(str(lesson))
    assert [a for a in loads(page).addresses if "mathjax" in a]
    assert [a for a in loads(page).addresses if "require" in a]


def test_lesson_is_found_by_number(tmp_path):
    """Урок называют номером; чего нет — сказано, что есть."""
    assert find_lesson(LESSONS, "01").name == "01_mlm.ipynb"
    for wrong in ("77", "1", "*"):
        with pytest.raises(ValueError, match="не найден; есть 00, 01"):
            find_lesson(LESSONS, wrong)
    with pytest.raises(ValueError, match="тетрадь не читается"):
        export_lesson(tmp_path / "нет.ipynb", tmp_path)


def test_title_and_links():
    """Заголовок — из первой ячейки; чужие ссылки не тронуты."""
    assert title_of(new_notebook(cells=[new_markdown_cell("текст")]), "01_mlm") == "01_mlm"
    assert link_pages('<a href="02_masking.ipynb">') == '<a href="02_masking.html">'
    assert link_pages('<a href="../exercises/01.ipynb">') == '<a href="../exercises/01.ipynb">'


def test_command_writes_the_page(tmp_path, capsys):
    """lecture export 00 пишет страницу и печатает её путь."""
    assert main(["export", "00", "--out", str(tmp_path)]) == 0
    assert str(tmp_path / "00_start.html") in capsys.readouterr().out
    assert main(["export", "77", "--out", str(tmp_path)]) == 2
    assert "не найден" in capsys.readouterr().err
