"""What quality to expect of each mode before a training is ordered, from the data itself.

Basic is tried for real, on at most some 3 000 of the tickets, at four sizes; a power law (`learning_curve.py`) carries
what it reaches there to all tickets. Business is not tried: what it gained over Basic on the public sets
(docs/benchmarks.md) is added, with all its spread. Maximum is tried apart (`maximum_trial.py`), and is unknown here. A
few seconds of one core; nothing is stored here.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from otai.learning.arrays import Floats, Mask, Rows
from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.preparing import newest_rows, rows_to_learn_from
from otai.learning.data.splitting import related_numbers_of, split_as_given
from otai.learning.data.targets import AttributeTarget, CleanLabels, attribute_target, clean_labels, column_of
from otai.learning.data.tickets import LabelledTickets
from otai.learning.errors import InputFailure
from otai.learning.estimate import Estimate
from otai.learning.evidence.expectation import Expectation, ModeExpectation
from otai.learning.evidence.learning_curve import (
    FEWEST_HOLDOUT_TICKETS,
    FEWEST_SIZES,
    REDRAWN,
    SizeMeasurements,
    measure,
)
from otai.learning.evidence.training_findings import LIKELY_CHANCE
from otai.learning.features.text import TextFeatures
from otai.learning.linear.cross_fitting import CrossFitting, Inputs
from otai.learning.linear.heads import decided_beside
from otai.learning.linear.subset_models import SubsetDecision, SubsetModels, SubsetSample
from otai.learning.metrics import chance_of_no_signal_in_scores, percentile_interval, standardised
from otai.learning.recipes import RECIPES
from otai.words.sentences import Fact

MOST_TICKETS = 3_000
MOST_MEASURED_TICKETS = 1_500

# Tickets squared times labels: what one step of fitting costs. More labels are tried on fewer tickets.
MOST_WORK = 2.5e9
FEWEST_TICKETS = 400

# Nothing is said of an attribute where such a lift over guessing, a share, would be missed once in five trials: 2.49 is
# the sum of the normal quantiles of 0.95 (the test's) and 0.8 (its power).
LEAST_LIFT_TO_SEE = 0.05
QUANTILES_OF_TEST_AND_POWER = 2.49
# What two even labels take, which take most.
TICKETS_TO_TEST = 621

# An expectation whose interval reaches further than this to either side is none.
WIDEST_INTERVAL = 0.15

# What `benchmarks/learning_maximum.py` writes.
GAINS_FILE = Path(__file__).with_name("gains_over_basic.json")


@functools.cache
def gains_over_basic() -> Mapping[str, tuple[tuple[float, float], ...]]:
    """By how much each mode was better than Basic on the test rows of thirteen attributes of five public sets:
    (accuracy, macro F1), shares.

    A mode that is not named has not been measured.
    """
    measured = json.loads(GAINS_FILE.read_text(encoding="utf-8"))["gains"]
    return {
        "basic": ((0.0, 0.0),),
        **{
            mode: tuple((accuracy, macro_f1) for accuracy, macro_f1 in gains.values())
            for mode, gains in measured.items()
        },
    }


MODES = ("basic", "business", "maximum")


def expected(tickets: LabelledTickets, attributes: Sequence[AttributeSpec], *, seed: int = 0) -> dict[str, Expectation]:
    """For each attribute by its name. An attribute that cannot be trained at all is unknown, with the reason that
    training would give."""
    expectations: dict[str, Expectation] = {}
    try:
        rows, text_numbers = rows_to_learn_from(tickets)
    except InputFailure as failure:
        return {spec.name: _nothing(Fact.from_dict(failure.as_fact())) for spec in attributes}
    cleaned: dict[AttributeSpec, CleanLabels] = {}
    for spec in attributes:
        try:
            cleaned[spec] = clean_labels(column_of(tickets, spec))
        except InputFailure as failure:
            expectations[spec.name] = _nothing(Fact.from_dict(failure.as_fact()))
    train, measured_on, all_train, all_measured = _parted(
        tickets, rows, text_numbers, list(cleaned.values()), seed=seed
    )
    targets: list[AttributeTarget] = []
    for spec, labels in cleaned.items():
        try:
            target = attribute_target(spec, labels, all_train, fewest_tickets=RECIPES["basic"].fewest_tickets)
        except InputFailure as failure:
            expectations[spec.name] = _nothing(Fact.from_dict(failure.as_fact()))
            continue
        if target.known[train].sum() < FEWEST_TICKETS // 8 or not target.y[train][target.known[train]].any():
            expectations[spec.name] = _nothing(Fact("expectation.few_labelled"))
            continue
        targets.append(target)
    if not targets:
        return expectations
    train = train[: _affordable(targets)]
    trial = _Trial(tickets, train, measured_on, text_numbers, targets, seed)
    for target, (measured, guessing, no_signal) in zip(targets, trial.results(), strict=True):
        if isinstance(measured, Fact):
            expectations[target.spec.name] = _nothing(
                measured, guessing=guessing, tried_on=len(train), no_signal=no_signal
            )
            continue
        expectations[target.spec.name] = Expectation(
            {
                mode: _expected(
                    measured,
                    None if mode == "maximum" else gains_over_basic().get(mode),
                    tickets=int(target.known[all_train].sum()),
                    measured_on=int(target.known[all_measured].sum()),
                    seed=seed,
                )
                for mode in MODES
            },
            guessing,
            len(train),
            no_signal=no_signal,
        )
    return expectations


def _nothing(why: Fact, *, guessing: float = 0.0, tried_on: int = 0, no_signal: bool = False) -> Expectation:
    return Expectation(dict.fromkeys(MODES), guessing, tried_on, why, no_signal)


def _parted(
    tickets: LabelledTickets, rows: Rows, text_numbers: Rows, cleaned: Sequence[CleanLabels], *, seed: int
) -> tuple[Rows, Rows, Rows, Rows]:
    """Rows to try on, in chance's order, and to measure on; and what a training would learn from and be measured on. No
    text is in two of them. Measured on are the newest tickets where a card's figures will be theirs."""
    chance = np.random.default_rng(seed)
    recipe = RECIPES["basic"]
    given = split_as_given(text_numbers, tickets.splits) if tickets.splits is not None else None
    if given is not None:
        train, measured = np.intersect1d(given.train, rows), np.intersect1d(given.holdout, rows)
    else:
        newest = _newest(tickets, rows, cleaned)
        # The random half of a holdout is not learnt from either, though the figures are the newest tickets'.
        share = recipe.holdout_share - recipe.newest_share if len(newest) else recipe.holdout_share
        related = related_numbers_of(tickets.texts, tickets.links)[rows]
        aside = (chance.random(int(related.max()) + 1) < share)[related]
        train, measured = np.setdiff1d(rows[~aside], newest), newest if len(newest) else rows[aside]
    few = measured[chance.permutation(len(measured))[:MOST_MEASURED_TICKETS]]
    return train[chance.permutation(len(train))[:MOST_TICKETS]], few, train, measured


