"""Исполнитель: живёт в песочнице вместе с кодом студента и делает, что просит судья.

Просьба и ответ — по строке JSON: исполнить ячейку, описать ответ, вызвать функцию. Доверия ему
нет: студент может подменить здесь всё, и потому здесь не лежит ничего, что дало бы баллы, —
ни эталонов, ни сравнений.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import json
import os
import sys
import types
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


class Judge:
    """Канал к судье: прочитать просьбу, ответить, попросить вызвать оставшуюся там функцию."""

    def __init__(self, read: int, write: int) -> None:
        self._requests = os.fdopen(read, "r", encoding="utf-8")
        self._replies = os.fdopen(write, "w", encoding="utf-8")
        self._pid = os.getpid()

    def receive(self) -> dict | None:
        """Следующая просьба; None — судья ушёл."""
        self._only_parent()
        line = self._requests.readline()
        return json.loads(line) if line else None

    def send(self, **message: Any) -> None:
        """Ответ одной строкой."""
        self._only_parent()
        self._replies.write(json.dumps(message, ensure_ascii=True) + "\n")
        self._replies.flush()

    def _only_parent(self) -> None:
        """Копия процесса, которую сделал код студента, судье не отвечает."""
        if os.getpid() != self._pid:
            os._exit(0)


def apply_limits(limits: dict) -> None:
    """Пределы памяти, процессора, файлов и процессов; поднять их обратно уже нельзя."""
    try:
        import resource
    except ImportError:  # Windows: остаются пределы времени и вывода
        return
    pairs = (("RLIMIT_CPU", "cpu_seconds"), ("RLIMIT_AS", "memory"), ("RLIMIT_NOFILE", "files"))
    pairs += (("RLIMIT_FSIZE", "file_size"), ("RLIMIT_NPROC", "processes"))
    for name, field in pairs:
        if name == "RLIMIT_NPROC" and os.getuid() == 0:
            continue
        value = limits[field]
        try:
            resource.setrlimit(getattr(resource, name), (value, value))
        except (AttributeError, ValueError, OSError):  # macOS знает не все
            continue
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prefer_to_be_killed()


def prefer_to_be_killed() -> None:
    """Если память машины кончится, система пусть выберет тетрадь, а не проверку."""
    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:
        pass


def put_stand_in() -> None:
    """Ставит дублёра на место lecture_lib.grading; соседние модули пакета остаются."""
    name = "lecture_lib.grading"
    spec = importlib.util.spec_from_file_location(
        name, HERE / "stand_in.py", submodule_search_locations=[str(HERE)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    pictures = types.ModuleType(f"{name}.pictures", "Рисунки заданий: здесь их некому смотреть.")
    pictures.__getattr__ = module.picture
    sys.modules[pictures.__name__] = module.pictures = pictures
    import lecture_lib

    lecture_lib.grading = module


def make_shell():
    """IPython без истории и терминала: магии и await в ячейках работают."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.cache_size = 0
    shell = InteractiveShell.instance(config=config)
    shell.ask_exit = lambda: None  # exit() в ячейке — не конец проверки
    # IPython 9 копит весь вывод в памяти ради истории, которой здесь нет.
    shell._tee = lambda channel: contextlib.nullcontext()
    return shell


