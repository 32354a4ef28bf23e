"""Токенизация (tokenization): WordPiece, как в BERT, и байтовый BPE, как в RoBERTa.

Оба токенизатора обучаются библиотекой `tokenizers` и выдаются как PreTrainedTokenizerFast:
их можно сохранить и открыть через transformers.AutoTokenizer.

Источники: Devlin et al. 2019, §3; Liu et al. 2019 (RoBERTa), §4.4; Sennrich et al. 2016.
"""

from __future__ import annotations

import hashlib
import json
import string
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from lecture_lib.network import hub_is_reachable

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SHIPPED_FOLDER = Path(__file__).parent / "pretrained_data"
SHIPPED_NAMES = ("wordpiece",)
CHECKSUMS = "sha256.json"

# Номер токена — его место в списке: [PAD] = 0, …, [MASK] = 4.
WORDPIECE_SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# Порядок RoBERTa: номер <pad> равен 1, поэтому её позиции считаются с 2.
BPE_SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")

LETTERS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя" + string.ascii_lowercase + string.digits
SIGNS = string.punctuation + "«»„“”‘’‚–—―…•·№§©®™°±×÷−≈≠≤≥½¼¾²³€₽£¥→←↑↓"

# Отрывок корпуса, по которому после обучения считается, как слова делятся на подслова.
SAMPLE_TEXTS = 200_000
LONGEST_WORD = 3


def is_punctuation(char: str) -> bool:
    """Считает ли BERT знак пунктуацией: такой знак всегда отдельный токен, внутри слова его нет."""
    return char in string.punctuation or unicodedata.category(char).startswith("P")


def wordpiece_alphabet() -> list[str]:
    """Все одиночные подслова: знак в начале слова («а») и он же в продолжении («##а»).

    Пока в словаре есть оба вида каждой буквы, любое слово из этих букв можно
    собрать хотя бы по буквам, и [UNK] не понадобится.
    """
    inside_words = [char for char in LETTERS + SIGNS if not is_punctuation(char)]
    return [*LETTERS, *SIGNS, *("##" + char for char in inside_words)]


def train_wordpiece(texts: Iterable[str], vocab_size: int = 8000) -> PreTrainedTokenizerFast:
    """Обучает WordPiece на текстах; регистр снимается, «й» и «ё» сохраняются.

    Обучение детерминировано: одни и те же тексты дают один и тот же словарь. Словарь
    может выйти меньше vocab_size, если повторяющихся сочетаний букв в текстах не хватило.
    ValueError — если в vocab_size не помещается даже алфавит.
    """
    first = [*WORDPIECE_SPECIAL_TOKENS, *wordpiece_alphabet()]
    _check_vocab_size(vocab_size, len(first))
    sample: list[str] = []
    draft = _wordpiece_backend({})
    # Алфавит передан под видом специальных токенов: сам тренер нумерует «##»-буквы в порядке
    # обхода хеш-таблицы, и при равных частотах каждый запуск давал бы другой словарь.
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        special_tokens=first,
        limit_alphabet=0,
        min_frequency=2,
        show_progress=False,
    )
    draft.train_from_iterator(_keep_sample(texts, sample), trainer)
    tokenizer = _wrap_wordpiece(_wordpiece_backend(draft.get_vocab(with_added_tokens=True)))
    return _remember_words(tokenizer, sample)


