"""Рисунки о прикладных задачах: показывают переданные числа, читаются с проектора."""

from __future__ import annotations

import pytest
from test_plots import png_size, shown_texts

from lecture_lib import plots

PANELS = {
    "(а) пара": [("[CLS]", "перифраз"), ("анна", ""), ("[SEP]", ""), ("вера", ""), ("[SEP]", "")],
    "(г) разметка": [("[CLS]", ""), ("анна", "B-PER"), ("спала", "O"), ("[SEP]", "")],
}
TOKENS = ["анна", "купила", "зонт", "на", "рынке", "."]
STARTS, ENDS = [0.1, 0.0, 0.1, 0.7, 0.1, 0.0], [0.0, 0.0, 0.1, 0.1, 0.8, 0.0]
COLUMNS = ("MRPC", "CoLA", "Среднее")
TABLES = {
    "статья": {
        "GPT": {"MRPC": (82.3, None), "CoLA": (45.4, None), "Среднее": (75.1, None)},
        "BERT": {"MRPC": (88.9, None), "CoLA": (52.1, None), "Среднее": (79.6, None)},
    },
    "миниатюра": {
        "GPT": {"MRPC": (61.0, 2.5), "CoLA": (-3.0, 0.4)},
        "BERT": {"MRPC": (58.0, 1.5), "CoLA": None},
    },
}
CURVE = [
    {"start": start, "labels": labels, "mean": mean, "std": 0.05}
    for start, means in (("scratch", (0.1, 0.3)), ("pretrained", (0.5, 0.8)))
    for labels, mean in zip((50, 200), means, strict=True)
]
NAMES = {"scratch": "с нуля", "pretrained": "предобученная"}
LABELLED = {
    "1": [("Анна", "B-PER", "B-PER"), ("ждала", "O", "O"), ("кота", "B-ANIM", "O"), (".", "O", "O")]
}
PICTURES = {
    "головы": lambda: plots.four_heads(PANELS),
    "отрезок": lambda: plots.span_scores(TOKENS, STARTS, ENDS, (3, 4), "Где?"),
    "таблицы": lambda: plots.score_tables(TABLES, COLUMNS),
    "метки": lambda: plots.label_curves(CURVE, NAMES, "F1 сущностей"),
    "разметка": lambda: plots.labelled_words(LABELLED),
}
each_picture = pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES.keys())


def words_of(picture):
    return [text.get_text() for text in shown_texts(picture)]


@each_picture
def test_picture_is_light_and_readable(draw):
    """PNG до 90 КБ и не шире 1400 точек, ни одной надписи мельче 13 пунктов, подпись словами."""
    picture = draw()
    content = picture.png()
    assert len(content) < 90_000 and 300 < png_size(content)[0] <= 1400
    assert min(text.get_fontsize() for text in shown_texts(picture)) >= 13
    assert repr(picture).startswith("Рисунок: ") and repr(draw()) == repr(picture)


def test_answers_stand_above_their_tokens():
    """Каждый ответ нарисован над своим токеном, пустых клеток ответа нет."""
    texts = {text.get_text(): text for text in plots.four_heads(PANELS).axes[0].texts}
    for _, panel in PANELS.items():
        for token, answer in panel:
            if answer:
                assert texts[answer].get_position()[1] < texts[token].get_position()[1]
    answered = plots.four_heads({"(г)": PANELS["(г) разметка"]}).axes[0].texts
    places = {text.get_text(): text.get_position()[0] for text in answered}
    assert places["B-PER"] == places["анна"] and places["O"] == places["спала"]


def test_span_bars_equal_probabilities():
    """Высоты столбиков — переданные доли, полоса накрывает отрезок целиком."""
    axes = plots.span_scores(TOKENS, STARTS, ENDS, (3, 4)).axes[0]
    starts, ends = axes.containers
    assert [bar.get_height() for bar in starts] == STARTS
    assert [bar.get_height() for bar in ends] == ENDS
    left, right = axes.patches[0].get_extents().transformed(axes.transData.inverted()).intervalx
    assert (left, right) == pytest.approx((2.5, 4.5))
    with pytest.raises(ValueError, match="с 0 по 5"):
        plots.span_scores(TOKENS, STARTS, ENDS, (4, 3))
    with pytest.raises(ValueError, match="токенов 5"):
        plots.span_scores(TOKENS[:5], STARTS, ENDS, (3, 4))


def test_tables_write_every_number():
    """В клетках — числа с запятой и разбросом, где он есть; пустые — прочерк."""
    paper, ours = (words_of_axes(axes) for axes in plots.score_tables(TABLES, COLUMNS).axes)
    assert {"82,3", "45,4", "75,1", "88,9", "52,1", "79,6"} <= set(paper)
    assert {"61,0±2,5", "58,0±1,5", "−3,0±0,4"} <= set(ours)
    assert ours.count("—") == 3  # CoLA у BERT и среднее у обоих
    with pytest.raises(ValueError, match="лишние столбцы RTE"):
        plots.score_tables({"статья": {"GPT": {"RTE": (56.0, None)}}}, COLUMNS)


def words_of_axes(axes):
    return [text.get_text() for text in axes.texts]


def test_best_row_of_a_column_is_framed():
    """Рамкой отмечена лучшая клетка столбца: и в статье, и в миниатюре — своя."""
    for axes, best in zip(plots.score_tables(TABLES, COLUMNS).axes, (1, 0), strict=True):
        framed = [box.get_y() for box in axes.patches if box.get_linewidth() > 2]
        assert round(framed[0] + 0.44) == best


def test_curves_stand_at_their_counts():
    """У кривой метки по порядку, усы — отклонение; без строк рисовать нечего."""
    axes = plots.label_curves(CURVE, NAMES, "F1").axes[0]
    for container, means in zip(axes.containers, ((0.1, 0.3), (0.5, 0.8)), strict=True):
        assert tuple(container[0].get_ydata()) == means
        ends = [segment[:, 1] for segment in container[2][0].get_segments()]
        assert [float(end[1] - end[0]) for end in ends] == pytest.approx([0.1, 0.1])
    with pytest.raises(ValueError, match="нет ни одной строки"):
        plots.label_curves([], NAMES, "F1")


def test_labels_say_right_and_wrong():
    """Верная метка — с галочкой, неверная — с крестиком и верной рядом, «O» не пишется."""
    said = words_of(plots.labelled_words(LABELLED))
    assert "✓ B-PER" in said and "✗ O, а надо B-ANIM" in said
    assert said.count("O") == 0
    assert "ошибок 1" in repr(plots.labelled_words(LABELLED))
