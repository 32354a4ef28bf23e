"""Ползунок слияний: как один и тот же текст режет байтовый BPE, пока учится.

Ползунок меняет только число слияний: слева — одни байты, справа — обученный словарь. Текст можно
вписать свой, с любыми знаками.
"""

from __future__ import annotations

from lecture_lib import plots
from lecture_lib.byte_bpe import ByteBPE, readable
from lecture_lib.widgets.stops import TextSlider

STOPS = (0, 30, 100, 300, 1000, 3000)  # и последняя — все слияния
SENTENCE = "Вчера мы смотрели кино 🎬"
LONGEST = 120  # знаков: длиннее рисунок не прочесть


class MergeSlider(TextSlider):
    """Ползунок слияний; из Python читаются и меняются stop (номер остановки) и text."""

    def __init__(self, bpe: ByteBPE, text: str = SENTENCE, stop: int = 0) -> None:
        total = len(bpe.merges)
        self.stops = [*(count for count in STOPS if count < total), total]
        self._bpe = {count: bpe.first(count) for count in self.stops}
        self._build(text, stop, [str(count) for count in self.stops], "Слияний:")

    def read(self, text: str) -> None:
        """Годится любой непустой текст, который поместится на рисунке."""
        if not 1 <= len(text) <= LONGEST:
            raise ValueError(f"text: знаков {len(text)}, а показать можно от 1 до {LONGEST}.")

    def pieces(self, count: int) -> list[str]:
        """Токены текста после count слияний, в читаемом виде; count — одна из stops."""
        return [readable(piece) for piece in self._bpe[count].encode(self.text)]

    @property
    def message(self) -> str:
        """Подпись под ползунком."""
        pieces = self.pieces(self.stops[self.stop])
        size = len(self.text.encode("utf-8"))
        return f"Знаков {len(self.text)}, байтов {size}, токенов {len(pieces)}."

    def static(self) -> plots.Picture:
        """Все остановки ползунка одна под другой."""
        return plots.piece_lines({_name(count): self.pieces(count) for count in self.stops})

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} — {len(self.pieces(count))}" for count in self.stops)
        return f"Ползунок слияний: «{self.text}»; слияний — токенов: {counts}"

    def picture(self) -> plots.Picture:
        """Токены на нынешней остановке."""
        count = self.stops[self.stop]
        return plots.piece_lines({_name(count): self.pieces(count)})


def _name(count: int) -> str:
    return f"слияний {count}" if count else "слияний нет: одни байты"
