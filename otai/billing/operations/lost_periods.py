"""A month or year whose payment went back ends, what was paid before it is in force again, and it is itself where its
payment stays after all (decisions 0424 and 0427)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID

from otai.billing.models import Event, Purchase, PurchaseKind, Reversal, ReversalState, Subscription
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations import takings
from otai.billing.operations.events import became, record
from otai.billing.operations.subscriptions import move as move_subscription
from otai.billing.operations.subscriptions import paid_period, period_counts_from, taken_the_place_of
from otai.billing.status import DELIVERED, PurchaseStatus, SubscriptionStatus
from otai.pricing.periods import unused_cents
from otai.pricing.price_book import Term, Tier
from otai.words.sentences import Fact

SECOND = timedelta(seconds=1)


def all_is_gone(purchase: Purchase, taking: Sequence[Reversal]) -> bool:
    return sum(r.price_cents for r in taking) >= purchase.gross_cents - takings.refunded(purchase)[1]


def end_the_tier(purchase: Purchase, reversals: list[Reversal], *, who: str, now: datetime) -> dict[UUID, int]:
    """A month or year whose whole payment is gone for good ends at once. Returns, for each reversal, the gross price
    of the time that it took back by that."""
    if purchase.kind != PurchaseKind.SUBSCRIPTION:
        return {}
    gone = [r for r in reversals if r.price_cents and r.state == ReversalState.LOST]
    if not gone or not all_is_gone(purchase, gone):
        return {}
    assert purchase.period_from_at and purchase.period_until_at
    if purchase.period_cut_at is None:
        subscription = Subscription.objects.get(organisation=purchase.organisation_id)
        if subscription.status in (SubscriptionStatus.PAID, SubscriptionStatus.ENDING) and (
            subscription.paid_until_at == purchase.period_until_at and purchase.period_until_at > now
        ):
            why = Fact("billing.payment_taken_back", {"reference": purchase.reference})
            _fall_back(subscription, purchase, who=who, why=why, now=now)
            _cut(purchase, at=now, who=who, why=why, now=now)
    if purchase.period_cut_at is None:
        return {}
    left = (purchase.period_until_at - max(purchase.period_cut_at, purchase.period_from_at)) // SECOND
    whole = (purchase.period_until_at - purchase.period_from_at) // SECOND
    return {reversal.id: reversal.price_cents * left // whole for reversal in gone}


def paid_tier(purchase: Purchase) -> tuple[str, datetime] | None:
    """The paid tier in force and until when, where the purchase is a period of a tier; None in a free one."""
    if purchase.kind != PurchaseKind.SUBSCRIPTION:
        return None
    found = Subscription.objects.get(organisation=purchase.organisation_id)
    return (found.tier, found.paid_until_at) if found.paid_until_at else None


def tier_after(purchase: Purchase) -> dict[str, str | None]:
    """What a mail says of a period that ended with its payment: the tier that it was, the one in force now, and until
    when that is paid; None where it costs nothing."""
    subscription = Subscription.objects.get(organisation=purchase.organisation_id)
    until = subscription.paid_until_at
    return {
        "tier_was": Tier(purchase.tier).title,
        "tier_now": Tier(subscription.tier).title,
        "paid_until": until.isoformat() if until else None,
    }


def _fall_back(subscription: Subscription, purchase: Purchase, *, who: str, why: Fact, now: datetime) -> None:
    """What the lost period took the place of is in force again for what is left of its worth, at most to its own end:
    that was paid, and stays paid. Without it the tier is Community."""
    older = taken_the_place_of(purchase, now=now)
    until = _worth_until(purchase, older, now=now) if older else now
    if older is None or until <= now:
        move_subscription(subscription, SubscriptionStatus.FREE, who=who, why=why, now=now, tier=Tier.COMMUNITY)
        return
    if until != older.period_until_at:
        _ends(older, until, who=who, why=why, now=now)
    _put_in_force(subscription, older, who=who, why=why, now=now)


def _put_in_force(subscription: Subscription, period: Purchase, *, who: str, why: Fact, now: datetime) -> None:
    """The tier is that of a paid period again, until that ends."""
    move_subscription(
        subscription,
        SubscriptionStatus.PAID,
        who=who,
        why=why,
        now=now,
        tier=Tier(period.tier),
        billing_anchor_at=period_counts_from(period),
        paid_until_at=period.period_until_at,
        renewal_term=Term(period.term),
    )


def _worth_until(purchase: Purchase, older: Purchase, *, now: datetime) -> datetime:
    """Until when the older period lasts for what was carried from it and is not used up: by the second, and then to
    the end of the day where the organisation is.

    Where much was carried into a short period of a dear tier, its worth is used up sooner than its own time.
    """
    assert purchase.period_from_at and purchase.period_until_at and older.period_from_at and older.period_until_at
    left = (purchase.period_until_at - max(now, purchase.period_from_at)) // SECOND
    whole = (purchase.period_until_at - purchase.period_from_at) // SECOND
    worth = takings.kept_net(older) + older.carried_cents
    if worth == 0:
        return now
    seconds = (older.period_until_at - older.period_from_at) // SECOND
    ends = now + seconds * purchase.carried_cents * left // (worth * whole) * SECOND
    zone = Subscription.objects.get(organisation=purchase.organisation_id).zone
    # Cents and days that do not divide are the customer's.
    last_day = ends.astimezone(zone).date()
    return min(older.period_until_at, datetime.combine(last_day + timedelta(days=1), time.min, zone))


def _ends(purchase: Purchase, at: datetime, *, who: str, why: Fact, now: datetime) -> None:
    Purchase.objects.filter(id=purchase.id).update(period_until_at=at)
    purchase.period_until_at = at
    record(
        organisation=purchase.organisation_id,
        subject="purchase",
        subject_id=purchase.id,
        move=BillingOccurrence.MONTH_ENDED_EARLY,
        who=who,
        why=why,
        now=now,
        became=became({"period_until_at": at}),
    )


def _cut(purchase: Purchase, *, at: datetime | None, who: str, why: Fact, now: datetime) -> None:
    """The month ends at this time; None: at its own end after all."""
    Purchase.objects.filter(id=purchase.id).update(period_cut_at=at)
    purchase.period_cut_at = at
    record(
        organisation=purchase.organisation_id,
        subject="purchase",
        subject_id=purchase.id,
        move=BillingOccurrence.MONTH_ENDED_EARLY if at else BillingOccurrence.MONTH_RESTORED,
        who=who,
        why=why,
        now=now,
        became=became({"period_cut_at": at}),
    )


def restore_the_tier(purchase: Purchase, reversals: list[Reversal], *, who: str, now: datetime) -> None:
    """A month that had ended early is in force again until its end, where its payment stays after all: a dispute won
    late, a refund that failed. After the purchase's status moved, so that its initial credits, given back already, are
    not granted anew.

    What is left of it cannot be given where another month is in force by then, or when it is over: an operator reads
    of it.
    """
    gone = [r for r in reversals if r.price_cents and r.state == ReversalState.LOST]
    if purchase.kind != PurchaseKind.SUBSCRIPTION or (gone and all_is_gone(purchase, gone)):
        return
    if purchase.period_cut_at is None:
        _follow_a_lost_rise(purchase, who=who, now=now)
        if _was_not_deducted(purchase, reversals):
            _say_not_restored(purchase, now=now)
        return
    assert purchase.period_until_at
    subscription = Subscription.objects.get(organisation=purchase.organisation_id)
    older = taken_the_place_of(purchase, now=now)
    fell_back = subscription.status == SubscriptionStatus.FREE or (older and paid_period(subscription) == older)
    if not fell_back or purchase.period_until_at <= now:
        _say_not_restored(purchase, now=now)
        return
    why = Fact("billing.payment_stays", {"reference": purchase.reference})
    _cut(purchase, at=None, who=who, why=why, now=now)
    _put_in_force(subscription, purchase, who=who, why=why, now=now)


def _was_not_deducted(purchase: Purchase, reversals: Sequence[Reversal]) -> bool:
    """Whether a period began in this one's place while a payment that stays after all was in question, and deducted
    less of it than is kept (decision 0437)."""
    assert purchase.period_from_at and purchase.period_until_at
    rise = (
        Purchase.objects.filter(
            organisation=purchase.organisation_id,
            kind=PurchaseKind.SUBSCRIPTION,
            status__in=sorted(DELIVERED - {PurchaseStatus.REVERSED}),
            deducted_cents__isnull=False,
            period_from_at__gte=purchase.period_from_at,
            period_from_at__lt=purchase.period_until_at,
            paid_at__gte=purchase.paid_at,
        )
        .exclude(id=purchase.id)
        .order_by("paid_at")
        .first()
    )
    if rise is None or rise.paid_at is None:
        return False
    stays = [r for r in reversals if r.state == ReversalState.WON and r.decided_at]
    if not any(r.opened_at <= rise.paid_at <= r.decided_at for r in stays if r.decided_at):
        return False
    kept = takings.kept_net(purchase) + purchase.carried_cents
    starts, ends = purchase.period_from_at, purchase.period_until_at
    return rise.carried_cents < unused_cents(kept, starts=starts, ends=ends, now=rise.paid_at)


def _follow_a_lost_rise(purchase: Purchase, *, who: str, now: datetime) -> None:
    """A period whose payment was gone when the rise in its place was lost, and stays after all, is in force as it would
    have been from that loss on."""
    rise = (
        Purchase.objects.filter(
            organisation=purchase.organisation_id,
            kind=PurchaseKind.SUBSCRIPTION,
            status=PurchaseStatus.REVERSED,
            period_cut_at__lte=now,
            period_from_at__gte=purchase.period_from_at,
            paid_at__gte=purchase.paid_at,
        )
        .exclude(id=purchase.id)
        .order_by("-period_cut_at", "-period_from_at")
        .first()
    )
    subscription = Subscription.objects.get(organisation=purchase.organisation_id)
    if rise is None or rise.period_cut_at is None or subscription.status != SubscriptionStatus.FREE:
        return
    if taken_the_place_of(rise, now=now) != purchase:
        return
    until = _worth_until(rise, purchase, now=rise.period_cut_at)
    if until <= now:
        _say_not_restored(purchase, now=now)
        return
    why = Fact("billing.payment_stays", {"reference": purchase.reference})
    if until != purchase.period_until_at:
        _ends(purchase, until, who=who, why=why, now=now)
    _put_in_force(subscription, purchase, who=who, why=why, now=now)


def _say_not_restored(purchase: Purchase, *, now: datetime) -> None:
    if Event.objects.filter(
        subject="purchase", subject_id=str(purchase.id), move__in=BillingOccurrence.MONTH_NOT_RESTORED.stored_as
    ).exists():
        return
    record(
        organisation=purchase.organisation_id,
        subject="purchase",
        subject_id=purchase.id,
        move=BillingOccurrence.MONTH_NOT_RESTORED,
        who="billing",
        why=Fact("billing.payment_stays_without_month", {"reference": purchase.reference}),
        now=now,
    )