class Runner:
    """Тетрадь в памяти и четыре просьбы, которые она выполняет."""

    def __init__(self, judge: Judge) -> None:
        self.judge, self.shell = judge, make_shell()

    def serve(self) -> None:
        """Выполняет просьбы, пока судья не уйдёт."""
        self.judge.send(ready=True)
        while (request := self.judge.receive()) is not None:
            action = getattr(self, f"do_{request['do']}")
            try:
                reply = action(request)
            except BaseException as error:  # код студента умеет и это
                reply = {"failure": describe(error)}
            with contextlib.suppress(Exception):
                sys.stdout.flush()
            self.reply(request["id"], reply)

    def reply(self, number: int, reply: dict) -> None:
        """Ответ на просьбу; чего JSON не записать — ошибка студента, а не конец проверки."""
        try:
            self.judge.send(id=number, **reply)
        except (ValueError, TypeError, RecursionError) as error:
            self.judge.send(id=number, failure=describe(error))

    def do_cell(self, request: dict) -> dict:
        """Исполняет ячейку; ошибка — не конец, а часть ответа."""
        result = self.shell.run_cell(request["source"], store_history=False)
        error = result.error_before_exec or result.error_in_exec
        return {"failure": describe(error) if error else None}

    def do_facts(self, request: dict) -> dict:
        """Что видно в ответе, не вызывая его."""
        from lecture_lib.grading.facts import facts_of

        if request["name"] not in self.shell.user_ns:
            return {"missing": True}
        return {"facts": asdict(facts_of(self.shell.user_ns[request["name"]]))}

    def do_value(self, request: dict) -> dict:
        """Сам ответ."""
        return {"value": pack(self.shell.user_ns[request["name"]])}

    def do_call(self, request: dict) -> dict:
        """Вызывает функцию студента на входах судьи — на его собственных копиях."""
        from lecture_lib.grading.failures import watch_library

        function = self.shell.user_ns[request["name"]]
        sent = [item if is_simple(item) else None for item in request["arguments"]]
        given = [self.revive(item) for item in request["arguments"]]
        before = [pack(item) if was is None else was for item, was in zip(given, sent, strict=True)]
        reply, borrowed = {"value": None, "failure": None}, []
        try:
            with watch_library(borrowed) if request["watch"] else contextlib.nullcontext():
                value = function(*given)
            reply["value"] = pack(value)
        except (Exception, SystemExit) as error:
            reply["failure"] = describe(error)
        pairs = enumerate(zip(before, given, strict=True))
        reply["changed"] = [
            number for number, (was, now) in pairs if was != pack(now) or is_tracked(now)
        ]
        return {**reply, "borrowed": borrowed[0] if borrowed else ""}

    def revive(self, tree: Any) -> Any:
        """Вход из JSON; функция, которую студенту дают готовой, остаётся у судьи."""
        if isinstance(tree, dict) and "__remote__" in tree:
            return self.remote(tree["__remote__"])
        if is_simple(tree):
            return copy.deepcopy(tree)
        if isinstance(tree, list):
            return [self.revive(item) for item in tree]
        return unpack(tree)

    def remote(self, number: int) -> Callable[..., Any]:
        """Функция судьи: здесь только её имя, заглянуть в неё нельзя."""

        def ask(*arguments: Any) -> Any:
            states = [a.get_state() if _is_generator(a) else None for a in arguments]
            sent = [
                {"__state__": pack(state)} if state is not None else pack(argument)
                for argument, state in zip(arguments, states, strict=True)
            ]
            self.judge.send(ask=number, arguments=sent)
            reply = self.judge.receive()
            if reply.get("error"):
                raise ValueError(reply["error"])
            for argument, state in zip(arguments, reply["states"], strict=True):
                if state is not None:
                    argument.set_state(unpack(state))
            return unpack(reply["value"])

        return ask


def is_simple(value: Any) -> bool:
    """Ходит ли значение по проводу как есть: тогда torch и перевод не нужны."""
    if isinstance(value, list):
        return all(map(is_simple, value))
    if isinstance(value, dict):
        return all(type(k) is str and k[:2] != "__" and is_simple(v) for k, v in value.items())
    return value is None or type(value) in (bool, int, float, str)


def pack(value: Any) -> Any:
    """Значение студента -> JSON; генератор и готовая функция — просто их вид."""
    if is_simple(value):
        return copy.deepcopy(value)
    from lecture_lib.grading.wire import plain, to_json

    return to_json(plain(value))


def is_tracked(value: Any) -> bool:
    """Включил ли студент autograd тензору, который ему дали."""
    if is_simple(value):
        return False
    from lecture_lib.grading.wire import tracks_gradient

    return tracks_gradient(value)


def unpack(tree: Any) -> Any:
    """JSON -> вход: массив становится тензором, зерно — генератором."""
    from lecture_lib.grading.wire import from_json, revive

    return revive(from_json(tree))


def describe(error: BaseException) -> dict:
    """Исключение словами, как его ждёт судья."""
    from lecture_lib.grading.failures import describe_failure

    return asdict(describe_failure(error))


def _is_generator(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Generator)


def main() -> None:
    """Запуск внутри песочницы: настройки — единственный аргумент."""
    settings = json.loads(sys.argv[1])
    sys.argv = ["student"]
    apply_limits(settings["limits"])
    if settings["root"] not in sys.path:
        sys.path.append(settings["root"])
    put_stand_in()
    Runner(Judge(settings["read"], settings["write"])).serve()


if __name__ == "__main__":
    main()
