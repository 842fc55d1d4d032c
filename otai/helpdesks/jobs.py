"""What this room leaves to jobs (`otai.jobs`): a look at a helpdesk, and the import of its tickets. Both ask it in a
process of their own that alone is handed the token."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from otai.errors import NotFound
from otai.helpdesks import operations
from otai.helpdesks.asking import allows_private, checked_address
from otai.helpdesks.models import HelpdeskConnection
from otai.helpdesks.problems import HelpdeskRefused, HelpdeskUnavailable, NoTicketsThere
from otai.helpdesks.secrets import token_of
from otai.jobs import operations as jobs
from otai.jobs import queries as job_queries
from otai.jobs.models import Job
from otai.jobs.operations import Asked
from otai.jobs.work import Bounds, JobKind, JobLane, ResultOnly
from otai.orgs.quotas import Quota
from otai.tickets.jobs import (
    Imported,
    base_is_deleted,
    file_harms,
    long_bounds,
    quick_bounds,
    spec_of_import,
)
from otai.tickets.options import ImportOptions
from otai.tickets.problems import DatasetInvalid

_WORK = "otai.helpdesks.work"
REFUSALS = (DatasetInvalid, HelpdeskRefused, HelpdeskUnavailable, NoTicketsThere)
tickets_shown = 10
look_wall_seconds = 60.0
import_wall_seconds = 12 * 3600.0


def look_bounds() -> Bounds:
    """What a look may use: what a preview may, within a minute."""
    return dataclasses.replace(quick_bounds(), wall_seconds=look_wall_seconds)


def import_bounds() -> Bounds:
    """What an import from a helpdesk may use: what one of a file may, and longer by the clock, most of which is the
    helpdesk's."""
    return dataclasses.replace(long_bounds(), wall_seconds=max(import_wall_seconds, float(long_bounds().wall_seconds)))


LOOK = JobKind("helpdesk_look", f"{_WORK}:look", JobLane.AWAY, look_bounds, ResultOnly(), file_harms, reaches_out=True)


IMPORT = JobKind(
    "helpdesk_import",
    f"{_WORK}:read",
    JobLane.AWAY,
    import_bounds,
    Imported(),
    file_harms,
    hindered=base_is_deleted,
    reaches_out=True,
)


def ask_for_look(connection: HelpdeskConnection, *, tickets: int = tickets_shown, who: str, now: datetime) -> Asked:
    """A look at what is there, as `work.look` says; `look_of` has it when it is done. `tickets`: how many to show, 0
    for a test alone. Raises SecretKeyMissing, InvalidHelpdeskAddress, TooManyJobs."""
    asked = jobs.ask(
        organisation=connection.organisation,
        kind=LOOK,
        spec=_spec_of(connection) | {"tickets": tickets},
        subject=connection.name,
        who=who,
        now=now,
        secret=token_of(connection),
    )
    if tickets:
        operations.looked(connection, asked.job.id)
    return asked


def ask_for_import(
    connection: HelpdeskConnection,
    *,
    name: str,
    options: ImportOptions = ImportOptions(),
    changed_since: datetime | None = None,
    who: str,
    now: datetime,
) -> Asked:
    """Reads what the connection says and imports it as a data set of that name, as `tickets.jobs.ask_for_import` does a
    file. `changed_since` (with a zone): only tickets that changed then or later. Raises SecretKeyMissing,
    InvalidHelpdeskAddress, and as that does."""
    spec = _spec_of(connection) | {"changed_since": changed_since.isoformat() if changed_since else None}
    told = spec_of_import(organisation=connection.organisation, name=name, filename=spec["filename"], options=options)
    return jobs.ask(
        organisation=connection.organisation,
        kind=IMPORT,
        spec={**told, **spec},
        subject=connection.name,
        who=who,
        now=now,
        quota=Quota.IMPORTS,
        secret=token_of(connection),
    )


def look_of(job: Job) -> dict[str, Any]:
    """What a look found, as `work.look` says. Raises why it came to nothing."""
    refuse_if_failed(job)
    return dict(job.result or {})


def refuse_if_failed(job: Job) -> None:
    """Raises why the job came to nothing: what the helpdesk or the import refused, or how its process ended."""
    job_queries.refuse_if_failed(job, REFUSALS)


def last_look(connection: HelpdeskConnection) -> Job | None:
    """The job that looked there last; None where nobody did, or it is forgotten."""
    try:
        return job_queries.job_with_id(connection.organisation, connection.looked_by) if connection.looked_by else None
    except NotFound:
        return None


def _spec_of(connection: HelpdeskConnection) -> dict[str, Any]:
    private = allows_private()
    return {
        "connection": str(connection.id),
        "system": connection.system,
        # By the rules of today, not of the day on which it was made.
        "address": checked_address(connection.address, private=private),
        "private": private,
        "queues": sorted(connection.queues),
        "created_since": connection.created_since.isoformat() if connection.created_since else None,
        "fields": sorted(connection.fields),
        "filename": f"{urlsplit(connection.address).hostname}.jsonl",
    }
