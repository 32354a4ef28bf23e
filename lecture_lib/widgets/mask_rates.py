"""Ползунки долей: сколько токенов выбрать и как разыграть 80/10/10 — на одном предложении.

Полоска показывает одно маскирование, счётчики копят исходы всех: сперва они прыгают, потом
сходятся к целям. Тройка долей держится суммой 100 %: двинули один ползунок — два других делят
остаток так, как делили раньше.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import ipywidgets
import torch

from lecture_lib import plots
from lecture_lib.config import check_whole
from lecture_lib.experiments.mask_rates import (
    ActionCounts,
    count_actions,
    rate_rows,
    repeat_masking,
)
from lecture_lib.masking import (
    MaskingVocabulary,
    apply_replacements,
    choose_positions,
    draw_replacements,
    find_special,
)
from lecture_lib.widgets.live import LiveWidget

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SENTENCE = (
    "Вчера мы посмотрели отличный фильм в новом кинотеатре, а потом долго гуляли по парку "
    "и ели мороженое."
)
MANY = 1000  # столько маскирований добавляет кнопка «Ещё тысяча»
RATE_NAMES = ("[MASK], %", "случайный, %", "прежний, %")
COLUMNS = ("", "цель", "здесь", "накоплено", "доля", "интервал 95 %", "цель внутри?")


def rebalance(rates: tuple[int, int, int], moved: int, value: int) -> tuple[int, int, int]:
    """Тройка процентов с суммой 100 после того, как долю номер moved поставили в value.

    Две другие делят остаток в прежнем отношении, а если обе были нулями — поровну; нечётный
    процент достаётся последней. ValueError — тройка или value невозможны.
    """
    check_whole("value", value, at_least=0)
    if value > 100 or sum(rates) != 100 or min(rates) < 0:
        raise ValueError(f"rates = {rates}, value = {value}: проценты от 0 до 100, в сумме 100.")
    if moved not in (0, 1, 2):
        raise ValueError(f"moved = {moved}: доли три, их номера 0, 1 и 2.")
    first, second = (place for place in range(3) if place != moved)
    rest, together = 100 - value, rates[first] + rates[second]
    found = [value] * 3
    found[first] = rest * rates[first] // together if together else rest // 2
    found[second] = rest - found[first]
    return found[0], found[1], found[2]


class MaskRates(LiveWidget):
    """Ползунки долей; из Python читаются и меняются probability и rates — в процентах.

    actions и shown — что выпало и что видит модель сейчас, counts — накопленный счёт, rows —
    он же с интервалами и целями. Новые доли обнуляют счёт.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        text: str = SENTENCE,
        probability: int = 15,
        rates: tuple[int, int, int] = (80, 10, 10),
        seed: int = 0,
    ) -> None:
        self.tokenizer = tokenizer
        self.vocabulary = MaskingVocabulary.from_tokenizer(tokenizer)
        self.input_ids = torch.tensor([tokenizer(text).input_ids])
        self.special_mask = find_special(self.input_ids, self.vocabulary)
        if self.special_mask.all():
            raise ValueError(
                f"text = {text!r}: выбирать не из чего, в тексте нет ни одного токена."
            )
        self._generator = torch.Generator().manual_seed(seed)
        self._build()
        self.probability = probability
        self._paused = False
        self.rates = rates  # отсюда — первое маскирование

    @property
    def probability(self) -> int:
        """Какую долю токенов выбирать, в процентах."""
        return self._probability.value

    @probability.setter
    def probability(self, value: int) -> None:
        check_whole("probability", value, at_least=0)
        if value > 100:
            raise ValueError(f"probability = {value}: это проценты, от 0 до 100.")
        self._probability.value = value

    @property
    def rates(self) -> tuple[int, int, int]:
        """Доли ([MASK], случайный, прежний) в процентах; сумма — 100."""
        return self._rates

    @rates.setter
    def rates(self, rates: tuple[int, int, int]) -> None:
        if rebalance(rates, 0, rates[0]) != tuple(rates):
            raise ValueError(f"rates = {rates}: три процента с суммой 100.")
        self._set_rates(tuple(rates))

    @property
    def rows(self) -> list[dict]:
        """Накопленные доли с интервалами рядом с целями."""
        return rate_rows(self.counts, self.probability / 100, self._shares())

    @property
    def message(self) -> str:
        """Подпись над счётчиками."""
        here = count_actions(self.actions, self.special_mask)
        return (
            f"Выбрано {here.chosen} из {here.ordinary}; вопросов модели — столько же. "
            f"Накоплено маскирований: {self.times}."
        )

    def again(self) -> None:
        """Маскирует предложение заново и добавляет исходы к счёту."""
        arguments = self.input_ids, self.special_mask, self.probability / 100, self._generator
        chosen = choose_positions(*arguments)
        self.actions = draw_replacements(chosen, self._shares(), self._generator)
        self.shown = apply_replacements(
            self.input_ids, self.actions, self.vocabulary, self._generator
        )
        self._add(count_actions(self.actions, self.special_mask), 1)

    def many(self) -> None:
        """Добавляет к счёту тысячу маскирований; на полоске остаётся последнее показанное."""
        arguments = self.probability / 100, self._shares(), self.vocabulary, MANY, self._generator
        self._add(repeat_masking(self.input_ids, *arguments), MANY)

    def static(self) -> plots.Picture:
        """Полоска, какой она видна сейчас."""
        return plots.replacement_strip({self._title(): self._strip()})

    def __repr__(self) -> str:
        return f"Ползунки долей: {self._title()}"

    def _title(self) -> str:
        mask, random, keep = self.rates
        return (
            f"выбрать {self.probability} %, из них под [MASK] {mask} %, случайный {random} %, "
            f"прежний {keep} %"
        )

    def _strip(self) -> tuple[list[str], list[str], list[int]]:
        name = self.tokenizer.convert_ids_to_tokens
        tokens, shown = name(self.input_ids[0].tolist()), name(self.shown[0].tolist())
        return tokens, shown, self.actions[0].tolist()

    def _shares(self) -> tuple[float, float, float]:
        mask, random, keep = self.rates
        return mask / 100, random / 100, keep / 100

    def _build(self) -> None:
        self._paused = True  # пока ползунки расставляет код, а не человек
        style = {"description_width": "110px"}
        options = {"min": 0, "max": 100, "style": style, "layout": {"width": "60%"}}
        self._probability = ipywidgets.IntSlider(description="Выбрать, %", **options)
        self._sliders = [ipywidgets.IntSlider(description=n, **options) for n in RATE_NAMES]
        again = ipywidgets.Button(description="Другие маски", icon="refresh")
        many = ipywidgets.Button(description="Ещё тысяча", icon="forward")
        self._buttons = again, many
        self._image = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        self._table = ipywidgets.HTML()
        sliders = [self._probability, *self._sliders]
        self.view = ipywidgets.VBox(
            [*sliders, ipywidgets.HBox(self._buttons), self._image, self._table]
        )
        self._probability.observe(self._restart, "value")
        for slider in self._sliders:
            slider.observe(self._on_slider, "value")
        again.on_click(lambda _: self.again())
        many.on_click(lambda _: self.many())

    def _on_slider(self, change) -> None:
        """Один ползунок сдвинут человеком — два других подстраиваются."""
        if not self._paused:
            moved = self._sliders.index(change["owner"])
            self._set_rates(rebalance(self._rates, moved, change["new"]))

    def _set_rates(self, rates: tuple[int, int, int]) -> None:
        self._rates, self._paused = rates, True
        for slider, rate in zip(self._sliders, rates, strict=True):
            slider.value = rate
        self._paused = False
        self._restart()

    def _restart(self, _change=None) -> None:
        """Доли другие — счёт начинается заново."""
        if self._paused:
            return
        self.counts, self.times = ActionCounts(), 0
        self.again()

    def _add(self, counts: ActionCounts, times: int) -> None:
        self.counts, self.times = self.counts + counts, self.times + times
        self._image.value = plots.replacement_strip({"": self._strip()}).png()
        self._table.value = self._table_html()

    def _table_html(self) -> str:
        """Счётчики таблицей: цель, исход на полоске, накопленная доля с интервалом."""
        now = count_actions(self.actions, self.special_mask)
        here = (now.chosen, now.mask, now.random, now.keep)
        lines = [_cells("th", COLUMNS)]
        for row, count in zip(self.rows, here, strict=True):
            counted = f"{row['count']} из {row['total']}"
            target = _percent(row["target"])
            lines.append(_cells("td", (row["name"], target, count, counted, *_shown(row))))
        caption = f"<caption>{html.escape(self.message)}</caption>"
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return f'<table role="status" style="font-size: 16px">{caption}{body}</table>'


def _shown(row: dict) -> tuple[str, str, str]:
    """Доля, интервал и слово о цели; пока считать нечего — прочерки."""
    if row["share"] is None:
        return "—", "—", "—"
    interval = f"от {_percent(row['low'])} до {_percent(row['high'])}"
    return _percent(row["share"]), interval, "да" if row["inside"] else "нет"


def _cells(tag: str, values) -> str:
    style = ' style="padding: 2px 12px; text-align: left; white-space: nowrap"'
    return "".join(f"<{tag}{style}>{html.escape(str(value))}</{tag}>" for value in values)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %".replace(".", ",")
