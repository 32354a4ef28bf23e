"""Согласование выбором из двух: «Анна вчера [MASK] в парк» — «пошла» или «пошёл»?

Вопрос — сказуемое прошедшего времени, закрытое маской, и две формы одного глагола: верная и
чужая (другой род или число). Модель права, если верной даёт больше. Вопросы уравновешены: на
каждую пару форм столько же вопросов, где верна первая, сколько тех, где вторая. Поэтому тот, кто
всегда отвечает самой частой формой, прав ровно в половине случаев — это и есть случайный уровень.

Приём — из Linzen, Dupoux, Goldberg, 2016 и Goldberg, 2019 («Assessing BERT's Syntactic Abilities»).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lecture_lib.corpus import Sentence, documents
from lecture_lib.corpus.lexicon import lexicon
from lecture_lib.experiments.statistics import wilson_interval
from lecture_lib.word_search import log_probabilities

FORMS = ("past masc", "past femn", "past neut", "past plur")
LONGEST_TEXT = 60  # токенов: предложения длиннее ничего не добавляют, а считать их дольше


Answer = Callable[..., list[bool]]


@dataclass(frozen=True)
class AgreementQuestion:
    """Предложение с маской на месте сказуемого и две формы: номера токенов и слова.

    distance — сколько слов от подлежащего до сказуемого; отрицательное — подлежащее правее.
    """

    text: str
    input_ids: tuple[int, ...]
    place: int
    right: str
    wrong: str
    right_id: int
    wrong_id: int
    kinds: tuple[str, str]
    distance: int

    @property
    def about(self) -> str:
        """Чем различаются формы: «число» или «род» (у множественного числа рода нет)."""
        return "число" if "past plur" in self.kinds else "род"


def sample_questions(
    tokenizer,
    count: int = 200,
    seed: int = 0,
    split: str = "validation",
    document_kinds: Sequence[str] = (),
) -> list[AgreementQuestion]:
    """Уравновешенные вопросы из отложенных документов, не больше одного на документ.

    document_kinds — виды документов корпуса ("chronicle", "story" …); пусто — любые. ValueError —
    столько вопросов в сорокакратном запасе документов не нашлось.
    """
    draw = random.Random(f"{seed} согласование")
    waiting: dict[tuple[str, str], list[AgreementQuestion]] = {}
    found: list[AgreementQuestion] = []
    for document in documents(seed, split, 0, 40 * count, truth=True):
        if document_kinds and document.kind not in document_kinds:
            continue
        made = [q for s in document.sentences for q in _questions(s, tokenizer, draw)]
        if not made:
            continue
        question = made[int(draw.random() * len(made))]
        mirror = waiting.get(question.kinds[::-1])
        if mirror:  # вопрос в обратную сторону уже ждёт: пара уравновешена
            found += [mirror.pop(), question]
        else:
            waiting.setdefault(question.kinds, []).append(question)
        if len(found) >= count:
            return found[:count]
    raise ValueError(f"count = {count}: уравновешенных вопросов нашлось только {len(found)}.")


def answer(model, tokenizer, questions: Sequence[AgreementQuestion]) -> list[bool]:
    """Права ли модель: дала ли верной форме больше, чем чужой."""
    rows = [list(question.input_ids) for question in questions]
    places = [question.place for question in questions]
    scores = log_probabilities(model, tokenizer.pad_token_id, rows, places)
    return [
        bool(row[question.right_id] > row[question.wrong_id])
        for row, question in zip(scores, questions, strict=True)
    ]


def answer_form(model, tokenizer, questions: Sequence[AgreementQuestion]) -> list[bool]:
    """То же о форме любого глагола: отдала ли модель верной форме больше, чем чужой, — всего.

    Складываются вероятности всех глаголов словаря в этой форме; какой глагол верен, знать не надо.
    """
    columns = form_ids(tokenizer)
    rows = [list(question.input_ids) for question in questions]
    places = [question.place for question in questions]
    scores = log_probabilities(model, tokenizer.pad_token_id, rows, places)
    return [
        bool(row[columns[right]].logsumexp(-1) > row[columns[wrong]].logsumexp(-1))
        for row, (right, wrong) in zip(scores, (q.kinds for q in questions), strict=True)
    ]


def form_ids(tokenizer) -> dict[str, list[int]]:
    """Номера токенов, которые сами — глагол прошедшего времени: {форма: [номера]}."""
    known = tokenizer.get_vocab()
    verbs = [lexeme for (pos, _), lexeme in lexicon().lexemes.items() if pos == "VERB"]
    spelled = {form: {verb.forms.get(form) for verb in verbs} for form in FORMS}
    return {form: sorted(known[word] for word in spelled[form] & known.keys()) for form in FORMS}


def score(
    model, tokenizer, questions: Sequence[AgreementQuestion], answer: Answer = answer
) -> dict[str, Any]:
    """Доля верных выборов с интервалом Уилсона: {accuracy, low, high, total}."""
    right = sum(answer(model, tokenizer, questions))
    low, high = wilson_interval(right, len(questions))
    return {"accuracy": right / len(questions), "low": low, "high": high, "total": len(questions)}


def score_by_feature(
    model, tokenizer, questions: Sequence[AgreementQuestion], answer: Answer = answer
) -> dict[str, Any]:
    """То же порознь для «числа» и «рода»: {признак: {accuracy, low, high, total}}."""
    features = sorted({question.about for question in questions}, reverse=True)
    return {
        feature: score(model, tokenizer, [q for q in questions if q.about == feature], answer)
        for feature in features
    }


def _questions(sentence: Sentence, tokenizer, draw: random.Random) -> Iterator[AgreementQuestion]:
    """Вопросы о сказуемых предложения, у которых обе формы — целые токены словаря."""
    words = lexicon()
    for index, word in enumerate(sentence.truth):
        if word.pos != "VERB" or "past" not in word.features or word.head is None:
            continue
        lexeme = words.lexemes.get(("VERB", word.lemma))
        spelled = word.text.lower()
        kind = next((k for k in FORMS if lexeme and lexeme.forms.get(k) == spelled), None)
        if kind is None:
            continue
        other = draw.choice([form for form in FORMS if form != kind])
        wrong = lexeme.forms.get(other, spelled)
        known = tokenizer.get_vocab()
        if wrong == spelled or spelled not in known or wrong not in known:
            continue
        text = f"{sentence.text[: word.start]}{tokenizer.mask_token}{sentence.text[word.end :]}"
        ids = tuple(tokenizer(text).input_ids)
        if len(ids) <= LONGEST_TEXT:
            place = ids.index(tokenizer.mask_token_id)
            yield AgreementQuestion(
                text, ids, place, spelled, wrong, known[spelled], known[wrong],
                (kind, other), index - word.head,
            )  # fmt: skip
