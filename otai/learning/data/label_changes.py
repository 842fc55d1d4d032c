"""Which labels came, went, were renamed, split or joined between the tickets a model learnt and newer ones. Pure.

A label that went and another that came are the same queue under a new name if the tickets say so: tickets that are in
both data sets and changed from one to the other, and, where there are too few of those, what the old model makes of the
tickets that carry the new label. It is as sure of them as of its own, only the name is another.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

FEWEST_TICKETS = 5
"""A label with fewer is no label that a model could learn, as in training."""

MOSTLY = 0.6
"""So much of a new label's tickets must come from one old label to be its heir. The rest are the model's own
mistakes."""

GONE = 0.1
"""A label that has less than this share of the tickets that it used to have is gone: a few old tickets may keep its
name."""

SHRUNK = 0.75
"""A label that has less than this share of the tickets that it used to have may have given some to a new one."""

LEAST_PART = 0.15
"""An old label that fewer of a new one's tickets had is no part of it."""


@dataclass(frozen=True)
class LabelChanges:
    """`renamed` maps an old label to its new name, `split` one to several, `joined` a new one to those that it took up.
    What has no heir is `removed`, what has no forebear `added`. `tickets` counts the newer tickets of each label that
    came, `counted` those of every label, `evidence` says where each came from."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    split: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    joined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tickets: Mapping[str, int] = field(default_factory=dict)
    counted: Mapping[str, int] = field(default_factory=dict)
    evidence: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.renamed or self.split or self.joined)

    @property
    def only_renamed(self) -> bool:
        """Nothing but names changed: the model can go on with the new ones, and no training is needed."""
        return bool(self.renamed) and not (self.added or self.removed or self.split or self.joined)


def label_changes(
    *,
    learnt: Mapping[str, int],
    now: Mapping[str, int],
    moved: Mapping[str, Counter[str]],
    predicted: Mapping[str, Counter[str]],
    learnable: Set[str] | None = None,
) -> LabelChanges:
    """`learnt` counts the tickets of each label that the model learnt, `now` those of each label in the newer tickets.

    `moved[new]` counts the labels that tickets now labelled `new` had in the older data set; `predicted[new]` what the
    model says of tickets labelled `new`. Both only need entries for labels that the model does not know. `learnable`
    are the labels that are news: a training would learn them now, and had too few tickets of them before; None: any.
    """
    came = sorted(
        label
        for label, count in now.items()
        if count >= FEWEST_TICKETS and label not in learnt and (learnable is None or label in learnable)
    )
    expected = _expected_now(learnt, now)
    gone = [label for label in sorted(learnt) if _is_gone(now.get(label, 0), expected[label], labels=len(learnt))]
    # A split may leave the old name to one of its parts, so a label that only shrank can have heirs as well.
    shrunk = {label for label in learnt if now.get(label, 0) < SHRUNK * expected[label]}
    evidence: dict[str, Mapping[str, float]] = {}
    forebears: dict[str, tuple[str, ...]] = {}
    for label in came:
        if shares := _origins(moved.get(label, Counter()), predicted.get(label, Counter())):
            evidence[label] = shares
        if parents := _forebears(shares, set(gone), shrunk):
            forebears[label] = parents
    told = _told(came, gone, forebears, tickets={label: now[label] for label in came}, evidence=evidence)
    return replace(told, counted=now)


def _expected_now(learnt: Mapping[str, int], now: Mapping[str, int]) -> dict[str, float]:
    """How many of the newer tickets each label would have if nothing had changed."""
    total_before, total_now = max(sum(learnt.values()), 1), max(sum(now.values()), 1)
    return {label: count / total_before * total_now for label, count in learnt.items()}


def _is_gone(tickets: int, expected: float, *, labels: int) -> bool:
    # Where a rare label's tickets are missing, chance may have taken them: for one of all labels once in a thousand
    # looks.
    return tickets < max(GONE * expected, 1) and expected >= math.log(1_000 * labels)


def _origins(moved: Counter[str], predicted: Counter[str]) -> dict[str, float]:
    """The old labels that a new one's tickets come from, with their shares, the largest first; five at most, empty
    where nothing is known."""
    counted = moved if sum(moved.values()) >= FEWEST_TICKETS else predicted
    total = sum(counted.values())
    return {old: count / total for old, count in counted.most_common(5)} if total else {}


def _forebears(shares: Mapping[str, float], gone: Set[str], shrunk: Set[str]) -> tuple[str, ...]:
    """The old labels that a new one took up: one that most of its tickets had, or several that are gone and together
    had most."""
    if not shares:
        return ()
    first = max(shares, key=lambda old: shares[old])
    if shares[first] >= MOSTLY and (first in gone or first in shrunk):
        return (first,)
    parts = tuple(old for old, share in shares.items() if old in gone and share >= LEAST_PART)
    return parts if len(parts) > 1 and sum(shares[old] for old in parts) >= MOSTLY else ()


def _told(
    came: Sequence[str],
    gone: Sequence[str],
    forebears: Mapping[str, tuple[str, ...]],
    *,
    tickets: Mapping[str, int],
    evidence: Mapping[str, Mapping[str, float]],
) -> LabelChanges:
    """What happened to each label; what no forebear or heir explains was added or removed."""
    heirs: dict[str, list[str]] = {}
    for label, parents in forebears.items():
        if len(parents) == 1:
            heirs.setdefault(parents[0], []).append(label)
    renamed = {old: new[0] for old, new in heirs.items() if len(new) == 1 and old in gone}
    split = {
        old: (*((old,) if old not in gone else ()), *sorted(new))
        for old, new in heirs.items()
        if len(new) > 1 or old not in gone
    }
    # Several old labels whose tickets all carry one new name were joined; each alone looks renamed.
    joined = {label: parents for label, parents in forebears.items() if len(parents) > 1}
    explained_new = set(renamed.values()) | {new for parts in split.values() for new in parts} | set(joined)
    explained_old = set(renamed) | set(split) | {old for parts in joined.values() for old in parts}
    return LabelChanges(
        added=tuple(label for label in came if label not in explained_new),
        removed=tuple(label for label in gone if label not in explained_old),
        renamed=renamed,
        split=split,
        joined=joined,
        tickets=tickets,
        evidence=evidence,
    )
