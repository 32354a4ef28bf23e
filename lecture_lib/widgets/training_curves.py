"""Кривые обучения, которые растут на глазах: виджет получает строки журнала от `train`.

    curves = TrainingCurves({"token_loss": "потери MLM", "eval_agreement": "согласование"})
    display(curves)
    pretrain(…, watch=curves.watch)

Остановить — «Прервать» (■) в тетради: шаг закончится, модель останется, а тот же вызов с той же
папкой продолжит и обучение, и кривые.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import ipywidgets

from lecture_lib import plots
from lecture_lib.widgets.live import LiveWidget, message_html

REDRAW_SECONDS = 2.0  # чаще перерисовывать незачем: рисунок стоит десятую долю секунды


class TrainingCurves(LiveWidget):
    """Кривые величин журнала; rows — все полученные строки, watch отдаётся в `train`."""

    def __init__(self, columns: Mapping[str, str], total_steps: int | None = None) -> None:
        if not columns:
            raise ValueError("columns = {}: не сказано, какие величины рисовать.")
        self.columns, self.total_steps = dict(columns), total_steps
        self.rows: list[dict[str, float]] = []
        self._drawn = float("-inf")
        self._message = ipywidgets.HTML(message_html("Обучение ещё не началось."))
        self._image = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        self.view = ipywidgets.VBox([self._message, self._image])

    def watch(self, row: Mapping[str, float]) -> None:
        """Принимает строку журнала; рисунок обновляется не чаще раза в две секунды."""
        self.rows = [known for known in self.rows if known["step"] < row["step"]] + [dict(row)]
        self._message.value = message_html(self.message)
        if time.monotonic() - self._drawn >= REDRAW_SECONDS or row["step"] == self.total_steps:
            self._image.value = self.static().png()
            self._drawn = time.monotonic()

    @property
    def message(self) -> str:
        """Подпись: шаг, токены в секунду и последние значения величин."""
        last = self.rows[-1]
        total = f" из {self.total_steps}" if self.total_steps else ""
        parts = [f"Шаг {last['step']}{total}", f"{last['tokens_per_second']:.0f} токенов/с"]
        for column, name in self.columns.items():
            known = [row[column] for row in self.rows if column in row]
            if known:
                parts.append(f"{name}: {known[-1]:.2f}".replace(".", ","))
        return " · ".join(parts)

    def curves(self, column: str) -> list[tuple[float, float]]:
        """Точки одной величины: (шаг, значение)."""
        return [(row["step"], row[column]) for row in self.rows if column in row]

    def static(self) -> plots.Picture:
        """Все кривые, каждая в своём поле."""
        return plots.training_panels(
            {name: self.curves(column) for column, name in self.columns.items()}
        )

    def __repr__(self) -> str:
        return f"Кривые обучения: {', '.join(self.columns.values())}; строк {len(self.rows)}"
