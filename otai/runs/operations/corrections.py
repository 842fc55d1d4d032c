"""What people change about a run that was ordered: cancel it, give its credits back."""

from __future__ import annotations

from datetime import datetime

from otai.db import one_transaction
from otai.errors import Invalid, NotFound, Refused
from otai.ledger import operations as ledger
from otai.ledger.operations import AlreadyRefunded
from otai.orgs.models import Organisation
from otai.pricing.settlement import Ending
from otai.runs.events import record
from otai.runs.models import Attempt, Run
from otai.runs.operations.moves import AttemptOutcome, settle_run
from otai.runs.status import ENDED, RunStatus


class RunHasEnded(Refused):
    code = "run_has_ended"


@one_transaction
def cancel_run(*, organisation: Organisation, number: int, who: str, now: datetime) -> Run:
    """Cancels the run and gives its credits back, whatever a worker is doing with it: the worker finds out at its next heartbeat.

    Raises NotFound and RunHasEnded.
    """
    run = Run.objects.select_for_update(no_key=True).filter(organisation=organisation, number=number).first()
    if run is None:
        raise NotFound(f"There is no run {number}.", number=number)
    if run.status in ENDED:
        raise RunHasEnded(
            f"Run {number} has ended already ({run.status}); there is nothing to cancel.", status=run.status
        )
    Attempt.objects.filter(run=run, number=run.attempt, ended_at__isnull=True).update(
        ended_at=now, outcome=Ending.CANCELLED.value
    )
    settle_run(run, outcome=AttemptOutcome(Ending.CANCELLED), who=who, now=now)
    return run


REFUNDED = "credits refunded"


class RunNotCharged(Refused):
    code = "run_not_charged"


@one_transaction
def refund_run(*, organisation: Organisation, number: int, why: str, who: str, now: datetime) -> Run:
    """Gives back the credits of a completed run found faulty, to the lots they came from, once (policies.md, "Charging a run").

    Raises NotFound, RunNotCharged and AlreadyRefunded.
    """
    if not why.strip():
        raise Invalid("A credit refund needs a reason.", code="reason_missing", field="why")
    run = Run.objects.select_for_update(no_key=True).filter(organisation=organisation, number=number).first()
    if run is None:
        raise NotFound(f"There is no run {number}.", number=number)
    if run.status != RunStatus.COMPLETED:
        raise RunNotCharged(f"Run {number} is {run.status}: it was not charged, so there is nothing to refund.")
    if run.guarantee_id is not None:
        raise RunNotCharged(
            f"Run {number} is included in the subscription: the guarantee paid for it, so there is nothing to refund. If the model "
            "is faulty, the improvement run is included as well: otai guarantee show.",
            guarantee=str(run.guarantee_id),
        )
    if run.events.filter(move=REFUNDED).exists():
        raise AlreadyRefunded(f"The {run.credits} credits of run {number} were given back already.", number=number)
    ledger.credit_refund(
        organisation=organisation.id, hold=run.hold, key=f"refund:{run.id}", reason=f"Run {number}: {why}", now=now
    )
    record(run, move=REFUNDED, who=who, why=why, now=now, credits=run.credits)
    return run
