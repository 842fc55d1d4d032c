"""What people change about a run that was ordered: cancel it, give its credits back."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from otai.db import one_transaction
from otai.errors import Invalid, NotFound, Refused
from otai.ledger import operations as ledger
from otai.ledger.operations import AlreadyRefunded
from otai.orgs.models import Organisation
from otai.pricing.settlement import Ending
from otai.runs.events import record
from otai.runs.models import Attempt, Run
from otai.runs.operations.approvals import refuse
from otai.runs.operations.moves import AttemptOutcome, settle_run
from otai.runs.status import ENDED, Approval, RunOccurrence, RunStatus
from otai.words.sentences import Fact


class RunHasEnded(Refused):
    code = "run_has_ended"


@one_transaction
def cancel_run(*, organisation: Organisation, number: int, who: str, now: datetime) -> Run:
    """Cancels the run and gives its credits back, whatever a worker is doing with it: the worker finds out at its next
    heartbeat. An order that waits for approval is withdrawn.

    Raises NotFound and RunHasEnded.
    """
    run = Run.objects.select_for_update(no_key=True).filter(organisation=organisation, number=number).first()
    if run is None:
        raise NotFound("run", number=number)
    if run.status in ENDED:
        raise RunHasEnded("run", number=number, status=run.status)
    Attempt.objects.filter(run=run, number=run.attempt, ended_at__isnull=True).update(
        ended_at=now, outcome=Ending.CANCELLED.value
    )
    if run.status == RunStatus.AWAITING_APPROVAL:
        refuse(run, as_=Approval.WITHDRAWN, who=who, now=now)
    else:
        settle_run(run, outcome=AttemptOutcome(Ending.CANCELLED), who=who, now=now)
    return run


class RunNotCharged(Refused):
    code = "run_not_charged"


@one_transaction
def refund_run(*, organisation: Organisation, number: int, why: str, who: str, now: datetime) -> Run:
    """Gives back the credits of a completed run found faulty, to the lots they came from, once (docs/policies.md,
    "Charging a run").

    Raises NotFound, RunNotCharged, AlreadyRefunded, and Invalid without a reason.
    """
    if not why.strip():
        raise Invalid("why", field="why", code="reason_missing")
    run = Run.objects.select_for_update(no_key=True).filter(organisation=organisation, number=number).first()
    if run is None:
        raise NotFound("run", number=number)
    if run.status != RunStatus.COMPLETED:
        raise RunNotCharged("run", number=number, status=run.status)
    if run.guarantee_id is not None:
        raise RunNotCharged("included", number=number, guarantee=str(run.guarantee_id))
    if run.events.filter(move__in=RunOccurrence.CREDITS_REFUNDED.stored_as).exists():
        raise AlreadyRefunded("run", credits=run.credits, number=number)
    ledger.credit_refund(
        organisation=organisation.id,
        hold=run.hold,
        key=f"refund:{run.id}",
        reason=Fact("moved_why.run_refunded", {"run": number, "why": why}),
        now=now,
    )
    record(run, move=RunOccurrence.CREDITS_REFUNDED, who=who, why=why, now=now, credits=run.credits)
    return run


def refund_of_hold(*, hold: UUID, who: str, why: str, now: datetime) -> bool:
    """Whether a hold is a run's; its credits are given back then as the run's rules have it. Raises what `refund_run`
    raises."""
    run = Run.objects.select_related("organisation").filter(hold=hold).first()
    if run is None:
        return False
    refund_run(organisation=run.organisation, number=run.number, why=why, who=who, now=now)
    return True
