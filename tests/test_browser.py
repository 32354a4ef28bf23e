"""Уроки в настоящем браузере: Лаборатория открывается, уроки доходят до конца, виджеты живут.

Снимки виджетов в двух размерах остаются в tests/screenshots: на них стоит взглянуть самому.
"""

from __future__ import annotations

import browser_lab
import pytest
from browser_lab import ROOT, SHOTS, OpenLesson, Traffic, running_lab, wait_until, widget_cells

LESSONS = sorted(path.stem for path in ROOT.glob("lessons/*.ipynb") if widget_cells(path))
TYPED = "Старый кот спит на мягком диване."


@pytest.fixture(scope="module", autouse=True)
def needs_browser():
    """Без браузера тесты пропускаются вслух, а там, где он обязателен, — не проходят."""
    if problem := browser_lab.missing():
        (pytest.fail if browser_lab.is_required() else pytest.skip)(f"ВНИМАНИЕ: {problem}")


@pytest.fixture(scope="module")
def lab(tmp_path_factory, needs_browser):
    with running_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture(scope="module")
def context(needs_browser):
    """Окно браузера: один Chromium на все тесты файла."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_lab.CHROMIUM, args=browser_lab.FLAGS
        )
        width, height = browser_lab.SIZES[0]
        yield browser.new_context(viewport={"width": width, "height": height}, locale="ru-RU")
        browser.close()


@pytest.fixture(scope="module")
def lesson(request, lab, context):
    """Урок, исполненный из меню до конца; ошибки исполнения — в lesson.failures."""
    lesson = OpenLesson(lab, context, request.param)
    lesson.failures = lesson.run_all()
    yield lesson
    lesson.close()


def in_lesson(name):
    """Тест внутри исполненного урока: он исполняется один раз на все такие тесты."""
    return pytest.mark.parametrize("lesson", [name], indirect=True, scope="module")


def test_lab_opens_in_russian_without_news(lab, context):
    """Лаборатория — по-русски, без новостей и без единого запроса наружу."""
    page, traffic = context.new_page(), Traffic()
    traffic.listen(page)
    browser_lab.open_lab(page, lab.url("lessons", "empty"))
    page.wait_for_selector(".jp-DirListing-item")
    menu = page.locator(".lm-MenuBar-item").all_text_contents()
    assert {"Файл", "Выполнить", "Ядро", "Справка"} <= set(menu)
    assert page.locator(".Toastify__toast").count() == 0
    assert "00_start.ipynb" in page.locator(".jp-DirListing").inner_text()
    assert traffic.outside == [] and traffic.errors == []
    browser_lab.shoot(page, "lab")
    page.close()


def test_wall_stops_and_counts(lab, context):
    """Сама стена не слепа: и имя, и голый адрес снаружи оборваны и записаны."""
    page, traffic = context.new_page(), Traffic()
    page.goto(f"{lab.address}/login")  # у ответов /api своё правило (CSP): они не пускают никуда
    traffic.listen(page)
    asked = ["https://example.com/", "http://192.0.2.1/", f"{lab.address}/api"]
    answers = [
        page.evaluate("url => fetch(url).then(() => 'открылся', () => 'оборван')", url)
        for url in asked
    ]
    assert answers == ["оборван", "оборван", "открылся"]
    assert traffic.outside == asked[:2]
    page.close()


@pytest.mark.parametrize("lesson", LESSONS, indirect=True, scope="module")
def test_lesson_runs_to_the_end(lesson):
    """Урок исполняется из меню без ошибок, виджеты ожили, связь с ядром цела, наружу — тихо."""
    assert lesson.failures == []
    alive = lesson.page.locator(".jp-OutputArea-output > .jupyter-widgets")
    wait_until(lambda: alive.count() == len(widget_cells(lesson.source)), "живые виджеты")
    assert lesson.page.locator("[data-mime-type$='error'], [data-mime-type$='stderr']").count() == 0
    traffic = lesson.traffic
    assert (traffic.outside, traffic.dropped, traffic.errors) == ([], [], [])


@in_lesson("01_mlm")
def test_slider_moves_picture_and_kernel(lesson):
    """Ползунок масок: стрелка с клавиатуры меняет остановку в ядре и рисунок на экране."""
    slider = lesson.widget("MaskSlider")
    before = slider.picture()
    handle = slider.view.locator(".noUi-handle")
    handle.focus()
    handle.press("ArrowRight")
    slider.wait_for_picture(before)
    assert slider.value("stop") == 1
    middle = slider.picture()
    drag(lesson.page, handle, slider.view.locator(".noUi-target"))
    last = slider.value("stops.__len__()") - 1
    wait_until(lambda: slider.value("stop") == last, "последняя остановка в ядре")
    slider.wait_for_picture(middle)
    slider.shoot("01_slider")


def drag(page, handle, track):
    """Тянет ручку ползунка мышью до правого края."""
    start, end = handle.bounding_box(), track.bounding_box()
    height = start["y"] + start["height"] / 2
    page.mouse.move(start["x"] + start["width"] / 2, height)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"], height, steps=8)
    page.mouse.up()


@in_lesson("01_mlm")
def test_playground_hears_clicks_and_text(lesson):
    """Площадка масок: новый текст и щелчок по слову меняют и рисунок, и состояние ядра."""
    playground = lesson.widget("MaskPlayground")
    assert playground.value("masked") == [2]
    before = playground.picture()
    box = playground.view.get_by_role("textbox")
    box.fill(TYPED)
    box.press("Enter")
    wait_until(lambda: playground.value("text") == TYPED, "новый текст в ядре")
    # Слова нового текста открыты: показывать нечего, рисунок спрятан.
    wait_until(lambda: playground.picture() == "", "рисунок спрятан")

    word = playground.view.get_by_role("button", name="диване")
    word.click()
    playground.wait_for_picture(before)
    assert playground.value("masked_text") == TYPED.replace("диване", "[MASK]")
    playground.shoot("01_playground")

    closed = playground.picture()
    playground.view.get_by_role("button", name="кот").press("Space")
    playground.wait_for_picture(closed)
    assert playground.value("masked") == [1, 5]


@in_lesson("01_mlm")
def test_quiz_answers_mouse_and_keyboard(lesson):
    """Опрос: щелчок и пробел выбирают вариант, объяснение появляется, счёт в ядре растёт."""
    quiz = lesson.widget("Quiz")
    said = quiz.view.get_by_role("status")
    options = quiz.view.locator("input[type=radio]")
    first = quiz.value("questions[0].options.__len__()")

    options.nth(0).click()
    wait_until(lambda: quiz.value("explanation(0)") != "", "ответ мышью в ядре")
    explained = quiz.value("questions[0].options[0].explanation")
    wait_until(lambda: explained in said.nth(0).inner_text(), "объяснение на экране")

    options.nth(first).focus()
    options.nth(first).press("Space")
    wait_until(lambda: quiz.value("explanation(1)") != "", "ответ с клавиатуры в ядре")
    explained = quiz.value("questions[1].options[0].explanation")
    wait_until(lambda: explained in said.nth(1).inner_text(), "объяснение на экране")
    assert quiz.value("score") in quiz.view.inner_text()
    quiz.shoot("01_quiz")


@in_lesson("02_masking")
def test_rates_move_the_picture(lesson):
    """Доли 80/10/10: ползунок с клавиатуры меняет рисунок на экране вместе с ядром."""
    before = lesson.widget("MaskRates").value("probability")
    rates = press_and_see(lesson, "MaskRates", "ArrowLeft")
    assert rates.value("probability") < before


@in_lesson("03_inside")
def test_attention_changes_with_the_head(lesson):
    """Рассматриватель внимания: другой слой и другое предложение — другой рисунок."""
    viewer = press_and_see(lesson, "AttentionViewer", "ArrowRight")
    before = viewer.picture()
    viewer.view.get_by_role("combobox").select_option(index=1)
    viewer.wait_for_picture(before)
    assert viewer.value("sentence") == 1
    viewer.shoot("03_attention")


@in_lesson("06_roberta")
def test_merges_move_the_picture(lesson):
    """Ползунок слияний: каждое слияние видно на экране."""
    slider = press_and_see(lesson, "MergeSlider", "ArrowRight")
    assert slider.value("stop") == 1


def press_and_see(lesson, name, key):
    """Двигает первый ползунок виджета клавишей, ждёт нового рисунка и снимает экран."""
    widget = lesson.widget(name)
    before = widget.picture()
    handle = widget.view.locator(".noUi-handle").first
    handle.focus()
    handle.press(key)
    widget.wait_for_picture(before)
    widget.shoot(f"{lesson.name[:2]}_{name}")
    return widget


def test_screenshots_stay_out_of_git():
    """Снимки лежат в папке, которую git не видит."""
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert f"/{SHOTS.relative_to(ROOT)}/" in ignored
