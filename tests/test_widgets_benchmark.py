"""Замер виджетов: процентиль по определению, в отчёте каждый виджет, ячейки — на месте."""

from __future__ import annotations

import ast
import json

import pytest

from benchmarks import widgets as benchmark

ROW = {"p50_ms": 12.0, "p95_ms": 31.4, "wire_bytes": 8486, "dom_nodes": 74}


def test_percentile_is_a_number_of_the_row():
    """95-й процентиль двадцати чисел — девятнадцатое, одного — оно само; пустого ряда — нет."""
    assert benchmark.percentile(list(range(20, 0, -1)), 0.95) == 19
    assert benchmark.percentile([7.0], 0.95) == 7
    assert benchmark.percentile([1, 2, 3, 4], 0.5) == 2
    with pytest.raises(ValueError, match="times пуст"):
        benchmark.percentile([], 0.95)


def test_every_widget_is_reported():
    """Строка на виджет: время, предел, байты и узлы."""
    values = {"widgets": dict.fromkeys(benchmark.WIDGETS, ROW), "code_bytes": 13_000, "rounds": 10}
    lines = benchmark.as_lines(values)
    for name, measured in benchmark.WIDGETS.items():
        (line,) = [line for line in lines if line.split()[:1] == [name]]
        assert "12 / 31 мс" in line and f"≤ {measured.limit_ms:.0f}" in line and "узлов 74" in line
    assert "13" in lines[-1]


@pytest.mark.parametrize("name", benchmark.WIDGETS)
def test_cell_shows_the_widget(name, tmp_path):
    """Ячейка — верный Python, а последняя строка показывает widget."""
    path = tmp_path / "one.ipynb"
    benchmark.write_notebook(path, benchmark.WIDGETS[name].code)
    (cell,) = json.loads(path.read_text(encoding="utf-8"))["cells"]
    last = ast.parse("".join(cell["source"])).body[-1]
    assert ast.unparse(last) == "widget"
