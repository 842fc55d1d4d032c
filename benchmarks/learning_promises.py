"""Whether a promise of precision is kept: on random re-splits of public sets, and on the splits they come with.

Needs ../shared/data beside the repository (public data, not part of the product). A re-split takes the predictions for
all training tickets, each by a model that had not seen it, chooses thresholds on one half of them and looks at the
other half: so 200 re-splits cost one training.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.learning_basic import ROOT, tickets_of
from benchmarks.learning_business import encoding
from benchmarks.machine import measured_on
from otai.learning.arrays import Floats, Mask
from otai.learning.evidence.evaluation import TARGET_PRECISIONS, decisions
from otai.learning.evidence.risk_control import promise
from otai.learning.features.encoding import Encoding
from otai.learning.progress import Steps, ignore
from otai.learning.recipes import recipe_for
from otai.learning.training import _Training, steps_of

FRAGMENT = ROOT / ".bench" / "learning_promises.md"
SETS = (
    "endava_5k", "grp_it", "support_en_de", "banking77", "hint3_curekart", "hwu64", "hint3_powerplay11", "xsid",
)  # fmt: skip
RESPLITS = 200
ASSURANCE = 0.9
ALL = 10**6

Rule = Callable[[Floats, Mask, float], float | None]
"""(confidence, right, target) of tickets looked at -> the threshold, or None."""


@dataclass(frozen=True)
class Predictions:
    """What a model said of tickets it had not learnt: how sure it was, and whether it was right."""

    attribute: str
    confidence: Floats
    right: Mask
    test_confidence: Floats
    test_right: Mask


BUSINESS_SETS = ("hint3_curekart", "hint3_powerplay11", "hwu64")
"""Short texts alone: their vectors take minutes."""


def predictions(name: str, mode: str = "basic") -> list[Predictions]:
    """Of every attribute of a public set with one label a ticket, all training tickets out of fold and the set's test
    tickets."""
    tickets, specs = tickets_of(name)
    recipe = dataclasses.replace(recipe_for(mode), tickets_to_calibrate=ALL)
    training = _Training(tickets, specs, recipe, 0, Steps(steps_of(len(specs), recipe), ignore), ASSURANCE)
    training.read()
    training.make_features()
    training.encode(encoding() if recipe.reads_vectors else Encoding())
    training.fine_tune(None)
    training.fit()
    training.calibrate()
    found = []
    for number, target in enumerate(training.targets):
        if target.spec.is_multi:
            continue
        model, rows = training.models[number].model, training.out_of_fold[number].rows
        probabilities = training.out_of_fold_probabilities[number]
        confidence, right, _ = decisions(probabilities, model.decide(probabilities), target.y[rows] > 0, multi=False)
        test = training._predictions(number, training._holdout_scored(number))
        of_test = decisions(test.probabilities, test.decided, target.y[test.rows] > 0, multi=False)
        found.append(Predictions(target.spec.name, confidence, right, of_test[0], of_test[1]))
    return found


def guaranteed(confidence: Floats, right: Mask, target: float) -> float | None:
    return promise(confidence, right, target=target, assurance=ASSURANCE).confidence


def loosest(confidence: Floats, right: Mask, target: float) -> float | None:
    """The rule of before: the loosest threshold whose precision happens to reach the target, on at least 20 tickets."""
    order = np.argsort(-confidence, kind="stable")
    hits, taken = np.cumsum(right[order]), np.arange(1, len(order) + 1)
    last = np.append(confidence[order][1:] != confidence[order][:-1], True)
    fits = np.flatnonzero((hits >= target * taken) & last & (taken >= min(20, max(len(order) // 5, 1))))
    return float(confidence[order][fits[-1]]) if len(fits) else None


def resplit(of: Predictions, rule: Rule, target: float) -> tuple[int, int, float]:
    """In how many re-splits a promise was made, in how many of all it was broken, and the mean coverage over all."""
    chance = np.random.default_rng(0)
    promised = broken = 0
    coverage = 0.0
    for _ in range(RESPLITS):
        rows = chance.permutation(len(of.confidence))
        looked_at, later = rows[: len(rows) // 2], rows[len(rows) // 2 :]
        threshold = rule(of.confidence[looked_at], of.right[looked_at], target)
        if threshold is None:
            continue
        above = of.confidence[later] >= threshold
        promised += 1
        broken += bool(above.any() and of.right[later][above].mean() < target)
        coverage += above.mean() / RESPLITS
    return promised, broken, coverage


def given(of: Predictions, rule: Rule, target: float) -> str:
    threshold = rule(of.confidence, of.right, target)
    if threshold is None:
        return "no promise"
    above = of.test_confidence >= threshold
    return f"{of.test_right[above].mean():.1%} of {above.mean():.0%}" if above.any() else "nothing decided"


def main() -> None:
    lines = [
        "## Promises of precision",
        "",
        f"`make bench BENCH=learning_promises`; {measured_on()}; assurance {ASSURANCE:.0%}. Re-splits: "
        f"{RESPLITS} for each row, thresholds chosen on one half of the training tickets and looked at on the other; a "
        "promise is broken where fewer than the target of the tickets decided alone are right. Before: the loosest "
        "threshold that reached the target. Given split: realised precision, and the share of test tickets decided "
        "alone.",
        "",
        "| data | promised | made in | kept | coverage | before: kept | before: coverage | given split | before |",
        "|---|---:|---:|---:|---:|---:|---:|---|---|",
    ]
    for mode, name in [("Basic", name) for name in SETS] + [("Business", name) for name in BUSINESS_SETS]:
        for of in predictions(name, mode.lower()):
            for target in TARGET_PRECISIONS:
                made, broken, coverage = resplit(of, guaranteed, target)
                _made, before_broken, before_coverage = resplit(of, loosest, target)
                lines.append(
                    f"| {mode}, {name} {of.attribute} | {target:.0%} | {made} | {1 - broken / RESPLITS:.1%} | "
                    f"{coverage:.0%} | {1 - before_broken / RESPLITS:.1%} | {before_coverage:.0%} | "
                    f"{given(of, guaranteed, target)} | {given(of, loosest, target)} |"
                )
                print(lines[-1], flush=True)
    FRAGMENT.parent.mkdir(exist_ok=True)
    FRAGMENT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
