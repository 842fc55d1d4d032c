"""What goes back of a Stripe payment otherwise than by a refund that we sent: disputes, inquiries, and refunds made in
Stripe's dashboard. Asked of Stripe each time; the events only say when to ask.

A refund of ours carries our key in its metadata, and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from otai.billing.gateway import NewsKind, ProviderNews, ReversalOutcome, ReversalSeen
from otai.billing.gateways import stripe as payments

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
        subject=str(refund["id"]),
        outcome=_REFUNDS.get(status, ReversalOutcome.UNKNOWN),
        cents=int(refund.get("amount") or 0),
        currency=str(refund.get("currency") or "").upper(),
        reason=str(refund.get("reason") or "refunded in Stripe's dashboard"),
        provider_state=status,
        is_refund=True,
    )


class StripeWithReversals(payments.Stripe):
    """Stripe with all that goes back: what an installation offers."""

    def reversals(self, reference: str) -> list[ReversalSeen]:
        asked: Any = {"payment_intent": reference, "limit": 100}
        disputes = payments._ask(lambda: payments._client().v1.disputes.list(asked))
        refunds = payments._ask(lambda: payments._client().v1.refunds.list(asked))
        found = [seen_dispute(one.to_dict()) for one in disputes.auto_paging_iter()]
        made = [seen_refund(one.to_dict()) for one in refunds.auto_paging_iter()]
        return [*found, *(one for one in made if one is not None)]

    def news(self, payload: dict[str, Any]) -> ProviderNews:
        known = super().news(payload)
        subject = payload.get("data", {}).get("object", {})
        tells = str(payload.get("type", "")).startswith(_TELLS_OF_A_REVERSAL) and subject.get("payment_intent")
        if not tells:
            return known
        if known.kind is NewsKind.REFUND_FAILED:
            # Of ours, or of one made in the dashboard: then it is asked how the payment's reversals stand.
            return replace(known, reference=str(subject["payment_intent"]))
        return ProviderNews(NewsKind.REVERSAL, str(subject["payment_intent"]), str(subject.get("id", "")))
