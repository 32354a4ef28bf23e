"""Дистилляция знаний (knowledge distillation): маленький ученик перенимает у большого учителя.

Верный ответ говорит, какое слово стояло на закрытом месте; распределение учителя — ещё и какие
слова стоять могли бы. Ученик подражает ему, угадывает сам и держит скрытые состояния того же
направления: L = alpha_ce·T²·KL(учитель ‖ ученик) + alpha_mlm·MLM + alpha_cos·(1 − cos).

Источники: Hinton et al., 2015; Sanh et al., 2019, разделы 2 и 3, и код авторов
(huggingface/transformers, examples/research_projects/distillation).
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from lecture_lib.checkpoints import KEPT
from lecture_lib.config import DistillationConfig, EncoderConfig, check_whole
from lecture_lib.heads import PretrainingModel, PretrainingOutput
from lecture_lib.losses import hidden_cosine_loss, mlm_loss, soft_target_loss
from lecture_lib.masking import IGNORED
from lecture_lib.pretraining import (
    Question,
    check_compatible,
    question_source,
    share_right,
    train_on_corpus,
)
from lecture_lib.pretraining_data import TokenizedCorpus
from lecture_lib.training import History


def spread_layers(total: int, kept: int) -> tuple[int, ...]:
    """Какие kept слоёв из total взять: номера с нуля, равномерно, первый и последний — всегда.

    Из двенадцати шесть — это 0, 2, 4, 7, 9, 11: ровно те, что взяты в коде DistilBERT (в статье
    сказано лишь «через один»). Один слой — первый. ValueError — kept не от 1 до total.
    """
    check_whole("total", total, at_least=1)
    check_whole("kept", kept, at_least=1)
    if kept > total:
        raise ValueError(f"kept = {kept}: слоёв у учителя всего {total}.")
    return tuple(round(place * (total - 1) / max(kept - 1, 1)) for place in range(kept))


def student_from_teacher(teacher: PretrainingModel, layers: Sequence[int]) -> PretrainingModel:
    """Ученик, который начинает с весов учителя: его эмбеддинги, голова MLM и слои layers.

    layers — номера слоёв учителя с нуля, по возрастанию; DistilBERT взял из двенадцати слои
    0, 2, 4, 7, 9, 11 (их же даёт spread_layers(12, 6)). Сегментов, слоя над [CLS] и NSP у ученика
    нет. Отступление от авторов: эмбеддинг первого сегмента они отбросили, а здесь он прибавлен к
    позициям — одиночный текст ученик со всеми слоями читает в точности как учитель. Веса — копии.
    Источник: Sanh et al., 2019, раздел 3 («Student initialization»).
    ValueError — такого слоя нет, порядок нарушен или учитель причинный.
    """
    _check_layers(layers, teacher.config)
    config = replace(
        teacher.config,
        num_hidden_layers=len(layers),
        type_vocab_size=0,
        add_pooling_layer=False,
    )
    student = new_student(config)
    state = copy.deepcopy(teacher.state_dict())
    embeddings = student.encoder.embeddings
    segments = state.pop("encoder.embeddings.token_type_embeddings.weight", None)
    if segments is not None:
        state["encoder.embeddings.position_embeddings.weight"] += segments[0]
    kept = ("word_embeddings", "position_embeddings", "layer_norm")
    for name in kept:
        getattr(embeddings, name).load_state_dict(_under(state, f"encoder.embeddings.{name}."))
    student.mlm_head.load_state_dict(_under(state, "mlm_head."))
    for ours, theirs in zip(student.encoder.layers, layers, strict=True):
        ours.load_state_dict(_under(state, f"encoder.layers.{theirs}."))
    return student.train(teacher.training)


def new_student(config: EncoderConfig, seed: int = 0) -> PretrainingModel:
    """Ученик со случайными весами по зерну seed; общий генератор torch не сдвинут."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PretrainingModel(config, next_sentence=False)


def teacher_output(
    teacher: PretrainingModel, question: Question, with_states: bool = True
) -> PretrainingOutput:
    """Ответ учителя без градиента: логиты (N, V) на спрошенных местах, состояния — если просят.

    Авторы берут мягкие цели на всех токенах (закрытыми местами их ограничивает ключ
    --restrict_ce_to_mask); здесь — только на спрошенных: выход в словарь — самая дорогая часть.
    ValueError — учитель в режиме обучения: его dropout сделал бы цели случайными.
    """
    if teacher.training:
        raise ValueError("teacher: модель в режиме обучения; сначала teacher.eval().")
    with torch.no_grad():
        return _ask(teacher, question, with_states)


