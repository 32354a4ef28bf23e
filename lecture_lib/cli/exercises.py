"""``lecture exercises``: породить тетради студента и испытать проверки банком ответов."""

from __future__ import annotations

import argparse
from pathlib import Path

from lecture_lib.cli.output import add_json, print_json

SUMMARY = "тетради студента и матрица «ответы × проверки»"
ACTIONS = ("build", "matrix")


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    parser.add_argument(
        "action",
        choices=ACTIONS,
        help="build — породить exercises/ из solutions/; matrix — проверить каждый ответ банка",
    )
    parser.add_argument(
        "--bank", type=Path, metavar="ПАПКА", help="ещё одна папка с ответами, сверх банка курса"
    )
    parser.add_argument("--task", metavar="НОМЕР", help="только это задание или урок: 02.3, 02")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Порождает тетради или печатает матрицу; код 1 — проверки ошиблись хотя бы раз."""
    return build(options) if options.action == "build" else run_matrix(options)


def build(options: argparse.Namespace) -> int:
    """Порождает exercises/."""
    from lecture_lib.grading.exercises import build_exercises
    from lecture_lib.lab import find_course_root

    root = find_course_root()
    changed = build_exercises(root / "solutions", root / "exercises")
    if options.json:
        print_json({"changed": [path.name for path in changed]})
    else:
        names = ", ".join(path.name for path in changed)
        print(f"изменились: {names}" if changed else "всё уже свежее")
    return 0


def run_matrix(options: argparse.Namespace) -> int:
    """Печатает матрицу: сколько отвергнуто, узнано и принято, и каждый промах отдельно."""
    from lecture_lib.grading import bank

    entries = bank.load_bank() + (bank.load_bank(options.bank) if options.bank else [])
    chosen = [e for e in entries if e.task.startswith(options.task or "")]
    if not chosen:
        raise ValueError(f"--task {options.task}: в банке нет ответов на такое задание.")
    trials = bank.matrix(chosen)
    found = bank.summary(trials)
    missed = [trial for trial in trials if not trial.is_expected]
    if options.json:
        print_json({**found, "missed": [trial.entry.id for trial in missed]})
    else:
        print_matrix(found, trials)
    return 1 if missed else 0


def print_matrix(found: dict[str, int], trials: list) -> None:
    """Матрица для человека."""
    print(f"заданий {found['tasks']}")
    print(f"неверных {found['wrong']}: отвергнуто {found['rejected']}, узнано {found['diagnosed']}")
    print(f"верных {found['right']}: принято {found['accepted']}")
    print(f"заготовок {found['stubs']}: «не начато» {found['not_attempted']}")
    for trial in trials:
        wrong = str(trial.entry.verdict) == "неверно"
        if not trial.is_expected:
            print(f"  ПРОМАХ {trial.entry.id} → {trial.outcome.verdict}")
        elif wrong and not trial.is_diagnosed:
            print(f"  не узнано {trial.entry.id} → {trial.outcome.mistake or 'без имени'}")
