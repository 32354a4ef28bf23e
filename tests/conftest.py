"""Общее для всех тестов: сеть закрыта, кэши и настройки — временные."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OFFLINE = Path(__file__).with_name("offline")

sys.path.insert(0, str(OFFLINE))
import sitecustomize as network  # noqa: E402

# При старте Python мог уже исполнить чужой sitecustomize (он есть в Debian): нужен свой.
if Path(network.__file__).parent != OFFLINE:
    del sys.modules["sitecustomize"]
    import sitecustomize as network


def pytest_configure(config: pytest.Config) -> None:
    """Готовит переменные окружения прежде, чем кто-нибудь импортирует transformers."""
    scratch = tempfile.mkdtemp(prefix="lecture-tests-")
    config.add_cleanup(lambda: shutil.rmtree(scratch, ignore_errors=True))
    paths = [str(OFFLINE), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ.update(
        # Дочерние процессы — ядра уроков и команда lecture — закроют сеть при старте.
        PYTHONPATH=os.pathsep.join(paths),
        HF_HUB_OFFLINE="1",
        TRANSFORMERS_OFFLINE="1",
        HF_DATASETS_OFFLINE="1",
        HF_HUB_DISABLE_TELEMETRY="1",
        # Чужой кэш и чужие настройки не должны решать, пройдёт ли тест.
        HF_HOME=str(Path(scratch, "huggingface")),
        IPYTHONDIR=str(Path(scratch, "ipython")),
        TOKENIZERS_PARALLELISM="false",
        PYTHONIOENCODING="utf-8",
    )
    network.block()


@pytest.fixture(autouse=True)
def no_network():
    """Закрывает сеть на время теста, даже если прежний тест её открыл."""
    network.block()
    yield network
    network.block()


@pytest.fixture(scope="session")
def root() -> Path:
    """Папка курса."""
    return ROOT
