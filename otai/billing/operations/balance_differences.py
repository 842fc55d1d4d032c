"""In what a provider's balance and the books differ: payments and what went back, movement by movement; fees, payouts
and the balance itself, against what DATEV is given of them (decision 0447). Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, QuerySet, Sum

from otai.billing.gateway import MoveKind, MoveSeen, PayoutSeen, PayoutState
from otai.billing.models import (
    BalanceCheck,
    BalanceDifference,
    BalanceMove,
    DiffersBy,
    Payment,
    PaymentRefund,
    Purchase,
    RefundState,
    Reversal,
)
from otai.billing.operations.takings import counts

looked_at_again = timedelta(days=14)
"""For so long after it was read a payout may still fail, and the provider is asked about it and about unknown fees."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """`ours` is what the books say of `subject`, `theirs` what the provider's balance says; in cents, signed."""

    what: DiffersBy
    subject: str
    ours: int
    theirs: int
    currency: str


def of_payments_and_returns(name: str, *, since: datetime, until: datetime) -> Iterator[Mismatch]:
    """What a provider's movements and the books do not say alike. What is booked and did not move is looked for among
    what was booked from `since` to `until`; what moved and is not booked, among all movements that are stored."""
    moves = BalanceMove.objects.filter(gateway=name)
    yield from _payments(name, _sums(moves, "payment", [MoveKind.PAYMENT]), since=since, until=until)
    gone = _sums(moves, "subject", [MoveKind.REFUND, MoveKind.DISPUTE])
    yield from _gone(name, gone, since=since, until=until)


def of_unknown_kinds(name: str) -> Iterator[Mismatch]:
    """Movements of a kind that nobody taught us."""
    for move in BalanceMove.objects.filter(gateway=name, kind=MoveKind.OTHER).order_by("moved_at"):
        yield Mismatch(DiffersBy.UNKNOWN_KIND, move.external_id, 0, move.cents, move.currency)


def _sums(moves: QuerySet[BalanceMove], by: str, kinds: list[MoveKind]) -> dict[str, tuple[int, str]]:
    """What moved for each payment or subject: cents and currency."""
    rows = moves.filter(kind__in=kinds).values_list(by, "currency").annotate(cents=Sum("cents"))
    return {about: (cents, currency) for about, currency, cents in rows}


def _payments(name: str, moved: dict[str, tuple[int, str]], *, since: datetime, until: datetime) -> Iterator[Mismatch]:
    booked = Payment.objects.filter(gateway=name)
    for external_id, cents, currency, received_at in booked.values_list(
        "external_id", "cents", "currency", "received_at"
    ).iterator(chunk_size=2000):
        found = moved.pop(external_id, None)
        if found is None:
            if since <= received_at < until:
                yield Mismatch(DiffersBy.PAYMENT_NOT_MOVED, external_id, cents, 0, currency)
        elif found[1] == currency and found[0] != cents:
            yield Mismatch(DiffersBy.PAYMENT_MOVED_OTHERWISE, external_id, cents, found[0], currency)
    for external_id, (cents, currency) in sorted(moved.items()):
        if cents:
            yield Mismatch(DiffersBy.PAYMENT_NOT_BOOKED, external_id, 0, cents, currency)


def _gone(name: str, moved: dict[str, tuple[int, str]], *, since: datetime, until: datetime) -> Iterator[Mismatch]:
    """Refunds of ours, and reversals: what of them is gone moved the balance, what is not did not or came back."""
    for subject, ours, currency, at in _booked_as_gone(name):
        theirs, moved_currency = moved.pop(subject, (0, currency))
        is_settled = since <= at < until if theirs == 0 else at < until
        if theirs != ours and moved_currency == currency and is_settled:
            yield Mismatch(DiffersBy.RETURN_MOVED_OTHERWISE, subject, ours, theirs, currency)
    for subject, (cents, currency) in sorted(moved.items()):
        if cents:
            yield Mismatch(DiffersBy.RETURN_NOT_BOOKED, subject, 0, cents, currency)


def _booked_as_gone(name: str) -> Iterator[tuple[str, int, str, datetime]]:
    """Each refund of ours and each reversal: its name there, what of it is gone (negative), and since when it is as it
    is."""
    refunds = PaymentRefund.objects.filter(gateway=name).exclude(gateway_reference="")
    for refund in refunds.iterator(chunk_size=2000):
        is_gone = refund.state in (RefundState.SENT, RefundState.CONFIRMED)
        at = refund.sent_at or refund.requested_at
        yield refund.gateway_reference, -refund.gross_cents if is_gone else 0, refund.currency, at
    for reversal in Reversal.objects.filter(payment__gateway=name).iterator(chunk_size=2000):
        at = reversal.decided_at or reversal.opened_at
        yield reversal.external_id, -reversal.cents if counts(reversal) else 0, reversal.currency, at


