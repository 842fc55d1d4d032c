"""What one alone may do once is done once, however many do it in the same moment."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from otai.billing.models import CustomPackage, OperatorRequest
from otai.billing.operations import second_operator
from otai.ledger import queries as ledger
from otai.ledger.audit import audit
from otai.orgs.operations import remove_member
from otai.orgs.permissions import Role
from otai.runs import operations as runs
from otai.runs.models import Run
from otai.runs.spending import set_limit
from otai.units import Money
from tests.billing.people import acme_signs_up
from tests.orgs.people import joins, person
from tests.races.test_pairs import at_once
from tests.runs.test_approvals import Team, email
from tests.stories import quote_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_gifts_at_once_one_operator_gives_one_alone(now: datetime) -> None:
    acme = acme_signs_up(now)
    before = ledger.balance(acme.id).available
    gift = partial(second_operator.goodwill, organisation=acme, credits=60, who="olga", why="a bad week", now=now)
    assert at_once([partial(gift, key=key) for key in "abcd"]) == ["done"] * 4
    assert ledger.balance(acme.id).available == before + 60


def test_of_packages_offered_at_once_one_gives_credits_away_alone(now: datetime) -> None:
    acme = acme_signs_up(now)
    offer = partial(
        second_operator.package, organisation=acme, credits=150, price=Money(720_00), who="olga", why="theirs", now=now
    )
    assert at_once([partial(offer, code=code) for code in ("one", "two", "three")]) == ["done"] * 3
    assert (CustomPackage.objects.count(), OperatorRequest.objects.count()) == (1, 2)


def test_of_approvers_at_once_one_decides(now: datetime, tmp_path: Path) -> None:
    team = Team(now, tmp_path)
    run = team.orders()
    approves = [partial(team.approves, run, name) for name in ("alice", "olivia")] * 2
    declines = [partial(team.declines, run, name) for name in ("alice", "olivia")]
    answers = Counter(at_once([*approves, *declines]))
    assert answers == {"done": 1, "approval_decided": 5}
    found = Run.objects.get()
    assert (found.status, found.approval) in (("queued", "approved"), ("cancelled", "declined"))
    assert team.balance[1] == (found.credits if found.status == "queued" else 0)
    assert audit().clean


def test_an_order_is_approved_or_withdrawn_never_both(now: datetime, tmp_path: Path) -> None:
    team = Team(now, tmp_path)
    run = team.orders()
    withdraw = partial(runs.cancel_run, organisation=team.acme, number=run.number, who=email("bob"), now=now)
    approved, withdrawn = at_once([partial(team.approves, run, "alice"), withdraw])
    found = Run.objects.get()
    assert withdrawn == "done", "an approved run is cancelled as any other"
    assert found.status == "cancelled" and team.balance[1] == 0
    assert found.approval == ("approved" if approved == "done" else "withdrawn")
    assert audit().clean


def test_who_is_removed_in_the_same_moment_approves_before_or_not_at_all(now: datetime, tmp_path: Path) -> None:
    team = Team(now, tmp_path)
    zoe = joins(team.acme, person("zoe"), Role.OWNER, now)
    team.members["zoe"] = zoe
    run = team.orders()
    leaves = partial(remove_member, organisation=team.acme, member=zoe.id, who=email("alice"), now=now)
    approved, left = at_once([partial(team.approves, run, "zoe"), leaves])
    assert left == "done" and approved in ("done", "not_allowed")
    assert Run.objects.get().status == ("queued" if approved == "done" else "awaiting_approval")


def test_of_orders_at_once_no_member_passes_a_months_limit(now: datetime, tmp_path: Path) -> None:
    """Bob and Zoe have two orders' credits each, approved or not; one order of theirs is withdrawn meanwhile."""
    team = Team(now, tmp_path)
    team.members["zoe"] = joins(team.acme, person("zoe"), Role.TRAINER, now)
    first = team.orders()
    set_limit(organisation=team.acme, member="", monthly_credits=2 * first.credits, who=email("alice"), now=now)
    quotes = {name: [quote_for(team.acme, team.support, now) for _ in range(3)] for name in ("bob", "zoe")}
    order = partial(runs.order_run, organisation=team.acme, now=now)
    answers = at_once(
        [
            *(partial(order, quote=quote.id, who=email(name)) for name, each in quotes.items() for quote in each),
            partial(runs.cancel_run, organisation=team.acme, number=first.number, who=email("bob"), now=now),
            partial(team.approves, first, "alice"),
        ]
    )
    costs = Counter(Run.objects.exclude(status="cancelled").values_list("ordered_by", flat=True))
    assert answers[:6].count("spend_limit_reached") + answers[:6].count("done") == 6 and answers[6] == "done"
    assert costs[email("zoe")] == 2 and 1 <= costs[email("bob")] <= 2
    assert answers[:6].count("done") == sum(costs.values())
    assert audit().clean
