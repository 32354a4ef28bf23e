"""Основа рисуемых виджетов: anywidget без CDN и без сборки, код приходит на страницу один раз.

anywidget шлёт свой _esm с каждым виджетом, поэтому там лежит только загрузчик — static/loader.js.
Остальное — один на ядро виджет Sources: все модули и стили в одном сжатом архиве. Виджеты на него
ссылаются, и страница разворачивает его один раз.

Новый виджет — это модуль static/имя.js с функцией render({model, el, signal}), наследник
DrawnView с module = "имя" и полями состояния и наследник DrawnWidget с двойником.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import ipywidgets
import traitlets
from anywidget import AnyWidget
from ipywidgets.widgets.widget import _remove_buffers

from lecture_lib.widgets.live import LiveWidget

STATIC = Path(__file__).with_name("static")
LOADER = "loader.js"
IMPORTED = re.compile(r'from "\./(\w+)\.js"')


@cache
def archive() -> bytes:
    """Все модули и стили виджетов: JSON в gzip; модули — в порядке, в каком их загружать."""
    texts = {
        path.stem: path.read_text(encoding="utf-8")
        for path in sorted(STATIC.glob("*.js"))
        if path.name != LOADER
    }
    needs = {name: IMPORTED.findall(text) for name, text in texts.items()}
    files = {name: texts[name] for name in TopologicalSorter(needs).static_order()}
    styles = "\n".join(path.read_text(encoding="utf-8") for path in sorted(STATIC.glob("*.css")))
    content = json.dumps({"modules": files, "styles": styles}, ensure_ascii=False)
    return gzip.compress(content.encode(), mtime=0)


class Sources(ipywidgets.Widget):
    """Модули и стили всех виджетов; digest отличает версию курса от другой на той же странице."""

    archive = traitlets.Bytes().tag(sync=True)
    digest = traitlets.Unicode().tag(sync=True)


_shared: list[Sources] = []


def shared_sources() -> Sources:
    """Один Sources на ядро; если его закрыли (Widget.close_all), — новый."""
    if not _shared or _shared[0].comm is None:
        content = archive()
        _shared[:] = [Sources(archive=content, digest=hashlib.sha256(content).hexdigest()[:16])]
    return _shared[0]


class DrawnView(AnyWidget):
    """Рисуемый вид: наследник называет свой модуль из static/ и заводит поля состояния."""

    _esm = (STATIC / LOADER).read_text(encoding="utf-8")
    module = traitlets.Unicode().tag(sync=True)
    sources = traitlets.Instance(Sources).tag(sync=True, **ipywidgets.widget_serialization)

    def __init__(self, **state: Any) -> None:
        super().__init__(sources=shared_sources(), **state)

    def open(self) -> None:
        """Связывает вид со страницей; закрытый — заново, с тем же состоянием."""
        if self.comm is None:
            vars(self).pop("_repr_mimebundle_", None)  # close() прячет показ, open() возвращает
            self.sources = shared_sources()
            self.layout.open()
        super().open()

    def close(self) -> None:
        """Закрывает вид вместе с его layout: иначе тот остался бы жить в ядре и на странице."""
        super().close()
        self.layout.close()

    def wire_bytes(self) -> int:
        """Сколько байтов уходит на страницу при показе, без общего архива."""
        state, _, buffers = _remove_buffers(self.get_state())
        text = json.dumps(state, ensure_ascii=False)
        return len(text.encode()) + sum(memoryview(buffer).nbytes for buffer in buffers)


class DrawnWidget(LiveWidget):
    """Виджет с рисуемым видом: ячейку исполнили снова — прежний её вид закрывается."""

    view: DrawnView

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        self.view.open()
        _remember(self.view)
        live, metadata = self.view._repr_mimebundle_(**options)  # метаданные нужны Colab
        return self._with_twin(live), metadata


def view_field(name: str, check: Callable[[Any, str, Any], None] | None = None) -> property:
    """Поле вида как свойство виджета; check(виджет, имя, значение) — ValueError, если не годится.

    Проверка — до записи: негодное значение ничего не меняет.
    """

    def write(widget: DrawnWidget, value: Any) -> None:
        if check is not None:
            check(widget, name, value)
        setattr(widget.view, name, value)

    return property(lambda widget: getattr(widget.view, name), write)


_on_screen: dict[str, tuple[str, list[DrawnView]]] = {}


def _remember(view: DrawnView) -> None:
    """Запоминает, в какой ячейке вид показан, и закрывает показанные прежним её исполнением.

    Их вывод страница уже стёрла, а без этого каждое исполнение оставляло бы по виду навсегда.
    Закрытый вид можно показать снова: он откроется.
    """
    cell, execution = current_cell()
    if not cell:
        return
    previous, views = _on_screen.get(cell, ("", []))
    if previous != execution:
        for old in (old for old in views if old is not view):
            old.close()
        views = []
    _on_screen[cell] = (execution, [*views, view])


def current_cell() -> tuple[str, str]:
    """Ячейка, которая исполняется, и номер исполнения; пусто — спросить не у кого.

    Ячейку называют Лаборатория и Notebook 7; VS Code и Colab молчат.
    """
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    parent = kernel.get_parent() if kernel else {}
    cell = parent.get("metadata", {}).get("cellId", "")
    return cell, parent.get("header", {}).get("msg_id", "")
