"""Таблицы статей: ряды полны, средние сходятся — кроме места, где опечатка в самой статье."""

import pytest

from lecture_lib.config import MaskingConfig
from lecture_lib.reference import (
    BERT_GLUE,
    BERT_TABLE_8,
    DISTILBERT_GLUE,
    DISTILBERT_TABLE_2,
    DISTILBERT_TABLE_3,
    DISTILBERT_TABLE_4,
    ROBERTA_GLUE,
    ROBERTA_TABLE_1,
    ROBERTA_TABLE_2,
    ROBERTA_TABLE_3,
    ROBERTA_TABLE_4,
    TABLES,
    ReferenceTable,
    masking_rates,
)


@pytest.mark.parametrize("table", (BERT_GLUE, DISTILBERT_GLUE), ids=lambda table: table.title)
def test_averages_follow_from_columns(table):
    """Среднее пересчитывается из столбцов: перепутанная цифра обнаружилась бы."""
    tasks = [column for column in table.columns if column != "Среднее"]
    for row, stated in table.column("Среднее").items():
        counted = sum(table.value(row, task) for task in tasks) / len(tasks)
        if (table, row) == (DISTILBERT_GLUE, "BERT-base"):  # об этой строке сказано в note
            assert counted == pytest.approx(stated + 2 / 9, abs=0.05)
            continue
        assert counted == pytest.approx(stated, abs=0.061), row


def test_numbers_of_the_lecture():
    """Числа, которые стоят на слайдах."""
    assert list(BERT_GLUE.column("Среднее").values()) == [74.0, 71.0, 75.1, 79.6, 82.1]
    assert BERT_TABLE_8.value("100/0/0", "NER, признаки") == 94.0
    assert ROBERTA_GLUE.value("RoBERTa", "WNLI") == 91.3
    assert ROBERTA_GLUE.value("BERT_LARGE", "WNLI") is None
    assert list(DISTILBERT_GLUE.column("Среднее").values()) == [68.7, 79.5, 77.0]


def test_table_8_is_complete():
    """Шесть строк по три числа — те, что в статье."""
    assert dict(BERT_TABLE_8.rows) == {
        "80/10/10": (84.2, 95.4, 94.9),
        "100/0/0": (84.3, 94.9, 94.0),
        "80/0/20": (84.1, 95.2, 94.6),
        "80/20/0": (84.4, 95.2, 94.7),
        "0/20/80": (83.7, 94.8, 94.6),
        "0/0/100": (83.6, 94.9, 94.6),
    }
    assert BERT_TABLE_8.columns == ("MNLI, дообучение", "NER, дообучение", "NER, признаки")


def test_rates_of_table_8_change_order():
    """В таблице порядок MASK / SAME / RND, в MaskingConfig — [MASK], случайный, прежний."""
    assert masking_rates("80/0/20") == (0.8, 0.2, 0.0)
    assert masking_rates("80/20/0") == (0.8, 0.0, 0.2)
    for row, _ in BERT_TABLE_8.rows:
        mask, random, keep = masking_rates(row)
        MaskingConfig(mask_rate=mask, random_rate=random, keep_rate=keep)


def test_roberta_tables_agree_with_each_other():
    """Общие числа таблиц RoBERTa совпадают, а проходов по данным в таблице 3 поровну."""
    assert ROBERTA_TABLE_1.value("BERT_BASE из статьи", "MNLI-m") == ROBERTA_TABLE_2.value(
        "BERT_BASE", "MNLI-m"
    )
    for task in ("MNLI", "SST"):  # таблица 5 — те же модели, что последние строки таблицы 4
        column = {"MNLI": "MNLI-m", "SST": "SST-2"}[task]
        assert ROBERTA_GLUE.value("RoBERTa", task) == ROBERTA_TABLE_4.value("+ ещё дольше", column)
    assert ROBERTA_GLUE.value("BERT_LARGE", "MNLI") == ROBERTA_TABLE_4.value("BERT_LARGE", "MNLI-m")
    seen = [256 * 1000, 2048 * 125, 8192 * 31]
    assert max(seen) / min(seen) < 1.02 and len(ROBERTA_TABLE_3.rows) == 3


def test_every_table_names_its_source():
    for table in TABLES:
        assert "таблица" in table.source and "20" in table.source


def test_wrong_row_or_column_is_named():
    with pytest.raises(ValueError, match="row = 'GPT-5'"):
        BERT_GLUE.value("GPT-5", "QQP")
    with pytest.raises(ValueError, match="column = 'SQuAD'"):
        BERT_GLUE.value("BERT_BASE", "SQuAD")
    with pytest.raises(ValueError, match="50/25/25"):
        masking_rates("50/25/25")
    with pytest.raises(ValueError, match="чисел 1, столбцов 2"):
        ReferenceTable("т", "и", ("а", "б"), (("строка", (1.0,)),))


def test_distilbert_tables_agree_with_the_lecture():
    """«−40 %» и «+60 %» следуют из таблицы 3; убыль таблицы 4 стоит в том порядке, что в тексте."""
    size, seconds = DISTILBERT_TABLE_3.columns
    share = DISTILBERT_TABLE_3.value("DistilBERT", size) / DISTILBERT_TABLE_3.value(
        "BERT-base", size
    )
    assert share == pytest.approx(0.6)
    times = DISTILBERT_TABLE_3.column(seconds)
    assert times["BERT-base"] / times["DistilBERT"] == pytest.approx(1.6, abs=0.05)
    losses = DISTILBERT_TABLE_4.column("Разность")
    assert sorted(losses, key=losses.get) == [
        "случайное начало", "без мягких целей", "без косинуса", "без MLM",
    ]  # fmt: skip
    assert DISTILBERT_TABLE_2.value("DistilBERT (D)", "IMDb, доля верных") is None
    assert DISTILBERT_TABLE_2.value("DistilBERT (D)", "SQuAD, F1") == 86.9
