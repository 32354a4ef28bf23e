"""Опыт урока 04: что модель выучила и когда — проверки по чекпойнтам одного обучения.

Чекпойнты оставляет `lecture pretrain mini --keep-all`; каждый отвечает на одни и те же вопросы:
закрытые слова по видам (experiments.directions), согласование выбором из двух форм
(experiments.agreement) и вопросы из probes.tsv. Кривые показывают, в каком порядке что приходит.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lecture_lib.checkpoints import checkpoint_paths, read_checkpoint
from lecture_lib.config import MINI, EncoderConfig
from lecture_lib.experiments import agreement, directions, probes
from lecture_lib.experiments.sweeps import read_rows, save_rows
from lecture_lib.heads import PretrainingModel

FILE = Path(__file__).with_suffix(".json")
SEEDS, PER_SEED = (11, 12, 13), 60
AGREEMENT_QUESTIONS = 400
GROWTH = 1.25  # берётся чекпойнт, который дальше прошлого взятого хотя бы на четверть


def run(
    folder: str | Path,
    tokenizer,
    config: EncoderConfig = MINI,
    *,
    seeds: Sequence[int] = SEEDS,
    per_seed: int = PER_SEED,
    growth: float = GROWTH,
) -> list[dict[str, Any]]:
    """Строки {step, tokens, kind, accuracy, low, high} — по чекпойнту и виду вопроса.

    folder — папка обучения с чекпойнтами двусторонней модели; какие из них спросить, решает
    spaced(…, growth). ValueError — чекпойнтов нет.
    """
    known = {int(path.stem.rpartition("-")[2]): path for path in checkpoint_paths(Path(folder))}
    if not known:
        raise ValueError(f"folder = {str(folder)!r}: чекпойнтов здесь нет.")
    paths = [known[step] for step in spaced(sorted(known), growth)]
    questions = directions.sample_questions(tokenizer, seeds, per_seed)
    pairs = agreement.sample_questions(tokenizer, AGREEMENT_QUESTIONS, seeds[0])
    rows = []
    for path in paths:
        state = read_checkpoint(path)
        model = PretrainingModel(
            config, next_sentence="nsp_head.classifier.weight" in state["model"]
        )
        model.load_state_dict(state["model"])
        when = {"step": state["step"], "tokens": state["tokens"]}
        rows += [{**when, **row} for row in measure(model.eval(), tokenizer, questions, pairs)]
    return rows


def spaced(steps: Sequence[int], growth: float = GROWTH) -> list[int]:
    """Какие чекпойнты спросить: первый, дальше — каждый хотя бы в growth раз дальше, и последний.

    Сначала всё меняется быстро, потом медленно: первые чекпойнты нужны частые, последние — редкие.
    """
    chosen: list[int] = []
    for step in steps:
        if not chosen or step >= growth * chosen[-1] or step == steps[-1]:
            chosen.append(step)
    return chosen


def measure(
    model,
    tokenizer,
    questions: Sequence[directions.Question],
    pairs: Sequence[agreement.AgreementQuestion],
) -> list[dict[str, Any]]:
    """Доли верных ответов: слово и форма — по видам слов, первое место — по видам probes.tsv."""
    words = directions.guess_bidirectional(model, tokenizer, questions)
    answers = directions.mark(directions.BIDIRECTIONAL, questions, words)
    rows = [
        {"source": "слова", "kind": row["kind"], "accuracy": row["accuracy"], "low": row["low"],
         "high": row["high"], "form_accuracy": row["form_accuracy"]}
        for row in directions.tabulate(answers)
    ]  # fmt: skip
    for feature, found in agreement.score_by_feature(model, tokenizer, pairs).items():
        rows.append({"source": "выбор", "kind": feature, **found})
    for kind, row in probes.summary(probes.run(model, tokenizer)).items():
        rows.append({"source": "вопросы", "kind": kind, "accuracy": row["top1"]})
    return rows


def curves(
    rows: Sequence[dict[str, Any]],
    source: str = "слова",
    value: str = "accuracy",
    suits: Callable[[str], bool] = lambda kind: True,
) -> dict[str, list[tuple[float, float]]]:
    """Точки для рисунка: {вид: [(миллионов токенов, доля верных), …]}."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row["source"] == source and suits(row["kind"]) and row.get(value) is not None:
            found.setdefault(row["kind"], []).append((row["tokens"] / 1e6, row[value]))
    return found


def halfway(points: Sequence[tuple[float, float]], chance: float = 0.0) -> float:
    """Сколько миллионов токенов прочитано, когда кривая впервые прошла полпути от chance до конца.

    chance — доля, которую даёт угадывание наугад: с неё путь и начинается.
    """
    middle = (chance + points[-1][1]) / 2
    return next(tokens for tokens, share in points if share >= middle)


def load_rows() -> list[dict[str, Any]]:
    """Строки опыта для mini из поставки."""
    return read_rows(FILE)["rows"]


def save(rows: Sequence[dict[str, Any]], path: str | Path = FILE) -> None:
    """Пишет строки в файл поставки вместе с зёрнами и версиями."""
    settings = {"seeds": SEEDS, "per_seed": PER_SEED, "agreement_questions": AGREEMENT_QUESTIONS}
    save_rows(rows, settings | {"growth": GROWTH}, path)
