"""Labelled tickets in, a model and the evidence for it out. Read `train` from top to bottom: it is the whole training."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otai.learning.bundle import AttributeModel, Bundle
from otai.learning.errors import InputFailure
from otai.learning.evaluation import Threshold, decisions, evaluate, thresholds_for
from otai.learning.features import TextFeatures, tokens_of
from otai.learning.heads import ManyLabelsHead, OneLabelHead
from otai.learning.progress import Progress, Stage, Steps, ignore
from otai.learning.recipes import Recipe
from otai.learning.report_card import AttributeReport, ReportCard
from otai.learning.solving import ExactSolver
from otai.learning.splitting import Split, same_text_key, split_as_given, split_by_hash
from otai.learning.targets import AttributeTarget, CleanLabels, attribute_target, clean_labels, column_of
from otai.learning.tickets import AttributeSpec, LabelledTickets
from otai.learning.training_findings import data_findings, evidence_findings

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Trained:
    """What a training gives. `seconds` are by stage, in wall time."""

    bundle: Bundle
    report_card: ReportCard
    seconds: dict[str, float]


def train(
    tickets: LabelledTickets,
    attributes: Sequence[AttributeSpec],
    recipe: Recipe,
    progress: Callable[[Progress], None] = ignore,
    seed: int = 0,
) -> Trained:
    """Trains one model for all `attributes` and measures it on tickets it has not seen.

    The same tickets, attributes, recipe and seed give the same model on the same machine with the same threads. `progress` is
    called at every step; whatever it raises ends the training. Raises `InputFailure` when the data cannot be trained on.
    """
    steps = Steps(total=7 + 2 * len(attributes), tell=progress)
    clock = _StageClock(steps)

    with clock.stage(Stage.READING):
        usable, cleaned = _usable(tickets, attributes)
        split = _split(tickets, usable, cleaned, recipe, seed)
        targets = [
            attribute_target(spec, labels, split.train, fewest_tickets=recipe.fewest_tickets)
            for spec, labels in zip(attributes, cleaned, strict=True)
        ]
        order = np.concatenate([split.train, split.holdout])
        hots = [target.hot[order] for target in targets]
        knowns = [target.known[order] for target in targets]
        steps.finish()

    with clock.stage(Stage.FEATURES):
        features, train_matrix = TextFeatures.fit(
            [tickets.texts[row] for row in split.train],
            min_tickets=recipe.min_tickets_per_feature,
            shortest_piece=recipe.shortest_piece,
            longest_piece=recipe.longest_piece,
        )
        steps.finish()
        holdout_matrix = features.transform([tickets.texts[row] for row in split.holdout])
        steps.finish()

    with clock.stage(Stage.TRAINING):
        refit = recipe.refit and not split.fixed_by_customer and len(split.holdout) > 0
        solver = ExactSolver(train_matrix, holdout_matrix, refit=refit)
        solver.prepare()
        steps.finish()
        solver.factorise()
        steps.finish()
        measured = solver.measure(hots, knowns)
        steps.finish()

    with clock.stage(Stage.CALIBRATING):
        models: list[_Calibrated] = []
        crossed: list[NDArray[np.float64]] = []
        for target, left_out in zip(targets, measured.left_out, strict=True):
            model, probabilities = _calibrated(target, left_out, split.train, start=_columns_so_far(models))
            models.append(model)
            crossed.append(probabilities)
            steps.finish()

    with clock.stage(Stage.EVALUATING):
        wordless = np.diff(holdout_matrix.indptr) == 0
        reports = []
        for target, one, probabilities, scores in zip(targets, models, crossed, measured.holdout, strict=True):
            reports.append(_report(target, one, probabilities, scores, wordless, tickets, split, seed))
            steps.finish()

    with clock.stage(Stage.REFITTING):
        linear = solver.final(hots, knowns)
        bundle = Bundle(
            features=features,
            weights=linear.weights,
            intercepts=linear.intercepts,
            attributes=tuple(one.model for one in models),
            recipe=recipe.as_dict() | {"seed": seed},
            trained_tickets=len(split.train) + (len(split.holdout) if refit else 0),
        )
        steps.finish()

    card = ReportCard(
        mode=recipe.mode,
        recipe=recipe.as_dict(),
        seed=seed,
        tickets=len(tickets),
        train_tickets=len(split.train),
        holdout_tickets=len(split.holdout) or len(split.train),
        holdout="given" if split.fixed_by_customer else "chosen" if len(split.holdout) else "left_out",
        final_model_learnt_holdout=refit,
        attributes=reports,
        findings=data_findings(tickets, len(usable), split, targets, recipe) + evidence_findings(reports),
        seconds=clock.seconds,
    )
    return Trained(bundle, card, clock.seconds)


class _StageClock:
    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        began = time.perf_counter()
        self._steps.enter(stage)
        yield
        self.seconds[stage.value] = round(time.perf_counter() - began, 4)


def _usable(tickets: LabelledTickets, attributes: Sequence[AttributeSpec]) -> tuple[Rows, list[CleanLabels]]:
    """The rows that have words, and the labels of each attribute, cleaned. Raises `InputFailure` if nothing can be learnt."""
    if not attributes:
        raise InputFailure("dataset_invalid", "No attribute was named: there is nothing to predict.")
    names = [spec.name for spec in attributes]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputFailure("dataset_invalid", f"The attribute {twice!r} was named twice.", where=twice)
    if not len(tickets):
        raise InputFailure("dataset_invalid", "The data set has no tickets.")
    cleaned = [clean_labels(column_of(tickets, spec)) for spec in attributes]
    usable = np.asarray([row for row, text in enumerate(tickets.texts) if tokens_of(text)], np.int64)
    if not len(usable):
        raise InputFailure("dataset_invalid", f"All {len(tickets)} tickets are empty: there is no text to learn from.")
    if len({same_text_key(tickets.texts[row]) for row in usable}) == 1:
        raise InputFailure(
            "dataset_invalid", f"All {len(usable)} tickets have the same text; nothing in it can tell labels apart."
        )
    return usable, cleaned


def _split(tickets: LabelledTickets, usable: Rows, cleaned: Sequence[CleanLabels], recipe: Recipe, seed: int) -> Split:
    """The customer's split, or else ours; tickets without words never train, and are measured only if the customer says so."""
    if tickets.splits is not None and (given := split_as_given(tickets.texts, tickets.splits)):
        return Split(np.intersect1d(given.train, usable), given.holdout, True, given.duplicates_moved)
    labelled = [row for row in usable if any(labels.rows[row] is not None for labels in cleaned)]
    chosen = split_by_hash(
        [tickets.texts[row] for row in labelled],
        {str(number): [labels.rows[row] or () for row in labelled] for number, labels in enumerate(cleaned)},
        share=recipe.holdout_share,
        fewest_tickets=recipe.fewest_tickets,
        seed=seed,
    )
    rows = np.asarray(labelled, np.int64)
    return Split(rows[chosen.train], rows[chosen.holdout], False)


