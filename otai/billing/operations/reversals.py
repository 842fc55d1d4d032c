"""Payments that the payer's bank takes back after the credits were granted: a dispute, or a debit that fails late.

Unspent credits are withdrawn at once; spent and held ones are owed. A balance never becomes negative.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from otai.billing.models import (
    CreditWatch,
    PaymentRefund,
    Purchase,
    PurchaseKind,
    RefundKind,
    Reversal,
    ReversalState,
    Subscription,
)
from otai.billing.operations import invoices
from otai.billing.operations.events import bought, checked_why, notify, record
from otai.billing.operations.orders import locked, move
from otai.billing.operations.subscriptions import move as move_subscription
from otai.billing.status import DELIVERED, PurchaseStatus, SubscriptionStatus
from otai.db import new_id, one_transaction
from otai.errors import NotFound, Refused
from otai.ledger import operations as ledger
from otai.ledger.models import Lot, LotSource
from otai.ledger.revenue import value_of
from otai.pricing.price_book import Tier
from otai.units import Money


class PurchaseNotDelivered(Refused):
    """There is nothing to take back yet. The event is tried again, after the one that it overtook."""

    code = "purchase_not_delivered"


class AlreadySettled(Refused):
    code = "already_settled"


@one_transaction
def reverse(
    purchase_id: UUID,
    *,
    external_id: str,
    verdict: ReversalState,
    cents: int,
    currency: str,
    reason: str,
    who: str,
    now: datetime,
) -> Reversal:
    """Books what a bank did with a payment: `verdict` OPEN for a new dispute, WON or LOST for its end or for a failed
    debit.

    In any order and any number of times: what is decided stays decided. Raises PurchaseNotDelivered.
    """
    purchase = locked(purchase_id)
    reversal = Reversal.objects.select_for_update(no_key=True).filter(purchase=purchase).first()
    if reversal is None:
        if purchase.status not in DELIVERED:
            raise PurchaseNotDelivered("purchase", reference=purchase.reference, status=purchase.status)
        reversal = _open(
            purchase, external_id=external_id, cents=cents, currency=currency, reason=reason, who=who, now=now
        )
    if verdict is not ReversalState.OPEN and reversal.state == ReversalState.OPEN:
        _decide(reversal, purchase, verdict, who=who, now=now)
    return reversal


def _open(
    purchase: Purchase, *, external_id: str, cents: int, currency: str, reason: str, who: str, now: datetime
) -> Reversal:
    withdrawn = withdrawn_net = owed = owed_net = 0
    if purchase.kind == PurchaseKind.PACKAGE:
        withdrawn, withdrawn_net = _withdraw_unspent(purchase, key=f"reversal:{purchase.id}", reason=reason, now=now)
        lot = _lot(purchase)
        owed = lot.spent + lot.held
        refunded = PaymentRefund.objects.filter(purchase=purchase, kind=RefundKind.UNUSED_CREDITS).first()
        paid_back = refunded.net_cents if refunded else 0
        owed_net = purchase.net_cents - withdrawn_net - paid_back if owed else 0
    else:
        owed_net = purchase.net_cents
    reversal = Reversal.objects.create(
        id=new_id(),
        organisation_id=purchase.organisation_id,
        purchase=purchase,
        external_id=external_id,
        state=ReversalState.OPEN,
        cents=cents,
        currency=currency or purchase.currency,
        withdrawn_credits=withdrawn,
        withdrawn_net_cents=withdrawn_net,
        owed_credits=owed,
        owed_net_cents=owed_net,
        owed_gross_cents=_with_vat(purchase, owed_net),
        opened_at=now,
        reason=reason[:500] or "taken back by the payer's bank",
    )
    move(purchase, PurchaseStatus.DISPUTED, who=who, why=reversal.reason, now=now)
    # Whoever's payments are taken back is not charged automatically any more.
    CreditWatch.objects.filter(
        organisation=purchase.organisation_id, top_up_below__gt=0, stopped_at__isnull=True
    ).update(stopped_at=now, stopped_why="A payment was taken back by the bank.")
    notify(
        organisation=purchase.organisation,
        template="payment_reversed",
        key=f"reversed:{reversal.id}",
        context={
            "bought": bought(purchase),
            "reference": purchase.reference,
            "withdrawn": withdrawn,
            "owed_credits": owed,
            "owed_cents": reversal.owed_gross_cents,
            "currency": purchase.currency,
        },
        now=now,
    )
    return reversal


def _lot(purchase: Purchase) -> Lot:
    assert purchase.lot is not None
    return Lot.objects.get(id=purchase.lot)


def _with_vat(purchase: Purchase, net: int) -> int:
    return net + (purchase.vat_cents * net // purchase.net_cents)


def _withdraw_unspent(purchase: Purchase, *, key: str, reason: str, now: datetime) -> tuple[int, int]:
    """Withdraws what is unspent of the purchase's lot; returns credits and their net price."""
    for attempt in range(5):
        lot = _lot(purchase)
        if lot.unspent == 0:
            return 0, 0
        gone = lot.spent + lot.withdrawn
        try:
            ledger.withdraw(
                organisation=purchase.organisation_id,
                lot=lot.id,
                credits=lot.unspent,
                key=f"{key}:{attempt}" if attempt else key,
                reference=f"purchase:{purchase.reference}",
                reason=f"The payment was taken back: {reason}"[:500],
                now=now,
            )
        except ledger.InsufficientCredits:
            # A run was ordered between the look and the withdrawal: look again.
            continue
        return lot.unspent, value_of(purchase.net_cents, purchase.credits, gone, gone + lot.unspent)
    return 0, 0


