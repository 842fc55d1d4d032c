"""Which larger encoder Maximum trains beside the others: by the GPU, by the time until the delivery, and by what is
here.

Without a GPU there is none, and nothing changes. Nothing is ever fetched: an encoder that would fit and is not here is
a finding that names it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from otai.learning.encoders.known import E5_BASE, E5_LARGE
from otai.learning.encoders.store import EncoderStore
from otai.learning.features.embeddings import EncoderUsed
from otai.learning.finding import Finding
from otai.learning.finetuning.hardware import Gpu
from otai.learning.recipes import Recipe

CHARACTERS_A_TOKEN = 3.0
"""Fewer than the multilingual tokeniser's usual four, so that time is rather foretold too long."""

SECONDS_WITHOUT_A_PROMISE = 4 * 3600.0
"""Where nobody says by when a training must be done: what fast delivery takes for Maximum."""


@dataclass(frozen=True)
class LargerEncoder:
    """A transformer of `layers` layers of `width`, of which the recipe trains the upper `trained_layers`.

    `memory_bytes` is what a GPU must have for it: twice its weights (the encoder, and the copy that learns), three
    times what learns (its gradients and AdamW's two moments, in full precision), 2 GB for a batch's states, and a third
    to spare. Worked out, not measured (`make gpu-check` measures).
    """

    layers: int
    trained_layers: int
    width: int
    memory_bytes: int

    @property
    def work_a_token(self) -> float:
        """Multiplications of parameters for one token while learning: once through the frozen layers, four times
        through those that learn (forward, again with gradient checkpointing, and twice backward)."""
        return 12.0 * self.width**2 * (self.layers + 3 * self.trained_layers)


LARGER: Mapping[str, LargerEncoder] = {
    E5_LARGE.name: LargerEncoder(layers=24, trained_layers=12, width=1024, memory_bytes=12 * 10**9),
    E5_BASE.name: LargerEncoder(layers=12, trained_layers=6, width=768, memory_bytes=7 * 10**9),
}
"""The largest first."""


@dataclass(frozen=True)
class LargerChoice:
    """At most one name, and why this one, or why not."""

    name: str | None
    why: tuple[Finding, ...] = ()


def larger_encoder(gpu: Gpu | None, *, tokens: float, seconds: float, present: Collection[str]) -> LargerChoice:
    """The largest encoder that has room on the GPU, learns from `tokens` (of all epochs and folds together) within
    `seconds`, and is `present` (EncoderStore.available)."""
    if gpu is None or not gpu.has_brain_floats:
        return LargerChoice(None)
    fitting = [
        name
        for name, encoder in LARGER.items()
        if encoder.memory_bytes <= gpu.memory_bytes and tokens * encoder.work_a_token <= seconds * gpu.work_a_second
    ]
    here = next((name for name in fitting if name in present), None)
    if here is not None:
        return LargerChoice(here, (Finding("encoder_larger_taken", values={"encoder": here, "gpu": gpu.name}),))
    if fitting:
        return LargerChoice(
            None, (Finding("encoder_larger_not_there", values={"encoder": fitting[0], "gpu": gpu.name}),)
        )
    return LargerChoice(None)


def larger_encoder_for(
    texts: Sequence[str], *, folds: int, recipe: Recipe, store: EncoderStore, gpu: Gpu | None, seconds: float | None
) -> tuple[list[EncoderUsed], tuple[Finding, ...]]:
    """The same for the tickets of a training, each of which is read once by every network of `folds` and by the one
    that is delivered. `seconds` None: nobody waits."""
    tunings = [tuning for name in LARGER for tuning in recipe.tunings_for(name)]
    longest = max(tuning.most_tokens for tuning in tunings)
    passes = (1 + folds) * max(tuning.epochs + tuning.contrast_epochs for tuning in tunings)
    lengths = np.minimum([len(text) / CHARACTERS_A_TOKEN for text in texts], longest)
    choice = larger_encoder(
        gpu,
        tokens=float(lengths.sum()) * passes,
        seconds=SECONDS_WITHOUT_A_PROMISE if seconds is None else seconds,
        present=store.available(),
    )
    if choice.name is None:
        return [], choice.why
    spec = store.find(choice.name).spec
    return [EncoderUsed(choice.name, spec.revision, spec.fingerprint, spec.dimension)], choice.why
