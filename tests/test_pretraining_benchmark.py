"""Замер предобучения: стороны учатся одному и тому же, а итог считается по кривым верно."""

from dataclasses import replace
from itertools import islice

import pytest
import torch
from small_corpus import sentences, small_encoder, stories

from benchmarks import pretraining
from benchmarks.pretraining import (
    Lap,
    Plan,
    Stop,
    common_target,
    race,
    race_steps,
    race_values,
    speed_values,
    time_to,
)
from benchmarks.trainers import (
    PARTS,
    CourseTrainer,
    HuggingFaceTrainer,
    Work,
    collated_batches,
    encoded_segments,
)
from lecture_lib.config import PretrainingConfig
from lecture_lib.masking import IGNORED
from lecture_lib.pretraining import new_model, validation_questions, weighted_loss
from lecture_lib.pretraining_data import tokenize_corpus
from lecture_lib.tokenization import train_wordpiece
from lecture_lib.training import train

DOCUMENTS = stories(200)
TOKENIZER = train_wordpiece(sentences(DOCUMENTS), vocab_size=400)
CORPUS = tokenize_corpus(DOCUMENTS, TOKENIZER)
SMALL = small_encoder(len(TOKENIZER), add_pooling_layer=False)
CONFIG = PretrainingConfig(
    next_sentence=False, sequence_length=64, batch_size=8, total_steps=8, precision="fp32"
)
ROWS = encoded_segments(CORPUS, CONFIG)


