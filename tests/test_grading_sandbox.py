"""Песочница и судья против двух с лишним десятков способов всё сломать.

Все работы проверяются одним заходом, как это сделает преподаватель; тесты читают итоги.
"""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

import psutil
import pytest
from toy_assignment import HONEST, SECRET, ZERO, make_assignment, notebook, write_notebook

from lecture_lib.grading.batch import Folders, grade_all
from lecture_lib.grading.judge import Court
from lecture_lib.grading.results import State, Status
from lecture_lib.grading.sandbox import MEGABYTE, Limits, find_isolation

ISOLATION = find_isolation()
LIMITS = Limits(
    cell_seconds=3,
    call_seconds=3,
    patience=3,
    total_seconds=120,
    memory=1024 * MEGABYTE,
    processes=40,
)
MARK = "98765.4321"  # по нему узнаются процессы, которые тетрадь хотела оставить
needs_walls = pytest.mark.skipif(
    not ISOLATION.bubblewrap, reason="без bubblewrap файлы и сеть не отгорожены"
)

# Ячейка перед заданиями, а дальше — честная работа: (код, состояние, баллы из 6).
SURVIVES = {
    "вечный цикл": ("while True: pass", State.TIMEOUT),
    "не слушает прерываний": (
        "import signal, time\n"
        "for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):\n"
        "    signal.signal(n, signal.SIG_IGN)\n"
        "while True:\n"
        "    try: time.sleep(1)\n"
        "    except BaseException: pass",
        State.TIMEOUT,
    ),
    "fork-бомба": (
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        State.TIMEOUT,
    ),
    "копия себя": ("import os\nos.fork()", State.GRADED),
    "съесть память": ("hoard = [bytearray(2**27) for _ in range(10**6)]", State.GRADED),
    "os._exit": ("import os\nos._exit(0)", State.CRASH),
    "segfault": ("import ctypes\nctypes.string_at(0)", State.CRASH),
    "SystemExit": ("raise SystemExit", State.GRADED),
    "exit()": ("exit()", State.GRADED),
    "пишет в канал судьи": (
        "import os\n"
        "for fd in range(3, 64):\n"
        '    try: os.write(fd, b\'{"id": 2, "failure": null}\\n\' * 3)\n'
        "    except OSError: pass",
        State.CRASH,
    ),
    "закрывает каналы": ("import os\nos.closerange(0, 64)", State.CRASH),
    "оставляет процесс": (
        f"import subprocess\nsubprocess.Popen(['sleep', '{MARK}'], start_new_session=True)",
        State.GRADED,
    ),
    "магия и await": (
        "%timeit -n1 -r1 pass\nimport asyncio\nawait asyncio.sleep(0)",
        State.GRADED,
    ),
}

if ISOLATION.as_root:  # предела процессов нет: бомба взорвала бы саму машину
    del SURVIVES["fork-бомба"]

# Работа на ноль, которая хочет баллов.
CHEATS = {
    "подмена сравнений": (
        "import builtins, json, numpy as np\n"
        "class Yes(int):\n"
        "    def __eq__(self, other): return True\n"
        "    def __sub__(self, other): return 0\n"
        "builtins.all = builtins.any = lambda *a: True\n"
        "np.array_equal = np.allclose = np.isclose = lambda *a, **k: True"
    ),
    "подмена проверки": (
        "import sys, lecture_lib.grading as g, lecture_lib.grading.facts as f\n"
        "g.check = lambda *a: 'верно'\n"
        "f.facts_of = lambda answer: f.Facts(True, False, 'верно')\n"
        "sys.modules['lecture_lib.grading.check'] = g"
    ),
    "AST-преобразователь": (
        "import ast\n"
        "class NoAssert(ast.NodeTransformer):\n"
        "    def visit_Assert(self, node): return ast.Pass()\n"
        "get_ipython().ast_transformers.append(NoAssert())\n"
        "assert False"
    ),
    "подмена исполнителя": (
        "import gc\n"
        "runner = next(o for o in gc.get_objects() if type(o).__name__ == 'Runner')\n"
        "type(runner).do_call = lambda self, request: {'value': True, 'points': 2, "
        "'verdict': 'верно', 'changed': [], 'borrowed': ''}"
    ),
}


