"""Обозреватель внимания: все головы миниатюрами, одна крупно, а рядом — улики.

Внимание не объясняет ответа, поэтому закрытое слово показано с двух сторон: на кого смотрит голова
и без каких слов модель угадала бы хуже. Числа — те, что вернули нижние этажи.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import traitlets
from torch import Tensor

from lecture_lib import plots
from lecture_lib.config import check_choice
from lecture_lib.experiments.attention_probes import PREVIOUS
from lecture_lib.experiments.head_scores import ON_CORPUS, ON_SENTENCE, HeadScores
from lecture_lib.widgets.attention_panel import AttentionPanel
from lecture_lib.widgets.drawn import DrawnView, DrawnWidget, view_field
from lecture_lib.widgets.live import Page, message_html

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerFast

SENTENCES = (
    "Старый кот увидел маленькую рыбку, и он её съел.",
    "Анна купила новую книгу, потому что она любит читать.",
    "Вчера мы посмотрели отличный фильм в кинотеатре.",
    "На столе у окна лежали красные яблоки.",
)
PROBES = (*ON_SENTENCE, *ON_CORPUS)
LOOKS = ("lines", "matrix")
MOST_DRAWN = 30  # токенов: столько строк и столбцов ещё читаются на двойнике
Model = tuple["nn.Module", "PreTrainedTokenizerFast"]


class ExplorerView(DrawnView):
    """Поля обозревателя на странице; слои и головы — с единицы, masked = −1 — всё открыто."""

    module = traitlets.Unicode("attention_explorer").tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    sentences = traitlets.List(traitlets.Unicode()).tag(sync=True)
    orders = traitlets.List(traitlets.Unicode()).tag(sync=True)
    # Это меняют и страница, и ядро.
    text = traitlets.Unicode().tag(sync=True)
    masked = traitlets.Int(-1).tag(sync=True)
    hide_special = traitlets.Bool(False).tag(sync=True)
    merge_words = traitlets.Bool(False).tag(sync=True)
    look = traitlets.Unicode("lines").tag(sync=True)
    order = traitlets.Unicode("").tag(sync=True)
    layer, head = traitlets.Int(1).tag(sync=True), traitlets.Int(1).tag(sync=True)
    other_layer, other_head = traitlets.Int(1).tag(sync=True), traitlets.Int(1).tag(sync=True)
    cursor = traitlets.List(traitlets.Int()).tag(sync=True)
    predicted = traitlets.List(traitlets.Int()).tag(sync=True)
    # А это присылает только ядро; списки — по значению на модель.
    problem = traitlets.Unicode().tag(sync=True)
    chips = traitlets.List().tag(sync=True)
    panels, exact = traitlets.List().tag(sync=True), traitlets.List().tag(sync=True)
    scores, evidence = traitlets.List().tag(sync=True), traitlets.List().tag(sync=True)
    question, answer = traitlets.Unicode().tag(sync=True), traitlets.Unicode().tag(sync=True)


def _check(name: str, number: Any, least: int, most: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise ValueError(f"{name} = {number!r}: номера — от {least} до {most}.")


def _number_of(panel: int, count: str) -> Callable[[AttentionExplorer, str, Any], None]:
    """Проверка номера слоя или головы у модели panel: от единицы до стольких, сколько их у неё."""

    def check(widget: AttentionExplorer, name: str, value: Any) -> None:
        if panel >= len(widget.panels):
            raise ValueError(f"{name} = {value!r}: второй модели нет, передайте её как other.")
        _check(name, value, 1, getattr(widget.panels[panel], count))

    return check


def _one_of(choices: Sequence[str]) -> Callable[[AttentionExplorer, str, Any], None]:
    return lambda _widget, name, value: check_choice(name, value, tuple(choices))


def _word(widget: AttentionExplorer, name: str, value: Any) -> None:
    units = [unit for unit, _ in widget.view.chips]
    if value not in (-1, *units):
        known = f"слова — от {units[0]} до {units[-1]}" if units else "слов нет"
        raise ValueError(f"{name} = {value!r}: {known}; −1 — открыть.")


class AttentionExplorer(DrawnWidget):
    """Обозреватель внимания; состояние читается и меняется из Python.

    text — предложение, sentence — его номер среди готовых; layer и head — с единицы, other_layer и
    other_head — у второй модели; masked — какое по счёту слово закрыто; hide_special — без [CLS] и
    [SEP]; merge_words — слова вместо токенов: внимание к слову — сумма по его токенам, от слова —
    среднее; look — «lines» или «matrix»; order — проба из PROBES, по которой стоят головы; probe —
    о какой из них вопрос; predicted — ответ студента. weights (S, S) и tokens — что на экране.

    other — вторая модель и её токенизатор. Негодный текст — сообщение в виджете; ValueError — нет
    предложений, негодный номер или модель без внимания.
    """

    text = view_field("text")
    masked = view_field("masked", _word)
    hide_special, merge_words = view_field("hide_special"), view_field("merge_words")
    look, order = view_field("look", _one_of(LOOKS)), view_field("order", _one_of(("", *PROBES)))
    layer = view_field("layer", _number_of(0, "layers"))
    head = view_field("head", _number_of(0, "heads"))
    other_layer = view_field("other_layer", _number_of(1, "layers"))
    other_head = view_field("other_head", _number_of(1, "heads"))
    cursor, predicted = view_field("cursor"), view_field("predicted")
    problem, answer = view_field("problem"), view_field("answer")
    scores, evidence = view_field("scores"), view_field("evidence")

    def __init__(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerFast,
        sentences: Sequence[str] = SENTENCES,
        sentence: int = 0,
        layer: int = 1,
        head: int = 1,
        other: Model | None = None,
        names: Sequence[str] = ("модель", "вторая модель"),
        probe: str = PREVIOUS,
    ) -> None:
        if isinstance(sentences, str) or not sentences:
            raise ValueError(f"sentences = {sentences!r}: нужен непустой список предложений.")
        check_choice("probe", probe, ON_SENTENCE)
        models = [(model, tokenizer), *([other] if other else [])]
        self.panels = [AttentionPanel(*pair, n) for pair, n in zip(models, names, strict=False)]
        self.sentences, self.probe = tuple(sentences), probe
        _check("sentence", sentence, 0, len(sentences) - 1)
        self.view = ExplorerView(
            names=list(names[: len(models)]),
            sentences=list(sentences),
            orders=list(PROBES),
            text=sentences[sentence],
            question=f"Какая голова смотрит на {probe}? Выберите миниатюру и предскажите.",
        )
        self.layer, self.head = layer, head
        self._read()
        self._observe()

    def _observe(self) -> None:
        """Страница изменила поле — ядро отвечает тем, что от него зависит."""
        answers = {
            self._on_text: ("text",),
            self._on_mask: ("masked",),
            self._show: ("merge_words",),
            self._on_head: ("layer", "head", "other_layer", "other_head"),
            self._score: ("order",),
            self._judge: ("predicted",),
        }
        for answer, names in answers.items():
            self.view.observe(lambda change, answer=answer: answer(), names)

    def _on_text(self) -> None:
        self.view.answer, self.view.predicted = "", []
        if self.view.masked >= 0:
            self.view.masked = -1  # это слово было в прежнем тексте; _on_mask прочтёт новый
        else:
            self._read()

    def _on_mask(self) -> None:
        self._read()

    def _read(self) -> None:
        """Читает текст всеми моделями и показывает; негодный — сообщение и пустые панели."""
        view = self.view
        try:
            closed = self._closed_span()
            for panel in self.panels:
                panel.read(view.text, closed)
        except ValueError as error:
            with view.hold_sync():
                view.problem, view.chips, view.panels = str(error), [], []
                view.exact, view.scores, view.evidence = [], [], []
            return
        first = self.panels[0].plain
        words = enumerate(zip(first.words, first.spans, strict=True))
        with view.hold_sync():  # одним сообщением: страница не увидит новых слов со старой головой
            view.problem = ""
            view.chips = [[unit, word] for unit, (word, span) in words if span]
            self._show()
            self._score()

    def _closed_span(self) -> tuple[int, int] | None:
        """Где в тексте закрытое слово: по нему слово найдут и в разметке второй модели."""
        if self.view.masked < 0:
            return None
        return self.panels[0].plain.spans[self.view.masked]

    def _show(self) -> None:
        """Шлёт внимание, точные числа и улики."""
        view = self.view
        if view.problem:
            return
        pairs = zip(self.panels, self._heads, strict=False)
        with view.hold_sync():
            view.panels = [panel.fields(layer, view.merge_words) for panel, (layer, _) in pairs]
            self._show_head()

    def _on_head(self) -> None:
        """Другая голова: точные числа и улики; у длинного текста — ещё и слой."""
        if self.view.problem:
            return
        if any(panel.is_long for panel in self.panels):
            self._show()
        else:
            self._show_head()

    def _show_head(self) -> None:
        view, chosen = self.view, list(zip(self.panels, self._heads, strict=False))
        view.exact = [panel.exact(*place, view.merge_words) for panel, place in chosen]
        view.evidence = [panel.evidence(*place) for panel, place in chosen]

    def _score(self) -> None:
        """Шлёт меру голов, если попросили их упорядочить."""
        view = self.view
        if view.order and not view.problem:
            found = [panel.scores(view.order) for panel in self.panels]
            view.scores = [_score_fields(scores, view.order) for scores in found]

    def _judge(self) -> None:
        """Отвечает на предсказание: мера названной головы и лучшей; головы встают по мере."""
        if len(self.view.predicted) != 2 or self.view.problem:
            return
        found = self.panels[0].scores(self.probe)
        if found is None or not found.asked:
            self.view.answer = "На этом предложении пробе спросить некого: возьмите короче."
            return
        self.view.answer = _answer(found, *self.view.predicted)
        self.view.order = self.probe

    @property
    def _heads(self) -> list[tuple[int, int]]:
        view = self.view
        return [(view.layer, view.head), (view.other_layer, view.other_head)]

    @property
    def sentence(self) -> int | None:
        """Номер готового предложения; None — предложение своё."""
        found = self.view.text in self.sentences
        return self.sentences.index(self.view.text) if found else None

    @sentence.setter
    def sentence(self, number: int) -> None:
        _check("sentence", number, 0, len(self.sentences) - 1)
        self.view.text = self.sentences[number]

    @property
    def tokens(self) -> list[str]:
        """Подписи первой модели: токены или, с merge_words, слова, вместе с [CLS] и [SEP]."""
        return self.panels[0].labels(self.view.merge_words)

    @property
    def weights(self) -> Tensor:
        """Внимание выбранной головы первой модели, (S, S), без округления."""
        return self.panels[0].weights(*self._heads[0], self.view.merge_words)

    @property
    def title(self) -> str:
        """Заголовок рисунка: слой и голова."""
        return f"слой {self.layer}, голова {self.head}"

    def static(self) -> plots.Picture | Page:
        """Матрица выбранной головы первой модели; длинный текст — первые MOST_DRAWN токенов."""
        if self.problem:
            return Page(message_html(self.problem, is_error=True))
        kept = list(range(len(self.tokens)))
        if self.view.hide_special:
            special = self.view.panels[0]["special"]
            kept = [token for token in kept if not special[token]]
        kept = kept[:MOST_DRAWN]
        labels = [self.tokens[token] for token in kept]
        return plots.attention_matrix(self.weights[kept][:, kept], labels, self.title)

    def __repr__(self) -> str:
        said = self.view.problem or self.view.text
        return f"Внимание, {self.title}: {said}"


def _answer(found: HeadScores, layer: int, head: int) -> str:
    """Ответ на предсказание: у скольких слов голова права и какая права чаще всех."""
    shares = found.shares
    named, best = shares[layer - 1, head - 1], shares.max()
    winners = [f"слой {i + 1}, голова {j + 1}" for i, j in (shares == best).nonzero().tolist()]
    right = f"{round(float(named) * found.asked)} из {found.asked}"
    said = f"Слой {layer}, голова {head}: на {found.probe} больше всего смотрят {right} слов. "
    if named == best:
        more = f"; столько же — ещё у {len(winners) - 1}" if len(winners) > 1 else ""
        return said + f"Верно, больше ни у кого{more}. Проверьте: головы стоят по этой мере."
    count = f"{round(float(best) * found.asked)} из {found.asked}"
    return said + f"Чаще всех — {winners[0]}: {count}. Проверьте: головы стоят по этой мере."


def _score_fields(found: HeadScores | None, probe: str) -> dict[str, Any]:
    """Мера голов для страницы и подпись: на чём измерено."""
    if found is None or not found.asked:
        return {"probe": probe, "note": "Измерить нельзя: спросить некого или текст длинен."}
    place = "этого предложения" if probe in ON_SENTENCE else "отложенных документов «Городка»"
    note = (
        f"Мера — доля слов, у которых больше всего внимания ушло на верное место: {probe}. "
        f"Слов {place}: {found.asked}. Лучшая из многих голов завышена."
    )
    return {"probe": probe, "shares": found.shares.tolist(), "asked": found.asked, "note": note}
