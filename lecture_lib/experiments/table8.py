"""Опыт урока 02: таблица 8 статьи о BERT в миниатюре — чем заменять выбранные токены.

Шесть строк таблицы — шесть правил замены; каждое обучает свою TINY на одних и тех же данных,
одним и тем же числом токенов. Потом три меры, как в статье: задача о паре предложений
(следование, вместо MNLI) с дообучением, NER с дообучением и NER по готовым признакам. Сверх
таблицы — доля 30 и 50 %, целые слова и отрезки, и несовпадение с жизнью: что модель думает о
токенах, которых не закрывали.

Зерно решает веса, порядок данных, маски и дообучение, поэтому строки сравниваются попарно: при
одном зерне всё, кроме правила замены, одинаково.

Источник: Devlin et al., 2019, приложение C.2, таблица 8.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lecture_lib.config import TINY, FinetuningConfig, MaskingConfig, PretrainingConfig
from lecture_lib.experiments.statistics import holm_adjusted, paired_t_test
from lecture_lib.experiments.sweeps import Row, read_rows, save_rows, spread, sweep
from lecture_lib.finetuning import EncodedExample, assemble, fine_tune, predict
from lecture_lib.heads import FeatureTagger, PretrainingModel, SequenceClassifier, TokenClassifier
from lecture_lib.masking import IGNORED, MaskingVocabulary, find_special
from lecture_lib.pretraining import pretrain
from lecture_lib.pretraining_data import TokenizedCorpus, tokenize_corpus
from lecture_lib.reference import BERT_TABLE_8, masking_rates
from lecture_lib.tasks import mnli, ner
from lecture_lib.tasks.common import encode_tagged, encode_texts
from lecture_lib.tasks.metrics import entity_f1
from lecture_lib.tokenization import load_tokenizer

FILE = Path(__file__).with_suffix(".json")
BASELINE = "80/10/10"
TABLE = tuple(row for row, _ in BERT_TABLE_8.rows)  # имя строки — MASK / SAME / RND
# Сверх таблицы: другая доля и другие единицы маскирования, замены 80/10/10.
BEYOND = {
    "30 %": MaskingConfig(probability=0.3),
    "50 %": MaskingConfig(probability=0.5),
    "слова": MaskingConfig(unit="whole_word"),
    "отрезки": MaskingConfig(unit="span"),
}
MEASURES = {
    "pair_accuracy": "следование, дообучение",
    "ner_f1": "NER, дообучение",
    "ner_feature_f1": "NER, признаки",
}
SIGNIFICANT = 0.05

PRETRAINING = PretrainingConfig(
    batch_size=16, sequence_length=64, learning_rate=1e-3, warmup_share=0.05, total_steps=1800
)
BUDGET = {"documents": 60_000, "pairs": 3000, "pair_epochs": 3, "sentences": 600, "ner_epochs": 8}
HELD_OUT = {"pairs": 1500, "sentences": 1000}
QUICK = {"documents": 300, "pairs": 60, "pair_epochs": 1, "sentences": 40, "ner_epochs": 1}


def masking(variant: str) -> MaskingConfig:
    """Правило маскирования варианта. ValueError — такого варианта нет."""
    if variant in BEYOND:
        return BEYOND[variant]
    if variant not in TABLE:
        listed = ", ".join((*TABLE, *BEYOND))
        raise ValueError(f"variant = {variant!r}: есть только {listed}.")
    mask_rate, random_rate, keep_rate = masking_rates(variant)
    return MaskingConfig(mask_rate=mask_rate, random_rate=random_rate, keep_rate=keep_rate)


def run(
    folder: str | Path,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    variants: Sequence[str] = (*TABLE, *BEYOND),
    *,
    quick: bool = False,
    workers: int | None = None,
    progress: bool = True,
) -> list[Row]:
    """Опыт целиком: строка на вариант и зерно; прерванный продолжается тем же вызовом."""
    settings = experiment_settings(quick)
    prepare(settings, folder)  # данные — один раз, до того как процессы разойдутся
    jobs = [{"row": variant, "seed": seed} for seed in seeds for variant in variants]
    return sweep(jobs, run_one, settings, folder, workers=workers, progress=progress)


def experiment_settings(quick: bool = False) -> dict[str, Any]:
    """Всё, от чего зависят числа опыта."""
    pretraining = asdict(PRETRAINING)
    del pretraining["masking"], pretraining["seed"]
    if quick:
        pretraining |= {"total_steps": 6, "batch_size": 4}
    held_out = {name: 30 if quick else count for name, count in HELD_OUT.items()}
    budget = QUICK if quick else BUDGET
    return {"pretraining": pretraining, "budget": budget, "held_out": held_out}


def run_one(job: Mapping[str, Any], settings: Mapping[str, Any], folder: str) -> Row:
    """Одна строка: предобучить TINY по правилу job["row"] и измерить всё, что меряет опыт."""
    started = time.perf_counter()
    corpus, examples = prepare(settings, folder)
    seed = job["seed"]
    config = PretrainingConfig(
        **{**settings["pretraining"], "adam_betas": tuple(settings["pretraining"]["adam_betas"])},
        masking=masking(job["row"]),
        seed=seed,
    )
    model, history = pretrain(TINY, config, corpus, progress=False)
    budget = settings["budget"]
    return {
        "tokens": int(history.rows[-1]["tokens"]),
        "train_loss": history.rows[-1]["token_loss"],
        **_pair_scores(model, examples, budget, seed),
        **_ner_scores(model, examples, budget, seed),
        **mismatch_of(model, examples["ner_test"], corpus.vocabulary),
        "seconds": round(time.perf_counter() - started, 1),
    }


def prepare(
    settings: Mapping[str, Any], folder: str | Path
) -> tuple[TokenizedCorpus, dict[str, list[EncodedExample]]]:
    """Корпус и примеры задач; второй раз — из кэша папки опыта."""
    from lecture_lib.corpus import documents

    tokenizer = load_tokenizer()
    cache = Path(folder) / "cache"
    source = documents(seed=0, split="train", count=settings["budget"]["documents"])
    corpus = tokenize_corpus(source, tokenizer, cache_folder=cache, key="corpus")
    path = cache / "examples.pt"
    if not path.exists():
        budget, held_out = settings["budget"], settings["held_out"]
        made = {
            "pair_train": encode_texts(mnli.pairs("train", budget["pairs"]), tokenizer),
            "pair_test": encode_texts(mnli.pairs("validation", held_out["pairs"]), tokenizer),
        }
        for name, split, count in (
            ("ner_train", "train", budget["sentences"]),
            ("ner_test", "test_words", held_out["sentences"]),
        ):
            made[name] = encode_tagged(ner.sentences(split, count), tokenizer, ner.TAGS)
        plain = {name: [asdict(e) for e in found] for name, found in made.items()}
        torch.save(plain, path)
    loaded = torch.load(path, weights_only=True)
    return corpus, {name: [EncodedExample(**e) for e in found] for name, found in loaded.items()}


def _pair_scores(model: PretrainingModel, examples, budget, seed: int) -> Row:
    config = FinetuningConfig(epochs=budget["pair_epochs"], seed=seed)
    found = _tuned(SequenceClassifier, model, len(mnli.NAMES), examples["pair_train"], config)
    test = examples["pair_test"]
    right = sum(p == e.labels for p, e in zip(predict(found, test), test, strict=True))
    return {"pair_accuracy": right / len(test)}


def _ner_scores(model: PretrainingModel, examples, budget, seed: int) -> Row:
    scores = {}
    for measure, head, rate in (
        ("ner_f1", TokenClassifier, 5e-4),
        ("ner_feature_f1", FeatureTagger, 2e-3),
    ):
        config = FinetuningConfig(epochs=budget["ner_epochs"], learning_rate=rate, seed=seed)
        found = _tuned(head, model, len(ner.TAGS), examples["ner_train"], config)
        scores[measure] = _entity_f1(found, examples["ner_test"])
    return scores


def _tuned(head, model: PretrainingModel, classes: int, examples, config) -> nn.Module:
    """Новая голова над копией кодировщика, дообученная на примерах."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        tuned = head(copy.deepcopy(model.encoder), classes)
    fine_tune(tuned, examples, config, progress=False)
    return tuned


