"""Разметка урока под показ: где начинается слайд, что открывается по клавише, сколько минут.

Вид слайда стоит в метаданных каждой ячейки урока (``slideshow.slide_type``): его понимают и
JupyterLab, и nbconvert. Источник у разметки один: правило :func:`rule_type` и план урока
``lecture_plans/NN_имя.toml`` — минуты, заметки преподавателю и исключения из правила, по имени
ячейки (``id`` при правке текста не меняется). Размечают ``lecture slides`` и ``lecture execute``.

Заметки в тетрадь не попадают вовсе: ни в JupyterLab, ни в экспорте, ни на GitHub студент их не
увидит. Читает их только ``lecture demo``.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

PLANS = Path(__file__).with_name("lecture_plans")
SLIDE, SUBSLIDE, FRAGMENT, SKIP = "slide", "subslide", "fragment", "skip"
TYPES = (SLIDE, SUBSLIDE, FRAGMENT, SKIP)
MARKS = ("slideshow", "lecture")  # что разметка пишет в метаданные ячейки

COLAB = '"google.colab" in sys.modules'
# Вопрос залу: с него начинается новая мысль, а ответ открывается следующей клавишей.
QUESTION = re.compile(
    r"\*\*(?:(?:А теперь )?[Пп]редскажите|[Зз]апишите|Подумайте минуту|Выведите на бумаге"
    r"|Найдите|Сначала ответьте|Что станет|Сколько вопросов)"
)


@dataclass(frozen=True)
class Plan:
    """Одна ячейка в плане урока.

    minutes: минут на всё от этой ячейки до следующей с минутами; note: заметка преподавателю;
    slide: вид слайда, если правило здесь не годится.
    """

    minutes: float | None = None
    note: str = ""
    slide: str | None = None

    def __post_init__(self) -> None:
        if self.slide is not None and self.slide not in TYPES:
            raise ValueError(f"slide = {self.slide!r}: вид слайда — {', '.join(TYPES)}.")
        if self.minutes is not None and self.minutes <= 0:
            raise ValueError(f"minutes = {self.minutes}: нужно положительное число минут.")


def read_plan(lesson: str | Path, plans: Path = PLANS) -> dict[str, Plan]:
    """План урока по его файлу: имя ячейки → :class:`Plan`; пустой, если плана ещё нет.

    ValueError — файл плана не читается, или в нём незнакомое поле.
    """
    path = plans / f"{Path(lesson).stem}.toml"
    if not path.is_file():
        return {}
    try:
        cells = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: Plan(**fields) for name, fields in cells.items()}
    except (ValueError, TypeError) as error:
        raise ValueError(f"план урока {path.name} не читается: {error}") from None


def rule_type(cell: NotebookNode) -> str:
    """Вид слайда по правилу.

    Заголовок урока и раздела — слайд, подраздел и вопрос залу — слайд под ним, код и чтение
    вывода открываются по клавише, ячейка для Colab в классе не нужна.
    """
    if cell.cell_type == "code":
        return SKIP if COLAB in cell.source else FRAGMENT
    if re.search(r"^##? ", cell.source, flags=re.MULTILINE):
        return SLIDE
    if re.search(r"^### ", cell.source, flags=re.MULTILINE) or QUESTION.search(cell.source):
        return SUBSLIDE
    return FRAGMENT


def mark_slides(notebook: NotebookNode, plan: dict[str, Plan]) -> None:
    """Размечает ячейки урока под показ; прежняя разметка заменяется, прочее не тронуто.

    ValueError — в плане названа ячейка, которой в уроке нет.
    """
    unknown = sorted(plan.keys() - {cell.id for cell in notebook.cells})
    if unknown:
        raise ValueError(f"в плане урока есть ячейки, которых нет в тетради: {', '.join(unknown)}.")
    for cell in notebook.cells:
        planned = plan.get(cell.id, Plan())
        for name in MARKS:
            cell.metadata.pop(name, None)
        cell.metadata["slideshow"] = {"slide_type": planned.slide or rule_type(cell)}
        if planned.minutes is not None:
            cell.metadata["lecture"] = {"minutes": planned.minutes}


def mark_file(path: Path, plans: Path = PLANS) -> bool:
    """Размечает файл урока; возвращает, изменился ли он. Ни текст, ни выводы не меняются."""
    import nbformat

    from lecture_lib.files import write_atomically

    before = path.read_bytes()
    notebook = nbformat.reads(before.decode("utf-8"), as_version=4)
    mark_slides(notebook, read_plan(path, plans))
    after = (nbformat.writes(notebook) + "\n").encode("utf-8")
    if after != before:
        write_atomically(path, after)
    return after != before


def slide_type(cell: NotebookNode) -> str:
    """Вид слайда, записанный в ячейке; у неразмеченной — по правилу."""
    return cell.metadata.get("slideshow", {}).get("slide_type") or rule_type(cell)
