"""What quality to expect before ordering, once for each version of a data set.

stored(data_set)             what is known already, or None; reads one row
of(data_set, now=utc_now())  the same, tried now if nobody has: 2 to 5 seconds of one core
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from threadpoolctl import threadpool_limits

from otai.learning.estimate import Estimate
from otai.learning.evidence import expectation
from otai.learning.evidence.expectation import Expectation, ModeExpectation, TriedGain
from otai.learning.finding import Finding
from otai.tickets import queries
from otai.tickets.models import DataSet, ExpectedQuality
from otai.words.sentences import Fact

cores_for_trying = 1
"""Whoever tries stands behind a page or a command, beside trainings that have the other cores."""


def stored(data_set: DataSet) -> dict[str, Expectation] | None:
    """By attribute, in the order of the data set's; None where nobody has tried yet."""
    row = ExpectedQuality.objects.filter(data_set=data_set).first()
    if row is None:
        return None
    # PostgreSQL keeps the keys of JSON by their length.
    places = {one.name: place for place, one in enumerate(queries.usable_attributes(data_set))}
    names = sorted(row.attributes, key=lambda name: places.get(name, len(places)))
    return {name: _expectation(row.attributes[name], (row.maximum or {}).get(name)) for name in names}


def is_maximum_untried(data_set: DataSet) -> bool:
    """Whether the other modes' quality is known, and no trial of Maximum has come to its end yet."""
    return ExpectedQuality.objects.filter(data_set=data_set, maximum__isnull=True).exists()


def of(data_set: DataSet, *, now: datetime) -> dict[str, Expectation]:
    """By attribute, for all that a run can learn. Two who ask at once both try, and get the same answer.

    Raises FileStoreUnavailable and TicketsDeleted.
    """
    data_set.require_tickets()
    if (known := stored(data_set)) is not None:
        return known
    # The numerical libraries take half a second to load.
    from otai.learning.data.attributes import AttributeKind, AttributeSpec
    from otai.learning.data.tickets import LabelledTickets
    from otai.learning.evidence.expected_quality import expected

    specs = [
        AttributeSpec(one.name, AttributeKind(one.kind), tuple(one.order))
        for one in queries.usable_attributes(data_set)
    ]
    tickets = LabelledTickets.read_parquet(queries.tickets_path(data_set))
    with threadpool_limits(limits=cores_for_trying):
        expectations = expected(tickets, specs)
    as_json = {name: dataclasses.asdict(one) for name, one in expectations.items()}
    keep(data_set, as_json, now=now)
    return expectations


def keep(data_set: DataSet, attributes: Mapping[str, Any], *, now: datetime) -> None:
    """Writes down what a trial has shown, as JSON by attribute; what is known already stays."""
    ExpectedQuality.objects.get_or_create(data_set=data_set, defaults={"attributes": attributes, "tried_at": now})


def keep_maximum(data_set: DataSet, attributes: Mapping[str, Any]) -> None:
    """Writes down what a trial of Maximum has shown; what is known already stays."""
    ExpectedQuality.objects.filter(data_set=data_set, maximum__isnull=True).update(maximum=attributes)


def no_gain_expected(data_set: DataSet, attributes: Collection[str]) -> Finding | None:
    """That Maximum is not expected to be better than Business at any of these attributes, by its trial; None where it
    is at one, or where nobody knows."""
    expectations = stored(data_set) or {}
    gains = [one.gain_of_maximum for name, one in expectations.items() if name in attributes]
    return expectation.no_gain_expected([gain for gain in gains if gain is not None])


def warnings(data_set: DataSet, attributes: Collection[str], *, mode: str = "") -> list[Finding]:
    """What a trial has shown that nobody should pay for, of these attributes, and of that mode; nothing where nobody
    has tried yet."""
    no_gain = no_gain_expected(data_set, attributes) if mode == "maximum" else None
    return ([no_gain] if no_gain else []) + [
        warning
        for name, one in (stored(data_set) or {}).items()
        if name in attributes
        for warning in one.warnings(name)
    ]


def _expectation(values: Mapping[str, Any], maximum: Mapping[str, Any] | None) -> Expectation:
    modes = {
        mode: ModeExpectation(Estimate(**one["accuracy"]), Estimate(**one["macro_f1"]) if one["macro_f1"] else None)
        if one
        else None
        for mode, one in values["modes"].items()
    }
    # Rows of before have of Maximum what public sets let expect, which is no estimate from these tickets.
    modes["maximum"] = None
    gain = TriedGain(**maximum) if maximum else None
    business = modes.get("business")
    if gain is not None and business is not None:
        modes["maximum"] = gain.over(business)
    return Expectation(
        modes,
        values["guessing"],
        values["tried_on"],
        _unknown(values["unknown"]),
        values.get("no_signal", False),
        gain_of_maximum=gain,
    )


def _unknown(stored: Mapping[str, Any] | str | None) -> Fact | None:
    """A release before kept a sentence."""
    if isinstance(stored, str):
        return Fact("expectation.written", {"said": stored}) if stored else None
    return Fact.from_dict(stored) if stored else None
