"""Money that goes back otherwise than by our own payment refund: disputes, inquiries, debits that fail late, refunds
made at the provider.

How they stand is asked of the provider and booked here, all of a payment at once; what they take of what the payment
brought is worked out in takings.py. A balance never becomes negative: what cannot be taken is owed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from otai.billing.gateway import ReversalOutcome, ReversalSeen
from otai.billing.models import (
    CreditWatch,
    Payment,
    Purchase,
    PurchaseKind,
    RefundKind,
    Reversal,
    ReversalKind,
    ReversalState,
    Subscription,
)
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations import invoices, takings
from otai.billing.operations.clock import booked_at
from otai.billing.operations.events import checked_why, record, tell_operator
from otai.billing.operations.lost_periods import all_is_gone, end_the_tier, paid_tier, restore_the_tier, tier_after
from otai.billing.operations.orders import locked, move
from otai.billing.operations.reversal_mails import (
    tell_that_the_payment_stays,
    tell_that_the_tier_ended,
    tell_what_went_back,
)
from otai.billing.status import PurchaseStatus
from otai.db import new_id, one_transaction
from otai.errors import NotFound, Refused
from otai.orgs.models import Organisation
from otai.words.explained import arrow, as_text
from otai.words.sentences import Fact

SECOND = timedelta(seconds=1)


class PurchaseNotDelivered(Refused):
    """There is nothing to take back yet. The event is tried again, after the one that it overtook."""

    code = "purchase_not_delivered"


class AlreadySettled(Refused):
    code = "already_settled"


_STANDS = {
    ReversalOutcome.INQUIRY: (ReversalKind.INQUIRY, ReversalState.OPEN),
    ReversalOutcome.INQUIRY_CLOSED: (ReversalKind.INQUIRY, ReversalState.WON),
    ReversalOutcome.OPEN: (ReversalKind.DISPUTE, ReversalState.OPEN),
    ReversalOutcome.WON: (ReversalKind.DISPUTE, ReversalState.WON),
    ReversalOutcome.LOST: (ReversalKind.DISPUTE, ReversalState.LOST),
    # The mildest: no credit is taken for a word that we do not know.
    ReversalOutcome.UNKNOWN: (ReversalKind.INQUIRY, ReversalState.OPEN),
}


@one_transaction
def book_reversals(purchase_id: UUID, seen: Sequence[ReversalSeen], *, who: str, now: datetime) -> list[Reversal]:
    """Books all that goes back of a purchase's payment, as the provider sees it now, in any order and any number of
    times.

    Raises PurchaseNotDelivered while the payment itself is not booked.
    """
    # The subscription before its purchases (docs/ledger.md): a month that goes back, or comes back, moves the tier.
    months = Purchase.objects.filter(id=purchase_id, kind=PurchaseKind.SUBSCRIPTION).values("organisation")
    list(Subscription.objects.select_for_update(no_key=True).filter(organisation__in=months))
    purchase = locked(purchase_id)
    now = booked_at(purchase.organisation_id, now)
    payments = {payment.external_id: payment for payment in Payment.objects.filter(purchase=purchase)}
    if seen and not (_can_be_booked(purchase) and all(one.payment in payments for one in seen)):
        raise PurchaseNotDelivered("purchase", reference=purchase.reference, status=purchase.status)
    known = {reversal.external_id: reversal for reversal in _locked_reversals(purchase)}
    begun, stays = [], []
    for news in sorted(seen, key=lambda one: one.subject):
        booked = known.get(news.subject)
        if booked is None:
            known[news.subject] = booked = _new(purchase, news, now=now)
        booked.payment = payments[news.payment]
        before = (booked.kind, booked.state, booked.provider_state, booked.cents)
        counted = takings.counts(booked) and not booked._state.adding
        _see(booked, news, now=now)
        if booked._state.adding or (booked.kind, booked.state, booked.provider_state, booked.cents) != before:
            _record(booked, news, before=None if booked._state.adding else before, who=who, now=now)
            if booked.needs_a_person:
                _tell_operator(booked, now=now)
        if takings.counts(booked) and not counted:
            begun.append(booked)
        if booked.state == ReversalState.WON and before[1] != ReversalState.WON:
            stays.append(booked)
        if booked._state.adding:
            booked.save(force_insert=True)
    reversals = sorted(known.values(), key=lambda reversal: (reversal.opened_at, reversal.id))
    if reversals:
        _balance(purchase, reversals, who=who, now=now, begun=begun, stays=stays)
    return reversals


def _can_be_booked(purchase: Purchase) -> bool:
    """Delivered, or cancelled with money that nobody had asked for."""
    surplus = Payment.objects.filter(purchase=purchase, surplus_cents__gt=0)
    return purchase.paid_at is not None or surplus.exists()


def _new(purchase: Purchase, seen: ReversalSeen, *, now: datetime) -> Reversal:
    return Reversal(
        id=new_id(),
        organisation_id=purchase.organisation_id,
        purchase=purchase,
        external_id=seen.subject,
        currency=seen.currency or purchase.currency,
        opened_at=now,
        withdrawn_credits=0,
        withdrawn_net_cents=0,
        owed_credits=0,
        owed_net_cents=0,
        owed_gross_cents=0,
    )


def _see(reversal: Reversal, seen: ReversalSeen, *, now: datetime) -> None:
    kind, state = _STANDS[seen.outcome]
    if seen.is_refund and kind is not ReversalKind.INQUIRY:
        kind = ReversalKind.REFUND
    other_currency = reversal.currency != reversal.purchase.currency
    if other_currency:
        # An amount that cannot be compared takes nothing; an operator reads of it.
        kind, state = ReversalKind.INQUIRY, ReversalState.OPEN
    reversal.needs_a_person = other_currency or seen.outcome is ReversalOutcome.UNKNOWN
    if state != reversal.state:
        reversal.decided_at = None if state is ReversalState.OPEN else now
    reversal.kind, reversal.state, reversal.cents = kind, state, seen.cents
    reversal.provider_state = seen.provider_state[:100]
    reversal.reason = seen.reason[:500] or "taken back by the payer's bank"


def _record(
    reversal: Reversal, seen: ReversalSeen, *, before: tuple[str, str, str, int] | None, who: str, now: datetime
) -> None:
    came_from, to = f"{before[0]} {before[1]}" if before else "", f"{reversal.kind} {reversal.state}"
    record(
        organisation=reversal.organisation_id,
        subject="reversal",
        subject_id=reversal.id,
        move=BillingOccurrence.NEEDS_A_PERSON if reversal.needs_a_person else arrow(came_from, to),
        who=who,
        why=reversal.reason,
        now=now,
        external_id=reversal.external_id,
        cents=reversal.cents,
        currency=reversal.currency,
        provider_state=seen.provider_state,
        purchase=reversal.purchase.reference,
    )


def _tell_operator(reversal: Reversal, *, now: datetime) -> None:
    """A word or a currency of the provider's that nobody taught us is told to the vendor, once for each word."""
    tell_operator(
        organisation=reversal.purchase.organisation,
        template="needs_a_person",
        key=f"needs-a-person:{reversal.id}:{reversal.provider_state}",
        context={
            "reference": reversal.purchase.reference,
            "external_id": reversal.external_id,
            "state": reversal.provider_state,
            "amount_cents": reversal.cents,
            "currency": reversal.currency,
        },
        now=now,
    )


