"""Задачи как datasets, карточки, задачи с Hub и базовые модели."""

from __future__ import annotations

import random
import time

import pytest

from lecture_lib.experiments import baselines
from lecture_lib.tasks import TASKS, as_dataset, card, examples_of, hub, load_task
from lecture_lib.tasks.cards import facts_of, in_words
from lecture_lib.tasks.common import SpanExample, TaggedExample, Task, TextExample
from lecture_lib.tasks.serving import example_of, features, row_of

SIZES = {"train": 12, "validation": 6}


@pytest.mark.parametrize("name", ["sst2", "squad"])
def test_dataset_keeps_examples_and_reads_the_cache(name, monkeypatch):
    task = TASKS[name]
    served = as_dataset(name, sizes=SIZES)
    assert {split: len(rows) for split, rows in served.items()} == SIZES
    assert examples_of(served["train"], task) == task.examples("train", 12)
    # Строить заново нечем: задачу по имени больше не найти, остаётся только кэш.
    monkeypatch.setattr("lecture_lib.tasks.load_task", lambda _: pytest.fail("мимо кэша"))
    assert as_dataset(task, sizes=SIZES)["validation"][0] == served["validation"][0]


def test_rows_of_every_kind_come_back():
    for name, example in (
        ("ner", TaggedExample(("Анна", "дома"), ("B-PER", "O"))),
        ("stsb", TextExample("Да.", "Нет.", 3.0)),
        ("cola", TextExample("Да.", "", 1)),
        ("squad", SpanExample("Кто?", "Это Анна.", "Анна", 4)),
    ):
        task = TASKS[name]
        row = row_of(example, task, 7)
        assert example_of(row, task) == example
        assert set(features(task)) == set(row)
    assert features(TASKS["stsb"])["label"].dtype == "float32"
    assert features(TASKS["rte"])["label"].names == list(TASKS["rte"].labels)
    with pytest.raises(ValueError, match="доли 'test' у задачи rte нет, есть train, validation"):
        as_dataset("rte", sizes={"test": 3})


def test_card_counts_and_prints():
    found = card("rte", SIZES, baselines={"majority": {"accuracy": 0.5}})
    assert found.splits["train"].count == 12
    assert found.splits["train"].labels == {"следует": 0.5, "не следует": 0.5}
    lines = str(found).splitlines()
    assert lines[0].startswith("rte — Следование") and "доля верных" in lines[1]
    assert "majority: доля верных 0.500" in lines
    assert sum(line.startswith("  · ") for line in lines) == 3
    facts = facts_of([TextExample("Один два", "три", 0), TextExample("Раз", "", 1)], TASKS["rte"])
    assert (facts.mean_words, facts.longest) == (2, 3)
    with pytest.raises(ValueError, match="ни одного примера"):
        facts_of([], TASKS["rte"])
    assert in_words(TaggedExample(("Анна", "дома"), ("B-PER", "O")), TASKS["ner"]) == (
        "Анна/B-PER дома"
    )


def test_hub_without_network_says_so_in_one_line():
    started = time.perf_counter()
    with pytest.raises(ValueError, match=r"Сети нет, задача glue/mrpc .*load_task\('mrpc'\)") as e:
        load_task("glue/mrpc")
    assert time.perf_counter() - started < 5 and "\n" not in str(e.value)
    with pytest.raises(ValueError, match=r"name = 'glue/x': с Hub есть glue/mnli"):
        load_task("glue/x")
    assert all(hub._twin(name) in TASKS for name in hub.HUB_TASKS)


def test_hub_tasks_have_our_shape(monkeypatch):
    from datasets import Dataset, DatasetDict

    rows = {"sentence1": ["a", "b", "c"], "sentence2": ["d", "e", "f"], "label": [1, -1, 0]}
    split = Dataset.from_dict(rows)
    monkeypatch.setattr(hub, "hub_is_reachable", lambda: True)
    monkeypatch.setattr(hub, "_download", lambda *_: DatasetDict(train=split, validation=split))
    task = load_task("glue/mrpc")
    assert (task.kind, task.metrics, task.sizes["train"]) == ("pair", ("f1", "accuracy"), 3)
    assert task.examples("train") == [TextExample("a", "d", 1), TextExample("c", "f", 0)]
    known = hub.HUB_TASKS["russian_super_glue/rwsd"]
    row = {"text": "Кот спал.", "span1_text": "кот", "span2_text": "он", "label": 1}
    assert hub.example_of(row, known) == TextExample("Кот спал.", "кот — он", 1)
    score = hub.example_of({**row, "sentence1": "", "sentence2": ""}, hub.HUB_TASKS["glue/stsb"])
    assert isinstance(score.label, float)


def toy(make, labels=("а", "б"), kind="single", metrics=("accuracy",)):
    return Task("toy", "Игрушка", kind, labels, metrics, {"train": 80, "validation": 40}, make)


def words(seed):
    draw = random.Random(seed)
    return lambda: draw.choice(["дом", "лес", "снег", "мост"])


def test_bag_of_words_learns_words_but_not_their_order():
    def by_word(split, count, seed):
        word = words(split)
        return [
            TextExample(f"{word()} {'да' if n % 2 else 'нет'}", "", n % 2) for n in range(count)
        ]

    assert baselines.run(toy(by_word)) == {
        "majority": {"accuracy": 0.5},
        "bag_of_words": {"accuracy": 1.0},
    }

    def by_overlap(split, count, seed):  # пары: одно слово с обеих сторон или разные
        word = words(split)
        found = []
        for number in range(count):
            first = word()
            other = first if number % 2 else next(w for w in iter(word, None) if w != first)
            found.append(TextExample(first, other, number % 2))
        return found

    assert baselines.run(toy(by_overlap, kind="pair"))["bag_of_words"]["accuracy"] == 1.0


def test_baselines_answer_every_kind():
    numbers = toy(
        lambda split, count, seed: [
            TextExample("да " * (n % 5 + 1), "", n % 5) for n in range(count)
        ],
        labels=(),
        metrics=("pearson",),
    )
    scores = baselines.run(numbers)
    assert scores["majority"]["pearson"] == 0.0 and scores["bag_of_words"]["pearson"] > 0.9

    def spans(split, count, seed):
        names = ["Анна", "Вера", "Пётр"]
        found = []
        for number in range(count):
            name = names[number % 3]
            context = f"Сегодня пришла {name} домой."
            found.append(SpanExample("Кто пришла?", context, name, context.index(name)))
        return found

    scores = baselines.run(toy(spans, (), "span", ("exact_match",)))
    assert scores["bag_of_words"]["exact_match"] == 1.0 > scores["majority"]["exact_match"]

    def tags(split, count, seed):
        return [TaggedExample(("вот", "Анна"), ("O", "B-PER")) for _ in range(count)]

    scores = baselines.run(toy(tags, ("O", "B-PER"), "tags", ("entity_f1",)))
    assert scores["bag_of_words"]["entity_f1"] == 1.0


@pytest.mark.parametrize("name", ["mrpc", "rte", "wnli", "qnli", "qqp"])
def test_bag_of_words_does_not_solve_the_task(name):
    """Общие слова ответа не выдают: мешок слов далёк от предела."""
    task = TASKS[name]
    train, dev = task.examples("train", 500), task.examples("validation", 300)
    guesses = baselines.bag_of_words(train, dev, task)
    right = sum(a == e.label for a, e in zip(guesses, dev, strict=True)) / len(dev)
    assert 0.4 < right < 0.85
