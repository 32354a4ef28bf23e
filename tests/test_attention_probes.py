"""Пробы внимания: известное внимание даёт известные доли, подслова складываются по правилу."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lecture_lib.attention import word_attention
from lecture_lib.config import EncoderConfig
from lecture_lib.corpus import Document, Sentence, TokenTruth, documents
from lecture_lib.experiments import attention_budget, attention_probes, head_ablation
from lecture_lib.experiments.attention_probes import (
    ANTECEDENT,
    DEFINITION,
    FAR_PREDICATE,
    HEAD,
    NEXT,
    OFFSET,
    PREDICATE,
    PREVIOUS,
    PROBES,
    RULE,
    SEPARATOR,
    UNTRAINED,
    Case,
    Source,
    head_hits,
    offset_hits,
    rule_hits,
    sample_cases,
    tabulate,
    untrained_like,
)
from lecture_lib.experiments.passages import Passage, passage_attentions, split_into_passages
from lecture_lib.heads import PretrainingModel
from lecture_lib.tokenization import load_tokenizer

TOKENIZER = load_tokenizer()


def word(text, start, pos, features="", **truth):
    return TokenTruth(text, start, start + len(text), text.lower(), pos, features, **truth)


def tiny_document():
    """«Старый кот спал. Он устал.» — с разметкой, написанной руками."""
    first = (
        word("Старый", 0, "ADJF", "nomn sing masc", head=1),
        word("кот", 7, "NOUN", "nomn sing masc anim", entity=0),
        word("спал", 11, "VERB", "past sing masc impf", head=1),
        word(".", 15, "PNCT"),
    )
    second = (
        replace(word("Он", 0, "NPRO", "nomn 3per sing masc", entity=0), antecedent=(0, 1)),
        word("устал", 3, "VERB", "past sing masc perf", head=0),
        word(".", 8, "PNCT"),
    )
    sentences = (Sentence("Старый кот спал.", first), Sentence("Он устал.", second))
    return Document(0, "story", "кот", sentences)


@cache
def real_cases():
    """Вопросы настоящих документов."""
    return sample_cases(TOKENIZER, seed=1, start=0, count=40)


class FakeModel(nn.Module):
    """Вместо модели: слой из двух голов, вторая равномерна, первая смотрит куда сказано."""

    def __init__(self, passages, look: Callable[[Passage, int], int]):
        super().__init__()
        self.known = {passage.input_ids: passage for passage in passages}
        self.look = look

    def forward(self, input_ids, attention_mask, output_attentions=True):
        rows = zip(input_ids.tolist(), attention_mask.sum(1).tolist(), strict=True)
        return SimpleNamespace(attentions=(torch.stack([self.attend(*row) for row in rows]),))

    def attend(self, ids, length):
        passage, size = self.known[tuple(ids[:length])], len(ids)
        weights = torch.zeros(2, size, size)
        weights[1, :, :length] = 1 / length
        for token, unit in enumerate(passage.units):
            at = [t for t, u in enumerate(passage.units) if u == self.look(passage, unit)]
            weights[0, token, at] = 1 / len(at)
        return weights


def neighbour(step):
    return lambda passage, unit: min(max(unit + step, 0), len(passage.words) + 1)


def truthful(probe, cases):
    """Смотрит ровно туда, куда велит разметка; о чём не спросили — на [CLS]."""
    targets = {(c.passage, c.unit): min(c.targets) for c in cases if c.probe == probe}
    return lambda passage, unit: targets.get((passage, unit), 0)


def share(hits, cases, probe):
    """Доля верных у каждой головы на вопросах пробы."""
    asked = [number for number, case in enumerate(cases) if case.probe == probe]
    return hits[asked].float().mean(0)


def passages_of(cases):
    return list(dict.fromkeys(case.passage for case in cases))


def test_words_are_summed_over_columns_and_averaged_over_rows():
    """Слово из двух подслов: к нему — сумма, от него — среднее; строки по-прежнему дают 1."""
    weights = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.4, 0.1, 0.1, 0.4],
                            [0.2, 0.2, 0.2, 0.4], [0.0, 0.5, 0.5, 0.0]])  # fmt: skip
    words = word_attention(weights, [0, 1, 1, 2])
    expected = torch.tensor([[0.1, 0.5, 0.4], [0.3, 0.3, 0.4], [0.0, 1.0, 0.0]])
    torch.testing.assert_close(words, expected)
    many = torch.rand(2, 3, 4, 4).softmax(-1)
    torch.testing.assert_close(
        word_attention(many, [0, 1, 1, 2])[1, 2], word_attention(many[1, 2], [0, 1, 1, 2])
    )


def test_units_must_cover_all_tokens():
    """Токенов столько же, сколько номеров, и у каждого слова хоть один токен."""
    with pytest.raises(ValueError, match="units: их 3"):
        word_attention(torch.eye(4), [0, 1, 2])
    with pytest.raises(ValueError, match="слово без токенов"):
        word_attention(torch.eye(4), [0, 1, 3, 3])


def test_passage_keeps_words_and_links():
    """Единицы токенов, номера слов и связи между предложениями — как в разметке."""
    (passage,) = split_into_passages(TOKENIZER, tiny_document())
    assert passage.names == ["[CLS]", "Старый", "кот", "спал", ".", "Он", "устал", ".", "[SEP]"]
    assert passage.units[0] == 0 and passage.units[-1] == 8
    assert sorted(set(passage.units)) == list(range(9))
    assert (passage.head(0), passage.head(2), passage.head(5)) == (1, 1, 4)
    assert passage.antecedent(4) == 1 and passage.antecedent(1) is None
    text = TOKENIZER("Старый кот спал. Он устал.").input_ids
    assert list(passage.input_ids) == text


def test_long_documents_are_cut_by_sentences():
    """Отрывки не длиннее предела, ни одно предложение не повторено и не разорвано."""
    document = next(d for d in documents(1, "validation", truth=True) if len(d.sentences) > 5)
    passages = list(split_into_passages(TOKENIZER, document, longest=40))
    assert len(passages) > 1 and max(len(p.input_ids) for p in passages) <= 42
    places = [place for passage in passages for place in passage.places]
    assert places == sorted(set(places))
    (number, index), found = passages[-1].places[0], passages[-1].words[0]
    assert index == 0 and document.sentences[number].truth[0] == found


def test_antecedent_outside_the_passage_is_unknown():
    """Имя осталось в прошлом отрывке — спрашивать об антецеденте нечего."""
    longest = len(TOKENIZER("Старый кот спал.").input_ids) - 2
    first, second = split_into_passages(TOKENIZER, tiny_document(), longest)
    assert second.antecedent(0) is None and first.names[-2:] == [".", "[SEP]"]


def test_words_glued_into_one_token_are_skipped():
    """Два смайлика — один [UNK]: такое предложение в отрывок не берётся, соседнее — берётся."""
    glued = (word("Ура", 0, "INTJ"), word("🎉", 4, "PNCT"), word("🎉", 5, "PNCT"))
    (plain, _) = tiny_document().sentences
    both = Document(0, "chat", "кот", (Sentence("Ура 🎉🎉", glued), plain))
    (passage,) = split_into_passages(TOKENIZER, both)
    assert passage.names == ["[CLS]", "Старый", "кот", "спал", ".", "[SEP]"]
    assert passage.places[0] == (1, 0)


def test_documents_without_truth_are_refused():
    plain = Document(7, "story", "кот", (Sentence("Кот спал."),))
    with pytest.raises(ValueError, match="документа 7 нет разметки"):
        list(split_into_passages(TOKENIZER, plain))


@pytest.mark.parametrize(
    ("probe", "index", "targets"),
    [
        (PREVIOUS, 0, set()),
        (PREVIOUS, 4, {3}),
        (NEXT, 6, set()),
        (NEXT, 2, {3}),
        (SEPARATOR, 2, {7}),
        (DEFINITION, 0, {1}),
        (DEFINITION, 2, set()),
        (PREDICATE, 2, {1}),
        (PREDICATE, 5, {4}),
        (FAR_PREDICATE, 2, set()),
        (ANTECEDENT, 4, {1}),
        (ANTECEDENT, 1, set()),
    ],
)
def test_rules_follow_the_annotation(probe, index, targets):
    """Куда должно смотреть каждое слово «Старый кот спал. Он устал.»."""
    (passage,) = split_into_passages(TOKENIZER, tiny_document())
    assert attention_probes.RULES[probe](passage, index) == targets


def test_one_case_of_a_probe_per_document():
    """Документ даёт не больше одного вопроса каждой пробы, и порядок решает только зерно."""
    document = next(iter(documents(1, "validation", truth=True)))
    passages = list(split_into_passages(TOKENIZER, document))
    cases = attention_probes.document_cases(passages, random.Random(3))
    asked = [case.probe for case in cases]
    assert len(asked) == len(set(asked))
    assert cases == attention_probes.document_cases(passages, random.Random(3))


def test_every_probe_is_asked():
    assert {case.probe for case in real_cases()} == set(PROBES)
    for case in real_cases():
        assert case.unit not in case.targets and case.targets <= set(case.candidates)


@pytest.mark.parametrize(("step", "probe", "other"), [(-1, PREVIOUS, NEXT), (1, NEXT, PREVIOUS)])
def test_neighbour_head_scores_everything(step, probe, other):
    """Голова, которая смотрит на соседа, получает 100 % в своей пробе и 0 % в обратной."""
    cases = real_cases()
    hits = head_hits(FakeModel(passages_of(cases), neighbour(step)), cases)
    assert hits.shape == (len(cases), 1, 2)
    assert share(hits, cases, probe)[0, 0] == 1.0
    assert share(hits, cases, other)[0, 0] == 0.0


@pytest.mark.parametrize("probe", [SEPARATOR, DEFINITION, PREDICATE, FAR_PREDICATE, ANTECEDENT])
def test_truthful_head_scores_everything(probe):
    """Голова, которая смотрит по разметке, получает 100 %, а равномерная — почти ничего."""
    cases = real_cases()
    hits = head_hits(FakeModel(passages_of(cases), truthful(probe, cases)), cases)
    assert share(hits, cases, probe)[0, 0] == 1.0
    asked = [case for case in cases if case.probe == probe]
    chance = sum(case.chance for case in asked) / len(asked)
    assert share(hits, cases, probe)[0, 1] <= chance + 0.15


def test_padding_does_not_change_attention():
    """Отрывок один и в батче с длинными: внимание между его словами то же."""
    model = untrained_like(small_model())
    passages = passages_of(real_cases())[:5]
    together = dict(passage_attentions(model, passages))
    for number, passage in enumerate(passages):
        ((_, alone),) = passage_attentions(model, [passage])
        torch.testing.assert_close(together[number], alone, atol=1e-5, rtol=0)
        torch.testing.assert_close(alone.sum(-1), torch.ones(alone.shape[:-1]))


def small_model():
    config = EncoderConfig(
        vocab_size=len(TOKENIZER), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=128, initializer_range=0.3,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return PretrainingModel(config).eval()


def test_baselines_know_only_places():
    """Смещение −1 всегда право в пробе «предыдущее слово»; правило находит кота."""
    cases = real_cases()
    column = attention_probes.OFFSETS.index(-1)
    assert share(offset_hits(cases), cases, PREVIOUS)[column] == 1.0
    (passage,) = split_into_passages(TOKENIZER, tiny_document())
    he = Case(ANTECEDENT, passage, 5, frozenset({2}))
    assert rule_hits([he]).tolist() == [[True]]
    assert rule_hits([replace(he, unit=6, targets=frozenset({5}))]).tolist() == [[False]]


def test_best_head_is_chosen_on_other_cases():
    """Голова, лучшая на части для выбора, отчитывается на другой — даже если там плоха."""
    cases = [case for case in real_cases() if case.probe == PREVIOUS]
    lucky = torch.zeros(len(cases), 2, dtype=torch.bool)
    lucky[:, 1] = True
    places = [{"layer": 1, "head": 1}, {"layer": 1, "head": 2}]
    head = Source(HEAD, places, lucky, ~lucky)
    offset = Source(OFFSET, [{"offset": -1}], lucky[:, 1:], lucky[:, 1:])
    row, base = tabulate(cases, cases, [head, offset])
    assert (row["head"], row["selected"], row["share"]) == (2, 1.0, 0.0)
    assert base["share"] == 1.0 and base["low"] > 0.85
    assert row["baseline"] == OFFSET and row["p_value"] < 1e-6 and not row["proven"]


def test_proven_needs_a_better_head():
    """Голова права там, где смещение ошибается, — различие доказано."""
    cases = [case for case in real_cases() if case.probe == PREVIOUS]
    right = torch.ones(len(cases), 1, dtype=torch.bool)
    head = Source(HEAD, [{"layer": 1, "head": 1}], right, right)
    offset = Source(OFFSET, [{"offset": 1}], ~right, ~right)
    row = tabulate(cases, cases, [head, offset])[0]
    assert row["proven"] and row["difference"] == 1.0


def test_run_returns_every_row():
    """Опыт целиком: строки всех проб, интервалы вокруг долей, у случайной модели — почти наугад."""
    rows = attention_probes.run(small_model(), TOKENIZER, documents_per_part=15)
    assert list(dict.fromkeys(row["probe"] for row in rows)) == list(PROBES)
    assert {row["kind"] for row in rows} == {HEAD, UNTRAINED, OFFSET, RULE}
    for row in rows:
        assert row["low"] - 1e-9 <= row["share"] <= row["high"] + 1e-9  # у края — округление
        assert 0 < row["chance"] < 1
    assert not any(row["proven"] for row in rows if row["kind"] == HEAD)


def test_budget_of_a_known_head():
    """Голова, смотрящая налево, тратит внимание на соседей, знаки у неё — в доле соседа."""
    passages = passages_of(real_cases())[:4]
    left, uniform = attention_budget.run(FakeModel(passages, neighbour(-1)), passages)
    assert left["слово слева"] + left["[CLS]"] == pytest.approx(1.0)
    assert sum(uniform[place] for place in attention_budget.PLACES) == pytest.approx(1.0, abs=1e-5)
    assert uniform["другие слова"] > uniform["[SEP]"]
    with pytest.raises(ValueError, match="ни одного слова"):
        attention_budget.run(FakeModel([], neighbour(0)), [])


def test_silenced_head_gives_zeros():
    """Выключить голову — то же, что обнулить её значения V; после with модель прежняя."""
    model = small_model()
    ids = torch.tensor([[2, 40, 50, 60, 3]])
    before = model.encoder(ids).last_hidden_state
    with head_ablation.silenced(model, layer=2, head=1):
        silent = model.encoder(ids).last_hidden_state
    torch.testing.assert_close(model.encoder(ids).last_hidden_state, before)
    with torch.no_grad():
        value = model.encoder.layers[1].attention.value
        value.weight[:8], value.bias[:8] = 0, 0  # d = 8: первая голова
    torch.testing.assert_close(model.encoder(ids).last_hidden_state, silent)
    assert not torch.allclose(silent, before, atol=1e-3)


@pytest.mark.parametrize(("layer", "head", "said"), [(0, 1, "layer = 0"), (1, 3, "head = 3")])
def test_unknown_head_is_refused(layer, head, said):
    with (
        pytest.raises(ValueError, match=said),
        head_ablation.silenced(small_model(), layer, head),
    ):
        pass


def test_ablation_measures_the_loss():
    """Строка на голову; у головы, чьи значения и так нулевые, прирост равен нулю."""
    model = small_model()
    with torch.no_grad():
        value = model.encoder.layers[0].attention.value
        value.weight[8:], value.bias[8:] = 0, 0  # вторая голова первого слоя молчит сама
    rows = head_ablation.run(model, TOKENIZER, passages_of(real_cases())[:6])
    assert [(row["layer"], row["head"]) for row in rows[1:]] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert rows[2]["increase"] == 0.0 and rows[1]["increase"] != 0.0
    for row in rows[1:]:
        assert row["low"] <= row["increase"] <= row["high"]
        assert row["loss"] - rows[0]["loss"] == pytest.approx(row["increase"], abs=1e-5)
