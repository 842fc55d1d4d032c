"""Stripe's balance in our terms: https://docs.stripe.com/reports/balance-transaction-types, and payouts:
https://docs.stripe.com/payouts/reconciliation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from otai.billing.gateway import MoveKind, MoveSeen, PayoutSeen, PayoutState

_KINDS = {
    **dict.fromkeys(("charge", "payment", "payment_failure_refund", "payment_reversal"), MoveKind.PAYMENT),
    **dict.fromkeys(("refund", "payment_refund", "refund_failure"), MoveKind.REFUND),
    **dict.fromkeys(("stripe_fee", "stripe_fx_fee", "tax_fee"), MoveKind.FEE),
    **dict.fromkeys(("payout", "payout_failure", "payout_cancel"), MoveKind.PAYOUT),
}

_PAYOUT_STATES = {
    "paid": PayoutState.PAID,
    "failed": PayoutState.FAILED,
    "canceled": PayoutState.FAILED,
}


def seen_move(transaction: Mapping[str, Any]) -> MoveSeen:
    """A balance transaction whose `source` is expanded; a type that Stripe added since is OTHER.

    What a dispute takes and gives back is an `adjustment`, and told from others by its source.
    """
    source = transaction.get("source")
    source = source if isinstance(source, Mapping) else {}
    what = str(source.get("object") or "")
    kind = _KINDS.get(str(transaction.get("type") or ""), MoveKind.OTHER)
    if what == "dispute":
        kind = MoveKind.DISPUTE
    # A charge that no PaymentIntent made is of another business of the vendor's: it goes by its own name.
    payment = str(source.get("payment_intent") or source.get("charge") or (what == "charge" and source.get("id")) or "")
    return MoveSeen(
        id=str(transaction["id"]),
        kind=kind,
        cents=int(transaction.get("amount") or 0),
        fee_cents=int(transaction.get("fee") or 0),
        currency=str(transaction.get("currency") or "").upper(),
        at=datetime.fromtimestamp(int(transaction["created"]), tz=UTC),
        payment=payment if what in ("charge", "refund", "dispute") else "",
        subject="" if what == "charge" else str(source.get("id") or ""),
        provider_kind=str(transaction.get("type") or ""),
    )


def seen_balance(balance: Mapping[str, Any]) -> dict[str, int]:
    """Cents by currency, available and pending together: the sum of all balance transactions."""
    found: dict[str, int] = {}
    for part in ("available", "pending"):
        for one in balance.get(part) or ():
            currency = str(one["currency"]).upper()
            found[currency] = found.get(currency, 0) + int(one["amount"])
    return found


def tells_what_it_brought(payout: Mapping[str, Any]) -> bool:
    """Of payouts that somebody asked for by hand Stripe does not say, of others when it has put them together."""
    return bool(payout.get("automatic")) and payout.get("reconciliation_status", "completed") == "completed"


def seen_payout(payout: Mapping[str, Any], brought: tuple[MoveSeen, ...] | None) -> PayoutSeen:
    """A payout and the movements that it pays out; a state that Stripe added since is on its way."""
    return PayoutSeen(
        reference=str(payout["id"]),
        state=_PAYOUT_STATES.get(str(payout.get("status")), PayoutState.ON_ITS_WAY),
        cents=int(payout["amount"]),
        currency=str(payout["currency"]).upper(),
        brought=brought,
    )
