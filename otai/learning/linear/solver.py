"""All labels of all attributes, fitted together.

One model per label, by logistic regression (softmax over the labels of an attribute; one logistic curve a label where
any number applies), with *adjusted logits*: during training a log-prior offset, a part of the logarithm of its
frequency, is added to each label's score (Menon et al. 2021), so that a rare label need not be shouted down by a
frequent one, and the scores themselves suit the macro F1. Where a ticket has one label, a quarter of the loss is the
squared hinge (each label against the rest, as a support vector machine has it): softmax alone lost a point where
labels are many, the hinge alone the rare labels (docs/experiments.md, "Softmax and hinge").

Newton's method would need a curvature, and its factorisation, for each label. Here all labels share one (Boehning and
Lindsay 1988, made faster by Nesterov's momentum), so a factorisation serves all labels of all attributes, and one more
label costs two columns in a dense product. A ticket without a label, and a ticket held back, is a ticket with residual
zero; hence attributes with gaps, the folds for calibration, the model that is measured and the final one are all
columns of the same batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from otai.learning.arrays import Mask, Matrix, Rows
from otai.learning.linear.calibration import logistic
from otai.learning.linear.spaces import Space

# Chosen by cross-validation inside the training parts of the public sets (docs/experiments.md).
CURVATURE = 0.2
PRIOR_TRUST = 0.5

# The squared hinge in the loss of attributes with one label a ticket: its part, the score at which it is satisfied, and
# how much of the log-prior offset it sees, measured from the most frequent label (its scores have a zero of their own).
HINGE_SHARE = 0.25
HINGE_MARGIN = 4.0
HINGE_PRIOR_SHARE = 0.5

# A target is fitted when a step lowers its loss by less than this share; hundreds of labels take more steps than four
# do.
LEAST_GAIN = 0.004
MOST_STEPS = 30

# Logits of the first guess: ridge regression onto 0 and 1, spread to where logits usually end.
FIRST_SPREAD = 5.0


@dataclass(frozen=True)
class FitTarget:
    """One attribute to fit on some of the tickets. `y` is 0/1 of shape (tickets, labels); `rows` says which take
    part."""

    y: Matrix
    rows: Mask
    is_multi: bool

    @property
    def prior_offset(self) -> Matrix:
        """What is added to each label's score in training, shape (labels,)."""
        return log_prior_offset(self.y[self.rows], multi=self.is_multi, trust=PRIOR_TRUST)


@dataclass(eq=False)
class _Block:
    """One target: its columns among those still moving and in the end, and how its descent is going."""

    fit_target: FitTarget
    columns: slice
    final_columns: slice
    prior_offset: Matrix
    """the log-prior offset, shape (labels,)"""
    speed: float = 1.0
    momentum: float = 1.0
    loss: float = np.inf
    is_done: bool = False

    @cached_property
    def own(self) -> tuple[Rows, ...]:
        """Which entries of `y` are 1: asked for at every step."""
        return np.nonzero(self.fit_target.y)


@dataclass(frozen=True)
class Fitted:
    """Models side by side in the space's form, shape (size, models), and what they give each ticket, (tickets,
    models)."""

    models: Matrix
    scores: Matrix

    def columns(self, kept: Sequence[slice]) -> Fitted:
        """Only the models at these columns, copied."""
        if not kept:
            return Fitted(self.models[:, :0], self.scores[:, :0])
        return Fitted.beside([Fitted(self.models[:, at], self.scores[:, at]) for at in kept])

    @classmethod
    def beside(cls, parts: Sequence[Fitted]) -> Fitted:
        """All of them side by side, copied."""
        return cls(
            np.concatenate([one.models for one in parts], axis=1),
            np.concatenate([one.scores for one in parts], axis=1),
        )


def fit(
    space: Space,
    fit_targets: Sequence[FitTarget],
    *,
    step_done: Callable[[], None] = lambda: None,
    begin_from: Sequence[Fitted] | None = None,
) -> Fitted:
    """Models of all `fit_targets` side by side; `step_done` is called `MOST_STEPS` times.

    `begin_from`: for each of them the models of one much like it, from which fewer steps are needed.
    """
    blocks: list[_Block] = []
    column = 0
    for fit_target in fit_targets:
        columns = slice(column, column + fit_target.y.shape[1])
        blocks.append(_Block(fit_target, columns, columns, fit_target.prior_offset))
        column = columns.stop
    here = Fitted.beside(begin_from) if begin_from else _first_guess(space, blocks)
    extrapolated = Fitted(here.models.copy(), here.scores.copy())
    finished = Fitted(np.empty_like(here.models), np.empty_like(here.scores))
    for taken in range(MOST_STEPS):
        here = _step(space, blocks, here, extrapolated)
        step_done()
        going_on = [block for block in blocks if not block.is_done] if taken + 1 < MOST_STEPS else []
        if len(going_on) < len(blocks):
            for block in set(blocks) - set(going_on):
                finished.models[:, block.final_columns] = here.models[:, block.columns]
                finished.scores[:, block.final_columns] = here.scores[:, block.columns]
            kept = [block.columns for block in going_on]
            here, extrapolated = here.columns(kept), extrapolated.columns(kept)
            _renumber(going_on)
        blocks = going_on
        if not blocks:
            for _ in range(taken + 1, MOST_STEPS):
                step_done()
            break
    return finished


