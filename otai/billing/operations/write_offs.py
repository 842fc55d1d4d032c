"""Debts that nobody will pay: written off by an operator, with their VAT."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from otai.billing.models import Reversal, ReversalState, WriteOff
from otai.billing.operations.clock import booked_at
from otai.billing.operations.reversals import settle_owed
from otai.db import new_id, one_transaction
from otai.errors import Refused


class NothingOwed(Refused):
    code = "nothing_owed"


@one_transaction
def write_off_owed(*, reversal: UUID, who: str, why: str, now: datetime) -> WriteOff:
    """Closes what a reversal leaves owed as lost, and corrects its VAT in this month (section 17 UStG). The invoice is
    not corrected: the claim stands, should the customer ever pay.

    Raises NotFound, AlreadySettled, NothingOwed (a debt of no money, or one that is still disputed), WhoAndWhyMissing.
    """
    owing = Reversal.objects.select_for_update(no_key=True).filter(id=reversal).first()
    if owing is not None:
        now = booked_at(owing.organisation_id, now)
    settled = settle_owed(reversal=reversal, who=who, why=why, now=now, is_lost=True)
    assert owing is not None, "what is not there is refused above"
    if owing.owed_gross_cents == 0 or owing.state != ReversalState.LOST:
        raise NothingOwed("reversal", reversal=owing.external_id)
    return WriteOff.objects.create(
        id=new_id(),
        organisation_id=owing.organisation_id,
        purchase_id=owing.purchase_id,
        reversal=settled,
        net_cents=owing.owed_net_cents,
        vat_cents=owing.owed_gross_cents - owing.owed_net_cents,
        gross_cents=owing.owed_gross_cents,
        currency=owing.currency,
        written_off_at=now,
        written_off_by=who,
        reason=settled.settled_why,
    )
