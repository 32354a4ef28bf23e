"""Обучение (training): один цикл — и для предобучения, и для дообучения — и его чекпойнты.

Цикл `train` не знает, чему он учит: ему передают две функции — «дай батч номер n» и «посчитай
функцию потерь». Батч — чистая функция номера шага, остальное состояние лежит в чекпойнте;
поэтому запуск, убитый посреди шага, после продолжения приходит к тем же весам бит в бит
(на той же машине и при том же числе потоков).
"""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from lecture_lib.checkpoints import (
    HISTORY,
    KEPT,
    append_row,
    check_same_run,
    has_checkpoints,
    load_latest,
    read_history,
    save_checkpoint,
    trim_history,
)
from lecture_lib.config import TrainingConfig, check_whole
from lecture_lib.optimization import (
    average_gradients,
    average_metrics,
    learning_rate_at,
    make_optimizer,
    resolve_precision,
)

Batch = Any
StepLoss = Callable[[nn.Module, Batch], tuple[Tensor, dict[str, float]]]

# От этих полей веса не зависят: их можно менять между запусками.
FREE_FIELDS = {"checkpoint_every", "evaluate_every"}


class TrainingDiverged(RuntimeError):
    """Функция потерь или градиент перестали быть числом."""


@dataclass
class History:
    """Ход обучения: строки-словари и отметка, дошло ли обучение до конца."""

    rows: list[dict[str, float]] = field(default_factory=list)
    interrupted: bool = False

    def column(self, name: str) -> tuple[list[int], list[float]]:
        """Шаги и значения величины name — готово для графика."""
        known = [row for row in self.rows if name in row]
        return [row["step"] for row in known], [row[name] for row in known]


def train(
    model: nn.Module,
    batches: Callable[[int], Batch],
    step_loss: StepLoss,
    config: TrainingConfig,
    *,
    folder: str | Path | None = None,
    resume: bool = True,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    about: Mapping[str, Any] | None = None,
    watch: Callable[[dict[str, float]], bool | None] | None = None,
    kept: int | None = KEPT,
    accumulate: int = 1,
    log_every: int = 20,
    progress: bool = True,
) -> History:
    """Обучает модель config.total_steps шагов и возвращает ход обучения.

    batches(step) — батч шага step; зависит только от номера.
    step_loss(model, batch) — функция потерь и словарь чисел для журнала; «tokens»
    складываются, остальное усредняется за log_every шагов.
    folder — куда писать чекпойнты и history.jsonl; при resume=True обучение продолжается
    с последнего целого чекпойнта. about — от чего ещё зависят веса, кроме настроек (отпечаток
    корпуса): с другим about обучение не продолжится. watch(row) получает каждую строку журнала;
    если вернёт True, обучение кончается раньше срока — с чекпойнтом, но не как прерванное.
    kept — сколько последних чекпойнтов хранить, None — все.
    accumulate — сколько батчей складывать в один шаг (накопление градиента): шаг n берёт батчи
    n·accumulate, …, n·accumulate + accumulate − 1. Часть весит столько, сколько сказал step_loss
    числом «weight» (обычно вопросов в батче); не сказал — все поровну.

    «Прервать» (Ctrl+C) заканчивает текущий шаг, сохраняет чекпойнт и возвращает History
    с interrupted=True. TrainingDiverged — если функция потерь стала nan или inf.
    """
    check_whole("accumulate", accumulate, at_least=1)
    folder = None if folder is None else Path(folder)
    description = describe_run(model, config) | {"accumulate": accumulate} | dict(about or {})
    run = _Run(model, make_optimizer(model, config), description)
    history = History(run.restore(folder, resume) if folder else [])
    window = _Window(run)
    model.train()
    stopped = enough = False
    with _StopRequest() as request, _progress_bar(config, run.step, progress) as bar:
        while run.step < config.total_steps and not (stopped or enough):
            parts = map(batches, range(run.step * accumulate, (run.step + 1) * accumulate))
            window.add(_one_step(run, parts, step_loss, config, window.losses))
            bar.set_postfix_str(window.summary(), refresh=False)
            bar.update()
            finished = run.step == config.total_steps
            stopped = request.requested  # спросить один раз: остановка без чекпойнта невозможна
            save = finished or stopped or run.step % config.checkpoint_every == 0
            score = evaluate and (finished or run.step % config.evaluate_every == 0)
            if save or score or run.step % log_every == 0:
                row = window.row() | (_evaluate(model, evaluate) if score else {})
                history.rows.append(row)
                enough = bool(watch and watch(row))
                _keep(folder, run, row, save or enough, kept)
                window.restart()
    model.eval()
    history.interrupted = run.step < config.total_steps and not enough
    if history.interrupted:
        _say_interrupted(run.step, config.total_steps, folder)
    return history


