"""Замеры: общее считает верно, стороны делают одно и то же, отчёт — один объект с ключами."""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook

from benchmarks import course, masking, report
from lecture_lib.config import MaskingConfig
from lecture_lib.masking import IGNORED
from lecture_lib.tokenization import load_tokenizer

# ------------------------------------------------------------------ report.py


def test_median_ratio():
    """Медиана отношений, а не отношение медиан."""
    assert report.median_ratio([(10.0, 1.0), (2.0, 2.0), (9.0, 3.0)]) == 3.0
    assert report.median_ratio([(4.0, 2.0), (8.0, 2.0)]) == 3.0
    assert report.median_ratio(iter([(1.0, 4.0)])) == 0.25


@pytest.mark.parametrize("pair", [(0.0, 1.0), (1.0, 0.0), (1.0, -2.0), (float("nan"), 1.0)])
def test_median_ratio_refuses_impossible_pairs(pair):
    """Из нулей, отрицательных и NaN отношения не выходит."""
    with pytest.raises(ValueError, match="pairs: в паре"):
        report.median_ratio([(1.0, 1.0), pair])


def test_median_ratio_refuses_nothing():
    """Пар нет — ValueError."""
    with pytest.raises(ValueError, match="pairs пуст"):
        report.median_ratio([])


def test_timed_pairs_take_turns():
    """Первым в круге идёт то один, то другой; пара всегда в одном порядке."""
    order = []
    pairs = report.timed_pairs(lambda: order.append("а"), lambda: order.append("б"), rounds=3)
    assert "".join(order) == "аббааб" and len(pairs) == 3
    with pytest.raises(ValueError, match="rounds = 0"):
        report.timed_pairs(print, print, rounds=0)


def test_timed_pairs_know_who_is_slow():
    """Долгое действие — там, где стояло в вызове, в каком бы порядке ни мерили."""
    pairs = report.timed_pairs(lambda: time.sleep(0.05), lambda: None, rounds=4)
    assert all(first >= 0.04 for first, _ in pairs)
    assert report.median_ratio(pairs) > 10


def test_show_json(capsys):
    """С --json в стандартном выводе один объект: ключи замера, машина и быстрый ли он."""
    options = report.parse_arguments("Проба", ["--json", "--quick"])
    report.show(options, "Проба", {"ratio": 12.5, "имя": "ё"}, ["строка"])
    report.note("о ходе замера — не сюда")
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {
        "ratio": 12.5, "имя": "ё", "quick": True, "machine": report.machine(),
    }  # fmt: skip
    assert "не сюда" in printed.err


def test_show_text(capsys):
    """Человеку — заголовок, машина и строки; о быстром замере сказано."""
    report.show(argparse.Namespace(json=False, quick=False), "Проба", {"ratio": 1}, ["раз", "два"])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["Проба", report.machine(), "", "раз", "два"]
    report.show(argparse.Namespace(json=False, quick=True), "Проба", {}, ["раз"])
    assert "Быстрый замер" in capsys.readouterr().out


def test_arguments_speak_russian(capsys):
    """Непонятный ключ — код 2 и русский текст."""
    with pytest.raises(SystemExit) as stop:
        report.parse_arguments("Проба", ["--qick"])
    assert stop.value.code == 2 and "непонятные аргументы: --qick" in capsys.readouterr().err


def test_machine_names_the_essential():
    """В строке о машине — версия torch и ядра."""
    assert torch.__version__ in report.machine() and "ядра" in report.machine()


def test_processor(tmp_path):
    """Имя процессора — из первой строки model name; без файла — то, что знает Python."""
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: Самовар-2\nmodel name\t: Чайник\n", "utf-8")
    assert report.processor(path) == "Самовар-2"
    assert report.processor(tmp_path / "нет") != ""


def test_table_is_aligned():
    """Столбцы выровнены, дробь — с запятой."""
    assert report.aligned([("а", "1"), ("ббб", "10,5")]) == ["а       1", "ббб  10,5"]
    assert report.aligned([]) == []
    assert report.decimal(12.345) == "12,3" and report.decimal(2, 2) == "2,00"


# ------------------------------------------------------------------ masking.py


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("wordpiece")


@pytest.fixture(scope="module")
def batches(tokenizer):
    """60 батчей по 64 строки случайных токенов, длины от 3 до 128."""
    draw = random.Random(5)
    special = set(tokenizer.all_special_ids)
    ordinary = [i for i in range(len(tokenizer)) if i not in special]

    def row():
        middle = draw.choices(ordinary, k=draw.randint(1, 126))
        return [tokenizer.cls_token_id, *middle, tokenizer.sep_token_id]

    return [[row() for _ in range(64)] for _ in range(60)]


@pytest.mark.parametrize("side", [masking.our_side, masking.collator_side])
def test_sides_do_the_same_work(side, tokenizer, batches):
    """Обе стороны: 15 %, 80/10/10, то же дополнение, те же метки."""
    shares = masking.check_same_work(batches, side(tokenizer), tokenizer)
    assert shares.chosen == pytest.approx(0.15, abs=0.005)
    assert tuple(shares[1:]) == pytest.approx((0.8, 0.1, 0.1), abs=0.01)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (MaskingConfig(mask_rate=0.81, random_rate=0.1, keep_rate=0.09), "\\[MASK\\]|прежних"),
        (MaskingConfig(mask_rate=0.8, random_rate=0.12, keep_rate=0.08), "случайных"),
        (MaskingConfig(probability=0.16), "выбранных"),
    ],
)
def test_other_shares_are_noticed(config, said, tokenizer, batches):
    """Две монеты вместо одного жребия (81/10/9) и 16 % вместо 15 % — уже не та же работа."""
    with pytest.raises(RuntimeError, match=said):
        masking.check_same_work(batches, masking.our_side(tokenizer, config), tokenizer)


