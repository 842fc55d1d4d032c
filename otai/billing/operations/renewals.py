"""What becomes due with time: paid months that end, grace that runs out, and the order for the next month."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Q

from otai.billing import price_books, queries
from otai.billing.gateway import GatewayUnavailable, PaymentSeen, PaymentState
from otai.billing.gateways import gateway_named
from otai.billing.models import BillingDetails, Notice, Purchase, PurchaseKind, Subscription
from otai.billing.operations.checkout import pay
from otai.billing.operations.coupons import Discount
from otai.billing.operations.dunning import charge_without_payer
from otai.billing.operations.events import notify
from otai.billing.operations.orders import cancel_locked, order_period
from otai.billing.operations.subscriptions import move
from otai.billing.status import AWAITING_PAYMENT, PurchaseStatus, SubscriptionStatus
from otai.db import new_id
from otai.errors import OtaiError
from otai.orgs.suspension import is_suspended
from otai.pricing.price_book import Term, Tier
from otai.words.countries import COUNTRIES
from otai.words.sentences import Fact

logger = logging.getLogger(__name__)
SWEEP = "sweep"


@dataclass(frozen=True, slots=True)
class SubscriptionSweep:
    """Tiers that `ended` or fell back, months that were `ordered`, and organisations whose turn failed and comes
    again."""

    ended: int
    ordered: int
    failed: int


def sweep_subscriptions(*, now: datetime) -> SubscriptionSweep:
    """Ends what ended, and orders the month that follows a paid one. Safe to run at any time, from any number of
    processes."""
    ended = ordered = failed = 0
    due = Subscription.objects.filter(
        Q(status=SubscriptionStatus.UNPAID)
        | Q(status__in=[SubscriptionStatus.PAID, SubscriptionStatus.ENDING], paid_until_at__lte=now)
    ).order_by("paid_until_at", "id")
    for id in list(due.values_list("id", flat=True)):
        try:
            another = True
            while another:
                with transaction.atomic():
                    subscription = _locked(id)
                    ended += settle_what_ended(subscription, now=now)
                    purchase = _order_what_follows(subscription, now=now)
                if purchase is None:
                    break
                ordered += 1
                # The provider is asked between transactions.
                seen = _asked_to_be_paid(subscription, purchase, now=now)
                # Where the sweep slept for more than a month, the month just paid has ended as well, and the one after
                # it is due.
                another = seen is not None and seen.state is PaymentState.SUCCEEDED
        except (OtaiError, DatabaseError):
            logger.exception("The renewal of subscription %s failed.", id)
            failed += 1
    return SubscriptionSweep(ended, ordered, failed)


def announce_years(*, now: datetime) -> int:
    """Mails whoever pays by the year that it is about to be renewed, the price book's notice before, once for each
    price; returns how many were told."""
    book, told = queries.price_book(), 0
    soon = Subscription.objects.filter(
        status=SubscriptionStatus.PAID,
        renewal_term=Term.YEAR,
        paid_until_at__gt=now,
        paid_until_at__lte=now + book.annual_notice,
    ).select_related("organisation")
    for subscription in soon.order_by("paid_until_at", "id"):
        assert subscription.paid_until_at is not None
        key = f"year-renews:{subscription.id}:{subscription.paid_until_at.isoformat()}"
        # What it will cost is what the book says that is in force by then.
        on_the_day = price_books.price_book(subscription.paid_until_at)
        price = on_the_day.tiers[Tier(subscription.tier)].annual_price
        if price is None:
            continue
        told_before = Notice.objects.filter(key__startswith=key).order_by("-made_at").first()
        if told_before is not None:
            if told_before.context["amount_cents"] == price.cents:
                continue
            key = f"{key}:{price.cents}:{on_the_day.version}"
        notify(
            organisation=subscription.organisation,
            template="year_renews",
            key=key,
            context={
                "tier": Tier(subscription.tier).title,
                "amount_cents": price.cents,
                "currency": price.currency,
                "renews_at": subscription.paid_until_at.isoformat(),
                "charged": "yes" if subscription.renewal_payment_method else "",
            },
            now=now,
        )
        told += 1
    return told


def _asked_to_be_paid(subscription: Subscription, purchase: Purchase, *, now: datetime) -> PaymentSeen | None:
    """Charges the kept method, whose end is mailed as it comes; else the customer is mailed what to pay, also where the
    provider cannot be asked. Raises GatewayUnavailable."""
    if not _is_charged(subscription, purchase):
        return pay(purchase, now=now)
    try:
        return charge_without_payer(purchase, subscription.renewal_payment_method, now=now)
    except GatewayUnavailable:
        _say_that_it_is_due(subscription, purchase, now=now)
        raise


def _locked(id: UUID) -> Subscription:
    return Subscription.objects.select_for_update(of=("self",), no_key=True).select_related("organisation").get(id=id)


def settle_what_ended(subscription: Subscription, *, now: datetime) -> bool:
    """Moves a locked subscription whose paid month or grace has ended; returns whether its tier changed."""
    match SubscriptionStatus(subscription.status):
        case SubscriptionStatus.ENDING if subscription.paid_until_at and subscription.paid_until_at <= now:
            _end_tier(subscription, now=now)
            return True
        case SubscriptionStatus.PAID if subscription.paid_until_at and subscription.paid_until_at <= now:
            # Grace counts from now, not from the month's end: time in which our sweep did not run is not the
            # customer's.
            move(
                subscription,
                SubscriptionStatus.UNPAID,
                who=SWEEP,
                why=Fact("billing.next_month_not_paid"),
                now=now,
                grace_until_at=now + queries.price_book().payment_grace,
            )
        case SubscriptionStatus.UNPAID if subscription.grace_until_at and subscription.grace_until_at <= now:
            return _fall_back(subscription, now=now)
    return False


def _end_tier(subscription: Subscription, *, now: datetime) -> None:
    book = queries.price_book()
    assert subscription.next_tier, "what ends names what begins"
    tier = Tier(subscription.next_tier)
    if book.tiers[tier].is_free:
        to, grace = SubscriptionStatus.FREE, None
    else:
        to, grace = SubscriptionStatus.UNPAID, now + book.payment_grace
    why = Fact("billing.month_ended_as_asked", {"tier": subscription.tier})
    ended_at = subscription.paid_until_at
    move(subscription, to, who=SWEEP, why=why, now=now, tier=tier, effective_at=ended_at, grace_until_at=grace)


def _fall_back(subscription: Subscription, *, now: datetime) -> bool:
    purchase = open_renewal(subscription)
    if purchase is not None and purchase.status == PurchaseStatus.PROCESSING:
        # The bank is still at work: whoever has paid in time is not punished for its slowness.
        return False
    if purchase is None and not _was_ordered(subscription):
        # Grace runs for those who were asked to pay. Whoever our sweep never asked is asked now.
        move(
            subscription,
            SubscriptionStatus.UNPAID,
            who=SWEEP,
            why=Fact("billing.month_not_ordered"),
            now=now,
            grace_until_at=now + queries.price_book().payment_grace,
        )
        return False
    why = Fact("billing.month_not_paid")
    lost, grace_ended_at = Tier(subscription.tier), subscription.grace_until_at
    move(
        subscription,
        SubscriptionStatus.FREE,
        who=SWEEP,
        why=why,
        now=now,
        tier=Tier.COMMUNITY,
        effective_at=grace_ended_at,
    )
    if purchase is not None:
        # After the move, which may grant credits: the series of credit notes is the last lock.
        cancel_locked(purchase, who=SWEEP, why=why, now=now)
    notify(
        organisation=subscription.organisation,
        template="tier_ended",
        key=f"tier-ended:{subscription.id}:{grace_ended_at}",
        context={"tier": lost.title},
        now=now,
    )
    return True


def _was_ordered(subscription: Subscription) -> bool:
    """Whether the month after the paid one was ever ordered, or cannot be: for want of an address to invoice, or while
    the organisation is suspended."""
    if not _can_be_invoiced(subscription) or is_suspended(subscription.organisation_id):
        return True
    return Purchase.objects.filter(
        organisation=subscription.organisation_id,
        # A buyer's own key may begin like it.
        kind=PurchaseKind.SUBSCRIPTION,
        key__startswith=_key_of_next_month(subscription),
    ).exists()


def _can_be_invoiced(subscription: Subscription) -> bool:
    details = BillingDetails.objects.filter(organisation=subscription.organisation_id, country__in=COUNTRIES)
    return details.exists()


def _key_of_next_month(subscription: Subscription) -> str:
    assert subscription.paid_until_at, "only a paid tier has months"
    return f"month:{subscription.paid_until_at.isoformat()}:"


def open_months(subscription: Subscription) -> list[Purchase]:
    """The orders for months that wait for their payment, locked: one of the tier in force, and higher ones that were
    asked for."""
    orders = Purchase.objects.select_for_update(no_key=True).filter(
        organisation=subscription.organisation_id,
        kind=PurchaseKind.SUBSCRIPTION,
        status__in=AWAITING_PAYMENT,
    )
    return list(orders.order_by("id"))


def open_renewal(subscription: Subscription) -> Purchase | None:
    """The order for the next period of the tier in force, locked. A higher tier or a year that was asked for stands
    beside it."""
    orders = open_months(subscription)
    return next((order for order in orders if order.tier == subscription.tier and order.is_renewal), None)


def _order_what_follows(subscription: Subscription, *, now: datetime) -> Purchase | None:
    if subscription.status != SubscriptionStatus.UNPAID or open_renewal(subscription) is not None:
        return None
    organisation = subscription.organisation
    if not _can_be_invoiced(subscription) or is_suspended(organisation.id):
        # Nobody can be invoiced without an address, and whoever is suspended is sold nothing; the grace time runs, and
        # the desk shows who is affected.
        return None
    # Whoever owes for a payment that was taken back is asked by invoice.
    gateway = "" if queries.owed(organisation).owed else subscription.renewal_gateway
    purchase = order_next_period(subscription, gateway=gateway, who=SWEEP, now=now)
    if not _is_charged(subscription, purchase):
        _say_that_it_is_due(subscription, purchase, now=now)
    return purchase


def order_next_period(
    subscription: Subscription, *, gateway: str, who: str, now: datetime, discount: Discount | None = None
) -> Purchase:
    """The order for what follows the paid period, for the term that it is renewed for; in the caller's transaction,
    with the subscription locked. By the month where the price book has no year of the tier any more."""
    organisation, tier = subscription.organisation, Tier(subscription.tier)
    is_sold = queries.price_book().tiers[tier].price_for(Term(subscription.renewal_term)) is not None
    return order_period(
        organisation=organisation,
        tier=tier,
        term=Term(subscription.renewal_term) if is_sold else Term.MONTH,
        gateway=gateway,
        # A cancelled order is followed by another for the same period; and no buyer's own key can be this one.
        key=f"{_key_of_next_month(subscription)}{new_id()}",
        who=who,
        now=now,
        discount=discount,
    )


def _is_charged(subscription: Subscription, purchase: Purchase) -> bool:
    """Whether a kept method pays this month, and nobody has to do anything."""
    return bool(subscription.renewal_payment_method) and gateway_named(purchase.gateway).charges_saved_methods


def _say_that_it_is_due(subscription: Subscription, purchase: Purchase, *, now: datetime) -> None:
    notify(
        organisation=subscription.organisation,
        template="month_due",
        key=f"month-due:{purchase.id}",
        context={
            "tier": Tier(subscription.tier).title,
            "term": purchase.term,
            "amount_cents": purchase.gross_cents,
            "currency": purchase.currency,
            "reference": purchase.reference,
            "grace_until": subscription.grace_until_at.isoformat() if subscription.grace_until_at else "",
        },
        now=now,
    )
