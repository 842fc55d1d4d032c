"""A guarantee's stories need trainings that reach what the story says: report cards made to measure."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta
from typing import Any

from otai.learning.estimate import Estimate
from otai.learning.evidence.acceptance import Criterion
from otai.learning.evidence.report_card import AttributeReport, Coverage, Majority, ReportCard
from otai.orgs.models import Organisation
from otai.pricing.price_book import Delivery, Mode
from otai.runs import operations as runs
from otai.runs.executors import Failed
from otai.runs.guarantee import operations as guarantees
from otai.runs.models import Guarantee, Reason, Run
from otai.runs.operations import make_quote
from otai.runs.testing import FakeExecutor
from otai.runs.worker import Worker
from otai.tickets import expected_quality
from otai.tickets.models import DataSet, ExpectedQuality


def around(value: float) -> Estimate:
    return Estimate(value, max(0.0, value - 0.03), min(1.0, value + 0.03))


def attribute_report(name: str, accuracy: float, *, macro_f1: float | None = None, coverage: tuple[Coverage, ...] = ()):
    return AttributeReport(
        name=name,
        kind="single",
        labels=["a", "b"],
        train_tickets=400,
        holdout_tickets=100,
        accuracy=around(accuracy),
        macro_f1=around(accuracy if macro_f1 is None else macro_f1),
        majority=Majority("a", 0.5, 0.3),
        calibration_error=0.02,
        per_label=[],
        confusion=[],
        coverage=list(coverage),
        curve=[],
        reliability=[],
        confused_pairs=[],
    )


def report_card(**accuracies: float) -> dict[str, Any]:
    card = ReportCard(
        mode="basic",
        recipe={},
        seed=0,
        tickets=500,
        train_tickets=400,
        holdout_tickets=100,
        holdout="given",
        final_model_learnt_holdout=False,
        attributes=[attribute_report(name, accuracy) for name, accuracy in accuracies.items()],
        findings=[],
    )
    return json.loads(json.dumps(dataclasses.asdict(card)))


def quote(acme: Organisation, data_set: DataSet, now: datetime, *, mode: Mode = Mode.BASIC):
    return make_quote(
        organisation=acme,
        data_set=data_set,
        attributes=("queue", "priority"),
        mode=mode,
        delivery=Delivery.STANDARD,
        model_name=data_set.name,
        reason=Reason.NEW_MODEL,
        now=now,
    )


def expect(data_set: DataSet, now: datetime, *, no_signal: bool = False, **accuracies: float) -> None:
    """What a trial of these tickets has shown: so much accuracy and macro F1 in each mode."""
    told = {"modes": dict.fromkeys(("basic", "business", "maximum")), "guessing": 0.3, "tried_on": 300, "unknown": ""}
    attributes = {}
    for name, accuracy in accuracies.items():
        estimate = dataclasses.asdict(around(accuracy))
        modes = {mode: {"accuracy": estimate, "macro_f1": estimate} for mode in told["modes"]}
        attributes[name] = {**told, "modes": modes, "no_signal": no_signal}
    ExpectedQuality.objects.update_or_create(data_set=data_set, defaults={"attributes": attributes, "tried_at": now})


def agreed(acme: Organisation, data_set: DataSet, now: datetime, *criteria: str) -> Guarantee:
    """Proposed for tickets that carry it: agreed at once, where it is not above the standard bar."""
    if expected_quality.stored(data_set) is None:
        expect(data_set, now, queue=0.9, priority=0.9)
    return guarantees.propose(
        organisation=acme,
        data_set=data_set,
        criteria=[Criterion.parse(one) for one in criteria or ("queue accuracy 0.7",)],
        who="alice",
        now=now,
    )


def trained(now: datetime, **accuracies: float) -> None:
    Worker(
        executor=FakeExecutor(report_card=report_card(**accuracies)), clock=lambda: now + timedelta(minutes=1)
    ).work_once()


def failed(now: datetime) -> None:
    failure = Failed(True, "dataset_invalid", "nothing to learn", "")
    Worker(executor=FakeExecutor(failure=failure), clock=lambda: now + timedelta(minutes=1)).work_once()


def included(acme: Organisation, data_set: DataSet, now: datetime) -> Run:
    return runs.order_included_run(organisation=acme, quote=quote(acme, data_set, now).id, who="alice", now=now)


def improvement(acme: Organisation, data_set: DataSet, now: datetime) -> Run:
    return runs.order_improvement_run(organisation=acme, quote=quote(acme, data_set, now).id, who="alice", now=now)
