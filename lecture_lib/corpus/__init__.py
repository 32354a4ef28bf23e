"""Корпус «Городок» и другой текст: документы, словарь, мир."""

from lecture_lib.corpus.documents import SPLITS, Document, Sentence, TokenTruth, document, documents

__all__ = ["SPLITS", "Document", "Sentence", "TokenTruth", "document", "documents"]
