"""«Что не поняли»: одна страница о всей группе — доли верных, частые диагнозы, различимость.

Различимость (discrimination) — корреляция балла за задание с суммой за остальные: около нуля и
ниже значит, что задание решают не те, кто решает остальное, — скорее всего, неясно условие.
"""

from __future__ import annotations

import base64
import html
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lecture_lib.files import write_atomically
from lecture_lib.grading.feedback import PAGE
from lecture_lib.grading.results import Record, State, Status

GRADED = (State.GRADED, State.CRASH, State.TIMEOUT, State.REVIEW)


@dataclass(frozen=True)
class TaskSummary:
    """Одно задание у всей группы.

    right — доля верных, а у письменного — средняя доля балла; None — оценок ещё нет.
    waiting — сколько ответов ждут преподавателя; discrimination — None, если считать не по чему.
    """

    task: str
    title: str
    right: float | None
    attempted: float
    diagnosis: str
    diagnosed: int
    discrimination: float | None
    waiting: int = 0


def summarise(records: Sequence[Record]) -> list[TaskSummary]:
    """Записи группы -> сводка по заданиям; несданные и нечитаемые работы не в счёт."""
    done = [record for record in records if record.state in GRADED]
    if not done:
        return []
    points = np.array([[task.points for task in record.tasks] for record in done], dtype=float)
    waits = [any(r.tasks[column].status is Status.WAITING for r in done)
             for column in range(points.shape[1])]  # fmt: skip
    points[:, waits] = np.nan  # чего человек не оценил, то не ноль и в сумму не входит
    return [_summary(done, points, column) for column in range(points.shape[1])]


def _summary(done: Sequence[Record], points: np.ndarray, column: int) -> TaskSummary:
    tasks = [record.tasks[column] for record in done]
    said = Counter(t.message for t in tasks if t.status is Status.WRONG and t.message)
    diagnosis, count = next(iter(said.most_common(1)), ("", 0))
    known = [t.points / t.max_points for t in tasks if t.status is not Status.WAITING]
    waiting = len(tasks) - len(known)
    rest = np.nansum(np.delete(points, column, 1), axis=1)
    return TaskSummary(
        task=tasks[0].task,
        title=tasks[0].title,
        right=None if waiting else float(np.mean(known)),
        attempted=sum(t.status is not Status.NOT_ATTEMPTED for t in tasks) / len(tasks),
        diagnosis=diagnosis,
        diagnosed=count,
        discrimination=None if waiting else _correlation(points[:, column], rest),
        waiting=waiting,
    )


def _correlation(own: np.ndarray, rest: np.ndarray) -> float | None:
    if len(own) < 3 or own.std() == 0 or rest.std() == 0:
        return None
    return float(np.corrcoef(own, rest)[0, 1])


def draw(summaries: Sequence[TaskSummary]) -> bytes:
    """PNG: у каждого задания — доля верных и доля взявшихся."""
    from lecture_lib.plots.picture import BLUE, GREY, Picture

    alt = "Доля верных и доля взявшихся по заданиям"
    picture = Picture(alt, height=1.2 + 0.45 * len(summaries))
    axes = picture.subplots()
    places = range(len(summaries))
    axes.barh(places, [100 * s.attempted for s in summaries], color=GREY, label="взялись")
    rights = [100 * (s.right or 0) for s in summaries]
    axes.barh(places, rights, height=0.45, color=BLUE, label="решили")
    axes.set_yticks(places, [s.task for s in summaries])
    axes.set_xlim(0, 100)
    axes.invert_yaxis()
    axes.set_xlabel("% сданных работ")
    picture.legend(loc="outside upper right", ncols=2)
    return picture.png()


def write_class_report(records: Sequence[Record], path: Path) -> list[TaskSummary]:
    """Пишет страницу и возвращает то, что в ней сказано; без работ страницы нет."""
    summaries = summarise(records)
    if summaries:
        title = f"Что не поняли: задания {records[0].assignment}"
        image = base64.b64encode(draw(summaries)).decode()
        counts = Counter(str(record.state) for record in records)
        states = ", ".join(f"{name} — {count}" for name, count in counts.most_common())
        parts = [
            f"<h1>{html.escape(title)}</h1><p>Работ {len(records)}: {states}.</p>",
            f'<img alt="Доли верных по заданиям" style="max-width:100%" '
            f'src="data:image/png;base64,{image}">',
            *map(_paragraph, sorted(summaries, key=lambda s: 2 if s.right is None else s.right)),
        ]
        page = PAGE.format(title=html.escape(title), body="\n".join(parts))
        write_atomically(path, page.encode())
    return summaries


def _paragraph(summary: TaskSummary) -> str:
    lines = [f"взялись {100 * summary.attempted:.0f} %"]
    if summary.right is None:
        lines[0] += f"; {Status.WAITING}, ответов без оценки — {summary.waiting}"
    else:
        lines[0] = f"решили {100 * summary.right:.0f} %, {lines[0]}"
    if summary.discrimination is not None:
        value = f"{summary.discrimination:.2f}".replace(".", ",").replace("-", "−")
        lines.append(f"различимость {value}")
    if summary.diagnosis:
        lines.append(f"чаще всего ({summary.diagnosed}): {summary.diagnosis}")
    text = "<br>".join(map(html.escape, lines))
    heading = html.escape(f"{summary.task} «{summary.title}»")
    return f'<section style="border-color:#C8CCD0"><h2>{heading}</h2>{text}</section>'
