"""What customers are mailed of money that goes back, or stays after all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from otai.billing.models import Notice, Purchase, Reversal, ReversalKind, ReversalState
from otai.billing.operations.events import bought, notify


def tell_that_the_tier_ended(
    purchase: Purchase, reversal: Reversal, *, ended: dict[str, str | None], now: datetime
) -> None:
    """A dispute that is lost takes the tier with it, weeks after the mail that told of it."""
    notify(
        organisation=purchase.organisation,
        template="tier_taken_back",
        key=f"tier-taken-back:{purchase.id}:{reversal.id}:{now.isoformat()}",
        context={"bought": bought(purchase), "reference": purchase.reference, **ended},
        now=now,
    )


def tell_what_went_back(
    purchase: Purchase, begun: Sequence[Reversal], *, ended: dict[str, str | None], now: datetime
) -> None:
    """`ended`: what `tier_after` says where a tier ended by it."""
    for reversal in begun:
        if reversal.kind == ReversalKind.REFUND:
            notify(
                organisation=purchase.organisation,
                template="payment_refunded",
                key=f"refunded:{reversal.id}",
                context={
                    "bought": bought(purchase),
                    "reference": purchase.reference,
                    "credits": reversal.withdrawn_credits,
                    "amount_cents": reversal.cents,
                    "currency": reversal.currency,
                    **ended,
                },
                now=now,
            )
            continue
        notify(
            organisation=purchase.organisation,
            template="payment_reversed",
            key=f"reversed:{reversal.id}",
            context={
                "bought": bought(purchase),
                "reference": purchase.reference,
                "withdrawn": reversal.withdrawn_credits,
                "owed_credits": reversal.owed_credits,
                "owed_cents": reversal.owed_gross_cents,
                "currency": purchase.currency,
                # The news of a decision may come with the dispute's own, or instead of it.
                "decided": "yes" if reversal.state == ReversalState.LOST else "",
                **ended,
            },
            now=now,
        )


def tell_that_the_payment_stays(
    purchase: Purchase, stays: Sequence[Reversal], *, credits: int, tier: dict[str, str | None], now: datetime
) -> None:
    """A dispute was decided for us, or a refund made at the provider failed, and the customer had been told of it.
    `credits` are the customer's again; `tier`: what `tier_after` says where one is in force again by it."""
    was_told = set(
        Notice.objects.filter(
            key__in=[f"{word}:{reversal.id}" for reversal in stays for word in ("reversed", "refunded")]
        ).values_list("key", flat=True)
    )
    told = [one for one in stays if {f"reversed:{one.id}", f"refunded:{one.id}"} & was_told]
    for number, reversal in enumerate(told):
        notify(
            organisation=purchase.organisation,
            template="payment_stays",
            key=f"stays:{reversal.id}:{now.isoformat()}",
            context={
                "bought": bought(purchase),
                "reference": purchase.reference,
                "credits": 0 if number else credits,
                "refund_failed": "yes" if reversal.kind == ReversalKind.REFUND else "",
                **({} if number else tier),
            },
            now=now,
        )
