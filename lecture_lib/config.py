"""Настройки моделей, маскирования и обучения — неизменяемые (frozen) классы данных.

Вариант модели — это сначала другие числа и лишь потом другой код: RoBERTa, DistilBERT и наши
маленькие модели отличаются от BERT здесь, в именованных наборах внизу файла. Невозможные
значения отвергаются сразу, при создании, ошибкой ValueError, где названы аргумент и значение.
"""

import math
from dataclasses import dataclass, field, replace

RATE_TOLERANCE = 1e-6  # 0.8 + 0.1 + 0.1 в двоичной арифметике — не ровно единица


def check_whole(name: str, value: object, at_least: int) -> None:
    """Проверяет, что value — целое число не меньше at_least (True и 3.0 целыми не считаются)."""
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise ValueError(f"{name} = {value!r}: здесь нужно целое число, не меньшее {at_least}.")


def check_probability(name: str, value: object) -> None:
    """Проверяет, что value — вероятность: число от 0 до 1 включительно, не NaN."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} = {value!r}: вероятность — это число от 0 до 1.")


def check_positive(name: str, value: object) -> None:
    """Проверяет, что value — конечное число больше нуля."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value <= 0:
        raise ValueError(f"{name} = {value!r}: здесь нужно конечное число больше нуля.")


def check_weight(name: str, value: object) -> None:
    """Проверяет, что value — вес слагаемого: конечное число не меньше нуля."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} = {value!r}: вес — конечное число не меньше нуля.")


def check_rates(mask_rate: float, random_rate: float, keep_rate: float) -> None:
    """Проверяет, что три доли — вероятности и вместе составляют единицу."""
    rates = {"mask_rate": mask_rate, "random_rate": random_rate, "keep_rate": keep_rate}
    for name, rate in rates.items():
        check_probability(name, rate)
    total = math.fsum(rates.values())
    if abs(total - 1.0) > RATE_TOLERANCE:
        listed = ", ".join(f"{name} = {rate!r}" for name, rate in rates.items())
        raise ValueError(f"{listed}: сумма долей равна {total:.6g}, а должна быть равна 1.")


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Проверяет, что value — одно из перечисленных значений."""
    if value not in choices:
        listed = ", ".join(f"«{choice}»" for choice in choices)
        raise ValueError(f"{name} = {value!r}: допустимы только значения {listed}.")


