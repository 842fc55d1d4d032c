from __future__ import annotations

from datetime import datetime

from django.db.models import Max

from otai.db import one_transaction
from otai.orgs.models import Organisation
from otai.runs.models import Run
from otai.runs.operations import MODEL_DELETED
from otai.runs.status import RunStatus
from otai.serving.models import ModelVersion, TrainedModel
from otai.serving.versions import compare_what_waits


def register_completed_runs(
    *, now: datetime, organisation: Organisation | None = None, among_newest: int | None = None
) -> list[ModelVersion]:
    """A model version for every completed run that has none yet: how news of a training travels up to this room.

    Safe to call at any time and from any number of processes: a run becomes one version, once. A page asks only
    `among_newest` runs of its organisation, which does not take longer with the years; workers ask all.
    """
    unregistered = Run.objects.filter(status=RunStatus.COMPLETED, version__isnull=True).exclude(
        bundle_file=MODEL_DELETED
    )
    if organisation is not None:
        unregistered = unregistered.filter(organisation=organisation)
        if among_newest is not None:
            last = Run.objects.filter(organisation=organisation).aggregate(last=Max("number"))["last"] or 0
            unregistered = unregistered.filter(number__gt=last - among_newest)
    registered = [_register(run, now=now) for run in unregistered.order_by("ended_at", "number")]
    if among_newest is None:
        # Outside of their transactions: two models are loaded and compared, which no page waits for.
        compare_what_waits(now=now)
        for version in registered:
            version.refresh_from_db(fields=["comparison"])
    return registered


@one_transaction
def _register(run: Run, *, now: datetime) -> ModelVersion:
    TrainedModel.objects.get_or_create(
        organisation_id=run.organisation_id, name=run.model_name, defaults={"created_at": now}
    )
    # Versions of one model are numbered one after the other.
    model = TrainedModel.objects.select_for_update(no_key=True).get(
        organisation_id=run.organisation_id, name=run.model_name
    )
    if registered := ModelVersion.objects.filter(run=run).first():
        return registered
    last = model.versions.aggregate(last=Max("number"))["last"] or 0
    return ModelVersion.objects.create(
        model=model,
        number=last + 1,
        run=run,
        bundle_file=run.bundle_file,
        bundle_sha256=run.bundle_sha256,
        bundle_bytes=run.bundle_bytes,
        created_at=now,
    )
