"""Задания 07.1 и 07.3: веса ученика из слоёв учителя и косинусная потеря — верное и мутанты."""

from __future__ import annotations

import re

import numpy as np

from lecture_lib.grading.cases import Case
from lecture_lib.grading.task import Mistake
from lecture_lib.grading.wire import plain

WORDS = "embeddings.word_embeddings.weight"
PLACES = "embeddings.position_embeddings.weight"
SEGMENTS = "embeddings.token_type_embeddings.weight"
LAYER = re.compile(r"encoder\.layer\.(\d+)\.(.+)")

# ------------------------------------------------------------------ 07.1, начало ученика


def student_weights(teacher, layers, take="given", number="new", segments="added", pooler=False,
                    match="exact", others=True):  # fmt: skip
    """Верные веса ученика; настройки портят их в одном месте."""
    teacher = plain(teacher)
    total = 1 + max(int(found[1]) for name in teacher if (found := LAYER.match(name)))
    layers = _taken(list(layers), total, take)
    student = {name: value for name, value in teacher.items() if not LAYER.match(name)}
    if not pooler:
        student = {n: value for n, value in student.items() if not n.startswith("pooler.")}
    if not others:
        student = {n: value for n, value in student.items() if n.startswith("embeddings.")}
    _join_segments(student, segments)
    for name, value in teacher.items():
        if found := LAYER.match(name):
            for place in _places(int(found[1]), layers, match):
                shown = {"new": place, "old": layers[place], "one": place + 1}[number]
                student[f"encoder.layer.{shown}.{found[2]}"] = value
    return student


def _taken(layers, total, take):
    """Какие слои учителя взяты."""
    count = len(layers)
    return {"given": layers, "first": list(range(count)), "all": list(range(total)),
            "last": list(range(total - count, total)), "shifted": [n - 1 for n in layers],
            "next": [min(n + 1, total - 1) for n in layers],
            "even": list(range(0, total, 2)), "reversed": layers[::-1]}[take]  # fmt: skip


def _places(layer, layers, match):
    """Номера слоёв ученика, которым достаётся слой учителя."""
    if match == "prefix":  # «layer.1» — начало и у «layer.11»: побеждает последний
        return [i for i, n in enumerate(layers) if str(layer).startswith(str(n))]
    return [i for i, n in enumerate(layers) if n == layer]


def _join_segments(student, segments):
    """Сегментов у ученика нет: что стало с их таблицей."""
    table = student[SEGMENTS] if "kept" in segments else student.pop(SEGMENTS)
    if segments in ("added", "kept_added"):
        student[PLACES] = student[PLACES] + table[0]
    if segments == "both":
        student[PLACES] = student[PLACES] + table.sum(0)
    if segments == "mean":
        student[PLACES] = student[PLACES] + table.mean(0)
    if segments == "second":
        student[PLACES] = student[PLACES] + table[1]
    if segments == "words":
        student[WORDS] = student[WORDS] + table[0]
    if segments == "first_place":
        student[PLACES] = np.concatenate([student[PLACES][:1] + table[0], student[PLACES][1:]])


def _weights_variant(**options):
    return lambda teacher, layers: student_weights(teacher, layers, **options)


