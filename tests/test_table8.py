"""Опыт «таблица 8»: правила — как в статье, строки продолжаются, сравнения считаются верно."""

from __future__ import annotations

import json

import pytest
import torch
from scipy.stats import ttest_rel

from lecture_lib.config import TINY
from lecture_lib.experiments import sweeps, table8
from lecture_lib.experiments.statistics import paired_t_test
from lecture_lib.finetuning import EncodedExample
from lecture_lib.heads import PretrainingOutput
from lecture_lib.masking import MaskingVocabulary


def test_rows_are_the_papers_rows():
    """Имена строк — MASK/SAME/RND из статьи, и доли стоят на своих местах."""
    for name in table8.TABLE:
        mask, same, random = (int(part) / 100 for part in name.split("/"))
        config = table8.masking(name)
        assert (config.mask_rate, config.keep_rate, config.random_rate) == (mask, same, random)
        assert config.probability == 0.15
    assert table8.masking("слова").unit == "whole_word"
    with pytest.raises(ValueError, match="variant = '70/30'"):
        table8.masking("70/30")


def test_quick_run_resumes_and_saves(tmp_path):
    """Проба проходит целиком; второй вызов ничего не пересчитывает и отдаёт те же строки."""
    variants = ("80/10/10", "100/0/0")
    rows = table8.run(tmp_path, (0,), variants, quick=True, workers=2, progress=False)
    assert [row["row"] for row in rows] == list(variants)
    for row in rows:
        assert row["tokens"] > 0 and row["seconds"] > 0
        assert all(0 <= row[measure] <= 1 for measure in table8.MEASURES)
        assert 0 <= row["visible_accuracy"] <= 1
    written = (tmp_path / sweeps.ROWS).read_text(encoding="utf-8").splitlines()
    again = table8.run(tmp_path, (0,), variants, quick=True, progress=False)
    assert again == rows
    assert (tmp_path / sweeps.ROWS).read_text(encoding="utf-8").splitlines() == written
    assert rows[0]["tokens"] == rows[1]["tokens"]  # бюджет равный
    table8.save(rows, tmp_path / "rows.json", quick=True)
    report = sweeps.read_rows(tmp_path / "rows.json")
    assert report["rows"] == rows and report["versions"]["torch"] == torch.__version__
    with pytest.raises(ValueError, match="с другими настройками"):
        table8.run(tmp_path, (0,), variants, quick=False, progress=False)


def test_read_rows_complains(tmp_path):
    with pytest.raises(ValueError, match="строк опыта здесь нет"):
        sweeps.read_rows(tmp_path / "нет.json")
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="файл испорчен"):
        sweeps.read_rows(tmp_path / "bad.json")


def test_interrupted_sweep_keeps_finished_rows(tmp_path):
    """Задание упало — готовые строки целы, и следующий вызов досчитывает остальное."""
    jobs = [{"row": name, "seed": 0} for name in ("a", "b", "ошибка")]
    with pytest.raises(RuntimeError, match="нарочно"):
        sweeps.sweep(jobs, _fails_once, {"x": 1}, tmp_path, workers=1, progress=False)
    assert len((tmp_path / sweeps.ROWS).read_text(encoding="utf-8").splitlines()) == 2
    (tmp_path / "теперь можно").touch()
    rows = sweeps.sweep(jobs, _fails_once, {"x": 1}, tmp_path, workers=1, progress=False)
    assert [row["row"] for row in rows] == ["a", "b", "ошибка"]
    counted = json.loads((tmp_path / sweeps.ROWS).read_text(encoding="utf-8").splitlines()[0])
    assert counted == {"row": "a", "seed": 0, "value": 1}


def _fails_once(job, settings, folder):
    from pathlib import Path

    if job["row"] == "ошибка" and not Path(folder, "теперь можно").exists():
        raise RuntimeError("нарочно")
    return {"value": settings["x"]}


ROWS = [
    {"row": row, "seed": seed, "ner_f1": base + seed / 10 + bump}
    for row, base in (("80/10/10", 0.5), ("100/0/0", 0.4))
    for seed, bump in enumerate((0.0, 0.01, -0.01, 0.02, 0.0) if row == "100/0/0" else (0,) * 5)
]


def test_compare_is_paired_by_seed():
    """Разброс между зёрнами велик, но разность при том же зерне постоянна — и критерий её видит."""
    (found,) = table8.compare(ROWS, "ner_f1")
    pairs = [(0.4 + s / 10 + b, 0.5 + s / 10) for s, b in enumerate((0, 0.01, -0.01, 0.02, 0))]
    expected = ttest_rel(*zip(*pairs, strict=True))
    assert found["p_value"] == pytest.approx(expected.pvalue)
    low, high = expected.confidence_interval()
    assert (found["low"], found["high"]) == (pytest.approx(low), pytest.approx(high))
    assert found["difference"] == pytest.approx(-0.096) and found["proven"]
    (summary, _) = table8.summary(ROWS, ["ner_f1"])
    assert summary["ner_f1"] == pytest.approx({"mean": 0.7, "std": 0.15811388, "seeds": 5})


def test_paired_t_test_edges():
    assert paired_t_test([(1, 1), (2, 2)])["p_value"] == 1.0
    assert paired_t_test([(2, 1), (3, 2)]) == {
        "difference": 1, "low": 1, "high": 1, "p_value": 0.0
    }  # fmt: skip
    with pytest.raises(ValueError, match="пар 1"):
        paired_t_test([(1, 2)])


def test_mismatch_of_a_copying_model():
    """Модель, которая повторяет вход, узнаёт все видимые токены; другая — ни одного."""
    vocabulary = MaskingVocabulary(4, TINY.vocab_size, (0, 1, 2, 3, 4))
    examples = [
        EncodedExample((2, 10, 11, 12, 3), (0,) * 5, 0),
        EncodedExample((2, 9, 3), (0,) * 3, 0),
    ]
    for shift, wanted in ((0, 1.0), (1, 0.0)):
        model = _Copying(shift)
        found = table8.mismatch_of(model, examples, vocabulary)
        assert found["visible_accuracy"] == wanted
        assert found["visible_probability"] == pytest.approx(wanted, abs=1e-3)


class _Copying(torch.nn.Module):
    config = TINY

    def __init__(self, shift):
        super().__init__()
        self.shift = shift

    def forward(self, input_ids, attention_mask, token_type_ids):
        said = torch.nn.functional.one_hot(input_ids + self.shift, TINY.vocab_size)
        return PretrainingOutput(50.0 * said, None, said)
