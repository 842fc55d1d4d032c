"""An order that waits for approval: approved, declined, withdrawn, lapsed. One transaction each."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from otai.billing import queries as billing
from otai.db import one_transaction
from otai.errors import Invalid, NotFound, Refused
from otai.orgs.models import Organisation
from otai.orgs.suspension import refuse_suspended
from otai.pricing import quote as pricing
from otai.pricing.price_book import Delivery, Mode
from otai.pricing.settlement import Ending
from otai.runs import readiness
from otai.runs.approval import Approver, require_may_decide, tell_orderer
from otai.runs.models import Run
from otai.runs.operations.moves import AttemptOutcome, move, require_moved, settle_run
from otai.runs.operations.queue_positions import take_place
from otai.runs.status import Approval, RunStatus
from otai.words.sentences import Fact

LAPSING = "approvals"


class ApprovalDecided(Refused):
    """Somebody was faster, or nobody had to be asked."""

    code = "approval_decided"


@one_transaction
def approve_run(*, organisation: Organisation, number: int, by: Approver, now: datetime) -> Run:
    """AWAITING_APPROVAL -> QUEUED: its credits are held since the order, at the order's price; it is due from now on.

    Raises NotFound, ApprovalDecided (also once it lapsed), NotAllowed, OwnOrder, and what `refuse_suspended` and
    `readiness.require` raise.
    """
    run = _waiting(organisation, number)
    require_may_decide(run, by, approving=True)
    refuse_suspended(run.organisation)
    assert run.approval_until is not None
    if now >= run.approval_until:
        raise ApprovalDecided("lapsed", number=number, until=run.approval_until.isoformat())
    mode, delivery = Mode(run.mode), Delivery(run.delivery)
    readiness.require(mode)
    run.queued_at = now
    promise = billing.price_book().promises[mode, delivery]
    run.due_at = pricing.due_at(promise, ordered_at=now, zone=run.organisation.zone)
    take_place(run, now=now)
    placed = ("queued_at", "due_at", "lane", "counts_as_due_at", "rises_at", "place_reasons", "expected_seconds")
    moved = move(
        run,
        to=RunStatus.QUEUED,
        who=by.who[:200],
        why=Fact("run.approved", {"credits": run.credits}),
        now=now,
        approval=Approval.APPROVED,
        approval_by=by.who[:200],
        approval_at=now,
        **{name: getattr(run, name) for name in (*placed, "expected_start_at", "expected_finish_at")},
    )
    require_moved(moved, run)
    tell_orderer(run, now=now)
    return run


@one_transaction
def decline_run(*, organisation: Organisation, number: int, by: Approver, why: str, now: datetime) -> Run:
    """AWAITING_APPROVAL -> CANCELLED, and its credits go back. Whoever ordered reads why.

    Raises NotFound, ApprovalDecided, NotAllowed, and Invalid without a reason.
    """
    run = _waiting(organisation, number)
    require_may_decide(run, by, approving=False)
    why = " ".join(why.split())
    if not why or len(why) > 500:
        raise Invalid("why_declined", field="why", code="reason_missing")
    refuse(run, as_=Approval.DECLINED, who=by.who, why=why, now=now)
    return run


def lapse_approvals(*, now: datetime) -> int:
    """Ends what nobody decided in time, and gives its credits back; returns how many."""
    late = Run.objects.filter(status=RunStatus.AWAITING_APPROVAL, approval_until__lte=now)
    return sum(_lapse(run, now=now) for run in list(late.order_by("approval_until").values_list("id", flat=True)))


@one_transaction
def _lapse(id: UUID, *, now: datetime) -> bool:
    late = Run.objects.select_for_update(of=("self",), no_key=True).select_related("organisation")
    run = late.filter(id=id, status=RunStatus.AWAITING_APPROVAL).first()
    if run is None:
        return False
    refuse(run, as_=Approval.LAPSED, who=LAPSING, now=now)
    return True


def refuse(run: Run, *, as_: Approval, who: str, now: datetime, why: str = "") -> None:
    """An order that waited is trained by nobody. The caller has the run's row."""
    who = who[:200]
    values = {"credits": run.credits} | ({"reason": why} if why else {})
    settle_run(
        run,
        outcome=AttemptOutcome(Ending.CANCELLED),
        who=who,
        now=now,
        told=Fact(f"run.{as_}", values),
        approval=as_,
        approval_by=who,
        approval_at=now,
        approval_why=why,
    )
    tell_orderer(run, now=now)


def _waiting(organisation: Organisation, number: int) -> Run:
    """The run, locked after its organisation: whoever decides must still be a member then. Raises NotFound and
    ApprovalDecided."""
    Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    runs = Run.objects.select_for_update(of=("self",), no_key=True).select_related("organisation", "data_set")
    run = runs.filter(organisation=organisation, number=number).first()
    if run is None:
        raise NotFound("run", number=number)
    if run.status != RunStatus.AWAITING_APPROVAL:
        if run.approval:
            raise ApprovalDecided("decided", number=number, decided_by=run.approval_by)
        raise ApprovalDecided("not_asked", number=number, status=run.status)
    return run
