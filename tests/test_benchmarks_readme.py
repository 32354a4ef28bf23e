"""Таблицы README: собираются из объектов замеров и встают между отметками."""

from __future__ import annotations

import json

import pytest

from benchmarks import readme

MASKING = {
    "machine": "Процессор · ядра 2",
    "ratio": 14.04,
    "ratio_sentences": 21.5,
    "ours_tokens_per_second": 12345678,
    "ours_tokens_per_second_sentences": 2345678,
    "collator_tokens_per_second": 900000,
    "collator_tokens_per_second_sentences": 110000,
}
COURSE = {
    "machine": "Процессор · ядра 2",
    "import_seconds": 0.012,
    "fill_seconds": 2.5,
    "checkpoint_seconds": 0.104,
    "lessons": {"00_start": 12.4, "01_mlm": 61.7},
}


def test_render_is_made_of_the_numbers():
    """Числа — по-русски, строка о машине одна, у запусков стоит предел."""
    section = readme.render({"masking": MASKING, "course": COURSE})
    assert section.count("Процессор · ядра 2") == 1
    assert "| документы до 128 токенов | 12 345 678 | 900 000 | 14,0 |" in section
    assert "| `lecture fill, вся команда` | 2,50 | ≤ 4,0 |" in section
    assert "| урок 01 | 62 |  |" in section


def test_two_machines_are_both_named():
    """Замеры с разных машин: названы обе."""
    other = COURSE | {"machine": "Другая"}
    assert "Процессор · ядра 2; Другая." in readme.render({"masking": MASKING, "course": other})


def test_insert_replaces_only_what_is_between():
    """Текст вокруг отметок цел, прежний раздел заменён; без отметок — ошибка."""
    text = f"до\n{readme.BEGIN}\n\nстарое\n\n{readme.END}\nпосле"
    once = readme.insert(text, "новое")
    assert once == f"до\n{readme.BEGIN}\n\nновое\n\n{readme.END}\nпосле"
    assert readme.insert(once, "новое") == once
    with pytest.raises(ValueError, match="нет отметок"):
        readme.insert("до и после", "новое")


def test_load_results_reads_what_was_measured(tmp_path):
    """Чего не мерили, того в таблицах нет; порядок — как у таблиц."""
    (tmp_path / "course.json").write_text(json.dumps(COURSE), encoding="utf-8")
    (tmp_path / "masking.json").write_text(json.dumps(MASKING), encoding="utf-8")
    assert list(readme.load_results(tmp_path)) == ["masking", "course"]


def test_unknown_benchmark(capsys):
    """Замера с таким именем нет — код 2 и сообщение."""
    with pytest.raises(SystemExit) as stopped:
        readme.main(["нет"])
    assert stopped.value.code == 2 and "нет замера нет" in capsys.readouterr().err
