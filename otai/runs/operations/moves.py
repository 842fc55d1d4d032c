"""The one way in which a run moves, and what its last move does to its hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from otai.errors import Refused
from otai.ledger import operations as ledger
from otai.ledger.operations import HoldAlreadyResolved
from otai.ledger.references import ReferredTo, reference_to
from otai.pricing.settlement import Ending, settle
from otai.runs.events import record
from otai.runs.guarantee.settlement import included_run_ended, lock_guarantee_of
from otai.runs.models import Run
from otai.runs.operations.less import hold_less
from otai.runs.status import MOVES, RunStatus, status_after
from otai.words.explained import arrow
from otai.words.sentences import Fact


def hold_reference(run: UUID) -> str:
    """How the ledger names a run's hold."""
    return reference_to(ReferredTo.RUN, run)


def move(run: Run, *, to: RunStatus, who: str, why: str | Fact, now: datetime, **changes: Any) -> bool:
    """Moves the run, if it is still where we last saw it and still in the attempt we saw: one compare-and-swap, one
    event.

    False: someone moved it first, and nothing was written.
    """
    was = RunStatus(run.status)
    assert to in MOVES[was], f"{was} -> {to} is no move"
    moved = Run.objects.filter(id=run.id, status=was, attempt=run.attempt).update(status=to, **changes)
    if not moved:
        return False
    for name, value in {"status": to, **changes}.items():
        setattr(run, name, value)
    record(run, move=arrow(was, to), who=who, why=why, now=now, attempt=run.attempt, **{"from": was, "to": to})
    return True


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """How an attempt ended. For COMPLETED with the stored model and its report card, else with the failure's code and
    message."""

    ending: Ending
    bundle_file: str = ""
    bundle_sha256: str = ""
    bundle_bytes: int = 0
    report_card: dict[str, Any] | None = None
    failure_code: str = ""
    failure_message: str = ""
    failure: Mapping[str, Any] = field(default_factory=dict)


class RunMoved(Refused):
    code = "run_moved"


def require_moved(moved: bool, run: Run) -> None:
    """Raises RunMoved where somebody else moved the run first."""
    if not moved:
        raise RunMoved("run", number=run.number)


def said_by(outcome: AttemptOutcome) -> dict[str, Any]:
    """What went wrong, as values of a fact: `failure`, a fact itself, and `said`, the words of the program that failed.
    Whichever there is."""
    values = {"failure": dict(outcome.failure), "said": outcome.failure_message}
    return {name: value for name, value in values.items() if value}


def settle_run(
    run: Run, *, outcome: AttemptOutcome, who: str, now: datetime, told: Fact | None = None, **changes: Any
) -> None:
    """The last move of a run, and with it the resolution of its hold. The caller has the run's row. `told` is what its
    history says of it, where that is more than how the attempt ended."""
    lock_guarantee_of(run)
    back = hold_less(run, outcome.report_card, now=now) if outcome.ending is Ending.COMPLETED else 0
    settlement = settle(held=run.credits, ending=outcome.ending)
    resolve = ledger.capture if settlement.capture else ledger.release
    why = told or Fact(f"run.{outcome.ending}", {"credits": run.credits} | said_by(outcome))
    if back:
        why = Fact("run.business_answers", {"credits": run.credits, "back": back})
    try:
        resolve(
            organisation=run.organisation_id,
            hold=run.hold,
            key=f"settle:{run.id}",
            reason=Fact(f"moved_why.run_{outcome.ending}", {"run": run.number, "credits": run.credits}),
            now=now,
        )
    except HoldAlreadyResolved:
        # Someone gave the credits back by hand while the run was open. It still ends, and never charges them again; the
        # ledger has recorded the late capture for an operator.
        if settlement.capture:
            outcome = AttemptOutcome(Ending.FAILED_SYSTEM, failure_code="hold_released")
        why = Fact("run.hold_gone", {"credits": run.credits} | said_by(outcome))
    moved = move(
        run,
        to=status_after(outcome.ending),
        who=who,
        why=why,
        now=now,
        ended_at=now,
        ending=outcome.ending,
        failure_code=outcome.failure_code,
        failure_message=outcome.failure_message,
        failure=dict(outcome.failure),
        bundle_file=outcome.bundle_file,
        bundle_sha256=outcome.bundle_sha256,
        bundle_bytes=outcome.bundle_bytes,
        report_card=outcome.report_card,
        credits=run.credits,
        hold=run.hold,
        **changes,
    )
    require_moved(moved, run)
    included_run_ended(run, now=now)