def train_byte_level_bpe(texts: Iterable[str], vocab_size: int = 8000) -> PreTrainedTokenizerFast:
    """Обучает байтовый BPE: алфавит — все 256 байтов, поэтому <unk> не нужен никогда.

    Регистр сохраняется, пробел — часть следующего слова (знак «Ġ»), и раскодированный
    текст совпадает с исходным знак в знак. ValueError — если vocab_size меньше 261.
    """
    _check_vocab_size(vocab_size, len(BPE_SPECIAL_TOKENS) + 256)
    sample: list[str] = []
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    # <mask> забирает пробел слева: «мы <mask> фильм» — три слова, а не четыре.
    special = [AddedToken(t, special=True, lstrip=t == "<mask>") for t in BPE_SPECIAL_TOKENS]
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=special,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        min_frequency=2,
        show_progress=False,
    )
    backend.train_from_iterator(_keep_sample(texts, sample), trainer)
    return _remember_words(_wrap_bpe(backend), sample)


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: str | Path) -> None:
    """Сохраняет токенизатор в папку вместе с контрольными суммами (их сверит load_tokenizer)."""
    folder = Path(folder)
    written = [Path(name) for name in tokenizer.save_pretrained(str(folder))]
    sums = {path.name: _sha256(path) for path in sorted(written) if path.is_file()}
    (folder / CHECKSUMS).write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")


def load_tokenizer(name_or_path: str | Path = "wordpiece") -> PreTrainedTokenizerFast:
    """Открывает токенизатор: «wordpiece» из поставки, папку или имя модели на Hugging Face Hub.

    ValueError — если папка повреждена, а имени нет ни в поставке, ни на Hub.
    """
    name = str(name_or_path)
    shipped = name in SHIPPED_NAMES
    folder = SHIPPED_FOLDER / name if shipped else Path(name)
    if shipped or (folder / CHECKSUMS).is_file():
        _verify(folder)
    try:
        return _open(str(folder))
    except Exception as error:  # transformers отвечает OSError, KeyError, Exception из Rust…
        where = (
            "токенизатора в этой папке нет или он повреждён"
            if folder.is_dir()
            else "такого токенизатора нет ни в поставке, ни среди папок, ни на Hugging Face Hub "
            "(или нет сети)"
        )
        raise ValueError(
            f"name_or_path={name!r}: {where}. Ошибка {type(error).__name__}"
        ) from error


def pieces_per_word(tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]) -> list[float]:
    """Доли слов корпуса из 1, 2 и 3 подслов (сумма 1): априорное распределение длины слова."""
    counts = np.zeros(LONGEST_WORD + 1, dtype=np.int64)
    for _, lengths in _words(tokenizer, texts):
        counts += np.bincount(lengths[lengths <= LONGEST_WORD], minlength=LONGEST_WORD + 1)
    # Единица в каждой клетке: длина, которой не было в отрывке, всё же возможна.
    counts[1:] += 1
    return [round(float(share), 6) for share in counts[1:] / counts[1:].sum()]


def never_alone(tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]) -> list[int]:
    """Номера подслов, которые в корпусе лишь начинают слово («убира»), а сами словом не бывают.

    Подслово, которого в текстах нет вовсе, сюда не попадает: о нём ничего не известно.
    """
    begins, alone = np.zeros((2, len(tokenizer)), dtype=np.int64)
    for first, lengths in _words(tokenizer, texts):
        np.add.at(begins, first, 1)
        np.add.at(alone, first[lengths == 1], 1)
    return np.flatnonzero((begins > 0) & (alone == 0)).tolist()


