"""Что увидят люди: страница студенту, таблица в терминале и CSV.

Страница — один файл без скриптов и чужих адресов. Скрытых проверок в ней нет: только исход,
диагноз и тот наименьший пример, который показала бы проверка в тетради.
"""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Sequence
from pathlib import Path

from lecture_lib.files import write_atomically
from lecture_lib.grading.results import Record, State, Status, TaskResult

SIGNS = {
    Status.RIGHT: ("✓", "#00734F"),
    Status.WRONG: ("✗", "#A32000"),
    Status.ERROR: ("!", "#8A6D00"),
    Status.NOT_ATTEMPTED: ("○", "#5F6B75"),
    Status.CRASH: ("✹", "#7A2E8E"),
    Status.TIMEOUT: ("⧖", "#7A2E8E"),
    Status.REVIEW: ("?", "#004E7A"),
    Status.WAITING: ("✎", "#004E7A"),
    Status.MARKED: ("✔", "#00734F"),
}
EXPLAINED = {
    State.CRASH: "Во время проверки часть кода обрушила Python. Это не ноль за задание и не "
    "приговор: ниже сказано, что именно упало, остальное проверено отдельно.",
    State.TIMEOUT: "Часть кода не закончила работу вовремя. Ниже сказано, какая, остальное "
    "проверено отдельно.",
    State.REVIEW: "Сама проверка не смогла разобрать ответ: его посмотрит преподаватель.",
    State.UNREADABLE: "Файл не открывается как тетрадь: сохраните её в Jupyter и сдайте снова.",
    State.MISSING: "Тетради в папке нет.",
}
PAGE = """<!doctype html>
<html lang="ru"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 17px/1.5 Georgia, serif; color: #222; max-width: 46em; margin: 2em auto;
       padding: 0 1em; }}
h1 {{ font-size: 1.5em; }} h2 {{ font-size: 1.1em; margin: 0 0 .2em; }}
section {{ border-left: 5px solid; padding: .2em 1em; margin: 1.2em 0; }}
td {{ vertical-align: top; padding: .1em .8em .1em 0; }}
td:first-child {{ white-space: nowrap; color: #555; }}
code {{ white-space: pre-wrap; font-size: .9em; overflow-wrap: anywhere; }}
</style></head><body>
{body}
</body></html>
"""


def number(value: float) -> str:
    """Баллы по-русски: «2», «1,5»."""
    return f"{value:g}".replace(".", ",")


def feedback_page(record: Record) -> str:
    """Страница студента целиком."""
    title = f"{record.student} — задания {record.assignment}"
    score = f"{number(record.points)} из {number(record.max_points)}"
    if record.waiting_points:
        score += f"; ещё до {number(record.waiting_points)} ставит преподаватель"
    parts = [f"<h1>{html.escape(title)}</h1>", f"<p><b>{record.state}</b>, баллов {score}</p>"]
    if record.state in EXPLAINED:
        parts.append(f"<p>{EXPLAINED[record.state]}</p>")
    if record.notes:
        items = "".join(f"<li>{html.escape(note)}</li>" for note in record.notes)
        parts.append(f"<p>О тетради:</p><ul>{items}</ul>")
    if record.state not in (State.MISSING, State.UNREADABLE):
        parts += map(_section, record.tasks)
    return PAGE.format(title=html.escape(title), body="\n".join(parts))


def _section(task: TaskResult) -> str:
    sign, colour = SIGNS[task.status]
    score = f"баллов {number(task.points)} из {number(task.max_points)}"
    if task.status is Status.WAITING:
        score = f"до {number(task.max_points)} баллов"
    heading = f"{sign} {task.task} «{task.title}» — {task.status}, {score}"
    rows = "".join(
        f"<tr><td>{html.escape(label)}</td><td><code>{html.escape(text)}</code></td></tr>"
        for label, text in task.details
    )
    return (
        f'<section style="border-color:{colour}"><h2 style="color:{colour}">'
        f"{html.escape(heading)}</h2>{html.escape(task.message)}<table>{rows}</table></section>"
    )


def write_feedback(records: Sequence[Record], folder: Path) -> None:
    """Страница каждому: папка/студент.html."""
    folder.mkdir(parents=True, exist_ok=True)
    for record in records:
        page = feedback_page(record).encode("utf-8", "replace")
        write_atomically(folder / f"{record.student}.html", page)


def write_csv(records: Sequence[Record], path: Path) -> None:
    """Ведомость: строка на студента, на задание — исход и баллы; открывается и в Excel.

    Где балл ставит преподаватель, клетка пуста: впишите — и `--marks` прочтёт.
    """
    ids = [task.task for task in records[0].tasks] if records else []
    buffer = io.StringIO()
    table = csv.writer(buffer)
    pairs = [name for task in ids for name in (f"{task} исход", f"{task} баллы")]
    head = ["студент", "состояние", "баллы", "из", "ждут"]
    table.writerow([*head, *pairs, "секунд", "замечания"])
    for record in records:
        cells = [cell for task in record.tasks for cell in (str(task.status), _points_cell(task))]
        sums = (record.points, record.max_points, record.waiting_points)
        score = [str(record.state), *(f"{value:g}" for value in sums)]
        notes = harmless(" ".join(record.notes))
        table.writerow([harmless(record.student), *score, *cells, record.seconds, notes])
    write_atomically(path, buffer.getvalue().encode("utf-8-sig", "replace"))


def _points_cell(task: TaskResult) -> str:
    return "" if task.status is Status.WAITING else f"{task.points:g}"


def harmless(text: str) -> str:
    """Текст, который табличный редактор не примет за формулу, а терминал — за команду."""
    text = "".join(c if c.isprintable() else " " for c in text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def table_row(record: Record, width: int) -> str:
    """Строка таблицы в терминале: знак на каждое задание, сумма, состояние."""
    signs = " ".join(SIGNS[task.status][0] for task in record.tasks)
    score = f"{number(record.points)}/{number(record.max_points)}"
    if record.waiting_points:
        score += f" (+{number(record.waiting_points)})"
    return f"{harmless(record.student)[:width]:<{width}}  {signs}  {score:>7}  {record.state}"


def legend() -> str:
    """Что значат знаки."""
    return ", ".join(f"{sign} {status}" for status, (sign, _) in SIGNS.items())
