"""Порядок в доме: стрелки импорта идут вниз, README не врёт, документация — по-русски."""

from __future__ import annotations

import ast
import graphlib
import itertools
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "lecture_lib"

# Этажи: модуль импортирует из своего этажа и из тех, что ниже.
FLOORS = {
    "config": 0,
    "files": 0,
    "network": 0,
    "reference": 0,
    "tokenization": 1,
    "byte_bpe": 1,
    "corpus": 1,
    "mask_patterns": 1,
    "masking": 1,
    "encoder": 2,
    "heads": 2,
    "variants": 3,
    "losses": 3,
    "bert_names": 3,
    "pretrained": 3,
    "parameters": 3,
    "flops": 3,
    "divergence": 3,
    "checkpoints": 4,
    "optimization": 4,
    "reading": 4,
    "attention": 4,
    "evidence": 4,
    "training": 4,
    "pretraining": 4,
    "pretraining_data": 4,
    "finetuning": 4,
    "finetuning_data": 4,
    "distillation": 4,
    "quantization": 4,
    "prediction": 4,
    "spans": 4,
    "soft_targets": 4,
    "word_search": 4,
    "tasks": 4,
    "deck": 5,
    "demo": 5,
    "environment": 5,
    "execution": 5,
    "experiments": 5,
    "export": 5,
    "grading": 5,
    "lab": 5,
    "outline": 5,
    "plots": 5,
    "quality": 5,
    "rehearsal": 5,
    "slides": 5,
    "widgets": 5,
    "cli": 6,
}

# Кому можно импортировать эти пакеты.
SCREEN = {"matplotlib", "ipywidgets", "anywidget", "IPython"}
HUB = {"transformers", "datasets"}
HUB_ALLOWED = ("tokenization", "corpus.hub", "pretrained", "tasks")

SOURCES = sorted(LIBRARY.rglob("*.py"))


def module_name(path: Path) -> str:
    """Имя модуля внутри lecture_lib: «corpus.grammar»; у самого пакета — пустое."""
    parts = path.relative_to(LIBRARY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(path: Path) -> Iterator[str]:
    """Полные имена всего, что модуль импортирует, в том числе внутри функций."""
    yield from names_in(ast.parse(path.read_text(encoding="utf-8")), path)


def names_in(tree: ast.AST, path: Path) -> Iterator[str]:
    """То же для части дерева разбора."""
    package = ["lecture_lib", *filter(None, module_name(path).split("."))]
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *filter(None, [node.module])]
            yield from (".".join([*module, alias.name]) for alias in node.names)


def runtime_packages(path: Path) -> set[str]:
    """Пакеты, которые модуль загружает при работе: без тех, что нужны только подсказкам типов."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"))
    ]
    return {name.partition(".")[0] for name in names_in(tree, path)}


def own_imports(path: Path) -> set[str]:
    """Модули верхнего уровня lecture_lib, которые нужны этому модулю."""
    names = (name.split(".") for name in imported_names(path))
    return {parts[1] for parts in names if parts[0] == "lecture_lib" and parts[1:]} & set(FLOORS)


def floor_violations(path: Path) -> list[str]:
    """Стрелки импорта, которые идут вверх."""
    top = module_name(path).partition(".")[0]
    return [
        f"{module_name(path)} (этаж {FLOORS[top]}) → {name} (этаж {FLOORS[name]})"
        for name in sorted(own_imports(path))
        if FLOORS[name] > FLOORS[top]
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: module_name(p) or "lecture_lib")
def test_module_knows_its_floor(path):
    """У каждого модуля есть этаж, и выше себя он не смотрит."""
    name = module_name(path)
    if not name:
        assert not own_imports(path), "lecture_lib/__init__.py загружает модули лениво"
        return
    assert name.partition(".")[0] in FLOORS, f"допишите этаж модуля {name} в FLOORS"
    assert floor_violations(path) == []


def test_no_import_cycles():
    """Внутри этажа импорты тоже не ходят по кругу."""
    graph: dict[str, set[str]] = {}
    for path in SOURCES:
        top = module_name(path).partition(".")[0]
        if top:
            graph.setdefault(top, set()).update(own_imports(path) - {top})
    order = list(graphlib.TopologicalSorter(graph).static_order())  # круг — CycleError
    assert set(graph) <= set(order)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: module_name(p) or "lecture_lib")
def test_heavy_packages_stay_where_they_belong(path):
    """Рисуют только на пятом этаже; transformers и datasets знают только свои модули."""
    name = module_name(path)
    packages = runtime_packages(path)
    if FLOORS.get(name.partition(".")[0]) != 5:
        assert not packages & SCREEN
    if not any(name == allowed or name.startswith(allowed + ".") for allowed in HUB_ALLOWED):
        assert not packages & HUB


def test_floor_checker_sees_an_arrow_up(tmp_path, monkeypatch):
    """Сама проверка этажей не слепа: находит стрелку вверх и в функции, и в относительном виде."""
    monkeypatch.setitem(globals(), "LIBRARY", tmp_path)
    (tmp_path / "masking.py").write_text("def f():\n    from lecture_lib.training import train\n")
    (tmp_path / "encoder.py").write_text("from . import plots\nfrom .config import MINI\n")
    assert floor_violations(tmp_path / "masking.py") == ["masking (этаж 1) → training (этаж 4)"]
    assert floor_violations(tmp_path / "encoder.py") == ["encoder (этаж 2) → plots (этаж 5)"]


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def undocumented(path: Path) -> Iterator[str]:
    """Открытые имена модуля без русской документации: сам модуль, его классы и функции."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = [n for n in tree.body if isinstance(n, DEFINITIONS) and not n.name.startswith("_")]
    for node in (tree, *public):
        if not re.search("[а-яё]", ast.get_docstring(node) or ""):
            yield getattr(node, "name", "модуль")


