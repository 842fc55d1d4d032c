"""Months and years that were lost with their payments, moment by moment: when one ends, what is in force then, and when
an operator is told that it cannot be in force again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from otai.billing import operations as billing
from otai.billing.audit import audit
from otai.billing.models import Event, Purchase, Reversal
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.lost_periods import end_the_tier
from otai.db import one_transaction
from otai.orgs.models import Organisation
from otai.pricing.price_book import Term, Tier
from tests.billing.people import ALICE, transfer
from tests.billing.test_annual_plans import DAY, bought, is_reversed, takes
from tests.billing.test_rises_charged_back import a_rise, history, in_force, is_won, why

pytestmark = pytest.mark.django_db
MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)


def books(fake: Any, purchase: Purchase, at: datetime, verdict: str, **dispute: Any) -> None:
    """What the payer's bank says of the purchase's payment is booked."""
    fake.dispute(purchase.gateway_reference, verdict=verdict, **dispute)
    billing.book_reversals(purchase.id, fake.reversals(purchase.gateway_reference), who="fake", now=at)


def by_bank(organisation: Organisation, tier: Tier, term: Term, now: datetime, *, paid_at: datetime) -> Purchase:
    """Alice takes a tier in the place of hers and pays it by bank, since no card is taken while one is disputed."""
    bought = billing.change_tier(
        organisation=organisation, tier=tier, term=term, who=ALICE, now=now, gateway="bank_transfer", at_once=True
    ).purchase
    assert bought is not None
    transfer(bought, paid_at)
    return Purchase.objects.get(id=bought.id)


def told(purchase: Purchase) -> int:
    """How often an operator was told that it is not in force again."""
    move = BillingOccurrence.MONTH_NOT_RESTORED.stored_as
    return Event.objects.filter(subject="purchase", subject_id=str(purchase.id), move__in=move).count()


# --- when it ends


@pytest.mark.parametrize(("before", "ends"), [(MICROSECOND, 1), (timedelta(0), 0)])
def test_a_month_whose_payment_is_lost_at_its_very_end_has_ended_by_itself(
    acme: Organisation, fake: Any, now: datetime, before: timedelta, ends: int
) -> None:
    month = bought(takes(acme, Tier.PRO, Term.MONTH, now))
    assert month.period_until_at
    is_reversed(fake, month, month.period_until_at - before)
    assert len(history(month)) == ends
    assert in_force(acme)[2] == ("free" if ends else "paid")


@pytest.mark.parametrize("at", [timedelta(0), 999_999 * MICROSECOND])
def test_a_second_that_began_is_used_and_what_was_not_is_whole_cents(
    acme: Organisation, fake: Any, now: datetime, at: timedelta
) -> None:
    """A third of the price of a month of Enterprise was not used a third of it before its end, and a cent less once a
    microsecond more had passed."""
    month = bought(takes(acme, Tier.ENTERPRISE, Term.MONTH, now))
    assert month.period_from_at and month.period_until_at
    whole = (month.period_until_at - month.period_from_at) // SECOND
    # The last second in which the price of what is left is still that many cents.
    cents = month.gross_cents // 3
    left = -(-cents * whole // month.gross_cents)
    is_reversed(fake, month, month.period_until_at - left * SECOND + SECOND - MICROSECOND - at)
    month.refresh_from_db()
    reversals = list(Reversal.objects.filter(purchase=month))
    [unused] = one_transaction(end_the_tier)(month, reversals, who="fake", now=now).values()
    assert (unused, type(unused)) == (cents - (at == timedelta(0)), int)


def test_a_month_lost_by_two_disputes_is_in_force_again_when_one_of_them_is_won(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    month = bought(takes(acme, Tier.PRO, Term.MONTH, now))
    half = month.gross_cents // 2
    books(fake, month, now + DAY, "lost", cents=half)
    assert in_force(acme) == (Tier.PRO, month.period_until_at, "paid"), "half of it was paid"
    books(fake, month, now + 2 * DAY, "lost", cents=month.gross_cents - half, name="-2")
    assert in_force(acme) == (Tier.COMMUNITY, None, "free")
    books(fake, month, now + 3 * DAY, "won", cents=half)
    assert in_force(acme) == (Tier.PRO, month.period_until_at, "paid")
    assert audit().findings == []


# --- what is in force then


def test_what_a_lost_rise_took_the_place_of_is_not_in_force_while_its_own_payment_is_disputed(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    first, rise = a_rise(acme, now, Term.YEAR, Term.YEAR)
    books(fake, first, now + 12 * DAY, "opened")
    is_reversed(fake, rise, now + 14 * DAY)
    assert in_force(acme) == (Tier.COMMUNITY, None, "free")
    is_won(fake, first, now + 20 * DAY)
    assert in_force(acme) == (Tier.PRO, first.period_until_at, "paid")
    assert audit().findings == []


def test_a_period_that_is_won_changes_nothing_once_another_was_bought_after_its_rise_was_lost(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    first, rise = a_rise(acme, now, Term.YEAR, Term.YEAR)
    is_reversed(fake, first, now + 12 * DAY)
    is_reversed(fake, rise, now + 14 * DAY)
    another = by_bank(acme, Tier.ENTERPRISE, Term.MONTH, now + 15 * DAY, paid_at=now + 16 * DAY)
    is_won(fake, first, now + 20 * DAY)
    assert in_force(acme) == (Tier.ENTERPRISE, another.period_until_at, "paid")
    assert audit().findings == []


def test_a_year_that_is_won_after_a_dear_month_in_its_place_was_lost_lasts_for_what_was_left_of_it(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    first, month = a_rise(acme, now, Term.YEAR, Term.MONTH)
    assert month.period_from_at and month.period_until_at and first.period_until_at
    whole = first.period_until_at - month.period_from_at
    middle = month.period_from_at + (month.period_until_at - month.period_from_at) / 2
    is_reversed(fake, first, now + 12 * DAY)
    is_reversed(fake, month, middle)
    is_won(fake, first, middle + DAY)
    tier, until, _ = in_force(acme)
    assert tier is Tier.PRO and until is not None and abs((until - middle) - whole / 2) <= DAY
    ended = Event.objects.get(subject_id=str(first.id), move=BillingOccurrence.MONTH_ENDED_EARLY)
    assert (ended.who, ended.at, ended.details["why"]) == ("fake", middle + DAY, why("payment_stays", first))
    assert Purchase.objects.get(id=first.id).period_until_at == until
    assert audit().findings == []


def test_a_year_that_is_won_after_two_rises_were_lost_lasts_from_the_later_loss_on(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    """A dear month in the year's place, and a year of Enterprise in that month's. The later rise is lost first: it is
    the month, lost last, that says what was left of the year."""
    first, month = a_rise(acme, now, Term.YEAR, Term.MONTH)
    rise = bought(takes(acme, Tier.ENTERPRISE, Term.YEAR, now + 11 * DAY, at_once=True))
    is_reversed(fake, first, now + 12 * DAY)
    is_reversed(fake, rise, now + 13 * DAY)
    assert in_force(acme) == (Tier.ENTERPRISE, month.period_until_at, "paid")
    assert month.period_from_at and month.period_until_at and first.period_until_at
    middle = month.period_from_at + (month.period_until_at - month.period_from_at) / 2
    is_reversed(fake, month, middle)
    is_won(fake, first, middle + DAY)
    tier, until, _ = in_force(acme)
    left = (first.period_until_at - month.period_from_at) / 2
    assert tier is Tier.PRO and until is not None and abs((until - middle) - left) <= DAY
    assert audit().findings == []


def test_a_rise_that_is_won_after_another_began_in_its_place_is_told_to_an_operator(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    _, rise = a_rise(acme, now, Term.YEAR, Term.YEAR)
    is_reversed(fake, rise, now + 14 * DAY)
    another = by_bank(acme, Tier.ENTERPRISE, Term.MONTH, now + 15 * DAY, paid_at=now + 16 * DAY)
    is_won(fake, rise, now + 20 * DAY)
    assert (in_force(acme), told(rise)) == ((Tier.ENTERPRISE, another.period_until_at, "paid"), 1)
    assert audit().findings == []


def test_a_month_that_is_won_when_it_would_be_over_is_told_to_an_operator_each_by_itself(
    acme: Organisation, globex: Organisation, fake: Any, now: datetime
) -> None:
    months = [bought(takes(one, Tier.PRO, Term.MONTH, now)) for one in (acme, globex)]
    for month in months:
        is_reversed(fake, month, now + 3 * DAY)
    for month, others in zip(months, (0, 1), strict=True):
        assert month.period_until_at
        is_won(fake, month, month.period_until_at)
        assert [told(one) for one in months] == [1, others]
    assert [in_force(one)[2] for one in (acme, globex)] == ["free", "free"]


# --- what a rise did not deduct


@pytest.mark.parametrize(
    ("days", "count"),
    [
        ({"opened": 2, "paid": 3, "won": 20}, 1),
        ({"opened": 3, "paid": 3, "won": 20}, 1),
        ({"opened": 2, "paid": 3, "won": 3}, 1),
        ({"paid": 3, "opened": 4, "won": 20}, 0),
        ({"opened": 1, "won": 2, "paid": 3}, 0),
    ],
)
def test_a_month_that_was_in_question_when_a_rise_was_paid_was_not_deducted(
    acme: Organisation, fake: Any, now: datetime, days: dict[str, int], count: int
) -> None:
    """It is in question from the moment in which the dispute is opened to that in which it is decided, both included:
    where it was, an operator is told, and not more than once."""
    first = bought(takes(acme, Tier.PRO, Term.MONTH, now))
    for what, day in days.items():
        if what == "paid":
            by_bank(acme, Tier.ENTERPRISE, Term.MONTH, now + day * DAY, paid_at=now + day * DAY)
        else:
            books(fake, first, now + day * DAY, what)
    books(fake, first, now + 25 * DAY, "won")
    assert (told(first), in_force(acme)[0]) == (count, Tier.ENTERPRISE)
    assert audit().findings == []


def test_what_a_month_itself_carried_was_deducted_from_the_next_although_its_payment_was_in_question(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    """A year of Pro, carried into a month of Enterprise that is disputed: a year of Enterprise in its place deducts
    what was carried, and not what the month cost, of which an operator is told when it is won."""
    _, month = a_rise(acme, now, Term.YEAR, Term.MONTH)
    books(fake, month, now + 12 * DAY, "opened")
    year = by_bank(acme, Tier.ENTERPRISE, Term.YEAR, now + 13 * DAY, paid_at=now + 13 * DAY)
    assert 0 < month.net_cents < month.carried_cents and 0 < year.carried_cents < month.carried_cents
    books(fake, month, now + 20 * DAY, "won")
    assert (told(month), in_force(acme)) == (1, (Tier.ENTERPRISE, year.period_until_at, "paid"))
    assert audit().findings == []
