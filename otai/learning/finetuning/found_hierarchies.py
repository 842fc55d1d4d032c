"""Which attributes lie below which, found in the labels of tickets. What a hierarchy is: hierarchy.py."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otai.learning.arrays import Rows
from otai.learning.data.targets import AttributeTarget
from otai.learning.decisions import argmax_codes
from otai.learning.finetuning.hierarchy import ChildAttribute

# So much of a child's tickets go with their label's one parent; mistakes of labelling are allowed for.
PURE_ENOUGH = 0.98

# ... and of what the parent's most frequent label leaves unexplained, so much is explained: without it, everything lies
# below an attribute that is nearly always the same.
EXPLAINED_ENOUGH = 0.9

FEWEST_TICKETS = 50


def found_below(targets: Sequence[AttributeTarget], rows: Rows) -> tuple[ChildAttribute, ...]:
    """The hierarchies in these rows of the data set. Each attribute has at most one parent: of several, the one with
    the most labels (the nearest)."""
    single = [number for number, target in enumerate(targets) if not target.spec.is_multi]
    children: list[ChildAttribute] = []
    for child in single:
        candidates = [
            one
            for parent in single
            if len(targets[parent].labels) < len(targets[child].labels)
            and (one := _below(targets, child, parent, rows)) is not None
        ]
        if candidates:
            children.append(max(candidates, key=lambda one: (len(targets[one.parent].labels), one.purity, -one.parent)))
    return tuple(children)


def _below(targets: Sequence[AttributeTarget], child: int, parent: int, rows: Rows) -> ChildAttribute | None:
    both = rows[targets[child].known[rows] & targets[parent].known[rows]]
    if len(both) < FEWEST_TICKETS:
        return None
    together = targets[child].y[both].T.astype(np.float64) @ targets[parent].y[both]
    alone = together.sum(axis=1)
    if (alone == 0).any():
        return None
    purity = float(together.max(axis=1).sum() / len(both))
    majority = float(targets[parent].y[both].mean(axis=0).max())
    explained = (purity - majority) / max(1 - majority, 1e-9)
    if purity < PURE_ENOUGH or explained < EXPLAINED_ENOUGH or majority == 1.0:
        return None
    return ChildAttribute(child, parent, tuple(argmax_codes(together).tolist()), purity)
