"""Есть ли сеть до Hugging Face Hub: один быстрый вопрос вместо минуты повторных попыток."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
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
    address = urlsplit(proxy or ENDPOINT)
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        return pool.submit(_connects, address.hostname, address.port or 443, timeout).result(
            timeout
        )
    except FutureTimeout:
        return False
    finally:
        pool.shutdown(wait=False)


def _connects(host: str, port: int, timeout: float) -> bool:
    try:
        socket.create_connection((host, port), timeout=timeout).close()
    except OSError:
        return False
    return True
