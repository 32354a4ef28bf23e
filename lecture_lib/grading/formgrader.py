"""Тетради для formgrader: он открывает сданное из папки autograded рядом с журналом.

Кода из них formgrader не исполняет. Чужие имена ячеек с баллами убраны: на незнакомом имени он
отказался бы открыть всю тетрадь.
"""

from __future__ import annotations

import json
from pathlib import Path

from lecture_lib.files import write_atomically
from lecture_lib.grading.batch import Folders
from lecture_lib.grading.gradebook import notebook_name
from lecture_lib.grading.submission import (
    Assignment,
    Unreadable,
    cell_name,
    find_submissions,
    parse,
    read_submission,
)

FOLDER = "autograded"
SQLITE = "sqlite:///"


def write_notebooks(url: str, folders: Folders, assignment: Assignment) -> Path | None:
    """Кладёт сданные тетради туда, где их ищет formgrader; None — журнал не файл."""
    if not url.startswith(SQLITE):
        return None
    folder = Path(url.removeprefix(SQLITE)).absolute().parent / FOLDER
    name = f"{notebook_name(assignment)}.ipynb"
    for student, paths in find_submissions(folders.submissions, assignment).items():
        submission = read_submission(student, paths, assignment)
        if submission.problem is None:
            target = folder / student / assignment.id / name
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target, known_cells_only(submission.content, assignment))
    return folder


def known_cells_only(content: bytes, assignment: Assignment) -> bytes:
    """Та же тетрадь, где метки nbgrader остались только у ячеек этого задания."""
    try:
        tree, _ = parse(content)
    except Unreadable:  # прочиталась только что, но файл могли заменить
        return content
    items = (*assignment.tasks, *assignment.written)
    known = {cell_name(kind, item.id) for kind in ("check", "answer") for item in items}
    for cell in tree.get("cells", []):
        metadata = cell.get("metadata") if isinstance(cell, dict) else None
        mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        if isinstance(mark, dict) and mark.get("grade_id") not in known:
            del metadata["nbgrader"]
    return json.dumps(tree, ensure_ascii=False).encode("utf-8", "replace")
