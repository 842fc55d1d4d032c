"""The inbox of payment providers: verified, stored first under the event's own id, handled after, and again until it
is.

An event says only that something happened; what happened is asked of the provider. So repeated, late and reordered
events do no harm, and what is lost is found by the sweep.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DatabaseError
from django.db.models import F

from otai.billing.gateway import NewsKind, PaymentState, ProviderEvent, ProviderNews, ReversalSeen
from otai.billing.gateways import gateway_named, gateways
from otai.billing.models import CheckoutPage, Payment, Purchase, Reversal, ReversalState, WebhookEvent, WebhookState
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations import methods
from otai.billing.operations.events import checked_why, record
from otai.billing.operations.pages import settle_page
from otai.billing.operations.payments import apply_seen
from otai.billing.operations.refunds import refund_failed
from otai.billing.operations.reversals import book_reversals
from otai.db import new_id
from otai.errors import NotFound, OtaiError, Unavailable
from otai.words.kept_facts import stored_within
from otai.words.sentences import Fact

logger = logging.getLogger(__name__)

most_attempts = 20
"""The sweep gives up on an event after that; an operator can still retry it."""


def receive(*, gateway: str, body: bytes, headers: Mapping[str, str], now: datetime) -> WebhookEvent:
    """Verifies and stores one event, then tries to handle it. Returns it however that went: the provider needs not send
    it again.

    Raises ForgedWebhook (nothing stored), GatewayUnknown and GatewayUnavailable.
    """
    event = gateway_named(gateway).read_webhook(body, headers)
    stored = store(gateway, event, now=now)
    if stored.state in (WebhookState.RECEIVED, WebhookState.FAILED):
        handle(stored.id, now=now)
        stored.refresh_from_db()
    return stored


def store(gateway: str, event: ProviderEvent, *, now: datetime, counts_as_delivery: bool = True) -> WebhookEvent:
    """Stores an event under its own id; one that is there already only counts the delivery."""
    WebhookEvent.objects.bulk_create(
        [
            WebhookEvent(
                id=new_id(),
                gateway=gateway,
                event_id=event.id,
                type=event.type,
                payload=event.payload,
                received_at=now,
                deliveries=0,
            )
        ],
        ignore_conflicts=True,
    )
    rows = WebhookEvent.objects.filter(gateway=gateway, event_id=event.id)
    if counts_as_delivery:
        rows.update(deliveries=F("deliveries") + 1)
    return rows.get()


def handle(id: UUID, *, now: datetime) -> bool:
    """Handles one stored event; returns whether it is done with. A failure is written beside it and leaves it to be
    tried again."""
    event = WebhookEvent.objects.get(id=id)
    if event.state in (WebhookState.HANDLED, WebhookState.IGNORED):
        return True
    try:
        state, outcome = _handle(event, now=now)
    except (OtaiError, DatabaseError) as error:
        logger.warning("Webhook event %s was not handled: %s", event.event_id, type(error).__name__)
        problem = Fact(error.key, error.details) if isinstance(error, OtaiError) else Fact(type(error).__name__)
        state, outcome = WebhookState.FAILED, problem
    WebhookEvent.objects.filter(id=id).exclude(state__in=[WebhookState.HANDLED, WebhookState.IGNORED]).update(
        state=state,
        outcome=stored_within(outcome, 500),
        attempts=F("attempts") + 1,
        handled_at=None if state is WebhookState.FAILED else now,
    )
    return state is not WebhookState.FAILED


def _handle(event: WebhookEvent, *, now: datetime) -> tuple[WebhookState, Fact]:
    gateway = gateway_named(event.gateway)
    news = gateway.news(event.payload)
    if news.kind is NewsKind.OTHER:
        return WebhookState.IGNORED, Fact("provider_news.not_a_payment")
    if news.kind is NewsKind.REFUND_FAILED:
        if refund_failed(gateway_reference=news.subject, why=news.reason, now=now):
            return WebhookState.HANDLED, Fact("provider_news.refund_failed")
        if not news.reference:
            return WebhookState.IGNORED, Fact("provider_news.unknown_refund")
        # Not one of ours: made at the provider, and booked as a reversal, which takes nothing any more.
    if news.kind is NewsKind.CHECKOUT:
        return _of_a_page(event.gateway, news.subject, now=now)
    if news.kind is NewsKind.METHOD:
        ours = methods.look_again(event.gateway, news.subject, now=now)
        if not ours:
            return WebhookState.IGNORED, Fact("provider_news.no_method")
        return WebhookState.HANDLED, Fact("provider_news.looked_again")
    return _of_a_payment(event.gateway, news, now=now)


def _of_a_payment(name: str, news: ProviderNews, *, now: datetime) -> tuple[WebhookState, Fact]:
    purchase = _purchase(name, news)
    seen = gateway_named(name).look_up(news.reference)
    if purchase is None and seen.state in (PaymentState.SUCCEEDED, PaymentState.PROCESSING):
        # Our process died between opening the payment and storing its name, or the payer's browser never came back from
        # the provider's page: the metadata still says whose it is. A payment that came to nothing is nobody's.
        is_paid = seen.state is PaymentState.SUCCEEDED
        purchase = _purchase_of_metadata(name, seen.purchase, news.reference, is_paid=is_paid)
    if purchase is None:
        return WebhookState.IGNORED, Fact("provider_news.no_purchase")
    if purchase.gateway == name:
        # Otherwise it was booked when the order was paid that way, and is paid another way by now.
        apply_seen(purchase, seen, who=name, now=now)
    if news.kind is not NewsKind.PAYMENT:
        # Whatever the event says of a dispute: how it stands is asked, with all else that goes back of this purchase.
        book_reversals(purchase.id, _all_reversals(purchase), who=name, now=now)
    purchase.refresh_from_db()
    return WebhookState.HANDLED, Fact(
        "provider_news.purchase", {"reference": purchase.reference, "status": purchase.status}
    )


def ask_about_payment(gateway: str, reference: str, *, now: datetime) -> None:
    """Asks how a payment and all that goes back of it stand, and books it: for what no news ever told of. Raises what
    the provider and the books refuse."""
    _of_a_payment(gateway, ProviderNews(NewsKind.REVERSAL, reference), now=now)


def _of_a_page(gateway: str, reference: str, *, now: datetime) -> tuple[WebhookState, Fact]:
    page = CheckoutPage.objects.filter(gateway=gateway, reference=reference).select_related("organisation", "purchase")
    found = page.first()
    if found is None:
        return WebhookState.IGNORED, Fact("provider_news.no_page")
    seen = settle_page(found, now=now)
    return WebhookState.HANDLED, Fact(f"provider_news.page_{seen.state}")


def _purchase(gateway: str, news: ProviderNews) -> Purchase | None:
    if not news.reference:
        return None
    # A purchase may have several payments: paid twice, or in part by bank. Only one is the one that it waits for.
    booked = Payment.objects.filter(gateway=gateway, external_id=news.reference).select_related("purchase").first()
    if booked is not None:
        return booked.purchase
    return Purchase.objects.filter(gateway=gateway, gateway_reference=news.reference).first()


def _all_reversals(purchase: Purchase) -> list[ReversalSeen]:
    """What goes back of each payment of a purchase, as its own provider sees it now. Raises GatewayUnavailable."""
    payments = set(Payment.objects.filter(purchase=purchase).values_list("gateway", "external_id"))
    if purchase.gateway_reference:
        payments.add((purchase.gateway, purchase.gateway_reference))
    offered = gateways()
    # Of a way that is not offered any more nothing can be asked; what is known of it stays as it is.
    seen = [offered[name].reversals(reference) for name, reference in sorted(payments) if name in offered]
    return [one for of_a_payment in seen for one in of_a_payment]


def _purchase_of_metadata(gateway: str, purchase: str, reference: str, *, is_paid: bool) -> Purchase | None:
    try:
        id = UUID(purchase)
    except ValueError:
        return None
    mine = Purchase.objects.filter(id=id)
    mine.filter(gateway=gateway, gateway_reference="").update(gateway_reference=reference)
    # Where the order waits for another payment by now, money that came all the same is booked, and is surplus.
    return (mine if is_paid else mine.filter(gateway=gateway, gateway_reference=reference)).first()


def retry(*, event: UUID, who: str, why: str, now: datetime) -> WebhookEvent:
    """An operator has an event handled again. Raises NotFound, WhoAndWhyMissing."""
    why = checked_why(why)
    found = WebhookEvent.objects.filter(id=event).first()
    if found is None:
        raise NotFound("no_webhook_event", event=str(event))
    record(
        organisation=None,
        subject="webhook",
        subject_id=found.id,
        move=BillingOccurrence.RETRIED,
        who=who,
        why=why,
        now=now,
    )
    handle(found.id, now=now)
    found.refresh_from_db()
    return found


def handle_waiting(*, now: datetime) -> int:
    """Handles what is stored and not handled yet, oldest first; returns how many are done with."""
    waiting = WebhookEvent.objects.filter(
        state__in=[WebhookState.RECEIVED, WebhookState.FAILED], attempts__lt=most_attempts
    ).order_by("received_at", "id")
    return sum(handle(id, now=now) for id in list(waiting.values_list("id", flat=True)))


def fetch_lost(*, now: datetime, since: timedelta = timedelta(days=3)) -> int:
    """Asks each provider for its events of late, and stores those that never came; returns how many were missing."""
    missing = 0
    for name, gateway in gateways().items():
        try:
            events = gateway.events_since(now - since)
        except Unavailable:
            continue
        known = set(
            WebhookEvent.objects.filter(gateway=name, event_id__in=[event.id for event in events]).values_list(
                "event_id", flat=True
            )
        )
        for event in sorted(events, key=lambda event: event.happened_at):
            if event.id not in known:
                store(name, event, now=now, counts_as_delivery=False)
                missing += 1
    return missing


def ask_about(purchase: Purchase, *, now: datetime) -> None:
    """Asks the providers what goes back of a purchase's payments, and books it. Raises GatewayUnavailable, and
    PurchaseNotDelivered where nothing was booked that could go back."""
    book_reversals(purchase.id, _all_reversals(purchase), who=purchase.gateway, now=now)


def ask_reversals(*, now: datetime) -> int:
    """Asks the providers how what is open of disputes and inquiries stands; returns how many purchases were asked
    about."""
    asked = 0
    open_ones = Reversal.objects.filter(state=ReversalState.OPEN)
    for purchase in Purchase.objects.filter(id__in=open_ones.values("purchase")).order_by("id"):
        try:
            ask_about(purchase, now=now)
            asked += 1
        except OtaiError:
            logger.warning("How the reversals of %s stand could not be asked.", purchase.reference)
    return asked
