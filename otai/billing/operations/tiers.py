"""Changing the tier, as a customer or an operator asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from otai.billing import queries
from otai.billing.gateway import PaymentSeen
from otai.billing.models import Purchase, PurchaseKind, Subscription
from otai.billing.operations.checkout import pay
from otai.billing.operations.coupons import redeem, written
from otai.billing.operations.methods import own_method
from otai.billing.operations.orders import cancel_locked, order_month, refuse_more_unpaid
from otai.billing.operations.pages import close_pages
from otai.billing.operations.renewals import open_months, settle_what_ended
from otai.billing.operations.subscriptions import locked, move, rank, unused_share_cents
from otai.billing.status import AWAITING_PAYMENT, PurchaseStatus, SubscriptionStatus
from otai.db import one_transaction
from otai.errors import Refused
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.words.sentences import Fact


class AlreadyInTier(Refused):
    code = "already_in_tier"


class RiseNotPossible(Refused):
    code = "rise_not_possible"


@dataclass(frozen=True, slots=True)
class TierAnswer:
    """What became of the wish: in force at once, at `from_at`, or when `purchase` is paid."""

    subscription: Subscription
    in_force: bool
    from_at: datetime | None
    purchase: Purchase | None
    payment: PaymentSeen | None


def change_tier(
    *,
    organisation: Organisation,
    tier: Tier,
    who: str,
    now: datetime,
    why: str = "",
    gateway: str = "",
    payment_method: str = "",
    opens_payment: bool = True,
    coupon: str = "",
) -> TierAnswer:
    """A higher tier begins when its first month is paid, a lower one when the paid month ends, a free one after a free
    one at once.

    Asking for the tier in force takes a cancellation back. What is left of a paid month is deducted when a higher tier
    begins. `opens_payment`: False where the month is paid on a page of the provider, which is opened after. `coupon`: a
    code that takes something off the first month. Raises AlreadyInTier, CouponUnknown, CouponNotValid,
    BillingDetailsMissing, GatewayUnknown, PaymentDeclined, GatewayUnavailable and NotFound.
    """
    asked_because = why.strip() or Fact("billing.tier_asked_for", {"tier": tier.value})
    _close_pages_of_a_month(organisation, now=now)
    _settle(organisation, now=now)
    subscription, purchase = _change(
        organisation, tier, gateway=gateway, who=who, why=asked_because, now=now, coupon=coupon
    )
    payment = None
    if purchase is not None and opens_payment:
        charged = own_method(organisation, purchase.gateway, payment_method)
        payment = pay(purchase, now=now, payment_method=charged)
    subscription.refresh_from_db()
    if purchase is not None:
        purchase.refresh_from_db()
    in_force = subscription.tier == tier.value
    waits = subscription.paid_until_at if subscription.next_tier == tier.value else None
    return TierAnswer(subscription, in_force, now if in_force else waits, purchase, payment)


def _close_pages_of_a_month(organisation: Organisation, *, now: datetime) -> None:
    """A month that may be replaced cannot be paid on its page any more; what was paid on it counts. Outside a
    transaction."""
    for purchase in Purchase.objects.filter(
        organisation=organisation, kind=PurchaseKind.SUBSCRIPTION, status__in=AWAITING_PAYMENT
    ):
        close_pages(purchase, now=now)


@one_transaction
def _settle(organisation: Organisation, *, now: datetime) -> None:
    # A transaction of its own: it may issue a credit note, whose series is locked after the ledger's account and never
    # before.
    settle_what_ended(locked(organisation), now=now)


@one_transaction
def _change(
    organisation: Organisation, tier: Tier, *, gateway: str, who: str, why: str | Fact, now: datetime, coupon: str
) -> tuple[Subscription, Purchase | None]:
    subscription = locked(organisation)
    return subscription, _apply(
        subscription, organisation, tier, gateway=gateway, who=who, why=why, now=now, coupon=coupon
    )


def _apply(
    subscription: Subscription,
    organisation: Organisation,
    tier: Tier,
    *,
    gateway: str,
    who: str,
    why: str | Fact,
    now: datetime,
    coupon: str,
) -> Purchase | None:
    status = SubscriptionStatus(subscription.status)
    is_free = queries.price_book().tiers[tier].is_free
    if tier.value == subscription.tier:
        if status is not SubscriptionStatus.ENDING:
            raise AlreadyInTier("tier", organisation=organisation.slug, tier=tier.value)
        move(subscription, SubscriptionStatus.PAID, who=who, why=why, now=now)
        return None
    if rank(tier) > rank(subscription.tier):
        if is_free:
            move(subscription, status, who=who, why=why, now=now, tier=tier)
            return None
        return _order_rise(subscription, organisation, tier, gateway=gateway, who=who, now=now, coupon=coupon)
    standing = _replaceable_months(subscription)
    if status in (SubscriptionStatus.PAID, SubscriptionStatus.ENDING):
        move(subscription, SubscriptionStatus.ENDING, who=who, why=why, now=now, next_tier=tier)
    elif is_free:
        move(subscription, SubscriptionStatus.FREE, who=who, why=why, now=now, tier=tier)
    else:
        # Unpaid, and now cheaper: the sweep orders the month of the lower tier; the time of grace does not begin anew.
        move(subscription, status, who=who, why=why, now=now, tier=tier, grace_until_at=subscription.grace_until_at)
    for order in standing:
        # After the move, which may grant credits: the series of credit notes is the last lock.
        cancel_locked(order, who=who, why=why, now=now)
    return None


def _order_rise(
    subscription: Subscription,
    organisation: Organisation,
    tier: Tier,
    *,
    gateway: str,
    who: str,
    now: datetime,
    coupon: str,
) -> Purchase:
    # The next month of the tier in force stands beside it: an order that nobody pays takes nothing from whoever renews.
    replaced = []
    for standing in _replaceable_months(subscription, but=tier):
        is_as_asked = gateway in ("", standing.gateway) and _has_coupon(standing, coupon)
        if standing.tier == tier.value and is_as_asked:
            return standing
        if coupon.strip() and standing.status == PurchaseStatus.PROCESSING:
            raise RiseNotPossible("purchase", purchase=standing.reference)
        if standing.tier != subscription.tier:
            replaced.append(standing)
    # Before orders are cancelled, whose credit notes take the last lock.
    discount = redeem(
        coupon,
        organisation=organisation,
        kind=PurchaseKind.SUBSCRIPTION,
        price=queries.price_book().tiers[tier].monthly_price,
        now=now,
        instead_of=[order.id for order in replaced],
    )
    for order in replaced:
        cancel_locked(order, who=who, why=Fact("billing.other_tier_asked_for", {"tier": tier.value}), now=now)
    refuse_more_unpaid(organisation)
    count = Purchase.objects.filter(organisation=organisation).count()
    return order_month(
        organisation=organisation,
        tier=tier,
        gateway=gateway,
        key=f"rise:{tier.value}:{count}",
        who=who,
        now=now,
        less_cents=unused_share_cents(subscription, now=now),
        discount=discount,
    )


def _has_coupon(standing: Purchase, coupon: str) -> bool:
    """Whether an order that stands has this coupon already; one that is asked for without any stays as it is."""
    return not coupon.strip() or (standing.coupon is not None and standing.coupon.code == written(coupon))


def _replaceable_months(subscription: Subscription, *, but: Tier | None = None) -> list[Purchase]:
    """The ordered months that another takes the place of, locked. Raises RiseNotPossible while the payment of one is
    with the bank, unless it is of the tier `but`."""
    standing = open_months(subscription)
    for order in standing:
        if order.status == "processing" and (but is None or order.tier != but.value):
            raise RiseNotPossible("purchase", purchase=order.reference)
    return standing


def cancel_tier(*, organisation: Organisation, who: str, now: datetime, why: str = "") -> TierAnswer:
    """Back to Community when the paid month ends; credits stay. Raises AlreadyInTier and NotFound."""
    return change_tier(organisation=organisation, tier=Tier.COMMUNITY, who=who, why=why, now=now)
