"""Правда о словах «Городка»: на предложениях, проверенных руками, и свойствами на документах."""

from __future__ import annotations

from functools import cache

import pytest

from lecture_lib.corpus import documents, features, links
from lecture_lib.corpus.gorodok import finished
from lecture_lib.corpus.grammar import compile_template
from lecture_lib.corpus.lexicon import lexicon, rows
from lecture_lib.corpus.state import LINE, State
from lecture_lib.corpus.truth import Annotator, spans
from lecture_lib.corpus.world import world


def people(gender: str) -> list:
    return [r for r in world().adults if r.gender == gender]


class Played:
    """Строки шаблонов с ролями A (она) и B (он) и их разметка."""

    def __init__(self, *lines: str, coreferent: bool = True, facts: tuple = ()):
        state = State(lexicon(), lambda: 0.99)
        state.roles.update(A=people("femn")[0], B=people("masc")[3])
        for line in lines:
            compile_template(line, lexicon()).emit(state)
            state.out.append(LINE)
        self.state, annotator = state, Annotator(state.out, coreferent)
        known = [[(state.roles[role], what) for role, what in facts]]
        self.sentences = finished(state, annotator, known)
        self.entities = annotator.entities.known

    def token(self, word: str, sentence: int = 0):
        return next(t for t in self.sentences[sentence].truth if t.text.lower() == word.lower())

    def head(self, word: str, sentence: int = 0) -> str | None:
        head = self.token(word, sentence).head
        return None if head is None else self.sentences[sentence].truth[head].text

    def antecedent(self, word: str, sentence: int = 0) -> str | None:
        where = self.token(word, sentence).antecedent
        return None if where is None else self.sentences[where[0]].truth[where[1]].text


SHE, HE = people("femn")[0].lexeme.lemma, people("masc")[3].lexeme.lemma


@pytest.mark.parametrize(
    ("text", "word", "head"),
    [
        ("{A full} {купить past @A} {хлеб accs}.", "купила", SHE),
        ("Вчера {прийти past @A} {A first}.", "пришла", SHE),
        ("{пройти past @неделя} {неделя}.", "прошла", "неделя"),
        ("{A first} и {B first} {пойти past @A+B} домой.", "пошли", SHE),
        ("{B full} с {A full ablt} {пойти past @A+B} домой.", "пошли", HE),
        ("{A+B} {пойти past @A+B} домой.", "пошли", SHE),
        ("{A+B pro} {пойти past @A+B} домой.", "пошли", "они"),
        ("Мы {пойти past @A+B.we} домой.", "пошли", "мы"),
        ("{A me} {пойти past @A.me} домой.", "пошла", "я"),
        ("Я, {A first}, {жить pres @A.me} здесь.", "живу", "я"),
        ("{думать pres @A.me} о доме.", "думаю", None),
        ("{книга}, {который accs @книга} {A first} {читать past @A}, упала.", "которую", "книга"),
        ("{A first} {увидеть past @A} {друг accs}, {который nomn @друг} {бежать past @друг}.",
         "бежал", "друга"),
        ("{A first} {купить past @A} {#5-5 новый книга accs}.", "новых", "книг"),
        ("{A first} {купить past @A} {#5-5 новый книга accs}.", "пять", "книг"),
        ("{прийти past @гость} {#5-5 гость}.", "пришёл", "гостей"),
        ("{фильм} {оказаться past @фильм} {интересный ablt @фильм}.", "интересным", "фильм"),
        ("{A first} {считать pres @A} {фильм accs} {скучный ablt @фильм}.", "скучным", "фильм"),
        ("{книга} {быть past @книга} {написанный short @книга} {B ablt}.", "написана", "книга"),
        ("{A first} {увидеть past @A} {замок accs}, {перерезанный accs @замок}.",
         "перерезанный", "замок"),
        ("{A first} {хотеть past @A} {читать infn}.", "читать", None),
        ("На грядке {появиться past plur} {росток nomn plur}.", "появились", "ростки"),
        ("{B gent first} дома {ждать past plur}, и {A first} {уйти past @A}.", "ждали", None),
    ],
)  # fmt: skip
def test_head_of_agreement(text, word, head):
    """Слово, по которому выбрана форма, — с какой бы стороны оно ни стояло."""
    found = Played(text).head(word)
    assert (found or "").lower() == (head or "").lower()