def cells(first: str, rest: dict) -> dict:
    """Тетрадь, которая начинается с вредной ячейки."""
    return {"bad": first, **rest}


def write_odd_files(folder: Path) -> None:
    """Работы, беда которых — в самом файле."""
    name = "77_игрушки.ipynb"
    text = json.dumps(notebook(HONEST), ensure_ascii=False)
    pairs = list(HONEST.items())
    write_notebook(folder / "удалил" / name, pairs[:1] + pairs[2:])
    write_notebook(folder / "повторил" / name, [*pairs, pairs[1], pairs[3]])
    write_notebook(folder / "переставил" / name, pairs[::-1])
    write_notebook(folder / "правил запертое" / name, HONEST | {"check1": "points = 100"})
    write_notebook(folder / "переименовал" / "Моя работа (1).ipynb.txt", HONEST)
    write_notebook(folder / "чужое ядро" / name, HONEST, kernelspec={"name": "ир-ядро"})
    (folder / "пусто").mkdir()
    for student, content in {
        "кодировка": text.replace('"setup"', '"Ъ"').encode("cp1251"),
        "оборвал": text.encode()[:-200],
        "не тетрадь": b"[1, 2, 3]",
        "вложенность": b"[" * 100_000,
    }.items():
        (folder / student).mkdir()
        (folder / student / name).write_bytes(content)
    heavy = notebook(HONEST)
    heavy["cells"][0]["outputs"] = [{"output_type": "stream", "text": "я" * (25 * MEGABYTE)}]
    (folder / "50 МБ").mkdir()
    (folder / "50 МБ" / name).write_text(json.dumps(heavy, ensure_ascii=False), encoding="utf-8")
    (folder / "ссылка").mkdir()
    (folder / "ссылка" / name).symlink_to(folder / "честно" / name)
    if hasattr(os, "mkfifo"):
        (folder / "канал").mkdir()
        os.mkfifo(folder / "канал" / name)


def write_special(folder: Path, secret: Path, port: int) -> None:
    """Работы, у каждой из которых свой разговор."""
    name = "77_игрушки.ipynb"
    write_notebook(folder / "честно" / name, HONEST)
    write_notebook(folder / "ноль" / name, ZERO)
    loop = HONEST | {"double": "def double(xs):\n    while True: pass"}
    write_notebook(folder / "цикл в функции" / name, loop)
    crash = HONEST | {"double": "def double(xs):\n    import os\n    os._exit(3)"}
    write_notebook(folder / "крах в функции" / name, crash)
    stuck = HONEST | {"double": "def double(xs):\n    return [2 * x for x in xs]\nwhile True: pass"}
    write_notebook(folder / "цикл под функцией" / name, stuck)
    odd = HONEST | {
        "double": "def double(xs):\n    deep = []\n    for _ in range(10**5): deep = [deep]\n"
        "    return deep",
        "add": "def add(a, b):\n    return 10 ** 5000",
    }
    write_notebook(folder / "странные значения" / name, odd)
    huge = HONEST | {"prediction": "prediction = {'число': 10 ** 5000}"}
    write_notebook(folder / "странное значение" / name, huge)
    order = {"double": "double = make(2)"} | {k: v for k, v in HONEST.items() if k != "double"}
    order["make"] = "def make(n):\n    return lambda xs: [n * x for x in xs]"
    write_notebook(folder / "не по порядку" / name, order)
    loud = "import sys\nfor _ in range(1024): sys.stdout.write('х' * 2**19)"
    write_notebook(folder / "гигабайт вывода" / name, cells(loud, HONEST))
    spy = SPY.format(secret=secret, work=folder, value=SECRET)
    peek = ZERO | {"prediction": "prediction = {'число': found}"}
    write_notebook(folder / "подглядывает" / name, cells(spy, peek))
    write_notebook(folder / "пишет наружу" / name, cells(VANDAL.format(secret=secret), HONEST))
    call = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=3)"
    write_notebook(folder / "сеть" / name, cells(call, HONEST))


