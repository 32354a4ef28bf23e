"""Цикл обучения: расписание, группы, чекпойнты, kill -9, прерывание, NaN."""

import copy
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn
from transformers import get_linear_schedule_with_warmup

from lecture_lib.checkpoints import (
    HISTORY,
    checkpoint_paths,
    read_checkpoint,
    read_history,
    save_checkpoint,
)
from lecture_lib.config import PretrainingConfig
from lecture_lib.optimization import (
    learning_rate_at,
    make_optimizer,
    optimizer_groups,
    resolve_precision,
)
from lecture_lib.training import TrainingDiverged, train

CONFIG = PretrainingConfig(
    total_steps=30, checkpoint_every=10, evaluate_every=15, learning_rate=1e-2, precision="fp32"
)


def small_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.LayerNorm(16), nn.Dropout(0.2), nn.Linear(16, 3))


def batch_at(step: int):
    generator = torch.Generator().manual_seed(step)
    inputs = torch.randn(12, 6, generator=generator)
    return inputs, inputs[:, :3].argmax(dim=-1)


def step_loss(model, batch):
    inputs, labels = batch
    logits = model(inputs)
    accuracy = (logits.argmax(-1) == labels).float().mean().item()
    return nn.functional.cross_entropy(logits, labels), {"accuracy": accuracy, "tokens": 12}


def run(folder=None, config=CONFIG, batches=batch_at, loss=step_loss, **settings):
    model = small_model()
    history = train(
        model, batches, loss, config, folder=folder, progress=False, log_every=5, **settings
    )
    return model, history


def same_weights(left: nn.Module, right: nn.Module) -> bool:
    pairs = zip(left.state_dict().values(), right.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_schedule_equals_transformers():
    """Наш шаг n — это шаг n + 1 линейного расписания transformers с тем же разогревом."""
    config = replace(CONFIG, total_steps=40, warmup_share=0.25)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=config.learning_rate)
    # У них спад идёт до шага 40 включительно от шага 10; наш последний шаг ещё не нулевой.
    schedule = get_linear_schedule_with_warmup(optimizer, 10, 40)
    theirs = []
    for _ in range(41):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    ours = [learning_rate_at(step, config) for step in range(40)]
    assert ours[:10] == pytest.approx(theirs[1:11])
    assert ours[10:] == pytest.approx(theirs[10:40])
    assert min(ours) > 0 and max(ours) == config.learning_rate


def test_no_decay_for_biases_and_layer_norm():
    model = small_model()
    decayed, free = optimizer_groups(model, 0.1)
    names = {id(p): name for name, p in model.named_parameters()}
    assert {names[id(p)] for p in decayed["params"]} == {"0.weight", "3.weight"}
    assert {names[id(p)] for p in free["params"]} == {"0.bias", "1.weight", "1.bias", "3.bias"}
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.1, 0.0)


def test_one_step_equals_plain_adamw():
    """Первый шаг цикла — это шаг обычного AdamW с обрезанным градиентом."""
    config = replace(CONFIG, total_steps=1, warmup_share=0.0, max_grad_norm=0.1, weight_decay=0.1)
    model, history = run(config=config)
    plain = small_model()
    loss, _ = step_loss(plain, batch_at(0))
    loss.backward()
    norm = math.sqrt(sum((p.grad**2).sum().item() for p in plain.parameters()))
    for parameter in plain.parameters():
        parameter.grad *= 0.1 / (norm + 1e-6)
    torch.optim.AdamW(
        optimizer_groups(plain, 0.1), lr=1e-2, betas=config.adam_betas, eps=1e-6
    ).step()
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)
    assert history.rows[0]["grad_norm"] == pytest.approx(norm, rel=1e-5)


def uneven_batches(step):
    """Батчи разной величины: в чётных 12 вопросов, в нечётных 3."""
    inputs, labels = batch_at(step)
    return (inputs, labels) if step % 2 == 0 else (inputs[:3], labels[:3])


def weighted_loss(model, batch):
    loss, metrics = step_loss(model, batch)
    return loss, {**metrics, "tokens": len(batch[0]), "weight": len(batch[0])}


def test_accumulation_equals_one_big_batch():
    """Четыре неравные части с весами — тот же шаг, что один батч из всех; среднее средних — нет."""

    def big(step):
        parts = [uneven_batches(4 * step + part) for part in range(4)]
        return tuple(torch.cat(column) for column in zip(*parts, strict=True))

    def unweighted(model, batch):
        loss, metrics = weighted_loss(model, batch)
        return loss, {name: value for name, value in metrics.items() if name != "weight"}

    config = replace(CONFIG, total_steps=5)
    plain = small_model().eval()  # без dropout: иначе у частей и у целого он разный
    models = []
    for batches, loss, accumulate in (
        (big, step_loss, 1),
        (uneven_batches, weighted_loss, 4),
        (uneven_batches, unweighted, 4),
    ):
        model = copy.deepcopy(plain)
        model[2].p = 0.0
        history = train(model, batches, loss, config, accumulate=accumulate, progress=False)
        models.append(model)
    for whole, parts in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.allclose(whole, parts, atol=1e-5)
    assert not torch.allclose(models[0][0].weight, models[2][0].weight, atol=1e-4)
    assert history.rows[-1]["tokens"] == 5 * (12 + 3 + 12 + 3)


