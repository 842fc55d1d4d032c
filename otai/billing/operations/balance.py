"""The balance at a payment provider, compared with the books once a day: what moved there and is not booked here, or
the other way round, or with another amount.

What no news ever told of is asked about first, and booked. What differs after that stands as a row, on the desk and in
the audit, until a comparison no longer finds it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Sum

from otai.billing.gateway import GatewayUnavailable, MoveKind, MoveSeen
from otai.billing.gateways import gateways
from otai.billing.models import (
    BalanceCheck,
    BalanceDifference,
    BalanceMove,
    DiffersBy,
    Payment,
    PaymentRefund,
    RefundState,
    Reversal,
)
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.events import checked_why, record
from otai.billing.operations.takings import counts
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


@dataclass(frozen=True, slots=True)
class Mismatch:
    """`ours` is what the books say of `subject`, `theirs` what the provider's balance says; in cents, signed."""

    what: DiffersBy
    subject: str
    ours: int
    theirs: int
    currency: str


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
            new = _store(name, gateway.balance_moves(since), now=now)
        except GatewayUnavailable:
            logger.warning("The balance at %s could not be compared.", name)
            continue
        _ask_about_what_is_not_booked(name, now=now)
        first = checks.order_by("made_at").first()
        unlike = list(differences(name, since=first.since_at if first else since, until=now - settling))
        _write(name, unlike, new, since=since, now=now)
    return standing_differences().count()


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
        for found in differences(name, since=now, until=now)
    }
    for reference in sorted(references):
        try:
            ask_about_payment(name, reference, now=now)
        except OtaiError as error:
            logger.warning("The payment %s could not be asked about: %s", reference, type(error).__name__)


def differences(name: str, *, since: datetime, until: datetime) -> Iterator[Mismatch]:
    """What a provider's movements and the books do not say alike. What is booked and did not move is looked for among
    what was booked from `since` to `until`; what moved and is not booked, among all movements that are stored."""
    moves = BalanceMove.objects.filter(gateway=name)
    yield from _payments(name, _sums(moves, "payment", [MoveKind.PAYMENT]), since=since, until=until)
    gone = _sums(moves, "subject", [MoveKind.REFUND, MoveKind.DISPUTE])
    yield from _gone(name, gone, since=since, until=until)
    for move in moves.filter(kind=MoveKind.OTHER).order_by("moved_at"):
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


def _write(name: str, mismatches: list[Mismatch], new: int, *, since: datetime, now: datetime) -> None:
    try:
        with transaction.atomic():
            BalanceCheck.objects.create(
                gateway=name,
                day=now.astimezone(UTC).date(),
                since_at=since,
                made_at=now,
                moves=new,
                differences=len(mismatches),
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
                    if (known.ours_cents, known.theirs_cents) != (mismatch.ours, mismatch.theirs):
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
