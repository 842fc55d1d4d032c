"""Monthly credits of one organisation: in a free tier on their day, in a paid tier with the month that is paid.

docs/policies.md: the grant day of an unpaid month waits for its payment and is then made at once; a month that is never
paid grants nothing. Whoever paid every second month would receive every month's credits otherwise. A year that is paid
pays its months: their credits come on their days.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from otai.billing import queries
from otai.billing.ledger_keys import monthly_key
from otai.billing.models import Purchase, PurchaseKind, Subscription
from otai.billing.operations import takings
from otai.billing.operations.reversals import Reversed, take_share_of_new_credits
from otai.billing.operations.subscriptions import follow_the_zone
from otai.billing.status import DELIVERED, PurchaseStatus, SubscriptionStatus
from otai.ledger import operations as ledger
from otai.ledger.models import LotSource
from otai.ledger.references import ReferredTo, reference_to
from otai.orgs import queries as orgs
from otai.orgs.suspension import is_suspended
from otai.pricing.anniversary import anniversary_at, anniversary_on
from otai.pricing.price_book import Tier
from otai.words.sentences import Fact


def grant_what_is_due(
    subscription: Subscription,
    *,
    partly_reversed: list[Reversed],
    now: datetime,
    suspended_since: datetime | None = None,
) -> tuple[int, int]:
    """Makes the grants of a locked subscription that are due at `now`, oldest first; returns how many, and their
    credits. None before its founder's mail address is confirmed.

    `partly_reversed`: what `reversals.partly_reversed` found and locked; what it brings goes back in part at once.

    While the organisation is suspended they wait. `suspended_since` is given by whoever resumes it: what fell due
    meanwhile is made for months that were paid, and nothing is for the days of a free tier.
    """
    if orgs.waits_for_confirmation(subscription.organisation_id):
        return 0, 0
    if suspended_since is None and is_suspended(subscription.organisation_id):
        return 0, 0
    book = queries.price_book()
    zone = subscription.zone
    grants = credits = 0
    while True:
        number = subscription.months_granted + 1
        due_at = anniversary_at(subscription.signed_up_at, number, zone)
        subscription.next_grant_at = due_at
        if due_at > now:
            break
        period = period_of(subscription, due_at)
        tier = Tier(period.tier) if period else queries.tier_at(subscription.organisation, due_at)
        is_free_and_in_force = book.tiers[tier].is_free and not (suspended_since and due_at >= suspended_since)
        is_paid_for = is_free_and_in_force or (period is not None and period.status != PurchaseStatus.REVERSED)
        if not is_paid_for and _may_still_be_paid(subscription, due_at):
            break
        if period is not None and period.status == PurchaseStatus.DISPUTED:
            # The bank decides; until then nothing comes of it, and afterwards it comes or does not.
            break
        if is_paid_for and book.tiers[tier].monthly_credits > 0:
            made = _grant(subscription, number, tier, period, now=now)
            grants, credits = grants + bool(made), credits + made
        subscription.months_granted = number
    subscription.save(update_fields=["months_granted", "next_grant_at"])
    follow_the_zone(subscription, now=now)
    if grants:
        take_share_of_new_credits(partly_reversed, now=now)
    return grants, credits


def period_of(subscription: Subscription, at: datetime) -> Purchase | None:
    """The paid month or year in which a time lies: the one that began last, unless it has ended by then. What is left
    of an older one was deducted from it."""
    periods = Purchase.objects.filter(
        Q(period_cut_at__isnull=True) | Q(period_cut_at__gt=at),
        organisation=subscription.organisation_id,
        kind=PurchaseKind.SUBSCRIPTION,
        status__in=sorted(DELIVERED),
        period_from_at__lte=at,
    )
    last = periods.order_by("-period_from_at", "-paid_at").first()
    return last if last and last.period_until_at and last.period_until_at > at else None


def _may_still_be_paid(subscription: Subscription, due_at: datetime) -> bool:
    paid_until = subscription.paid_until_at
    return subscription.status != SubscriptionStatus.FREE and paid_until is not None and due_at >= paid_until


def _grant(subscription: Subscription, number: int, tier: Tier, period: Purchase | None, *, now: datetime) -> int:
    """Makes one grant; returns its credits, 0 where it was made before."""
    organisation = subscription.organisation
    book = queries.price_book()
    day = anniversary_on(subscription.signed_up_at.astimezone(subscription.zone).date(), number)
    made = ledger.grant(
        organisation=organisation.id,
        credits=book.tiers[tier].monthly_credits,
        source=LotSource.MONTHLY,
        key=monthly_key(number),
        reference=reference_to(ReferredTo.TIER, tier.value),
        reason=Fact("moved_why.monthly", {"tier": tier.value, "day": day.isoformat()}),
        now=now,
        price_book=book.version,
    )
    if made.replayed:
        return 0
    if period is not None:
        takings.brought(period, lot=made.lot, source=LotSource.MONTHLY, credits=made.credits, now=now)
    return made.credits
