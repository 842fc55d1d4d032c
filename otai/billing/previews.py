"""What an order would cost, before it is made: the same prices, coupons and VAT, and nothing is written."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from otai.billing import queries
from otai.billing.models import BillingDetails, Purchase, PurchaseKind
from otai.billing.operations.coupons import look_at
from otai.billing.operations.subscriptions import rank, unused_share_cents
from otai.billing.packages import package
from otai.billing.status import AWAITING_PAYMENT
from otai.errors import Refused
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.pricing.vat import Vat, vat_cents
from otai.units import Money


class NoHigherTier(Refused):
    """Only a higher, paid tier is ordered: others begin without a payment."""

    code = "no_higher_tier"


@dataclass(frozen=True, slots=True)
class OrderPreview:
    """An order's price, net of `discount` and of what a higher tier deducts of the month that it replaces. `vat`, and
    with it `tax` and `gross`, are None until somebody has said whom the invoice is made out to."""

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


def preview_rise(organisation: Organisation, tier: Tier, *, coupon: str = "", now: datetime) -> OrderPreview:
    """What the first month of a higher tier would cost, if it was paid at once; the months that follow cost its price.

    Raises NoHigherTier, CouponUnknown and CouponNotValid.
    """
    subscription = queries.subscription_of(organisation)
    price = queries.price_book().tiers[tier].monthly_price
    if rank(tier) <= rank(subscription.tier) or not price.cents:
        raise NoHigherTier("preview", tier=tier.value, here=subscription.tier)
    # A rise that nobody has paid makes place for the next one, and its coupon goes with it.
    standing = Purchase.objects.filter(
        organisation=organisation, kind=PurchaseKind.SUBSCRIPTION, status__in=AWAITING_PAYMENT
    ).exclude(tier=subscription.tier)
    return _preview(
        organisation,
        PurchaseKind.SUBSCRIPTION,
        price,
        coupon=coupon,
        now=now,
        less_cents=min(price.cents - 1, unused_share_cents(subscription, now=now)),
        instead_of=list(standing.values_list("id", flat=True)),
    )


def _preview(
    organisation: Organisation,
    kind: PurchaseKind,
    price: Money,
    *,
    coupon: str,
    now: datetime,
    less_cents: int = 0,
    instead_of: Collection[UUID] = (),
) -> OrderPreview:
    discount = look_at(coupon, organisation=organisation, kind=kind, price=price, now=now, instead_of=instead_of)
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
