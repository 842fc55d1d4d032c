"""Checkout: from a click to a payment provider and back. All calls to providers go out from here, outside
transactions."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from otai.billing import packages
from otai.billing.gateway import PaymentDeclined, PaymentOrder, PaymentSeen, PaymentState
from otai.billing.gateways import gateway_named
from otai.billing.models import Purchase, PurchaseKind, Subscription
from otai.billing.operations.coupons import redeem, written
from otai.billing.operations.methods import own_method
from otai.billing.operations.orders import (
    EqualOrder,
    cancel_locked,
    locked,
    minutes_since,
    order,
    refuse_card_while_owed,
    refuse_more_unpaid,
    request_hash_of,
)
from otai.billing.operations.pages import close_pages
from otai.billing.operations.payment_limit import refuse_more_payments
from otai.billing.operations.payments import apply_seen, try_refused
from otai.billing.status import AWAITING_PAYMENT, PurchaseStatus
from otai.errors import Invalid, NotFound, OtaiError, Refused
from otai.orgs.models import Organisation
from otai.words.sentences import Fact

logger = logging.getLogger(__name__)


class PurchaseKeyReused(Refused):
    code = "duplicate_request"


class PurchaseKeyMissing(Invalid):
    code = "invalid_request"


@dataclass(frozen=True, slots=True)
class Bought:
    """An order and where its payment stands. `replayed`: the same click came before, and this is what it led to."""

    purchase: Purchase
    payment: PaymentSeen
    replayed: bool


def buy(
    *,
    organisation: Organisation,
    package: str,
    key: str,
    who: str,
    now: datetime,
    gateway: str = "",
    payment_method: str = "",
    automatic: bool = False,
    coupon: str = "",
    refuses_equal: bool = False,
) -> Bought:
    """Orders a package and opens its payment; with a payment method that the gateway can charge, charges it.

    Credits come when the payment is confirmed, not here. `package` is a code of `packages_for`; `key` is the buyer's: a
    second click with the same key is answered like the first. `automatic`: nobody asked for it now, so that it does not
    count against the unpaid orders that a buyer may have, and nobody is there whom the bank could ask. `coupon`: a code
    that takes something off. `refuses_equal`: an open order of the same package is asked about.

    Raises EqualOrder (then), PackageUnknown, CouponUnknown, CouponNotValid, BillingDetailsMissing, GatewayUnknown,
    PurchaseKeyReused, PaymentOwed, TooManyUnpaidOrders, PaymentDeclined (the order stays open: another method can be
    tried) and GatewayUnavailable (ask again with the same key).
    """
    purchase, replayed = order_package(
        organisation=organisation,
        package=package,
        key=key,
        who=who,
        now=now,
        gateway=gateway,
        automatic=automatic,
        coupon=coupon,
        refuses_equal=refuses_equal,
    )
    charged = own_method(organisation, purchase.gateway, payment_method)
    payment = pay(purchase, now=now, payment_method=charged, without_payer=automatic)
    purchase.refresh_from_db()
    return Bought(purchase, payment, replayed)


def order_package(
    *,
    organisation: Organisation,
    package: str,
    key: str,
    who: str,
    now: datetime,
    gateway: str = "",
    automatic: bool = False,
    coupon: str = "",
    refuses_equal: bool = False,
) -> tuple[Purchase, bool]:
    """Orders a package without opening its payment, and says whether this key had ordered it before: for orders that
    are paid on a page of the provider. Raises as `buy` does."""
    offered = packages.package(organisation, package, now=now)
    way = gateway_named(gateway)
    terms = ("package", offered.code, offered.credits, offered.price.cents, offered.price.currency, way.name)
    asked = request_hash_of(*terms, *([written(coupon)] if coupon.strip() else []))

    def make() -> Purchase:
        kind = PurchaseKind.PACKAGE
        if refuses_equal:
            _refuse_equal(organisation, offered, key=key, now=now)
        return order(
            organisation=organisation,
            kind=kind,
            title=offered.title,
            credits=offered.credits,
            tier="",
            price=offered.price,
            custom_package=offered.custom,
            gateway=way.name,
            key=key,
            request_hash=asked,
            who=who,
            now=now,
            discount=redeem(coupon, organisation=organisation, kind=kind, price=offered.price, now=now),
        )

    return _ordered_once(
        organisation=organisation, key=key, request_hash=asked, is_counted=not automatic, make=make, now=now
    )


def _refuse_equal(organisation: Organisation, offered: packages.PackageOffer, *, key: str, now: datetime) -> None:
    """Raises EqualOrder where an order of the package waits for its money: the newest of them is named. One of this
    very key, by a click at the same moment, is the same order."""
    if Purchase.objects.filter(organisation=organisation, key=key).exists():
        return
    waiting = Purchase.objects.filter(
        organisation=organisation,
        status__in=sorted(AWAITING_PAYMENT),
        kind=PurchaseKind.PACKAGE,
        credits=offered.credits,
        custom_package=offered.custom,
    )
    if (first := waiting.order_by("-ordered_at", "-id").first()) is not None:
        raise EqualOrder(
            "purchase", reference=first.reference, title=first.title, minutes=minutes_since(first.ordered_at, now=now)
        )


def _ordered_once(
    *,
    organisation: Organisation,
    key: str,
    request_hash: str,
    is_counted: bool,
    make: Callable[[], Purchase],
    now: datetime,
) -> tuple[Purchase, bool]:
    """The purchase of this key, made now or before. Raises PurchaseKeyReused when the key stands for something else."""
    if not key or len(key) > 200:
        raise PurchaseKeyMissing("purchase_key", field="key")
    ordered = Purchase.objects.filter(organisation=organisation, key=key).first()
    if ordered is None:
        try:
            with transaction.atomic():
                if is_counted:
                    # Two clicks at once are counted one after the other.
                    Subscription.objects.select_for_update(no_key=True).filter(organisation=organisation).first()
                    refuse_more_unpaid(organisation, now=now)
                return make(), False
        except IntegrityError:
            ordered = Purchase.objects.filter(organisation=organisation, key=key).first()
            if ordered is None:
                raise
    if ordered.request_hash != request_hash:
        raise PurchaseKeyReused("purchase", title=ordered.title, reference=ordered.reference, key=key)
    return ordered, True


def pay(purchase: Purchase, *, now: datetime, payment_method: str = "", without_payer: bool = False) -> PaymentSeen:
    """Opens the payment at the provider, charges the method if there is one, and books what came of it.

    Called outside a transaction. May be called again at any time: what was paid stays paid. A page on which the order
    could be paid is closed before anything is charged. Raises PaymentDeclined (booked as a failed attempt) and
    GatewayUnavailable.
    """
    gateway = gateway_named(purchase.gateway)
    if payment_method:
        close_pages(purchase, now=now)
        purchase.refresh_from_db()
    may_charge = bool(payment_method) and purchase.status == PurchaseStatus.OPEN
    if may_charge:
        refuse_card_while_owed(purchase.organisation, gateway.name)
        if not without_payer:
            refuse_more_payments(purchase.organisation, now=now)
    if purchase.gateway_reference:
        seen = gateway.look_up(purchase.gateway_reference)
    elif purchase.status == PurchaseStatus.OPEN:
        seen = _opened(purchase, payment_method, now=now)
    else:
        return PaymentSeen("", PaymentState.WAITING, 0, purchase.currency)
    if may_charge and seen.state in (PaymentState.WAITING, PaymentState.FAILED):
        try:
            seen = gateway.confirm(seen.reference, payment_method=payment_method, without_payer=without_payer)
        except PaymentDeclined as declined:
            seen = gateway.look_up(seen.reference)
            apply_seen(purchase, seen, who=gateway.name, now=now)
            declined.details["purchase"] = purchase.reference
            if seen.state in (PaymentState.SUCCEEDED, PaymentState.PROCESSING):
                # Another click was faster, and this one was declined because nothing is left to pay.
                return seen
            raise
    apply_seen(purchase, seen, who=gateway.name, now=now)
    return seen


def _opened(purchase: Purchase, payment_method: str, *, now: datetime) -> PaymentSeen:
    """The payment, made known to the provider and stored before it is charged: a process that dies in between leaves
    one that the sweep can look up. The same question again opens the same payment; a withdrawn one is never opened
    again."""
    gateway = gateway_named(purchase.gateway)
    number = purchase.payments_withdrawn
    asked = request_hash_of(purchase.gross_cents, purchase.currency, payment_method)[:12]
    try:
        seen = gateway.open_payment(
            PaymentOrder(
                purchase=str(purchase.id),
                reference=purchase.reference,
                cents=purchase.gross_cents,
                currency=purchase.currency,
                key=f"purchase:{purchase.id}:{number}:{asked}",
                payment_method=payment_method,
            )
        )
    except PaymentDeclined as declined:
        try_refused(purchase, declined, who=gateway.name, now=now)
        raise
    Purchase.objects.filter(id=purchase.id, gateway_reference="").update(gateway_reference=seen.reference)
    purchase.refresh_from_db()
    # Where two opened one at once, the one that was stored counts.
    return seen if purchase.gateway_reference == seen.reference else gateway.look_up(purchase.gateway_reference)


class CannotCancel(Refused):
    code = "cannot_cancel"


def cancel(*, organisation: Organisation, reference: str, who: str, now: datetime, why: str | Fact = "") -> Purchase:
    """Cancels an order that is not paid. Asks the provider first, so that it cannot be paid any more. `why`: without
    one, that the customer did it.

    Raises NotFound, CannotCancel (paid, or with the bank already) and GatewayUnavailable.
    """
    purchase = Purchase.objects.filter(organisation=organisation, reference=reference).first()
    if purchase is None:
        raise NotFound("purchase", reference=reference)
    if purchase.status == PurchaseStatus.CANCELLED:
        return purchase
    if purchase.status in AWAITING_PAYMENT:
        close_pages(purchase, now=now)
        purchase.refresh_from_db()
    if purchase.status in AWAITING_PAYMENT and purchase.gateway_reference:
        gateway = gateway_named(purchase.gateway)
        seen = gateway.cancel(purchase.gateway_reference)
        if seen.state is not PaymentState.CANCELLED:
            apply_seen(purchase, seen, who=gateway.name, now=now)
    with transaction.atomic():
        purchase = locked(purchase.id)
        if purchase.status not in (PurchaseStatus.OPEN, PurchaseStatus.PART_PAID):
            raise CannotCancel("purchase", reference=reference, status=purchase.status)
        cancel_locked(purchase, who=who, why=why or Fact("billing.cancelled_by_customer"), now=now)
    return purchase


def cancel_expired(*, now: datetime) -> int:
    """Cancels orders whose time to pay ran out; returns how many. Those that are with a bank are left to their
    outcome."""
    cancelled = 0
    due = Purchase.objects.filter(
        status__in=[PurchaseStatus.OPEN, PurchaseStatus.PART_PAID], expires_at__lte=now
    ).select_related("organisation")
    for purchase in due:
        try:
            cancel(
                organisation=purchase.organisation,
                reference=purchase.reference,
                who="sweep",
                why=Fact("billing.time_to_pay_over"),
                now=now,
            )
            cancelled += 1
        except OtaiError as error:
            if not isinstance(error, Refused):
                logger.warning("The order %s could not be cancelled: %s", purchase.reference, type(error).__name__)
            continue
    return cancelled


def ask_gateways(*, now: datetime, older_than: timedelta = timedelta(minutes=10)) -> int:
    """Looks up payments whose news may have been lost; returns how many purchases moved."""
    moved = 0
    waiting = Purchase.objects.filter(status__in=AWAITING_PAYMENT, ordered_at__lte=now - older_than)
    for purchase in waiting.exclude(gateway_reference=""):
        before = purchase.status
        try:
            gateway = gateway_named(purchase.gateway)
            seen = gateway.look_up(purchase.gateway_reference)
            apply_seen(purchase, seen, who=gateway.name, now=now)
        except OtaiError as error:
            logger.warning("The payment of %s could not be looked up: %s", purchase.reference, type(error).__name__)
            continue
        purchase.refresh_from_db()
        moved += purchase.status != before
    return moved
