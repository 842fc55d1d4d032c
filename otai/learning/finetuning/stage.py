"""Fine-tuning as a stage of a training: which encoders learn, on what, and by when they must be done."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from otai.learning.arrays import Rows
from otai.learning.data.targets import AttributeTarget
from otai.learning.features.embeddings import VectorReader
from otai.learning.finding import Finding
from otai.learning.finetuning.learnt import FineTuned
from otai.learning.progress import Steps
from otai.learning.recipes import Recipe

TUNING_STEPS = 60
"""How much of the progress bar it takes."""

SHARE_OF_TIME = 0.7
"""Of the time left when networks begin to learn; the linear models, calibration and measuring come after them."""


@dataclass(frozen=True)
class TunedEncoders:
    """The encoders that were fine-tuned, and what is worth telling of which they are and how far they came."""

    fine_tuned: list[FineTuned]
    findings: list[Finding]


NONE_TUNED = TunedEncoders([], [])


def tuned_encoders(
    texts: Sequence[str],
    holdout_texts: Sequence[str],
    targets: Sequence[AttributeTarget],
    train: Rows,
    folds: Rows,
    *,
    recipe: Recipe,
    reader: VectorReader,
    seed: int,
    checkpoints: Path | None,
    steps: Steps,
    until: float | None,
) -> TunedEncoders:
    """Trains the encoders of `reader` further, and a larger one beside them where this machine has the GPU for it. The
    training has to be done by `until` of time.monotonic (None: nobody waits).

    Raises MissingEncoder, EncodersNotInstalled, and whatever the progress raises.
    """
    from otai.learning.encoders import EncoderStore
    from otai.learning.finetuning.hardware import this_gpu
    from otai.learning.finetuning.larger import larger_encoder_for
    from otai.learning.finetuning.trainer import FineTuning

    gpu, now = this_gpu(), time.monotonic()
    seconds = None if until is None else SHARE_OF_TIME * max(until - now, 0.0)
    larger, why = larger_encoder_for(
        texts,
        folds=len(set(folds.tolist()) - {-1}),
        recipe=recipe,
        store=reader.store or EncoderStore(),
        gpu=gpu,
        seconds=seconds,
    )
    reported = 0

    def on_progress(share: float, note: str) -> None:
        nonlocal reported
        if note:
            steps.say(note)
        steps.finish(int(share * TUNING_STEPS) - reported)
        reported = int(share * TUNING_STEPS)

    fine_tuning = FineTuning(
        texts=texts,
        holdout_texts=holdout_texts,
        targets=targets,
        train=train,
        folds=folds,
        recipe=recipe,
        seed=seed,
        threads=reader.threads,
        checkpoints=checkpoints,
        on_progress=on_progress,
        gpu=gpu,
        until=None if seconds is None else now + seconds,
    )
    learnt = fine_tuning.run([*reader.used, *larger], reader.store)
    on_progress(1.0, "")
    return TunedEncoders(learnt, [*why, *stopped_early(learnt)])


def stopped_early(learnt: Sequence[FineTuned]) -> list[Finding]:
    """Networks that the time did not suffice for, with the share of the steps that they made."""
    return [
        Finding("fine_tuning_stopped", "note", values={"network": one.network.used.name, "share": one.share_learnt})
        for one in learnt
        if one.share_learnt < 1
    ]
