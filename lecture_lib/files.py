"""Запись файлов, которую нельзя испортить на середине: ни kill -9, ни выключенное питание."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write_atomically(path: str | Path, content: bytes) -> None:
    """Пишет файл так, что под именем path всегда лежит либо старое, либо новое целиком."""
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # сначала данные на диске, потом имя
    os.replace(temporary, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Доводит до диска имена файлов папки; в Windows папку так открыть нельзя, и это не ошибка."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
