"""The evidence for the customer, as data: what was measured, on which tickets, beside what guessing would reach.

Plain values only, so that a report card is the same in JSON, in the database and on a page. `evaluation.py` fills it
in.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from otai.learning.data.privacy.personal import mask
from otai.learning.estimate import Estimate
from otai.learning.evidence import cards_of_format_1
from otai.learning.finding import Finding

FORMAT = 2
"""1 told findings in English sentences; such cards are read by `cards_of_format_1`."""

EXCERPT_CHARACTERS = 160


@dataclass(frozen=True)
class LabelReport:
    """One label on the holdout. None where there is nothing to divide by: never predicted, or in no holdout ticket."""

    label: str
    train_tickets: int
    holdout_tickets: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Coverage:
    """How much could be automated at a precision.

    `threshold` was chosen on training tickets, each scored by a model that had not seen it, as the lowest confidence
    from which that share can be promised at `assurance` (`risk_control`; None in cards from before: the lowest from
    which that share was right); `expected_*` is what it gave there. `coverage` and `precision` are what this very
    threshold then gave on the holdout: those two are the evidence. For attributes with one label a ticket, coverage is
    the share of tickets at or above the threshold; for multi-label attributes the share of all given labels that are
    found so. `threshold` is None when no confidence lets the precision be promised; `more_tickets` is then about how
    many more labelled tickets may let it, None where no number of them would.
    """

    target_precision: float
    threshold: float | None
    expected_coverage: float
    expected_precision: float | None
    coverage: float
    precision: float | None
    tickets: int
    assurance: float | None = None
    more_tickets: int | None = None


@dataclass(frozen=True)
class CurvePoint:
    """Of the holdout's predictions, those with at least this confidence."""

    threshold: float
    coverage: float
    precision: float


@dataclass(frozen=True)
class Reliability:
    """Holdout predictions whose confidence lies from `low` up to `high`."""

    low: float
    high: float
    tickets: int
    mean_confidence: float
    accuracy: float


@dataclass(frozen=True)
class ConfusedPair:
    """Holdout tickets of one label that were taken for another; a few of them by id, the surest first.

    `excerpts` are the beginnings of those tickets, in the same order.
    """

    actual: str
    predicted: str
    tickets: int
    share_of_actual: float
    ticket_ids: list[str]
    excerpts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SizePoint:
    """What models of so many training tickets reach on the holdout; the mean over `models` models of different
    tickets."""

    tickets: int
    models: int
    accuracy: Estimate
    macro_f1: Estimate


@dataclass(frozen=True)
class Forecast:
    """What so many more training tickets of the same kind would add: differences, 0.02 being two points, with their 95
    % intervals.

    `macro_f1` is None where too little is known of rare labels to say.
    """

    more_tickets: int
    accuracy: Estimate
    macro_f1: Estimate | None


@dataclass(frozen=True)
class LearningCurve:
    """How quality grew with tickets, from few to all, and where that leads. No forecasts: `unknown` says why none is
    made, as a fact (`Fact.as_dict`); cards of release 0.1 have it as an English sentence."""

    points: list[SizePoint]
    forecasts: list[Forecast]
    unknown: dict[str, Any] | str = ""


@dataclass(frozen=True)
class LabelIssue:
    """A ticket whose label is probably not what people meant. `confidence` is how sure a model that had not learnt this
    ticket is of `suggested`.

    `given` and `suggested` have one entry for attributes with one label a ticket, any number for multi-label ones.
    """

    ticket_id: str
    given: list[str]
    suggested: list[str]
    confidence: float
    excerpt: str

    @property
    def added(self) -> list[str]:
        """What the ticket lacks; of a tag's change nothing else is news."""
        return [label for label in self.suggested if label not in self.given]

    @property
    def taken_away(self) -> list[str]:
        """What the ticket has and should not."""
        return [label for label in self.given if label not in self.suggested]


@dataclass(frozen=True)
class LabelIssues:
    """`total` of `examined` tickets have a label issue; those listed come in the order of how likely it is, the
    likeliest first."""

    examined: int
    total: int
    suspects: list[LabelIssue]


@dataclass(frozen=True)
class Cost:
    """What the training took. Energy is an estimate unless `energy_is_measured`; `energy_method` says how it was
    made."""

    wall_seconds: float
    processor_seconds: float
    peak_memory_bytes: int
    energy_watt_hours: float | None
    energy_is_measured: bool
    energy_method: str


