"""Money that arrives, and money that is taken back. What was bought is delivered here, once, with the payment that
completes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F

from otai.billing.gateway import PaymentDeclined, PaymentSeen, PaymentState
from otai.billing.models import (
    BroughtLot,
    ChargeAttempt,
    CheckoutPage,
    CheckoutStateOf,
    Event,
    Payment,
    Purchase,
    PurchaseKind,
    TopUp,
    TopUpState,
)
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations import invoices, takings
from otai.billing.operations.clock import booked_at
from otai.billing.operations.events import bought, checked_why, notify, record
from otai.billing.operations.monthly import grant_what_is_due
from otai.billing.operations.orders import cancel_locked, locked, move
from otai.billing.operations.reversals import partly_reversed
from otai.billing.operations.subscriptions import begin_paid_period, can_begin_period, orders_not_wanted_any_more
from otai.billing.status import AWAITING_PAYMENT, PurchaseStatus
from otai.db import new_id, one_transaction
from otai.errors import Invalid, NotFound, Refused
from otai.ledger import operations as ledger
from otai.ledger.models import Lot, LotSource
from otai.ledger.references import ReferredTo, reference_to
from otai.units import Money
from otai.words.explained import as_text
from otai.words.sentences import Fact

BY_HAND = "bank_transfer"
"""The gateway of payments that an operator confirms, or a bank statement shows."""


class PaymentDiffers(Refused):
    """The same bank reference was recorded before with another amount or for another purchase."""

    code = "duplicate_request"


class InvalidPayment(Invalid):
    code = "invalid_payment"


@dataclass(frozen=True, slots=True)
class PaymentBooked:
    """Where a payment went. `missing` is what the purchase still lacks, `surplus` what nobody had asked for."""

    payment: Payment
    purchase: Purchase
    missing: Money
    surplus: Money
    delivered: bool
    replayed: bool


def confirm_payment(
    *, reference: str, received: Money, bank_reference: str, who: str, why: str | Fact, now: datetime
) -> PaymentBooked:
    """An operator confirms what the bank statement shows: so much came for the purchase with this reference.

    `bank_reference` is the bank's id of the entry: recorded twice, it counts once. Too little leaves the purchase
    part-paid; too much is kept as surplus until an operator returns it. Raises NotFound, InvalidPayment,
    PaymentDiffers, WhoAndWhyMissing.
    """
    why = why if isinstance(why, Fact) else checked_why(why)
    bank_reference = bank_reference.strip()
    if received.cents <= 0:
        raise InvalidPayment("nothing", cents=received.cents)
    if not bank_reference or len(bank_reference) > 180:
        raise InvalidPayment("bank_reference")
    try:
        return _confirm(reference, received, bank_reference, who=who, why=why, now=now)
    except IntegrityError:
        # `billing_payment_counts_once`: another operator recorded this entry in the same moment, for another purchase.
        raise PaymentDiffers("entry", external_id=bank_reference) from None


@one_transaction
def _confirm(
    reference: str, received: Money, bank_reference: str, *, who: str, why: str | Fact, now: datetime
) -> PaymentBooked:
    purchase = Purchase.objects.filter(reference=reference.strip().upper()).first()
    if purchase is None:
        raise NotFound("purchase", reference=reference)
    return book_payment(
        locked(purchase.id),
        gateway=BY_HAND,
        external_id=bank_reference,
        received=received,
        who=who,
        why=why,
        now=now,
    )


@one_transaction
def apply_seen(purchase: Purchase, seen: PaymentSeen, *, who: str, now: datetime) -> None:
    """Books what a provider says of a payment now. Whatever has been booked before is not booked again."""
    purchase = locked(purchase.id)
    status = PurchaseStatus(purchase.status)
    if seen.state is not PaymentState.SUCCEEDED and seen.reference != purchase.gateway_reference:
        # Of a payment that was withdrawn, or that another one has taken the place of; only money still counts.
        return
    match seen.state:
        case PaymentState.SUCCEEDED:
            book_payment(
                purchase,
                gateway=purchase.gateway,
                external_id=seen.reference,
                received=Money(seen.received_cents, seen.currency),
                who=who,
                why=Fact("billing.provider_confirmed"),
                now=now,
            )
        case PaymentState.PROCESSING if status is PurchaseStatus.OPEN:
            move(purchase, PurchaseStatus.PROCESSING, who=who, why=Fact("billing.bank_at_work"), now=now)
        case PaymentState.FAILED if status in (PurchaseStatus.OPEN, PurchaseStatus.PROCESSING):
            _attempt_failed(purchase, seen, who=who, now=now)
        case PaymentState.CANCELLED if status in AWAITING_PAYMENT and purchase.gateway_reference:
            if status is PurchaseStatus.PART_PAID:
                return
            cancel_locked(purchase, who=who, why=Fact("billing.provider_cancelled"), now=now)


def _attempt_failed(purchase: Purchase, seen: PaymentSeen, *, who: str, now: datetime) -> None:
    """A try that failed is written down and mailed once, however often it is seen; not mailed while the payer is on the
    provider's page, where it is said and another card can be entered."""
    why = seen.problem or Fact("top_up_payment_failed")
    tries = ChargeAttempt.objects.filter(purchase=purchase).count()
    this_try = seen.charge or str(tries)
    if purchase.status == PurchaseStatus.PROCESSING:
        move(purchase, PurchaseStatus.OPEN, who=who, why=why, now=now)
    elif Event.objects.filter(
        subject="purchase",
        subject_id=str(purchase.id),
        move__in=BillingOccurrence.ATTEMPT_FAILED.stored_as,
        details__attempt=this_try,
    ).exists():
        return
    else:
        record(
            organisation=purchase.organisation_id,
            subject="purchase",
            subject_id=purchase.id,
            move=BillingOccurrence.ATTEMPT_FAILED,
            who=who,
            why=why,
            now=now,
            attempt=this_try,
        )
    pages = CheckoutPage.objects.filter(purchase=purchase)
    if pages.filter(payment_reference=seen.reference).exists():
        # What a page made can be confirmed on it alone: the next try is a payment of its own.
        give_up_payment(purchase)
    if pages.filter(state=CheckoutStateOf.OPEN).exists() or _is_told_by_its_top_up(purchase):
        return
    if seen.needs_payer:
        problem = {"code": "payer_needed"}
    elif seen.problem:
        problem = {"code": "payment_declined", "said": seen.problem}
    else:
        problem = {"code": "payment_failed"}
    notify(
        organisation=purchase.organisation,
        template="payment_failed",
        key=f"payment-failed:{purchase.id}:{this_try}",
        context={
            "bought": bought(purchase),
            "reference": purchase.reference,
            "problem": problem,
            "pay": purchase.reference,
            "needs_payer": "yes" if seen.needs_payer else "",
        },
        now=now,
    )