def _keep(
    folder: Path | None, run: _Run, row: dict[str, float], save: bool, kept: int | None
) -> None:
    """Дописывает строку в журнал на диске и, если пора, чекпойнт."""
    if folder is None:
        return
    append_row(folder / HISTORY, row)
    if save:
        save_checkpoint(folder, run.step, run.state(), kept)


def _one_step(
    run: _Run,
    batches: Iterable[Batch],
    step_loss: StepLoss,
    config: TrainingConfig,
    losses: list[float],
) -> dict[str, float]:
    """Один шаг: функция потерь, градиент, его обрезка (clipping), обновление весов."""
    learning_rate = learning_rate_at(run.step, config)
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate
    run.optimizer.zero_grad(set_to_none=True)
    parts, weights = [], []
    for batch in batches:
        metrics = _part_of_step(run, batch, step_loss, learning_rate, losses)
        weights.append(metrics.pop("weight", 1.0))
        parts.append(metrics)
    average_gradients(run.model, sum(weights))
    norm = nn.utils.clip_grad_norm_(run.model.parameters(), config.max_grad_norm).item()
    _check_finite("норма градиента", norm, run.step, learning_rate, losses)
    run.optimizer.step()
    run.step += 1
    metrics = average_metrics(parts, weights)
    run.tokens += int(metrics.get("tokens", 0))
    return {"learning_rate": learning_rate, "grad_norm": norm, **metrics}


def _part_of_step(
    run: _Run, batch: Batch, step_loss: StepLoss, learning_rate: float, losses: list[float]
) -> dict[str, float]:
    """Прибавляет градиент одного батча, умноженный на его вес; возвращает его числа."""
    device = next(run.model.parameters()).device.type
    with torch.autocast(device, dtype=torch.bfloat16, enabled=run.bf16):
        loss, metrics = step_loss(run.model, batch)
    value = loss.item()
    _check_finite("функция потерь", value, run.step, learning_rate, losses)
    (loss * metrics.get("weight", 1.0)).backward()
    return {"loss": value, **metrics}


def _check_finite(name: str, value: float, step: int, rate: float, losses: list[float]) -> None:
    # Проверка стоит до optimizer.step(): веса остаются такими, как после прошлого шага.
    if math.isfinite(value):
        return
    before = ", ".join(f"{loss:.3f}" for loss in losses[-5:]) or "нет"
    raise TrainingDiverged(
        f"На шаге {step + 1} {name} стала {value}: обучение разошлось. "
        f"Функция потерь на шагах перед этим: {before}. "
        f"Скорость обучения на этом шаге: {rate:.2e}.\n"
        "Что попробовать: уменьшить learning_rate в 3–10 раз; увеличить warmup_share "
        "(дольше разогрев); уменьшить max_grad_norm; задать precision='fp32'; проверить, нет ли "
        "в данных пустых батчей.\nВеса модели — как после предыдущего шага, чекпойнты целы."
    )


def _evaluate(model: nn.Module, evaluate: Callable) -> dict[str, float]:
    # Оценка не должна сдвигать случайные числа обучения: иначе evaluate_every меняло бы веса.
    model.eval()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        scores = evaluate(model)
    model.train()
    return {f"eval_{name}": value for name, value in scores.items()}


def describe_run(model: nn.Module, config: TrainingConfig) -> dict[str, Any]:
    """Всё, от чего зависят веса: настройки обучения и модели одним плоским словарём."""
    described = {}
    for part in (config, getattr(model, "config", None)):
        described |= asdict(part) if is_dataclass(part) else {}
    # precision="auto" на разных машинах — разное обучение.
    described["precision"] = resolve_precision(config.precision)
    return {name: value for name, value in described.items() if name not in FREE_FIELDS}


