"""Язык шаблонов «Городка»: разбор строки в дерево, без выбора слов и без морфологии.

Шаблон — обычный русский текст, в котором изменяемые слова стоят в слотах `{…}`,
а взаимозаменяемые куски — в скобках `[а|б]`. Здесь строка превращается в дерево
из четырёх видов узлов; слова для него выбирает и согласует `grammar`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

CASES = ("nomn", "gent", "datv", "accs", "ablt", "loct")
NUMBERS = ("sing", "plur")
TENSES = ("past", "pres", "futr", "infn", "impr", "grnd")
PRONOUNS = ("pro", "poss", "me", "you", "we", "vy")
MENTIONS = ("full", "first", "last")
OTHERS = ("short", "comp", "masc", "femn", "neut", "hidden")
FEATURES = frozenset(CASES + NUMBERS + TENSES + PRONOUNS + MENTIONS + OTHERS)
PLACE_PREPOSITIONS = ("at", "to", "from")

# Предлоги, после которых «он» становится «него», «нему», «ним».
PREPOSITIONS = frozenset(
    "в во на с со к ко о об обо у для без от ото до из изо по над надо под подо перед передо "
    "за при про через вокруг около возле мимо после кроме против среди между напротив вместо "
    "насчёт ради позади впереди внутри вдоль".split()
)
_TAIL_PREPOSITION = re.compile(r"(?:(?<=^)|(?<=[\s(«—]))([А-Яа-яё]+)\s+$")
# Не граница: после инициала, перед тире авторских слов, перед смайликом.
_SENTENCE_END = re.compile(
    r"(?<=[.!?…])(?<!\s[а-яА-Я]\.)(»?)\s+(?=[^—\s:;\U0001f000-\U0001faff\u2600-\u27bf])"
)


class TemplateError(ValueError):
    """Шаблон записан с ошибкой; сообщение называет место и причину."""


@dataclass(frozen=True)
class Literal:
    """Неизменяемый кусок текста."""

    text: str


@dataclass(frozen=True)
class Break:
    """Граница между двумя предложениями одной строки."""


@dataclass(frozen=True)
class Choice:
    """`[а|б|в]`: один из равновероятных вариантов."""

    options: tuple[tuple, ...]


@dataclass(frozen=True)
class Modifier:
    """Определение внутри слота: леммы на выбор или *признак; probability — как часто стоит."""

    lemmas: tuple[str, ...] = ()
    feature: str | None = None
    probability: float = 1.0


@dataclass(frozen=True)
class Slot:
    """Слот `{…}`: что поставить (`lemmas`, `classes` или `role`) и в какой форме.

    agree — с кем согласовать, например ("A", "B"); person — me, you, we, vy или None (третье
    лицо); numeral — (от, до, цифрами ли); adjective — признак случайного прилагательного, которое
    само согласуется с agree: «фильм оказался {*good ablt @film}». Слот с пометой hidden только
    выбирает слово: «{hidden N=ваза|лампа} На столе {стоять past @N} {N}».
    """

    source: str
    lemmas: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    role: tuple[str, ...] = ()
    attribute: str | None = None
    adjective: str | None = None
    bind: str | None = None
    modifiers: tuple[Modifier, ...] = ()
    features: frozenset = field(default_factory=frozenset)
    case: str = "nomn"
    agree: tuple[str, ...] = ()
    person: str | None = None
    place: str | None = None
    numeral: tuple[int, int, bool] | None = None
    preposition: str | None = None

    @property
    def tense(self) -> str | None:
        """Глагольная помета слота или `None`, если слот не глагольный."""
        return next((t for t in TENSES if t in self.features), None)

    @property
    def part_of_speech(self) -> str:
        """`VERB`, `ADJF` или `NOUN`: что ждать от леммы в этом слоте."""
        if self.tense:
            return "VERB"
        if self.agree or "comp" in self.features or "short" in self.features:
            return "ADJF"
        return "NOUN"


def parse(text: str) -> tuple:
    """Разобрать строку шаблона в кортеж узлов Literal, Slot, Choice и Break.

    Raises:
        TemplateError: непарные скобки, неизвестная помета, слот без слова.
    """
    nodes, end = _sequence(text, 0, top=True)
    if end != len(text):
        raise TemplateError(f"Лишняя «{text[end]}» в позиции {end}: {text!r}")
    return _attach_prepositions(_split_sentences(nodes))


def _sequence(text: str, start: int, top: bool) -> tuple[list, int]:
    """Прочесть узлы до конца строки (`top`) или до `|` либо `]` своего уровня."""
    nodes: list = []
    buffer = ""
    i = start
    while i < len(text) and (top or text[i] not in "|]"):
        if text[i] in "{[":
            if buffer:
                nodes.append(Literal(buffer))
                buffer = ""
            node, i = _slot(text, i) if text[i] == "{" else _choice(text, i)
            nodes.append(node)
        elif text[i] in "}]|":
            raise TemplateError(f"Непарная «{text[i]}» в позиции {i}: {text!r}")
        else:
            buffer += text[i]
            i += 1
    if buffer:
        nodes.append(Literal(buffer))
    return nodes, i


def _choice(text: str, start: int) -> tuple[Choice, int]:
    options, i = [], start
    while True:
        nodes, i = _sequence(text, i + 1, top=False)
        options.append(_attach_prepositions(_split_sentences(nodes)))
        if i >= len(text):
            raise TemplateError(f"Скобка «[» в позиции {start} не закрыта: {text!r}")
        if text[i] == "]":
            return Choice(tuple(options)), i + 1


def _slot(text: str, start: int) -> tuple[Slot, int]:
    end = text.find("}", start)
    if end < 0:
        raise TemplateError(f"Скобка «{{» в позиции {start} не закрыта: {text!r}")
    return parse_slot(text[start + 1 : end]), end + 1


def parse_slot(source: str) -> Slot:
    """Разобрать содержимое одного слота, например `?*film accs` или `пойти past @A+B`."""
    values: dict = {"source": source, "features": set()}
    words: list[str] = []
    for token in source.split():
        if token in FEATURES:
            values["features"].add(token)
        elif token in PLACE_PREPOSITIONS:
            values["place"] = token
        elif token[0] == "@":
            _read_agreement(token[1:], values)
        elif token[0] == "#":
            _read_numeral(token, values)
        else:
            words.append(token)
    if not words:
        raise TemplateError(f"В слоте «{{{source}}}» нет слова")
    values["modifiers"] = tuple(_modifier(word) for word in words[:-1])
    _read_head(words[-1], values)
    values["features"] = frozenset(values["features"])
    values["case"] = next((c for c in CASES if c in values["features"]), "nomn")
    return Slot(**values)


def _read_agreement(target: str, values: dict) -> None:
    """`A`, `A+B`, `A.me` или лемма: с кем согласовать."""
    target, _, person = target.partition(".")
    if person and person not in ("me", "you", "we", "vy"):
        raise TemplateError(f"После точки в «@{target}.{person}» ждали me, you, we или vy")
    values["agree"] = tuple(target.split("+"))
    values["person"] = person or None


def _read_numeral(token: str, values: dict) -> None:
    found = re.fullmatch(r"(#{1,2})(\d+)(?:-(\d+))?", token)
    if not found:
        raise TemplateError(f"Числительное «{token}» записано не как #2-9 или ##10-90")
    low = int(found[2])
    values["numeral"] = (low, int(found[3] or low), len(found[1]) == 2)


def _modifier(word: str) -> Modifier:
    probability = 0.5 if word.startswith("?") else 1.0
    word = word.lstrip("?")
    if word.startswith("*"):
        return Modifier(feature=word[1:], probability=probability)
    return Modifier(lemmas=tuple(word.split("|")), probability=probability)


def _read_head(word: str, values: dict) -> None:
    """Последнее слово слота: %класс, роль, роль.свойство или лемма; впереди может быть *."""
    if word.startswith("*") and values.get("agree"):
        values["adjective"] = word[1:]
        return
    found = re.fullmatch(r"(\??\*)(?=[%A-Za-z\u0400-\u04ff])(.+)", word)
    if found:  # «*film»: любое подходящее прилагательное
        feature, _, rest = found[2].partition("~")
        values["modifiers"] += (_modifier(found[1] + (feature if rest else "")),)
        word = rest or found[2]
    elif word.startswith("?"):
        raise TemplateError(f"В слоте «{{{values['source']}}}» после «?» нет главного слова")
    if "=" in word:
        values["bind"], _, word = word.partition("=")
    if word.startswith("%"):
        values["classes"] = tuple(word[1:].split(","))
    elif re.fullmatch(r"[A-Za-z_][\w+]*(\.\w+)?", word, re.ASCII):
        role, _, attribute = word.partition(".")
        values["role"], values["attribute"] = tuple(role.split("+")), attribute or None
    elif re.fullmatch(r"[А-ЯЁ]", word) or not re.fullmatch(r"[\w|\-]+", word):
        raise TemplateError(f"Не понять слово «{word}» в слоте «{{{values['source']}}}»")
    else:
        values["lemmas"] = tuple(word.split("|"))


def _split_sentences(nodes: list) -> list:
    """Разделить текст на предложения там, где после точки стоит пробел и не начинается реплика."""
    result: list = []
    for index, node in enumerate(nodes):
        if not isinstance(node, Literal):
            result.append(node)
            continue
        text = node.text + ("\0" if index + 1 < len(nodes) else "")
        pieces = _SENTENCE_END.sub(lambda m: m[1] + "\n", text).replace("\0", "").split("\n")
        for number, piece in enumerate(pieces):
            if number:
                result.append(Break())
            if piece:
                result.append(Literal(piece))
    return result


def _attach_prepositions(nodes: list) -> tuple:
    """Предлог перед слотом отдать слоту: от слова зависит «в/во», «с/со», «его/него»."""
    result: list = []
    for node in nodes:
        previous = result[-1] if result else None
        if isinstance(node, Slot) and isinstance(previous, Literal):
            found = _TAIL_PREPOSITION.search(previous.text)
            if found and found[1].lower() in PREPOSITIONS:
                rest = previous.text[: found.start(1)]
                result[-1:] = [Literal(rest)] if rest else []
                node = Slot(**{**node.__dict__, "preposition": found[1]})
        result.append(node)
    return tuple(result)


def slots(nodes: tuple) -> Iterator[Slot]:
    """Все слоты дерева, с вложенными."""
    for node in nodes:
        if isinstance(node, Slot):
            yield node
        elif isinstance(node, Choice):
            for option in node.options:
                yield from slots(option)


def literals(nodes: tuple) -> Iterator[str]:
    """Все неизменяемые куски дерева, с вложенными."""
    for node in nodes:
        if isinstance(node, Literal):
            yield node.text
        elif isinstance(node, Choice):
            for option in node.options:
                yield from literals(option)
