"""Корпус как `datasets` и настоящий текст через тот же интерфейс.

«Городок» порождается один раз и ложится в кэш Arrow; вместо него можно взять папку с файлами
`.txt` или набор данных с Hugging Face Hub. Нет сети — одна строка об этом и «Городок».
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from lecture_lib.corpus.gorodok import SPLITS, Document, Sentence, documents
from lecture_lib.corpus.lexicon import FOLDER, FORMS_FILE, lexicon, rows
from lecture_lib.corpus.stories import SCRIPTS, scripts
from lecture_lib.corpus.world import world
from lecture_lib.network import hub_is_reachable

CHUNK = 5000  # документов в одном задании порождения
# Конец предложения в настоящем тексте: знак, пробел, прописная буква, цифра, тире или кавычка.
_SENTENCE = re.compile(r"(?<=[.!?…])(?<!\b[А-ЯЁа-яё]\.)(»?)\s+(?=[«\"—А-ЯЁA-Z0-9])")


def as_dataset(
    split: str = "train",
    count: int = 10_000,
    seed: int = 0,
    truth: bool = False,
    num_proc: int | None = None,
):
    """«Городок» как `datasets.Dataset`; второй вызов с теми же аргументами читает кэш Arrow.

    Столбцы: `id`, `kind`, `script`, `sentences` (список строк) и, если `truth=True`, `entities` —
    участники документа, `facts` — факты и `tokens` — разметка каждого слова каждого предложения.

    Args:
        split, count, seed, truth: как у `gorodok`.
        num_proc: сколько процессов порождают документы.

    Raises:
        ValueError: неизвестная доля или `count` меньше единицы.
    """
    if split not in SPLITS:
        raise ValueError(f"Аргумент split = {split!r}: есть только {', '.join(SPLITS)}")
    if count < 1:
        raise ValueError(f"Аргумент count = {count}: нужен хотя бы один документ")
    from datasets import Dataset

    starts = list(range(0, count, CHUNK))
    return Dataset.from_generator(
        _rows,
        gen_kwargs={
            "starts": starts,
            "stops": [min(start + CHUNK, count) for start in starts],
            "seed": seed,
            "split": split,
            "truth": truth,
            "version": corpus_version(),
        },
        num_proc=min(num_proc or 1, len(starts)) if (num_proc or 1) > 1 else None,
    )


def _rows(
    starts: list[int], stops: list[int], seed: int, split: str, truth: bool, version: str
) -> Iterator[dict]:
    """Строки набора данных; `version` нужна только ключу кэша."""
    for start, stop in zip(starts, stops, strict=True):
        for document in documents(seed, split, start, stop - start, truth):
            yield _row(document, truth)


def _row(document: Document, truth: bool) -> dict:
    row = {
        "id": document.id,
        "kind": document.kind,
        "script": document.script,
        "sentences": [sentence.text for sentence in document.sentences],
    }
    if truth:
        row["entities"] = [
            {"kind": known.kind, "name": known.name, "members": list(known.members)}
            for known in document.entities
        ]
        row["facts"] = [[list(fact) for fact in sentence.facts] for sentence in document.sentences]
        row["tokens"] = [
            [
                {
                    **{name: getattr(token, name) for name in _TOKEN_FIELDS},
                    "antecedent": list(token.antecedent) if token.antecedent else None,
                }
                for token in sentence.truth
            ]
            for sentence in document.sentences
        ]
    return row


_TOKEN_FIELDS = (
    *("text", "start", "end", "lemma", "pos", "features"),
    *("head", "entity", "group", "certain"),
)


def corpus_version() -> str:
    """Отпечаток словаря, сценариев и грамматики: сменились они — кэш строится заново."""
    import hashlib

    digest = hashlib.sha256()
    code = sorted(FOLDER.parent.glob("*.py"))
    for path in [FORMS_FILE, *sorted(FOLDER.glob("*.txt")), *sorted(SCRIPTS.glob("*.txt")), *code]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def folder_documents(folder: str | Path) -> Iterator[Document]:
    """Документы из папки .txt: абзац (до пустой строки) — документ.

    Raises:
        ValueError: папки нет, в ней нет `.txt` или файл не в UTF-8.
    """
    folder = Path(folder)
    paths = sorted(folder.rglob("*.txt")) if folder.is_dir() else []
    if not paths:
        raise ValueError(
            f"Аргумент folder = {str(folder)!r}: нет такой папки или в ней нет файлов .txt"
        )
    return _folder_documents(paths)


def _folder_documents(paths: list[Path]) -> Iterator[Document]:
    number = 0
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"Файл {path.name} не в кодировке UTF-8 (байт {error.start})"
            ) from None
        for paragraph in re.split(r"\n\s*\n", text):
            sentences = split_sentences(paragraph)
            if sentences:
                yield Document(number, "text", path.stem, tuple(map(Sentence, sentences)))
                number += 1


def split_sentences(text: str) -> list[str]:
    """Разбить настоящий текст на предложения по знакам; инициалы «А. С.» не рвутся."""
    marked = _SENTENCE.sub(r"\1\n", " ".join(text.split()))
    return [piece for piece in marked.split("\n") if piece]


def hub_documents(
    name: str = "wikimedia/wikipedia",
    config: str | None = "20231101.ru",
    count: int = 10_000,
    seed: int = 0,
) -> Iterator[Document]:
    """Документы набора данных с Hub (потоком); без сети — одна строка и документы «Городка».

    Args:
        name, config: имя набора и его вариант, как в `datasets.load_dataset`.
        count: сколько документов взять.
        seed: зерно «Городка», если сети нет.
    """
    if not hub_is_reachable():
        print(
            f"Сети нет, набор {name} недоступен: вместо него — корпус «Городок».", file=sys.stderr
        )
        return documents(seed, "train", 0, count)
    from datasets import load_dataset

    return _hub_documents(load_dataset(name, config, split="train", streaming=True), name, count)


def _hub_documents(stream: Iterable[dict], name: str, count: int) -> Iterator[Document]:
    for number, row in enumerate(islice(stream, count)):
        sentences = split_sentences(row["text"])
        if sentences:
            yield Document(number, "text", name, tuple(map(Sentence, sentences)))


def statistics(seed: int = 0, seconds: float = 1.0) -> dict[str, float]:
    """Размеры корпуса и скорость порождения без разметки на одном ядре.

    `documents` — сколько документов порождено за `seconds` секунд замера.
    """
    words = lexicon()
    list(documents(seed, "train", 0, 50))  # словарь и сценарии прочитаны до замера
    start, sentences, number = time.perf_counter(), 0, 0
    while time.perf_counter() - start < seconds:
        sentences += sum(len(d.sentences) for d in documents(seed, "train", number, 100))
        number += 100
    speed = sentences / (time.perf_counter() - start)
    senses: dict[str, set] = {}
    for lemma, _ in rows("homonyms.txt"):
        senses.setdefault(lemma.partition("_")[0], set()).add(lemma)
    nouns = {row[0].partition("_")[0] for row in rows("nouns.txt")}
    verbs = {
        verb for frame in words.frames for verb in (frame.imperfective, frame.perfective) if verb
    }
    adverbs = {adverb.text for adverb in words.adverbs if " " not in adverb.text}
    counts = {
        "nouns": len(nouns),
        "verbs": len(verbs),
        "adjectives": len(words.adjectives),
        "adverbs": len(adverbs),
    }
    return {
        "lemmas": sum(counts.values()),
        **counts,
        "residents": len(world().residents),
        "scripts": len(scripts()),
        "homonyms": sum(len(meanings) > 1 for meanings in senses.values()),
        "documents": number,
        "sentences_per_second": round(speed),
    }
