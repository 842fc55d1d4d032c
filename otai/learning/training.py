"""Labelled tickets in, a model and the evidence for it out. Read `train` from top to bottom: it is the whole
training."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from otai.learning.arrays import Floats, Mask, Matrix, Rows
from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.preparing import cleaned_columns, split_of, usable_rows
from otai.learning.data.splitting import Split
from otai.learning.data.targets import AttributeTarget, attribute_target
from otai.learning.data.tickets import LabelledTickets
from otai.learning.evidence.card_answer import answer_findings
from otai.learning.evidence.evaluation import Threshold, decisions, evaluate, more_tickets_for, thresholds_for
from otai.learning.evidence.label_issues import label_issues_of
from otai.learning.evidence.leaks import given_away
from otai.learning.evidence.learning_curve import learning_curve
from otai.learning.evidence.report_card import AttributeReport, RandomPart, ReportCard, excerpt_of
from otai.learning.evidence.risk_control import ASSURANCE
from otai.learning.evidence.training_findings import (
    data_findings,
    evidence_findings,
    newest_part,
    vector_findings,
)
from otai.learning.features.encoding import Encoding
from otai.learning.features.text import TextFeatures
from otai.learning.finetuning.folds import shared_folds
from otai.learning.finetuning.found_hierarchies import found_below
from otai.learning.finetuning.stage import NONE_TUNED, TUNING_STEPS, TunedEncoders, tuned_encoders
from otai.learning.linear.cross_fitting import CrossFitting, Inputs, LinearWeights, OutOfFold
from otai.learning.linear.heads import ManyLabelsHead, OneLabelHead, decided_beside
from otai.learning.linear.subset_models import MOST_ENTRIES, SubsetDecision, SubsetModels, SubsetSample
from otai.learning.linear.training_vectors import ENCODING_STEPS, Compared, EncodedTickets, read_vectors
from otai.learning.linear.vocabulary import chosen_features
from otai.learning.model.bundle import AttributeModel, Bundle, OutOfLanguageFallback, Scored, out_of_language_tickets
from otai.learning.model.holdout import HoldoutLabels, HoldoutRecord, text_hashes
from otai.learning.model.reference import Reference, sketch
from otai.learning.progress import Progress, Stage, Steps, ignore
from otai.learning.recipes import Recipe

if TYPE_CHECKING:
    from otai.learning.finetuning.ensemble import Ensembled


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
    encoding: Encoding | None = None,
    checkpoints: Path | None = None,
    assurance: float = ASSURANCE,
    seconds: float | None = None,
) -> Trained:
    """Trains one model for all `attributes` and measures it on tickets it has not seen.

    The same tickets, attributes, recipe and seed give the same model on the same machine with the same threads.
    `progress` is called at every step; whatever it raises ends the training. Raises `InputFailure` when the data cannot
    be trained on.

    A recipe that reads vectors takes its encoders from `encoding` (this installation's store and no cache, if None is
    given), and raises MissingEncoder or EncodersNotInstalled when it has to. A recipe that trains encoders further
    saves its state in the folder `checkpoints` (None: nowhere) and goes on from what it finds there, to the same model.
    Precisions are promised at `assurance`, a share below 1. Networks stop learning where they would not be done within
    `seconds` from now (None: nobody waits); the card says so, and the model is then one of this machine's speed.
    """
    until = None if seconds is None else time.monotonic() + seconds
    steps = Steps(steps_of(len(attributes), recipe), progress)
    training = _Training(tickets, attributes, recipe, seed, steps, assurance, until)
    clock = _StageClock(training.steps)
    with clock.stage(Stage.READING):
        training.read()
    with clock.stage(Stage.FEATURES):
        training.make_features()
    with clock.stage(Stage.ENCODING):
        training.encode(encoding or Encoding())
    with clock.stage(Stage.TUNING):
        training.fine_tune(checkpoints)
    with clock.stage(Stage.TRAINING):
        training.fit()
    with clock.stage(Stage.CALIBRATING):
        training.calibrate()
    with clock.stage(Stage.EVALUATING):
        training.evaluate()
    with clock.stage(Stage.REFITTING):
        training.refit()
    return Trained(training.bundle, training.report_card(clock.seconds), clock.seconds)


def steps_of(attributes: int, recipe: Recipe) -> int:
    """How many steps of progress `train` will count."""
    return (
        5
        + (TUNING_STEPS if recipe.tunings else 0)
        + ENCODING_STEPS
        + FITTING_STEPS
        + SubsetModels.steps()
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


@dataclass(frozen=True)
class _HoldoutPredictions:
    """What the model says of the tickets it is measured on: rows of the data set, and (rows, labels) each."""

    rows: Rows
    probabilities: Floats
    decided: Mask

    def only(self, which: Mask) -> _HoldoutPredictions:
        """Of these tickets."""
        if which.all():
            return self
        return _HoldoutPredictions(self.rows[which], self.probabilities[which], self.decided[which])


@dataclass
class _Training:
    """One training under way. Each stage reads what the stages before it have left here, adds its own, and lets go of
    what nobody after it needs."""

    tickets: LabelledTickets
    attributes: Sequence[AttributeSpec]
    recipe: Recipe
    seed: int
    steps: Steps
    assurance: float
    until: float | None = None

    # read
    usable: Rows = field(init=False)
    text_numbers: Rows = field(init=False)
    split: Split = field(init=False)
    targets: list[AttributeTarget] = field(init=False)
    refits: bool = field(init=False)
    # make_features
    features: TextFeatures = field(init=False)
    train_matrix: sparse.csr_matrix = field(init=False)
    holdout_matrix: sparse.csr_matrix = field(init=False)
    holdout_known_words: Floats = field(init=False)
    # encode
    encoded: EncodedTickets = field(init=False)
    compared: Compared = field(init=False)
    # fine_tune
    folds: Rows | None = field(init=False)
    networks: TunedEncoders = field(init=False)
    # fit
    fitting: CrossFitting = field(init=False)
    sample: SubsetSample | None = field(init=False)
    out_of_fold: list[OutOfFold] = field(init=False)
    holdout_scores: list[Matrix] = field(init=False)
    business: list[tuple[OutOfFold, Matrix]] = field(init=False)
    ensembled: Ensembled | None = field(init=False)
    fallback: CrossFitting | None = field(init=False)
    fallback_out_of_fold: list[OutOfFold] = field(init=False)
    fallback_holdout: list[Matrix] = field(init=False)
    # calibrate
    models: list[_Calibrated] = field(init=False)
    out_of_fold_probabilities: list[Floats] = field(init=False)
    # evaluate
    reports: list[AttributeReport] = field(init=False)
    holdout_labels: dict[str, HoldoutLabels] = field(init=False)
    confidences: list[Floats] = field(init=False)
    # refit
    bundle: Bundle = field(init=False)

    def read(self) -> None:
        """What is learnt from and what is measured on, and each attribute's labels as numbers."""
        cleaned = cleaned_columns(self.tickets, self.attributes)
        self.usable, self.text_numbers = usable_rows(self.tickets)
        self.split = split_of(
            self.tickets,
            self.usable,
            self.text_numbers,
            cleaned,
            share=self.recipe.holdout_share,
            newest_share=self.recipe.newest_share,
            fewest_tickets=self.recipe.fewest_tickets,
            seed=self.seed,
        )
        self.targets = [
            attribute_target(spec, labels, self.split.train, fewest_tickets=self.recipe.fewest_tickets)
            for spec, labels in zip(self.attributes, cleaned, strict=True)
        ]
        self.refits = self.recipe.refit and not self.split.fixed_by_customer and len(self.split.holdout) > 0
        self.steps.finish()

    def make_features(self) -> None:
        """Words and character n-grams of all tickets; the vocabulary is that of the training part."""
        self.features, self.train_matrix = chosen_features(
            self._texts(self.split.train), self.tickets_learnt, self.targets, self.recipe
        )
        self.steps.finish()
        self.holdout_matrix, self.holdout_known_words = self.features.read(self._texts(self.split.holdout))
        self.steps.finish()

    def encode(self, encoding: Encoding) -> None:
        """What encoders read of all tickets, where the recipe wants them."""
        self.encoded = read_vectors(self.tickets, self.split, self.recipe, encoding, self.steps)
        self.compared = self.encoded.compared(self.recipe)

    def fine_tune(self, checkpoints: Path | None) -> None:
        """The folds that all models of this training share, where scores of several models or attributes meet (None:
        each attribute has its own), and the encoders that were fine-tuned."""
        recipe, split, reader = self.recipe, self.split, self.encoded.reader
        self.folds, self.networks = None, NONE_TUNED
        tunes = bool(recipe.tunings) and reader is not None
        if not tunes and not (recipe.agrees and found_below(self.targets, split.train)):
            return
        wanted = recipe.tickets_to_combine if len(split.holdout) else len(split.train)
        same_text = self.text_numbers[split.train]
        self.folds = shared_folds(self.targets, split.train, same_text, tickets_wanted=wanted)
        if not tunes or reader is None:
            return
        self.networks = tuned_encoders(
            self._texts(split.train),
            self._texts(split.holdout),
            self.targets,
            split.train,
            self.folds,
            recipe=recipe,
            reader=reader,
            seed=self.seed,
            checkpoints=checkpoints,
            steps=self.steps,
            until=self.until,
        )

    def fit(self) -> None:
        """Linear models: scores of training tickets out of fold, and of the holdout, by Business alone and by the
        ensemble with fine-tuned networks."""
        split, same_text = self.split, self.text_numbers[self.split.train]
        inputs = Inputs(self.train_matrix, self.compared.train)
        self.fitting = CrossFitting(
            self.features,
            (inputs, self._holdout_inputs),
            self.targets,
            train=split.train,
            holdout=split.holdout,
            same_text=same_text,
            refit=self.refits,
            candidates=self.recipe.candidates,
            prior_shares=self.recipe.prior_shares,
            tickets_to_calibrate=self.recipe.tickets_to_calibrate,
        )
        # Nothing is kept aside of few tickets: each is measured by models that had not seen it, and subsets of them
        # would say nothing.
        self.sample = None
        if len(split.holdout):
            products = self.fitting.products
            self.sample = SubsetSample.of(inputs, split.train, same_text, self.targets, products, seed=self.seed)
        # A sketch has no more need of the matrix, and for many tickets it is a large one.
        del self.train_matrix, inputs
        self.steps.finish()
        step = self.steps.part_of(self.fitting.steps(), counting_as=FITTING_STEPS)
        self.out_of_fold, self.holdout_scores = self.fitting.measure(step)
        beside_networks = self.fitting.out_of_fold_under(self.folds) if self.folds is not None else []
        self.fitting.forget()
        self.fallback = self.encoded.fallback_fitting(
            self.targets, split, same_text, refit=self.refits, recipe=self.recipe
        )
        self.fallback_out_of_fold, self.fallback_holdout = [], []
        if self.fallback is not None:
            self.fallback_out_of_fold, self.fallback_holdout = self.fallback.measure(lambda: None)
        self.business, self.ensembled = [], None
        if beside_networks:
            self._combine(beside_networks)

    def _combine(self, beside_networks: list[OutOfFold]) -> None:
        """What is measured and delivered: Business's scores as they are, or with those of the networks, and made to
        agree. `beside_networks` are Business's scores of the tickets that the networks had not seen either."""
        from otai.learning.finetuning.ensemble import ensembled

        # Models of subsets of the tickets are Business's too, and are compared with what Business alone says.
        self.business = list(zip(self.out_of_fold, self.holdout_scores, strict=True))
        self.ensembled = ensembled(
            self.networks.fine_tuned,
            self.targets,
            self.split.train,
            self.business,
            beside_networks,
            agrees=self.recipe.agrees,
        )
        self.out_of_fold, self.holdout_scores = self.ensembled.out_of_fold, self.ensembled.holdout

    def calibrate(self) -> None:
        """Each attribute's head and thresholds, from out-of-fold scores."""
        self.models, self.out_of_fold_probabilities = [], []
        for number, (target, out_of_fold) in enumerate(zip(self.targets, self.out_of_fold, strict=True)):
            model, probabilities = _calibrated(
                target, out_of_fold, start=_columns_so_far(self.models), assurance=self.assurance
            )
            if self.fallback_out_of_fold:
                model = model.with_fallback_head(target, self.fallback_out_of_fold[number])
            self.models.append(model)
            self.out_of_fold_probabilities.append(probabilities)
            self.steps.finish()

    def evaluate(self) -> None:
        """What the model reaches on the holdout, attribute by attribute, and what models of subsets of the tickets add
        to that."""
        subset_models = self._subset_models()
        self.reports, self.holdout_labels, self.confidences = [], {}, []
        kept_aside = len(self.split.holdout) > 0
        for number, (target, calibrated) in enumerate(zip(self.targets, self.models, strict=True)):
            scored = self._holdout_scored(number)
            predictions = self._predictions(number, scored)
            if kept_aside:
                model = calibrated.model
                self.confidences.append(model.confidence(model.probabilities(scored)))
                known, actual = target.known[self.split.holdout], target.y[predictions.rows] > 0
                self.holdout_labels[target.spec.name] = HoldoutLabels.of(known, actual, predictions.decided)
            # Where it is known which tickets are the newest, the figures are theirs; the others stand beside them.
            new = self._newest_among(predictions.rows)
            report = self._report(number, predictions.only(new))
            if not new.all():
                beside = self._report(number, predictions.only(~new))
                report = dataclasses.replace(
                    report, at_random=RandomPart(beside.holdout_tickets, beside.accuracy, beside.macro_f1)
                )
            if subset_models is None:
                wrong = label_issues_of(target, predictions.rows, predictions.probabilities, self.tickets)
                report = dataclasses.replace(report, wrong_labels=wrong)
            else:
                report = self._with_evidence(report, number, predictions, subset_models)
            self.reports.append(report)
            self.steps.finish()

    def _subset_models(self) -> SubsetModels | None:
        """None where there are too few tickets for subsets of them."""
        if self.sample is None:
            self.steps.finish(SubsetModels.steps())
            return None
        # Their systems are small: on endava_5k a second core makes them 1.2 s of processor time dearer and no quicker.
        with threadpool_limits(limits=1, user_api="blas"):
            return SubsetModels.fit(
                self.sample,
                self._holdout_inputs,
                self.targets,
                self.fitting.blends,
                self.recipe.candidates,
                holdout_rows=self.split.holdout,
                step_done=self.steps.finish,
            )

    def _holdout_scored(self, number: int) -> Scored:
        base = self.encoded.holdout[:, : self.encoded.base_width]
        return Scored(
            self.holdout_scores[number].astype(np.float64),
            (np.diff(self.holdout_matrix.indptr) == 0) & ~self.encoded.holdout.any(axis=1),
            out_of_language_tickets(self.holdout_known_words, base) if self.fallback is not None else None,
            self.fallback_holdout[number].astype(np.float64) if self.fallback_holdout else None,
        )

    def _predictions(self, number: int, scored: Scored) -> _HoldoutPredictions:
        """On the holdout tickets in which the attribute is known; without a holdout, on training tickets out of
        fold."""
        model = self.models[number].model
        if len(self.split.holdout):
            known = self.targets[number].known[self.split.holdout]
            rows, probabilities = self.split.holdout[known], model.probabilities(scored.rows(known))
        else:
            rows, probabilities = self.out_of_fold[number].rows, self.out_of_fold_probabilities[number]
        return _HoldoutPredictions(rows, probabilities, model.decide(probabilities))

    def _newest_among(self, rows: Rows) -> Mask:
        """Which of the rows are among the newest tickets; all, where nobody knows which those are."""
        newest = self.split.newest
        found = np.isin(rows, newest) if newest is not None else np.zeros(len(rows), np.bool_)
        return found if found.any() else np.ones(len(rows), np.bool_)

    def _report(self, number: int, predictions: _HoldoutPredictions) -> AttributeReport:
        target = self.targets[number]
        return evaluate(
            target,
            train=self.split.train[target.known[self.split.train]],
            holdout=predictions.rows,
            probabilities=predictions.probabilities,
            decided=predictions.decided,
            thresholds=self.models[number].thresholds,
            more_tickets=self._more_tickets(number),
            ticket_ids=[self.tickets.ids[row] for row in predictions.rows],
            excerpt=lambda at: excerpt_of(self.tickets.texts[predictions.rows[at]]),
            seed=self.seed,
        )

    def _more_tickets(self, number: int) -> list[int | None]:
        """For each threshold: about how many more labelled tickets would let its precision be promised."""
        looked_at, labelled = (
            len(self.out_of_fold[number].rows),
            int(self.targets[number].known[self.split.train].sum()),
        )
        return [
            None
            if one.times is None
            else more_tickets_for(
                one.times, looked_at=looked_at, labelled=labelled, wanted=self.recipe.tickets_to_calibrate
            )
            for one in self.models[number].thresholds
        ]

    def _with_evidence(
        self, report: AttributeReport, number: int, predictions: _HoldoutPredictions, subset_models: SubsetModels
    ) -> AttributeReport:
        """The report with what models of subsets of the tickets add to it: the learning curve, and labels that look
        wrong."""
        target, rows, probabilities = self.targets[number], predictions.rows, predictions.probabilities
        out_of_fold = subset_models.out_of_fold[number]
        if len(out_of_fold.rows):
            _, of_training = _head(target, out_of_fold)
            # Of thousands of labels, fewer tickets are examined: tickets times labels is what takes the memory.
            room = max(MOST_ENTRIES // len(target.labels) - len(out_of_fold.rows), 0)
            rows = np.concatenate([out_of_fold.rows, rows[:room]])
            probabilities = np.concatenate([of_training, probabilities[:room]])
        # A model of the subsets' kind after all training tickets.
        whole = self._decided_by_business(number) if self.business else predictions.decided
        of_all = SubsetDecision(int(target.known[self.split.train].sum()), whole)
        new = self._newest_among(predictions.rows)
        sizes = [SubsetDecision(one.tickets, one.decided[new]) for one in (*subset_models.learnt[number], of_all)]
        curve = learning_curve(target, predictions.rows[new], sizes, seed=self.seed)
        wrong = label_issues_of(target, rows, probabilities, self.tickets)
        return dataclasses.replace(report, learning_curve=curve, wrong_labels=wrong)

    def _decided_by_business(self, number: int) -> Mask:
        """What Business alone decides about the holdout tickets in which the attribute is known."""
        target, (out_of_fold, holdout) = self.targets[number], self.business[number]
        known = target.known[out_of_fold.rows]
        return decided_beside(
            holdout[target.known[self.split.holdout]],
            out_of_fold.scores[known],
            target.y[out_of_fold.rows[known]],
            multi=target.spec.is_multi,
        )

    def refit(self) -> None:
        """The model to deliver; it has learnt from the holdout as well where the recipe says so."""
        linear = self.fitting.final()
        self.bundle = Bundle(
            features=self.features,
            sketch_columns=linear.sketch_columns,
            weights=linear.weights,
            intercepts=linear.intercepts,
            attributes=tuple(calibrated.model for calibrated in self.models),
            recipe=self.recipe.as_dict() | {"seed": self.seed},
            trained_tickets=self.tickets_learnt,
            vector_weights=linear.vector_weights,
            reader=self.encoded.reader,
            kernel=self.compared.kernel(linear),
            text_rules=self.tickets.text_rules,
            fallback=_as_fallback(self.fallback.final()) if self.fallback else None,
            ensemble=self.ensembled.ensemble if self.ensembled else None,
            hierarchy=self.ensembled.hierarchy if self.ensembled else None,
            reference=self._reference() if self.confidences else None,
            holdout=HoldoutRecord(text_hashes(self._texts(self.split.holdout)), self.holdout_labels)
            if self.holdout_labels
            else None,
        )
        self.steps.finish()

    def _reference(self) -> Reference:
        """What the tickets kept aside were like."""
        return Reference.of(
            self._texts(self.split.holdout),
            known_words=self.holdout_known_words,
            sketches=sketch(self.holdout_matrix, self.features),
            confidence=np.stack(self.confidences, axis=1),
            language=[self.tickets.languages[row] for row in self.split.holdout],
            training_languages=[self.tickets.languages[row] for row in self.split.train],
        )

    def report_card(self, seconds: dict[str, float]) -> ReportCard:
        split, gains = self.split, self.fitting.gains_by_vectors
        return ReportCard(
            mode=self.recipe.mode,
            recipe=self.recipe.as_dict(),
            seed=self.seed,
            tickets=len(self.tickets),
            train_tickets=len(split.train),
            holdout_tickets=len(split.holdout) or len(split.train),
            holdout="given" if split.fixed_by_customer else "chosen" if len(split.holdout) else "left_out",
            final_model_learnt_holdout=self.refits,
            attributes=self.reports,
            findings=answer_findings(self.reports)
            + data_findings(self.tickets, len(self.usable), split, self.targets, self.recipe)
            + self.encoded.findings()
            + (vector_findings(self.targets, gains) if gains else [])
            + self.networks.findings
            + (self.ensembled.findings if self.ensembled else [])
            + evidence_findings(self.reports)
            + given_away(self.tickets.texts, self.targets, split.train),
            seconds=seconds,
            newest=newest_part(self.tickets, split),
        )

    @property
    def tickets_learnt(self) -> int:
        """How many tickets the final model learns from."""
        return len(self.split.train) + (len(self.split.holdout) if self.refits else 0)

    @property
    def _holdout_inputs(self) -> Inputs:
        return Inputs(self.holdout_matrix, self.compared.holdout)

    def _texts(self, rows: Rows) -> list[str]:
        return [self.tickets.texts[row] for row in rows]


def _as_fallback(linear: LinearWeights) -> OutOfLanguageFallback:
    return OutOfLanguageFallback(linear.vector_weights, linear.intercepts)


@dataclass(frozen=True)
class _Calibrated:
    model: AttributeModel
    thresholds: list[Threshold]

    def with_fallback_head(self, target: AttributeTarget, out_of_fold: OutOfFold) -> _Calibrated:
        head, _ = _head(target, out_of_fold)
        return dataclasses.replace(self, model=dataclasses.replace(self.model, fallback_head=head, caps_fallback=True))


def _columns_so_far(models: Sequence[_Calibrated]) -> int:
    return models[-1].model.columns.stop if models else 0


def _calibrated(
    target: AttributeTarget, out_of_fold: OutOfFold, *, start: int, assurance: float
) -> tuple[_Calibrated, Floats]:
    """The attribute's head and thresholds, and the probabilities of training tickets by models that had not seen
    them."""
    rows = out_of_fold.rows
    head, probabilities = _head(target, out_of_fold)
    columns = slice(start, start + len(target.labels))
    frequencies = target.y[rows].mean(axis=0, dtype=np.float64)
    model = AttributeModel(target.spec, target.labels, columns, head, {}, frequencies)
    confidence, right, of = decisions(
        probabilities, model.decide(probabilities), target.y[rows] > 0, multi=target.spec.is_multi
    )
    thresholds = thresholds_for(confidence, right, of=of, multi=target.spec.is_multi, assurance=assurance)
    values = {f"{one.target_precision:g}": one.confidence for one in thresholds if one.confidence is not None}
    return _Calibrated(dataclasses.replace(model, thresholds=values), thresholds), probabilities


def _head(target: AttributeTarget, out_of_fold: OutOfFold) -> tuple[OneLabelHead | ManyLabelsHead, Floats]:
    scores = out_of_fold.scores.astype(np.float64)
    if target.spec.is_multi:
        return ManyLabelsHead.fit(scores, target.y[out_of_fold.rows])
    return OneLabelHead.fit(scores, target.codes(out_of_fold.rows))