def test_pronouns_point_to_the_last_mention():
    """Местоимение — на последнее упоминание, «я» и «мы» — ни на что, но участник у них есть."""
    played = Played(
        "{A full} {встретить past @A} {B accs full}.",
        "{A pro} {знать past @A} {B pro accs}.",
        "{B poss} дом рядом, а я {знать past @B.me} {A pro accs}.",
    )
    assert played.antecedent("она", 1) == SHE
    assert played.antecedent("его", 1) == played.sentences[0].truth[3].text
    assert played.antecedent("его", 2) == "его"
    assert played.antecedent("её", 2) == "Она"
    assert played.antecedent("я", 2) is None
    assert played.token("я", 2).entity == played.token("его", 2).entity
    assert played.token("его", 2).features == "gent 3per sing masc Poss"


def test_groups_are_stable():
    """«Они» — одна и та же группа весь документ; без общего упоминания — последний участник."""
    played = Played(
        "{A full} {купить past @A} {хлеб accs}, а {B first} — {сыр accs}.",
        "{A+B pro} {пойти past @A+B} домой.",
        "{B first} и {A first} {устать past @A+B}.",
        "{A+B pro} {уснуть past @A+B}.",
    )
    assert played.antecedent("они", 1) == HE
    group = played.token("они", 1).entity
    assert played.entities[group].kind == "group"
    assert set(played.entities[group].members) == {
        played.token(SHE).entity,
        played.token(HE).entity,
    }
    assert played.token("они", 3).entity == group
    assert played.antecedent("они", 3) == HE
    assert played.token(HE, 2).group == played.token(SHE, 2).group == group
    assert played.token("устали", 2).head == 0


def test_relative_pronoun_has_antecedent():
    """«который» — то же лицо, что его существительное."""
    played = Played("{дом}, в {который loct @дом} {жить pres @A} {A first}, стоит рядом.")
    which = played.token("котором")
    assert played.antecedent("котором") == "Дом"
    assert which.entity == played.token("дом").entity


def test_repeated_words_are_the_same_thing_only_when_sure():
    """Один и тот же кот, но не «другой кот», не «два кота» и не «через час … через час»."""
    lines = ("{A first} {увидеть past @A} {кот accs}.", "{кот} {убежать past @кот}.")
    played = Played(*lines, "Потом {прийти past @кот} {другой кот}.", "Дома {#2-2 кот}.")
    numbers = [played.token(word, i).entity for i, word in enumerate(("кота", "кот", "кот"))]
    assert numbers[0] == numbers[1] != numbers[2]
    assert played.token("кота", 3).entity not in numbers
    hours = Played("Через {час accs} пришли.", "Через {час accs} ушли.")
    assert hours.token("час").entity != hours.token("час", 1).entity
    loose = Played(*lines, coreferent=False)
    assert loose.token("кота").entity != loose.token("кот", 1).entity


def test_residents_share_an_entity():
    """Имя и фамилия — один житель; род у них один."""
    played = Played("{A full} дома.")
    first, last = played.sentences[0].truth[:2]
    assert first.entity == last.entity and played.entities[first.entity].kind == "resident"
    assert first.features == last.features == "nomn sing femn anim"
    for resident in world().residents:
        assert resident.lexeme.gender == resident.last.gender == resident.gender