def _entity_f1(model: nn.Module, examples: Sequence[EncodedExample]) -> float:
    def named(numbers) -> list[str]:
        return [ner.TAGS[number] for number in numbers]

    truth = [named(n for n in example.labels if n != IGNORED) for example in examples]
    return entity_f1(truth, [named(found) for found in predict(model, examples)])


def mismatch_of(
    model: PretrainingModel, examples: Sequence[EncodedExample], vocabulary: MaskingVocabulary
) -> Row:
    """Что модель думает о токенах, которых не закрывали: тексты целые, ни одной маски.

    visible_accuracy — доля токенов, которые голова MLM узнаёт на их собственном месте;
    visible_probability — вероятность, которую она им даёт. Правило 100/0/0 такого не учило.
    """
    right = total = probability = 0.0
    with torch.inference_mode():
        for start in range(0, len(examples), 64):
            batch = assemble(examples[start : start + 64], model.config.pad_token_id)
            logits = model(batch.input_ids, batch.attention_mask, batch.token_type_ids).mlm_logits
            asked = ~find_special(batch.input_ids, vocabulary)
            rows, truth = logits[asked].float(), batch.input_ids[asked]
            right += (rows.argmax(-1) == truth).sum().item()
            probability += rows.softmax(-1).gather(1, truth[:, None]).sum().item()
            total += len(truth)
    return {"visible_accuracy": right / total, "visible_probability": probability / total}


