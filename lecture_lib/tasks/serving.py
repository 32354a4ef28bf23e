"""Задачи как `datasets`: примеры — в строки набора данных и обратно, с кэшем Arrow.

Столбцы — как у одноимённых наборов на Hub: sentence1, sentence2, label; sentence, label;
question, context, answers; tokens, ner_tags. Поэтому код урока не знает, откуда задача пришла.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lecture_lib.tasks.common import Example, SpanExample, TaggedExample, Task, TextExample

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict, Features


def as_dataset(
    task: Task | str, seed: int = 0, sizes: Mapping[str, int] | None = None
) -> DatasetDict:
    """Все доли задачи; второй вызов с теми же аргументами читает кэш Arrow.

    sizes — сколько примеров в доле, если не столько, сколько у задачи. ValueError — нет такой
    задачи или доли.
    """
    from datasets import Dataset, DatasetDict

    from lecture_lib.tasks import load_task

    task = load_task(task) if isinstance(task, str) else task
    wanted = dict(task.sizes if sizes is None else sizes)
    for split in wanted:
        if split not in task.sizes:
            listed = ", ".join(task.sizes)
            raise ValueError(f"sizes: доли {split!r} у задачи {task.name} нет, есть {listed}.")
    return DatasetDict(
        {
            split: Dataset.from_generator(
                _rows,
                features=features(task),
                gen_kwargs={
                    "name": task.name,
                    "split": split,
                    "count": count,
                    "seed": seed,
                    "version": version(),
                },
                split=split,
            )
            for split, count in wanted.items()
        }
    )


def _rows(name: str, split: str, count: int, seed: int, version: str) -> Iterator[dict[str, Any]]:
    """Строки набора; version нужна только ключу кэша."""
    from lecture_lib.tasks import load_task

    task = load_task(name)
    for number, example in enumerate(task.examples(split, count, seed)):
        yield row_of(example, task, number)


def row_of(example: Example, task: Task, number: int) -> dict[str, Any]:
    """Пример — в строку набора данных."""
    if isinstance(example, SpanExample):
        answers = {"text": [example.answer], "answer_start": [example.start]}
        return {
            "id": f"{task.name}-{number}",
            "question": example.question,
            "context": example.context,
            "answers": answers,
        }
    if isinstance(example, TaggedExample):
        numbers = [task.labels.index(tag) for tag in example.tags]
        return {"tokens": list(example.words), "ner_tags": numbers}
    if task.kind == "single":
        return {"sentence": example.first, "label": example.label}
    return {"sentence1": example.first, "sentence2": example.second, "label": example.label}


def examples_of(rows: Dataset | Iterable[Mapping[str, Any]], task: Task) -> list[Example]:
    """Строки набора данных — в примеры задачи."""
    return [example_of(row, task) for row in rows]


def example_of(row: Mapping[str, Any], task: Task) -> Example:
    """Строка набора данных — в пример; у отрезка берётся первый из ответов."""
    if task.kind == "span":
        texts, starts = row["answers"]["text"], row["answers"]["answer_start"]
        return SpanExample(row["question"], row["context"], texts[0], starts[0])
    if task.kind == "tags":
        tags = tuple(task.labels[number] for number in row["ner_tags"])
        return TaggedExample(tuple(row["tokens"]), tags)
    if task.kind == "single":
        return TextExample(row["sentence"], "", row["label"])
    return TextExample(row["sentence1"], row["sentence2"], row["label"])


def features(task: Task) -> Features:
    """Типы столбцов: у меток есть имена, у STS-B ответ — число."""
    from datasets import ClassLabel, Features, List, Value

    text = Value("string")
    if task.kind == "span":
        answers = {"text": List(text), "answer_start": List(Value("int32"))}
        return Features({"id": text, "question": text, "context": text, "answers": answers})
    if task.kind == "tags":
        return Features({"tokens": List(text), "ner_tags": List(ClassLabel(names=task.labels))})
    label = Value("float32") if task.is_regression else ClassLabel(names=list(task.labels))
    if task.kind == "single":
        return Features({"sentence": text, "label": label})
    return Features({"sentence1": text, "sentence2": text, "label": label})


@cache
def version() -> str:
    """Отпечаток корпуса и кода задач: сменились они — кэш строится заново."""
    from lecture_lib.corpus import corpus_version

    digest = hashlib.sha256(corpus_version().encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
