"""What an order would cost, before it is made: the same prices, coupons and VAT, and nothing is written."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from otai.billing import queries
from otai.billing.models import BillingDetails, Purchase, PurchaseKind, Subscription
from otai.billing.operations.coupons import look_at
from otai.billing.operations.orders import deductible, price_of
from otai.billing.operations.subscriptions import paid_period, rank, unused_share_cents
from otai.billing.packages import package
from otai.billing.status import AWAITING_PAYMENT, SubscriptionStatus
from otai.errors import Refused
from otai.orgs.models import Organisation
from otai.pricing.price_book import Term, Tier
from otai.pricing.vat import Vat, vat_cents
from otai.units import Money


class NoHigherTier(Refused):
    """Only a higher, paid tier is ordered, or a year for the month in force: others begin without a payment."""

    code = "no_higher_tier"


@dataclass(frozen=True, slots=True)
class OrderPreview:
    """An order's price, net of `discount` and of what it deducts of a paid period that it takes the place of. `vat`,
    and with it `tax` and `gross`, are None until somebody has said whom the invoice is made out to."""

    price: Money
    deducted: Money
    coupon: str
    discount: Money
    net: Money
    vat: Vat | None
    tax: Money | None
    gross: Money | None


def preview_package(organisation: Organisation, code: str, *, coupon: str = "", now: datetime) -> OrderPreview:
    """What the package would cost. Raises NotFound, CouponUnknown and CouponNotValid."""
    offer = package(organisation, code, now=now)
    return _preview(organisation, PurchaseKind.PACKAGE, offer.price, coupon=coupon, now=now)


def preview_tier(
    organisation: Organisation, tier: Tier, *, term: Term = Term.MONTH, coupon: str = "", now: datetime
) -> OrderPreview:
    """What the first month or year of a higher tier would cost, or a year in the place of the paid month, if it was
    paid at once; what follows costs its price.

    Raises NoHigherTier, TermNotOffered, CouponUnknown and CouponNotValid.
    """
    subscription = queries.subscription_of(organisation)
    if not begins_when_paid(subscription, tier, term):
        raise NoHigherTier("preview", tier=tier.value, here=subscription.tier)
    price = price_of(tier, term)
    # One that nobody has paid makes place for the next one, and its coupon goes with it; the next period of the tier in
    # force stands.
    standing = Purchase.objects.filter(
        organisation=organisation, kind=PurchaseKind.SUBSCRIPTION, status__in=AWAITING_PAYMENT
    ).exclude(tier=subscription.tier, deducted_cents__isnull=True)
    return _preview(
        organisation,
        PurchaseKind.SUBSCRIPTION,
        price,
        coupon=coupon,
        now=now,
        less_cents=deductible(price, unused_share_cents(subscription, now=now)),
        instead_of=list(standing.values_list("id", flat=True)),
        coupon_is_of=price_of(tier, Term.MONTH),
    )


def begins_when_paid(subscription: Subscription, tier: Tier, term: Term) -> bool:
    """Whether what is asked for is ordered, and begins with its payment: a higher tier, or a year for a month."""
    if queries.price_book().tiers[tier].is_free:
        return False
    if rank(tier) != rank(subscription.tier):
        return rank(tier) > rank(subscription.tier)
    if term is Term.MONTH or subscription.status not in (SubscriptionStatus.PAID, SubscriptionStatus.ENDING):
        return False
    period = paid_period(subscription)
    return period is not None and period.term == Term.MONTH


def _preview(
    organisation: Organisation,
    kind: PurchaseKind,
    price: Money,
    *,
    coupon: str,
    now: datetime,
    less_cents: int = 0,
    instead_of: Collection[UUID] = (),
    coupon_is_of: Money | None = None,
) -> OrderPreview:
    of = coupon_is_of or price
    discount = look_at(coupon, organisation=organisation, kind=kind, price=of, now=now, instead_of=instead_of)
    off = discount.cents if discount else 0
    net = Money(price.cents - less_cents - off, price.currency)
    details = BillingDetails.objects.filter(organisation=organisation).first()
    vat = queries.vat_of(details) if details else None
    tax = Money(vat_cents(net.cents, vat.permille), net.currency) if vat else None
    return OrderPreview(
        price=price,
        deducted=Money(less_cents, price.currency),
        coupon=discount.coupon.code if discount else "",
        discount=Money(off, price.currency),
        net=net,
        vat=vat,
        tax=tax,
        gross=Money(net.cents + tax.cents, net.currency) if tax else None,
    )
