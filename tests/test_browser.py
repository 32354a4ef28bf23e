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
    with browser_lab.running_browser() as context:
        yield context


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
    alive = lesson.page.locator(".jp-OutputArea-output").locator(
        "> .jupyter-widgets, .ll-widget"  # из готовых частей и рисуемые
    )
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


GRID, FIGURE = "Миниатюры голов", "Голова крупно"
MOST_NODES = 2000


@in_lesson("03_inside")
def test_explorer_switches_heads(lesson):
    """Щелчок по миниатюре и стрелки меняют голову: рисунок, ядро и голос говорят одно."""
    explorer = lesson.widget("AttentionExplorer")
    grid = explorer.view.get_by_role("application", name=GRID)
    assert (explorer.value("layer"), explorer.value("head")) == (2, 1)
    before = explorer.drawing(FIGURE)
    grid.click(position=thumb_place(grid, layer=6, head=3))
    wait_until(lambda: explorer.value("title") == "слой 6, голова 3", "щелчок в ядре")
    wait_until(lambda: explorer.drawing(FIGURE) != before, "новый рисунок")

    before = explorer.drawing(FIGURE)
    grid.press("ArrowUp")
    grid.press("ArrowLeft")
    wait_until(lambda: explorer.value("title") == "слой 5, голова 2", "стрелки в ядре")
    wait_until(lambda: explorer.drawing(FIGURE) != before, "новый рисунок")
    wait_until(lambda: "слой 5, голова 2" in explorer.said(), "сказано вслух")
    explorer.view.get_by_label("слой", exact=True).select_option(index=1)
    wait_until(lambda: explorer.value("layer") == 2, "слой из списка")


def thumb_place(grid, layer, head, layers=6, margin=24):
    """Середина миниатюры: клетки одинаковы, их столько же по высоте, сколько слоёв."""
    step = (grid.bounding_box()["height"] - margin) / layers
    return {"x": margin + step * (head - 0.5), "y": margin + step * (layer - 0.5)}


@in_lesson("03_inside")
def test_explorer_numbers_are_the_kernels(lesson):
    """Пара с клавиатуры: число на экране и вслух — то, что в ядре, без округления байтами."""
    explorer = lesson.widget("AttentionExplorer")
    figure = explorer.view.get_by_role("application", name=FIGURE)
    figure.press("Home")
    for _ in range(3):
        figure.press("ArrowDown")
    figure.press("ArrowRight")
    wait_until(lambda: explorer.value("cursor") != [], "пара в ядре")
    wait_until(lambda: explorer.value("cursor")[1] == 1, "последняя клавиша в ядре")
    row, column = explorer.value("cursor")
    shown = explorer.value(f"weights[{row}, {column}].item()")
    wait_until(lambda: russian(shown, 2) in explorer.said(), "число вслух")
    assert russian(shown, 4) in explorer.view.locator(".ll-value").inner_text()


def russian(value, digits):
    """Число с запятой."""
    return f"{value:.{digits}f}".replace(".", ",")


@in_lesson("03_inside")
def test_explorer_settings_reach_the_kernel(lesson):
    """Спрятать [CLS] и [SEP], слова целиком, матрица: меняется и рисунок, и ядро."""
    explorer = lesson.widget("AttentionExplorer")
    settings = {"без [CLS] и [SEP]": "hide_special", "слова целиком": "merge_words"}
    for label, name in settings.items():
        before = explorer.drawing(FIGURE)
        explorer.view.get_by_label(label).press("Space")
        wait_until(lambda name=name: explorer.value(name) is True, f"{name} в ядре")
        wait_until(lambda before=before: explorer.drawing(FIGURE) != before, f"{name} на экране")
    explorer.shoot("03_lines")
    before = explorer.drawing(FIGURE)
    explorer.view.get_by_label("вид").select_option("матрица")
    wait_until(lambda: explorer.value("look") == "matrix", "матрица в ядре")
    wait_until(lambda: explorer.drawing(FIGURE) != before, "матрица на экране")
    explorer.shoot("03_matrix")
    assert [explorer.value(name) for name in ("hide_special", "merge_words")] == [True, True]


