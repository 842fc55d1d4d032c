"""The numbers of the front, each an environment variable; docs/settings.md lists them. All are of one server process,
but for the files of one organisation, which are counted over all (otai.orgs.concurrency_limits)."""

from __future__ import annotations

from dataclasses import dataclass, field

from otai.environment import number


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Read when the server's process starts."""

    threads: int = field(default_factory=lambda: number("OTAI_WEB_THREADS"))
    """Pages that are worked on at once, each with a connection to the database meanwhile."""
    waiting: int = field(default_factory=lambda: number("OTAI_WEB_WAITING"))
    """Requests that wait for a thread; one more is told to come back, instead of waiting for longer than anybody
    looks."""

    body_grace_seconds: int = field(default_factory=lambda: number("OTAI_BODY_GRACE_SECONDS"))
    """How long a body may be silent at its beginning; Apache's `mod_reqtimeout` has 20, nginx 60 between any two
    reads."""
    body_least_rate: int = field(default_factory=lambda: number("OTAI_BODY_LEAST_BYTES_PER_SECOND"))
    """After the grace a body arrives at this average rate at least: a telephone at the edge of its cell does."""
    body_most_seconds: int = field(default_factory=lambda: number("OTAI_BODY_MOST_SECONDS"))
    bodies_per_address: int = field(default_factory=lambda: number("OTAI_BODIES_PER_ADDRESS"))
    """Bodies that one network address sends at once. A body is read in milliseconds: a whole company behind one address
    seldom reaches two."""
    bodies_most_bytes: int = field(default_factory=lambda: number("OTAI_BODIES_MOST_BYTES"))
    """Of all forms and documents that are being read or worked on, together. Uploads count by number instead."""
    refused_most_bytes: int = field(default_factory=lambda: number("OTAI_REFUSED_MOST_BYTES"))
    """Of a refused body that is read and thrown away, so that its sender hears the refusal."""
    refused_most_seconds: int = field(default_factory=lambda: number("OTAI_REFUSED_MOST_SECONDS"))
    """For how long; nginx's `lingering_time` is the same."""
    uploads: int = field(default_factory=lambda: number("OTAI_UPLOADS_AT_ONCE"))
    uploads_each: int = field(default_factory=lambda: number("OTAI_UPLOADS_PER_ORGANISATION"))
    """Of these, for one organisation: whoever sends slowly, or nothing at all, leaves places to the others."""
    free_bytes: int = field(default_factory=lambda: number("OTAI_UPLOADS_LEAVE_FREE_BYTES"))
    """What an upload leaves free on the disk: a full one stops everything else."""

    send_seconds: int = field(default_factory=lambda: number("OTAI_SEND_SECONDS"))
    """How long a client may take nothing of its answer before the connection is closed."""
    spool_bytes: int = field(default_factory=lambda: number("OTAI_SPOOL_BYTES"))
    """What an answer may be ahead of the client who reads it; it waits on disk meanwhile, and its thread does something
    else."""

    probe_seconds: int = field(default_factory=lambda: number("OTAI_PROBE_SECONDS"))
    """When the database has not answered by then, `/health/ready` says that it does not."""
