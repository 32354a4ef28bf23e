"""Предложения документа: слова состояния — в строки текста, с разметкой или без.

Здесь кончается грамматика и начинается набор: лишние пробелы убраны, первая буква прописная, прямая
речь и реплики — по правилам.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lecture_lib.corpus.state import BREAK, LINE, State, Word
from lecture_lib.corpus.truth import EXTRA_SPACE, Annotator, TokenTruth, stated

_NEW_SPEECH = re.compile(r"(?<=\. — )[а-яё]")  # после авторских слов реплика — с прописной
_ANSWER = re.compile(r"(?<=\? — )[а-яё]")  # «Кто это? — Врач.»
_QUOTE = re.compile(r"(?<=: «)[а-яё]")  # прямая речь после двоеточия


@dataclass(frozen=True)
class Sentence:
    """Предложение; `truth` и `facts` заполнены, если просили разметку."""

    text: str
    truth: tuple[TokenTruth, ...] | None = None
    facts: tuple[tuple[str, str, str], ...] = ()


def finished(
    state: State, annotator: Annotator | None = None, facts: list | None = None, noise=None
) -> list[Sentence]:
    """Слова состояния → предложения: лишние пробелы убраны, первая буква прописная."""
    sentences: list[Sentence] = []
    for line, known in _lines(state.out, facts or []):
        told = stated(line, known) if annotator else [()] * len(line)
        for words, sentence_facts in zip(line, told, strict=True):
            raw = "".join([word.text for word in words])
            text = _clean(raw)
            if noise:
                text = noise(text)
            truth = annotator.annotate(words, raw, text) if annotator else None
            sentences.append(Sentence(text, truth, sentence_facts))
    return sentences


def _clean(raw: str) -> str:
    """Без лишних пробелов, с прописной буквы."""
    text = EXTRA_SPACE.sub("", raw) if "  " in raw or " ," in raw or " ." in raw else raw
    return _capitalised(text.strip())


def _lines(out: list[Word], facts: list) -> Iterator[tuple[list[list[Word]], list]]:
    """Строки сценария — списки предложений — и факты, которые они сообщают."""
    remaining = iter(facts)
    line: list[list[Word]] = []
    words: list[Word] = []
    for word in [*out, LINE]:
        if word is not BREAK and word is not LINE:
            words.append(word)
            continue
        if words:
            line.append(words)
            words = []
        if word is LINE:
            yield line, next(remaining, [])
            line = []


def _capitalised(text: str) -> str:
    """Прописная буква в начале предложения, новой реплики и ответа на вопрос."""
    start = next((i for i, letter in enumerate(text) if letter.isalnum()), 0)
    text = text[:start] + text[start : start + 1].upper() + text[start + 1 :]
    if ": «" in text:
        text = _QUOTE.sub(lambda found: found[0].upper(), text)
    if " — " not in text:
        return text
    text = _NEW_SPEECH.sub(lambda found: found[0].upper(), text)
    if text[0] in "—«" or text.find(" — ") < text.find("? — "):  # «— Кто там? — спросила Анна.»
        return text
    return _ANSWER.sub(lambda found: found[0].upper(), text)
