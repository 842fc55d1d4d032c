"""Tiers: signing up, and which tier is in force since when. What is due at a time (renewals, falls, grants) is in
renewals.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from otai.billing import initial_credits, queries
from otai.billing.models import Purchase, PurchaseKind, Subscription, TierChange
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.events import became, record
from otai.billing.operations.takings import kept_net
from otai.billing.status import DELIVERED, SUBSCRIPTION_MOVES, PurchaseStatus, SubscriptionStatus
from otai.db import one_transaction
from otai.errors import NotFound
from otai.ledger import operations as ledger
from otai.ledger.models import LotSource
from otai.ledger.references import ReferredTo, reference_to
from otai.orgs import queries as orgs
from otai.orgs.founders import Person
from otai.orgs.models import Organisation
from otai.orgs.operations import confirm, create_organisation, founded_by, lock_founders
from otai.pricing.anniversary import anniversary_at, months_begun
from otai.pricing.periods import counts_from, unused_cents
from otai.pricing.price_book import Term, Tier
from otai.words.explained import arrow, as_text
from otai.words.sentences import Fact


@one_transaction
def sign_up(
    *,
    slug: str,
    name: str,
    time_zone: str,
    tier: Tier,
    now: datetime,
    who: str = "sign-up",
    founder: Person | None = None,
) -> Organisation:
    """A new organisation in a tier, with the tier's initial credits in its account.

    Who founds it has these credits once, and once the mail address is confirmed (`confirmed`); without a `founder` it
    is an operator who signs it up, and gives them. In a paid tier the first month is charged from now on: the tier
    stays in force for the price book's grace, and falls back to Community if it is not paid by then. Raises
    InvalidOrganisation, OrganisationExists and TooManyOrganisations; nothing is written then.
    """
    organisation = create_organisation(slug=slug, name=name, time_zone=time_zone, now=now)
    if founder is not None:
        founded_by(organisation, founder, queries.price_book().founding, now=now)
    begin_subscription(organisation, tier, who=who, now=now)
    return organisation


def begin_subscription(organisation: Organisation, tier: Tier, *, who: str, now: datetime) -> None:
    """The subscription of a new organisation, with the tier's initial credits; in the caller's transaction."""
    book = queries.price_book()
    is_free = book.tiers[tier].is_free
    status = SubscriptionStatus.FREE if is_free else SubscriptionStatus.UNPAID
    subscription = Subscription.objects.create(
        organisation=organisation,
        tier=tier.value,
        signed_up_at=now,
        time_zone=organisation.time_zone,
        status=status.value,
        next_grant_at=anniversary_at(now, 1, organisation.zone),
        billing_anchor_at=None if is_free else now,
        paid_until_at=None if is_free else now,
        grace_until_at=None if is_free else now + book.payment_grace,
    )
    _bring_into_force(subscription, tier, effective_at=now, who=who, why=Fact("billing.signed_up"), now=now)


def confirmed(person: Person, *, now: datetime) -> None:
    """A person's mail address is confirmed: each organisation that they founded with it is given what waited for
    it."""
    for founding in orgs.foundings_to_confirm(person):
        _give_what_waited(founding, now=now)


@one_transaction
def _give_what_waited(organisation: UUID, *, now: datetime) -> None:
    subscription = locked(Organisation.objects.get(id=organisation))
    if confirm(organisation, now=now):
        tier = Tier(subscription.tier)
        _grant_initial_credits(subscription, tier, key=_key(tier), now=now)


def locked(organisation: Organisation) -> Subscription:
    """The subscription, with its row locked until the transaction ends. Raises NotFound."""
    found = Subscription.objects.select_for_update(no_key=True).filter(organisation=organisation).first()
    if found is None:
        raise NotFound("subscription", organisation=organisation.slug)
    return found


MOVED = ("tier", "time_zone", "next_tier", "renewal_term", "billing_anchor_at", "paid_until_at", "grace_until_at")
"""The columns that go with a subscription's status."""


def move(
    subscription: Subscription,
    to: SubscriptionStatus,
    *,
    who: str,
    why: str | Fact,
    now: datetime,
    tier: Tier | None = None,
    effective_at: datetime | None = None,
    billing_anchor_at: datetime | None = None,
    paid_until_at: datetime | None = None,
    grace_until_at: datetime | None = None,
    next_tier: Tier | None = None,
    renewal_term: Term | None = None,
) -> None:
    """One move of a locked subscription, with its event; a new tier comes into force with its initial credits.

    What is not given is emptied, except the paid time and the term of its renewal, which only FREE empties.
    """
    before = SubscriptionStatus(subscription.status)
    assert to == before or to in SUBSCRIPTION_MOVES[before], f"no move {before} -> {to}"
    subscription.status = to.value
    subscription.next_tier = next_tier.value if next_tier else None
    subscription.grace_until_at = grace_until_at
    if to is SubscriptionStatus.FREE:
        subscription.billing_anchor_at = subscription.paid_until_at = None
        subscription.renewal_term = Term.MONTH.value
    else:
        subscription.renewal_term = renewal_term.value if renewal_term else subscription.renewal_term
        subscription.billing_anchor_at = billing_anchor_at or subscription.billing_anchor_at
        subscription.paid_until_at = paid_until_at or subscription.paid_until_at
    changed = tier is not None and tier.value != subscription.tier
    if tier is not None:
        subscription.tier = tier.value
    subscription.save()
    record(
        organisation=subscription.organisation_id,
        subject="subscription",
        subject_id=subscription.id,
        move=arrow(before, to),
        who=who,
        why=why,
        now=now,
        tier=subscription.tier,
        next_tier=subscription.next_tier,
        became=became({name: getattr(subscription, name) for name in MOVED}),
    )
    if tier is not None and changed:
        _bring_into_force(subscription, tier, effective_at=effective_at or now, who=who, why=why, now=now)


