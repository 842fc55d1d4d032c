"""What encoders read of a training's tickets, and what its models compare of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from otai.learning.arrays import Rows, Vectors
from otai.learning.data.splitting import Split
from otai.learning.data.targets import AttributeTarget
from otai.learning.data.tickets import LabelledTickets
from otai.learning.features.embeddings import VectorReader
from otai.learning.features.encoding import Encoding
from otai.learning.features.kernel import LandmarkKernel, principal_directions, project
from otai.learning.features.text import NO_FEATURES
from otai.learning.finding import Finding
from otai.learning.linear.cross_fitting import CrossFitting, Inputs, LinearWeights
from otai.learning.progress import Steps
from otai.learning.recipes import FALLBACK, Recipe

# How much of the progress bar reading takes.
ENCODING_STEPS = 10


@dataclass(frozen=True)
class EncodedTickets:
    """The vectors of a training, shape (tickets, width) each; without encoders their width is 0."""

    train: Vectors
    holdout: Vectors
    reader: VectorReader | None = None
    why: tuple[Finding, ...] = ()

    @property
    def base_width(self) -> int:
        """Columns of the multilingual encoder; 0 without encoders."""
        return self.reader.base_width if self.reader else 0

    def compared(self, recipe: Recipe) -> Compared:
        """What of the vectors models compare: themselves, or their places along the directions in which the training
        part's differ."""
        length_scale = next(
            (candidate.length_scale for candidate in recipe.candidates if candidate.length_scale is not None), None
        )
        if length_scale is None or self.reader is None:
            return Compared(self.train, self.holdout)
        directions = principal_directions(self.train)
        return Compared(project(self.train, directions), project(self.holdout, directions), directions, length_scale)

    def fallback_fitting(
        self, targets: Sequence[AttributeTarget], split: Split, same_text: Rows, *, refit: bool, recipe: Recipe
    ) -> CrossFitting | None:
        """Models by the multilingual encoder alone; None where every encoder is multilingual, and tickets in new
        languages are safe."""
        if self.reader is None or len(self.reader.used) == 1:
            return None
        inputs = [
            Inputs(sparse.csr_matrix((len(vectors), 0), dtype=np.float32), vectors[:, : self.base_width])
            for vectors in (self.train, self.holdout)
        ]
        return CrossFitting(
            NO_FEATURES,
            (inputs[0], inputs[1]),
            targets,
            train=split.train,
            holdout=split.holdout,
            same_text=same_text,
            refit=refit,
            candidates=(FALLBACK,),
        )

    def findings(self) -> list[Finding]:
        """Which encoders read the tickets, and why these."""
        return list(self.why) if self.reader else []


@dataclass(frozen=True)
class Compared:
    """What models compare of the vectors, shape (tickets, width) each."""

    train: Vectors
    holdout: Vectors
    directions: Vectors | None = None
    length_scale: float = 0.0

    def kernel(self, linear: LinearWeights) -> LandmarkKernel | None:
        """What the model must remember beside its weights."""
        if self.directions is None or linear.landmarks is None:
            return None
        return LandmarkKernel(self.directions, linear.landmarks, self.length_scale)


def read_vectors(
    tickets: LabelledTickets, split: Split, recipe: Recipe, encoding: Encoding, steps: Steps
) -> EncodedTickets:
    """Reads all tickets of the training with the encoders that suit their languages; nothing where the recipe wants
    none.

    Raises MissingEncoder, EncodersNotInstalled.
    """
    if not recipe.reads_vectors:
        steps.finish(ENCODING_STEPS)
        return EncodedTickets(
            np.zeros((len(split.train), 0), np.float32), np.zeros((len(split.holdout), 0), np.float32)
        )
    rows = np.concatenate([split.train, split.holdout])
    texts = [tickets.texts[row] for row in rows]
    train_texts, languages = texts[: len(split.train)], [tickets.languages[row] for row in split.train]
    reader, why = encoding.for_tickets(train_texts, languages)
    reported = 0

    def on_progress(share: float) -> None:
        nonlocal reported
        steps.finish(int(share * ENCODING_STEPS) - reported)
        reported = int(share * ENCODING_STEPS)

    vectors = reader.vectors(texts, on_progress=on_progress)
    on_progress(1.0)
    return EncodedTickets(vectors[: len(split.train)], vectors[len(split.train) :], reader, why)
