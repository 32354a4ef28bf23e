"""Пакетная проверка: продолжение после kill, отпечатки, ведомость, страницы, команда."""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from toy_assignment import HONEST, SECRET, TASKS, ZERO, make_assignment, write_notebook

from lecture_lib.cli import grade as grade_command
from lecture_lib.grading import sandbox
from lecture_lib.grading.batch import Folders, grade_all
from lecture_lib.grading.class_report import summarise, write_class_report
from lecture_lib.grading.feedback import feedback_page, harmless, table_row, write_csv
from lecture_lib.grading.judge import Court, decode
from lecture_lib.grading.results import (
    Record,
    State,
    Status,
    TaskResult,
    load_record,
    overall_state,
    save_record,
)
from lecture_lib.grading.sandbox import Isolation, Limits, find_isolation, wrapped
from lecture_lib.grading.submission import find_assignment

SCRIPT = """
import sys
sys.path[:0] = [{tests!r}, {root!r}]
from pathlib import Path
from toy_assignment import make_assignment
from lecture_lib.grading.batch import Folders, grade_all
from lecture_lib.grading.judge import Court
from lecture_lib.grading.sandbox import find_isolation
base = Path({base!r})
folders = Folders(base / "work", base / "grades")
grade_all(folders, make_assignment(base), Court(find_isolation()), 1)
"""


def result(number: int, status: Status, message: str = "") -> TaskResult:
    points = 2 if status is Status.RIGHT else 0
    return TaskResult(f"77.{number}", f"Задание {number}", status, points, 2, message)


def record(student: str, *statuses: Status, state: State | None = None) -> Record:
    tasks = tuple(result(n + 1, s, f"{s}!") for n, s in enumerate(statuses))
    return Record(student, "77", state or overall_state(tasks), tasks)


RIGHT, WRONG = Status.RIGHT, Status.WRONG
GROUP = [
    record("анна", RIGHT, RIGHT),
    record("ноль", WRONG, WRONG),
    record("крах", Status.CRASH, WRONG),
    record("долго", Status.TIMEOUT, WRONG),
    record("нет", Status.NOT_ATTEMPTED, Status.NOT_ATTEMPTED, state=State.MISSING),
]


