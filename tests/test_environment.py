"""Самопроверка окружения: каждый отказ виден и снабжён советом."""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace

import psutil
import pytest

from lecture_lib import environment as env


def test_healthy_environment_has_no_failures():
    """На машине, где идут тесты, пакеты и виджеты на месте."""
    checks = [*env.check_packages(), env.check_python(), env.check_widgets()]
    assert [check for check in checks if check.status == env.FAILURE] == []
    assert {"torch", "transformers", "ipywidgets"} <= {check.name for check in checks}
    assert "pytest" not in {check.name for check in checks}


def test_old_python_is_refused():
    """Python 3.10 — ошибка с советом, 3.11 — нет."""
    assert env.check_python((3, 10, 14)).status == env.FAILURE
    assert "make lab PYTHON=" in env.check_python((3, 10, 14)).advice
    assert env.check_python((3, 11, 0)).status == env.OK


@pytest.mark.parametrize(
    ("installed", "status"),
    [("5.3.0", env.OK), ("4.57.1", env.WARNING), ("6.0.0", env.WARNING), (None, env.FAILURE)],
)
def test_package_versions(monkeypatch, installed, status):
    """Не та версия — предупреждение, нет пакета — ошибка."""

    def version(name):
        if installed is None:
            raise env.metadata.PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(env.metadata, "requires", lambda name: ["transformers>=5,<6"])
    monkeypatch.setattr(env.metadata, "version", version)
    (check,) = env.check_packages()
    assert check.status == status
    assert bool(check.advice) is (status != env.OK)


def test_package_itself_is_missing(monkeypatch):
    """Если сам пакет курса не установлен, это одна понятная ошибка."""

    def requires(name):
        raise env.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(env.metadata, "requires", requires)
    (check,) = env.check_packages()
    assert check.status == env.FAILURE and "make lab" in check.advice


@pytest.mark.parametrize(
    ("total", "free", "status"),
    [(16.0, 8.0, env.OK), (3.0, 2.5, env.WARNING), (16.0, 0.5, env.WARNING)],
)
def test_memory(total, free, status):
    """О малой и о занятой памяти предупреждают."""
    check = env.check_memory(total, free)
    assert check.status == status
    assert f"{total:.1f}".replace(".", ",") in check.value


def test_container_memory_does_not_count_the_file_cache(monkeypatch, tmp_path):
    """После установки пакетов кэш файлов велик, но это не занятая память."""
    gigabyte = 2**30
    (tmp_path / "memory.max").write_text(f"{4 * gigabyte}\n")
    (tmp_path / "memory.current").write_text(f"{int(3.5 * gigabyte)}\n")
    (tmp_path / "memory.stat").write_text(f"anon {gigabyte // 2}\ninactive_file {3 * gigabyte}\n")
    machine = SimpleNamespace(total=16 * gigabyte, available=12 * gigabyte)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: machine)
    monkeypatch.setattr(env, "CGROUP", tmp_path)
    check = env.check_memory()
    assert check.status == env.OK and "свободно 3,5" in check.value
    (tmp_path / "memory.max").write_text("max\n")
    assert "16,0 ГБ, свободно 12,0" in env.check_memory().value


def test_cores():
    """Одно ядро — предупреждение."""
    assert env.check_cores(1).status == env.WARNING
    assert env.check_cores(2).status == env.OK


def test_missing_widgets(tmp_path):
    """JupyterLab без расширения виджетов замечен."""
    assert env.check_widgets(tmp_path).status == env.WARNING


@pytest.fixture
def checkpoint(tmp_path):
    """Папка с чекпойнтом из двух файлов и их контрольными суммами."""
    folder = tmp_path / "mini"
    folder.mkdir()
    sums = {}
    for name, content in {"config.json": b"{}", "model.safetensors": b"weights"}.items():
        (folder / name).write_bytes(content)
        sums[name] = hashlib.sha256(content).hexdigest()
    (folder / env.CHECKSUMS).write_text(json.dumps(sums))
    return folder


def test_whole_checkpoint(checkpoint):
    """Целый чекпойнт признан целым."""
    (check,) = env.check_checkpoints(checkpoint.parent, ["mini"])
    assert (check.name, check.status) == ("Чекпойнт mini", env.OK)


@pytest.mark.parametrize("harm", ["truncate", "delete"])
def test_damaged_checkpoint(checkpoint, harm):
    """Укороченный и потерянный файлы названы по имени."""
    weights = checkpoint / "model.safetensors"
    weights.write_bytes(b"weight") if harm == "truncate" else weights.unlink()
    (check,) = env.check_checkpoints(checkpoint.parent, ["mini"])
    assert check.status == env.FAILURE
    assert "model.safetensors" in check.value and "config.json" not in check.value


def test_no_checkpoints(tmp_path):
    """Если ничего нет вовсе, ошибкой названо каждое недостающее, а не тишина."""
    checks = list(env.check_checkpoints(tmp_path))
    assert [check.status for check in checks] == [env.FAILURE] * 4
    names = ["wordpiece", "mini", "mini-causal", "mini-causal-short"]
    assert [check.name.split()[-1] for check in checks] == names


def test_spoilt_checksums(checkpoint):
    """Испорченный список сумм — ошибка, а не исключение."""
    (checkpoint / env.CHECKSUMS).write_text("{")
    (check,) = env.check_checkpoints(checkpoint.parent, ["mini"])
    assert check.status == env.FAILURE


def test_report_reads_in_terminal_notebook_and_json():
    """Один и тот же отчёт читается строками, таблицей и объектом JSON."""
    checks = (env.Check("Python", "3.12"), env.Check("torch", "<нет>", env.FAILURE, "поставьте"))
    report = env.EnvironmentReport(checks)
    assert not report.ok
    assert "✗ torch" in str(report) and "→ поставьте" in str(report)
    assert "&lt;нет&gt;" in report._repr_html_()
    assert json.loads(json.dumps(report.as_dict()))["checks"][1]["status"] == "failure"
    assert env.EnvironmentReport(checks[:1]).summary.startswith("Всё в порядке")
