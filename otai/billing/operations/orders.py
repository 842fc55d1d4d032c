"""Orders: what an organisation wants to buy, with price, VAT and buyer as they are then. How they are paid is in
checkout.py."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import datetime
from uuid import UUID

from django.db.models import F

from otai.billing import queries
from otai.billing.gateways import gateway_named, gateways
from otai.billing.models import BillingDetails, Payment, Purchase, PurchaseKind, Subscription
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations import invoices
from otai.billing.operations.coupons import Discount
from otai.billing.operations.events import became, bought, notify, record, terms_of
from otai.billing.operations.payment_limit import refuse_more_payments
from otai.billing.status import PURCHASE_MOVES, PurchaseStatus
from otai.db import new_id
from otai.errors import Refused
from otai.orgs.models import Organisation
from otai.orgs.suspension import refuse_suspended
from otai.pricing.periods import deductible_cents
from otai.pricing.price_book import Term, Tier
from otai.pricing.vat import CountryUnknown, vat_cents
from otai.units import Money
from otai.words.countries import COUNTRIES
from otai.words.explained import arrow
from otai.words.sentences import Fact

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""For references that people copy by hand: without 0 and O, 1 and I."""


class BillingDetailsMissing(Refused):
    code = "billing_details_missing"


class PaymentOwed(Refused):
    """A payment was taken back, and what it had paid for is owed: until that is settled, no card is charged."""

    code = "payment_owed"


class TooManyUnpaidOrders(Refused):
    code = "too_many_unpaid_orders"


class EqualOrder(Refused):
    """Just this was ordered a while ago; `details` name the first: `run`, or `reference` of a purchase. Whoever means
    it orders again and says so."""

    code = "equal_order"


class AmountTooSmall(Refused):
    """Less than the provider charges: another way to pay takes it."""

    code = "amount_too_small"


class TermNotOffered(Refused):
    """The price book has no price for a year of this tier."""

    code = "term_not_offered"


class PurchaseMoved(Refused):
    """Someone else changed the purchase meanwhile. Look at it again."""

    code = "purchase_moved"


