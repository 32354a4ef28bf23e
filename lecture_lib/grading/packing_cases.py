"""Задание 06.3: упаковка полных предложений (FULL-SENTENCES) — верное и мутанты."""

from __future__ import annotations

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.task import Mistake


def pack(documents, length, cls_id, sep_id, border="before", room=0, long="cut", lost=False,
         last=True, cls=True, closed=True, whole_documents=False):  # fmt: skip
    """Верные строки; настройки портят их в одном месте."""
    rows: list = []
    row: list = []
    content = length - 2
    for document in documents:
        for number, sentence in enumerate(document):
            for piece in _pieces(list(sentence), content, long):
                bar = [sep_id] if _needs_bar(border, number, row, rows) else []
                taken = len(row) + len(piece) + (0 if border == "free" else len(bar))
                if row and taken > content + room:
                    rows.append(row)
                    row, bar = [], [sep_id] if border == "start" and bar else []
                    if lost:
                        continue
                row = row + bar + piece
        if border == "after" and row and document is not documents[-1]:
            row = [*row, sep_id]
        if whole_documents and row:
            rows.append(row)
            row = []
    if row and last:
        rows.append(row)
    return [[cls_id] * cls + row + [sep_id] * closed for row in rows]


def _pieces(sentence, content, long) -> list:
    """Во что превращается предложение, если оно длиннее строки."""
    if len(sentence) <= content or long == "keep":
        return [sentence]
    if long == "split":
        return [sentence[i : i + content] for i in range(0, len(sentence), content)]
    return [] if long == "drop" else [sentence[:content]]


def _needs_bar(border, number, row, rows) -> bool:
    if border == "sentence":
        return bool(row)
    if border == "start":
        return number == 0 and bool(row or rows)
    return border in ("before", "free") and number == 0 and bool(row)


def _stream(documents, length, cls_id, sep_id):
    """Токены сплошным потоком, разрезанным на равные куски."""
    stream: list = []
    for number, document in enumerate(documents):
        stream += [sep_id] * (number > 0) + [token for sentence in document for token in sentence]
    pieces = [stream[i : i + length - 2] for i in range(0, len(stream), length - 2)]
    return [[cls_id, *piece, sep_id] for piece in pieces]


def _padded(documents, length, cls_id, sep_id):
    rows = pack(documents, length, cls_id, sep_id)
    return [row + [0] * (length - len(row)) for row in rows]


def _pack_variant(**options):
    return lambda *inputs: pack(*inputs, **options)


CLS, SEP = 1, 2
VISIBLE = ([[[11, 12], [13, 14, 15]], [[21], [22, 23, 24]]], 9, CLS, SEP)


def pack_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 06.3: пример, ровно полная строка, длинное предложение, случайные документы."""
    cases = [Case(VISIBLE, visible=True), Case(([[[5, 6, 7]]], 5, CLS, SEP))]
    cases.append(Case(([[[11, 12], [13, 14]], [[21, 22]]], 6, CLS, SEP)))
    # Граница документа и конец строки рядом: разделитель либо занимает место, либо не нужен.
    cases.append(Case(([[[11, 12, 13]], [[21, 22, 23]], [[31]]], 8, CLS, SEP)))
    cases.append(Case(([[[11, 12, 13]], [[21, 22, 23]], [[31]]], 9, CLS, SEP)))
    cases.append(Case(([[[11, 12], list(range(30, 45)), [13]], [[21]]], 8, CLS, SEP)))
    # Предложение повторяет первое в своём документе: новый документ им не начался.
    cases.append(Case(([[[11, 12]], [[21], [31], [21]]], 12, CLS, SEP)))
    for count, longest, length in ((2, 3, 8), (3, 3, 10), (3, 4, 12), (4, 4, 9), (5, 4, 16)):
        sizes = rng.integers(1, longest + 1, count)
        cls_id, sep_id = (int(i) for i in rng.choice(np.arange(3, 30), 2, replace=False))
        documents = [
            [[int(t) for t in rng.integers(100, 1000, int(rng.integers(1, 7)))]
             for _ in range(int(size))] for size in sizes
        ]  # fmt: skip
        cases.append(Case((documents, length, cls_id, sep_id)))
    return cases


def explain_pack(arguments, expected, got) -> str:
    """Первая разошедшаяся строка."""
    got = list(got) if isinstance(got, np.ndarray) else got
    if not isinstance(got, list) or not all(hasattr(row, "__len__") for row in got):
        return "нужен список строк"
    rows = [np.asarray(row).tolist() for row in got]
    for number, row in enumerate(expected):
        if number >= len(rows):
            return f"строк {len(rows)}, а нужно {len(expected)}"
        if rows[number] != row:
            too_long = len(rows[number]) > arguments[1]
            note = f": в ней {len(rows[number])} токенов" if too_long else ""
            return f"строка {number}{note}; нужна {row}"
    return f"строк {len(rows)}, а нужно {len(expected)}"


PACK_MISTAKES = {
    "no_border": Mistake(
        "Между документами нет [SEP]: модель примет конец одного рассказа за середину.",
        _pack_variant(border="none"),
    ),
    "border_after": Mistake(
        "Разделитель поставлен сразу за документом, и строка кончается двумя [SEP]. Он нужен, "
        "только если за ним в этой же строке идёт другой документ.",
        _pack_variant(border="after"),
    ),
    "border_at_start": Mistake(
        "Строка начинается с разделителя: [CLS] [SEP]. В начале строки отделять не от чего.",
        _pack_variant(border="start"),
    ),
    "border_everywhere": Mistake(
        "[SEP] стоит между всеми предложениями, а нужен только между документами.",
        _pack_variant(border="sentence"),
    ),
    "border_is_free": Mistake(
        "Разделитель документов не учтён в длине: строка вышла длиннее на токен.",
        _pack_variant(border="free"),
    ),
    "documents_apart": Mistake(
        "Каждый документ начинает новую строку. Это DOC-SENTENCES, а здесь строка продолжается "
        "следующим документом.",
        _pack_variant(whole_documents=True),
    ),
    "closing_not_counted": Mistake(
        "Забыто место под последний [SEP]: строка вышла длиннее на токен.", _pack_variant(room=1)
    ),
    "specials_not_counted": Mistake(
        "Забыто место под [CLS] и последний [SEP]: строка вышла длиннее на два токена.",
        _pack_variant(room=2),
    ),
    "strict": Mistake(
        "Предложение, которое помещалось ровно, ушло в следующую строку: нужно «не больше».",
        _pack_variant(room=-1),
    ),
    "cuts_sentences": Mistake(
        "Предложения разрезаны по длине строки, а нужны целые.", _stream
    ),
    "lost_sentence": Mistake(
        "Предложение, которое не поместилось, пропало: с него начинается следующая строка.",
        _pack_variant(lost=True),
    ),
    "last_row": Mistake("Последняя, неполная строка потеряна.", _pack_variant(last=False)),
    "no_cls": Mistake("Строка начинается не с [CLS].", _pack_variant(cls=False)),
    "no_sep": Mistake("Строка кончается не на [SEP].", _pack_variant(closed=False)),
    "long_kept": Mistake(
        "Предложение длиннее строки не обрезано.", _pack_variant(long="keep")
    ),
    "long_dropped": Mistake(
        "Предложение длиннее строки выброшено, а надо — обрезать.", _pack_variant(long="drop")
    ),
    "long_split": Mistake(
        "Хвост слишком длинного предложения перенесён; здесь его отбрасывают.",
        _pack_variant(long="split"),
    ),
    "padded": Mistake("Строки дополнены, а просили без дополнения.", _padded),
}  # fmt: skip
