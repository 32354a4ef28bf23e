"""JupyterLab для курса: по-русски, без лишних вопросов и на ядре из того же окружения.

Настройки и ядра, которые уже есть у человека на машине, курсу мешают чаще, чем помогают:
ядро «python3», поставленное когда-то из другого окружения, перехватывает тетрадь, и
``import lecture_lib`` падает. Поэтому JupyterLab запускается со своей папкой настроек внутри
окружения, а ядра ищет сначала у себя.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

SETTINGS = Path(__file__).with_name("lab_settings")
FIRST_LESSON = "00_start.ipynb"


def find_course_root(start: Path | None = None) -> Path:
    """Находит папку курса — ту, в которой лежит ``lessons/``.

    Смотрит рядом с пакетом (так он стоит после ``make lab``), потом в ``start`` (по умолчанию
    в текущей папке) и выше. Если уроков нет нигде, бросает ``FileNotFoundError``.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (Path(__file__).resolve().parent.parent, here, *here.parents):
        if (folder / "lessons").is_dir() and (folder / "pyproject.toml").is_file():
            return folder
    raise FileNotFoundError(
        f"не нашлась папка lessons с уроками: её нет ни рядом с пакетом, ни в {here}, ни выше; "
        "перейдите в папку курса и повторите команду"
    )


def lab_environment(
    base: Mapping[str, str], home: Path | None = None, settings: Sequence[Path] = (SETTINGS,)
) -> dict[str, str]:
    """Переменные окружения, с которыми JupyterLab видит ядра и настройки курса первыми.

    ``base`` — исходные переменные (обычно ``os.environ``); они не меняются. ``home`` — папка
    настроек, рабочих столов и истории (обычно — внутри окружения). ``settings`` — папки настроек
    курса, старшая первой.
    """
    prefix = Path(sys.prefix)
    own = {
        # Ядро «python3» отсюда заслоняет одноимённые из ~/.local/share/jupyter и из системы.
        "JUPYTER_PATH": [str(prefix / "share" / "jupyter")],
        "JUPYTER_CONFIG_PATH": list(map(str, settings)),
    }
    environment = dict(base)
    for name, paths in own.items():
        others = [p for p in environment.get(name, "").split(os.pathsep) if p and p not in paths]
        environment[name] = os.pathsep.join([*paths, *others])
    environment["JUPYTER_PREFER_ENV_PATH"] = "1"
    if home is None and os.access(prefix, os.W_OK):
        # Настройки, рабочие столы и история — внутри окружения: чужая тема, пароль или
        # автозапуск из домашней папки не меняют курс, а курс не меняет их.
        home = prefix / "etc" / "lecture"
    if home is not None:
        environment["JUPYTER_CONFIG_DIR"] = str(home / "jupyter")
        environment["JUPYTERLAB_SETTINGS_DIR"] = str(home / "jupyter" / "lab" / "user-settings")
        environment["JUPYTERLAB_WORKSPACES_DIR"] = str(home / "jupyter" / "lab" / "workspaces")
        environment["JUPYTER_DATA_DIR"] = str(home / "data")
        environment["IPYTHONDIR"] = str(home / "ipython")
    return environment


def has_display(environment: Mapping[str, str]) -> bool:
    """Есть ли экран, на котором откроется браузер."""
    if sys.platform in ("darwin", "win32") or "WSL_DISTRO_NAME" in environment:
        return not environment.get("SSH_CONNECTION")
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def lab_arguments(
    root: Path,
    environment: Mapping[str, str],
    token: str,
    *,
    ip: str | None = None,
    port: int | None = None,
    browser: bool | None = None,
    page: str | None = None,
) -> list[str]:
    """Собирает ключи, с которыми запускается JupyterLab.

    root: папка курса; environment: переменные из :func:`lab_environment`; token: ключ
    доступа; browser: открывать ли браузер (``None`` — открывать, если есть экран); page: что
    открыть (``None`` — решает :func:`start_page`).
    """
    arguments = [
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url={page or start_page(root, environment)}",
        f"--IdentityProvider.token={token}",
        "--Application.log_level=WARN",
    ]
    if ip is not None:
        arguments.append(f"--ServerApp.ip={ip}")
    if port is not None:
        arguments.append(f"--ServerApp.port={port}")
    if not (has_display(environment) if browser is None else browser):
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")
    return arguments


def start_page(root: Path, environment: Mapping[str, str]) -> str:
    """Что открыть: в первый раз — нулевой урок, потом — папку уроков и прежние вкладки."""
    workspaces = Path(environment.get("JUPYTERLAB_WORKSPACES_DIR", ""), "")
    been_here = workspaces.is_dir() and any(workspaces.glob("*.jupyterlab-workspace"))
    if not been_here and (root / "lessons" / FIRST_LESSON).is_file():
        return f"/lab/tree/lessons/{FIRST_LESSON}"
    return "/lab/tree/lessons"


def trust_lessons(root: Path) -> None:
    """Подписывает тетради курса, чтобы JupyterLab показал их сохранённые виджеты и рисунки."""
    import nbformat
    from nbformat.sign import NotebookNotary

    notary = NotebookNotary()
    for path in sorted((root / "lessons").glob("*.ipynb")):
        # Одна испорченная тетрадь не должна закрыть человеку остальные.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            notary.sign(nbformat.read(path, as_version=4))
    notary.store.close()


def run_lab(
    *,
    ip: str | None = None,
    port: int | None = None,
    browser: bool | None = None,
    root: Path | None = None,
    home: Path | None = None,
) -> None:
    """Открывает JupyterLab на уроках и возвращается, когда его остановят.

    ``root`` — папка курса (обычно находится сама), ``home`` — папка настроек из
    :func:`lab_environment`; остальное — как у :func:`lab_arguments`.
    """
    root = root or find_course_root()
    os.environ.update(lab_environment(os.environ, home))
    token = new_token()
    arguments = lab_arguments(root, os.environ, token, ip=ip, port=port, browser=browser)
    trust_lessons(root)
    serve(arguments, token, print_address)


def new_token() -> str:
    """Ключ доступа. Заводим его сами: Jupyter печатает свой по-английски и четыре раза."""
    return secrets.token_hex(24)


def serve(arguments: Sequence[str], token: str, greet: Callable[[str], None]) -> None:
    """Запускает JupyterLab и ждёт; greet получает адрес, когда он уже отвечает.

    Звать после ``os.environ.update(lab_environment(…))``: пути Jupyter запоминает при импорте.
    """
    from jupyterlab.labapp import LabApp

    server = LabApp.initialize_server(argv=list(arguments))
    address = server.local_url.partition("?")[0] + f"?token={token}"
    # В очередь за открытием порта: напечатанный адрес уже отвечает.
    server.io_loop.add_callback(greet, address)
    server.start()


def print_address(address: str) -> None:
    """Говорит, куда идти и как остановить."""
    print(
        f"\nJupyterLab запущен. Уроки — в папке lessons, начните с {FIRST_LESSON}.\n"
        f"Адрес для браузера: {address}\n"
        "Остановить: Ctrl+C в этом окне.\n",
        flush=True,
    )
