"""Показ и репетиция: ошибка и долгая ячейка названы заранее, команда говорит по-русски."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lecture_lib import demo
from lecture_lib.cli import main
from lecture_lib.deck import make_deck
from lecture_lib.lab import SETTINGS
from lecture_lib.rehearsal import CellRun, Rehearsal, describe_rehearsal, rehearse
from lecture_lib.slides import mark_slides

ROOT = Path(__file__).resolve().parent.parent
GOOD = CellRun(1, "a", "x = 1", 0.2)
SLOW = CellRun(2, "b", "train()", 30.0)
BAD = CellRun(3, "c", "1 / 0", 0.1, "ZeroDivisionError: division by zero")


@pytest.fixture
def course(tmp_path):
    """Папка курса с уроком 99: исправная ячейка, долгая, ошибочная и ещё одна после неё."""
    sources = ("x = 6 * 7", "import time\ntime.sleep(0.5)", "1 / 0", "assert x == 42")
    lesson = new_notebook(cells=[new_markdown_cell("# 99. Проба"), *map(new_code_cell, sources)])
    mark_slides(lesson, {})
    (tmp_path / "lessons").mkdir()
    nbformat.write(lesson, tmp_path / "lessons" / "99_proba.ipynb")
    return tmp_path


def test_rehearsal_names_failure_and_delay(course):
    """Репетиция идёт до конца: ошибка названа, секунды измерены, остальные ячейки исправны."""
    lesson = nbformat.read(course / "lessons" / "99_proba.ipynb", as_version=4)
    done = rehearse(make_deck(lesson), course, limit=1000)
    assert [run.line for run in done.failed] == ["1 / 0"]
    assert done.failed[0].error == "ZeroDivisionError: division by zero"
    assert done.runs[1].line == "import time" and done.runs[1].seconds >= 0.5
    assert len(done.runs) == 4 and done.slow == [] and not done.ok


def test_rehearsal_stops_at_a_stuck_cell(course):
    """На зависшей ячейке репетиция кончается и называет её."""
    sources = {"a": "import time\ntime.sleep(1000)", "b": "1"}
    cells = [
        new_code_cell(text, metadata={"lecture": {"cell": name}}) for name, text in sources.items()
    ]
    done = rehearse(new_notebook(cells=cells), course, timeout=1)
    (run,) = done.runs
    assert run.cell == "a" and run.error.startswith("не закончилась за 1 с")


def test_verdict_says_what_to_expect():
    """Итог понятен без таблицы, в таблице помечено и долгое, и ошибочное."""
    assert Rehearsal((GOOD, SLOW, BAD)).slow == [SLOW]
    text = describe_rehearsal(Rehearsal((GOOD, SLOW, BAD)))
    assert "ошибки на экранах 3" in text and "на экранах 2 (30 с)" in text
    assert "30,0 ! train()" in text and "✗ 1 / 0" in text and "ZeroDivisionError" in text
    assert describe_rehearsal(Rehearsal((GOOD, SLOW))).endswith("можно показывать.")
    assert Rehearsal((GOOD, SLOW)).ok and not Rehearsal((GOOD,), problem="нет пакета").ok


@pytest.mark.parametrize(("runs", "code"), [((GOOD, SLOW), 0), ((GOOD, BAD), 1)])
def test_check_command(monkeypatch, capsys, runs, code):
    """lecture demo 01 --check: код говорит, можно ли показывать; --json — один объект."""
    monkeypatch.setattr(demo, "check_demo", lambda number, limit: Rehearsal(runs, limit))
    assert main(["demo", "01", "--check", "--limit", "5", "--json"]) == code
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is (code == 0) and (report["lesson"], report["limit"]) == ("01", 5)
    assert set(report["cells"][0]) == {"slide", "cell", "line", "seconds", "error"}
    assert main(["demo", "01", "--check"]) == code
    assert "Исполнено: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["demo", "77", "--notes"], "урок '77' не найден; есть 00, 01"),
        (["demo", "01", "--json"], "--json бывает только вместе с --check"),
        (["demo"], "не хватает: НОМЕР"),
        (["demo", "01", "--check", "--limit", "0"], "--limit: нужно число не меньше 1"),
    ],
)
def test_wrong_arguments(capsys, arguments, expected):
    """Неверные аргументы: одна строка по-русски и код 2."""
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = stop.code
    assert code == 2 and expected in capsys.readouterr().err


def test_notes_are_for_the_terminal(capsys):
    """lecture demo 01 --notes печатает ход лекции с минутами и заметками."""
    assert main(["demo", "01", "--notes"]) == 0
    out = capsys.readouterr().out
    assert "01. Маскированное языковое моделирование" in out
    assert "минут 78" in out and "закрасит клетки на доске" in " ".join(out.split())


def test_missing_package_is_named(monkeypatch, course):
    """Без пакета показа сказано, что поставить; репетиция идёт, но итог отрицательный."""
    monkeypatch.setattr(demo, "SLIDESHOW", "нет_такого_пакета")
    with pytest.raises(ModuleNotFoundError, match=r"jupyterlab-slideshow.*\[demo\]"):
        demo.run_demo("99", root=course)
    monkeypatch.setattr(demo, "rehearse", lambda deck, folder, limit: Rehearsal((GOOD,), limit))
    assert not demo.check_demo("99", root=course).ok


def test_lesson_is_not_touched(course):
    """Слайды лежат в runs/demo, урок остаётся как был."""
    lesson = course / "lessons" / "99_proba.ipynb"
    before = lesson.read_bytes()
    deck = demo.write_deck(course, "99")
    assert deck == course / "runs" / "demo" / "99_proba.ipynb" and deck.is_file()
    assert lesson.read_bytes() == before


def test_slides_only_in_the_demo():
    """В обычной Лаборатории расширение выключено, а показ включает его обратно."""

    def disabled(folder):
        text = (folder / "labconfig" / "page_config.json").read_text(encoding="utf-8")
        return json.loads(text)["disabledExtensions"]

    at_demo = {**disabled(SETTINGS), **disabled(demo.DEMO_SETTINGS)}
    assert disabled(SETTINGS)["jupyterlab-slideshow"] is True
    assert at_demo["jupyterlab-slideshow"] is False
    assert at_demo["@deathbeds/jupyterlab-fonts"] is False
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert extras["optional-dependencies"]["demo"] == ["jupyterlab-slideshow>=0.3.4,<0.4"]
