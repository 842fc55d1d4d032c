"""Every column of the tables of money and credits is changed by hand, one by one: the audits find it, the database
refuses it, or it is on the list of what they accept, with the reason."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction
from django.db.models import F

from otai.billing import audit_gone, queries, vies
from otai.billing import operations as billing
from otai.billing.audit import audit as billing_audit
from otai.billing.audit_gone import STAYS, STAYS_WITH_ITS_ORGANISATION, gone
from otai.billing.chain import KEPT
from otai.billing.ledger_keys import monthly_key
from otai.billing.models import (
    ChainLink,
    ClosedMonth,
    Event,
    InvoiceSeries,
    OperatorRequest,
    OperatorRequestKind,
    Payment,
    PaymentRefund,
    Purchase,
    Subscription,
    WriteOff,
)
from otai.billing.operations import balance
from otai.billing.operations.chaining import chain_new
from otai.billing.operations.refunds import refund_failed
from otai.billing.operations.vat_ids import ask_vies
from otai.ledger import operations as ledger
from otai.ledger.models import LotSource
from otai.orgs.models import Organisation
from otai.pricing.anniversary import anniversary_at
from tests.billing import books
from tests.billing.people import details
from tests.tampering import accepted_columns, is_found

pytestmark = pytest.mark.django_db

TABLES = [
    "billing.CustomPackage",
    "billing.WriteOff",
    "billing.BankEntry",
    "billing.ClosedMonth",
    "billing.OperatorRequest",
    "billing.CreditWatch",
    "billing.TopUp",
    "billing.CheckoutPage",
    "billing.BalanceDifference",
    "billing.BalanceMove",
    "billing.VatIdCheck",
    "billing.BillingDetails",
    "billing.PaymentMethod",
    "billing.GatewayCustomer",
    "billing.ChargeAttempt",
    "billing.InvoiceSeries",
    "ledger.LateCapture",
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

WITH_TRIGGERS = [
    "billing.WriteOff",
    "billing.ClosedMonth",
    "billing.Invoice",
    "billing.TierChange",
    "billing.Event",
    "billing.ChainLink",
    "ledger.Hold",
    "ledger.Transfer",
]
"""Tables whose rules PostgreSQL has in words of its own; the others have the same on either database."""

# What a comparison with the provider's balance writes: the next day's writes it again where it was changed.
COMPARED_DAILY = {"billing.BalanceMove", "billing.BalanceDifference"}


def of(table: str, columns: str) -> set[str]:
    return {f"{table}.{column}" for column in columns.split()}


ACCEPTED = {
    "the provider's name for what is waited for, or who an organisation is to it: what came is in the payments": {
        *of("billing.Purchase", "gateway_reference payments_withdrawn"),
        *of("billing.GatewayCustomer", "gateway made_at reference"),
    },
    "pages and tries at the provider: what became of them is in payments, methods and events": {
        *of("billing.CheckoutPage", "looked_at opened_by payment_reference url"),
        *of("billing.ChargeAttempt", "ended_at outcome problem"),
    },
    "what a provider, VIES or a sweep said last, for a person to read, and when it is asked again": {
        *of("billing.PaymentRefund", "problem"),
        *of("billing.PaymentMethod", "brand last_four expires_year expires_month"),
        *of("billing.VatIdCheck", "attempts next_try_at problem"),
        *of("billing.CreditWatch", "failures noticed_at stopped_fact"),
        *of("billing.TopUp", "ended_at outcome state"),
        *of("ledger.LateCapture", "reason"),
    },
    "of a difference at the provider its amounts, and what it is about, are compared anew each day": of(
        "billing.BalanceDifference", "currency found_at"
    ),
    "of a reversal that was settled: nothing is taken for it any more": of("billing.Reversal", "share_credits"),
    "until when credits are held: the sweep releases them then, and nothing else follows": of(
        "ledger.Hold", "deadline_at"
    ),
}

LEFT_OUT = {
    "billing.WebhookEvent": "news is a cause to ask the provider, and is not believed (decision 0403)",
    "billing.Notice": "a mail; what it tells of is in other tables",
    "billing.VendorKey": "opens the vendor's API; what was done with it is in the events",
    "billing.BalanceCheck": "on which days the balance was compared",
}


@pytest.fixture
def everything(acme: Organisation, globex: Organisation, fake: Any, now: datetime, monkeypatch: Any) -> Organisation:
    monkeypatch.setattr(vies, "is_asked", lambda: True)
    monkeypatch.setattr(vies, "ask", lambda vat_id: vies.ViesAnswer(True, "WAPI1", {"vatNumber": vat_id}))
    details(globex, now=now, country="FR", city="Paris", postcode="75002", vat_id="FR40303265045")
    ask_vies(now=now)
    books.packages_and_what_went_back(acme, fake, now)
    books.a_year_in_the_place_of_a_month(globex, now)
    books.what_else_is_money(acme, globex, fake, now + books.DAY)
    chain_new(now=now)
    return acme


def rows_of(model: type[models.Model]) -> list[models.Model]:
    """The last row; of orders also a year, and one that a coupon made cheaper; of what a second operator decided also
    goodwill, beside a package."""
    rows = model._default_manager.order_by("pk")
    kinds = [rows]
    if model is Purchase:
        kinds += [rows.filter(term="year"), rows.filter(coupon__isnull=False)]
    if model is OperatorRequest:
        kinds += [rows.filter(kind=OperatorRequestKind.GOODWILL)]
    found = [kind.last() for kind in kinds]
    assert None not in found, model
    return [row for row in found if row]


def test_every_column_that_is_changed_by_hand_is_found_refused_or_accepted(
    everything: Organisation, now: datetime
) -> None:
    def next_day() -> None:
        balance.compare_balances(now=now + 3 * books.DAY)

    assert not is_found()
    accepted, tables = set(), TABLES if connection.vendor == "sqlite" else WITH_TRIGGERS
    for name in tables:
        model = apps.get_model(name)
        again = {"look_again": next_day} if name in COMPARED_DAILY else {}
        for row in rows_of(model):
            accepted |= of(name, " ".join(accepted_columns(row, **again)))
    known = {column for columns in ACCEPTED.values() for column in columns if column.rpartition(".")[0] in tables}
    assert "\n".join(sorted(accepted - known)) == "", "neither found nor on the list"
    assert "\n".join(sorted(known - accepted)) == "", "on the list, and found by now"


def test_every_table_of_money_and_credits_is_changed_or_left_out_for_a_reason() -> None:
    tables = {model._meta.label for room in ("billing", "ledger") for model in apps.get_app_config(room).get_models()}
    assert tables == {*TABLES, *LEFT_OUT}


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


def test_a_gift_that_was_made_to_look_like_a_month_is_found(everything: Organisation, now: datetime) -> None:
    """By whoever counts the month too, and knows when the next one is due: a month that is not due yet, or that no
    payment brought."""
    own = Subscription.objects.get(organisation=everything)
    for number, at in ((own.months_granted + 3, now + books.DAY), (own.months_granted + 1, own.next_grant_at)):
        with transaction.atomic():
            next_at = anniversary_at(own.signed_up_at, number + 1, own.zone)
            Subscription.objects.filter(pk=own.pk).update(months_granted=number, next_grant_at=next_at)
            ledger.grant(
                organisation=everything.id,
                credits=50,
                source=LotSource.MONTHLY,
                key=monthly_key(number),
                reference="tier:pro",
                reason="a gift",
                now=at,
                price_book=queries.price_book().version,
            )
            found = {one.what for one in billing_audit().findings}
            assert "monthly credits of a paid tier came with a month that was paid" in found
            assert ("a month is granted when it is due" in found) == (at == now + books.DAY)
            transaction.set_rollback(True)


def test_a_row_that_is_taken_away_is_missed(everything: Organisation) -> None:
    """By whoever may pass over foreign keys. What a trigger keeps is refused; erased organisations miss nothing."""
    # A payment is missed by the order that it paid, where it has no event of its own.
    of_the_books = {*STAYS.values(), InvoiceSeries, WriteOff} - {Payment}
    theirs = set(STAYS_WITH_ITS_ORGANISATION.values())
    missed, missed_of_erased, refused = set(), set(), set()
    for model, found in [(model, found) for model in of_the_books | theirs for found in (missed, missed_of_erased)]:
        rows = model._default_manager.filter(pk=model._default_manager.latest("pk").pk)
        try:
            with transaction.atomic():
                if found is missed_of_erased:
                    Organisation.objects.update(closing_at=F("created_at"), closed_at=F("created_at"))
                rows._raw_delete(rows.db)
                if any(gone()):
                    found.add(model)
                transaction.set_rollback(True)
        except DatabaseError:
            refused.add(model)
    assert refused <= {ClosedMonth, WriteOff}
    assert (missed, missed_of_erased) == ((of_the_books | theirs) - refused, of_the_books - refused)
    assert not any(gone())


def without_triggers(model: type[models.Model]) -> None:
    """As somebody with full power over the database makes way."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            return
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name}")


