"""Письменные задания: ждут преподавателя, а не получают ноль, и оценка нигде не теряется."""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import replace

import pytest
from toy_assignment import HONEST, make_assignment, notebook

from lecture_lib.cli import grade as grade_command
from lecture_lib.grading import batch
from lecture_lib.grading.batch import Folders, grade_all, written_result
from lecture_lib.grading.class_report import summarise, write_class_report
from lecture_lib.grading.feedback import feedback_page, table_row, write_csv
from lecture_lib.grading.formgrader import write_notebooks
from lecture_lib.grading.judge import Court, Hearing
from lecture_lib.grading.marks import Mark, read_marks_file, with_marks
from lecture_lib.grading.results import (
    Record,
    State,
    Status,
    TaskResult,
    load_record,
    save_record,
)
from lecture_lib.grading.sandbox import Isolation
from lecture_lib.grading.submission import (
    EXPERIMENT,
    Assignment,
    code_cells,
    read_submission,
    written_answers,
)
from lecture_lib.grading.written import Criterion, Written

REPORT = Written(
    "77.4",
    "Вывод",
    20,
    2,
    (Criterion(2, "Ответ — с интервалом."), Criterion(1, "Границы."), Criterion(-1.5, "Подбор.")),
)
STUB = "**Ответ.**\n\n*ваш ответ*"
ESSAY = "**Ответ.**\n\nСтало лучше на 0,1 бита, интервал ноля не накрывает."


def written_cell(text: str) -> dict:
    """Ячейка письменного ответа, как в тетрадях курса."""
    mark = {"grade": True, "grade_id": "answer-77-4", "locked": False, "points": 3,
            "schema_version": 3, "solution": True, "task": False}  # fmt: skip
    return {"id": "essay", "cell_type": "markdown", "source": text, "metadata": {"nbgrader": mark}}


def with_essay(path, *texts: str):
    """Игрушечная тетрадь, в конце которой — письменные ответы."""
    tree = notebook(HONEST)
    tree["cells"] += [written_cell(text) for text in texts]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def assignment(tmp_path) -> Assignment:
    """Игрушечные задания и письменное; в выданной тетради — заготовка ответа."""
    toy = make_assignment(tmp_path)
    with_essay(toy.released, STUB)
    return replace(toy, written=(REPORT,))


def result(number: int, status: Status, points: float = 0.0) -> TaskResult:
    return TaskResult(f"77.{number}", f"Задание {number}", status, points, 2)


def record(student: str, essay: str | None) -> Record:
    """Запись: три верных задания и письменный ответ."""
    right = [result(number, Status.RIGHT, 2) for number in (1, 2, 3)]
    tasks = (*right, written_result(REPORT, {"77.4": essay}))
    return Record(student, "77", State.GRADED, tasks)


GROUP = [record("анна", ESSAY), record("пусто", ""), record("удалил", None)]


def test_rubric_is_one_table():
    """Рубрика: сначала за что дают, потом за что снимают; балл — сумма того, за что дают."""
    assert REPORT.points == 3 and REPORT.lesson == "77"
    assert REPORT.label == "проверяет преподаватель · баллов 3 · минут 20 · ●●○"
    assert [line.split(" |")[0] for line in REPORT.rubric.splitlines()[2:]] == [
        "| +2", "| +1", "| −1,5"
    ]  # fmt: skip
    with pytest.raises(ValueError, match="не за что дать"):
        Written("77.5", "Пусто", 1, 1, (Criterion(-1, "Всё плохо."),))