def _bring_into_force(
    subscription: Subscription, tier: Tier, *, effective_at: datetime, who: str, why: str | Fact, now: datetime
) -> None:
    organisation = subscription.organisation_id
    first_time = not TierChange.objects.filter(organisation=organisation, tier=tier.value).exists()
    change = TierChange.objects.create(
        organisation_id=organisation,
        tier=tier.value,
        effective_at=effective_at,
        recorded_at=now,
        who=who,
        why=as_text(why),
    )
    if first_time or initial_credits.taken_back([organisation]):
        _grant_initial_credits(
            subscription, tier, key=_key(tier) if first_time else f"{_key(tier)}:{change.id}", now=now
        )


def _key(tier: Tier) -> str:
    return f"initial:{tier.value}"


def _grant_initial_credits(subscription: Subscription, tier: Tier, *, key: str, now: datetime) -> None:
    """docs/policies.md: the tier's initial credits less those had so far, so that a climb totals the same as signing up
    there, in however many organisations one person or company climbs."""
    book, organisation = queries.price_book(), subscription.organisation_id
    lock_founders(organisation)
    due = initial_credits.initial_credits_due(organisation, book.tiers[tier])
    if not due:
        return
    ledger.grant(
        organisation=organisation,
        credits=due,
        source=LotSource.INITIAL,
        key=key,
        reference=reference_to(ReferredTo.TIER, tier.value),
        reason=Fact("moved_why.initial", {"tier": tier.value}),
        now=now,
        price_book=book.version,
    )


def rank(tier: Tier | str) -> int:
    """Tiers from low to high, in the order of the price book's enumeration."""
    return list(Tier).index(Tier(tier))


def can_begin_period(purchase: Purchase) -> bool:
    """Whether a paid period of this tier still makes sense: not one below the tier that is in force by now."""
    tier = Subscription.objects.values_list("tier", flat=True).get(organisation=purchase.organisation_id)
    return rank(purchase.tier) >= rank(tier)


def orders_not_wanted_any_more(purchase: Purchase) -> list[Purchase]:
    """Open orders for lower tiers than the one that is being paid, and for the next period of what it takes the place
    of, locked: nobody pays them after it. One that is with the bank is left to its outcome."""
    orders = Purchase.objects.select_for_update(no_key=True).filter(
        organisation=purchase.organisation_id,
        kind=PurchaseKind.SUBSCRIPTION,
        status__in=[PurchaseStatus.OPEN, PurchaseStatus.PART_PAID],
    )
    return [
        order
        for order in orders.order_by("id")
        if rank(order.tier) < rank(purchase.tier)
        or (order.tier == purchase.tier and order.is_renewal and not purchase.is_renewal)
    ]


@dataclass(frozen=True, slots=True)
class PaidPeriod:
    """What a payment for a tier bought: the time, and `carried_cents`, net, of an older period that are in it."""

    subscription: Subscription
    starts: datetime
    ends: datetime
    carried_cents: int


def begin_paid_period(purchase: Purchase, *, who: str, now: datetime) -> PaidPeriod:
    """The period that was paid for: the next one of the tier in force, or one that begins now in its place.

    Part of the transaction that confirms the payment.
    """
    subscription = locked(purchase.organisation)
    tier, term = Tier(purchase.tier), Term(purchase.term)
    why = Fact(f"billing.{term}_paid", {"tier": tier.value, "reference": purchase.reference})
    goes_on = tier.value == subscription.tier and subscription.status != SubscriptionStatus.FREE
    if goes_on and purchase.is_renewal:
        return _next_period(purchase, subscription, who=who, why=why, now=now)
    # In the tier in force an unpaid time of grace is part of what is paid for.
    follow_the_zone(subscription, now=now)
    starts = subscription.paid_until_at if goes_on and subscription.status == SubscriptionStatus.UNPAID else now
    assert starts is not None, "what is unpaid was paid until a time"
    carried = unused_share_cents(subscription, now=now)
    zone, deducted = subscription.zone, purchase.deducted_cents
    begun = starts
    if deducted is not None:
        price_cents = purchase.net_cents + deducted
        begun = counts_from(
            starts, months=term.months, zone=zone, price_cents=price_cents, deducted_cents=deducted, unused=carried
        )
    ends = anniversary_at(begun, term.months, zone)
    move(
        subscription,
        SubscriptionStatus.PAID,
        who=who,
        why=why,
        now=now,
        tier=tier,
        billing_anchor_at=begun,
        paid_until_at=ends,
        renewal_term=term,
    )
    return PaidPeriod(subscription, starts, ends, 0 if deducted is None else carried)