def test_no_row_that_is_taken_away_or_was_written_before_the_chain_goes_unmissed(everything: Organisation) -> None:
    """Tries to charge, payment pages, kept methods, top-ups, the provider's movements, late captures, and debts that
    were written off when no event said so: each is in the chain, and is missed."""
    unmissed = []
    for model in KEPT:
        with transaction.atomic():
            without_triggers(model)
            rows = model._default_manager.filter(pk=model._default_manager.latest("pk").pk)
            rows._raw_delete(rows.db)
            if not any("chained" in one.what for one in gone()):
                unmissed.append(model.__name__)
            transaction.set_rollback(True)
    assert unmissed == []


def test_what_stood_before_the_chain_held_it_is_chained_from_now_on(everything: Organisation, now: datetime) -> None:
    """An installation of the version before has rows that no link names: the next housekeeping chains them."""
    without_triggers(ChainLink)
    ChainLink.objects.filter(kept_id__isnull=False).delete()
    standing = sum(model._default_manager.count() for model in KEPT)
    assert chain_new(now=now) == standing > len(KEPT)
    assert chain_new(now=now) == 0


def test_the_search_for_what_is_gone_holds_some_ids_at_a_time(everything: Organisation, monkeypatch: Any) -> None:
    monkeypatch.setattr(audit_gone, "ROWS_AT_ONCE", 3)
    asked = []

    def counted(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append(len(params or ()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(counted):
        assert not any(gone())
    assert Event.objects.filter(subject="purchase").values("subject_id").distinct().count() > 6
    assert max(asked) <= 4, "three ids, and by what they are looked for"


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
