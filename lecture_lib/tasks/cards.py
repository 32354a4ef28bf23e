"""Карточка задачи: сколько примеров, какие длины, доли меток, примеры и базовые уровни."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean

from lecture_lib.tasks.common import Example, SpanExample, TaggedExample, Task
from lecture_lib.tasks.metrics import TITLES

KIND_TITLES = {
    "pair": "пара текстов",
    "single": "один текст",
    "span": "отрезок ответа",
    "tags": "метка каждого слова",
}
SHOWN = 3  # примеров в напечатанной карточке


@dataclass(frozen=True)
class SplitFacts:
    """Доля: сколько примеров, слов в примере (среднее и наибольшее) и какие доли меток."""

    count: int
    mean_words: float
    longest: int
    labels: Mapping[str, float]


@dataclass(frozen=True)
class Card:
    """Карточка задачи; печатается как текст.

    baselines — {базовая модель: {метрика: значение}}, если их посчитали (experiments.baselines).
    """

    task: Task
    splits: Mapping[str, SplitFacts]
    shown: Sequence[Example]
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __str__(self) -> str:
        return "\n".join([*self._head(), *map(self._line, self.splits), *self._tail()])

    def _head(self) -> list[str]:
        metrics = ", ".join(TITLES[name] for name in self.task.metrics)
        return [
            f"{self.task.name} — {self.task.title}",
            f"вид: {KIND_TITLES[self.task.kind]}; метрики: {metrics}",
        ]

    def _line(self, split: str) -> str:
        facts = self.splits[split]
        labels = ", ".join(f"{name} {share:.0%}" for name, share in facts.labels.items())
        length = f"слов в среднем {facts.mean_words:.1f}, не больше {facts.longest}"
        return f"{split}: {facts.count}; {length}" + (f"; {labels}" if labels else "")

    def _tail(self) -> list[str]:
        lines = [
            f"{model}: " + ", ".join(f"{TITLES[m]} {value:.3f}" for m, value in scores.items())
            for model, scores in self.baselines.items()
        ]
        return [*lines, *(f"  · {in_words(example, self.task)}" for example in self.shown)]


def card(
    task: Task | str,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
    baselines: Mapping[str, Mapping[str, float]] | None = None,
) -> Card:
    """Карточка задачи по её примерам; примеры — из кэша as_dataset.

    sizes — сколько примеров доли посмотреть (по умолчанию все). ValueError — задачи нет.
    """
    from lecture_lib.tasks import load_task
    from lecture_lib.tasks.serving import as_dataset, examples_of

    task = load_task(task) if isinstance(task, str) else task
    served = as_dataset(task, seed, sizes)
    examples = {split: examples_of(rows, task) for split, rows in served.items()}
    first = next(iter(examples.values()))
    facts = {split: facts_of(found, task) for split, found in examples.items()}
    return Card(task, facts, first[:SHOWN], baselines or {})


def facts_of(examples: Sequence[Example], task: Task) -> SplitFacts:
    """Сколько примеров, какие длины, доли меток. ValueError — примеров нет."""
    if not examples:
        raise ValueError("examples: ни одного примера.")
    lengths = [_words(example) for example in examples]
    counts = Counter(name for example in examples for name in _labels(example, task))
    order = task.labels or sorted(counts)
    shares = {name: counts[name] / counts.total() for name in order if name in counts}
    return SplitFacts(len(examples), mean(lengths), max(lengths), shares)


def in_words(example: Example, task: Task) -> str:
    """Пример одной строкой."""
    if isinstance(example, SpanExample):
        return f"{example.question} ← {example.context} → «{example.answer}»"
    if isinstance(example, TaggedExample):
        pairs = zip(example.words, example.tags, strict=True)
        return " ".join(word if tag == "O" else f"{word}/{tag}" for word, tag in pairs)
    text = " ‖ ".join(filter(None, (example.first, example.second)))
    return f"{text} → {task.labels[example.label] if task.labels else example.label}"


def _words(example: Example) -> int:
    if isinstance(example, SpanExample):
        return len(f"{example.question} {example.context}".split())
    if isinstance(example, TaggedExample):
        return len(example.words)
    return len(f"{example.first} {example.second}".split())


def _labels(example: Example, task: Task) -> Sequence[str]:
    if isinstance(example, SpanExample):
        return ()
    if isinstance(example, TaggedExample):
        return example.tags
    return (task.labels[example.label] if task.labels else f"{example.label:g}",)