def test_accumulated_run_resumes_bit_identically(tmp_path):
    """Прерванный на шаге 10 запуск с накоплением приходит к тем же весам; accumulate помнится."""
    whole, _ = run(loss=weighted_loss, batches=uneven_batches, accumulate=3)
    run(
        tmp_path, loss=weighted_loss, batches=uneven_batches, accumulate=3,
        watch=lambda row: row["step"] == 10,
    )  # fmt: skip
    with pytest.raises(ValueError, match="accumulate: было 3, стало 1"):
        run(tmp_path, loss=weighted_loss, batches=uneven_batches)
    resumed, _ = run(tmp_path, loss=weighted_loss, batches=uneven_batches, accumulate=3)
    assert same_weights(whole, resumed)
    with pytest.raises(ValueError, match="accumulate = 0"):
        run(accumulate=0)


def test_learning_and_history(tmp_path):
    model, history = run(tmp_path, evaluate=lambda model: {"weight": float(model[0].weight.sum())})
    assert not history.interrupted and not model.training
    steps, losses = history.column("loss")
    assert steps == [5, 10, 15, 20, 25, 30]
    assert losses[-1] < 0.8 * losses[0]
    assert history.column("eval_weight")[0] == [15, 30]
    assert history.column("tokens")[1][-1] == 30 * 12
    assert read_history(tmp_path / HISTORY) == history.rows
    assert all(math.isfinite(value) for row in history.rows for value in row.values())


def test_evaluation_does_not_change_training(tmp_path):
    """Оценка тратит случайные числа, но dropout обучения от этого не меняется."""
    quiet, _ = run()
    noisy, _ = run(evaluate=lambda model: {"noise": torch.rand(()).item()})
    assert same_weights(quiet, noisy)


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
import test_training as t
from lecture_lib import files

t.torch.set_num_threads({threads})  # биты повторяются при том же числе потоков

def batches(step):
    if step == {step}:
        os.kill(os.getpid(), signal.SIGKILL)
    return t.batch_at(step)

def replace(source, target):
    if "{file}" in str(target):
        os.kill(os.getpid(), signal.SIGKILL)
    os.rename(source, target)

if "{file}":
    files.os.replace = replace
