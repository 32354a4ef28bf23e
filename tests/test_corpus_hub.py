"""Корпус как datasets, папка с текстами и Hub без сети."""

from __future__ import annotations

import time

import pytest

from lecture_lib.corpus import (
    as_dataset,
    documents,
    folder_documents,
    hub_documents,
    split_sentences,
)


@pytest.fixture
def arrow_cache(tmp_path, monkeypatch):
    """Свой кэш datasets: тест ничего не оставляет после себя."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    return tmp_path


def test_dataset_holds_the_same_documents(arrow_cache):
    """Столбцы набора данных — те же документы, что у генератора."""
    data = as_dataset("validation", count=40, seed=2)
    expected = list(documents(seed=2, split="validation", count=40))
    assert data["sentences"][:] == [[s.text for s in d.sentences] for d in expected]
    assert data["kind"][:] == [d.kind for d in expected]


def test_dataset_keeps_the_truth(arrow_cache):
    """С truth=True границы каждого слова указывают на само слово."""
    for row in as_dataset("train", count=15, seed=2, truth=True):
        for sentence, tokens in zip(row["sentences"], row["tokens"], strict=True):
            assert all(sentence[t["start"] : t["end"]] == t["text"] for t in tokens)


def test_second_call_reads_the_cache(arrow_cache, monkeypatch):
    """Второй вызов не порождает документов заново."""
    as_dataset("train", count=20, seed=9)

    def fail(*args):
        raise AssertionError("корпус породили второй раз")

    monkeypatch.setattr("lecture_lib.corpus.gorodok.document", fail)
    assert len(as_dataset("train", count=20, seed=9)) == 20


@pytest.mark.parametrize("bad", [{"split": "dev"}, {"count": 0}])
def test_bad_arguments_are_named(bad):
    """Ошибка называет аргумент и значение."""
    with pytest.raises(ValueError, match=next(iter(bad))):
        as_dataset(**bad)


def test_folder_of_texts(tmp_path):
    """Папка .txt: абзац — документ, предложения разбиты по знакам."""
    (tmp_path / "а.txt").write_text(
        "Шёл снег. А. С. Пушкин спал!\n\nВторой абзац.", encoding="utf-8"
    )
    found = [[s.text for s in d.sentences] for d in folder_documents(tmp_path)]
    assert found == [["Шёл снег.", "А. С. Пушкин спал!"], ["Второй абзац."]]


def test_folder_errors_are_clear(tmp_path):
    """Нет папки, нет файлов, не та кодировка — понятные ошибки."""
    with pytest.raises(ValueError, match="folder"):
        folder_documents(tmp_path / "нет")
    with pytest.raises(ValueError, match="folder"):
        folder_documents(tmp_path)
    (tmp_path / "b.txt").write_bytes("привет".encode("cp1251"))
    with pytest.raises(ValueError, match="UTF-8"):
        list(folder_documents(tmp_path))


def test_hub_without_network_goes_on_with_gorodok(capsys):
    """Без сети — одна строка быстрее чем за 5 секунд, и дальше «Городок»."""
    start = time.perf_counter()
    found = list(hub_documents(count=5, seed=4))
    assert time.perf_counter() - start < 5
    assert capsys.readouterr().err.count("\n") == 1
    assert [d.text for d in found] == [d.text for d in documents(seed=4, count=5)]


def test_sentences_keep_their_quotes():
    """Конец кавычек остаётся с предложением."""
    assert split_sentences("Он сказал: «Иду!» Она ушла… 5 минут.") == [
        "Он сказал: «Иду!»",
        "Она ушла…",
        "5 минут.",
    ]
