"""Business's scores and the networks' made one, attribute by attribute, and then made to agree where labels lie under
labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from otai.learning.arrays import Floats, Matrix, Rows, Scores
from otai.learning.data.targets import AttributeTarget
from otai.learning.finding import Finding
from otai.learning.finetuning.ensemble_weights import EnsembleWeights, best_weights
from otai.learning.finetuning.finetuned import Ensemble
from otai.learning.finetuning.found_hierarchies import found_below
from otai.learning.finetuning.hierarchy import Hierarchy
from otai.learning.finetuning.learnt import FineTuned
from otai.learning.linear.blending import utility_of
from otai.learning.linear.calibration import fitted_temperature
from otai.learning.linear.cross_fitting import OutOfFold
from otai.learning.recipes import LEAST_GAIN_OF_A_DEARER_MODE

# Labels that agree are worth something by themselves, but to no attribute more than this of accuracy and macro F1.
MOST_COST_OF_AGREEING = 0.003


@dataclass(frozen=True)
class Ensembled:
    """`ensemble` None: no attribute gives any network a weight; without a hierarchy either, the model is Business's to
    the digit. `out_of_fold` has the tickets in which each attribute is known."""

    ensemble: Ensemble | None
    hierarchy: Hierarchy | None
    out_of_fold: list[OutOfFold]
    holdout: list[Matrix]
    findings: list[Finding]


def ensembled(
    fine_tuned: Sequence[FineTuned],
    targets: Sequence[AttributeTarget],
    train: Rows,
    business: Sequence[tuple[OutOfFold, Matrix]],
    beside_networks: Sequence[OutOfFold],
    *,
    agrees: bool,
) -> Ensembled:
    """`business` are Business's own out-of-fold and holdout scores for each attribute, and stay as they are where
    nothing joins them. `beside_networks` are its scores of the tickets that the networks had not seen either; all
    attributes' are of the same tickets."""
    place_of = {int(row): place for place, row in enumerate(train)}
    places = np.asarray([place_of[int(row)] for row in beside_networks[0].rows], np.int64)
    combinations, new_out_of_fold, new_holdout = [], [], []
    start = 0
    for target, (_, measured), compared in zip(targets, business, beside_networks, strict=True):
        columns = slice(start, start + len(target.labels))
        start = columns.stop
        networks = [
            network.out_of_fold[np.searchsorted(network.held, places), columns].astype(np.float64)
            for network in fine_tuned
        ]
        known = target.known[compared.rows]
        scores = compared.scores.astype(np.float64)
        chosen = best_weights(
            scores[known],
            [scores_of_network[known] for scores_of_network in networks],
            target.y[compared.rows[known]],
            multi=target.spec.is_multi,
        )
        combinations.append(chosen)
        new_out_of_fold.append(chosen.scores(scores, networks))
        new_holdout.append(
            chosen.scores(
                measured.astype(np.float64), [network.holdout[:, columns].astype(np.float64) for network in fine_tuned]
            )
        )
    hierarchy = _hierarchy(targets, train, beside_networks, new_out_of_fold) if agrees else None
    agreeing = hierarchy.scores(new_out_of_fold) if hierarchy is not None else new_out_of_fold
    cost = _cost(hierarchy, targets, beside_networks, new_out_of_fold, agreeing) if hierarchy is not None else 0.0
    kept = hierarchy if cost <= MOST_COST_OF_AGREEING else None
    if kept is not None:
        new_out_of_fold, new_holdout = agreeing, kept.scores(new_holdout)
    joined = [
        not chosen.is_business_alone or (kept is not None and number in kept.attributes)
        for number, chosen in enumerate(combinations)
    ]
    own = [_known(target, scored, scored.scores) for target, (scored, _) in zip(targets, business, strict=True)]
    new = [
        _known(target, scored, scores)
        for target, scored, scores in zip(targets, beside_networks, new_out_of_fold, strict=True)
    ]
    ensemble = _ensemble(fine_tuned, combinations)
    return Ensembled(
        ensemble=ensemble,
        hierarchy=kept,
        out_of_fold=[new[number] if joins else own[number] for number, joins in enumerate(joined)],
        holdout=[scores.astype(np.float32) for scores in new_holdout],
        findings=_nothing_joined(fine_tuned, ensemble, kept)
        + _findings(fine_tuned, targets, combinations)
        + _agreements(targets, hierarchy, cost),
    )