def check_flag(name: str, value: object) -> None:
    """Проверяет, что value — True или False."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} = {value!r}: здесь нужно True или False.")


@dataclass(frozen=True)
class EncoderConfig:
    """Размеры кодировщика (encoder) BERT; значения по умолчанию — BERT-base.

    Источник: Devlin et al., 2019, раздел 3 («Model Architecture»): L — num_hidden_layers,
    H — hidden_size, A — num_attention_heads.
    """

    vocab_size: int = 30522  # V — сколько токенов в словаре
    hidden_size: int = 768  # D — длина вектора каждого токена
    num_hidden_layers: int = 12  # сколько слоёв кодировщика
    num_attention_heads: int = 12  # H — сколько голов внимания; D делится на H нацело
    intermediate_size: int = 3072  # ширина полносвязной части слоя, у BERT — 4·D
    max_position_embeddings: int = 512  # сколько обученных позиций; длиннее модель не читает
    type_vocab_size: int = 2  # сегменты A и B; 0 — эмбеддинга сегментов нет (DistilBERT)
    hidden_dropout_prob: float = 0.1  # dropout после эмбеддингов и после каждой половины слоя
    attention_probs_dropout_prob: float = 0.1  # dropout весов внимания
    layer_norm_eps: float = 1e-12  # добавка к дисперсии в LayerNorm
    initializer_range: float = 0.02  # стандартное отклонение начальных весов
    pad_token_id: int = 0  # номер [PAD]: его эмбеддинг всегда нулевой при инициализации
    position_offset: int = 0  # с какой строки таблицы начинаются позиции (RoBERTa: с 2)
    add_pooling_layer: bool = True  # слой над [CLS], который нужен задаче NSP
    is_causal: bool = False  # True: токен видит только себя и то, что левее

    def __post_init__(self) -> None:
        for name in ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
                     "intermediate_size", "max_position_embeddings"):  # fmt: skip
            check_whole(name, getattr(self, name), at_least=1)
        for name in ("type_vocab_size", "pad_token_id", "position_offset"):
            check_whole(name, getattr(self, name), at_least=0)
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
            check_probability(name, getattr(self, name))
        for name in ("layer_norm_eps", "initializer_range"):
            check_positive(name, getattr(self, name))
        for name in ("add_pooling_layer", "is_causal"):
            check_flag(name, getattr(self, name))
        self._check_together()

    def _check_together(self) -> None:
        """Проверяет величины, которые должны подходить друг другу."""
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size = {self.hidden_size} не делится нацело на "
                f"num_attention_heads = {self.num_attention_heads}: головы получились бы разными."
            )
        if self.pad_token_id >= self.vocab_size:
            raise ValueError(
                f"pad_token_id = {self.pad_token_id}: такого номера нет в словаре, "
                f"vocab_size = {self.vocab_size}."
            )
        if self.position_offset >= self.max_position_embeddings:
            raise ValueError(
                f"position_offset = {self.position_offset}: не остаётся ни одной позиции, "
                f"max_position_embeddings = {self.max_position_embeddings}."
            )

    @property
    def head_size(self) -> int:
        """Размер одной головы внимания, D / H."""
        return self.hidden_size // self.num_attention_heads

    @property
    def max_sequence_length(self) -> int:
        """Самая длинная последовательность, которую модель может прочесть."""
        return self.max_position_embeddings - self.position_offset


@dataclass(frozen=True)
class MaskingConfig:
    """Правило маскирования: какую долю токенов выбрать и что сделать с выбранными.

    Источник: Devlin et al., 2019, раздел 3.1 («Task #1: Masked LM») и приложение A.1.
    """

    probability: float = 0.15  # доля обычных токенов, которые модель будет предсказывать
    mask_rate: float = 0.8  # из выбранных: заменить на [MASK]
    random_rate: float = 0.1  # из выбранных: заменить случайным обычным токеном
    keep_rate: float = 0.1  # из выбранных: оставить как есть — и всё равно предсказать
    unit: str = "token"  # что выбирать: "token", "whole_word" — слова, "span" — отрезки
    at_least_one: bool = False  # выбрать хоть один токен в каждой строке (так в коде BERT)

    def __post_init__(self) -> None:
        check_probability("probability", self.probability)
        check_rates(*self.rates)
        check_choice("unit", self.unit, ("token", "whole_word", "span"))
        check_flag("at_least_one", self.at_least_one)

    @property
    def rates(self) -> tuple[float, float, float]:
        """Три доли в том порядке, в котором их называют: [MASK], случайный, прежний."""
        return self.mask_rate, self.random_rate, self.keep_rate


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Оптимизатор, расписание и чекпойнты — общее у предобучения и дообучения."""

    batch_size: int = 64  # примеров в батче
    total_steps: int = 10_000  # шагов оптимизатора
    learning_rate: float = 1e-3  # наибольшая скорость обучения, в конце разогрева
    warmup_share: float = 0.06  # доля шагов, за которую скорость растёт от нуля
    weight_decay: float = 0.01  # затухание весов (кроме смещений и LayerNorm)
    adam_betas: tuple[float, float] = (0.9, 0.98)  # память Adam о градиенте и его квадрате
    adam_eps: float = 1e-6  # добавка к знаменателю Adam
    max_grad_norm: float = 1.0  # градиент длиннее этого укорачивается
    precision: str = "auto"  # "auto" — bf16, если процессор его умеет; "fp32"; "bf16"
    seed: int = 0  # зерно всех случайностей: весов, порядка данных, масок
    checkpoint_every: int = 1_000  # шагов между чекпойнтами
    evaluate_every: int = 500  # шагов между проверками на отложенных данных

    def __post_init__(self) -> None:
        check_choice("precision", self.precision, ("auto", "fp32", "bf16"))
        for name in ("batch_size", "total_steps", "checkpoint_every", "evaluate_every"):
            check_whole(name, getattr(self, name), at_least=1)
        check_whole("seed", self.seed, at_least=0)
        for name in ("warmup_share", "weight_decay"):
            check_probability(name, getattr(self, name))
        for name in ("learning_rate", "adam_eps", "max_grad_norm"):
            check_positive(name, getattr(self, name))
        if not isinstance(self.adam_betas, tuple) or len(self.adam_betas) != 2:
            raise ValueError(f"adam_betas = {self.adam_betas!r}: здесь нужна пара чисел.")
        for index, beta in enumerate(self.adam_betas):
            check_probability(f"adam_betas[{index}]", beta)
            if beta == 1:
                raise ValueError(f"adam_betas[{index}] = {beta!r}: единица — это вечная память.")


@dataclass(frozen=True, kw_only=True)
class PretrainingConfig(TrainingConfig):
    """Как предобучать: цель, данные, оптимизатор, расписание.

    Порядок величин — из приложения A.2 статьи (Devlin et al., 2019); скорость обучения больше,
    потому что наши модели в 25 раз меньше; adam_betas и adam_eps — как у RoBERTa
    (Liu et al., 2019, раздел 3.1).
    """

    objective: str = "mlm"  # "mlm" — угадать скрытое, "clm" — угадать следующий токен
    next_sentence: bool = True  # добавить задачу NSP (только вместе с "mlm")
    masking: MaskingConfig = field(default_factory=MaskingConfig)  # правило маскирования
    sequence_length: int = 128  # токенов в примере вместе со специальными

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("objective", self.objective, ("mlm", "clm"))
        check_flag("next_sentence", self.next_sentence)
        check_whole("sequence_length", self.sequence_length, at_least=5)  # [CLS] a [SEP] b [SEP]
        if not isinstance(self.masking, MaskingConfig):
            raise ValueError(f"masking = {self.masking!r}: здесь нужен MaskingConfig.")
        if self.objective == "clm" and self.next_sentence:
            raise ValueError(
                'next_sentence = True при objective = "clm": [CLS] причинной модели не видит '
                "ничего правее себя и о второй фразе ничего не знает."
            )


@dataclass(frozen=True, kw_only=True)
class DistillationConfig(PretrainingConfig):
    """Как ученик перенимает у учителя: веса трёх потерь, температура и всё, что у предобучения.

    L = alpha_ce·T²·KL(учитель ‖ ученик) + alpha_mlm·MLM + alpha_cos·(1 − cos). Веса и температура
    — из команды обучения в коде авторов; сама статья (Sanh et al., 2019) их не называет.
    """

    next_sentence: bool = False  # True — отрезки идут парами; потери NSP у ученика нет никогда
    alpha_ce: float = 5.0  # вес мягких целей учителя; 0 — потеря не считается
    alpha_mlm: float = 2.0  # вес обычной потери MLM, с верными ответами
    alpha_cos: float = 1.0  # вес косинуса скрытых состояний последнего слоя
    temperature: float = 2.0  # T: на что делятся логиты; чем больше, тем распределение ровнее

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = ("alpha_ce", "alpha_mlm", "alpha_cos")
        for name in weights:
            check_weight(name, getattr(self, name))
        check_positive("temperature", self.temperature)
        if not any(getattr(self, name) for name in weights):
            raise ValueError("alpha_ce = alpha_mlm = alpha_cos = 0: ученику не у чего учиться.")
        if self.objective != "mlm":
            raise ValueError(f"objective = {self.objective!r}: ученик учится только цели 'mlm'.")


@dataclass(frozen=True, kw_only=True)
class FinetuningConfig(TrainingConfig):
    """Как дообучать; число шагов считается из эпох и размера данных.

    Источник: Devlin et al., 2019, приложение A.3 — батч 16 или 32, от двух до четырёх эпох,
    скорость 2e-5 … 5e-5. Здесь скорость в десять раз больше: модели курса в двадцать раз меньше.
    """

    batch_size: int = 32
    learning_rate: float = 5e-4
    warmup_share: float = 0.1
    epochs: int = 3  # сколько раз пройти данные
    longest: int = 128  # токенов в примере; длиннее — ошибка, а не тихая обрезка
    frozen: bool = False  # True — кодировщик не учится, учится только голова

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("epochs", self.epochs, at_least=1)
        check_whole("longest", self.longest, at_least=3)
        check_flag("frozen", self.frozen)


# Модели статей. Источники: BERT — Devlin et al., 2019, раздел 3; RoBERTa — Liu et al., 2019,
# раздел 2 и таблица 9; DistilBERT — Sanh et al., 2019, раздел 3.
BERT_BASE = EncoderConfig()
BERT_LARGE = EncoderConfig(
    hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096
)
ROBERTA_BASE = EncoderConfig(
    vocab_size=50265,
    max_position_embeddings=514,
    type_vocab_size=1,
    layer_norm_eps=1e-5,
    pad_token_id=1,
    position_offset=2,
)
DISTILBERT = EncoderConfig(num_hidden_layers=6, type_vocab_size=0, add_pooling_layer=False)

# Модели курса: предобучаются и работают на процессоре ноутбука. Без dropout: на «Городке»
# модель видит каждое предложение раз или два, переучиваться ей не на чем. Начальные веса вдвое
# крупнее, чем у BERT: строка матрицы вчетверо короче, и сумма по ней выходит того же размера.
MINI = EncoderConfig(
    vocab_size=8000,
    hidden_size=192,
    num_hidden_layers=6,
    num_attention_heads=3,
    intermediate_size=768,
    max_position_embeddings=128,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    initializer_range=0.04,
)
MINI_CAUSAL = replace(MINI, is_causal=True, add_pooling_layer=False)
# Ученик MINI, как DistilBERT у BERT: слоёв вдвое меньше, сегментов и слоя над [CLS] нет.
STUDENT = replace(MINI, num_hidden_layers=3, type_vocab_size=0, add_pooling_layer=False)
TINY = replace(
    MINI, hidden_size=128, num_hidden_layers=4, num_attention_heads=2, intermediate_size=512
)

# Предобучение моделей курса. Маскируется 30 % слов, а не 15 % токенов: при бюджете в десятки, а не
# тысячи миллионов токенов важнее, сколько раз модель спросили, — а слово целиком угадывать честнее,
# чем конец слова по его началу. Батч и скорость меньше обычных: LayerNorm стоит после
# сложения, и при 2e-3 модель застряла на частотах слов (9 % верных после 2 млн токенов), а при 5e-4
# уже после 1,4 млн ставила 19 %. Замер — по одному зерну, на том же корпусе.
MINI_PRETRAINING = PretrainingConfig(
    batch_size=16,
    learning_rate=5e-4,
    warmup_share=0.02,
    masking=MaskingConfig(probability=0.3, unit="whole_word"),
)
MINI_CAUSAL_PRETRAINING = replace(
    MINI_PRETRAINING, objective="clm", next_sentence=False, masking=MaskingConfig()
)

# Ученик MINI учится на том же и с теми же масками, что учитель. Отрезки идут парами: NSP ученика не
# учат, но пары текстов ему встретятся в прикладных задачах.
STUDENT_DISTILLATION = DistillationConfig(
    next_sentence=True,
    batch_size=16,
    learning_rate=5e-4,
    warmup_share=0.02,
    masking=MaskingConfig(probability=0.3, unit="whole_word"),
)

# Обучение при студенте (урок 04): TINY о двух слоях, хроники — они короткие, и отрезки по 32 токена
# их вмещают. Миллиона токенов хватает на согласование в числе; на род и NSP — нет.
TINY_PRETRAINING = PretrainingConfig(
    batch_size=16,
    sequence_length=32,
    total_steps=2000,
    learning_rate=1e-3,
    warmup_share=0.05,
    masking=MaskingConfig(probability=0.3, unit="whole_word"),
    evaluate_every=100,
    checkpoint_every=500,
)