def test_answer_is_found_where_it_is(assignment, tmp_path):
    """Ответ, нетронутая заготовка (с точностью до пробелов), удалённая ячейка, две ячейки."""
    answers = {}
    for name, texts in {"ответ": [ESSAY], "заготовка": [STUB + "\n\n"], "нет": [],
                        "две": [ESSAY, "И ещё."]}.items():  # fmt: skip
        path = with_essay(tmp_path / name / assignment.notebook, *texts)
        answers[name] = read_submission(name, [path], assignment).answers["77.4"]
    assert answers == {"ответ": ESSAY, "заготовка": "", "нет": None, "две": f"{ESSAY}\n\nИ ещё."}
    without = replace(assignment, released=None)  # выданной тетради нет: сличать не с чем
    assert written_answers(notebook({}) | {"cells": [written_cell(STUB)]}, without) == {
        "77.4": STUB
    }


def test_waiting_is_not_a_zero():
    """Ждущий ответ — не ноль, не «неверно» и не входит в «из»; заготовка — честный ноль."""
    anna, blank, lost = GROUP
    assert [r.tasks[-1].status for r in GROUP] == [
        Status.WAITING, Status.NOT_ATTEMPTED, Status.WAITING
    ]  # fmt: skip
    assert (anna.points, anna.max_points, anna.waiting_points) == (6, 6, 3)
    assert (blank.points, blank.max_points, blank.waiting_points) == (6, 9, 0)
    assert "6/6 (+3)" in table_row(anna, 10) and "✎" in table_row(anna, 10)
    assert "ищите его рядом" in lost.tasks[-1].message


def test_pages_say_who_marks(tmp_path):
    """Страница, ведомость и отчёт о группе говорят «проверяет преподаватель», а не ноль."""
    page = feedback_page(GROUP[0])
    assert "6 из 6; ещё до 3 ставит преподаватель" in page
    assert "«Вывод» — проверяет преподаватель, до 3 баллов" in page
    assert "−1,5" in page and "Ответ — с интервалом." in page and "0 из 3" not in page
    write_csv(GROUP, tmp_path / "grades.csv")
    rows = list(csv.DictReader((tmp_path / "grades.csv").open(encoding="utf-8-sig")))
    assert [row["77.4 баллы"] for row in rows] == ["", "0", ""]
    assert [row["ждут"] for row in rows] == ["3", "0", "3"]
    assert rows[0]["77.4 исход"] == "проверяет преподаватель"
    summary = write_class_report(GROUP, tmp_path / "class.html")[-1]
    assert (summary.right, summary.waiting, summary.discrimination) == (None, 2, None)
    text = (tmp_path / "class.html").read_text(encoding="utf-8")
    assert "взялись 67 %; проверяет преподаватель, ответов без оценки — 2" in text
    assert "решили 100 %" in text and "nan" not in text.partition("data:image")[0]


def test_unmarked_answers_do_not_spoil_discrimination():
    """Пока ответы ждут, различимость остальных считается без них."""
    group = [
        Record(name, "77", State.GRADED, (result(1, Status.RIGHT, a), result(2, Status.RIGHT, b),
                                          written_result(REPORT, {"77.4": "да"})))
        for name, a, b in (("а", 2, 2), ("б", 0, 0), ("в", 2, 2), ("г", 0, 2))
    ]  # fmt: skip
    found = [summary.discrimination for summary in summarise(group)]
    plain = [summary.discrimination for summary in
             summarise([replace(r, tasks=r.tasks[:2]) for r in group])]  # fmt: skip
    assert found == [*plain, None]


def test_record_keeps_waiting(tmp_path):
    """Запись с ждущим ответом читается обратно целиком."""
    save_record(GROUP[0], tmp_path / "анна.json")
    assert load_record(tmp_path / "анна.json") == GROUP[0]


