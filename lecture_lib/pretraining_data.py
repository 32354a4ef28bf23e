"""Данные предобучения: документы -> номера токенов на диске -> отрезки -> батчи.

Корпус токенизируется один раз, в плоский массив номеров; пример — границы одного или двух
отрезков в нём. Батч номер n — чистая функция зерна и n, поэтому обучение можно продолжить
с любого шага.

Источники: Devlin et al. 2019, §3.1 (пары для NSP) и приложение A.2; Liu et al. 2019, §4.2
(DOC-SENTENCES — отрезки одного документа, без NSP).
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from lecture_lib.config import PretrainingConfig
from lecture_lib.masking import IGNORED, MaskingVocabulary
from lecture_lib.tokenization import vocabulary_fingerprint

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

CONSECUTIVE, RANDOM_NEXT = 0, 1  # метки NSP — как у Hugging Face
# Доля документов, которые идут по одному предложению. Отступление от статьи: в отрезке из
# соседних предложений согласование можно списать у соседа («Мы … Мы …»), а спрашивают модель
# чаще всего об одном предложении — там подлежащее надо найти.
SINGLE_SHARE = 0.5
# Примеры группируются по длине внутри порции из стольких батчей.
POOL_BATCHES = 64
DOCUMENTS_AT_ONCE = 1000
TRIES = 20


class Example(NamedTuple):
    """Границы отрезков A и B в массиве номеров (B может быть пуст) и метка NSP."""

    a_start: int
    a_end: int
    b_start: int = 0
    b_end: int = 0
    label: int = IGNORED

    @property
    def length(self) -> int:
        """Токенов вместе с [CLS] и [SEP]."""
        pair = self.b_end > self.b_start
        return self.a_end - self.a_start + self.b_end - self.b_start + (3 if pair else 2)


@dataclass(frozen=True)
class PretrainingBatch:
    """Батч: тензоры (B, S) int64; next_sentence_label — (B,), -100 у одиночных отрезков."""

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor
    next_sentence_label: Tensor

    @property
    def tokens(self) -> int:
        """Сколько в батче настоящих токенов (без дополнения)."""
        return int(self.attention_mask.sum())


@dataclass(frozen=True)
class TokenizedCorpus:
    """Корпус в номерах токенов; T токенов, N предложений, M документов."""

    ids: np.ndarray  # (T,) uint16 или int32
    sentence_starts: np.ndarray  # (N + 1,) int64: где в ids начинается предложение
    document_starts: np.ndarray  # (M + 1,) int64: с какого предложения начинается документ
    vocabulary: MaskingVocabulary
    cls_id: int
    sep_id: int
    pad_id: int

    @property
    def documents(self) -> int:
        return len(self.document_starts) - 1

    @property
    def sentences(self) -> int:
        return len(self.sentence_starts) - 1

    @property
    def tokens(self) -> int:
        return len(self.ids)

    @property
    def fingerprint(self) -> str:
        """Отпечаток корпуса: сколько в нём токенов и начало контрольной суммы."""
        digest = hashlib.sha256()
        for array in (self.ids, self.sentence_starts, self.document_starts):
            digest.update(np.ascontiguousarray(array))
        return f"{self.tokens} токенов, {digest.hexdigest()[:12]}"


def tokenize_corpus(
    documents: Iterable,
    tokenizer: PreTrainedTokenizerFast,
    *,
    cache_folder: str | Path | None = None,
    key: str = "corpus",
) -> TokenizedCorpus:
    """Токенизирует документы — один раз, если задана cache_folder.

    documents — любой итератор по документам: документ — список строк-предложений либо объект
    с полем sentences. key — имя корпуса в кэше; к нему добавлен отпечаток токенизатора.
    Если в кэше корпус уже есть, documents не читаются вовсе.
    ValueError — если документов нет.
    """
    if cache_folder is None:
        arrays = _tokenize(documents, tokenizer)
    else:
        folder = Path(cache_folder) / f"{key}-{vocabulary_fingerprint(tokenizer)}"
        if not folder.is_dir():
            _save_arrays(folder, _tokenize(documents, tokenizer))
        # mmap: миллионы предложений читаются с диска по мере надобности.
        names = ("ids", "sentence_starts", "document_starts")
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
    return TokenizedCorpus(
        **arrays,
        vocabulary=MaskingVocabulary.from_tokenizer(tokenizer),
        cls_id=tokenizer.cls_token_id,
        sep_id=tokenizer.sep_token_id,
        pad_id=tokenizer.pad_token_id,
    )


def document_pairs(
    corpus: TokenizedCorpus, document: int, room: int, draw: random.Random
) -> Iterator[Example]:
    """Режет документ на пары отрезков (A, B): в половине пар B — из другого документа.

    room — сколько токенов помещается в пару без специальных. Если B чужой, настоящее
    продолжение идёт в следующую пару, как в коде BERT. Отступления от него: 50 % выдержаны
    точно (пара из одного предложения не составляется, оно идёт без B); в чужом отрезке столько
    же предложений и они на том же расстоянии от конца — иначе NSP решалась бы по длине B, по
    «Вчера» в его начале и по развязке в конце.
    """
    sentence, end = corpus.document_starts[document : document + 2].tolist()
    starts = corpus.sentence_starts[sentence : end + 1].tolist()
    first = sentence
    alone = draw.random() < SINGLE_SHARE
    while sentence < end:
        stop = _fit(starts, sentence - first, room) + first
        if alone or stop - sentence < 2:
            stop = sentence + 1
            yield _single(starts[sentence - first], starts[stop - first], room)
        else:
            middle = draw.randrange(sentence + 1, stop)
            a_start, a_end, b_end = (starts[i - first] for i in (sentence, middle, stop))
            if draw.random() < 0.5:
                yield Example(a_start, a_end, a_end, b_end, CONSECUTIVE)
            else:
                left = room - (a_end - a_start)
                foreign = _foreign_segment(corpus, document, middle, stop, left, draw)
                yield Example(a_start, a_end, *foreign, RANDOM_NEXT)
                stop = middle
        sentence = stop


def document_segments(
    corpus: TokenizedCorpus, document: int, room: int, draw: random.Random
) -> Iterator[Example]:
    """Режет документ на одиночные отрезки из целых предложений, не длиннее room токенов."""
    first, end = corpus.document_starts[document : document + 2].tolist()
    starts = corpus.sentence_starts[first : end + 1].tolist()
    position = 0
    alone = draw.random() < SINGLE_SHARE
    while position < len(starts) - 1:
        stop = position + 1 if alone else _fit(starts, position, room)
        yield _single(starts[position], starts[stop], room)
        position = stop


class ExampleStream:
    """Бесконечный поток батчей: `stream.batch(n)` зависит только от корпуса, зерна и n.

    Документы идут эпоха за эпохой, каждая в своём порядке. Порция из POOL_BATCHES батчей
    сортируется по длине и делится так, чтобы в батчах было поровну токенов — около
    batch_size · sequence_length; поэтому коротких примеров в батче больше, чем длинных.
    """

    def __init__(self, corpus: TokenizedCorpus, config: PretrainingConfig) -> None:
        if config.next_sentence and corpus.documents < 2:
            raise ValueError(
                f"corpus: документов {corpus.documents}, а для NSP нужно хотя бы два — "
                "второй отрезок половины пар берётся из другого документа"
            )
        self.corpus = corpus
        self.seed = config.seed
        self.split = document_pairs if config.next_sentence else document_segments
        self.room = config.sequence_length - (3 if config.next_sentence else 2)
        self.batch_tokens = config.batch_size * config.sequence_length
        self.pool_documents = self._measure_pool()
        self._order = lru_cache(maxsize=2)(self._epoch_order)
        self._pool = lru_cache(maxsize=1)(self._make_pool)

    def batch(self, step: int) -> PretrainingBatch:
        """Батч шага step."""
        pool, place = divmod(step, POOL_BATCHES)
        return assemble(self.corpus, self._pool(pool)[place])

    def _measure_pool(self) -> int:
        """Сколько документов нужно на порцию: измеряется на первых документах."""
        sample = range(min(1000, self.corpus.documents))
        draw = random.Random(f"{self.seed} мера")
        lengths = [example.length for d in sample for example in self._examples(d, draw)]
        return max(1, round(POOL_BATCHES * self.batch_tokens * len(sample) / sum(lengths)))

    def _examples(self, document: int, draw: random.Random) -> Iterator[Example]:
        return self.split(self.corpus, document, self.room, draw)

    def _epoch_order(self, epoch: int) -> np.ndarray:
        return np.random.default_rng([self.seed, epoch]).permutation(self.corpus.documents)

    def _make_pool(self, pool: int) -> list[list[Example]]:
        draw = random.Random(f"{self.seed} порция {pool}")
        first = pool * self.pool_documents
        examples = []
        for place in range(first, first + self.pool_documents):
            epoch, index = divmod(place, self.corpus.documents)
            examples += self._examples(int(self._order(epoch)[index]), draw)
        # Строки нужны хотя бы по одной на батч: крошечный корпус проходится ещё раз.
        examples *= -(-POOL_BATCHES // len(examples))
        batches = group_by_length(examples, POOL_BATCHES)
        draw.shuffle(batches)
        return batches


def group_by_length(examples: Sequence[Example], count: int) -> list[list[Example]]:
    """Делит примеры на count батчей: в каждом похожие длины и поровну токенов."""
    ordered = sorted(examples, key=lambda example: example.length)
    total = np.cumsum([example.length for example in ordered])
    edges = np.searchsorted(total, np.arange(1, count) * total[-1] / count)
    edges = [0, *edges.tolist(), len(ordered)]
    # Батч не бывает пуст: его граница хотя бы на пример дальше предыдущей.
    for i in range(1, count):
        edges[i] = min(max(edges[i], edges[i - 1] + 1), len(ordered) - (count - i))
    return [ordered[edges[i] : edges[i + 1]] for i in range(count)]


def assemble(corpus: TokenizedCorpus, examples: Sequence[Example]) -> PretrainingBatch:
    """Собирает батч [CLS] A [SEP] B [SEP]; короткие строки дополняются справа до самой длинной."""
    shape = (len(examples), max(example.length for example in examples))
    input_ids = np.full(shape, corpus.pad_id, dtype=np.int64)
    segments = np.zeros(shape, dtype=np.int64)
    attention = np.zeros(shape, dtype=np.int64)
    for row, example in enumerate(examples):
        a_end = 1 + example.a_end - example.a_start
        input_ids[row, 0] = corpus.cls_id
        input_ids[row, 1:a_end] = corpus.ids[example.a_start : example.a_end]
        input_ids[row, a_end] = corpus.sep_id
        if example.b_end > example.b_start:
            end = example.length - 1
            input_ids[row, a_end + 1 : end] = corpus.ids[example.b_start : example.b_end]
            input_ids[row, end] = corpus.sep_id
            segments[row, a_end + 1 : end + 1] = 1
        attention[row, : example.length] = 1
    labels = torch.tensor([example.label for example in examples])
    return PretrainingBatch(
        *(torch.from_numpy(array) for array in (input_ids, attention, segments)), labels
    )


def _fit(starts: list[int], position: int, room: int) -> int:
    """Конец отрезка с предложения position: сколько целых поместится, но не меньше одного."""
    stop = position + 1
    while stop < len(starts) - 1 and starts[stop + 1] - starts[position] <= room:
        stop += 1
    return stop


def _single(start: int, end: int, room: int) -> Example:
    return Example(start, min(end, start + room))  # слишком длинное предложение обрезается


def _foreign_segment(
    corpus: TokenizedCorpus, document: int, middle: int, stop: int, room: int, draw: random.Random
) -> tuple[int, int]:
    """Замена для предложений middle … stop: столько же и так же далеко от конца документа."""
    to_end = int(corpus.document_starts[document + 1]) - middle
    for _ in range(TRIES):  # нужен документ, где столько предложений есть и без первого
        other = draw.randrange(corpus.documents - 1)
        other += other >= document
        first, end = corpus.document_starts[other : other + 2].tolist()
        if end - first > to_end:
            break
    start = max(end - to_end, min(first + 1, end - 1))
    starts = corpus.sentence_starts[start : min(start + stop - middle, end) + 1].tolist()
    last = _fit(starts, 0, room)
    return starts[0], min(starts[last], starts[0] + room)


def _tokenize(documents: Iterable, tokenizer: PreTrainedTokenizerFast) -> dict[str, np.ndarray]:
    dtype = np.uint16 if len(tokenizer) <= 2**16 else np.int32
    ids, lengths, sizes = [], [], []
    iterator = iter(documents)
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()  # он помнит, если раньше кто-то просил обрезать текст
    backend.no_padding()
    while portion := [_texts(document) for document in islice(iterator, DOCUMENTS_AT_ONCE)]:
        texts = [text for document in portion for text in document]
        encodings = backend.encode_batch_fast(texts, add_special_tokens=False)
        pieces = [np.array(encoding.ids, dtype=dtype) for encoding in encodings]
        ids += [np.concatenate(pieces)] if pieces else []
        counts = iter(map(len, pieces))
        for document in portion:
            # Строка из одних невидимых знаков не даёт ни токена: такого предложения нет.
            known = [count for count in islice(counts, len(document)) if count]
            lengths += known
            sizes.append(len(known))
    if not lengths:
        raise ValueError("documents: ни одного документа с предложениями")
    return {
        "ids": np.concatenate(ids),
        "sentence_starts": np.cumsum([0, *lengths], dtype=np.int64),
        "document_starts": np.cumsum([0, *(size for size in sizes if size)], dtype=np.int64),
    }


def _texts(document) -> list[str]:
    sentences = getattr(document, "sentences", document)
    texts = [getattr(sentence, "text", sentence) for sentence in sentences]
    return [text for text in texts if text.strip()]


def _save_arrays(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    """Пишет массивы во временную папку и переименовывает её: полупустого кэша не бывает."""
    draft = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    draft.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(draft / f"{name}.npy", array)
    try:
        os.replace(draft, folder)
    except OSError:  # другой процесс успел раньше и записал то же самое
        shutil.rmtree(draft)
