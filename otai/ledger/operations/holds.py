"""A hold reserves credits for one thing. It is resolved once, as a whole: captured (spent) or released (given back)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from otai.errors import Invalid, NotFound, Refused
from otai.ledger.answers import DatabaseAnswer, TransferRequest
from otai.ledger.models import TransferKind
from otai.ledger.operations.requests import (
    asked,
    checked_id,
    checked_moment,
    checked_reference,
    database,
    refusal,
)
from otai.units import whole_credits
from otai.words.sentences import Fact

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HoldPlaced:
    """`hold` is also the id of the transfer that placed it; `available_after` what is left to spend."""

    hold: UUID
    credits: int
    available_after: int
    replayed: bool


class InvalidDeadline(Invalid):
    """A hold needs a deadline with a time zone, after now: a hold without an end could be stranded for ever."""

    code = "invalid_deadline"


def checked_deadline(deadline_at: object, *, now: datetime) -> datetime:
    """The deadline, if it is a time with a zone after `now`. Raises InvalidDeadline."""
    checked_moment(now, what="now")
    if not isinstance(deadline_at, datetime) or deadline_at.utcoffset() is None:
        raise InvalidDeadline("form", deadline_at=repr(deadline_at))
    if deadline_at <= now:
        raise InvalidDeadline("past", deadline_at=deadline_at.isoformat())
    return deadline_at


def asked_to_hold(
    *,
    organisation: UUID,
    credits: int,
    key: str,
    reference: str,
    reason: str | Fact,
    deadline_at: datetime,
    now: datetime,
) -> TransferRequest:
    """The request for one hold, checked."""
    whole_credits(credits)
    checked_reference(reference)
    checked_deadline(deadline_at, now=now)
    return asked(organisation=organisation, key=key, reason=reason, now=now, request=("hold", credits, reference))


def hold_placed(answer: DatabaseAnswer, request: TransferRequest) -> HoldPlaced:
    """The answer as a result; raises what was refused."""
    if answer.outcome not in ("done", "replayed"):
        raise refusal(answer, request)
    assert answer.subject is not None and answer.credits is not None and answer.available is not None
    return HoldPlaced(answer.subject, answer.credits, answer.available, answer.outcome == "replayed")


def place_hold(
    *,
    organisation: UUID,
    credits: int,
    key: str,
    reference: str,
    reason: str | Fact,
    deadline_at: datetime,
    now: datetime,
) -> HoldPlaced:
    """Reserves credits, drawn from the organisation's lots in the order of docs/policies.md: included first, bought
    last, oldest first.

    `reference` names what they are for (the run), and is what the sweep asks about once `deadline_at` has passed.
    Raises InsufficientCredits, InvalidAmount, InvalidDeadline, InvalidRequest, KeyReused, and NotFound for an unknown
    organisation.
    """
    request = asked_to_hold(
        organisation=organisation,
        credits=credits,
        key=key,
        reference=reference,
        reason=reason,
        deadline_at=deadline_at,
        now=now,
    )
    answer = database().place_hold(request, credits=credits, reference=reference, deadline_at=deadline_at)
    return hold_placed(answer, request)


@dataclass(frozen=True, slots=True)
class HoldResolved:
    hold: UUID
    transfer: UUID
    credits: int
    available_after: int
    replayed: bool


class HoldNotFound(NotFound):
    """No such hold, or it is another organisation's."""


class HoldAlreadyResolved(Refused):
    """Someone captured or released it before, under another key. `details["state"]` says which.

    A capture refused because the hold had been released is also recorded for an operator (`queries.late_captures`).
    """

    code = "hold_resolved"


class HoldNotCaptured(Refused):
    """Only what was captured can be refunded; a hold that is still held is released instead."""

    code = "hold_not_captured"


class AlreadyRefunded(Refused):
    """The credits of this hold were given back before, under another key."""

    code = "already_refunded"


def asked_to_resolve(
    *, kind: TransferKind, organisation: UUID, hold: UUID, key: str, reason: str | Fact, now: datetime
) -> TransferRequest:
    """The request to capture or release a hold, checked. Raises InvalidRequest."""
    checked_id(hold, what="hold")
    return asked(organisation=organisation, key=key, reason=reason, now=now, request=(kind.value, str(hold)))


