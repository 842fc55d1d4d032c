"""The balance at a payment provider, compared with the books once a day: what moved there and is not booked here, or
the other way round, or with another amount.

What no news ever told of is asked about first, and booked. What differs after that stands as a row, on the desk and in
the audit, until a comparison no longer finds it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from otai.billing.gateway import Gateway, GatewayUnavailable, MoveKind, MoveSeen, PayoutSeen
from otai.billing.gateways import gateways
from otai.billing.models import BalanceCheck, BalanceDifference, BalanceMove, Purchase
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.balance_differences import (
    Mismatch,
    fees_of_unknown_payments,
    looked_at_again,
    of_fees,
    of_movements,
    of_payments_and_returns,
    of_payouts,
    of_the_balance,
    of_unknown_kinds,
)
from otai.billing.operations.events import checked_why, record
from otai.billing.operations.webhooks import ask_about_payment
from otai.db import new_id, one_transaction
from otai.errors import NotFound, OtaiError

logger = logging.getLogger(__name__)

first_days = 30
"""How far the first comparison looks back."""
overlap = timedelta(days=3)
"""Read again each time: a provider may list a movement a little after it happened."""
settling = timedelta(hours=1)
"""What was booked here so lately may not be in the provider's list yet."""
tries_of_a_moment = 3
"""So often movements are read until the balance was the same before and after; else it is compared the next day."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What a provider says in one comparison. `balances`: None where it does not say, or moved while it was asked;
    `payouts` those that were read lately; `fees` of payments that the books do not know, nor does it."""

    moves: list[MoveSeen]
    balances: dict[str, int] | None
    payouts: list[PayoutSeen] = field(default_factory=list)
    fees: list[Mismatch] = field(default_factory=list)


def compare_balances(*, now: datetime) -> int:
    """Compares each provider that was not compared today (UTC); returns how many differences stand. Safe from any
    number of processes: each day's comparison is written once."""
    for name, gateway in gateways().items():
        if gateway.pays_by_invoice:
            # Its balance is the bank's own statement, which people read.
            continue
        checks = BalanceCheck.objects.filter(gateway=name)
        if checks.filter(day=now.astimezone(UTC).date()).exists():
            continue
        last = checks.order_by("-made_at").first()
        since = last.made_at - overlap if last else now - timedelta(days=first_days)
        try:
            told = _moves_and_balance(gateway, since)
        except GatewayUnavailable:
            logger.warning("The balance at %s could not be compared.", name)
            continue
        first_check = checks.order_by("made_at").first()
        first = first_check.since_at if first_check else since
        new = _store(name, told.moves, now=now)
        _ask_about_what_is_not_booked(name, now=now)
        told.payouts.extend(_payouts(gateway, now=now))
        new += _store(name, [one for one in _brought(told) if one.at >= first], now=now)
        told.fees.extend(_fees_of_nobody(gateway, now=now))
        _write(name, list(_differences(name, told, since=since, first=first, now=now)), new, told, since=since, now=now)
    return standing_differences().count()


def _differences(name: str, told: _Told, *, since: datetime, first: datetime, now: datetime) -> Iterator[Mismatch]:
    yield from of_payments_and_returns(name, since=first, until=now - settling)
    yield from of_unknown_kinds(name)
    yield from of_movements(name, [*told.moves, *_brought(told)], since=since)
    yield from of_fees(name, told.fees, since=now - looked_at_again)
    yield from of_payouts(name, told.payouts, first=first)
    yield from of_the_balance(name, told.balances)


def _moves_and_balance(gateway: Gateway, since: datetime) -> _Told:
    """What moved, and the balance in the same moment: read before and after it, and alike."""
    try:
        before = gateway.balance()
        for _ in range(tries_of_a_moment):
            moves, after = gateway.balance_moves(since), gateway.balance()
            if after == before:
                return _Told(moves, after)
            before = after
    except GatewayUnavailable:
        # Without the right to ask for the balance the movements are compared all the same.
        logger.warning("The balance at %s could not be read.", gateway.name)
        return _Told(gateway.balance_moves(since), None)
    return _Told(moves, None)


def _payouts(gateway: Gateway, *, now: datetime) -> list[PayoutSeen]:
    """Those of which something was read lately, as the provider has them now."""
    moves = BalanceMove.objects.filter(
        gateway=gateway.name, kind=MoveKind.PAYOUT, fetched_at__gte=now - looked_at_again
    )
    names = moves.exclude(subject="").order_by("subject").values_list("subject", flat=True).distinct()
    try:
        return [seen for seen in map(gateway.payout, names) if seen is not None]
    except GatewayUnavailable:
        logger.warning("Payouts of %s could not be compared.", gateway.name)
        return []


