"""Песочница: чужая тетрадь исполняется в отдельном процессе, которому почти ничего не видно.

В Linux её строит bubblewrap: свои пространства имён, пустое окружение, домашняя папка в памяти,
файлы курса — только для чтения и без проверок, сети нет. Где bubblewrap нет, остаются пределы
и отдельная группа процессов; чем это слабее, говорит Isolation.warning.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent
# Всё, что из проверок видно внутри: входы и выходы. Эталонов, мутантов и банка там нет.
OPEN_FILES = ("runner.py", "stand_in.py", "facts.py", "failures.py", "wire.py", "given.py")
HOME = "/home/student"
STUDENT_UIDS = range(61184, 65520)  # этими номерами системы людей не называют
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives")
SYSTEM += ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime")
INHERITED = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
)  # без них numpy на иных машинах считает неверно
MEGABYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """Пределы одной песочницы.

    Секунды ячейки и вызова — процессорные, чтобы соседи по машине не отнимали их у студента;
    настоящих может пройти в patience раз больше (так кончаются те, кто спит, а не считает).
    """

    cell_seconds: float = 60.0
    call_seconds: float = 20.0
    patience: float = 4.0
    total_seconds: float = 600.0  # настоящих: на всю работу студента со всеми повторами
    cpu_seconds: int = 240  # на каждый процесс
    memory: int = 4096 * MEGABYTE  # адресов у каждого процесса; столько же памяти у всех вместе
    file_size: int = 64 * MEGABYTE
    scratch: int = 128 * MEGABYTE  # папка в памяти
    processes: int = 64  # вместе с потоками
    files: int = 256
    output: int = 64 * 1024  # столько вывода хранится, остальное выбрасывается
    message: int = 32 * MEGABYTE  # самый длинный ответ


@dataclass(frozen=True)
class Isolation:
    """Чем отгорожен чужой код; warning пуст, если отгорожен как следует.

    as_root — чужой код исполнялся бы под root: предела процессов и прав на файлы у него нет.
    """

    bubblewrap: str = ""
    setpriv: str = ""
    warning: str = ""
    as_root: bool = False


WEAKER = (
    "Песочница слабее обычной: {reason}. Тетрадям видны файлы этой машины — и решения тоже — "
    "и сеть; пределы времени, памяти и вывода действуют. Не проверяйте так работы тех, кому "
    "не доверяете: поставьте bubblewrap (apt install bubblewrap)."
)


@cache
def find_isolation() -> Isolation:
    """Лучшая изоляция, которая на этой машине и правда работает: каждая пробуется в деле."""
    setpriv = (shutil.which("setpriv") or "") if _is_root() else ""
    bubblewrap = shutil.which("bwrap")
    reason = "нет bubblewrap"
    if bubblewrap and (setpriv or not _is_root()):
        found = Isolation(bubblewrap, setpriv)
        problem = _try_out(found)
        if not problem:
            return found
        reason = f"bubblewrap здесь не запускается ({problem})"
    if setpriv and not _try_out(Isolation("", setpriv)):
        return Isolation("", setpriv, WEAKER.format(reason=reason))
    if _is_root():
        reason += ", а вы root: пишет и читает тетрадь тоже как root, предела процессов нет"
    return Isolation("", "", WEAKER.format(reason=reason), as_root=_is_root())


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _try_out(isolation: Isolation) -> str:
    """Последняя строка ошибки пробного запуска; пусто — всё хорошо."""
    read_this = [sys.executable, "-I", "-c", "import sys; open(sys.argv[1])", str(HERE / "wire.py")]
    command = wrapped(read_this, isolation)
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)
    lines = done.stderr.strip().splitlines() or [f"код {done.returncode}"]
    return lines[-1] if done.returncode else ""


def wrapped(
    command: Sequence[str],
    isolation: Isolation,
    limits: Limits = Limits(),
    hidden: Iterable[Path] = (),
) -> list[str]:
    """Команда внутри песочницы; hidden — папки, которых не должно быть видно ни при каких путях."""
    become = _become_nobody(isolation)
    if not isolation.bubblewrap:
        return [*become, *command]
    visible = [*SYSTEM, sys.base_prefix, sys.prefix, str(PACKAGE)]
    return [
        isolation.bubblewrap,
        *_namespaces(isolation),
        *("--proc", "/proc", "--dev", "/dev"),
        *_in_memory("/dev/shm", limits),
        *("--remount-ro", "/dev"),
        # Раньше видимых папок: сам курс может лежать в /tmp, и пустая папка его закрыла бы.
        *_in_memory("/tmp", limits),
        *_in_memory(HOME, limits),
        *_read_only(visible),
        *_hide(hidden, visible),
        *_open_grading(),
        *("--remount-ro", "/", "--chdir", HOME, "--clearenv"),
        *_environment(),
        *("--", *become, *command),
    ]


def _namespaces(isolation: Isolation) -> list[str]:
    """Всё своё и ничего общего; под root — без своего пространства пользователей.

    Там внутри был бы один root, а его предел процессов не касается: мы уходим под чужой номер.
    """
    common = ["--die-with-parent", "--new-session", "--unshare-pid", "--unshare-net"]
    common += ["--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox"]
    if not isolation.setpriv:
        return ["--unshare-user", *common, "--cap-drop", "ALL"]
    needed = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
    return [*common, "--cap-drop", "ALL", *(word for c in needed for word in ("--cap-add", c))]


def _become_nobody(isolation: Isolation) -> list[str]:
    if not isolation.setpriv:
        return []
    # Номер у каждой песочницы свой: предел процессов считается по нему.
    uid = str(random.choice(STUDENT_UIDS))
    ids = ["--reuid", uid, "--regid", uid, "--clear-groups"]
    return [isolation.setpriv, *ids, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]


def _in_memory(folder: str, limits: Limits) -> list[str]:
    return ["--perms", "1777", "--size", str(limits.scratch), "--tmpfs", folder]


def _read_only(paths: Iterable[str]) -> list[str]:
    words = []
    for path in dict.fromkeys(paths):
        if os.path.islink(path) and path in SYSTEM:  # /lib -> usr/lib
            words += ["--symlink", os.readlink(path), path]
        elif os.path.exists(path):
            words += [*_parents(path), "--ro-bind", os.path.realpath(path), path]
    return words


def _parents(path: str) -> list[str]:
    """Папки на пути; сам bubblewrap под root сделал бы их закрытыми для всех остальных."""
    folders = [str(folder) for folder in reversed(Path(path).parents)][1:]
    return [word for f in folders for word in ("--perms", "0755", "--dir", f)]


def _hide(hidden: Iterable[Path], visible: Iterable[str]) -> list[str]:
    """Пустая папка поверх каждой скрытой, которая попала внутрь видимых."""
    roots = [Path(path).resolve() for path in visible]
    found = [path for path in map(Path.resolve, hidden) if path.is_dir()]
    inside = [p for p in found if any(p.is_relative_to(root) for root in roots)]
    return [word for path in inside for word in ("--tmpfs", str(path))]


def _open_grading() -> list[str]:
    words = ["--tmpfs", str(HERE)]
    for name in OPEN_FILES:
        words += ["--ro-bind", str(HERE / name), str(HERE / name)]
    return [*words, "--remount-ro", str(HERE)]


def _environment() -> list[str]:
    values = clean_environment(HOME)
    return [word for pair in values.items() for word in ("--setenv", *pair)]


def clean_environment(home: str) -> dict[str, str]:
    """Окружение чужой тетради: ничего от преподавателя, один поток, без сети."""
    values = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": home,
        "IPYTHONDIR": f"{home}/.ipython",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return values | {name: os.environ[name] for name in INHERITED if name in os.environ}


@dataclass
class Process:
    """Запущенная песочница: процесс и три канала — просьбы, ответы и вывод тетради."""

    popen: subprocess.Popen
    requests: int
    replies: int
    output: int
    home: str = ""

    def stop(self) -> None:
        """Убивает всё, что внутри, и закрывает каналы; второй раз ничего не делает."""
        for child in [] if self.popen.poll() is not None else _descendants(self.popen.pid):
            with contextlib.suppress(OSError):
                os.kill(child, 9)
        with contextlib.suppress(OSError):
            os.killpg(self.popen.pid, 9)
        self.popen.wait()
        for name in ("requests", "replies", "output"):
            if getattr(self, name) >= 0:
                os.close(getattr(self, name))
                setattr(self, name, -1)
        if self.home:
            shutil.rmtree(self.home, ignore_errors=True)

    def memory(self) -> int:
        """Байт у всех процессов песочницы вместе; общее с соседями делится поровну."""
        return sum(map(_resident, _descendants(self.popen.pid)))

    def cpu_seconds(self) -> float:
        """Сколько процессорных секунд ушло у всех, кто внутри."""
        return sum(map(_busy, _descendants(self.popen.pid)))


def start(isolation: Isolation, limits: Limits = Limits(), hidden: Iterable[Path] = ()) -> Process:
    """Запускает исполнителя тетради; просьбы и ответы ходят по каналам, вывод — отдельно."""
    request_end, requests = os.pipe()
    replies, reply_end = os.pipe()
    output, output_end = os.pipe()
    settings = {"read": request_end, "write": reply_end, "root": str(PACKAGE.parent)}
    settings["limits"] = asdict(limits)
    inside = [sys.executable, "-I", str(HERE / "runner.py"), json.dumps(settings)]
    home = "" if isolation.bubblewrap else _temporary_home()
    try:
        popen = subprocess.Popen(
            wrapped(inside, isolation, limits, hidden),
            stdin=subprocess.DEVNULL,
            stdout=output_end,
            stderr=output_end,
            pass_fds=(request_end, reply_end),
            env=None if isolation.bubblewrap else clean_environment(home),
            cwd=home or None,
            start_new_session=True,
        )
    except BaseException:
        for end in (requests, replies, output):
            os.close(end)
        raise
    finally:
        for end in (request_end, reply_end, output_end):
            os.close(end)
    os.set_blocking(requests, False)
    return Process(popen, requests, replies, output, home)


def _temporary_home() -> str:
    import tempfile

    home = tempfile.mkdtemp(prefix="lecture-grade-")
    os.chmod(home, 0o777)  # писать сюда будет другой пользователь
    return home


def _descendants(pid: int) -> list[int]:
    """Номера процесса и всех его потомков; сироты внутри bubblewrap остаются потомками."""
    import psutil

    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []
    return [pid, *(child.pid for child in children)]


def _resident(pid: int) -> int:
    import psutil

    try:
        info = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    return max(0, info.rss - getattr(info, "shared", 0))


def _busy(pid: int) -> float:
    import psutil

    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    # Дети, которых уже дождались, ушли из списка процессов, но не из счёта.
    return sum(times[:2]) + sum(
        getattr(times, f"children_{kind}", 0) for kind in ("user", "system")
    )
