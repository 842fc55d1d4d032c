"""Labelled tickets in, a model and the evidence for it out. Read `train` from top to bottom: it is the whole training."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from otai.learning.data.splitting import Split, same_text_key, split_as_given, split_by_hash
from otai.learning.data.targets import AttributeTarget, CleanLabels, attribute_target, clean_labels, column_of
from otai.learning.data.tickets import AttributeSpec, LabelledTickets
from otai.learning.errors import InputFailure
from otai.learning.evidence.evaluation import Threshold, decisions, evaluate, thresholds_for
from otai.learning.evidence.label_issues import suspected
from otai.learning.evidence.learning_curve import learning_curve
from otai.learning.evidence.report_card import AttributeReport, ReportCard, excerpt_of
from otai.learning.evidence.training_findings import data_findings, evidence_findings, vector_findings
from otai.learning.features.embeddings import Encoding
from otai.learning.features.text import TextFeatures, TokenCounts
from otai.learning.finetuning.folds import shared_folds
from otai.learning.finetuning.hierarchy import found_below
from otai.learning.linear.cross_fitting import MOST_EXACT_WEIGHTS, Fitting, Inputs, Linear, Unseen
from otai.learning.linear.heads import ManyLabelsHead, OneLabelHead
from otai.learning.linear.subset_models import MOST_ENTRIES, PartDecision, Sample, SmallerModels
from otai.learning.linear.training_vectors import ENCODING_STEPS, Reading, read_vectors
from otai.learning.model.bundle import Abroad, AttributeModel, Bundle, Scored, foreign_tickets
from otai.learning.model.holdout import Answers, HoldoutRecord, text_hashes
from otai.learning.model.reference import Reference, sketch
from otai.learning.progress import Progress, Stage, Steps, ignore
from otai.learning.recipes import Recipe

if TYPE_CHECKING:
    from otai.learning.finetuning.ensemble import Joined
    from otai.learning.finetuning.trainer import Taught

Rows = NDArray[np.int64]

# A model of very many labels gives up rarer words than this to stay small; beyond it, it becomes a sketch.
MOST_TICKETS_TO_ASK_OF_A_FEATURE = 16

# How much of the progress bar the fitting takes, in steps; the other steps are one each.
FITTING_STEPS = 20
TUNING_STEPS = 60


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
    encoding: Encoding | None = None,
    checkpoints: Path | None = None,
) -> Trained:
    """Trains one model for all `attributes` and measures it on tickets it has not seen.

    The same tickets, attributes, recipe and seed give the same model on the same machine with the same threads. `progress` is
    called at every step; whatever it raises ends the training. Raises `InputFailure` when the data cannot be trained on.

    A recipe that reads vectors takes its encoders from `encoding` (this installation's store and no cache, if None is given), and raises
    MissingEncoder or EncodersNotInstalled when it has to. A recipe that trains encoders further saves its state in the folder `checkpoints` (None: nowhere) and goes
    on from what it finds there, to the same model.
    """
    steps = Steps(total=steps_of(len(attributes), recipe), tell=progress)
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
        refit = recipe.refit and not split.fixed_by_customer and len(split.holdout) > 0
        taking_part = len(split.train) + (len(split.holdout) if refit else 0)
        features, train_matrix = _features([tickets.texts[row] for row in split.train], taking_part, targets, recipe)
        steps.finish()
        holdout_matrix, holdout_known_words = features.read([tickets.texts[row] for row in split.holdout])
        steps.finish()

    with clock.stage(Stage.ENCODING):
        reading = read_vectors(tickets, split, recipe, encoding or Encoding(), steps)
        compared = reading.compared(recipe)
        inputs = (Inputs(train_matrix, compared.train), Inputs(holdout_matrix, compared.holdout))

    with clock.stage(Stage.TUNING):
        folds, taught = _taught(tickets, split, targets, text_numbers, recipe, reading, seed, checkpoints, steps)

    with clock.stage(Stage.TRAINING):
        fitting = Fitting(
            features,
            inputs,
            targets,
            train=split.train,
            holdout=split.holdout,
            same_text=text_numbers[split.train],
            refit=refit,
            balances=recipe.balances,
            prior_shares=recipe.prior_shares,
            tickets_to_calibrate=recipe.tickets_to_calibrate,
            folds=folds,
        )
        # Nothing is kept aside of few tickets: each is measured by models that had not seen it, and parts of them would say nothing.
        sample = (
            Sample.of(
                inputs[0],
                split.train,
                text_numbers[split.train],
                targets,
                fitting.products,
                seed=seed,
            )
            if len(split.holdout)
            else None
        )
        # A sketch has no more need of the matrix, and for many tickets it is a large one.
        del train_matrix, inputs
        steps.finish()
        unseen_scores, holdout_scores = fitting.measure(steps.part_of(fitting.steps(), worth=FITTING_STEPS))
        fitting.forget()
        abroad = reading.fitting_abroad(targets, split, text_numbers[split.train], refit=refit, recipe=recipe)
        unseen_abroad, holdout_abroad = abroad.measure(lambda: None) if abroad else (None, None)
        # What Business alone says: models of parts of the tickets are Business's too, and are compared with it.
        business = list(zip(unseen_scores, holdout_scores, strict=True)) if folds is not None else []
        together = (
            _joined(taught, targets, split.train, unseen_scores, holdout_scores, recipe) if folds is not None else None
        )
        if together is not None:
            unseen_scores, holdout_scores = together.unseen, together.holdout

    with clock.stage(Stage.CALIBRATING):
        models: list[_Calibrated] = []
        crossed: list[tuple[Rows, NDArray[np.float64]]] = []
        for target, unseen in zip(targets, unseen_scores, strict=True):
            model, probabilities = _calibrated(target, unseen, start=_columns_so_far(models))
            if unseen_abroad:
                model = model.with_head_abroad(target, unseen_abroad[len(models)])
            models.append(model)
            crossed.append((unseen.rows, probabilities))
            steps.finish()

    with clock.stage(Stage.EVALUATING):
        parts = None
        if sample is not None:
            # Their systems are small: on endava_5k a second core makes them 1.2 s of processor time dearer and no quicker.
            with threadpool_limits(limits=1, user_api="blas"):
                parts = SmallerModels.fit(
                    sample,
                    Inputs(holdout_matrix, compared.holdout),
                    targets,
                    fitting.mixes,
                    recipe.balances,
                    holdout_rows=split.holdout,
                    step_done=steps.finish,
                )
        else:
            steps.finish(SmallerModels.steps())
        wordless = (np.diff(holdout_matrix.indptr) == 0) & ~reading.holdout.any(axis=1)
        foreign = foreign_tickets(holdout_known_words, reading.holdout[:, : reading.base_width]) if abroad else None
        reports = []
        answers: dict[str, Answers] = {}
        confidence: list[NDArray[np.float64]] = []
        for number, (target, one, seen_by_none) in enumerate(zip(targets, models, crossed, strict=True)):
            scored = Scored(
                holdout_scores[number].astype(np.float64),
                wordless,
                foreign,
                holdout_abroad[number].astype(np.float64) if holdout_abroad else None,
            )
            measured = _measured(target, one, seen_by_none, scored, split)
            if len(split.holdout):
                confidence.append(one.model.confidence(one.model.probabilities(scored)))
            report = _report(target, one, measured, tickets, split, seed)
            if len(split.holdout):
                known, actual = target.known[split.holdout], target.hot[measured.rows] > 0
                answers[target.spec.name] = Answers.of(known, actual, measured.decided)
            whole = _decided_by(target, split, *business[number]) if business else measured.decided
            reports.append(_with_evidence(report, target, number, measured, whole, parts, tickets, split, seed))
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
            vector_weights=linear.vector_weights,
            reader=reading.reader,
            nearness=compared.nearness(linear),
            abroad=_as_abroad(abroad.final()) if abroad else None,
            tuned=together.tuned if together else None,
            hierarchy=together.hierarchy if together else None,
            reference=_reference(tickets, split, sketch(holdout_matrix, features), holdout_known_words, confidence)
            if confidence
            else None,
            holdout=HoldoutRecord(text_hashes([tickets.texts[row] for row in split.holdout]), answers)
            if answers
            else None,
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
        findings=data_findings(tickets, len(usable), split, targets, recipe)
        + reading.findings()
        + (vector_findings(targets, fitting.gains_by_vectors) if fitting.gains_by_vectors else [])
        + (together.findings if together else [])
        + evidence_findings(reports),
        seconds=clock.seconds,
    )
    return Trained(bundle, card, clock.seconds)


def steps_of(attributes: int, recipe: Recipe) -> int:
    """How many steps of progress `train` will count."""
    return (
        5
        + (TUNING_STEPS if recipe.tunings else 0)
        + ENCODING_STEPS
        + FITTING_STEPS
        + SmallerModels.steps()
        + 2 * attributes
    )


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


def _features(
    texts: list[str], taking_part: int, targets: Sequence[AttributeTarget], recipe: Recipe
) -> tuple[TextFeatures, sparse.csr_matrix]:
    """The vocabulary and the matrix of the training part. `taking_part`: how many tickets the final model learns from.

    Every word counts where fitting is exact; in a sketch a word that one ticket has is only noise to the others. And where
    many labels would make the model too large, the rarest words are what it can do without.
    """
    exact = Fitting.is_exact_for(taking_part, recipe.balances)
    labels = sum(len(target.labels) for target in targets)
    fewest = recipe.min_tickets_per_feature or (1 if exact else 2)
    counted = TokenCounts.of(texts)
    while True:
        features, matrix = TextFeatures.fit(
            counted,
            min_tickets=fewest,
            shortest_piece=recipe.shortest_piece,
            longest_piece=recipe.longest_piece,
        )
        if not exact or features.width * labels <= MOST_EXACT_WEIGHTS or fewest >= MOST_TICKETS_TO_ASK_OF_A_FEATURE:
            return features, matrix
        fewest *= 2


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


def _taught(
    tickets: LabelledTickets,
    split: Split,
    targets: Sequence[AttributeTarget],
    text_numbers: Rows,
    recipe: Recipe,
    reading: Reading,
    seed: int,
    checkpoints: Path | None,
    steps: Steps,
) -> tuple[Rows | None, list[Taught]]:
    """The folds that all models of this training share, where scores of several models or attributes meet (None: each attribute has its own), and what
    encoders learnt that were trained further."""
    tunes = bool(recipe.tunings) and reading.reader is not None
    if not tunes and not (recipe.agrees and found_below(targets, split.train)):
        return None, []
    wanted = recipe.tickets_to_calibrate if len(split.holdout) else len(split.train)
    folds = shared_folds(targets, split.train, text_numbers[split.train], tickets_wanted=wanted)
    if not tunes or reading.reader is None:
        return folds, []
    from otai.learning.finetuning.trainer import Teacher

    told = 0

    def tell(share: float, note: str) -> None:
        nonlocal told
        if note:
            steps.say(note)
        steps.finish(int(share * TUNING_STEPS) - told)
        told = int(share * TUNING_STEPS)

    teacher = Teacher(
        texts=[tickets.texts[row] for row in split.train],
        holdout_texts=[tickets.texts[row] for row in split.holdout],
        targets=targets,
        train=split.train,
        folds=folds,
        recipe=recipe,
        seed=seed,
        threads=reading.reader.threads,
        checkpoints=checkpoints,
        tell=tell,
    )
    taught = teacher.teach(reading.reader.used, reading.reader.store)
    tell(1.0, "")
    return folds, taught


def _joined(
    taught: Sequence[Taught],
    targets: Sequence[AttributeTarget],
    train: Rows,
    unseen: list[Unseen],
    holdout: list[NDArray[np.float32]],
    recipe: Recipe,
) -> Joined:
    """What is measured and delivered: Business's scores as they are, or with those of the networks, and made to agree."""
    from otai.learning.finetuning.ensemble import joined

    return joined(taught, targets, train, unseen, holdout, agrees=recipe.agrees)


def _as_abroad(linear: Linear) -> Abroad:
    return Abroad(linear.vector_weights, linear.intercepts)


@dataclass(frozen=True)
class _Calibrated:
    model: AttributeModel
    thresholds: list[Threshold]

    def with_head_abroad(self, target: AttributeTarget, unseen: Unseen) -> _Calibrated:
        head, _ = _head(target, unseen)
        return dataclasses.replace(self, model=dataclasses.replace(self.model, head_abroad=head))


def _columns_so_far(models: Sequence[_Calibrated]) -> int:
    return models[-1].model.columns.stop if models else 0


def _calibrated(target: AttributeTarget, unseen: Unseen, *, start: int) -> tuple[_Calibrated, NDArray[np.float64]]:
    """The attribute's head and thresholds, and the probabilities of training tickets by models that had not seen them."""
    rows = unseen.rows
    head, probabilities = _head(target, unseen)
    columns = slice(start, start + len(target.labels))
    frequencies = target.hot[rows].mean(axis=0, dtype=np.float64)
    model = AttributeModel(target.spec, target.labels, columns, head, {}, frequencies)
    confidence, right, of = decisions(
        probabilities, model.decide(probabilities), target.hot[rows] > 0, multi=target.spec.is_multi
    )
    thresholds = thresholds_for(confidence, right, of=of, multi=target.spec.is_multi)
    values = {f"{one.target_precision:g}": one.confidence for one in thresholds if one.confidence is not None}
    return _Calibrated(dataclasses.replace(model, thresholds=values), thresholds), probabilities


def _head(target: AttributeTarget, unseen: Unseen) -> tuple[OneLabelHead | ManyLabelsHead, NDArray[np.float64]]:
    scores = unseen.scores.astype(np.float64)
    if target.spec.is_multi:
        return ManyLabelsHead.fit(scores, target.hot[unseen.rows])
    return OneLabelHead.fit(scores, target.codes(unseen.rows))


@dataclass(frozen=True)
class _Measured:
    """What the model says of the tickets it is measured on: rows of the data set, and (rows, labels) each."""

    rows: Rows
    probabilities: NDArray[np.float64]
    decided: NDArray[np.bool_]


def _measured(
    target: AttributeTarget,
    calibrated: _Calibrated,
    crossed: tuple[Rows, NDArray[np.float64]],
    scored: Scored,
    split: Split,
) -> _Measured:
    if len(split.holdout):
        known = target.known[split.holdout]
        rows, probabilities = split.holdout[known], calibrated.model.probabilities(scored.rows(known))
    else:
        rows, probabilities = crossed
    return _Measured(rows, probabilities, calibrated.model.decide(probabilities))


def _reference(
    tickets: LabelledTickets,
    split: Split,
    words: NDArray[np.float32],
    known_words: NDArray[np.float64],
    confidence: Sequence[NDArray[np.float64]],
) -> Reference:
    """What the tickets kept aside were like; `words` are their sketches."""
    return Reference.of(
        [tickets.texts[row] for row in split.holdout],
        known_words=known_words,
        sketches=words,
        confidence=np.stack(confidence, axis=1),
        language=[tickets.languages[row] for row in split.holdout],
        training_languages=[tickets.languages[row] for row in split.train],
    )


def _report(
    target: AttributeTarget,
    calibrated: _Calibrated,
    measured: _Measured,
    tickets: LabelledTickets,
    split: Split,
    seed: int,
) -> AttributeReport:
    return evaluate(
        target,
        train=split.train[target.known[split.train]],
        holdout=measured.rows,
        probabilities=measured.probabilities,
        decided=measured.decided,
        thresholds=calibrated.thresholds,
        ticket_ids=[tickets.ids[row] for row in measured.rows],
        excerpt=lambda at: excerpt_of(tickets.texts[measured.rows[at]]),
        seed=seed,
    )


def _decided_by(
    target: AttributeTarget, split: Split, unseen: Unseen, holdout: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """What a model decides about the holdout tickets in which the attribute is known, by its scores there and of tickets it had not seen."""
    known = target.known[unseen.rows]
    head, _ = _head(target, Unseen(unseen.rows[known], unseen.scores[known]))
    likely = head.probabilities(holdout[target.known[split.holdout]].astype(np.float64))
    if isinstance(head, ManyLabelsHead):
        return likely >= head.thresholds
    return likely == likely.max(axis=1, keepdims=True)


def _with_evidence(
    report: AttributeReport,
    target: AttributeTarget,
    number: int,
    measured: _Measured,
    whole: NDArray[np.bool_],
    parts: SmallerModels | None,
    tickets: LabelledTickets,
    split: Split,
    seed: int,
) -> AttributeReport:
    """The report with what models of parts of the tickets add to it: the learning curve, and labels that look wrong. `whole` is what a model of their
    kind decides after all training tickets."""
    rows, probabilities, curve = measured.rows, measured.probabilities, None
    if parts is not None:
        unseen = parts.unseen[number]
        if len(unseen.rows):
            _, of_training = _head(target, unseen)
            # Of thousands of labels, fewer tickets are examined: tickets times labels is what takes the memory.
            room = max(MOST_ENTRIES // len(target.labels) - len(unseen.rows), 0)
            rows = np.concatenate([unseen.rows, rows[:room]])
            probabilities = np.concatenate([of_training, probabilities[:room]])
        learnt = int(target.known[split.train].sum())
        of_all = PartDecision(learnt, whole)
        curve = learning_curve(target, measured.rows, [*parts.learnt[number], of_all], seed=seed)
    return dataclasses.replace(
        report, learning_curve=curve, wrong_labels=suspected(target, rows, probabilities, tickets)
    )