@in_lesson("03_inside")
def test_explorer_answers_the_prediction(lesson):
    """Предсказание записано — ответ на экране тот же, что в ядре, а головы стоят по мере."""
    explorer = lesson.widget("AttentionExplorer")
    before = explorer.drawing(GRID)
    explorer.view.get_by_role("button", name="Предсказываю").press("Enter")
    wait_until(lambda: explorer.value("answer") != "", "ответ в ядре")
    said = explorer.value("answer")
    wait_until(lambda: said in explorer.view.inner_text(), "ответ на экране")
    wait_until(lambda: explorer.drawing(GRID) != before, "головы встали по мере")
    explorer.shoot("03_answer")
    assert explorer.value("answer") == said, "ответ не сменился сам"
    assert said in explorer.view.inner_text()


@in_lesson("03_inside")
def test_explorer_shows_evidence_for_a_closed_word(lesson):
    """Закрытое слово: вклад и ρ на экране — из ядра; своё предложение и пустое — понятны."""
    explorer = lesson.widget("AttentionExplorer")
    explorer.view.get_by_role("button", name="кот", exact=True).press("Space")
    wait_until(lambda: explorer.value("masked") == 2, "закрытое слово в ядре")
    wait_until(lambda: explorer.value("evidence[0] is not None"), "улики в ядре")
    verdict = explorer.value("evidence[0]['verdict']")
    wait_until(lambda: verdict in explorer.view.inner_text(), "вывод на экране")
    explorer.view.locator(".ll-evidence").first.scroll_into_view_if_needed()
    browser_lab.shoot(lesson.page, "03_evidence")

    box = explorer.view.get_by_role("textbox")
    box.fill(TYPED)
    box.press("Enter")
    wait_until(lambda: explorer.value("text") == TYPED, "своё предложение в ядре")
    assert (explorer.value("sentence"), explorer.value("masked")) == (None, -1)
    wait_until(lambda: verdict not in explorer.view.inner_text(), "прежние улики стёрты")
    box.fill(" ")
    box.press("Enter")
    wait_until(lambda: "ни одного слова" in explorer.view.inner_text(), "сообщение на экране")
    box.fill("Она нашла </script> ключ")
    box.press("Enter")
    wait_until(lambda: explorer.value("problem") == "", "предложение прочитано")
    explorer.view.get_by_role("button", name="script").wait_for()


@in_lesson("03_inside")
def test_explorer_is_light_accessible_and_alone(lesson):
    """Узлов немного, axe молчит, наружу — ни запроса, ошибок нет; повторный показ не копит."""
    explorer = lesson.widget("AttentionExplorer")
    explorer.view.get_by_text("Та же голова таблицей").first.click()
    assert explorer.dom_nodes() <= MOST_NODES
    assert explorer.barriers() == []
    alive = "len(__import__('ipywidgets').widgets.widget._instances)"
    before = lesson.kernel.value(alive)
    for _ in range(2):
        rerun(lesson, "import AttentionExplorer")
    assert lesson.kernel.value(alive) == before
    traffic = lesson.traffic
    assert (traffic.outside, traffic.dropped, traffic.errors) == ([], [], [])


def rerun(lesson, text):
    """Исполняет ячейку с таким текстом ещё раз и ждёт нового виджета."""
    count = len(lesson.kernel.value("list(Out)"))
    cell = lesson.page.locator(".jp-CodeCell").filter(has_text=text).first
    cell.locator(".cm-content").click()
    lesson.page.keyboard.press("Control+Enter")
    wait_until(lambda: len(lesson.kernel.value("list(Out)")) > count, "ячейка исполнена")
    cell.locator(".ll-widget").wait_for()


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