def of_movements(name: str, seen: Iterable[MoveSeen], *, since: datetime) -> Iterator[Mismatch]:
    """Movements since then that the provider lists with another amount or fee than they were stored and booked with, or
    no longer; and what earlier comparisons found of those before."""
    listed = {one.id: one for one in seen}
    stored = BalanceMove.objects.filter(gateway=name, moved_at__gte=since.replace(microsecond=0))
    looked_at = set()
    for move in stored.order_by("moved_at", "external_id").iterator(chunk_size=2000):
        looked_at.add(move.external_id)
        now = listed.get(move.external_id)
        if now is None:
            yield Mismatch(DiffersBy.MOVE_NOT_LISTED, move.external_id, move.net_cents, 0, move.currency)
        elif (now.cents, now.fee_cents, now.currency) != (move.cents, move.fee_cents, move.currency):
            yield Mismatch(DiffersBy.MOVE_CHANGED, move.external_id, move.net_cents, now.net_cents, now.currency)
    yield from _as_before(name, [DiffersBy.MOVE_NOT_LISTED, DiffersBy.MOVE_CHANGED], looked_at)


def fees_of_unknown_payments(name: str, *, since: datetime) -> list[Mismatch]:
    """Fees of payments that came and went back whole, or moved nothing, and that the books do not know: what else moved
    of unknown ones is a difference by itself. Of movements that were read since then."""
    moves = BalanceMove.objects.filter(gateway=name).exclude(payment="")
    told = [about for about, (cents, _) in _sums(moves, "payment", [MoveKind.PAYMENT]).items() if cents]
    known = [
        Exists(Payment.objects.filter(gateway=name, external_id=OuterRef("payment"))),
        Exists(Purchase.objects.filter(gateway=name, gateway_reference=OuterRef("payment"))),
    ]
    fees = moves.filter(kind__in=[MoveKind.PAYMENT, MoveKind.REFUND, MoveKind.DISPUTE], fetched_at__gte=since)
    fees = fees.exclude(fee_cents=0).exclude(known[0]).exclude(known[1])
    rows = fees.values_list("payment", "currency").annotate(kept=Sum("fee_cents")).order_by("payment")
    return [
        Mismatch(DiffersBy.FEE_OF_UNKNOWN_PAYMENT, payment, 0, -kept, currency)
        for payment, currency, kept in rows
        if kept and payment not in set(told)
    ]


def of_fees(name: str, unknown: Sequence[Mismatch], *, since: datetime) -> Iterator[Mismatch]:
    """`unknown`, and what earlier comparisons found of movements that were read before then."""
    yield from unknown
    read = BalanceMove.objects.filter(gateway=name, fetched_at__gte=since).values_list("payment", flat=True)
    yield from _as_before(name, [DiffersBy.FEE_OF_UNKNOWN_PAYMENT], set(read))


def of_payouts(name: str, payouts: Sequence[PayoutSeen], *, first: datetime) -> Iterator[Mismatch]:
    """Payouts that moved another amount than was paid out, that failed and did not come back, or that are not the sum
    of what they brought; and what earlier comparisons found of others. `first`: of movements before it the provider is
    believed, since the books begin there."""
    whats = [DiffersBy.PAYOUT_MOVED_OTHERWISE, DiffersBy.PAYOUT_NOT_BACK, DiffersBy.PAYOUT_BROUGHT_OTHERWISE]
    moves = BalanceMove.objects.filter(gateway=name)
    moved = _sums(moves, "subject", [MoveKind.PAYOUT])
    for payout in payouts:
        has_failed = payout.state is PayoutState.FAILED
        ours, theirs = moved.get(payout.reference, (0, ""))[0], 0 if has_failed else -payout.cents
        if ours != theirs:
            yield Mismatch(whats[1] if has_failed else whats[0], payout.reference, ours, theirs, payout.currency)
        if payout.brought is None:
            continue
        booked = dict(
            moves.filter(external_id__in=[move.id for move in payout.brought])
            .annotate(net=F("cents") - F("fee_cents"))
            .values_list("external_id", "net")
        )
        brought = sum(booked.get(move.id, move.net_cents if move.at < first else 0) for move in payout.brought)
        if brought != payout.cents:
            yield Mismatch(whats[2], payout.reference, brought, payout.cents, payout.currency)
    yield from _as_before(name, whats, {payout.reference for payout in payouts})


def of_the_balance(name: str, balances: dict[str, int] | None) -> Iterator[Mismatch]:
    """What the provider says of the balance now, against the first balance that was read and all movements since."""
    first = BalanceCheck.objects.filter(gateway=name, balances__isnull=False).order_by("made_at").first()
    if balances is None:
        yield from _as_before(name, [DiffersBy.BALANCE_NOT_THE_SUM], ())
    if balances is None or first is None:
        return
    later = BalanceMove.objects.filter(gateway=name, fetched_at__gt=first.made_at)
    moved = dict(later.values_list("currency").annotate(net=Sum(F("cents") - F("fee_cents"))))
    began: dict[str, int] = first.balances or {}
    for currency in sorted({*balances, *began, *moved}):
        ours, theirs = began.get(currency, 0) + moved.get(currency, 0), balances.get(currency, 0)
        if ours != theirs:
            yield Mismatch(DiffersBy.BALANCE_NOT_THE_SUM, currency, ours, theirs, currency)


def _as_before(name: str, whats: Sequence[DiffersBy], looked_at: Collection[str]) -> Iterator[Mismatch]:
    """What earlier comparisons found of what this one did not look at."""
    found = BalanceDifference.objects.filter(gateway=name, what__in=whats, gone_at__isnull=True).order_by("found_at")
    for one in found:
        if one.subject not in looked_at:
            yield Mismatch(DiffersBy(one.what), one.subject, one.ours_cents, one.theirs_cents, one.currency)