@pytest.mark.parametrize(
    ("text", "word", "lemma", "pos", "expected"),
    [
        ("{книга accs}", "книгу", "книга", "NOUN", "accs sing femn inan"),
        ("{ножницы gent}", "ножниц", "ножницы", "NOUN", "gent plur inan"),
        ("в {лес loct}", "лесу", "лес", "NOUN", "loct sing masc inan"),
        ("{новый дом gent}", "нового", "новый", "ADJF", "gent sing masc"),
        ("{новый дом accs}", "новый", "новый", "ADJF", "accs sing masc inan"),
        ("{новый дом plur}", "новые", "новый", "ADJF", "nomn plur"),
        ("{готовый short @A}", "готова", "готовый", "ADJS", "sing femn"),
        ("{интересный comp}", "интереснее", "интересный", "COMP", ""),
        ("{написанный nomn @книга}", "написанная", "написанный", "PRTF",
         "nomn past sing femn pssv perf"),
        ("{читать past @A}", "читала", "читать", "VERB", "past sing femn impf"),
        ("{читать pres @A}", "читает", "читать", "VERB", "pres 3per sing impf"),
        ("{прочитать futr @A.we}", "прочитаем", "прочитать", "VERB", "futr 1per plur perf"),
        ("{читать impr plur}", "читайте", "читать", "VERB", "impr plur impf"),
        ("{читать infn}", "читать", "читать", "INFN", "impf"),
        ("{прочитать grnd}", "прочитав", "прочитать", "GRND", "past perf"),
        ("{A pro datv}", "ей", "он", "NPRO", "datv 3per sing femn"),
        ("{A me accs}", "меня", "я", "NPRO", "accs 1per sing"),
        ("{#22-22 стол datv}", "двадцати двум", "двадцать два", "NUMR", "datv"),
        ("{##20-20 стол}", "20", "20", "NUMB", ""),
        ("неделю", "неделю", "неделя", "NOUN", "accs sing femn inan"),
        ("позвонили", "позвонили", "позвонить", "VERB", "past plur perf"),
    ],
)  # fmt: skip
def test_features_have_one_format(text, word, lemma, pos, expected):
    """Слова грамматики и слова неизменяемого текста разобраны в одних обозначениях."""
    token = Played(text + ".").token(word)
    assert (token.lemma, token.pos, token.features) == (lemma, pos, expected)


def test_homonyms_carry_their_sense():
    """У омонима без пометы — обычный смысл, с пометой — свой; список смыслов не устарел."""
    played = Played("{A first} {открыть past @A} {замок accs} {ключ ablt}.", "{кран_подъёмный}.")
    assert played.token("замок").lemma == "замок_дверной"
    assert played.token("ключом").lemma == "ключ_дверной"
    assert played.token("кран", 1).lemma == "кран_подъёмный"
    senses = features.default_senses()
    assert all(sense.startswith(lemma + "_") for lemma, sense in senses.items())
    ambiguous = {row[0].partition("_")[0] for row in rows("homonyms.txt")}
    plain = {t.lemma for d in annotated() for s in d.sentences for t in s.truth if t.entity}
    assert plain & ambiguous <= {"спутник", "печать", "стрелка", "норка", "ласка", "бор"}


def test_facts_belong_to_the_sentence_with_the_value():
    """Факт несёт то предложение, в котором названо его значение."""
    played = Played(
        "У {A full gent} есть {A.pet}. {A.pet gent} зовут {A.petname}. Все рады.",
        facts=(("A", "pet"), ("A", "petname"), ("A", "drink")),
    )
    told = [[what for _, what, _ in s.facts] for s in played.sentences]
    assert told == [["pet"], ["pet", "petname"], []]
    played = Played("{A full} живёт на {A.street loct}.", facts=(("A", "street"),))
    ((who, what, street),) = played.sentences[0].facts
    assert (who, what) == (people("femn")[0].full_name, "street")
    assert street.endswith(" улица") and street[0].isupper()


def test_spans_skip_removed_spaces():
    """Границы пересчитаны, когда из текста убраны лишние пробелы."""
    place = spans(" дом  , двор")
    assert [place[1], place[6], place[8]] == [0, 3, 5]


