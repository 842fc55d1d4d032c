"""How quality grows with tickets, and what more of them would bring.

Models of an eighth, a quarter and a half of the training tickets (`linear/subset_models.py`) and the whole are measured
on the same holdout. A power law, a - b n^-c, is laid through what they reach: learning curves of text classifiers
follow one closely (Cortes et al. 1993; Hestness et al. 2017).

Four sizes say little about three numbers, so the forecast is an interval first: the law is fitted again to many redrawn
measurements (the holdout's tickets are drawn anew, the same for all sizes, and every size is moved by as much as models
of other tickets of that number differ), and the next model is given luck of its own. Where the laws that fit disagree
by too much, the forecast is that nothing is known. How often the interval held what really came: docs/report-card.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from otai.learning.arrays import Counts, Floats, Rows
from otai.learning.data.targets import AttributeTarget
from otai.learning.estimate import Estimate
from otai.learning.evidence.report_card import Forecast, LearningCurve, SizePoint
from otai.learning.linear.subset_models import SubsetDecision
from otai.learning.metrics import bootstrap, percentile_interval, quality_under
from otai.words.sentences import Fact

MORE_TICKETS = 500
REDRAWN = 300

# The bend of the law. Outside of these no learning curve of a classifier was ever seen; at the low end it looks like a
# logarithm.
BENDS = np.linspace(0.1, 1.2, 23)

# How much wider the intervals are made than redrawing says. As drawn, they held what came in 81 % (accuracy) and 76 %
# (macro F1) of 37 doublings of public sets: a handful of models says too little of how much models differ
# (docs/report-card.md).
WIDENED = 1.6

# A forecast whose interval reaches further than this to either side helps nobody to decide.
WIDEST_INTERVAL = 0.05

# Beyond so many times the tickets that were learnt from, no forecast is made.
FURTHEST = 3.0

FEWEST_HOLDOUT_TICKETS = 50
FEWEST_SIZES = 3


@dataclass(frozen=True)
class PowerLaws:
    """Power laws, one for each redrawn set of measurements: a - b (n / scale)^-c. Arrays of shape (redrawn,)."""

    a: Floats
    b: Floats
    c: Floats
    scale: float

    def at(self, tickets: float) -> Floats:
        """What each law says of so many tickets, shape (redrawn,)."""
        return self.a - self.b * (tickets / self.scale) ** -self.c


def fit_laws(tickets: Floats, values: Floats, weights: Floats) -> PowerLaws:
    """Least squares with 0 <= b and a <= 1, for each row of `values`, shape (redrawn, sizes); `tickets` and `weights`
    (sizes,).

    For a given bend c the law is linear in a and b, so each of a few bends is solved exactly and the best is taken.
    """
    scale = float(tickets.max())
    weights = weights / weights.sum()
    best = np.full(len(values), np.inf)
    fitted = np.zeros((3, len(values)))
    for bend in BENDS:
        x = (tickets / scale) ** -bend
        mean_x, mean_y = weights @ x, values @ weights
        spread = weights @ (x - mean_x) ** 2
        b = np.maximum(-((values - mean_y[:, None]) * (x - mean_x) @ weights) / spread, 0.0)
        a = mean_y + b * mean_x
        over = a > 1
        # With a at its bound, the best b passes through it.
        b = np.where(over, ((1 - values) * x @ weights) / (weights @ x**2), b)
        a = np.minimum(a, 1.0)
        loss = (values - a[:, None] + b[:, None] * x) ** 2 @ weights
        better = loss < best - 1e-15
        best[better] = loss[better]
        fitted[:, better] = np.stack([a, b, np.full_like(a, bend)])[:, better]
    return PowerLaws(fitted[0], fitted[1], fitted[2], scale)


@dataclass(frozen=True)
class SizeMeasurements:
    """What was measured of one attribute, drawn `REDRAWN` times anew; the first row is what was really measured.

    `tickets` and `models` have shape (sizes,), `accuracy` and `macro_f1` (1 + redrawn, sizes). Sizes ascend. `luck`
    (2,) is the variance of each among models of other tickets, times their number: divided by a number of tickets it
    says how much one model of so many owes to chance.
    """

    tickets: Floats
    models: Counts
    accuracy: Floats
    macro_f1: Floats
    luck: Floats

    @property
    def weights(self) -> Floats:
        """How much each size is to be trusted: models of more tickets differ less, and so does the mean of several.
        Shape (sizes,)."""
        trusted: Floats = self.tickets * self.models
        return trusted

    def laws(self, values: Floats) -> PowerLaws:
        """The laws through `values`, which are those of one metric, shape (1 + redrawn, sizes)."""
        return fit_laws(self.tickets, values, self.weights)


def measure(
    target: AttributeTarget, holdout: Rows, subset_decisions: Sequence[SubsetDecision], *, seed: int
) -> SizeMeasurements:
    """`holdout` are the rows that the subset models' decisions speak of, all with a known label of this attribute."""
    actual = target.y[holdout] > 0
    chance = np.random.default_rng(seed)
    weights = bootstrap(len(holdout), REDRAWN, chance)
    there = sparse.csr_matrix(actual.astype(np.float64))
    by_size: dict[int, list[SubsetDecision]] = {}
    for decision in subset_decisions:
        # Subsets of one size may differ by a ticket or two.
        tickets = decision.tickets
        same = next((size for size in by_size if abs(size - tickets) <= max(2, 0.02 * size)), tickets)
        by_size.setdefault(same, []).append(decision)
    sizes = sorted(by_size)
    columns: list[Floats] = []
    spreads: list[Floats] = []
    for size in sizes:
        values = np.stack([quality_under(one.decided, actual, there, weights) for one in by_size[size]])
        columns.append(values.mean(axis=0))
        if len(values) > 1:
            spreads.append(size * values[:, :, 0].var(axis=0, ddof=1))
    table = np.stack(columns)
    models = np.array([len(by_size[size]) for size in sizes])
    # How much models of other tickets of the same number differ falls with the number, like any variance of a mean.
    luck = np.mean(spreads, axis=0) if spreads else np.zeros(2)
    for metric in range(2):
        noise = np.sqrt(luck[metric] / (np.array(sizes) * models))
        table[:, metric, 1:] += noise[:, None] * chance.standard_normal((len(sizes), REDRAWN))
    return SizeMeasurements(np.array(sizes, float), models, table[:, 0].T, table[:, 1].T, luck)