@pytest.fixture(autouse=True)
def one_thread():
    """Модель крошечная: потоки только мешали бы друг другу."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def trainers():
    return {
        "ours": CourseTrainer(SMALL, CONFIG, CORPUS),
        "hf_fp32": HuggingFaceTrainer(SMALL, CONFIG, ROWS, TOKENIZER, bf16=False),
    }


def test_sides_start_from_the_same_point():
    """Веса, вопросы и способ считать потерю одни и те же: до обучения потери равны."""
    questions = validation_questions(CORPUS, CONFIG, count=2)
    ours, theirs = (trainer.held_out_loss(questions) for trainer in trainers().values())
    assert theirs == pytest.approx(ours, abs=1e-5)


def test_sides_see_the_same_texts():
    """Отрезки Hugging Face покрывают корпус целиком и по разу, по краям — [CLS] и [SEP]."""
    middle = [token for row in ROWS for token in row["input_ids"][1:-1]]
    assert middle == CORPUS.ids.tolist()
    for row in ROWS:
        assert row["input_ids"][0] == CORPUS.cls_id and row["input_ids"][-1] == CORPUS.sep_id
        assert len(row["input_ids"]) == len(row["special_tokens_mask"]) <= 64
        assert sum(row["special_tokens_mask"]) == 2


def test_batches_are_equal_in_real_tokens():
    """Настоящих токенов в батчах поровну — 8 × 64, закрыто около 15 % у обеих сторон."""
    ours = CourseTrainer(SMALL, CONFIG, CORPUS)
    questions = [part for step in range(20) for part in ours.questions(step)]
    batches = list(islice(collated_batches(ROWS, CONFIG, TOKENIZER), 20))
    our_tokens = sum(q.batch.tokens for q in questions) / 20
    their_tokens = sum(int(b["attention_mask"].sum()) for b in batches) / 20
    assert our_tokens == pytest.approx(512, rel=0.03)
    assert their_tokens == pytest.approx(512, rel=0.05)  # число строк в батче — целое
    for labels, tokens in (
        ([q.labels for q in questions], our_tokens),
        ([b["labels"] for b in batches], their_tokens),
    ):
        asked = sum(int((part != IGNORED).sum()) for part in labels) / 20
        assert 0.11 < asked / tokens < 0.17  # 15 % обычных; специальные токены не в счёт


def test_race_teaches_both_sides():
    """Обе стороны за восемь шагов учатся примерно одному, и скорость обучения у них общая."""
    sides = trainers()
    questions = validation_questions(CORPUS, CONFIG, count=2)
    curves = race(sides, questions, stops=4, steps=2)
    ours, theirs = curves.values()
    assert [len(ours), len(theirs)] == [5, 5] and ours[1].seconds > 0
    fallen = [curve[0].loss - curve[-1].loss for curve in (ours, theirs)]
    assert min(fallen) > 0.1 and fallen[0] == pytest.approx(fallen[1], rel=0.5)
    rates = {name: {g["lr"] for g in side.optimizer.param_groups} for name, side in sides.items()}
    assert rates["ours"] == rates["hf_fp32"] == {CONFIG.learning_rate / 8}
    assert race_values(curves, 8)["time_to_loss_ratio"] > 0


def test_step_is_the_library_step():
    """Шаг замера — шаг `train` с накоплением: веса те же."""
    ours, model = CourseTrainer(SMALL, CONFIG, CORPUS), new_model(SMALL, CONFIG)
    train(model, ours.part, weighted_loss, CONFIG, accumulate=PARTS, progress=False)
    for _ in range(CONFIG.total_steps):
        ours.step()
    for name, value in ours.model.state_dict().items():
        assert torch.allclose(value, model.state_dict()[name], atol=1e-7), name


def test_step_counts_its_operations():
    """Операции шага — те, что насчитает torch; соперник их не считает."""
    from torch.utils.flop_counter import FlopCounterMode

    trainer = CourseTrainer(SMALL, CONFIG, CORPUS)
    with FlopCounterMode(display=False) as counter:
        work = trainer.step()
    assert work.flops == counter.get_total_flops() > 0
    assert 0.9 * work.places < work.tokens <= work.places


CURVES = {
    "ours": [Stop(0.0, 9.0), Stop(10.0, 5.0), Stop(20.0, 3.8)],
    "hf_fp32": [Stop(0.0, 9.0), Stop(100.0, 5.0), Stop(200.0, 4.0)],
}


def test_time_to_loss_is_read_from_the_curves():
    """Худшая дошла до 4,0; 95 % пути от 9,0 — 4,25; между остановками — по прямой."""
    assert common_target(CURVES) == pytest.approx(4.25)
    assert time_to(CURVES["hf_fp32"], 4.25) == pytest.approx(175.0)
    assert time_to(CURVES["ours"], 4.25) == pytest.approx(16.25)
    assert race_values(CURVES, 40)["time_to_loss_ratio"] == pytest.approx(16.25 / 175)


def test_race_without_learning_is_an_error():
    flat = {**CURVES, "ours": [Stop(0.0, 9.0), Stop(10.0, 9.5)]}
    with pytest.raises(RuntimeError, match=r"ниже начальных 9\.000"):
        common_target(flat)
    with pytest.raises(ValueError, match=r"target = 3\.000: кривая дошла только до 4\.000"):
        time_to(CURVES["hf_fp32"], 3.0)


def laps(our_seconds, their_seconds):
    """Круги, где мы проходим 1000 токенов и 4·10⁹ операций, соперник — 1000 из 2000 мест."""
    return [
        {
            "ours": Lap(ours, Work(1000, 1000, 4_000_000_000)),
            "hf_fp32": Lap(theirs, Work(1000, 2000)),
            "hf_bf16": Lap(theirs / 2, Work(1000, 2000)),
        }
        for ours, theirs in zip(our_seconds, their_seconds, strict=True)
    ]


def test_speed_is_the_median_of_rounds():
    """Один испорченный круг итога не меняет."""
    values = speed_values(laps([1.0, 1.0, 5.0], [8.0, 6.0, 5.0]), peaks=[8e9, 5e9, 2e9])
    assert values["ratio_fp32"] == pytest.approx(6) and values["ratio_bf16"] == pytest.approx(3)
    assert values["peak_share"] == pytest.approx(0.5)
    assert values["tokens_per_second"]["ours"] == pytest.approx(1000)
    assert values["filled"] == pytest.approx({"ours": 1.0, "hf_fp32": 0.5, "hf_bf16": 0.5})


def test_race_fits_into_its_time():
    """Шаги вместе занимают 3 секунды: за минуту успеется 20 у каждой; пределы соблюдены."""
    plan = Plan(1, 1, 1, 1, 2, 60.0, 4, 100, 5, 1)
    measured = laps([2.0], [4.0])  # по два шага в круге
    assert race_steps(measured, plan) == 20
    assert race_steps(measured, plan._replace(most_race_steps=10)) == 10
    assert race_steps(measured, plan._replace(least_race_steps=40)) == 40
    assert replace(CONFIG, total_steps=race_steps(measured, plan)).total_steps % plan.stops == 0


def test_whole_measurement_on_a_toy(monkeypatch):
    """Весь замер от корпуса до отчёта — на игрушечной модели: ключи на месте, строки читаемы."""
    toy = replace(SMALL, vocab_size=8000, max_position_embeddings=128)
    monkeypatch.setattr(pretraining, "ENCODER", toy)
    monkeypatch.setattr(pretraining, "PEAK_SIZE", 64)
    values = pretraining.measure(Plan(40, 10, 2, 2, 1, 0.1, 8, 8, 4, 1))
    assert min(values[n] for n in ("ratio_fp32", "ratio_bf16", "peak_share")) > 0
    assert values["race"]["steps"] == 8
    assert [len(curve) for curve in values["race"]["curves"].values()] == [5, 5]
    lines = pretraining.as_lines(values)
    assert sum(line.startswith("Hugging Face, bfloat16") for line in lines) == 2
    assert any("(гонка — 8 шагов)" in line for line in lines) and lines[-1] == "Кругов: 2"
