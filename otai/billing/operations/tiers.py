"""Changing the tier, as a customer or an operator asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from otai.billing import queries
from otai.billing.gateway import PaymentSeen
from otai.billing.models import Purchase, PurchaseKind, Subscription
from otai.billing.operations.checkout import pay
from otai.billing.operations.coupons import Discount, redeem, written
from otai.billing.operations.dunning import is_being_charged
from otai.billing.operations.methods import own_method
from otai.billing.operations.orders import cancel_locked, order_period, price_of, refuse_more_unpaid
from otai.billing.operations.pages import close_pages
from otai.billing.operations.renewals import open_months, order_next_period, settle_what_ended
from otai.billing.operations.subscriptions import locked, move, paid_period, rank, unused_share_cents
from otai.billing.status import AWAITING_PAYMENT, PurchaseStatus, SubscriptionStatus
from otai.db import new_id, one_transaction
from otai.errors import Refused
from otai.orgs.models import Organisation
from otai.pricing.price_book import Term, Tier
from otai.words.sentences import Fact


class AlreadyInTier(Refused):
    code = "already_in_tier"


class RiseNotPossible(Refused):
    code = "rise_not_possible"


@dataclass(frozen=True, slots=True)
class TierAnswer:
    """What became of the wish: in force at once, at `from_at`, or when `purchase` is paid. `term` is what the tier is
    paid for from then on."""

    subscription: Subscription
    in_force: bool
    from_at: datetime | None
    term: Term
    purchase: Purchase | None
    payment: PaymentSeen | None


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is asked for, by whom; `term` None: as it is paid for now, by the month at first. `at_once`: a year of the
    tier in force begins now, and not when the paid month ends."""

    tier: Tier
    term: Term | None
    at_once: bool
    gateway: str
    coupon: str
    who: str
    why: str | Fact
    now: datetime

    def term_beside(self, subscription: Subscription) -> Term:
        """The term that is meant. Raises TermNotOffered for one that is named and not sold."""
        terms = queries.price_book().tiers[self.tier]
        if terms.is_free:
            return Term.MONTH
        if self.term is None:
            kept = Term(subscription.renewal_term)
            return kept if terms.price_for(kept) is not None else Term.MONTH
        price_of(self.tier, self.term)
        return self.term


def change_tier(
    *,
    organisation: Organisation,
    tier: Tier,
    who: str,
    now: datetime,
    term: Term | None = None,
    at_once: bool = False,
    why: str = "",
    gateway: str = "",
    payment_method: str = "",
    opens_payment: bool = True,
    coupon: str = "",
) -> TierAnswer:
    """A higher tier begins when its first month or year is paid, a lower one when the paid period ends, a free one
    after a free one at once.

    Asking for the tier in force takes a cancellation back, or changes the `term` that it is paid for: when the paid
    period ends, or from a month to a year `at_once`, when the year is paid. What is left of a paid period is deducted
    from one that begins in its place. `opens_payment`: False where it is paid on a page of the provider, which is
    opened after. `coupon`: a code that takes something off the first month. Raises AlreadyInTier, TermNotOffered,
    RiseNotPossible, CouponUnknown, CouponNotValid, BillingDetailsMissing, GatewayUnknown, PaymentDeclined,
    GatewayUnavailable and NotFound.
    """
    asked_because = why.strip() or Fact("billing.tier_asked_for", {"tier": tier.value})
    wish = _Wish(tier, term, at_once, gateway, coupon, who, asked_because, now)
    _close_pages_of_a_month(organisation, now=now)
    _settle(organisation, now=now)
    subscription, purchase = _change(organisation, wish)
    payment = None
    if purchase is not None and opens_payment:
        charged = own_method(organisation, purchase.gateway, payment_method)
        payment = pay(purchase, now=now, payment_method=charged)
    subscription.refresh_from_db()
    if purchase is not None:
        purchase.refresh_from_db()
    waits = subscription.next_tier == tier.value or _waits_for_its_term(subscription, purchase, term)
    in_force = subscription.tier == tier.value and not waits
    from_at = subscription.paid_until_at if waits and purchase is None else None
    paid_for = Term(purchase.term if purchase else subscription.renewal_term)
    return TierAnswer(subscription, in_force, now if in_force else from_at, paid_for, purchase, payment)