def _is_told_by_its_top_up(purchase: Purchase) -> bool:
    """Whether an automatic top-up is under way with this order: it says itself how it ended, in one mail."""
    under_way = TopUp.objects.filter(organisation=purchase.organisation_id, ended_at__isnull=True)
    return any(purchase.key == top_up.order_key for top_up in under_way)


def give_up_payment(purchase: Purchase) -> bool:
    """The payment that was begun is no longer the order's, unless another took its place meanwhile."""
    rows = Purchase.objects.filter(id=purchase.id, gateway_reference=purchase.gateway_reference)
    gone = rows.filter(status=PurchaseStatus.OPEN).update(
        gateway_reference="", payments_withdrawn=F("payments_withdrawn") + 1
    )
    purchase.refresh_from_db()
    return bool(gone)


def try_refused(purchase: Purchase, declined: PaymentDeclined, *, who: str, now: datetime) -> None:
    """A payment that the provider did not even open is a try that failed, and is mailed like one."""
    problem = str(declined.details.get("said") or "")
    tries = ChargeAttempt.objects.filter(purchase=purchase).count()
    seen = PaymentSeen("", PaymentState.FAILED, 0, purchase.currency, problem=problem, charge=f"refused:{tries}")
    with transaction.atomic():
        _attempt_failed(locked(purchase.id), seen, who=who, now=now)


