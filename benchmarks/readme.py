"""Таблицы скорости в README: их пишет эта команда, а не человек.

`python -m benchmarks.readme` выполняет замеры целиком (около получаса на свободной машине), кладёт
их объекты в `benchmarks/results/` и вписывает таблицы между отметками README. `--render` только
вписывает: числа берутся из сохранённых объектов. Тест сверяет README с ними.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.course import LIMITS
from benchmarks.course import NAMES as STARTS
from benchmarks.pretraining import NAMES as SIDES
from benchmarks.report import decimal, note
from lecture_lib.cli.arguments import Parser, russian_argparse
from lecture_lib.cli.output import percent, thousands
from lecture_lib.files import write_atomically

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("results")
README = ROOT / "README.md"
BEGIN, END = "<!-- замеры: начало -->", "<!-- замеры: конец -->"

Values = Mapping[str, Any]


def pretraining_table(values: Values) -> list[str]:
    """Скорость предобучения: стороны по строкам, под таблицей — отношения."""
    speeds, fill = values["tokens_per_second"], values["filled"]
    rows = [(SIDES[side], thousands(speeds[side]), percent(fill[side])) for side in SIDES]
    return [
        "**Предобучение** (`python -m benchmarks.pretraining`): MINI, одни документы, одна цель.",
        "",
        *_table(("Сторона", "токенов в секунду, без дополнения", "батч заполнен"), rows),
        "",
        f"Курс быстрее Hugging Face в {decimal(values['ratio_fp32'])} раза (float32) и в "
        f"{decimal(values['ratio_bf16'])} раза (bfloat16); до одной и той же отложенной потери "
        f"доходит за {percent(values['time_to_loss_ratio'])} его времени; от пика умножения матриц "
        f"берёт {percent(values['peak_share'])}. Медианы по кругам, кругов {values['rounds']}.",
    ]


def masking_table(values: Values) -> list[str]:
    """Скорость динамического маскирования."""
    kinds = (("документы до 128 токенов", ""), ("предложения по одному", "_sentences"))
    rows = [
        (
            title,
            thousands(values[f"ours_tokens_per_second{end}"]),
            thousands(values[f"collator_tokens_per_second{end}"]),
            decimal(values[f"ratio{end}"]),
        )
        for title, end in kinds
    ]
    return [
        "**Маскирование** (`python -m benchmarks.masking`): наше и DataCollator из transformers.",
        "",
        *_table(("Что маскируем", "курс, токенов/с", "collator, токенов/с", "быстрее, раз"), rows),
    ]


def course_table(values: Values) -> list[str]:
    """Сколько ждёт студент: холодные запуски и уроки."""
    starts = [
        (f"`{STARTS[name]}`", decimal(values[name], 2), f"≤ {decimal(limit)}")
        for name, limit in LIMITS.items()
    ]
    lessons = [
        (f"урок {name[:2]}", decimal(value, 0), "") for name, value in values["lessons"].items()
    ]
    return [
        "**Ожидание** (`python -m benchmarks.course`): холодный запуск и урок целиком.",
        "",
        *_table(("Что", "секунд", "предел"), starts + lessons),
    ]


TABLES = {
    "pretraining": pretraining_table,
    "masking": masking_table,
    "course": course_table,
}


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Таблица Markdown: первый столбец влево, остальные вправо."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return ["| " + " | ".join(cells) + " |" for cells in (header, rule, *rows)]


def render(results: Mapping[str, Values]) -> str:
    """Раздел README из объектов замеров; строка о машине — одна, если машина одна."""
    machines = list(dict.fromkeys(values["machine"] for values in results.values()))
    parts = ["Машина: " + "; ".join(machines) + "."]
    parts += ["\n".join(TABLES[name](values)) for name, values in results.items()]
    return "\n\n".join(parts)


def load_results(folder: Path = RESULTS) -> dict[str, Values]:
    """Сохранённые объекты замеров, в порядке таблиц; чего не мерили, того нет."""
    paths = ((name, folder / f"{name}.json") for name in TABLES)
    return {name: json.loads(p.read_text(encoding="utf-8")) for name, p in paths if p.exists()}


def insert(text: str, section: str) -> str:
    """Заменяет то, что стоит между отметками. ValueError — отметок нет."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README: нет отметок «{BEGIN}» и «{END}».")
    return f"{before}{BEGIN}\n\n{section}\n\n{END}{after}"


def measure(name: str) -> None:
    """Выполняет замер целиком и сохраняет его объект."""
    note(f"замер {name}")
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    values = json.loads(done.stdout)
    RESULTS.mkdir(exist_ok=True)
    content = json.dumps(values, ensure_ascii=False, indent=1) + "\n"
    write_atomically(RESULTS / f"{name}.json", content.encode("utf-8"))


def main(argv: Sequence[str] | None = None) -> None:
    """Команда python -m benchmarks.readme."""
    with russian_argparse():
        parser = Parser(description="Выполнить замеры и вписать таблицы в README")
        parser.add_argument("names", nargs="*", metavar="замер", help=", ".join(TABLES) + " (все)")
        parser.add_argument("--render", action="store_true", help="только вписать сохранённое")
        options: argparse.Namespace = parser.parse_args(argv)
        unknown = set(options.names) - set(TABLES)
        if unknown:
            parser.error(f"нет замера {', '.join(sorted(unknown))}")
    for name in () if options.render else options.names or TABLES:
        measure(name)
    text = README.read_text(encoding="utf-8")
    write_atomically(README, insert(text, render(load_results())).encode("utf-8"))


if __name__ == "__main__":
    main()