def _brought(told: _Told) -> list[MoveSeen]:
    return [move for payout in told.payouts for move in payout.brought or ()]


def _fees_of_nobody(gateway: Gateway, *, now: datetime) -> list[Mismatch]:
    """A payment of ours that failed after all, and kept a fee, is known by its order, which the provider keeps."""
    unknown = fees_of_unknown_payments(gateway.name, since=now - looked_at_again)
    return [fee for fee in unknown if not _is_of_an_order(gateway, fee.subject)]


def _is_of_an_order(gateway: Gateway, payment: str) -> bool:
    try:
        order = UUID(gateway.look_up(payment).purchase)
    except (OtaiError, ValueError):
        return False
    return Purchase.objects.filter(id=order).exists()


def standing_differences() -> QuerySet[BalanceDifference]:
    """Those that stand and that nobody has explained, the oldest first."""
    found = BalanceDifference.objects.filter(gone_at__isnull=True, explained_at__isnull=True)
    return found.order_by("found_at", "id")


@one_transaction
def explain(*, difference: UUID, who: str, why: str, now: datetime) -> BalanceDifference:
    """An operator says why a difference is none of ours; it stands again where its amount changes. Raises NotFound and
    WhoAndWhyMissing."""
    why = checked_why(why)
    explained = BalanceDifference.objects.select_for_update(no_key=True).filter(id=difference).first()
    if explained is None:
        raise NotFound("no_balance_difference", difference=str(difference))
    explained.explained_at, explained.explained_by, explained.explained_why = now, who, why
    explained.save(update_fields=["explained_at", "explained_by", "explained_why"])
    record(
        organisation=None,
        subject="balance difference",
        subject_id=explained.id,
        move=BillingOccurrence.EXPLAINED,
        who=who,
        why=why,
        now=now,
        what=explained.differs_by,
        about=explained.subject,
        ours_cents=explained.ours_cents,
        theirs_cents=explained.theirs_cents,
    )
    return explained


def _store(name: str, seen: list[MoveSeen], *, now: datetime) -> int:
    known = set(BalanceMove.objects.filter(gateway=name).values_list("external_id", flat=True))
    rows = [
        BalanceMove(
            id=new_id(),
            gateway=name,
            external_id=one.id,
            kind=one.kind.value,
            provider_kind=one.provider_kind[:60],
            cents=one.cents,
            fee_cents=one.fee_cents,
            currency=one.currency,
            payment=one.payment,
            subject=one.subject,
            moved_at=one.at,
            fetched_at=now,
        )
        for one in seen
        if one.id not in known
    ]
    BalanceMove.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return len(rows)


def _ask_about_what_is_not_booked(name: str, *, now: datetime) -> None:
    references = {
        BalanceMove.objects.filter(gateway=name, subject=found.subject).values_list("payment", flat=True).first()
        or found.subject
        for found in of_payments_and_returns(name, since=now, until=now)
    }
    for reference in sorted(references):
        try:
            ask_about_payment(name, reference, now=now)
        except OtaiError as error:
            logger.warning("The payment %s could not be asked about: %s", reference, type(error).__name__)


def _write(name: str, mismatches: list[Mismatch], new: int, told: _Told, *, since: datetime, now: datetime) -> None:
    try:
        with transaction.atomic():
            BalanceCheck.objects.create(
                gateway=name,
                day=now.astimezone(UTC).date(),
                since_at=since,
                made_at=now,
                moves=new,
                differences=len(mismatches),
                balances=told.balances,
            )
            standing = {
                (known.differs_by, known.subject): known
                for known in BalanceDifference.objects.filter(gateway=name, gone_at__isnull=True)
            }
            for mismatch in mismatches:
                amounts: dict[str, object] = {
                    "ours_cents": mismatch.ours,
                    "theirs_cents": mismatch.theirs,
                    "currency": mismatch.currency,
                }
                if known := standing.pop((mismatch.what, mismatch.subject), None):
                    if known.theirs_cents - known.ours_cents != mismatch.theirs - mismatch.ours:
                        # What was explained was another amount.
                        amounts |= {"explained_at": None, "explained_by": "", "explained_why": ""}
                    BalanceDifference.objects.filter(id=known.id).update(**amounts)
                else:
                    BalanceDifference.objects.create(
                        gateway=name, what=mismatch.what.value, subject=mismatch.subject, found_at=now, **amounts
                    )
            gone = [known.id for known in standing.values()]
            BalanceDifference.objects.filter(id__in=gone).update(gone_at=now)
    except IntegrityError:
        # `billing_balance_check_is_made_once_a_day`: another process has compared meanwhile.
        logger.info("The balance at %s was compared by another process.", name)
