"""Настоящий браузер для tests/test_browser.py: JupyterLab курса, Chromium и взгляд в ядро.

Лаборатория поднимается той же функцией, что и у студента (lab.run_lab), но на копии уроков и со
своими папками настроек. Браузеру не открыт ни один адрес, кроме этой машины, а всё, что он
попробовал открыть, записано. Ждут здесь состояния, а не времени: на занятой машине оно наступит
позже.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
SHOTS = Path(__file__).with_name("screenshots")
SIZES = ((1280, 720), (1920, 1080))  # проектор и экран

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-proxy-server",
    # Стена на весь браузер, а не на одну страницу: чужие имена и адреса не находятся.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
# axe-core 4.14.1 из npm (MPL-2.0): проверка доступности, исполняется прямо на странице.
AXE = Path(__file__).with_name("axe") / "axe.min.js"
SERIOUS = ("serious", "critical")
PATIENCE = 300.0  # секунд ждать состояния; свободной машине хватает пяти
RUN_PATIENCE = 1500.0  # секунд ждать конца урока

SERVE = """
import sys
from pathlib import Path
from lecture_lib.lab import run_lab
run_lab(browser=False, root=Path(sys.argv[1]), home=Path(sys.argv[2]))
"""


def missing() -> str:
    """Чего не хватает, чтобы открыть браузер; пусто — всё есть."""
    if importlib.util.find_spec("playwright") is None:
        return "нет пакета playwright (pip install -e '.[dev]' -c constraints.txt)"
    if not CHROMIUM.exists():
        return f"нет браузера {CHROMIUM} (Debian, Ubuntu: sudo apt install chromium)"
    return ""


def is_required() -> bool:
    """Обязан ли браузер быть: BROWSER_TESTS=required превращает пропуск в провал."""
    return os.environ.get("BROWSER_TESTS", "") == "required"


def wait_until(is_true: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Ждёт, пока условие не станет верным; AssertionError — не дождались."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"за {seconds:.0f} с не дождались: {what}"
        time.sleep(0.1)


def is_outside(address: str) -> bool:
    """Ведёт ли адрес из этой машины."""
    parts = urlsplit(address)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1"


@dataclass(frozen=True)
class Lab:
    """Запущенная Лаборатория: адрес, ключ доступа, папка курса, папка настроек и журнал."""

    address: str
    token: str
    root: Path
    home: Path
    log: Path

    def url(self, path: str, workspace: str) -> str:
        """Адрес файла на чистом рабочем столе."""
        place = f"{self.address}/lab/workspaces/{workspace}/tree/{path}"
        return f"{place}?reset&token={self.token}"

    def kernel(self, path: str) -> Kernel:
        """Ядро открытой тетради; ждёт, пока Лаборатория его заведёт."""
        wait_until(lambda: self._kernels(path), f"ядро тетради {path}")
        runtime = self.home / "data" / "runtime"
        return Kernel(runtime / f"kernel-{self._kernels(path)[0]}.json")

    def _kernels(self, path: str) -> list[str]:
        sessions = json.loads(self._ask("api/sessions"))
        return [s["kernel"]["id"] for s in sessions if s["path"] == path]

    def _ask(self, path: str) -> bytes:
        request = urllib.request.Request(f"{self.address}/{path}")
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()


@contextlib.contextmanager
def running_lab(scratch: Path) -> Iterator[Lab]:
    """JupyterLab на копии уроков."""
    shutil.copytree(ROOT / "lessons", scratch / "course" / "lessons")
    with running_server(scratch, SERVE) as lab:
        yield lab


@contextlib.contextmanager
def running_server(scratch: Path, script: str, *arguments: str) -> Iterator[Lab]:
    """Сервер на папке scratch/course; в конце останавливается вместе с ядрами."""
    course, home, log = scratch / "course", scratch / "home", scratch / "lab.log"
    home.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(course), str(home), *arguments],
            cwd=scratch,
            env={**environment, "HOME": str(home)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        address, token = printed_address(process, log)
        yield Lab(address, token, course, home, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def running_browser() -> Iterator[object]:
    """Окно Chromium размером с проектор, в интерфейсе которого русский язык."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        width, height = SIZES[0]
        yield browser.new_context(viewport={"width": width, "height": height}, locale="ru-RU")
        browser.close()


