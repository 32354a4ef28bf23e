"""``lecture corpus``: показать корпус «Городок»."""

from __future__ import annotations

import argparse

from lecture_lib.cli.arguments import whole_number
from lecture_lib.cli.output import add_json, print_json, thousands

SUMMARY = "показать корпус «Городок»"


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--stats", action="store_true", help="сколько в корпусе чего")
    what.add_argument("--sample", type=whole_number(1), metavar="N", help="напечатать N документов")
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="ЗЕРНО", help="зерно генератора"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Печатает статистику корпуса или несколько документов."""
    if options.stats:
        print_stats(options)
    else:
        print_sample(options)


def print_stats(options: argparse.Namespace) -> None:
    """Размеры словаря и мира и скорость генератора."""
    from lecture_lib.corpus import statistics

    report = statistics(seed=options.seed)
    if options.json:
        print_json(report)
        return
    width = max(map(len, report))
    for name, value in report.items():
        print(f"{name:<{width}}  {thousands(value):>12}")


def print_sample(options: argparse.Namespace) -> None:
    """Документы корпуса: абзац на документ."""
    from lecture_lib.corpus import documents

    sample = documents(seed=options.seed, split="train", start=0, count=options.sample)
    if options.json:
        print_json({"seed": options.seed, "documents": [as_row(document) for document in sample]})
        return
    for document in sample:
        print(f"[{document.id} · {document.kind} · {document.script}]")
        print(" ".join(sentence.text for sentence in document.sentences), end="\n\n")


def as_row(document) -> dict[str, object]:
    """Документ для JSON."""
    return {
        "id": document.id,
        "kind": document.kind,
        "script": document.script,
        "sentences": [sentence.text for sentence in document.sentences],
    }