def load_rows() -> list[Row]:
    """Строки полного опыта из поставки."""
    return read_rows(FILE)["rows"]


def save(rows: Sequence[Row], path: str | Path = FILE, quick: bool = False) -> None:
    """Пишет строки в файл поставки вместе с настройками и версиями."""
    save_rows(rows, experiment_settings(quick), path)


def summary(rows: Sequence[Row], measures: Sequence[str] = tuple(MEASURES)) -> list[Row]:
    """По вариантам: среднее и отклонение каждой меры по зёрнам."""
    variants = list(dict.fromkeys(row["row"] for row in rows))
    return [
        {
            "row": variant,
            **{m: spread([r[m] for r in rows if r["row"] == variant]) for m in measures},
        }
        for variant in variants
    ]


def report(rows: Sequence[Row]) -> dict[str, Any]:
    """Опыт одним объектом: строки запусков и сводка по вариантам."""
    return {"rows": list(rows), "summary": summary(rows)}


def table(rows: Sequence[Row]) -> tuple[list[str], list[list[Any]]]:
    """Столбцы и строки таблицы для человека: вариант и среднее ± отклонение каждой меры."""
    lines = [[row["row"], *(row[measure] for measure in MEASURES)] for row in summary(rows)]
    return ["MASK/SAME/RND", *MEASURES.values()], lines


def compare(
    rows: Sequence[Row], measure: str, baseline: str = BASELINE, variants: Sequence[str] = ()
) -> list[Row]:
    """Разность «вариант минус baseline» при тех же зёрнах: среднее, интервал, p-значение.

    p — парный критерий Стьюдента с поправкой Холма на число вариантов; proven — p < 0,05.
    """
    variants = [v for v in variants or dict.fromkeys(r["row"] for r in rows) if v != baseline]
    base = {row["seed"]: row[measure] for row in rows if row["row"] == baseline}
    found = []
    for variant in variants:
        pairs = [(r[measure], base[r["seed"]]) for r in rows if r["row"] == variant]
        found.append({"row": variant, "measure": measure, **paired_t_test(pairs)})
    adjusted = holm_adjusted([row["p_value"] for row in found])
    for row, p_value in zip(found, adjusted, strict=True):
        row.update(p_value=p_value, proven=p_value < SIGNIFICANT)
    return found
