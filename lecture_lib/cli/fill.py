"""``lecture fill``: заполнить пропуски в тексте."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path

from lecture_lib.cli.arguments import whole_number
from lecture_lib.cli.output import add_json, percent, print_json

SUMMARY = "заполнить пропуски [MASK] в тексте"


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    parser.add_argument("text", metavar="ТЕКСТ", help="текст, в котором хотя бы один [MASK]")
    parser.add_argument(
        "--top", type=whole_number(1, 100), default=5, metavar="N", help="сколько вариантов (5)"
    )
    parser.add_argument(
        "--model",
        default="mini",
        metavar="МОДЕЛЬ",
        help="чекпойнт курса (mini), папка или имя модели на Hugging Face Hub",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Печатает кандидатов для каждой маски."""
    from lecture_lib.prediction import fill_mask
    from lecture_lib.pretrained import load_pretrained
    from lecture_lib.tokenization import load_tokenizer

    model = load_pretrained(options.model)
    tokenizer = load_tokenizer(tokenizer_of(options.model))
    with one_thread():
        masks = fill_mask(model, tokenizer, options.text, top_k=options.top)
    if options.json:
        print_json({"text": options.text, "masks": [as_rows(mask) for mask in masks]})
        return
    for number, candidates in enumerate(masks, start=1):
        print(f"[MASK] № {number}")
        for candidate in candidates:
            print(f"  {percent(candidate.probability):>8}  {candidate.token}")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Считать одним потоком: ради одного предложения второй дольше будить, чем занять."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def as_rows(candidates) -> list[dict[str, object]]:
    """Кандидаты одной маски для JSON."""
    return [{"token": c.token, "probability": float(c.probability)} for c in candidates]


def tokenizer_of(model: str) -> str:
    """Имя токенизатора модели: у чекпойнтов курса он общий, у прочих лежит вместе с ними."""
    from lecture_lib.pretrained import CARD, SHIPPED_NAMES

    # Чекпойнт курса узнаётся по карточке. Чужая папка может хранить и один vocab.txt.
    folder = Path(model)
    ours = (folder / CARD).is_file() and not (folder / "tokenizer.json").is_file()
    return "wordpiece" if ours or model in SHIPPED_NAMES else model
