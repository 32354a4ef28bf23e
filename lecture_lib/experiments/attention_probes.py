"""Опыт урока 03: куда смотрят головы внимания — пробы, которые это измеряют.

Картинка внимания красноречива, и легко увидеть в ней то, что хочется. Поэтому: вопрос («куда
смотрит слово?») и верный ответ берутся из разметки «Городка», а голове засчитывается ответ, если
самая большая доля внимания слова пришлась на нужное место. Кандидаты — все остальные слова и
знаки отрывка; [CLS] и [SEP] — кандидаты только в пробе «[SEP]».

Две ловушки обойдены так. Голов много, и лучшая из восемнадцати хороша уже случайно: она
выбирается на одних документах, а доля считается на других. Слова одного документа похожи друг на
друга: каждый документ даёт не больше одного вопроса каждой пробы, поэтому вопросы независимы.

Рядом — базовые уровни: лучшее фиксированное смещение (Clark et al., 2019, раздел 4.2), лучшая
голова необученной модели и, для местоимения, ближайшее слева существительное того же рода и числа.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lecture_lib.corpus import TokenTruth, documents
from lecture_lib.experiments.passages import Passage, passage_attentions, split_into_passages
from lecture_lib.experiments.statistics import holm_adjusted, mcnemar_p_value, wilson_interval
from lecture_lib.heads import PretrainingModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PREVIOUS, NEXT, SEPARATOR = "предыдущее слово", "следующее слово", "[SEP]"
DEFINITION = "определение → существительное"
PREDICATE = "сказуемое → подлежащее"
FAR_PREDICATE = "то же, не рядом"
ANTECEDENT = "«он», «она» → кто это"
HEAD, OFFSET, UNTRAINED, RULE = "голова", "смещение", "необученная", "правило"
OFFSETS = tuple(offset for offset in range(-12, 13) if offset)
SIGNIFICANT = 0.05
_GRAMMAR = {"sing", "plur", "masc", "femn", "neut"}


@dataclass(frozen=True)
class Case:
    """Вопрос пробы: слово отрывка (единица unit) и единицы, на которые верно смотреть."""

    probe: str
    passage: Passage
    unit: int
    targets: frozenset[int]

    @property
    def candidates(self) -> list[int]:
        """Единицы, из которых выбирает голова: слова, кроме самого; в пробе «[SEP]» — все."""
        last = len(self.passage.words) + 1
        units = range(last + 1) if self.probe == SEPARATOR else range(1, last)
        return [unit for unit in units if unit != self.unit]

    @property
    def chance(self) -> float:
        """Вероятность ответить верно наугад."""
        return len(self.targets) / len(self.candidates)


def _previous(passage: Passage, index: int) -> set[int]:
    return {index - 1} if index else set()


def _next(passage: Passage, index: int) -> set[int]:
    return {index + 1} if index + 1 < len(passage.words) else set()


def _separator(passage: Passage, index: int) -> set[int]:
    return {len(passage.words)}


def _definition(passage: Passage, index: int) -> set[int]:
    word, head = passage.words[index], passage.head(index)
    agrees = word.pos in ("ADJF", "PRTF") and word.lemma != "который" and head is not None
    return {head} if agrees and passage.words[head].pos == "NOUN" else set()


def _predicate(passage: Passage, index: int) -> set[int]:
    """Подлежащее; у «Анны Ивановой» верны и имя, и фамилия рядом с ним."""
    head = passage.head(index)
    if passage.words[index].pos != "VERB" or head is None:
        return set()
    subject = passage.words[head]
    if "nomn" not in subject.features.split():
        return set()
    near = range(max(0, head - 1), min(len(passage.words), head + 2))
    return {head} | {i for i in near if _same_noun(passage.words[i], subject)}


def _far_predicate(passage: Passage, index: int) -> set[int]:
    """Только те сказуемые, рядом с которыми подлежащего нет: соседство их не выручит."""
    targets = _predicate(passage, index)
    return set() if targets & {index - 1, index + 1} else targets


def _same_noun(word: TokenTruth, subject: TokenTruth) -> bool:
    same = word.entity is not None and word.entity == subject.entity
    return same and word.pos == subject.pos == "NOUN"


def _antecedent(passage: Passage, index: int) -> set[int]:
    """Любое более раннее упоминание того, о ком «он», «она», «они»; причастия не в счёт."""
    word, antecedent = passage.words[index], passage.antecedent(index)
    if word.pos != "NPRO" or word.lemma != "он" or antecedent is None:
        return set()
    return {antecedent} | {
        i
        for i, other in enumerate(passage.words[:index])
        if other.entity == word.entity and other.pos in ("NOUN", "NPRO")
    }


RULES: dict[str, Callable[[Passage, int], set[int]]] = {
    PREVIOUS: _previous,
    NEXT: _next,
    SEPARATOR: _separator,
    DEFINITION: _definition,
    PREDICATE: _predicate,
    FAR_PREDICATE: _far_predicate,
    ANTECEDENT: _antecedent,
}
PROBES = tuple(RULES)


def document_cases(passages: Sequence[Passage], draw: random.Random) -> list[Case]:
    """По одному вопросу каждой пробы из отрывков одного документа; какой — решает draw."""
    cases = []
    for probe, rule in RULES.items():
        found = [
            (passage, index, targets)
            for passage in passages
            for index, word in enumerate(passage.words)
            if word.text.isalpha() and (targets := rule(passage, index))
        ]
        if found:
            passage, index, targets = found[int(draw.random() * len(found))]
            cases.append(Case(probe, passage, index + 1, frozenset(t + 1 for t in targets)))
    return cases


def sample_cases(
    tokenizer: PreTrainedTokenizerFast,
    seed: int = 1,
    start: int = 0,
    count: int = 300,
    split: str = "validation",
) -> list[Case]:
    """Вопросы из документов с номерами start … start + count − 1."""
    draw = random.Random(seed)
    return [
        case
        for document in documents(seed, split, start, count, truth=True)
        for case in document_cases(list(split_into_passages(tokenizer, document)), draw)
    ]


def head_hits(model: nn.Module, cases: Sequence[Case], pad_token_id: int = 0) -> Tensor:
    """Верно ли смотрит каждая голова: (N, L, H) bool — на нужное место пришлось больше всего."""
    passages = list(dict.fromkeys(case.passage for case in cases))
    hits: list[Tensor | None] = [None] * len(cases)
    asked: dict[Passage, list[int]] = {}
    for number, case in enumerate(cases):
        asked.setdefault(case.passage, []).append(number)
    for index, weights in passage_attentions(model, passages, pad_token_id):
        for number in asked[passages[index]]:
            case = cases[number]
            hits[number] = looks_right(weights, case.unit, case.candidates, case.targets)
    return torch.stack(hits)


def looks_right(
    weights: Tensor, unit: int, candidates: Sequence[int], targets: Collection[int]
) -> Tensor:
    """Больше ли всего внимания единицы ушло в targets: (L, H, U, U) -> (L, H) bool."""
    most = weights[:, :, unit, candidates].max(-1)  # по кандидатам: (L, H)
    is_target = torch.tensor([other in targets for other in candidates])
    return is_target[most.indices] & (most.values > 0)  # ни на кого не смотрит — не верно


def offset_hits(cases: Sequence[Case]) -> Tensor:
    """Верен ли ответ «слово на столько-то правее (левее)»: (N, число смещений) bool."""
    return torch.tensor([[c.unit + offset in c.targets for offset in OFFSETS] for c in cases])


def rule_hits(cases: Sequence[Case]) -> Tensor:
    """Верно ли правило «ближайшее слева существительное того же рода и числа»: (N, 1) bool."""
    return torch.tensor([[_nearest_noun(case) in case.targets] for case in cases])


def _nearest_noun(case: Case) -> int | None:
    words = case.passage.words
    wanted = _GRAMMAR & set(words[case.unit - 1].features.split())
    for unit in range(case.unit - 1, 0, -1):
        if words[unit - 1].pos == "NOUN" and wanted <= set(words[unit - 1].features.split()):
            return unit
    return None


def untrained_like(model: PretrainingModel, seed: int = 0) -> PretrainingModel:
    """Модель тех же размеров со случайными весами: чего стоит устройство без обучения."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PretrainingModel(model.config, model.next_sentence).eval()


