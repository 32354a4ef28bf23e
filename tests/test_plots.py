"""Рисунки: показывают переданные числа и подписаны по-русски; текст читается с проектора."""

from __future__ import annotations

import struct

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from lecture_lib import plots
from lecture_lib.experiments.directions import BIDIRECTIONAL, CAUSAL
from lecture_lib.masking import KEEP, MASK, NOT_CHOSEN, RANDOM, causal_pattern
from lecture_lib.plots import Picture
from lecture_lib.prediction import Candidate
from lecture_lib.reference import BERT_GLUE, BERT_TABLE_8, ROBERTA_GLUE, ReferenceTable

TOKENS = ["вчера", "мы", "смотрели", "фильм"]
MASKS = {"первая": [Candidate("фильм", 0.5), Candidate("сериал", 0.25)], "вторая": []}


def row(kind, model, accuracy, form=None):
    share = {"accuracy": accuracy, "low": accuracy - 0.1, "high": accuracy + 0.1}
    forms = {f"form_{name}": value if form else None for name, value in share.items()}
    return {"kind": kind, "evidence": "справа", "model": model, **share, **forms}


ROWS = [
    row("предлог", BIDIRECTIONAL, 0.8),
    row("предлог", CAUSAL, 0.4),
    row("сказуемое", BIDIRECTIONAL, 0.6, form=True),
    row("сказуемое", CAUSAL, 0.3, form=True),
]
DIFFERENCES = [
    {"kind": "предлог", "difference": 0.4, "low": 0.3, "high": 0.5, "proven": True},
    {"kind": "союз", "difference": -0.05, "low": -0.2, "high": 0.1, "proven": False},
]
SHOWN = ["вчера", "[MASK]", "ведро", "фильм"]
ACTIONS = [NOT_CHOSEN, MASK, RANDOM, KEEP]
SHARES = [
    {"total": 100, "share": 0.12, "low": 0.07, "high": 0.2},
    {"total": 10_000, "share": 0.1, "low": 0.09, "high": 0.11},
]
NAMES = {column: f"наш {column}" for column in BERT_TABLE_8.columns}
CELLS = [
    {
        "row": row,
        "column": column,
        "mean": 70.0 - number,
        "half": 0.5,
        "proven": None if number == 0 else number == 3,
    }
    for number, (row, _) in enumerate(BERT_TABLE_8.rows)
    for column in BERT_TABLE_8.columns
]
PICTURES = {
    "кандидаты": lambda: plots.candidates(MASKS, title="Вчера мы смотрели [MASK]."),
    "точность": lambda: plots.accuracy_by_kind(ROWS),
    "форма": lambda: plots.accuracy_by_kind(ROWS, form=True),
    "разности": lambda: plots.differences(DIFFERENCES, "пунктов"),
    "видимость": lambda: plots.visibility({"причинная": causal_pattern(4)}, TOKENS),
    "маски": lambda: plots.mask_strip({"последнее": (TOKENS, [False] * 3 + [True])}),
    "влияние": lambda: plots.influence({"середина": ([True, True, False, True], 2)}, TOKENS),
    "выбор": lambda: plots.chosen_strip({"зерно 0": (TOKENS, [True, False, False, True])}),
    "замены": lambda: plots.replacement_strip({"": (TOKENS, SHOWN, ACTIONS)}, ignored="−100"),
    "сходимость": lambda: plots.share_convergence({"жребий": SHARES}, 0.1, "доля прежних"),
    "статья": lambda: plots.paper_table(BERT_TABLE_8),
    "миниатюра": lambda: plots.paper_and_miniature(BERT_TABLE_8, CELLS, NAMES, "± отклонение"),
    "кривые": lambda: plots.loss_curves({"mini": [(0, 9.0), (10, 5.0)]}),
}
each_picture = pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES.keys())


def shown_texts(picture):
    """Видимые надписи рисунка."""
    picture.png()  # надписи осей появляются при рисовании
    unseen = {id(label) for axes in picture.axes for label in off_scale(axes)}
    texts = [text for text in picture.findobj(Text) if id(text) not in unseen]
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