def _first_guess(space: Space, blocks: list[_Block]) -> Fitted:
    columns = blocks[-1].columns.stop if blocks else 0
    guess = np.zeros((space.tickets, columns), np.float32)
    for block in blocks:
        taking_part = block.fit_target.y[block.fit_target.rows]
        guess[block.fit_target.rows, block.columns] = (
            FIRST_SPREAD * CURVATURE * (taking_part.mean(axis=0) - taking_part)
        )
    return Fitted(*(-part for part in space.step(guess, np.zeros((space.size, columns), np.float32))))


def _step(space: Space, blocks: list[_Block], here: Fitted, extrapolated: Fitted) -> Fitted:
    """Where one step from `extrapolated` leads. Changes `extrapolated` to the point beyond that to which the momentum
    of each block carries."""
    lengths = space.lengths(extrapolated.models, extrapolated.scores)
    residuals = np.empty_like(extrapolated.scores)
    for block in blocks:
        residuals[:, block.columns], loss = _residual(block, extrapolated.scores[:, block.columns])
        loss += 0.5 * space.penalty * float(lengths[block.columns].sum())
        if loss > block.loss:
            # The shared curvature was too optimistic here: go slower from now on, and forget the momentum.
            block.speed, block.momentum = block.speed * 0.6, 1.0
        else:
            block.is_done = block.loss - loss < LEAST_GAIN * loss
        block.loss = loss
    there = Fitted(*space.step(residuals, extrapolated.models))
    speed, pull = np.empty(residuals.shape[1], np.float32), np.empty(residuals.shape[1], np.float32)
    for block in blocks:
        grown = (1 + np.sqrt(1 + 4 * block.momentum**2)) / 2
        speed[block.columns], pull[block.columns] = block.speed, (block.momentum - 1) / grown
        block.momentum = grown
    for now, then, beyond in (
        (here.models, there.models, extrapolated.models),
        (here.scores, there.scores, extrapolated.scores),
    ):
        then *= -speed
        then += beyond
        np.subtract(then, now, out=beyond)
        beyond *= pull
        beyond += then
    return there


def _renumber(blocks: list[_Block]) -> None:
    start = 0
    for block in blocks:
        block.columns = slice(start, start + block.fit_target.y.shape[1])
        start = block.columns.stop


def log_prior_offset(y: Matrix, *, multi: bool, trust: float) -> Matrix:
    """The log-prior offset of each label in training, shape (labels,) (logit adjustment; Menon et al. 2021). Added to a
    score, it gives back what the data said is likely."""
    tickets = y.sum(axis=0, dtype=np.float64)
    share = (tickets + 0.5) / (len(y) + 0.5 * len(tickets))
    offset = np.log(share / (1 - share)) if multi else np.log(share)
    return (trust * offset).astype(np.float32)


def _residual(block: _Block, scores: Matrix) -> tuple[Matrix, float]:
    """The slope of the loss at each score, shape of `scores`, zero for tickets that take no part; and the loss of the
    others."""
    fit_target = block.fit_target
    logits = scores + block.prior_offset
    if fit_target.is_multi:
        loss = np.logaddexp(np.float32(0), logits) - fit_target.y * logits
        probabilities = logistic(logits)
        residual, total = probabilities - fit_target.y, float(loss[fit_target.rows].sum(dtype=np.float64))
    else:
        logits -= logits.max(axis=1, keepdims=True)
        # Not scipy's softmax: the normaliser is needed for the loss as well, and this is done at every step.
        probabilities = np.exp(logits)
        normaliser = probabilities.sum(axis=1, keepdims=True)
        probabilities /= normaliser
        loss = np.log(normaliser[:, 0]) - np.einsum("ij,ij->i", fit_target.y, logits)
        residual, total = probabilities - fit_target.y, float(loss[fit_target.rows].sum(dtype=np.float64))
        if HINGE_SHARE:
            slope, hinge = _squared_hinge(block, scores)
            residual *= np.float32(1 - HINGE_SHARE)
            residual += np.float32(HINGE_SHARE) * slope
            total = (1 - HINGE_SHARE) * total + HINGE_SHARE * hinge
    residual[~fit_target.rows] = 0
    return residual, total


def _squared_hinge(block: _Block, scores: Matrix) -> tuple[Matrix, float]:
    """As `_residual`, of each label against the rest, scaled so that its curvature is the one that all models share."""
    fit_target, offset = block.fit_target, block.prior_offset
    shift = np.float32(HINGE_PRIOR_SHARE) * (offset - offset.max()) + np.float32(HINGE_MARGIN)
    # What each score is beyond minus the margin; where the label applies, what it lacks to the margin.
    missing = scores + shift
    own = block.own
    missing[own] = np.float32(2 * HINGE_MARGIN) - missing[own]
    np.maximum(missing, 0, out=missing)
    missing[~fit_target.rows] = 0
    flat = missing.ravel()
    loss = 0.5 * CURVATURE * float(flat @ flat)
    missing *= np.float32(CURVATURE)
    missing[own] *= -1
    return missing, loss
