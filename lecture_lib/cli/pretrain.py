"""``lecture pretrain``: предобучить модель на «Городке»."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from pathlib import Path

from lecture_lib.cli.arguments import whole_number
from lecture_lib.cli.output import add_json, percent, print_json, thousands

SUMMARY = "предобучить модель на «Городке»"
PRESETS = ("mini", "mini-causal")
DOCUMENTS = 400_000
# Проба укладывается в полминуты: видно, что всё работает, но модель ещё ничего не знает.
QUICK = {"total_steps": 20, "batch_size": 16, "evaluate_every": 20, "checkpoint_every": 10}
QUICK_DOCUMENTS = 1_000


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    whole, seed = whole_number(1), whole_number(0)
    parser.add_argument("preset", choices=PRESETS, help="какую модель")
    parser.add_argument(
        "--out", type=Path, metavar="ПАПКА", help="куда писать (обычно runs/<модель>)"
    )
    parser.add_argument("--steps", type=whole, metavar="N", help="сколько шагов")
    parser.add_argument("--batch-size", type=whole, metavar="N", help="примеров в батче")
    parser.add_argument("--learning-rate", type=float, metavar="X", help="скорость обучения")
    parser.add_argument(
        "--documents", type=whole, metavar="N", help=f"сколько документов ({DOCUMENTS})"
    )
    parser.add_argument(
        "--checkpoint-every", type=whole, metavar="N", help="шагов между чекпойнтами"
    )
    parser.add_argument(
        "--keep-all", action="store_true", help="хранить все чекпойнты, а не два последних"
    )
    parser.add_argument("--seed", type=seed, metavar="ЗЕРНО", help="зерно генератора (0)")
    parser.add_argument(
        "--quick", action="store_true", help=f"проба: {QUICK['total_steps']} шагов, малые батчи"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Предобучает модель; прерванный запуск продолжает с последнего чекпойнта."""
    from lecture_lib.checkpoints import KEPT
    from lecture_lib.pretrained import save_pretrained
    from lecture_lib.pretraining import pretrain
    from lecture_lib.tokenization import load_tokenizer, vocabulary_fingerprint

    encoder, config = configs(options)
    count = options.documents or (QUICK_DOCUMENTS if options.quick else DOCUMENTS)
    folder = options.out or Path("runs", options.preset + ("-quick" if options.quick else ""))
    cache = folder.parent / "cache"
    train = tokenized("train", count, config.seed, cache)
    held_out = tokenized("validation", max(count // 50, 200), config.seed, cache)
    kept = None if options.keep_all else KEPT
    model, history = pretrain(encoder, config, train, folder, validation=held_out, kept=kept)
    vocabulary = vocabulary_fingerprint(load_tokenizer())
    card = model_card(options, config, count, vocabulary, history)
    save_pretrained(model, folder, card)
    if options.json:
        print_json({"folder": str(folder), **card})
    else:
        print_report(folder, card)


def configs(options: argparse.Namespace):
    """Настройки модели и обучения: набор, поверх него проба, поверх неё ключи."""
    from lecture_lib.config import (
        MINI,
        MINI_CAUSAL,
        MINI_CAUSAL_PRETRAINING,
        MINI_PRETRAINING,
    )

    encoder, config = {
        "mini": (MINI, MINI_PRETRAINING),
        "mini-causal": (MINI_CAUSAL, MINI_CAUSAL_PRETRAINING),
    }[options.preset]
    given = {
        "total_steps": options.steps,
        "batch_size": options.batch_size,
        "learning_rate": options.learning_rate,
        "checkpoint_every": options.checkpoint_every,
        "seed": options.seed,
    }
    asked = {name: value for name, value in given.items() if value is not None}
    return encoder, replace(config, **((QUICK if options.quick else {}) | asked))


def tokenized(split: str, count: int, seed: int, cache: Path):
    """Токенизированная доля корпуса; второй раз берётся из кэша."""
    from lecture_lib.corpus import corpus_version, documents
    from lecture_lib.pretraining_data import tokenize_corpus
    from lecture_lib.tokenization import load_tokenizer

    source = documents(seed=seed, split=split, start=0, count=count)
    key = f"{split}-{seed}-{count}-{corpus_version()}"
    return tokenize_corpus(source, load_tokenizer(), cache_folder=cache, key=key)


def model_card(
    options: argparse.Namespace, config, documents: int, vocabulary: str, history
) -> dict[str, object]:
    """Карточка модели: какой командой она получена, на чём и как отвечает."""
    last: dict[str, float] = {}
    for row in history.rows:
        last |= row
    return {
        "command": portable_command(options),
        "preset": options.preset,
        "seed": config.seed,
        "documents": documents,
        "vocabulary": vocabulary,
        "steps": int(last["step"]),
        "total_steps": config.total_steps,
        "tokens": int(last["tokens"]),
        "seconds": round(last["seconds"], 1),
        "metrics": {name: round(x, 4) for name, x in last.items() if name.startswith("eval_")},
    }


def portable_command(options: argparse.Namespace) -> str:
    """Команда без пути этой машины: карточка поедет вместе с весами к другим."""
    if options.out is None or not options.out.is_absolute():
        return options.command_line
    return options.command_line.replace(str(options.out), f"runs/{options.out.name}")


def print_report(folder: Path, card: dict) -> None:
    """Итог предобучения для человека."""
    print(f"Шагов: {card['steps']} из {card['total_steps']}, токенов: {thousands(card['tokens'])}.")
    if "eval_accuracy" in card["metrics"]:
        print(f"Верных ответов на отложенных данных: {percent(card['metrics']['eval_accuracy'])}.")
    if card["preset"] == "mini":  # причинная модель масок не заполняет
        path = shlex.quote(str(folder))
        print(f'Попробовать: lecture fill "Вчера мы [MASK] фильм." --model {path}')
