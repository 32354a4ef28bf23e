"""Замеры: курс против того, что студент взял бы вместо него. Запускаются из корня курса.

    python -m benchmarks.masking
    python -m benchmarks.course
    python -m benchmarks.pretraining
    python -m benchmarks.distillation
    python -m benchmarks.grading
    python -m benchmarks.widgets

У каждого есть --json (один объект в стандартный вывод) и --quick (то же самое меньше чем за
минуту). В пакет lecture_lib замеры не входят.
"""
