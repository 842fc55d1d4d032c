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
from otai.learning.features import TextFeatures
from otai.learning.fitting import Fitting, Unseen
from otai.learning.heads import ManyLabelsHead, OneLabelHead
from otai.learning.progress import Progress, Stage, Steps, ignore
from otai.learning.recipes import Recipe
from otai.learning.report_card import AttributeReport, ReportCard
from otai.learning.splitting import Split, same_text_key, split_as_given, split_by_hash
from otai.learning.targets import AttributeTarget, CleanLabels, attribute_target, clean_labels, column_of
from otai.learning.tickets import AttributeSpec, LabelledTickets
from otai.learning.training_findings import data_findings, evidence_findings

Rows = NDArray[np.int64]

# How much of the progress bar the fitting takes, in steps; the other steps are one each.
FITTING_STEPS = 20


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
    steps = Steps(total=steps_of(len(attributes)), tell=progress)
    clock = _StageClock(steps)

    with clock.stage(Stage.READING):
        cleaned = _cleaned(tickets, attributes)
        usable, text_numbers = _usable(tickets)
        split = _split(tickets, usable, text_numbers, cleaned, recipe, seed)
        targets = [
            attribute_target(spec, labels, split.train, fewest_tickets=recipe.fewest_tickets)
            for spec, labels in zip(attributes, cleaned, strict=True)
        ]
        steps.finish()

    with clock.stage(Stage.FEATURES):
        features, train_matrix = TextFeatures.fit(
            [tickets.texts[row] for row in split.train],
            min_tickets=recipe.min_tickets_per_feature
            or Fitting.fewest_tickets_of_a_feature(len(split.train) + len(split.holdout)),
            shortest_piece=recipe.shortest_piece,
            longest_piece=recipe.longest_piece,
        )
        steps.finish()
        holdout_matrix = features.transform([tickets.texts[row] for row in split.holdout])
        steps.finish()

    refit = recipe.refit and not split.fixed_by_customer and len(split.holdout) > 0
    with clock.stage(Stage.TRAINING):
        fitting = Fitting(
            features,
            (train_matrix, holdout_matrix),
            targets,
            train=split.train,
            holdout=split.holdout,
            same_text=text_numbers[split.train],
            refit=refit,
        )
        steps.finish()
        unseen_scores, holdout_scores = fitting.measure(steps.part_of(fitting.steps(), worth=FITTING_STEPS))

    with clock.stage(Stage.CALIBRATING):
        models: list[_Calibrated] = []
        crossed: list[tuple[Rows, NDArray[np.float64]]] = []
        for target, unseen in zip(targets, unseen_scores, strict=True):
            model, probabilities = _calibrated(target, unseen, start=_columns_so_far(models))
            models.append(model)
            crossed.append((unseen.rows, probabilities))
            steps.finish()

    with clock.stage(Stage.EVALUATING):
        wordless = np.diff(holdout_matrix.indptr) == 0
        reports = []
        for target, one, seen_by_none, scores in zip(targets, models, crossed, holdout_scores, strict=True):
            reports.append(_report(target, one, seen_by_none, scores, wordless, tickets, split, seed))
            steps.finish()

    with clock.stage(Stage.REFITTING):
        linear = fitting.final()
        bundle = Bundle(
            features=features,
            sketch_columns=linear.sketch_columns,
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


def steps_of(attributes: int) -> int:
    """How many steps of progress `train` will count."""
    return 5 + FITTING_STEPS + 2 * attributes


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


def _cleaned(tickets: LabelledTickets, attributes: Sequence[AttributeSpec]) -> list[CleanLabels]:
    if not attributes:
        raise InputFailure("dataset_invalid", "No attribute was named: there is nothing to predict.")
    names = [spec.name for spec in attributes]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputFailure("dataset_invalid", f"The attribute {twice!r} was named twice.", where=twice)
    if not len(tickets):
        raise InputFailure("dataset_invalid", "The data set has no tickets.")
    return [clean_labels(column_of(tickets, spec)) for spec in attributes]


def _usable(tickets: LabelledTickets) -> tuple[Rows, Rows]:
    """The rows that have any text, and a number for each ticket's text, equal for equal texts. Raises `InputFailure`."""
    usable = np.asarray([row for row, text in enumerate(tickets.texts) if text and not text.isspace()], np.int64)
    if not len(usable):
        raise InputFailure("dataset_invalid", f"All {len(tickets)} tickets are empty: there is no text to learn from.")
    numbers: dict[bytes, int] = {}
    text_numbers = np.asarray(
        [numbers.setdefault(same_text_key(text), len(numbers)) for text in tickets.texts], np.int64
    )
    if len(np.unique(text_numbers[usable])) == 1:
        raise InputFailure(
            "dataset_invalid", f"All {len(usable)} tickets have the same text; nothing in it can tell labels apart."
        )
    return usable, text_numbers


def _split(
    tickets: LabelledTickets,
    usable: Rows,
    text_numbers: Rows,
    cleaned: Sequence[CleanLabels],
    recipe: Recipe,
    seed: int,
) -> Split:
    """The customer's split, or else ours; tickets without words never train, and are measured only if the customer says so."""
    if tickets.splits is not None and (given := split_as_given(text_numbers, tickets.splits)):
        train = np.intersect1d(given.train, usable)
        if not len(train):
            raise InputFailure(
                "dataset_invalid", "Every ticket that the data set sets aside for training is empty or a test ticket."
            )
        return Split(train, given.holdout, True, given.duplicates_moved)
    labelled = np.asarray([row for row in usable if any(labels.rows[row] is not None for labels in cleaned)], np.int64)
    chosen = split_by_hash(
        [tickets.texts[row] for row in labelled],
        {str(number): [labels.rows[row] or () for row in labelled] for number, labels in enumerate(cleaned)},
        share=recipe.holdout_share,
        fewest_tickets=recipe.fewest_tickets,
        seed=seed,
    )
    return Split(labelled[chosen.train], labelled[chosen.holdout], False)


@dataclass(frozen=True)
class _Calibrated:
    model: AttributeModel
    thresholds: list[Threshold]


def _columns_so_far(models: Sequence[_Calibrated]) -> int:
    return models[-1].model.columns.stop if models else 0


def _calibrated(target: AttributeTarget, unseen: Unseen, *, start: int) -> tuple[_Calibrated, NDArray[np.float64]]:
    """The attribute's head and thresholds, and the probabilities of training tickets by models that had not seen them."""
    rows, scores = unseen.rows, unseen.scores.astype(np.float64)
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
    crossed: tuple[Rows, NDArray[np.float64]],
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
        rows, probabilities = crossed
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
