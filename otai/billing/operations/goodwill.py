"""Credits that operators give: goodwill, and back what a run had captured."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from otai.billing.asked_above import refund_rules
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.events import checked_why, record
from otai.db import one_transaction
from otai.ledger import operations as ledger
from otai.ledger.models import LotSource
from otai.ledger.operations import GrantMade
from otai.orgs.models import Organisation
from otai.words.sentences import Fact


@one_transaction
def give_goodwill(
    *, organisation: Organisation, credits: int, who: str, why: str | Fact, key: str, now: datetime
) -> GrantMade:
    """Credits from an operator, with a reason the customer can read: an operator's words, or what we know. Raises
    InvalidAmount, KeyReused, WhoAndWhyMissing."""
    why = why if isinstance(why, Fact) else checked_why(why)
    made = ledger.grant(
        organisation=organisation.id,
        credits=credits,
        source=LotSource.GOODWILL,
        key=goodwill_key(key),
        reference="goodwill",
        reason=why,
        now=now,
    )
    if not made.replayed:
        record(
            organisation=organisation,
            subject="goodwill",
            subject_id=made.lot,
            move=BillingOccurrence.CREDITS_GIVEN,
            who=who,
            why=why,
            now=now,
            credits=credits,
        )
    return made


def goodwill_key(key: str) -> str:
    """The ledger's key of a gift, by the operator's own."""
    return f"goodwill:{key}"


@one_transaction
def refund_credits(*, organisation: Organisation, hold: UUID, who: str, why: str, now: datetime) -> None:
    """Gives captured credits back to the lots they came from, once (a credit refund). What the credits were for may
    have its own say: the credits of an included run were never the customer's.

    Raises HoldNotFound, HoldNotCaptured, AlreadyRefunded, WhoAndWhyMissing, and what a rule refuses.
    """
    why = checked_why(why)
    if not any(rule(hold=hold, who=who, why=why, now=now) for rule in refund_rules):
        ledger.credit_refund(organisation=organisation.id, hold=hold, key=f"credit-refund:{hold}", reason=why, now=now)
    record(
        organisation=organisation,
        subject="hold",
        subject_id=hold,
        move=BillingOccurrence.CREDITS_REFUNDED,
        who=who,
        why=why,
        now=now,
    )