def book_payment(
    purchase: Purchase, *, gateway: str, external_id: str, received: Money, who: str, why: str | Fact, now: datetime
) -> PaymentBooked:
    """Books money for a locked purchase and delivers what was bought once it is paid in full, in one transaction.
    Raises PaymentDiffers where the same payment was booked with other figures."""
    before = Payment.objects.filter(gateway=gateway, external_id=external_id).first()
    if before is not None:
        if before.purchase_id != purchase.id or (before.cents, before.currency) != (received.cents, received.currency):
            raise PaymentDiffers(
                "other_entry",
                amount=Money(before.cents, before.currency),
                reference=before.purchase.reference,
                external_id=external_id,
            )
        return _booked(before, purchase, replayed=True)
    now = booked_at(purchase.organisation_id, now)
    due = purchase.gross_cents - purchase.paid_cents
    applied = _applicable(purchase, received, due=due)
    payment = Payment.objects.create(
        id=new_id(),
        organisation_id=purchase.organisation_id,
        purchase=purchase,
        gateway=gateway,
        external_id=external_id,
        cents=received.cents,
        currency=received.currency,
        applied_cents=applied,
        surplus_cents=received.cents - applied,
        received_at=now,
        recorded_by=who,
        note=as_text(why),
    )
    record(
        organisation=purchase.organisation_id,
        subject="purchase",
        subject_id=purchase.id,
        move=BillingOccurrence.PAYMENT_RECEIVED,
        who=who,
        why=why,
        now=now,
        cents=received.cents,
        currency=received.currency,
        applied_cents=applied,
        external_id=external_id,
        gateway=gateway,
    )
    if applied == 0:
        _say_surplus(payment, purchase, now=now)
    elif applied == due:
        _deliver(purchase, paid_cents=purchase.paid_cents + applied, who=who, why=why, now=now)
    elif purchase.status == PurchaseStatus.PART_PAID:
        purchase.paid_cents += applied
        Purchase.objects.filter(id=purchase.id).update(paid_cents=F("paid_cents") + applied)
    else:
        move(
            purchase,
            PurchaseStatus.PART_PAID,
            who=who,
            why=Fact("billing.less_came"),
            now=now,
            paid_cents=purchase.paid_cents + applied,
        )
        notify(
            organisation=purchase.organisation,
            template="part_paid",
            key=f"part-paid:{payment.id}",
            context={
                "bought": bought(purchase),
                "reference": purchase.reference,
                "received_cents": applied,
                "missing_cents": purchase.gross_cents - purchase.paid_cents,
                "currency": purchase.currency,
            },
            now=now,
        )
    return _booked(payment, purchase, replayed=False)


def _applicable(purchase: Purchase, received: Money, *, due: int) -> int:
    """How many cents count towards the purchase; the rest is surplus, and waits for an operator.

    Nothing of another currency counts, nothing for what is paid already, and for a cancelled order only its whole
    amount: then the customer gets what they paid for after all.
    """
    if received.currency != purchase.currency:
        return 0
    if purchase.kind == PurchaseKind.SUBSCRIPTION and not can_begin_period(purchase):
        return 0
    if purchase.status in AWAITING_PAYMENT:
        return min(received.cents, due)
    if purchase.status == PurchaseStatus.CANCELLED and received.cents >= due:
        return due
    return 0


def _booked(payment: Payment, purchase: Purchase, *, replayed: bool) -> PaymentBooked:
    missing = max(0, purchase.gross_cents - purchase.paid_cents)
    return PaymentBooked(
        payment=payment,
        purchase=purchase,
        missing=Money(missing, purchase.currency),
        surplus=Money(payment.surplus_cents, payment.currency),
        delivered=purchase.paid_at is not None,
        replayed=replayed,
    )