def distillation_loss(
    student: PretrainingModel,
    teacher: PretrainingModel,
    question: Question,
    config: DistillationConfig,
) -> tuple[Tensor, dict[str, float]]:
    """Взвешенная сумма трёх потерь и числа для журнала: ce_loss, mlm_loss и cos_loss врозь.

    ce_loss и mlm_loss — по спрошенным местам, cos_loss — по настоящим токенам, без дополнения, и
    все три — до умножения на веса. Потеря с нулевым весом не считается, в журнале её нет.
    """
    ours = _ask(student, question, config.alpha_cos > 0)
    answers = question.labels[question.labels != IGNORED].to(ours.mlm_logits.device)  # (N,)
    losses = {"mlm": mlm_loss(ours.mlm_logits, answers)} if config.alpha_mlm else {}
    if config.alpha_ce or config.alpha_cos:
        theirs = teacher_output(teacher, question, config.alpha_cos > 0)
    if config.alpha_ce:
        losses["ce"] = soft_target_loss(ours.mlm_logits, theirs.mlm_logits, config.temperature)
    if config.alpha_cos:
        is_real = question.batch.attention_mask.bool()
        pair = (output.hidden_states[-1] for output in (ours, theirs))
        losses["cos"] = hidden_cosine_loss(*(s[is_real.to(s.device)] for s in pair))  # (T, D)
    total = sum(getattr(config, f"alpha_{name}") * loss for name, loss in losses.items())
    metrics = {f"{name}_loss": loss.item() for name, loss in losses.items()}
    metrics["tokens"] = question.batch.tokens
    if len(answers):
        metrics["accuracy"] = share_right(ours.mlm_logits, answers)
    return total, metrics


def distill(
    teacher: PretrainingModel,
    student: PretrainingModel,
    config: DistillationConfig,
    corpus: TokenizedCorpus,
    folder: str | Path | None = None,
    resume: bool = True,
    *,
    validation: TokenizedCorpus | None = None,
    watch: Callable[[dict[str, float]], bool | None] | None = None,
    kept: int | None = KEPT,
    log_every: int = 20,
    progress: bool = True,
) -> tuple[PretrainingModel, History]:
    """Учит копию ученика у замороженного учителя; возвращает её и ход обучения.

    Ни teacher, ни student не меняются; учитель отвечает в режиме eval, в чекпойнты не входит.
    Прерванное обучение тот же вызов с той же папкой продолжит — если учитель, начальные веса
    ученика и корпус прежние. validation, watch и прочее — см. `pretraining.pretrain`.
    ValueError — учитель, ученик, настройки и корпус не подходят друг другу.
    """
    check_pair(teacher, student, config, corpus)
    weights = {"teacher": teacher, "student": student}
    about = {name: weights_fingerprint(model) for name, model in weights.items()}
    learner = copy.deepcopy(student)
    with _in_eval(teacher):
        history = train_on_corpus(
            learner,
            question_source(corpus, config),
            lambda model, question: distillation_loss(model, teacher, question, config),
            config,
            corpus,
            folder,
            resume,
            validation=validation,
            about=about,
            watch=watch,
            kept=kept,
            log_every=log_every,
            progress=progress,
        )
    return learner, history


def check_pair(
    teacher: PretrainingModel,
    student: PretrainingModel,
    config: DistillationConfig,
    corpus: TokenizedCorpus,
) -> None:
    """ValueError, если ученик не может учиться у этого учителя на этом корпусе."""
    for model in (teacher, student):
        check_compatible(model.config, config, corpus)
    if student.nsp_head is not None:
        raise ValueError("student: есть голова NSP, а ученика этой задаче не учат.")
    shared = ["vocab_size", "pad_token_id", *(["hidden_size"] if config.alpha_cos else [])]
    for name in shared:
        theirs, ours = getattr(teacher.config, name), getattr(student.config, name)
        if theirs != ours:
            raise ValueError(f"student: {name} = {ours}, а у учителя {theirs}.")


def weights_fingerprint(model: torch.nn.Module) -> str:
    """Отпечаток весов: начало контрольной суммы имён и чисел."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy())
    return digest.hexdigest()[:12]


def _ask(model: PretrainingModel, question: Question, with_states: bool) -> PretrainingOutput:
    device = next(model.parameters()).device
    return model(
        question.input_ids.to(device),
        question.batch.attention_mask.to(device),
        question.batch.token_type_ids.to(device),
        positions=(question.labels != IGNORED).to(device),
        output_hidden_states=with_states,
    )


@contextmanager
def _in_eval(model: PretrainingModel) -> Iterator[None]:
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def _under(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Веса одной части модели, с именами внутри неё."""
    return {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}


def _check_layers(layers: Sequence[int], config: EncoderConfig) -> None:
    if config.is_causal:
        raise ValueError("teacher: модель причинная, а здесь учатся угадывать скрытое.")
    if not layers:
        raise ValueError("layers пуст: ученику нужен хотя бы один слой учителя.")
    for layer in layers:
        check_whole("layers", layer, at_least=0)
        if layer >= config.num_hidden_layers:
            raise ValueError(
                f"layers: слоя {layer} нет, у учителя слои от 0 до {config.num_hidden_layers - 1}."
            )
    if list(layers) != sorted(set(layers)):
        raise ValueError(f"layers = {tuple(layers)}: номера идут по возрастанию, без повторов.")
