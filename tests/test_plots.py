"""Рисунки: показывают переданные числа и подписаны по-русски; текст читается с проектора."""

from __future__ import annotations

import struct

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from lecture_lib import plots
from lecture_lib.divergence import Comparison
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
WEIGHTS = torch.tensor(
    [[0.7, 0.2, 0.1, 0.0], [0.95, 0.05, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]]
)
VECTORS = {
    name: torch.linspace(-1, 1, 32).view(4, 8) * (number + 1)
    for number, name in enumerate(("токен", "сегмент", "позиция", "сумма"))
}
SPAN = {"low": 0.4, "high": 0.6, "share": 0.5}
PROBE_ROWS = [
    {"probe": "предыдущее слово", "kind": "голова", "layer": 2, "head": 1, "offset": None, **SPAN},
    {"probe": "предыдущее слово", "kind": "смещение", "layer": None, "head": None, "offset": -1,
     **SPAN, "share": 0.9, "high": 0.95},
]  # fmt: skip
PLACES = ("[CLS]", "слово слева")
BUDGET = [{"layer": 1, "head": h, "[CLS]": 0.1 * h, "слово слева": 1 - 0.1 * h} for h in (1, 2)]
ABLATION = [
    {"layer": None, "head": None, "loss": 2.0},
    {"layer": 1, "head": 1, "loss": 2.5, "increase": 0.5, "low": 0.4, "high": 0.6},
    {"layer": 1, "head": 2, "loss": 2.0, "increase": 0.0, "low": -0.1, "high": 0.1},
]
TENSORS = ("эмбеддинги", "слой 1: веса внимания", "логиты MLM")


def compared(*differences):
    return [
        Comparison(name, None, difference, (0,), 0.0, difference)
        for name, difference in zip(TENSORS, differences, strict=True)
    ]


UNKNOWN = [
    {"sample": sample, "tokenizer": name, "lost": lost, "per_word": 2.5}
    for sample, lost in (("эмодзи", 0.4), ("латиница", 0.9))
    for name in ("WordPiece", "байтовый BPE")
]
LAYER_ROWS = [
    {"layers": (0, 2, 5), "value": 0.44, "marked": True},
    {"layers": (1, 3, 5), "value": 0.19},
]
FRONT = [
    {"row": "слоёв 1", "layers": 1, "flops_share": 0.25, "quality_share": 0.8},
    {"row": "все три потери", "layers": 2, "flops_share": 0.5, "quality_share": 0.9},
    {"row": "учитель", "layers": 4, "flops_share": 1.0, "quality_share": 1.0},
]
DIVERGED = {"верная": compared(0.0, 1e-7, 1e-6), "испорченная": compared(0.0, 0.3, 2.0)}
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
    "внимание": lambda: plots.attention_matrix(WEIGHTS, TOKENS, "слой 1, голова 2"),
    "головы": lambda: plots.attention_grid(WEIGHTS.expand(2, 3, 4, 4), "мы смотрели"),
    "линии": lambda: plots.attention_lines(WEIGHTS, TOKENS, "слой 1, голова 2"),
    "эмбеддинги": lambda: plots.embedding_sum(TOKENS, "AABB", VECTORS),
    "пробы": lambda: plots.probe_shares(PROBE_ROWS),
    "бюджет": lambda: plots.attention_budget(BUDGET, PLACES),
    "без головы": lambda: plots.head_ablation(ABLATION),
    "расхождение": lambda: plots.divergence_profile(DIVERGED, 1e-5),
    "токены": lambda: plots.piece_lines({"слияний нет": ["‹d0›", "␣кот"] * 30, "все": ["␣кот"]}),
    "неизвестные": lambda: plots.unknown_shares(UNKNOWN),
    "мягкие цели": lambda: plots.soft_targets({"T = 1": MASKS["первая"], "T = 5": MASKS["первая"]}),
    "слои": lambda: plots.layer_strips(6, {"через один": (0, 2, 4), "края": (0, 2, 5)}),
    "наборы слоёв": lambda: plots.layer_choices(6, LAYER_ROWS, "токен угадан"),
    "качество и цена": lambda: plots.quality_front(FRONT, "качество, доля от учителя"),
    "кривые": lambda: plots.loss_curves({"mini": [(0, 9.0), (10, 5.0)]}),
    "четыре кривые": lambda: plots.loss_curves({name: [(0, 0.1), (1, 0.9)] for name in "абвг"}),
    "поля кривых": lambda: plots.training_panels({name: [(0, 0.1), (1, 0.9)] for name in "абвг"}),
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


def test_attention_numbers_are_percent():
    """В клетке — проценты от 10 и больше, меньшие не написаны; описание называет самое сильное."""
    picture = plots.attention_matrix(WEIGHTS, TOKENS)
    written = [text.get_text() for text in picture.axes[0].texts]
    assert written == ["70", "20", "10", "95", "100", "25", "25", "25", "25"]
    assert "смотрели → мы" in repr(picture)


