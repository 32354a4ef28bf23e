"""``lecture grade``: проверить папку работ — в песочнице, с продолжением с места."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from lecture_lib.cli.arguments import whole_number
from lecture_lib.cli.output import add_json, print_json

SUMMARY = "проверить папку сданных работ"
WIDTH = 28


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    parser.add_argument("submissions", type=Path, metavar="ПАПКА", help="папка на студента")
    parser.add_argument("--assignment", required=True, metavar="УРОК", help="номер: 02")
    parser.add_argument(
        "--out", type=Path, metavar="ПАПКА", help="куда итоги (обычно — grades/УРОК рядом)"
    )
    parser.add_argument(
        "--jobs", type=whole_number(1, 64), default=2, metavar="N", help="сколько сразу (обычно 2)"
    )
    parser.add_argument(
        "--cell-seconds",
        type=whole_number(1),
        default=60,
        metavar="С",
        help="сколько ждать одну ячейку (обычно 60)",
    )
    parser.add_argument(
        "--require-sandbox", action="store_true", help="без полной песочницы не проверять"
    )
    parser.add_argument("--again", action="store_true", help="проверить заново и готовые")
    parser.add_argument(
        "--gradebook",
        metavar="АДРЕС",
        help="записать в журнал nbgrader и взять оттуда ручные оценки: sqlite:///gradebook.db",
    )
    parser.add_argument(
        "--marks",
        type=Path,
        metavar="ФАЙЛ",
        help="копия grades.csv, где вписаны баллы за письменные задания",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Проверяет и печатает таблицу; итоги лежат в папке --out."""
    from lecture_lib.grading.batch import Folders, grade_all
    from lecture_lib.grading.submission import find_assignment

    assignment = find_assignment(options.assignment)
    source = options.submissions.resolve()
    out = options.out or source.parent / "grades" / assignment.id
    folders = Folders(source, out.resolve())
    court = make_court(options, folders)
    shown = sys.stderr if options.json else sys.stdout
    records = grade_all(
        folders,
        assignment,
        court,
        options.jobs,
        options.again,
        lambda record, fresh: print(progress_line(record, fresh), file=shown, flush=True),
    )
    records = marked(options, folders, assignment, records)
    summaries = write_everything(records, folders.results)
    if options.json:
        print_json(as_report(records, summaries))
    else:
        print_closing(records, out)


def make_court(options: argparse.Namespace, folders):
    """Песочница и пределы; о слабой предупреждает.

    ValueError — полной нет, а её требуют, или чужой код пришлось бы исполнять под root.
    """
    from lecture_lib.grading.judge import Court
    from lecture_lib.grading.sandbox import Limits, find_isolation
    from lecture_lib.lab import find_course_root

    isolation = find_isolation()
    if isolation.warning:
        if options.require_sandbox:
            raise ValueError(f"--require-sandbox: {isolation.warning}")
        if isolation.as_root:
            raise ValueError(f"Под root без песочницы чужое не исполняю. {isolation.warning}")
        print(f"lecture grade: {isolation.warning}", file=sys.stderr)
    hidden = [folders.submissions, folders.results]
    try:
        hidden += [find_course_root() / name for name in ("solutions", "tests", ".git")]
    except (ValueError, OSError):  # курс поставлен без папки с тетрадями: прятать нечего
        pass
    limits = replace(Limits(), cell_seconds=float(options.cell_seconds))
    return Court(isolation, limits, tuple(hidden))


def marked(options: argparse.Namespace, folders, assignment, records):
    """Записи с оценками человека: из журнала, куда сперва пишутся наши итоги, и из ведомости."""
    from lecture_lib.grading.marks import read_marks_file, with_marks

    marks = {}
    if options.gradebook:
        from lecture_lib.grading.formgrader import write_notebooks
        from lecture_lib.grading.gradebook import read_marks, write_gradebook

        write_gradebook(options.gradebook, assignment, records)
        write_notebooks(options.gradebook, folders, assignment)
        marks |= read_marks(options.gradebook, assignment)
    if options.marks:
        marks |= read_marks_file(options.marks, assignment)
    return with_marks(records, marks)


def write_everything(records, results: Path):
    """Ведомость, страницы студентам и страница группы; возвращает сводку по заданиям."""
    from lecture_lib.grading.class_report import write_class_report
    from lecture_lib.grading.feedback import write_csv, write_feedback

    write_csv(records, results / "grades.csv")
    write_feedback(records, results / "feedback")
    return write_class_report(records, results / "class.html")


def progress_line(record, fresh: bool) -> str:
    """Строка о готовой работе."""
    from lecture_lib.grading.feedback import table_row

    return table_row(record, WIDTH) + ("" if fresh else "  (готова раньше)")


def print_closing(records, out: Path) -> None:
    """Последние строки: что значат знаки, сколько чего и где итоги."""
    from collections import Counter

    from lecture_lib.grading.feedback import legend

    counts = Counter(str(record.state) for record in records)
    print("", legend(), sep="\n")
    print(f"Работ {len(records)}: " + ", ".join(f"{k} — {n}" for k, n in counts.most_common()))
    print(f"Итоги: {out} — grades.csv, class.html, feedback/")


def as_report(records, summaries) -> dict:
    """Объект для --json."""
    from dataclasses import asdict

    rows = [
        {**asdict(record), "points": record.points, "max_points": record.max_points}
        for record in records
    ]
    return {"submissions": rows, "tasks": [asdict(summary) for summary in summaries]}
