"""Опросы: файлы верны, счёт помнит первую попытку, объяснение — к тому варианту, что выбран."""

from __future__ import annotations

import html
import subprocess
import sys
import tomllib

import pytest

from lecture_lib.widgets.live import Page
from lecture_lib.widgets.questions import (
    FOLDER,
    Answers,
    Option,
    Question,
    load_questions,
    parse_questions,
    quiz_names,
)
from lecture_lib.widgets.quiz import NOTHING_CHOSEN, Quiz

GOOD, BAD, WORSE = Option("да", "Верно же.", True), Option("нет", "Увы."), Option("хм", "Мимо.")
QUESTIONS = (
    Question("Да?", (GOOD, BAD, WORSE)),
    Question("Нет?", (BAD, WORSE, GOOD)),
    Question("А <b>так</b>?", (BAD, GOOD, Option("<script>1</script>", "Это & разметка <i>."))),
)

SOURCE = """
[[question]]
text = "Сколько?"
[[question.option]]
text = "один"
explanation = "Да."
correct = true
[[question.option]]
text = "два"
explanation = "Нет."
[[question.option]]
text = "три"
explanation = "Тоже нет."
"""


@pytest.fixture
def answers():
    return Answers(QUESTIONS)


@pytest.fixture
def quiz():
    return Quiz(QUESTIONS)


def select(quiz, question, option):
    """То, что делает щелчок по варианту."""
    quiz._choices[question].value = option


# ------------------------------------------------------------------ файлы


@pytest.mark.parametrize("name", quiz_names())
def test_every_quiz_is_correct(name):
    """Каждый файл читается, и верный вариант в нём не всегда на одном и том же месте."""
    questions = load_questions(name)
    assert 3 <= len(questions) <= 5
    places = [[option.correct for option in q.options].index(True) for q in questions]
    assert len(set(places)) > 1
    assert len({question.text for question in questions}) == len(questions)


@pytest.mark.parametrize("name", quiz_names())
def test_twin_of_every_quiz_is_readable_to_the_end(name):
    """В двойнике — HTML и простом тексте — есть каждый вопрос, вариант и объяснение."""
    quiz = Quiz.load(name)
    bundle = quiz._repr_mimebundle_()
    assert bundle["text/html"].count("<details>") == sum(len(q.options) for q in quiz.questions)
    for question in quiz.questions:
        parts = [
            question.text,
            *(text for o in question.options for text in (o.text, o.explanation)),
        ]
        assert [part for part in parts if html.escape(part) not in bundle["text/html"]] == []
        assert [part for part in parts if part not in bundle["text/plain"]] == []


def test_first_quizzes_exist():
    """Опросы первых уроков на месте."""
    assert set(quiz_names()) >= {"01", "02", "03", "04"}