def learning_curve(
    target: AttributeTarget, holdout: Rows, subset_decisions: Sequence[SubsetDecision], *, seed: int
) -> LearningCurve:
    """The curve of one attribute and its forecasts: for 500 more tickets, and for as many more as there are."""
    if len(holdout) < FEWEST_HOLDOUT_TICKETS:
        return LearningCurve([], [], Fact("curve_tickets_few", {"tickets": len(holdout)}).as_dict())
    measured = measure(target, holdout, subset_decisions, seed=seed)
    points = [
        SizePoint(int(tickets), int(models), _share(measured.accuracy[:, at]), _share(measured.macro_f1[:, at]))
        for at, (tickets, models) in enumerate(zip(measured.tickets, measured.models, strict=True))
    ]
    if len(points) < FEWEST_SIZES:
        return LearningCurve(points, [], Fact("curve_sizes_few", {"sizes": len(points)}).as_dict())
    if measured.models.max() < 2:
        return LearningCurve(points, [], Fact("curve_models_few").as_dict())
    now = int(measured.tickets[-1])
    forecasts = []
    accuracy, macro_f1 = measured.laws(measured.accuracy), measured.laws(measured.macro_f1)
    for more in sorted({MORE_TICKETS, now}):
        if now + more > FURTHEST * now:
            continue
        # What will be seen is one model after another, each with luck of its own.
        chance = np.random.default_rng(seed).standard_normal((2, REDRAWN))
        gains = []
        for laws, luck, drawn in zip((accuracy, macro_f1), measured.luck, chance, strict=True):
            gain = laws.at(now + more) - laws.at(now)
            gain[1:] += np.sqrt(luck * (1 / now + 1 / (now + more))) * drawn
            gain[1:] = gain[0] + WIDENED * (gain[1:] - gain[0])
            gains.append(_interval(gain))
        by_accuracy, by_f1 = (gain if gain.high - gain.low <= 2 * WIDEST_INTERVAL else None for gain in gains)
        if by_accuracy is not None:
            forecasts.append(Forecast(more, by_accuracy, by_f1))
    if forecasts:
        return LearningCurve(points, forecasts)
    differ = Fact("curve_laws_differ", {"sizes": len(points), "points": round(100 * WIDEST_INTERVAL)})
    return LearningCurve(points, forecasts, differ.as_dict())


def _interval(values: Floats) -> Estimate:
    """The first value is the measured one, the others are redrawn."""
    return percentile_interval(values[0], values[1:])


def _share(values: Floats) -> Estimate:
    """An interval of a share, which ends at 0 and 1."""
    found = _interval(values)
    return Estimate(found.value, max(found.low, 0.0), min(found.high, 1.0))
