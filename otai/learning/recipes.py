"""Recipes: how each mode trains, as data. A recipe is written into the bundle, so that a model says how it was made."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from otai.learning.errors import InputFailure


@dataclass(frozen=True)
class Recipe:
    """Everything about a training that is not data or chance.

    Shares are fractions of the tickets. `fewest_tickets` is the policy that a label with fewer training tickets is left out
    and reported (brief, policies.md). `refit` says whether the final model also learns from the holdout once that has been
    measured; it never does where the customer fixed the split, because then those tickets are the customer's own yardstick.
    `min_tickets_per_feature` None: 1 where the fitting is exact, 2 where features are added up into a sketch.
    """

    mode: str
    holdout_share: float = 0.2
    fewest_tickets: int = 5
    refit: bool = True
    min_tickets_per_feature: int | None = None
    shortest_piece: int = 2
    longest_piece: int = 5
    version: int = 1

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


RECIPES = {"basic": Recipe(mode="basic")}


def recipe_for(mode: str) -> Recipe:
    """The recipe of a mode. Raises `InputFailure` (`dataset_invalid`) for a mode that cannot be trained here."""
    try:
        return RECIPES[mode]
    except KeyError:
        known = ", ".join(sorted(RECIPES))
        raise InputFailure("dataset_invalid", f"There is no recipe for {mode!r}; there is {known}.") from None