def _balance(
    purchase: Purchase,
    reversals: list[Reversal],
    *,
    who: str,
    now: datetime,
    begun: Sequence[Reversal] = (),
    stays: Sequence[Reversal] = (),
) -> None:
    """Brings credits, tier, status and documents to what the reversals say; locks as docs/ledger.md has them.

    `begun`: those that take something from now on; `stays`: those that were decided for us.
    """
    withdrawn_before = sum(reversal.withdrawn_credits for reversal in reversals)
    in_force = paid_tier(purchase)
    takings.share_out(purchase, reversals)
    ended: dict[str, str | None] = {}
    if purchase.paid_at is not None:
        takings.move_credits(purchase, reversals, now=now)
        was_cut = purchase.period_cut_at is not None
        unused = end_the_tier(purchase, reversals, who=who, now=now)
        ended = tier_after(purchase) if purchase.period_cut_at and not was_cut else {}
        for reversal in reversals:
            takings.say_what_is_owed(purchase, reversal, returned_cents=unused.get(reversal.id, 0))
            _settle_the_vendors_own(reversal, now=now)
        to = _status(purchase, reversals)
        if to != purchase.status:
            move(purchase, to, who=who, why=reversals[-1].reason, now=now)
    for reversal in reversals:
        reversal.save()
    if purchase.paid_at is not None:
        restore_the_tier(purchase, reversals, who=who, now=now)
    if any(reversal.kind == ReversalKind.DISPUTE for reversal in begun):
        _stop_charging(purchase, now=now)
    if purchase.paid_at is not None:
        _documents(purchase, reversals, unused=unused, now=now)
    tell_what_went_back(purchase, begun, ended=ended, now=now)
    if ended and not begun:
        tell_that_the_tier_ended(purchase, reversals[-1], ended=ended, now=now)
    if stays and purchase.paid_at is not None:
        given_back = max(0, withdrawn_before - sum(reversal.withdrawn_credits for reversal in reversals))
        tier = tier_after(purchase) if paid_tier(purchase) not in (None, in_force) else {}
        tell_that_the_payment_stays(purchase, stays, credits=given_back, tier=tier, now=now)


