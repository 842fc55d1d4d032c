"""Each rule of billing that the database itself keeps, and an attempt in plain SQL to break it, NULL included."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from otai.billing import operations as billing
from otai.billing.gateway import MoveKind
from otai.billing.models import (
    BankEntry,
    ChargeAttempt,
    ClosedMonth,
    CreditWatch,
    PaymentMethod,
    Purchase,
    Reversal,
    TopUp,
    VatIdCheck,
    WebhookEvent,
    WriteOff,
)
from otai.billing.operations import topups, webhooks
from otai.billing.operations.balance import compare_balances
from otai.billing.testing import GOOD_CARD, SLOW_DEBIT
from otai.db import new_id
from otai.ledger import operations as ledger_operations
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.units import Money
from tests.billing.people import ALICE, OLGA, globex_signs_up

pytestmark = pytest.mark.django_db

SUBSCRIPTION = "billing_subscription"
PURCHASE = "billing_purchase"
NEW_ID = "'0192f7a0-0000-7000-8000-0000000000ff'"

CLOSED_MONTH = (
    f"INSERT INTO billing_closed_month (id, content, closed_at, year, month, sha256, closed_by) SELECT {NEW_ID}, "
    "content, closed_at, {}, {} FROM billing_closed_month"
)
WRITE_OFF = (
    f"INSERT INTO billing_write_off (id, organisation_id, purchase_id, reversal_id, net_cents, vat_cents, currency, "
    f"written_off_at, written_off_by, gross_cents, reason) SELECT {NEW_ID}, organisation_id, purchase_id, reversal_id, "
    "net_cents, vat_cents, currency, written_off_at, written_off_by, {}, {} FROM billing_write_off"
)
MOMENT = "2026-11-02 09:30:00+00:00"

BROKEN = {
    "billing_closed_month_is_closed_once": [CLOSED_MONTH.format("year, month", "'a', 'b'")],
    "billing_closed_month_is_a_month": [CLOSED_MONTH.format("year, 13", "'a', 'b'")],
    "billing_closed_month_says_who": [
        CLOSED_MONTH.format("year + 1, month", "'', 'b'"),
        CLOSED_MONTH.format("year + 1, month", "'a', ''"),
    ],
    "billing_bank_entry_is_imported_once": ["UPDATE billing_bank_entry SET reference = 'same'"],
    "billing_bank_entry_has_an_amount": ["UPDATE billing_bank_entry SET cents = 0"],
    "billing_bank_entry_has_a_reference": ["UPDATE billing_bank_entry SET reference = '' WHERE reference = 'a'"],
    "billing_bank_entry_is_matched_with_a_purchase": [
        "UPDATE billing_bank_entry SET state = 'matched', decided_by = 'x', reason = 'y'",
        "UPDATE billing_bank_entry SET state = 'lost', decided_by = 'x', reason = 'y'",
    ],
    "billing_bank_entry_says_who_decided_and_why": ["UPDATE billing_bank_entry SET state = 'dismissed'"],
    "billing_vat_id_check_one_waits": ["UPDATE billing_vat_id_check SET vat_id = 'same'"],
    "billing_vat_id_check_has_an_answer_when_answered": [
        "UPDATE billing_vat_id_check SET state = 'valid'",
        "UPDATE billing_vat_id_check SET answered_at = wanted_at",
    ],
    "billing_write_off_gross_is_net_plus_vat": [WRITE_OFF.format("gross_cents + 1", "reason")],
    "billing_write_off_says_who_and_why": [WRITE_OFF.format("gross_cents", "''")],
    # constraint: statements that break it
    "billing_gateway_customer_one_for_each_organisation": [
        "INSERT INTO billing_gateway_customer (id, organisation_id, gateway, reference, made_at) SELECT "
        f"{NEW_ID}, organisation_id, gateway, 'another', made_at FROM billing_gateway_customer"
    ],
    "billing_gateway_customer_is_of_one": [
        "INSERT INTO billing_gateway_customer (id, organisation_id, gateway, reference, made_at) SELECT "
        f"{NEW_ID}, o.id, c.gateway, c.reference, c.made_at FROM billing_gateway_customer c, orgs_organisation o "
        "WHERE o.id <> c.organisation_id"
    ],
    "billing_gateway_customer_has_a_name": ["UPDATE billing_gateway_customer SET reference = ''"],
    "billing_payment_method_is_kept_once": [
        "UPDATE billing_payment_method SET reference = (SELECT min(reference) FROM billing_payment_method)"
    ],
    "billing_payment_method_has_a_name": [
        "UPDATE billing_payment_method SET reference = '' WHERE removed_at IS NULL",
        "UPDATE billing_payment_method SET external_id = ''",
    ],
    "billing_checkout_page_is_stored_once": [
        "UPDATE billing_checkout_page SET reference = (SELECT min(reference) FROM billing_checkout_page)"
    ],
    "billing_checkout_page_one_open_for_each_purchase": [
        "UPDATE billing_checkout_page SET purchase_id = (SELECT purchase_id FROM billing_checkout_page "
        "WHERE purchase_id IS NOT NULL LIMIT 1)"
    ],
    "billing_checkout_page_state_is_known": [
        "UPDATE billing_checkout_page SET state = 'lost', ended_at = opened_at, url = ''"
    ],
    "billing_checkout_page_has_ended_exactly_when_not_open": [
        "UPDATE billing_checkout_page SET state = 'complete'",
        "UPDATE billing_checkout_page SET ended_at = opened_at",
        "UPDATE billing_checkout_page SET state = 'expired', ended_at = opened_at WHERE url <> ''",
    ],
    "billing_checkout_page_has_a_name": ["UPDATE billing_checkout_page SET reference = ''"],
    "billing_balance_move_is_stored_once": ["UPDATE billing_balance_move SET external_id = 'fm_1'"],
    "billing_balance_move_kind_is_known": ["UPDATE billing_balance_move SET kind = 'gift'"],
    "billing_balance_move_has_a_name": ["UPDATE billing_balance_move SET external_id = '' WHERE external_id = 'fm_1'"],
    "billing_balance_check_is_made_once_a_day": [
        "UPDATE billing_balance_check SET day = (SELECT min(day) FROM billing_balance_check)"
    ],
    "billing_balance_difference_stands_once": ["UPDATE billing_balance_difference SET what = 'x', subject = 'y'"],
    "billing_chain_link_is_of_one_row": [
        f"INSERT INTO billing_chain_link (seq, kept_table, hash, chained_at) SELECT 1000, '{table}', 'x', '{MOMENT}'"
        for table in ("", "billing_top_up")
    ],
    "billing_chain_link_keeps_a_row_once": [
        "INSERT INTO billing_chain_link (seq, kept_table, kept_id, hash, chained_at) "
        f"SELECT seq, 'billing_top_up', id, 'x', '{MOMENT}' "
        "FROM billing_top_up, (SELECT 1000 AS seq UNION SELECT 1001) AS places"
    ],
    "billing_chain_link_counts_from_one": [
        f"INSERT INTO billing_chain_link (seq, event_id, kept_table, hash, chained_at) "
        f"SELECT 0, max(id), '', 'x', '{MOMENT}' "
        "FROM billing_event"
    ],
    "billing_balance_difference_is_explained_by_somebody": [
        "UPDATE billing_balance_difference SET explained_by = 'olga'",
        "UPDATE billing_balance_difference SET explained_at = found_at",
    ],
    "billing_charge_attempt_is_made_once": ["UPDATE billing_charge_attempt SET number = 1"],
    "billing_charge_attempt_has_an_outcome_when_ended": [
        "UPDATE billing_charge_attempt SET outcome = 'failed'",
        "UPDATE billing_charge_attempt SET ended_at = tried_at",
    ],
    "billing_charge_attempt_counts_from_one": ["UPDATE billing_charge_attempt SET number = 0 WHERE number = 1"],
    "billing_subscription_tier_is_known": [f"UPDATE {SUBSCRIPTION} SET tier = 'platinum'"],
    "billing_subscription_status_is_known": [f"UPDATE {SUBSCRIPTION} SET status = 'asleep'"],
    "billing_subscription_is_paid_until_a_time_unless_free": [
        f"UPDATE {SUBSCRIPTION} SET paid_until_at = NULL WHERE status = 'paid'",
        f"UPDATE {SUBSCRIPTION} SET billing_anchor_at = NULL WHERE status = 'paid'",
        f"UPDATE {SUBSCRIPTION} SET status = 'paid' WHERE status = 'free'",
    ],
    "billing_subscription_has_a_grace_exactly_while_unpaid": [
        f"UPDATE {SUBSCRIPTION} SET status = 'unpaid' WHERE status = 'paid'",
        f"UPDATE {SUBSCRIPTION} SET grace_until_at = paid_until_at WHERE status = 'paid'",
    ],
    "billing_subscription_names_another_tier_exactly_while_ending": [
        f"UPDATE {SUBSCRIPTION} SET status = 'ending' WHERE status = 'paid'",
        f"UPDATE {SUBSCRIPTION} SET status = 'ending', next_tier = tier WHERE status = 'paid'",
        f"UPDATE {SUBSCRIPTION} SET next_tier = 'community' WHERE status = 'paid'",
    ],
    "billing_subscription_renews_by_the_month_or_the_year": [
        f"UPDATE {SUBSCRIPTION} SET renewal_term = 'week'",
        f"UPDATE {SUBSCRIPTION} SET renewal_term = 'year' WHERE status = 'free'",
    ],
    "billing_purchase_of_a_tier_is_for_a_month_or_a_year": [
        f"UPDATE {PURCHASE} SET term = 'year' WHERE kind = 'package'",
        f"UPDATE {PURCHASE} SET term = '' WHERE kind = 'subscription'",
        f"UPDATE {PURCHASE} SET term = 'week' WHERE kind = 'subscription'",
    ],
    "billing_purchase_carries_over_only_in_the_place_of_another": [
        f"UPDATE {PURCHASE} SET carried_cents = 1 WHERE deducted_cents IS NULL",
        f"UPDATE {PURCHASE} SET carried_cents = 1, deducted_cents = 1 WHERE paid_at IS NULL",
    ],
    "billing_tier_change_tier_is_known": [
        "INSERT INTO billing_tier_change (organisation_id, tier, effective_at, recorded_at, who, why) SELECT "
        "organisation_id, 'platinum', effective_at, recorded_at, who, why FROM billing_tier_change"
    ],
    "billing_tier_change_says_who_and_why": [
        "INSERT INTO billing_tier_change (organisation_id, tier, effective_at, recorded_at, who, why) SELECT "
        "organisation_id, tier, effective_at, recorded_at, '', why FROM billing_tier_change"
    ],
    "billing_details_are_complete": [
        "UPDATE billing_details SET name = ''",
        "UPDATE billing_details SET country = ''",
        "UPDATE billing_details SET email = ''",
    ],
    "billing_event_says_who_and_what": [
        "INSERT INTO billing_event (subject, subject_id, at, move, who, why, details) SELECT subject, subject_id, at, "
        "move, '', why, details FROM billing_event"
    ],
    "billing_custom_package_code_is_used_once": [
        "UPDATE billing_custom_package SET code = 'same'",
    ],
    "billing_custom_package_has_credits_and_a_price": [
        "UPDATE billing_custom_package SET credits = 0",
        "UPDATE billing_custom_package SET price_cents = 0",
    ],
    "billing_custom_package_says_who_and_why": ["UPDATE billing_custom_package SET reason = ''"],
    "billing_purchase_key_is_used_once": [f"UPDATE {PURCHASE} SET key = 'one'"],
    "billing_purchase_gateway_reference_is_used_once": [
        f"UPDATE {PURCHASE} SET gateway_reference = 'same', gateway = 'fake'"
    ],
    "billing_purchase_status_is_known": [f"UPDATE {PURCHASE} SET status = 'lost'"],
    "billing_purchase_gross_is_net_plus_vat": [f"UPDATE {PURCHASE} SET vat_cents = vat_cents + 1"],
    "billing_purchase_costs_at_least_a_cent": [f"UPDATE {PURCHASE} SET net_cents = 0, vat_cents = 0, gross_cents = 0"],
    "billing_purchase_is_of_credits_or_of_a_tier": [
        f"UPDATE {PURCHASE} SET credits = 0 WHERE kind = 'package'",
        f"UPDATE {PURCHASE} SET tier = 'pro' WHERE kind = 'package'",
        f"UPDATE {PURCHASE} SET tier = '' WHERE kind = 'subscription'",
        f"UPDATE {PURCHASE} SET kind = 'gift' WHERE paid_at IS NULL",
    ],
    "billing_purchase_is_delivered_exactly_when_paid_in_full": [
        f"UPDATE {PURCHASE} SET status = 'paid' WHERE status = 'open'",
        f"UPDATE {PURCHASE} SET paid_cents = paid_cents - 1 WHERE status = 'paid'",
        f"UPDATE {PURCHASE} SET status = 'open' WHERE status = 'paid'",
        f"UPDATE {PURCHASE} SET paid_at = NULL, lot = NULL WHERE status = 'paid' AND kind = 'package'",
    ],
    "billing_purchase_has_its_lot_exactly_when_paid": [
        f"UPDATE {PURCHASE} SET lot = NULL WHERE status = 'paid' AND kind = 'package'",
        f"UPDATE {PURCHASE} SET lot = id WHERE status = 'open' AND kind = 'package'",
        f"UPDATE {PURCHASE} SET lot = id WHERE kind = 'subscription'",
    ],
    "billing_purchase_of_a_tier_has_its_month_when_paid": [
        f"UPDATE {PURCHASE} SET period_until_at = NULL WHERE kind = 'subscription'",
        f"UPDATE {PURCHASE} SET period_until_at = period_from_at WHERE kind = 'subscription'",
        f"UPDATE {PURCHASE} SET period_from_at = ordered_at WHERE kind = 'package'",
    ],
    "billing_payment_counts_once": ["UPDATE billing_payment SET gateway = 'fake', external_id = 'same'"],
    "billing_payment_is_applied_plus_surplus": [
        "UPDATE billing_payment SET applied_cents = applied_cents + 1",
        "UPDATE billing_payment SET cents = 0, applied_cents = 0, surplus_cents = 0",
    ],
    "billing_payment_returns_at_most_its_surplus": ["UPDATE billing_payment SET returned_cents = surplus_cents + 1"],
    "billing_payment_has_an_external_id": [
        "UPDATE billing_payment SET external_id = '' WHERE gateway = 'bank_transfer'"
    ],
    "billing_payment_refund_gross_is_net_plus_vat": [
        "UPDATE billing_payment_refund SET gross_cents = gross_cents + 1",
        "UPDATE billing_payment_refund SET gross_cents = 0, net_cents = 0, vat_cents = 0",
    ],
    "billing_payment_refund_is_of_credits_or_of_a_payment": [
        "UPDATE billing_payment_refund SET kind = 'surplus' WHERE kind = 'unused_credits'",
        "UPDATE billing_payment_refund SET kind = 'present'",
    ],
    "billing_payment_refund_says_who_and_why": ["UPDATE billing_payment_refund SET reason = ''"],
    "billing_payment_refund_state_is_known": ["UPDATE billing_payment_refund SET state = 'maybe'"],
    "billing_reversal_state_is_known": ["UPDATE billing_reversal SET state = 'maybe'"],
    "billing_reversal_is_decided_exactly_when_not_open": [
        "UPDATE billing_reversal SET decided_at = NULL WHERE state = 'lost'",
        "UPDATE billing_reversal SET state = 'open' WHERE state = 'lost'",
    ],
    "billing_reversal_kind_is_known": ["UPDATE billing_reversal SET kind = 'whim'"],
    "billing_reversal_takes_its_amount_or_nothing": ["UPDATE billing_reversal SET price_cents = price_cents - 1"],
    "billing_reversal_inquired_or_won_takes_nothing": [
        "UPDATE billing_reversal SET kind = 'inquiry'",
        "UPDATE billing_reversal SET state = 'won'",
    ],
    "billing_brought_lot_has_credits": ["UPDATE billing_brought_lot SET credits = 0"],
    "billing_brought_lot_source_is_known": ["UPDATE billing_brought_lot SET source = 'found'"],
    "billing_taking_is_of_credits_or_of_money": [
        "UPDATE billing_taking SET credits = 0",
        "UPDATE billing_taking SET transfer = NULL",
    ],
    "billing_reversal_settled_says_who_and_why": ["UPDATE billing_reversal SET settled_at = opened_at"],
    "billing_webhook_event_state_is_known": ["UPDATE billing_webhook_event SET state = 'maybe'"],
    "billing_webhook_event_is_stored_once": ["UPDATE billing_webhook_event SET event_id = 'same'"],
    "billing_webhook_event_has_an_id": [
        "UPDATE billing_webhook_event SET event_id = '' WHERE type = 'payment.succeeded'"
    ],
    "billing_credit_watch_top_up_is_complete": [
        "UPDATE billing_credit_watch SET payment_method = ''",
        "UPDATE billing_credit_watch SET monthly_limit_cents = 0",
        "UPDATE billing_credit_watch SET top_up_package = ''",
    ],
    "billing_credit_watch_stop_has_a_reason": [
        "UPDATE billing_credit_watch SET stopped_why = '', stopped_at = set_at",
        "UPDATE billing_credit_watch SET stopped_at = NULL, stopped_why = 'why'",
    ],
    "billing_top_up_state_is_known": ["UPDATE billing_top_up SET state = 'maybe'"],
    "billing_top_up_one_at_a_time": ["UPDATE billing_top_up SET state = 'ordered', ended_at = NULL"],
    "billing_top_up_has_an_end_exactly_when_it_ended": ["UPDATE billing_top_up SET ended_at = NULL"],
    "billing_invoice_series_is_one_a_year": ["UPDATE billing_invoice_series SET kind = 'invoice', year = 2026"],
}

INSERTED = {
    # Rows that are never updated: broken copies of them.
    "billing_invoice_number_is_used_once": {"number": "'INV-X'"},
    "billing_invoice_gross_is_net_plus_vat": {"number": "'INV-X'", "gross_cents": "gross_cents + 1"},
    "billing_invoice_credit_note_names_its_invoice": {"number": "'INV-X'", "kind": "'memo'", "sequence": "1"},
    "billing_invoice_numbers_begin_at_1": {"number": "'INV-X'", "year": "2030", "sequence": "0"},
}
ELSEWHERE = {
    # These need a second row; their own tests are below.
    "billing_payment_refund_once_for_each_payment",
    "billing_purchase_one_open_renewal_for_each_tier",
    "billing_purchase_one_open_rise_for_each_tier",
    # In test_second_operator.py.
    "billing_operator_request_kind_is_known",
    "billing_operator_request_is_decided_by_somebody",
    "billing_operator_request_is_for_one_customer_or_all",
    "billing_operator_request_is_approved_by_another",
    # In test_coupons.py.
    "billing_coupon_can_be_used",
    "billing_coupon_ends_after_it_begins",
    "billing_coupon_has_a_code",
    "billing_coupon_is_for_something_known",
    "billing_coupon_is_withdrawn_by_somebody",
    "billing_coupon_says_who_and_why",
    "billing_coupon_takes_a_share_or_an_amount",
    "billing_purchase_discount_comes_with_a_coupon",
    # In tests/api/test_vendor.py.
    "billing_vendor_key_expires_after_it_is_made",
    "billing_vendor_key_has_a_name_and_a_maker",
    "billing_vendor_key_is_revoked_by_somebody",
    "billing_vendor_key_keeps_a_hash_and_no_secret",
}


@pytest.fixture
def everything(acme: Organisation, fake: Any, now: datetime) -> Organisation:
    """One row, and where it matters two, of all that billing keeps."""

    def buy(key: str, **more: Any) -> Purchase:
        return billing.buy(organisation=acme, package="50", key=key, who=ALICE, now=now, **more).purchase

    globex_signs_up(now)
    cards = {"gateway": "fake", "payment_method": GOOD_CARD}
    buy("one")
    buy("two", **cards)
    refunded, disputed = buy("three", **cards), buy("four", **cards)
    by_bank = buy("five")
    billing.confirm_payment(
        reference=by_bank.reference, received=Money(600_00), bank_reference="TX", who=OLGA, why="bank", now=now
    )
    billing.refund_payment(reference=refunded.reference, who=OLGA, why="refund", now=now)
    for event in (fake.dispute(disputed.gateway_reference, verdict="lost"), fake.account.events[0]):
        body, headers = fake.signed(event)
        webhooks.receive(gateway="fake", body=body, headers=headers, now=now)
    for code in ("big-1", "big-2"):
        billing.offer_package(organisation=acme, code=code, credits=5, price=Money(1_00), who=OLGA, why="why", now=now)
    billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=now, **cards)
    topups.set_top_up(
        organisation=acme,
        below=9999,
        package="10",
        monthly_limit=Money(999_00),
        gateway="fake",
        payment_method=GOOD_CARD,
        who=ALICE,
        now=now,
    )
    from datetime import timedelta

    for minutes in (0, 15, 16, 31):
        topups.watch_credits(now=now + timedelta(minutes=minutes))
    for key in ("six", "seven"):
        waiting = buy(key, gateway="fake")
        billing.open_payment_page(organisation=acme, reference=waiting.reference, who=ALICE, now=now)
        for number in (1, 2):
            ChargeAttempt.objects.create(
                id=new_id(), purchase=waiting, number=number, payment_method="c:pm", tried_at=now
            )
    kept = billing.open_method_page(organisation=acme, gateway="fake", who=ALICE, now=now)
    fake.payer_pays(kept.reference, SLOW_DEBIT)
    billing.settle_page(kept, now=now)
    for cents in (1, 2):
        fake._moves(MoveKind.OTHER, cents)
    for day in (0, 1):
        compare_balances(now=now + timedelta(days=day))
    assert TopUp.objects.count() >= 2
    assert PaymentMethod.objects.count() == 2
    assert Reversal.objects.exists()
    assert WebhookEvent.objects.count() == 2
    assert CreditWatch.objects.exists()
    assert ledger_operations
    for vat_id in ("FR1", "FR2"):
        VatIdCheck.objects.create(organisation=acme, vat_id=vat_id, wanted_at=now, next_try_at=now)
    for reference in "ab":
        BankEntry.objects.create(
            account="DE",
            reference=reference,
            booked_on=now.date(),
            cents=1,
            currency="EUR",
            imported_at=now,
            imported_by=OLGA,
        )
    ClosedMonth.objects.create(year=2026, month=10, content="", sha256="a", closed_at=now, closed_by=OLGA)
    lost = {
        "net_cents": 1,
        "vat_cents": 0,
        "gross_cents": 1,
        "currency": "EUR",
        "written_off_by": OLGA,
        "reason": "gone",
    }
    WriteOff.objects.create(
        organisation=acme, purchase=disputed, reversal=disputed.reversals.get(), written_off_at=now, **lost
    )
    return acme


def test_every_constraint_has_an_attempt_to_break_it() -> None:
    named = {
        constraint.name
        for model in apps.get_app_config("billing").get_models()
        for constraint in model._meta.constraints
    }
    assert named == set(BROKEN) | set(INSERTED) | ELSEWHERE


def test_the_database_refuses_what_no_row_may_say(everything: Organisation) -> None:
    """All in one test, since the rows they break take longer to make than the attempts."""
    for constraint, statements in BROKEN.items():
        for statement in statements:
            _refused(constraint, statement)


def test_the_database_refuses_such_an_invoice(everything: Organisation) -> None:
    for constraint, changes in INSERTED.items():
        _copied(constraint, changes)


def _copied(constraint: str, changes: dict[str, str]) -> None:
    from otai.billing.models import Invoice

    fresh = "'0192f7a0-0000-7000-8000-000000000001'" if connection.vendor == "postgresql" else f"'{1:032x}'"
    columns = [field.column for field in Invoice._meta.local_fields]
    following = "(SELECT MAX(sequence) + 1 FROM billing_invoice WHERE kind = 'invoice')"
    default = {"id": fresh, "sequence": following if "once" not in constraint else "sequence"}
    values = ", ".join({**default, **changes}.get(column, column) for column in columns)
    _refused(
        # A number used twice is found by the trigger before the index is asked.
        "no gaps"
        if constraint in ("billing_invoice_number_is_used_once", "billing_invoice_numbers_begin_at_1")
        else constraint,
        f"INSERT INTO billing_invoice ({', '.join(columns)}) SELECT {values} FROM billing_invoice WHERE sequence = 1 "
        "AND kind = 'invoice'",
    )


def test_a_purchase_is_paid_back_once(everything: Organisation) -> None:
    fresh = "'0192f7a0-0000-7000-8000-000000000001'" if connection.vendor == "postgresql" else f"'{1:032x}'"
    from otai.billing.models import PaymentRefund

    columns = [field.column for field in PaymentRefund._meta.local_fields if field.column != "id"]
    _refused(
        "billing_payment_refund_once_for_each_payment",
        f"INSERT INTO billing_payment_refund (id, {', '.join(columns)}) SELECT {fresh}, {', '.join(columns)} FROM "
        "billing_payment_refund",
    )


@pytest.mark.parametrize(
    ("deducted", "constraint"),
    [
        ("NULL", "billing_purchase_one_open_renewal_for_each_tier"),
        ("1", "billing_purchase_one_open_rise_for_each_tier"),
    ],
)
def test_one_period_of_a_tier_at_a_time_waits_for_its_payment(
    everything: Organisation, deducted: str, constraint: str
) -> None:
    changes = (
        "status = 'open', paid_at = NULL, paid_cents = 0, lot = NULL, kind = 'subscription', tier = 'pro', "
        f"term = 'month', credits = 0, deducted_cents = {deducted}"
    )
    _refused(constraint, f"UPDATE {PURCHASE} SET {changes}")


def _refused(constraint: str, statement: str) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        pytest.fail(f"{constraint} let this pass: {statement}")
    said = str(refused.value)
    if connection.vendor == "sqlite" and "UNIQUE constraint failed" in said:
        # SQLite names the columns of a unique index, not the index.
        table = constraint.split("_")[1]
        assert table.split("_")[0] in said
    elif constraint.endswith(("status_is_known", "state_is_known")):
        # A status that does not exist breaks other rules too; PostgreSQL names the first by alphabet.
        assert constraint.rsplit("_", 3)[0] in said
    else:
        assert constraint[:63] in said
