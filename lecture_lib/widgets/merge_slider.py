"""Ползунок слияний: как один и тот же текст режет байтовый BPE, пока учится.

Ползунок меняет только число слияний: слева — одни байты, справа — обученный словарь. Текст можно
вписать свой, с любыми знаками.
"""

from __future__ import annotations

import ipywidgets

from lecture_lib import plots
from lecture_lib.byte_bpe import ByteBPE, readable
from lecture_lib.widgets.live import LiveWidget, message_html

STOPS = (0, 30, 100, 300, 1000, 3000)  # и последняя — все слияния
SENTENCE = "Вчера мы смотрели кино 🎬"
LONGEST = 120  # знаков: длиннее рисунок не прочесть


class MergeSlider(LiveWidget):
    """Ползунок слияний; из Python читаются и меняются stop (номер остановки) и text."""

    def __init__(self, bpe: ByteBPE, text: str = SENTENCE, stop: int = 0) -> None:
        total = len(bpe.merges)
        self.stops = [*(count for count in STOPS if count < total), total]
        self._bpe = {count: bpe.first(count) for count in self.stops}
        _check(text)
        self._build(text, stop)

    @property
    def stop(self) -> int:
        """Номер остановки ползунка."""
        return self._slider.index

    @stop.setter
    def stop(self, index: int) -> None:
        if not 0 <= index < len(self.stops):
            raise ValueError(f"stop = {index}: остановки — от 0 до {len(self.stops) - 1}.")
        self._slider.index = index

    @property
    def text(self) -> str:
        """Текст, который режут."""
        return self._text.value

    @text.setter
    def text(self, text: str) -> None:
        _check(text)
        self._text.value = text

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

    def _build(self, text: str, stop: int) -> None:
        wide = ipywidgets.Layout(width="70%")
        self._text = ipywidgets.Text(
            value=text, description="Текст:", continuous_update=False, layout=wide
        )
        self._slider = ipywidgets.SelectionSlider(
            options=[str(count) for count in self.stops], description="Слияний:", layout=wide
        )
        self._message = ipywidgets.HTML()
        self._image = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        self.view = ipywidgets.VBox([self._text, self._slider, self._message, self._image])
        self.stop = stop
        self._slider.observe(self._update, "index")
        self._text.observe(self._update, "value")
        self._update()

    def _update(self, _change=None) -> None:
        try:
            _check(self.text)
        except ValueError as error:
            self._message.value = message_html(str(error), is_error=True)
            return
        count = self.stops[self.stop]
        self._message.value = message_html(self.message)
        self._image.value = plots.piece_lines({_name(count): self.pieces(count)}).png()


def _name(count: int) -> str:
    return f"слияний {count}" if count else "слияний нет: одни байты"


def _check(text: str) -> None:
    if not 1 <= len(text) <= LONGEST:
        raise ValueError(f"text: знаков {len(text)}, а показать можно от 1 до {LONGEST}.")