def test_batch_adds_written_tasks(assignment, tmp_path, monkeypatch):
    """Пакет: судья проверяет своё, письменное добавлено; нечитаемая тетрадь — не ожидание."""

    def heard(cells, tasks, court):
        right = {task.id: TaskResult(task.id, task.title, Status.RIGHT, 2, 2) for task in tasks}
        return Hearing(cells, tasks, court, results=right)

    monkeypatch.setattr(batch, "judge_notebook", heard)
    work = tmp_path / "work"
    with_essay(work / "анна" / assignment.notebook, ESSAY)
    (work / "обрыв").mkdir()
    (work / "обрыв" / assignment.notebook).write_text("{", encoding="utf-8")
    folders = Folders(work, tmp_path / "grades")
    anna, torn = grade_all(folders, assignment, Court(Isolation()), 1)
    assert [task.task for task in anna.tasks] == ["77.1", "77.2", "77.3", "77.4"]
    assert (anna.points, anna.waiting_points, anna.state) == (6, 3, State.GRADED)
    assert torn.state is State.UNREADABLE and torn.waiting_points == 0
    first = anna.fingerprint
    with_essay(work / "анна" / assignment.notebook, ESSAY + " И точка.")
    again = grade_all(folders, assignment, Court(Isolation()), 1)[0]
    assert again.fingerprint != first and again.tasks[-1].message != anna.tasks[-1].message


def test_experiment_cells_are_not_run():
    """Ячейка опыта судье не нужна, а номера остальных не сдвигаются."""
    cells = [
        {"cell_type": "code", "source": "import torch"},
        {"cell_type": "code", "source": "долго()", "metadata": {"tags": [EXPERIMENT]}},
        {"cell_type": "code", "source": "своё()", "metadata": {"tags": "experiment"}},
        {"cell_type": "code", "source": "x = 1", "id": "answer"},
    ]
    assert list(code_cells({"cells": cells[:1] + cells[2:]})) == ["import torch", "своё()", "x = 1"]
    found = list(code_cells({"cells": cells}, {"answer": cells[3]}))
    assert found == ["import torch", "", "", "x = 1"]  # вставленное студентом — тоже опыт


# ------------------------------------------------------------------ оценки человека


def test_marks_from_the_table(assignment, tmp_path):
    """Баллы, вписанные в копию ведомости, попадают в итоги; и после русского Excel тоже."""
    write_csv(GROUP, tmp_path / "grades.csv")
    text = (tmp_path / "grades.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.reader(text.splitlines()))
    place = rows[0].index("77.4 баллы")
    rows[1][place] = "2,5"
    for separator in ",;":
        path = tmp_path / "оценки.csv"
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=separator).writerows(rows)
        marks = read_marks_file(path, assignment)
        assert marks == {("анна", "77.4"): Mark(2.5), ("пусто", "77.4"): Mark(0)}
    anna, _, lost = with_marks(GROUP, marks)
    assert (anna.points, anna.max_points, anna.waiting_points) == (8.5, 9, 0)
    assert "оценил преподаватель, баллов 2,5 из 3" in feedback_page(anna)
    assert lost.waiting_points == 3


def test_command_takes_the_marks(assignment, tmp_path):
    """lecture grade --marks: оценки ложатся на записи, без ключа записи прежние."""
    path = tmp_path / "оценки.csv"
    path.write_text("студент,77.4 баллы\nанна,3\n", encoding="utf-8")
    folders = Folders(tmp_path / "work", tmp_path / "grades")
    options = argparse.Namespace(gradebook=None, marks=path)
    marked = grade_command.marked(options, folders, assignment, GROUP)
    assert [r.points for r in marked] == [9, 6, 6]
    options.marks = None
    assert grade_command.marked(options, folders, assignment, GROUP) == GROUP


