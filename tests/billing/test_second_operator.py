"""What one operator may not do alone waits for another."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from otai.billing import operations as billing
from otai.billing.audit import audit
from otai.billing.models import OperatorRequest, Payment
from otai.billing.operations import second_operator
from otai.billing.operations.second_operator import AlreadyDecided, SameOperator
from otai.ledger import queries as ledger
from otai.ledger.operations import GrantMade
from otai.orgs.models import Organisation, User
from otai.units import Money
from tests.billing.people import ALICE, OLGA
from tests.billing.test_commands import otai

pytestmark = pytest.mark.django_db
OTTO = "otto (operator)"


def asks(acme: Organisation, now: datetime, credits: int = 101, key: str = "g") -> Any:
    return second_operator.goodwill(organisation=acme, credits=credits, who=OLGA, why="sorry", key=key, now=now)


def available(acme: Organisation) -> int:
    return ledger.balance(acme.id).available


def test_up_to_the_limit_one_operator_gives_alone(acme: Organisation, now: datetime) -> None:
    assert isinstance(asks(acme, now, credits=100), GrantMade)
    assert available(acme) == 106


def test_above_it_nothing_is_given_until_another_approves(acme: Organisation, now: datetime) -> None:
    waits = asks(acme, now)
    assert asks(acme, now).id == waits.id, "the same click is the same request"
    assert (waits.state, available(acme)) == ("waiting", 6)
    for who in (OLGA, "Olga (desk)", "olga"):
        with pytest.raises(SameOperator):
            second_operator.approve(request=waits.id, who=who, why="me again", now=now)
    second_operator.approve(request=waits.id, who=OTTO, why="right", now=now)
    assert available(acme) == 107
    with pytest.raises(AlreadyDecided, match="approved by otto"):
        second_operator.decline(request=waits.id, who=OLGA, why="rather not", now=now)
    assert audit().findings == []


def test_a_gift_in_parts_takes_two_as_well(acme: Organisation, now: datetime) -> None:
    assert isinstance(asks(acme, now, credits=60, key="first"), GrantMade)
    waits = asks(acme, now, credits=60, key="second")
    assert isinstance(waits, OperatorRequest), "a second gift brings it above the limit"
    assert isinstance(asks(acme, now, credits=60, key="first"), GrantMade), "the same gift is the same answer"
    assert isinstance(asks(acme, now + timedelta(days=29), credits=41, key="third"), OperatorRequest)
    second_operator.approve(request=waits.id, who=OTTO, why="right", now=now)
    assert isinstance(asks(acme, now, credits=40, key="fourth"), GrantMade), "what two gave is not what one gave alone"
    assert isinstance(asks(acme, now + timedelta(days=31), credits=100, key="fifth"), GrantMade)


def test_an_organisations_gifts_are_not_anothers(acme: Organisation, globex: Organisation, now: datetime) -> None:
    for organisation in (acme, globex):
        assert isinstance(asks(organisation, now, credits=100, key="a bad week"), GrantMade)


def test_what_is_declined_is_not_done(acme: Organisation, now: datetime) -> None:
    waits = asks(acme, now)
    second_operator.decline(request=waits.id, who=OTTO, why="too much", now=now)
    with pytest.raises(AlreadyDecided):
        second_operator.approve(request=waits.id, who=OTTO, why="after all", now=now)
    assert available(acme) == 6


def test_a_large_payment_is_confirmed_by_two(acme: Organisation, now: datetime, settings: Any) -> None:
    settings.OTAI_PAYMENT_ALONE = 500
    bought = billing.buy(organisation=acme, package="50", key="b", who=ALICE, now=now).purchase
    entry: dict[str, Any] = {"reference": bought.reference, "received": Money(bought.gross_cents), "now": now}
    waits = second_operator.payment(**entry, bank_reference="TX", who=OLGA, why="statement")
    assert isinstance(waits, OperatorRequest)
    assert Payment.objects.count() == 0
    second_operator.approve(request=waits.id, who=OTTO, why="seen it", now=now)
    assert available(acme) == 56
    assert Payment.objects.get().recorded_by == f"{OLGA}, {OTTO}"
    assert audit().findings == []


def test_payments_in_parts_are_confirmed_by_two(acme: Organisation, now: datetime, settings: Any) -> None:
    settings.OTAI_PAYMENT_ALONE = 500
    bought = billing.buy(organisation=acme, package="50", key="b", who=ALICE, now=now).purchase

    def part(euros: int, entry: str) -> Any:
        return second_operator.payment(
            reference=bought.reference.lower(),
            received=Money(euros * 100),
            bank_reference=entry,
            who=OLGA,
            why="statement",
            now=now,
        )

    assert not isinstance(part(400, "TX1"), OperatorRequest)
    waits = part(101, "TX2")
    assert isinstance(waits, OperatorRequest)
    assert not isinstance(part(400, "TX1"), OperatorRequest), "recorded before: nothing changes"
    second_operator.approve(request=waits.id, who=OTTO, why="seen it", now=now)
    assert not isinstance(part(100, "TX3"), OperatorRequest), "what two confirmed is not what one confirmed alone"
    assert sum(Payment.objects.values_list("cents", flat=True)) == 601_00


def test_the_database_knows_no_approval_by_whoever_asked(acme: Organisation, now: datetime) -> None:
    asks(acme, now)
    for change, rule in (
        ("state = 'approved', decided_at = asked_at, decided_by = asked_by", "is_approved_by_another"),
        ("state = 'approved'", "is_decided_by_somebody"),
        ("kind = 'gift'", "kind_is_known"),
    ):
        with pytest.raises(IntegrityError, match=rule), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE billing_operator_request SET {change}")


def test_two_operators_at_the_desk(acme: Organisation, now: datetime, client: Client) -> None:
    olga, otto = (
        User.objects.create_superuser(name, f"{name}@vendor.example", "a long passphrase") for name in ("olga", "otto")
    )
    client.force_login(olga)
    asked = {"credits": 500, "key": "k", "why": "a bad week"}
    page = client.post(f"/desk/orgs/organisation/{acme.id}/act/goodwill/", asked, follow=True)
    assert "it waits for a second one" in page.content.decode()
    request = OperatorRequest.objects.get()
    approval = f"/desk/billing/operatorrequest/{request.id}/act/approve/"
    assert "another operator approves it" in client.post(approval, {"why": "me again"}).content.decode()
    client.force_login(otto)
    assert "500 credits" in client.get("/desk/billing/operatorrequest/").content.decode()
    assert "Approved, and done." in client.post(approval, {"why": "I agree"}, follow=True).content.decode()
    assert available(acme) == 506


def test_two_operators_at_the_command_line(acme: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = json.loads(otai("goodwill", 500, "--why", "a bad week", "--json"))
    assert (asked["state"], available(acme)) == ("waiting", 6)
    with pytest.raises(SameOperator):
        otai("approve", asked["request"], "--why", "me again")
    monkeypatch.setattr("otai.cli.billing.refunds.actor", lambda: "otto")
    assert "Approved: goodwill, asked for by olga" in otai("approve", asked["request"], "--why", "I agree")
    assert available(acme) == 506
