"""Согласование выбором из двух и вехи обучения: случайный уровень — половина, правда — единица."""

from __future__ import annotations

import tomllib
from collections import Counter

import pytest
import torch

from lecture_lib.checkpoints import save_checkpoint
from lecture_lib.config import TINY
from lecture_lib.corpus import documents
from lecture_lib.corpus.lexicon import lexicon
from lecture_lib.experiments import agreement, directions, milestones
from lecture_lib.heads import PretrainingModel, PretrainingOutput
from lecture_lib.pretrained import read_card
from lecture_lib.tokenization import load_tokenizer

TOKENIZER = load_tokenizer()


@pytest.fixture(scope="module")
def questions():
    return agreement.sample_questions(TOKENIZER, 40, seed=1)


class _Says(torch.nn.Module):
    """Модель, которая на любом месте ставит выше те токены, что названы."""

    config = TINY

    def __init__(self, ids):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(TINY.vocab_size))
        self.weight.data[list(ids)] = 1.0

    def forward(self, input_ids, attention_mask, token_type_ids=None, *, positions):
        logits = self.weight.expand(int(positions.sum()), -1)
        return PretrainingOutput(logits, None, logits)


def test_questions_are_balanced_and_one_verb(questions):
    """На каждую пару форм столько же вопросов в обратную сторону, и глагол в вопросе один."""
    kinds = Counter(question.kinds for question in questions)
    assert len(questions) == 40
    assert all(kinds[pair] == kinds[pair[::-1]] for pair in kinds)
    verbs = [lexeme.forms for (pos, _), lexeme in lexicon().lexemes.items() if pos == "VERB"]
    for question in questions:
        right, wrong = question.kinds
        assert any(
            forms.get(right) == question.right and forms.get(wrong) == question.wrong
            for forms in verbs
        )
        assert question.input_ids[question.place] == TOKENIZER.mask_token_id
        assert TOKENIZER.convert_ids_to_tokens(question.right_id) == question.right


def test_feature_is_what_the_forms_differ_in(questions):
    """«Число» — если одна из форм множественная, иначе «род»; доли считаются порознь."""
    for question in questions:
        plural = ["plur" in kind for kind in question.kinds]
        assert question.about == ("число" if any(plural) else "род")
    says = agreement.score_by_feature(
        _Says([q.right_id for q in questions[:1]]), TOKENIZER, questions
    )
    assert sum(row["total"] for row in says.values()) == len(questions)
    assert set(says) <= {"число", "род"}


def test_document_kinds_restrict_the_source():
    """Вопросы берутся только из документов названных видов."""
    chosen = ("chronicle", "construction")
    found = agreement.sample_questions(TOKENIZER, 20, seed=2, document_kinds=chosen)
    texts = [
        s.text for d in documents(2, "validation", 0, 800) if d.kind in chosen for s in d.sentences
    ]
    for question in found:
        before, _, after = question.text.partition("[MASK]")
        assert any(text.startswith(before) and text.endswith(after) for text in texts)
    with pytest.raises(ValueError, match="уравновешенных вопросов"):
        agreement.sample_questions(TOKENIZER, 2, document_kinds=("нет такого",))


def test_truth_scores_one_and_a_favourite_form_one_half(questions):
    """Знающий правду прав всегда; тот, кто всегда выбирает одну форму, — в половине случаев."""
    for question in questions:
        knows, errs = _Says([question.right_id]), _Says([question.wrong_id])
        assert agreement.answer(knows, TOKENIZER, [question]) == [True]
        assert agreement.answer(errs, TOKENIZER, [question]) == [False]
    pairs = [q for q in questions if set(q.kinds) == {"past masc", "past femn"}]
    masculine = [(q.right_id, q.wrong_id)[q.kinds[0] != "past masc"] for q in pairs]
    right = [
        agreement.answer(_Says([favourite]), TOKENIZER, [question])[0]
        for favourite, question in zip(masculine, pairs, strict=True)
    ]
    assert pairs and sum(right) == len(pairs) / 2


def test_any_verb_in_the_right_form_is_enough(questions):
    """Вопрос о форме: верен и чужой глагол, если форма верна; любимая форма — ровно половина."""
    forms = agreement.form_ids(TOKENIZER)
    known = TOKENIZER.get_vocab()
    assert {"сказал", "пошёл"} <= {t for t in known if known[t] in set(forms["past masc"])}
    for question in questions:
        assert question.right_id in forms[question.kinds[0]]
        assert question.wrong_id in forms[question.kinds[1]]
        right, wrong = (set(forms[kind]) for kind in question.kinds)
        other = min(right - wrong - {question.right_id})
        model = _Says([other])
        model.weight.data *= 50  # один глагол против сотен других
        assert agreement.answer_form(model, TOKENIZER, [question]) == [True]
        assert agreement.answer(model, TOKENIZER, [question]) == [False]
    plural = _Says(forms["past plur"])
    about = [q for q in questions if q.about == "число"]
    assert about and sum(agreement.answer_form(plural, TOKENIZER, about)) == len(about) / 2


