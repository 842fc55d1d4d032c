"""What a model must reach under the guarantee, and what its measurement says beside the figure."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Counted, Sentence

CRITERIA: Mapping[str, tuple[Sentence, ...]] = {
    "criterion.accuracy": ("{attribute}: accuracy of at least {threshold:share}",),
    "criterion.macro_f1": ("{attribute}: macro F1 of at least {threshold:share}",),
    "criterion.coverage": ("{attribute}: coverage at {precision:share} precision of at least {threshold:share}",),
    "criterion.not_trained": ("This attribute was not trained.",),
    "criterion.no_confidence": ("No confidence reaches {precision:share} precision.",),
    "criterion.above_threshold": (
        Counted(
            "Above its threshold {precision:share} of {tickets:n} ticket is right.",
            "Above its threshold {precision:share} of {tickets:n} tickets are right.",
            "tickets",
        ),
    ),
}
"""By the metric of a criterion; then the notes of an outcome."""