def printed_address(process: subprocess.Popen, log: Path) -> tuple[str, str]:
    """Адрес и ключ доступа, которые напечатала Лаборатория."""
    found: list[re.Match[str]] = []

    def is_printed() -> bool:
        text = log.read_text(encoding="utf-8")
        assert process.poll() is None, f"Лаборатория не запустилась:\n{text}"
        found[:] = re.finditer(r"(http://127\.0\.0\.1:\d+)/\S*\?token=(\w+)\s", text)
        return bool(found)

    wait_until(is_printed, f"адрес Лаборатории в {log}")
    return found[0].group(1), found[0].group(2)


class Kernel:
    """Ядро тетради со стороны: слышит, как исполняются ячейки, и читает значения."""

    def __init__(self, connection_file: Path) -> None:
        from jupyter_client import BlockingKernelClient

        self.client = BlockingKernelClient()
        self.client.load_connection_file(str(connection_file))
        self.client.start_channels()
        self._wait_for_ready()

    def close(self) -> None:
        """Отсоединяется; ядро живёт дальше."""
        self.client.stop_channels()

    def value(self, expression: str) -> object:
        """Значение выражения в ядре: число, строка, список — всё, что читается из repr."""
        reply = self.client.execute(
            "", silent=True, user_expressions={"value": expression}, reply=True, timeout=PATIENCE
        )
        answer = reply["content"]["user_expressions"]["value"]
        assert answer["status"] == "ok", f"{expression}: {answer.get('evalue')}"
        return ast.literal_eval(answer["data"]["text/plain"])

    def follow(self, cells: int) -> list[str]:
        """Слушает, пока чужими руками не исполнятся столько ячеек; возвращает ошибки."""
        started: set[str] = set()
        finished: set[str] = set()
        errors: list[str] = []
        deadline = time.monotonic() + RUN_PATIENCE
        while len(finished) < cells and not errors:
            assert time.monotonic() < deadline, f"исполнено ячеек: {len(finished)} из {cells}"
            message = self._heard()
            if message is None or message["parent_header"].get("session") == self._own:
                continue
            parent, content = message["parent_header"].get("msg_id"), message["content"]
            if message["msg_type"] == "execute_input":
                started.add(parent)
            elif message["msg_type"] == "error":
                errors.append(f"{content['ename']}: {content['evalue']}")
            elif content.get("execution_state") == "idle" and parent in started:
                finished.add(parent)
        return errors

    def _wait_for_ready(self) -> None:
        """Ждёт ответа ядра. Клиент хоронит его за секунду молчания, а оно лишь загружается."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.client.wait_for_ready(timeout=PATIENCE)
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise

    @property
    def _own(self) -> str:
        return self.client.session.session

    def _heard(self) -> dict | None:
        from queue import Empty

        try:
            return self.client.get_iopub_msg(timeout=1)
        except Empty:
            return None


@dataclass
class Traffic:
    """Что попробовала открыть страница: чужие адреса, оборванные связи, ошибки скриптов."""

    outside: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def listen(self, page) -> None:
        """Начинает записывать."""
        page.on("request", lambda request: self._note(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("websocket", self._on_websocket)

    def _note(self, address: str) -> None:
        if is_outside(address):
            self.outside.append(address)

    def _on_websocket(self, socket) -> None:
        self._note(socket.url)
        socket.on("close", lambda closed: self.dropped.append(closed.url))


def notebook_cells(path: Path) -> list[str]:
    """Тексты непустых ячеек с кодом."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return [text for text in texts if text.strip()]


def widget_cells(path: Path) -> list[str]:
    """Ячейки, которые показывают виджет: он в последней строке или отдан `display`."""
    return [text for text in notebook_cells(path) if _shows_widget(text)]


def _shows_widget(text: str) -> bool:
    if "display(" in text:
        return True
    return "from lecture_lib.widgets" in text and isinstance(ast.parse(text).body[-1], ast.Expr)


