"""Short forms for what the ledger's stories do all the time: the arguments that a story is not about have a value
here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from otai.ledger import operations as ledger
from otai.ledger import queries
from otai.ledger.models import LateCapture, LotSource, Transfer

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
_numbers = count(1)


def fresh_key() -> str:
    return f"key-{next(_numbers)}"


def grant(organisation: UUID, credits: Any, **changes: Any) -> ledger.GrantMade:
    request = {
        "source": LotSource.INITIAL,
        "key": fresh_key(),
        "reference": "sign-up",
        "reason": "Welcome",
        "now": NOW,
    }
    return ledger.grant(organisation=organisation, credits=credits, **request | changes)


def hold(organisation: UUID, credits: Any, **changes: Any) -> ledger.HoldPlaced:
    request = {
        "key": fresh_key(),
        "reference": "run:1",
        "reason": "Basic Standard training",
        "deadline_at": NOW + timedelta(hours=8),
        "now": NOW,
    }
    return ledger.place_hold(organisation=organisation, credits=credits, **request | changes)


def capture(organisation: UUID, hold: UUID, **changes: Any) -> ledger.HoldResolved:
    return ledger.capture(
        organisation=organisation, hold=hold, **{"key": fresh_key(), "reason": "", "now": NOW} | changes
    )


def release(organisation: UUID, hold: UUID, **changes: Any) -> ledger.HoldResolved:
    return ledger.release(
        organisation=organisation, hold=hold, **{"key": fresh_key(), "reason": "", "now": NOW} | changes
    )


def credit_refund(organisation: UUID, hold: UUID, **changes: Any) -> ledger.HoldResolved:
    return ledger.credit_refund(
        organisation=organisation, hold=hold, **{"key": fresh_key(), "reason": "", "now": NOW} | changes
    )


def withdraw(organisation: UUID, lot: UUID, credits: Any, **changes: Any) -> ledger.CreditsWithdrawn:
    request = {"key": fresh_key(), "reference": "refund-1", "reason": "Payment refunded", "now": NOW}
    return ledger.withdraw(organisation=organisation, lot=lot, credits=credits, **request | changes)


def balance(organisation: UUID) -> tuple[int, int, int]:
    """(available, held, spent)"""
    found = queries.balance(organisation)
    return found.available, found.held, found.spent


def unspent_by_source(organisation: UUID) -> dict[str, int]:
    return {lot.source: lot.unspent for lot in queries.lots(organisation)}


def rows_written() -> int:
    return Transfer.objects.count() + LateCapture.objects.count()
