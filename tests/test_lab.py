"""JupyterLab курса: по-русски, без новостей и на ядре из этого же окружения."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

from lecture_lib import lab

DECOY = {"argv": ["/nonexistent/python", "-f", "{connection_file}"], "display_name": "Подсадное"}


@pytest.fixture
def decoy_home(tmp_path):
    """Домашняя папка, в которой всё мешает: чужое ядро «python3», чужие настройки и автозапуск."""
    kernel = tmp_path / ".local" / "share" / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps({**DECOY, "language": "python"}))
    settings = tmp_path / ".jupyter"
    settings.mkdir()
    (settings / "jupyter_server_config.py").write_text("raise SystemExit('чужие настройки')\n")
    startup = tmp_path / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("import os; os._exit(3)\n")
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))},
        "HOME": str(tmp_path),
        "JUPYTER_PATH": str(tmp_path / ".local" / "share" / "jupyter"),
    }


def lines_of(process):
    """Строки процесса по мере появления, но не дольше минуты."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (line := process.stdout.readline()):
        yield line


@pytest.fixture
def running_lab(decoy_home):
    """Запущенный ``lecture lab`` и адрес, который он напечатал."""
    command = [sys.executable, "-m", "lecture_lib.cli", "lab", "--no-browser"]
    process = subprocess.Popen(
        command, env=decoy_home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        printed = ""
        for line in lines_of(process):
            printed += line
            if found := re.search(r"(http://127\.0\.0\.1:\d+)/\S*\?token=(\w+)", line):
                yield found.groups()
                break
        else:
            pytest.fail(f"адрес не напечатан:\n{printed}")
    finally:
        process.terminate()
        process.wait(timeout=30)


def ask(server, path, data=None):
    """Ответ JupyterLab на запрос."""
    address, token = server
    request = urllib.request.Request(f"{address}/{path}", data=data)
    request.add_header("Authorization", f"token {token}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def default_of(server, plugin, setting):
    """Значение настройки JupyterLab по умолчанию."""
    answer = json.loads(ask(server, f"lab/api/settings/@jupyterlab/{plugin}"))
    return answer["schema"]["properties"][setting]["default"]


def test_lab_in_a_hostile_home(running_lab):
    """Чужое ядро и чужие настройки не мешают: интерфейс русский, новостей нет, ядро своё."""
    assert default_of(running_lab, "translation-extension:plugin", "locale") == "ru_RU"
    assert default_of(running_lab, "apputils-extension:notification", "fetchNews") == "false"
    assert '"news": {"disabled": true}' in ask(running_lab, "lab")
    assert "Файл" in str(json.loads(ask(running_lab, "lab/api/translations/ru_RU")))

    kernels = json.loads(ask(running_lab, "api/kernelspecs"))["kernelspecs"]
    assert list(kernels) == ["python3"]
    assert "ipykernel_launcher" in kernels["python3"]["spec"]["argv"]
    contents = json.loads(ask(running_lab, "api/contents/"))["content"]
    assert "lessons" in {entry["name"] for entry in contents}


def test_kernel_starts_from_this_environment(decoy_home):
    """Ядро «python3» в окружении курса — это Python, который его запустил."""
    code = (
        "from jupyter_client.manager import start_new_kernel\n"
        "manager, client = start_new_kernel(kernel_name='python3')\n"
        "client.execute_interactive('import sys; print(sys.executable)', timeout=30)\n"
        "manager.shutdown_kernel(now=True)\n"
    )
    environment = lab.lab_environment(decoy_home)
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert run.stdout.split() == [sys.executable], run.stderr


def test_connection_to_the_kernel_is_not_cut():
    """Jupyter рвёт связь, если ждёт ответа не дольше, чем молчит сам; наши настройки не таковы."""
    from jupyter_server.base.websocket import WebSocketMixin

    config = json.loads((lab.SETTINGS / "jupyter_lab_config.json").read_text(encoding="utf-8"))
    handler = SimpleNamespace(settings=config["ServerApp"]["tornado_settings"])
    handler.ping_interval = WebSocketMixin.ping_interval.fget(handler)
    timeout = WebSocketMixin.ping_timeout.fget(handler)
    assert handler.ping_interval == 0 or timeout > handler.ping_interval


def test_own_settings_folder(tmp_path):
    """Папку настроек можно назвать: туда идут и настройки, и рабочие столы, и история."""
    made = lab.lab_environment({"HOME": "/home/student"}, tmp_path)
    own = ("CONFIG_DIR", "DATA_DIR")
    assert all(made[f"JUPYTER_{name}"].startswith(str(tmp_path)) for name in own)
    assert made["JUPYTERLAB_WORKSPACES_DIR"].startswith(str(tmp_path))
    assert made["IPYTHONDIR"].startswith(str(tmp_path))


def test_page_and_settings_can_be_given(tmp_path):
    """Показ открывает свою страницу и ставит свои настройки впереди настроек курса."""
    asked = lab.lab_arguments(tmp_path, {}, "t", page="/lab/tree/runs/demo/01.ipynb")
    assert "--LabApp.default_url=/lab/tree/runs/demo/01.ipynb" in asked
    made = lab.lab_environment({}, settings=(tmp_path, lab.SETTINGS))
    assert made["JUPYTER_CONFIG_PATH"].split(os.pathsep) == [str(tmp_path), str(lab.SETTINGS)]


def test_environment_keeps_the_caller_untouched():
    """Исходные переменные не меняются, чужие пути остаются, но позже своих."""
    base = {"JUPYTER_PATH": "/opt/other", "HOME": "/home/student"}
    made = lab.lab_environment(base)
    assert base == {"JUPYTER_PATH": "/opt/other", "HOME": "/home/student"}
    assert made["JUPYTER_PATH"].split(os.pathsep)[-1] == "/opt/other"
    assert made["JUPYTER_PATH"].startswith(sys.prefix)
    assert lab.lab_environment(made) == made


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="там экран есть всегда")
@pytest.mark.parametrize(
    ("variables", "expected"),
    [({}, False), ({"DISPLAY": ":0"}, True), ({"WAYLAND_DISPLAY": "wayland-0"}, True)],
)
def test_browser_needs_a_display(variables, expected, tmp_path):
    """Без экрана браузер не открывается."""
    assert lab.has_display(variables) is expected
    assert ("--no-browser" in lab.lab_arguments(tmp_path, variables, "t")) is not expected


@pytest.mark.parametrize(("user", "expected"), [(0, True), (1000, False)])
def test_allow_root_only_for_root(monkeypatch, tmp_path, user, expected):
    """Ключ --allow-root появляется только у root."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert ("--allow-root" in lab.lab_arguments(tmp_path, {}, "t")) is expected


def test_first_start_opens_lesson_zero(tmp_path):
    """В первый раз открывается урок 00, потом — прежний рабочий стол."""
    lessons = tmp_path / "lessons"
    lessons.mkdir()
    environment = {"JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces")}
    assert lab.start_page(tmp_path, environment) == "/lab/tree/lessons"
    (lessons / lab.FIRST_LESSON).touch()
    assert lab.start_page(tmp_path, environment).endswith("/00_start.ipynb")
    (tmp_path / "workspaces").mkdir()
    (tmp_path / "workspaces" / "default-37a8.jupyterlab-workspace").touch()
    assert lab.start_page(tmp_path, environment) == "/lab/tree/lessons"


def test_broken_notebook_does_not_stop_the_course(monkeypatch, tmp_path):
    """Пустой файл и след слияния git: остальные тетради всё равно подписаны."""
    from nbformat.sign import NotebookNotary
    from nbformat.v4 import new_notebook, writes

    (tmp_path / "lessons").mkdir()
    broken = {"00_a.ipynb": "", "01_b.ipynb": "<<<<<<< HEAD\n{}", "02_c.ipynb": "[]"}
    for name, text in {**broken, "03_d.ipynb": writes(new_notebook())}.items():
        (tmp_path / "lessons" / name).write_text(text)
    signed = []
    monkeypatch.setattr(NotebookNotary, "sign", lambda self, notebook: signed.append(notebook))
    lab.trust_lessons(tmp_path)
    assert len(signed) == 1


def test_course_root_is_found_or_explained(tmp_path, monkeypatch):
    """Папка курса находится и снизу, а если её нет — сказано, что делать."""
    monkeypatch.setattr(lab, "__file__", str(tmp_path / "site-packages" / "lecture_lib" / "lab.py"))
    with pytest.raises(FileNotFoundError, match="перейдите в папку курса"):
        lab.find_course_root(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    deep = tmp_path / "lessons" / "figures"
    deep.mkdir(parents=True)
    assert lab.find_course_root(deep) == Path(tmp_path).resolve()
