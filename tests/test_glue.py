"""Таблица GLUE: проба проходит целиком, столбцы и средние считаются верно, кривая вложена."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import fmean, stdev

import pytest
import torch

from lecture_lib.cli import experiment as command
from lecture_lib.config import EncoderConfig
from lecture_lib.experiments import glue, glue_models, learning_curve
from lecture_lib.experiments.glue_models import (
    load_encoder,
    pretrain_lstm,
    pretrain_one,
    pretraining_config,
    turned,
)
from lecture_lib.masking import IGNORED
from lecture_lib.pretraining import Question, ask_next
from lecture_lib.pretraining_data import PretrainingBatch, tokenize_corpus
from lecture_lib.tokenization import train_wordpiece
from lecture_lib.variants.bilstm import BiLSTMEncoder, LSTMConfig
from lecture_lib.variants.gpt import CausalEncoder
from tests.small_corpus import sentences, stories


@pytest.fixture
def small_models(monkeypatch):
    """Те же модели, но крошечные."""
    for name, config in glue_models.SIZES.items():
        small = replace(
            config, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
        )
        monkeypatch.setitem(glue_models.SIZES, name, small)
    monkeypatch.setattr(glue_models, "LSTM_SIZE", LSTMConfig(hidden_size=8))


def test_quick_run_trains_and_measures_every_model(tmp_path, small_models):
    """Предобучение, дообучение и меры — всё, что делает опыт, в одном процессе."""
    settings, tasks = glue.experiment_settings(quick=True), ("mnli", "ner")
    glue.prepare(settings, tmp_path, tasks)
    place = str(tmp_path / glue.PRETRAINING)
    rows = []
    for name in glue_models.PRETRAINED:
        job = {"model": name, "task": glue.PRETRAINING, "seed": 0}
        rows.append(job | pretrain_one(job, settings, place))
    tokens = [row["tokens"] for row in rows]
    assert max(tokens) < 1.3 * min(tokens)  # бюджет равный; батчи — целыми отрезками
    for task in tasks:
        for model in glue.MODELS:
            job = {"model": model, "task": task, "seed": 0}
            rows.append(job | glue.run_one(job, settings, str(tmp_path)))
    summary = glue.summary(rows)
    columns = {row["task"] for row in summary}
    assert {"mnli-m", "mnli-mm", "ner"} <= columns and glue.PRETRAINING not in columns
    assert all(0 <= row["mean"] <= 1 and row["seeds"] == 1 for row in summary)
    silent, reading = (
        next(r["mean"] for r in summary if r["model"] == name and r["metric"] == "entity_f1")
        for name in ("majority", "bag_of_words")
    )
    assert silent == 0 < reading  # «всё — O» сущностей не находит, слова — находят
    assert set(glue.average(rows)) == set(glue.MODELS)
    names, lines = glue.table(rows)
    assert names[:4] == ["Модель", "Среднее", "mnli-m", "mnli-mm"]
    assert [line[0] for line in lines] == list(glue.MODELS.values())
    command.print_table(names, lines)


def test_encoders_are_what_they_are_called(tmp_path, small_models):
    assert not load_encoder("scratch", tmp_path).config.is_causal
    with pytest.raises(ValueError, match="модель ещё не предобучена"):
        load_encoder("gpt", tmp_path)
    with pytest.raises(ValueError, match="name = 'xlnet'"):
        load_encoder("xlnet", tmp_path)
    with pytest.raises(ValueError, match="'xlnet' нет среди"):
        glue.run(tmp_path, models=("xlnet",), quick=True)
    for name, model in {
        "gpt": torch.nn.Module.state_dict(CausalEncoder(fresh(glue_models.SIZES["gpt"])).encoder),
        "bert-small": fresh(glue_models.SIZES["bert-small"]).state_dict(),
    }.items():
        (tmp_path / name).mkdir()
        torch.save(model, tmp_path / name / glue_models.WEIGHTS)
        found = load_encoder(name, tmp_path)
        assert isinstance(found, CausalEncoder) == (name == "gpt")
    for side in ("forwards", "backwards"):
        (tmp_path / f"elmo-{side}").mkdir()
        weights = glue_models.LanguageLSTM(glue_models.LSTM_SIZE).state_dict()
        torch.save(weights, tmp_path / f"elmo-{side}" / glue_models.WEIGHTS)
    elmo = load_encoder("elmo", tmp_path)
    assert isinstance(elmo, BiLSTMEncoder)
    ahead, behind = elmo.elmo.forwards.decoder.weight, elmo.elmo.backwards.decoder.weight
    assert not torch.equal(ahead, behind)


def fresh(config: EncoderConfig):
    return glue_models.fresh_encoder(config, 0)


def test_budgets_are_equal_and_objectives_right():
    found = {name: pretraining_config(name, 2**20, 16) for name in glue_models.PRETRAINED}
    assert {c.total_steps * c.batch_size * c.sequence_length for c in found.values()} == {2**20}
    objectives = {name: config.objective for name, config in found.items()}
    assert objectives == {
        "bert-large": "mlm", "bert-small": "mlm",
        "gpt": "clm", "elmo-forwards": "clm", "elmo-backwards": "clm",
    }  # fmt: skip


def test_turned_question_asks_about_the_left_neighbour():
    ids = torch.tensor([[2, 11, 12, 3], [2, 13, 3, 0]])
    mask = (ids != 0).long()
    question = turned(ask_next(PretrainingBatch(ids, mask, torch.zeros_like(ids), ids[:, 0])))
    assert isinstance(question, Question)
    assert question.input_ids.tolist() == [[3, 12, 11, 2], [3, 13, 2, 0]]
    assert question.labels.tolist() == [
        [12, 11, 2, IGNORED], [13, 2, IGNORED, IGNORED],
    ]  # fmt: skip


def test_both_language_models_learn():
    """За сотню шагов потери обоих направлений — много ниже равномерной догадки, ln V."""
    texts = stories(60)
    tokenizer = train_wordpiece(sentences(texts), 300)
    corpus = tokenize_corpus(texts, tokenizer)
    config = replace(
        pretraining_config("elmo-forwards", 1, 4),
        total_steps=100, sequence_length=48, learning_rate=2e-2, precision="fp32",
    )  # fmt: skip
    size = LSTMConfig(vocab_size=len(tokenizer), hidden_size=32, initializer_range=0.2)
    ends = []
    for backwards in (False, True):
        _, history = pretrain_lstm(size, config, corpus, backwards=backwards)
        losses = history.column("token_loss")[1]
        assert losses[-1] < 0.5 * math.log(len(tokenizer))
        ends.append(losses[-1])
    assert ends[0] != ends[1]


def made_rows():
    rows = [{"model": "gpt", "task": glue.PRETRAINING, "seed": 0, "seconds": 1.0, "tokens": 5}]
    for model, base in (("gpt", 0.5), ("bert-small", 0.6)):
        for seed in range(3):
            shift = base + seed / 100
            rows += [
                {"model": model, "task": "mnli", "seed": seed,
                 "accuracy": shift, "accuracy@test_scripts": shift - 0.1},
                {"model": model, "task": "rte", "seed": seed, "accuracy": shift + 0.2},
                {"model": model, "task": "wnli", "seed": seed, "accuracy": 0.0},
            ]  # fmt: skip
    return [row for row in rows if (row["model"], row["task"]) != ("bert-small", "wnli")]


def test_summary_and_average():
    """Средние и отклонения — по зёрнам; WNLI в общее среднее не входит, MNLI входит дважды."""
    rows = made_rows()
    cells = {(r["model"], r["task"]): r for r in glue.summary(rows) if r["metric"] == "accuracy"}
    values = [0.4, 0.41, 0.42]
    assert cells["gpt", "mnli-mm"] == {
        "model": "gpt", "task": "mnli-mm", "metric": "accuracy",
        "mean": pytest.approx(fmean(values)), "std": pytest.approx(stdev(values)), "seeds": 3,
    }  # fmt: skip
    assert glue.average(rows) == {
        "gpt": pytest.approx((0.51 + 0.41 + 0.71) / 3),
        "bert-small": pytest.approx((0.61 + 0.51 + 0.81) / 3),
    }
    left = [r for r in rows if (r["model"], r["task"]) != ("gpt", "rte")]
    assert set(glue.average(left)) == {"bert-small"}  # у кого измерено не всё, того нет
    report = glue.report(rows)
    assert set(report) == {"rows", "average", "runs"} and report["runs"] == rows
    names, lines = glue.table(rows)
    assert names == ["Модель", "Среднее", "mnli-m", "mnli-mm", "rte", "wnli"]
    assert lines[1][-1] is None


def test_learning_curve_takes_nested_examples():
    assert learning_curve.label_counts(700) == [50, 100, 200, 500, 700]
    assert learning_curve.label_counts(50) == [50]
    whole = list(range(700))
    few, more = (learning_curve.first_examples(whole, count, 3) for count in (50, 200))
    assert more[:50] == few and len(set(more)) == 200
    assert learning_curve.first_examples(whole, 50, 4) != few
    with pytest.raises(ValueError, match="count = 800: примеров 700"):
        learning_curve.first_examples(whole, 800, 3)
    with pytest.raises(ValueError, match="start = 'middle'"):
        learning_curve.starting_encoder("middle", "mini", 0)


def test_learning_curve_point(tmp_path, monkeypatch):
    """Точка кривой: шагов у обеих поровну и не меньше наименьшего, в сводке — главная метрика."""
    settings = learning_curve.experiment_settings(quick=True) | {"at_least_steps": 3}
    task = learning_curve.load_task("mnli")
    learning_curve.prepare_task(
        task, learning_curve.load_tokenizer(), tmp_path / "tasks", settings["counts"]
    )
    epochs, rows = [], []

    def tune(task, encoder, examples, config):
        epochs.append((len(examples), config.epochs))
        return None

    monkeypatch.setattr(learning_curve, "tune", tune)
    monkeypatch.setattr(learning_curve, "measure", lambda *_: {"accuracy": len(epochs) / 10})
    for start in learning_curve.STARTS:
        job = {"task": "mnli", "start": start, "labels": 40, "seed": 1}
        rows.append(job | learning_curve.run_one(job, settings, str(tmp_path)))
    assert epochs == [(40, 2), (40, 2)]  # два батча в эпохе: на три шага нужны две эпохи
    assert [(r["start"], r["mean"]) for r in learning_curve.summary(rows)] == [
        ("scratch", 0.1), ("pretrained", 0.2),
    ]  # fmt: skip
    names, lines = learning_curve.table(rows)
    assert names == ["Задача", "меток", "с нуля", "предобученная"]
    assert lines[0][:2] == ["mnli", 40] and lines[0][3]["mean"] == 0.2
    scratch, pretrained = (
        learning_curve.starting_encoder(start, "mini", 0) for start in learning_curve.STARTS
    )
    assert scratch.config == pretrained.config
    weights = (e.embeddings.word_embeddings.weight for e in (scratch, pretrained))
    assert not torch.equal(*weights)


@pytest.mark.parametrize("name", ["glue", "learning-curve"])
def test_command_shows_rows(name, capsys, monkeypatch):
    """lecture experiment <опыт> --show: строки из поставки — таблицей или объектом."""
    import json

    from lecture_lib.cli import main

    module = glue if name == "glue" else learning_curve
    rows = made_rows()
    if name == "learning-curve":
        rows = [
            {"task": "mnli", "start": start, "labels": 50, "seed": 0, "accuracy": 0.5}
            for start in learning_curve.STARTS
        ]
    monkeypatch.setattr(module, "load_rows", lambda: rows)
    main(["experiment", name, "--show", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert {"model", "task", "metric", "mean", "std", "seeds"} - {"model"} <= set(report["rows"][0])
    main(["experiment", name, "--show"])
    assert "50,0" in capsys.readouterr().out or name == "glue"
