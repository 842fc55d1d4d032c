"""A rise whose payment is taken back: what it took the place of was paid, and is in force again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.audit import audit
from otai.billing.gateway import ReversalOutcome
from otai.billing.models import Event, Notice, Purchase, Reversal
from otai.billing.months import Month
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.notices import compose
from otai.billing.operations.orders import PaymentOwed
from otai.billing.revenue import month_close
from otai.billing.status import PurchaseStatus
from otai.billing.testing import GOOD_CARD
from otai.ledger import queries as ledger
from otai.ledger.audit import audit as ledger_audit
from otai.orgs.models import Organisation
from otai.pricing.anniversary import anniversary_at
from otai.pricing.price_book import Term, Tier
from otai.words import invoices as words
from otai.words.sentences import Fact
from tests.billing.people import ALICE, transfer
from tests.billing.test_annual_plans import BERLIN, DAY, bought, is_reversed, monthly, subscription, sweep, takes

pytestmark = pytest.mark.django_db


def in_force(organisation: Organisation) -> tuple[Tier, datetime | None, str]:
    found = subscription(organisation)
    return queries.tier_of(organisation), found.paid_until_at, found.status


def a_rise(acme: Organisation, now: datetime, old: Term, new: Term) -> tuple[Purchase, Purchase]:
    """Alice takes Pro, and ten days later Enterprise in its place."""
    first = bought(takes(acme, Tier.PRO, old, now))
    rise = bought(takes(acme, Tier.ENTERPRISE, new, now + 10 * DAY, at_once=True))
    first.refresh_from_db()
    return first, rise


def history(purchase: Purchase) -> list[tuple[str, datetime, dict[str, Any]]]:
    """What is written down of its month: what, when, and why."""
    moves = [BillingOccurrence.MONTH_ENDED_EARLY, BillingOccurrence.MONTH_RESTORED]
    found = Event.objects.filter(subject="purchase", subject_id=str(purchase.id), move__in=moves).order_by("id")
    return [(one.move, one.at, one.details["why"]) for one in found]


def why(code: str, purchase: Purchase) -> dict[str, Any]:
    return Fact(f"billing.{code}", {"reference": purchase.reference}).as_dict()


@pytest.mark.parametrize(("old", "new"), [(Term.YEAR, Term.YEAR), (Term.MONTH, Term.MONTH), (Term.MONTH, Term.YEAR)])
def test_what_a_rise_took_the_place_of_is_in_force_again_until_its_own_end(
    acme: Organisation, fake: Any, now: datetime, old: Term, new: Term
) -> None:
    first, rise = a_rise(acme, now, old, new)
    assert ledger.balance(acme.id).available == 500
    at = now + 20 * DAY
    is_reversed(fake, rise, at)
    assert in_force(acme) == (Tier.PRO, first.period_until_at, "paid")
    assert subscription(acme).renewal_term == old
    assert ledger.balance(acme.id).available == 100, "the initial credits of Pro, which was paid"
    assert (Purchase.objects.get(id=rise.id).status, Purchase.objects.get(id=first.id).status) == ("reversed", "paid")
    for months in range(1, first.months + 1):
        sweep(anniversary_at(now, months, BERLIN) - timedelta(seconds=1))
        assert monthly(acme) == [50] * (months - 1)
    [lost] = Reversal.objects.all()
    used = rise.gross_cents * (at - (now + 10 * DAY)) / (rise.period_until_at - rise.period_from_at)  # type: ignore[operator]
    assert abs(lost.owed_gross_cents - used) < 100, "ten days of Enterprise were used, and are owed"
    assert (audit().findings, ledger_audit().clean) == ([], True)


def test_its_months_close_to_the_cent(acme: Organisation, fake: Any, now: datetime) -> None:
    first, rise = a_rise(acme, now, Term.YEAR, Term.YEAR)
    is_reversed(fake, rise, now + 40 * DAY)
    received = refunded = recognised = deferred = 0
    for month in (Month(2026, 11).plus(number) for number in range(14)):
        close = month_close(month.year, month.number, zone=BERLIN).tiers
        assert (close.difference.cents, close.deferred_before.cents) == (0, deferred)
        deferred = close.deferred_after.cents
        received, refunded = received + close.received.cents, refunded + close.refunded.cents
        recognised += close.recognised.cents
    assert (received, deferred) == (first.net_cents + rise.net_cents, 0)
    assert recognised == received - refunded and refunded > 0


def test_a_worth_that_was_used_up_in_a_dearer_tier_does_not_come_back(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    """A year of Pro carried into Enterprise by the month lasts two months there, for next to no money: whoever takes
    that back at the end of them has had what the year was worth."""
    first, rise = a_rise(acme, now, Term.YEAR, Term.MONTH)
    assert rise.carried_cents > 5 * rise.net_cents
    assert rise.period_from_at and rise.period_until_at and first.period_until_at
    middle = rise.period_from_at + (rise.period_until_at - rise.period_from_at) / 2
    is_reversed(fake, rise, middle)
    tier, until, _ = in_force(acme)
    whole = first.period_until_at - rise.period_from_at
    assert tier is Tier.PRO and until is not None
    assert abs((until - middle) - whole / 2) <= DAY, "half of it is left"
    assert Purchase.objects.get(id=first.id).period_until_at == until
    assert history(first)[-1] == ("month_ended_early", middle, why("payment_taken_back", rise)), "it ends sooner"
    assert audit().findings == []


def test_a_rise_that_is_won_late_is_in_force_again(acme: Organisation, fake: Any, now: datetime) -> None:
    _, rise = a_rise(acme, now, Term.YEAR, Term.YEAR)
    is_reversed(fake, rise, now + 20 * DAY)
    fake.dispute(rise.gateway_reference, verdict="won")
    seen = fake.reversals(rise.gateway_reference)
    billing.book_reversals(rise.id, seen, who="fake", now=now + 30 * DAY)
    assert in_force(acme) == (Tier.ENTERPRISE, rise.period_until_at, "paid")
    assert history(rise) == [
        ("month_ended_early", now + 20 * DAY, why("payment_taken_back", rise)),
        ("month_restored", now + 30 * DAY, why("payment_stays", rise)),
    ]
    assert ledger.balance(acme.id).available == 500
    assert audit().findings == []


@pytest.mark.parametrize("rise_first", [True, False])
def test_where_both_are_charged_back_the_tier_is_community(
    acme: Organisation, fake: Any, now: datetime, rise_first: bool
) -> None:
    first, rise = a_rise(acme, now, Term.YEAR, Term.YEAR)
    for days, gone in enumerate((rise, first) if rise_first else (first, rise), start=20):
        is_reversed(fake, gone, now + days * DAY)
    assert in_force(acme) == (Tier.COMMUNITY, None, "free")
    assert ledger.balance(acme.id).available == 6
    assert audit().findings == []


def test_a_year_that_is_charged_back_after_a_rise_is_owed_and_the_rise_stays(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    first, rise = a_rise(acme, now, Term.YEAR, Term.YEAR)
    is_reversed(fake, first, now + 20 * DAY)
    assert in_force(acme) == (Tier.ENTERPRISE, rise.period_until_at, "paid"), "its own payment stays"
    assert Reversal.objects.get().owed_gross_cents == first.gross_cents
    with pytest.raises(PaymentOwed):
        card = {"gateway": "fake", "payment_method": GOOD_CARD}
        billing.buy(organisation=acme, package="10", key="more", who=ALICE, now=now + 21 * DAY, **card)
    assert Purchase.objects.get(id=first.id).status == PurchaseStatus.REVERSED
    assert audit().findings == []


def is_won(fake: Any, purchase: Purchase, now: datetime) -> None:
    fake.dispute(purchase.gateway_reference, verdict="won")
    billing.book_reversals(purchase.id, fake.reversals(purchase.gateway_reference), who="fake", now=now)


@pytest.mark.parametrize("old", [Term.YEAR, Term.MONTH])
def test_a_period_that_is_won_after_its_rise_was_lost_is_in_force_again(
    acme: Organisation, fake: Any, now: datetime, old: Term
) -> None:
    first, rise = a_rise(acme, now, old, Term.YEAR)
    is_reversed(fake, first, now + 12 * DAY)
    is_reversed(fake, rise, now + 14 * DAY)
    assert in_force(acme) == (Tier.COMMUNITY, None, "free")
    before = history(first)
    is_won(fake, first, now + 20 * DAY)
    assert in_force(acme) == (Tier.PRO, first.period_until_at, "paid")
    assert history(first) == before, "it ends when it would have"
    assert subscription(acme).renewal_term == old
    assert ledger.balance(acme.id).available == 100
    is_won(fake, first, now + 21 * DAY)
    assert in_force(acme) == (Tier.PRO, first.period_until_at, "paid"), "news that comes again changes nothing"
    is_won(fake, rise, now + 25 * DAY)
    assert in_force(acme) == (Tier.ENTERPRISE, rise.period_until_at, "paid"), "a rise that is won late takes its place"
    assert ledger.balance(acme.id).available == 500
    assert (audit().findings, ledger_audit().clean) == ([], True)


def test_a_period_that_is_won_while_its_rise_stands_changes_no_tier(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    first, rise = a_rise(acme, now, Term.YEAR, Term.YEAR)
    is_reversed(fake, first, now + 12 * DAY)
    is_won(fake, first, now + 20 * DAY)
    assert in_force(acme) == (Tier.ENTERPRISE, rise.period_until_at, "paid")
    assert audit().findings == []


@pytest.mark.parametrize(("verdict", "told"), [("opened", 1), ("inquiry", 0)])
def test_a_month_that_is_won_after_a_rise_did_not_deduct_it_is_told_to_an_operator(
    acme: Organisation, fake: Any, now: datetime, verdict: str, told: int
) -> None:
    """While the bank asked, the month was not deducted from the rise: nobody else would ever hear of its worth."""
    first = bought(takes(acme, Tier.PRO, Term.MONTH, now))
    fake.dispute(first.gateway_reference, verdict=verdict)
    billing.book_reversals(first.id, fake.reversals(first.gateway_reference), who="fake", now=now + DAY)
    by_bank = billing.change_tier(
        organisation=acme, tier=Tier.ENTERPRISE, who=ALICE, now=now + 2 * DAY, gateway="bank_transfer"
    )
    assert by_bank.purchase is not None
    transfer(by_bank.purchase, now + 3 * DAY)
    fake.dispute(first.gateway_reference, verdict="won" if verdict == "opened" else "inquiry_closed")
    for days in (20, 21):
        billing.book_reversals(first.id, fake.reversals(first.gateway_reference), who="fake", now=now + days * DAY)
    said = Event.objects.filter(subject_id=str(first.id), move__in=BillingOccurrence.MONTH_NOT_RESTORED.stored_as)
    assert (said.count(), in_force(acme)[0]) == (told, Tier.ENTERPRISE)
    assert audit().findings == []


def test_a_worth_that_was_used_up_when_its_period_is_won_is_told_to_an_operator(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    first, rise = a_rise(acme, now, Term.YEAR, Term.MONTH)
    assert rise.period_until_at
    is_reversed(fake, first, now + 12 * DAY)
    is_reversed(fake, rise, rise.period_until_at - 2 * DAY)
    is_won(fake, first, now + 200 * DAY)
    assert in_force(acme) == (Tier.COMMUNITY, None, "free")
    told = Event.objects.filter(subject_id=str(first.id), move__in=BillingOccurrence.MONTH_NOT_RESTORED.stored_as)
    assert told.count() == 1
    assert audit().findings == []


def mails(acme: Organisation, template: str) -> list[str]:
    return [compose(notice).body for notice in Notice.objects.filter(organisation=acme, template=template)]


def test_the_mail_of_a_lost_payment_says_which_tier_went_with_it(acme: Organisation, fake: Any, now: datetime) -> None:
    first, rise = a_rise(acme, now, Term.YEAR, Term.YEAR)
    fake.dispute(rise.gateway_reference)
    billing.book_reversals(rise.id, fake.reversals(rise.gateway_reference), who="fake", now=now + 12 * DAY)
    [told] = mails(acme, "payment_reversed")
    assert "Enterprise" in told and "You are in" not in told, "while the bank decides, it is in force"
    fake.dispute(rise.gateway_reference, verdict="lost")
    for days in (14, 15):
        billing.book_reversals(rise.id, fake.reversals(rise.gateway_reference), who="fake", now=now + days * DAY)
    [told] = mails(acme, "tier_taken_back")
    assert first.period_until_at
    until = words.day(first.period_until_at.astimezone(BERLIN).date().isoformat(), "en")
    assert f"You are in Pro now, which you had paid for before, until {until}." in told


def test_the_mail_of_a_refund_at_the_provider_says_it_too(acme: Organisation, fake: Any, now: datetime) -> None:
    first = bought(takes(acme, Tier.PRO, Term.MONTH, now))
    fake.refund_by_hand(first.gateway_reference, cents=first.gross_cents)
    billing.book_reversals(first.id, fake.reversals(first.gateway_reference), who="fake", now=now + 3 * DAY)
    [told] = mails(acme, "payment_refunded")
    assert "Pro ended with this payment. You are in Community now. What was ordered already goes on." in told
    assert mails(acme, "tier_taken_back") == []


def test_whoever_keeps_a_payment_after_all_is_told_what_is_theirs_again(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    first, rise = a_rise(acme, now, Term.YEAR, Term.YEAR)
    is_reversed(fake, rise, now + 12 * DAY)
    assert mails(acme, "payment_stays") == []
    for days in (20, 21):
        is_won(fake, rise, now + days * DAY)
    [told] = mails(acme, "payment_stays")
    assert rise.period_until_at
    until = words.day(rise.period_until_at.astimezone(BERLIN).date().isoformat(), "en")
    assert "400 credits that it had paid for are yours again." in told
    assert f"Enterprise is in force again until {until}." in told
    fake.dispute(first.gateway_reference)
    billing.book_reversals(first.id, fake.reversals(first.gateway_reference), who="fake", now=now + 22 * DAY)
    fake.dispute(first.gateway_reference, verdict="a_new_word")
    billing.book_reversals(first.id, fake.reversals(first.gateway_reference), who="fake", now=now + 23 * DAY)
    assert len(mails(acme, "payment_stays")) == 1, "a word that nobody knows decides nothing"
    is_won(fake, first, now + 24 * DAY)
    [other] = [body for body in mails(acme, "payment_stays") if body != told]
    assert "in force" not in other, "the tier is that of the rise, as before"


def test_a_refund_that_did_not_arrive_is_told_as_well(acme: Organisation, fake: Any, now: datetime) -> None:
    first = bought(takes(acme, Tier.PRO, Term.MONTH, now))
    for days, outcome in ((3, ReversalOutcome.LOST), (5, ReversalOutcome.WON)):
        fake.refund_by_hand(first.gateway_reference, cents=first.gross_cents, outcome=outcome)
        billing.book_reversals(first.id, fake.reversals(first.gateway_reference), who="fake", now=now + days * DAY)
    [told] = mails(acme, "payment_stays")
    assert "did not arrive" in told and "Pro is in force again until" in told
