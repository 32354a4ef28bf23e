"""Тетради упражнений: порождены из solutions/, без решений и выводов; решения верны."""

from __future__ import annotations

import copy
import json
import linecache
import re

import nbformat
import pytest

from lecture_lib import cli
from lecture_lib.grading import load_tasks
from lecture_lib.grading.check import load_written
from lecture_lib.grading.exercises import (
    build_exercises,
    leaked_lines,
    solution_lines,
    stale_exercises,
    strip_notebook,
    strip_solution,
)
from lecture_lib.grading.submission import EXPERIMENT, cell_name


@pytest.fixture(scope="module")
def solutions(root):
    """Тетради преподавателя по имени."""
    paths = sorted((root / "solutions").glob("*.ipynb"))
    return {path.name: nbformat.read(path, as_version=4) for path in paths}


def sources(notebook) -> str:
    """Весь текст тетради."""
    return "\n".join(cell.source for cell in notebook.cells)


def test_exercises_are_fresh(root):
    """Порождённое заново совпадает с тем, что лежит: содержание, а не имена."""
    assert stale_exercises(root / "solutions", root / "exercises") == []


def test_no_solution_is_left(solutions, root):
    """В упражнениях нет ни строки решения, ни меток, ни выводов, ни входов скрытых проверок."""
    for name, notebook in solutions.items():
        assert len(list(solution_lines(notebook))) > 10
        assert leaked_lines(notebook) == []
        text = (root / "exercises" / name).read_text(encoding="utf-8")
        assert "SOLUTION" not in text and "HIDDEN" not in text
        assert "run_check" not in text and "bank" not in text
        for cell in json.loads(text)["cells"]:
            if cell["cell_type"] == "code":
                assert cell["outputs"] == [] and cell["execution_count"] is None


def test_solutions_are_executed_in_order(solutions):
    """Тетради преподавателя исполнены сверху вниз, и каждая проверка в них зелёная."""
    for notebook in solutions.values():
        cells = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
        assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
        for cell in cells:
            if cell.source.startswith("check("):
                assert "✓" in cell.outputs[0].data["text/plain"], cell.source


def test_leak_would_be_seen(solutions):
    """Проверка утечки не слепа: решение, скопированное в условие, она находит."""
    notebook = copy.deepcopy(solutions["02_masking.ipynb"])
    line = next(iter(solution_lines(notebook)))
    notebook.cells[0].source += "\n" + line
    assert line in leaked_lines(notebook)


def test_every_task_has_its_cells(solutions):
    """У каждого задания есть условие, ответ и видимая проверка; всего их не меньше 32."""
    tasks = load_tasks()
    text = "\n".join(map(sources, solutions.values()))
    assert re.findall(r'^check\("([\d.]+)"', text, flags=re.MULTILINE) == list(tasks)
    assert len(tasks) >= 32
    for task in tasks.values():
        assert f"## {task.id}. {task.title}\n\n*{task.label}*" in text
        assert f'check("{task.id}", {task.name})' in text
    assert {task.kind for task in tasks.values()} == {
        "написать", "починить", "предсказать", "прочитать рисунок", "поставить опыт"
    }  # fmt: skip


def test_nbgrader_marks(solutions):
    """Ячейка проверки заперта и несёт баллы, ячейка ответа — область решения, письменная — обе."""
    points = {cell_name("check", task.id): task.points for task in load_tasks().values()}
    manual = {cell_name("answer", item.id): item.points for item in load_written().values()}
    found = {}
    for notebook in solutions.values():
        for cell in (c for c in notebook.cells if "nbgrader" in c.metadata):
            mark = cell.metadata["nbgrader"]
            is_manual = mark["grade_id"] in manual
            assert is_manual == (cell.cell_type == "markdown")
            assert mark["solution"] == (is_manual or not mark["grade"])
            assert mark["locked"] == (mark["grade"] and not is_manual)
            assert mark["schema_version"] == 3 and not mark["task"]
            found |= {mark["grade_id"]: mark["points"]} if mark["grade"] else {}
    assert found == points | manual


def test_written_tasks_show_their_rubric(solutions):
    """У письменного задания в тетради — заголовок, строка баллов и вся рубрика."""
    text = "\n".join(map(sources, solutions.values()))
    assert load_written()
    for item in load_written().values():
        start = text.index(f"## {item.id}. {item.title}\n\n*{item.label}*")
        assert text.index(item.rubric, start) - start < 1500


def test_sample_report_agrees_with_the_outputs(solutions):
    """Каждое число с запятой в образце отчёта напечатано выше — или стоит в самом предсказании."""
    notebook, printed = solutions["09_project.ipynb"], ""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            texts = [o.get("text", "") or o.get("data", {}).get("text/plain", "")
                     for o in cell.outputs]  # fmt: skip
            printed += " ".join([cell.source, *texts]).replace(".", ",")
        elif cell.metadata.get("nbgrader"):
            numbers = re.findall(r"\d+,\d+", cell.source)
            if cell.metadata["nbgrader"]["grade_id"] == "answer-09-5":
                printed += " ".join(numbers)
            assert [n for n in numbers if n not in printed] == []
            assert len(cell.source) > 300


