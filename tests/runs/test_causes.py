"""Limits, orders and approvals are changed by hand, column by column: billing's audit finds it, the database refuses
it, or it is on the list of what is accepted."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from otai.billing.audit import audit
from otai.ledger import operations as ledger
from otai.orgs.models import TeamEvent
from otai.runs import approval, operations, spending
from otai.runs.approval import Approver
from otai.runs.models import ApprovalRule, Quote, Run, SpendLimit
from tests import stories
from tests.tampering import accepted_columns

pytestmark = pytest.mark.django_db
ALICE, BOB = "alice@acme.example", "bob@acme.example"

ACCEPTED = {
    "Quote": "made_at due_at tier price_lines",  # an order was taken by it; what it cost is the price book's
    "ApprovalRule": "set_by set_at",  # what it says is compared
    # How an order waits and is worked on: nothing is charged by it.
    "Run": "number seed approval_until due_at queued_at counts_as_due_at rises_at place_reasons expected_seconds "
    "expected_late_at started_at heartbeat_at attempt steps_done steps_total "
    "stage worker pool failure failure_code tickets_file checkpoint_file bundle_file bundle_sha256 bundle_bytes",
}


@pytest.fixture
def approved(now: datetime, tmp_path: Path) -> Run:
    """Bob may order for 50 credits a month; his order waited, and Alice approved it."""
    acme = stories.acme(now)
    support = stories.tickets_of(acme, tmp_path, now)
    spending.set_limit(organisation=acme, member="", monthly_credits=50, who=ALICE, now=now)
    approval.set_rule(organisation=acme, above_credits=0, who=ALICE, now=now)
    quote = stories.quote_for(acme, support, now)
    run = operations.order_run(organisation=acme, quote=quote.id, who=BOB, now=now)
    return operations.approve_run(
        organisation=acme, number=run.number, by=Approver(ALICE), now=now + timedelta(hours=1)
    )


@pytest.mark.pure
def test_every_column_of_limits_orders_and_approvals_is_found_refused_or_accepted(approved: Run) -> None:
    assert audit().findings == []
    rows = (SpendLimit.objects.get(), ApprovalRule.objects.get(), approved.quote, approved)
    for row in rows:
        known = set(ACCEPTED.get(type(row).__name__, "").split())
        accepted = set(accepted_columns(row))
        assert (sorted(accepted - known), sorted(known - accepted)) == ([], []), row


@pytest.mark.parametrize("table", [SpendLimit, ApprovalRule])
def test_a_limit_or_rule_that_is_deleted_by_hand_is_found(
    approved: Run, table: type[SpendLimit | ApprovalRule]
) -> None:
    table.objects.all().delete()
    assert [finding.what for finding in audit().findings] == [
        "a spend limit that was set is there" if table is SpendLimit else "a rule of approval that was set is there"
    ]


def test_credits_of_a_guarantee_that_nobody_has_are_found(approved: Run, now: datetime) -> None:
    grant: dict[str, Any] = {"credits": 18, "source": "guarantee", "key": "fee", "reason": "fee", "now": now}
    ledger.grant(organisation=approved.organisation_id, reference="guarantee:1", **grant)
    assert [finding.what for finding in audit().findings] == ["credits of a guarantee are of one of its organisation"]


def test_limits_of_before_there_were_events_and_those_taken_away_are_no_finding(approved: Run, now: datetime) -> None:
    spending.set_limit(organisation=approved.organisation, member="", monthly_credits=None, who=ALICE, now=now)
    approval.set_rule(organisation=approved.organisation, above_credits=None, who=ALICE, now=now)
    assert audit().findings == []
    TeamEvent.objects.all().delete()
    SpendLimit.objects.create(organisation=approved.organisation, monthly_credits=9, set_by=ALICE, set_at=now)
    ApprovalRule.objects.create(organisation=approved.organisation, above_credits=9, days=7, set_by=ALICE, set_at=now)
    assert audit().findings == []
    Quote.objects.update(credits=9)
    assert audit().findings != []