def weight_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 07.1: учителя из трёх–тринадцати слоёв; номера слоёв — не подряд и не через один."""
    cases = [Case((_teacher(rng, 3), [0, 2]))]
    for total, layers in ((4, [1, 3]), (5, [0, 3]), (6, [1, 2, 5]), (12, [0, 2, 4, 7, 9, 11]),
                          (13, [1, 4, 6]), (12, [1, 10, 11])):  # fmt: skip
        cases.append(Case((_teacher(rng, total), layers)))
    return cases


def _teacher(rng: np.random.Generator, layers: int) -> dict[str, np.ndarray]:
    """Веса маленького BERT с именами Hugging Face; в слое — две матрицы из шестнадцати."""
    shapes = {WORDS: (4, 2), PLACES: (3, 2), SEGMENTS: (2, 2), "embeddings.LayerNorm.weight": (2,)}
    shapes["cls.predictions.bias"] = (4,)
    for layer in range(layers):
        shapes[f"encoder.layer.{layer}.attention.self.query.weight"] = (2, 2)
        shapes[f"encoder.layer.{layer}.output.dense.bias"] = (2,)
    shapes["pooler.dense.weight"] = (2, 2)
    return {n: rng.standard_normal(s).astype(np.float32).round(2) for n, s in shapes.items()}


WEIGHT_MISTAKES = {
    "adjacent": Mistake(
        "Взяты первые слои подряд, а просили те, что названы в layers.",
        _weights_variant(take="first"),
    ),
    "last_layers": Mistake(
        "Взяты последние слои подряд, а просили те, что названы в layers.",
        _weights_variant(take="last"),
    ),
    "every_second": Mistake(
        "Взят каждый второй слой: layers не прочитаны.", _weights_variant(take="even")
    ),
    "all_layers": Mistake("Взяты все слои учителя.", _weights_variant(take="all")),
    "from_one": Mistake(
        "Взяты слои на единицу раньше: номера в layers — с нуля, как и в именах.",
        _weights_variant(take="shifted"),
    ),
    "next_layers": Mistake(
        "Взяты слои на единицу позже: номера в layers — с нуля.", _weights_variant(take="next")
    ),
    "reversed": Mistake("Слои взяты в обратном порядке.", _weights_variant(take="reversed")),
    "not_renumbered": Mistake(
        "Слои ученика носят номера учителя, а должны идти подряд: 0, 1, 2 и так далее.",
        _weights_variant(number="old"),
    ),
    "numbered_from_one": Mistake(
        "Слои ученика пронумерованы с единицы, а надо с нуля.", _weights_variant(number="one")
    ),
    "prefix_confused": Mistake(
        "Имя найдено по началу: «encoder.layer.1» — начало и у слоёв 10, 11, 12. Сравнивайте номер "
        "целиком, вместе с точкой.",
        _weights_variant(match="prefix"),
    ),
    "segments_kept": Mistake(
        "Таблица сегментов осталась, а у ученика сегментов нет.", _weights_variant(segments="kept")
    ),
    "segments_twice": Mistake(
        "Сегмент A прибавлен, но и таблица сегментов осталась.",
        _weights_variant(segments="kept_added"),
    ),
    "segments_lost": Mistake(
        "Сегменты выброшены, а сегмент A просили прибавить к позициям: учитель прибавлял его к "
        "каждому токену.",
        _weights_variant(segments="lost"),
    ),
    "both_segments": Mistake(
        "К позициям прибавлены оба сегмента, а нужен только первый, A.",
        _weights_variant(segments="both"),
    ),
    "mean_segment": Mistake(
        "К позициям прибавлено среднее сегментов, а нужен первый, A.",
        _weights_variant(segments="mean"),
    ),
    "second_segment": Mistake(
        "К позициям прибавлен сегмент B, а нужен первый, A.", _weights_variant(segments="second")
    ),
    "added_to_words": Mistake(
        "Сегмент A прибавлен к таблице токенов, а просили к позициям.",
        _weights_variant(segments="words"),
    ),
    "one_place": Mistake(
        "Сегмент A прибавлен только к нулевой позиции, а нужен каждой.",
        _weights_variant(segments="first_place"),
    ),
    "others_lost": Mistake(
        "Пропало прочее: кроме эмбеддингов и слоёв у учителя есть и другие веса — скажем, голова "
        "MLM; они нужны под теми же именами.",
        _weights_variant(others=False),
    ),
    "pooler_kept": Mistake(
        "Слой над [CLS] (pooler) остался, а у ученика его нет.", _weights_variant(pooler=True)
    ),
}


def explain_weights(arguments, expected, got) -> str:
    """Первое имя, которого нет, которое лишнее или под которым не те числа."""
    if not isinstance(got, dict):
        return "нужен словарь: имя веса — тензор"
    wanted, found = set(expected), set(got)
    if missing := sorted(wanted - found):
        return f"нет веса «{missing[0]}»"
    if extra := sorted(found - wanted):
        return f"лишний вес «{extra[0]}»"
    for name, value in expected.items():
        if np.shape(got[name]) != value.shape or not np.allclose(value, got[name], atol=1e-4):
            source = _source(arguments[0], got[name], value.shape)
            return f"вес «{name}» не тот{source}, layers = {list(arguments[1])}"
    return ""


def _source(teacher, value, shape) -> str:
    """Из какого веса учителя взято значение, если оттуда."""
    for name, theirs in teacher.items():
        if np.shape(theirs) == np.shape(value) == shape and np.allclose(theirs, value, atol=1e-4):
            return f": в нём «{name}» учителя"
    return ""


# ------------------------------------------------------------------ 07.3, косинус


def hidden_loss(student, teacher, mask, value="distance", where="real", reduce="tokens", axis=-1,
                norm="both"):  # fmt: skip
    """Верная косинусная потеря; настройки портят её в одном месте."""
    ours, theirs = student.astype(float), teacher.astype(float)
    seen = mask.astype(bool)
    if where == "padding":
        seen = ~seen
    if reduce == "flat":  # строка целиком — один вектор
        ours, theirs = ((part * seen[..., None]).reshape(len(part), -1) for part in (ours, theirs))
        return float((1 - _cosine(ours, theirs, -1, norm)).mean())
    if axis == 1:
        return float((1 - _cosine(ours, theirs, 1, norm)).mean())
    if where == "inner":
        seen = seen & (np.arange(seen.shape[1]) > 0)
    each = _each_token(ours, theirs, value, norm)
    if where == "all":
        return float(each.mean())
    if where == "zeroed":  # состояния дополнения обнулены: косинус 0, слагаемое — единица
        return float(np.where(seen, each, 1).mean())
    if reduce == "rows":
        return float(((each * seen).sum(1) / seen.sum(1)).mean())
    divisors = {"tokens": seen.sum(), "all": seen.size, "rows_count": len(seen), "sum": 1}
    with np.errstate(invalid="ignore"):  # перевёрнутая маска строки без дополнения — 0/0
        return float((each * seen).sum() / divisors[reduce])


def _each_token(ours, theirs, value, norm):
    """Слагаемое каждого токена, (B, S)."""
    if value == "square":
        return ((ours - theirs) ** 2).mean(-1)
    if value == "distance_l2":
        return np.linalg.norm(ours - theirs, axis=-1)
    cosine = _cosine(ours, theirs, -1, norm)
    if value == "angle":
        return np.arccos(np.clip(cosine, -1, 1))
    return {"distance": 1 - cosine, "cosine": cosine, "minus": -cosine, "half": (1 - cosine) / 2,
            "absolute": 1 - abs(cosine), "squared": (1 - cosine) ** 2}[value]  # fmt: skip


def _cosine(ours, theirs, axis, norm):
    dot = (ours * theirs).sum(axis)
    left, right = (np.linalg.norm(part, axis=axis) for part in (ours, theirs))
    squares = left**2 * right**2
    return dot / {"both": left * right, "none": 1.0, "student": left, "teacher": right,
                  "squares": squares, "size": ours.shape[-1]}[norm]  # fmt: skip


def _hidden_variant(**options):
    return lambda *inputs: hidden_loss(*inputs, **options)


def hidden_cases(rng: np.random.Generator) -> list[Case]:
    """Входы 07.3: строки разной длины; на дополнении у состояний посторонние большие числа."""
    cases = []
    for rows, length, size in ((1, 2, 2), (1, 4, 3), (2, 5, 4), (3, 7, 6), (4, 6, 5)):
        teacher = rng.standard_normal((rows, length, size))
        student = 0.7 * teacher + 0.8 * rng.standard_normal((rows, length, size))
        student[:, 1] *= -1  # и противоположные направления
        if rows > 1:  # длинная строка почти совпала: среднее по строкам и по токенам — разное
            student[0] = teacher[0] + 0.2 * student[0]
        scale = rng.uniform(0.4, 2.5, (2, rows, length, 1))  # длины векторов не важны
        mask = np.ones((rows, length), dtype=np.int64)
        for row in range(rows):
            if length > 2:
                mask[row, max(length - 1 - 2 * row, 2) :] = 0
        away = np.where(mask[..., None] == 1, 1, -2)
        pair = (student * scale[0] * away, teacher * scale[1])
        cases.append(Case((*(part.astype(np.float32) for part in pair), mask), rows=rows))
    return cases


HIDDEN_MISTAKES = {
    "padding_counted": Mistake(
        "В среднее попало дополнение: нужны только токены, где attention_mask = 1.",
        _hidden_variant(where="all"),
    ),
    "padding_zeroed": Mistake(
        "Состояния дополнения обнулены, но у нулей косинус 0, и в среднее идёт лишняя единица. "
        "Дополнение надо исключить из счёта.",
        _hidden_variant(where="zeroed"),
    ),
    "mask_inverted": Mistake(
        "Потеря посчитана по дополнению: маска перевёрнута.", _hidden_variant(where="padding")
    ),
    "first_skipped": Mistake(
        "Пропущен первый токен: [CLS] — тоже настоящий.", _hidden_variant(where="inner")
    ),
    "divided_by_all": Mistake(
        "Сумма по настоящим токенам поделена на число всех мест, а надо — настоящих.",
        _hidden_variant(reduce="all"),
    ),
    "divided_by_rows": Mistake(
        "Сумма поделена на число строк, а надо — на число настоящих токенов.",
        _hidden_variant(reduce="rows_count"),
    ),
    "sum": Mistake("Это сумма, а просили среднее.", _hidden_variant(reduce="sum")),
    "mean_of_rows": Mistake(
        "Среднее взято сначала в строках, потом по строкам: токен короткой строки весит больше.",
        _hidden_variant(reduce="rows"),
    ),
    "row_as_vector": Mistake(
        "Строка целиком принята за один вектор, а косинус свой у каждого токена.",
        _hidden_variant(reduce="flat"),
    ),
    "cosine": Mistake(
        "Это сам косинус: потеря растёт, когда состояния сближаются. Нужно 1 − cos.",
        _hidden_variant(value="cosine"),
    ),
    "minus_cosine": Mistake(
        "Это −cos: у совпавших направлений потеря должна быть 0, а не −1.",
        _hidden_variant(value="minus"),
    ),
    "absolute": Mistake(
        "Взят модуль косинуса: противоположные направления приняты за совпавшие.",
        _hidden_variant(value="absolute"),
    ),
    "half": Mistake("Потеря вдвое меньше: нужно 1 − cos, без деления.",
                    _hidden_variant(value="half")),
    "squared": Mistake("Разность 1 − cos возведена в квадрат.", _hidden_variant(value="squared")),
    "angle": Mistake("Это угол, а просили 1 − cos.", _hidden_variant(value="angle")),
    "mean_square": Mistake(
        "Это средний квадрат разности, а косинусу длина вектора безразлична.",
        _hidden_variant(value="square"),
    ),
    "distance": Mistake(
        "Это расстояние между векторами, а косинусу длина вектора безразлична.",
        _hidden_variant(value="distance_l2"),
    ),
    "not_normalised": Mistake(
        "Скалярное произведение не поделено на длины векторов.", _hidden_variant(norm="none")
    ),
    "one_norm": Mistake(
        "Скалярное произведение поделено только на длину вектора ученика.",
        _hidden_variant(norm="student"),
    ),
    "teacher_norm": Mistake(
        "Скалярное произведение поделено только на длину вектора учителя.",
        _hidden_variant(norm="teacher"),
    ),
    "squared_norms": Mistake(
        "Поделено на квадраты длин: забыт корень.", _hidden_variant(norm="squares")
    ),
    "wrong_axis": Mistake(
        "Косинус взят вдоль строки, а надо — внутри вектора одного токена, по последней оси.",
        _hidden_variant(axis=1),
    ),
}  # fmt: skip
