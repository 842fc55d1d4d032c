"""Money that goes back because we decide so: unused credits of a purchase, and surplus. Decided in one transaction,
sent after it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Sum

from otai.billing import queries
from otai.billing.gateway import GatewayUnavailable, RefundOutcome
from otai.billing.gateways import gateway_named
from otai.billing.ledger_keys import paid_back_key
from otai.billing.models import Payment, PaymentRefund, Purchase, PurchaseKind, RefundKind, RefundState, Subscription
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations import invoices
from otai.billing.operations.clock import booked_at
from otai.billing.operations.events import became, bought, checked_why, notify, record
from otai.billing.operations.orders import locked, move
from otai.billing.operations.takings import kept_net
from otai.billing.status import PurchaseStatus
from otai.db import new_id, one_transaction
from otai.errors import NotFound, Refused
from otai.ledger import operations as ledger
from otai.ledger.models import Lot
from otai.ledger.references import ReferredTo, reference_to
from otai.ledger.revenue import value_of
from otai.orgs.models import Organisation
from otai.units import Money, round_up, whole_credits
from otai.words.explained import arrow
from otai.words.kept_facts import stored_within
from otai.words.sentences import Fact


class PaymentAlreadyRefunded(Refused):
    code = "already_refunded"


class PaymentNotConfirmed(Refused):
    """Nothing was paid yet, so nothing can be paid back."""

    code = "payment_not_confirmed"


class NothingToRefund(Refused):
    code = "nothing_to_refund"


class RefundNotSent(Refused):
    code = "refund_not_sent"


def refund_payment(
    *, reference: str, who: str, why: str, now: datetime, credits: int | None = None
) -> list[PaymentRefund]:
    """Pays back the unused credits of a purchase (or `credits` of them), pro rata at the price paid, once. Returns a
    refund for each payment that the money goes back over: no payment can give back more than it brought.

    Withdraws the credits, issues the credit note and books the refund in one transaction; then tells the gateway. Where
    that does not answer, the sweep tells it again under the same key. Raises NotFound, PaymentNotConfirmed,
    PaymentAlreadyRefunded, NothingToRefund, InsufficientCredits, WhoAndWhyMissing.
    """
    why = checked_why(why)
    with transaction.atomic():
        refunds = _decide(reference, who=who, why=why, now=now, credits=credits)
    return [send(refund.id, now=now) for refund in refunds]


def _decide(reference: str, *, who: str, why: str, now: datetime, credits: int | None) -> list[PaymentRefund]:
    named = Purchase.objects.filter(reference=reference.strip().upper()).first()
    if named is None:
        raise NotFound("purchase", reference=reference)
    purchase = locked(named.id)
    if PaymentRefund.objects.filter(purchase=purchase, kind=RefundKind.UNUSED_CREDITS).exists():
        raise PaymentAlreadyRefunded("purchase", reference=purchase.reference)
    if purchase.kind != PurchaseKind.PACKAGE:
        raise NothingToRefund("month", reference=purchase.reference)
    if purchase.paid_at is None:
        raise PaymentNotConfirmed("purchase", reference=purchase.reference, status=purchase.status)
    if purchase.status != PurchaseStatus.PAID:
        raise NothingToRefund("not_ours", reference=purchase.reference, status=purchase.status)
    now = booked_at(purchase.organisation_id, now)
    parts, wanted, net = _unused_parts(purchase, credits)
    vat = invoices.part_of_vat(purchase, net)
    if net + vat == 0:
        raise NothingToRefund("less_than_a_cent", wanted=wanted, reference=purchase.reference)
    for number, (lot, part) in enumerate(parts):
        ledger.withdraw(
            organisation=purchase.organisation_id,
            lot=lot.id,
            credits=part,
            key=paid_back_key(purchase.id, number),
            reference=reference_to(ReferredTo.PURCHASE, purchase.reference),
            reason=Fact("moved_why.paid_back", {"why": why}),
            now=now,
        )
    refunds = _requested(
        purchase, RefundKind.UNUSED_CREDITS, credits=wanted, net=net, vat=vat, who=who, why=why, now=now
    )
    note = invoices.credit(purchase, unused=wanted, net=net, vat=vat, why=why, now=now)
    move(purchase, PurchaseStatus.REFUNDED, who=who, why=why, now=now)
    notify(
        organisation=purchase.organisation,
        template="payment_refunded",
        key=f"refunded:{refunds[0].id}",
        context={
            "bought": bought(purchase),
            "reference": purchase.reference,
            "credits": wanted,
            "amount_cents": net + vat,
            "currency": purchase.currency,
            "document": note.number if note else "",
        },
        now=now,
    )
    return refunds


def _unused_parts(purchase: Purchase, credits: int | None) -> tuple[list[tuple[Lot, int]], int, int]:
    """Which lots of the purchase the unused credits are in, also those that a dispute gave back; how many they are, and
    what they cost, net. Never more than what is still kept of the price. Raises NothingToRefund and
    InsufficientCredits.
    """
    brought = purchase.brought_lots.values_list("lot", flat=True)
    lots = list(Lot.objects.filter(organisation=purchase.organisation_id, id__in=list(brought)).order_by("seq"))
    unspent = sum(lot.unspent for lot in lots)
    wanted = unspent if credits is None else whole_credits(credits)
    if wanted == 0:
        spent, held = sum(lot.spent for lot in lots), sum(lot.held for lot in lots)
        raise NothingToRefund("spent", credits=purchase.credits, reference=purchase.reference, spent=spent, held=held)
    parts, net = _drawn(lots, wanted)
    kept = kept_net(purchase)
    if credits is None:
        # Where a part of the price went back already, its credits stay with the customer: they are not paid for twice.
        while wanted > 1 and net > kept:
            wanted -= max(1, wanted * (net - kept) // net)
            parts, net = _drawn(lots, wanted)
    if net > kept:
        raise NothingToRefund("less_is_kept", amount=Money(kept, purchase.currency), reference=purchase.reference)
    return parts, wanted, net


def _drawn(lots: list[Lot], wanted: int) -> tuple[list[tuple[Lot, int]], int]:
    """So many unspent credits of the lots, oldest first, and what they cost, net."""
    parts, left, net = [], wanted, 0
    for lot in lots:
        # The last lot is asked for all that is missing, and refuses what it lacks.
        part = left if lot is lots[-1] else min(left, lot.unspent)
        if part:
            gone = lot.spent + lot.withdrawn
            parts.append((lot, part))
            net += value_of(lot.price_cents or 0, lot.credits, gone, min(gone + part, lot.credits))
            left -= part
    return parts, net


def _requested(
    purchase: Purchase, kind: RefundKind, *, credits: int, net: int, vat: int, who: str, why: str, now: datetime
) -> list[PaymentRefund]:
    """The refund as rows, one for each payment that it goes back over; `send` makes it happen."""
    gross, so_far, rows = net + vat, 0, []
    for payment, cents in _over_payments(purchase, gross):
        before, so_far = so_far, so_far + cents
        # Credits and net in proportion, rounded cumulatively: together they are exactly what was decided.
        share = credits * so_far // gross - credits * before // gross
        net_part = net * so_far // gross - net * before // gross
        rows.append(
            PaymentRefund.objects.create(
                id=new_id(),
                organisation_id=purchase.organisation_id,
                purchase=purchase,
                payment=payment,
                kind=kind,
                credits=share,
                net_cents=net_part,
                vat_cents=cents - net_part,
                gross_cents=cents,
                currency=purchase.currency,
                # Money goes back the way it came.
                gateway=payment.gateway if payment else purchase.gateway,
                requested_at=now,
                requested_by=who,
                reason=why,
            )
        )
        _record_request(rows[-1], now=now)
    return rows


def _over_payments(purchase: Purchase, gross: int) -> list[tuple[Payment | None, int]]:
    """Which payments so many cents go back over: the one that has most left first, each up to what is left of it."""
    rooms = _left_of_payments(purchase)
    parts: list[tuple[Payment | None, int]] = []
    missing = gross
    for payment, room in rooms:
        if part := min(missing, room):
            parts.append((payment, part))
            missing -= part
    if missing:
        # More than the payments have left, which the caller's checks keep to a rounded cent: the first one is asked.
        first, cents = parts[0] if parts else (rooms[0][0] if rooms else None, 0)
        parts[:1] = [(first, cents + missing)]
    return parts


def _left_of_payments(purchase: Purchase) -> list[tuple[Payment, int]]:
    """What is left of each payment's part of the price, most first: less our refunds of it, and less what was taken
    back, which only payments by a provider can be."""
    taken = purchase.reversals.aggregate(cents=Sum("price_cents"))["cents"] or 0
    own = purchase.payment_refunds.exclude(kind=RefundKind.SURPLUS)
    rooms = []
    payments = Payment.objects.filter(purchase=purchase, applied_cents__gt=0)
    for payment in sorted(payments, key=lambda one: (one.gateway == "bank_transfer", -one.applied_cents, one.id)):
        room = payment.applied_cents - (own.filter(payment=payment).aggregate(cents=Sum("gross_cents"))["cents"] or 0)
        gone = min(taken, max(0, room))
        taken -= gone
        rooms.append((payment, max(0, room - gone)))
    return sorted(rooms, key=lambda one: (-one[1], one[0].id))


def refund_fee(
    *, organisation: Organisation, credits: int, lot: UUID, key: str, reference: str, who: str, why: str, now: datetime
) -> list[PaymentRefund]:
    """Withdraws the fee's `credits` from their lot (under `key`) and pays their list price back, over as many
    payments as it takes, in the caller's transaction; the caller sends them afterwards (`send`). The included run
    came with the subscription, so its months become cheaper by it, the newest first, and packages after them.

    The list price is that of the smallest package. Raises NothingToRefund where less than that was ever paid and is
    kept, InsufficientCredits (spent or held meanwhile) and WhoAndWhyMissing.
    """
    why, now = checked_why(why), booked_at(organisation.id, now)
    book = queries.price_book()
    per_credit = max(package.cents_per_credit for package in book.packages)
    net = round_up(per_credit * whole_credits(credits))
    paid = Purchase.objects.filter(organisation=organisation, status__in=[PurchaseStatus.PAID, PurchaseStatus.REFUNDED])
    newest = ("-paid_at", "-id")
    Subscription.objects.select_for_update(no_key=True).filter(organisation=organisation).first()
    # Locked in the order of their ids, as every transaction that takes several; read in the order of the policy.
    for id in paid.order_by("id").values_list("id", flat=True):
        locked(id)
    carried: list[tuple[Purchase, int]] = []
    left = net
    for kind in (PurchaseKind.SUBSCRIPTION, PurchaseKind.PACKAGE):
        for purchase in paid.filter(kind=kind).order_by(*newest):
            if part := min(left, kept_net(purchase)):
                carried.append((purchase, part))
                left -= part
    if left:
        raise NothingToRefund("no_paid_month", amount=Money(net, book.packages[0].price.currency), net_cents=net)
    ledger.withdraw(
        organisation=organisation.id,
        lot=lot,
        credits=credits,
        key=key,
        reference=reference,
        reason=Fact("moved_why.fee_paid_back", {"why": why}),
        now=now,
    )
    refunds, cents, so_far = [], 0, 0
    for purchase, part in carried:
        cents += part
        share = credits * cents // net - so_far
        so_far += share
        refunds += _book_fee(purchase, credits=share, net=part, who=who, why=why, now=now)
    return refunds


def _book_fee(purchase: Purchase, *, credits: int, net: int, who: str, why: str, now: datetime) -> list[PaymentRefund]:
    vat = invoices.part_of_vat(purchase, net)
    refunds = _requested(
        purchase, RefundKind.TRAINING_FEE, credits=credits, net=net, vat=vat, who=who, why=why, now=now
    )
    note = invoices.credit(purchase, unused=0, net=net, vat=vat, why=why, now=now)
    invoices.mail(note, now=now)
    for refund in refunds:
        record(
            organisation=purchase.organisation_id,
            subject="purchase",
            subject_id=purchase.id,
            move=BillingOccurrence.TRAINING_FEE_PAID_BACK,
            who=who,
            why=why,
            now=now,
            credits=refund.credits,
            net_cents=refund.net_cents,
            credit_note=note.number if note else "",
        )
    return refunds


def return_surplus(*, payment: UUID, who: str, why: str, now: datetime) -> PaymentRefund:
    """Sends back what a payment brought beyond what was asked for. Raises NotFound, NothingToRefund,
    WhoAndWhyMissing."""
    why = checked_why(why)
    with transaction.atomic():
        received = (
            Payment.objects.select_for_update(of=("self",), no_key=True)
            .select_related("purchase")
            .filter(id=payment)
            .first()
        )
        if received is None:
            raise NotFound("no_payment", payment=str(payment))
        left = received.surplus_cents - received.returned_cents
        if left == 0:
            raise NothingToRefund("no_surplus")
        now = booked_at(received.organisation_id, now)
        Payment.objects.filter(id=received.id).update(returned_cents=F("returned_cents") + left)
        refund = PaymentRefund.objects.create(
            id=new_id(),
            organisation_id=received.organisation_id,
            purchase=received.purchase,
            payment=received,
            kind=RefundKind.SURPLUS,
            credits=0,
            net_cents=left,
            vat_cents=0,
            gross_cents=left,
            currency=received.currency,
            gateway=received.gateway,
            requested_at=now,
            requested_by=who,
            reason=why,
        )
        _record_request(refund, now=now)
        record(
            organisation=received.organisation_id,
            subject="payment",
            subject_id=received.id,
            move=BillingOccurrence.SURPLUS_RETURNED,
            who=who,
            why=why,
            now=now,
            cents=left,
            currency=received.currency,
        )
    return send(refund.id, now=now)


def send(id: UUID, *, now: datetime, who: str = "", why: str = "") -> PaymentRefund:
    """Tells the gateway about a payment refund that it has not been told of, or that failed. Safe to repeat: the key is
    the refund's id.

    `who` and `why` are an operator's, who sends it again; without them it is the product's own doing.
    """
    refund = PaymentRefund.objects.select_related("purchase", "payment").get(id=id)
    if refund.state not in (RefundState.REQUESTED, RefundState.FAILED):
        return refund
    gateway = gateway_named(refund.gateway)
    reference = refund.payment.external_id if refund.payment else refund.purchase.gateway_reference
    try:
        seen = gateway.refund(
            reference=reference, cents=refund.gross_cents, currency=refund.currency, key=f"refund:{refund.id}"
        )
    except GatewayUnavailable as error:
        PaymentRefund.objects.filter(id=id).update(problem=stored_within(Fact(error.key, error.details), 500))
        refund.refresh_from_db()
        return refund
    state = {
        RefundOutcome.SENT: RefundState.SENT,
        RefundOutcome.CONFIRMED: RefundState.CONFIRMED,
        RefundOutcome.FAILED: RefundState.FAILED,
    }[seen.outcome]
    moved = PaymentRefund.objects.filter(id=id, state=refund.state).update(
        state=state, gateway_reference=seen.reference, sent_at=now, problem=seen.problem[:500]
    )
    if moved:
        sent = {"gateway_reference": seen.reference, "sent_at": now}
        _record_move(refund, state, who=who or gateway.name, why=seen.problem or why, now=now, **sent)
    refund.refresh_from_db()
    return refund


@one_transaction
def confirm_refund(*, refund: UUID, who: str, why: str, now: datetime) -> PaymentRefund:
    """An operator has made the bank transfer of a payment refund. Raises NotFound and RefundNotSent."""
    why = checked_why(why)
    found = PaymentRefund.objects.filter(id=refund).first()
    if found is None:
        raise NotFound("no_payment_refund", refund=str(refund))
    if not PaymentRefund.objects.filter(id=refund, state=RefundState.SENT).update(state=RefundState.CONFIRMED):
        raise RefundNotSent("state", state=found.state)
    _record_move(found, RefundState.CONFIRMED, who=who, why=why, now=now)
    found.refresh_from_db()
    return found


def send_waiting(*, now: datetime) -> int:
    """Sends payment refunds that no gateway has been told of yet; returns how many went out."""
    waiting = PaymentRefund.objects.filter(state=RefundState.REQUESTED).values_list("id", flat=True)
    return sum(send(id, now=now).state != RefundState.REQUESTED for id in list(waiting))


def refund_failed(*, gateway_reference: str, why: str, now: datetime) -> bool:
    """A provider says, later, that a payment refund did not arrive: an operator sends it again another way."""
    found = PaymentRefund.objects.filter(gateway_reference=gateway_reference).exclude(state=RefundState.FAILED).first()
    if found is None:
        return False
    with transaction.atomic():
        PaymentRefund.objects.filter(id=found.id).update(state=RefundState.FAILED, problem=why[:500])
        _record_move(found, RefundState.FAILED, who=found.gateway, why=why, now=now)
    return True


def _record_move(
    refund: PaymentRefund, to: RefundState, *, who: str, why: str, now: datetime, **columns: object
) -> None:
    record(
        organisation=refund.organisation_id,
        subject="payment refund",
        subject_id=refund.id,
        move=arrow(refund.state, to.value),
        who=who,
        why=why,
        now=now,
        amount=str(Money(refund.gross_cents, refund.currency)),
        **({"became": became(columns)} if columns else {}),
    )


def _record_request(refund: PaymentRefund, *, now: datetime) -> None:
    """A refund that is decided, as it will be sent."""
    fixed = ("kind", "credits", "net_cents", "vat_cents", "gross_cents", "currency", "gateway", "requested_at")
    record(
        organisation=refund.organisation_id,
        subject="payment refund",
        subject_id=refund.id,
        move=BillingOccurrence.REQUESTED,
        who=refund.requested_by,
        why=refund.reason,
        now=now,
        became=became({name: getattr(refund, name) for name in fixed}),
    )