@dataclass(frozen=True)
class Source:
    """Кто отвечает: K голов или K смещений и верность их ответов.

    names — чем заполнить столбцы (layer, head, offset) строки; select, report — (N, K) bool на
    части для выбора лучшего и на отложенной.
    """

    kind: str
    names: Sequence[dict[str, int]]
    select: Tensor
    report: Tensor

    def answers(self, probe: str) -> bool:
        """Подходит ли к пробе: до [SEP] от слова каждый раз разное число слов."""
        return not (
            (self.kind == OFFSET and probe == SEPARATOR)
            or (self.kind == RULE and probe != ANTECEDENT)
        )


def run(
    model: PretrainingModel,
    tokenizer: PreTrainedTokenizerFast,
    seed: int = 1,
    documents_per_part: int = 300,
) -> list[dict[str, Any]]:
    """Опыт целиком: строки {probe, kind, layer, head, offset, correct, total, share, low, high, …}.

    kind — «голова», «необученная», «смещение», «правило»; слои и головы считаются с единицы;
    selected — доля на части, где голова выбрана (она завышена); chance — наугад. У строки «голова»
    есть p_value — критерий Макнемара против сильнейшего базового уровня, с поправкой Холма на
    число проб, — и proven.
    """
    parts = [
        sample_cases(tokenizer, seed, start, documents_per_part)
        for start in (0, documents_per_part)
    ]
    return tabulate(*parts, _sources(model, tokenizer, parts, seed))


