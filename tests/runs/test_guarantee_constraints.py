"""What the database refuses of guarantees, whoever asks."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from otai.orgs.models import Organisation
from otai.runs.guarantee import operations
from otai.runs.models import Guarantee, Run
from otai.tickets.models import DataSet
from tests import stories
from tests.runs.guarantees import agreed, included

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return stories.acme(now)


@pytest.fixture
def support(acme: Organisation, tmp_path: Path, now: datetime) -> DataSet:
    source = stories.write_tickets(tmp_path / "support.csv", tickets=300)
    return stories.import_tickets(organisation=acme, name="support", source=source, now=now)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("runs_guarantee_status_is_known", {"status": "lost"}),
        ("runs_guarantee_tier_is_known", {"tier": "platinum"}),
        ("runs_guarantee_agreed_has_criteria_and_tickets_to_measure_on", {"criteria": []}),
        ("runs_guarantee_agreed_has_criteria_and_tickets_to_measure_on", {"holdout_file": ""}),
        ("runs_guarantee_agreed_has_criteria_and_tickets_to_measure_on", {"agreed_at": None}),
        ("runs_guarantee_waits_for_an_operator_only_while_proposed", {"waits_for_operator": True}),
        ("runs_guarantee_has_its_run_exactly_once_ordered", {"status": "met"}),
        ("runs_guarantee_has_a_fee_exactly_when_credited", {"fee_credits": 3}),
        ("runs_guarantee_in_review_says_why", {"status": "in_review"}),
        ("runs_guarantee_fee_is_asked_for_after_the_second_miss", {"fee_asked_by": "olga"}),
    ],
)
def test_the_database_refuses(rule: str, changes: dict, acme: Organisation, support: DataSet, now: datetime) -> None:
    guarantee = agreed(acme, support, now)
    # An unknown status breaks every rule that names statuses; which of them a database tells first is its own affair.
    expected = "runs_guarantee_" if "status" in changes else rule
    with pytest.raises(IntegrityError, match=expected), transaction.atomic():
        Guarantee.objects.filter(id=guarantee.id).update(**changes)


def test_the_database_refuses_a_second_guarantee_for_one_level(acme: Organisation, now: datetime) -> None:
    [one] = operations.open_guarantees(organisation=acme, now=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Guarantee.objects.create(organisation=acme, tier=one.tier, opened_at=now)


def test_the_database_refuses_an_improvement_before_a_miss_and_an_included_run_without_funding(
    acme: Organisation, support: DataSet, now: datetime
) -> None:
    guarantee = agreed(acme, support, now)
    run = included(acme, support, now)
    with pytest.raises(IntegrityError, match="runs_guarantee_improves_only_what_was_missed"), transaction.atomic():
        Guarantee.objects.filter(id=guarantee.id).update(improvement_run=run)
    with pytest.raises(IntegrityError, match="runs_run_included_is_funded"), transaction.atomic():
        Run.objects.filter(id=run.id).update(funding_lot=None)
