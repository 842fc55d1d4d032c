"""Paying on a provider's own page: opened for an order or for keeping a payment method, and settled when the payer is
done.

All calls to providers go out from here between transactions. A page may be settled any number of times: what was booked
stays booked. A browser that never comes back is made good by the provider's news, and those by the sweep.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.db import IntegrityError, transaction

from otai.billing.gateway import (
    CheckoutOrder,
    CheckoutSeen,
    CheckoutState,
    GatewayUnavailable,
    HostedCheckout,
    PaymentDeclined,
    PaymentState,
)
from otai.billing.gateways import gateway_named, hosted, hosted_gateways
from otai.billing.models import CheckoutPage, CheckoutStateOf, Purchase, PurchaseKind
from otai.billing.operations import methods
from otai.billing.operations.events import record
from otai.billing.operations.orders import billing_details, refuse_card_while_owed
from otai.billing.operations.payments import apply_seen
from otai.billing.status import AWAITING_PAYMENT, PurchaseStatus
from otai.db import new_id
from otai.errors import NotFound, Refused
from otai.orgs.models import Organisation

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
    """A page at the provider on which this order can be paid, with any method; asked for again, the same page.

    A payment that was begun otherwise is withdrawn first, so that nobody pays twice. `keeps_method`: the provider keeps
    what paid for later charges without the payer; for a month of a tier it then pays the following months. `back` is a
    path of ours to which the payer is led at the end. Raises NotFound, NothingToPay, PaymentOwed, GatewayUnknown
    (nothing here has such pages), PaymentDeclined and GatewayUnavailable.
    """
    purchase = Purchase.objects.filter(organisation=organisation, reference=reference).first()
    if purchase is None:
        raise NotFound("purchase", reference=reference)
    way = _way_for(purchase, who=who, now=now)
    refuse_card_while_owed(organisation, way.name)
    standing = _standing_page(purchase, now=now)
    purchase.refresh_from_db()
    if standing is None and purchase.status == PurchaseStatus.OPEN:
        _withdraw_payment(purchase, way, now=now)
    if purchase.status not in (PurchaseStatus.OPEN, PurchaseStatus.PART_PAID):
        if standing is None and purchase.status in (PurchaseStatus.PAID, PurchaseStatus.PROCESSING):
            return PageOpened(None, purchase)
        raise NothingToPay("purchase", reference=reference, status=purchase.status)
    if standing is not None:
        return PageOpened(standing, purchase)
    pages = CheckoutPage.objects.filter(purchase=purchase).count()
    query = urlencode({"back": back}) if back else ""
    here = f"{_credits(organisation)}/purchases/{purchase.reference}"
    seen = way.open_checkout(
        CheckoutOrder(
            customer=methods.customer_of(organisation, way.name, now=now),
            cents=purchase.gross_cents - purchase.paid_cents,
            currency=purchase.currency,
            title=f"{purchase.title} ({purchase.reference})",
            key=f"page:{purchase.id}:{pages}:{int(keeps_method)}",
            return_url=f"{here}/returned?page={{session}}" + (f"&{query}" if query else ""),
            cancel_url=f"{here}/?left=1" + (f"&{query}" if query else ""),
            expires_at=_expiry(now),
            language=purchase.language,
            purchase=str(purchase.id),
            reference=purchase.reference,
            keeps_method=keeps_method,
        )
    )
    page = _stored(
        organisation,
        seen,
        way,
        purchase=purchase,
        keeps_method=keeps_method,
        for_renewals=keeps_method and purchase.kind == PurchaseKind.SUBSCRIPTION,
        who=who,
        now=now,
    )
    return PageOpened(page, purchase)


def _way_for(purchase: Purchase, *, who: str, now: datetime) -> HostedCheckout:
    """The provider with a page for this order. One that was to be paid by transfer, and is not yet, may be paid on the
    page after all: its invoice stays. Raises GatewayUnknown."""
    if is_hosted(purchase.gateway):
        return hosted(purchase.gateway)
    ways = hosted_gateways()
    if not ways or purchase.status != PurchaseStatus.OPEN:
        return hosted(purchase.gateway)
    with transaction.atomic():
        rows = Purchase.objects.filter(id=purchase.id, status=PurchaseStatus.OPEN, gateway=purchase.gateway)
        if rows.update(gateway=ways[0].name, gateway_reference=""):
            record(
                organisation=purchase.organisation_id,
                subject="purchase",
                subject_id=purchase.id,
                move="paid otherwise",
                who=who,
                now=now,
                gateway=ways[0].name,
            )
    purchase.refresh_from_db()
    return hosted(purchase.gateway)


def open_method_page(
    *, organisation: Organisation, gateway: str, who: str, now: datetime, for_renewals: bool = False
) -> CheckoutPage:
    """A page at the provider on which a payment method is entered and kept; nothing is charged.

    Raises BillingDetailsMissing, GatewayUnknown, PaymentDeclined and GatewayUnavailable.
    """
    way = hosted(gateway)
    details = billing_details(organisation)
    here = f"{_credits(organisation)}/methods/"
    seen = way.open_checkout(
        CheckoutOrder(
            customer=methods.customer_of(organisation, way.name, now=now),
            cents=0,
            currency="EUR",
            title="",
            key=f"method:{new_id()}",
            return_url=f"{here}returned?page={{session}}",
            cancel_url=here,
            expires_at=_expiry(now),
            language=details.language,
        )
    )
    return _stored(
        organisation, seen, way, purchase=None, keeps_method=True, for_renewals=for_renewals, who=who, now=now
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
    """Settles open pages whose news may have been lost; returns how many have ended."""
    ended = 0
    waiting = CheckoutPage.objects.filter(state=CheckoutStateOf.OPEN, opened_at__lte=now - older_than)
    for page in waiting.select_related("organisation", "purchase").order_by("opened_at", "id")[:most_looks]:
        try:
            ended += settle_page(page, now=now).state is not CheckoutState.OPEN
        except (GatewayUnavailable, PaymentDeclined):
            logger.warning("The provider could not be asked about the page %s.", page.reference)
    return ended


def _credits(organisation: Organisation) -> str:
    return f"{settings.OTAI_BASE_URL.rstrip('/')}/{organisation.slug}/credits"


def _expiry(now: datetime) -> datetime:
    """The same for clicks of one hour: the provider takes a key again only with the same question."""
    return now.replace(minute=0, second=0, microsecond=0) + open_for


def _standing_page(purchase: Purchase, *, now: datetime) -> CheckoutPage | None:
    """The page of this order that can still be paid on; one that is done with, or nearly so, is settled."""
    page = CheckoutPage.objects.filter(purchase=purchase, state=CheckoutStateOf.OPEN).first()
    if page is None:
        return None
    if page.expires_at <= now + timedelta(minutes=30):
        close_pages(purchase, now=now)
        return None
    if settle_page(page, now=now).state is not CheckoutState.OPEN:
        return None
    return page


def _withdraw_payment(purchase: Purchase, way: HostedCheckout, *, now: datetime) -> None:
    """Withdraws a payment that was begun without a page, so that the order cannot be paid twice."""
    if not purchase.gateway_reference:
        return
    seen = way.cancel(purchase.gateway_reference)
    if seen.state is not PaymentState.CANCELLED:
        apply_seen(purchase, seen, who=way.name, now=now)
    else:
        rows = Purchase.objects.filter(id=purchase.id, gateway_reference=purchase.gateway_reference)
        rows.filter(status=PurchaseStatus.OPEN).update(gateway_reference="")
    purchase.refresh_from_db()


def _stored(
    organisation: Organisation,
    seen: CheckoutSeen,
    way: HostedCheckout,
    *,
    purchase: Purchase | None,
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
                move="page opened",
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
    kept = seen.method
    if page.purchase is not None and seen.payment and seen.state is CheckoutState.COMPLETE:
        rows = Purchase.objects.filter(id=page.purchase.id, status__in=[*AWAITING_PAYMENT, PurchaseStatus.CANCELLED])
        rows.update(gateway_reference=seen.payment)
        page.purchase.refresh_from_db()
        payment = way.look_up(seen.payment)
        kept = payment.kept_method if page.keeps_method else ""
        apply_seen(page.purchase, payment, who=way.name, now=now)
    if kept and seen.state is CheckoutState.COMPLETE:
        method = methods.keep(page.organisation, way.name, kept, who=page.opened_by, now=now)
        if method is not None and page.for_renewals and page.state == CheckoutStateOf.OPEN:
            methods.pay_renewals_with(organisation=page.organisation, method=method.id, who=page.opened_by, now=now)
    if seen.state is not CheckoutState.OPEN:
        CheckoutPage.objects.filter(id=page.id, state=CheckoutStateOf.OPEN).update(
            state=seen.state.value, ended_at=now, url=""
        )
        page.refresh_from_db()


def is_hosted(gateway: str) -> bool:
    """Whether orders with this way to pay are paid on a page of the provider."""
    return isinstance(gateway_named(gateway), HostedCheckout)
