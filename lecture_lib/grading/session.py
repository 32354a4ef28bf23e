"""Разговор судьи с песочницей: просьба, ответ до срока, счёт вывода и памяти.

Всё, что приходит изнутри, — чужое: ответ не по правилам, слишком длинный или никакой значит
одно — внутри крах.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lecture_lib.grading.results import Status
from lecture_lib.grading.sandbox import MEGABYTE, Isolation, Limits, Process, start

TICK = 0.25  # секунд между взглядами на память
START_SECONDS = 120.0  # на запуск Python внутри
CHUNK = 256 * 1024


class Died(Exception):
    """Песочницы больше нет: status — крах или тайм-аут, reason — почему."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class Span:
    """Срок одной просьбы: процессорных секунд — seconds, настоящих — до until."""

    seconds: float
    until: float
    cpu_before: float = 0.0


class Session:
    """Одна песочница от запуска до конца; после Died она мертва, и новый вопрос — снова Died."""

    def __init__(
        self,
        isolation: Isolation,
        limits: Limits,
        hidden: Iterable[Path] = (),
        deadline: float = float("inf"),
    ) -> None:
        self.limits, self.deadline = limits, deadline
        self.output, self.output_size = b"", 0
        self.death: Died | None = None
        self._buffer, self._number = bytearray(), 0
        self._process: Process = start(isolation, limits, hidden)
        try:
            self._message(Span(START_SECONDS, time.monotonic() + START_SECONDS), b"")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Убивает всё, что внутри."""
        self._process.stop()

    def ask(
        self,
        seconds: float,
        remote: Callable[[dict], dict] | None = None,
        **request: Any,
    ) -> dict:
        """Просьба и ответ на неё; remote отвечает, когда код студента зовёт функцию судьи."""
        if self.death:
            raise self.death
        self._number += 1
        span = Span(seconds, time.monotonic() + seconds * self.limits.patience, self._cpu())
        message = self._message(span, _line({"id": self._number, **request}))
        while "ask" in message and remote is not None:
            message = self._message(span, _line(remote(message)))
        if message.get("id") != self._number:
            self._die(Status.CRASH, "ответ не по правилам: кто-то пишет в канал судьи")
        return message

    def _message(self, span: Span, request: bytes) -> dict:
        """Отправляет request и ждёт одну строку JSON."""
        pending = memoryview(request)  # большие входы режутся без копий
        look = time.monotonic() + TICK
        while b"\n" not in self._buffer:
            now = time.monotonic()
            if now >= self.deadline:
                self._die(Status.TIMEOUT, "время на всю работу вышло")
            if now >= span.until:
                self._die(Status.TIMEOUT, "не закончилось за отведённое время")
            if now >= look:
                self._watch(span)
                look = time.monotonic() + TICK
            pending = self._exchange(pending, min(span.until, look, self.deadline) - now)
        line, _, self._buffer = self._buffer.partition(b"\n")  # остаток — снова bytearray
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            self._die(Status.CRASH, "ответ не по правилам: это не JSON")
        return message

    def _exchange(self, pending: memoryview, wait: float) -> memoryview:
        """Один шаг: что можно — прочитать и записать; возвращает то, что ещё не ушло."""
        process = self._process
        reading = [end for end in (process.replies, process.output) if end >= 0]
        readable, writable, _ = select.select(
            reading, [process.requests] if pending else [], [], max(wait, 0)
        )
        if process.output in readable:
            self._drain()
        if process.replies in readable:
            self._receive()
        if writable:
            try:
                return pending[os.write(process.requests, pending[:CHUNK]) :]
            except BlockingIOError:
                return pending
            except BrokenPipeError:
                self._ended()
        return pending

    def _drain(self) -> None:
        """Хранит начало вывода, остальное считает и выбрасывает."""
        data = os.read(self._process.output, CHUNK)
        if not data:
            os.close(self._process.output)
            self._process.output = -1
            return
        self.output += data[: max(0, self.limits.output - len(self.output))]
        self.output_size += len(data)

    def _receive(self) -> None:
        data = os.read(self._process.replies, CHUNK)
        if not data:
            self._ended()
        self._buffer += data
        if len(self._buffer) > self.limits.message and b"\n" not in self._buffer:
            limit = self.limits.message // MEGABYTE
            self._die(Status.CRASH, f"ответ больше {limit} МБ")

    def _cpu(self) -> float:
        return self._process.cpu_seconds()

    def _watch(self, span: Span) -> None:
        """Память и процессорное время всех, кто внутри."""
        if self._process.memory() > self.limits.memory:
            self._die(Status.CRASH, f"памяти нужно больше {self.limits.memory // MEGABYTE} МБ")
        if self._cpu() - span.cpu_before > span.seconds:
            self._die(Status.TIMEOUT, _spent(span.seconds))

    def _ended(self) -> None:
        """Процесс внутри закончился сам: почему — видно по коду."""
        self._process.popen.wait()
        code = self._process.popen.returncode
        number = -code if code < 0 else code - 128
        if number == getattr(signal, "SIGXCPU", None):
            self._die(Status.TIMEOUT, "процессорное время вышло")
        self._die(Status.CRASH, _cause(code, number))

    def _die(self, status: Status, reason: str) -> None:
        self.death = Died(status, reason)
        self.close()
        raise self.death


def _line(message: dict) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _spent(seconds: float) -> str:
    return f"не закончилось за {seconds:.3g} с".replace(".", ",")


def _cause(code: int, number: int) -> str:
    if number == getattr(signal, "SIGSEGV", None):
        return "обращение к чужой памяти (segmentation fault)"
    if number == getattr(signal, "SIGKILL", None):
        return "процесс убит: обычно так кончается память"
    if number > 0:
        return f"процесс остановлен сигналом {number}"
    return f"Python внутри закончил работу (код {code})"
