"""All that others read of billing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, Sum

from otai.billing.gateways import gateway_named
from otai.billing.models import (
    BillingDetails,
    CreditWatch,
    Invoice,
    InvoiceSeries,
    Purchase,
    RefundKind,
    Reversal,
    ReversalState,
    Subscription,
    TierChange,
)
from otai.billing.price_books import price_book
from otai.billing.seller import seller
from otai.billing.status import AWAITING_PAYMENT
from otai.errors import NotFound, plain
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.pricing.vat import Vat, vat_on_sale
from otai.units import Money
from otai.words.catalogue import say_fact
from otai.words.sentences import Fact


def tier_of(organisation: Organisation) -> Tier:
    """The tier in force. Raises NotFound for an organisation that never signed up."""
    return Tier(subscription_of(organisation).tier)


def subscription_of(organisation: Organisation) -> Subscription:
    """Raises NotFound for an organisation that never signed up."""
    try:
        return Subscription.objects.select_related("organisation").get(organisation=organisation)
    except Subscription.DoesNotExist:
        raise NotFound("subscription", organisation=organisation.slug) from None


def tier_at(organisation: Organisation, at: datetime) -> Tier:
    """The tier that was in force at a time; before the first, the first."""
    changes = TierChange.objects.filter(organisation=organisation)
    last = changes.filter(effective_at__lte=at).order_by("-effective_at", "-id").first()
    found = last or changes.order_by("effective_at", "id").first()
    if found is None:
        return tier_of(organisation)
    return Tier(found.tier)


def tiers_reached(organisation: Organisation) -> list[Tier]:
    """Every tier that the organisation has been in, in the order it first came there."""
    seen = TierChange.objects.filter(organisation=organisation).order_by("effective_at", "id")
    return [Tier(tier) for tier in dict.fromkeys(seen.values_list("tier", flat=True))]


def billing_details_of(organisation: Organisation) -> BillingDetails:
    """Raises NotFound while nobody has entered them."""
    found = BillingDetails.objects.filter(organisation=organisation).first()
    if found is None:
        raise NotFound("billing_details", organisation=organisation.slug)
    return found


BUYER = (
    "name",
    "street",
    "address_line_2",
    "postcode",
    "city",
    "country",
    "vat_id",
    "buyer_reference",
    "purchase_order",
    "leitweg_id",
    "email",
)
"""What a purchase copies of the billing details: whom its invoice is made out to."""


def details_as_dict(details: BillingDetails) -> dict[str, str]:
    """Whom invoices are made out to, as JSON."""
    return {name: getattr(details, name) for name in (*BUYER, "language")}


def vat_of(details: BillingDetails) -> Vat:
    """How a sale to this buyer is taxed today."""
    return vat_on_sale(
        rates=price_book().vat_rates,
        seller_country=seller().country,
        buyer_country=details.country,
        buyer_vat_id=details.vat_id,
        buyer_postcode=details.postcode,
        seller_is_small=seller().small_business,
    )


def currency() -> str:
    """In which the price book in force sells packages, for amounts that are given without one."""
    return price_book().packages[0].price.currency


def purchases(organisation: Organisation) -> QuerySet[Purchase]:
    """Newest first."""
    return Purchase.objects.filter(organisation=organisation).select_related("coupon").order_by("-ordered_at", "-id")


def purchases_to_pay(organisation: Organisation) -> list[Purchase]:
    """Orders that wait for their payment, newest first."""
    return list(purchases(organisation).filter(status__in=sorted(AWAITING_PAYMENT)))


def orders_to_transfer(organisation: Organisation) -> list[Purchase]:
    """Orders that wait for a bank transfer, newest first: each has an order confirmation, and no invoice yet."""
    return [one for one in purchases_to_pay(organisation) if gateway_named(one.gateway).pays_by_invoice]


def credit_watch_of(organisation: Organisation) -> CreditWatch:
    """What the organisation wants to happen when credits run low; nothing, while nobody has set it."""
    return CreditWatch.objects.filter(organisation=organisation).first() or CreditWatch(organisation=organisation)


def purchase(organisation: Organisation, reference: str) -> Purchase:
    """Raises NotFound, also for another organisation's."""
    found = Purchase.objects.filter(organisation=organisation, reference=reference.strip().upper()).first()
    if found is None:
        raise NotFound("purchase", reference=reference)
    return found


def order_to_confirm(organisation: Organisation, reference: str) -> Purchase:
    """The order, where a bank transfer is to pay it. Raises NotFound, also for one that is paid in another way: it has
    its invoice at once."""
    found = purchase(organisation, reference)
    if not gateway_named(found.gateway).pays_by_invoice:
        raise NotFound("order_confirmation", reference=found.reference)
    return found


def invoices(organisation: Organisation, *, purchase: str | None = None) -> QuerySet[Invoice]:
    """Invoices and credit notes, newest first; those of one purchase, by its reference."""
    found = Invoice.objects.filter(organisation=organisation).select_related("purchase", "corrects")
    if purchase is not None:
        found = found.filter(purchase__reference=purchase.strip().upper())
    return found.order_by("-issued_at", "-number")