def _settle_the_vendors_own(reversal: Reversal, *, now: datetime) -> None:
    """A refund made at the provider claims nothing: what it could not take when it was made, it does not take later."""
    if reversal.kind == ReversalKind.REFUND and reversal.settled_at is None:
        reversal.settled_at, reversal.settled_by = now, "billing"
        reversal.settled_why = "billing.nothing_is_claimed"


def _status(purchase: Purchase, reversals: list[Reversal]) -> PurchaseStatus:
    taking = [reversal for reversal in reversals if reversal.price_cents]
    if any(reversal.state == ReversalState.OPEN for reversal in taking):
        return PurchaseStatus.DISPUTED
    if taking and all_is_gone(purchase, taking):
        return PurchaseStatus.REVERSED
    paid_back = purchase.payment_refunds.filter(kind=RefundKind.UNUSED_CREDITS).exists()
    return PurchaseStatus.REFUNDED if paid_back else PurchaseStatus.PAID


def _stop_charging(purchase: Purchase, *, now: datetime) -> None:
    """Whoever's payments are taken back is not charged automatically any more."""
    taken_back = Fact("top_up_taken_back")
    CreditWatch.objects.filter(
        organisation=purchase.organisation_id, top_up_below__gt=0, stopped_at__isnull=True
    ).update(stopped_at=now, stopped_why=as_text(taken_back), stopped_fact=taken_back.as_dict())


def _documents(purchase: Purchase, reversals: list[Reversal], *, unused: dict[UUID, int], now: datetime) -> None:
    """Credit notes for what of the price is gone for good and not claimed; an invoice again where it came back."""
    so_far = 0
    for reversal in reversals:
        before, so_far = takings.net_of(purchase, so_far), so_far + reversal.price_cents
        net = 0
        if reversal.state == ReversalState.LOST:
            if reversal.kind == ReversalKind.REFUND:
                net = takings.net_of(purchase, so_far) - before
            elif purchase.kind == PurchaseKind.PACKAGE:
                net = reversal.withdrawn_net_cents
            else:
                net = takings.net_of(purchase, unused.get(reversal.id, 0))
        if net == reversal.credited_net_cents:
            continue
        _credit(purchase, reversal, net - reversal.credited_net_cents, now=now)
        with_credits = reversal.withdrawn_net_cents if reversal.state == ReversalState.LOST else 0
        _price_alone(purchase, reversal, reversal.credited_net_cents - with_credits, now=now)


