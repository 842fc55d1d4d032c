"""Keys under which billing asks the ledger for what its reports count again, made and read here alone."""

from __future__ import annotations

from uuid import UUID

MONTHLY = "monthly:"
PAID_BACK = "payment-refund:"


def monthly_key(number: int) -> str:
    """Of the grant of an organisation's month of that number, from 1."""
    return f"{MONTHLY}{number}"


def month_of_key(key: str) -> int:
    """The number that `monthly_key` made the key of."""
    return int(key.removeprefix(MONTHLY))


def paid_back_key(purchase: UUID, part: int) -> str:
    """Of the withdrawal of a purchase's unused credits; those of several lots are parts, from 0."""
    return f"{PAID_BACK}{purchase}:{part}" if part else f"{PAID_BACK}{purchase}"


def purchase_of_key(key: str) -> UUID:
    """The purchase that `paid_back_key` made the key of."""
    return UUID(key.removeprefix(PAID_BACK).partition(":")[0])
