"""Задание 09.1: переписка, в которой есть всё, через что отложенное утекает в обучение.

Абзацы случайны, поэтому связывают источники только копии, положенные сюда нарочно: точные и
слегка правленные, прямые и через третий источник.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WORDS = (
    "утром мы пошли на рынок и купили свежий хлеб потом зашли к соседке она показала новый сад "
    "старый дом стоит у реки за ним начинается лес дети собрали грибы вечером дядя принёс мёд ещё "
    "вчера выпал снег поезд опоздал на час врач советует гулять чаще книга лежит под лампой "
    "кошка спит возле печи письмо шло неделю завтра приедет брат из города привезёт ёлку и орехи"
).split()
EXACT, FIVE, CASE, MARKS, YO, SPACES, CHAIN = range(7)
PAIRS = (EXACT, FIVE, CASE, MARKS, YO, SPACES)
NEAR = {CASE: "case_matters", MARKS: "marks_matter", YO: "yo_matters", SPACES: "spaces_matter"}
GREETINGS = ("Здравствуйте, мама!", "Целую, ваша Таня.", "Пишите мне почаще, ждём.")


@dataclass(frozen=True)
class Link:
    """Копия: два абзаца, источники которых нельзя разнять, и чем она отличается."""

    kind: int
    first: int
    second: int


@dataclass(frozen=True)
class Letters:
    """Переписка: абзацы с источниками, связки (номер на каждый абзац) и копии между ними."""

    pieces: tuple[tuple[str, str], ...]
    groups: np.ndarray
    links: tuple[Link, ...] = ()

    @property
    def sources(self) -> np.ndarray:
        """Номер источника на каждый абзац."""
        return np.unique([source for source, _ in self.pieces], return_inverse=True)[1]

    @property
    def largest(self) -> int:
        """Абзацев в самой большой связке."""
        return int(np.bincount(self.groups).max())


def uneven_letters(rng: np.random.Generator) -> Letters:
    """Без копий, по порядку: пятнадцать писем по абзацу и шесть по шесть абзацев."""
    sizes = rng.permutation([1] * 15 + [6] * 6).tolist()
    return _collected([[_paragraph(rng) for _ in range(size)] for size in sizes], [])


def linked_letters(rng: np.random.Generator) -> Letters:
    """Копии всех родов по две пары и две цепочки; абзацы перемешаны."""
    letters: list[list[str]] = []
    links: list[tuple[int, int, int]] = []
    for kind in [*PAIRS, *PAIRS]:
        text = _paragraph(rng, 5 if kind == FIVE else 0, with_yo=kind == YO)
        links.append((kind, len(letters), len(letters) + 1))
        letters += [[text, _paragraph(rng)], [_edited(text, kind)]]
    for _ in range(2):  # первое и второе связаны только через третье, четвёртое — через второе
        start, copies = len(letters), [_paragraph(rng) for _ in range(3)]
        letters += [[copies[0]], [copies[1], copies[2]], [copies[0], copies[1]], [copies[2]]]
        links += [(CHAIN, start + a, start + b) for a, b in ((0, 2), (1, 2), (1, 3))]
    return _collected(letters, links, rng)


def polite_letters(rng: np.random.Generator) -> Letters:
    """Тридцать писем, и почти в каждом — одно из тех же приветствий и прощаний."""
    letters = [[_paragraph(rng), _paragraph(rng)] for _ in range(30)]
    for number, letter in enumerate(letters[2:]):
        letter.insert(0, GREETINGS[number % len(GREETINGS)])
        letter.append(GREETINGS[(number + number // 3 + 1) % len(GREETINGS)])
    return _collected(letters, [])


def _paragraph(rng: np.random.Generator, count: int = 0, with_yo: bool = False) -> str:
    """Случайное предложение с запятой; слов — count, а если ноль, от семи до десяти."""
    words = rng.choice(WORDS, count or int(rng.integers(7, 11))).tolist()
    if with_yo:
        words[1] = "ещё"
    words[2] += ","
    return " ".join(words).capitalize() + "."


def _edited(text: str, kind: int) -> str:
    """Та же фраза, изменённая на один лад."""
    words = text.split()
    edited = {
        CASE: text.upper(),
        MARKS: " ".join([*words[:4], "—", *words[4:]]).replace(",", "").replace(".", "!"),
        YO: text.replace("ё", "е"),
        SPACES: "  " + "  ".join(words[:3]) + "\n" + " ".join(words[3:]) + " ",
    }
    return edited.get(kind, text)


def _collected(
    letters: list[list[str]],
    links: list[tuple[int, int, int]],
    rng: np.random.Generator | None = None,
) -> Letters:
    """Абзацы подряд или, если дан rng, вперемешку; копии переведены в номера абзацев."""
    group = list(range(len(letters)))
    for _, first, second in links:
        kept, gone = group[first], group[second]
        group = [kept if label == gone else label for label in group]
    rows = [(number, text) for number, letter in enumerate(letters) for text in letter]
    order = rng.permutation(len(rows)) if rng else range(len(rows))
    rows = [rows[place] for place in order]
    return Letters(
        tuple((f"письмо {number + 1}", text) for number, text in rows),
        np.unique([group[number] for number, _ in rows], return_inverse=True)[1],
        tuple(Link(kind, _first(rows, a), _first(rows, b)) for kind, a, b in links),
    )


def _first(rows: list[tuple[int, str]], letter: int) -> int:
    return next(place for place, (number, _) in enumerate(rows) if number == letter)
