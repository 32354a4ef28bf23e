"""Основа рисуемых виджетов: код приходит один раз, виды закрываются и открываются снова."""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from pathlib import Path

import ipywidgets
import pytest
import traitlets

from lecture_lib.plots import Picture
from lecture_lib.widgets import drawn
from lecture_lib.widgets.drawn import (
    STATIC,
    DrawnView,
    DrawnWidget,
    archive,
    shared_sources,
    view_field,
)

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(STATIC.iterdir())
MOST_BYTES = 60_000  # JS и CSS всех виджетов, сжатые


class ToyView(DrawnView):
    module = traitlets.Unicode("toy").tag(sync=True)
    number = traitlets.Int(1).tag(sync=True)
    data = traitlets.Bytes(b"").tag(sync=True)


def _positive(_widget, name, value):
    if value < 1:
        raise ValueError(f"{name} = {value}")


class Toy(DrawnWidget):
    number = view_field("number", _positive)

    def __init__(self):
        self.view = ToyView(data=b"12345")

    def static(self):
        return Picture("игрушка", 1.0)

    def __repr__(self):
        return "игрушка"


@pytest.fixture
def cell(monkeypatch):
    """Ячейка, которую «исполняет» тест: cell.execution — номер исполнения."""

    class Cell:
        name, execution = "первая", "1"

    monkeypatch.setattr(drawn, "current_cell", lambda: (Cell.name, Cell.execution))
    monkeypatch.setattr(drawn, "_on_screen", {})
    return Cell


def test_archive_is_small_and_complete():
    """В архиве — все модули и стили, каждый модуль — после тех, что ему нужны; загрузчика нет."""
    content = json.loads(gzip.decompress(archive()))
    names = list(content["modules"])
    assert set(names) == {path.stem for path in FILES if path.suffix == ".js"} - {"loader"}
    for place, name in enumerate(names):
        needs = re.findall(r'from "(.*?)"', content["modules"][name])
        assert all(need.removeprefix("./").removesuffix(".js") in names[:place] for need in needs)
    assert ".ll-widget" in content["styles"]
    assert len(archive()) + len((STATIC / "loader.js").read_bytes()) <= MOST_BYTES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_from_outside_and_nothing_from_text(path):
    """В коде нет чужих адресов, и текст нигде не становится разметкой или кодом."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"https?:|//[\w-]+\.\w|@import|innerHTML|outerHTML|insertAdjacent", text)
    assert found == [] and not re.search(r"\beval\(|document\.write|new Function", text)
    assert re.search("[а-яё]", text), "первая строка говорит, что здесь лежит"


def test_static_files_ship_in_the_wheel():
    """Папка static названа среди данных пакета: иначе из колеса она пропала бы."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "static/*" in settings["tool"]["setuptools"]["package-data"]["lecture_lib.widgets"]


def test_twenty_widgets_send_the_code_once():
    """Общий архив один на всех; сам виджет несёт только загрузчик и своё состояние."""
    toys = [Toy() for _ in range(20)]
    assert len({toy.view.sources.model_id for toy in toys}) == 1
    alone = len((STATIC / "loader.js").read_text(encoding="utf-8").encode())
    assert all(toy.view.wire_bytes() < alone + 1000 for toy in toys)


def test_wire_bytes_count_binary_state():
    """Байты двоичных полей тоже в счёте."""
    toy = Toy()
    before = toy.view.wire_bytes()
    toy.view.data = bytes(10_000)
    assert toy.view.wire_bytes() - before == 10_000 - 5


def test_shown_again_in_the_cell_closes_the_previous(cell):
    """Десять исполнений по двадцать виджетов — живы двадцать последних, и layout у них свой."""
    Toy()._repr_mimebundle_()
    alive = []
    for execution in range(10):
        cell.execution = f"исполнение {execution}"
        toys = [Toy() for _ in range(20)]
        for toy in toys:
            toy._repr_mimebundle_()
        alive.append(len(ipywidgets.widgets.widget._instances))
        assert all(toy.view.comm is not None for toy in toys)
    assert len(set(alive)) == 1


def test_same_execution_and_other_cells_stay(cell):
    """Два показа в одной ячейке и показ в другой друг другу не мешают."""
    toys = [Toy(), Toy()]
    for toy in toys:
        toy._repr_mimebundle_()
    cell.name, cell.execution = "вторая", "2"
    Toy()._repr_mimebundle_()
    assert all(toy.view.comm is not None for toy in toys)


def test_closed_view_opens_again(cell):
    """Виджет, сохранённый в переменной, показывается снова — с тем же состоянием."""
    kept = Toy()
    kept._repr_mimebundle_()
    cell.execution = "2"
    Toy()._repr_mimebundle_()
    assert kept.view.comm is None
    kept.view.number = 5
    cell.name = "другая"
    bundle, _ = kept._repr_mimebundle_()
    assert kept.view.comm is not None and kept.number == 5
    assert "application/vnd.jupyter.widget-view+json" in bundle and "image/png" in bundle


def test_outside_a_notebook_nothing_is_remembered(monkeypatch):
    """Без Лаборатории ячейки никто не называет: виды просто живут."""
    monkeypatch.setattr(drawn, "_on_screen", {})
    toy = Toy()
    toy._repr_mimebundle_()
    assert drawn._on_screen == {} and toy.view.comm is not None


def test_sources_come_back_after_close_all():
    """Всё закрыто — следующий виджет заводит архив заново."""
    first = shared_sources()
    first.close()
    assert shared_sources() is not first
    assert Toy().view.sources is shared_sources()


def test_view_field_checks_before_writing():
    """Негодное значение — ValueError, и ничего не изменилось."""
    toy = Toy()
    toy.number = 3
    with pytest.raises(ValueError, match="number = 0"):
        toy.number = 0
    assert toy.number == toy.view.number == 3
