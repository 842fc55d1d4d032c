"""What a Maximum costs that answers as Business does, where the price book has it cost what Business does."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from otai.ledger import operations as ledger
from otai.ledger.models import Hold
from otai.ledger.operations import HoldAlreadyResolved, InsufficientCredits
from otai.runs.business_answers import price_of_business_answers
from otai.runs.models import Run
from otai.words.sentences import Fact

log = logging.getLogger(__name__)


def hold_less(run: Run, report_card: Mapping[str, Any] | None, *, now: datetime) -> int:
    """Exchanges the hold of a completed run for one of Business's price, within the caller's transaction, before it is
    captured: so the difference goes back to the lots that it came from. Changes `run.hold` and `run.credits`; returns
    how many credits are given back, 0 where the run costs what was held.

    See `price_of_business_answers`.
    """
    price = price_of_business_answers(run, report_card)
    if price is None or price >= run.credits:
        return 0
    try:
        with transaction.atomic():
            held = Hold.objects.get(id=run.hold)
            ledger.release(
                organisation=run.organisation_id,
                hold=run.hold,
                key=f"settle:{run.id}:exchanged",
                reason=Fact("moved_why.business_answers", {"run": run.number}),
                now=now,
            )
            placed = ledger.place_hold(
                organisation=run.organisation_id,
                credits=price,
                key=f"settle:{run.id}:business",
                reference=held.reference,
                reason=Fact("moved_why.business_price", {"run": run.number}),
                deadline_at=now + timedelta(hours=1),
                now=now,
            )
    except (HoldAlreadyResolved, InsufficientCredits) as refused:
        # The hold is as it was: resolving it says what happened to it.
        log.warning("run %s keeps its price: %s", run.number, refused.message)
        return 0
    back = run.credits - price
    run.hold, run.credits = placed.hold, price
    return back
