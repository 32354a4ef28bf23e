"""Показ урока живыми слайдами: тот же JupyterLab, крупный шрифт, код исполняется.

Показывает jupyterlab-slideshow 0.3.4 — расширение, которое прячет всё, кроме слайда, внутри самого
JupyterLab. Поэтому в показе работает всё, что работает в курсе: ядро, виджеты, русский язык,
и ни один запрос не уходит с машины. Что с остальными и чем это измерено — solutions/README.md.

Слайды собираются заново при каждом запуске, в runs/demo: урок показ не меняет.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from lecture_lib.deck import make_deck, starts_slide
from lecture_lib.export import find_lesson, title_of
from lecture_lib.files import write_atomically
from lecture_lib.lab import (
    SETTINGS,
    find_course_root,
    lab_arguments,
    lab_environment,
    new_token,
    serve,
)
from lecture_lib.outline import describe_outline, outline
from lecture_lib.rehearsal import SLOW, Rehearsal, rehearse
from lecture_lib.slides import read_plan

DEMO_SETTINGS = Path(__file__).with_name("demo_settings")
DECKS = Path("runs", "demo")
SLIDESHOW = "jupyterlab_slideshow"
MISSING = (
    "нет пакета jupyterlab-slideshow: pip install -e '.[demo]' -c constraints.txt в папке курса"
)
KEYS = """\
Пробел — дальше, Shift+Пробел — назад; Ctrl+Enter — исполнить ячейку, не уходя со слайда.
Esc — из показа в обычную тетрадь, кнопка с картами на панели тетради — обратно."""


def run_demo(
    number: str,
    *,
    ip: str | None = None,
    port: int | None = None,
    browser: bool | None = None,
    root: Path | None = None,
    home: Path | None = None,
) -> None:
    """Открывает урок слайдами и возвращается, когда показ остановят.

    number: номер урока («01»); root: папка курса (обычно находится сама); home: папка настроек
    (обычно временная); остальное — как у :func:`lecture_lib.lab.lab_arguments`. ValueError —
    такого урока нет.
    """
    root = root or find_course_root()
    deck = write_deck(root, number)
    if missing := missing_package():
        raise ModuleNotFoundError(missing)
    said, token = describe_lesson(root, number), new_token()
    page = f"/lab/tree/{deck.relative_to(root).as_posix()}"
    with tempfile.TemporaryDirectory(prefix="lecture-", ignore_cleanup_errors=True) as empty:
        prepare_settings(home or Path(empty))
        arguments = lab_arguments(
            root, os.environ, token, ip=ip, port=port, browser=browser, page=page
        )
        serve([*arguments, "--LabApp.custom_css=True"], token, lambda url: greet(url, said))


def prepare_settings(home: Path) -> None:
    """Готовит JupyterLab к показу: крупный шрифт, клавиши виджетам, слайды сразу.

    Показ всегда начинается с чистого листа: ни прежних вкладок, ни выхода по Esc он не помнит.
    """
    shutil.copytree(DEMO_SETTINGS / "home", home / "jupyter", dirs_exist_ok=True)
    os.environ.update(lab_environment(os.environ, home, (DEMO_SETTINGS, SETTINGS)))


def write_deck(root: Path, number: str) -> Path:
    """Собирает слайды урока и пишет их тетрадью в папку курса; возвращает её путь."""
    import nbformat

    lesson = find_lesson(root / "lessons", number)
    deck = make_deck(nbformat.read(lesson, as_version=4))
    path = root / DECKS / lesson.name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (nbformat.writes(deck) + "\n").encode("utf-8"))
    return path


def describe_lesson(root: Path, number: str) -> str:
    """Ход лекции: экраны, минуты и заметки преподавателю."""
    import nbformat

    path = find_lesson(root / "lessons", number)
    lesson = nbformat.read(path, as_version=4)
    deck = make_deck(lesson)
    slides = sum(map(starts_slide, deck.cells))
    stages = outline(deck, read_plan(path))
    return describe_outline(title_of(lesson, path.stem), slides, stages)


def check_demo(number: str, limit: float = SLOW, root: Path | None = None) -> Rehearsal:
    """Репетирует урок без браузера: исполняет все ячейки слайдов в новом ядре."""
    import nbformat

    root = root or find_course_root()
    path = write_deck(root, number)
    with tempfile.TemporaryDirectory(prefix="lecture-", ignore_cleanup_errors=True) as home:
        os.environ.update(lab_environment(os.environ, Path(home)))
        done = rehearse(nbformat.read(path, as_version=4), path.parent, limit)
    return Rehearsal(done.runs, limit, missing_package())


def missing_package() -> str:
    """Чего не хватает, чтобы открыть показ; пусто — всё есть."""
    return "" if importlib.util.find_spec(SLIDESHOW) else MISSING


def greet(address: str, said: str) -> None:
    """Говорит, куда идти, какие клавиши помнить и как пройдёт лекция."""
    print(
        f"\n{said}\n\n{KEYS}\n\nПоказ открыт: {address}\nОстановить: Ctrl+C в этом окне.\n",
        flush=True,
    )
