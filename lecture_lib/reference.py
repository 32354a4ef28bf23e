"""Таблицы статей, которые показывает лекция, — числа как в источнике, с указанием источника.

Числа переписаны из статей и нигде не пересчитаны. Где таблица не сходится сама с собой, об этом
сказано в note: пусть читатель видит, что и в статьях бывают опечатки.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReferenceTable:
    """Таблица статьи: подписи столбцов и строки чисел.

    rows — пары (имя строки, значения по столбцам). None — в статье клетка пуста.
    """

    title: str
    source: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    note: str = ""

    def __post_init__(self) -> None:
        for name, values in self.rows:
            if len(values) != len(self.columns):
                raise ValueError(
                    f"rows: в строке «{name}» чисел {len(values)}, столбцов {len(self.columns)}."
                )

    def value(self, row: str, column: str) -> float | None:
        """Одно число таблицы; ValueError, если такой строки или столбца нет."""
        rows = dict(self.rows)
        if row not in rows:
            raise ValueError(f"row = {row!r}: есть только строки {', '.join(rows)}.")
        if column not in self.columns:
            raise ValueError(f"column = {column!r}: есть только столбцы {', '.join(self.columns)}.")
        return rows[row][self.columns.index(column)]

    def column(self, column: str) -> dict[str, float | None]:
        """Столбец целиком: имя строки -> число."""
        return {row: self.value(row, column) for row, _ in self.rows}


# Имя строки — доли MASK / SAME / RND, как в статье: [MASK], прежний токен, случайный токен.
# В MaskingConfig порядок другой; переводит его masking_rates.
BERT_TABLE_8 = ReferenceTable(
    title="Чем заменять выбранные токены",
    source="Devlin et al., 2019, таблица 8 (приложение C.2)",
    columns=("MNLI, дообучение", "NER, дообучение", "NER, признаки"),
    rows=(
        ("80/10/10", (84.2, 95.4, 94.9)),
        ("100/0/0", (84.3, 94.9, 94.0)),
        ("80/0/20", (84.1, 95.2, 94.6)),
        ("80/20/0", (84.4, 95.2, 94.7)),
        ("0/20/80", (83.7, 94.8, 94.6)),
        ("0/0/100", (83.6, 94.9, 94.6)),
    ),
    note="Отложенная часть данных (dev). Имя строки — доли MASK / SAME / RND в процентах.",
)


def masking_rates(row: str) -> tuple[float, float, float]:
    """Доли строки таблицы 8 в порядке MaskingConfig: ([MASK], случайный, прежний).

    >>> masking_rates("80/0/20")
    (0.8, 0.2, 0.0)
    """
    if row not in dict(BERT_TABLE_8.rows):
        raise ValueError(f"row = {row!r}: такой строки в таблице 8 нет.")
    mask, same, random = (int(percent) / 100 for percent in row.split("/"))
    return mask, random, same


BERT_GLUE = ReferenceTable(
    title="BERT на GLUE",
    source="Devlin et al., 2019, таблица 1 (тестовая часть, сервер GLUE)",
    columns=(
        "MNLI-m", "MNLI-mm", "QQP", "QNLI", "SST-2", "CoLA", "STS-B", "MRPC", "RTE", "Среднее",
    ),
    rows=(
        ("Pre-OpenAI SOTA", (80.6, 80.1, 66.1, 82.3, 93.2, 35.0, 81.0, 86.0, 61.7, 74.0)),
        ("BiLSTM+ELMo+Attn", (76.4, 76.1, 64.8, 79.8, 90.4, 36.0, 73.3, 84.9, 56.8, 71.0)),
        ("OpenAI GPT", (82.1, 81.4, 70.3, 87.4, 91.3, 45.4, 80.0, 82.3, 56.0, 75.1)),
        ("BERT_BASE", (84.6, 83.4, 71.2, 90.5, 93.5, 52.1, 85.8, 88.9, 66.4, 79.6)),
        ("BERT_LARGE", (86.7, 85.9, 72.1, 92.7, 94.9, 60.5, 86.5, 89.3, 70.1, 82.1)),
    ),
    note="Среднее — по девяти столбцам; WNLI авторы исключили.",
)  # fmt: skip

ROBERTA_TABLE_1 = ReferenceTable(
    title="Статические и динамические маски",
    source="Liu et al., 2019, таблица 1 (отложенная часть, медиана пяти запусков)",
    columns=("SQuAD 2.0", "MNLI-m", "SST-2"),
    rows=(
        ("BERT_BASE из статьи", (76.3, 84.3, 92.8)),
        ("статические", (78.3, 84.3, 92.5)),
        ("динамические", (78.7, 84.0, 92.9)),
    ),
    note="Первая строка — числа Yang et al., 2019; две другие обучили авторы RoBERTa.",
)

# SQuAD 1.1 и 2.0 в статье стоят в одной клетке через дробь; здесь это два столбца.
ROBERTA_TABLE_2 = ReferenceTable(
    title="Из чего составлен пример и нужна ли NSP",
    source="Liu et al., 2019, таблица 2 (отложенная часть, медиана пяти запусков)",
    columns=("SQuAD 1.1", "SQuAD 2.0", "MNLI-m", "SST-2", "RACE"),
    rows=(
        ("пары отрезков, NSP", (90.4, 78.7, 84.0, 92.9, 64.2)),
        ("пары предложений, NSP", (88.7, 76.2, 82.9, 92.1, 63.0)),
        ("полные предложения", (90.4, 79.1, 84.7, 92.5, 64.8)),
        ("предложения документа", (90.6, 79.7, 84.7, 92.7, 65.6)),
        ("BERT_BASE", (88.5, 76.3, 84.3, 92.8, 64.3)),
        ("XLNet_BASE (K = 7)", (None, 81.3, 85.8, 92.7, 66.1)),
        ("XLNet_BASE (K = 6)", (None, 81.0, 85.6, 93.4, 66.7)),
    ),
    note=(
        "В статье строки зовутся SEGMENT-PAIR, SENTENCE-PAIR, FULL-SENTENCES, DOC-SENTENCES; "
        "у первых двух NSP есть, у двух следующих нет. Три последние — числа Yang et al., 2019."
    ),
)

ROBERTA_TABLE_3 = ReferenceTable(
    title="Размер батча при равном числе проходов по данным",
    source="Liu et al., 2019, таблица 3 (BERT_BASE; скорость обучения подобрана для каждой строки)",
    columns=("Скорость обучения", "Перплексия", "MNLI-m", "SST-2"),
    rows=(
        ("256, шагов 1 млн", (1e-4, 3.99, 84.7, 92.7)),
        ("2 тыс., шагов 125 тыс.", (7e-4, 3.68, 85.2, 92.9)),
        ("8 тыс., шагов 31 тыс.", (1e-3, 3.77, 84.6, 92.8)),
    ),
    note="Перплексия — на отложенных данных предобучения: меньше — лучше.",
)

ROBERTA_TABLE_4 = ReferenceTable(
    title="Больше данных и дольше учить",
    source="Liu et al., 2019, таблица 4 (отложенная часть, размер BERT_LARGE)",
    columns=(
        "Данных, ГБ",
        "Батч, тыс.",
        "Шагов, тыс.",
        "SQuAD 1.1",
        "SQuAD 2.0",
        "MNLI-m",
        "SST-2",
    ),
    rows=(
        ("RoBERTa, книги и Википедия", (16, 8, 100, 93.6, 87.3, 89.0, 95.3)),
        ("+ больше данных", (160, 8, 100, 94.0, 87.7, 89.3, 95.6)),
        ("+ дольше", (160, 8, 300, 94.4, 88.7, 90.0, 96.1)),
        ("+ ещё дольше", (160, 8, 500, 94.6, 89.4, 90.2, 96.4)),
        ("BERT_LARGE", (13, 0.256, 1000, 90.9, 81.8, 86.6, 93.7)),
        ("XLNet_LARGE, книги и Википедия", (13, 0.256, 1000, 94.0, 87.8, 88.4, 94.4)),
        ("XLNet_LARGE, больше данных", (126, 2, 500, 94.5, 88.8, 89.8, 95.6)),
    ),
    note="Каждая строка RoBERTa добавляет к предыдущей. BERT и XLNet — из их статей.",
)

ROBERTA_GLUE = ReferenceTable(
    title="RoBERTa на GLUE",
    source="Liu et al., 2019, таблица 5 (отложенная часть, одна модель, одна задача)",
    columns=("MNLI", "QNLI", "QQP", "RTE", "SST", "MRPC", "CoLA", "STS", "WNLI"),
    rows=(
        ("BERT_LARGE", (86.6, 92.3, 91.3, 70.4, 93.2, 88.0, 60.6, 90.0, None)),
        ("XLNet_LARGE", (89.8, 93.9, 91.8, 83.8, 95.6, 89.2, 63.6, 91.8, None)),
        ("RoBERTa", (90.2, 94.7, 92.2, 86.6, 96.4, 90.9, 68.0, 92.4, 91.3)),
    ),
)

DISTILBERT_GLUE = ReferenceTable(
    title="DistilBERT на GLUE",
    source="Sanh et al., 2019, таблица 1 (отложенная часть, медиана пяти запусков)",
    columns=(
        "Среднее", "CoLA", "MNLI", "MRPC", "QNLI", "QQP", "RTE", "SST-2", "STS-B", "WNLI",
    ),
    rows=(
        ("ELMo", (68.7, 44.1, 68.6, 76.6, 71.1, 86.2, 53.4, 91.5, 70.4, 56.3)),
        ("BERT-base", (79.5, 56.3, 86.7, 88.6, 91.8, 89.6, 69.3, 92.7, 89.0, 53.5)),
        ("DistilBERT", (77.0, 51.3, 82.2, 87.5, 89.2, 88.5, 59.9, 91.3, 86.9, 56.3)),
    ),
    note=(
        "Девять чисел BERT-base дают в среднем 79.7, а не 79.5. С MNLI 84.7 вместо 86.7 — так в "
        "описании кода авторов — получается ровно 79.5: в статье, видимо, опечатка."
    ),
)  # fmt: skip

DISTILBERT_TABLE_2 = ReferenceTable(
    title="DistilBERT на прикладных задачах",
    source="Sanh et al., 2019, таблица 2 (IMDb — тестовая часть, SQuAD 1.1 — отложенная)",
    columns=("IMDb, доля верных", "SQuAD, EM", "SQuAD, F1"),
    rows=(
        ("BERT-base", (93.46, 81.2, 88.5)),
        ("DistilBERT", (92.82, 77.7, 85.8)),
        ("DistilBERT (D)", (None, 79.1, 86.9)),
    ),
    note=(
        "(D) — дистилляция ещё и при дообучении: учитель — BERT, дообученный на SQuAD. Тексту "
        "раздела 4.1 эта строка противоречит: там у той же модели F1 79.8 и EM 70.4."
    ),
)

DISTILBERT_TABLE_3 = ReferenceTable(
    title="Размер и скорость DistilBERT",
    source="Sanh et al., 2019, таблица 3 (процессор, батч 1, отложенная часть STS-B)",
    columns=("Параметры, млн", "Время прохода, с"),
    rows=(
        ("ELMo", (180, 895)),
        ("BERT-base", (110, 668)),
        ("DistilBERT", (66, 410)),
    ),
    note="Отсюда «на 40 % меньше» (66 / 110) и «на 60 % быстрее» (668 / 410).",
)

# Имена строк — что убрано из полного рецепта.
DISTILBERT_TABLE_4 = ReferenceTable(
    title="Что в дистилляции важно",
    source="Sanh et al., 2019, таблица 4 (разность средней оценки GLUE с полным рецептом)",
    columns=("Разность",),
    rows=(
        ("без мягких целей", (-2.96,)),
        ("без косинуса", (-1.46,)),
        ("без MLM", (-0.31,)),
        ("случайное начало", (-3.69,)),
    ),
    note="Полный рецепт — три потери и начало со слоёв учителя. Разброса авторы не приводят.",
)

# Сколько параметров у BERT по словам статьи (раздел 3); точный счёт — в parameters.py.
CLAIMED_PARAMETERS = {"BERT_BASE": 110_000_000, "BERT_LARGE": 340_000_000}

TABLES = (
    BERT_TABLE_8,
    BERT_GLUE,
    DISTILBERT_GLUE,
    DISTILBERT_TABLE_2,
    DISTILBERT_TABLE_3,
    DISTILBERT_TABLE_4,
    ROBERTA_TABLE_1,
    ROBERTA_TABLE_2,
    ROBERTA_TABLE_3,
    ROBERTA_TABLE_4,
    ROBERTA_GLUE,
)
