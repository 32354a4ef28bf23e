"""Задания 05 и 07: эталоны равны независимым, мутанты отличимы, опыт с абляцией не верит удаче."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lecture_lib.config import BERT_BASE, DISTILBERT
from lecture_lib.grading import Verdict, get_task, load_tasks, run_check
from lecture_lib.grading.ablation_check import PARTS
from lecture_lib.grading.answer import LocalAnswer
from lecture_lib.grading.bank import FOLDER, read_bank
from lecture_lib.grading.facts import Facts
from lecture_lib.grading.given import RECIPE_RUNS, lab_quality, recipe_lab
from lecture_lib.grading.judge import SandboxAnswer
from lecture_lib.grading.pair_cases import pair_input
from lecture_lib.grading.pictures import LABEL_CURVES, LABELS, labels_picture
from lecture_lib.grading.runner import Runner
from lecture_lib.grading.sandbox import Limits
from lecture_lib.grading.soft_target_cases import distill_step, step_cases
from lecture_lib.grading.span_cases import answers, span_cases
from lecture_lib.grading.student_cases import hidden_cases, hidden_loss
from lecture_lib.grading.tag_cases import entity_scores, tag_cases
from lecture_lib.losses import hidden_cosine_loss, soft_target_loss
from lecture_lib.parameters import parameter_rows, total_parameters
from lecture_lib.reference import DISTILBERT_GLUE, DISTILBERT_TABLE_3
from lecture_lib.spans import best_span
from lecture_lib.tasks.metrics import entity_f1

MUTANTS = [
    pytest.param(task, name, id=f"{task} {name}")
    for task in ("05.1", "05.2", "05.3", "07.1", "07.2", "07.3")
    for name, mistake in get_task(task).mistakes.items()
    if mistake.mutant is not None
]


@pytest.fixture
def rng():
    """Входы этих тестов всегда одни."""
    return np.random.default_rng(5)


# ------------------------------------------------------------------ эталоны


def test_span_is_the_library_span(rng):
    """Отрезок тот же, что у best_span с порогом ноль."""
    for case in span_cases(rng):
        start, end, context, longest = case.arguments
        wanted = []
        for s, e, seen in zip(start, end, context, strict=True):
            logits = torch.from_numpy(np.stack([s, e], axis=-1))
            first, last = np.flatnonzero(seen)[[0, -1]]
            wanted.append(best_span(logits, int(first), int(last), longest, null_threshold=0.0))
        assert answers(*case.arguments).tolist() == [list(span) for span in wanted]


def test_entity_scores_are_seqeval(rng):
    """F1 сущностей — как у seqeval, и на I без B."""
    for case in tag_cases(rng):
        precision, recall, f1 = entity_scores(*case.arguments)
        assert f1 == pytest.approx(entity_f1(*case.arguments))
        assert f1 == pytest.approx(2 * precision * recall / max(precision + recall, 1e-12))


def test_longer_part_is_truncated_first():
    """Снимается токен с длинной части, поровну — со второй; служебные на местах."""
    ids, segments = pair_input(list(range(10, 19)), list(range(30, 34)), 10, 1, 2)
    assert ids == [1, 10, 11, 12, 13, 2, 30, 31, 32, 2]
    assert segments == [0] * 6 + [1] * 4
    ids, segments = pair_input([10, 11, 12], [20, 21, 22], 8, 1, 2)
    assert ids == [1, 10, 11, 12, 2, 20, 21, 2] and segments == [0] * 5 + [1] * 3


def test_distillation_step_is_autograd(rng):
    """Градиент, посчитанный руками, равен градиенту потери из библиотеки."""
    for case in step_cases(rng):
        x, student, teacher, temperature, rate = case.arguments
        weight = torch.from_numpy(student.copy()).requires_grad_()
        given, target = torch.from_numpy(x), torch.from_numpy(teacher)
        soft_target_loss(given @ weight, given @ target, temperature).backward()
        wanted = weight.detach().numpy() - rate * weight.grad.numpy()
        found, untouched = distill_step(*case.arguments)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(untouched, teacher)


def test_moving_teacher_is_autograd(rng):
    """Мутант, у которого учится и учитель, — настоящая ошибка: его градиент тот же, что у torch."""
    for way in ("forward", "reverse"):
        for case in step_cases(rng):
            x, student, teacher, temperature, rate = case.arguments
            weight = torch.from_numpy(teacher.copy()).requires_grad_()
            given = torch.from_numpy(x)
            log_q = (given @ torch.from_numpy(student) / temperature).log_softmax(-1)
            log_p = (given @ weight / temperature).log_softmax(-1)
            over = log_p if way == "forward" else log_q
            sign = 1 if way == "forward" else -1
            loss = (over.exp() * sign * (log_p - log_q)).sum(-1).mean() * temperature**2
            loss.backward()
            wanted = teacher - rate * weight.grad.numpy()
            _, found = distill_step(*case.arguments, way=way, moves=True)
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_hidden_loss_is_the_library_loss(rng):
    """Косинусная потеря равна библиотечной на настоящих токенах."""
    for case in hidden_cases(rng):
        student, teacher, mask = (torch.from_numpy(part) for part in case.arguments)
        real = mask.bool()
        wanted = float(hidden_cosine_loss(student[real], teacher[real]))
        assert hidden_loss(*case.arguments) == pytest.approx(wanted, abs=1e-5)


def test_numbers_are_of_the_papers_and_the_models():
    """Числа 07.4 — из таблиц статьи и из счёта параметров, а не вписаны наугад."""
    right = get_task("07.4").check.right
    student = total_parameters(parameter_rows(DISTILBERT)) / 1e6
    assert right["параметров, млн"] == pytest.approx(student, abs=1e-6)
    assert right["int8, МБ"] == pytest.approx(student, abs=1e-6)
    quality = DISTILBERT_GLUE.column("Среднее")
    kept = 100 * quality["DistilBERT"] / quality["BERT-base"]
    assert right["качества осталось, %"] == pytest.approx(kept)
    seconds = DISTILBERT_TABLE_3.column("Время прохода, с")
    faster = 100 * (seconds["BERT-base"] / seconds["DistilBERT"] - 1)
    assert right["быстрее, %"] == pytest.approx(faster)


def test_sizes_are_of_linear_layers():
    """Размеры голов 05.4 — число параметров настоящих линейных слоёв."""
    right = get_task("05.4").check.right
    for task, classes in (("MNLI", 3), ("STS-B", 1), ("SQuAD", 2), ("NER", 9)):
        head = torch.nn.Linear(BERT_BASE.hidden_size, classes)
        assert right[task] == sum(parameter.numel() for parameter in head.parameters())


# ------------------------------------------------------------------ мутанты


class Unwatched(LocalAnswer):
    """Ответ, за которым не следят: мутант живёт в самой проверке, и иначе он — заимствование."""

    def call(self, *arguments, watch=True):
        return super().call(*arguments, watch=False)


@pytest.mark.parametrize(("task", "name"), MUTANTS)
def test_mutant_is_rejected_and_named(task, name):
    """Каждый мутант, сданный как ответ, отвергнут, и названа именно его ошибка."""
    check = get_task(task).check
    mutant = get_task(task).mistakes[name].mutant

    def answer(*inputs):
        return mutant(*[i.numpy() if isinstance(i, torch.Tensor) else i for i in inputs])

    for seed in (1, 2):
        finding = check(Unwatched(answer), np.random.default_rng(seed))
        assert finding is not None and finding.mistake == name


# ------------------------------------------------------------------ опыт с абляцией


def honest(train, parts):
    """Парные разности по двадцати зёрнам."""
    result = {}
    for part in parts:
        rest = [other for other in parts if other != part]
        result[part] = np.mean([train(parts, seed) - train(rest, seed) for seed in range(20)])
    return result


def test_honest_ablation_is_accepted_every_time():
    """Парный опыт с двадцатью зёрнами проходит много раз подряд."""
    task = get_task("07.5")
    assert all(run_check(task, LocalAnswer(honest), seed).is_right for seed in range(12))


def test_unpaired_ablation_is_rejected_every_time():
    """Те же двадцать зёрен, но у каждого рецепта свои: удача не сократилась."""

    def unpaired(train, parts):
        full = np.mean([train(parts, seed) for seed in range(20)])
        return {
            part: full - np.mean([train([p for p in parts if p != part], 50 * (k + 1) + seed)
                                  for seed in range(20)])
            for k, part in enumerate(parts)
        }  # fmt: skip

    task = get_task("07.5")
    for seed in range(6):
        outcome = run_check(task, LocalAnswer(unpaired), seed)
        assert outcome.verdict is Verdict.WRONG and outcome.mistake == "unpaired"


def test_right_numbers_without_seeds_are_not_enough():
    """Верные числа по семи зёрнам — везение: опыт должен быть убедителен."""

    def lucky(train, parts):
        return {part: np.mean([train(parts, s) - train([p for p in parts if p != part], s)
                               for s in range(7)]) for part in parts}  # fmt: skip

    assert run_check(get_task("07.5"), LocalAnswer(lucky), 3).mistake == "few_seeds"


def test_lab_repeats_and_runs_out():
    """Один и тот же запуск даёт одно и то же; запусков не больше, чем обещано."""
    effects = dict.fromkeys(PARTS, 2.0)
    train = recipe_lab(7, effects, {}, [])
    assert train(PARTS, 3) == train(set(PARTS), 3) != train(PARTS, 4)
    assert lab_quality(PARTS, effects, {f"{PARTS[0]}+{PARTS[1]}": 5.0}) == 30 + 2 * len(PARTS) + 5
    with pytest.raises(ValueError, match="«соль» нет"):
        train(["соль"], 1)
    for seed in range(RECIPE_RUNS - 3):
        train(PARTS[:1], seed)
    with pytest.raises(ValueError, match="запуски кончились"):
        train(PARTS, 1)


# ------------------------------------------------------------------ по проводу


class NearSession:
    """Песочница без песочницы: те же просьбы и ответы через JSON, но в этом процессе."""

    limits = Limits()

    def __init__(self, name, function):
        self.runner = object.__new__(Runner)
        self.runner.judge = self
        self.runner.shell = SimpleNamespace(user_ns={name: function})

    def ask(self, seconds, answer=None, *, do, **request):
        """Просьба судьи исполнителю."""
        self.answer = answer
        sent = json.loads(json.dumps(request))
        return json.loads(json.dumps(getattr(self.runner, f"do_{do}")(sent)))

    def send(self, **message):
        """Просьба исполнителя судье: вызвать оставшуюся у него функцию."""
        self.reply = self.answer(json.loads(json.dumps(message)))

    def receive(self):
        """Ответ судьи."""
        return json.loads(json.dumps(self.reply))


FUNCTIONS = [task.id for task in load_tasks().values() if task.is_function]


@pytest.mark.parametrize("task", FUNCTIONS)
def test_right_answer_passes_over_the_wire(task):
    """Верный ответ верен и там, где входы приходят по проводу: словарь весов, запуск рецепта."""
    path = FOLDER / f"{task}.md"
    entry = next(entry for entry in read_bank(path) if entry.verdict is Verdict.RIGHT)
    name = get_task(task).name
    session = NearSession(name, entry.answer())
    outcome = run_check(get_task(task), SandboxAnswer(session, name, Facts(callable=True)), 4)
    assert outcome.is_right, repr(outcome)


def test_tracked_tensor_is_changed():
    """requires_grad чужого тензора — порча, и судья узнаёт о ней; у своей копии — нет."""
    entries = read_bank(FOLDER / "07.2.md")
    lent = next(entry for entry in entries if entry.mistake == "mutates")
    own = next(entry for entry in entries if entry.verdict is Verdict.RIGHT)
    for entry, mistake in ((lent, "mutates"), (own, "")):
        session = NearSession("distill_step", entry.answer())
        answer = SandboxAnswer(session, "distill_step", Facts(callable=True))
        assert run_check(get_task("07.2"), answer, 4).mistake == mistake
        assert run_check(get_task("07.2"), LocalAnswer(entry.answer()), 4).mistake == mistake


# ------------------------------------------------------------------ рисунок


def test_curves_say_what_the_answer_says():
    """Ответы 05.5 следуют из чисел рисунка, а подпись их не выдаёт."""
    right = get_task("05.5").check.right
    edges = {
        name: {n: (c - d, c + d) for n, (c, d) in zip(LABELS, curve, strict=True)}
        for name, curve in LABEL_CURVES.items()
    }
    for labels in (50, 100, 500):
        tuned, frozen = edges["дообучение"][labels], edges["признаки"][labels]
        verdict = "не доказано"
        if tuned[0] > frozen[1]:
            verdict = "дообучение"
        if frozen[0] > tuned[1]:
            verdict = "признаки"
        assert right[f"при {labels}"] == verdict
    above = [n for n in LABELS if edges["с нуля"][n][0] > edges["признаки"][n][1]]
    assert right["с нуля лучше признаков"] == min(above)
    goal = dict(zip(LABELS, LABEL_CURVES["дообучение"], strict=True))[200][0]
    scratch = dict(zip(LABELS, LABEL_CURVES["с нуля"], strict=True))
    assert right["во сколько раз"] == min(n for n in LABELS if scratch[n][0] >= goal) / 200
    assert not re.search("лучше|доказан|раз больше", labels_picture().alt)