def minutes_since(at: datetime, *, now: datetime) -> int:
    """How long ago something was ordered, in whole minutes: at least one."""
    return max(int((now - at).total_seconds() // 60), 1)


def request_hash_of(*asked: object) -> str:
    """What a key is bound to: a key used again for something else is noticed by it."""
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def order_period(
    *,
    organisation: Organisation,
    tier: Tier,
    term: Term,
    gateway: str,
    key: str,
    who: str,
    now: datetime,
    less_cents: int | None = None,
    discount: Discount | None = None,
) -> Purchase:
    """Orders a month or a year of a paid tier, in the caller's transaction. `less_cents`: what is left of a period that
    it takes the place of; None where it follows one. `discount`: what a coupon takes off the first one.

    What is left beyond the price is made up in time when it is paid. Raises TermNotOffered.
    """
    price = price_of(tier, term)
    way = gateway_named(gateway)
    if less_cents is not None:
        less_cents = deductible(price, less_cents)
    net = Money(price.cents - (less_cents or 0), price.currency)
    return order(
        organisation=organisation,
        kind=PurchaseKind.SUBSCRIPTION,
        title=f"{tier.title}, one {term}",
        credits=0,
        tier=tier.value,
        term=term.value,
        price=net,
        custom_package=None,
        gateway=way.name,
        key=key,
        request_hash=request_hash_of(term.value, tier.value, net.cents, net.currency, way.name),
        who=who,
        now=now,
        deducted_cents=less_cents,
        discount=discount,
    )


def deductible(price: Money, cents: int) -> int:
    """What of so many net cents can be deducted from a price: in each way to pay, something is left to be charged."""
    least = max(1, *(way.least_cents(price.currency) for way in gateways().values()))
    return deductible_cents(price.cents, cents, least_charged=least)


def price_of(tier: Tier, term: Term) -> Money:
    """What a term of a tier costs by the price book in force, net. Raises TermNotOffered."""
    price = queries.price_book().tiers[tier].price_for(term)
    if price is None:
        raise TermNotOffered("year", tier=tier.value)
    return price


def refuse_card_while_owed(organisation: Organisation, gateway: str) -> None:
    """Whoever buys by invoice pays before anything is delivered; a card could be taken back as the last payment was.

    Raises PaymentOwed.
    """
    if not gateway_named(gateway).pays_by_invoice and (owed := queries.owed(organisation).owed):
        raise PaymentOwed("card", amount=owed[0])


def refuse_too_small(gateway: str, gross: Money) -> None:
    """Raises AmountTooSmall where the way to pay takes no amount as small as this: an order that nobody could pay is
    not made."""
    way = gateway_named(gateway)
    if gross.cents < (least := way.least_cents(gross.currency)):
        raise AmountTooSmall("charge", amount=gross, least=Money(least, gross.currency), gateway=way.title)


def refuse_more_unpaid(organisation: Organisation, *, now: datetime) -> None:
    """Raises TooManyUnpaidOrders where the price book's number of orders waits for its money already, and
    TooManyPayments."""
    refuse_more_payments(organisation, now=now)
    waiting = queries.purchases_to_pay(organisation)
    most = queries.price_book().most_unpaid_orders
    if len(waiting) >= most:
        raise TooManyUnpaidOrders("orders", most=most, references=[one.reference for one in waiting])


def order(
    *,
    organisation: Organisation,
    kind: PurchaseKind,
    title: str,
    credits: int,
    tier: str,
    price: Money,
    custom_package: UUID | None,
    gateway: str,
    key: str,
    request_hash: str,
    who: str,
    now: datetime,
    term: str = "",
    deducted_cents: int | None = None,
    discount: Discount | None = None,
) -> Purchase:
    """Makes the purchase, in the caller's transaction; where a transfer is to pay it, a mail confirms it. `price` is
    net, before a coupon's `discount`. Raises OrganisationSuspended, BillingDetailsMissing, PaymentOwed and
    AmountTooSmall; of two with one key, the second violates a constraint."""
    refuse_suspended(organisation)
    refuse_card_while_owed(organisation, gateway)
    details = billing_details(organisation)
    book = queries.price_book()
    vat = queries.vat_of(details)
    way = gateway_named(gateway)
    net = price.cents - (discount.cents if discount else 0)
    tax = vat_cents(net, vat.permille)
    refuse_too_small(way.name, Money(net + tax, price.currency))
    purchase = Purchase(
        id=new_id(),
        organisation=organisation,
        reference=_new_reference(),
        kind=kind,
        title=title,
        credits=credits,
        tier=tier,
        term=term,
        custom_package_id=custom_package,
        price_book=book.version,
        deducted_cents=deducted_cents,
        coupon=discount.coupon if discount else None,
        discount_cents=discount.cents if discount else 0,
        net_cents=net,
        vat_cents=tax,
        gross_cents=net + tax,
        currency=price.currency,
        vat_treatment=vat.treatment.value,
        vat_country=vat.country,
        vat_permille=vat.permille,
        buyer={name: getattr(details, name) for name in queries.BUYER},
        language=details.language,
        gateway=way.name,
        key=key,
        request_hash=request_hash,
        ordered_at=now,
        ordered_by=who,
        expires_at=now + book.order_open_for,
    )
    purchase.save(force_insert=True)
    record(
        organisation=organisation,
        subject="purchase",
        subject_id=purchase.id,
        move=BillingOccurrence.ORDERED,
        who=who,
        now=now,
        title=title,
        gross_cents=purchase.gross_cents,
        currency=purchase.currency,
        gateway=way.name,
        terms=terms_of(purchase),
        **({"coupon": discount.coupon.code} if discount else {}),
    )
    if way.pays_by_invoice:
        _confirm_order(purchase, now=now)
    return purchase


def _confirm_order(purchase: Purchase, *, now: datetime) -> None:
    """What to transfer, with the order confirmation. The invoice comes with the payment, dated as the supply is."""
    notify(
        organisation=purchase.organisation,
        template="order_confirmed",
        key=f"ordered:{purchase.id}",
        context={
            "bought": bought(purchase),
            "amount_cents": purchase.gross_cents,
            "currency": purchase.currency,
            "reference": purchase.reference,
            "pay_until": purchase.expires_at.isoformat(),
        },
        now=now,
    )


def _new_reference() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(10))
    return f"OT-{letters[:5]}-{letters[5:]}"


def billing_details(organisation: Organisation) -> BillingDetails:
    """Raises BillingDetailsMissing and CountryUnknown."""
    details = BillingDetails.objects.filter(organisation=organisation).first()
    if details is None:
        raise BillingDetailsMissing("details", organisation=organisation.slug)
    if details.country not in COUNTRIES:
        # Before countries were checked, any two letters could be saved.
        raise CountryUnknown("code", country=details.country)
    return details


def locked(id: UUID) -> Purchase:
    """The purchase, with its row locked until the transaction ends.

    For a tier the subscription is locked first, as the sweep does: two that lock in one order never wait for
    each other.
    """
    purchase = Purchase.objects.get(id=id)
    if purchase.kind == PurchaseKind.SUBSCRIPTION:
        Subscription.objects.select_for_update(no_key=True).get(organisation=purchase.organisation_id)
    return Purchase.objects.select_for_update(of=("self",), no_key=True).select_related("organisation").get(id=id)


def move(
    purchase: Purchase, to: PurchaseStatus, *, who: str, why: str | Fact, now: datetime, **columns: object
) -> None:
    """One compare-and-swap of the status, with its event. Raises PurchaseMoved when someone was faster."""
    before = PurchaseStatus(purchase.status)
    assert to in PURCHASE_MOVES[before], f"no move {before} -> {to}"
    if not Purchase.objects.filter(id=purchase.id, status=before).update(status=to.value, **columns):
        raise PurchaseMoved("purchase", purchase=purchase.reference)
    for name, value in {"status": to.value, **columns}.items():
        setattr(purchase, name, value)
    record(
        organisation=purchase.organisation_id,
        subject="purchase",
        subject_id=purchase.id,
        move=arrow(before, to),
        who=who,
        why=why,
        now=now,
        became=became({name: value for name, value in columns.items() if name != "paid_cents"}),
    )


def cancel_locked(purchase: Purchase, *, who: str, why: str | Fact, now: datetime) -> None:
    """Cancels a locked order, and closes its invoice with a credit note. What was paid in part becomes surplus, to be
    returned."""
    move(purchase, PurchaseStatus.CANCELLED, who=who, why=why, now=now, paid_cents=0)
    _turn_into_surplus(purchase)
    invoices.cancel(purchase, why=why, now=now)


def _turn_into_surplus(purchase: Purchase) -> None:
    """What was paid in part for an order that is cancelled is owed back: it waits as surplus for an operator."""
    Payment.objects.filter(purchase=purchase, applied_cents__gt=0).update(
        surplus_cents=F("surplus_cents") + F("applied_cents"), applied_cents=0
    )
