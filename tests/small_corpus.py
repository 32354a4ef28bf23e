"""Маленькое для тестов: рассказы по одному плану о разных людях и размеры модели под них."""

import random

from lecture_lib.config import EncoderConfig

HEROES = [("Анна", "она"), ("Пётр", "он"), ("Мария", "она"), ("Фёдор", "он"), ("Юлия", "она")]
PLACES = ["в кинотеатре", "на рынке", "в библиотеке", "на вокзале", "в больнице", "в школе"]
THINGS = ["новую книгу", "старый зонт", "синюю чашку", "ключ от дома", "тёплый шарф"]
WEATHER = ["Шёл дождь.", "Было солнечно.", "Дул холодный ветер.", "Стоял мороз.", "Падал снег."]


def stories(count: int, seed: int = 0) -> list[list[str]]:
    """Документы: от 4 до 7 предложений, место и вещь одни и те же весь рассказ."""
    draw = random.Random(seed)
    return [_story(draw) for _ in range(count)]


def sentences(documents: list[list[str]]) -> list[str]:
    return [sentence for document in documents for sentence in document]


def small_encoder(vocab_size: int, **changes) -> EncoderConfig:
    """Два слоя по 32, без dropout; changes — чем эта модель отличается."""
    sizes = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    return EncoderConfig(vocab_size=vocab_size, **{**sizes, **changes})


def _story(draw: random.Random) -> list[str]:
    name, pronoun = draw.choice(HEROES)
    place, thing = draw.choice(PLACES), draw.choice(THINGS)
    past = "а" if pronoun == "она" else ""
    story = [
        f"Вчера {name} был{past} {place}.",
        draw.choice(WEATHER),
        f"Там {pronoun} наш{'ла' if past else 'ёл'} {thing}.",
        f"«Чьё это?» — спросил{past} {name}.",
        "Никто не ответил, все молчали.",
        f"Через {draw.randint(2, 9)} дней {pronoun} снова пош{'ла' if past else 'ёл'} гулять.",
        f"Теперь {name} помнит про {thing}.",
    ]
    return story[: draw.randint(4, len(story))]
