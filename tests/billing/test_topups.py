"""Low balance and automatic top-up: where other products went wrong."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection

from otai.billing import operations as billing
from otai.billing.models import CreditWatch, Notice, Purchase, TopUp
from otai.billing.operations import topups
from otai.billing.operations.notices import send_notices
from otai.billing.operations.sweep import sweep
from otai.billing.status import PurchaseStatus
from otai.billing.testing import CARD_WITH_3D_SECURE, DECLINED_CARD, GOOD_CARD, SLOW_DEBIT
from otai.ledger import operations as ledger_operations
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.units import Money
from tests.billing.people import ALICE, acme_signs_up, details

pytestmark = pytest.mark.django_db
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def opt_in(organisation: Organisation, now: datetime, method: str = GOOD_CARD, **more: Any) -> CreditWatch:
    entries: dict[str, Any] = {
        "below": 10,
        "package": "10",
        "monthly_limit": Money(300_00),
        "gateway": "fake",
        "payment_method": method,
        **more,
    }
    return topups.set_top_up(organisation=organisation, who=ALICE, now=now, **entries)


def spend(organisation: Organisation, credits: int, now: datetime, key: str) -> None:
    hold = ledger_operations.place_hold(
        organisation=organisation.id,
        credits=credits,
        key=key,
        reference=key,
        reason="run",
        now=now,
        deadline_at=now + DAY,
    )
    ledger_operations.capture(organisation=organisation.id, hold=hold.hold, key=f"{key}:c", reason="run", now=now)


def available(organisation: Organisation) -> int:
    return ledger.balance(organisation.id).available


def rounds(now: datetime, *minutes: int) -> None:
    for minute in minutes:
        topups.watch_credits(now=now + minute * MINUTE)


def sent(template: str) -> int:
    return Notice.objects.filter(template=template).count()


def test_a_low_balance_is_told_once_for_each_dip(acme: Organisation, fake: Any, now: datetime) -> None:
    topups.set_low_balance_notice(organisation=acme, below=5, who=ALICE, now=now)
    rounds(now, 0, 1)
    assert sent("low_balance") == 0, "6 credits are not below 5"
    spend(acme, 3, now, "run-1")
    rounds(now, 2, 3, 4)
    assert sent("low_balance") == 1
    billing.buy(organisation=acme, package="10", key="b", who=ALICE, now=now, gateway="fake", payment_method=GOOD_CARD)
    rounds(now, 5)
    spend(acme, 10, now, "run-2")
    rounds(now, 6, 7)
    assert sent("low_balance") == 2


def test_a_top_up_is_announced_first_and_charged_after_its_time(acme: Organisation, fake: Any, now: datetime) -> None:
    opt_in(acme, now)
    rounds(now, 0, 1, 14)
    assert (sent("top_up_announced"), fake.account.charges, available(acme)) == (1, 0, 6)
    rounds(now, 15, 16, 17)
    assert (fake.account.charges, available(acme)) == (1, 16)
    assert (TopUp.objects.get().state, sent("purchase_paid")) == ("succeeded", 1)


def test_a_customer_can_say_no_after_the_announcement(acme: Organisation, fake: Any, now: datetime) -> None:
    opt_in(acme, now)
    rounds(now, 0)
    topups.turn_off_top_up(organisation=acme, who=ALICE, now=now + MINUTE)
    rounds(now, 15, 60, 600)
    assert (fake.account.charges, available(acme)) == (0, 6)


def test_a_top_up_no_longer_needed_is_dropped(acme: Organisation, fake: Any, now: datetime) -> None:
    opt_in(acme, now)
    rounds(now, 0)
    billing.buy(organisation=acme, package="50", key="b", who=ALICE, now=now, gateway="fake", payment_method=GOOD_CARD)
    rounds(now, 15, 16)
    assert (fake.account.charges, available(acme)) == (1, 56)


def test_nothing_happens_without_opting_in(acme: Organisation, fake: Any, now: datetime) -> None:
    spend(acme, 6, now, "run")
    rounds(now, 0, 15, 30)
    assert (TopUp.objects.count(), fake.account.charges) == (0, 0)


def test_the_monthly_limit_holds_and_is_told_once(acme: Organisation, fake: Any, now: datetime) -> None:
    opt_in(acme, now, monthly_limit=Money(250_00))
    for n in range(6):
        at = now + n * timedelta(hours=1)
        rounds(at, 0, 15)
        if available(acme):
            spend(acme, available(acme), at, f"run-{n}")
    assert fake.account.charges == 2, "a third would be EUR 300"
    assert sent("top_up_limit") == 1
    december = now + 30 * DAY
    rounds(december, 0, 15)
    assert fake.account.charges == 3


def test_failures_pause_for_a_day_and_then_stop(acme: Organisation, fake: Any, now: datetime) -> None:
    opt_in(acme, now, DECLINED_CARD)
    for hour in range(24 * 6):
        rounds(now + timedelta(hours=hour), 0, 20, 40)
    watch = CreditWatch.objects.get()
    assert (fake.account.charges, watch.failures, watch.stopped_at is not None) == (3, 3, True)
    assert (sent("top_up_failed"), sent("top_up_stopped"), sent("payment_failed")) == (2, 1, 0), "one mail for each"
    assert not Purchase.objects.exclude(status=PurchaseStatus.CANCELLED).exists(), "no order is left lying about"
    opt_in(acme, now + 7 * DAY, GOOD_CARD)
    rounds(now + 7 * DAY, 0, 15)
    assert available(acme) == 16


def test_a_slow_debit_is_waited_for_and_nothing_else_is_bought(acme: Organisation, fake: Any, now: datetime) -> None:
    opt_in(acme, now, SLOW_DEBIT)
    for day in range(5):
        rounds(now + day * DAY, 0, 15, 30)
    assert (fake.account.charges, TopUp.objects.count()) == (1, 1)
    fake.settle(Purchase.objects.get().gateway_reference)
    billing.ask_gateways(now=now + 5 * DAY)
    rounds(now + 5 * DAY, 1)
    assert (available(acme), TopUp.objects.get().state) == (16, "succeeded")


def test_a_bank_that_asks_for_3d_secure_is_a_failure_whose_order_waits_for_the_payer(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    opt_in(acme, now, CARD_WITH_3D_SECURE)
    rounds(now, 0, 15, 16)
    assert (TopUp.objects.get().state, Purchase.objects.get().status) == ("failed", PurchaseStatus.OPEN)
    assert Notice.objects.get(template="top_up_failed").context["pay"] == Purchase.objects.get().reference


def test_a_provider_that_is_down_is_asked_again_under_the_same_key(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    opt_in(acme, now)
    rounds(now, 0)
    fake.account.is_down = True
    rounds(now, 15, 16)
    assert TopUp.objects.get().state == "ordered"
    fake.account.is_down = False
    rounds(now, 17, 18)
    assert (fake.account.charges, available(acme), Purchase.objects.count()) == (1, 16, 1)


def test_a_payment_taken_back_stops_the_top_up(acme: Organisation, fake: Any, now: datetime) -> None:
    from otai.billing.operations import webhooks

    opt_in(acme, now)
    rounds(now, 0, 15)
    body, headers = fake.signed(fake.dispute(Purchase.objects.get().gateway_reference))
    webhooks.receive(gateway="fake", body=body, headers=headers, now=now + DAY)
    for hour in range(48):
        rounds(now + DAY + timedelta(hours=hour), 0, 15)
    assert fake.account.charges == 1


@pytest.mark.django_db(transaction=True)
def test_many_sweeps_at_once_top_up_once(fake: Any, now: datetime) -> None:
    acme = acme_signs_up(now)
    opt_in(acme, now)
    problems: list[Exception] = []
    for minute in (0, 15):
        barrier = threading.Barrier(4)

        def watch(barrier: threading.Barrier = barrier, minute: int = minute) -> None:
            try:
                barrier.wait()
                topups.watch_credits(now=now + minute * MINUTE)
            except Exception as error:  # noqa: BLE001 -- reported below
                problems.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=watch) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert problems == []
    assert (TopUp.objects.count(), Purchase.objects.count(), available(acme)) == (1, 1, 16)
    assert sent("top_up_announced") == 1


@pytest.mark.parametrize(
    "wrong",
    [{"below": 0}, {"below": -1}, {"monthly_limit": Money(99_99)}, {"gateway": "bank_transfer"}],
)
def test_a_top_up_that_cannot_work_is_refused(
    wrong: dict[str, Any], acme: Organisation, fake: Any, now: datetime
) -> None:
    with pytest.raises(topups.InvalidWatch):
        opt_in(acme, now, **wrong)
    assert not CreditWatch.objects.exists()


def test_pages_are_told_what_to_warn_of(acme: Organisation, fake: Any, now: datetime) -> None:
    from otai.billing import queries

    assert queries.warnings(acme) == []
    topups.set_low_balance_notice(organisation=acme, below=7, who=ALICE, now=now)
    opt_in(acme, now, DECLINED_CARD)
    for day in range(4):
        rounds(now + day * DAY + day * MINUTE, 0, 15)
    assert [warning.code for warning in queries.warnings(acme)] == ["top_up_stopped", "low_balance"]


# --- mail


def test_mail_goes_out_once_with_the_order_confirmation_in_the_customers_language(
    acme: Organisation, now: datetime
) -> None:
    details(acme, now=now, language="de")
    purchase = billing.buy(organisation=acme, package="50", key="b", who=ALICE, now=now).purchase
    assert (send_notices(now=now), send_notices(now=now)) == (1, 0)
    (message,) = mail.outbox
    assert message.to == ["billing@acme.example"]
    assert message.subject.startswith("Ihre Bestellung OT-")
    assert "535,50 EUR" in message.body
    assert "02.12.2026" in message.body
    (name, content, kind) = message.attachments[0]
    assert (name, bytes(content[:5]), kind) == (f"{purchase.reference}.pdf", b"%PDF-", "application/pdf")


def test_mail_that_cannot_be_sent_waits_for_the_next_sweep(acme: Organisation, now: datetime, settings: Any) -> None:
    billing.buy(organisation=acme, package="50", key="b", who=ALICE, now=now)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 9, 1
    assert send_notices(now=now) == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send_notices(now=now) == 1


def test_one_sweep_does_all_that_is_due(acme: Organisation, fake: Any, now: datetime) -> None:
    billing.buy(organisation=acme, package="50", key="b", who=ALICE, now=now)
    report = sweep(now=now + 40 * DAY)
    assert None not in report.values()
    assert (report["orders_lapsed"], report["grants"].grants) == (1, 1)
    assert report["notices_sent"] >= 1
