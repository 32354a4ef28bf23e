"""Слайды из урока: та же тетрадь, разрезанная так, чтобы каждый слайд помещался на экран.

Текст урока написан для чтения: ячейка заканчивает одну мысль и начинает следующую. На слайде так
нельзя, поэтому ячейка с текстом режется по заголовкам и вопросам залу, а слайд, который не
поместился бы на экран 1280×720, продолжается следующим. Выводов в слайдах нет: они появляются,
когда ведущий исполнит ячейку. Сам урок при этом не меняется.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lecture_lib.slides import FRAGMENT, QUESTION, SKIP, SLIDE, SUBSLIDE, slide_type

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Высота меряется в строках текста: экран — это 21,8 строки при шрифте показа.
ROOM = 20.0
READING = 13.0  # чтение вывода длиннее этого — стена текста: продолжается на следующем слайде
WIDTH = 82  # знаков в строке текста
CODE_LINE = 0.78  # строка кода относительно строки текста
PIXELS = 33  # точек в строке текста на экране высотой 720
TALLEST_PICTURE = 12.7  # рисунок выше этого показ уменьшает, таблицу — прокручивает
LIVE_WIDGET = 16.5  # виджет со своими рычагами: на слайде он один

NAVIGATION = re.compile(r"^(?:\[?← |\[\d\d\. [^\]]*→\]|Это первый урок · |\*\*Упражнения:\*\* )")
ANSWER = re.compile(
    r"<details>\s*<summary>(Ответ|Вывод)</summary>\s*(.*?)\s*</details>", flags=re.DOTALL
)


def make_deck(lesson: NotebookNode) -> NotebookNode:
    """Тетрадь-показ: ячейки урока по слайдам, без выводов и без того, что в классе не нужно."""
    import nbformat

    deck = nbformat.v4.new_notebook(metadata=lesson.metadata)
    used = 0.0
    for source in lesson.cells:
        for cell in () if slide_type(source) == SKIP else deck_cells(source):
            tall = cell_height(source if cell.cell_type == "code" else cell)
            if starts_slide(cell):
                used = 0.0
            elif used + tall > ROOM:
                used = 0.0
                cell.metadata["slideshow"] = {"slide_type": SUBSLIDE}
            used += tall
            deck.cells.append(cell)
    return deck


def starts_slide(cell: NotebookNode) -> bool:
    """Начинается ли с ячейки новый экран."""
    return slide_type(cell) in (SLIDE, SUBSLIDE)


def deck_cells(source: NotebookNode) -> Iterator[NotebookNode]:
    """Ячейки показа из ячейки урока; имя её и минуты — у той, с которой начался слайд."""
    from nbformat.v4 import new_code_cell, new_markdown_cell

    lecture = {"cell": source.id, **source.metadata.get("lecture", {})}
    if source.cell_type == "code":
        metadata = {"slideshow": {"slide_type": slide_type(source)}, "lecture": lecture}
        yield new_code_cell(source.source, id=source.id, metadata=metadata)
        return
    parts = list(split_text(source.source, slide_type(source)))
    starts = [number for number, (kind, _) in enumerate(parts) if kind == SLIDE] or [0]
    for number, (kind, text) in enumerate(parts):
        metadata = {"slideshow": {"slide_type": kind}}
        if number == starts[0]:
            metadata["lecture"] = lecture
        yield new_markdown_cell(text, id=f"{source.id}-{number}", metadata=metadata)


def split_text(source: str, kind: str) -> Iterator[tuple[str, str]]:
    """Режет текст ячейки на пары «вид слайда, текст»; kind — вид слайда всей ячейки."""
    blocks = list(paragraphs(source))
    part: list[str] = []
    current = opening_type(blocks, kind) if blocks else kind
    for block in blocks:
        begins = part_type(block, part)
        room = ROOM if (part or [block])[0].startswith("#") else READING
        if part and (begins or text_height("\n\n".join([*part, block])) > room):
            yield current, "\n\n".join(part)
            part = []
            current = begins or SUBSLIDE
        elif begins:
            current = begins
        part.append(block)
    if part:
        yield current, "\n\n".join(part)


def opening_type(blocks: list[str], kind: str) -> str:
    """Вид первой части: если слайд ячейки начинается ниже, первая дочитывает прежний вывод."""
    if all(part_type(block, blocks[:1]) != kind for block in blocks[1:]):
        return kind
    return SUBSLIDE if QUESTION.search(blocks[0]) else FRAGMENT


def part_type(block: str, part: list[str]) -> str | None:
    """Вид слайда, если с этого абзаца начинается новая часть; иначе None."""
    if re.match(r"##? ", block):
        return SLIDE
    if block.startswith("### "):
        return SUBSLIDE
    if re.match(r"\*\*(Ответ|Вывод)\.\*\* ", block):
        return FRAGMENT
    is_reading = bool(part) and not part[0].startswith("#")
    return SUBSLIDE if is_reading and QUESTION.search(block) else None


def paragraphs(source: str) -> Iterator[str]:
    """Абзацы без ссылок на соседние уроки; свёрнутый ответ становится обычным абзацем."""
    text = ANSWER.sub(lambda found: f"**{found[1]}.** {found[2]}", source)
    block: list[str] = []
    inside = 0
    for line in [*text.splitlines(), ""]:
        # Код и свёрнутые варианты пустые строки не режут.
        inside += line.count("<details") - line.count("</details>")
        inside += (-1 if inside else 1) if line.startswith("```") else 0
        if line.strip() or inside:
            block.append(line)
        elif block:
            paragraph, block = "\n".join(block), []
            if not NAVIGATION.match(paragraph):
                yield paragraph


def cell_height(cell: NotebookNode) -> float:
    """Высота ячейки вместе с сохранённым выводом, в строках текста."""
    if cell.cell_type != "code":
        return text_height(cell.source)
    lines = CODE_LINE * (cell.source.count("\n") + 1) + 0.6
    if "from lecture_lib.widgets" in cell.source:
        return lines + LIVE_WIDGET
    return lines + sum(map(output_height, cell.get("outputs", ())))


def output_height(output: NotebookNode) -> float:
    """Высота сохранённого вывода."""
    data = output.get("data", {})
    if "image/png" in data:
        # Высота рисунка стоит в заголовке PNG, с двадцатого байта.
        (pixels,) = struct.unpack(">I", base64.b64decode(data["image/png"][:48])[20:24])
        return min(pixels / PIXELS, TALLEST_PICTURE) + 0.4
    if rows := str(data.get("text/html", "")).count("<tr"):
        return min(1.25 * rows, TALLEST_PICTURE) + 0.4
    text = output.get("text") or data.get("text/plain", "")
    return CODE_LINE * len(text.splitlines()) + 0.4


def text_height(text: str) -> float:
    """Высота текста: абзацы, заголовки, таблицы и списки, с отступами между ними."""
    shown = re.sub(r"\]\([^)]*\)", "]", text)  # адрес ссылки на экране не виден
    return sum(map(_paragraph_height, re.split(r"\n\s*\n", shown)))


def _paragraph_height(paragraph: str) -> float:
    lines = paragraph.splitlines()
    if paragraph.startswith("#"):
        return 2.2
    if paragraph.startswith("```"):
        return CODE_LINE * len(lines) + 0.6
    if paragraph.startswith("|"):
        return 1.25 * sum(-(-len(line) // int(1.2 * WIDTH)) for line in lines) + 0.6
    if paragraph.startswith("$$"):
        return 2.4
    # Строки списка и вариантов стоят каждая отдельно, строки абзаца сливаются.
    items = re.split(r"\n(?=[-*>] |\d+\. |<details)", paragraph)
    # Вариант ответа свёрнут: видно только его заголовок.
    shown = [re.sub(r"<summary>(.*?)</summary>.*", r"\1", item, flags=re.DOTALL) for item in items]
    return sum(-(-len(" ".join(item.split())) // WIDTH) for item in shown) + 0.6
