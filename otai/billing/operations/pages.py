"""Paying on a provider's own page: opened for an order or for keeping a payment method, and settled when the payer is
done.

All calls to providers go out from here between transactions. A page may be settled any number of times: what was booked
stays booked. A browser that never comes back is made good by the provider's news, and those by the sweep.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from otai.billing import queries
from otai.billing.gateway import (
    CheckoutOrder,
    CheckoutSeen,
    CheckoutState,
    HostedCheckout,
    PaymentDeclined,
    PaymentState,
)
from otai.billing.gateways import gateway_named, hosted, hosted_gateways
from otai.billing.models import CheckoutPage, CheckoutStateOf, Purchase, PurchaseKind
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations import methods
from otai.billing.operations.events import record
from otai.billing.operations.orders import billing_details, refuse_card_while_owed, refuse_too_small
from otai.billing.operations.payment_limit import refuse_more_payments
from otai.billing.operations.payments import apply_seen, give_up_payment
from otai.billing.status import AWAITING_PAYMENT, PurchaseStatus
from otai.db import new_id
from otai.errors import NotFound, OtaiError, Refused
from otai.orgs.models import Organisation
from otai.units import Money

logger = logging.getLogger(__name__)

open_for = timedelta(hours=23)
"""Stripe's pages may stay open for a day; the order itself waits longer, and gets another page when it is asked for."""
most_looks = 200
"""Pages that one sweep asks the provider about, the oldest first."""


class NothingToPay(Refused):
    """The order is paid, cancelled, or with the bank."""

    code = "nothing_to_pay"


@dataclass(frozen=True, slots=True)
class PageOpened:
    """Where the payer goes next. `page` is None where the order turned out to be paid, or on its way."""

    page: CheckoutPage | None
    purchase: Purchase | None


def open_payment_page(
    *, organisation: Organisation, reference: str, who: str, now: datetime, keeps_method: bool = True, back: str = ""
) -> PageOpened:
    """A page at the provider on which this order can be paid, with any method; asked for again alike, the same page.

    A payment that was begun otherwise is withdrawn first, so that nobody pays twice. `keeps_method`: the provider keeps
    what paid for later charges without the payer; for a month of a tier it then pays the following months. `back` is a
    path of ours to which the payer is led at the end. Raises NotFound, NothingToPay, PaymentOwed, GatewayUnknown
    (nothing here has such pages), AmountTooSmall (what is left of a part payment), PaymentDeclined and
    GatewayUnavailable.
    """
    purchase = Purchase.objects.filter(organisation=organisation, reference=reference).first()
    if purchase is None:
        raise NotFound("purchase", reference=reference)
    way = _way_for(purchase)
    refuse_card_while_owed(organisation, way.name)
    standing = _standing_page(purchase, keeps_method=keeps_method, now=now)
    purchase.refresh_from_db()
    if standing is None and purchase.status == PurchaseStatus.OPEN and is_hosted(purchase.gateway):
        _withdraw_payment(purchase, way, now=now)
    if purchase.status not in (PurchaseStatus.OPEN, PurchaseStatus.PART_PAID):
        if standing is None and purchase.status in (PurchaseStatus.PAID, PurchaseStatus.PROCESSING):
            return PageOpened(None, purchase)
        raise NothingToPay("purchase", reference=reference, status=purchase.status)
    if standing is not None:
        return PageOpened(standing, purchase)
    due = purchase.gross_cents - purchase.paid_cents
    refuse_too_small(way.name, Money(due, purchase.currency))
    query = urlencode({"back": back}) if back else ""
    here = f"{_credits(organisation)}/purchases/{purchase.reference}"
    asked = CheckoutOrder(
        customer="",
        cents=due,
        currency=purchase.currency,
        title=f"{purchase.title} ({purchase.reference})",
        key="",
        return_url=f"{here}/returned?page={{session}}" + (f"&{query}" if query else ""),
        cancel_url=f"{here}/?left=1" + (f"&{query}" if query else ""),
        expires_at=_expiry(now),
        language=purchase.language,
        purchase=str(purchase.id),
        reference=purchase.reference,
        keeps_method=keeps_method,
    )
    refuse_more_payments(organisation, now=now)
    pages = CheckoutPage.objects.filter(purchase=purchase).count()
    seen = _opened(organisation, way, asked, key=f"page:{purchase.id}:{pages}", now=now)
    page = _stored(
        organisation,
        seen,
        way,
        purchase=purchase,
        cents=due,
        keeps_method=keeps_method,
        for_renewals=keeps_method and purchase.kind == PurchaseKind.SUBSCRIPTION,
        who=who,
        now=now,
    )
    return PageOpened(page, purchase)


