"""Замер дистилляции: доли по определению, качество — только из строк опыта, ключи на месте."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
from small_corpus import small_encoder

from benchmarks import distillation as benchmark
from lecture_lib.distillation import student_from_teacher
from lecture_lib.experiments import distillation as experiment
from lecture_lib.experiments.sweeps import save_rows
from lecture_lib.heads import PretrainingModel
from lecture_lib.tokenization import load_tokenizer

KEYS = {
    "parameter_share", "file_share", "speedup_batch1", "speedup_batch32",
    "file_share_int8", "speedup_batch1_int8", "speedup_batch32_int8",
}  # fmt: skip


@pytest.fixture(scope="module")
def pair():
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 256, "max_position_embeddings": 128}
    config = small_encoder(len(load_tokenizer()), num_hidden_layers=6, **sizes)
    teacher = PretrainingModel(config).eval()
    return teacher, student_from_teacher(teacher, (0,)).eval()


def test_shares_and_speed(pair):
    """Доля параметров — по весам, файл fp16 — по два байта; один слой быстрее шести."""
    teacher, student = pair
    values = benchmark.measure(teacher, student, rounds=3, texts=8)
    assert values.keys() >= KEYS
    counts = [sum(p.numel() for p in model.parameters()) for model in pair]
    assert values["parameter_share"] == counts[1] / counts[0] < 1
    assert values["bytes"]["teacher"] == pytest.approx(2 * counts[0], rel=0.05)
    assert values["file_share"] == pytest.approx(values["parameter_share"], abs=0.03)
    assert values["speedup_batch1"] > 1.2 and values["speedup_batch32"] > 1.2
    said = {"trained": False, "quality_share": None, "quality_measure": None}
    text = "\n".join(benchmark.as_lines(values | said))
    assert "не обучен" in text and "lecture experiment distillation" in text
    assert all(title in text for title in benchmark.NAMES.values())


def test_sides_read_the_same_texts(pair):
    """Батчи — одни и те же тексты, в каком бы размере их ни резать; дополнение помечено."""
    one, many = (benchmark.text_batches(8, size) for size in (1, 4))
    assert [len(batch["input_ids"]) for batch in many] == [4, 4] and len(one) == 8
    rows = [row[mask.bool()] for b in many for row, mask in zip(b["input_ids"], b["attention_mask"],
                                                                strict=True)]  # fmt: skip
    assert all(torch.equal(a["input_ids"][0], b) for a, b in zip(one, rows, strict=True))
    calls = []
    student = pair[1]
    hook = student.encoder.register_forward_hook(lambda *_: calls.append(1))
    benchmark.reader(student, many)()
    hook.remove()
    assert len(calls) == 2


def made_rows(**values):
    shared = {"forward_flops": 10, "layers": 2, "seed": 0}
    shares = ((experiment.TEACHER, 1.0), (experiment.BASELINE, 0.9))
    return [
        {"row": row, **shared, **{name: value * share for name, value in values.items()}}
        for row, share in shares
    ]


def test_quality_comes_from_the_rows_only(tmp_path):
    """Строк нет — None; есть — доля учителя; МикроGLUE важнее согласования."""
    path = tmp_path / "rows.json"
    assert benchmark.quality(path) == (None, None)
    save_rows(made_rows(agreement=0.8), {}, path)
    assert benchmark.quality(path) == (pytest.approx(0.9), "agreement")
    save_rows(made_rows(agreement=0.8, glue=0.5), {}, path)
    assert benchmark.quality(path) == (pytest.approx(0.9), "glue")
    save_rows(made_rows(loss=0.5), {}, path)
    assert benchmark.quality(path) == (None, None)


def test_trained_student_is_preferred(tmp_path, pair):
    """Чекпойнт ученика есть — берётся он; нет — необученный ученик того же учителя."""
    from lecture_lib.pretrained import save_pretrained

    teacher, student, trained = benchmark.load_pair(tmp_path)
    assert not trained and student.config.num_hidden_layers == 3
    assert student.config.hidden_size == teacher.config.hidden_size
    save_pretrained(pair[1], tmp_path / "student", {})
    _, found, trained = benchmark.load_pair(tmp_path)
    assert trained and found.config == pair[1].config


def test_quick_distillation(root):
    """Быстрый замер печатает один объект с обещанными ключами."""
    command = [sys.executable, "-m", "benchmarks.distillation", "--quick", "--json"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    values = json.loads(done.stdout)
    assert values.keys() >= KEYS | {"quality_share", "machine"} and values["quick"]
    assert 0 < values["parameter_share"] < 1 and 0 < values["file_share_int8"] < 1
    assert min(values[name] for name in KEYS) > 0
