"""Чекпойнты (checkpoints) и журнал обучения на диске.

Чекпойнт — один файл: 64 знака контрольной суммы SHA-256, затем содержимое torch.save.
Файл пишется под временным именем и переименовывается целиком, предыдущий удаляется лишь
после этого: в какой бы миг ни убили процесс, один целый чекпойнт на диске есть.
"""

from __future__ import annotations

import hashlib
import io
import json
import warnings
from pathlib import Path
from typing import Any

import torch

from lecture_lib.files import write_atomically

HISTORY = "history.jsonl"
KEPT = 2
DIGEST_LENGTH = 64


def save_checkpoint(
    folder: Path, step: int, state: dict[str, Any], kept: int | None = KEPT
) -> Path:
    """Пишет чекпойнт шага step и оставляет kept последних; None — все."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    path = folder / f"checkpoint-{step:08d}.pt"
    write_atomically(path, hashlib.sha256(payload).hexdigest().encode() + payload)
    for old in checkpoint_paths(folder)[kept:] if kept is not None else ():
        old.unlink()
    return path


def has_checkpoints(folder: Path) -> bool:
    """Есть ли в папке хоть один чекпойнт, пусть и повреждённый."""
    return bool(checkpoint_paths(folder))


def load_latest(folder: Path) -> dict[str, Any] | None:
    """Последний целый чекпойнт папки; None, если чекпойнтов нет.

    О повреждённом говорит предупреждением и берёт предыдущий.
    ValueError — если повреждены все.
    """
    paths = checkpoint_paths(folder)
    for path in paths:
        try:
            return read_checkpoint(path)
        except ValueError as error:
            warnings.warn(f"{error} Беру предыдущий чекпойнт.", RuntimeWarning, stacklevel=2)
    if paths:
        raise ValueError(
            f"folder={str(folder)!r}: все чекпойнты повреждены "
            f"({', '.join(path.name for path in paths)}). Чтобы начать с нуля, удалите папку."
        )
    return None


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Читает чекпойнт; ValueError, если контрольная сумма не сошлась."""
    content = path.read_bytes()
    digest, payload = content[:DIGEST_LENGTH], content[DIGEST_LENGTH:]
    if hashlib.sha256(payload).hexdigest().encode() != digest:
        raise ValueError(f"Чекпойнт {path} повреждён: контрольная сумма не сходится.")
    return torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)


def check_same_run(saved: dict[str, Any], current: dict[str, Any], folder: Path) -> None:
    """ValueError, если чекпойнт сделан с другими настройками: называет, с какими.

    Настройка, о которой чекпойнт не знал (её тогда не было), не сравнивается.
    """
    changed = [name for name in saved if saved[name] != current.get(name)]
    if changed:
        listed = "; ".join(f"{n}: было {saved.get(n)}, стало {current.get(n)}" for n in changed)
        raise ValueError(
            f"folder={str(folder)!r}: чекпойнт сделан с другими настройками ({listed}). "
            "Верните прежние значения или укажите другую папку."
        )


def append_row(path: Path, row: dict[str, float]) -> None:
    """Дописывает строку журнала (JSON на строку)."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_history(path: Path) -> list[dict[str, float]]:
    """Строки журнала; недописанная последняя строка (процесс убили) отбрасывается."""
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows


def trim_history(path: Path, step: int) -> None:
    """Выбрасывает строки после шага step: эти шаги будут пройдены заново."""
    rows = [row for row in read_history(path) if row["step"] <= step]
    if rows or path.is_file():
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write_atomically(path, lines.encode())


def checkpoint_paths(folder: Path) -> list[Path]:
    """Чекпойнты папки, новые первыми."""
    return sorted(folder.glob("checkpoint-*.pt"), reverse=True)
