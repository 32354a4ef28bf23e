"""Урок одной страницей HTML: открывается без сети, без ядра и без JavaScript.

Страница nbconvert просит у чужих серверов MathJax, require.js и mermaid: без сети формулы остались
бы долларами. Здесь формулы становятся MathML, который браузер рисует сам, рисунки лежат внутри
страницы, а вместо виджетов показаны их двойники, сохранённые в тетради.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from lecture_lib.files import write_atomically

if TYPE_CHECKING:
    from nbconvert.exporters import HTMLExporter
    from nbformat import NotebookNode

# Всё, чем страница nbconvert ходит в сеть, из неё вынуто.
TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{#- Подпись рисунка — слова, которые он сказал о себе сам. -#}
{%- block data_png scoped -%}
<div class="jp-RenderedImage jp-OutputArea-output">
<img src="data:image/png;base64,{{ output.data['image/png'] | escape_html }}"
 alt="{{ output.data.get('text/plain', 'рисунок') | escape_html }}">
</div>
{%- endblock -%}
{%- block extra_css -%}
<style>
main { max-width: 62rem; margin: 0 auto; }
img { max-width: 100%; height: auto; }
math[display="block"] { margin: 0.6em 0; font-size: 115%; }
</style>
{%- endblock -%}
"""


def export_lesson(notebook: str | Path, folder: str | Path) -> Path:
    """Пишет урок страницей в папку и возвращает её путь: lessons/01_mlm.ipynb → 01_mlm.html.

    Выводы берутся сохранённые, тетрадь не исполняется. ValueError — тетрадь не читается.
    """
    import nbformat

    path, folder = Path(notebook), Path(folder)
    try:
        lesson = nbformat.read(path, as_version=4)
    except (OSError, ValueError) as error:
        raise ValueError(f"notebook = {str(path)!r}: тетрадь не читается ({error}).") from None
    resources = {"metadata": {"name": title_of(lesson, path.stem), "path": str(path.parent)}}
    page, _ = make_exporter().from_notebook_node(lesson, resources)
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / f"{path.stem}.html"
    write_atomically(written, link_pages(page).encode())
    return written


def find_lesson(lessons: Path, number: str) -> Path:
    """Тетрадь урока по номеру: «01» → lessons/01_mlm.ipynb. ValueError — такого урока нет."""
    found = sorted(lessons.glob(f"{number}_*.ipynb")) if re.fullmatch(r"\d\d", number) else []
    if not found:
        known = ", ".join(path.name[:2] for path in sorted(lessons.glob("[0-9][0-9]_*.ipynb")))
        raise ValueError(f"урок {number!r} не найден; есть {known}.")
    return found[0]


def title_of(lesson: NotebookNode, default: str) -> str:
    """Заголовок урока — первая строка «# …»."""
    for cell in lesson.cells:
        if cell.cell_type == "markdown" and (found := re.match(r"# (.+)", cell.source)):
            return found[1].strip()
    return default


def link_pages(page: str) -> str:
    """Ссылки на соседние уроки ведут на их страницы, а не на тетради."""
    return re.sub(r'href="([\w-]+)\.ipynb((?:#[^"]*)?)"', r'href="\1.html\2"', page)


def make_exporter() -> HTMLExporter:
    """Экспортёр nbconvert без обращений в сеть и с формулами MathML."""
    from jinja2 import DictLoader
    from nbconvert.exporters import HTMLExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        def block_math(self, body: str) -> str:
            return to_mathml(body, "block")

        def inline_math(self, body: str) -> str:
            return to_mathml(body, "inline")

    def markdown(source: str) -> str:
        renderer = Renderer(escape=False, embed_images=True, exclude_anchor_links=True)
        return MarkdownWithMath(renderer=renderer).render(source)

    exporter = HTMLExporter(
        template_file="lecture.html.j2",
        extra_loaders=[DictLoader({"lecture.html.j2": TEMPLATE})],
        filters={"markdown2html": markdown},
        embed_images=True,
        language_code="ru",
    )
    return exporter


def to_mathml(formula: str, display: str) -> str:
    """Формула LaTeX в MathML; display — «inline» или «block»."""
    from latex2mathml.converter import convert

    return convert(formula, display=display)