class OpenLesson:
    """Урок, открытый в браузере: страница, ядро и то, что на странице происходило."""

    def __init__(self, lab: Lab, context, name: str) -> None:
        self.name, self.path = name, f"lessons/{name}.ipynb"
        self.source = lab.root / self.path
        self.traffic = Traffic()
        self.page = context.new_page()
        self.traffic.listen(self.page)
        open_lab(self.page, lab.url(self.path, name))
        self.kernel = lab.kernel(self.path)

    def run_all(self) -> list[str]:
        """«Выполнить → Выполнить все ячейки»; возвращает ошибки, когда урок дошёл до конца."""
        cells = notebook_cells(self.source)
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        self.page.locator(".lm-MenuBar-item").filter(has_text="Выполнить").click()
        self.page.locator("[data-command='runmenu:run-all']").click()
        errors = self.kernel.follow(len(cells))
        if not errors:
            running = self.page.locator(".jp-CodeCell .jp-InputPrompt", has_text="*")
            wait_until(lambda: running.count() == 0, "номера у всех ячеек")
        return errors

    def widget(self, name: str) -> WidgetOnScreen:
        """Виджет урока по имени класса."""
        cell = self.page.locator(".jp-CodeCell").filter(has_text=f"import {name}").first
        cell.scroll_into_view_if_needed()
        return WidgetOnScreen(self, name, cell.locator(".jp-OutputArea").first)

    def close(self) -> None:
        """Закрывает страницу; ядро остановит Лаборатория."""
        self.kernel.close()
        self.page.close()


@dataclass(frozen=True)
class WidgetOnScreen:
    """Виджет с обеих сторон: view — что на странице, value(…) — что в ядре."""

    lesson: OpenLesson
    name: str
    view: object

    def value(self, attribute: str) -> object:
        """Поле виджета в ядре, например «stop»."""
        return self.lesson.kernel.value(f"{self._object}.{attribute}")

    def picture(self) -> str:
        """Контрольная сумма рисунка, который сейчас на экране; пусто — рисунка нет."""
        image = self.view.locator("img.widget-image")
        if not image.is_visible():
            return ""
        return image.evaluate(
            """async image => {
                const bytes = await (await fetch(image.src)).arrayBuffer();
                const sum = await crypto.subtle.digest('SHA-256', bytes);
                return [...new Uint8Array(sum)]
                    .map(byte => byte.toString(16).padStart(2, '0')).join('');
            }"""
        )

    def kernel_picture(self) -> str:
        """Контрольная сумма рисунка, который послало ядро."""
        sent = f"{self._object}._image.value"
        return self.lesson.kernel.value(f"__import__('hashlib').sha256({sent}).hexdigest()")

    def wait_for_picture(self, before: str) -> None:
        """Ждёт на экране нового рисунка — того самого, который послало ядро."""
        wait_until(lambda: self.picture() not in ("", before), f"{self.name}: новый рисунок")
        wait_until(lambda: self.picture() == self.kernel_picture(), f"{self.name}: рисунок ядра")

    def drawing(self, label: str) -> str:
        """Контрольная сумма холста с такой подписью."""
        canvas = self.view.get_by_role("application", name=label)
        return hashlib.sha256(canvas.evaluate("c => c.toDataURL()").encode()).hexdigest()

    def said(self) -> str:
        """Последняя фраза, сказанная тем, кто виджета не видит."""
        return self.view.locator("[aria-live]").inner_text()

    def dom_nodes(self) -> int:
        """Сколько узлов страницы занимает виджет."""
        return self.view.locator("*").count()

    def barriers(self) -> list[str]:
        """Серьёзные препятствия доступности, которые находит axe: правило и узел."""
        page = self.lesson.page
        if not page.evaluate("Boolean(globalThis.axe)"):
            page.evaluate(f"() => {{ {AXE.read_text(encoding='utf-8')} }}")
        found = self.view.evaluate("async node => (await axe.run(node)).violations")
        return [
            f"{rule['id']}: {node['target']} {node['failureSummary']}"
            for rule in found
            if rule["impact"] in SERIOUS
            for node in rule["nodes"]
        ]

    def shoot(self, name: str) -> None:
        """Снимает страницу с виджетом в обоих размерах."""
        for width, height in SIZES:
            self.lesson.page.set_viewport_size({"width": width, "height": height})
            self.view.scroll_into_view_if_needed()
            shoot(self.lesson.page, f"{name}_{width}")

    @property
    def _object(self) -> str:
        return f"next(w for w in Out.values() if type(w).__name__ == {self.name!r})"


def open_lab(page, address: str) -> None:
    """Открывает Лабораторию и ждёт, пока она построит страницу."""
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(address, wait_until="commit")
    page.wait_for_selector(".lm-MenuBar-item")
    page.wait_for_selector("#jupyterlab-splash", state="detached")


def shoot(page, name: str) -> None:
    """Сохраняет снимок страницы в папку, которой нет в git."""
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")
