"""Корпус «Городок» и другой текст: документы, словарь, мир.

Имена подгружаются при первом обращении: сам по себе импорт пакета ничего не читает.
"""

from importlib import import_module

_HOMES = {
    "SPLITS": "gorodok",
    "Document": "gorodok",
    "Sentence": "gorodok",
    "EntityTruth": "entities",
    "TokenTruth": "truth",
    "document": "gorodok",
    "documents": "gorodok",
    "as_dataset": "hub",
    "corpus_version": "hub",
    "folder_documents": "hub",
    "hub_documents": "hub",
    "split_sentences": "hub",
    "statistics": "hub",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str):
    if name in _HOMES:
        value = getattr(import_module(f"lecture_lib.corpus.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"В lecture_lib.corpus нет имени «{name}»; есть: {', '.join(__all__)}")
