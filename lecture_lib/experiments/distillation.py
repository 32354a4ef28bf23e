"""Опыт урока 07: таблица 4 статьи о DistilBERT в миниатюре — что в дистилляции важно.

Учитель один — TINY, четыре слоя. Его ученики различаются одним: нет одной из трёх потерь, начало
случайное, слоёв больше или меньше. Для сравнения — ученик того же размера без учителя: случайное
начало и одна потеря MLM. Шагов и токенов у всех учеников поровну, данные при одном зерне — одни.
Зерно решает порядок данных, маски и случайное начало; учитель от него не зависит, поэтому разброс
по зёрнам — это разброс дистилляции, а не предобучения.

Мера в статье — средняя оценка GLUE; здесь — согласование выбором из двух форм и отложенная MLM.

Источник: Sanh et al., 2019, раздел 4.2 и таблица 4.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from lecture_lib.checkpoints import load_latest
from lecture_lib.config import (
    TINY,
    DistillationConfig,
    MaskingConfig,
    PretrainingConfig,
)
from lecture_lib.corpus import documents
from lecture_lib.distillation import distill, new_student, spread_layers, student_from_teacher
from lecture_lib.experiments import agreement, table8
from lecture_lib.experiments.sweeps import Row, read_rows, save_rows, sweep
from lecture_lib.flops import flop_rows
from lecture_lib.heads import PretrainingModel
from lecture_lib.pretraining import evaluate, pretrain, validation_questions
from lecture_lib.pretraining_data import TokenizedCorpus, tokenize_corpus
from lecture_lib.tokenization import load_tokenizer

FILE = Path(__file__).with_suffix(".json")
TEACHER = "учитель"


@dataclass(frozen=True)
class Variant:
    """Чем ученик отличается от основного: веса потерь, начало, число слоёв."""

    weights: tuple[float, float, float] = (5.0, 2.0, 1.0)  # alpha_ce, alpha_mlm, alpha_cos
    random_start: bool = False
    layers: int = TINY.num_hidden_layers // 2


BASELINE = "все три потери"
ABLATIONS = {
    "без мягких целей": Variant((0.0, 2.0, 1.0)),
    "без косинуса": Variant((5.0, 2.0, 0.0)),
    "без MLM": Variant((5.0, 0.0, 1.0)),
    "случайное начало": Variant(random_start=True),
}
DEPTHS = {"слоёв 1": Variant(layers=1), "слоёв 3": Variant(layers=3)}
VARIANTS = {
    BASELINE: Variant(),
    **ABLATIONS,
    "без учителя": Variant((0.0, 2.0, 0.0), random_start=True),
    **DEPTHS,
}
MEASURES = {"agreement": "согласование", "mlm_accuracy": "токен угадан"}

SHARED = PretrainingConfig(
    batch_size=16,
    sequence_length=64,
    learning_rate=1e-3,
    warmup_share=0.05,
    masking=MaskingConfig(probability=0.3, unit="whole_word"),
)
BUDGET = {
    "documents": 60_000, "held_out": 400, "questions": 400,
    "teacher_steps": 3000, "student_steps": 1200,
}  # fmt: skip
QUICK = {
    "documents": 200, "held_out": 30, "questions": 20, "teacher_steps": 6, "student_steps": 4,
}  # fmt: skip
# На каком тексте считаются операции: один текст средней длины, без выхода в словарь.
FLOPS_LENGTH = 32


def run(
    folder: str | Path,
    seeds: Sequence[int] = (0, 1, 2),
    variants: Sequence[str] = tuple(VARIANTS),
    *,
    quick: bool = False,
    workers: int | None = None,
    progress: bool = True,
) -> list[Row]:
    """Опыт целиком: строка учителя, потом — по строке на вариант и зерно; прерванный продолжается.

    ValueError — такого варианта нет.
    """
    for name in variants:
        variant(name)
    settings = experiment_settings(quick)
    prepare(settings["budget"], folder)  # данные — один раз, до того как процессы разойдутся
    options = {"workers": workers, "progress": progress}
    first = sweep(
        [{"row": TEACHER, "seed": 0}], teach, settings, Path(folder, "teacher"), **options
    )
    jobs = [{"row": name, "seed": seed} for seed in seeds for name in variants]
    return first + sweep(jobs, run_one, settings, folder, **options)


def variant(name: str) -> Variant:
    """Описание варианта. ValueError — такого нет."""
    if name not in VARIANTS:
        raise ValueError(f"variant = {name!r}: есть только {', '.join(VARIANTS)}.")
    return VARIANTS[name]


def experiment_settings(quick: bool = False) -> dict[str, Any]:
    """Всё, от чего зависят числа опыта."""
    shared = asdict(SHARED)
    for name in ("seed", "total_steps"):  # зерно — в задании, шаги — в бюджете
        del shared[name]
    if quick:
        shared["batch_size"] = 4
    return {"shared": shared, "budget": QUICK if quick else BUDGET}


def teach(job: Mapping[str, Any], settings: Mapping[str, Any], folder: str) -> Row:
    """Предобучает учителя (прерванного — продолжает) и измеряет его."""
    started = time.perf_counter()
    data = prepare(settings["budget"], Path(folder).parent)
    config = _config(settings, PretrainingConfig, "teacher_steps", job["seed"])
    model, history = pretrain(
        TINY, config, data["train"], Path(folder, "training"), kept=1, progress=False
    )
    seconds = round(time.perf_counter() - started, 1)
    return {"tokens": int(history.rows[-1]["tokens"]), **measure(model, data), "seconds": seconds}


def run_one(job: Mapping[str, Any], settings: Mapping[str, Any], folder: str) -> Row:
    """Одна строка: обучить ученика варианта job["row"] и измерить его."""
    started = time.perf_counter()
    described, data = variant(job["row"]), prepare(settings["budget"], folder)
    teacher = load_teacher(folder)
    config = _config(settings, DistillationConfig, "student_steps", job["seed"])
    alpha_ce, alpha_mlm, alpha_cos = described.weights
    config = replace(config, alpha_ce=alpha_ce, alpha_mlm=alpha_mlm, alpha_cos=alpha_cos)
    student = first_student(teacher, described, job["seed"])
    model, history = distill(teacher, student, config, data["train"], progress=False)
    last = history.rows[-1]
    # С приставкой train_: mlm_loss без неё — потеря на отложенных данных.
    losses = {f"train_{n}": last[n] for n in ("ce_loss", "mlm_loss", "cos_loss") if n in last}
    seconds = round(time.perf_counter() - started, 1)
    return {"tokens": int(last["tokens"]), **losses, **measure(model, data), "seconds": seconds}


def first_student(teacher: PretrainingModel, described: Variant, seed: int) -> PretrainingModel:
    """Ученик до обучения: слои учителя через равные промежутки или случайные веса."""
    layers = spread_layers(teacher.config.num_hidden_layers, described.layers)
    student = student_from_teacher(teacher, layers)
    return new_student(student.config, seed) if described.random_start else student


def load_teacher(folder: str | Path) -> PretrainingModel:
    """Учитель этого опыта; ValueError — он ещё не обучен."""
    place = Path(folder, "teacher", "training")
    state = load_latest(place)
    if state is None:
        raise ValueError(f"folder = {str(folder)!r}: учитель ещё не обучен.")
    model = PretrainingModel(TINY)
    model.load_state_dict(state["model"])
    return model.eval()


def prepare(budget: Mapping[str, Any], folder: str | Path) -> dict[str, Any]:
    """Корпус, отложенный корпус и вопросы о согласовании; второй раз — из кэша папки опыта."""
    tokenizer, cache = load_tokenizer(), Path(folder, "cache")
    parts: dict[str, TokenizedCorpus] = {
        split: tokenize_corpus(
            documents(seed=0, split=split, count=budget[count]),
            tokenizer, cache_folder=cache, key=split,
        )
        for split, count in (("train", "documents"), ("validation", "held_out"))
    }  # fmt: skip
    path = cache / "agreement.pt"
    if not path.exists():
        asked = agreement.sample_questions(tokenizer, budget["questions"])
        torch.save([asdict(question) for question in asked], path)
    loaded = torch.load(path, weights_only=True)
    return {
        **parts,
        "tokenizer": tokenizer,
        "agreement": [agreement.AgreementQuestion(**fields) for fields in loaded],
    }


def measure(model: PretrainingModel, data: Mapping[str, Any]) -> Row:
    """Качество и цена модели: согласование, отложенная MLM, параметры, операции на текст."""
    config = replace(SHARED, next_sentence=False)
    held_out = evaluate(model, validation_questions(data["validation"], config))
    agreed = agreement.score(model, data["tokenizer"], data["agreement"])
    rows = flop_rows(model.config, 1, FLOPS_LENGTH)
    return {
        "agreement": agreed["accuracy"],
        "mlm_accuracy": held_out["accuracy"],
        "mlm_loss": held_out["loss"],
        "layers": model.config.num_hidden_layers,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "forward_flops": sum(row.forward for row in rows),
    }


def _config(
    settings: Mapping[str, Any], kind: type, steps: str, seed: int
) -> PretrainingConfig | DistillationConfig:
    """Настройки обучения учителя или ученика: общие, кроме числа шагов.

    Отрезки у обоих идут парами: учитель на них обучен, а прикладным задачам о парах они нужны.
    """
    shared = dict(settings["shared"])
    shared["adam_betas"] = tuple(shared["adam_betas"])
    shared["masking"] = MaskingConfig(**shared["masking"])
    return kind(**shared, total_steps=settings["budget"][steps], seed=seed)


def load_rows() -> list[Row]:
    """Строки полного опыта из поставки. ValueError — их ещё нет."""
    return read_rows(FILE)["rows"]


def save(rows: Sequence[Row], path: str | Path = FILE, quick: bool = False) -> None:
    """Пишет строки в файл поставки вместе с настройками и версиями."""
    save_rows(rows, experiment_settings(quick), path)


def summary(rows: Sequence[Row], measures: Sequence[str] = tuple(MEASURES)) -> list[Row]:
    """По вариантам: среднее и отклонение каждой меры по зёрнам."""
    return table8.summary(rows, measures)


def compare(rows: Sequence[Row], measure: str) -> list[Row]:
    """Разность «вариант минус все три потери» при тех же зёрнах, с поправкой Холма."""
    return table8.compare([r for r in rows if r["row"] != TEACHER], measure, BASELINE)


def front(rows: Sequence[Row], measure: str = "agreement") -> list[Row]:
    """Качество против цены: {row, layers, flops_share, quality_share} — доли от учителя.

    В списке — учитель и ученики со всеми тремя потерями, от мелких к глубоким.
    """
    (teacher,) = (row for row in rows if row["row"] == TEACHER)
    points = []
    for row in summary(rows, (measure, "layers", "forward_flops")):
        if row["row"] in (TEACHER, BASELINE, *DEPTHS):
            points.append({
                "row": row["row"],
                "layers": int(row["layers"]["mean"]),
                "flops_share": row["forward_flops"]["mean"] / teacher["forward_flops"],
                "quality_share": row[measure]["mean"] / teacher[measure],
            })  # fmt: skip
    return sorted(points, key=lambda point: point["flops_share"])


def report(rows: Sequence[Row]) -> dict[str, Any]:
    """Опыт одним объектом: строки запусков, сводка, сравнения с основным и качество против цены."""
    several = len({row["seed"] for row in rows if row["row"] != TEACHER}) > 1
    compared = {m: compare(rows, m) for m in MEASURES} if several else {}
    return {
        "rows": list(rows), "summary": summary(rows), "compared": compared, "front": front(rows)
    }  # fmt: skip


def table(rows: Sequence[Row]) -> tuple[list[str], list[list[Any]]]:
    """Столбцы и строки таблицы для человека: доли — в процентах, потеря MLM — числом."""
    lines = []
    for row in summary(rows, (*MEASURES, "mlm_loss")):
        loss = f"{row['mlm_loss']['mean']:.2f} ± {row['mlm_loss']['std']:.2f}".replace(".", ",")
        lines.append([row["row"], *(row[measure] for measure in MEASURES), loss])
    return ["Вариант", *MEASURES.values(), "потеря MLM"], lines
