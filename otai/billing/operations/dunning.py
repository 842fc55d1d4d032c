"""Charging a kept method without the payer, for what follows a tier's paid period: when it is tried, tried again, and
given up.

The first try is made with the order; it is tried again on the days of the price book
(`charge_again_after`) and at once when the method changes. Each try is a row, claimed before the provider is asked: two
sweeps make it once.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from otai.billing import queries
from otai.billing.gateway import PaymentDeclined, PaymentSeen, PaymentState
from otai.billing.gateways import gateways
from otai.billing.models import ChargeAttempt, Purchase, PurchaseKind, Subscription
from otai.billing.operations.checkout import pay
from otai.billing.operations.orders import locked
from otai.billing.operations.pages import close_pages
from otai.billing.status import PurchaseStatus, SubscriptionStatus
from otai.db import new_id
from otai.errors import OtaiError

logger = logging.getLogger(__name__)

UNKNOWN = "unknown"
"""The provider did not answer: what became of the try is found by looking the payment up."""
a_try_takes_at_most = timedelta(minutes=10)
"""With all that the provider is asked, and asked again where it does not answer."""


def charge_without_payer(purchase: Purchase, payment_method: str, *, now: datetime) -> PaymentSeen | None:
    """One try to charge a kept method for an order; None where another process makes it, or nothing is to be paid.

    Called outside a transaction. A refusal is no error here: it is booked and mailed, once for this try; None is
    returned. Raises GatewayUnavailable.
    """
    known = ChargeAttempt.objects.filter(purchase=purchase).count()
    close_pages(purchase, now=now)
    purchase.refresh_from_db()
    if purchase.status != PurchaseStatus.OPEN or queries.owed(purchase.organisation).owed:
        # While a payment that was taken back is owed, nothing is charged: no try is used up by it.
        return None
    attempt = _claim(purchase, payment_method, known, now=now)
    if attempt is None:
        return None
    outcome, problem, seen = UNKNOWN, "", None
    try:
        seen = pay(purchase, now=now, payment_method=payment_method, without_payer=True)
        outcome, problem = seen.state.value, seen.problem
    except PaymentDeclined as declined:
        outcome, problem = PaymentState.FAILED.value, declined.said_there
    finally:
        ChargeAttempt.objects.filter(id=attempt.id).update(outcome=outcome, problem=problem[:500], ended_at=now)
    return seen


def is_being_charged(purchase: Purchase, *, now: datetime) -> bool:
    """Whether the provider is asked at this moment to charge a kept method for this locked order: nobody can cancel
    that any more. A try that a dead process left stands in nobody's way."""
    tries = ChargeAttempt.objects.filter(purchase=purchase, ended_at__isnull=True)
    return tries.filter(tried_at__gt=now - a_try_takes_at_most).exists()


def _claim(purchase: Purchase, payment_method: str, known: int, *, now: datetime) -> ChargeAttempt | None:
    number = known + 1
    try:
        with transaction.atomic():
            if locked(purchase.id).status != PurchaseStatus.OPEN:
                # Cancelled meanwhile: whoever cancels after this sees the try, and waits for its outcome.
                return None
            return ChargeAttempt.objects.create(
                id=new_id(), purchase=purchase, number=number, payment_method=payment_method, tried_at=now
            )
    except IntegrityError:
        # `billing_charge_attempt_is_made_once`: another sweep was faster.
        return None


def charge_again(*, now: datetime) -> int:
    """Tries again what is due: months that wait for their payment and whose method can be charged. Returns how many
    tries were made."""
    tries = 0
    waiting = Purchase.objects.filter(
        kind=PurchaseKind.SUBSCRIPTION,
        status=PurchaseStatus.OPEN,
        organisation__subscription__status=SubscriptionStatus.UNPAID,
    ).exclude(organisation__subscription__renewal_payment_method="")
    for id in list(waiting.values_list("id", flat=True)):
        # Read for each: what was charged before it may have paid the month, or changed how it is paid.
        purchase = Purchase.objects.select_related("organisation__subscription").get(id=id)
        subscription = purchase.organisation.subscription
        is_next = purchase.tier == subscription.tier and purchase.is_renewal
        if not is_next or subscription.status != SubscriptionStatus.UNPAID:
            # A rise is paid by somebody who is there, never by itself.
            continue
        way = gateways().get(subscription.renewal_gateway)
        if way is None or not way.charges_saved_methods or purchase.gateway != way.name:
            continue
        due = next_try(purchase, subscription)
        if due is None or due > now:
            continue
        try:
            tries += charge_without_payer(purchase, subscription.renewal_payment_method, now=now) is not None
        except OtaiError:
            logger.warning("The month %s could not be charged.", purchase.reference)
    return tries


def next_try(purchase: Purchase, subscription: Subscription) -> datetime | None:
    """When the kept method of a tier is charged next for this month; None: not any more.

    A method that was not tried yet is due at once; else the days of the price book count from the first try.
    """
    attempts = list(ChargeAttempt.objects.filter(purchase=purchase).order_by("number"))
    if not attempts:
        return purchase.ordered_at
    if attempts[-1].payment_method != subscription.renewal_payment_method:
        return attempts[-1].tried_at
    first = next(each for each in attempts if each.payment_method == subscription.renewal_payment_method)
    made = sum(each.payment_method == subscription.renewal_payment_method for each in attempts)
    later = queries.price_book().charge_again_after
    return first.tried_at + later[made - 1] if made <= len(later) else None
