"""Сеть в тестах закрыта: здесь, в дочерних процессах и в ядрах уроков. Своя машина доступна."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from lecture_lib.network import hub_is_reachable

# Адреса из блоков, отведённых под примеры: за ними никого нет.
FOREIGN = ["192.0.2.1", "2001:db8::1"]
PROBE = (
    "import socket, sys\n"
    "try:\n"
    "    socket.create_connection(('192.0.2.1', 80), timeout=2)\n"
    "except OSError as error:\n"
    "    print(error)\n"
    "print(sys.executable)\n"
)


@pytest.mark.parametrize("host", FOREIGN)
def test_connect_is_refused(host):
    """connect и connect_ex отказывают сразу и так же, как машина без сети."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as client:
        with pytest.raises(OSError, match="сеть в тестах закрыта") as caught:
            client.connect((host, 80))
        assert caught.value.errno == errno.ENETUNREACH
        assert client.connect_ex((host, 80)) == errno.ENETUNREACH
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        with pytest.raises(OSError, match="сеть в тестах закрыта"):
            client.sendto(b"", (host, 53))


def test_names_do_not_resolve():
    """Имена чужих машин не находятся, и urllib видит обычную ошибку сети."""
    with pytest.raises(socket.gaierror, match="сеть в тестах закрыта"):
        socket.getaddrinfo("example.org", 443)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen("http://example.org", timeout=2)


def test_localhost_works():
    """Соединение с этой же машиной открыто: на нём держатся ядра Jupyter."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("localhost", port), timeout=2) as connection:
            assert connection.getpeername()[1] == port


def test_child_process_is_blocked():
    """Дочерний Python закрывает сеть при старте."""
    run = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert "сеть в тестах закрыта" in run.stdout


def test_lesson_kernel_is_blocked_and_ours():
    """Ядро, на котором nbval исполняет уроки, без сети и из этого же окружения."""
    from nbval.kernel import CURRENT_ENV_KERNEL_NAME, RunningKernel

    kernel = RunningKernel(CURRENT_ENV_KERNEL_NAME)
    try:
        request, text = kernel.execute_cell_input(PROBE, allow_stdin=False), ""
        while not text.endswith(f"{sys.executable}\n"):
            message = kernel.get_message("iopub", timeout=30)
            if message["parent_header"].get("msg_id") == request:
                text += message["content"].get("text", "")
        assert "сеть в тестах закрыта" in text
    finally:
        kernel.stop()


SLOW_NAMES = (
    "import socket, time\n"
    "socket.getaddrinfo = lambda *_, **__: time.sleep(30)\n"
    "from lecture_lib.network import hub_is_reachable\n"
    "print(hub_is_reachable(timeout=0.2))\n"
)


def test_slow_name_lookup_does_not_hold_the_exit():
    """Имя ищется полминуты: ответ «сети нет» приходит сразу, и сразу кончается программа."""
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    start = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-c", SLOW_NAMES], env=environment, capture_output=True, text=True
    )
    assert run.stdout.strip() == "False", run.stderr
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize("form", ["http://127.0.0.1:{}", "127.0.0.1:{}"])
def test_hub_is_sought_through_the_proxy(monkeypatch, form):
    """Посредник записан со схемой и без неё: спрашивают его, и закрытый порт — это «нет»."""
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("https_proxy", form.format(port))
        assert hub_is_reachable()
    start = time.perf_counter()
    assert not hub_is_reachable()
    assert time.perf_counter() - start < 2
