"""Опыт «дистилляция»: варианты — строки таблицы 4, проба проходит и продолжается, доли верны."""

from __future__ import annotations

import pytest
import torch

from lecture_lib.config import TINY
from lecture_lib.distillation import student_from_teacher
from lecture_lib.experiments import distillation, sweeps
from lecture_lib.heads import PretrainingModel
from lecture_lib.reference import DISTILBERT_TABLE_4


def test_ablations_are_the_rows_of_table_4():
    """Каждая строка таблицы 4 есть в опыте и меняет одно; вариантов сверх неё — не меньше двух."""
    assert list(distillation.ABLATIONS) == [row for row, _ in DISTILBERT_TABLE_4.rows]
    whole = distillation.VARIANTS[distillation.BASELINE]
    for name, found in distillation.ABLATIONS.items():
        changed = [a != b for a, b in zip(found.weights, whole.weights, strict=True)]
        assert sum(changed) + found.random_start == 1, name
        assert found.layers == whole.layers == 2
    assert {v.layers for v in distillation.VARIANTS.values()} == {1, 2, 3}
    with pytest.raises(ValueError, match="variant = 'четыре'"):
        distillation.variant("четыре")


def test_first_student_follows_the_variant():
    """Начало — слои учителя 0 и 3; случайное — того же размера, но от зерна."""
    torch.manual_seed(0)
    teacher = PretrainingModel(TINY).eval()
    weight = "encoder.layers.1.intermediate.weight"
    start = distillation.first_student(teacher, distillation.Variant(), 0).state_dict()
    assert torch.equal(start[weight], student_from_teacher(teacher, (0, 3)).state_dict()[weight])
    random = [
        distillation.first_student(teacher, distillation.Variant(random_start=True), seed)
        for seed in (0, 0, 1)
    ]
    first, same, other = (model.state_dict()[weight] for model in random)
    assert torch.equal(first, same) and not torch.equal(first, other)
    assert random[0].config == student_from_teacher(teacher, (0, 3)).config


def test_quick_run_resumes(tmp_path):
    """Проба проходит целиком; второй вызов ничего не пересчитывает."""
    variants = (distillation.BASELINE, "без мягких целей")
    rows = distillation.run(tmp_path, (0,), variants, quick=True, workers=1, progress=False)
    assert [row["row"] for row in rows] == [distillation.TEACHER, *variants]
    teacher, baseline, ablated = rows
    for row in rows:
        assert all(0 <= row[measure] <= 1 for measure in distillation.MEASURES)
        assert row["mlm_loss"] > 0 and row["tokens"] > 0
    losses = {"train_ce_loss", "train_mlm_loss", "train_cos_loss"}
    assert losses <= baseline.keys() and losses - ablated.keys() == {"train_ce_loss"}
    assert baseline["tokens"] == ablated["tokens"]  # бюджет равный
    assert (teacher["layers"], baseline["layers"]) == (4, 2)
    assert baseline["parameters"] < teacher["parameters"]
    written = (tmp_path / sweeps.ROWS).read_text(encoding="utf-8")
    again = distillation.run(tmp_path, (0,), variants, quick=True, workers=1, progress=False)
    assert again == rows and (tmp_path / sweeps.ROWS).read_text(encoding="utf-8") == written
    with pytest.raises(ValueError, match="с другими настройками"):
        distillation.run(tmp_path, (0,), variants, progress=False)


def test_student_without_a_teacher_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="учитель ещё не обучен"):
        distillation.load_teacher(tmp_path)


def made_row(row, seed, agreement, layers, flops):
    values = {"mlm_accuracy": agreement / 2, "mlm_loss": 3.0, "forward_flops": flops}
    return {"row": row, "seed": seed, "agreement": agreement, "layers": layers, **values}


ROWS = [
    made_row(distillation.TEACHER, 0, 0.8, 4, 400),
    *(made_row(distillation.BASELINE, s, 0.7 + s / 100, 2, 200) for s in range(3)),
    *(made_row("без мягких целей", s, 0.6 + s / 100 + s % 2 / 1000, 2, 200) for s in range(3)),
    *(made_row("слоёв 1", s, 0.4, 1, 100) for s in range(3)),
]


def test_front_and_comparison_by_hand():
    """Доли — от учителя; сравнение — с основным учеником, учителя в нём нет."""
    points = distillation.front(ROWS)
    assert [(p["row"], p["layers"], p["flops_share"]) for p in points] == [
        ("слоёв 1", 1, 0.25), (distillation.BASELINE, 2, 0.5), (distillation.TEACHER, 4, 1.0),
    ]  # fmt: skip
    assert [p["quality_share"] for p in points] == pytest.approx([0.5, 0.8875, 1.0])
    found = {row["row"]: row for row in distillation.compare(ROWS, "agreement")}
    assert found.keys() == {"без мягких целей", "слоёв 1"}
    assert found["без мягких целей"]["difference"] == pytest.approx(-0.1 + 1 / 3000)
    assert found["без мягких целей"]["proven"]


def test_report_and_table_hold_every_variant():
    report = distillation.report(ROWS)
    assert report.keys() == {"rows", "summary", "compared", "front"}
    assert distillation.report(ROWS[:2])["compared"] == {}  # одно зерно сравнивать не с чем
    columns, lines = distillation.table(ROWS)
    assert len(lines) == 4 and all(len(line) == len(columns) for line in lines)
    assert lines[0][-1] == "3,00 ± 0,00"
