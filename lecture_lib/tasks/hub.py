"""Настоящие задачи с Hugging Face Hub по имени: GLUE и Russian SuperGLUE тем же кодом.

«glue/mrpc», «glue/cola» …, «russian_super_glue/terra» … — задача той же формы, что и у «Городка»:
та же голова, то же дообучение, та же метрика. Нет сети — одна строка об этом.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from lecture_lib.network import hub_is_reachable
from lecture_lib.tasks.common import Task, TextExample

YES_NO = ("нет", "да")
PARAPHRASE = ("о разном", "перифраз")
ENTAILMENT = ("следует", "не следует")
ANSWERED = ("ответ есть", "ответа нет")
THREE = ("следует", "неясно", "противоречит")


@dataclass(frozen=True)
class HubTask:
    """Где лежит задача, какие столбцы читать, какие метки и метрики.

    columns — один или два столбца с текстом; через «+» — те, что склеиваются. splits — наша доля
    → доля на Hub.
    """

    config: str
    columns: tuple[str, ...]
    labels: tuple[str, ...]
    metrics: tuple[str, ...] = ("accuracy",)
    splits: tuple[tuple[str, str], ...] = (("train", "train"), ("validation", "validation"))


REPOSITORIES = {"glue": "nyu-mll/glue", "russian_super_glue": "RussianNLP/russian_super_glue"}
_PAIR = ("sentence1", "sentence2")
_F1 = ("f1", "accuracy")
_MNLI = (
    ("train", "train"),
    ("validation", "validation_matched"),
    ("test_scripts", "validation_mismatched"),
)
HUB_TASKS = {
    "glue/mnli": HubTask("mnli", ("premise", "hypothesis"), THREE, splits=_MNLI),
    "glue/qqp": HubTask("qqp", ("question1", "question2"), PARAPHRASE, _F1),
    "glue/qnli": HubTask("qnli", ("question", "sentence"), ANSWERED),
    "glue/sst2": HubTask("sst2", ("sentence",), ("недоволен", "доволен")),
    "glue/cola": HubTask("cola", ("sentence",), ("неприемлемо", "приемлемо"), ("matthews",)),
    "glue/stsb": HubTask("stsb", _PAIR, (), ("pearson", "spearman")),
    "glue/mrpc": HubTask("mrpc", _PAIR, PARAPHRASE, _F1),
    "glue/rte": HubTask("rte", _PAIR, ENTAILMENT),
    "glue/wnli": HubTask("wnli", _PAIR, YES_NO),
    # У RCB классы в другом порядке, чем у MNLI: следует, противоречит, неясно.
    "russian_super_glue/rcb": HubTask(
        "rcb", ("premise", "hypothesis"), ("следует", "противоречит", "неясно")
    ),
    "russian_super_glue/terra": HubTask("terra", ("premise", "hypothesis"), ENTAILMENT),
    "russian_super_glue/danetqa": HubTask("danetqa", ("question", "passage"), YES_NO),
    "russian_super_glue/rwsd": HubTask("rwsd", ("text", "span1_text+span2_text"), YES_NO),
    "russian_super_glue/russe": HubTask("russe", ("sentence1+word", "sentence2+word"), YES_NO),
}


def load_hub_task(name: str) -> Task:
    """Задача с Hub по имени: «glue/mrpc», «russian_super_glue/terra».

    Примеры без ответа (−1 в закрытых долях) отбрасываются. ValueError — имя неизвестно или сети
    нет: тогда одна строка о том, что делать, не позже чем через 5 секунд.
    """
    if name not in HUB_TASKS:
        raise ValueError(f"name = {name!r}: с Hub есть {', '.join(HUB_TASKS)}.")
    if not hub_is_reachable():
        raise ValueError(
            f"Сети нет, задача {name} недоступна: возьмите задачу «Городка», "
            f"например load_task({_twin(name)!r})."
        )
    known = HUB_TASKS[name]
    dataset = _download(REPOSITORIES[name.partition("/")[0]], known.config)
    names = dict(known.splits)

    def make(split: str, count: int, seed: int) -> list[TextExample]:
        rows = dataset[names[split]]
        if seed:
            rows = rows.shuffle(seed=seed)
        answered = (row for row in rows if row["label"] != -1)
        return [example_of(row, known) for row, _ in zip(answered, range(count), strict=False)]

    return Task(
        name=name,
        title=f"{name} с Hugging Face Hub",
        kind="single" if len(known.columns) == 1 else "pair",
        labels=known.labels,
        metrics=known.metrics,
        sizes={split: len(dataset[there]) for split, there in known.splits},
        make=make,
    )


def example_of(row: Mapping[str, Any], known: HubTask) -> TextExample:
    """Строка набора с Hub — в пример: тексты и ответ."""
    texts = [" — ".join(str(row[c]) for c in column.split("+")) for column in known.columns]
    label = row["label"] if known.labels else float(row["label"])
    return TextExample(texts[0], texts[1] if texts[1:] else "", label)


def _twin(name: str) -> str:
    """Задача «Городка», которая повторяет эту."""
    pairs: Sequence[tuple[str, str]] = (
        *(("rcb", "mnli"), ("terra", "rte"), ("danetqa", "qnli")),
        *(("rwsd", "wnli"), ("russe", "mrpc")),
    )
    config = name.partition("/")[2]
    return dict(pairs).get(config, config)


@cache
def _download(repository: str, config: str) -> Mapping[str, Any]:
    """Набор с Hub; старым наборам со скриптом загрузки — их же копия в parquet."""
    from datasets import load_dataset

    try:
        return load_dataset(repository, config)
    except (RuntimeError, ValueError):
        return load_dataset(repository, data_dir=config, revision="refs/convert/parquet")