def _next_period(purchase: Purchase, subscription: Subscription, *, who: str, why: Fact, now: datetime) -> PaidPeriod:
    assert subscription.billing_anchor_at and subscription.paid_until_at
    zone = subscription.zone
    starts = subscription.paid_until_at
    months = months_begun(subscription.billing_anchor_at, starts, zone) + purchase.months
    ends = anniversary_at(subscription.billing_anchor_at, months, zone)
    is_ending = subscription.status == SubscriptionStatus.ENDING
    move(
        subscription,
        SubscriptionStatus.ENDING if is_ending else SubscriptionStatus.PAID,
        who=who,
        why=why,
        now=now,
        paid_until_at=ends,
        next_tier=Tier(subscription.next_tier) if subscription.next_tier else None,
    )
    return PaidPeriod(subscription, starts, ends, 0)


def follow_the_zone(subscription: Subscription, *, now: datetime) -> None:
    """The days of a locked subscription begin where its organisation is by now, with its event, while nothing is paid.

    Paid months and grant days stay where the tier began to be paid, so that each month has its one grant day: days that
    moved meanwhile would bring a month's credits twice, or never (decision 0439).
    """
    organisation = subscription.organisation
    if organisation.time_zone == subscription.time_zone or subscription.status != SubscriptionStatus.FREE:
        return
    next_at = anniversary_at(subscription.signed_up_at, subscription.months_granted + 1, organisation.zone)
    paid = Purchase.objects.filter(organisation=organisation, period_until_at__gt=now)
    if next_at <= now or paid.exists():
        # A grant is made first; a paid month that was taken back may be won again.
        return
    subscription.time_zone, subscription.next_grant_at = organisation.time_zone, next_at
    subscription.save(update_fields=["time_zone", "next_grant_at"])
    record(
        organisation=organisation,
        subject="subscription",
        subject_id=subscription.id,
        move=BillingOccurrence.DAYS_FOLLOWED,
        who="billing",
        now=now,
        became=became({"time_zone": subscription.time_zone}),
    )


def paid_period(subscription: Subscription) -> Purchase | None:
    """What the tier in force was paid with last; None where it never was."""
    return (
        Purchase.objects.filter(
            organisation=subscription.organisation_id,
            kind=PurchaseKind.SUBSCRIPTION,
            paid_at__isnull=False,
            period_until_at=subscription.paid_until_at,
        )
        .order_by("-paid_at")
        .first()
        if subscription.paid_until_at
        else None
    )


def taken_the_place_of(purchase: Purchase, *, now: datetime) -> Purchase | None:
    """The paid month or year in whose place a rise began, where its payment stays and its own time is not over."""
    older = Purchase.objects.filter(
        Q(period_cut_at__isnull=True) | Q(period_cut_at__gt=now),
        organisation=purchase.organisation_id,
        kind=PurchaseKind.SUBSCRIPTION,
        status__in=sorted(DELIVERED - {PurchaseStatus.REVERSED}),
        paid_at__lte=purchase.paid_at,
        period_from_at__lte=purchase.period_from_at,
        period_until_at__gt=max(now, purchase.period_from_at or now),
    )
    return older.exclude(id=purchase.id).order_by("-period_from_at", "-paid_at").first()


def period_counts_from(purchase: Purchase) -> datetime:
    """Since when a paid period counts as begun: the months after it keep the day of its end."""
    assert purchase.period_from_at and purchase.period_until_at
    zone = Subscription.objects.get(organisation=purchase.organisation_id).zone
    whole = anniversary_at(purchase.period_from_at, purchase.months, zone)
    return purchase.period_from_at if whole == purchase.period_until_at else purchase.period_until_at


def unused_share_cents(subscription: Subscription, *, now: datetime) -> int:
    """What is left of the paid month or year, net, by the second, rounded down to the cent: it is deducted when another
    period begins in its place.

    Only what was paid and is kept counts: less payment refunds, and less what is taken back or disputed. What a period
    carries of one before it is paid as well.
    """
    if subscription.status not in (SubscriptionStatus.PAID, SubscriptionStatus.ENDING):
        return 0
    paid = paid_period(subscription)
    if paid is None or paid.period_from_at is None or paid.period_until_at is None:
        return 0
    kept = kept_net(paid) + paid.carried_cents
    return unused_cents(kept, starts=paid.period_from_at, ends=paid.period_until_at, now=now)
