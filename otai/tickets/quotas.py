"""How much an organisation has of what this room keeps, for `orgs.quotas`."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import Sum

from otai.db import utc_now
from otai.jobs.folders import uploads_folder
from otai.jobs.identity import this_machine
from otai.jobs.models import Job
from otai.jobs.operations import upload_waits_seconds
from otai.orgs.quotas import Quota, counters
from otai.tickets.models import ArrivingUpload, DataSet, UploadWaiting

IMPORTS = ("import", "helpdesk_import")


def stored_bytes(organisation: UUID) -> int:
    """Of the files of all versions."""
    there = DataSet.objects.filter(organisation=organisation, deleted_at__isnull=True)
    return there.aggregate(bytes=Sum("bytes"))["bytes"] or 0


def data_sets(organisation: UUID) -> int:
    """By name, however many versions each has."""
    there = DataSet.objects.filter(organisation=organisation, deleted_at__isnull=True)
    return there.values("name").distinct().count()


def waiting_uploads(organisation: UUID) -> int:
    """Files whose columns nobody has settled yet, on whichever machine: here by what lies here, elsewhere by rows not
    older than such a file becomes; and those that are on their way in parts."""
    here = {folder.name for folder in (uploads_folder() / str(organisation)).glob("*")}
    now = utc_now()
    since = now - timedelta(seconds=upload_waits_seconds)
    rows = UploadWaiting.objects.filter(organisation=organisation, kept_at__gt=since).exclude(machine=this_machine())
    arriving = ArrivingUpload.objects.filter(organisation=organisation, expires_at__gt=now)
    # One that is just being put aside is in both, by the same id.
    elsewhere = {str(id) for some in (rows, arriving) for id in some.values_list("id", flat=True)}
    return len(here | elsewhere)


def imports(organisation: UUID) -> int:
    """Imports that wait or are under way."""
    return Job.objects.filter(organisation=organisation, kind__in=IMPORTS, ended_at__isnull=True).count()


def register() -> None:
    """Once, when the app is ready."""
    counters[Quota.STORAGE].append(stored_bytes)
    counters[Quota.DATA_SETS].append(data_sets)
    counters[Quota.WAITING_UPLOADS].append(waiting_uploads)
    counters[Quota.IMPORTS].append(imports)
