"""Labels under labels: a sub-category that belongs to one category, found in the tickets and predicted so that the two
agree.

An attribute is *below* another when (nearly) every one of its labels goes with one label of the other, and that says
more than the other's most frequent label would. The best pair of parent and child is the one with the largest product
of probabilities, over all levels together; each label's new score is the logarithm of the best product that it is part
of (max-product on a tree; Pearl 1988). So the best child always lies under the best parent, and calibration, thresholds
and runners-up work on the new scores as on any others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from otai.learning.arrays import Floats


@dataclass(frozen=True)
class ChildAttribute:
    """The attribute `child` lies below `parent` (numbers of attributes); `parent_of[label]` is the number of the
    parent's label."""

    child: int
    parent: int
    parent_of: tuple[int, ...]
    purity: float


@dataclass(frozen=True)
class Hierarchy:
    """Which attributes lie below which. `temperatures[attribute]` turns an attribute's scores into probabilities;
    attributes outside have none."""

    below: tuple[ChildAttribute, ...]
    temperatures: Mapping[int, float]

    @property
    def attributes(self) -> frozenset[int]:
        """The numbers of all attributes that lie below another or have others below them."""
        return frozenset(number for one in self.below for number in (one.child, one.parent))

    def scores(self, scores: Sequence[Floats]) -> list[Floats]:
        """Scores that agree, for all attributes, each of shape (tickets, labels); those outside the hierarchy stay as
        they are."""
        agreeing = list(scores)
        logs = {
            number: special.log_softmax(scores[number] / self.temperatures[number], axis=1)
            for number in sorted(self.attributes)
        }
        children = {one.child for one in self.below}
        for root in sorted({one.parent for one in self.below} - children):
            messages: dict[int, Floats] = {}
            whole = self._gather(root, logs, messages)
            self._hand_down(root, whole, messages, agreeing)
        return agreeing

    def _gather(self, number: int, logs: Mapping[int, Floats], messages: dict[int, Floats]) -> Floats:
        """The best product at and below each label of an attribute; `messages` keeps those of the attributes below."""
        whole = logs[number].copy()
        for one in self.below:
            if one.parent != number:
                continue
            messages[one.child] = own = self._gather(one.child, logs, messages)
            whole += _best_under(own, one.parent_of, labels=whole.shape[1])
        return whole

    def _hand_down(self, number: int, best: Floats, messages: Mapping[int, Floats], agreeing: list[Floats]) -> None:
        """`best[ticket, label]` is the best product of the whole tree with that label in it."""
        agreeing[number] = best
        for one in self.below:
            if one.parent != number:
                continue
            own = messages[one.child]
            under = _best_under(own, one.parent_of, labels=best.shape[1])
            parents = np.asarray(one.parent_of)
            # The best with this label is the best with its parent, its parent's best child put aside for it.
            self._hand_down(one.child, best[:, parents] - under[:, parents] + own, messages, agreeing)

    def manifest(self) -> dict[str, Any]:
        """JSON-serialisable, as a model stores it: pairs of child and parent with the parent of each label, and
        temperatures by attribute number."""
        return {
            "below": [[one.child, one.parent, list(one.parent_of), one.purity] for one in self.below],
            "temperatures": {str(number): value for number, value in self.temperatures.items()},
        }

    @classmethod
    def from_manifest(cls, entry: Mapping[str, Any] | None) -> Hierarchy | None:
        """None where nothing was stored. Raises KeyError, TypeError, ValueError for an entry that is none."""
        if not entry:
            return None
        return cls(
            tuple(
                ChildAttribute(int(child), int(parent), tuple(map(int, of)), float(purity))
                for child, parent, of, purity in entry["below"]
            ),
            {int(number): float(value) for number, value in entry["temperatures"].items()},
        )


def _best_under(own: Floats, parent_of: Sequence[int], *, labels: int) -> Floats:
    """For each label of the parent the best of its children, shape (tickets, labels). A label without a learnt child
    binds nothing: any child may go with it."""
    found = np.full((len(own), labels), -np.inf)
    parents = np.asarray(parent_of)
    for label in range(labels):
        mine = own[:, parents == label]
        found[:, label] = mine.max(axis=1) if mine.shape[1] else own.max(axis=1)
    return found
