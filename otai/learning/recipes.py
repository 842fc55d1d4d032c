"""Recipes: how each mode trains, as data. A recipe is written into the bundle, so that a model says how it was made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from otai.learning.errors import InputFailure

_STORED_NAMES = {
    "candidates": "balances",
    "length_scale": "reach",
    "shortest_ngram": "shortest_piece",
    "longest_ngram": "longest_piece",
}
"""What was stored under another name by the first version stays under that name: models of all versions tell of their
recipe alike."""

LEAST_GAIN_OF_A_DEARER_MODE = 0.01
"""A gain in utility below this cannot be told from chance on a thousand or two of tickets, and recommends no dearer
mode, whatever its interval."""


def _stored(value: Any) -> Any:
    if isinstance(value, dict):
        return {_STORED_NAMES.get(name, name): _stored(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_stored(item) for item in value)
    return value


@dataclass(frozen=True)
class Candidate:
    """How much the encoders' vectors count beside words and characters (which count 2: one for each of their two
    blocks), and how hard all weights are held down.

    `length_scale` None: tickets are as like as the product of their vectors; else by a Gaussian kernel of that length
    scale (`features/kernel.py`).
    """

    vectors: float
    penalty: float
    length_scale: float | None = None


WORDS_ALONE = Candidate(vectors=0.0, penalty=0.12)
FALLBACK = Candidate(vectors=4.0, penalty=0.2)
"""For tickets in languages that the training did not show: no words, and the multilingual encoder's vectors."""


@dataclass(frozen=True)
class Tuning:
    """A configuration of fine-tuning: how an encoder is trained further.

    `rate` is the step of its network, the heads' is `head_rate` times that. `trained_layers` counts from the top of a
    transformer; None: all of a network that is no transformer. A supervised contrastive loss (Khosla et al. 2020)
    stands beside that of the labels with weight `contrast_weight`, and alone for `contrast_epochs` before them where an
    attribute has fewer than `contrast_below` tickets a label. Of a ticket, `most_tokens` are read. Few tickets are seen
    in more epochs, so that there are `fewest_steps`.
    """

    epochs: int
    rate: float
    trained_layers: int | None = None
    head_rate: float = 3.0
    contrast_weight: float = 0.0
    contrast_epochs: int = 0
    contrast_below: int = 16
    prior_trust: float = 0.5
    batch: int = 32
    most_tokens: int = 128
    fewest_steps: int = 150


@dataclass(frozen=True)
class Recipe:
    """Everything about a training that is not data or chance.

    Shares are fractions of the tickets; `newest_share` is the part of `holdout_share` that are the newest tickets,
    where it is known which those are. `fewest_tickets` is the policy that a label with fewer training tickets is left
    out and reported (docs/policies.md). `refit` says whether the final model also learns from the holdout once that
    has been measured; it never does where the customer fixed the split, because then those tickets are the customer's
    own yardstick. `reads_vectors` says that encoders read the tickets as well, `candidates` how much their vectors may
    count, and `prior_shares` how much frequent labels may be favoured, or held back (`linear/blending.py` chooses).
    `tickets_to_calibrate` is how many training tickets a confidence map wants that were not trained on, and
    `tickets_to_combine` how many of them the networks are compared with Business on: every fold costs a training of
    each network.
    `min_tickets_per_feature` None: 1 where the fitting is exact, 2 where features are added up into a sketch. `tunings`
    maps an encoder's name to the configurations that are tried ("*": any other encoder); empty: encoders stay as they
    are. `tuning_work` bounds that without a GPU, in multiplications (`finetuning/trainer.py`). `agrees` says that
    labels of a hierarchy found in the tickets are predicted so that they agree.
    """

    mode: str
    reads_vectors: bool = False
    candidates: tuple[Candidate, ...] = (WORDS_ALONE,)
    prior_shares: tuple[float, ...] = (0.0,)
    tunings: tuple[tuple[str, tuple[Tuning, ...]], ...] = ()
    tuning_work: float = 0.0
    agrees: bool = False
    holdout_share: float = 0.2
    newest_share: float = 0.1
    fewest_tickets: int = 5
    tickets_to_calibrate: int = 1_500
    tickets_to_combine: int = 1_000
    refit: bool = True
    min_tickets_per_feature: int | None = None
    shortest_ngram: int = 2
    longest_ngram: int = 5
    version: int = 1

    def tunings_for(self, encoder: str) -> tuple[Tuning, ...]:
        """The configurations for this encoder; the first is what is done where there is nothing to choose by."""
        named = dict(self.tunings)
        return named.get(encoder) or named["*"]

    def as_dict(self) -> dict[str, Any]:
        """As models and report cards store it, in lists, dictionaries and plain values."""
        stored: dict[str, Any] = _stored(asdict(self))
        return stored


# Chosen by one fold inside banking77's training part (docs/experiments-maximum.md). Word embeddings and the lower half
# of the transformer stay as they are.
_MINILM = Tuning(epochs=3, rate=1e-4, trained_layers=3, contrast_epochs=1)
_UNIVERSAL = Tuning(epochs=5, rate=3e-4, contrast_epochs=1)

# Rates that are usual for networks of their size, and twice those: not tried here, where no GPU was. Half of the layers
# learn, as of MiniLM, so that what a model keeps of them is no more than 300 MB.
_E5_BASE = Tuning(epochs=3, rate=5e-5, trained_layers=6, contrast_epochs=1, batch=64, most_tokens=256)
_E5_LARGE = replace(_E5_BASE, rate=2e-5, trained_layers=12)

# About 20 minutes on two cores of 2020; 10 000 short tickets need two thirds of it.
MOST_TUNING_WORK = 5e13

_BUSINESS_CANDIDATES = (WORDS_ALONE, Candidate(1.0, 0.2, length_scale=0.6), Candidate(8.0, 0.2, length_scale=0.6))
# How much frequent labels may be held back further than training did (a negative share of their log-prior offset);
# nothing stands first.
_PRIOR_SHARES = (0.0, -0.25, -0.5)

RECIPES = {
    "basic": Recipe(mode="basic", tickets_to_calibrate=2_000),
    "business": Recipe(
        mode="business",
        reads_vectors=True,
        # Chosen by cross-validation inside the training parts of the public sets (docs/experiments-business.md).
        candidates=_BUSINESS_CANDIDATES,
        prior_shares=_PRIOR_SHARES,
        tickets_to_calibrate=4_000,
    ),
    "maximum": Recipe(
        mode="maximum",
        reads_vectors=True,
        candidates=_BUSINESS_CANDIDATES,
        prior_shares=_PRIOR_SHARES,
        tickets_to_calibrate=4_000,
        tunings=(
            (
                "use-multilingual",
                (_UNIVERSAL, replace(_UNIVERSAL, rate=1e-3), replace(_UNIVERSAL, contrast_weight=0.3)),
            ),
            ("multilingual-e5-base", (_E5_BASE, replace(_E5_BASE, rate=1e-4))),
            ("multilingual-e5-large", (_E5_LARGE, replace(_E5_LARGE, rate=4e-5))),
            ("*", (_MINILM, replace(_MINILM, rate=2e-4))),
        ),
        tuning_work=MOST_TUNING_WORK,
        agrees=True,
    ),
}


def recipe_for(mode: str) -> Recipe:
    """The recipe of a mode. Raises `InputFailure` (`dataset_invalid`) for a mode that cannot be trained here."""
    try:
        return RECIPES[mode]
    except KeyError:
        known = ", ".join(sorted(RECIPES))
        raise InputFailure("no_recipe", mode=mode, known=known) from None
