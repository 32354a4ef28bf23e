"""Самопроверка окружения: что стоит на машине, хватит ли этого курсу и что делать, если нет.

Её показывает таблицей урок 00 и печатает команда ``lecture check``. Ничего тяжёлого она не
загружает: версии пакетов читает из их описаний, чекпойнты сверяет по контрольным суммам.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

OK, WARNING, FAILURE = "ok", "warning", "failure"
MARKS = {OK: "✓", WARNING: "!", FAILURE: "✗"}

PYTHON_MINIMUM = (3, 11)
CORES_RECOMMENDED = 2
MEMORY_RECOMMENDED_GB = 4.0
MEMORY_FREE_GB = 1.5

CGROUP = Path("/sys/fs/cgroup")
PRETRAINED_DATA = Path(__file__).with_name("pretrained_data")
CHECKSUMS = "sha256.json"
TOKENIZER = "wordpiece"
SHIPPED = (TOKENIZER, "mini", "mini-causal", "mini-causal-short")
REINSTALL = "поставьте пакеты заново: удалите папку .venv и выполните make lab"


@dataclass(frozen=True)
class Check:
    """Одна строка самопроверки.

    status: ``"ok"``, ``"warning"`` (работать можно) или ``"failure"`` (что-то не заработает);
    advice: что делать, пусто, если делать ничего не нужно.
    """

    name: str
    value: str
    status: str = OK
    advice: str = ""


@dataclass(frozen=True)
class EnvironmentReport:
    """Итог самопроверки; в тетради показывается таблицей, в терминале — строками."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Нет ли ошибок (предупреждения ошибками не считаются)."""
        return all(check.status != FAILURE for check in self.checks)

    @property
    def summary(self) -> str:
        """Итог одной фразой."""
        failures = sum(check.status == FAILURE for check in self.checks)
        warnings = sum(check.status == WARNING for check in self.checks)
        if failures:
            return f"Ошибок: {failures}. Что с ними делать, сказано в строках со знаком ✗."
        if warnings:
            return f"Заниматься можно. Предупреждений: {warnings}."
        return "Всё в порядке, можно начинать."

    def as_dict(self) -> dict[str, object]:
        """Тот же итог для ``--json``."""
        return {"ok": self.ok, "checks": [asdict(check) for check in self.checks]}

    def __str__(self) -> str:
        width = max(len(check.name) for check in self.checks)
        lines = []
        for check in self.checks:
            lines.append(f"{MARKS[check.status]} {check.name:<{width}}  {check.value}")
            if check.advice:
                lines.append(f"  {'':<{width}}  → {check.advice}")
        return "\n".join([*lines, "", self.summary])

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>"
            f'<td style="text-align:center">{MARKS[check.status]}</td>'
            f'<td style="text-align:left">{html.escape(check.name)}</td>'
            f'<td style="text-align:left">{html.escape(check.value)}</td>'
            f'<td style="text-align:left">{html.escape(check.advice)}</td>'
            "</tr>"
            for check in self.checks
        )
        head = "<tr><th></th><th>Что</th><th>У вас</th><th>Что делать</th></tr>"
        return f"<table>{head}{rows}</table><p>{html.escape(self.summary)}</p>"