def _nothing_joined(
    fine_tuned: Sequence[FineTuned], ensemble: Ensemble | None, hierarchy: Hierarchy | None
) -> list[Finding]:
    """That the model answers as Business does, where networks were to join it."""
    joined = ensemble is not None or hierarchy is not None
    return [Finding("answers_of_business", "warning")] if fine_tuned and not joined else []


def _known(target: AttributeTarget, scored: OutOfFold, scores: Scores) -> OutOfFold:
    """Of the tickets in which the attribute is known."""
    known = target.known[scored.rows]
    return OutOfFold(scored.rows[known], scores[known].astype(np.float32))


def _ensemble(fine_tuned: Sequence[FineTuned], combinations: Sequence[EnsembleWeights]) -> Ensemble | None:
    """Networks without a weight anywhere are left behind."""
    networks = tuple(
        dataclasses.replace(one.network, weights=weights)
        for number, one in enumerate(fine_tuned)
        if any(weights := tuple(chosen.networks[number] for chosen in combinations))
    )
    return Ensemble(networks, tuple(chosen.business for chosen in combinations)) if networks else None


def _hierarchy(
    targets: Sequence[AttributeTarget], train: Rows, out_of_fold: Sequence[OutOfFold], scores: Sequence[Floats]
) -> Hierarchy | None:
    below = found_below(targets, train)
    temperatures = {}
    for number in sorted({number for one in below for number in (one.child, one.parent)}):
        known = targets[number].known[out_of_fold[number].rows]
        temperatures[number] = fitted_temperature(
            scores[number][known], targets[number].codes(out_of_fold[number].rows[known])
        )
    return Hierarchy(below, temperatures) if below else None


def _findings(
    fine_tuned: Sequence[FineTuned],
    targets: Sequence[AttributeTarget],
    combinations: Sequence[EnsembleWeights],
) -> list[Finding]:
    findings = []
    for network in fine_tuned:
        if len(network.tried) > 1:
            tuning = network.tuning
            values = {
                "network": network.network.used.name,
                "ways": len(network.tried),
                "epochs": tuning.epochs,
                "rate": tuning.rate,
                "contrast": tuning.contrast_weight or None,
            }
            findings.append(Finding("way_of_learning", values=values))
    for target, chosen in zip(targets, combinations if fine_tuned else (), strict=bool(fine_tuned)):
        name = target.spec.name
        names = ("gain", "low", "high", "accuracy", "macro_f1")
        measured: dict[str, Any] = {name: getattr(chosen, name) for name in names}
        if chosen.is_business_alone:
            left_out = {"networks_left_out": len(fine_tuned)}
            findings.append(Finding("business_is_enough", "warning", name, measured | left_out))
        elif chosen.low <= 0 or chosen.gain < LEAST_GAIN_OF_A_DEARER_MODE:
            findings.append(Finding("business_is_enough", "note", name, measured))
        else:
            findings.append(Finding("fine_tuning_gained", "note", name, measured))
    return findings


def _cost(
    hierarchy: Hierarchy,
    targets: Sequence[AttributeTarget],
    out_of_fold: Sequence[OutOfFold],
    before: Sequence[Floats],
    after: Sequence[Floats],
) -> float:
    """By how much the mean of accuracy and macro F1 falls where labels are made to agree, of the attribute that loses
    most."""
    costs = []
    for number in sorted(hierarchy.attributes):
        known = targets[number].known[out_of_fold[number].rows]
        y = targets[number].y[out_of_fold[number].rows[known]]
        free, bound = (utility_of(one[number][known].astype(np.float32), y, multi=False) for one in (before, after))
        costs.append(free - bound)
    return float(max(costs))


def _agreements(targets: Sequence[AttributeTarget], hierarchy: Hierarchy | None, cost: float) -> list[Finding]:
    findings = []
    for one in hierarchy.below if hierarchy else ():
        child, parent = targets[one.child].spec.name, targets[one.parent].spec.name
        values: dict[str, Any] = {"share": one.purity, "parent": parent}
        if cost > MOST_COST_OF_AGREEING:
            findings.append(Finding("hierarchy_left_free", "note", child, values | {"cost": -cost}))
        else:
            findings.append(Finding("hierarchy", "note", child, values))
    return findings
