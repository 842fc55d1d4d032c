"""The inbox: verified, stored first, handled after; repeated, reordered, late and lost events do no harm."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from otai.billing import operations as billing
from otai.billing.gateway import ForgedWebhook
from otai.billing.models import Event, Invoice, Purchase, Reversal, WebhookEvent
from otai.billing.operations import webhooks
from otai.billing.operations.reversals import AlreadySettled
from otai.billing.status import PurchaseStatus
from otai.billing.testing import GOOD_CARD, SLOW_DEBIT
from otai.ledger import operations as ledger_operations
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from tests.billing.people import ALICE, OLGA

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def by_card(organisation: Organisation, now: datetime, method: str = GOOD_CARD, key: str = "click-1") -> Purchase:
    found = billing.buy(
        organisation=organisation, package="50", key=key, who=ALICE, now=now, gateway="fake", payment_method=method
    )
    return found.purchase


def deliver(fake: Any, event: Any, now: datetime) -> WebhookEvent:
    body, headers = fake.signed(event)
    return webhooks.receive(gateway="fake", body=body, headers=headers, now=now)


def spend(organisation: Organisation, credits: int, now: datetime, key: str = "run") -> Any:
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
    return hold


def available(organisation: Organisation) -> int:
    return ledger.balance(organisation.id).available


def test_news_of_a_payment_brings_the_credits(acme: Organisation, fake: Any, now: datetime) -> None:
    purchase = by_card(acme, now, SLOW_DEBIT)
    fake.settle(purchase.gateway_reference)
    event = deliver(fake, fake.account.events[-1], now + DAY)
    assert (event.state, available(acme)) == ("handled", 56)


def test_the_same_event_ten_times_is_one_payment(acme: Organisation, fake: Any, now: datetime) -> None:
    purchase = by_card(acme, now, SLOW_DEBIT)
    fake.settle(purchase.gateway_reference)
    for _ in range(10):
        deliver(fake, fake.account.events[-1], now)
    assert (available(acme), WebhookEvent.objects.count()) == (56, 1)
    assert WebhookEvent.objects.get().deliveries == 10


def test_events_in_any_order_lead_to_the_same_end(acme: Organisation, fake: Any, now: datetime) -> None:
    purchase = by_card(acme, now, SLOW_DEBIT)
    fake.settle(purchase.gateway_reference)
    for event in reversed(fake.account.events):
        deliver(fake, event, now)
    purchase.refresh_from_db()
    assert (purchase.status, available(acme)) == (PurchaseStatus.PAID, 56)


def test_a_forged_webhook_is_refused_and_not_stored(acme: Organisation, fake: Any, now: datetime) -> None:
    purchase = by_card(acme, now, SLOW_DEBIT)
    body, headers = fake.signed(fake.tell("payment.succeeded", {"payment": purchase.gateway_reference}))
    for forged in ((body + b" ", headers), (body, {}), (body, {"Fake-Signature": "0" * 64})):
        with pytest.raises(ForgedWebhook):
            webhooks.receive(gateway="fake", body=forged[0], headers=forged[1], now=now)
    assert (available(acme), WebhookEvent.objects.count()) == (6, 0)


def test_an_event_that_lies_about_the_outcome_grants_nothing(acme: Organisation, fake: Any, now: datetime) -> None:
    purchase = by_card(acme, now, SLOW_DEBIT)
    deliver(fake, fake.tell("payment.succeeded", {"payment": purchase.gateway_reference}), now)
    assert available(acme) == 6, "what happened is asked of the provider, not read from the event"


def test_an_event_that_could_not_be_handled_waits_and_is_tried_again(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    purchase = by_card(acme, now, SLOW_DEBIT)
    fake.settle(purchase.gateway_reference)
    event = fake.account.events[-1]
    fake.account.is_down = True
    stored = deliver(fake, event, now)
    assert (stored.state, stored.attempts, available(acme)) == ("failed", 1, 6)
    fake.account.is_down = False
    assert webhooks.handle_waiting(now=now) == 1
    assert available(acme) == 56


def test_an_operator_retries_an_event_with_a_reason(acme: Organisation, fake: Any, now: datetime) -> None:
    purchase = by_card(acme, now, SLOW_DEBIT)
    fake.settle(purchase.gateway_reference)
    fake.account.is_down = True
    stored = deliver(fake, fake.account.events[-1], now)
    fake.account.is_down = False
    webhooks.retry(event=stored.id, who=OLGA, why="the provider is back", now=now)
    assert available(acme) == 56
    assert Event.objects.get(subject="webhook").who == OLGA


def test_a_lost_event_is_found_by_asking(acme: Organisation, fake: Any, now: datetime) -> None:
    purchase = by_card(acme, now, SLOW_DEBIT)
    fake.settle(purchase.gateway_reference)
    assert webhooks.fetch_lost(now=now) == len(fake.account.events)
    assert webhooks.fetch_lost(now=now) == 0
    webhooks.handle_waiting(now=now)
    assert available(acme) == 56


def test_a_process_that_died_before_it_stored_the_payments_name_loses_nothing(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    purchase = by_card(acme, now, SLOW_DEBIT)
    reference = purchase.gateway_reference
    Purchase.objects.filter(id=purchase.id).update(gateway_reference="")
    fake.settle(reference)
    deliver(fake, fake.account.events[-1], now)
    purchase.refresh_from_db()
    assert (purchase.status, purchase.gateway_reference, available(acme)) == (PurchaseStatus.PAID, reference, 56)


def test_an_event_about_something_else_is_kept_and_ignored(fake: Any, db: None, now: datetime) -> None:
    assert deliver(fake, fake.tell("customer.created", {}), now).state == "ignored"


# --- money taken back


def test_a_dispute_withdraws_what_is_unspent_and_records_the_rest_as_owed(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    purchase = by_card(acme, now)
    spend(acme, 26, now)  # the 6 included credits, and 20 of those bought
    assert deliver(fake, fake.dispute(purchase.gateway_reference), now).state == "handled"
    purchase.refresh_from_db()
    reversal = Reversal.objects.get()
    assert (purchase.status, available(acme)) == (PurchaseStatus.DISPUTED, 0)
    assert (reversal.withdrawn_credits, reversal.owed_credits, reversal.owed_net_cents) == (30, 20, 180_00)


def test_a_dispute_lost_is_credited_for_what_was_withdrawn(acme: Organisation, fake: Any, now: datetime) -> None:
    purchase = by_card(acme, now)
    spend(acme, 26, now)
    events = [fake.dispute(purchase.gateway_reference, verdict=verdict) for verdict in ("opened", "lost")]
    for event in (*events, events[1], events[0]):
        deliver(fake, event, now)
    purchase.refresh_from_db()
    assert purchase.status == PurchaseStatus.REVERSED
    note = Invoice.objects.get(kind="credit_note")
    assert (note.net_cents, note.vat_cents) == (270_00, 51_30)
    assert available(acme) == 0


def test_a_dispute_won_gives_the_credits_back(acme: Organisation, fake: Any, now: datetime) -> None:
    purchase = by_card(acme, now)
    opened = fake.dispute(purchase.gateway_reference)
    deliver(fake, opened, now)
    assert available(acme) == 6
    won = fake.dispute(purchase.gateway_reference, verdict="won")
    late = fake.tell("dispute.lost", {"payment": purchase.gateway_reference, "dispute": "fd", "cents": 1})
    for event in (won, opened, late):
        deliver(fake, event, now)
    purchase.refresh_from_db()
    assert (purchase.status, available(acme)) == (PurchaseStatus.PAID, 56), "how it stands is asked, not read"


def test_a_debit_that_fails_after_it_succeeded_is_a_loss_at_once(acme: Organisation, fake: Any, now: datetime) -> None:
    purchase = by_card(acme, now, SLOW_DEBIT)
    fake.settle(purchase.gateway_reference)
    # The end overtakes the beginning, and even the payment's own success.
    deliver(fake, fake.dispute(purchase.gateway_reference, verdict="lost"), now)
    purchase.refresh_from_db()
    assert (purchase.status, available(acme)) == (PurchaseStatus.REVERSED, 6)
    deliver(fake, fake.account.events[1], now)
    assert available(acme) == 6


def test_held_credits_are_owed_and_collected_when_their_run_gives_them_back(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    purchase = by_card(acme, now)
    hold = ledger_operations.place_hold(
        organisation=acme.id, credits=26, key="run", reference="run", reason="run", now=now, deadline_at=now + DAY
    )
    deliver(fake, fake.dispute(purchase.gateway_reference, verdict="lost"), now)
    assert Reversal.objects.get().owed_credits == 20
    ledger_operations.release(organisation=acme.id, hold=hold.hold, key="run:r", reason="failed", now=now)
    assert available(acme) == 26
    assert billing.collect_owed(now=now) == 20
    assert billing.collect_owed(now=now) == 0
    assert (available(acme), Reversal.objects.get().owed_credits) == (6, 0)
    credited = sum(Invoice.objects.filter(kind="credit_note").values_list("gross_cents", flat=True))
    assert credited == purchase.gross_cents


def test_an_operator_settles_what_is_owed_once(acme: Organisation, fake: Any, now: datetime) -> None:
    purchase = by_card(acme, now)
    spend(acme, 56, now)
    deliver(fake, fake.dispute(purchase.gateway_reference, verdict="lost"), now)
    reversal = Reversal.objects.get()
    assert (reversal.withdrawn_credits, reversal.owed_credits) == (0, 50)
    billing.settle_owed(reversal=reversal.id, who=OLGA, why="paid by transfer", now=now)
    with pytest.raises(AlreadySettled, match="paid by transfer"):
        billing.settle_owed(reversal=reversal.id, who=OLGA, why="again", now=now)
