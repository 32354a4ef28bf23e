"""Есть ли сеть до Hugging Face Hub: один быстрый вопрос вместо минуты повторных попыток."""

from __future__ import annotations

import os
import queue
import socket
import threading
from urllib.parse import urlsplit
from urllib.request import getproxies


def hub_is_reachable(timeout: float = 3.0) -> bool:
    """Отвечает ли Hub; ждёт не дольше `timeout` секунд, вместе с поиском адреса.

    Переменная окружения `HF_HUB_OFFLINE=1` означает «сети нет», `HF_ENDPOINT` меняет адрес.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return False
    from huggingface_hub.constants import ENDPOINT

    proxy = getproxies().get("https")  # через посредника Hub напрямую не откликнется
    address = urlsplit(_with_scheme(proxy) if proxy else ENDPOINT)
    port = address.port or {"http": 80}.get(address.scheme, 443)
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
    # Поиск имени прервать нельзя, он длится и полминуты. Поток-демон не держит выход из Python.
    asking = (address.hostname, port, timeout, answers)
    threading.Thread(target=_ask, args=asking, daemon=True).start()
    try:
        return answers.get(timeout=timeout)
    except queue.Empty:
        return False


def _with_scheme(proxy: str) -> str:
    """«посредник:3128» -> «http://посредник:3128»: так записывают тоже."""
    return proxy if "://" in proxy else f"http://{proxy}"


def _ask(host: str, port: int, timeout: float, answers: queue.SimpleQueue[bool]) -> None:
    try:
        socket.create_connection((host, port), timeout=timeout).close()
    except (OSError, ValueError):  # ValueError — в адресе то, что адресом быть не может
        answers.put(False)
    else:
        answers.put(True)