def _decide(reversal: Reversal, purchase: Purchase, verdict: ReversalState, *, who: str, now: datetime) -> None:
    reversal.state = verdict
    reversal.decided_at = now
    if verdict is ReversalState.WON:
        move(purchase, PurchaseStatus.PAID, who=who, why="The dispute was decided for us.", now=now)
        if reversal.withdrawn_credits:
            ledger.grant(
                organisation=purchase.organisation_id,
                credits=reversal.withdrawn_credits,
                source=LotSource.PURCHASE,
                key=f"reversal-won:{reversal.id}",
                reference=f"purchase:{purchase.reference}",
                reason=f"{purchase.title}: given back after the dispute",
                now=now,
                price=Money(reversal.withdrawn_net_cents, purchase.currency),
                price_book=purchase.price_book,
            )
        reversal.owed_credits = reversal.owed_net_cents = reversal.owed_gross_cents = 0
    else:
        move(purchase, PurchaseStatus.REVERSED, who=who, why=reversal.reason, now=now)
        _credit_note(purchase, reversal.withdrawn_credits, reversal.withdrawn_net_cents, why=reversal.reason, now=now)
        if purchase.kind == PurchaseKind.SUBSCRIPTION:
            _end_the_tier(purchase, who=who, now=now)
    reversal.save()


def _credit_note(purchase: Purchase, credits: int, net: int, *, why: str, now: datetime) -> None:
    invoices.credit(purchase, unused=credits, net=net, vat=invoices.part_of_vat(purchase, net), why=why, now=now)


def _end_the_tier(purchase: Purchase, *, who: str, now: datetime) -> None:
    subscription = Subscription.objects.select_for_update(no_key=True).get(organisation=purchase.organisation_id)
    if subscription.status == SubscriptionStatus.PAID and subscription.paid_until_at == purchase.period_until_at:
        why = f"The payment of {purchase.reference} was taken back."
        move_subscription(subscription, SubscriptionStatus.ENDING, who=who, why=why, now=now, next_tier=Tier.COMMUNITY)


def collect_owed(*, now: datetime) -> int:
    """Withdraws owed credits that have become unspent since (a hold was released); returns how many."""
    collected = 0
    owing = Reversal.objects.filter(state=ReversalState.LOST, owed_credits__gt=0, settled_at__isnull=True)
    for id, purchase in list(owing.values_list("id", "purchase")):
        collected += _collect(id, purchase, now=now)
    return collected


@one_transaction
def _collect(id: UUID, of: UUID, *, now: datetime) -> int:
    # The purchase first, as the news of a bank does.
    purchase = locked(of)
    reversal = Reversal.objects.select_for_update(no_key=True).get(id=id)
    if reversal.owed_credits == 0 or reversal.settled_at is not None or purchase.lot is None:
        return 0
    key = f"reversal:{purchase.id}:owed:{reversal.owed_credits}"
    credits, net = _withdraw_unspent(purchase, key=key, reason=reversal.reason, now=now)
    if credits == 0:
        return 0
    reversal.owed_credits -= credits
    reversal.owed_net_cents -= net
    reversal.owed_gross_cents = _with_vat(purchase, reversal.owed_net_cents)
    reversal.save()
    record(
        organisation=purchase.organisation_id,
        subject="reversal",
        subject_id=reversal.id,
        move="owed credits collected",
        who="sweep",
        now=now,
        credits=credits,
        net_cents=net,
        currency=purchase.currency,
    )
    _credit_note(purchase, credits, net, why=reversal.reason, now=now)
    return credits


@one_transaction
def settle_owed(*, reversal: UUID, who: str, why: str, now: datetime) -> Reversal:
    """An operator closes what is owed: paid another way, or written off. Raises NotFound, AlreadySettled,
    WhoAndWhyMissing."""
    why = checked_why(why)
    found = Reversal.objects.select_for_update(no_key=True).filter(id=reversal).first()
    if found is None:
        raise NotFound("no_reversal", reversal=str(reversal))
    if found.settled_at is not None:
        raise AlreadySettled("reversal", settled_by=found.settled_by, settled_why=found.settled_why)
    found.settled_at, found.settled_by, found.settled_why = now, who, why
    found.save(update_fields=["settled_at", "settled_by", "settled_why"])
    record(
        organisation=found.organisation_id,
        subject="reversal",
        subject_id=found.id,
        move="owed credits settled",
        who=who,
        why=why,
        now=now,
        credits=found.owed_credits,
        gross_cents=found.owed_gross_cents,
    )
    return found
