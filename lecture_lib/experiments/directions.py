"""Опыт урока 01: что даёт контекст справа — двусторонняя модель против причинной.

Модели одного размера, учились на равном числе токенов и отвечают на одни и те же вопросы: из
отложенного документа взято предложение и до двух предыдущих, в предложении закрыто одно слово.
Двусторонняя видит всё, кроме слова; причинная — только то, что левее. Слова разложены по видам:
вид говорит, с какой стороны стоит подсказка, и берётся из разметки «Городка», а не на глаз.

Каждый документ даёт не больше одного вопроса каждого вида, поэтому вопросы независимы и к ним
подходят интервал Уилсона и критерий Макнемара.

Что уравнять не удалось: двусторонняя модель знает, из скольких подслов закрытое слово (на его
месте столько же масок), а причинная пишет слово сама, пока оно не кончится.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lecture_lib.corpus import Document, TokenTruth, documents
from lecture_lib.experiments.statistics import (
    difference_interval,
    holm_adjusted,
    mcnemar_p_value,
    wilson_interval,
)
from lecture_lib.experiments.word_kinds import EVIDENCE, KINDS, has_form, has_right_form, kind_of
from lecture_lib.word_search import log_probabilities, pieces_of

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerFast

BIDIRECTIONAL, CAUSAL = "двусторонняя", "причинная"
CONTEXT_SENTENCES = 2  # сколько предыдущих предложений видно
LONGEST_WORD = 3  # слова длиннее трёх подслов не спрашиваем
LONGEST_TEXT = 120  # в токенах; столько читает и самая маленькая модель курса
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Question:
    """Закрытое слово: текст до него, само слово с разметкой, текст после него в предложении."""

    kind: str
    left: str
    word: TokenTruth
    right: str
    left_ids: tuple[int, ...]
    word_ids: tuple[int, ...]
    right_ids: tuple[int, ...]

    @property
    def text(self) -> str:
        """Вопрос, как его видит двусторонняя модель."""
        return f"{self.left}[MASK]{self.right}"


@dataclass(frozen=True)
class Answer:
    """Ответ модели: слово, верно ли оно и (где форму можно проверить) верна ли форма."""

    question: Question
    model: str
    word: str
    correct: bool
    right_form: bool | None


def sample_questions(
    tokenizer: PreTrainedTokenizerFast,
    seeds: Iterable[int] = (1, 2, 3),
    per_seed: int = 60,
    documents_per_seed: int = 200,
    split: str = "validation",
) -> list[Question]:
    """Вопросы из отложенных документов: не больше per_seed каждого вида на зерно.

    Из документа берётся не больше одного слова каждого вида, какое — решает то же зерно.
    """
    questions = []
    for seed in seeds:
        draw = random.Random(seed)
        left = dict.fromkeys(KINDS, per_seed)
        for document in documents(seed, split, 0, documents_per_seed, truth=True):
            for question in document_questions(tokenizer, document, draw):
                if left[question.kind] > 0:
                    left[question.kind] -= 1
                    questions.append(question)
    return questions


def document_questions(
    tokenizer: PreTrainedTokenizerFast, document: Document, draw: random.Random
) -> Iterator[Question]:
    """По одному вопросу каждого вида, какой в документе нашёлся."""
    places: dict[str, list[tuple[int, int]]] = {}
    for number, sentence in enumerate(document.sentences):
        for index in range(len(sentence.truth)):
            if kind := kind_of(sentence.truth, index):
                places.setdefault(kind, []).append((number, index))
    for kind in KINDS:
        if kind in places:
            number, index = places[kind][int(draw.random() * len(places[kind]))]
            question = make_question(tokenizer, document, number, index, kind)
            if question is not None:
                yield question


def make_question(
    tokenizer: PreTrainedTokenizerFast, document: Document, number: int, index: int, kind: str
) -> Question | None:
    """Вопрос о слове index предложения number; None, если слово или текст слишком длинны."""
    sentence = document.sentences[number]
    word = sentence.truth[index]
    before = document.sentences[max(0, number - CONTEXT_SENTENCES) : number]
    left = "".join(f"{other.text} " for other in before) + sentence.text[: word.start]
    parts = [left, word.text, sentence.text[word.end :]]
    # Не backend_tokenizer.encode: он помнит, не просили ли кого-то раньше обрезать текст.
    encoded = tokenizer(parts, add_special_tokens=False).input_ids
    left_ids, word_ids, right_ids = (tuple(ids) for ids in encoded)
    if len(word_ids) > LONGEST_WORD or len(left_ids + word_ids + right_ids) > LONGEST_TEXT:
        return None
    return Question(kind, left, word, parts[2], left_ids, word_ids, right_ids)


def guess_bidirectional(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, questions: Sequence[Question]
) -> list[str]:
    """Ответы двусторонней модели: слово закрыто целиком, вероятнейшее подслово на каждой маске."""
    cls, mask, sep = tokenizer.cls_token_id, tokenizer.mask_token_id, tokenizer.sep_token_id
    rows, places, owners = [], [], []
    for number, q in _shortest_first(questions):
        row = [cls, *q.left_ids, *[mask] * len(q.word_ids), *q.right_ids, sep]
        for piece in range(len(q.word_ids)):
            rows.append(row)
            places.append(1 + len(q.left_ids) + piece)
            owners.append(number)
    best = log_probabilities(model, tokenizer.pad_token_id, rows, places).argmax(-1).tolist()
    chosen: dict[int, list[int]] = {}
    for owner, piece in zip(owners, best, strict=True):
        chosen.setdefault(owner, []).append(piece)
    return [spell(tokenizer, chosen[number]) for number in range(len(questions))]


def guess_causal(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, questions: Sequence[Question]
) -> list[str]:
    """Ответы причинной модели: продолжение левого текста, пока не кончится слово."""
    continuing = pieces_of(tokenizer).continuing
    chosen: dict[int, list[int]] = {number: [] for number in range(len(questions))}
    active = [number for number, _ in _shortest_first(questions, left_only=True)]
    for step in range(LONGEST_WORD + 1):
        rows = [[tokenizer.cls_token_id, *questions[n].left_ids, *chosen[n]] for n in active]
        last = [len(row) - 1 for row in rows]
        best = log_probabilities(model, tokenizer.pad_token_id, rows, last).argmax(-1).tolist()
        goes_on = []
        for number, piece in zip(active, best, strict=True):
            if step == 0 or continuing[piece]:
                chosen[number].append(piece)
                goes_on.append(number)
        active = goes_on
        if not active:
            break
    return [spell(tokenizer, chosen[number]) for number in range(len(questions))]


def _shortest_first(
    questions: Sequence[Question], left_only: bool = False
) -> list[tuple[int, Question]]:
    """Вопросы по возрастанию длины: в батче тогда почти нет дополнения."""
    return sorted(
        enumerate(questions),
        key=lambda pair: len(pair[1].left_ids) + (0 if left_only else len(pair[1].right_ids)),
    )


def spell(tokenizer: PreTrainedTokenizerFast, pieces: Sequence[int]) -> str:
    """Подслова -> слово."""
    texts = pieces_of(tokenizer).texts
    return "".join(texts[piece] for piece in pieces)


def mark(name: str, questions: Sequence[Question], words: Sequence[str]) -> list[Answer]:
    """Сверяет ответы с правдой; «е» вместо «ё» ошибкой не считается."""
    answers = []
    for question, word in zip(questions, words, strict=True):
        truth = question.word
        checkable = has_form(truth)
        form = has_right_form(word, truth) if checkable else None
        correct = _plain_text(word) == _plain_text(truth.text)
        answers.append(
            Answer(question, name, word, correct, (form or correct) if checkable else None)
        )
    return answers


def _plain_text(word: str) -> str:
    return word.lower().replace("ё", "е")


def tabulate(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Строки {kind, evidence, model, correct, total, accuracy, low, high, form_…}: вид × модель."""
    rows = []
    for kind in KINDS:
        for model in (BIDIRECTIONAL, CAUSAL):
            found = [a for a in answers if a.question.kind == kind and a.model == model]
            if found:
                rows.append(
                    {"kind": kind, "evidence": EVIDENCE[kind], "model": model, **_row(found)}
                )
    return rows


