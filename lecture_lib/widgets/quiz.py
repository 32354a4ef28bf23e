"""Опрос в конце урока: выберите вариант — и прочтите, почему он верен или почему нет.

Вопросы лежат в quizzes/NN.toml, читает их и ведёт счёт questions.py. Где виджет не оживает, опрос
читается целиком: у каждого варианта — раскрывающееся объяснение (<details>).
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import ipywidgets

from lecture_lib.widgets.live import LiveWidget, Page
from lecture_lib.widgets.questions import Answers, Option, Question, load_questions

RIGHT, WRONG = "#00734F", "#B04A00"
NOTHING_CHOSEN = "Выберите вариант — здесь появится объяснение."
# Подписи переключателей в ipywidgets — в одну строку по 20 точек: длинные налезают друг на друга.
STYLE = """<style>
.lecture-quiz .widget-radio-box label {
  display: flex; gap: 8px; height: auto; padding: 3px 8px 3px 3px;
  width: fit-content; max-width: 100%; box-sizing: border-box;
  font-size: 15px; line-height: 1.4; white-space: normal; cursor: pointer;
}
.lecture-quiz .widget-radio-box input { order: -1; flex: none; height: 1.4em; margin: 0; }
.lecture-quiz .widget-radio-box label:focus-within {
  outline: 2px solid #0072B2; outline-offset: -2px;  /* снаружи рамку срезает край ячейки */
}
</style>"""


class Quiz(LiveWidget):
    """Опрос; из Python читаются answers (ответы и счёт) и explanation(n), меняется choose(n, m).

    С клавиатуры: Tab — к следующему варианту, пробел — выбрать.
    """

    def __init__(self, questions: Sequence[Question]) -> None:
        self.answers = Answers(questions)
        self._build()

    @classmethod
    def load(cls, name: str) -> Quiz:
        """Опрос урока по номеру: `Quiz.load("02")`. ValueError — такого нет или он неверен."""
        return cls(load_questions(name))

    @property
    def questions(self) -> tuple[Question, ...]:
        """Вопросы по порядку."""
        return self.answers.questions

    @property
    def score(self) -> str:
        """Что написано внизу."""
        return self.answers.score

    def choose(self, question: int, option: int) -> None:
        """То же, что щелчок по варианту; номера — с нуля."""
        self.answers.choose(question, option)
        self._choices[question].value = option

    def explanation(self, question: int) -> str:
        """Объяснение выбранного варианта; пусто, пока ничего не выбрано."""
        chosen = self.answers.chosen(question)
        return f"{chosen.sign} {chosen.explanation}" if chosen else ""

    def static(self) -> Page:
        """Все вопросы; под каждым вариантом — объяснение, скрытое до щелчка."""
        numbered = enumerate(self.questions, start=1)
        return Page("\n".join(question_html(number, question) for number, question in numbered))

    def __repr__(self) -> str:
        """Опрос словами: сначала вопросы, в конце ответы, чтобы не подсматривать невольно."""
        lines = [f"Опрос, вопросов: {len(self.questions)}"]
        answers = ["", "Ответы"]
        for number, question in enumerate(self.questions, start=1):
            lines += ["", f"{number}. {question.text}", *question.lettered]
            answers.append(f"{number}.")
            for option, named in zip(question.options, question.lettered, strict=True):
                answers.append(f"   {option.sign} {named[0]}) {option.explanation}")
        return "\n".join(lines + answers)

    def _build(self) -> None:
        self._choices = [self._choice(question) for question in self.questions]
        self._verdicts = [ipywidgets.HTML(verdict_html(None)) for _ in self.questions]
        self._score = ipywidgets.HTML(score_html(self.score))
        parts: list[ipywidgets.Widget] = [ipywidgets.HTML(STYLE)]
        for number, question in enumerate(self.questions):
            title = ipywidgets.HTML(title_html(number + 1, question))
            parts += [title, self._choices[number], self._verdicts[number]]
            self._choices[number].observe(self._listener(number), "value")
        self.view = ipywidgets.VBox([*parts, self._score])
        self.view.add_class("lecture-quiz")

    def _choice(self, question: Question) -> ipywidgets.RadioButtons:
        named = question.lettered
        return ipywidgets.RadioButtons(
            options=[(text, number) for number, text in enumerate(named)],
            index=None,  # пока студент не ответил, не выбрано ничего
            layout=ipywidgets.Layout(width="auto", margin="0 0 0 12px"),
        )

    def _listener(self, question: int):
        """Кого звать, когда в вопросе выбрали другой вариант."""

        def listen(change) -> None:
            if change["new"] is not None:
                self.answers.choose(question, change["new"])
                self._update(question)

        return listen

    def _update(self, question: int) -> None:
        chosen = self.answers.chosen(question)
        self._verdicts[question].value = verdict_html(chosen, self.answers.history(question))
        self._score.value = score_html(self.score)


def title_html(number: int, question: Question) -> str:
    """Вопрос с номером."""
    text = f"{number}. {html.escape(question.text)}"
    return f'<p style="font-size: 16px; line-height: 1.4; margin: 12px 0 0"><b>{text}</b></p>'


def verdict_html(chosen: Option | None, history: str = "") -> str:
    """Объяснение выбранного варианта; верно или нет — сказано знаком, словом и цветом."""
    if chosen is None:
        return f'<div role="status" style="opacity: 0.7">{NOTHING_CHOSEN}</div>'
    colour, word = (RIGHT, "верно") if chosen.correct else (WRONG, "неверно")
    style = f"border-left: 4px solid {colour}; padding: 2px 10px; font-size: 15px; line-height: 1.4"
    before = f'<br><span style="opacity: 0.7">Попытки: {history}</span>' if history else ""
    return f'<div role="status" style="{style}">{explained_html(chosen, word)}{before}</div>'


def explained_html(option: Option, word: str) -> str:
    """Знак и объяснение; для тех, кто слушает страницу, знак назван словом."""
    sign = f'<b role="img" aria-label="{word}">{option.sign}</b>'
    return f"{sign} {html.escape(option.explanation)}"


def score_html(score: str) -> str:
    """Счёт внизу опроса."""
    return f'<p role="status" style="font-size: 16px; margin: 12px 0 0"><b>{score}</b></p>'


def question_html(number: int, question: Question) -> str:
    """Вопрос неподвижного двойника: под каждым вариантом раскрывается его объяснение."""
    rows = [title_html(number, question)]
    for text, option in zip(question.lettered, question.options, strict=True):
        word = "верно" if option.correct else "неверно"
        body = f'<div style="margin: 0 0 6px 18px">{explained_html(option, word)}</div>'
        rows.append(f"<details><summary>{html.escape(text)}</summary>{body}</details>")
    return "\n".join(rows)