def test_attention_rows_are_lookers():
    """Строка — кто смотрит: картинка равна переданной матрице, а не повёрнутой."""
    (image,) = plots.attention_matrix(WEIGHTS, TOKENS).axes[0].images
    assert image.get_array().tolist() == WEIGHTS.tolist()
    grid = plots.attention_grid(torch.stack([WEIGHTS, WEIGHTS.T]).view(2, 1, 4, 4))
    assert grid.axes[1].images[0].get_array().tolist() == WEIGHTS.T.tolist()


def test_lines_go_from_looker_to_seen():
    """Линия идёт слева направо: от смотрящего к тому, на кого; доли ниже порога не нарисованы."""
    lines = plots.attention_lines(WEIGHTS, TOKENS, threshold=0.3).axes[0].lines
    drawn = {(line.get_ydata()[0], line.get_ydata()[1]): line.get_linewidth() for line in lines}
    assert set(drawn) == {(0, 0), (1, 0), (2, 1)}
    assert drawn[2, 1] > drawn[1, 0] > drawn[0, 0]


@pytest.mark.parametrize("draw", [plots.attention_matrix, plots.attention_lines])
def test_attention_needs_a_token_per_row(draw):
    with pytest.raises(ValueError, match="токенов 3"):
        draw(WEIGHTS, TOKENS[:3])
    with pytest.raises(ValueError, match=r"нужна \(L, H, S, S\)"):
        plots.attention_grid(WEIGHTS)


def test_embedding_rows_name_their_vectors():
    """Подписи: токены, сегменты, номера позиций; слагаемых три, перед суммой «=»."""
    written = [text.get_text() for text in PICTURES["эмбеддинги"]().axes[0].texts]
    assert written.count("+") == 2 and written.count("=") == 1
    assert [t for t in written if t in TOKENS] == TOKENS
    assert "".join(t for t in written if t in "AB" and t) == "AABB"
    assert "".join(t for t in written if t.isdigit()) == "0123"
    with pytest.raises(ValueError, match="нужны четыре"):
        plots.embedding_sum(TOKENS, "AABB", {"токен": VECTORS["токен"]})
    with pytest.raises(ValueError, match="токенов 3"):
        plots.embedding_sum(TOKENS[:3], "AAB", VECTORS)


def test_probe_points_and_whiskers():
    """Точка — доля, линия — от low до high, рядом сказано, какая голова и какое смещение."""
    picture = plots.probe_shares(PROBE_ROWS)
    axes = picture.axes[0]
    assert [line.get_xdata()[0] for line in axes.lines] == [0.5, 0.9]
    spans = [tuple(point[0] for point in c.get_segments()[0]) for c in axes.collections]
    assert spans == [(0.4, 0.6), (0.4, 0.95)]
    assert {"слой 2, голова 1", "смещение −1"} <= {t.get_text() for t in shown_texts(picture)}


def test_ablation_marks_the_sure_ones():
    """Залита только точка, чей интервал не накрывает нуля; целая модель не нарисована."""
    points = [
        line for line in plots.head_ablation(ABLATION).axes[0].lines if line.get_marker() == "o"
    ]
    assert [point.get_xdata()[0] for point in points] == [0.5, 0.0]
    assert points[0].get_markerfacecolor() != points[1].get_markerfacecolor()


def test_budget_cells_are_percent():
    written = [text.get_text() for text in plots.attention_budget(BUDGET, PLACES).axes[0].texts]
    assert written == ["10", "90", "20", "80"]


def test_divergence_names_the_first_tensor():
    """Описание называет первый тензор за допуском, а где его нет — говорит «нигде»."""
    picture = plots.divergence_profile(DIVERGED, 1e-5)
    assert "верная — нигде; испорченная — слой 1: веса внимания" in repr(picture)
    assert plots.divergence_profile(DIVERGED, 1e-8).alt.count("слой 1") == 2
    with pytest.raises(ValueError, match="comparisons"):
        plots.divergence_profile({}, 1e-5)


def test_shares_have_one_axis():
    """Доли рисуются от 0 до 1, прочее — в своих пределах; лишних полей нет."""
    picture = plots.training_panels({"потери": [(0, 9.0), (10, 5.0)], "верно": [(0, 0.48)]})
    losses, shares = picture.axes
    assert shares.get_ylim() == (0, 1) and losses.get_ylim()[0] > 1
    fields = plots.training_panels({name: [(0, 3.0)] for name in "абвгд"}).axes
    assert [axes.axison for axes in fields] == [True] * 5 + [False]


def test_many_curves_are_named_above_the_axes():
    """Две подписи помещаются внутри осей, четыре стоят над ними: на кривые не ложится ни одна."""
    points = [(0, 0.0), (1, 1.0)]
    few = plots.loss_curves({"а": points, "б": points})
    assert few.axes[0].get_legend() and not few.legends
    many = plots.loss_curves(dict.fromkeys("абвг", points))
    many.png()
    (legend,) = many.legends
    box = legend.get_window_extent()
    assert many.axes[0].get_legend() is None and not box.overlaps(many.axes[0].bbox)
    assert many.bbox.x0 <= box.x0 and box.x1 <= many.bbox.x1