@dataclass(frozen=True)
class Majority:
    """What always answering the most frequent label reaches on the same tickets (multi-label: always answering
    none)."""

    label: str | None
    accuracy: float
    macro_f1: float
    mean_absolute_error: float | None = None


@dataclass(frozen=True)
class RandomPart:
    """The same figures on the part of the holdout that was chosen at random among tickets of all times."""

    tickets: int
    accuracy: Estimate
    macro_f1: Estimate


@dataclass(frozen=True)
class NewestPart:
    """Which part of the holdout are the newest tickets: how many, since which day (ISO), and how many others there
    are."""

    tickets: int
    since: str
    others: int


@dataclass(frozen=True)
class AttributeReport:
    """One attribute on the holdout.

    `accuracy` is the share of tickets predicted exactly right (multi-label: the whole set of labels). `macro_f1` is the
    mean F1 over the labels that have holdout tickets, so that a rare label counts as much as a frequent one.
    `confusion` lists [actual, predicted, tickets] by label number, zeros left out (empty for multi-label).
    `calibration_error` is the expected calibration error over 15 bins. `mean_absolute_error` is in steps of the order,
    for ordered attributes.
    """

    name: str
    kind: str
    labels: list[str]
    train_tickets: int
    holdout_tickets: int
    accuracy: Estimate
    macro_f1: Estimate
    majority: Majority
    calibration_error: float
    per_label: list[LabelReport]
    confusion: list[list[int]]
    coverage: list[Coverage]
    curve: list[CurvePoint]
    reliability: list[Reliability]
    confused_pairs: list[ConfusedPair]
    micro_f1: float | None = None
    mean_absolute_error: float | None = None
    learning_curve: LearningCurve | None = None
    wrong_labels: LabelIssues | None = None
    chance_of_no_signal: float | None = None
    """How likely answers that have nothing to do with the tickets would be right as often; None in cards from
    before."""
    at_random: RandomPart | None = None
    """Where all other figures are those of the newest tickets: what tickets of all times give beside them."""


@dataclass(frozen=True)
class LabelsFound:
    """Several labels a ticket, told by labels, as shares: of those there how many were found (the others were missed),
    and of those given how many were right. 0 where there is none."""

    found: float
    right: float

    @classmethod
    def of(cls, report: AttributeReport) -> LabelsFound:
        """Over all labels of the holdout together."""
        hits = sum((one.precision or 0.0) * one.predicted for one in report.per_label)
        there, given = (
            sum(getattr(one, name) for one in report.per_label) for name in ("holdout_tickets", "predicted")
        )
        return cls(hits / max(there, 1), hits / max(given, 1))


def excerpt_of(text: str) -> str:
    """The beginning of a ticket on one line, short enough for a table. Personal data is replaced by its kind: cards are
    sent around."""
    # Only the beginning is looked at: a ticket may have megabytes.
    beginning = mask(text[: 4 * EXCERPT_CHARACTERS])
    # What cannot be printed goes: half a surrogate pair cannot be written to a file, nor a zero byte to a database.
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in beginning).split())
    return line if len(line) <= EXCERPT_CHARACTERS else line[: EXCERPT_CHARACTERS - 1] + "…"


