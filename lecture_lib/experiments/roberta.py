"""Опыт урока 06: шесть перемен RoBERTa, каждая — переключатель; по одной и все вместе.

Каждая строка обучает свою TINY на «Городке» и видит поровну токенов. Бюджет меняет один
переключатель — «дольше»: он о бюджете и есть; поэтому вместе перемены показаны дважды, впятером
при равном бюджете и вшестером. Зерно решает веса, порядок данных и маски, строки сравниваются
попарно при одном зерне.

Как переключатели устроены в миниатюре:

- статические маски: данные с масками размножены copies раз и дальше идут по кругу — каждая
  маска встречается по четыре раза, как у BERT (10 копий на 40 эпох);
- NSP: пары отрезков и вторая функция потерь против отрезков одного документа (DOC-SENTENCES);
- батч: градиент accumulation батчей на шаг, шагов во столько же раз меньше, скорость обучения
  больше в корень из accumulation раз;
- данные: документов в more раз больше, токенов столько же;
- длина: шагов в longer раз больше;
- словарь: WordPiece или байтовый BPE того же размера, обученные на одних и тех же текстах.

Источник: Liu et al., 2019, разделы 4 и 5.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lecture_lib.config import TINY, PretrainingConfig
from lecture_lib.experiments import table8
from lecture_lib.experiments.roberta_data import prepare
from lecture_lib.experiments.sweeps import Row, read_rows, save_rows, sweep
from lecture_lib.experiments.vocabularies import choice_scores, fill_scores
from lecture_lib.heads import PretrainingModel
from lecture_lib.pretraining import (
    Question,
    check_compatible,
    new_model,
    question_source,
    train_on_corpus,
    weighted_loss,
)
from lecture_lib.pretraining_data import POOL_BATCHES, ExampleStream, TokenizedCorpus
from lecture_lib.training import History

FILE = Path(__file__).with_suffix(".json")


@dataclass(frozen=True)
class Recipe:
    """Положение шести переключателей; по умолчанию — как у BERT."""

    dynamic: bool = False  # новые маски на каждом проходе
    full_sentences: bool = False  # отрезки одного документа, без NSP
    big_batch: bool = False  # накопление градиента
    more_data: bool = False  # документов больше, токенов обучения столько же
    longer: bool = False  # шагов больше — единственный, кто меняет бюджет
    byte_level: bool = False  # байтовый BPE вместо WordPiece


BASELINE = "BERT"
SWITCHES = {
    "динамические маски": "dynamic",
    "без NSP": "full_sentences",
    "большой батч": "big_batch",
    "больше данных": "more_data",
    "дольше": "longer",
    "байтовый BPE": "byte_level",
}
TOGETHER = dict.fromkeys(SWITCHES.values(), True)
RECIPES = {
    BASELINE: Recipe(),
    **{name: Recipe(**{field: True}) for name, field in SWITCHES.items()},
    "пять вместе": Recipe(**{**TOGETHER, "longer": False}),
    "RoBERTa": Recipe(**TOGETHER),
}
MEASURES = {
    "word_accuracy": "слово угадано",
    "form_accuracy": "форма из двух",
    "bits_per_character": "бит на знак",
}

PRETRAINING = PretrainingConfig(
    batch_size=16, sequence_length=64, learning_rate=1e-3, warmup_share=0.06, total_steps=2000
)
BUDGET = {
    "documents": 2000, "more": 10, "longer": 2, "accumulation": 8, "copies": 4,
    "vocab_size": 8000, "words": 1000, "forms": 300,
}  # fmt: skip
QUICK = {
    "documents": 60, "more": 2, "longer": 2, "accumulation": 2, "copies": 1,
    "vocab_size": 700, "words": 20, "forms": 10,
}  # fmt: skip


def run(
    folder: str | Path,
    seeds: Sequence[int] = (0, 1, 2),
    variants: Sequence[str] = tuple(RECIPES),
    *,
    quick: bool = False,
    workers: int | None = None,
    progress: bool = True,
) -> list[Row]:
    """Опыт целиком: строка на вариант и зерно; прерванный продолжается тем же вызовом."""
    for variant in variants:
        recipe(variant)
    settings = experiment_settings(quick)
    prepare(settings["budget"], folder)  # данные — один раз, до того как процессы разойдутся
    jobs = [{"row": variant, "seed": seed} for seed in seeds for variant in variants]
    return sweep(jobs, run_one, settings, folder, workers=workers, progress=progress)


def recipe(variant: str) -> Recipe:
    """Положение переключателей варианта. ValueError — такого варианта нет."""
    if variant not in RECIPES:
        raise ValueError(f"variant = {variant!r}: есть только {', '.join(RECIPES)}.")
    return RECIPES[variant]


def experiment_settings(quick: bool = False) -> dict[str, Any]:
    """Всё, от чего зависят числа опыта."""
    pretraining = asdict(PRETRAINING)
    del pretraining["masking"], pretraining["seed"]
    if quick:
        pretraining |= {"total_steps": 8, "batch_size": 4}
    return {"pretraining": pretraining, "budget": QUICK if quick else BUDGET}


def run_one(job: Mapping[str, Any], settings: Mapping[str, Any], folder: str) -> Row:
    """Одна строка: предобучить TINY по рецепту job["row"] и измерить всё, что меряет опыт."""
    started = time.perf_counter()
    switches, data = recipe(job["row"]), prepare(settings["budget"], folder)
    tokenizer = data.tokenizers[switches.byte_level]
    corpus = data.corpora[switches.byte_level, switches.more_data]
    config, accumulate = training_config(switches, settings, job["seed"])
    model, history = pretrain_recipe(
        switches, corpus, config, accumulate, settings["budget"]["copies"], progress=False
    )
    words = fill_scores(model, tokenizer, data.words)
    last = history.rows[-1]
    return {
        "tokens": int(last["tokens"]),
        "steps": int(last["step"]),
        "epochs": round(last["tokens"] / corpus.tokens, 2),
        "train_loss": last["token_loss"],
        "word_accuracy": words["accuracy"],
        "bits_per_character": words["bits"],
        "form_accuracy": choice_scores(model, tokenizer, data.forms)["accuracy"],
        "seconds": round(time.perf_counter() - started, 1),
    }


def training_config(
    switches: Recipe, settings: Mapping[str, Any], seed: int
) -> tuple[PretrainingConfig, int]:
    """Настройки обучения по рецепту и сколько батчей складывать в шаг."""
    plain, budget = dict(settings["pretraining"]), settings["budget"]
    plain["adam_betas"] = tuple(plain["adam_betas"])
    config = PretrainingConfig(**plain, seed=seed)
    accumulate = budget["accumulation"] if switches.big_batch else 1
    length = budget["longer"] if switches.longer else 1
    config = replace(
        config,
        next_sentence=not switches.full_sentences,
        total_steps=max(1, config.total_steps * length // accumulate),
        learning_rate=config.learning_rate * math.sqrt(accumulate),
    )
    return config, accumulate


def pretrain_recipe(
    switches: Recipe,
    corpus: TokenizedCorpus,
    config: PretrainingConfig,
    accumulate: int = 1,
    copies: int = BUDGET["copies"],
    *,
    watch: Callable[[dict[str, float]], bool | None] | None = None,
    log_every: int = 20,
    progress: bool = True,
) -> tuple[PretrainingModel, History]:
    """Предобучает TINY: данные и маски — по switches, шаги — по config и accumulate."""
    encoder = replace(TINY, pad_token_id=corpus.pad_id)
    check_compatible(encoder, config, corpus)
    questions = question_source(corpus, config)
    if not switches.dynamic:
        questions = static_questions(questions, static_period(corpus, config, copies))
    model = new_model(encoder, config)
    history = train_on_corpus(
        model, questions, weighted_loss, config, corpus,
        accumulate=accumulate, watch=watch, log_every=log_every, progress=progress,
    )  # fmt: skip
    return model, history


def static_period(corpus: TokenizedCorpus, config: PretrainingConfig, copies: int) -> int:
    """Сколько батчей занимают copies проходов по корпусу."""
    pools = copies * corpus.documents / ExampleStream(corpus, config).pool_documents
    return max(1, round(pools * POOL_BATCHES))


def static_questions(
    questions: Callable[[int], Question], period: int
) -> Callable[[int], Question]:
    """Статические маски: батчи с масками записаны один раз и после period идут по кругу."""
    return lambda step: questions(step % period)


def load_rows() -> list[Row]:
    """Строки полного опыта из поставки."""
    return read_rows(FILE)["rows"]


def save(rows: Sequence[Row], path: str | Path = FILE, quick: bool = False) -> None:
    """Пишет строки в файл поставки вместе с настройками и версиями."""
    save_rows(rows, experiment_settings(quick), path)


def summary(rows: Sequence[Row]) -> list[Row]:
    """По вариантам: среднее и отклонение каждой меры по зёрнам."""
    return table8.summary(rows, tuple(MEASURES))


def compare(rows: Sequence[Row], measure: str) -> list[Row]:
    """Разность «вариант минус BERT» при тех же зёрнах, с поправкой Холма (см. table8.compare).

    «дольше» и «RoBERTa» видели больше токенов: их разность — не цена переключателя при равном
    бюджете.
    """
    return table8.compare(rows, measure, BASELINE)


def report(rows: Sequence[Row]) -> dict[str, Any]:
    """Опыт одним объектом: строки запусков, сводка и сравнения с BERT."""
    compared = {m: compare(rows, m) for m in MEASURES} if _seeds(rows) > 1 else {}
    return {"rows": list(rows), "summary": summary(rows), "compared": compared}


def table(rows: Sequence[Row]) -> tuple[list[str], list[list[Any]]]:
    """Столбцы и строки таблицы для человека; биты — числом, остальное — долями."""
    lines = []
    for row in summary(rows):
        bits = row["bits_per_character"]
        said = f"{bits['mean']:.2f} ± {bits['std']:.2f}".replace(".", ",")
        lines.append([row["row"], row["word_accuracy"], row["form_accuracy"], said])
    return ["вариант", *MEASURES.values()], lines


def _seeds(rows: Sequence[Row]) -> int:
    return len({row["seed"] for row in rows})
