"""Life cycles of billing: which moves there are. Pure; `operations` applies them with a compare-and-swap.

Subscription (the tier itself is a column beside the status):

    FREE -> PAID        a paid tier's first month is paid
    FREE -> UNPAID      an operator signs the customer up in a paid tier before the first payment
    PAID -> UNPAID      a paid month ended and the next is not paid yet: the tier stays in force for the grace time
    UNPAID -> PAID      the payment came
    UNPAID -> FREE      the grace time ended, or the customer cancelled: Community
    PAID -> FREE        the payment of the month was taken back: Community
    PAID -> ENDING      cancelled, or a lower tier chosen: takes effect when the paid month ends
    ENDING -> PAID      the customer changed their mind in time
    ENDING -> FREE      the paid month ended: Community
    ENDING -> UNPAID    the paid month ended: the lower paid tier begins
"""

from __future__ import annotations

from enum import StrEnum


class SubscriptionStatus(StrEnum):
    FREE = "free"
    PAID = "paid"
    UNPAID = "unpaid"
    ENDING = "ending"


SUBSCRIPTION_MOVES: dict[SubscriptionStatus, frozenset[SubscriptionStatus]] = {
    SubscriptionStatus.FREE: frozenset({SubscriptionStatus.PAID, SubscriptionStatus.UNPAID}),
    SubscriptionStatus.PAID: frozenset({SubscriptionStatus.UNPAID, SubscriptionStatus.ENDING, SubscriptionStatus.FREE}),
    SubscriptionStatus.UNPAID: frozenset({SubscriptionStatus.PAID, SubscriptionStatus.FREE}),
    SubscriptionStatus.ENDING: frozenset({SubscriptionStatus.PAID, SubscriptionStatus.FREE, SubscriptionStatus.UNPAID}),
}


class PurchaseStatus(StrEnum):
    """A purchase of a package or of a paid month:

    OPEN -> PROCESSING       the provider has taken the payment on, and its outcome comes later (SEPA debit)
    OPEN | PROCESSING -> PART_PAID     less came than was asked for
    OPEN | PROCESSING | PART_PAID -> PAID        confirmed in full: what was bought is delivered in the same transaction
    PROCESSING -> OPEN       the attempt failed; another can be made
    OPEN | PROCESSING | PART_PAID -> CANCELLED   by the customer, an operator, or because its time to pay ran out
    CANCELLED -> PAID        the full amount came all the same: who paid gets what they paid for
    PAID -> REFUNDED         an operator paid unused credits back (all or some: the payment refund says how many)
    PAID | REFUNDED -> DISPUTED                  the payer's bank asks for money back: as much is frozen as it asks for
    DISPUTED -> PAID | REFUNDED                  decided for us, or lost over a part only
    PAID | REFUNDED | DISPUTED -> REVERSED       all of the money is gone: a debit failed late, a dispute was lost,
                                                 or it was refunded at the provider
    REVERSED -> PAID | REFUNDED | DISPUTED       the provider thought again
    """

    OPEN = "open"
    PROCESSING = "processing"
    PART_PAID = "part_paid"
    PAID = "paid"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    REVERSED = "reversed"


PURCHASE_MOVES: dict[PurchaseStatus, frozenset[PurchaseStatus]] = {
    PurchaseStatus.OPEN: frozenset(
        {PurchaseStatus.PROCESSING, PurchaseStatus.PART_PAID, PurchaseStatus.PAID, PurchaseStatus.CANCELLED}
    ),
    PurchaseStatus.PROCESSING: frozenset(
        {PurchaseStatus.OPEN, PurchaseStatus.PART_PAID, PurchaseStatus.PAID, PurchaseStatus.CANCELLED}
    ),
    PurchaseStatus.PART_PAID: frozenset({PurchaseStatus.PAID, PurchaseStatus.CANCELLED}),
    PurchaseStatus.CANCELLED: frozenset({PurchaseStatus.PAID}),
    **{
        status: frozenset(
            {PurchaseStatus.PAID, PurchaseStatus.REFUNDED, PurchaseStatus.DISPUTED, PurchaseStatus.REVERSED}
        )
        - {status}
        for status in (
            PurchaseStatus.PAID,
            PurchaseStatus.REFUNDED,
            PurchaseStatus.DISPUTED,
            PurchaseStatus.REVERSED,
        )
    },
}

AWAITING_PAYMENT = frozenset({PurchaseStatus.OPEN, PurchaseStatus.PROCESSING, PurchaseStatus.PART_PAID})
DELIVERED = frozenset({PurchaseStatus.PAID, PurchaseStatus.REFUNDED, PurchaseStatus.DISPUTED, PurchaseStatus.REVERSED})
"""What was bought has been handed over at some time."""
