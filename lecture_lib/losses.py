"""Функции потерь (losses) предобучения и дистилляции.

MLM, NSP и причинная модель — перекрёстная энтропия −log p(верный ответ), усреднённая по тому, что
модель предсказывает; у BERT потери MLM и NSP складываются (Devlin et al., 2019, приложение A.2).
Дистилляция добавляет две: расхождение с мягкими целями учителя и косинус скрытых состояний.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from lecture_lib.config import check_positive
from lecture_lib.masking import IGNORED

# Столько строк логитов (64 × 8000 × 4 байта = 2 МБ) помещается в кэш процессора. Вся таблица
# разом не помещается и ездит в память по нескольку раз: порциями выходит в 2,5 раза быстрее.
ROWS_AT_ONCE = 64


def mlm_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Средняя перекрёстная энтропия по предсказываемым местам.

    logits (B, S, V) и labels (B, S) — или (N, V) и (N,), если модель вернула только выбранные
    места. Места с меткой -100 не участвуют; если других нет, потеря равна нулю (а не NaN).
    ValueError — формы не подходят друг другу или метка за пределами словаря.
    """
    _check_shapes(logits, labels)
    labels = labels.reshape(-1)
    logits = logits.reshape(-1, logits.shape[-1])
    count = int((labels != IGNORED).sum())
    portions = zip(logits.split(ROWS_AT_ONCE), labels.split(ROWS_AT_ONCE), strict=True)
    # .float(): логиты могли прийти в bfloat16, а в нём у суммы тысяч экспонент три верных знака.
    total = sum(
        F.cross_entropy(rows.float(), answers, ignore_index=IGNORED, reduction="sum")
        for rows, answers in portions
    )
    return total / max(count, 1)


def nsp_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Перекрёстная энтропия задачи NSP: logits (B, 2), labels (B,), 0 — фразы шли подряд."""
    _check_shapes(logits, labels)
    if logits.dim() != 2 or logits.shape[1] != 2:
        raise ValueError(f"logits: форма {tuple(logits.shape)}, а у NSP она (B, 2).")
    return F.cross_entropy(logits.float(), labels)


def classification_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Перекрёстная энтропия прикладной задачи: логиты (…, C), метки (…), -100 — без ответа.

    Годится и тексту (B, C), и токенам (B, S, C): это та же mlm_loss, только классов мало.
    """
    return mlm_loss(logits, labels)


def span_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Потеря отрезка ответа: среднее перекрёстных энтропий начала и конца.

    logits (B, S, 2), labels (B, 2) — номера первого и последнего токена: это классификация, где
    классы — места строки. Источник: Devlin et al., 2019, раздел 4.2.
    """
    return mlm_loss(logits.transpose(1, 2), labels)  # (B, S, 2) -> (B, 2, S)


def squared_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Средний квадрат ошибки (MSE) — для ответа-числа, как в STS-B: logits (B, 1), labels (B,)."""
    if logits.shape != (*labels.shape, 1):
        raise ValueError(
            f"logits: форма {tuple(logits.shape)}, а при метках {tuple(labels.shape)} нужна "
            f"{(*labels.shape, 1)}."
        )
    return F.mse_loss(logits.squeeze(-1).float(), labels.float())


def causal_lm_loss(
    logits: torch.Tensor, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Потеря обычной языковой модели: логиты места i отвечают за токен i + 1.

    logits (B, S, V), input_ids (B, S), attention_mask (B, S), 1 — настоящий токен. Первый токен
    никто не предсказывает, дополнение не считается. Это та же mlm_loss — сдвинуты лишь ответы.
    """
    labels = causal_labels(input_ids, attention_mask)
    return mlm_loss(logits, labels)


def causal_labels(
    input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Ответы для причинной модели: в каждом месте — следующий токен, в последнем -100; (B, S)."""
    labels = input_ids.roll(-1, dims=1)
    labels[:, -1] = IGNORED
    if attention_mask is not None:
        next_is_real = attention_mask.roll(-1, dims=1).bool()
        labels = labels.masked_fill(~next_is_real, IGNORED)
    return labels


def soft_target_loss(
    student_logits: torch.Tensor, teacher_logits: torch.Tensor, temperature: float = 2.0
) -> torch.Tensor:
    """Мягкие цели (soft targets): T²·KL(учитель ‖ ученик), в среднем по местам.

    KL(p ‖ q) = Σ p·(ln p − ln q), где p = softmax(логиты учителя / T), q = softmax(логиты
    ученика / T). Множитель T² возвращает градиенту размер, который деление на T уменьшило: с ним
    вес потери не приходится подбирать заново для каждой температуры. Логиты (…, V), одной формы;
    мест нет — ноль. Учителю градиент не достаётся. ValueError — формы разные или temperature ≤ 0.
    Источники: Hinton et al., 2015, раздел 2; Sanh et al., 2019, раздел 2; T² — как в коде авторов.
    """
    check_positive("temperature", temperature)
    _check_same_shape("teacher_logits", teacher_logits, student_logits)
    student = student_logits.reshape(-1, student_logits.shape[-1]).split(ROWS_AT_ONCE)
    teacher = teacher_logits.detach().reshape(-1, teacher_logits.shape[-1]).split(ROWS_AT_ONCE)
    # Порциями и во float32 — по той же причине, что в mlm_loss.
    total = sum(
        F.kl_div(
            F.log_softmax(ours.float() / temperature, dim=-1),
            F.log_softmax(theirs.float() / temperature, dim=-1),
            log_target=True,
            reduction="sum",
        )
        for ours, theirs in zip(student, teacher, strict=True)
    )
    places = student_logits.numel() // student_logits.shape[-1]
    return temperature**2 * total / max(places, 1)


def hidden_cosine_loss(student_states: torch.Tensor, teacher_states: torch.Tensor) -> torch.Tensor:
    """Косинусная потеря: 1 − cos(состояние ученика, состояние учителя), в среднем по токенам.

    Состояния (…, D), одной формы; нужны настоящие токены, без дополнения. 0 — направления совпали,
    2 — противоположны; длина вектора значения не имеет. Учителю градиент не достаётся. ValueError —
    формы разные: ученик обязан быть той же ширины, что учитель.
    Источник: Sanh et al., 2019, раздел 2; в коде авторов — CosineEmbeddingLoss последнего слоя.
    """
    _check_same_shape("teacher_states", teacher_states, student_states)
    size = student_states.shape[-1]
    ours = student_states.float().reshape(-1, size)
    theirs = teacher_states.detach().float().reshape(-1, size)
    if not len(ours):
        return ours.sum()  # ноль, по которому можно взять градиент
    return F.cosine_embedding_loss(ours, theirs, torch.ones(len(ours), device=ours.device))


def _check_same_shape(name: str, teacher: torch.Tensor, student: torch.Tensor) -> None:
    if teacher.shape != student.shape or not student.dim():
        raise ValueError(
            f"{name}: форма {tuple(teacher.shape)}, а у ученика — {tuple(student.shape)}."
        )


def _check_shapes(logits: torch.Tensor, labels: torch.Tensor) -> None:
    if logits.shape[:-1] != labels.shape:
        raise ValueError(
            f"labels: форма {tuple(labels.shape)}, а у логитов без последней оси — "
            f"{tuple(logits.shape[:-1])}."
        )
    if labels.numel() == 0:
        return
    wrong = labels[(labels != IGNORED) & ((labels < 0) | (labels >= logits.shape[-1]))]
    if len(wrong):
        raise ValueError(
            f"labels: метка {int(wrong[0])} невозможна, классов {logits.shape[-1]} "
            f"(пропуск обозначается {IGNORED})."
        )
