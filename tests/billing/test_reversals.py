"""Money that goes back: in proportion to its amount, whatever the order, and with nothing left to spend that nobody
paid for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.audit import audit
from otai.billing.documents import invoice_xml
from otai.billing.gateway import NewsKind, ReversalOutcome
from otai.billing.gateways import stripe_reversals
from otai.billing.gateways.stripe import Stripe
from otai.billing.models import Event, Invoice, Notice, Purchase, Reversal, Subscription, WebhookEvent
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations import webhooks
from otai.billing.operations.notices import compose
from otai.billing.operations.orders import PaymentOwed
from otai.billing.operations.sweep import sweep
from otai.billing.seller import seller
from otai.billing.status import PurchaseStatus
from otai.billing.testing import GOOD_CARD
from otai.ledger import operations as ledger_operations
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.units import Money
from otai.words.sentences import Fact
from tests.billing.people import ALICE, OLGA
from tests.billing.validation import problems

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def buys(organisation: Organisation, now: datetime, package: str = "100", key: str = "click") -> Purchase:
    return billing.buy(
        organisation=organisation,
        package=package,
        key=key,
        who=ALICE,
        now=now,
        gateway="fake",
        payment_method=GOOD_CARD,
    ).purchase


def rises(organisation: Organisation, tier: Tier, now: datetime) -> Purchase:
    answer = billing.change_tier(
        organisation=organisation, tier=tier, who=ALICE, now=now, gateway="fake", payment_method=GOOD_CARD
    )
    assert answer.purchase is not None and answer.in_force
    return answer.purchase


def deliver(fake: Any, event: Any, now: datetime) -> WebhookEvent:
    body, headers = fake.signed(event)
    stored = webhooks.receive(gateway="fake", body=body, headers=headers, now=now)
    assert stored.state == "handled", stored.outcome
    return stored


def holds(organisation: Organisation, credits: int, now: datetime, key: str = "run") -> Any:
    return ledger_operations.place_hold(
        organisation=organisation.id,
        credits=credits,
        key=key,
        reference=key,
        reason="run",
        now=now,
        deadline_at=now + DAY,
    ).hold


def spends(organisation: Organisation, credits: int, now: datetime, key: str = "run") -> None:
    hold = holds(organisation, credits, now, key)
    ledger_operations.capture(organisation=organisation.id, hold=hold, key=f"{key}:c", reason="run", now=now)


def available(organisation: Organisation) -> int:
    return ledger.balance(organisation.id).available


def status(purchase: Purchase) -> str:
    return Purchase.objects.get(id=purchase.id).status


def assert_books_fit() -> None:
    from otai.ledger.audit import audit as ledger_audit

    assert audit().findings == []
    assert ledger_audit().clean


# --- a month of a tier


def test_a_chargeback_of_an_enterprise_month_freezes_its_credits_and_no_card_buys(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    month = rises(acme, Tier.ENTERPRISE, now)
    assert available(acme) == 500
    deliver(fake, fake.dispute(month.gateway_reference), now)
    assert (available(acme), status(month)) == (6, PurchaseStatus.DISPUTED), "the six came with the sign-up"
    assert queries.owed(acme).owed == [Money(month.gross_cents)]
    with pytest.raises(PaymentOwed):
        buys(acme, now)
    globex_like = billing.buy(organisation=acme, package="10", key="by-invoice", who=ALICE, now=now)
    assert globex_like.purchase.gateway == "bank_transfer", "whoever pays first is welcome"
    assert_books_fit()


def test_a_rise_after_a_chargeback_is_refused_by_card(acme: Organisation, fake: Any, now: datetime) -> None:
    month = rises(acme, Tier.PRO, now)
    deliver(fake, fake.dispute(month.gateway_reference), now)
    with pytest.raises(PaymentOwed):
        rises(acme, Tier.ENTERPRISE, now)


def test_a_lost_chargeback_ends_the_tier_and_is_owed_for_the_time_that_was_used(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    month = rises(acme, Tier.ENTERPRISE, now)
    spends(acme, 100, now)
    later = now + 10 * DAY
    deliver(fake, fake.dispute(month.gateway_reference, verdict="lost"), later)
    tier = Subscription.objects.get(organisation=acme)
    assert (tier.tier, tier.status, available(acme)) == ("community", "free", 0)
    month.refresh_from_db()
    assert month.period_from_at and month.period_until_at
    used = (later - month.period_from_at) / (month.period_until_at - month.period_from_at)
    [owed] = queries.owed(acme).owed
    assert abs(owed.cents - month.gross_cents * used) < 2
    note = Invoice.objects.get(kind="credit_note")
    assert abs(note.gross_cents + owed.cents - month.gross_cents) <= 2
    assert Reversal.objects.get().owed_credits == 94, "a hundred were spent, six of them came with the sign-up"
    assert_books_fit()


def test_a_won_chargeback_of_a_month_gives_its_credits_back(acme: Organisation, fake: Any, now: datetime) -> None:
    month = rises(acme, Tier.PRO, now)
    for verdict in ("opened", "won"):
        deliver(fake, fake.dispute(month.gateway_reference, verdict=verdict), now)
    assert (available(acme), status(month)) == (100, PurchaseStatus.PAID)
    rises(acme, Tier.ENTERPRISE, now)
    assert available(acme) == 500, "what was frozen is not granted a second time"
    assert_books_fit()


def test_whoever_pays_again_after_a_lost_chargeback_has_the_initial_credits_again(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    month = rises(acme, Tier.PRO, now)
    deliver(fake, fake.dispute(month.gateway_reference, verdict="lost"), now)
    assert available(acme) == 6
    billing.settle_owed(reversal=Reversal.objects.get().id, who=OLGA, why="written off", now=now)
    rises(acme, Tier.PRO, now + DAY)
    assert available(acme) == 100
    assert_books_fit()


# --- packages


def test_a_dispute_that_is_heard_of_when_it_is_lost_promises_nothing(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    bought = buys(acme, now, "10")
    fake.dispute(bought.gateway_reference)
    deliver(fake, fake.dispute(bought.gateway_reference, verdict="lost"), now)
    told = compose(Notice.objects.get(template="payment_reversed")).body
    assert "10 unspent credits that it had paid for are taken back." in told
    assert "\n\n\n" not in told, "what is not said leaves no gap"


def test_a_second_dispute_after_a_won_one_takes_the_credits_again(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = buys(acme, now)
    for verdict in ("opened", "won"):
        deliver(fake, fake.dispute(bought.gateway_reference, verdict=verdict), now)
    assert available(acme) == 106
    deliver(fake, fake.dispute(bought.gateway_reference, name="-2"), now)
    assert (available(acme), status(bought)) == (6, PurchaseStatus.DISPUTED)
    deliver(fake, fake.dispute(bought.gateway_reference, name="-2", verdict="lost"), now)
    assert (available(acme), status(bought)) == (6, PurchaseStatus.REVERSED)
    assert_books_fit()


def test_a_dispute_of_ten_euros_takes_the_credits_of_ten_euros(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = buys(acme, now)
    deliver(fake, fake.dispute(bought.gateway_reference, cents=10_00), now)
    assert available(acme) == 6 + 99, "a credit cost EUR 9.52; the rest of ten is less than one"
    deliver(fake, fake.dispute(bought.gateway_reference, cents=10_00, verdict="lost"), now)
    assert (available(acme), status(bought)) == (105, PurchaseStatus.PAID)
    assert Invoice.objects.get(kind="credit_note").net_cents == 8_00
    assert queries.owed(acme).owed == []
    assert_books_fit()


def test_an_inquiry_takes_nothing_and_a_dispute_that_follows_does(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = buys(acme, now)
    deliver(fake, fake.dispute(bought.gateway_reference, verdict="inquiry"), now)
    assert (available(acme), status(bought)) == (106, PurchaseStatus.PAID)
    deliver(fake, fake.dispute(bought.gateway_reference, verdict="opened"), now)
    assert available(acme) == 6
    deliver(fake, fake.dispute(bought.gateway_reference, verdict="inquiry_closed"), now)
    assert (available(acme), status(bought)) == (106, PurchaseStatus.PAID)
    assert_books_fit()


def test_a_state_that_the_provider_added_takes_nothing_and_is_told_to_an_operator(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    bought = buys(acme, now)
    deliver(fake, fake.dispute(bought.gateway_reference, verdict="pondered_by_the_network"), now)
    assert (available(acme), status(bought)) == (106, PurchaseStatus.PAID)
    told = Event.objects.get(subject="reversal", move=BillingOccurrence.NEEDS_A_PERSON)
    assert told.details["provider_state"] == "pondered_by_the_network"
    assert [one.purchase for one in queries.reversals_for_a_person()] == [bought]


def issued(document: Invoice) -> dict[str, Any]:
    """Why, as its history has it."""
    return Event.objects.get(subject="invoice", subject_id=str(document.id)).details["why"]


def test_a_refund_in_the_providers_dashboard_takes_credits_and_claims_nothing(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    bought = buys(acme, now)
    spends(acme, 86, now)
    deliver(fake, fake.refund_by_hand(bought.gateway_reference, cents=bought.gross_cents // 2), now)
    assert (available(acme), status(bought)) == (0, PurchaseStatus.PAID), "twenty were left of the fifty"
    assert queries.owed(acme).owed == []
    note = Invoice.objects.get(kind="credit_note")
    assert note.net_cents == 400_00, "the vendor made it cheaper"
    assert issued(note) == Fact("billing.refunded_at_provider").as_dict()
    assert Notice.objects.get(template="document").context["document"] == note.number
    deliver(fake, fake.refund_by_hand(bought.gateway_reference, cents=bought.gross_cents // 2, name="2"), now)
    assert status(bought) == PurchaseStatus.REVERSED
    assert_books_fit()


def test_a_refund_that_failed_at_the_provider_gives_the_credits_back(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    bought = buys(acme, now)
    deliver(fake, fake.refund_by_hand(bought.gateway_reference, cents=bought.gross_cents), now)
    assert (available(acme), status(bought)) == (6, PurchaseStatus.REVERSED)
    failed = fake.refund_by_hand(bought.gateway_reference, cents=bought.gross_cents, outcome=ReversalOutcome.WON)
    deliver(fake, failed, now)
    again = Invoice.objects.filter(kind="invoice").latest("number")
    stays = Fact("billing.payment_stays", {"reference": bought.reference}).as_dict()
    assert (again.net_cents, issued(again)) == (bought.net_cents, stays)
    assert (available(acme), status(bought)) == (106, PurchaseStatus.PAID)
    assert_books_fit()


def test_a_refund_after_a_won_dispute_pays_the_given_back_credits_back(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    bought = buys(acme, now)
    for verdict in ("opened", "won"):
        deliver(fake, fake.dispute(bought.gateway_reference, verdict=verdict), now)
    [refund] = billing.refund_payment(reference=bought.reference, who=OLGA, why="changed their mind", now=now)
    assert (refund.credits, refund.gross_cents, refund.state) == (100, bought.gross_cents, "confirmed")
    assert (available(acme), status(bought)) == (6, PurchaseStatus.REFUNDED)
    assert_books_fit()


def test_credits_released_while_a_dispute_is_open_are_frozen_before_a_run_can_take_them(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    bought = buys(acme, now)
    hold = holds(acme, 56, now)
    deliver(fake, fake.dispute(bought.gateway_reference), now)
    assert (available(acme), Reversal.objects.get().owed_credits) == (0, 50)
    ledger_operations.release(organisation=acme.id, hold=hold, key="r", reason="failed", now=now)
    billing.collect_before_spending(acme, now=now)
    assert (available(acme), Reversal.objects.get().owed_credits) == (6, 0)
    deliver(fake, fake.dispute(bought.gateway_reference, verdict="won"), now)
    assert available(acme) == 106
    assert_books_fit()


def test_what_came_back_is_taken_by_housekeeping_and_counted(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = buys(acme, now)
    hold = holds(acme, 56, now)
    deliver(fake, fake.dispute(bought.gateway_reference), now)
    assert billing.collect_owed(now=now) == 0, "they are held"
    ledger_operations.release(organisation=acme.id, hold=hold, key="r", reason="failed", now=now)
    assert [billing.collect_owed(now=now) for _ in range(2)] == [50, 0]
    assert available(acme) == 6


def test_what_was_refunded_and_then_disputed_whole_is_owed_in_money(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    bought = buys(acme, now)
    [refund] = billing.refund_payment(reference=bought.reference, who=OLGA, why="goodwill", now=now, credits=40)
    deliver(fake, fake.dispute(bought.gateway_reference), now)
    assert available(acme) == 6
    assert queries.owed(acme).owed == [Money(refund.gross_cents)]
    deliver(fake, fake.dispute(bought.gateway_reference, verdict="lost"), now)
    assert (queries.owed(acme).owed, status(bought)) == ([Money(refund.gross_cents)], PurchaseStatus.REVERSED)
    assert_books_fit()


def test_the_warnings_that_every_door_shows_say_what_is_owed_and_frozen(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    bought = buys(acme, now)
    spends(acme, 56, now)
    deliver(fake, fake.dispute(bought.gateway_reference), now)
    found = {one.code: one.values for one in queries.warnings(acme)}
    assert found["payment_owed"] == {"amount": {"cents": bought.gross_cents // 2, "currency": "EUR"}}
    assert found["credits_frozen"] == {"credits": 50}
    billing.settle_owed(reversal=Reversal.objects.get().id, who=OLGA, why="paid by transfer", now=now)
    assert buys(acme, now, package="10", key="again").status == PurchaseStatus.PAID


def test_a_lost_event_of_a_dispute_is_made_up_for_by_asking(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = buys(acme, now)
    deliver(fake, fake.dispute(bought.gateway_reference), now)
    fake.dispute(bought.gateway_reference, verdict="won")
    fake.account.events.clear()
    sweep(now=now + DAY)
    assert (available(acme), status(bought)) == (106, PurchaseStatus.PAID)


def test_a_word_that_nobody_taught_us_is_told_to_the_vendor_once(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = buys(acme, now)
    for event in [fake.dispute(bought.gateway_reference, verdict=word) for word in ("a_new_word", "a_new_word")]:
        deliver(fake, event, now)
    (told,) = Notice.objects.filter(template="needs_a_person")
    assert (told.recipient, told.context["state"]) == (seller().email, "a_new_word")
    body = compose(told).body
    assert "EUR 952.00" in body and bought.reference in body and "Acme Ltd (acme)" in body
    deliver(fake, fake.dispute(bought.gateway_reference, verdict="another_word"), now)
    assert Notice.objects.filter(template="needs_a_person").count() == 2


def test_a_reversal_is_of_the_payment_that_went_back(acme: Organisation, fake: Any, now: datetime) -> None:
    bought = buys(acme, now)
    other = buys(acme, now, key="other")
    seen = deliver(fake, fake.dispute(bought.gateway_reference, cents=10_00), now)
    assert seen.state == "handled"
    booked = Reversal.objects.get()
    assert booked.payment.external_id == bought.gateway_reference
    with pytest.raises(IntegrityError), transaction.atomic():
        Reversal.objects.update(payment=None)
    Reversal.objects.update(payment=other.payments.get())
    assert "a reversal is of a payment of its purchase" in {found.what for found in audit().findings}
    deliver(fake, fake.dispute(bought.gateway_reference, cents=10_00, verdict="won"), now)
    assert Reversal.objects.get().payment == booked.payment, "the provider says which it was"
    assert audit().findings == []


@pytest.mark.parametrize("cents", [50_00, 33_33, 1_00, 99_99])
def test_a_refund_at_the_provider_is_credited_to_the_cent(
    cents: int, acme: Organisation, fake: Any, now: datetime
) -> None:
    """What went back over the bank and what the documents say is the same money, part by part."""
    month = rises(acme, Tier.PRO, now)
    deliver(fake, fake.refund_by_hand(month.gateway_reference, cents=cents), now)
    first = Invoice.objects.get(kind="credit_note")
    assert first.gross_cents == cents
    deliver(fake, fake.refund_by_hand(month.gateway_reference, cents=month.gross_cents - cents, name="2"), now)
    notes = Invoice.objects.filter(kind="credit_note")
    invoice = Invoice.objects.get(kind="invoice")
    assert sum(note.gross_cents for note in notes) == invoice.gross_cents
    assert sum(note.vat_cents for note in notes) == invoice.vat_cents
    assert [problems(invoice_xml(note)) for note in notes] == [[] for _ in notes], "valid by EN 16931 too"
    assert_books_fit()


# --- Stripe's words


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("warning_needs_response", ReversalOutcome.INQUIRY),
        ("warning_closed", ReversalOutcome.INQUIRY_CLOSED),
        ("under_review", ReversalOutcome.OPEN),
        ("lost", ReversalOutcome.LOST),
        ("a_new_word", ReversalOutcome.UNKNOWN),
    ],
)
def test_stripes_words_for_a_dispute(word: str, outcome: ReversalOutcome) -> None:
    seen = stripe_reversals.seen_dispute({"id": "dp_1", "status": word, "amount": 1000, "currency": "eur"})
    assert (seen.outcome, seen.cents, seen.currency, seen.provider_state) == (outcome, 1000, "EUR", word)


def test_a_refund_of_ours_is_not_taken_for_one_made_in_stripes_dashboard() -> None:
    ours = {"id": "re_1", "status": "succeeded", "amount": 1, "currency": "eur", "metadata": {"key": "refund:1"}}
    assert stripe_reversals.seen_refund(ours) is None
    by_hand = stripe_reversals.seen_refund({**ours, "metadata": {}})
    assert by_hand is not None and by_hand.is_refund and by_hand.outcome is ReversalOutcome.LOST


def test_stripes_event_of_a_refund_says_which_payment_to_ask_about() -> None:
    payload = {"type": "charge.refunded", "data": {"object": {"id": "ch_1", "payment_intent": "pi_1"}}}
    news = Stripe().news(payload)
    assert (news.kind, news.reference) == (NewsKind.REVERSAL, "pi_1")