def _row(answers: Sequence[Answer]) -> dict[str, Any]:
    row = _share([answer.correct for answer in answers])
    forms = [answer.right_form for answer in answers if answer.right_form is not None]
    checked = _share(forms) if forms else dict.fromkeys(row)
    return row | {f"form_{name}": value for name, value in checked.items()}


def _share(outcomes: Sequence[bool]) -> dict[str, Any]:
    correct, total = sum(outcomes), len(outcomes)
    low, high = wilson_interval(correct, total)
    return {
        "correct": correct,
        "total": total,
        "accuracy": correct / total,
        "low": low,
        "high": high,
    }


def compare(answers: Sequence[Answer], what: str = "correct") -> list[dict[str, Any]]:
    """Разность «двусторонняя минус причинная» по видам, с интервалом и p-значением.

    what — «correct» (слово) или «right_form» (форма). p — критерий Макнемара с поправкой Холма
    на число видов; proven — p < 0,05.
    """
    if what not in ("correct", "right_form"):
        raise ValueError(f"what = {what!r}: сравнить можно «correct» или «right_form».")
    rows = [_difference(kind, answers, what) for kind in KINDS]
    rows = [row for row in rows if row]
    for row, p_value in zip(rows, holm_adjusted([row["p_value"] for row in rows]), strict=True):
        row.update(p_value=p_value, proven=p_value < SIGNIFICANT)
    return rows