SPY = """
import os, pathlib, re
import lecture_lib.grading as g
here = pathlib.Path(g.__file__).parent
found = 1
places = [here, here.parent.parent / 'tests', pathlib.Path('{secret}'), pathlib.Path('{work}')]
for place in places:
    for path in [*place.glob('*.py'), *place.glob('*/*.ipynb')]:
        match = re.search(r'(?:SECRET =|число.{{1,3}}:) *([0-9]+)', path.read_text())
        found = int(match[1]) if match else found
try:
    from lecture_lib.grading.lesson02 import TASKS
    found = {value}
except ImportError:
    pass
"""
VANDAL = """
import os, pathlib, lecture_lib
for place in ('{secret}', os.path.dirname(lecture_lib.__file__), '/', '/usr', '/etc'):
    try: pathlib.Path(place, 'vandal.txt').write_text('здесь был я')
    except OSError: pass
"""


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Все работы, проверенные одним заходом: студент -> запись; и сколько секунд это заняло."""
    base = tmp_path_factory.mktemp("grading")
    work, secret = base / "submissions", base / "solutions"
    secret.mkdir()
    (secret / "answers.py").write_text(f"SECRET = {SECRET}\n")
    assignment = make_assignment(base)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        write_special(work, secret, server.getsockname()[1])
        for student, (source, _) in SURVIVES.items():
            write_notebook(work / student / assignment.notebook, cells(source, HONEST))
        for student, source in CHEATS.items():
            write_notebook(work / student / assignment.notebook, cells(source, ZERO))
        write_odd_files(work)
        court = Court(ISOLATION, LIMITS, (work, secret))
        started = time.monotonic()
        records = grade_all(Folders(work, base / "grades"), assignment, court, jobs=2)
        seconds = time.monotonic() - started
        try:
            server.accept()
            called = True
        except BlockingIOError:
            called = False
    return {r.student: r for r in records}, base, called, seconds


def statuses(record) -> list[Status]:
    return [task.status for task in record.tasks]


def test_everyone_is_reported(graded):
    """Никто не остановил остальных: запись есть у каждого, и времени ушло разумно."""
    records, base, _, _ = graded
    assert set(records) == {path.name for path in (base / "submissions").iterdir()}
    saved = {path.stem for path in (base / "grades" / "records").glob("*.json")}
    assert saved == set(records)


def test_honest_and_zero(graded):
    """Честная работа получает всё, неверная — ноль с диагнозом; оба — «проверено»."""
    records, *_ = graded
    honest, zero = records["честно"], records["ноль"]
    assert (honest.state, honest.points, honest.notes) == (State.GRADED, 6, ())
    assert (zero.state, zero.points) == (State.GRADED, 0)
    assert statuses(zero) == [Status.WRONG] * 3
    assert zero.tasks[0].mistake == "squares"


@pytest.mark.parametrize("student", SURVIVES)
def test_bad_cell_costs_no_points_and_gives_none(graded, student):
    """Вредная ячейка названа, а сделанное честно засчитано."""
    record = graded[0][student]
    assert record.state is SURVIVES[student][1], record
    assert record.points == 6, record
    if record.state is not State.GRADED:
        assert any(note.startswith("Ячейка 1 пропущена") for note in record.notes)


@pytest.mark.parametrize("student", CHEATS)
def test_cheats_earn_nothing(graded, student):
    """Что ни подменяй внутри, сравнивает судья."""
    record = graded[0][student]
    assert record.points == 0, record
    assert Status.RIGHT not in statuses(record)


def test_death_inside_a_function(graded):
    """Тайм-аут и крах в функции — исходы этого задания, а не соседних."""
    records, *_ = graded
    for student, status in (("цикл в функции", Status.TIMEOUT), ("крах в функции", Status.CRASH)):
        assert statuses(records[student]) == [status, Status.RIGHT, Status.RIGHT]
        assert str(records[student].state) == str(status)
        assert records[student].points == 4
    stuck = records["цикл под функцией"]  # ответ в той же ячейке, что и вечный цикл
    assert statuses(stuck) == [Status.TIMEOUT, Status.RIGHT, Status.RIGHT]


def test_strange_values(graded):
    """Бездонный список и число из пяти тысяч цифр — ошибка в задании, а не сбой всей проверки."""
    record = graded[0]["странные значения"]
    assert statuses(record) == [Status.ERROR, Status.ERROR, Status.RIGHT]
    strange = graded[0]["странное значение"]
    assert statuses(strange) == [Status.RIGHT, Status.RIGHT, Status.ERROR]


def test_out_of_order_cells(graded):
    """Ячейки, которые работают только не по порядку: сказано, какая и где нужное имя."""
    record = graded[0]["не по порядку"]
    assert statuses(record) == [Status.ERROR, Status.RIGHT, Status.RIGHT]
    assert any("порядок ячеек не тот" in note for note in record.notes)


def test_gigabyte_of_output(graded):
    """Гигабайт вывода не копится у судьи и баллов не стоит."""
    record = graded[0]["гигабайт вывода"]
    assert record.points == 6
    assert any("напечатала" in note and "МБ" in note for note in record.notes)
    assert not any("MemoryError" in note for note in record.notes)  # и у исполнителя не копится


@needs_walls
def test_solutions_are_invisible(graded):
    """Ни решений, ни чужих работ, ни проверок внутри нет."""
    record = graded[0]["подглядывает"]
    assert record.points == 0, record
    assert (record.state, record.notes) == (State.GRADED, ())  # искал до конца и не нашёл


@needs_walls
def test_nothing_is_written_outside(graded):
    """Снаружи не появилось ни файла."""
    records, base, _, _ = graded
    import lecture_lib

    places = (base / "solutions", Path(lecture_lib.__file__).parent, Path("/"), Path("/etc"))
    assert [p for p in places if (p / "vandal.txt").exists()] == []
    assert records["пишет наружу"].points == 6


@needs_walls
def test_no_network(graded):
    """До сервера на этой же машине тетрадь не дозвонилась."""
    records, _, called, _ = graded
    assert not called
    assert records["сеть"].points == 6
    assert any("OSError" in n or "Connection" in n for n in records["сеть"].notes)


def test_no_process_survives(graded):
    """После проверки не осталось ни одного процесса тетрадей."""
    left = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if MARK in line or ("runner.py" in line and f'"processes": {LIMITS.processes}' in line):
            left.append(line)
    assert left == []


FILES = {
    "удалил": (State.GRADED, 4, "Удалены ячейки: double."),
    "повторил": (State.GRADED, 6, "Повторены ячейки: double, add."),
    "переставил": (State.GRADED, 6, "Переставлены ячейки"),
    "правил запертое": (State.GRADED, 6, "Правлены запертые ячейки"),
    "переименовал": (State.GRADED, 6, "Имя не то"),
    "чужое ядро": (State.GRADED, 6, "«ир-ядро»"),
    "кодировка": (State.GRADED, 6, "cp1251"),
    "50 МБ": (State.GRADED, 6, ""),
    "оборвал": (State.UNREADABLE, 0, "обрывается"),
    "не тетрадь": (State.UNREADABLE, 0, "не тетрадь"),
    "вложенность": (State.UNREADABLE, 0, "испорчен"),
    "ссылка": (State.UNREADABLE, 0, "ссылка"),
    "канал": (State.UNREADABLE, 0, "не файл"),
    "пусто": (State.MISSING, 0, "Тетради нет"),
}


@pytest.mark.parametrize("student", FILES)
def test_odd_files(graded, student):
    """Странный файл назван странным; проверить можно — проверен."""
    state, points, note = FILES[student]
    record = graded[0][student]
    assert (record.state, record.points) == (state, points), record
    assert not note or any(note in said for said in record.notes), record.notes
