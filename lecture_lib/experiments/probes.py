"""Вопросы к модели по видам знания: согласование, время, управление, антецедент, омонимы, жизнь.

Каждый вопрос — предложение с одной маской и описание того, что годится. Предложения лежат в
`probes.tsv`; ответ проверяет pymorphy3, то есть не та таблица форм, из которой сделан корпус.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lecture_lib.prediction import fill_mask

FILE = Path(__file__).with_suffix(".tsv")


@dataclass(frozen=True)
class Probe:
    """Один вопрос: вид, предложение с `[MASK]` и что годится."""

    kind: str
    text: str
    accepted: str


def probes(path: Path = FILE) -> list[Probe]:
    """Все вопросы файла по порядку."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Probe(*line.split("\t")) for line in lines if line and not line.startswith("#")]


def accepts(accepted: str, word: str) -> bool:
    """Годится ли слово: «=слово|слово» — по списку, «@VERB,past|@INFN» — по pymorphy3."""
    if accepted.startswith("="):
        return word.lower() in accepted[1:].split("|")
    wanted = [
        set(option.lstrip("@=").split(",")) for option in accepted.split("|") if option[0] == "@"
    ]
    listed = {option[1:] for option in accepted.split("|") if option[0] == "="}
    if word.lower() in listed:
        return True
    return any(
        grammemes <= set(parse.tag.grammemes) for parse in _parses(word) for grammemes in wanted
    )


@cache
def _analyzer():
    import pymorphy3

    return pymorphy3.MorphAnalyzer()


def _parses(word: str) -> list:
    return [parse for parse in _analyzer().parse(word) if parse.score >= 0.02]


def run(model, tokenizer, questions: Iterable[Probe] | None = None, top_k: int = 5) -> list[dict]:
    """Ответы модели на вопросы: строки `kind, text, answers, rank`.

    `rank` — место первого годного слова среди `top_k` (1 — первое) или `None`.
    """
    rows = []
    for probe in questions if questions is not None else probes():
        answers = [
            candidate.token for candidate in fill_mask(model, tokenizer, probe.text, top_k)[0]
        ]
        rank = next((i for i, word in enumerate(answers, 1) if accepts(probe.accepted, word)), None)
        rows.append({"kind": probe.kind, "text": probe.text, "answers": answers, "rank": rank})
    return rows


def summary(rows: Iterable[dict]) -> dict[str, dict[str, float]]:
    """По видам: доля вопросов с годным словом на первом месте (top1) и среди трёх (top3)."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(row["kind"], []).append(row)
        groups.setdefault("всего", []).append(row)

    def share(group: list[dict], fits: Callable[[int], bool]) -> float:
        return sum(row["rank"] is not None and fits(row["rank"]) for row in group) / len(group)

    return {
        kind: {
            "questions": len(group),
            "top1": share(group, lambda rank: rank == 1),
            "top3": share(group, lambda rank: rank <= 3),
        }
        for kind, group in groups.items()
    }
