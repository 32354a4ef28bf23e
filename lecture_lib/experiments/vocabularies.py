"""Меры, сравнимые между словарями: пропуск задан буквами текста, а не токенами.

Доля угаданных токенов у двух словарей — о разном: одному слово стоит трёх вопросов, другому —
одного. Поэтому закрывается слово целиком, на всех его токенах, и спрашивается одно из двух:

- угадано ли слово и сколько бит на знак стоит его записать: −log₂ P(токены слова) / знаков;
- какой из двух форм слова модель даёт больше («пошла» или «пошёл»).

Что уравнять не удалось: масок столько, сколько у слова токенов, и число масок — подсказка, у
каждого словаря своя. В вопросах о форме её нет: обе формы занимают поровну токенов в каждом
словаре. Токены слова предсказываются независимо, их логарифмы складываются.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lecture_lib.corpus import Sentence, documents
from lecture_lib.corpus.lexicon import lexicon
from lecture_lib.experiments.agreement import FORMS
from lecture_lib.experiments.statistics import wilson_interval
from lecture_lib.word_search import log_probabilities

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerFast

# Спрашиваем о словах из строчных русских букв: WordPiece курса регистра не различает, и угадывать
# заглавные ему не пришлось бы.
LOWERCASE_WORD = re.compile(r"(?<!\w)[а-яё]+(?!\w)")
CONTEXT_SENTENCES = 2  # сколько предыдущих предложений видно
LONGEST_TEXT = 200  # знаков; модели опыта учатся на отрезках по 64 токена


@dataclass(frozen=True)
class Gap:
    """Пропуск: в text закрыты знаки start … end; wrong — чужая форма для выбора из двух."""

    text: str
    start: int
    end: int
    wrong: str = ""

    @property
    def word(self) -> str:
        """Закрытое слово."""
        return self.text[self.start : self.end]

    @property
    def other(self) -> Gap:
        """Тот же текст с чужой формой на месте верной."""
        text = self.text[: self.start] + self.wrong + self.text[self.end :]
        return Gap(text, self.start, self.start + len(self.wrong))


@dataclass(frozen=True)
class Hidden:
    """Пропуск в токенах: номера с масками, места масок и верные номера на этих местах."""

    input_ids: tuple[int, ...]
    places: tuple[int, ...]
    answers: tuple[int, ...]


def spaced(text: str) -> str:
    """Текст с пробелом впереди: байтовый BPE пишет слово после пробела и без него по-разному."""
    return " " + text.lstrip()


def sample_words(count: int = 1000, seed: int = 0, split: str = "validation") -> list[Gap]:
    """Пропуски в отложенных документах: по одному слову на документ, с двумя фразами до него.

    ValueError — столько пропусков в пятикратном запасе документов не нашлось.
    """
    draw = random.Random(f"{seed} слова")
    found: list[Gap] = []
    for document in documents(seed, split, 0, 5 * count):
        sentences = [sentence.text for sentence in document.sentences]
        last = draw.randrange(len(sentences))
        before = spaced(" ".join(sentences[max(0, last - CONTEXT_SENTENCES) : last]))
        text = f"{before.rstrip()} {sentences[last]}"
        words = list(LOWERCASE_WORD.finditer(text, len(text) - len(sentences[last])))
        if words and len(text) <= LONGEST_TEXT:
            found.append(Gap(text, *draw.choice(words).span()))
        if len(found) == count:
            return found
    raise ValueError(f"count = {count}: пропусков нашлось только {len(found)}.")


def sample_forms(
    tokenizers: Sequence[PreTrainedTokenizerFast],
    count: int = 300,
    seed: int = 0,
    split: str = "validation",
) -> list[Gap]:
    """Вопросы о согласовании сказуемого, как в agreement, но одинаковые для всех словарей.

    Остаются вопросы, где обе формы занимают поровну токенов в каждом словаре. Берутся парами: на
    вопрос «первая форма верна, вторая нет» — вопрос наоборот; поэтому тот, кто всегда отвечает
    самой частой формой, прав в половине случаев. Не больше одного на документ.
    ValueError — count нечётно или столько вопросов в сорокакратном запасе документов нет.
    """
    if count % 2:
        raise ValueError(f"count = {count}: вопросы берутся парами, число нужно чётное.")
    draw = random.Random(f"{seed} формы")
    waiting: dict[tuple[str, str], list[Gap]] = {}
    found: list[Gap] = []
    for document in documents(seed, split, 0, 40 * count, truth=True):
        made = [pair for s in document.sentences for pair in _form_gaps(s, draw)]
        made = [pair for pair in made if _same_length(pair[0], tokenizers)]
        if not made:
            continue
        gap, kinds = draw.choice(made)
        if mirror := waiting.get(kinds[::-1]):  # вопрос в обратную сторону уже ждёт
            found += [mirror.pop(), gap]
        else:
            waiting.setdefault(kinds, []).append(gap)
        if len(found) >= count:
            return found
    raise ValueError(f"count = {count}: уравновешенных вопросов нашлось только {len(found)}.")


def _form_gaps(sentence: Sentence, draw: random.Random) -> Iterator[tuple[Gap, tuple[str, str]]]:
    """Сказуемые прошедшего времени: пропуск с чужой формой и виды двух форм — верной и чужой."""
    words = lexicon()
    for word in sentence.truth:
        if word.pos != "VERB" or "past" not in word.features or word.head is None:
            continue
        lexeme = words.lexemes.get(("VERB", word.lemma))
        forms = {kind: lexeme.forms[kind] for kind in FORMS if lexeme and kind in lexeme.forms}
        kind = next((k for k, form in forms.items() if form == word.text.lower()), None)
        others = [other for other, form in forms.items() if kind and form != forms[kind]]
        if len(sentence.text) >= LONGEST_TEXT or not others:
            continue
        other = draw.choice(others)
        wrong = forms[other].capitalize() if word.text[0].isupper() else forms[other]
        text = spaced(sentence.text)
        shift = len(text) - len(sentence.text)
        yield Gap(text, word.start + shift, word.end + shift, wrong), (kind, other)


def _same_length(gap: Gap, tokenizers: Iterable[PreTrainedTokenizerFast]) -> bool:
    return all(len(hide(t, gap).places) == len(hide(t, gap.other).places) for t in tokenizers)


def hide(tokenizer: PreTrainedTokenizerFast, gap: Gap) -> Hidden:
    """Закрывает масками все токены слова; токен — слова, если задевает его знаки."""
    encoded = tokenizer(gap.text, return_offsets_mapping=True)
    places = tuple(
        place
        for place, (start, end) in enumerate(encoded.offset_mapping)
        if start < gap.end and end > gap.start
    )
    input_ids = list(encoded.input_ids)
    answers = tuple(input_ids[place] for place in places)
    for place in places:
        input_ids[place] = tokenizer.mask_token_id
    return Hidden(tuple(input_ids), places, answers)


def fill_scores(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, gaps: Sequence[Gap]
) -> dict[str, Any]:
    """Доля угаданных слов с интервалом Уилсона и бит на знак: accuracy, low, high, bits, total."""
    found = _answers(model, tokenizer, gaps)
    right = sum(is_right for _, is_right in found)
    low, high = wilson_interval(right, len(gaps))
    bits = -sum(logarithm for logarithm, _ in found) / math.log(2)
    return {
        "accuracy": right / len(gaps),
        "low": low,
        "high": high,
        "bits": bits / sum(len(gap.word) for gap in gaps),
        "total": len(gaps),
    }


def choice_scores(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, gaps: Sequence[Gap]
) -> dict[str, Any]:
    """Доля вопросов, где верная форма вероятнее чужой, с интервалом Уилсона."""
    truth = _answers(model, tokenizer, gaps)
    other = _answers(model, tokenizer, [gap.other for gap in gaps])
    right = sum(ours[0] > theirs[0] for ours, theirs in zip(truth, other, strict=True))
    low, high = wilson_interval(right, len(gaps))
    return {"accuracy": right / len(gaps), "low": low, "high": high, "total": len(gaps)}


def _answers(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, gaps: Sequence[Gap]
) -> list[tuple[float, bool]]:
    """О каждом пропуске: логарифм вероятности его токенов и названы ли все они первыми."""
    hidden = [hide(tokenizer, gap) for gap in gaps]
    # Похожие по длине — рядом: меньше дополнения.
    order = sorted(range(len(gaps)), key=lambda number: len(hidden[number].input_ids))
    asked = [(number, place) for number in order for place in range(len(hidden[number].places))]
    scores = log_probabilities(
        model,
        tokenizer.pad_token_id,
        [list(hidden[number].input_ids) for number, _ in asked],
        [hidden[number].places[place] for number, place in asked],
    )
    logarithms, right = [0.0] * len(gaps), [True] * len(gaps)
    for row, best, (number, place) in zip(scores, scores.argmax(-1).tolist(), asked, strict=True):
        answer = hidden[number].answers[place]
        logarithms[number] += row[answer].item()
        right[number] &= best == answer
    return list(zip(logarithms, right, strict=True))
