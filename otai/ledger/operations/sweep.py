"""Stranded holds: whose deadline has passed and whose run has ended or vanished without resolving them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from otai.ledger.models import Hold, HoldState, TransferKind
from otai.ledger.operations.holds import asked_to_resolve
from otai.ledger.operations.requests import checked_moment, database, refusal
from otai.words.sentences import Fact

UNSETTLED = Fact("moved_why.unsettled")


@dataclass(frozen=True, slots=True)
class SweepReport:
    """Holds past their deadline: `released` by this sweep, left alone since their run `still_working`, or
    `resolved_meanwhile`."""

    released: int
    still_working: int
    resolved_meanwhile: int


def sweep_stranded_holds(
    *,
    now: datetime,
    still_working: Callable[[Sequence[str]], set[str]],
    reason: str | Fact = UNSETTLED,
    page: int = 200,
) -> SweepReport:
    """Releases every hold whose deadline has passed, unless `still_working` names its reference.

    `still_working` is asked once for each page of references, before their holds are touched. A hold that is resolved
    or extended between that answer and its release stays as it is: the release is a compare-and-swap on state and
    deadline. So a run that starts to work again extends its hold first (`extend_hold`), and goes on only if that
    succeeded.
    """
    checked_moment(now, what="now")
    released = working = resolved = 0
    after: tuple[datetime, object] | None = None
    while True:
        expired = Hold.objects.filter(state=HoldState.HELD, deadline_at__lte=now).order_by("deadline_at", "id")
        if after:
            expired = expired.filter(Q(deadline_at__gt=after[0]) | Q(deadline_at=after[0], id__gt=after[1]))
        holds = list(expired[:page])
        if not holds:
            return SweepReport(released=released, still_working=working, resolved_meanwhile=resolved)
        after = (holds[-1].deadline_at, holds[-1].id)
        at_work = still_working([hold.reference for hold in holds])
        for hold in holds:
            if hold.reference in at_work:
                working += 1
            elif _release_expired(hold, reason=reason, now=now):
                released += 1
            else:
                resolved += 1


def _release_expired(hold: Hold, *, reason: str | Fact, now: datetime) -> bool:
    """True if this call, or the same one before it, released the hold."""
    request = asked_to_resolve(
        kind=TransferKind.RELEASE,
        organisation=hold.organisation_id,
        hold=hold.id,
        key=f"sweep:{hold.id}",
        reason=reason,
        now=now,
    )
    answer = database().resolve_hold(request, hold=hold.id, kind=TransferKind.RELEASE.value, expired_at=now)
    if answer.outcome in ("wrong_state", "extended"):
        return False
    if answer.outcome not in ("done", "replayed"):
        raise refusal(answer, request)
    return True
