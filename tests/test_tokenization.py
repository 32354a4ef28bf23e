"""Токенизаторы: детерминированность, полный алфавит, обратимость, сохранение."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from small_corpus import sentences, stories
from transformers import AutoTokenizer, BertTokenizerFast

from lecture_lib import tokenization
from lecture_lib.tokenization import (
    BPE_SPECIAL_TOKENS,
    LETTERS,
    SIGNS,
    WORDPIECE_SPECIAL_TOKENS,
    load_tokenizer,
    never_alone,
    pieces_per_word,
    save_tokenizer,
    train_byte_level_bpe,
    train_wordpiece,
)

TEXTS = sentences(stories(300))

# Ни одного слова отсюда в маленьком корпусе нет.
OUTSIDE = (
    "Съешь ещё этих мягких французских булок, да выпей чаю! Подъезд № 5, счёт — 1 200,50 ₽ "
    "(≈ 12 €). „Эх“, — вздохнул хрупкий жираф… Wi-Fi: email@example.com, 36,6°, ½ × 2 = 1; "
    "чемпионка, жюри, съёмка, объём, вьюга, щёголь. А\u0301збука, зá мком, и\u0306од"
).replace("á ", "а\u0301")


@pytest.fixture(scope="module")
def wordpiece():
    return train_wordpiece(TEXTS, vocab_size=600)


@pytest.fixture(scope="module")
def bpe():
    return train_byte_level_bpe(TEXTS, vocab_size=600)


def test_special_ids(wordpiece, bpe):
    assert wordpiece.convert_tokens_to_ids(list(WORDPIECE_SPECIAL_TOKENS)) == [0, 1, 2, 3, 4]
    assert bpe.convert_tokens_to_ids(list(BPE_SPECIAL_TOKENS)) == [0, 1, 2, 3, 4]
    assert (wordpiece.pad_token_id, wordpiece.mask_token_id, bpe.pad_token_id) == (0, 4, 1)


def test_vocabulary_is_full_and_ids_are_dense(wordpiece, bpe):
    for tokenizer in (wordpiece, bpe):
        assert sorted(tokenizer.get_vocab().values()) == list(range(len(tokenizer)))
        assert len(tokenizer) <= 600
    assert len(bpe) > 400 and "библиотеке" in wordpiece.get_vocab()


def test_russian_outside_the_corpus_has_no_unknown(wordpiece):
    assert wordpiece.unk_token_id not in wordpiece(OUTSIDE).input_ids
    assert wordpiece.tokenize("😀") == ["[UNK]"]


def test_every_letter_may_stand_anywhere_in_a_word(wordpiece):
    """У каждого знака алфавита есть подслово и для начала слова, и для продолжения."""
    for char in LETTERS + SIGNS:
        for text in (char, f"щ{char}", f"{char}щ", f"{char}{char}{char}".upper()):
            assert wordpiece.unk_token_id not in wordpiece(text).input_ids, text


def test_case_is_dropped_but_letters_stay(wordpiece):
    assert wordpiece.decode(wordpiece("Ёлка и ЙОД", add_special_tokens=False).input_ids) == (
        "ёлка и йод"
    )
    assert wordpiece.tokenize("за\u0301мок") == wordpiece.tokenize("замок")
    assert wordpiece.tokenize("и\u0306од") == wordpiece.tokenize("йод")
    assert wordpiece.tokenize("ё") != wordpiece.tokenize("е")


def test_wordpiece_pieces_equal_transformers(wordpiece, tmp_path):
    """Разбиение сверено с BertTokenizerFast, построенным по тому же словарю."""
    vocabulary = wordpiece.get_vocab()
    reference = BertTokenizerFast(vocab=vocabulary, do_lower_case=True, strip_accents=False)
    for text in [*TEXTS[:50], OUTSIDE.replace("\u0301", "").replace("и\u0306", "й")]:
        assert wordpiece.tokenize(text) == reference.tokenize(text)
    pair, expected = wordpiece("Шёл дождь.", "Он ушёл."), reference("Шёл дождь.", "Он ушёл.")
    assert pair.input_ids == expected.input_ids
    assert pair.token_type_ids == expected.token_type_ids


def test_bpe_round_trip_is_exact(bpe):
    for text in [*TEXTS[:50], OUTSIDE, "😀 👍🏽  два пробела\nи строка", "日本語, ελληνικά"]:
        ids = bpe(text).input_ids
        assert bpe.unk_token_id not in ids
        assert bpe.decode(ids, skip_special_tokens=True) == text


def test_wordpiece_round_trip_of_ids(wordpiece):
    """Регистр и пробелы теряются, но раскодированный текст даёт те же токены."""
    for text in [*TEXTS[:50], OUTSIDE]:
        ids = wordpiece(text).input_ids
        assert wordpiece(wordpiece.decode(ids, skip_special_tokens=True)).input_ids == ids


def test_mask_takes_the_space_before_it(bpe):
    words = bpe("Вчера мы <mask> фильм", add_special_tokens=False)
    assert bpe.mask_token_id in words.input_ids
    assert bpe.convert_tokens_to_ids("Ġ") not in words.input_ids[:4]


def test_word_ids_group_pieces(wordpiece):
    encoding = wordpiece("Щёголь был.", add_special_tokens=False)
    tokens = encoding.tokens()
    joined = {}
    for token, word in zip(tokens, encoding.word_ids(), strict=True):
        joined[word] = joined.get(word, "") + token.removeprefix("##")
    assert list(joined.values()) == ["щёголь", "был", "."]


@pytest.mark.parametrize("train", [train_wordpiece, train_byte_level_bpe])
def test_training_is_deterministic_between_processes(train):
    """Хеш-таблицы в двух процессах обходятся в разном порядке, словарь обязан совпасть."""
    here = train(iter(TEXTS), vocab_size=700).get_vocab()
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from small_corpus import sentences, stories\n"
        f"from lecture_lib.tokenization import {train.__name__} as train\n"
        "import hashlib\n"
        "vocabulary = train(sentences(stories(300)), vocab_size=700).get_vocab()\n"
        "print(hashlib.sha256(repr(sorted(vocabulary.items())).encode()).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.strip()
    assert hashlib.sha256(repr(sorted(here.items())).encode()).hexdigest() == there


@pytest.mark.parametrize("kind", ["wordpiece", "bpe"])
def test_saved_folder_opens_everywhere(kind, request, tmp_path):
    tokenizer = request.getfixturevalue(kind)
    save_tokenizer(tokenizer, tmp_path)
    # Папку с config.json модели BERT transformers мог бы открыть «родным» классом, снимающим «й».
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    for opened in (load_tokenizer(tmp_path), AutoTokenizer.from_pretrained(tmp_path)):
        assert opened(OUTSIDE).input_ids == tokenizer(OUTSIDE).input_ids
        assert opened.mask_token_id == tokenizer.mask_token_id
        assert opened.init_kwargs["pieces_per_word"] == tokenizer.init_kwargs["pieces_per_word"]


def test_damaged_or_missing_file_is_named(wordpiece, tmp_path):
    save_tokenizer(wordpiece, tmp_path)
    path = tmp_path / "tokenizer.json"
    content = path.read_text(encoding="utf-8")
    path.write_text(content.replace('"библиотеке"', '"библиотека"'), encoding="utf-8")
    with pytest.raises(ValueError, match=r"tokenizer\.json повреждён"):
        load_tokenizer(tmp_path)
    path.unlink()
    with pytest.raises(ValueError, match=r"нет файла tokenizer\.json"):
        load_tokenizer(tmp_path)
    (tmp_path / "sha256.json").write_text("{")
    with pytest.raises(ValueError, match=r"sha256\.json нет, или он повреждён"):
        load_tokenizer(tmp_path)


def test_lost_shipped_tokenizer_is_not_sought_on_the_hub(monkeypatch, tmp_path):
    """Файлы из поставки потеряны: так и сказано, а чужой репозиторий «wordpiece» не скачан."""

    def forbidden():
        raise AssertionError("спросили Hub")

    monkeypatch.setattr(tokenization, "hub_is_reachable", forbidden)
    monkeypatch.setattr(tokenization, "SHIPPED_FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"sha256\.json нет"):
        load_tokenizer()


def test_folder_without_tokenizer_is_explained_in_russian(tmp_path):
    with pytest.raises(ValueError, match="в этой папке нет") as caught:
        load_tokenizer(tmp_path)
    assert not re.search("[a-z]+ [a-z]+ [a-z]+", str(caught.value))


def test_unknown_name_without_network(monkeypatch):
    monkeypatch.setattr(tokenization, "hub_is_reachable", lambda: False)
    with pytest.raises(ValueError, match="name_or_path='nobody/nothing'"):
        load_tokenizer("nobody/nothing")


def test_pieces_per_word(wordpiece):
    """«был» и «там» целиком в словаре, «щур» — нет; знаки и цифры словами не считаются."""
    assert len(wordpiece.tokenize("щур")) == 3
    shares = pieces_per_word(wordpiece, ["Там был щур.", "Там был, был, был 5!"])
    assert shares == pytest.approx([7 / 10, 1 / 10, 2 / 10])
    assert sum(wordpiece.init_kwargs["pieces_per_word"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("train", [train_wordpiece, train_byte_level_bpe])
def test_too_small_vocabulary(train):
    with pytest.raises(ValueError, match="vocab_size=100"):
        train(TEXTS, vocab_size=100)


def test_never_alone(wordpiece):
    """Подслово — только начало, если в текстах оно ни разу не было целым словом."""
    vocabulary = wordpiece.get_vocab()
    names = wordpiece.convert_ids_to_tokens(never_alone(wordpiece, ["Щур там был, а там щи."]))
    assert names == ["щ"]  # «щур» и «щи» сложены из букв, «там», «был», «а» — целые
    assert "щ" in vocabulary and "ю" not in names  # о «ю» тексты молчат
    assert never_alone(wordpiece, ["Щур там был, а там щ."]) == []


def test_shipped_tokenizer_remembers_beginnings():
    """Поставленный токенизатор помнит обрывки и не считает ими настоящие слова."""
    tokenizer = load_tokenizer()
    names = set(tokenizer.convert_ids_to_tokens(tokenizer.init_kwargs["never_alone"]))
    assert names.isdisjoint({"фильм", "посмотрели", "он", "в", "и", "мама", "[MASK]"})
    assert not any(name.startswith("##") for name in names)
    assert len(names) > 300