def _words(
    tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """О словах каждого текста: номер первого подслова и число подслов."""
    letters = {i for piece, i in tokenizer.get_vocab().items() if any(map(str.isalpha, piece))}
    letters -= set(tokenizer.all_special_ids)
    spelled = np.zeros(len(tokenizer), dtype=bool)
    spelled[list(letters)] = True
    backend = tokenizer.backend_tokenizer
    for encoding in backend.encode_batch(list(texts), add_special_tokens=False):
        ids = np.array(encoding.ids, dtype=np.int64)
        kept = ids[spelled[ids]]
        words = [
            word for word, is_kept in zip(encoding.word_ids, spelled[ids], strict=True) if is_kept
        ]
        _, places, lengths = np.unique(words, return_index=True, return_counts=True)
        yield kept[places], lengths


def vocabulary_fingerprint(tokenizer: PreTrainedTokenizerFast) -> str:
    """Отпечаток токенизатора: модель, обученная с другим, поймёт номера неверно.

    Обрезка и дополнение — настройки вызова, а не словаря, и в отпечаток не входят.
    """
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    content |= {"truncation": None, "padding": None}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _keep_sample(texts: Iterable[str], sample: list[str]) -> Iterator[str]:
    """Пропускает тексты дальше и откладывает первые из них в sample."""
    for text in texts:
        if len(sample) < SAMPLE_TEXTS:
            sample.append(text)
        yield text


def _remember_words(
    tokenizer: PreTrainedTokenizerFast, sample: list[str]
) -> PreTrainedTokenizerFast:
    # init_kwargs попадают в tokenizer_config.json, так что числа не потеряются при сохранении.
    tokenizer.init_kwargs["pieces_per_word"] = pieces_per_word(tokenizer, sample)
    tokenizer.init_kwargs["never_alone"] = never_alone(tokenizer, sample)
    return tokenizer


def _wordpiece_backend(vocabulary: dict[str, int]) -> Tokenizer:
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),  # «и» + кратка -> «й»
            normalizers.Replace("\u0301", ""),  # знак ударения: «за́мок» -> «замок»
            normalizers.BertNormalizer(lowercase=True, strip_accents=False),
        ]
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    return backend


def _wrap_wordpiece(backend: Tokenizer) -> PreTrainedTokenizerFast:
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(t, WORDPIECE_SPECIAL_TOKENS.index(t)) for t in ("[CLS]", "[SEP]")],
    )
    pad, unk, cls, sep, mask = WORDPIECE_SPECIAL_TOKENS
    return _wrap(
        backend, pad_token=pad, unk_token=unk, cls_token=cls, sep_token=sep, mask_token=mask
    )


def _wrap_bpe(backend: Tokenizer) -> PreTrainedTokenizerFast:
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(t, BPE_SPECIAL_TOKENS.index(t)) for t in ("<s>", "</s>")],
    )
    cls, pad, sep, unk, mask = BPE_SPECIAL_TOKENS
    mask = AddedToken(mask, special=True, lstrip=True)
    return _wrap(
        backend, pad_token=pad, unk_token=unk, cls_token=cls, sep_token=sep, mask_token=mask
    )


def _wrap(backend: Tokenizer, **special_tokens) -> PreTrainedTokenizerFast:
    from transformers import PreTrainedTokenizerFast  # полсекунды: только когда понадобится

    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        clean_up_tokenization_spaces=False,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **special_tokens,
    )


def _open(source: str) -> PreTrainedTokenizerFast:
    config = Path(source) / "tokenizer_config.json"
    if config.is_file() and "TokenizersBackend" in config.read_text(encoding="utf-8"):
        from transformers import PreTrainedTokenizerFast

        return PreTrainedTokenizerFast.from_pretrained(source, local_files_only=True)
    from transformers import AutoTokenizer

    # Без сети transformers повторяет запросы почти минуту; проще спросить один раз самим.
    offline = not Path(source).is_dir() and not hub_is_reachable()
    return AutoTokenizer.from_pretrained(source, local_files_only=offline)


def _check_vocab_size(vocab_size: int, smallest: int) -> None:
    if vocab_size < smallest:
        raise ValueError(
            f"vocab_size={vocab_size}: не помещаются даже специальные токены и алфавит, "
            f"их {smallest}"
        )


def _verify(folder: Path) -> None:
    """Сверяет файлы папки с контрольными суммами, которые лежат рядом."""
    try:
        sums = json.loads((folder / CHECKSUMS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"Файла {folder / CHECKSUMS} нет, или он повреждён") from error
    for name, expected in sums.items():
        path = folder / name
        if not path.is_file():
            raise ValueError(f"В папке токенизатора {folder} нет файла {name}")
        if _sha256(path) != expected:
            raise ValueError(f"Файл токенизатора {path} повреждён: не та контрольная сумма")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
