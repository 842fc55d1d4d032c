"""Acme is suspended: Alice reads, nothing is ordered, and what was paid for comes when it is resumed."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.audit import audit
from otai.billing.models import Event, Notice, Purchase, Subscription
from otai.billing.operations import topups
from otai.billing.operations.events import WhoAndWhyMissing
from otai.billing.operations.notices import compose
from otai.billing.testing import GOOD_CARD
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.orgs.suspension import OrganisationSuspended, is_suspended
from otai.pricing.price_book import Tier
from otai.runs import operations as runs
from tests import stories
from tests.billing.people import ALICE, OLGA, transfer

pytestmark = pytest.mark.django_db


WHY, SETTLED = "The contract is being settled.", "It is settled."


def suspended(acme: Organisation, now: datetime) -> Organisation:
    return billing.suspend(organisation=acme, who=OLGA, why=WHY, now=now)


def resumed(acme: Organisation, now: datetime) -> Organisation:
    return billing.resume(organisation=acme, who=OLGA, why=SETTLED, now=now)


def available(acme: Organisation) -> int:
    return ledger.balance(acme.id).available


def test_nothing_is_ordered_and_what_was_ordered_stays(acme: Organisation, now: datetime, tmp_path: Path) -> None:
    support = stories.tickets_of(acme, tmp_path, now)
    first, second = (stories.quote_for(acme, support, now) for _ in range(2))
    ordered = runs.order_run(organisation=acme, quote=first.id, who=ALICE, now=now)
    open_order = billing.buy(organisation=acme, package="10", key="before", who=ALICE, now=now).purchase
    suspended(acme, now)
    refused: list[Any] = [
        lambda: runs.order_run(organisation=acme, quote=second.id, who=ALICE, now=now),
        lambda: billing.buy(organisation=acme, package="10", key="after", who=ALICE, now=now),
        lambda: billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=now),
    ]
    for order in refused:
        with pytest.raises(OrganisationSuspended, match="The contract is being settled"):
            order()
    transfer(open_order, now)
    assert available(acme) == 6 - ordered.credits + 10, "who owed for an order can pay it"
    assert runs.order_run(organisation=acme, quote=first.id, who=ALICE, now=now) == ordered
    resumed(acme, now)
    assert refused[0]().number == ordered.number + 1
    assert audit().findings == []


def test_the_customer_is_told_by_mail_and_on_every_page(acme: Organisation, now: datetime) -> None:
    suspended(acme, now)
    suspended(acme, now + timedelta(days=1))
    acme.refresh_from_db()
    [warning] = [one for one in queries.warnings(acme) if one.code == "suspended"]
    assert "The contract is being settled." in warning.message
    resumed(acme, now)
    told = [compose(notice) for notice in Notice.objects.order_by("made_at", "id")]
    assert {mail.subject for mail in told} == {"Acme Ltd is suspended", "Acme Ltd can order again"}
    assert [mail.body.count(why) for mail, why in zip(told, (WHY, SETTLED), strict=True)] == [1, 1]
    events = Event.objects.filter(subject="organisation", organisation=acme).order_by("id")
    assert list(events.values_list("subject_id", "move", "who", "why", "at")) == [
        (str(acme.id), "suspended", OLGA, WHY, now),
        (str(acme.id), "resumed", OLGA, SETTLED, now),
    ]
    with pytest.raises(WhoAndWhyMissing):
        billing.suspend(organisation=acme, who=OLGA, why="", now=now)


def test_days_of_a_free_tier_bring_nothing_meanwhile(acme: Organisation, now: datetime) -> None:
    suspended(acme, now + timedelta(days=1))
    billing.sweep_grants(now=now + timedelta(days=70))
    assert available(acme) == 6
    resumed(acme, now + timedelta(days=70))
    assert available(acme) == 6
    billing.sweep_grants(now=now + timedelta(days=100))
    assert available(acme) == 8, "the next month is as every month"
    assert audit().findings == []


def test_another_customer_goes_on(acme: Organisation, globex: Organisation, now: datetime) -> None:
    suspended(globex, now + timedelta(days=1))
    assert (is_suspended(globex.id), is_suspended(acme.id)) == (True, False)
    billing.sweep_grants(now=now + timedelta(days=40))
    assert (available(globex), available(acme)) == (6, 8)


def test_a_grant_that_was_due_before_is_made_when_it_ends(acme: Organisation, now: datetime) -> None:
    suspended(acme, now + timedelta(days=40))
    resumed(acme, now + timedelta(days=41))
    assert available(acme) == 8


def test_credits_of_a_paid_month_wait_and_come(acme: Organisation, now: datetime) -> None:
    begun = now + timedelta(days=15)
    billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=begun)
    transfer(Purchase.objects.get(), begun)
    suspended(acme, begun + timedelta(days=1))
    billing.sweep_grants(now=begun + timedelta(days=20))
    assert available(acme) == 100
    resumed(acme, begun + timedelta(days=25))
    assert available(acme) == 150
    assert audit().findings == []


def test_no_month_is_charged_and_the_tier_falls_as_for_whoever_does_not_pay(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    card: dict[str, Any] = {"gateway": "fake", "payment_method": GOOD_CARD}
    billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=now, **card)
    suspended(acme, now + timedelta(days=1))
    for days in (32, 40):
        billing.sweep_subscriptions(now=now + timedelta(days=days))
    assert Purchase.objects.count() == 1
    assert Subscription.objects.get().status == "unpaid"
    back = resumed(acme, now + timedelta(days=40))
    assert Subscription.objects.get().grace_until_at == now + timedelta(days=40) + queries.price_book().payment_grace
    suspended(back, now + timedelta(days=41))
    billing.sweep_subscriptions(now=now + timedelta(days=60))
    assert (Subscription.objects.get().tier, Purchase.objects.count()) == ("community", 1)
    assert audit().findings == []


def test_no_top_up_is_bought(acme: Organisation, fake: Any, now: datetime) -> None:
    topups.set_top_up(
        organisation=acme,
        below=100,
        package="10",
        monthly_limit=queries.price_book().packages[0].price,
        gateway="fake",
        payment_method=GOOD_CARD,
        who=ALICE,
        now=now,
    )
    assert topups.watch_credits(now=now).announced == 1
    suspended(acme, now)
    report = topups.watch_credits(now=now + timedelta(minutes=20))
    assert (report.announced, report.charged, Purchase.objects.count()) == (0, 0, 0)
    assert not Notice.objects.filter(template="top_up_failed")
