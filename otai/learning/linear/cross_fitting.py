"""Which models a training needs, on which tickets: for calibration, to be measured, and to be delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from otai.learning.arrays import Mask, Matrix, Rows
from otai.learning.data.targets import AttributeTarget
from otai.learning.estimate import Estimate
from otai.learning.features.kernel import kernel, nystroem_normalisation
from otai.learning.features.sketches import sketch_matrix
from otai.learning.features.text import TextFeatures
from otai.learning.linear.blending import Blend, best_blend, gain_over
from otai.learning.linear.heads import FOLDS, balanced_folds
from otai.learning.linear.solver import CURVATURE, MOST_STEPS, FitTarget, Fitted, fit
from otai.learning.linear.spaces import (
    FEWEST_SKETCH_COLUMNS,
    MOST_SKETCH_ENTRIES,
    MOST_TICKETS_EXACT,
    MOST_TICKETS_EXACT_BLENDED,
    SKETCH_COLUMNS,
    ProductBase,
    SketchBase,
    Space,
    Weights,
    sketched,
)
from otai.learning.recipes import WORDS_ALONE, Candidate

# Beside a sketch so many tickets stand for all, where vectors count by the kernel.
MOST_LANDMARKS = 1_024

# More weights than this are kept as a sketch, however few the tickets: it bounds the size of the bundle.
MOST_EXACT_WEIGHTS = 25_000_000

# Models of one candidate, times tickets, that are kept so that models like them begin where they ended: 16 MB.
MOST_KEPT_TO_BEGIN_FROM = 2_000_000

# Models fitted side by side, times tickets: bounds the memory of their scores (four arrays of 4 bytes each).
MOST_SCORES_AT_ONCE = 5_000_000


@dataclass(frozen=True)
class OutOfFold:
    """Scores of training tickets by models that did not learn from them. `rows` are rows of the data set."""

    rows: Rows
    scores: Matrix


@dataclass(frozen=True)
class LinearWeights:
    """Weights of columns, shape (columns, labels of all attributes), of vectors, shape (d, labels), and intercepts.

    `sketch_columns` 0: columns are features. `landmarks`, shape (landmarks, d): vectors count by the kernel between
    them and these, and `vector_weights` has a row for each of them; None: by themselves.
    """

    weights: Matrix
    vector_weights: Matrix
    intercepts: Matrix
    sketch_columns: int
    landmarks: Matrix | None = None


@dataclass(frozen=True)
class Inputs:
    """What is known of some tickets: the matrix of their features, and their vectors, shape (tickets, d) (d 0: none
    were asked for).

    Where a candidate has a length scale, the vectors are projected (`kernel.project`)."""

    matrix: sparse.csr_matrix
    vectors: Matrix

    def rows(self, which: Rows) -> Inputs:
        """The inputs of these tickets only, in the order of `which`."""
        return Inputs(self.matrix[which], self.vectors[which])


@dataclass(frozen=True)
class _Made:
    """Models of one attribute by one candidate, and the space they are in."""

    space: Space
    fitted: Fitted


class CrossFitting:
    """The models of one training. `train` and `holdout` are rows of the data set, in the order of their inputs' rows.

    With `refit` the holdout's texts stand in the same space as the training part's, but no label of theirs is looked at
    before `final`. `same_text[ticket]` is equal for training tickets with the same text.

    Every one of `candidates` is tried on tickets held back; what each attribute takes of them is its blend
    (`blending.py`). Which tickets are held back for that is the attribute's own affair.
    """

    def __init__(
        self,
        features: TextFeatures,
        inputs: tuple[Inputs, Inputs],
        targets: Sequence[AttributeTarget],
        *,
        train: Rows,
        holdout: Rows,
        same_text: Rows,
        refit: bool,
        candidates: Sequence[Candidate] = (WORDS_ALONE,),
        prior_shares: Sequence[float] = (0.0,),
        tickets_to_calibrate: int = 1_500,
    ) -> None:
        self._targets, self._same_text, self._refit = targets, same_text, refit
        self._candidates, self._prior_shares = candidates, prior_shares
        self._tickets_to_calibrate = tickets_to_calibrate
        self._train, self._holdout = train, holdout
        self._order = np.concatenate([train, holdout]) if refit else train
        self._held_out = inputs[1]
        taking_part = inputs if refit else inputs[:1]
        vectors = np.concatenate([part.vectors for part in taking_part])
        width = inputs[0].matrix.shape[1]
        labels = sum(len(target.labels) for target in targets)
        exact = width > 0 and self.is_exact_for(len(self._order), candidates) and width * labels <= MOST_EXACT_WEIGHTS
        self._columns = 0 if exact or not width else self.sketch_columns_for(len(self._order))
        self._length_scale = _length_scale_of(candidates) if vectors.shape[1] else None
        self._landmarks: Matrix | None = None
        self._normalisation: Matrix | None = None
        if self._length_scale is not None:
            self._landmarks = vectors
        if exact:
            matrix = sparse.vstack([part.matrix for part in taking_part], format="csr")
            self._base: ProductBase | SketchBase = ProductBase(matrix, vectors, spaces=len(candidates))
        else:
            self._sketch = sketch_matrix(features.hashes, self._columns) if width else sparse.csr_matrix((0, 0))
            if self._length_scale is not None:
                self._landmarks = _landmarks_among(inputs[0].vectors)
                self._normalisation = nystroem_normalisation(self._landmarks, self._length_scale)
                vectors = kernel(vectors, self._landmarks, self._length_scale) @ self._normalisation
            self._base = SketchBase(
                sketched([part.matrix for part in taking_part] if width else [], self._sketch, vectors),
                vectors.shape[1],
            )
        self._space: tuple[int, Space] | None = None
        self._begin_from: dict[tuple[int, int], Fitted] = {}
        self._blends: list[Blend] = []
        self._gains: list[Estimate] = []
        self._linear: LinearWeights | None = None

    @staticmethod
    def sketch_columns_for(tickets: int) -> int:
        """Into how many columns the features of so many tickets are added up."""
        return min(SKETCH_COLUMNS, max(MOST_SKETCH_ENTRIES // tickets, FEWEST_SKETCH_COLUMNS))

    @staticmethod
    def is_exact_for(tickets: int, candidates: Sequence[Candidate]) -> bool:
        """Whether so many tickets can be fitted through the products of all their pairs."""
        return tickets <= (MOST_TICKETS_EXACT if len(candidates) == 1 else MOST_TICKETS_EXACT_BLENDED)

    def products(self, rows: Rows) -> Matrix | None:
        """The products of training tickets with each other, by their places in the training part; None where they were
        never made. Ask before `measure`. Shape (tickets, tickets)."""
        return self._base.products(rows) if isinstance(self._base, ProductBase) else None

    @property
    def blends(self) -> Sequence[Blend]:
        """What each attribute takes of the candidates; known after `measure`."""
        return self._blends

    @property
    def gains_by_vectors(self) -> Sequence[Estimate]:
        """By how much each attribute's blend is of more utility than words alone, on tickets not trained on; empty if
        nothing else was tried."""
        return self._gains

    def measure(self, step_done: Callable[[], None]) -> tuple[list[OutOfFold], list[Matrix]]:
        """For each attribute: out-of-fold scores of training tickets, and scores of all holdout tickets, by models of
        the training part.

        Calls `step_done` `steps()` times. Both have shape (tickets, labels).
        """
        step, finish = _bounded(step_done, self.steps())
        held_back = self._held_back()
        cross_fitted = [self._cross_fitted(number, held_back, step) for number in range(len(self._candidates))]
        for number, target in enumerate(self._targets):
            rows = self._order[cross_fitted[0][number].rows]
            tried = [by_candidate[number].only(target.known[rows]) for by_candidate in cross_fitted]
            y = target.y[rows[target.known[rows]]]
            self._blends.append(
                best_blend(
                    [scored.scores for scored in tried],
                    tried[0].prior_offset,
                    y,
                    self._prior_shares,
                    multi=target.spec.is_multi,
                    usual=self._usual,
                )
            )
            if len(self._candidates) > 1 and WORDS_ALONE in self._candidates:
                alone = self._candidates.index(WORDS_ALONE)
                scores, prior_offset, multi = (
                    [scored.scores for scored in tried],
                    tried[0].prior_offset,
                    target.spec.is_multi,
                )
                self._gains.append(gain_over(alone, self._blends[-1], scores, prior_offset, y, multi=multi))
        out_of_fold = self._blended(cross_fitted)
        del cross_fitted

        taking_part = np.arange(len(self._order)) < len(self._train)
        if self._refit:
            holdout = self._holdout_scores(taking_part, step)
        else:
            self._linear = self._as_linear(taking_part, step)
            holdout = self._scores_by(self._linear, self._held_out)
        finish()
        return out_of_fold, holdout

    def out_of_fold_under(self, folds: Rows) -> list[OutOfFold]:
        """For each attribute scores of the training tickets that `folds` keeps back (-1: none does), by models that had
        not seen them, blended as `measure`, which comes first, has chosen; also of tickets in which the attribute is
        not known. Shape (tickets, labels)."""
        held_back = self._held_back_by(folds)
        return self._blended(
            [self._cross_fitted(number, held_back, lambda: None) for number in range(len(self._candidates))]
        )

    def _blended(self, cross_fitted: Sequence[Sequence[_CrossFitted]]) -> list[OutOfFold]:
        """Of each attribute, from the scores by each candidate."""
        return [
            OutOfFold(
                self._order[cross_fitted[0][number].rows],
                blend.scores(
                    [by_candidate[number].scores for by_candidate in cross_fitted], cross_fitted[0][number].prior_offset
                ),
            )
            for number, blend in enumerate(self._blends)
        ]

    @property
    def _usual(self) -> tuple[int, ...]:
        """The candidates whose mean is taken unless others are clearly better: all that read vectors, where any
        does."""
        reading = tuple(number for number, candidate in enumerate(self._candidates) if candidate.vectors)
        return reading or tuple(range(len(self._candidates)))

    def forget(self) -> None:
        """Gives back the memory of the last of several spaces; `final` makes what it needs again. A single one is
        kept."""
        if len(self._candidates) > 1:
            self._space = None

    def steps(self) -> int:
        """How often `step_done` will be called by `measure`."""
        return MOST_STEPS * (len(self._candidates) + 1) * max(len(self._targets), 1)

    def final(self) -> LinearWeights:
        """The model to deliver; it learns from the holdout as well if it was asked to refit."""
        if self._linear is not None:
            return self._linear
        return self._as_linear(np.ones(len(self._order), np.bool_), lambda: None)

    def _space_of(self, number: int) -> Space:
        """The space of a candidate. Only one is kept: a factorisation takes a second, and its memory is the training's
        largest."""
        if self._space is None or self._space[0] != number:
            self._space = None
            candidate = self._candidates[number]
            if not candidate.vectors:
                # In the form that the other candidates' models have, so that models of words alone can be averaged with
                # them.
                candidate = replace(candidate, length_scale=self._length_scale)
            self._space = number, self._base.space(candidate, curvature=CURVATURE)
        return self._space[1]

    def _cross_fitted(
        self, candidate: int, held_back: list[tuple[int, Rows, FitTarget]], step: Callable[[], None]
    ) -> list[_CrossFitted]:
        """For each attribute the scores of tickets by models of this candidate that had not seen them."""
        space = self._space_of(candidate)
        out_of_fold: list[list[_CrossFitted]] = [[] for _ in self._targets]
        for batch in self._batches(held_back):
            # From nothing: models of another fold have learnt from the tickets that this one keeps back.
            scores = self._fitted(candidate, space, batch, step, from_earlier=False).scores
            start = 0
            for number, rows, fit_target in batch:
                columns = slice(start, start + fit_target.y.shape[1])
                start = columns.stop
                prior_offset = np.broadcast_to(fit_target.prior_offset, (len(rows), fit_target.y.shape[1]))
                out_of_fold[number].append(_CrossFitted(rows, scores[rows, columns], prior_offset))
        return [_CrossFitted.joined(folds) for folds in out_of_fold]

    def _fitted(
        self,
        candidate: int,
        space: Space,
        batch: list[tuple[int, Rows, FitTarget]],
        step: Callable[[], None],
        *,
        from_earlier: bool,
    ) -> Fitted:
        """Models of a batch; `from_earlier`: those of an attribute begin where earlier ones of it ended, a fold's or
        those without the holdout."""
        fit_targets = [fit_target for _, _, fit_target in batch]
        keys = [(candidate, number) for number, _, _ in batch]
        known = [self._begin_from[key] for key in keys if from_earlier and key in self._begin_from]
        fitted = fit(space, fit_targets, step_done=step, begin_from=known if len(known) == len(keys) else None)
        if sum(len(target.labels) for target in self._targets) * space.tickets <= MOST_KEPT_TO_BEGIN_FROM:
            start = 0
            for key, fit_target in zip(keys, fit_targets, strict=True):
                self._begin_from[key] = fitted.columns([slice(start, start + fit_target.y.shape[1])])
                start += fit_target.y.shape[1]
        return fitted

    def _held_back(self) -> list[tuple[int, Rows, FitTarget]]:
        """(attribute, rows of the space held back, what to fit): the folds of each attribute.

        Each fold yields a fifth of the training part and costs as much as the model itself, so no more are fitted than
        it takes.
        """
        fit_targets = []
        in_training = np.arange(len(self._order)) < len(self._train)
        for number, target in enumerate(self._targets):
            known = target.known[self._order] & in_training
            folds = self._folds(target, np.flatnonzero(known))
            wanted = -(-self._tickets_to_calibrate * FOLDS // max(int(known.sum()), 1)) if len(self._holdout) else FOLDS
            for fold in range(min(wanted, FOLDS)):
                held_back = np.flatnonzero(known & (folds == fold))
                if len(held_back):
                    fit_targets.append((number, held_back, self._fit_target(target, known & (folds != fold))))
        return fit_targets

    def _held_back_by(self, given: Rows) -> list[tuple[int, Rows, FitTarget]]:
        """The same, of folds that are one for all attributes."""
        folds = np.full(len(self._order), -1)
        folds[: len(self._train)] = given
        in_training = np.arange(len(self._order)) < len(self._train)
        return [
            (number, held_back, self._fit_target(target, target.known[self._order] & in_training & (folds != fold)))
            for number, target in enumerate(self._targets)
            for fold in range(FOLDS)
            if (held_back := np.flatnonzero(folds == fold)).size
        ]

    def _made(self, taking_part: Mask, step: Callable[[], None]) -> Iterator[tuple[int, _Made]]:
        """Every attribute's models of all tickets that take part, by each candidate of its blend."""
        # The candidate whose space is there goes first.
        kept = self._space[0] if self._space else 0
        for candidate in sorted(range(len(self._candidates)), key=lambda number: (number != kept, number)):
            fit_targets = [
                (number, np.zeros(0, np.int64), self._fit_target(target, target.known[self._order] & taking_part))
                for number, (target, blend) in enumerate(zip(self._targets, self._blends, strict=True))
                if candidate in blend.candidates
            ]
            for batch in self._batches(fit_targets):
                space = self._space_of(candidate)
                fitted = self._fitted(candidate, space, batch, step, from_earlier=True)
                start = 0
                for number, _, fit_target in batch:
                    yield number, _Made(space, fitted.columns([slice(start, start + fit_target.y.shape[1])]))
                    start += fit_target.y.shape[1]

    def _holdout_scores(self, taking_part: Mask, step: Callable[[], None]) -> list[Matrix]:
        scores = [np.zeros((len(self._holdout), len(target.labels)), np.float32) for target in self._targets]
        for number, made in self._made(taking_part, step):
            scores[number] += made.fitted.scores[len(self._train) :] / len(self._blends[number].candidates)
        return [one + shift for one, shift in zip(scores, self._shifts(taking_part), strict=True)]

    def _shifts(self, taking_part: Mask) -> list[Matrix]:
        """What each attribute's scores are moved by, so that frequent labels are as likely as the blend wants, shape
        (labels,)."""
        return [
            np.float32(blend.prior_share)
            * self._fit_target(target, target.known[self._order] & taking_part).prior_offset
            for target, blend in zip(self._targets, self._blends, strict=True)
        ]

    def _as_linear(self, taking_part: Mask, step: Callable[[], None]) -> LinearWeights:
        weights_of: list[Weights | None] = [None] * len(self._targets)
        for number, made in self._made(taking_part, step):
            part = made.space.weights(made.fitted.models).times(1 / len(self._blends[number].candidates))
            before = weights_of[number]
            weights_of[number] = part if before is None else before.plus(part)
        weights = Weights.beside([one for one in weights_of if one is not None])
        vectors = weights.vectors if self._normalisation is None else self._normalisation @ weights.vectors
        # Half precision is what the bundle keeps, so half precision is what is measured.
        return LinearWeights(
            weights=weights.words.astype(np.float16).astype(np.float32),
            vector_weights=vectors.astype(np.float16).astype(np.float32),
            intercepts=weights.intercepts + np.concatenate(self._shifts(taking_part)),
            sketch_columns=self._columns,
            landmarks=self._landmarks,
        )

    def _scores_by(self, linear: LinearWeights, inputs: Inputs) -> list[Matrix]:
        matrix = inputs.matrix @ self._sketch if self._columns else inputs.matrix
        vectors = inputs.vectors
        if linear.landmarks is not None and self._length_scale is not None:
            vectors = kernel(vectors, linear.landmarks, self._length_scale)
        scores = matrix @ linear.weights + vectors @ linear.vector_weights + linear.intercepts
        return np.split(scores, np.cumsum([len(target.labels) for target in self._targets])[:-1], axis=1)

    def _folds(self, target: AttributeTarget, rows: Rows) -> Rows:
        """A fold for each row of the space (-1: not one of `rows`), equal for equal texts, each label's texts dealt out
        evenly."""
        _, first, text = np.unique(self._same_text[rows], return_index=True, return_inverse=True)
        if target.spec.is_multi:
            of_text = np.arange(len(first)) % FOLDS
        else:
            of_text = balanced_folds(target.codes(self._order[rows[first]]))
        folds = np.full(len(self._order), -1)
        folds[rows] = of_text[text]
        return folds

    def _fit_target(self, target: AttributeTarget, rows: Mask) -> FitTarget:
        return FitTarget(y=target.y[self._order], rows=rows, is_multi=target.spec.is_multi)

    def _batches(self, fit_targets: list[tuple[int, Rows, FitTarget]]) -> list[list[tuple[int, Rows, FitTarget]]]:
        batches: list[list[tuple[int, Rows, FitTarget]]] = []
        most = max(MOST_SCORES_AT_ONCE // len(self._order), 1)
        columns = most + 1
        for fit_target in fit_targets:
            columns += fit_target[2].y.shape[1]
            if columns > most:
                batches.append([])
                columns = fit_target[2].y.shape[1]
            batches[-1].append(fit_target)
        return batches


@dataclass(frozen=True)
class _CrossFitted:
    """Scores of rows of the space by models that had not seen them, and the log-prior offset of their training; both
    (rows, labels)."""

    rows: Rows
    scores: Matrix
    prior_offset: Matrix

    def only(self, which: Mask) -> _CrossFitted:
        return self if which.all() else _CrossFitted(self.rows[which], self.scores[which], self.prior_offset[which])

    @classmethod
    def joined(cls, folds: Sequence[_CrossFitted]) -> _CrossFitted:
        return cls(
            np.concatenate([one.rows for one in folds]),
            np.concatenate([one.scores for one in folds]),
            np.concatenate([one.prior_offset for one in folds]),
        )


def _length_scale_of(candidates: Sequence[Candidate]) -> float | None:
    """The length scale that all candidates with vectors have in common; None: vectors count by themselves."""
    length_scales = {candidate.length_scale for candidate in candidates if candidate.vectors}
    assert len(length_scales) <= 1, "models of several length scales have no mean among models"
    return length_scales.pop() if length_scales else None


def _landmarks_among(places: Matrix) -> Matrix:
    """Some of these tickets, the same each time."""
    if len(places) <= MOST_LANDMARKS:
        return places
    chosen = np.random.default_rng(0).permutation(len(places))[:MOST_LANDMARKS]
    return places[np.sort(chosen)]


def _bounded(step_done: Callable[[], None], steps: int) -> tuple[Callable[[], None], Callable[[], None]]:
    """`step_done`, called at most `steps` times by the first and the times that are left by the second."""
    left = steps

    def step() -> None:
        nonlocal left
        if left:
            left -= 1
            step_done()

    def finish() -> None:
        while left:
            step()

    return step, finish
