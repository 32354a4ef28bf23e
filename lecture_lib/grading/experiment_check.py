"""Проверка задания 02.6: опыт студента пропускает честную замену и ловит каждую порченую.

Проверяется здесь не функция замены, а проверка, которую написал студент: ей дают замены с
известными изъянами и смотрят, какие она заметит.
"""

from __future__ import annotations

import numpy as np

from lecture_lib.grading.answer import Answer
from lecture_lib.grading.cases import Found, require_value
from lecture_lib.grading.outcome import Counterexample
from lecture_lib.grading.report import describe
from lecture_lib.grading.task import Finding, Mistake
from lecture_lib.grading.wire import Given, as_array

# Обещано: ложных тревог не больше одной из десяти, пойманных 81/10/9 — не меньше четырёх из пяти.
# Сперва опыт зовут несколько раз; если этого мало, чтобы решить, — ещё.
RIGHT_CALLS, MANY_ALARMS = 12, 7
RIGHT_MORE, ALARMS = 20, 7  # у опыта, который тревожится раз из десяти, больше — реже раза из ста
CLOSE_CALLS, CLOSE_FEW = 7, 3
CLOSE_MORE, CLOSE_CAUGHT = 33, 27
# Что подсунуть: имя ошибки, если не замечено, и настройки replacer.
FLAWED = (
    ("misses_mask_only", (1.0, 0.0)),
    ("only_mask_share", (0.8, 0.2)),
    ("only_mask_share", (0.8, 0.05)),
    ("only_random_share", (0.7, 0.1)),
    ("specials_missed", (0.8, 0.1, "special")),
    ("unchosen_missed", (0.8, 0.1, "neighbours")),
)
EXPERIMENT_MISTAKES = {
    "always_true": Mistake("Опыт одобряет всё, даже замену 100/0/0."),
    "always_false": Mistake("Опыт бракует всё, даже честную замену 80/10/10."),
    "inverted": Mistake("Ответ перевёрнут: True значит «всё верно»."),
    "too_strict": Mistake(
        "Честную замену опыт бракует: допуск меньше, чем случайный разброс долей. "
        "Отклонение доли — √(p(1−p)/n)."
    ),
    "too_loose": Mistake(
        "81/10/9 проходит как 80/10/10: мало токенов или велик допуск. "
        "Разница в 0,01 должна быть в несколько раз больше отклонения √(p(1−p)/n)."
    ),
    "misses_mask_only": Mistake("Не замечена замена 100/0/0."),
    "only_mask_share": Mistake(
        "Проверена только доля [MASK]: 80/20/0 и 80/5/15 проходят. Исходов три, долей две."
    ),
    "only_random_share": Mistake("Доля [MASK] не проверена: 70/10/20 проходит."),
    "specials_missed": Mistake(
        "Не замечено, что случайный токен бывает служебным (его нет в ordinary_ids)."
    ),
    "unchosen_missed": Mistake("Не замечено, что меняются невыбранные токены."),
}


def check_experiment(answer: Answer, rng: np.random.Generator) -> Finding | None:
    """Проверка 02.6: опыт студента должен пропустить честную замену и поймать каждую порченую."""
    honest = [_verdict(answer, (0.8, 0.1)) for _ in range(RIGHT_CALLS)]
    close = [_verdict(answer, (0.81, 0.10)) for _ in range(CLOSE_CALLS)]
    flawed = {settings: _verdict(answer, settings) for _, settings in FLAWED}
    everything = [*honest, *close, *flawed.values()]
    if all(everything):
        return _missed("always_true", (1.0, 0.0))
    if not any(everything):
        return Finding("always_false", counterexample=Counterexample("честная замена 80/10/10"))
    if _is_too_strict(answer, honest):
        is_inverted = not any(honest) and all(flawed.values())
        known = "inverted" if is_inverted else "too_strict"
        got = f"забраковано {len(honest) - sum(honest)} из {len(honest)}"
        return Finding(known, counterexample=Counterexample("честная замена 80/10/10", got=got))
    for known, settings in FLAWED:
        if flawed[settings]:
            return _missed(known, settings)
    if _is_too_loose(answer, close):
        got = f"поймана {len(close) - sum(close)} раз из {len(close)}"
        return Finding("too_loose", counterexample=Counterexample("замена 81/10/9", got=got))
    return None


def _is_too_strict(answer: Answer, honest: list[bool]) -> bool:
    """Часты ли ложные тревоги; новые вызовы дописываются в honest."""
    alarms = honest.count(False)
    if not 0 < alarms <= MANY_ALARMS:
        return alarms > MANY_ALARMS
    honest += [_verdict(answer, (0.8, 0.1)) for _ in range(RIGHT_MORE)]
    return honest.count(False) > ALARMS


def _is_too_loose(answer: Answer, close: list[bool]) -> bool:
    """Часто ли проходит 81/10/9; новые вызовы дописываются в close."""
    caught = close.count(False)
    if caught < CLOSE_FEW or caught == CLOSE_CALLS:
        return caught < CLOSE_FEW
    close += [_verdict(answer, (0.81, 0.10)) for _ in range(CLOSE_MORE)]
    return close.count(False) < CLOSE_CAUGHT


def _verdict(answer: Answer, settings: tuple) -> bool:
    arguments = (Given("replacer", settings),)
    reply = answer.call(*arguments)
    require_value(reply, arguments)
    found = as_array(reply.value)
    if found is None or found.size != 1 or found.item() not in (0, 1):
        shown = Counterexample(f"замена {_words(settings)}", got=describe(reply.value))
        raise Found("wrong_type", "Нужно True или False.", shown)
    return bool(found.item())


def _missed(known: str, settings: tuple) -> Finding:
    shown = Counterexample(f"замена {_words(settings)}", "False", "True")
    return Finding(known, counterexample=shown)


def _words(settings: tuple) -> str:
    """Замена словами: доли и изъян."""
    mask, random = (round(100 * share) for share in settings[:2])
    flaw = {"special": ", случайный бывает служебным", "neighbours": ", портит и невыбранные"}
    return f"{mask}/{random}/{100 - mask - random}{flaw.get(settings[-1], '')}"