def _newest(tickets: LabelledTickets, rows: Rows, cleaned: Sequence[CleanLabels]) -> Rows:
    labelled = np.asarray([row for row in rows if any(labels.rows[row] is not None for labels in cleaned)], np.int64)
    recipe = RECIPES["basic"]
    return newest_rows(
        tickets,
        labelled,
        related_numbers_of(tickets.texts, tickets.links),
        cleaned,
        share=recipe.newest_share,
        fewest_tickets=recipe.fewest_tickets,
    )


def _affordable(targets: Sequence[AttributeTarget]) -> int:
    labels = sum(len(target.labels) for target in targets)
    return int(np.clip(np.sqrt(MOST_WORK / labels), FEWEST_TICKETS, MOST_TICKETS))


@dataclass(frozen=True)
class _Trial:
    """Basic, tried on some tickets."""

    tickets: LabelledTickets
    train: Rows
    holdout: Rows
    text_numbers: Rows
    targets: Sequence[AttributeTarget]
    seed: int

    def results(self) -> list[tuple[SizeMeasurements | Fact, float, bool]]:
        """For each attribute what was measured, or why nothing could be; what guessing reaches; and whether nothing in
        the texts tells it."""
        recipe = RECIPES["basic"]
        features, matrix = TextFeatures.fit([self.tickets.texts[row] for row in self.train], min_tickets=1)
        read, _ = features.read([self.tickets.texts[row] for row in self.holdout])
        inputs, held_out = _words_only(matrix), _words_only(read)
        fitting = CrossFitting(
            features,
            (inputs, held_out),
            self.targets,
            train=self.train,
            holdout=self.holdout,
            same_text=self.text_numbers[self.train],
            refit=False,
            candidates=recipe.candidates,
            tickets_to_calibrate=TICKETS_TO_TEST,
        )
        same = self.text_numbers[self.train]
        sample = SubsetSample.of(inputs, self.train, same, self.targets, fitting.products, seed=self.seed)
        out_of_fold, holdout_scores = fitting.measure(lambda: None)
        subset_models = None
        if sample is not None:
            subset_models = SubsetModels.fit(
                sample, held_out, self.targets, fitting.blends, recipe.candidates, holdout_rows=self.holdout
            )
        results: list[tuple[SizeMeasurements | Fact, float, bool]] = []
        for number, target in enumerate(self.targets):
            known = target.known[self.holdout]
            rows = self.holdout[known]
            actual = target.y[rows] > 0
            guessing = (
                float((~actual.any(axis=1)).mean() if target.spec.is_multi else actual.mean(axis=0).max())
                if len(rows)
                else 0.0
            )
            own = out_of_fold[number]
            no_signal = tells_nothing(
                np.concatenate([target.y[own.rows] > 0, actual]),
                # Models of folds and of the whole score on scales of their own.
                np.concatenate([standardised(own.scores), standardised(holdout_scores[number][known])])
                if len(rows)
                else standardised(own.scores),
                seed=self.seed,
            )
            if subset_models is None or len(rows) < FEWEST_HOLDOUT_TICKETS:
                results.append((Fact("expectation.few_measured"), guessing, no_signal))
                continue
            decided = decided_beside(
                holdout_scores[number][known],
                out_of_fold[number].scores,
                target.y[out_of_fold[number].rows],
                multi=target.spec.is_multi,
            )
            whole = SubsetDecision(int(target.known[self.train].sum()), decided)
            measured = measure(target, rows, [*subset_models.learnt[number], whole], seed=self.seed)
            enough = len(measured.tickets) >= FEWEST_SIZES
            results.append((measured if enough else Fact("expectation.few_sizes"), guessing, no_signal))
        return results


