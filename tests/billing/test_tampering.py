"""Every column of the tables of money and credits is changed by hand, one by one: the audits find it, the database
refuses it, or it is on the list of what they accept, with the reason."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, models, transaction

from otai.billing import operations as billing
from otai.billing.audit import audit as billing_audit
from otai.billing.models import CouponFor, PaymentRefund, Purchase
from otai.billing.operations.chaining import chain_new
from otai.billing.operations.coupons import CouponTerms
from otai.billing.operations.refunds import refund_failed
from otai.billing.testing import GOOD_CARD
from otai.ledger import operations as ledger
from otai.ledger.audit import audit as ledger_audit
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from tests.billing.people import ALICE, OLGA

pytestmark = pytest.mark.django_db

TABLES = [
    "billing.Purchase",
    "billing.Coupon",
    "billing.Payment",
    "billing.PaymentRefund",
    "billing.Reversal",
    "billing.BroughtLot",
    "billing.Taking",
    "billing.Invoice",
    "billing.Subscription",
    "billing.TierChange",
    "billing.Event",
    "billing.ChainLink",
    "ledger.Account",
    "ledger.Lot",
    "ledger.Hold",
    "ledger.Transfer",
]

ACCEPTED = {
    # The provider's name for the payment that is waited for, and how many were given up: what came is in the payments.
    "ways": {"billing.Purchase.gateway_reference", "billing.Purchase.payments_withdrawn"},
    # What a provider last said of a refund, for a person to read.
    "wording": {"billing.PaymentRefund.problem"},
    # Until when a run's credits are held: the sweep releases them after it, and nothing else follows.
    "times": {"ledger.Hold.deadline_at"},
}


def changed(field: models.Field[Any, Any], value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, datetime):
        return value - timedelta(days=40)
    if isinstance(value, date):
        return value - timedelta(days=40)
    if isinstance(value, uuid.UUID):
        return uuid.uuid4()
    if isinstance(value, bytes | memoryview):
        return b"\0" * 32
    if isinstance(value, dict | list):
        return {"changed": True}
    choices = [choice for choice, _ in field.choices or () if choice != value]
    if choices:
        return choices[-1]
    return (
        "other"
        if value
        else {"CharField": "x", "DateTimeField": datetime(2026, 1, 1, tzinfo=UTC)}.get(type(field).__name__)
    )


@pytest.fixture
def everything(acme: Organisation, fake: Any, now: datetime) -> Organisation:
    card: dict[str, Any] = {"organisation": acme, "who": ALICE, "now": now, "gateway": "fake"}
    card["payment_method"] = GOOD_CARD
    billing.change_tier(tier=Tier.PRO, **card)
    terms = CouponTerms(
        what=CouponFor.PACKAGE,
        valid_from_at=now,
        valid_until_at=now + timedelta(days=9),
        percent=10,
        most_uses=5,
        once_each=False,
    )
    billing.make_coupon(code="WELCOME", terms=terms, who=OLGA, why="the fair", now=now)
    less = {**card, "coupon": "WELCOME"}
    refunded, disputed = (billing.buy(package="50", key=key, **less).purchase for key in ("one", "two"))
    billing.withdraw_coupon(code="WELCOME", who=OLGA, why="the fair is over", now=now)
    billing.refund_payment(reference=refunded.reference, who=OLGA, why="refund", now=now, credits=5)
    billing.give_goodwill(organisation=acme, credits=3, who=OLGA, why="sorry", key="g", now=now)
    held = ledger.place_hold(
        organisation=acme.id,
        credits=120,
        key="run",
        reference="run",
        reason="run",
        now=now,
        deadline_at=now + timedelta(days=1),
    )
    ledger.capture(organisation=acme.id, hold=held.hold, key="run:c", reason="run", now=now)
    fake.dispute(disputed.gateway_reference, cents=300_00)
    billing.book_reversals(disputed.id, fake.reversals(disputed.gateway_reference), who="fake", now=now)
    fake.dispute(disputed.gateway_reference, cents=300_00, verdict="lost")
    billing.book_reversals(disputed.id, fake.reversals(disputed.gateway_reference), who="fake", now=now)
    chain_new(now=now)
    return acme


def is_found() -> bool:
    return bool(billing_audit().findings) or not ledger_audit().clean


def test_every_column_that_is_changed_by_hand_is_found_refused_or_accepted(everything: Organisation) -> None:
    assert not is_found()
    accepted = set()
    for name in TABLES:
        model = apps.get_model(name)
        row = model._default_manager.order_by("pk").last()
        assert row is not None, name
        for field in model._meta.concrete_fields:
            if field.primary_key or field.is_relation:
                continue
            value = changed(field, getattr(row, field.attname))
            if value is None:
                continue
            try:
                with transaction.atomic():
                    model._default_manager.filter(pk=row.pk).update(**{field.attname: value})
                    try:
                        found = is_found()
                    except Exception:  # noqa: BLE001 -- an audit that cannot read a row has found it
                        found = True
                    transaction.set_rollback(True)
            except DatabaseError:
                continue
            if not found:
                accepted.add(f"{name}.{field.name}")
    known = set().union(*ACCEPTED.values())
    assert "\n".join(sorted(accepted - known)) == "", "neither found nor on the list"
    assert "\n".join(sorted(known - accepted)) == "", "on the list, and found by now"


def test_what_the_audits_were_blind_to_is_found(everything: Organisation, now: datetime) -> None:
    """5 000 "monthly" credits for Community, goodwill without its event, a purchase that says it was paid back."""

    def gift(source: str, reference: str) -> None:
        ledger.grant(
            organisation=everything.id,
            credits=5000,
            source=source,  # type: ignore[arg-type]
            key=f"gift {source}",
            reference=reference,
            reason="gift",
            now=now,
            price_book="2026-11c",
        )

    for source, reference in (("monthly", "tier:community"), ("goodwill", "goodwill"), ("initial", "tier:pro")):
        with transaction.atomic():
            gift(source, reference)
            assert billing_audit().findings, source
            transaction.set_rollback(True)
    with transaction.atomic():
        Purchase.objects.filter(status="refunded").update(status="paid")
        assert billing_audit().findings
        transaction.set_rollback(True)


def test_a_refund_that_waits_for_its_provider_is_no_finding(everything: Organisation, fake: Any, now: datetime) -> None:
    refund = PaymentRefund.objects.get()
    fake.refund_fails(refund.gateway_reference)
    refund_failed(gateway_reference=refund.gateway_reference, why="account closed", now=now)
    fake.account.is_down = True
    assert billing.send(refund.id, now=now).problem != "account closed", "what is told is the latest"
    assert billing_audit().findings == []
    fake.account.is_down = False
    assert billing.send(refund.id, now=now).state == "confirmed"
    assert billing_audit().findings == []