def _waits_for_its_term(subscription: Subscription, purchase: Purchase | None, term: Term | None) -> bool:
    """Whether the tier goes on as it is until another term begins: when the paid period ends, or this is paid."""
    if purchase is not None:
        return purchase.paid_at is None
    period = paid_period(subscription)
    return term is not None and period is not None and period.term != term and subscription.renewal_term == term


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
def _change(organisation: Organisation, wish: _Wish) -> tuple[Subscription, Purchase | None]:
    subscription = locked(organisation)
    return subscription, _apply(subscription, organisation, wish)


def _apply(subscription: Subscription, organisation: Organisation, wish: _Wish) -> Purchase | None:
    status, tier = SubscriptionStatus(subscription.status), wish.tier
    is_free = queries.price_book().tiers[tier].is_free
    term = wish.term_beside(subscription)
    if tier.value == subscription.tier:
        return _change_term(subscription, organisation, wish, term)
    if rank(tier) > rank(subscription.tier):
        if is_free:
            move(subscription, status, who=wish.who, why=wish.why, now=wish.now, tier=tier)
            return None
        return _order_in_place(subscription, organisation, wish, term)
    standing = _replaceable_months(subscription, now=wish.now)
    how: dict[str, Any] = {"who": wish.who, "why": wish.why, "now": wish.now}
    # Whoever cancels may change their mind: what the tier was renewed for stays until it ends.
    renewal_term = None if is_free else term
    if status in (SubscriptionStatus.PAID, SubscriptionStatus.ENDING):
        move(subscription, SubscriptionStatus.ENDING, next_tier=tier, renewal_term=renewal_term, **how)
    elif is_free:
        move(subscription, SubscriptionStatus.FREE, tier=tier, **how)
    else:
        # Unpaid, and now cheaper: the sweep orders the lower tier; the time of grace does not begin anew.
        grace = subscription.grace_until_at
        move(subscription, status, tier=tier, grace_until_at=grace, renewal_term=renewal_term, **how)
    for order in standing:
        # After the move, which may grant credits: the series of credit notes is the last lock.
        cancel_locked(order, **how)
    return None


def _change_term(subscription: Subscription, organisation: Organisation, wish: _Wish, term: Term) -> Purchase | None:
    """The tier in force goes on: a cancellation is taken back, or it is paid for another term."""
    status = SubscriptionStatus(subscription.status)
    period = paid_period(subscription)
    is_year = period is not None and period.term == Term.YEAR
    begins_now = wish.at_once and term is Term.YEAR and not is_year
    is_as_it_is = term == subscription.renewal_term and status is not SubscriptionStatus.ENDING
    if status is SubscriptionStatus.FREE or (is_as_it_is and not begins_now):
        raise AlreadyInTier("tier", organisation=organisation.slug, tier=wish.tier.value)
    if status is SubscriptionStatus.UNPAID:
        return None if is_as_it_is else _order_other_term(subscription, organisation, wish, term)
    if begins_now:
        return _order_in_place(subscription, organisation, wish, term)
    # One that was to begin at once, and is not paid, is not what is asked for any more.
    asked_for = [
        order for order in _replaceable_months(subscription, now=wish.now, but=wish.tier) if not order.is_renewal
    ]
    if any(order.status == PurchaseStatus.PROCESSING for order in asked_for):
        raise RiseNotPossible("purchase", purchase=asked_for[0].reference)
    move(subscription, SubscriptionStatus.PAID, who=wish.who, why=wish.why, now=wish.now, renewal_term=term)
    for order in asked_for:
        if order.tier == subscription.tier:
            cancel_locked(order, who=wish.who, why=wish.why, now=wish.now)
    return None