@dataclass(frozen=True)
class _Calibrated:
    model: AttributeModel
    thresholds: list[Threshold]


def _columns_so_far(models: Sequence[_Calibrated]) -> int:
    return models[-1].model.columns.stop if models else 0


def _calibrated(
    target: AttributeTarget, left_out: NDArray[np.float32], train_rows: Rows, *, start: int
) -> tuple[_Calibrated, NDArray[np.float64]]:
    """The attribute's head and thresholds, and the probabilities that its known training rows got without themselves."""
    known = target.known[train_rows]
    rows, scores = train_rows[known], left_out[known].astype(np.float64)
    head: OneLabelHead | ManyLabelsHead
    if target.spec.is_multi:
        head, probabilities = ManyLabelsHead.fit(scores, target.hot[rows])
    else:
        head, probabilities = OneLabelHead.fit(scores, target.codes(rows))
    columns = slice(start, start + len(target.labels))
    frequencies = target.hot[rows].mean(axis=0, dtype=np.float64)
    model = AttributeModel(target.spec, target.labels, columns, head, {}, frequencies)
    confidence, right, of = decisions(
        probabilities, model.decide(probabilities), target.hot[rows] > 0, multi=target.spec.is_multi
    )
    thresholds = thresholds_for(confidence, right, of=of)
    values = {f"{one.target_precision:g}": one.confidence for one in thresholds if one.confidence is not None}
    return _Calibrated(dataclasses.replace(model, thresholds=values), thresholds), probabilities


def _report(
    target: AttributeTarget,
    calibrated: _Calibrated,
    crossed: NDArray[np.float64],
    scores: NDArray[np.float32],
    wordless: NDArray[np.bool_],
    tickets: LabelledTickets,
    split: Split,
    seed: int,
) -> AttributeReport:
    train_rows = split.train[target.known[split.train]]
    if len(split.holdout):
        known = target.known[split.holdout]
        rows, probabilities = (
            split.holdout[known],
            calibrated.model.probabilities(scores[known].astype(np.float64), wordless[known]),
        )
    else:
        rows, probabilities = train_rows, crossed
    return evaluate(
        target,
        train=train_rows,
        holdout=rows,
        probabilities=probabilities,
        decided=calibrated.model.decide(probabilities),
        thresholds=calibrated.thresholds,
        ticket_ids=[tickets.ids[row] for row in rows],
        seed=seed,
    )