t.run({folder!r}, batches=batches)
"""


@pytest.mark.parametrize(("step", "file"), [(27, ""), (999, "checkpoint-00000020")])
def test_resume_after_sigkill_is_bit_identical(tmp_path, step, file):
    """Процесс убит посреди обучения или посреди записи чекпойнта — веса в конце те же."""
    program = KILLED.format(
        tests=os.path.dirname(__file__),
        threads=torch.get_num_threads(),
        step=step,
        file=file,
        folder=str(tmp_path / "killed"),
    )
    killed = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not (tmp_path / "killed" / "checkpoint-00000030.pt").exists()

    resumed, history = run(tmp_path / "killed")
    whole, expected = run(tmp_path / "whole")
    assert same_weights(resumed, whole)
    for name in ("step", "loss", "accuracy", "grad_norm", "learning_rate", "tokens"):
        assert history.column(name) == expected.column(name)


def test_lost_journal_is_not_a_lost_run(tmp_path):
    """Журнал оконченного обучения удалили: модель та же, а пройденное знает чекпойнт."""
    trained, history = run(tmp_path)
    (tmp_path / HISTORY).unlink()
    again, found = run(tmp_path)
    assert same_weights(again, trained)
    assert found.rows[-1]["step"] == CONFIG.total_steps
    assert found.rows[-1]["tokens"] == history.rows[-1]["tokens"]


def test_watcher_stops_the_run_and_it_goes_on_later(tmp_path):
    """watch видит каждую строку журнала; по его слову обучение кончено с чекпойнтом."""
    seen = []

    def watch(row):
        seen.append(row["step"])
        return row["step"] == 15

    stopped, history = run(tmp_path, watch=watch)
    assert seen == [5, 10, 15] == [row["step"] for row in history.rows]
    assert not history.interrupted
    resumed, history = run(tmp_path)
    whole, expected = run()
    assert same_weights(resumed, whole) and not same_weights(stopped, whole)
    assert history.column("loss") == expected.column("loss")


def test_all_checkpoints_are_kept_if_asked(tmp_path):
    run(tmp_path / "last")
    run(tmp_path / "all", kept=None)
    steps = [[int(p.stem[-8:]) for p in checkpoint_paths(tmp_path / n)] for n in ("last", "all")]
    assert steps == [[30, 20], [30, 20, 10]]


def test_interrupt_finishes_the_step_and_resumes(tmp_path, capsys):
    def batches(step):
        if step == 13:
            os.kill(os.getpid(), signal.SIGINT)
        return batch_at(step)

    handler = signal.getsignal(signal.SIGINT)
    model, history = run(tmp_path, batches=batches)
    assert history.interrupted and history.rows[-1]["step"] == 14 and not model.training
    assert "прервано после шага 14 из 30. Моделью можно пользоваться" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is handler

    resumed, history = run(tmp_path)
    assert not history.interrupted
    assert same_weights(resumed, run()[0])


def test_second_interrupt_stops_at_once():
    def batches(step):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return batch_at(step)

    with pytest.raises(KeyboardInterrupt):
        run(batches=batches)


def test_nan_is_explained_and_leaves_the_weights():
    def loss(model, batch):
        value, metrics = step_loss(model, batch)
        return value * (float("nan") if batch[0][0, 0] == batch_at(7)[0][0, 0] else 1), metrics

    model = small_model()
    with pytest.raises(TrainingDiverged, match="На шаге 8 функция потерь стала nan") as caught:
        train(model, batch_at, loss, CONFIG, progress=False)
    assert f"{learning_rate_at(7, CONFIG):.2e}" in str(caught.value)
    assert "уменьшить learning_rate" in str(caught.value)
    assert all(torch.isfinite(p).all() for p in model.parameters())


def test_infinite_gradient_is_noticed():
    def loss(model, batch):
        # Значение конечно, а производная корня в нуле — нет.
        return torch.sqrt(model[0].bias.sum() * 0), {}

    with pytest.raises(TrainingDiverged, match="На шаге 1 норма градиента"):
        run(loss=loss)


def test_damaged_checkpoint_falls_back_to_previous(tmp_path):
    whole, _ = run(tmp_path)
    last = tmp_path / "checkpoint-00000030.pt"
    damaged = bytearray(last.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    last.write_bytes(damaged)
    with pytest.warns(RuntimeWarning, match=r"checkpoint-00000030\.pt повреждён"):
        resumed, history = run(tmp_path)
    assert same_weights(resumed, whole)
    assert history.column("step")[0] == [5, 10, 15, 20, 25, 30]


def test_all_checkpoints_damaged(tmp_path):
    run(tmp_path)
    for path in tmp_path.glob("*.pt"):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.warns(RuntimeWarning), pytest.raises(ValueError, match="все чекпойнты повреждены"):
        run(tmp_path)


def test_previous_checkpoint_lives_until_the_new_one_is_complete(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, 1, {"step": 1})
    save_checkpoint(tmp_path, 2, {"step": 2})

    def fail(*_):
        raise OSError("диск кончился")

    monkeypatch.setattr("lecture_lib.files.os.fsync", fail)
    with pytest.raises(OSError, match="диск кончился"):
        save_checkpoint(tmp_path, 3, {"step": 3})
    kept = sorted(tmp_path.glob("checkpoint-*.pt"))
    assert [read_checkpoint(path)["step"] for path in kept] == [1, 2]


def test_half_written_history_row_is_dropped(tmp_path):
    (tmp_path / HISTORY).write_text('{"step": 5, "loss": 1.0}\n{"step": 10, "lo')
    assert read_history(tmp_path / HISTORY) == [{"step": 5, "loss": 1.0}]


def test_other_settings_do_not_continue_the_run(tmp_path):
    run(tmp_path)
    with pytest.raises(ValueError, match=r"learning_rate: было 0\.01, стало 0\.02"):
        run(tmp_path, config=replace(CONFIG, learning_rate=2e-2))
    run(tmp_path, config=replace(CONFIG, checkpoint_every=7))
    with pytest.raises(ValueError, match="resume=False"):
        run(tmp_path, resume=False)


def test_bf16_autocast_reaches_the_loss():
    kinds = []

    def loss(model, batch):
        kinds.append(model(batch[0]).dtype)
        return step_loss(model, batch)

    run(config=replace(CONFIG, total_steps=1, precision="bf16"), loss=loss)
    run(config=replace(CONFIG, total_steps=1, precision="fp32"), loss=loss)
    assert kinds == [torch.bfloat16, torch.float32]


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [({"amx_bf16": True}, "bf16"), ({"avx512_bf16": True}, "bf16"), ({"avx2": True}, "fp32")],
)
def test_precision_detection(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert resolve_precision("auto") == expected
    assert resolve_precision("fp32") == "fp32"


MEMORY = """
import lecture_lib, torch

def used():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

def multiply(rows):
    layer(torch.zeros(rows, 192))

torch.set_num_threads(1)
layer = torch.nn.Linear(192, 768)
with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
    for rows in range(1, 100):
        multiply(rows)
    before = used()
    for rows in range(100, 500):
        multiply(rows)
print(used() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="память — из /proc")
def test_changing_shapes_do_not_eat_memory():
    """Четыреста форм батча: кэши умножений ограничены (без этого — 280 МБ, с этим — 95)."""
    outer = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"}
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    run = subprocess.run(
        [sys.executable, "-c", MEMORY], env=environment, capture_output=True, text=True
    )
    assert float(run.stdout) < 180, run.stderr


def test_optimizer_is_fused_here():
    assert make_optimizer(small_model(), CONFIG).param_groups[0]["fused"] is True
