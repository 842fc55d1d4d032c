"""A tier for twelve months at once: one payment, one invoice, and credits month by month."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError

from otai.billing import operations as billing
from otai.billing import queries
from otai.billing.accountant.datev import bookings
from otai.billing.accountant.tax import vat_figures
from otai.billing.audit import audit
from otai.billing.models import CouponFor, Invoice, Notice, Purchase, Reversal, Subscription
from otai.billing.months import Month, Period
from otai.billing.operations import dunning
from otai.billing.operations.coupons import CouponTerms
from otai.billing.operations.notices import compose
from otai.billing.operations.orders import TermNotOffered
from otai.billing.operations.tiers import AlreadyInTier, TierAnswer
from otai.billing.revenue import month_close
from otai.billing.status import PurchaseStatus, SubscriptionStatus
from otai.billing.testing import DECLINED_CARD, GOOD_CARD
from otai.ledger import queries as ledger
from otai.ledger.audit import audit as ledger_audit
from otai.ledger.models import Lot, LotSource
from otai.orgs.models import Organisation
from otai.pricing.anniversary import anniversary_at
from otai.pricing.price_book import Term, Tier
from otai.units import Money
from tests.billing.people import ALICE, OLGA, details, sign_up, transfer
from tests.billing.test_commands import as_json, otai
from tests.pricing.book import BOOK_WITH_YEARS

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")


def takes(organisation: Organisation, tier: Tier, term: Term | None, now: datetime, **more: Any) -> TierAnswer:
    """Alice takes a tier and pays it by card."""
    card = {"gateway": "fake", "payment_method": GOOD_CARD, **more}
    return billing.change_tier(organisation=organisation, tier=tier, term=term, who=ALICE, now=now, **card)


def bought(answer: TierAnswer) -> Purchase:
    assert answer.purchase is not None
    return answer.purchase


def subscription(organisation: Organisation) -> Subscription:
    return Subscription.objects.get(organisation=organisation)


def sweep(now: datetime) -> None:
    billing.sweep_subscriptions(now=now)
    dunning.charge_again(now=now)
    billing.sweep_grants(now=now)


def monthly(organisation: Organisation) -> list[int]:
    lots = Lot.objects.filter(organisation=organisation, source=LotSource.MONTHLY).order_by("seq")
    return list(lots.values_list("credits", flat=True))


def keeps_card(organisation: Organisation, now: datetime, method: str = GOOD_CARD) -> None:
    kept = f"cus:{method}"
    billing.set_renewal_payment(organisation=organisation, gateway="fake", payment_method=kept, who=ALICE, now=now)


def is_reversed(fake: Any, purchase: Purchase, now: datetime, cents: int | None = None) -> None:
    """A dispute over all or a part of the payment, and lost."""
    for verdict in ("", "lost"):
        fake.dispute(purchase.gateway_reference, cents=cents, **({"verdict": verdict} if verdict else {}))
        billing.book_reversals(purchase.id, fake.reversals(purchase.gateway_reference), who="fake", now=now)


@pytest.mark.pure
def test_a_year_costs_what_ten_months_do() -> None:
    for tier in (Tier.PRO, Tier.ENTERPRISE):
        terms = BOOK_WITH_YEARS.tiers[tier]
        assert terms.annual_price == Money(terms.monthly_price.cents * 10)
        assert terms.annual_saving == Money(terms.monthly_price.cents * 2)
        assert (terms.price_for(Term.MONTH), terms.price_for(Term.YEAR)) == (terms.monthly_price, terms.annual_price)
    assert BOOK_WITH_YEARS.tiers[Tier.COMMUNITY].annual_price is None


def test_a_year_is_one_payment_and_one_invoice_and_its_credits_come_month_by_month(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    year = bought(takes(acme, Tier.PRO, Term.YEAR, now))
    ends = datetime(2027, 11, 1, 23, tzinfo=UTC)
    assert (year.net_cents, year.period_until_at, subscription(acme).renewal_term) == (990_00, ends, "year")
    assert ledger.balance(acme.id).available == 100, "the initial credits as by the month"
    [invoice] = Invoice.objects.all()
    assert (invoice.net_cents, invoice.facts["line"]["term"]) == (990_00, "year")
    assert (invoice.facts["period_from_on"], invoice.facts["period_until_on"]) == ("2026-11-02", "2027-11-01")
    for month in range(1, 12):
        due = anniversary_at(now, month, BERLIN)
        sweep(due - timedelta(seconds=1))
        assert len(monthly(acme)) == month - 1
        sweep(due)
        sweep(due + DAY)
        assert monthly(acme) == [50] * month, "once each"
    assert (subscription(acme).status, fake.account.charges) == ("paid", 1)
    assert audit().findings == []


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        (datetime(2027, 1, 31, 12, tzinfo=UTC), datetime(2028, 1, 30, 23, tzinfo=UTC)),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), datetime(2029, 2, 27, 23, tzinfo=UTC)),
        (datetime(2027, 6, 30, 22, 30, tzinfo=UTC), datetime(2028, 6, 30, 22, tzinfo=UTC)),
    ],
)
def test_a_year_ends_on_its_day_where_the_organisation_is(
    fake: Any, db: None, begins: datetime, ends: datetime
) -> None:
    acme = sign_up("acme", Tier.COMMUNITY, begins)
    details(acme, now=begins)
    assert bought(takes(acme, Tier.PRO, Term.YEAR, begins)).period_until_at == ends
    keeps_card(acme, begins)
    sweep(ends)
    assert subscription(acme).paid_until_at == anniversary_at(begins, 24, BERLIN), "and the day returns"


def test_a_year_is_renewed_by_the_year_with_the_card_that_is_kept(acme: Organisation, fake: Any, now: datetime) -> None:
    first = bought(takes(acme, Tier.PRO, Term.YEAR, now))
    keeps_card(acme, now)
    assert first.period_until_at is not None
    sweep(first.period_until_at)
    second = Purchase.objects.filter(organisation=acme).latest("ordered_at")
    assert (second.term, second.net_cents, second.status) == ("year", 990_00, "paid")
    assert (second.period_from_at, second.period_until_at) == (first.period_until_at, anniversary_at(now, 24, BERLIN))
    assert monthly(acme) == [50] * 12


def test_a_years_renewal_is_announced_a_month_before_once(acme: Organisation, fake: Any, now: datetime) -> None:
    year = bought(takes(acme, Tier.PRO, Term.YEAR, now))
    keeps_card(acme, now)
    assert year.period_until_at is not None
    for days, told in ((31, 0), (30, 1), (29, 0)):
        assert billing.announce_years(now=year.period_until_at - days * DAY) == told
    message = compose(Notice.objects.get(template="year_renews"))
    assert message.subject == "Pro is renewed for a year on 2 Nov 2027"
    assert "another twelve months: EUR 990.00 net, charged to the payment method" in message.body
    second = year.period_until_at + 365 * DAY
    sweep(year.period_until_at)
    billing.cancel_tier(organisation=acme, who=ALICE, now=now + 400 * DAY)
    assert billing.announce_years(now=second - 10 * DAY) == 0, "nothing is announced to whoever has cancelled"


def test_a_year_that_is_not_paid_is_tried_again_and_ends_in_community(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    first = bought(takes(acme, Tier.PRO, Term.YEAR, now))
    keeps_card(acme, now, DECLINED_CARD)
    assert first.period_until_at is not None
    ends = first.period_until_at
    for days in range(15):
        sweep(ends + days * DAY)
    second = Purchase.objects.filter(organisation=acme).latest("ordered_at")
    assert (second.term, second.status, second.charge_attempts.count()) == ("year", "cancelled", 5)
    assert (queries.tier_of(acme), subscription(acme).renewal_term) == (Tier.COMMUNITY, "month")
    assert monthly(acme) == [50] * 11, "a year that is never paid grants nothing"


def test_from_months_to_a_year_at_the_months_end(acme: Organisation, fake: Any, now: datetime) -> None:
    takes(acme, Tier.PRO, Term.MONTH, now)
    keeps_card(acme, now)
    answer = takes(acme, Tier.PRO, Term.YEAR, now + 5 * DAY)
    ends = datetime(2026, 12, 1, 23, tzinfo=UTC)
    assert (answer.purchase, answer.in_force, answer.from_at, answer.term) == (None, False, ends, Term.YEAR)
    with pytest.raises(AlreadyInTier):
        takes(acme, Tier.PRO, Term.YEAR, now + 6 * DAY)
    sweep(ends)
    year = Purchase.objects.filter(organisation=acme).latest("ordered_at")
    assert (year.net_cents, year.period_from_at, year.period_until_at) == (
        990_00,
        ends,
        anniversary_at(now, 13, BERLIN),
    )


def test_from_months_to_a_year_at_once_less_what_is_left_of_the_month(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    month = bought(takes(acme, Tier.PRO, Term.MONTH, now))
    later = now + 10 * DAY
    year = bought(takes(acme, Tier.PRO, Term.YEAR, later, at_once=True))
    assert month.period_until_at and month.period_from_at
    seconds = timedelta(seconds=1)
    left = 99_00 * ((month.period_until_at - later) // seconds) // ((month.period_until_at - now) // seconds)
    assert (year.net_cents, year.deducted_cents, year.carried_cents) == (990_00 - left, left, left)
    assert (year.period_from_at, year.period_until_at) == (later, anniversary_at(later, 12, BERLIN))
    assert subscription(acme).renewal_term == "year"
    sweep(datetime(2027, 1, 5, tzinfo=UTC))
    assert monthly(acme) == [50, 50], "the grant day does not move"
    assert audit().findings == []


def test_a_year_that_nobody_pays_never_stops_the_months(acme: Organisation, fake: Any, now: datetime) -> None:
    takes(acme, Tier.PRO, Term.MONTH, now)
    keeps_card(acme, now)
    waits = bought(
        takes(acme, Tier.PRO, Term.YEAR, now + DAY, at_once=True, gateway="bank_transfer", payment_method="")
    )
    sweep(now + 31 * DAY)
    waits.refresh_from_db()
    assert (subscription(acme).status, waits.status, fake.account.charges) == ("paid", "open", 2)
    late = now + 33 * DAY
    billing.confirm_payment(
        reference=waits.reference,
        received=Money(waits.gross_cents),
        bank_reference="entry",
        who=OLGA,
        why="bank statement",
        now=late,
    )
    waits.refresh_from_db()
    # Two days more of a month are used than when the year was ordered: EUR 6.60, or two days of the year.
    assert waits.period_until_at == anniversary_at(late - 2 * DAY, 12, BERLIN)
    assert audit().findings == []


def test_from_a_year_to_months_at_the_years_end(acme: Organisation, fake: Any, now: datetime) -> None:
    year = bought(takes(acme, Tier.PRO, Term.YEAR, now))
    keeps_card(acme, now)
    assert year.period_until_at is not None
    answer = takes(acme, Tier.PRO, Term.MONTH, now + 100 * DAY, at_once=True)
    assert (answer.purchase, answer.from_at) == (None, year.period_until_at), "nothing goes back at once"
    sweep(year.period_until_at)
    month = Purchase.objects.filter(organisation=acme).latest("ordered_at")
    assert (month.term, month.net_cents, month.period_until_at) == ("month", 99_00, anniversary_at(now, 13, BERLIN))


def test_a_rise_within_a_year_is_less_what_is_left_of_it(acme: Organisation, fake: Any, now: datetime) -> None:
    year = bought(takes(acme, Tier.PRO, Term.YEAR, now))
    later = now + 90 * DAY
    assert year.period_until_at is not None
    second = timedelta(seconds=1)
    left = 990_00 * ((year.period_until_at - later) // second) // ((year.period_until_at - now) // second)
    rise = bought(takes(acme, Tier.ENTERPRISE, Term.YEAR, later))
    assert (rise.net_cents, rise.carried_cents) == (4990_00 - left, left)
    assert ledger.balance(acme.id).available == 600, "the initial credits of the climb, and two months of the year"
    sweep(later + 60 * DAY)
    assert monthly(acme) == [50, 50, 250, 250]


def test_what_a_year_carried_is_deducted_again_by_the_next_rise(acme: Organisation, fake: Any, now: datetime) -> None:
    takes(acme, Tier.PRO, Term.MONTH, now)
    takes(acme, Tier.PRO, Term.YEAR, now + timedelta(hours=1), at_once=True)
    rise = bought(takes(acme, Tier.ENTERPRISE, Term.YEAR, now + timedelta(hours=2)))
    assert 989_70 <= (rise.deducted_cents or 0) <= 990_00, "all of the year, whoever paid which part of it"


def test_a_rise_to_months_out_of_a_year_turns_what_is_left_into_time(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    takes(acme, Tier.PRO, Term.YEAR, now)
    rise = bought(takes(acme, Tier.ENTERPRISE, Term.MONTH, now + DAY))
    assert rise.net_cents == 50, "the least that a card is charged"
    assert rise.period_until_at is not None
    # EUR 987.29 and 0.50 at EUR 499 a month are 1.98 months.
    assert 58 <= (rise.period_until_at - now).days <= 61
    sweep(rise.period_until_at + 15 * DAY)
    sweep(rise.period_until_at + 60 * DAY)
    assert queries.tier_of(acme) is Tier.COMMUNITY
    assert 50 not in monthly(acme), "what was deducted of the Pro year brings nothing any more"


def test_cancelling_falls_back_at_the_years_end_and_can_be_taken_back(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    year = bought(takes(acme, Tier.PRO, Term.YEAR, now))
    ends = year.period_until_at
    assert ends is not None
    assert billing.cancel_tier(organisation=acme, who=ALICE, now=now + DAY).from_at == ends
    takes(acme, Tier.PRO, None, now + 2 * DAY)
    assert (subscription(acme).status, subscription(acme).renewal_term) == (SubscriptionStatus.PAID, "year")
    billing.cancel_tier(organisation=acme, who=ALICE, now=now + 3 * DAY)
    sweep(ends - timedelta(seconds=1))
    assert queries.tier_of(acme) is Tier.PRO
    sweep(ends)
    assert (queries.tier_of(acme), subscription(acme).renewal_term) == (Tier.COMMUNITY, "month")
    assert monthly(acme) == [50] * 11 + [2]


def test_a_year_that_is_charged_back_ends_at_once_and_grants_no_more(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    year = bought(takes(acme, Tier.PRO, Term.YEAR, now))
    sweep(now + 70 * DAY)
    assert (ledger.balance(acme.id).available, monthly(acme)) == (200, [50, 50])
    is_reversed(fake, year, now + 71 * DAY)
    assert (queries.tier_of(acme), ledger.balance(acme.id).available) == (Tier.COMMUNITY, 6)
    sweep(now + 200 * DAY)
    assert monthly(acme) == [50, 50, 2, 2, 2, 2]
    year.refresh_from_db()
    assert (year.status, audit().findings) == (PurchaseStatus.REVERSED, [])
    # What is left of the year is credited in the month in which it was lost, with its VAT; what was used is owed.
    [credited] = vat_figures(Period.parse("2027-01"))
    ends = datetime(2027, 11, 2, tzinfo=BERLIN)
    left = int(year.net_cents * ((ends - now - 71 * DAY) / (ends - now)))
    assert (credited.net_cents, credited.vat_cents) == (-left, -left * 19 // 100)
    booked = [(one.account, one.cents) for one in bookings(Month(2027, 1))]
    assert sorted(booked) == [(1360, -year.gross_cents), (10000, credited.net_cents + credited.vat_cents)]
    assert month_close(2027, 1, zone=BERLIN).tiers.deferred_after.cents == 0


@pytest.mark.parametrize("by_the_vendor", [False, True])
def test_of_a_year_whose_price_went_back_in_part_the_months_to_come_go_back_in_part(
    acme: Organisation, fake: Any, now: datetime, by_the_vendor: bool
) -> None:
    year = bought(takes(acme, Tier.PRO, Term.YEAR, now))
    half = year.gross_cents // 2
    if by_the_vendor:
        fake.refund_by_hand(year.gateway_reference, cents=half)
        billing.book_reversals(year.id, fake.reversals(year.gateway_reference), who="fake", now=now + DAY)
    else:
        is_reversed(fake, year, now + DAY, cents=half)
    assert ledger.balance(acme.id).available == 53, "half of the 94 that it brought"
    for months in (1, 2):
        sweep(anniversary_at(now, months, BERLIN))
        assert ledger.balance(acme.id).available == 53 + 25 * months
    assert queries.tier_of(acme) is Tier.PRO
    assert audit().findings == []


def pauses(acme: Organisation, fake: Any, at: datetime) -> None:
    """The vendor suspends acme for two months of its year, and resumes it."""
    who: dict[str, Any] = {"organisation": acme, "who": OLGA, "why": "to be settled"}
    billing.suspend(now=at, **who)
    billing.resume(now=anniversary_at(at, 2, BERLIN) + DAY, **who)


def rises(acme: Organisation, fake: Any, at: datetime) -> None:
    """Alice pays for a higher tier before the sweep has come."""
    late = anniversary_at(at, 2, BERLIN) + DAY
    order = billing.change_tier(organisation=acme, tier=Tier.ENTERPRISE, term=Term.MONTH, who=ALICE, now=late).purchase
    assert order is not None
    transfer(order, late)


@pytest.mark.parametrize("happens", [pauses, rises])
def test_months_of_such_a_year_that_come_otherwise_than_by_the_sweep_go_back_in_part_as_well(
    acme: Organisation, fake: Any, now: datetime, happens: Callable[[Organisation, Any, datetime], None]
) -> None:
    year = bought(takes(acme, Tier.PRO, Term.YEAR, now))
    is_reversed(fake, year, now, cents=year.gross_cents // 2)
    happens(acme, fake, now)
    assert monthly(acme)[:2] == [50, 50]
    [lost] = Reversal.objects.all()
    assert lost.withdrawn_credits == (94 + 100) // 2
    assert audit().findings == []


def test_a_grant_whose_share_cannot_be_taken_is_not_made(
    acme: Organisation, fake: Any, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = bought(takes(acme, Tier.PRO, Term.YEAR, now))
    is_reversed(fake, year, now, cents=year.gross_cents // 2)
    due = anniversary_at(now, 1, BERLIN)

    def machine_fails(**_: Any) -> None:
        raise DatabaseError("the machine was switched off")

    with monkeypatch.context() as failing:
        failing.setattr("otai.billing.operations.takings.ledger.withdraw", machine_fails)
        assert billing.sweep_grants(now=due).failed == 1
    assert ledger.balance(acme.id).available == 53, "the whole month's credits were not there in between"
    billing.sweep_grants(now=due)
    assert ledger.balance(acme.id).available == 53 + 25


def test_a_coupon_for_the_first_month_takes_its_share_off_a_month_of_the_year(
    acme: Organisation, fake: Any, now: datetime
) -> None:
    terms = CouponTerms(CouponFor.FIRST_MONTH, now, percent=50)
    billing.make_coupon(code="HALF", terms=terms, who=OLGA, why="the fair", now=now)
    year = bought(takes(acme, Tier.PRO, Term.YEAR, now, coupon="HALF"))
    assert (year.discount_cents, year.net_cents) == (49_50, 940_50)
    assert audit().findings == []


def test_a_tier_that_is_not_sold_by_the_year_says_so(
    acme: Organisation, fake: Any, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from otai.pricing.published import read

    monkeypatch.setattr("otai.billing.queries.price_book", lambda at=None: read("2026-11e"))
    with pytest.raises(TermNotOffered, match="Pro is not sold by the year"):
        takes(acme, Tier.PRO, Term.YEAR, now)
    assert not Purchase.objects.exists()


def test_a_year_is_taken_at_the_command_line(acme: Organisation, fake: Any, now: datetime) -> None:
    assert "EUR 990 + EUR 188.10 VAT" in otai("tier", "change", "pro", "--term", "year", "--preview")
    asked = as_json("tier", "change", "pro", "--term", "year", "--gateway", "fake", "--payment-method", GOOD_CARD)
    assert (asked["renewal_term"], asked["purchase"]["term"], asked["in_force"]) == ("year", "year", True)
    shown = otai("tier", "show")
    assert "EUR 990 a year, net" in shown and "renewed by the year" in shown
    assert "a year, net" in (book := otai("price-book")) and "EUR 4,990" in book
    assert "paid by the month, begins on" in otai("tier", "change", "pro", "--term", "month")


def test_an_unpaid_month_can_be_paid_as_a_year(acme: Organisation, fake: Any, now: datetime) -> None:
    takes(acme, Tier.PRO, Term.MONTH, now)
    ended = subscription(acme).paid_until_at
    sweep(now + 31 * DAY)
    month = Purchase.objects.get(status=PurchaseStatus.OPEN)
    year = bought(takes(acme, Tier.PRO, Term.YEAR, now + 33 * DAY))
    month.refresh_from_db()
    assert (month.status, year.status, year.net_cents) == ("cancelled", "paid", 990_00)
    assert (year.period_from_at, year.period_until_at) == (ended, anniversary_at(now, 13, BERLIN)), "without a gap"
    assert monthly(acme) == [50]


def test_two_years_of_months_and_years_close_to_the_cent(
    acme: Organisation, globex: Organisation, fake: Any, now: datetime
) -> None:
    """Acme goes from months of Pro to years; of Globex's first year of Enterprise a fifth is charged back."""
    takes(acme, Tier.PRO, Term.MONTH, now)
    year = bought(takes(globex, Tier.ENTERPRISE, Term.YEAR, now))
    for customer in (acme, globex):
        keeps_card(customer, now)
    for month in range(1, 25):
        due = anniversary_at(now, month, BERLIN)
        if month == 3:
            takes(acme, Tier.PRO, Term.YEAR, due - DAY)
        if month == 7:
            is_reversed(fake, year, due - DAY, cents=year.gross_cents // 5)
            lost = Reversal.objects.get()
            assert lost.owed_gross_cents == 998_00, "the year stays theirs"
            billing.write_off_owed(reversal=lost.id, who=OLGA, why="agreed", now=due - DAY / 2)
        sweep(due)
        sweep(due + DAY)
    paid = [
        (one.organisation.slug, one.net_cents // 100, one.term) for one in Purchase.objects.order_by("paid_at", "id")
    ]
    months, years = [("acme", 99, "month")] * 3, [("acme", 990, "year")] * 2
    assert sorted(paid) == sorted([*months, *years, *[("globex", 4990, "year")] * 3])
    assert (monthly(acme), monthly(globex)) == ([50] * 24, [250] * 24), "once each, whatever is paid by"
    assert ledger.balance(acme.id).available == 100 + 24 * 50
    assert ledger.balance(globex.id).available == 500 + 24 * 250 - 98 - 6 * 50, "a fifth of what the year had brought"
    total = {"received": 0, "refunded": 0, "recognised": 0}
    deferred, first = 0, Month(2026, 11)
    for at in (first.plus(month) for month in range(38)):
        close = month_close(at.year, at.number, zone=BERLIN)
        assert (close.packages.difference.cents, close.tiers.difference.cents) == (0, 0)
        assert close.total.deferred_before.cents == deferred
        deferred = close.total.deferred_after.cents
        for name in total:
            total[name] += getattr(close.total, name).cents
    assert (total, deferred) == ({"received": 17_247_00, "refunded": 0, "recognised": 17_247_00}, 0)
    assert audit().findings == [] and ledger_audit().clean