def label_only_masks(masked, tokenizer):
    """Ошибка: спрашивать только о [MASK]."""
    labels = masked.labels.masked_fill(masked.input_ids != tokenizer.mask_token_id, IGNORED)
    return masked._replace(labels=labels)


def spoil_an_open_token(masked, tokenizer):
    """Ошибка: изменить токен, о котором не спрашивают."""
    return masked._replace(input_ids=masked.input_ids.index_fill(1, torch.tensor([0]), 77))


def forget_padding(masked, tokenizer):
    """Ошибка: отметить дополнение настоящим."""
    return masked._replace(attention_mask=torch.ones_like(masked.attention_mask))


def ask_about_special(masked, tokenizer):
    """Ошибка: спросить о [CLS]."""
    labels = masked.labels.index_fill(1, torch.tensor([0]), tokenizer.cls_token_id)
    return masked._replace(labels=labels)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (label_only_masks, "изменён невыбранный"),
        (spoil_an_open_token, "изменён невыбранный"),
        (forget_padding, "дополнение"),
        (ask_about_special, "специальный"),
    ],
)
def test_other_work_is_noticed(spoil, said, tokenizer, batches):
    """Сторона, которая делает не то, до замера не доходит."""
    ours = masking.our_side(tokenizer)
    with pytest.raises(RuntimeError, match=said):
        masking.check_same_work(batches, lambda rows: spoil(ours(rows), tokenizer), tokenizer)


def test_encoded_texts_are_real(tokenizer):
    """Последовательности — настоящие тексты разной длины, все батчи полны."""
    rows = [row for batch in masking.encoded(tokenizer, "sentences") for row in batch]
    assert len(rows) == masking.BATCH_SIZE * masking.BATCHES
    assert len({len(row) for row in rows}) > 10
    assert tokenizer.unk_token_id not in {token for row in rows[:200] for token in row}


def run(root, module: str) -> dict:
    """Объект, который напечатал быстрый замер."""
    command = [sys.executable, "-m", f"benchmarks.{module}", "--quick", "--json"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_quick_masking(root):
    """Быстрый замер печатает обещанные ключи; даже на занятой машине наше быстрее."""
    values = run(root, "masking")
    assert values.keys() >= {"ratio", "ours_tokens_per_second", "collator_tokens_per_second"}
    assert values["ratio"] > 2 and values["ratio_sentences"] > 2
    assert values["ours_tokens_per_second"] > values["collator_tokens_per_second"] > 0
    assert values["rounds"] == masking.QUICK_ROUNDS and values["quick"]
    assert values["shares"].keys() == {"ours", "collator"}


# ------------------------------------------------------------------ course.py


def test_lessons_are_executed_in_copies(tmp_path):
    """Замер исполняет копию: секунды есть, а сама тетрадь не тронута."""
    path = tmp_path / "lessons" / "00_proba.ipynb"
    path.parent.mkdir()
    nbformat.write(new_notebook(cells=[new_code_cell("import time; time.sleep(0.3)")]), path)
    before = path.read_bytes()
    assert course.execute_copies([path])["00_proba"] > 0.3
    assert path.read_bytes() == before


def test_quick_course_is_the_first_lesson(root):
    """--quick исполняет только урок 00, полный замер — все."""
    assert [path.stem for path in course.lesson_paths(root, quick=True)] == ["00_start"]
    everything = course.lesson_paths(root, quick=False)
    assert len(everything) > 1 and everything == sorted(everything)
    with pytest.raises(ValueError, match="paths пуст"):
        course.execute_copies([])


def test_preparation_is_not_counted():
    """Подготовка не входит в счёт, само действие — входит."""
    assert course.inner_seconds("pass", before="time.sleep(1.5)") < 1.4
    assert course.inner_seconds("time.sleep(0.2)") > 0.19


def test_failed_process_is_reported():
    """Упавший процесс — ошибка с его словами, а не нулевые секунды."""
    with pytest.raises(RuntimeError, match=r"(?s)код 1.*ZeroDivisionError"):
        course.python("-c", "1 / 0")


def test_every_start_has_a_limit_and_a_name():
    """Замеры, пределы и подписи — об одном и том же, и все они попадают в отчёт."""
    assert course.MEASURES.keys() == course.LIMITS.keys() == course.NAMES.keys()
    values = {"lessons": {"00_start": 7.5}, **dict.fromkeys(course.LIMITS, 0.123)}
    lines = course.as_lines(values)
    assert sum("0,12" in line for line in lines) == 3
    assert lines[-1].split() == ["00_start", "7,5"]


# ------------------------------------------------------------------ pretraining.py
# Остальное о нём — в test_pretraining_benchmark.py.


def test_quick_pretraining(root):
    """Быстрый замер предобучения печатает обещанные ключи, и все числа в нём положительны."""
    values = run(root, "pretraining")
    for name in ("ratio_fp32", "ratio_bf16", "peak_share", "time_to_loss_ratio"):
        assert values[name] > 0
    assert values["tokens_per_second"].keys() == {"ours", "hf_fp32", "hf_bf16"}
    assert min(values["tokens_per_second"].values()) > 0
    assert values["filled"]["ours"] > values["filled"]["hf_fp32"] > 0
    race = values["race"]
    assert 0 < race["target_loss"] < race["curves"]["ours"][0]["loss"] and values["quick"]
