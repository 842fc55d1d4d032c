from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet

from otai.errors import NotFound
from otai.orgs.models import Organisation
from otai.runs.models import Event, Run
from otai.runs.status import OPEN


def runs(organisation: Organisation) -> QuerySet[Run]:
    """Newest first."""
    return Run.objects.filter(organisation=organisation).select_related("data_set").order_by("-number")


def run(organisation: Organisation, number: int) -> Run:
    """Raises NotFound, also for another organisation's run."""
    found = runs(organisation).filter(number=number).first()
    if found is None:
        raise NotFound(f"There is no run {number}. `otai runs list` shows those that exist.", number=number)
    return found


def events(run: Run) -> QuerySet[Event]:
    """What happened to the run, oldest first."""
    return run.events.order_by("id")


def still_working(hold_references: Sequence[str]) -> set[str]:
    """Those of the holds' references whose run has not ended: what the ledger's sweep must leave alone."""
    ids = {}
    for reference in hold_references:
        kind, _, key = reference.partition(":")
        if kind == "run":
            ids[UUID(key)] = reference
    return {
        ids[found] for found in Run.objects.filter(id__in=ids, status__in=sorted(OPEN)).values_list("id", flat=True)
    }
