"""What goes back of a Stripe payment otherwise than by a refund that we sent: disputes, inquiries, and refunds made in
Stripe's dashboard. Asked of Stripe each time; the events only say when to ask.

A refund of ours carries our key in its metadata, and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otai.billing.gateway import ReversalOutcome, ReversalSeen

_DISPUTES = {
    # https://docs.stripe.com/api/disputes/object: a warning is an inquiry, for which no money moves.
    "warning_needs_response": ReversalOutcome.INQUIRY,
    "warning_under_review": ReversalOutcome.INQUIRY,
    "warning_closed": ReversalOutcome.INQUIRY_CLOSED,
    "needs_response": ReversalOutcome.OPEN,
    "under_review": ReversalOutcome.OPEN,
    "prevented": ReversalOutcome.WON,
    "won": ReversalOutcome.WON,
    "lost": ReversalOutcome.LOST,
}
_REFUNDS = {
    "pending": ReversalOutcome.LOST,
    "requires_action": ReversalOutcome.LOST,
    "succeeded": ReversalOutcome.LOST,
    "failed": ReversalOutcome.WON,
    "canceled": ReversalOutcome.WON,
}
_TELLS_OF_A_REVERSAL = ("charge.dispute.", "charge.refunded", "charge.refund.", "refund.")


def seen_dispute(dispute: Mapping[str, Any]) -> ReversalSeen:
    """A dispute as Stripe's API returns it; a status that Stripe added since is UNKNOWN."""
    status = str(dispute.get("status") or "")
    return ReversalSeen(
        payment=str(dispute.get("payment_intent") or ""),
        subject=str(dispute["id"]),
        outcome=_DISPUTES.get(status, ReversalOutcome.UNKNOWN),
        cents=int(dispute.get("amount") or 0),
        currency=str(dispute.get("currency") or "").upper(),
        reason=str(dispute.get("reason") or "dispute"),
        provider_state=status,
    )


def seen_refund(refund: Mapping[str, Any]) -> ReversalSeen | None:
    """A refund as Stripe's API returns it; None for one that we sent."""
    if (refund.get("metadata") or {}).get("key"):
        return None
    status = str(refund.get("status") or "")
    return ReversalSeen(
        payment=str(refund.get("payment_intent") or ""),
        subject=str(refund["id"]),
        outcome=_REFUNDS.get(status, ReversalOutcome.UNKNOWN),
        cents=int(refund.get("amount") or 0),
        currency=str(refund.get("currency") or "").upper(),
        reason=str(refund.get("reason") or "refunded in Stripe's dashboard"),
        provider_state=status,
        is_refund=True,
    )


def is_about_a_reversal(kind: str) -> bool:
    """Whether an event of this type tells that money of a payment goes back, or came back."""
    return kind.startswith(_TELLS_OF_A_REVERSAL)
