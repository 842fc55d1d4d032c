"""Stripe's balance transactions in our terms: https://docs.stripe.com/reports/balance-transaction-types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from otai.billing.gateway import MoveKind, MoveSeen

_KINDS = {
    **dict.fromkeys(("charge", "payment", "payment_failure_refund", "payment_reversal"), MoveKind.PAYMENT),
    **dict.fromkeys(("refund", "payment_refund", "refund_failure"), MoveKind.REFUND),
    **dict.fromkeys(("stripe_fee", "stripe_fx_fee", "tax_fee"), MoveKind.FEE),
    **dict.fromkeys(("payout", "payout_failure", "payout_cancel"), MoveKind.PAYOUT),
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