def _credit(purchase: Purchase, reversal: Reversal, net: int, *, now: datetime) -> None:
    if net > 0:
        net = min(net, invoices.left_to_credit(purchase))
        vat = invoices.part_of_vat(purchase, net)
        # The provider's own word for it is no word for a customer's document.
        made_at_the_provider = reversal.kind == ReversalKind.REFUND
        if made_at_the_provider:
            vat = min(_vat_of_the_whole(reversal, net, vat), invoices.left_of_vat(purchase))
        why = Fact("billing.refunded_at_provider" if made_at_the_provider else "billing.taken_back_by_bank")
        note = invoices.credit(purchase, unused=reversal.withdrawn_credits, net=net, vat=vat, why=why, now=now)
        invoices.mail(note, now=now)
    else:
        vat = -(reversal.credited_vat_cents * -net // reversal.credited_net_cents)
        invoices.charge_again(
            purchase, net=-net, vat=-vat, why=Fact("billing.payment_stays", {"reference": purchase.reference}), now=now
        )
    reversal.credited_net_cents += net
    reversal.credited_vat_cents += vat
    reversal.save(update_fields=["credited_net_cents", "credited_vat_cents"])


def _vat_of_the_whole(reversal: Reversal, net: int, rounded: int) -> int:
    """The VAT with which a refund at the provider is credited to the cent. Its net part is rounded down and the VAT of
    that half up, so that together they can miss the money by a cent (EN 16931 allows the VAT of a rate so much)."""
    left = reversal.price_cents - reversal.credited_net_cents - reversal.credited_vat_cents - net
    return left if abs(left - rounded) == 1 and left >= 0 else rounded


def _price_alone(purchase: Purchase, reversal: Reversal, net: int, *, now: datetime) -> None:
    """Keeps in the takings what of the price went back without credits: `net` in all for this reversal."""
    rows = reversal.takings.filter(credits=0)
    have = sum(-row.net_cents if row.gives_back else row.net_cents for row in rows)
    takings.write_money(purchase, reversal, max(0, net) - have, now=now)


def collect_owed(*, now: datetime) -> int:
    """Takes owed credits that have become unspent since (a hold was released); returns how many."""
    owing = _owing().order_by("purchase").values_list("purchase", flat=True).distinct()
    return sum(_collect([id], now=now) for id in list(owing))


def collect_before_spending(organisation: Organisation, *, now: datetime) -> None:
    """Takes what came back of owed or frozen credits before anything else can, in the transaction of whoever is
    about to hold credits. Where something is owed it leaves the account locked, so that nothing comes back in
    between."""
    owing = (
        _owing().filter(organisation=organisation).order_by("purchase").values_list("purchase", flat=True).distinct()
    )
    if found := list(owing):
        _collect(found, now=now)


@dataclass(frozen=True, slots=True)
class Reversed:
    """A purchase and what goes back of it, locked."""

    purchase: Purchase
    reversals: list[Reversal]


def partly_reversed(organisation: UUID) -> list[Reversed]:
    """The months and years whose price went back in part and that may still bring credits, locked: before the account,
    as docs/ledger.md has it. The caller holds the subscription."""
    periods = Purchase.objects.filter(
        organisation=organisation,
        kind=PurchaseKind.SUBSCRIPTION,
        period_until_at__gt=Subscription.objects.filter(organisation=organisation).values("next_grant_at"),
        reversals__price_cents__gt=0,
    )
    return _locked_with_reversals(list(periods.order_by("id").values_list("id", flat=True).distinct()))


def take_share_of_new_credits(periods: list[Reversed], *, now: datetime) -> None:
    """Of months and years whose price went back in part, the credits that came now go back in part as well: in the
    transaction that grants them, so that nobody spends what goes back, and nothing is forgotten."""
    _collect_from(periods, now=now)


def _owing() -> QuerySet[Reversal]:
    return Reversal.objects.filter(owed_credits__gt=0, settled_at__isnull=True)


@one_transaction
def _collect(ids: list[UUID], *, now: datetime) -> int:
    return _collect_from(_locked_with_reversals(ids), now=now)


def _locked_with_reversals(ids: list[UUID]) -> list[Reversed]:
    # All purchases first, then all reversals, as the news of a bank does; the account after them.
    purchases = [locked(id) for id in ids]
    return [Reversed(purchase, _locked_reversals(purchase)) for purchase in purchases]


def _collect_from(found: list[Reversed], *, now: datetime) -> int:
    collected = 0
    for one in found:
        before = sum(reversal.withdrawn_credits for reversal in one.reversals)
        _balance(one.purchase, one.reversals, who="sweep", now=now)
        credits = sum(reversal.withdrawn_credits for reversal in one.reversals) - before
        collected += credits
        if credits:
            record(
                organisation=one.purchase.organisation_id,
                subject="purchase",
                subject_id=one.purchase.id,
                move=BillingOccurrence.OWED_COLLECTED,
                who="sweep",
                now=now,
                credits=credits,
            )
    return collected


def _locked_reversals(purchase: Purchase) -> list[Reversal]:
    """A locked purchase's reversals, the earliest first, locked after the payments whose surplus they may take."""
    list(Payment.objects.select_for_update(no_key=True).filter(purchase=purchase, surplus_cents__gt=0).order_by("id"))
    found = Reversal.objects.select_for_update(no_key=True).filter(purchase=purchase)
    return list(found.order_by("opened_at", "id"))


@one_transaction
def settle_owed(*, reversal: UUID, who: str, why: str, now: datetime, is_lost: bool = False) -> Reversal:
    """An operator closes what is owed: paid another way, or `is_lost`, of which its event tells, so that the row of
    the write-off is missed where it is taken away. Raises NotFound, AlreadySettled, WhoAndWhyMissing."""
    why = checked_why(why)
    settled = Reversal.objects.select_for_update(no_key=True).filter(id=reversal).first()
    if settled is None:
        raise NotFound("no_reversal", reversal=str(reversal))
    if settled.settled_at is not None:
        raise AlreadySettled("reversal", settled_by=settled.settled_by, settled_why=settled.settled_why)
    settled.settled_at, settled.settled_by, settled.settled_why = now, who, why
    settled.save(update_fields=["settled_at", "settled_by", "settled_why"])
    record(
        organisation=settled.organisation_id,
        subject="reversal",
        subject_id=settled.id,
        move=BillingOccurrence.OWED_SETTLED,
        who=who,
        why=why,
        now=now,
        credits=settled.owed_credits,
        gross_cents=settled.owed_gross_cents,
        **({"written_off_cents": settled.owed_gross_cents} if is_lost else {}),
    )
    if settled.purchase.kind == PurchaseKind.PACKAGE:
        # As the next news of it would say: nothing is taken for it any more.
        settled.owed_credits = takings.expected_owed(settled)
        takings.say_what_is_owed(settled.purchase, settled)
        settled.save(update_fields=["owed_credits", "owed_net_cents", "owed_gross_cents", "waived_cents"])
    return settled
