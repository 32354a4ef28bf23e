"""Опыт урока 05: таблица GLUE в миниатюре — кто из моделей лучше решает задачи «МикроGLUE».

Сначала каждая модель предобучается — на одних и тех же документах, одним и тем же числом токенов.
Потом её дообучают на каждой задаче с несколькими зёрнами: зерно решает голову, порядок примеров и
dropout. Лучшая эпоха выбирается по отложенной десятой доле обучающих примеров, а меряется модель на
проверочных. Рядом — ответ большинства и мешок слов, без всякого предобучения.

Источник: Devlin et al., 2019, раздел 4.1 и таблица 1.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from lecture_lib.config import FinetuningConfig
from lecture_lib.experiments import baselines, glue_models
from lecture_lib.experiments.glue_models import (
    FROZEN,
    PRETRAINED,
    load_corpus,
    load_encoder,
    pretrain_one,
)
from lecture_lib.experiments.sweeps import Row, read_rows, save_rows, spread, sweep
from lecture_lib.experiments.task_scores import measure, prepare_task, tune
from lecture_lib.tasks import TASKS, load_task
from lecture_lib.tasks.common import Task
from lecture_lib.tasks.metrics import evaluate
from lecture_lib.tokenization import load_tokenizer

FILE = Path(__file__).with_suffix(".json")
BASELINES = {"majority": "большинство", "bag_of_words": "мешок слов"}
MODELS = BASELINES | glue_models.MODELS
PRETRAINING = "pretraining"  # так в строках названо предобучение: это не задача
# Столбцы, где проверочных долей две. Остальные столбцы — по имени задачи, первая проверочная доля.
COLUMNS = {("mnli", "validation"): "mnli-m", ("mnli", "test_scripts"): "mnli-mm"}
# В среднее, как в статье, не входят WNLI и задачи не из GLUE.
OUTSIDE = ("wnli", "squad", "ner")

BUDGET = {
    "documents": 400_000,
    "pretraining": {"tokens": 20_000_000, "batch_size": 16},
    "counts": {},  # сколько примеров в долях: пусто — сколько положено задаче
    "epochs": 8,
    "patience": 2,
}
QUICK = {
    "documents": 200,
    "pretraining": {"tokens": 1536, "batch_size": 4},
    "counts": {"train": 40, "validation": 30, "test_scripts": 30, "test_words": 30},
    "epochs": 1,
    "patience": 1,
}
# Скорость дообучения: новым слоям BiLSTM и одной голове нужно больше, большой модели — меньше.
RATES = {"elmo": 2e-3, "bert-small-frozen": 5e-3, "bert-large": 3e-4}


def run(
    folder: str | Path,
    seeds: Sequence[int] = (0, 1, 2),
    models: Sequence[str] = tuple(MODELS),
    tasks: Sequence[str] = tuple(TASKS),
    *,
    quick: bool = False,
    workers: int | None = None,
    progress: bool = True,
) -> list[Row]:
    """Опыт целиком: строка на предобучение, модель × задачу × зерно; прерванный продолжается.

    ValueError — неизвестная модель или задача.
    """
    for name in models:
        if name not in MODELS:
            raise ValueError(f"models: {name!r} нет среди {', '.join(MODELS)}.")
    settings, place = experiment_settings(quick), Path(folder)
    prepare(settings, place, tasks)  # данные — один раз, до того как процессы разойдутся
    needed = {name.removesuffix(FROZEN) for name in models}
    first = [
        {"model": name, "task": PRETRAINING, "seed": 0}
        for name in PRETRAINED
        if name.removesuffix("-forwards").removesuffix("-backwards") in needed
    ]
    options = {"workers": workers, "progress": progress}
    rows = sweep(first, pretrain_one, settings, place / PRETRAINING, **options)
    jobs = [
        {"model": model, "task": task, "seed": seed}
        for seed in seeds
        for task in tasks
        for model in models
        if seed == seeds[0] or model not in BASELINES  # у базовых моделей случайного нет
    ]
    return rows + sweep(jobs, run_one, settings, place, **options)


def experiment_settings(quick: bool = False) -> dict[str, Any]:
    """Всё, от чего зависят числа опыта."""
    return dict(QUICK if quick else BUDGET)


def prepare(settings: Mapping[str, Any], folder: Path, tasks: Iterable[str]) -> None:
    """Корпус и примеры задач — в кэш папки опыта."""
    tokenizer = load_tokenizer()
    load_corpus(settings, folder / PRETRAINING)
    for name in tasks:
        prepare_task(load_task(name), tokenizer, folder / "tasks", settings["counts"])


def run_one(job: Mapping[str, Any], settings: Mapping[str, Any], folder: str) -> Row:
    """Одна строка: обучить модель на задаче и измерить на каждой проверочной доле.

    Метрики первой доли — под своими именами, остальных — «метрика@доля».
    """
    started = time.perf_counter()
    task = load_task(job["task"])
    if job["model"] in BASELINES:
        found = _baseline_scores(task, job["model"], settings)
    else:
        found = _tuned_scores(task, job["model"], job["seed"], settings, Path(folder))
    first, *others = task.dev_splits
    scores = dict(found[first])
    for split in others:
        scores |= {f"{metric}@{split}": value for metric, value in found[split].items()}
    return scores | {"seconds": round(time.perf_counter() - started, 1)}


def _baseline_scores(task: Task, model: str, settings: Mapping[str, Any]) -> dict[str, Row]:
    """Метрики базовой модели на проверочных долях."""
    counts, answer = settings["counts"], getattr(baselines, model)
    train, scores = task.examples("train", counts.get("train")), {}
    for split in task.dev_splits:
        dev = task.examples(split, counts.get(split))
        truth = [baselines.answer_of(example, task) for example in dev]
        scores[split] = evaluate(task.metrics, truth, answer(train, dev, task))
    return scores


def _tuned_scores(
    task: Task, model: str, seed: int, settings: Mapping[str, Any], folder: Path
) -> dict[str, Row]:
    """Метрики дообученной модели на проверочных долях."""
    examples = prepare_task(task, load_tokenizer(), folder / "tasks", settings["counts"])
    config = FinetuningConfig(
        epochs=settings["epochs"],
        learning_rate=RATES.get(model, FinetuningConfig.learning_rate),
        frozen=model.endswith(FROZEN),
        seed=seed,
    )
    encoder = load_encoder(model, folder / PRETRAINING, seed)
    tuned = tune(task, encoder, examples["train"], config, patience=settings["patience"])
    return {split: measure(task, tuned, examples[split]) for split in task.dev_splits}


def load_rows() -> list[Row]:
    """Строки полного опыта из поставки."""
    return read_rows(FILE)["rows"]


def save(rows: Sequence[Row], path: str | Path = FILE, quick: bool = False) -> None:
    """Пишет строки в файл поставки вместе с настройками и версиями."""
    save_rows(rows, experiment_settings(quick), path)


def summary(rows: Sequence[Row]) -> list[Row]:
    """Строки {model, task, metric, mean, std, seeds}; task — столбец таблицы («mnli-m»)."""
    values: dict[tuple[str, str, str], list[float]] = {}
    for row in rows:
        for (column, metric), value in columns_of(row).items():
            values.setdefault((row["model"], column, metric), []).append(value)
    names = ("model", "task", "metric")
    return [dict(zip(names, key, strict=True)) | spread(found) for key, found in values.items()]


def columns_of(row: Row) -> dict[tuple[str, str], float]:
    """Клетки строки запуска: (столбец, метрика) -> значение; у предобучения их нет."""
    cells = {}
    if row["task"] == PRETRAINING:
        return cells
    task = load_task(row["task"])
    for split in task.dev_splits:
        first = split == task.dev_splits[0]
        column = COLUMNS.get((task.name, split), task.name if first else f"{task.name}@{split}")
        for metric in task.metrics:
            key = metric if first else f"{metric}@{split}"
            if key in row:
                cells[column, metric] = row[key]
    return cells


def main_metrics(rows: Sequence[Row]) -> dict[str, str]:
    """Столбец -> его главная метрика, в порядке задач."""
    found: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: _place(row["task"])):
        for column, metric in columns_of(row):
            found.setdefault(column, metric)  # главная метрика задачи стоит первой
    return found


def average(rows: Sequence[Row]) -> dict[str, float]:
    """Среднее по столбцам GLUE (главные метрики, средние по зёрнам) — у кого измерены все."""
    main = {
        column: metric
        for column, metric in main_metrics(rows).items()
        if column not in OUTSIDE and "@" not in column
    }
    cells = {(r["model"], r["task"]): r["mean"] for r in summary(rows) if _is_main(r, main)}
    models = dict.fromkeys(model for model, _ in cells)
    return {
        model: fmean(cells[model, column] for column in main)
        for model in models
        if all((model, column) in cells for column in main)
    }


def report(rows: Sequence[Row]) -> dict[str, Any]:
    """Опыт одним объектом: сводка, средние и сами запуски."""
    return {"rows": summary(rows), "average": average(rows), "runs": list(rows)}


def table(rows: Sequence[Row]) -> tuple[list[str], list[list[Any]]]:
    """Таблица для человека: столбцы и строки — модель, среднее, главная метрика столбцов."""
    main, means = main_metrics(rows), average(rows)
    cells = {(r["model"], r["task"]): r for r in summary(rows) if _is_main(r, main)}
    models = dict.fromkeys(model for model, _ in cells)
    lines = [
        [MODELS.get(model, model), means.get(model), *(cells.get((model, c)) for c in main)]
        for model in models
    ]
    return ["Модель", "Среднее", *main], lines


def _is_main(row: Row, main: Mapping[str, str]) -> bool:
    return main.get(row["task"]) == row["metric"]


def _place(task: str) -> int:
    return tuple(TASKS).index(task) if task in TASKS else -1