def _way_for(purchase: Purchase) -> HostedCheckout:
    """The provider with a page for this order: its own, or for one that was to be paid by transfer the first that there
    is. Raises GatewayUnknown."""
    ways = hosted_gateways()
    if is_hosted(purchase.gateway) or not ways:
        return hosted(purchase.gateway)
    return ways[0]


def _opened(
    organisation: Organisation, way: HostedCheckout, asked: CheckoutOrder, *, key: str, now: datetime
) -> CheckoutSeen:
    """Opens the page. The key holds what is asked, so that it is never used for another question; a customer that the
    provider does not know any more is made anew."""
    for is_last in (False, True):
        customer = methods.customer_of(organisation, way.name, now=now)
        whole = replace(asked, customer=customer)
        digest = hashlib.sha256(repr(whole).encode()).hexdigest()[:12]
        try:
            return way.open_checkout(replace(whole, key=f"{key}:{digest}"))
        except PaymentDeclined as declined:
            if is_last or declined.details.get("reason") != "no_customer":
                raise
            methods.forget_customer(organisation, way.name, customer, now=now)
    raise AssertionError("the last try returns or raises")


def open_method_page(
    *, organisation: Organisation, gateway: str, who: str, now: datetime, for_renewals: bool = False
) -> CheckoutPage:
    """A page at the provider on which a payment method is entered and kept; nothing is charged.

    Raises BillingDetailsMissing, GatewayUnknown, PaymentDeclined and GatewayUnavailable.
    """
    way = hosted(gateway)
    refuse_more_payments(organisation, now=now)
    details = billing_details(organisation)
    here = f"{_credits(organisation)}/methods/"
    asked = CheckoutOrder(
        customer="",
        cents=0,
        currency=queries.currency(),
        title="",
        key="",
        return_url=f"{here}returned?page={{session}}",
        cancel_url=here,
        expires_at=_expiry(now),
        language=details.language,
    )
    seen = _opened(organisation, way, asked, key=f"method:{new_id()}", now=now)
    return _stored(
        organisation, seen, way, purchase=None, cents=0, keeps_method=True, for_renewals=for_renewals, who=who, now=now
    )


def portal(*, organisation: Organisation, gateway: str, now: datetime) -> str:
    """The address of the provider's page for its customer. Raises as `customer_of` does."""
    way = hosted(gateway)
    customer = methods.customer_of(organisation, way.name, now=now)
    return way.portal(customer=customer, return_url=f"{_credits(organisation)}/methods/")


def settle_page(page: CheckoutPage, *, now: datetime) -> CheckoutSeen:
    """Asks the provider what became of a page, and books it: the payment, the method kept, the end. Called outside a
    transaction. Raises GatewayUnavailable."""
    way = hosted(page.gateway)
    seen = way.look_up_checkout(page.reference)
    _apply(page, seen, way, now=now)
    return seen


def page_named(organisation: Organisation, reference: str) -> CheckoutPage:
    """Raises NotFound, for another organisation's as well."""
    found = CheckoutPage.objects.filter(organisation=organisation, reference=reference).first()
    if found is None:
        raise NotFound("checkout_page", reference=reference[:100])
    return found


def close_pages(purchase: Purchase, *, now: datetime) -> None:
    """Makes sure that nothing can be paid on a page any more; what was paid on one in the last moment is booked. Called
    outside a transaction. Raises GatewayUnavailable."""
    for page in CheckoutPage.objects.filter(purchase=purchase, state=CheckoutStateOf.OPEN):
        way = hosted(page.gateway)
        _apply(page, way.close_checkout(page.reference), way, now=now)


def look_at_pages(*, now: datetime, older_than: timedelta = timedelta(minutes=10)) -> int:
    """Settles open pages whose news may have been lost, and closes those of orders that wait for nothing any more;
    returns how many have ended."""
    ended = 0
    waiting = CheckoutPage.objects.filter(state=CheckoutStateOf.OPEN, opened_at__lte=now - older_than)
    waiting = waiting.order_by(F("looked_at").asc(nulls_first=True), "opened_at", "id")
    for page in waiting.select_related("organisation", "purchase")[:most_looks]:
        CheckoutPage.objects.filter(id=page.id).update(looked_at=now)
        try:
            if page.purchase is not None and not _is_asked_for(page, page.purchase):
                close_pages(page.purchase, now=now)
                ended += 1
            else:
                ended += settle_page(page, now=now).state is not CheckoutState.OPEN
        except OtaiError as error:
            # One that cannot be settled does not keep the others from their turn.
            logger.warning("The page %s could not be settled: %s", page.reference, type(error).__name__)
    return ended


def _is_asked_for(page: CheckoutPage, purchase: Purchase) -> bool:
    """Whether the order still waits for just what the page asks."""
    waits = purchase.status in (PurchaseStatus.OPEN, PurchaseStatus.PART_PAID)
    return waits and page.cents in (0, purchase.gross_cents - purchase.paid_cents)


