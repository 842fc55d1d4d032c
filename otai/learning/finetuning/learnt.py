"""What a training of networks hands on."""

from __future__ import annotations

from dataclasses import dataclass

from otai.learning.arrays import Matrix, Rows
from otai.learning.finetuning.finetuned import FineTunedNetwork
from otai.learning.recipes import Tuning


@dataclass(frozen=True)
class FineTuned:
    """What one encoder's networks learnt. `out_of_fold` are scores of the training tickets at places `held`, by
    networks that had not seen them.

    `tried` is every configuration with its loss on tickets kept back; one entry: nothing was to choose. `share_learnt`
    is below 1 where the time ran out: of the planned steps, what the network made that made the fewest.
    """

    network: FineTunedNetwork
    held: Rows
    out_of_fold: Matrix
    holdout: Matrix
    tuning: Tuning
    tried: list[tuple[Tuning, float]]
    share_learnt: float = 1.0
