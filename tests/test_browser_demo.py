"""Показ в настоящем браузере: слайды сменяются, код исполняется, виджет жив, наружу — тихо.

Снимки экранов в двух размерах остаются в tests/screenshots: на них стоит взглянуть самому.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
from pathlib import Path

import browser_lab
import nbformat
import pytest
from browser_lab import ROOT, SIZES, Kernel, Traffic, running_server, wait_until
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from test_browser import context, needs_browser  # noqa: F401

from lecture_lib.demo import missing_package
from lecture_lib.execution import METADATA
from lecture_lib.slides import mark_slides

SHOW = """
import sys
from pathlib import Path
from lecture_lib.demo import run_demo
run_demo(sys.argv[3], browser=False, root=Path(sys.argv[1]), home=Path(sys.argv[2]))
"""
CELLS = (
    new_markdown_cell("# 99. Проба\n\nЁлочки «на месте»."),
    new_markdown_cell("## Опыт\n\n$$\\frac{a}{b}$$\n\n**Предскажите:** сколько будет?"),
    new_code_cell("answer = 6 * 7\nprint('вышло', answer)"),
    new_markdown_cell("Прочитаем вывод."),
    new_markdown_cell("## Потрогайте"),
    new_code_cell("import ipywidgets\n\nslider = ipywidgets.IntSlider(value=3)\nslider"),
)


class OpenDemo:
    """Показ, открытый в браузере: что на экране, какие клавиши, что в ядре."""

    def __init__(self, server, page, name: str) -> None:
        self.path = f"runs/demo/{name}.ipynb"
        self.server, self.page, self.traffic = server, page, Traffic()
        self.traffic.listen(page)
        page.set_default_timeout(1000 * browser_lab.PATIENCE)
        page.goto(f"{server.address}/lab/tree/{self.path}?token={server.token}")
        page.wait_for_selector(".jp-Deck .jp-Cell.jp-deck-mod-visible")
        # Клавиши слышит слайд, в котором стоит фокус: расширение ставит его последним.
        page.wait_for_function("document.activeElement.closest('.jp-Deck .jp-Cell') !== null")

    @functools.cached_property
    def kernel(self) -> Kernel:
        """Ядро показа; спрашивать его, когда оно уже исполнило ячейку."""
        return self.server.kernel(self.path)

    @property
    def shown(self) -> str:
        """Текст всего, что сейчас видно на слайде."""
        return "\n".join(self.page.locator(".jp-deck-mod-visible").all_inner_texts())

    def press(self, key: str, expected: str) -> None:
        """Нажимает клавишу и ждёт, пока на слайде не появится этот текст."""
        self.page.keyboard.press(key)
        wait_until(lambda: expected in self.shown, f"«{expected}» после {key}")

    def overflow(self) -> float:
        """На сколько высот экрана слайд не помещается; ноль — помещается."""
        return self.page.evaluate(
            """() => {
                const cells = [...document.querySelectorAll('.jp-deck-mod-onscreen')];
                const boxes = cells.map(cell => cell.getBoundingClientRect());
                const top = Math.min(...boxes.map(box => box.top));
                const bottom = Math.max(...boxes.map(box => box.bottom));
                return Math.max(0, (bottom - top) / window.innerHeight - 1);
            }"""
        )

    def shoot(self, name: str) -> None:
        """Снимает слайд в обоих размерах и проверяет, что он помещается."""
        for width, height in SIZES:
            self.page.set_viewport_size({"width": width, "height": height})
            assert self.overflow() == 0, f"{name}: слайд выше экрана {width}×{height}"
            browser_lab.shoot(self.page, f"demo_{name}_{width}")


@pytest.fixture(scope="module")
def show(tmp_path_factory, context):  # noqa: F811
    """Открывает показ урока из файла; серверы и страницы закрываются в конце."""
    if problem := missing_package():
        (pytest.fail if browser_lab.is_required() else pytest.skip)(f"ВНИМАНИЕ: {problem}")
    with contextlib.ExitStack() as stack:

        def start(lesson: Path) -> OpenDemo:
            scratch = tmp_path_factory.mktemp("demo")
            (scratch / "course" / "lessons").mkdir(parents=True)
            shutil.copy(lesson, scratch / "course" / "lessons")
            server = stack.enter_context(running_server(scratch, SHOW, lesson.name[:2]))
            return OpenDemo(server, context.new_page(), lesson.stem)

        yield start


@pytest.fixture(scope="module")
def proba(tmp_path_factory):
    """Крошечный урок со всем, что бывает на слайде: формула, вопрос, код, виджет."""
    lesson = new_notebook(cells=list(CELLS), metadata=METADATA)
    mark_slides(lesson, {})
    path = tmp_path_factory.mktemp("lesson") / "99_proba.ipynb"
    nbformat.write(lesson, path)
    return path


def test_slides_run_code_and_widgets(show, proba):
    """Пробел листает, Ctrl+Enter исполняет на месте, стрелка внутри виджета двигает ползунок."""
    demo = show(proba)
    assert "99. Проба" in demo.shown and "Опыт" not in demo.shown
    demo.shoot("title")

    demo.press("Space", "Предскажите")
    assert "answer" not in demo.shown
    demo.page.wait_for_selector(".jp-deck-mod-visible mjx-container")
    demo.press("Space", "answer")
    demo.press("Control+Enter", "вышло 42")
    assert "Предскажите" in demo.shown and demo.kernel.value("answer") == 42
    demo.press("Space", "Прочитаем вывод.")
    demo.shoot("code")

    demo.press("Space", "Потрогайте")
    demo.press("Space", "IntSlider")
    demo.page.keyboard.press("Control+Enter")
    handle = demo.page.locator(".noUi-handle")
    handle.focus()
    handle.press("ArrowRight")
    wait_until(lambda: demo.kernel.value("slider.value") == 4, "ползунок в ядре")
    assert "Потрогайте" in demo.shown
    demo.shoot("widget")
    assert (demo.traffic.outside, demo.traffic.errors) == ([], [])


def test_lesson_fits_the_projector(show):
    """Каждый слайд урока 00 до запуска кода помещается на проектор; дошли до последнего."""
    demo = show(ROOT / "lessons" / "00_start.ipynb")
    demo.page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})
    tall, screens = {}, 0
    while True:
        before = demo.shown
        if (excess := demo.overflow()) > 0:
            tall[before[:40]] = excess
        browser_lab.shoot(demo.page, f"demo_00_{screens:02d}")
        screens += 1
        if "Что мы узнали" in before:
            break
        demo.page.keyboard.press("Space")
        wait_until(lambda seen=before: demo.shown != seen, f"следующий слайд после «{before[:40]}»")
    assert tall == {} and screens > 20
    assert (demo.traffic.outside, demo.traffic.errors) == ([], [])
