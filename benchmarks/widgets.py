"""Виджеты в настоящем браузере: от действия до рисунка, байты на проводе, узлы страницы.

Действие совершает сама страница, и часы — её же: от события до кадра, на котором ответ уже виден.
Ответом считается изменение узла, который назван у замера. Лаборатория и Chromium — те же, что в
tests/test_browser.py. Новый виджет — строка в WIDGETS.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report import aligned, decimal, note, parse_arguments, show
from lecture_lib.cli.output import thousands
from tests import browser_lab

ROUNDS, QUICK_ROUNDS = 60, 10
MINI = """
from lecture_lib.pretrained import load_pretrained
from lecture_lib.tokenization import load_tokenizer
mini, tokenizer = load_pretrained("mini"), load_tokenizer()
"""
EXPLORER = f"""{MINI}
from lecture_lib.widgets.attention_explorer import AttentionExplorer
widget = AttentionExplorer(mini, tokenizer)
widget
"""

# Часы страницы: действие, первое изменение ответа, начало следующего кадра — прежний уже виден.
TIMED = """async ([act, answer, number]) => {
    const root = document.querySelector(".ll-widget");
    const target = root.querySelector(answer);
    const changed = new Promise((done) => {
        const seen = new MutationObserver(() => { seen.disconnect(); done(); });
        seen.observe(target, { subtree: true, childList: true, attributes: true });
    });
    const start = performance.now();
    new Function("root", "number", act)(root, number);
    await changed;
    await new Promise(requestAnimationFrame);
    return performance.now() - start;
}"""


@dataclass(frozen=True)
class Measured:
    """Что измерить: ячейка, последняя строка которой показывает widget; действие; ответ; предел.

    act — тело функции JS от root (узел виджета) и number (номер круга), answer — селектор узла,
    чьё изменение и есть ответ; limit_ms — сколько должен занимать 95-й процентиль.
    """

    code: str
    act: str
    answer: str
    limit_ms: float


def _press(label: str, keys: Sequence[str]) -> str:
    """Действие: клавиши по кругу на холсте с такой подписью."""
    return (
        f"const keys = {list(keys)};"
        f"root.querySelector(`canvas[aria-label^='{label}']`).dispatchEvent("
        "new KeyboardEvent('keydown', {key: keys[number % keys.length], bubbles: true}))"
    )


WIDGETS = {
    "attention_explorer": Measured(
        EXPLORER,
        _press("Миниатюры", ["ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft"]),
        ".ll-figure",
        50,
    ),
    "attention_explorer_mask": Measured(
        EXPLORER,
        "root.querySelectorAll('.ll-chip')[1 + number % 5].click()",
        ".ll-evidence",
        100,
    ),
}


def measure(lab: browser_lab.Lab, context: Any, name: str, rounds: int) -> dict[str, float]:
    """Показывает виджет в новой тетради и действует rounds раз: p50_ms, p95_ms, байты, узлы."""
    write_notebook(lab.root / "lessons" / f"{name}.ipynb", WIDGETS[name].code)
    lesson = browser_lab.OpenLesson(lab, context, name)
    try:
        if errors := lesson.run_all():
            raise RuntimeError(f"{name}: {errors[0]}")
        lesson.page.locator(".ll-widget canvas").first.wait_for()
        times = [act(lesson.page, WIDGETS[name], number) for number in range(rounds + 2)][2:]
        return {
            "p50_ms": median(times),
            "p95_ms": percentile(times, 0.95),
            "wire_bytes": lesson.kernel.value("widget.view.wire_bytes()"),
            "dom_nodes": lesson.page.locator(".ll-widget *").count(),
        }
    finally:
        lesson.close()


def act(page: Any, measured: Measured, number: int) -> float:
    """Одно действие: миллисекунды от события до рисунка."""
    return page.evaluate(TIMED, [measured.act, measured.answer, number])


def percentile(times: Sequence[float], share: float) -> float:
    """Наименьшее число ряда, не больше которого эта доля чисел. ValueError — ряд пуст."""
    if not times:
        raise ValueError("times пуст: процентиля у него нет.")
    place = -(-len(times) * share // 1)  # вверх
    return sorted(times)[max(0, int(place) - 1)]


def write_notebook(path: Path, code: str) -> None:
    """Тетрадь из одной ячейки."""
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code.strip())])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "python3"}
    nbformat.write(notebook, path)


def measure_all(rounds: int) -> dict[str, Any]:
    """Все виджеты в одной Лаборатории; code_bytes — общий архив, один на тетрадь."""
    from lecture_lib.widgets.drawn import archive

    with (
        tempfile.TemporaryDirectory() as scratch,
        browser_lab.running_lab(Path(scratch)) as lab,
        browser_lab.running_browser() as context,
    ):
        widgets = {}
        for name in WIDGETS:
            widgets[name] = measure(lab, context, name, rounds)
            note(f"виджет {name}")
    return {"widgets": widgets, "code_bytes": len(archive()), "rounds": rounds}


def as_lines(values: Mapping[str, Any]) -> list[str]:
    """Отчёт для человека: строка на виджет."""
    rows = []
    for name, row in values["widgets"].items():
        times = f"{decimal(row['p50_ms'], 0)} / {decimal(row['p95_ms'], 0)} мс"
        limit = f"≤ {decimal(WIDGETS[name].limit_ms, 0)}"
        sizes = f"{thousands(row['wire_bytes'])} байт, узлов {row['dom_nodes']}"
        rows.append((name, f"{times} ({limit}), {sizes}"))
    code = f"Код и стили всех виджетов, сжатые: {thousands(values['code_bytes'])} байт."
    return ["Действие → рисунок, медиана / 95-й процентиль", *aligned(rows), "", code]


def main(argv: Sequence[str] | None = None) -> None:
    """Команда python -m benchmarks.widgets."""
    options = parse_arguments("Виджеты в браузере: время ответа, байты, узлы", argv)
    if problem := browser_lab.missing():
        raise SystemExit(f"Виджеты не измерить: {problem}")
    values = measure_all(QUICK_ROUNDS if options.quick else ROUNDS)
    show(options, "Виджеты в настоящем браузере", values, as_lines(values))


if __name__ == "__main__":
    main()
