"""Models of subsets of the training tickets. Two things are read from them: how quality grows with tickets
(`evidence/learning_curve.py`), and what a model says of tickets it has not learnt, for all of them
(`evidence/label_issues.py`).

The training part is dealt out into halves, quarters and eighths. Each subset is fitted as the whole was, by the same
candidates and with the same share of the log-prior offset, and says what it makes of all tickets outside itself.
Fitting costs the square of the tickets or more, so all subsets together cost about half of one further model, and
training fits three.

    subset_models = SubsetModels.fit(sample, holdout, targets, blends, candidates, ...)
    subset_models.out_of_fold[attribute]      scores of training tickets by a model of the other half
    subset_models.learnt[attribute]           for each subset: how many tickets it learnt from, and what it decides
                                              about the holdout
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from otai.learning.arrays import Mask, Matrix, Rows
from otai.learning.data.targets import AttributeTarget
from otai.learning.decisions import argmax_codes
from otai.learning.features.gram import gram
from otai.learning.linear.blending import Blend
from otai.learning.linear.cross_fitting import Inputs, OutOfFold
from otai.learning.linear.heads import decided_beside
from otai.learning.linear.solver import CURVATURE, FitTarget, fit
from otai.learning.linear.spaces import ProductBase
from otai.learning.recipes import Candidate

# A half never has more tickets than this, whatever the training has: it bounds the time and the memory of all this.
MOST_TICKETS_IN_A_HALF = 4_000

# Scores kept of one attribute, tickets times labels: 5 000 labels are looked at on fewer tickets.
MOST_ENTRIES = 20_000_000

# Below this a quarter of the tickets says nothing about anything.
FEWEST_TICKETS = 80

# (each so many-th ticket, which of them): one model of an eighth depends on which eighth, so the small ones are
# repeated.
SUBSETS = ((2, 0), (2, 1), (4, 0), (4, 1), (8, 0), (8, 1), (8, 2))

# Models whose weights are made at once: 150 000 features of so many models take 60 MB.
MODELS_AT_ONCE = 100


@dataclass(frozen=True)
class SubsetDecision:
    """What one model decides about the holdout tickets in which the attribute is known, shape (holdout, labels)."""

    tickets: int
    decided: Mask


@dataclass(frozen=True)
class SubsetModels:
    """For each attribute, in the order of the targets. `learnt` is empty where there is no holdout."""

    out_of_fold: list[OutOfFold]
    learnt: list[list[SubsetDecision]]

    @classmethod
    def fit(
        cls,
        sample: SubsetSample,
        holdout: Inputs,
        targets: Sequence[AttributeTarget],
        blends: Sequence[Blend],
        candidates: Sequence[Candidate],
        *,
        holdout_rows: Rows,
        step_done: Callable[[], None] = lambda: None,
    ) -> SubsetModels:
        """Fits a model of each subset of the sample. Calls `step_done` `steps()` times."""
        total = [np.zeros((len(sample.rows), len(target.labels)), np.float32) for target in targets]
        times = [np.zeros(len(sample.rows), np.int64) for _ in targets]
        learnt: list[list[SubsetDecision]] = [[] for _ in targets]
        for half in range(2):
            in_half = np.flatnonzero(sample.places % 2 == half)
            known_already = sample.halves[half]
            words = gram(sample.inputs.matrix[in_half]) if known_already is None else known_already
            for every, number in sorted((of for of in SUBSETS if of[1] % 2 == half), reverse=True):
                inside = sample.places[in_half] % every == number
                members = np.zeros(len(sample.rows), np.bool_)
                members[in_half[inside]] = True
                is_half = every == 2
                # The products of a half's tickets hold those of its quarters and eighths; it comes last, since fitting
                # overwrites them.
                subset = _Subset(sample, members, words if is_half else words[np.ix_(inside, inside)])
                # The small ones are asked about no more than thresholds of multi-label attributes need.
                asked = np.flatnonzero(~members)[:: 1 if is_half else every]
                if not is_half and not any(target.spec.is_multi for target in targets):
                    asked = asked[:0]
                for at, scored in enumerate(
                    subset.scored(sample.inputs.rows(asked), holdout, targets, blends, candidates)
                ):
                    labelled = targets[at].known[sample.rows[asked]]
                    if is_half:
                        total[at][asked[labelled]] += scored.asked[labelled]
                        times[at][asked[labelled]] += 1
                    known = targets[at].known[holdout_rows]
                    if known.any() and scored.tickets:
                        rows = sample.rows[asked[labelled]]
                        decided = decided_beside(
                            scored.holdout[known],
                            scored.asked[labelled],
                            targets[at].y[rows],
                            multi=targets[at].spec.is_multi,
                        )
                        learnt[at].append(SubsetDecision(scored.tickets, decided))
                step_done()
        out_of_fold = []
        for at in range(len(targets)):
            seen_by_none = times[at] > 0
            mean: Matrix = (total[at][seen_by_none] / times[at][seen_by_none][:, None]).astype(np.float32)
            out_of_fold.append(OutOfFold(sample.rows[seen_by_none], mean))
        return cls(out_of_fold, learnt)

    @staticmethod
    def steps() -> int:
        """How often `fit` calls `step_done`: once for each subset."""
        return len(SUBSETS)


@dataclass(frozen=True)
class SubsetSample:
    """The training tickets that the subsets are made of. `places` deals them out: tickets of the same text have the
    same place.

    `halves` are the products of the tickets of each half with each other, where fitting the whole has made them anyway.
    """

    rows: Rows
    places: Rows
    inputs: Inputs
    halves: tuple[Matrix | None, Matrix | None]

    @classmethod
    def of(
        cls,
        inputs: Inputs,
        train: Rows,
        same_text: Rows,
        targets: Sequence[AttributeTarget],
        products: Callable[[Rows], Matrix | None],
        *,
        seed: int,
    ) -> SubsetSample | None:
        """Of the training part; None where it is too small. `inputs`, `train` and `same_text` have one entry for each
        of its tickets.

        `products` gives those of tickets by their places in the training part, or None: then they are made when they
        are needed.
        """
        _, first, text = np.unique(same_text, return_index=True, return_inverse=True)
        most = 2 * MOST_TICKETS_IN_A_HALF
        widest = max(len(target.labels) for target in targets)
        most = min(most, max(MOST_ENTRIES // widest, FEWEST_TICKETS))
        if len(first) < FEWEST_TICKETS:
            return None
        chance = np.random.default_rng(seed)
        shuffled = chance.permutation(len(first))[:most]
        # Dealt out by label, so that each subset has its share of every label: by the attribute with most labels, then
        # the others.
        rows = train[first[shuffled]]
        keys = [argmax_codes(target.y[rows]) for target in sorted(targets, key=lambda one: len(one.labels))]
        ordered = shuffled[np.lexsort(keys)]
        place_of_text = np.full(len(first), -1)
        place_of_text[ordered] = np.arange(len(ordered))
        places = place_of_text[text]
        chosen = np.flatnonzero(places >= 0)
        first, second = (chosen[places[chosen] % 2 == half] for half in range(2))
        return cls(train[chosen], places[chosen], inputs.rows(chosen), (products(first), products(second)))


@dataclass(frozen=True)
class _SubsetScores:
    """What a subset's model of one attribute makes of tickets that it was asked about, and of the holdout; it learnt
    from `tickets`."""

    asked: Matrix
    holdout: Matrix
    tickets: int


@dataclass(frozen=True)
class _Subset:
    sample: SubsetSample
    members: Mask
    words: Matrix

    def scored(
        self,
        asked: Inputs,
        holdout: Inputs,
        targets: Sequence[AttributeTarget],
        blends: Sequence[Blend],
        candidates: Sequence[Candidate],
    ) -> Iterator[_SubsetScores]:
        """One for each attribute."""
        rows = self.sample.rows[self.members]
        inputs = self.sample.inputs.rows(np.flatnonzero(self.members))
        used = sorted({candidate for blend in blends for candidate in blend.candidates})
        fit_targets = [
            FitTarget(y=target.y[rows], rows=target.known[rows], is_multi=target.spec.is_multi) for target in targets
        ]
        # All attributes' columns side by side: a sparse product with many columns costs little more than one with few.
        widths = [len(target.labels) for target in targets]
        starts = np.concatenate([[0], np.cumsum(widths)])
        scores = [
            np.zeros((len(inputs_asked.vectors), int(starts[-1])), np.float32) for inputs_asked in (asked, holdout)
        ]
        base = ProductBase(inputs.matrix, inputs.vectors, spaces=len(used), words=self.words)
        for candidate in used:
            space = base.space(candidates[candidate], curvature=CURVATURE)
            asking = [
                at for at, blend in enumerate(blends) if candidate in blend.candidates and fit_targets[at].rows.any()
            ]
            for batch in _batches(asking, targets):
                models = fit(space, [fit_targets[at] for at in batch]).models
                columns = np.concatenate([np.arange(starts[at], starts[at + 1]) for at in batch])
                shares = np.concatenate([np.full(widths[at], 1 / len(blends[at].candidates)) for at in batch])
                models = models * shares.astype(np.float32)
                for begin in range(0, len(columns), MODELS_AT_ONCE):
                    some = slice(begin, begin + MODELS_AT_ONCE)
                    weights = space.weights(models[:, some])
                    for into, read in zip(scores, (asked, holdout), strict=True):
                        part = read.matrix @ weights.words + weights.intercepts
                        part += space.columns_of(read.vectors) @ weights.vectors
                        into[:, columns[some]] += part
        for at, (fit_target, blend) in enumerate(zip(fit_targets, blends, strict=True)):
            prior_offset = (
                np.float32(blend.prior_share) * fit_target.prior_offset if fit_target.rows.any() else np.float32(0)
            )
            own = slice(starts[at], starts[at + 1])
            yield _SubsetScores(
                scores[0][:, own] + prior_offset, scores[1][:, own] + prior_offset, int(fit_target.rows.sum())
            )


def _batches(asked: Sequence[int], targets: Sequence[AttributeTarget]) -> Iterator[list[int]]:
    """A few hundred models side by side at most."""
    batch: list[int] = []
    width = 0
    for at in asked:
        if batch and width + len(targets[at].labels) > 4 * MODELS_AT_ONCE:
            yield batch
            batch, width = [], 0
        batch.append(at)
        width += len(targets[at].labels)
    if batch:
        yield batch
