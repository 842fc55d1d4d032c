"""Monthly credits: the sweep that makes each organisation's grants that are due, exactly once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import DatabaseError

from otai.billing.models import Subscription
from otai.billing.operations.monthly import grant_what_is_due
from otai.billing.operations.renewals import settle_what_ended
from otai.billing.operations.reversals import partly_reversed
from otai.db import one_transaction
from otai.errors import OtaiError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GrantSweep:
    """What one sweep did: `grants` made, `credits` in all, and organisations whose turn failed and comes again."""

    grants: int
    credits: int
    failed: int


def sweep_grants(*, now: datetime) -> GrantSweep:
    """Makes every monthly grant that is due at `now`, also those of missed months, oldest first.

    Any number of processes may run it at any time: the subscription's row is locked for its turn, the count of months
    moves with the grant, and the ledger's key (`monthly:n`) refuses a second one. Each organisation is a transaction of
    its own.
    """
    grants = credits = failed = 0
    due = Subscription.objects.filter(next_grant_at__lte=now).order_by("next_grant_at", "id")
    for id in list(due.values_list("id", flat=True)):
        try:
            # A paid month that ended before the sweep came must not bring one more month of the higher tier's credits.
            _settle(id, now=now)
            made, sum_of_credits = _grant_what_is_due(id, now=now)
        except (OtaiError, DatabaseError):
            # One organisation's trouble must not keep the others waiting; the next sweep tries it again.
            logger.exception("The monthly grant of subscription %s failed.", id)
            failed += 1
            continue
        grants += made
        credits += sum_of_credits
    return GrantSweep(grants, credits, failed)


@one_transaction
def _settle(id: UUID, *, now: datetime) -> None:
    # A transaction of its own: it may issue a credit note, whose series is locked after the ledger's account and never
    # before.
    settle_what_ended(_locked(id), now=now)


def _locked(id: UUID) -> Subscription:
    return Subscription.objects.select_for_update(of=("self",), no_key=True).select_related("organisation").get(id=id)


@one_transaction
def _grant_what_is_due(id: UUID, *, now: datetime) -> tuple[int, int]:
    subscription = _locked(id)
    partly = partly_reversed(subscription.organisation_id)
    return grant_what_is_due(subscription, partly_reversed=partly, now=now)