def hold_resolved(answer: DatabaseAnswer, request: TransferRequest, *, kind: TransferKind, hold: UUID) -> HoldResolved:
    """The answer as a result. Raises what was refused: HoldNotFound, HoldAlreadyResolved, HoldNotCaptured or
    AlreadyRefunded."""
    match answer.outcome, answer.state:
        case (("done" | "replayed"), _):
            assert answer.transfer is not None and answer.credits is not None and answer.available is not None
            return HoldResolved(hold, answer.transfer, answer.credits, answer.available, answer.outcome == "replayed")
        case "no_hold", _:
            raise HoldNotFound("no_hold", hold=str(hold))
        case "wrong_state", "refunded" if kind == TransferKind.CREDIT_REFUND:
            raise AlreadyRefunded("hold", hold=str(hold))
        case "wrong_state", state if kind == TransferKind.CREDIT_REFUND:
            raise HoldNotCaptured("hold", hold=str(hold), state=state)
        case "wrong_state", state:
            if kind == TransferKind.CAPTURE and state == "released":
                # Also logged: the caller's transaction, and the record with it, may be rolled back because of this
                # refusal.
                log.warning(
                    "Late capture refused: hold %s of organisation %s was released.", hold, request.organisation
                )
            raise HoldAlreadyResolved("hold", hold=str(hold), state=state)
    raise refusal(answer, request)


def _resolve(
    kind: TransferKind, *, organisation: UUID, hold: UUID, key: str, reason: str | Fact, now: datetime
) -> HoldResolved:
    request = asked_to_resolve(kind=kind, organisation=organisation, hold=hold, key=key, reason=reason, now=now)
    answer = database().resolve_hold(request, hold=hold, kind=kind.value, expired_at=None)
    return hold_resolved(answer, request, kind=kind, hold=hold)


def capture(*, organisation: UUID, hold: UUID, key: str, reason: str | Fact, now: datetime) -> HoldResolved:
    """Spends the whole hold. Raises HoldNotFound, HoldAlreadyResolved, KeyReused, InvalidRequest."""
    return _resolve(TransferKind.CAPTURE, organisation=organisation, hold=hold, key=key, reason=reason, now=now)


def release(*, organisation: UUID, hold: UUID, key: str, reason: str | Fact, now: datetime) -> HoldResolved:
    """Gives the whole hold back to the lots it was drawn from. Raises HoldNotFound, HoldAlreadyResolved, KeyReused,
    InvalidRequest."""
    return _resolve(TransferKind.RELEASE, organisation=organisation, hold=hold, key=key, reason=reason, now=now)


def credit_refund(*, organisation: UUID, hold: UUID, key: str, reason: str | Fact, now: datetime) -> HoldResolved:
    """Gives captured credits back, once, to the lots they came from (docs/policies.md: a completed run found faulty
    later).

    Raises HoldNotFound, AlreadyRefunded, HoldNotCaptured, KeyReused, InvalidRequest.
    """
    return _resolve(TransferKind.CREDIT_REFUND, organisation=organisation, hold=hold, key=key, reason=reason, now=now)


def extend_hold(*, organisation: UUID, hold: UUID, deadline_at: datetime, now: datetime) -> None:
    """Moves the deadline of a hold that is still held to a later time; an earlier one changes nothing. Moves no credit:
    needs no key.

    Raises HoldNotFound, HoldAlreadyResolved, InvalidDeadline, InvalidRequest.
    """
    checked_id(organisation, what="organisation")
    checked_id(hold, what="hold")
    checked_deadline(deadline_at, now=now)
    answer = database().extend_hold(organisation=organisation, hold=hold, deadline_at=deadline_at)
    match answer.outcome:
        case "done":
            return
        case "wrong_state":
            raise HoldAlreadyResolved("hold", hold=str(hold), state=answer.state)
    raise HoldNotFound("no_hold", hold=str(hold))