def _say_surplus(payment: Payment, purchase: Purchase, *, now: datetime) -> None:
    record(
        organisation=purchase.organisation_id,
        subject="payment",
        subject_id=payment.id,
        move=BillingOccurrence.SURPLUS_WAITS,
        who="billing",
        why=Fact(
            "billing.surplus",
            {
                "received": {"cents": payment.cents, "currency": payment.currency},
                "reference": purchase.reference,
                "status": purchase.status,
                "asked": {"cents": purchase.gross_cents, "currency": purchase.currency},
            },
        ),
        now=now,
    )


def _deliver(purchase: Purchase, *, paid_cents: int, who: str, why: str | Fact, now: datetime) -> None:
    columns: dict[str, object] = {"paid_at": now, "paid_cents": paid_cents}
    subscription, obsolete, partly = None, [], []
    if purchase.kind == PurchaseKind.PACKAGE:
        made = ledger.grant(
            organisation=purchase.organisation_id,
            credits=purchase.credits,
            source=LotSource.PURCHASE,
            key=f"purchase:{purchase.id}",
            reference=reference_to(ReferredTo.PURCHASE, purchase.reference),
            reason=Fact("moved_why.bought", {"credits": purchase.credits}),
            now=now,
            price=Money(purchase.net_cents, purchase.currency),
            price_book=purchase.price_book,
        )
        columns["lot"] = made.lot
        takings.brought(purchase, lot=made.lot, source=LotSource.PURCHASE, credits=purchase.credits, now=now)
    else:
        # Locked before the ledger's account, as docs/ledger.md has it.
        obsolete = orders_not_wanted_any_more(purchase)
        partly = partly_reversed(purchase.organisation_id)
        period = begin_paid_period(purchase, who=who, now=now)
        subscription = period.subscription
        columns |= {"period_from_at": period.starts, "period_until_at": period.ends}
        columns |= {"carried_cents": period.carried_cents} if period.carried_cents else {}
        _initial_credits_came_with(purchase, now=now)
    move(purchase, PurchaseStatus.PAID, who=who, why=why, now=now, **columns)
    if subscription is not None:
        # The period is paid: monthly credits that waited for it come at once.
        grant_what_is_due(subscription, partly_reversed=partly, now=now)
    TopUp.objects.filter(purchase=purchase, ended_at__isnull=True).update(
        state=TopUpState.SUCCEEDED, ended_at=now, outcome="top_up_paid"
    )
    # Last, since all organisations share the series: nothing is waited for while it is held.
    for order in obsolete:
        cancel_locked(order, who=who, why=Fact("billing.other_month_paid", {"tier": purchase.tier}), now=now)
    invoice = invoices.issue(purchase, now=now)
    notify(
        organisation=purchase.organisation,
        template="purchase_paid",
        key=f"paid:{purchase.id}",
        context={
            "bought": bought(purchase),
            "reference": purchase.reference,
            "credits": purchase.credits,
            "amount_cents": purchase.gross_cents,
            "currency": purchase.currency,
            "document": invoice.number,
        },
        now=now,
    )


def _initial_credits_came_with(purchase: Purchase, *, now: datetime) -> None:
    """The tier's initial credits belong to the period that paid for the tier first: granted with its payment, or on
    trust at a sign-up by an operator."""
    lots = Lot.objects.filter(
        organisation=purchase.organisation_id,
        source=LotSource.INITIAL,
        reference=reference_to(ReferredTo.TIER, purchase.tier),
    )
    known = BroughtLot.objects.filter(organisation=purchase.organisation_id).values_list("lot", flat=True)
    for lot in lots.exclude(id__in=list(known)).order_by("seq"):
        takings.brought(purchase, lot=lot.id, source=LotSource.INITIAL, credits=lot.credits, now=now)