def off_scale(axes):
    """Подписи делений за краем шкалы: matplotlib их хранит, но не рисует."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


def png_size(content: bytes) -> tuple[int, int]:
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", content[16:24])


@each_picture
def test_picture_is_png_of_modest_size(draw):
    """PNG до 90 КБ и не шире 1400 точек: тетрадь остаётся лёгкой."""
    content = draw()._repr_png_()
    width, height = png_size(content)
    assert len(content) < 90_000
    assert 300 < width <= 1400 and height > 60


@each_picture
def test_letters_are_large(draw):
    """Ни одной надписи мельче 13 пунктов."""
    assert min(text.get_fontsize() for text in shown_texts(draw())) >= 13


@each_picture
def test_picture_describes_itself(draw):
    """Подпись для тех, кто рисунка не видит, — по-русски и одна и та же при каждом рисовании."""
    described = repr(draw())
    assert described.startswith("Рисунок: ") and described == repr(draw())
    assert "object at" not in described


@each_picture
def test_nothing_sticks_out(draw):
    """Надписи не выходят за край рисунка."""
    picture = draw()
    texts = shown_texts(picture)
    renderer = FigureCanvasAgg(picture).get_renderer()
    for text in texts:
        box = text.get_window_extent(renderer)
        inside = box.x0 >= -2 and box.y0 >= -2
        inside &= box.x1 <= picture.bbox.x1 + 2 and box.y1 <= picture.bbox.y1 + 2
        assert inside, text.get_text()


def test_bars_equal_probabilities():
    """Длина столбика — вероятность, порядок — как передано, подпись — проценты."""
    picture = plots.candidates(MASKS)
    first = picture.axes[0]
    assert [bar.get_width() for bar in first.patches] == [0.5, 0.25]
    assert [t.get_text() for t in first.get_yticklabels()] == ["фильм", "сериал"]
    assert {"50 %", "25 %"} <= {t.get_text() for t in shown_texts(picture)}


def test_accuracy_bars_and_error_bars():
    """У каждой модели свой ряд столбиков, усы — от low до high."""
    axes = plots.accuracy_by_kind(ROWS).axes[0]
    bars = {round(bar.get_width(), 3) for bar in axes.patches}
    assert bars == {0.8, 0.4, 0.6, 0.3}
    spans = [line.get_segments() for line in axes.collections]
    ends = {(round(a[0], 3), round(b[0], 3)) for segments in spans for a, b in segments}
    assert ends == {(0.7, 0.9), (0.5, 0.7), (0.3, 0.5), (0.2, 0.4)}


def test_kinds_without_forms_are_left_out():
    """У предлога формы нет — на рисунке форм нет и предлога."""
    axes = plots.accuracy_by_kind(ROWS, form=True).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert len(labels) == 1 and labels[0].startswith("сказуемое")


def test_models_differ_not_only_by_colour():
    """Столбики второй модели заштрихованы: разница видна и на чёрно-белой печати."""
    axes = plots.accuracy_by_kind(ROWS).axes[0]
    assert {bar.get_hatch() for bar in axes.patches} == {"", "///"}


def test_verdicts_are_written():
    """Доказано или нет — сказано словом, а не только цветом."""
    picture = plots.differences(DIFFERENCES, "пунктов")
    written = [text.get_text() for text in shown_texts(picture)]
    assert "доказано" in written and "не доказано" in written
    assert "доказана: предлог" in repr(picture)


def test_visibility_cells():
    """Закрашено ровно то, что видно: у причинной модели — нижний треугольник."""
    axes = plots.visibility({"причинная": causal_pattern(4)}, TOKENS).axes[0]
    blue = [p.get_xy() for p in axes.patches if p.get_facecolor()[2] > p.get_facecolor()[0]]
    assert sorted(blue) == sorted((j, i) for i in range(4) for j in range(i + 1))


def test_strip_hides_words():
    """Скрытый токен на полоске не прочесть, а ответ модели под ним — можно."""
    picture = plots.mask_strip(
        {"": (TOKENS, [False, True, False, True])}, {"": ["", "они", "", "фильм"]}
    )
    written = [text.get_text() for text in shown_texts(picture)]
    assert written.count("[MASK]") == 2 and "мы" not in written
    assert "✗ они" in written and "✓ фильм" in written


def test_long_strip_wraps():
    """Длинное предложение переносится, а не мельчает и не вылезает за край."""
    tokens = ["предложение"] * 20
    picture = plots.mask_strip({"": (tokens, [False] * 20)})
    assert len({round(p.get_y(), 3) for p in picture.axes[0].patches}) > 1


def test_saving(tmp_path):
    """SVG остаётся текстом: русские слова в нём находятся поиском."""
    path = PICTURES["маски"]().save(tmp_path / "strip.svg")
    assert "смотрели" in path.read_text(encoding="utf-8")
    assert PICTURES["маски"]().save(tmp_path / "strip.png").read_bytes()[:4] == b"\x89PNG"


def test_nothing_to_draw():
    """Без единой маски рисовать нечего — и это сказано."""
    with pytest.raises(ValueError, match="masks"):
        plots.candidates({})


def test_chosen_tokens_stay_readable():
    """Выбранный токен виден и назван в подписи, невыбранный — нет."""
    picture = plots.chosen_strip({"зерно 0": (TOKENS, [True, False, False, True])})
    assert {"вчера", "мы", "фильм"} <= {text.get_text() for text in shown_texts(picture)}
    assert repr(picture).endswith("зерно 0 — вчера, фильм")
    assert repr(plots.chosen_strip({"": (TOKENS, [False] * 4)})).endswith("никто")


def test_actions_differ_not_only_by_colour():
    """У случайного и прежнего свои знаки и рамки; под выбранными — ответ, под прочими −100."""
    picture = PICTURES["замены"]()
    written = [text.get_text() for text in shown_texts(picture)]
    assert {"[MASK]", "≠ ведро", "= фильм", "вчера"} <= set(written)
    assert written.count("−100") == 1 and {"мы", "смотрели", "фильм"} <= set(written)
    frames = {(p.get_linestyle(), p.get_linewidth()) for p in picture.axes[0].patches}
    assert len(frames) == 3  # тонкая (не выбран и [MASK]), пунктир, толстая
    assert repr(picture) == "Рисунок: замены токенов: закрыт — 1, ≠ случайный — 1, = прежний — 1"


def test_convergence_whiskers_and_target():
    """Усы — от low до high, пунктир — на цели."""
    axes = PICTURES["сходимость"]().axes[0]
    (bars,) = [c for c in axes.collections if c.get_segments()]
    ends = [(round(a[1], 6), round(b[1], 6)) for a, b in bars.get_segments()]
    assert ends == [(0.07, 0.2), (0.09, 0.11)]
    assert [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--"] == [0.1]


def test_paper_table_shows_paper_numbers():
    """Все восемнадцать чисел таблицы 8 написаны, точки стоят на них, масштаб полей общий."""
    picture = plots.paper_table(BERT_TABLE_8)
    written = {text.get_text() for text in shown_texts(picture)}
    for _, values in BERT_TABLE_8.rows:
        assert {f"{value:.1f}".replace(".", ",") for value in values} <= written
    for axes, column in zip(picture.axes, BERT_TABLE_8.columns, strict=True):
        dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
        assert dots == list(BERT_TABLE_8.column(column).values())
    widths = [axes.get_xlim()[1] - axes.get_xlim()[0] for axes in picture.axes]
    assert widths == pytest.approx([widths[0]] * 3)


def test_miniature_says_what_is_proven():
    """Доказанное — словом и залитой точкой; столбцы миниатюры названы по-нашему."""
    picture = PICTURES["миниатюра"]()
    written = [text.get_text() for text in shown_texts(picture)]
    assert written.count("доказано") == 3 and written.count("не доказано") == 12
    assert "70,0 ± 0,5" in written and set(NAMES.values()) <= set(written)
    assert "80/20/0 в «наш MNLI, дообучение»" in repr(picture)
    dots = [line for line in picture.axes[3].lines if line.get_marker() == "o"]
    assert [dot.get_ydata()[0] for dot in dots if dot.get_mfc() == dot.get_mec()] == [3]


def test_miniature_must_match_the_paper():
    """Лишняя, пропущенная и повторённая клетка, неназванный столбец — ошибки с местом."""
    stranger = {**CELLS[0], "row": "50/25/25"}
    for cells, names, said in (
        (CELLS[1:], NAMES, "нет клетки"),
        ([*CELLS, CELLS[0]], NAMES, "дана дважды"),
        ([*CELLS, stranger], NAMES, "50/25/25"),
        (CELLS, {}, "names"),
    ):
        with pytest.raises(ValueError, match=said):
            plots.paper_and_miniature(BERT_TABLE_8, cells, names, "±")


def test_table_with_holes_is_refused():
    """Таблицу с пустыми клетками точками не нарисовать; полную — любую."""
    with pytest.raises(ValueError, match="BERT_LARGE"):
        plots.paper_table(ROBERTA_GLUE)
    assert isinstance(
        plots.paper_table(ReferenceTable("т", "и", ("а",), (("с", (1.0,)),))), Picture
    )
    assert len(plots.paper_table(BERT_GLUE).axes) == len(BERT_GLUE.columns)