@dataclass(frozen=True)
class ReportCard:
    """The whole evidence of a run.

    `holdout` says where the measured tickets came from: "given" (the customer's own split), "chosen" (kept aside by us)
    or "left_out" (too few tickets to keep any aside: each ticket was scored by a model that had not seen it).
    `final_model_learnt_holdout` says whether the delivered model learnt from the holdout after it had been measured;
    its confidences and thresholds are those that were measured.
    """

    mode: str
    recipe: dict[str, Any]
    seed: int
    tickets: int
    train_tickets: int
    holdout_tickets: int
    holdout: str
    final_model_learnt_holdout: bool
    attributes: list[AttributeReport]
    findings: list[Finding]
    seconds: dict[str, float] = field(default_factory=dict)
    cost: Cost | None = None
    newest: NewestPart | None = None
    format: int = FORMAT

    def attribute(self, name: str) -> AttributeReport:
        """Raises KeyError for an attribute that was not trained."""
        for attribute in self.attributes:
            if attribute.name == name:
                return attribute
        raise KeyError(name)

    def without_texts(self) -> ReportCard:
        """The same evidence without a word of any ticket: for whoever may see figures but no tickets."""

        def bare(report: AttributeReport) -> AttributeReport:
            pairs = [dataclasses.replace(pair, excerpts=[]) for pair in report.confused_pairs]
            wrong = report.wrong_labels
            if wrong is not None:
                suspects = [dataclasses.replace(suspect, excerpt="") for suspect in wrong.suspects]
                wrong = dataclasses.replace(wrong, suspects=suspects)
            return dataclasses.replace(report, confused_pairs=pairs, wrong_labels=wrong)

        return dataclasses.replace(self, attributes=[bare(report) for report in self.attributes])

    def to_json(self) -> str:
        """The whole card as one line of JSON; `from_json` reads it."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> ReportCard:
        """Raises ValueError for a text that is no report card or one of a newer format."""
        return cls.from_values(json.loads(text))

    @classmethod
    def from_values(cls, values: Any) -> ReportCard:
        """The same from what JSON was read to, as the database keeps it. Raises ValueError for a card of
        another format, or an incomplete one."""
        if not isinstance(values, dict) or values.get("format") not in (1, FORMAT):
            raise ValueError(f"This is no report card of format 1 to {FORMAT}.")
        if values["format"] == 1:
            values = cards_of_format_1.with_values(values)
        try:
            card: ReportCard = _rebuilt(cls, values)
        except (KeyError, TypeError) as error:
            raise ValueError(f"This report card is incomplete: {error}") from error
        return card


def values_without_tickets(values: Any) -> Any:
    """A report card's values, of any format, without anything of single tickets: no words, no ids, no suspects. All
    figures stay."""
    if isinstance(values, list):
        return [values_without_tickets(one) for one in values]
    if not isinstance(values, dict):
        return values
    emptied = {"excerpts": [], "ticket_ids": [], "suspects": [], "excerpt": "", "ticket_id": ""}
    return {name: emptied.get(name, values_without_tickets(one)) for name, one in values.items()}


def values_without_labels(values: dict[str, Any]) -> dict[str, Any]:
    """The same without the names of labels as well: they are numbered, as they stand in each attribute's list."""
    attributes = []
    for report in values.get("attributes", []):
        numbers = {label: f"label {number}" for number, label in enumerate(report.get("labels", []), 1)}
        attributes.append(_renamed(report, numbers))
    findings = [_without_names(finding) for finding in values.get("findings", [])]
    return {**values, "attributes": attributes, "findings": findings}


def values_with_names(values: Any, names: Mapping[str, str]) -> Any:
    """A report card's values with other names of attributes: old -> new."""
    attributes = [
        {**report, "name": names.get(report["name"], report["name"])} for report in values.get("attributes", [])
    ]
    findings = [
        {**finding, "attribute": names.get(finding.get("attribute"), finding.get("attribute"))}
        for finding in values.get("findings", [])
    ]
    return {**values, "attributes": attributes, "findings": findings}


def _without_names(finding: dict[str, Any]) -> dict[str, Any]:
    """A finding's figures alone; what is then said of it says less."""
    if "values" not in finding:
        return {**finding, "message": ""}
    figures = {name: one for name, one in finding["values"].items() if isinstance(one, int | float)}
    return {**finding, "values": figures, "written": ""}


def _renamed(values: Any, names: dict[str, str], *, at: str = "") -> Any:
    if isinstance(values, list):
        return [_renamed(one, names, at=at) for one in values]
    if isinstance(values, dict):
        return {name: _renamed(one, names, at=name) for name, one in values.items()}
    if at in ("labels", "label", "actual", "predicted", "given", "suggested") and isinstance(values, str):
        return names.get(values, "label")
    return values


@functools.cache
def _hints_of(kind: type) -> dict[str, Any]:
    # Working them out takes longer than all the rest of reading a report card.
    return typing.get_type_hints(kind)


def _rebuilt(kind: Any, value: Any) -> Any:
    """The dataclasses that `dataclasses.asdict` took apart."""
    origin = typing.get_origin(kind)
    if value is None or kind is Any or origin is dict:
        return value
    if origin is list:
        return [_rebuilt(typing.get_args(kind)[0], item) for item in value]
    if origin is types.UnionType:
        return _rebuilt(next(part for part in typing.get_args(kind) if part is not type(None)), value)
    if dataclasses.is_dataclass(kind):
        hints = _hints_of(typing.cast(type, kind))
        return typing.cast(type, kind)(**{name: _rebuilt(hints[name], item) for name, item in value.items()})
    return value