def check_environment() -> EnvironmentReport:
    """Проверяет Python, пакеты, процессор, память, виджеты и чекпойнты."""
    return EnvironmentReport(
        (
            check_python(),
            *check_packages(),
            check_cores(),
            check_memory(),
            check_widgets(),
            *check_checkpoints(),
        )
    )


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Достаточно ли новый Python."""
    text = ".".join(map(str, version))
    if tuple(version) < PYTHON_MINIMUM:
        return Check(
            "Python",
            text,
            FAILURE,
            "нужен Python 3.11 или новее: поставьте его и выполните make lab PYTHON=python3.12",
        )
    return Check("Python", f"{text} · окружение {Path(sys.prefix).name}")


def check_packages() -> Iterator[Check]:
    """Стоят ли зависимости курса и в тех ли границах их версии (границы — в pyproject.toml)."""
    from packaging.requirements import Requirement

    try:
        requirements = [Requirement(line) for line in metadata.requires("lecture-lib") or ()]
    except metadata.PackageNotFoundError:
        yield Check("lecture_lib", "пакет курса не установлен", FAILURE, REINSTALL)
        return
    for requirement in requirements:
        # Зависимости из extras курсу не обязательны: их метка без extra не выполняется.
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield _check_package(requirement)


def _check_package(requirement) -> Check:
    name, bounds = requirement.name, requirement.specifier
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Check(name, "не установлен", FAILURE, f"pip install '{requirement}' или {REINSTALL}")
    if not bounds.contains(version, prereleases=True):
        advice = f"курс проверен с {name}{bounds}; если что-то не заработает, {REINSTALL}"
        return Check(name, version, WARNING, advice)
    return Check(name, version)


def check_cores(cores: int | None = None) -> Check:
    """Сколько ядер процессора доступно этому процессу."""
    if cores is None:
        affinity = getattr(os, "sched_getaffinity", None)
        cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    value = f"{cores} · {platform.machine()}"
    if cores < CORES_RECOMMENDED:
        advice = "уроки рассчитаны на два ядра: всё пойдёт, но вдвое дольше"
        return Check("Ядра процессора", value, WARNING, advice)
    return Check("Ядра процессора", value)


def check_memory(total_gb: float | None = None, free_gb: float | None = None) -> Check:
    """Сколько оперативной памяти всего и свободно, в гигабайтах; видит и предел контейнера."""
    if total_gb is None or free_gb is None:
        total_gb, free_gb = _memory_gb()
    # Запятая в дробях — по-русски.
    value = f"{total_gb:.1f} ГБ, свободно {free_gb:.1f} ГБ".replace(".", ",")
    if free_gb < MEMORY_FREE_GB:
        advice = "закройте лишние программы и вкладки: уроку нужно полтора-два гигабайта"
        return Check("Память", value, WARNING, advice)
    if total_gb < MEMORY_RECOMMENDED_GB:
        advice = "держите открытым один урок: ядро каждого занимает до полутора гигабайт"
        return Check("Память", value, WARNING, advice)
    return Check("Память", value)


def _memory_gb() -> tuple[float, float]:
    import psutil

    memory = psutil.virtual_memory()
    total, free = memory.total, memory.available
    try:
        cap = int((CGROUP / "memory.max").read_text())
        total, free = min(total, cap), min(free, cap - _cgroup_used())
    except (OSError, ValueError):
        pass  # не контейнер, или предела нет: там стоит слово max
    return total / 2**30, free / 2**30


def _cgroup_used() -> int:
    """Занято в контейнере, в байтах, без кэша файлов: его система отдаст по первой просьбе."""
    stat = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
    return int((CGROUP / "memory.current").read_text()) - int(stat.get("inactive_file", 0))


def check_widgets(share: Path | None = None) -> Check:
    """Есть ли в JupyterLab этого окружения поддержка виджетов.

    share: папка ``share/jupyter`` (по умолчанию — этого окружения).
    """
    if "google.colab" in sys.modules:
        return Check("Виджеты", "Colab показывает их сам")
    share = share or Path(sys.prefix, "share", "jupyter")
    extension = share / "labextensions" / "@jupyter-widgets" / "jupyterlab-manager"
    if not (extension / "package.json").is_file():
        return Check(
            "Виджеты",
            "JupyterLab о них не знает",
            WARNING,
            "pip install --force-reinstall --no-deps jupyterlab_widgets и перезапустите "
            "JupyterLab; без виджетов уроки покажут картинки",
        )
    return Check("Виджеты", "подключены к JupyterLab")


def check_checkpoints(
    folder: Path = PRETRAINED_DATA, names: Sequence[str] = SHIPPED
) -> Iterator[Check]:
    """Целы ли токенизатор и чекпойнты пакета: сверяет их файлы с контрольными суммами.

    folder: папка, где они лежат; names: их подпапки, в каждой — свой ``sha256.json``.
    """
    for name in names:
        label = f"{'Токенизатор' if name == TOKENIZER else 'Чекпойнт'} {name}"
        advice = f"верните файлы из репозитория: git checkout -- {folder / name}"
        try:
            expected = json.loads((folder / name / CHECKSUMS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            yield Check(label, f"нет или испорчен {CHECKSUMS}", FAILURE, advice)
            continue
        bad = [
            file for file, digest in expected.items() if not _matches(folder / name / file, digest)
        ]
        if bad:
            yield Check(label, f"повреждён или потерян: {', '.join(bad)}", FAILURE, advice)
        else:
            yield Check(label, "цел")


def _matches(path: Path, digest: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest
