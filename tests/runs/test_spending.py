"""Who ordered what for how much, and how much each may order in a month."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from typer.testing import CliRunner

from otai.billing.months import Month
from otai.cli.team import app
from otai.ledger import queries as ledger
from otai.orgs.actors import by_key
from otai.orgs.models import Organisation, User
from otai.orgs.operations import add_member
from otai.orgs.persons import addresses_of
from otai.runs import operations, spending
from otai.runs.models import Run, SpendLimit
from otai.runs.spending import InvalidSpendLimit, SpendLimitReached
from otai.units import MAX_CREDITS
from tests import stories
from tests.orgs.people import has_another_address
from tests.runs.guarantees import agreed

pytestmark = pytest.mark.django_db
ALICE, BOB = "alice@acme.example", "bob@acme.example"


@pytest.fixture
def acme_of_two(db: None, now: datetime) -> Organisation:
    acme = stories.acme(now)
    bob = User.objects.create_user("bob", BOB, "long enough for anybody")
    add_member(organisation=acme, user=bob, role="trainer", who="alice", now=now)
    return acme


@pytest.fixture
def data_set(acme_of_two: Organisation, tmp_path: Path, now: datetime) -> Any:
    return stories.tickets_of(acme_of_two, tmp_path, now)


def orders(organisation: Organisation, data_set: Any, who: str, now: datetime) -> Run:
    quote = stories.quote_for(organisation, data_set, now)
    return operations.order_run(organisation=organisation, quote=quote.id, who=who, now=now)


def limits(organisation: Organisation, member: str, credits: int | None, now: datetime) -> None:
    spending.set_limit(organisation=organisation, member=member, monthly_credits=credits, who=ALICE, now=now)


def test_an_order_beyond_the_months_limit_is_refused_and_holds_nothing(
    acme_of_two: Organisation, data_set: Any, now: datetime
) -> None:
    cost = orders(acme_of_two, data_set, BOB, now).credits
    limits(acme_of_two, "Bob@Acme.example", 2 * cost, now)
    orders(acme_of_two, data_set, BOB, now)
    held = ledger.balance(acme_of_two.id).held
    with pytest.raises(SpendLimitReached, match=r"\(0 of 2\)") as refused:
        orders(acme_of_two, data_set, BOB, now)
    assert refused.value.details["spent"] == 2 * cost
    assert ledger.balance(acme_of_two.id).held == held == 2 * cost
    orders(acme_of_two, data_set, ALICE, now)
    with pytest.raises(SpendLimitReached):
        orders(acme_of_two, data_set, BOB, now)
    orders(acme_of_two, data_set, BOB, now + timedelta(days=31))


def test_another_mail_address_makes_no_other_month(acme_of_two: Organisation, data_set: Any, now: datetime) -> None:
    bob = User.objects.get(email=BOB)
    limits(acme_of_two, BOB, orders(acme_of_two, data_set, BOB, now).credits, now)
    for address in ("robert@acme.example", "bobby@acme.example", BOB):
        has_another_address(bob, address, now)
        with pytest.raises(SpendLimitReached):
            orders(acme_of_two, data_set, address, now)
    month = Month.at(now, acme_of_two.zone)
    assert spending.ordered(acme_of_two, month=month) == [spending.Ordered(BOB, 1, 1, 1)], "his own again"
    has_another_address(bob, "robert@acme.example", now)
    limits(acme_of_two, "robert@acme.example", 2, now)
    orders(acme_of_two, data_set, "robert@acme.example", now)
    assert spending.ordered(acme_of_two, month=month) == [spending.Ordered("robert@acme.example", 2, 2, 2)], "one row"
    User.objects.create_user("another", BOB, "long enough for anybody")
    assert addresses_of("bobby@acme.example") == ("robert@acme.example", "bobby@acme.example")
    assert addresses_of(BOB) == (BOB,), "who has it now did nothing of that"


def test_what_was_cancelled_is_not_counted(acme_of_two: Organisation, data_set: Any, now: datetime) -> None:
    first = orders(acme_of_two, data_set, BOB, now)
    limits(acme_of_two, "", first.credits, now)
    with pytest.raises(SpendLimitReached):
        orders(acme_of_two, data_set, BOB, now)
    operations.cancel_run(organisation=acme_of_two, number=first.number, who=BOB, now=now)
    orders(acme_of_two, data_set, BOB, now)
    month = Month.at(now, acme_of_two.zone)
    assert [(one.who, one.runs, one.limit) for one in spending.ordered(acme_of_two, month=month)] == [
        (BOB, 1, first.credits)
    ]
    with pytest.raises(SpendLimitReached):
        orders(acme_of_two, data_set, BOB.upper(), now)  # one person, however they write their address


def test_ones_own_limit_counts_before_that_for_everybody(
    acme_of_two: Organisation, data_set: Any, now: datetime
) -> None:
    limits(acme_of_two, "", 0, now)
    limits(acme_of_two, BOB, 100, now)
    orders(acme_of_two, data_set, BOB, now)
    with pytest.raises(SpendLimitReached):
        orders(acme_of_two, data_set, "nightly import (API key k3m9pq2x)", now)
    limits(acme_of_two, "", None, now)
    # Written down by a release before, and by this one: one program.
    orders(acme_of_two, data_set, "nightly import (API key k3m9pq2x)", now)
    orders(acme_of_two, data_set, by_key("nightly import", "k3m9pq2x"), now)
    assert [one.runs for one in spending.ordered(acme_of_two, month=Month.at(now, acme_of_two.zone))] == [2, 1]


def test_a_refusal_says_what_is_left_and_until_when(acme_of_two: Organisation, data_set: Any, now: datetime) -> None:
    cost = orders(acme_of_two, data_set, BOB, now).credits
    for most, left in ((cost, 0), (cost - 1, 0)):
        limits(acme_of_two, BOB, most, now)
        with pytest.raises(SpendLimitReached) as refused:
            spending.require_within_limit(acme_of_two, who="Bob@acme.example", credits=1, now=now)
        said = {"credits": 1, "most": most, "spent": cost, "left": left, "who": "Bob@acme.example"}
        assert (refused.value.case, refused.value.details) == ("month", {**said, "begins": "2026-12-01"})
    limits(acme_of_two, BOB, cost + 5, now)
    spending.require_within_limit(acme_of_two, who=BOB, credits=5, now=now)
    with pytest.raises(SpendLimitReached) as refused:
        spending.require_within_limit(acme_of_two, who=BOB, credits=6, now=now)
    assert refused.value.details["left"] == 5


def test_a_month_is_one_where_the_organisation_is_and_counts_what_is_its_own(
    acme_of_two: Organisation, data_set: Any, now: datetime, tmp_path: Path
) -> None:
    """Berlin; November begins and ends there, and neither Carol's order nor an included run is of it."""
    zone = acme_of_two.zone
    begins, ends = datetime(2026, 11, 1, tzinfo=zone), datetime(2026, 12, 1, tzinfo=zone)
    second = timedelta(seconds=1)
    times = [begins - second, begins, now, ends - second, ends]
    runs = [orders(acme_of_two, data_set, who, now) for who in (ALICE, BOB, ALICE, BOB, BOB)]
    for run, at in zip(runs, times, strict=True):
        Run.objects.filter(id=run.id).update(ordered_at=at)
    globex = stories.globex(now)
    orders(globex, stories.tickets_of(globex, tmp_path, now), "carol@globex.example", now)
    many = stories.write_tickets(tmp_path / "many.csv", tickets=300)
    enough = stories.import_tickets(organisation=acme_of_two, name="many", source=many, now=now)
    agreed(acme_of_two, enough, now)
    quote = stories.quote_for(acme_of_two, enough, now)
    operations.order_included_run(organisation=acme_of_two, quote=quote.id, who=BOB, now=now)
    operations.cancel_run(organisation=acme_of_two, number=runs[2].number, who=ALICE, now=now)
    cost = runs[0].credits
    november = Month(2026, 11)
    limits(acme_of_two, BOB, 5, now)
    limits(acme_of_two, "", 9, now)
    limits(globex, "", 1, now)
    assert [one.member for one in spending.limits(acme_of_two)] == ["", BOB]
    assert spending.ordered(acme_of_two, month=november) == [spending.Ordered(BOB, 2, 2 * cost, 5)]
    of_month = spending.orders(acme_of_two, month=november)
    assert [(one.run.number, one.counts, one.credits) for one in of_month] == [
        (runs[3].number, True, cost),
        (runs[2].number, False, 0),
        (runs[1].number, True, cost),
    ]
    header, *lines = spending.spreadsheet(acme_of_two, month=november).splitlines()
    assert header == "run,ordered_at,ordered_by,model,tickets,mode,delivery,state,credits,counted"
    said = f"support,{data_set},basic,standard"
    assert lines == [
        f"{runs[3].number},2026-11-30T23:59:59+01:00,{BOB},{said},queued,{cost},{cost}",
        f"{runs[2].number},2026-11-02T10:30:00+01:00,{ALICE},{said},cancelled,{cost},0",
        f"{runs[1].number},2026-11-01T00:00:00+01:00,{BOB},{said},queued,{cost},{cost}",
    ]


@pytest.mark.usefixtures("server_far_east")
def test_a_limit_holds_to_the_months_last_second_where_the_organisation_is(
    acme_of_two: Organisation, data_set: Any, now: datetime
) -> None:
    """In Berlin it is still November; where the server stands December began hours ago."""
    last_second = datetime(2026, 12, 1, tzinfo=acme_of_two.zone) - timedelta(seconds=1)
    cost = orders(acme_of_two, data_set, BOB, last_second).credits
    limits(acme_of_two, BOB, cost, now)
    with pytest.raises(SpendLimitReached) as refused:
        orders(acme_of_two, data_set, BOB, last_second)
    assert refused.value.details["begins"] == "2026-12-01"
    assert orders(acme_of_two, data_set, BOB, last_second + timedelta(seconds=1)).credits == cost


def test_whoever_ordered_most_comes_first(acme_of_two: Organisation, data_set: Any, now: datetime) -> None:
    runs = [orders(acme_of_two, data_set, who, now) for who in ("zoe", BOB.upper(), "carl", "zoe", BOB)]
    cost = runs[0].credits
    found = spending.ordered(acme_of_two, month=Month(2026, 11))
    assert [(one.who, one.runs, one.credits, one.limit) for one in found] == [
        (BOB.upper(), 2, 2 * cost, None),
        ("zoe", 2, 2 * cost, None),
        ("carl", 1, cost, None),
    ]