def documented_in_english(path: Path) -> Iterator[str]:
    """Имена, у которых документация есть, но английская; одни формы тензоров не в счёт."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        text = (ast.get_docstring(node) or "") if isinstance(node, DEFINITIONS) else ""
        if re.search(r"[a-z]{2,} [a-z]{2,}", text) and not re.search("[а-яё]", text):
            yield node.name


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: module_name(p) or "lecture_lib")
def test_documentation_is_russian(path):
    """У всего открытого есть документация, и вся документация — по-русски."""
    assert [*undocumented(path), *documented_in_english(path)] == []


def test_import_is_instant():
    """``import lecture_lib`` не загружает ничего тяжёлого и укладывается в 0,3 секунды."""
    code = (
        "import sys, time; start = time.perf_counter(); import lecture_lib; "
        "print(time.perf_counter() - start, *{'torch', 'numpy', 'transformers', 'matplotlib'} "
        "& sys.modules.keys())"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    seconds, *heavy = min((run.stdout.split() for run in runs), key=lambda out: float(out[0]))
    assert heavy == []
    assert float(seconds) < 0.3


def test_lazy_names_resolve():
    """Каждое имя, обещанное пакетом, и правда находится."""
    import lecture_lib

    for name in dir(lecture_lib):
        assert getattr(lecture_lib, name) is not None


def test_unknown_name_hints_in_russian():
    """Опечатка в имени получает подсказку."""
    import lecture_lib

    with pytest.raises(AttributeError, match=r"нет имени «mask_tokns».*mask_tokens"):
        _ = lecture_lib.mask_tokns


def test_missing_dependency_hints_in_russian(monkeypatch):
    """Если не стоит зависимость, сказано, какая и что делать."""
    import lecture_lib

    def fail(name):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(lecture_lib.importlib, "import_module", fail)
    with pytest.raises(ModuleNotFoundError, match=r"нужен пакет torch.*make lab"):
        lecture_lib.__getattr__("encoder")


def test_constraints_pin_every_dependency():
    """Каждая прямая зависимость закреплена, и закреплённая версия лежит в своих границах."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    pins = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            pins[pin.name.lower()] = str(pin.specifier)
    assert all(pin.startswith("==") for pin in pins.values())
    named = map(Requirement, itertools.chain.from_iterable(lists))
    # «lecture-lib[grade]» — ссылка на соседний список, он здесь же.
    for requirement in (found for found in named if found.name != project["name"]):
        version = pins[requirement.name.lower()].removeprefix("==")
        assert requirement.specifier.contains(version, prereleases=True), requirement


def test_version_is_the_same_everywhere():
    """Версия в коде и в описании пакета одна."""
    import lecture_lib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == lecture_lib.__version__


README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_commands_exist():
    """Команды make и lecture, названные в README, существуют."""
    from lecture_lib.cli import COMMANDS

    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", README, flags=re.DOTALL))
    asked = set(re.findall(r"\bmake ([a-z]+)", code))
    assert {"lab", "test"} <= asked <= targets
    assert set(re.findall(r"\blecture ([a-z]+)", code)) <= set(COMMANDS)


def test_readme_links_lead_somewhere():
    """Ссылки README на файлы курса не оборваны."""
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_readme_tree_matches_the_disk():
    """Всё, что нарисовано в дереве README, есть на диске, и ничего с диска не забыто."""
    tree = re.search(r"```text\n(.*?)```", README, flags=re.DOTALL).group(1)
    drawn = {line.split()[0].rstrip("/") for line in tree.splitlines() if re.match(r"[\w.]", line)}
    inside = set(re.findall(r"^  ([\w/.]+)", tree, flags=re.MULTILINE))
    assert [name for name in drawn if not (ROOT / name).exists()] == []
    assert [name for name in inside if not (LIBRARY / name).exists()] == []
    if shutil.which("git") is None:  # курс скачан архивом на машину без git
        return
    tracked = subprocess.run(
        ["git", "ls-tree", "--name-only", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    assert {name for name in tracked if not name.startswith(".")} <= drawn