def test_quizzes_travel_with_the_package(root):
    """Файлы опросов названы среди данных пакета: без этого они не попали бы в установленный."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["lecture_lib.widgets"]
    packed = {path for pattern in patterns for path in FOLDER.parent.glob(pattern)}
    assert packed >= set(FOLDER.glob("*.toml"))


def test_source_is_read():
    """Из текста выходит вопрос; переносы внутри строки становятся пробелами."""
    (question,) = parse_questions(SOURCE.replace('"Сколько?"', '"""\nСколько\nих?\n"""'), "проба")
    assert question.text == "Сколько их?"
    assert question.lettered == ["а) один", "б) два", "в) три"]
    assert [option.correct for option in question.options] == [True, False, False]
    assert [option.sign for option in question.options] == ["✓", "✗", "✗"]


LAST = SOURCE[SOURCE.rindex("[[question.option]]") :]

MISTAKES = {
    "верных вариантов 0": ("correct = true", "correct = false"),
    "верных вариантов 2": ('"Нет."', '"Нет."\ncorrect = true'),
    "вариант б: explanation = ''": ('explanation = "Нет."', ""),
    "вариант в: explanation = '  '": ('"Тоже нет."', '"  "'),
    "вариант а: text = 7": ('"один"', "7"),
    "text = ''": ('"Сколько?"', '""'),
    "вариант а: correct = 1": ("correct = true", "correct = 1"),
    "вариант б: незнакомое поле explanaton": ('explanation = "Нет', 'explanaton = "Нет'),
    "незнакомое поле title": ('text = "Сколько?"', 'text = "Сколько?"\ntitle = "?"'),
    "вариантов 2": (LAST, ""),
    "вариантов 5": (LAST, LAST * 3),
    "нет ни одной таблицы [[…option]]": (SOURCE[SOURCE.index("[[question.option]]") :], ""),
}


@pytest.mark.parametrize("said", MISTAKES)
def test_mistakes_are_named_with_the_question(said):
    """Ошибка в файле названа вместе с номером вопроса — здесь второго."""
    old, new = MISTAKES[said]
    with pytest.raises(ValueError) as error:
        parse_questions(SOURCE + SOURCE.replace(old, new, 1), "проба.toml")
    assert str(error.value).startswith("проба.toml, вопрос 2") and said in str(error.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "нет ни одной таблицы"),
        ("question = 3", "нужны таблицы"),
        ("[[question", "это не TOML"),
        ("[[qestion]]", "незнакомое поле qestion"),
    ],
)
def test_file_mistakes(source, said):
    """Ошибка во всём файле — тоже по-русски и с именем файла."""
    with pytest.raises(ValueError, match=f"проба.toml: .*{said}"):
        parse_questions(source, "проба.toml")


def test_unknown_quiz():
    """Опроса нет — сказано, какие есть; имя файла мимо папки не читается."""
    with pytest.raises(ValueError, match="name = '77': есть только опросы 01, 02"):
        Quiz.load("77")
    with pytest.raises(ValueError, match="есть только"):
        load_questions("../quizzes/01")


# ------------------------------------------------------------------ ответы


def test_score_remembers_the_first_attempt(answers):
    """Передумать можно, но счёт идёт по первой попытке."""
    assert answers.choose(0, 1) == BAD
    assert answers.choose(0, 0) == GOOD
    assert answers.right_at_first == 0 and answers.answered == 1
    answers.choose(1, 2)
    answers.choose(1, 0)
    assert answers.right_at_first == 1 and answers.answered == 2
    assert answers.score == "Верно с первой попытки: 1 из 3. Без ответа: 1."
    answers.choose(2, 1)
    assert answers.score == "Верно с первой попытки: 2 из 3."


def test_nothing_is_lost(answers):
    """Ответ на один вопрос не трогает другие, попытки хранятся по порядку."""
    for option in (1, 1, 2, 0):
        answers.choose(0, option)
    answers.choose(2, 0)
    assert answers.tried(0) == (1, 2, 0) and answers.chosen(0) == GOOD
    assert answers.history(0) == "б ✗ → в ✗ → а ✓"
    assert answers.chosen(1) is None and answers.tried(1) == ()
    assert answers.chosen(2) == BAD and answers.history(2) == ""


@pytest.mark.parametrize(
    ("question", "option", "said"),
    [(3, 0, "question = 3"), (-1, 0, "question = -1"), (0, 3, "option = 3"), (0, "а", "'а'")],
)
def test_unknown_numbers(answers, question, option, said):
    """Вопроса или варианта с таким номером нет — ValueError, и ответы прежние."""
    with pytest.raises(ValueError, match=said):
        answers.choose(question, option)
    assert answers.answered == 0


def test_empty_quiz():
    """Опрос без вопросов — ValueError."""
    with pytest.raises(ValueError, match="questions пуст"):
        Quiz([])


def test_logic_needs_no_widgets():
    """Вопросы и счёт работают и там, где ipywidgets не загружен."""
    code = (
        "import sys; from lecture_lib.widgets.questions import Answers, load_questions; "
        "print(Answers(load_questions('01')).score, 'ipywidgets' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split()[-1] == "False"


# ------------------------------------------------------------------ виджет


def test_selection_shows_its_own_explanation(quiz):
    """Выбранный вариант показывает своё объяснение, а не соседнее; знак виден и без цвета."""
    for number, question in enumerate(QUESTIONS):
        for place, option in enumerate(question.options):
            select(quiz, number, place)
            shown = quiz._verdicts[number].value
            assert html.escape(option.explanation) in shown
            assert option.sign in shown.partition("Попытки")[0]
            assert quiz.explanation(number) == f"{option.sign} {option.explanation}"
            others = [o for o in question.options if o is not option]
            assert not [o for o in others if html.escape(o.explanation) in shown]


def test_quiz_starts_without_answers(quiz):
    """Сначала ничего не выбрано и не подсказано."""
    assert [choice.value for choice in quiz._choices] == [None] * 3
    assert all(NOTHING_CHOSEN in verdict.value for verdict in quiz._verdicts)
    assert "0 из 3" in quiz._score.value
    shown = "".join(part.value or "" for part in quiz.view.children if part not in quiz._choices)
    assert not [o for q in QUESTIONS for o in q.options if o.explanation in shown]


def test_score_on_the_screen(quiz):
    """Внизу — счёт; под вопросом, если передумали, — попытки подряд."""
    select(quiz, 1, 2)
    assert "1 из 3" in quiz._score.value and "Попытки" not in quiz._verdicts[1].value
    select(quiz, 1, 0)
    assert "1 из 3" in quiz._score.value
    assert "в ✓ → а ✗" in quiz._verdicts[1].value
    assert NOTHING_CHOSEN in quiz._verdicts[0].value


def test_choose_is_the_same_as_a_click(quiz):
    """choose() переставляет и переключатель — и это одна попытка, а не две."""
    quiz.choose(0, 2)
    assert quiz._choices[0].value == 2 and quiz.answers.tried(0) == (2,)
    assert quiz.explanation(0) == "✗ Мимо." and WORSE.explanation in quiz._verdicts[0].value


def test_keyboard_reaches_every_option(quiz):
    """У каждого варианта свой переключатель: их обходит Tab и выбирает пробел."""
    assert [len(choice.options) for choice in quiz._choices] == [3, 3, 3]
    assert not any(choice.disabled for choice in quiz._choices)
    assert [name for name, _ in quiz._choices[0].options] == ["а) да", "б) нет", "в) хм"]


def test_twin_is_a_page_of_words(quiz):
    """Двойник — слова, а не картинка; разметка в вопросе остаётся текстом."""
    bundle = quiz._repr_mimebundle_()
    assert isinstance(quiz.static(), Page) and "image/png" not in bundle
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/html"] == quiz.static()._repr_html_()
    assert "<script>" not in bundle["text/html"] and "<b>так</b>" not in bundle["text/html"]
    select(quiz, 2, 2)
    assert "<i>" not in quiz._verdicts[2].value


def test_twin_does_not_depend_on_answers(quiz):
    """Двойник в тетради один и тот же, что бы студент ни выбрал."""
    before = quiz.static(), repr(quiz)
    select(quiz, 0, 1)
    assert (quiz.static(), repr(quiz)) == before


def test_plain_text_keeps_answers_for_the_end(quiz):
    """В простом тексте ответы — после всех вопросов."""
    questions, _, answers = repr(quiz).partition("\nОтветы\n")
    assert "✓" not in questions and answers.count("✓") == 3
    assert "в) хм" in questions and "✗ в) Мимо." in answers
