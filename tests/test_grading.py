"""Задания: матрица «ответы × проверки», четыре исхода, карточки, подсказки, провод."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from lecture_lib.grading import Verdict, check, get_task, hint, load_tasks, run_check
from lecture_lib.grading.answer import LocalAnswer, Reply, perform
from lecture_lib.grading.bank import Entry, load_bank, matrix, read_bank, summary, try_entry
from lecture_lib.grading.cases import same_values
from lecture_lib.grading.facts import facts_from_source, is_stub, same_code
from lecture_lib.grading.report import first_difference
from lecture_lib.grading.wire import Given, Seed, from_json, identical, plain, to_json

BANK = load_bank()
TASKS = load_tasks()


@pytest.fixture(scope="module")
def trials():
    """Каждый ответ банка проверен один раз — на входах, которых раньше не было."""
    return matrix(BANK)


# ------------------------------------------------------------------ матрица


def test_every_wrong_answer_is_rejected(trials):
    """Ни один неверный ответ не прошёл, ни один верный не отвергнут, заготовки «не начаты»."""
    assert [t.entry.id for t in trials if not t.is_expected] == []


def test_mistakes_are_named(trials):
    """Не меньше 90 % неверных ответов получили тот диагноз, который записан в банке."""
    found = summary(trials)
    missed = [f"{t.entry.id} → {t.outcome.mistake}" for t in trials
              if t.entry.verdict is Verdict.WRONG and not t.is_diagnosed]  # fmt: skip
    assert found["diagnosed"] >= 0.9 * found["wrong"], missed


def test_every_task_has_enough_answers():
    """У каждого задания в банке не меньше восьми неверных, трёх верных и одной заготовки."""
    for task in TASKS:
        kinds = [entry.verdict for entry in BANK if entry.task == task]
        assert kinds.count(Verdict.WRONG) >= 8, task
        assert kinds.count(Verdict.RIGHT) >= 3, task
        assert kinds.count(Verdict.NOT_ATTEMPTED) >= 1, task


def test_checks_are_fast(trials):
    """Проверка одного ответа — меньше двух секунд процессора."""
    slow = [trial.entry for trial in trials if trial.seconds > 2]
    # На занятой машине потоки torch ждут друг друга и тратят время впустую: спросим ещё раз.
    again = {entry.id: min(try_entry(entry).seconds for _ in range(2)) for entry in slow}
    assert {name: took for name, took in again.items() if took > 2} == {}


def test_every_named_mistake_is_explained(trials):
    """Ошибка — это фраза, а не имя: у каждой узнанной есть что сказать студенту."""
    for trial in trials:
        if trial.outcome.mistake:
            message = trial.outcome.message
            assert message.endswith(".") and message != "Ответ расходится с верным."
            assert trial.outcome.mistake not in message.split()


def test_points_only_for_right(trials):
    """Баллы даны за верное целиком и больше ни за что."""
    for trial in trials:
        wanted = get_task(trial.entry.task).points if trial.outcome.is_right else 0
        assert trial.outcome.points == wanted


def test_a_check_that_accepts_everything_would_be_seen(monkeypatch):
    """Матрица не слепа: если проверка пропускает всё, она это показывает."""
    entry = next(entry for entry in BANK if entry.verdict is Verdict.WRONG)
    monkeypatch.setattr(type(get_task(entry.task).check), "__call__", lambda *_: None)
    assert not try_entry(entry).is_expected


# ------------------------------------------------------------------ исходы


def widen(tokens, chosen):
    """Верный ответ 02.4."""
    words, number = [], -1
    for token in tokens:
        number += not token.startswith("##")
        words.append(number)
    touched = {word for word, picked in zip(words, chosen, strict=True) if picked}
    return [word in touched for word in words]


def test_four_outcomes():
    """Не начато, ошибка, неверно, верно — четыре разных исхода."""

    def stub(tokens, chosen): ...

    def broken(tokens, chosen):
        return tokens[len(tokens)]

    outcomes = [check("02.4", answer).verdict for answer in (stub, broken, lambda t, c: c, widen)]
    assert outcomes == list(Verdict)


def test_untouched_value_and_wrong_kind():
    """None, «...» и незаполненный словарь — не начато; функция вместо словаря — неверно."""
    for empty in (None, ..., {"выбрано": 480, "станут [MASK]": ...}):
        assert check("02.5", empty).verdict is Verdict.NOT_ATTEMPTED
    assert check("02.5", widen).verdict is Verdict.WRONG
    assert check("02.4", 5).verdict is Verdict.WRONG


def test_error_shows_the_students_line():
    """Карточка ошибки называет исключение и строку студента, а не нашу."""

    def broken(tokens, chosen):
        return chosen[10_000]

    outcome = check("02.4", broken)
    assert outcome.verdict is Verdict.ERROR and outcome.failure.kind == "IndexError"
    assert outcome.failure.source == "return chosen[10_000]"
    assert "IndexError" in repr(outcome) and "chosen[10_000]" in outcome._repr_html_()
    assert "grading" not in " ".join(outcome.failure.trace)


def test_system_exit_is_an_error():
    """exit() в функции студента не роняет проверку."""

    def leave(tokens, chosen):
        raise SystemExit

    assert check("02.4", leave).verdict is Verdict.ERROR


def test_interrupt_passes_through():
    """Остановить проверку можно всегда."""

    def interrupted(tokens, chosen):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("02.4", interrupted)


def test_counterexample_names_the_place():
    """Контрпример говорит, какой токен выбран зря."""

    def choose(input_ids, special_ids, probability, generator):
        noise = torch.rand(input_ids.shape, generator=generator)
        return noise.argsort(1).argsort(1) < max(1, round(probability * input_ids.shape[1]))

    outcome = check("02.1", choose)
    assert outcome.mistake == "special_chosen"
    assert "батч" in outcome.counterexample.place and "его выбирать нельзя" in repr(outcome)


def test_hardcoded_answer_is_recognised():
    """Ответ, подогнанный под пример из условия, — неверный, и так и сказано."""
    outcome = check("03.3", lambda *sizes: 11_683_584)
    assert outcome.mistake == "hardcoded"


def test_inputs_are_new_every_time():
    """Входы не повторяются от проверки к проверке — и повторяются при одном зерне."""
    seen = []

    class Recorder(LocalAnswer):
        def call(self, *arguments, watch=True):
            seen.append(to_json(arguments))
            return super().call(*arguments, watch=watch)

    for seed in (None, None, 7, 7):
        run_check(get_task("02.4"), Recorder(widen), seed)
    quarter = len(seen) // 4
    first, second, third, fourth = (seen[i * quarter : (i + 1) * quarter] for i in range(4))
    assert first != second and third == fourth


def test_library_is_noticed_however_it_is_called():
    """Готовое из lecture_lib замечено и под чужим именем, и через functools."""
    import functools

    from lecture_lib.mask_patterns import causal_pattern

    def hidden(length, prefix):
        return getattr(__import__("lecture_lib.masking", fromlist=["x"]), "causal_" + "pattern")(
            length
        )

    for answer in (hidden, functools.partial(lambda f, n, p: f(n), causal_pattern)):
        assert check("01.4", answer).mistake == "borrowed"


def test_library_is_noticed_in_disguise():
    """Эталон самой проверки, чужой код в своей обёртке, другой поток, снятое наблюдение."""
    import sys
    import threading
    import types

    from lecture_lib import mask_patterns
    from lecture_lib.grading.filling_cases import pattern

    code = mask_patterns.causal_pattern.__code__
    wrapped = types.FunctionType(code, {**vars(mask_patterns), "__name__": "__main__"})

    def threaded(length, prefix):
        box = []
        thread = threading.Thread(target=lambda: box.append(pattern(length, prefix)))
        thread.start()
        thread.join()
        return box[0]

    def unwatched(length, prefix):
        sys.setprofile(None)
        return pattern(length, prefix)

    for answer in (pattern, lambda length, prefix: wrapped(length), threaded, unwatched):
        assert check("01.4", answer).mistake == "borrowed"


class Agreeable(str):
    """Строка, которая «равна» чему угодно."""

    __hash__ = str.__hash__

    def __eq__(self, other):
        return True


STRANGE = [
    None, "x", Agreeable("x"), b"x", {}, {"a": [None]}, [], [None], [[1], [2, 3]], [["1", "2"]],
    [Agreeable("x")] * 3, np.array([Agreeable("x"), 1], dtype=object), np.array(["а", "б"]),
    math.nan, [math.inf] * 4, torch.full((2, 2), math.nan), torch.zeros(0), 10**400, 1j, object(),
    [[math.inf, math.nan]], {"a": 1}.values(), torch.ones(3, 3, 3), [[[1, 2], [3]], "x"],
]  # fmt: skip


@pytest.mark.parametrize("task", [task for task in TASKS.values() if task.is_function],
                         ids=lambda task: task.id)  # fmt: skip
def test_strange_answers_are_wrong_and_never_crash(task):
    """Ответ любого вида отвергнут карточкой, а не исключением проверки."""
    for value in STRANGE:
        outcome = run_check(task, LocalAnswer(lambda *_, value=value: value), 5)
        assert not outcome.is_right and repr(outcome) and outcome._repr_html_(), value


def test_spent_generator_is_another_input():
    """Seed с drawn — то же зерно, из которого уже взяты числа; по проводу оно не теряется."""
    from lecture_lib.grading.wire import revive

    fresh, spent = (revive(Seed(3, drawn)) for drawn in (0, 5))
    assert fresh.initial_seed() == spent.initial_seed() == 3
    tail = torch.rand(9, generator=fresh)[5:]
    assert torch.equal(tail, torch.rand(4, generator=spent))
    assert from_json(to_json(Seed(3, 5))) == Seed(3, 5)


def test_statistics_do_not_cry_wolf():
    """Верная замена проходит много раз подряд: ложных тревог нет."""
    entry = next(e for e in BANK if e.task == "02.2" and e.title == "where")
    assert all(try_entry(entry).is_expected for _ in range(15))


# ------------------------------------------------------------------ карточки и подсказки


def test_cards_escape_html():
    """Разметка в ответе студента остаётся текстом."""
    outcome = check("02.5", {**dict.fromkeys(("выбрано", "станут [MASK]"), "<b>5</b>"),
                             "изменятся": 1, "считает потеря": 2})  # fmt: skip
    assert "<b>5</b>" not in outcome._repr_html_() and "&lt;b&gt;" in outcome._repr_html_()


def test_card_speaks_the_same_in_text_and_html():
    """Слова карточки одни и те же, и знак виден без цвета."""
    outcome = check("02.4", lambda tokens, chosen: chosen)
    assert outcome.message in repr(outcome) and outcome.message in outcome._repr_html_()
    assert repr(outcome).startswith("✗ 02.4")
    assert json.loads(json.dumps(outcome.as_dict(), ensure_ascii=False))["verdict"] == "неверно"


def test_value_cards_do_not_tell_the_answer():
    """Карточка «предсказать» не выдаёт верного числа."""
    card = repr(check("02.5", {"выбрано": 1, "станут [MASK]": 2, "изменятся": 3,
                               "считает потеря": 4}))  # fmt: skip
    assert "480" not in card and "384" not in card and "432" not in card


def test_hints_go_from_a_nudge_to_the_outline():
    """Подсказки идут по порядку, последняя повторяется, номер можно назвать."""
    shown = [hint("01.2") for _ in range(4)]
    assert [h.number for h in shown] == [1, 2, 3, 3]
    assert hint("01.2", 1).text == shown[0].text
    with pytest.raises(ValueError, match="number = 9"):
        hint("01.2", 9)
    with pytest.raises(ValueError, match=r"task_id = '77\.1'"):
        hint("77.1")


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_hints_do_not_contain_the_solution(task):
    """Ни в одной подсказке нет кода целиком."""
    assert not any("def " in text or "return" in text or "lambda" in text for text in task.hints)
    assert task.points > 0 and task.minutes > 0 and task.notice


# ------------------------------------------------------------------ провод и факты


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6).reshape(2, 3),
        np.zeros((2, 0), dtype=bool),
        np.array([1.5, np.nan], dtype=np.float32),
        [1, "а", None, True, [2.5]],
        {"а": np.eye(2), "б": ...},
        Seed(3),
        Given("toy_model", (9, 1)),
    ],
    ids=str,
)
def test_wire_round_trip(value):
    """Значение проходит через JSON без потерь."""
    back = from_json(json.loads(json.dumps(to_json(value))))
    assert back == value if isinstance(value, Seed | Given) else identical(back, value)


def test_wire_refuses_objects():
    """Массив объектов по проводу не принимается."""
    with pytest.raises(ValueError, match="только числа"):
        from_json({"__array__": "", "dtype": "|O", "shape": [0]})


def test_plain_forgets_where_numbers_came_from():
    """Тензор, numpy и список дают равные ответы; разные формы — разные."""
    values = [torch.tensor([[1, 0]]), np.array([[True, False]]), [[1.0, 0.0]], ((1, 0),)]
    assert all(same_values([[True, False]], plain(value)) for value in values)
    assert not same_values([[1, 0]], plain(torch.tensor([1, 0])))
    assert same_values(2.0, plain(torch.tensor([2.0]))) and not same_values(1.0, float("nan"))


def test_tolerance_rejects_the_known_mistake():
    """Допуск различает GELU через erf и через tanh."""
    x = torch.linspace(-3, 3, 50)
    exact, rough = torch.nn.functional.gelu(x), torch.nn.functional.gelu(x, approximate="tanh")
    assert not same_values(plain(exact), plain(rough), get_task("03.4").check.tolerance)


def test_perform_gives_copies_and_reports_changes():
    """Функция получает копии, а изменённый вход назван номером."""

    def spoil(a, b):
        b += 1
        return a

    given = (np.zeros(2), np.zeros(2))
    reply = perform(spoil, given)
    assert reply.changed == (1,) and not given[1].any() and isinstance(reply, Reply)


def test_stubs_and_same_code():
    """Заготовка узнаётся по тексту; комментарии и пробелы кода не меняют."""
    assert is_stub('def f(x):\n    """Дело."""\n    raise NotImplementedError("тут")')
    assert not is_stub("def f(x):\n    return 0")
    assert same_code("def f(x):\n  return x", "def f(x):  # так\n    return x")
    assert not same_code("def f(x):\n  return x", "def f(x):\n  return -x")


def test_facts_from_cells():
    """Судье довольно текста ячеек: последнее определение сильнее."""
    source = "def f(x):\n    ...\n\ng = ...\n\ndef f(x):\n    return x\n"
    assert facts_from_source(source, "f").callable and not facts_from_source(source, "f").stub
    assert facts_from_source(source, "g").stub and facts_from_source(source, "h").stub
    assert facts_from_source("def f(:", "f").stub


def test_first_difference():
    """Первый разошедшийся элемент — по порядку строк."""
    assert first_difference([[1, 2], [3, 4]], [[1, 2], [0, 0]]) == (1, 0)
    assert first_difference([1], [1, 2]) is None


def test_bank_file_mistakes(tmp_path):
    """Заголовок без кода и неизвестное задание названы вместе с файлом."""
    path = tmp_path / "мой.md"
    path.write_text("### 02.4 верно: пусто\n\nтекста нет\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"мой\.md: заголовков 1"):
        read_bank(path)
    path.write_text("### 77.1 верно: нет такого\n```python\nx = 1\n```\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"77\.1"):
        read_bank(path)


def test_instructor_extends_the_bank_by_one_file(tmp_path):
    """Ещё один файл — ещё один ответ в матрице."""
    text = "### 02.4 неверно nothing: своё\n```python\ndef widen(t, c):\n    return c[:]\n```\n"
    (tmp_path / "мой.md").write_text(text, encoding="utf-8")
    (entry,) = load_bank(tmp_path)
    assert isinstance(entry, Entry) and try_entry(entry).is_diagnosed
