from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db.models import Q, QuerySet

from otai.errors import NotFound
from otai.ledger.references import ReferredTo, read_reference
from otai.orgs.models import Organisation
from otai.runs.models import Event, Pool, RegisteredWorker, Run
from otai.runs.status import OPEN, WORKING, RunStatus


def runs(organisation: Organisation) -> QuerySet[Run]:
    """Newest first."""
    return Run.objects.filter(organisation=organisation).select_related("data_set").order_by("-number")


def run(organisation: Organisation, number: int) -> Run:
    """Raises NotFound, also for another organisation's run."""
    found = runs(organisation).filter(number=number).first()
    if found is None:
        raise NotFound("run", number=number)
    return found


def without_evidence(found: QuerySet[Run]) -> QuerySet[Run]:
    """For lists: a report card may be a hundred times as large as the rest of its run."""
    return found.defer("report_card", "place_reasons", "failure_message")


def recent(organisation: Organisation, count: int) -> QuerySet[Run]:
    """The runs ordered last, newest first, without their report cards."""
    return without_evidence(runs(organisation).defer("data_set__profile", "data_set__roles"))[:count]


def unfinished(organisation: Organisation) -> QuerySet[Run]:
    """Those that wait or train, oldest first: their credits are held."""
    waiting = Q(status__in=[RunStatus.AWAITING_APPROVAL.value, RunStatus.QUEUED.value])
    working = Q(status__in=sorted(WORKING))
    return without_evidence(Run.objects.filter(waiting | working, organisation=organisation)).order_by("number")


def awaiting_approval(organisation: Organisation) -> QuerySet[Run]:
    """Orders that somebody has to decide on, oldest first."""
    found = Run.objects.filter(organisation=organisation, status=RunStatus.AWAITING_APPROVAL)
    return without_evidence(found).order_by("number")


def with_ids(organisation: Organisation, ids: Collection[UUID]) -> QuerySet[Run]:
    """Those of the ids that are the organisation's runs."""
    return without_evidence(Run.objects.filter(organisation=organisation, id__in=ids))


def with_number(organisation: Organisation, number: int) -> Run | None:
    """The organisation's run of that number without its evidence, or None."""
    return without_evidence(Run.objects.filter(organisation=organisation, number=number)).first()


def events(run: Run) -> QuerySet[Event]:
    """What happened to the run, oldest first."""
    return run.events.order_by("id")


def still_working(hold_references: Sequence[str]) -> set[str]:
    """Those of the holds' references whose run has not ended: what the ledger's sweep must leave alone.

    A reference that is not one of ours is left alone as well: nobody here can say that its work is over.
    """
    ids: dict[UUID, str] = {}
    working = set()
    for reference in hold_references:
        about = read_reference(reference)
        if about is None or about.to is not ReferredTo.RUN or about.id is None:
            working.add(reference)
        else:
            ids[about.id] = reference
    found = Run.objects.filter(id__in=ids, status__in=sorted(OPEN)).values_list("id", flat=True)
    return working | {ids[run] for run in found}


def pools() -> QuerySet[Pool]:
    """All pools of the installation, by name."""
    return Pool.objects.order_by("name")


def pool(name: str) -> Pool:
    """Raises NotFound."""
    found = Pool.objects.filter(name=name).first()
    if found is None:
        raise NotFound("no_pool", pool=name)
    return found


def waiting_in(pool: Pool) -> int:
    """How many runs wait that the pool serves; another pool may serve them too."""
    return Run.objects.filter(status=RunStatus.QUEUED, delivery__in=pool.deliveries).count()


def working_in(pool: Pool) -> int:
    """How many runs are being trained in the pool."""
    return Run.objects.filter(status__in=sorted(WORKING), pool=pool.name).count()


def workers(*, every: bool = False) -> QuerySet[RegisteredWorker]:
    """Those at work, or all that ever registered; by pool and name."""
    found = RegisteredWorker.objects.select_related("pool").order_by("pool__name", "name")
    return found if every else found.filter(ended_at__isnull=True)


def workers_at_work(pool: Pool) -> int:
    """How many workers of the pool have registered and not signed off."""
    return RegisteredWorker.objects.filter(pool=pool, ended_at__isnull=True).count()


def run_of_worker(worker: RegisteredWorker) -> Run | None:
    """What the worker trains now."""
    return Run.objects.select_related("organisation").filter(status__in=sorted(WORKING), worker=worker.name).first()