@dataclass
class _Run:
    """Состояние обучения — всё, что меняется от шага к шагу."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    description: dict[str, Any]
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0

    @property
    def bf16(self) -> bool:
        return self.description["precision"] == "bf16"

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),  # от него зависит dropout
            "description": self.description,
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
        }

    def restore(self, folder: Path, resume: bool) -> list[dict[str, float]]:
        """Продолжает с последнего целого чекпойнта; возвращает строки журнала до него."""
        folder.mkdir(parents=True, exist_ok=True)
        if has_checkpoints(folder) and not resume:
            raise ValueError(
                f"folder={str(folder)!r}: здесь уже есть чекпойнты, а resume=False начал бы с нуля "
                "и стёр их. Укажите другую папку или удалите эту."
            )
        state = load_latest(folder)
        if state is not None:
            check_same_run(state["description"], self.description, folder)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            torch.set_rng_state(state["random"])
            self.step, self.tokens = state["step"], state["tokens"]
            self.seconds = state["seconds"]
        trim_history(folder / HISTORY, self.step)
        rows = read_history(folder / HISTORY)
        if not rows and self.step:  # журнал удалили: сколько пройдено, знает и чекпойнт
            rows = [{"step": self.step, "tokens": self.tokens, "seconds": self.seconds}]
        return rows


class _Window:
    """Средние за шаги с последней строки журнала."""

    def __init__(self, run: _Run) -> None:
        self.run = run
        self.losses: list[float] = []
        self.restart()

    def restart(self) -> None:
        """Начинает счёт заново — после записи чекпойнта, чтобы он не замедлял «токены/с»."""
        self.values: dict[str, list[float]] = defaultdict(list)
        self.started = time.perf_counter()
        self.losses = self.losses[-5:]

    def add(self, metrics: dict[str, float]) -> None:
        for name, value in metrics.items():
            self.values[name].append(float(value))
        self.losses.append(metrics["loss"])

    def row(self) -> dict[str, float]:
        """Строка журнала."""
        seconds = time.perf_counter() - self.started
        self.run.seconds += seconds
        row = {"step": self.run.step}
        # Не всякая величина есть на каждом шаге: среднее — по шагам, где она была.
        row |= {name: fmean(values) for name, values in self.values.items()}
        return row | {
            "tokens": self.run.tokens,
            "tokens_per_second": sum(self.values["tokens"]) / seconds,
            "seconds": self.run.seconds,
        }

    def summary(self) -> str:
        """Подпись к полосе: потери, доля верных ответов, токены в секунду."""
        parts = [f"потери {fmean(self.values['loss']):.3f}"]
        if "accuracy" in self.values:
            parts.append(f"верно {100 * fmean(self.values['accuracy']):.1f} %")
        speed = sum(self.values["tokens"]) / (time.perf_counter() - self.started)
        parts.append(f"{speed:,.0f} токенов/с".replace(",", " "))
        return ", ".join(parts)


class _StopRequest:
    """Первое «Прервать» ждёт конца шага, чтобы веса остались согласованными; второе рвёт сразу."""

    requested = False

    def __enter__(self) -> _StopRequest:
        self.main = threading.current_thread() is threading.main_thread()
        if self.main:  # сигналы приходят только в главный поток
            self.previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_) -> None:
        if self.main:
            signal.signal(signal.SIGINT, self.previous or signal.default_int_handler)

    def _handle(self, *_) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


def _progress_bar(config: TrainingConfig, start: int, progress: bool) -> tqdm:
    return tqdm(
        total=config.total_steps,
        initial=start,
        desc="Обучение",
        unit="шаг",
        disable=not progress,
        bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} шагов, осталось {remaining}{postfix}",
    )


def _say_interrupted(step: int, total: int, folder: Path | None) -> None:
    kept = (
        f"Чекпойнт — в папке {folder}: тот же вызов продолжит с шага {step + 1}."
        if folder
        else "Папка не была указана, поэтому чекпойнта нет: новый вызов начнёт с нуля."
    )
    message = f"Обучение прервано после шага {step} из {total}. Моделью можно пользоваться. {kept}"
    tqdm.write(message, file=sys.stderr)
