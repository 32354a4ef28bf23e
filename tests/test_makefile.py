"""Makefile: понятные отказы на неподходящем Python и быстрые повторы."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="нет make")


def make(*arguments, path=None):
    """Запускает make в папке курса."""
    # Переменные внешнего make test сюда не просачиваются.
    outer = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON", "VENV", "ARGS", "TORCH", "TORCH_INDEX"}
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    if path is not None:
        environment["PATH"] = path
    return subprocess.run(
        [shutil.which("make"), "-C", str(ROOT), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def script(path: Path, text: str) -> str:
    """Пишет исполняемый сценарий и возвращает его имя."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_old_python_is_explained(tmp_path):
    """Старый Python: сказано, что нужно, и окружение не создано."""
    old = script(tmp_path / "python3.9", "exit 1")
    run = make(f"VENV={tmp_path}/venv", f"PYTHON={old}", f"{tmp_path}/venv/bin/python")
    assert run.returncode != 0
    assert "Нужен Python 3.11 или новее" in run.stderr and old in run.stderr
    assert not (tmp_path / "venv").exists()


def test_missing_venv_is_explained(tmp_path):
    """Нет модуля venv (так бывает в Debian): сказано, какой пакет поставить."""
    bare = script(
        tmp_path / "python3.12",
        f'case "$2" in *ensurepip*) exit 1;; *) exec {sys.executable} "$@";; esac',
    )
    run = make(f"VENV={tmp_path}/venv", f"PYTHON={bare}", f"{tmp_path}/venv/bin/python")
    assert run.returncode != 0
    assert "нет модуля venv" in run.stderr and "-venv" in run.stderr


def test_half_made_venv_is_made_again(tmp_path):
    """venv упал на полпути (кончился диск): следующий вызов начинает его заново."""
    fails = script(
        tmp_path / "python3.12",
        f'case "$2" in venv) mkdir -p {tmp_path}/venv/bin; touch {tmp_path}/venv/bin/python; '
        f'exit 1;; *) exec {sys.executable} "$@";; esac',
    )
    run = make(f"VENV={tmp_path}/venv", f"PYTHON={fails}", f"{tmp_path}/venv/bin/python")
    assert run.returncode != 0
    assert not (tmp_path / "venv" / "bin" / "python").exists()


def test_broken_shims_are_skipped(tmp_path):
    """Имя в PATH, которое не запускается (pyenv), пропускается; берётся следующее годное."""
    script(tmp_path / "python3", "exit 127")
    script(tmp_path / "python3.13", "exit 127")
    script(tmp_path / "python3.12", f'exec {sys.executable} "$@"')
    path = f"{tmp_path}:/usr/bin:/bin"
    run = make(f"VENV={tmp_path}/venv", "-n", f"{tmp_path}/venv/bin/python", path=path)
    assert run.returncode == 0
    # Сам цикл исполняет sh: проверяем его на том, что печатает -n, подставив вместо venv выбор.
    probe = run.stdout.replace("-m venv --clear", "-c 'print(\"выбран\")' #")
    chosen = subprocess.run(
        ["sh", "-c", probe],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert chosen.stdout.splitlines()[-1] == "выбран", chosen.stderr


def test_second_call_installs_nothing(tmp_path):
    """Когда метки на месте, make только запускает команду."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    for stamp in (".ready-lab", ".ready-test"):
        (tmp_path / stamp).touch()
    for target in ("lab", "test"):
        run = make("-n", f"VENV={tmp_path}", target)
        assert f"lecture {target}" in run.stdout
        assert "pip" not in run.stdout


def test_changed_lists_install_again(tmp_path):
    """Если списки пакетов новее метки, пакеты ставятся снова."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    for stamp in (".ready-lab", ".ready-test"):
        (tmp_path / stamp).touch()
        os.utime(tmp_path / stamp, (0, 0))
    run = make("-n", f"VENV={tmp_path}", "test")
    assert "pip install" in run.stdout and "[dev]" in run.stdout
    assert "bubblewrap" in run.stdout and "chromium" in run.stdout


def test_help_lists_targets():
    """make без цели показывает, что он умеет."""
    run = make()
    assert {"make lab", "make test"} <= {
        " ".join(line.split()[:2]) for line in run.stdout.splitlines() if line.startswith("  ")
    }
