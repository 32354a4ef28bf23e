"""Библиотека курса о BERT: уроки вызывают её по шагам, а она целиком читается за вечер.

``import lecture_lib`` ничего тяжёлого не загружает: torch, transformers и matplotlib приходят,
когда впервые понадобились. Главные имена доступны прямо отсюда::

    from lecture_lib import MINI, PretrainingModel, mask_tokens

остальные — из своих модулей: ``lecture_lib.encoder``, ``lecture_lib.masking`` и так далее.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

__version__ = "0.1.0"

# Батчи у нас разной формы, а torch и oneDNN помнят по 1024 подготовленных умножения — по
# несколько мегабайт на форму, гигабайты за обучение. Шагу хватает полусотни. Читают они это при
# загрузке, поэтому место ему здесь: после import torch менять поздно.
for _cache in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
    os.environ.setdefault(_cache, "100")

# Имя -> модуль, в котором оно живёт.
_HOMES = {
    "EncoderConfig": "config",
    "MaskingConfig": "config",
    "PretrainingConfig": "config",
    "BERT_BASE": "config",
    "BERT_LARGE": "config",
    "MINI": "config",
    "MINI_CAUSAL": "config",
    "Encoder": "encoder",
    "PretrainingModel": "heads",
    "mask_tokens": "masking",
    "documents": "corpus",
    "load_tokenizer": "tokenization",
    "fill_mask": "prediction",
    "check_environment": "environment",
}

_MODULES = (
    "config",
    "corpus",
    "divergence",
    "encoder",
    "environment",
    "flops",
    "heads",
    "losses",
    "masking",
    "parameters",
    "prediction",
    "pretrained",
    "pretraining",
    "reference",
    "tokenization",
    "training",
)

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return _load(name)
    if name in _HOMES:
        value = getattr(_load(_HOMES[name]), name)
        globals()[name] = value
        return value
    if name.startswith("__"):
        # Служебные имена спрашивает сам Python (copy, inspect, doctest): отвечаем по-обычному.
        raise AttributeError(name)
    raise AttributeError(_unknown_name(name))


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES})


def _load(module: str) -> Any:
    """Загружает модуль библиотеки; если не стоит его зависимость, говорит, что делать."""
    try:
        return importlib.import_module(f"{__name__}.{module}")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if not missing or missing == __name__:
            raise
        raise ModuleNotFoundError(
            f"для lecture_lib.{module} нужен пакет {missing}, а он не установлен. "
            "Откройте курс командой make lab или поставьте пакет курса заново: pip install -e .",
            name=error.name,
            path=error.path,
        ) from error


def _unknown_name(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, __dir__(), n=3)
    hint = f" Похоже на: {', '.join(close)}." if close else " Список имён: dir(lecture_lib)."
    return f"в lecture_lib нет имени «{name}».{hint}"
