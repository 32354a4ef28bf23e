"""Исполнение тетрадей: сверху вниз, с чистыми выводами и без следов машины.

Урок, который исполнили руками, хранит лишнее: виджеты, которых без ядра нет, время ячеек, пути.
Здесь тетрадь исполняется в новом ядре и сохраняется такой, какой её сравнивает nbval.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lecture_lib.files import write_atomically
from lecture_lib.slides import MARKS, mark_slides, read_plan

if TYPE_CHECKING:
    from nbformat import NotebookNode

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_TIMEOUT = 300  # секунд


@dataclass(frozen=True)
class Execution:
    """Итог исполнения: файл, секунды, размер и доля ячеек, выводы которых сравнит nbval."""

    path: Path
    seconds: float
    size: int
    compared: float


def execute_notebook(path: str | Path) -> Execution:
    """Исполняет тетрадь в новом ядре и сохраняет на место; при ошибке файл не меняется.

    ValueError — тетради нет, она не читается или в ячейке случилась ошибка.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    path = Path(path)
    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, ValueError) as error:
        raise ValueError(f"path = {str(path)!r}: тетрадь не читается ({error}).") from None
    if path.resolve().parent.name == "lessons":
        mark_slides(notebook, read_plan(path))
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.resolve().parent)}},
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
    )
    start = time.perf_counter()
    try:
        client.execute()
    except CellExecutionError as error:
        raise ValueError(f"{path.name}: ошибка в ячейке.\n{error}") from None
    seconds = time.perf_counter() - start
    clean_notebook(notebook, path.resolve().parent.parent)
    nbformat.validate(notebook)
    write_atomically(path, (nbformat.writes(notebook) + "\n").encode("utf-8"))
    return Execution(path, seconds, path.stat().st_size, compared_share(notebook))


def clean_notebook(notebook: NotebookNode, root: Path) -> None:
    """Убирает виджеты без картинки-двойника, служебные пометы и пути к папке курса."""
    for cell in notebook.cells:
        cell.metadata = {
            k: v for k, v in cell.metadata.items() if k in ("tags", "jupyter", "nbgrader", *MARKS)
        }
        if cell.cell_type == "code":
            cell.outputs = [_clean_output(output, root) for output in cell.outputs]
    notebook.metadata.clear()
    notebook.metadata.update(METADATA)


def _clean_output(output: NotebookNode, root: Path) -> NotebookNode:
    output.get("data", {}).pop(WIDGET_VIEW, None)
    if "metadata" in output:
        output["metadata"] = {}
    text = json.dumps(output, ensure_ascii=False).replace(str(root), "…")
    return type(output)(json.loads(text))


def compared_share(notebook: NotebookNode) -> float:
    """Доля ячеек с кодом, выводы которых сравниваются (у которых нет тега nbval-…)."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    free = sum(any(t.startswith("nbval") for t in c.metadata.get("tags", ())) for c in code)
    return 1 - free / len(code) if code else 1.0
