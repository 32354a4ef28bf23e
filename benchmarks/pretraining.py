"""Скорость предобучения: путь курса против пути Hugging Face на одних и тех же документах.

Два вопроса. Сколько настоящих (без дополнения) токенов в секунду проходит каждая сторона — и за
какое время она доходит до одной и той же потери на одних и тех же отложенных вопросах. Второй
строже: выиграть скорость и проиграть обучение он не даст. Стороны ходят по очереди, порядок от
круга к кругу меняется; что именно у них разное, сказано в benchmarks/trainers.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import torch

from benchmarks.report import (
    aligned,
    decimal,
    median_ratio,
    note,
    parse_arguments,
    seconds,
    show,
)
from benchmarks.trainers import (
    CourseTrainer,
    HuggingFaceTrainer,
    Trainer,
    Work,
    encoded_segments,
)
from lecture_lib.cli.output import percent, thousands
from lecture_lib.config import MINI, MINI_PRETRAINING, MaskingConfig, PretrainingConfig
from lecture_lib.corpus import documents
from lecture_lib.pretraining import Question, validation_questions
from lecture_lib.pretraining_data import TokenizedCorpus, tokenize_corpus
from lecture_lib.tokenization import load_tokenizer

# BertForMaskedLM — без слоя над [CLS]; остальное — MINI, какая она есть.
ENCODER = replace(MINI, add_pooling_layer=False)
# Одна и та же цель у обеих сторон: в transformers маскируют токены, а не слова, и NSP нет. Батч —
# обычный, 64 × 128: у самой MINI он меньше ради обучения, а здесь меряется скорость.
CONFIG = replace(MINI_PRETRAINING, batch_size=64, next_sentence=False, masking=MaskingConfig())
PEAK_SIZE = 2048
PEAK_TRIES = 3
# Целью берём не саму последнюю потерю, а 95 % пути к ней: у конца кривая почти плоская, и
# случайная тысячная потери превратилась бы там в минуты.
SHARE_OF_WAY = 0.95


class Plan(NamedTuple):
    """Сколько мерить. Шагов в гонке столько, чтобы обе стороны уложились в race_seconds."""

    documents: int
    held_out_documents: int
    batch_size: int
    rounds: int  # кругов замера скорости
    steps: int  # шагов каждой стороны в круге
    race_seconds: float  # обучение обеих сторон вместе, без отложенных вопросов
    least_race_steps: int
    most_race_steps: int
    stops: int  # сколько раз за гонку задать отложенные вопросы
    questions: int  # батчей в отложенных вопросах


FULL = Plan(30_000, 400, CONFIG.batch_size, 8, 3, 16 * 60, 40, 600, 20, 4)
QUICK = Plan(300, 40, 8, 3, 1, 8, 8, 12, 4, 1)


class Lap(NamedTuple):
    """Одна сторона в одном круге: секунды и сделанное."""

    seconds: float
    work: Work

    @property
    def tokens_per_second(self) -> float:
        """Настоящих токенов в секунду."""
        return self.work.tokens / self.seconds


class Stop(NamedTuple):
    """Точка кривой: сколько секунд сторона уже училась и какова её отложенная потеря."""

    seconds: float
    loss: float


def run_lap(trainer: Trainer, steps: int) -> Lap:
    """Делает steps шагов по часам."""
    done: list[Work] = []
    took = seconds(lambda: done.extend(trainer.step() for _ in range(steps)))
    return Lap(took, Work(*(sum(column) for column in zip(*done, strict=True))))


def take_turns(trainers: Mapping[str, Trainer], number: int, steps: int) -> dict[str, Lap]:
    """Круг: каждая сторона делает steps шагов; в нечётном круге порядок обратный."""
    order = list(trainers)[:: -1 if number % 2 else 1]
    return {name: run_lap(trainers[name], steps) for name in order}


def peak_flops() -> float:
    """Пик матричного умножения: операций в секунду у 2048³ в bfloat16, лучшая из попыток."""
    left, right = torch.randn(2, PEAK_SIZE, PEAK_SIZE).bfloat16()
    left @ right  # первый раз умножение готовится
    return 2 * PEAK_SIZE**3 / min(seconds(lambda: left @ right) for _ in range(PEAK_TRIES))


def measure_speed(
    trainers: Mapping[str, Trainer], rounds: int, steps: int
) -> tuple[list[dict[str, Lap]], list[float]]:
    """Круги скорости и пик, измеренный в каждом из них; перед первым все делают шаг впустую."""
    for trainer in trainers.values():
        trainer.step()
    laps, peaks = [], []
    for number in range(rounds):
        laps.append(take_turns(trainers, number, steps))
        peaks.append(peak_flops())
        note(f"скорость: круг {number + 1} из {rounds}")
    return laps, peaks


def speed_values(laps: Sequence[Mapping[str, Lap]], peaks: Sequence[float]) -> dict[str, object]:
    """Отношения скоростей, доля пика, токены в секунду и заполнение батчей — по кругам."""

    def ratio(rival: str) -> float:
        sides = ((lap["ours"], lap[rival]) for lap in laps)
        return median_ratio((our.tokens_per_second, its.tokens_per_second) for our, its in sides)

    ours = [lap["ours"] for lap in laps]
    speeds = [lap.work.flops / lap.seconds for lap in ours]
    return {
        "ratio_fp32": ratio("hf_fp32"),
        "ratio_bf16": ratio("hf_bf16"),
        "peak_share": median_ratio(zip(speeds, peaks, strict=True)),
        "peak_flops": median(peaks),
        "tokens_per_second": {n: median(lap[n].tokens_per_second for lap in laps) for n in laps[0]},
        "filled": {n: filled([lap[n].work for lap in laps]) for n in laps[0]},
    }


def filled(works: Sequence[Work]) -> float:
    """Доля настоящих токенов среди мест батча."""
    return sum(work.tokens for work in works) / sum(work.places for work in works)


def race_steps(laps: Sequence[Mapping[str, Lap]], plan: Plan) -> int:
    """Сколько шагов успеют сделать мы и Hugging Face за race_seconds; кратно числу остановок."""
    per_step = median(lap["ours"].seconds + lap["hf_fp32"].seconds for lap in laps) / plan.steps
    steps = min(max(plan.race_seconds / per_step, plan.least_race_steps), plan.most_race_steps)
    return plan.stops * max(1, round(steps / plan.stops))


def race(
    trainers: Mapping[str, Trainer], questions: Sequence[Question], stops: int, steps: int
) -> dict[str, list[Stop]]:
    """Учит стороны по очереди, по steps шагов до остановки; часы стоят, пока идут вопросы."""
    curves = {name: [Stop(0.0, t.held_out_loss(questions))] for name, t in trainers.items()}
    for number in range(stops):
        for name, lap in take_turns(trainers, number, steps).items():
            loss = trainers[name].held_out_loss(questions)
            curves[name].append(Stop(curves[name][-1].seconds + lap.seconds, loss))
        losses = ", ".join(f"{name} {decimal(c[-1].loss, 3)}" for name, c in curves.items())
        note(f"гонка: остановка {number + 1} из {stops}, отложенные потери: {losses}")
    return curves


def common_target(curves: Mapping[str, Sequence[Stop]]) -> float:
    """Потеря, до которой дошли обе: SHARE_OF_WAY пути от начала до лучшей потери худшей стороны.

    RuntimeError — если какая-то сторона ничему не научилась.
    """
    start = max(curve[0].loss for curve in curves.values())
    reached = max(min(stop.loss for stop in curve) for curve in curves.values())
    if reached >= start:
        raise RuntimeError(f"Потери не упали ниже начальных {start:.3f}: сравнивать нечего.")
    return start - SHARE_OF_WAY * (start - reached)


def time_to(curve: Sequence[Stop], target: float) -> float:
    """Секунды обучения до потери target: между остановками кривая считается прямой.

    ValueError — кривая до target не дошла.
    """
    for before, after in pairwise(curve):
        if after.loss <= target:
            share = (before.loss - target) / (before.loss - after.loss)
            return before.seconds + share * (after.seconds - before.seconds)
    raise ValueError(f"target = {target:.3f}: кривая дошла только до {curve[-1].loss:.3f}.")


def race_values(curves: Mapping[str, Sequence[Stop]], steps: int) -> dict[str, object]:
    """Итог гонки: отношение времён до общей потери и всё, из чего оно вышло."""
    target = common_target(curves)
    times = {name: time_to(curve, target) for name, curve in curves.items()}
    return {
        "time_to_loss_ratio": times["ours"] / times["hf_fp32"],
        "race": {
            "steps": steps,
            "target_loss": target,
            "seconds_to_target": times,
            "curves": {name: [stop._asdict() for stop in c] for name, c in curves.items()},
        },
    }


def corpora(plan: Plan, tokenizer) -> tuple[TokenizedCorpus, TokenizedCorpus]:
    """«Городок» для обучения и отложенный."""
    counts = {"train": plan.documents, "validation": plan.held_out_documents}
    found = (documents(seed=CONFIG.seed, split=s, count=n) for s, n in counts.items())
    train, held_out = (tokenize_corpus(part, tokenizer) for part in found)
    return train, held_out


def measure(plan: Plan) -> dict[str, object]:
    """Весь замер: скорость трёх сторон, потом гонка двух."""
    tokenizer = load_tokenizer("wordpiece")
    train, held_out = corpora(plan, tokenizer)
    config = replace(CONFIG, batch_size=plan.batch_size)
    rows = encoded_segments(train, config)
    makers: dict[str, Callable[[PretrainingConfig], Trainer]] = {
        "ours": lambda c: CourseTrainer(ENCODER, c, train),
        "hf_fp32": lambda c: HuggingFaceTrainer(ENCODER, c, rows, tokenizer, bf16=False),
        "hf_bf16": lambda c: HuggingFaceTrainer(ENCODER, c, rows, tokenizer, bf16=True),
    }
    trainers = {name: make(config) for name, make in makers.items()}
    laps, peaks = measure_speed(trainers, plan.rounds, plan.steps)
    steps = race_steps(laps, plan)
    questions = validation_questions(held_out, config, plan.questions)
    schedule = replace(config, total_steps=steps)
    racers = {name: makers[name](schedule) for name in ("ours", "hf_fp32")}
    curves = race(racers, questions, plan.stops, steps // plan.stops)
    return {**speed_values(laps, peaks), **race_values(curves, steps), "rounds": plan.rounds}


NAMES = {"ours": "курс", "hf_fp32": "Hugging Face, float32", "hf_bf16": "Hugging Face, bfloat16"}


def as_lines(values: dict) -> list[str]:
    """Отчёт для человека."""
    speeds, fill, run = values["tokens_per_second"], values["filled"], values["race"]
    rows = [(f"{NAMES[n]}, токенов в секунду", thousands(round(speeds[n]))) for n in NAMES]
    rows += [(f"{NAMES[n]}, батч заполнен на", percent(fill[n])) for n in NAMES]
    rows += [
        ("быстрее Hugging Face в float32, раз", decimal(values["ratio_fp32"])),
        ("быстрее Hugging Face в bfloat16, раз", decimal(values["ratio_bf16"])),
        ("от пика умножения матриц в bfloat16", percent(values["peak_share"])),
    ]
    seconds_to = run["seconds_to_target"]
    title = f"До отложенной потери {decimal(run['target_loss'], 3)} (гонка — {run['steps']} шагов)"
    times = [(f"{NAMES[n]}, секунд", decimal(seconds_to[n])) for n in seconds_to]
    times.append(("доля времени Hugging Face", percent(values["time_to_loss_ratio"])))
    return [*aligned(rows), "", title, *aligned(times), "", f"Кругов: {values['rounds']}"]


def main(argv: Sequence[str] | None = None) -> None:
    """Команда python -m benchmarks.pretraining."""
    options = parse_arguments("Скорость предобучения: курс против Hugging Face", argv)
    values = measure(QUICK if options.quick else FULL)
    show(options, "Предобучение: курс против Hugging Face", values, as_lines(values))


if __name__ == "__main__":
    main()
