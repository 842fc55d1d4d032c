"""Coupons: made and withdrawn by operators, redeemed with an order."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from otai.billing import queries
from otai.billing.models import Coupon, CouponFor, Purchase, PurchaseKind
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.events import checked_why, plain, record
from otai.billing.status import PurchaseStatus
from otai.db import new_id, one_transaction
from otai.errors import Invalid, NotFound, Refused
from otai.orgs.models import Organisation
from otai.units import Money

CODE_PATTERN = r"[A-Z0-9][A-Z0-9-]{2,38}[A-Z0-9]"
TERMS = (
    *("code", "what", "percent", "amount_cents", "currency", "valid_from_at", "valid_until_at", "most_uses"),
    *("once_each", "first_purchase_only", "made_at", "made_by", "reason"),
)
"""What of a coupon never changes."""


class CouponUnknown(NotFound):
    """There is no such coupon, or it was withdrawn."""

    code = "coupon_unknown"


class CouponNotValid(Refused):
    """There is one, and not for this: too early, too late, used up, or for something else."""

    code = "coupon_not_valid"


class CouponExists(Refused):
    code = "coupon_exists"


class InvalidCoupon(Invalid):
    code = "invalid_coupon"


@dataclass(frozen=True, slots=True)
class Discount:
    """What a coupon takes off a net price."""

    coupon: Coupon
    cents: int


@dataclass(frozen=True, slots=True)
class CouponTerms:
    """What a coupon takes off, of what, and for whom. Either `percent` or `amount`."""

    what: CouponFor
    valid_from_at: datetime
    percent: int | None = None
    amount: Money | None = None
    valid_until_at: datetime | None = None
    most_uses: int | None = None
    once_each: bool = True
    first_purchase_only: bool = False


@one_transaction
def make_coupon(*, code: str, terms: CouponTerms, who: str, why: str, now: datetime) -> Coupon:
    """A coupon, good from `valid_from_at` on; doors go by `second_operator.coupon`. Raises CouponExists,
    WhoAndWhyMissing, and as `check_coupon` does."""
    why, code = checked_why(why), written(code)
    check_coupon(code, terms, now=now)
    coupon = Coupon(
        id=new_id(),
        code=code,
        what=CouponFor(terms.what).value,
        percent=terms.percent,
        amount_cents=terms.amount.cents if terms.amount else None,
        currency=terms.amount.currency if terms.amount else "",
        valid_from_at=terms.valid_from_at,
        valid_until_at=terms.valid_until_at,
        most_uses=terms.most_uses,
        once_each=terms.once_each,
        first_purchase_only=terms.first_purchase_only,
        made_at=now,
        made_by=who,
        reason=why,
    )
    try:
        with transaction.atomic():
            coupon.save(force_insert=True)
    except IntegrityError:
        raise CouponExists("code", coupon=code) from None
    _record(coupon, BillingOccurrence.MADE, who=who, why=why, now=now, terms=coupon_terms_of(coupon))
    return coupon


def check_coupon(code: str, terms: CouponTerms, *, now: datetime) -> None:
    """Whether it could be made; `code` as it is kept. Raises InvalidCoupon, CouponExists."""
    if not re.fullmatch(CODE_PATTERN, code):
        raise InvalidCoupon("code", field="code")
    if (terms.percent is None) == (terms.amount is None):
        raise InvalidCoupon("percent_or_amount", field="percent")
    if terms.percent is not None and not 1 <= terms.percent <= 99:
        raise InvalidCoupon("percent", field="percent")
    if terms.amount is not None and terms.amount.cents < 1:
        raise InvalidCoupon("amount", field="amount")
    if terms.valid_until_at is not None and terms.valid_until_at <= max(now, terms.valid_from_at):
        raise InvalidCoupon("valid_until", field="valid_until")
    if terms.most_uses is not None and terms.most_uses < 1:
        raise InvalidCoupon("most_uses", field="most_uses")
    if Coupon.objects.filter(code=code).exists():
        raise CouponExists("code", coupon=code)


def takes_more_than_half(terms: CouponTerms) -> bool:
    """Whether it takes more than half off. An amount does where it is more than half of the cheapest thing in the price
    book that it is for, or where one organisation can use it again: own packages may be small."""
    if terms.amount is None:
        return terms.percent is not None and terms.percent > 50
    book = queries.price_book()
    months = [tier.monthly_price for tier in book.tiers.values() if not tier.is_free]
    prices = [
        *([package.price for package in book.packages] if terms.what != CouponFor.FIRST_MONTH else []),
        *(months if terms.what != CouponFor.PACKAGE else []),
    ]
    cheapest = min((price.cents for price in prices if price.currency == terms.amount.currency), default=0)
    return not terms.once_each or 2 * terms.amount.cents > cheapest


@one_transaction
def withdraw_coupon(*, code: str, who: str, why: str, now: datetime) -> Coupon:
    """Nothing is ordered with it any more; what was ordered stays. Withdrawing it again changes nothing. Raises
    CouponUnknown and WhoAndWhyMissing."""
    why = checked_why(why)
    coupon = Coupon.objects.select_for_update(no_key=True).filter(code=written(code)).first()
    if coupon is None:
        raise CouponUnknown("coupon", coupon=code[:60])
    if coupon.withdrawn_at is None:
        coupon.withdrawn_at, coupon.withdrawn_by = now, who
        coupon.save(update_fields=["withdrawn_at", "withdrawn_by"])
        _record(coupon, BillingOccurrence.WITHDRAWN, who=who, why=why, now=now, at=plain(now))
    return coupon


def redeem(
    code: str,
    *,
    organisation: Organisation,
    kind: PurchaseKind,
    price: Money,
    now: datetime,
    instead_of: Collection[UUID] = (),
) -> Discount | None:
    """What the coupon takes off this order, in the transaction that makes it; None for an empty code. Its row is
    locked: of two who use it for the last time at once, one is refused. `instead_of`: orders that this one replaces,
    which do not count.

    The caller holds the organisation's subscription, so that its orders are counted one after the other. Raises
    CouponUnknown and CouponNotValid.
    """
    if not code.strip():
        return None
    Coupon.objects.select_for_update(no_key=True).filter(code=written(code)).first()
    return look_at(code, organisation=organisation, kind=kind, price=price, now=now, instead_of=instead_of)


def look_at(
    code: str,
    *,
    organisation: Organisation,
    kind: PurchaseKind,
    price: Money,
    now: datetime,
    instead_of: Collection[UUID] = (),
) -> Discount | None:
    """The same without a lock, for whoever wants to see the price before ordering. Raises CouponUnknown and
    CouponNotValid."""
    if not code.strip():
        return None
    coupon = Coupon.objects.filter(code=written(code), withdrawn_at__isnull=True).first()
    if coupon is None:
        raise CouponUnknown("coupon", coupon=code.strip()[:60])
    _refuse_wrong_time(coupon, now=now)
    _refuse_other_things(coupon, organisation, kind, instead_of)
    _refuse_used(coupon, organisation, instead_of)
    cents = coupon.off(price.cents)
    if coupon.currency and coupon.currency != price.currency:
        raise CouponNotValid("currency", coupon=coupon.code, currency=coupon.currency)
    if not 1 <= cents < price.cents:
        raise CouponNotValid("too_much", coupon=coupon.code, price=price)
    return Discount(coupon, cents)


def _refuse_wrong_time(coupon: Coupon, *, now: datetime) -> None:
    if now < coupon.valid_from_at:
        raise CouponNotValid("not_yet", coupon=coupon.code, begins=coupon.valid_from_at)
    if coupon.valid_until_at is not None and now >= coupon.valid_until_at:
        raise CouponNotValid("over", coupon=coupon.code, ended=coupon.valid_until_at)


def _refuse_other_things(
    coupon: Coupon, organisation: Organisation, kind: PurchaseKind, instead_of: Collection[UUID]
) -> None:
    fits = CouponFor.PACKAGE if kind == PurchaseKind.PACKAGE else CouponFor.FIRST_MONTH
    if coupon.what not in (fits, CouponFor.EITHER):
        raise CouponNotValid("other_kind", coupon=coupon.code)
    own = Purchase.objects.filter(organisation=organisation).exclude(id__in=instead_of)
    if kind == PurchaseKind.SUBSCRIPTION and not may_be_first_month(organisation):
        raise CouponNotValid("not_first_month", coupon=coupon.code)
    if coupon.first_purchase_only and own.exclude(status=PurchaseStatus.CANCELLED).exists():
        raise CouponNotValid("not_first", coupon=coupon.code)


def may_be_first_month(organisation: Organisation) -> bool:
    """Whether the next month of a tier that is paid would be the organisation's first."""
    months = Purchase.objects.filter(organisation=organisation, kind=PurchaseKind.SUBSCRIPTION, paid_at__isnull=False)
    return not months.exists()