def _difference(kind: str, answers: Sequence[Answer], what: str) -> dict[str, Any]:
    both, one = (
        [getattr(a, what) for a in answers if a.question.kind == kind and a.model == model]
        for model in (BIDIRECTIONAL, CAUSAL)
    )
    pairs = [pair for pair in zip(both, one, strict=True) if None not in pair]
    if not pairs:
        return {}
    only_first = sum(first and not second for first, second in pairs)
    only_second = sum(second and not first for first, second in pairs)
    low, high = difference_interval(only_first, only_second, len(pairs))
    return {
        "kind": kind,
        "evidence": EVIDENCE[kind],
        "total": len(pairs),
        "only_bidirectional": only_first,
        "only_causal": only_second,
        "difference": (only_first - only_second) / len(pairs),
        "low": low,
        "high": high,
        "p_value": mcnemar_p_value(only_first, only_second),
    }


def ask(
    bidirectional: nn.Module,
    causal: nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    questions: Sequence[Question],
) -> list[Answer]:
    """Задаёт обеим моделям одни и те же вопросы."""
    if bidirectional.config.is_causal or not causal.config.is_causal:
        raise ValueError(
            "bidirectional, causal: первой нужна двусторонняя модель, второй — причинная, а здесь "
            f"is_causal = {bidirectional.config.is_causal} и {causal.config.is_causal}."
        )
    return [
        *mark(BIDIRECTIONAL, questions, guess_bidirectional(bidirectional, tokenizer, questions)),
        *mark(CAUSAL, questions, guess_causal(causal, tokenizer, questions)),
    ]


def run(
    bidirectional: nn.Module,
    causal: nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    seeds: Iterable[int] = (1, 2, 3),
    per_seed: int = 60,
    documents_per_seed: int = 200,
) -> list[dict[str, Any]]:
    """Опыт от документов до таблицы (см. `tabulate`).

    В уроке — по 150 вопросов каждого вида на зерно; полный прогон (несколько минут на двух ядрах):
    ``run(mini, mini_causal, tokenizer, per_seed=500, documents_per_seed=3000)``.
    """
    questions = sample_questions(tokenizer, seeds, per_seed, documents_per_seed)
    return tabulate(ask(bidirectional, causal, tokenizer, questions))
