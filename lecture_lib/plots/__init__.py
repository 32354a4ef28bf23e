"""Рисунки уроков: файл на предмет, а зовут их отсюда — `plots.candidates(…)`.

Рисунки ничего не вычисляют — показывают числа, которые вернули нижние этажи. Каждый — Picture:
тетрадь показывает её сама, `alt` говорит словами, что нарисовано, а `save` пишет файл.
"""

from lecture_lib.plots import quiet as quiet
from lecture_lib.plots.attention import attention_grid, attention_lines, attention_matrix
from lecture_lib.plots.curves import loss_curves, training_panels
from lecture_lib.plots.distillation import (
    layer_choices,
    layer_strips,
    quality_front,
    soft_targets,
)
from lecture_lib.plots.divergence import divergence_profile
from lecture_lib.plots.embeddings import embedding_sum
from lecture_lib.plots.heads import attention_budget, head_ablation, probe_shares
from lecture_lib.plots.masks import influence, mask_strip, visibility
from lecture_lib.plots.picture import Picture
from lecture_lib.plots.pieces import piece_lines, unknown_shares
from lecture_lib.plots.predictions import accuracy_by_kind, candidates, differences
from lecture_lib.plots.replacements import chosen_strip, replacement_strip, share_convergence
from lecture_lib.plots.tables import paper_and_miniature, paper_table
from lecture_lib.plots.tasks import (
    four_heads,
    label_curves,
    labelled_words,
    score_tables,
    span_scores,
)

__all__ = [
    "Picture",
    "accuracy_by_kind",
    "attention_budget",
    "attention_grid",
    "attention_lines",
    "attention_matrix",
    "candidates",
    "chosen_strip",
    "differences",
    "divergence_profile",
    "embedding_sum",
    "four_heads",
    "head_ablation",
    "influence",
    "label_curves",
    "labelled_words",
    "layer_choices",
    "layer_strips",
    "loss_curves",
    "mask_strip",
    "paper_and_miniature",
    "paper_table",
    "piece_lines",
    "probe_shares",
    "quality_front",
    "replacement_strip",
    "score_tables",
    "share_convergence",
    "soft_targets",
    "span_scores",
    "training_panels",
    "unknown_shares",
    "visibility",
]