@pytest.mark.parametrize(("member", "credits"), [("carol@globex.example", 5), ("", -1), ("", 10**12)])
def test_what_is_no_limit_is_refused(acme_of_two: Organisation, now: datetime, member: str, credits: int) -> None:
    with pytest.raises(InvalidSpendLimit) as refused:
        limits(acme_of_two, member, credits, now)
    bounds = (
        {"member": member, "field": "member"} if credits == 5 else {"most": MAX_CREDITS, "field": "monthly_credits"}
    )
    assert (refused.value.case, refused.value.details) == ("member" if credits == 5 else "credits", bounds)
    assert SpendLimit.objects.count() == 0


def test_a_limit_is_its_own_organisations_and_its_changes_are_remembered(
    acme_of_two: Organisation, now: datetime
) -> None:
    globex = stories.globex(now)
    for organisation, credits in ((globex, 9), (acme_of_two, 9), (acme_of_two, 9), (acme_of_two, 4)):
        limits(organisation, "", credits, now)
    assert [spending.limit_of(one, BOB) for one in (globex, acme_of_two)] == [9, 4]
    told = [event.details for event in spending.changes(acme_of_two)]
    assert told == [{"before": 9, "after": 4}, {"before": None, "after": 9}]


def test_a_member_has_one_limit(acme_of_two: Organisation, now: datetime) -> None:
    for credits in (5, 7):
        limits(acme_of_two, BOB, credits, now)
    (only,) = SpendLimit.objects.all()
    assert only.monthly_credits == 7
    with pytest.raises(IntegrityError), transaction.atomic():
        SpendLimit.objects.create(organisation=acme_of_two, member=BOB, monthly_credits=1, set_by=ALICE, set_at=now)


def test_limits_are_set_and_spending_is_read_by_command(
    acme_of_two: Organisation, data_set: Any, now: datetime
) -> None:
    orders(acme_of_two, data_set, BOB, now)

    def otai(*words: str) -> str:
        done = CliRunner().invoke(app, [*words, "--org", acme_of_two.slug], env={"COLUMNS": "200"})
        assert done.exit_code == 0, done.output
        return done.output

    assert "20 credits a month" in otai("limit", "20", "--member", BOB)
    (spent,) = json.loads(otai("spending", "--month", f"{now:%Y-%m}", "--json"))
    assert (spent["who"], spent["runs"], spent["limit"]) == (BOB, 1, 20)
    assert "no limit" in otai("limit", "0", "--member", BOB, "--none")
    assert SpendLimit.objects.count() == 0
