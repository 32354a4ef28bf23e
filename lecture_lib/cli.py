"""Команда ``lecture``: открыть уроки, проверить окружение и курс, посмотреть корпус и модель.

Каждая подкоманда загружает только то, что ей нужно. Ошибка — одна строка в stderr и код 2.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lecture_lib import __version__
from lecture_lib.arguments import Parser, russian_argparse, whole_number

PRETRAIN_PRESETS = ("mini", "mini-causal")
DOCUMENTS = 400_000
# Проба укладывается в полминуты: видно, что всё работает, но модель ещё ничего не знает.
QUICK = {"total_steps": 30, "batch_size": 16, "evaluate_every": 15, "checkpoint_every": 15}
QUICK_DOCUMENTS = 1_000


def main(argv: Sequence[str] | None = None) -> int:
    """Выполняет команду и возвращает код завершения."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    with russian_argparse():
        options = build_parser().parse_args(argv)
    try:
        return options.run(options) or 0
    except KeyboardInterrupt:
        print("lecture: остановлено", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Вывод закрыли раньше времени (lecture corpus | head): жаловаться не на что.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, ArithmeticError, OSError, ImportError, RuntimeError) as error:
        print(f"lecture {options.command}: {one_line(error)}", file=sys.stderr)
        return 2


def one_line(error: Exception) -> str:
    """Текст ошибки одной строкой."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"не открывается {error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def build_parser() -> Parser:
    """Описывает все подкоманды и их ключи."""
    parser = Parser(prog="lecture", description="Курс «BERT и его наследники».")
    version = f"lecture {__version__}"
    parser.add_argument("--version", action="version", version=version, help="показать версию")
    commands = parser.add_subparsers(
        title="команды", dest="command", metavar="команда", required=True
    )
    for add in (add_lab, add_test, add_check, add_corpus, add_fill, add_pretrain):
        add(commands)
    return parser


def command_names() -> list[str]:
    """Имена всех подкоманд."""
    (commands,) = (a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    return list(commands.choices)


def add_command(commands, run, summary: str) -> argparse.ArgumentParser:
    """Добавляет подкоманду; её имя — имя функции ``run`` без ``run_``."""
    name = run.__name__.removeprefix("run_")
    parser = commands.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
    )
    parser.set_defaults(run=run)
    return parser


def add_json(parser: argparse.ArgumentParser) -> None:
    """Добавляет ключ ``--json``: один объект в stdout вместо текста для человека."""
    parser.add_argument("--json", action="store_true", help="вывести один объект JSON")


def print_json(report: object) -> None:
    """Печатает отчёт одним объектом JSON."""
    print(json.dumps(report, ensure_ascii=False))


def add_lab(commands) -> None:
    """Описывает ``lecture lab``."""
    parser = add_command(commands, run_lab, "открыть JupyterLab на уроках")
    parser.add_argument("--ip", metavar="АДРЕС", help="слушать этот адрес (в контейнере 0.0.0.0)")
    parser.add_argument(
        "--port", type=whole_number(1, 65535), metavar="ПОРТ", help="порт (обычно 8888)"
    )
    parser.add_argument(
        "--browser",
        action=argparse.BooleanOptionalAction,
        help="открыть браузер самому (обычно — если есть экран)",
    )


def run_lab(options: argparse.Namespace) -> None:
    """Открывает JupyterLab и ждёт, пока его не остановят."""
    from lecture_lib.lab import run_lab as open_lab

    open_lab(ip=options.ip, port=options.port, browser=options.browser)


def add_test(commands) -> None:
    """Описывает ``lecture test``."""
    parser = add_command(commands, run_test, "проверить курс: ruff, тесты и уроки")
    parser.add_argument(
        "pytest",
        nargs=argparse.REMAINDER,
        metavar="…",
        help="что передать pytest, например tests/test_cli.py -k fill (обычно — всё)",
    )


def run_test(options: argparse.Namespace) -> int:
    """Прогоняет проверки курса."""
    from lecture_lib.lab import find_course_root
    from lecture_lib.quality import run_checks

    return run_checks(find_course_root(), options.pytest)


def add_check(commands) -> None:
    """Описывает ``lecture check``."""
    add_json(add_command(commands, run_check, "проверить окружение: пакеты, память, чекпойнты"))


def run_check(options: argparse.Namespace) -> int:
    """Печатает самопроверку; код 1, если что-то не в порядке."""
    from lecture_lib.environment import check_environment

    report = check_environment()
    if options.json:
        print_json(report.as_dict())
    else:
        print(report)
    return 0 if report.ok else 1


def add_corpus(commands) -> None:
    """Описывает ``lecture corpus``."""
    parser = add_command(commands, run_corpus, "показать корпус «Городок»")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--stats", action="store_true", help="сколько в корпусе чего")
    what.add_argument("--sample", type=whole_number(1), metavar="N", help="напечатать N документов")
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="ЗЕРНО", help="зерно генератора"
    )
    add_json(parser)


def run_corpus(options: argparse.Namespace) -> None:
    """Печатает статистику корпуса или несколько документов."""
    if options.stats:
        print_corpus_stats(options)
    else:
        print_corpus_sample(options)


def print_corpus_stats(options: argparse.Namespace) -> None:
    """Размеры словаря и мира и скорость генератора."""
    from lecture_lib.corpus import statistics

    report = statistics(seed=options.seed)
    if options.json:
        print_json(report)
        return
    width = max(map(len, report))
    for name, value in report.items():
        print(f"{name:<{width}}  {value:>10,.0f}".replace(",", " "))


def print_corpus_sample(options: argparse.Namespace) -> None:
    """Документы корпуса: абзац на документ."""
    from lecture_lib.corpus import documents

    sample = documents(seed=options.seed, split="train", start=0, count=options.sample)
    if options.json:
        rows = [
            {
                "id": document.id,
                "kind": document.kind,
                "script": document.script,
                "sentences": [sentence.text for sentence in document.sentences],
            }
            for document in sample
        ]
        print_json({"seed": options.seed, "documents": rows})
        return
    for document in sample:
        print(f"[{document.id} · {document.kind} · {document.script}]")
        print(" ".join(sentence.text for sentence in document.sentences), end="\n\n")


def add_fill(commands) -> None:
    """Описывает ``lecture fill``."""
    parser = add_command(commands, run_fill, "заполнить пропуски [MASK] в тексте")
    parser.add_argument("text", metavar="ТЕКСТ", help="текст, в котором хотя бы один [MASK]")
    parser.add_argument(
        "--top", type=whole_number(1, 100), default=5, metavar="N", help="сколько вариантов (5)"
    )
    parser.add_argument(
        "--model",
        default="mini",
        metavar="МОДЕЛЬ",
        help="чекпойнт курса (mini), папка или имя модели на Hugging Face Hub",
    )
    add_json(parser)


def run_fill(options: argparse.Namespace) -> None:
    """Печатает кандидатов для каждой маски."""
    from lecture_lib.prediction import fill_mask
    from lecture_lib.pretrained import load_pretrained

    model, tokenizer = load_pretrained(options.model)
    masks = fill_mask(model, tokenizer, options.text, top_k=options.top)
    if options.json:
        rows = [
            [{"token": c.token, "probability": float(c.probability)} for c in candidates]
            for candidates in masks
        ]
        print_json({"text": options.text, "masks": rows})
        return
    for number, candidates in enumerate(masks, start=1):
        print(f"[MASK] № {number}")
        for candidate in candidates:
            share = f"{candidate.probability:.1%}".replace(".", ",").replace("%", " %")
            print(f"  {share:>8}  {candidate.token}")


def add_pretrain(commands) -> None:
    """Описывает ``lecture pretrain``."""
    parser = add_command(commands, run_pretrain, "предобучить модель на «Городке»")
    parser.add_argument("preset", choices=PRETRAIN_PRESETS, help="какую модель")
    parser.add_argument(
        "--out", type=Path, metavar="ПАПКА", help="куда писать (обычно runs/<модель>)"
    )
    whole = whole_number(1)
    parser.add_argument("--steps", type=whole, metavar="N", help="сколько шагов")
    parser.add_argument("--batch-size", type=whole, metavar="N", help="примеров в батче")
    parser.add_argument("--learning-rate", type=float, metavar="X", help="скорость обучения")
    parser.add_argument(
        "--documents", type=whole, metavar="N", help=f"сколько документов ({DOCUMENTS})"
    )
    parser.add_argument("--seed", type=whole_number(0), metavar="ЗЕРНО", help="зерно (0)")
    parser.add_argument(
        "--quick", action="store_true", help=f"проба: {QUICK['total_steps']} шагов, малые батчи"
    )
    add_json(parser)


def run_pretrain(options: argparse.Namespace) -> None:
    """Предобучает модель; прерванный запуск продолжает с последнего чекпойнта."""
    from lecture_lib.corpus import documents
    from lecture_lib.pretraining import pretrain
    from lecture_lib.pretraining_data import tokenize_corpus
    from lecture_lib.tokenization import load_tokenizer

    model_config, config = pretrain_configs(options)
    count = options.documents or (QUICK_DOCUMENTS if options.quick else DOCUMENTS)
    folder = options.out or Path("runs", options.preset + ("-quick" if options.quick else ""))
    tokenizer = load_tokenizer()

    def corpus(split: str, count: int):
        return tokenize_corpus(
            documents(seed=config.seed, split=split, start=0, count=count),
            tokenizer,
            cache_folder=folder.parent / "cache",
            key=f"{split}-{config.seed}-{count}",
        )

    start = time.perf_counter()
    train, held_out = corpus("train", count), corpus("validation", max(count // 50, 200))
    _, history = pretrain(model_config, config, train, folder, validation=held_out)
    print_pretrain_report(options, folder, config.total_steps, history, time.perf_counter() - start)


def pretrain_configs(options: argparse.Namespace):
    """Настройки модели и обучения: набор, поверх него проба, поверх неё ключи."""
    from dataclasses import replace

    from lecture_lib.config import MINI, MINI_CAUSAL, PretrainingConfig

    model_config, config = {
        "mini": (MINI, PretrainingConfig()),
        "mini-causal": (MINI_CAUSAL, PretrainingConfig(objective="clm", next_sentence=False)),
    }[options.preset]
    given = {
        "total_steps": options.steps,
        "batch_size": options.batch_size,
        "learning_rate": options.learning_rate,
        "seed": options.seed,
    }
    asked = {name: value for name, value in given.items() if value is not None}
    return model_config, replace(config, **((QUICK if options.quick else {}) | asked))


def print_pretrain_report(options, folder: Path, steps: int, history, seconds: float) -> None:
    """Итог предобучения: последние измеренные величины и куда записана модель."""
    last: dict[str, float] = {}
    for row in history.rows:
        last |= row
    report = {
        "preset": options.preset,
        "folder": str(folder),
        "steps": int(last.get("step", 0)),
        "finished": int(last.get("step", 0)) >= steps,
        "seconds": round(seconds, 1),
        "metrics": last,
    }
    if options.json:
        print_json(report)
        return
    print(f"Шагов: {report['steps']} из {steps}. Чекпойнты: {folder}")
    if "eval_accuracy" in last:
        share = f"{last['eval_accuracy']:.1%}".replace(".", ",").replace("%", " %")
        print(f"Верных ответов на отложенных данных: {share}")


if __name__ == "__main__":
    sys.exit(main())