def _credits(organisation: Organisation) -> str:
    return f"{settings.OTAI_BASE_URL.rstrip('/')}/{organisation.slug}/credits"


def _expiry(now: datetime) -> datetime:
    """The same for clicks of one hour: the provider takes a key again only with the same question."""
    return now.replace(minute=0, second=0, microsecond=0) + open_for


def _standing_page(purchase: Purchase, *, keeps_method: bool, now: datetime) -> CheckoutPage | None:
    """The page of this order that can still be paid on, and keeps a method just where the payer wants it; another is
    closed, and what was paid on it booked."""
    page = CheckoutPage.objects.filter(purchase=purchase, state=CheckoutStateOf.OPEN).first()
    if page is None:
        return None
    is_wanted = page.keeps_method == keeps_method and _is_asked_for(page, purchase)
    if not is_wanted or page.expires_at <= now + timedelta(minutes=30):
        close_pages(purchase, now=now)
        return None
    if settle_page(page, now=now).state is not CheckoutState.OPEN:
        return None
    return page


def _withdraw_payment(purchase: Purchase, way: HostedCheckout, *, now: datetime) -> None:
    """Withdraws a payment that was begun without a page, so that the order cannot be paid twice."""
    begun = purchase.gateway_reference
    if not begun or not give_up_payment(purchase):
        return
    # Given up before it is cancelled: news of its end is then no news of the order.
    seen = way.cancel(begun)
    if seen.state is not PaymentState.CANCELLED:
        rows = Purchase.objects.filter(id=purchase.id, gateway_reference="", status=PurchaseStatus.OPEN)
        rows.update(gateway_reference=begun)
        apply_seen(purchase, seen, who=way.name, now=now)
        purchase.refresh_from_db()


def _stored(
    organisation: Organisation,
    seen: CheckoutSeen,
    way: HostedCheckout,
    *,
    purchase: Purchase | None,
    cents: int,
    keeps_method: bool,
    for_renewals: bool,
    who: str,
    now: datetime,
) -> CheckoutPage:
    try:
        with transaction.atomic():
            page = CheckoutPage.objects.create(
                id=new_id(),
                organisation=organisation,
                purchase=purchase,
                gateway=way.name,
                reference=seen.reference,
                url=seen.url,
                cents=cents,
                keeps_method=keeps_method,
                for_renewals=for_renewals,
                opened_at=now,
                opened_by=who,
                expires_at=_expiry(now),
            )
            record(
                organisation=organisation,
                subject="purchase" if purchase else "payment_method",
                subject_id=purchase.id if purchase else page.id,
                move=BillingOccurrence.PAGE_OPENED,
                who=who,
                now=now,
                gateway=way.name,
            )
            return page
    except IntegrityError:
        # Two clicks in one moment: the other one stored the page.
        standing = CheckoutPage.objects.filter(purchase=purchase, state=CheckoutStateOf.OPEN).first()
        if purchase is None or standing is None:
            raise
        if standing.reference != seen.reference:
            way.close_checkout(seen.reference)
        return standing


def _apply(page: CheckoutPage, seen: CheckoutSeen, way: HostedCheckout, *, now: datetime) -> None:
    kept, is_first = seen.method, page.state == CheckoutStateOf.OPEN
    is_complete = seen.state is CheckoutState.COMPLETE
    if page.purchase is not None and seen.payment and is_complete:
        if is_first:
            CheckoutPage.objects.filter(id=page.id).update(payment_reference=seen.payment)
            # The order is paid so now, whatever was said before. A later look leaves it to whatever came after.
            rows = Purchase.objects.filter(id=page.purchase.id)
            rows.filter(status__in=[*AWAITING_PAYMENT, PurchaseStatus.CANCELLED]).update(
                gateway=way.name, gateway_reference=seen.payment
            )
            page.purchase.refresh_from_db()
        payment = way.look_up(seen.payment)
        kept = payment.kept_method if page.keeps_method else ""
        apply_seen(page.purchase, payment, who=way.name, now=now)
    if kept and is_complete and is_first:
        method = methods.keep(page.organisation, way.name, kept, who=page.opened_by, now=now)
        if method is not None and page.for_renewals and method.removed_at is None:
            methods.pay_renewals_with(organisation=page.organisation, method=method.id, who=page.opened_by, now=now)
    if seen.state is not CheckoutState.OPEN:
        CheckoutPage.objects.filter(id=page.id, state=CheckoutStateOf.OPEN).update(
            state=seen.state.value, ended_at=now, url=""
        )
        page.refresh_from_db()


def is_hosted(gateway: str) -> bool:
    """Whether orders with this way to pay are paid on a page of the provider."""
    return isinstance(gateway_named(gateway), HostedCheckout)
