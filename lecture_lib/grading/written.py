"""Задания, которые проверяет преподаватель: ответ словами и рубрика — за что сколько баллов.

Рубрика — данные, и она одна: её видит студент в тетради, проверяющий — на странице студента
и в formgrader.
"""

from __future__ import annotations

from dataclasses import dataclass

from lecture_lib.grading.task import check_difficulty, lesson_of, task_label

KIND = "проверяет преподаватель"


@dataclass(frozen=True)
class Criterion:
    """Строка рубрики: points больше нуля — за что дают, меньше — за что снимают."""

    points: float
    says: str

    @property
    def price(self) -> str:
        """Баллы со знаком: «+1», «−2»."""
        return f"{self.points:+g}".replace("-", "−").replace(".", ",")


@dataclass(frozen=True)
class Written:
    """Письменное задание: id — «09.5», criteria — рубрика; снятое ниже нуля не опускает."""

    id: str
    title: str
    minutes: int
    difficulty: int
    criteria: tuple[Criterion, ...]

    def __post_init__(self) -> None:
        check_difficulty(self.difficulty)
        if self.points <= 0:
            raise ValueError(f"criteria: у задания {self.id} не за что дать баллы.")

    @property
    def points(self) -> float:
        """Наибольший балл: сумма того, за что дают."""
        return sum(item.points for item in self.criteria if item.points > 0)

    @property
    def lesson(self) -> str:
        """Номер урока: «09»."""
        return lesson_of(self.id)

    @property
    def label(self) -> str:
        """Строка для тетради: баллы, минуты, сложность."""
        return task_label(KIND, self.points, self.minutes, self.difficulty)

    @property
    def rubric(self) -> str:
        """Рубрика для тетради: таблица Markdown, сначала за что дают, потом за что снимают."""
        rows = sorted(self.criteria, key=lambda item: item.points < 0)
        return "\n".join(
            ["| Баллы | За что |", "| :-: | --- |", *(f"| {r.price} | {r.says} |" for r in rows)]
        )