def _refuse_used(coupon: Coupon, organisation: Organisation, instead_of: Collection[UUID]) -> None:
    used = uses(coupon).exclude(id__in=instead_of)
    if coupon.once_each and used.filter(organisation=organisation).exists():
        raise CouponNotValid("used", coupon=coupon.code)
    if coupon.most_uses is not None and used.count() >= coupon.most_uses:
        raise CouponNotValid("used_up", coupon=coupon.code)


def uses(coupon: Coupon) -> QuerySet[Purchase]:
    """The orders that count: a cancelled one gives its use back."""
    return Purchase.objects.filter(coupon=coupon).exclude(status=PurchaseStatus.CANCELLED)


def coupons() -> QuerySet[Coupon]:
    """All of them, withdrawn ones too, the newest first."""
    return Coupon.objects.order_by("-made_at", "-id")


def coupon_terms_of(coupon: Coupon) -> str:
    """SHA-256 (hex) over what of a coupon never changes: its event keeps it."""
    form = json.dumps({name: plain(getattr(coupon, name)) for name in TERMS}, sort_keys=True)
    return hashlib.sha256(form.encode()).hexdigest()


def written(code: str) -> str:
    """A code as it is kept, however it was typed."""
    return "".join(code.split()).upper()


def _record(coupon: Coupon, move: BillingOccurrence, *, who: str, why: str, now: datetime, **details: object) -> None:
    record(
        organisation=None,
        subject="coupon",
        subject_id=coupon.id,
        move=move,
        who=who,
        why=why,
        now=now,
        code=coupon.code,
        **details,
    )