@pytest.mark.parametrize("value", ["4", "-1", "хорошо", "nan"])
def test_impossible_mark_names_the_student(assignment, tmp_path, value):
    """Балл больше возможного, меньше нуля или не число — ошибка с именем студента."""
    path = tmp_path / "оценки.csv"
    path.write_text(f"студент,77.4 баллы\nанна,{value}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"анна, 77\.4: балл"):
        read_marks_file(path, assignment)
    path.write_text("имя\nанна\n", encoding="utf-8")
    with pytest.raises(ValueError, match="нет столбца «студент»"):
        read_marks_file(path, assignment)


def test_marks_from_the_gradebook(assignment, tmp_path):
    """Журнал: ответ ждёт, ручная оценка переживает повтор, новый ответ просит взглянуть снова."""
    pytest.importorskip("nbgrader", reason="nbgrader ставится отдельно: lecture-lib[grade]")
    from nbgrader.api import Gradebook

    from lecture_lib.grading.gradebook import read_marks, write_gradebook

    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    where = ("answer-77-4", "77_игрушки", "77")
    write_gradebook(url, assignment, GROUP)
    with Gradebook(url) as gradebook:
        grades = {name: gradebook.find_grade(*where, name) for name in ("анна", "пусто")}
        found = {name: (g.auto_score, g.needs_manual_grade) for name, g in grades.items()}
        assert found == {"анна": (None, True), "пусто": (0, False)}
        assert gradebook.find_grade_cell(*where).cell_type == "markdown"
        totals = {s.student.id: (s.score, s.max_score, s.needs_manual_grade)
                  for s in gradebook.assignment_submissions("77")}  # fmt: skip
        assert totals["анна"] == (6, 9, True) and totals["пусто"] == (6, 9, False)
        grades["анна"].manual_score, grades["анна"].needs_manual_grade = 2.5, False
        gradebook.find_comment(*where, "анна").manual_comment = "Границы — хорошо."
        gradebook.db.commit()
    write_gradebook(url, assignment, GROUP)  # повтор оценку не трогает
    marks = read_marks(url, assignment)
    assert marks == {("анна", "77.4"): Mark(2.5, "Границы — хорошо.")}
    assert "Границы — хорошо." in feedback_page(with_marks(GROUP, marks)[0])
    write_gradebook(url, assignment, [record("анна", ESSAY + " Передумала.")])
    with Gradebook(url) as gradebook:
        grade = gradebook.find_grade(*where, "анна")
        assert (grade.manual_score, grade.needs_manual_grade) == (2.5, True)
    assert read_marks(url, assignment) == {}


def test_formgrader_opens_the_notebooks(assignment, tmp_path):
    """Тетрадь лежит там, где её ищет formgrader, и чужая метка её открыть не мешает."""
    pytest.importorskip("nbgrader", reason="nbgrader ставится отдельно: lecture-lib[grade]")
    import nbformat
    from nbgrader.api import Gradebook
    from nbgrader.preprocessors import GetGrades
    from traitlets.config import Config

    from lecture_lib.grading.gradebook import write_gradebook

    work, url = tmp_path / "work", f"sqlite:///{tmp_path / 'gradebook.db'}"
    path = with_essay(work / "анна" / "77" / "мой вариант.ipynb", ESSAY)
    tree = json.loads(path.read_text(encoding="utf-8"))
    tree["cells"][0]["metadata"]["nbgrader"] = written_cell("")["metadata"]["nbgrader"] | {
        "grade_id": "своё"
    }
    path.write_text(json.dumps(tree), encoding="utf-8")
    write_gradebook(url, assignment, GROUP[:1])
    folder = write_notebooks(url, Folders(work, tmp_path / "grades"), assignment)
    placed = folder / "анна" / "77" / "77_игрушки.ipynb"
    opened = nbformat.read(placed, as_version=4)
    ids = [c.metadata["nbgrader"]["grade_id"] for c in opened.cells if "nbgrader" in c.metadata]
    assert ids == ["answer-77-4"]
    resources = {"unique_key": "77+анна+77_игрушки", "metadata": {"path": str(placed.parent)},
                 "nbgrader": {"student": "анна", "assignment": "77", "notebook": "77_игрушки",
                              "db_url": url}}  # fmt: skip
    shown, _ = GetGrades(config=Config()).preprocess(opened, resources)
    essay = shown.cells[-1].metadata["nbgrader"]
    assert (essay["points"], essay["score"]) == (3, 0)
    with Gradebook(url) as gradebook:
        assert gradebook.find_submission("77", "анна").needs_manual_grade
    assert write_notebooks("postgresql://host/db", Folders(work, tmp_path), assignment) is None
