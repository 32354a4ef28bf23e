"""``lecture tokenizer``: обучить токенизатор на «Городке»."""

from __future__ import annotations

import argparse
from pathlib import Path

from lecture_lib.cli.arguments import whole_number
from lecture_lib.cli.output import add_json, print_json

SUMMARY = "обучить токенизатор на «Городке»"
DOCUMENTS = 80_000


def add(parser: argparse.ArgumentParser) -> None:
    """Описывает ключи."""
    parser.add_argument("kind", choices=("wordpiece", "bpe"), help="WordPiece или байтовый BPE")
    parser.add_argument("--out", type=Path, required=True, metavar="ПАПКА", help="куда сохранить")
    parser.add_argument(
        "--vocab-size", type=whole_number(300), default=8000, metavar="N", help="подслов (8000)"
    )
    parser.add_argument(
        "--documents",
        type=whole_number(1),
        default=DOCUMENTS,
        metavar="N",
        help=f"сколько документов корпуса прочесть ({DOCUMENTS})",
    )
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="ЗЕРНО", help="зерно (0)"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Обучает токенизатор и сохраняет его с контрольными суммами."""
    from lecture_lib.corpus import documents
    from lecture_lib.tokenization import save_tokenizer, train_byte_level_bpe, train_wordpiece

    train = {"wordpiece": train_wordpiece, "bpe": train_byte_level_bpe}[options.kind]
    stream = documents(seed=options.seed, split="train", start=0, count=options.documents)
    texts = (sentence.text for document in stream for sentence in document.sentences)
    tokenizer = train(texts, options.vocab_size)
    save_tokenizer(tokenizer, options.out)
    report = {
        "kind": options.kind,
        "folder": str(options.out),
        "documents": options.documents,
        "vocab_size": len(tokenizer),
        "pieces_per_word": tokenizer.init_kwargs["pieces_per_word"],
    }
    if options.json:
        print_json(report)
    else:
        print(f"Токенизатор: {len(tokenizer)} подслов, папка {options.out}.")