def test_killed_run_resumes(tmp_path, root):
    """kill -9 посреди проверки: готовое цело и не проверяется снова, остальное доделывается."""
    work = tmp_path / "work"
    for student in "абв":
        write_notebook(work / student / "77_игрушки.ipynb", HONEST)
    slow = {"wait": "import time\ntime.sleep(600)", **HONEST}
    write_notebook(work / "б" / "77_игрушки.ipynb", slow)
    code = SCRIPT.format(tests=str(root / "tests"), root=str(root), base=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    first = tmp_path / "grades" / "records" / "а.json"
    until = time.monotonic() + 600  # на занятой машине один импорт torch идёт минутами
    while not first.exists() and time.monotonic() < until:
        assert process.poll() is None, "проверка закончилась, не записав ничего"
        time.sleep(0.05)
    time.sleep(0.3)
    inside = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    if find_isolation().bubblewrap:  # песочница умирает вместе с проверкой
        assert psutil.wait_procs(inside, timeout=30)[1] == []
    before = first.stat().st_mtime_ns, first.read_bytes()
    assert sorted(p.name for p in first.parent.glob("*.json")) == ["а.json"]

    write_notebook(work / "б" / "77_игрушки.ipynb", HONEST)
    seen = []
    folders = Folders(work, tmp_path / "grades")
    assignment, court = make_assignment(tmp_path), Court(find_isolation())
    records = grade_all(
        folders, assignment, court, 2, False, lambda r, fresh: seen.append((r.student, fresh))
    )
    assert sorted(seen) == [("а", False), ("б", True), ("в", True)]
    assert (first.stat().st_mtime_ns, first.read_bytes()) == before
    assert [(r.student, r.points) for r in records] == [("а", 6), ("б", 6), ("в", 6)]

    write_notebook(work / "а" / "77_игрушки.ipynb", ZERO)  # сдал другое — проверяется заново
    records = grade_all(folders, assignment, court, 2)
    assert [(r.student, r.points) for r in records] == [("а", 0), ("б", 6), ("в", 6)]


def test_record_round_trip(tmp_path):
    """Запись читается обратно целиком; оборванная и чужая — как никакая."""
    path = tmp_path / "а.json"
    save_record(GROUP[2], path)
    assert load_record(path) == GROUP[2]
    for damaged in (path.read_bytes()[:-20], b"{}", b"[]", b"\xff"):
        path.write_bytes(damaged)
        assert load_record(path) is None
    assert load_record(tmp_path / "нет.json") is None


def test_crash_timeout_and_zero_differ_everywhere(tmp_path):
    """Крах, тайм-аут и ноль — три разных слова в таблице, в ведомости, на странице."""
    zero, crash, timeout = GROUP[1:4]
    assert len({str(r.state) for r in (zero, crash, timeout)}) == 3
    for word, one in (("проверено", zero), ("крах", crash), ("тайм-аут", timeout)):
        assert table_row(one, 10).endswith(word)
        assert f"<b>{word}</b>" in feedback_page(one)
    write_csv(GROUP, tmp_path / "grades.csv")
    rows = list(csv.DictReader((tmp_path / "grades.csv").open(encoding="utf-8-sig")))
    assert [r["состояние"] for r in rows[1:]] == ["проверено", "крах", "тайм-аут", "не сдано"]
    assert [r["77.1 исход"] for r in rows[1:4]] == ["неверно", "крах", "тайм-аут"]
    assert [r["баллы"] for r in rows] == ["4", "0", "0", "0", "0"]


def test_feedback_page_is_safe(tmp_path):
    """Страница экранирует чужой текст и ни к кому не обращается."""
    bad = "<script>alert(1)</script>"
    task = replace(result(1, WRONG, bad), details=(("вход", bad),))
    page = feedback_page(Record(bad, "77", State.GRADED, (task,), (bad,)))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 4
    assert not re.search(r"(src|href)=|https?:|@import|url\(", page)
    assert str(SECRET) not in page


def test_csv_has_no_formulas(tmp_path):
    """Имя студента не станет формулой, управляющие знаки не дойдут до терминала."""
    assert harmless("=1+1") == "'=1+1"
    assert "\x1b" not in table_row(record("\x1b[31mанна", RIGHT), 20)


def test_class_report(tmp_path):
    """Доли — по сданным; самый частый диагноз; различимость — корреляция с остальным."""
    first, second = summarise(GROUP)
    assert (first.right, first.attempted) == (0.25, 1.0)
    assert (second.diagnosis, second.diagnosed) == ("неверно!", 3)
    assert first.discrimination == pytest.approx(1.0)
    assert summarise([GROUP[4]]) == []
    write_class_report(GROUP, tmp_path / "class.html")
    page = (tmp_path / "class.html").read_text(encoding="utf-8")
    assert "решили 25 %" in page and "data:image/png;base64," in page
    assert not re.search(r"https?:|<script", page)


@pytest.mark.parametrize(
    "tree",
    [
        {"__array__": "AAAA", "dtype": "|O", "shape": [1]},
        {"__array__": "AAAA", "dtype": "f4,f4", "shape": [1]},
        {"__array__": "AAAAAA==", "dtype": "<f4", "shape": [10**12]},
        {"__array__": "AAAAAA==", "dtype": "<f4", "shape": [-1]},
        {"__array__": "AAAAAA==", "dtype": "<f4", "shape": "1"},
        {"__array__": 7, "dtype": "<f4", "shape": [1]},
    ],
)
def test_judge_rejects_forged_arrays(tree):
    """Подделанный массив — ошибка, а не память судьи и не pickle."""
    with pytest.raises((ValueError, TypeError)):
        decode([tree])


def test_judge_decodes_honest_values():
    """Честные значения доходят как есть; служебные слова внутри словаря ничего не оживляют."""
    array = {"__array__": "AACAPwAAAEA=", "dtype": "<f4", "shape": [2]}
    value = decode({"числа": array, "имя": "я", "__given__": "replacer"})
    np.testing.assert_array_equal(value["числа"], np.array([1, 2], np.float32))
    assert value.keys() == {"числа", "имя"}


def test_sandbox_command():
    """Команда bubblewrap: без сети, с пустым окружением, проверки закрыты, под чужим номером."""
    words = wrapped(["python"], Isolation("/usr/bin/bwrap", "/usr/bin/setpriv"))
    assert {"--unshare-net", "--unshare-pid", "--clearenv", "--die-with-parent"} <= set(words)
    assert words[words.index(str(sandbox.HERE)) - 1] == "--tmpfs"
    opened = [Path(w).name for w in words if w.startswith(f"{sandbox.HERE}{os.sep}")]
    assert set(opened) == set(sandbox.OPEN_FILES)
    assert not [name for name in opened if name.startswith(("lesson", "cases", "bank"))]
    uid = int(words[words.index("--reuid") + 1])
    assert uid in sandbox.STUDENT_UIDS
    ordinary = wrapped(["python"], Isolation("/usr/bin/bwrap"))
    assert "--unshare-user" in ordinary and "--reuid" not in ordinary


def test_without_bubblewrap(tmp_path, monkeypatch):
    """Нет bubblewrap — сказано, чем слабее; проверка идёт; --require-sandbox отказывается."""
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    weak = sandbox.find_isolation.__wrapped__()
    assert not weak.bubblewrap
    assert all(word in weak.warning for word in ("нет bubblewrap", "решения", "сеть"))
    monkeypatch.setattr(sandbox, "find_isolation", lambda: weak)
    options = argparse.Namespace(require_sandbox=True, cell_seconds=5)
    folders = Folders(tmp_path / "work", tmp_path / "grades")
    with pytest.raises(ValueError, match="require-sandbox"):
        grade_command.make_court(options, folders)
    options.require_sandbox = False
    monkeypatch.setattr(sandbox, "find_isolation", lambda: replace(weak, as_root=True))
    with pytest.raises(ValueError, match="Под root без песочницы"):
        grade_command.make_court(options, folders)

    work = tmp_path / "work"
    write_notebook(work / "честно" / "77_игрушки.ipynb", HONEST)
    crash = {"bad": "import os\nos._exit(1)", **ZERO}
    write_notebook(work / "крах" / "77_игрушки.ipynb", crash)
    limits = Limits(cell_seconds=10, call_seconds=10)
    records = grade_all(folders, make_assignment(tmp_path), Court(weak, limits), 2)
    found = {r.student: (r.state, r.points) for r in records}
    assert found == {"честно": (State.GRADED, 6), "крах": (State.CRASH, 0)}


def test_unknown_assignment_and_folder(tmp_path):
    """Ошибки входа — по-русски, с именем аргумента."""
    with pytest.raises(ValueError, match="assignment = '99'"):
        find_assignment("99")
    court = Court(Isolation())
    with pytest.raises(ValueError, match="submissions = "):
        grade_all(Folders(tmp_path / "нет", tmp_path), make_assignment(tmp_path), court)


def test_command_end_to_end(tmp_path, monkeypatch, capsys):
    """lecture grade: таблица, ведомость, страницы, --json; второй раз всё готово."""
    from lecture_lib.cli import main
    from lecture_lib.grading import submission

    work = tmp_path / "work"
    write_notebook(work / "честно" / "77_игрушки.ipynb", HONEST)
    (work / "пусто").mkdir()
    toy = make_assignment(tmp_path)
    monkeypatch.setattr(submission, "find_assignment", lambda number: toy)
    command = ["grade", str(work), "--assignment", "77"]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "честно" in shown and "6/6" in shown and "не сдано" in shown
    out = tmp_path / "grades" / "77"
    names = ("grades.csv", "class.html", "feedback/честно.html", "feedback/пусто.html")
    assert [name for name in names if not (out / name).is_file()] == []

    assert main([*command, "--json"]) == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert captured.err.count("готова раньше") == 2
    assert [r["points"] for r in report["submissions"]] == [0, 6]
    assert [t["task"] for t in report["tasks"]] == [task.id for task in TASKS]


def test_gradebook(tmp_path):
    """Журнал nbgrader: баллы, слова, ручная оценка переживает повтор, ничего не удваивается."""
    pytest.importorskip("nbgrader", reason="nbgrader ставится отдельно: lecture-lib[grade]")
    from nbgrader.api import Gradebook

    from lecture_lib.grading.gradebook import write_gradebook

    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    toy = make_assignment(tmp_path)
    toy = replace(toy, tasks=toy.tasks[:2])
    write_gradebook(url, toy, GROUP)
    where = (Path(toy.notebook).stem, "77")
    with Gradebook(url) as gradebook:
        assert {s.id for s in gradebook.students} == {"анна", "ноль", "крах", "долго"}
        crash = gradebook.find_grade("check-77-1", *where, "крах")
        zero = gradebook.find_grade("check-77-1", *where, "ноль")
        assert (crash.score, crash.needs_manual_grade) == (0, True)
        assert (zero.score, zero.needs_manual_grade) == (0, False)
        words = [
            gradebook.find_comment("answer-77-1", *where, s).comment for s in ("крах", "долго")
        ]
        assert [word.partition(":")[0] for word in words] == ["крах", "тайм-аут"]
        crash.manual_score = 1.5
        gradebook.db.commit()
    write_gradebook(url, toy, GROUP)
    with Gradebook(url) as gradebook:
        crash = gradebook.find_grade("check-77-1", *where, "крах")
        assert (crash.score, crash.needs_manual_grade) == (1.5, False)
        submissions = gradebook.assignment_submissions("77")
        assert len(submissions) == 4
        assert {s.student.id: s.score for s in submissions}["анна"] == 4
        assert all(s.max_score == 4 for s in submissions)
