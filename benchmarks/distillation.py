"""Ученик против учителя: параметры, место на диске, скорость, качество; и ученик в int8.

Как в таблице 3 статьи о DistilBERT, меряется полный проход кодировщика на процессоре — по одному
тексту и батчами по 32. Учитель и ученик ходят по очереди, итог — медиана отношений по кругам.
Если обученного ученика в поставке нет, берётся необученный того же размера: скорость от чисел в
весах не зависит, а качество — None. Качество — из строк опыта `lecture experiment distillation`:
доля от качества его учителя (там и учитель, и ученик — меньшего размера, TINY).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.report import (
    aligned,
    decimal,
    median_ratio,
    note,
    parse_arguments,
    show,
    timed_pairs,
)
from lecture_lib.cli.output import percent, thousands
from lecture_lib.config import STUDENT
from lecture_lib.corpus import documents
from lecture_lib.distillation import spread_layers, student_from_teacher
from lecture_lib.experiments import distillation as experiment
from lecture_lib.heads import PretrainingModel
from lecture_lib.pretrained import SHIPPED_FOLDER, WEIGHTS, load_pretrained, save_pretrained
from lecture_lib.quantization import quantize, size_in_bytes
from lecture_lib.tokenization import load_tokenizer

ROUNDS, QUICK_ROUNDS = 25, 5
TEXTS, QUICK_TEXTS = 256, 32
BATCH_SIZES = (1, 32)
# Мера качества — первая из этих, что есть в строках опыта: сначала средняя МикроGLUE.
QUALITY = ("glue", "agreement")
# Цифры лекции: 66 из 110 миллионов параметров, на 60 % быстрее, 97 % качества.
LECTURE = {"parameter_share": 0.60, "speedup_batch1": 1.6, "quality_share": 0.97}
NAMES = {
    "parameter_share": "параметров, доля от учителя",
    "file_share": "место на диске, доля",
    "speedup_batch1": "во сколько раз быстрее, по одному тексту",
    "speedup_batch32": "во сколько раз быстрее, батч 32",
    "quality_share": "качество, доля",
}

Batch = Mapping[str, torch.Tensor]


def load_pair(folder: Path = SHIPPED_FOLDER) -> tuple[PretrainingModel, PretrainingModel, bool]:
    """Учитель, ученик и обучен ли ученик; folder — где лежат поставляемые чекпойнты."""
    teacher = load_pretrained("mini")
    if (folder / "student").is_dir():
        return teacher, load_pretrained(folder / "student"), True
    layers = spread_layers(teacher.config.num_hidden_layers, STUDENT.num_hidden_layers)
    return teacher, student_from_teacher(teacher, layers), False


def text_batches(count: int, batch_size: int) -> list[Batch]:
    """Отложенные предложения «Городка», по batch_size в батче, с дополнением до самого длинного."""
    tokenizer = load_tokenizer()
    found = documents(seed=0, split="validation", count=count)
    texts = [document.sentences[0].text for document in found]
    return [
        dict(tokenizer(texts[i : i + batch_size], padding=True, return_tensors="pt"))
        for i in range(0, len(texts), batch_size)
    ]


def reader(model: PretrainingModel, batches: Sequence[Batch]) -> Callable[[], None]:
    """Действие: прочесть все батчи кодировщиком модели, без головы MLM."""

    def read() -> None:
        with torch.inference_mode():
            for batch in batches:
                model.encoder(batch["input_ids"], batch["attention_mask"])

    return read


def speedup(
    teacher: PretrainingModel, student: PretrainingModel, batches: Sequence[Batch], rounds: int
) -> float:
    """Во сколько раз ученик быстрее: медиана отношений секунд учителя к секундам ученика."""
    sides = [reader(model, batches) for model in (teacher, student)]
    for side in sides:  # первый раз torch готовит умножения под эти формы
        side()
    return median_ratio(timed_pairs(*sides, rounds))


def file_bytes(model: PretrainingModel) -> int:
    """Сколько байт занимает файл весов чекпойнта курса (fp16)."""
    with tempfile.TemporaryDirectory() as folder:
        return (save_pretrained(model, folder, {}) / WEIGHTS).stat().st_size


def parameters(model: torch.nn.Module) -> int:
    """Сколько чисел в модели; общая матрица — один раз."""
    return sum(parameter.numel() for parameter in model.parameters())


def quality(path: Path = experiment.FILE) -> tuple[float | None, str | None]:
    """Доля качества учителя, которую сохранил ученик, и мера; строк опыта нет — None."""
    if not path.is_file():
        return None, None
    rows = experiment.read_rows(path)["rows"]
    measure = next((name for name in QUALITY if all(name in row for row in rows)), None)
    if measure is None:
        return None, None
    shares = {point["row"]: point["quality_share"] for point in experiment.front(rows, measure)}
    return shares[experiment.BASELINE], measure


def measure(
    teacher: PretrainingModel, student: PretrainingModel, rounds: int, texts: int
) -> dict[str, Any]:
    """Весь замер, кроме качества: доли и ускорения ученика и, с приставкой _int8, он же в int8."""
    small = quantize(student)
    values = {
        "parameters": {"teacher": parameters(teacher), "student": parameters(student)},
        "bytes": {
            "teacher": file_bytes(teacher),
            "student": file_bytes(student),
            "student_int8": size_in_bytes(small),
        },
    }
    values["parameter_share"] = values["parameters"]["student"] / values["parameters"]["teacher"]
    for end in ("", "_int8"):
        values[f"file_share{end}"] = values["bytes"][f"student{end}"] / values["bytes"]["teacher"]
    for size in BATCH_SIZES:
        batches = text_batches(texts, size)
        for end, model in (("", student), ("_int8", small)):
            values[f"speedup_batch{size}{end}"] = speedup(teacher, model, batches, rounds)
            note(f"скорость: батч {size}{', int8' if end else ''}")
    return values


def as_lines(values: Mapping[str, Any]) -> list[str]:
    """Отчёт для человека: ученик, он же в int8 и цифры лекции."""

    def said(name: str, end: str = "") -> str:
        value = values.get(name + end)
        if value is None:
            return "—"
        return f"{decimal(value, 2)}×" if name.startswith("speedup") else percent(value)

    lines = ["Ученик (в скобках — int8; через дробь — лекция)"]
    rows = []
    for name, title in NAMES.items():
        lecture = f" / {decimal(LECTURE[name], 2)}" if name in LECTURE else ""
        quantized = f" ({said(name, '_int8')})" if f"{name}_int8" in values else ""
        rows.append((title, said(name) + quantized + lecture))
    counts = values["parameters"]
    lines += aligned(rows)
    lines += ["", f"Параметров: {thousands(counts['teacher'])} и {thousands(counts['student'])}."]
    if not values["trained"]:
        lines.append("Ученик не обучен: его чекпойнта в поставке нет.")
    if values["quality_measure"] is None:
        lines.append("Строк опыта нет: lecture experiment distillation --save …")
    return lines


def main(argv: Sequence[str] | None = None) -> None:
    """Команда python -m benchmarks.distillation."""
    options = parse_arguments("Ученик против учителя: размер, скорость, качество", argv)
    teacher, student, trained = load_pair()
    sizes = (QUICK_ROUNDS, QUICK_TEXTS) if options.quick else (ROUNDS, TEXTS)
    values = measure(teacher, student, *sizes)
    share, name = quality()
    values |= {"quality_share": share, "quality_measure": name, "trained": trained}
    values["rounds"] = sizes[0]
    show(options, "Дистилляция: ученик против учителя", values, as_lines(values))


if __name__ == "__main__":
    main()