def _order_other_term(subscription: Subscription, organisation: Organisation, wish: _Wish, term: Term) -> Purchase:
    """What follows the paid period is not paid yet, and is to be paid for another term."""
    how: dict[str, Any] = {"who": wish.who, "why": wish.why, "now": wish.now}
    standing = [order for order in _replaceable_months(subscription, now=wish.now) if order.tier == subscription.tier]
    discount = _discount(organisation, wish, instead_of=standing)
    grace = subscription.grace_until_at
    move(subscription, SubscriptionStatus.UNPAID, renewal_term=term, grace_until_at=grace, **how)
    for order in standing:
        cancel_locked(order, **how)
    refuse_more_unpaid(organisation, now=wish.now)
    gateway = wish.gateway or subscription.renewal_gateway
    return order_next_period(subscription, gateway=gateway, who=wish.who, now=wish.now, discount=discount)


def _order_in_place(subscription: Subscription, organisation: Organisation, wish: _Wish, term: Term) -> Purchase:
    """A higher tier, or a year of the tier in force, that begins when it is paid."""
    # The next period of the tier in force stands beside it: an order that nobody pays takes nothing from whoever
    # renews.
    tier, replaced = wish.tier, []
    for standing in _replaceable_months(subscription, now=wish.now, but=tier):
        if standing.tier == subscription.tier and standing.is_renewal:
            continue
        is_as_asked = wish.gateway in ("", standing.gateway) and _has_coupon(standing, wish.coupon)
        if standing.tier == tier.value and standing.term == term and is_as_asked:
            return standing
        is_other = wish.coupon.strip() or standing.term != term
        if is_other and standing.status == PurchaseStatus.PROCESSING:
            raise RiseNotPossible("purchase", purchase=standing.reference)
        replaced.append(standing)
    # Before orders are cancelled, whose credit notes take the last lock.
    discount = _discount(organisation, wish, instead_of=replaced)
    for order in replaced:
        why = Fact("billing.other_tier_asked_for", {"tier": tier.value})
        cancel_locked(order, who=wish.who, why=why, now=wish.now)
    refuse_more_unpaid(organisation, now=wish.now)
    return order_period(
        organisation=organisation,
        tier=tier,
        term=term,
        gateway=wish.gateway,
        key=f"rise:{new_id()}",
        who=wish.who,
        now=wish.now,
        less_cents=unused_share_cents(subscription, now=wish.now),
        discount=discount,
    )


def _discount(organisation: Organisation, wish: _Wish, *, instead_of: list[Purchase]) -> Discount | None:
    """What a coupon takes off the first month, also where it is paid with eleven others."""
    return redeem(
        wish.coupon,
        organisation=organisation,
        kind=PurchaseKind.SUBSCRIPTION,
        price=price_of(wish.tier, Term.MONTH),
        now=wish.now,
        instead_of=[order.id for order in instead_of],
    )


def _has_coupon(standing: Purchase, coupon: str) -> bool:
    """Whether an order that stands has this coupon already; one that is asked for without any stays as it is."""
    return not coupon.strip() or (standing.coupon is not None and standing.coupon.code == written(coupon))


def _replaceable_months(subscription: Subscription, *, now: datetime, but: Tier | None = None) -> list[Purchase]:
    """The orders that another takes the place of, locked. Raises RiseNotPossible while the payment of one is
    with the bank, unless it is of the tier `but`."""
    standing = open_months(subscription)
    for order in standing:
        is_with_the_bank = order.status == PurchaseStatus.PROCESSING or is_being_charged(order, now=now)
        if is_with_the_bank and (but is None or order.tier != but.value):
            raise RiseNotPossible("purchase", purchase=order.reference)
    return standing


def cancel_tier(*, organisation: Organisation, who: str, now: datetime, why: str = "") -> TierAnswer:
    """Back to Community when the paid period ends; credits stay. Raises AlreadyInTier and NotFound."""
    return change_tier(organisation=organisation, tier=Tier.COMMUNITY, who=who, why=why, now=now)