def _sources(
    model: PretrainingModel,
    tokenizer: PreTrainedTokenizerFast,
    parts: Sequence[Sequence[Case]],
    seed: int,
) -> list[Source]:
    heads = [
        {"layer": layer + 1, "head": head + 1}
        for layer in range(model.config.num_hidden_layers)
        for head in range(model.config.num_attention_heads)
    ]
    pad = tokenizer.pad_token_id

    def attention(who: nn.Module) -> list[Tensor]:
        return [head_hits(who, part, pad).flatten(1) for part in parts]

    return [
        Source(HEAD, heads, *attention(model)),
        Source(UNTRAINED, heads, *attention(untrained_like(model, seed))),
        Source(OFFSET, [{"offset": offset} for offset in OFFSETS], *map(offset_hits, parts)),
        Source(RULE, [{}], *map(rule_hits, parts)),
    ]


def tabulate(
    select: Sequence[Case], report: Sequence[Case], sources: Sequence[Source]
) -> list[dict[str, Any]]:
    """Строки опыта: проба × кто отвечает; лучший выбран на select, доля — на report."""
    rows = []
    for probe in PROBES:
        chosen, asked = (_numbers(part, probe) for part in (select, report))
        if chosen and asked:
            chance = sum(report[n].chance for n in asked) / len(asked)
            answering = [source for source in sources if source.answers(probe)]
            group = [_row(probe, source, chosen, asked, chance) for source in answering]
            rows += _with_p_value(group)
    _judge([row for row in rows if row["kind"] == HEAD])
    return rows


def _numbers(cases: Sequence[Case], probe: str) -> list[int]:
    return [number for number, case in enumerate(cases) if case.probe == probe]


def _row(
    probe: str, source: Source, chosen: list[int], asked: list[int], chance: float
) -> dict[str, Any]:
    shares = source.select[chosen].float().mean(0)  # (K,)
    best = int(shares.argmax())
    hits = source.report[asked, best].tolist()
    low, high = wilson_interval(sum(hits), len(hits))
    return {
        "probe": probe,
        "kind": source.kind,
        **{"layer": None, "head": None, "offset": None, **source.names[best]},
        "correct": sum(hits),
        "total": len(hits),
        "share": sum(hits) / len(hits),
        "low": low,
        "high": high,
        "selected": shares[best].item(),
        "chance": chance,
        "hits": hits,
    }


def _with_p_value(group: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Сравнивает голову с базовым уровнем, который сильнее всех на части для выбора."""
    hits = [row.pop("hits") for row in group]
    others = [number for number, row in enumerate(group) if row["kind"] != HEAD]
    strongest = max(others, key=lambda number: group[number]["selected"])
    for row, own in zip(group, hits, strict=True):
        if row["kind"] == HEAD:
            pairs = list(zip(own, hits[strongest], strict=True))
            only_head = sum(mine and not other for mine, other in pairs)
            only_other = sum(other and not mine for mine, other in pairs)
            row["baseline"] = group[strongest]["kind"]
            row["difference"] = (only_head - only_other) / len(pairs)
            row["p_value"] = mcnemar_p_value(only_head, only_other)
    return group


def _judge(rows: list[dict[str, Any]]) -> None:
    """Поправка Холма и вывод: доказано ли, что голова лучше базового уровня."""
    for row, p_value in zip(rows, holm_adjusted([row["p_value"] for row in rows]), strict=True):
        row.update(p_value=p_value, proven=p_value < SIGNIFICANT and row["difference"] > 0)