def run_cells(notebook) -> dict:
    """Исполняет ячейки подряд и собирает исходы проверок по номеру задания."""
    space: dict = {"__name__": "__main__"}
    outcomes = {}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or "_picture" in cell.source:
            continue
        if EXPERIMENT in cell.metadata.get("tags", ()):  # минуты обучения; исполнен в solutions/
            continue
        name = f"<ячейка {number}>"  # как в IPython: inspect находит текст функции
        linecache.cache[name] = (len(cell.source), None, cell.source.splitlines(True), name)
        asked = re.match(r'check\("([\d.]+)"', cell.source)
        if asked:
            outcomes[asked[1]] = eval(cell.source, space)
        else:
            exec(compile(cell.source, name, "exec"), space)
    return outcomes


def test_solutions_are_right(solutions):
    """Каждое решение преподавателя проходит свою проверку."""
    outcomes = {k: v for notebook in solutions.values() for k, v in run_cells(notebook).items()}
    assert [repr(outcome) for outcome in outcomes.values() if not outcome.is_right] == []
    assert list(outcomes) == list(load_tasks())


def test_untouched_exercises_are_not_attempted(solutions):
    """Тетрадь студента, которую не трогали, исполняется, и каждое задание в ней не начато."""
    for notebook in solutions.values():
        outcomes = run_cells(strip_notebook(notebook))
        assert {str(outcome.verdict) for outcome in outcomes.values()} == {"не начато"}


def test_pictures_do_not_tell_the_answer():
    """Рисунки рисуются, а подпись описывает числа, не ответ."""
    from lecture_lib.grading.pictures import (
        curves_picture,
        heads_picture,
        intervals_picture,
        labels_picture,
    )

    for picture in (heads_picture(), intervals_picture(), curves_picture(), labels_picture()):
        assert len(picture.png()) > 2000
        assert not re.search("учится|разошлась|подсматрив", picture.alt)
        assert not re.search("доказан|двусторонняя лучше|поровну|предыдущ", picture.alt)


@pytest.mark.parametrize(
    ("source", "stripped"),
    [
        ("x = 1\n### BEGIN SOLUTION\nx = 2\n### END SOLUTION", "x = 1\n# ваш код\n..."),
        ("def f():\n    ### BEGIN SOLUTION\n    return 2\n    ### END SOLUTION\n",
         "def f():\n    # ваш код\n    ..."),
        ("**Вопрос.**\n<!-- ### BEGIN SOLUTION -->\nПочему?\n<!-- ### END SOLUTION -->",
         "**Вопрос.**\n# ваш код\n..."),
    ],
)  # fmt: skip
def test_strip_solution(source, stripped):
    """Область заменена заготовкой с тем же отступом."""
    assert strip_solution(source) == stripped


def test_written_answers_are_stripped(solutions):
    """Ответы словами студенту не отдаются: на их месте — заготовка, вопросы остаются."""
    notebook = solutions["09_project.ipynb"]
    hidden = [line for line in solution_lines(notebook) if re.match("[А-ЯЁ]", line)]
    shown = sources(strip_notebook(notebook))
    assert len(hidden) > 5 and shown.count("*ваш ответ*") >= len(load_written())
    assert "**Вопрос.**" in shown and not any(line in shown for line in hidden)


@pytest.mark.parametrize("mark", ["### BEGIN SOLUTION", "### END SOLUTION"])
def test_unbalanced_marks(mark):
    """Незакрытая или лишняя метка — ошибка с именем тетради, а не утечка решения."""
    with pytest.raises(ValueError, match="урок: "):
        strip_solution(f"x = 1\n{mark}\nx = 2", "урок")


def test_build_writes_only_what_changed(tmp_path, root):
    """Второй запуск ничего не пишет; лишняя тетрадь удаляется."""
    target = tmp_path / "exercises"
    assert len(build_exercises(root / "solutions", target)) == len(list(target.iterdir()))
    (target / "лишняя.ipynb").write_text("{}", encoding="utf-8")
    assert [p.name for p in build_exercises(root / "solutions", target)] == ["лишняя.ipynb"]
    assert build_exercises(root / "solutions", target) == []
    (target / "02_masking.ipynb").write_text("{}", encoding="utf-8")
    assert stale_exercises(root / "solutions", target) == ["02_masking.ipynb"]


def test_matrix_command(capsys):
    """Команда печатает один объект со счётом."""
    assert cli.main(["exercises", "matrix", "--json", "--task", "02.5"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["tasks"] == 1 and found["wrong"] == found["rejected"] >= 8
    assert found["right"] == found["accepted"] >= 3 and found["missed"] == []
    assert cli.main(["exercises", "matrix", "--json", "--task", "01.1"]) == 0
    assert json.loads(capsys.readouterr().out)["tasks"] == 1  # среди ответов есть и печатающий
    assert cli.main(["exercises", "matrix", "--task", "99"]) == 2