def invoice(organisation: Organisation, number: str) -> Invoice:
    """Raises NotFound, also for another organisation's."""
    found = Invoice.objects.filter(organisation=organisation, number=number.strip().upper()).first()
    if found is None:
        raise NotFound("invoice", number=number)
    return found


@dataclass(frozen=True, slots=True)
class Owed:
    """What an organisation owes for payments that were taken back: `owed` gross, an amount for each currency; and the
    credits that are frozen while a dispute is open."""

    owed: list[Money]
    credits: int
    frozen_credits: int


def owed(organisation: Organisation) -> Owed:
    """Of all reversals that nobody has settled yet."""
    reversals = Reversal.objects.filter(organisation=organisation)
    unsettled = reversals.filter(settled_at__isnull=True, owed_gross_cents__gt=0)
    sums = unsettled.values("currency").annotate(cents=Sum("owed_gross_cents"), credits=Sum("owed_credits"))
    rows = list(sums.order_by("currency"))
    frozen = reversals.filter(state="open").aggregate(credits=Sum("withdrawn_credits"))["credits"] or 0
    return Owed(
        owed=[Money(row["cents"], row["currency"]) for row in rows],
        credits=sum(row["credits"] for row in rows),
        frozen_credits=frozen,
    )


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What of an order's price did not stay, gross: `disputed` while a bank decides, `gone` for good."""

    disputed: Money
    gone: Money


def taken_back(purchase: Purchase) -> TakenBack:
    """By reversals and by refunds of its unused credits; a training fee that was paid back leaves the order as it
    is."""
    by_state = dict(purchase.reversals.order_by().values_list("state").annotate(cents=Sum("price_cents")))
    refunds = purchase.payment_refunds.filter(kind=RefundKind.UNUSED_CREDITS)
    refunded = refunds.aggregate(cents=Sum("gross_cents"))["cents"] or 0
    return TakenBack(
        disputed=Money(by_state.get(ReversalState.OPEN, 0), purchase.currency),
        gone=Money(by_state.get(ReversalState.LOST, 0) + refunded, purchase.currency),
    )


def reversals_for_a_person() -> QuerySet[Reversal]:
    """Those that stand in a way nobody taught us, taken for the mildest: an operator looks at what it means."""
    return Reversal.objects.filter(needs_a_person=True).order_by("opened_at", "id")


@dataclass(frozen=True, slots=True)
class AccountWarning:
    """What a page shows an organisation before it asks: a stable code, and the same as a fact with its values."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fact(self) -> Fact:
        """What doors make a sentence of."""
        return Fact(f"account.{self.code}", self.values)

    @property
    def message(self) -> str:
        """In English, for programs and the command line."""
        return say_fact(self.fact)


def warnings(organisation: Organisation) -> list[AccountWarning]:
    """A deletion that was asked for, a suspension, low balance, a stopped top-up, an unpaid tier, money owed: what
    every page of the organisation should say, most urgent first."""
    told = []
    if organisation.closing_at is not None and organisation.closed_at is None:
        until = organisation.closing_at.astimezone(organisation.zone)
        told.append(AccountWarning("closing", {"until": until.isoformat()}))
    if organisation.suspended_at is not None:
        since = organisation.suspended_at.astimezone(organisation.zone)
        told.append(AccountWarning("suspended", {"since": since.isoformat(), "why": organisation.suspended_why}))
    gone = owed(organisation)
    told += [AccountWarning("payment_owed", {"amount": plain(amount)}) for amount in gone.owed]
    if gone.frozen_credits:
        told.append(AccountWarning("credits_frozen", {"credits": gone.frozen_credits}))
    subscription = subscription_of(organisation)
    if subscription.grace_until_at is not None:
        until = subscription.grace_until_at.astimezone(organisation.zone)
        told.append(AccountWarning("tier_unpaid", {"tier": subscription.tier, "until": until.isoformat()}))
    watch = CreditWatch.objects.filter(organisation=organisation).first()
    if watch is None:
        return told
    if watch.top_up_below and watch.stopped_at is not None:
        why = {"why": watch.stopped_fact} if watch.stopped_fact else {"said": watch.stopped_why}
        told.append(AccountWarning("top_up_stopped", why))
    available = ledger.balance(organisation.id).available
    if available < watch.notice_below:
        told.append(AccountWarning("low_balance", {"available": available, "below": watch.notice_below}))
    return told


def missing_invoices() -> list[str]:
    """Numbers that were given and are not there: `invoice 2026: 7`. Empty, or somebody has deleted rows."""
    missing = []
    for series in InvoiceSeries.objects.order_by("year", "kind"):
        there = set(Invoice.objects.filter(kind=series.kind, year=series.year).values_list("sequence", flat=True))
        gone = set(range(1, series.last + 1)) - there
        missing += [f"{series.kind} {series.year}: {number}" for number in sorted(gone)]
    return missing
