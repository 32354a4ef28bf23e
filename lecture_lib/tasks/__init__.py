"""Прикладные задачи (downstream tasks) на «Городке» — «МикроGLUE»: файл на задачу.

Столбцы таблицы GLUE с теми же метриками, вопросы к тексту, как SQuAD, и разметка, как CoNLL:

    task = load_task("mrpc")
    task.examples("train", 200)     # примеры
    as_dataset(task)                # datasets.DatasetDict, второй раз — из кэша
    card(task)                      # карточка: сколько, какие длины, доли меток, примеры
"""

from __future__ import annotations

from lecture_lib.tasks import cola, mnli, mrpc, ner, qnli, qqp, rte, squad, sst2, stsb, wnli
from lecture_lib.tasks.common import Task

TASKS: dict[str, Task] = {
    module.TASK.name: module.TASK
    for module in (mnli, qqp, qnli, sst2, cola, stsb, mrpc, rte, wnli, squad, ner)
}


def load_task(name: str) -> Task:
    """Задача по имени: «mnli», «qqp» …; имя с косой чертой («glue/mrpc») — задача с Hub.

    ValueError — такой задачи нет; у задачи с Hub — ещё и если нет сети.
    """
    if "/" in name:
        from lecture_lib.tasks.hub import load_hub_task

        return load_hub_task(name)
    if name not in TASKS:
        raise ValueError(f"name = {name!r}: есть задачи {', '.join(TASKS)}.")
    return TASKS[name]


def __getattr__(name: str):
    """as_dataset, card и load_hub_task загружаются, когда понадобились."""
    homes = {"as_dataset": "serving", "examples_of": "serving", "card": "cards"}
    homes["load_hub_task"] = "hub"
    if name not in homes:
        raise AttributeError(f"В lecture_lib.tasks нет имени «{name}».")
    from importlib import import_module

    return getattr(import_module(f"lecture_lib.tasks.{homes[name]}"), name)