def test_score_has_an_interval(questions):
    found = agreement.score(_Says([questions[0].right_id]), TOKENIZER, questions[:1])
    assert found["accuracy"] == 1.0 and found["low"] < 1.0 == found["high"] and found["total"] == 1


def test_milestones_follow_the_checkpoints(tmp_path, monkeypatch):
    """Строки идут по шагам чекпойнтов; без чекпойнтов — понятный отказ."""
    with pytest.raises(ValueError, match="чекпойнтов здесь нет"):
        milestones.run(tmp_path, TOKENIZER)
    torch.manual_seed(0)
    weights = PretrainingModel(TINY).state_dict()
    for step in (2, 1):
        state = {"model": weights, "step": step, "tokens": 1_000_000 * step}
        save_checkpoint(tmp_path, step, state, kept=None)
    monkeypatch.setattr(milestones, "AGREEMENT_QUESTIONS", 8)
    monkeypatch.setattr(milestones.probes, "probes", lambda: milestones_probes())
    rows = milestones.run(tmp_path, TOKENIZER, TINY, seeds=(1,), per_seed=2)
    assert [row["step"] for row in rows] == sorted(row["step"] for row in rows)
    assert {row["source"] for row in rows} == {"слова", "выбор", "вопросы"}
    points = milestones.curves(rows, "выбор")["число"]
    assert [tokens for tokens, _ in points] == [1.0, 2.0]
    assert points[0][1] == points[1][1]  # веса у обоих чекпойнтов одни
    assert set(milestones.curves(rows)) <= set(directions.KINDS)


@pytest.mark.parametrize(
    ("growth", "expected"),
    [(1.0, [1, 2, 3, 4, 5, 6, 7, 8, 9]), (2.0, [1, 2, 4, 8, 9]), (1.5, [1, 2, 3, 5, 8, 9])],
)
def test_spaced_checkpoints(growth, expected):
    """Первый, каждый следующий хотя бы в growth раз дальше — и последний, даже если он близко."""
    assert milestones.spaced(range(1, 10), growth) == expected
    assert milestones.spaced([400], growth) == [400]


def test_only_spaced_checkpoints_are_asked(tmp_path, monkeypatch):
    """run спрашивает те чекпойнты, которые выбрал spaced, и никакие другие."""
    for step in range(1, 10):
        save_checkpoint(tmp_path, step, {"step": step, "tokens": 10 * step, "model": {}}, kept=None)
    monkeypatch.setattr(milestones.directions, "sample_questions", lambda *_: [])
    monkeypatch.setattr(milestones.agreement, "sample_questions", lambda *_: [])
    monkeypatch.setattr(milestones.PretrainingModel, "load_state_dict", lambda *_: None)
    monkeypatch.setattr(milestones, "measure", lambda *_: [{"kind": "проба"}])
    rows = milestones.run(tmp_path, TOKENIZER, TINY, growth=2)
    assert [(row["step"], row["tokens"]) for row in rows] == [
        (1, 10), (2, 20), (4, 40), (8, 80), (9, 90),
    ]  # fmt: skip


def test_halfway_counts_from_chance():
    """Полпути — от случайного уровня до конца, а не от нуля."""
    points = [(1.0, 0.5), (2.0, 0.6), (3.0, 0.8), (4.0, 1.0)]
    assert milestones.halfway(points) == 1.0
    assert milestones.halfway(points, chance=0.5) == 3.0


def test_shipped_milestones_are_the_ones_drawn():
    """Строки поставки: по чекпойнту — все виды, шаги растут по правилу, доли — в интервалах."""
    rows = milestones.load_rows()
    moments = sorted({(row["step"], row["tokens"]) for row in rows})
    steps, tokens = zip(*moments, strict=True)
    assert list(steps) == milestones.spaced(steps) and len(steps) >= 10
    assert list(tokens) == sorted(set(tokens))
    card = read_card("mini")
    assert (steps[-1], tokens[-1]) == (card["total_steps"], card["tokens"])
    kinds = {"слова": set(directions.KINDS), "выбор": {"число", "род"}}
    for source, expected in kinds.items():
        drawn = milestones.curves(rows, source)
        assert set(drawn) == expected
        assert all([x for x, _ in points] == [t / 1e6 for t in tokens] for points in drawn.values())
    measured = [row for row in rows if row["source"] in kinds]
    assert all(row["low"] <= row["accuracy"] <= row["high"] for row in measured)
    asked = {kind.kind for kind in milestones.probes.probes()} | {"всего"}
    assert set(milestones.curves(rows, "вопросы")) == asked


def test_experiment_data_travels_with_the_package(root):
    """Строки опытов и вопросы названы среди данных пакета: без этого урок 04 их не нашёл бы."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["lecture_lib.experiments"]
    packed = {path for pattern in patterns for path in milestones.FILE.parent.glob(pattern)}
    assert packed >= {milestones.FILE, milestones.probes.FILE}
    assert {path.suffix for path in packed} == {".json", ".tsv"}


def milestones_probes():
    """Один вопрос вместо ста: тест — не опыт."""
    from lecture_lib.experiments.probes import Probe

    return [Probe("время", "Вчера мы [MASK] фильм.", "@VERB,past,plur")]