def tells_nothing(actual: Mask, scores: Floats, *, seed: int) -> bool:
    """Whether nothing in the texts tells the labels `actual`, by what models that had not learnt a ticket scored; both
    of shape (tickets, labels).

    Never where the tickets are too few to see a lift of five points over guessing by frequency: that they show nothing
    says nothing then.
    """
    return len(actual) >= fewest_to_test(actual) and chance_of_no_signal_in_scores(actual, scores, seed=seed) > (
        LIKELY_CHANCE
    )


def fewest_to_test(actual: Mask) -> float:
    """How many tickets with labels such as `actual` it takes to see a lift of five points over guessing by frequency
    four times in five, in a test that sees one where there is none once in twenty."""
    shares = actual.mean(axis=0)
    is_multi = not (actual.sum(axis=1) == 1).all()
    right = float((shares**2 + (1 - shares) ** 2).mean() if is_multi else (shares**2).sum())
    return (QUANTILES_OF_TEST_AND_POWER / LEAST_LIFT_TO_SEE) ** 2 * right * (1 - right)


def _words_only(matrix: sparse.csr_matrix) -> Inputs:
    return Inputs(matrix, np.zeros((matrix.shape[0], 0), np.float32))


def _expected(
    measured: SizeMeasurements,
    gains: tuple[tuple[float, float], ...] | None,
    *,
    tickets: int,
    measured_on: int,
    seed: int,
) -> ModeExpectation | None:
    """What is reached with all the tickets, and then measured on so many; None where the gains are not known or the
    interval is too wide."""
    if gains is None:
        return None
    chance = np.random.default_rng(seed)
    which = chance.integers(len(gains), size=REDRAWN)
    estimates = []
    for metric, values in enumerate((measured.accuracy, measured.macro_f1)):
        gain = np.array([one[metric] for one in gains])
        reached = measured.laws(values).at(tickets)
        drawn = reached[1:] + gain[which]
        # The card will be measured on tickets of its own, which adds chance of its own.
        drawn = drawn + chance.standard_normal(REDRAWN) * np.sqrt(
            np.clip(reached[0] * (1 - reached[0]), 0.01, 1) / max(measured_on, 1)
        )
        estimates.append(_interval(float(reached[0] + np.median(gain)), drawn))
    accuracy, macro_f1 = (one if one.high - one.low <= 2 * WIDEST_INTERVAL else None for one in estimates)
    return ModeExpectation(accuracy, macro_f1) if accuracy else None


def _interval(value: float, drawn: Floats) -> Estimate:
    reached = percentile_interval(float(np.clip(value, 0, 1)), drawn)
    return Estimate(reached.value, max(reached.low, 0.0), min(reached.high, 1.0))
