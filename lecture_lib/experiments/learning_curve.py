"""Опыт урока 05: сколько размеченных примеров заменяет предобучение.

Одна и та же модель дообучается с предобученных весов и с нуля на 50, 100, … и на всех примерах
задачи. Примеры вложены: при том же зерне сто первых содержат пятьдесят первых. Шагов у обеих
поровну, и не меньше наименьшего числа — иначе на пятидесяти примерах обучение кончилось бы,
не начавшись (Mosbach et al., 2021).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from lecture_lib.config import FinetuningConfig
from lecture_lib.experiments.sweeps import Row, read_rows, save_rows, spread, sweep
from lecture_lib.experiments.task_scores import fresh_encoder, measure, prepare_task, tune
from lecture_lib.finetuning_data import steps_per_epoch
from lecture_lib.pretrained import load_pretrained
from lecture_lib.tasks import load_task
from lecture_lib.tokenization import load_tokenizer

FILE = Path(__file__).with_suffix(".json")
STARTS = {"scratch": "с нуля", "pretrained": "предобученная"}
LABELS = (50, 100, 200, 500, 1000, 2000)  # и все, сколько есть
TASKS = ("mnli", "ner")
BUDGET = {"model": "mini", "epochs": 4, "at_least_steps": 150, "counts": {}}
QUICK = {
    "model": "mini",
    "epochs": 1,
    "at_least_steps": 2,
    "counts": {"train": 60, "validation": 20, "test_scripts": 20, "test_words": 20},
}


def run(
    folder: str | Path,
    seeds: Sequence[int] = (0, 1, 2),
    tasks: Sequence[str] = TASKS,
    *,
    quick: bool = False,
    workers: int | None = None,
    progress: bool = True,
) -> list[Row]:
    """Строка на задачу, начало, число меток и зерно; прерванный опыт продолжается."""
    settings, tokenizer, jobs = experiment_settings(quick), load_tokenizer(), []
    for name in tasks:
        task = load_task(name)
        examples = prepare_task(task, tokenizer, Path(folder, "tasks"), settings["counts"])
        jobs += [
            {"task": name, "start": start, "labels": labels, "seed": seed}
            for seed in seeds
            for labels in label_counts(len(examples["train"]))
            for start in STARTS
        ]
    return sweep(jobs, run_one, settings, folder, workers=workers, progress=progress)


def experiment_settings(quick: bool = False) -> dict[str, Any]:
    """Всё, от чего зависят числа опыта."""
    return dict(QUICK if quick else BUDGET)


def label_counts(available: int) -> list[int]:
    """Сколько меток брать: 50, 100, … — и все."""
    return [*(count for count in LABELS if count < available), available]


def run_one(job: Mapping[str, Any], settings: Mapping[str, Any], folder: str) -> Row:
    """Одна точка кривой: дообучить на job["labels"] примерах и измерить."""
    started = time.perf_counter()
    task, seed = load_task(job["task"]), job["seed"]
    cache = Path(folder, "tasks")
    examples = prepare_task(task, load_tokenizer(), cache, settings["counts"])
    chosen = first_examples(examples["train"], job["labels"], seed)
    config = FinetuningConfig(seed=seed)
    least = -(-settings["at_least_steps"] // steps_per_epoch(chosen, config))
    config = replace(config, epochs=max(settings["epochs"], least))
    model = tune(task, starting_encoder(job["start"], settings["model"], seed), chosen, config)
    scores = measure(task, model, examples[task.dev_splits[0]])
    return scores | {"seconds": round(time.perf_counter() - started, 1)}


def first_examples(examples: Sequence, count: int, seed: int) -> list:
    """Первые count примеров в порядке, который решает зерно. ValueError — столько примеров нет."""
    if not 1 <= count <= len(examples):
        raise ValueError(f"count = {count}: примеров {len(examples)}.")
    order = np.random.default_rng([seed, 5]).permutation(len(examples))
    return [examples[i] for i in order[:count]]


def starting_encoder(start: str, model: str, seed: int) -> nn.Module:
    """Кодировщик до дообучения: предобученный или того же размера со случайными весами."""
    if start not in STARTS:
        raise ValueError(f"start = {start!r}: бывает {' и '.join(STARTS)}.")
    pretrained = load_pretrained(model)
    if start == "pretrained":
        return pretrained.encoder
    return fresh_encoder(pretrained.config, seed)


def load_rows() -> list[Row]:
    """Строки полного опыта из поставки."""
    return read_rows(FILE)["rows"]


def save(rows: Sequence[Row], path: str | Path = FILE, quick: bool = False) -> None:
    """Пишет строки в файл поставки вместе с настройками и версиями."""
    save_rows(rows, experiment_settings(quick), path)


def summary(rows: Sequence[Row]) -> list[Row]:
    """Точки кривых {task, start, labels, metric, mean, std, seeds} — главная метрика задачи."""
    values: dict[tuple[str, str, int], list[float]] = {}
    for row in rows:
        metric = load_task(row["task"]).metrics[0]
        values.setdefault((row["task"], row["start"], row["labels"]), []).append(row[metric])
    return [
        {
            "task": task,
            "start": start,
            "labels": labels,
            "metric": load_task(task).metrics[0],
            **spread(found),
        }
        for (task, start, labels), found in values.items()
    ]


def report(rows: Sequence[Row]) -> dict[str, Any]:
    """Опыт одним объектом: точки кривых и сами запуски."""
    return {"rows": summary(rows), "runs": list(rows)}


def table(rows: Sequence[Row]) -> tuple[list[str], list[list[Any]]]:
    """Столбцы и строки таблицы для человека: задача, число меток и обе модели."""
    cells = {(r["task"], r["labels"], r["start"]): r for r in summary(rows)}
    places = dict.fromkeys((task, labels) for task, labels, _ in cells)
    lines = [[*place, *(cells.get((*place, start)) for start in STARTS)] for place in places]
    return ["Задача", "меток", *STARTS.values()], lines