@cache
def annotated() -> tuple:
    return tuple(documents(seed=41, count=400, truth=True))


def test_links_stay_inside_the_document():
    """Номера слов, участников и предложений существуют; антецедент раньше своего местоимения."""
    for document in annotated():
        for number, sentence in enumerate(document.sentences):
            for index, token in enumerate(sentence.truth):
                assert sentence.text[token.start : token.end] == token.text
                assert token.head is None or token.head != index
                assert token.head is None or token.head < len(sentence.truth)
                for entity in (token.entity, token.group):
                    assert entity is None or entity < len(document.entities)
                if token.antecedent:
                    assert token.antecedent < (number, index)
                    where, word = token.antecedent
                    other = document.sentences[where].truth[word]
                    members = (token.entity, *document.entities[token.entity].members)
                    assert other.entity in members or other.group == token.entity


def test_agreeing_words_have_heads(monkeypatch):
    """Если то, с чем согласовано слово, названо в предложении, `head` почти всегда найден."""
    found, lost = 0, []
    original = links.Links._link

    def counting(self) -> None:
        nonlocal found
        original(self)
        for index, (word, *_) in enumerate(self.pieces):
            if word.target is None or word.person or word.form in ("infn", "grnd", "comp"):
                continue
            if index in self.heads:
                found += 1
            elif self.entities.refer(word.target) in self.mentions:
                lost.append((word.text, [piece.text for piece in self.pieces]))

    monkeypatch.setattr(links.Links, "_link", counting)
    list(documents(seed=43, count=600, truth=True))
    assert found > 2000
    assert len(lost) <= found * 0.01, lost[:10]


def test_heads_agree():
    """Число и род слова не спорят с тем, на что указывает `head`."""
    linked, wrong = 0, []
    for document in annotated():
        for sentence in document.sentences:
            for token in sentence.truth:
                if token.head is None or token.pos in ("NUMR", "NUMB"):
                    continue
                linked += 1
                if not _compatible(token, sentence.truth[token.head]):
                    wrong.append((token.text, sentence.truth[token.head].text, sentence.text))
    assert linked > 2000
    assert wrong == []


def _compatible(token, head) -> bool:
    """Нет ли спора в числе и роде; «Анна и Пётр» во множественном числе — не спор."""
    mine, other = set(token.features.split()), set(head.features.split())
    if head.group is not None or head.pos in ("NUMB", "UNKN") or not head.certain:
        return True
    genders = {"masc", "femn", "neut"}
    if "1per" in other or "2per" in other or {"gent", "plur"} <= other:
        return True
    if {"gent", "sing"} <= other and "plur" in mine:  # «три толстые книги»
        return True
    if {"sing", "plur"} & mine and {"sing", "plur"} & mine != {"sing", "plur"} & other:
        return False
    return not (mine & genders and other & genders and mine & genders != other & genders)


def test_same_format_everywhere():
    """Признаки — только граммемы `ORDER`, в его порядке."""
    for document in annotated():
        for sentence in document.sentences:
            for token in sentence.truth:
                assert token.features == features.canonical(token.features.split())


def test_facts_are_complete():
    """Значение факта стоит в своём предложении и есть в мире."""
    residents = {r.full_name: r for r in world().residents}
    seen = set()
    for document in documents(seed=5, count=1200, truth=True):
        names = [known.name for known in document.entities]
        for sentence in document.sentences:
            for who, what, value in sentence.facts:
                seen.add(what)
                assert who in residents
                here = {names[t.entity] for t in sentence.truth if t.entity is not None}
                assert value.partition(" «")[0] in {n.partition(" «")[0] for n in here}, (
                    sentence.text,
                    who,
                    what,
                    value,
                )
    assert {"prof", "work", "street", "house", "pet", "petname", "dish", "spouse"} <= seen


def _untitled(name: str) -> str:
    """Без названия: «библиотека «Светлячок»» — «библиотека»."""
    return name.partition(" «")[0].partition(" №")[0]
