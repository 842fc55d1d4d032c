"""The connections to PostgreSQL of a server's process: one bounded pool (psycopg's own) for all of its threads."""

from __future__ import annotations

from typing import Any

from django.db import connection

beside_pages = 3
"""Live events, the probes, and the jobs that are followed here."""
seconds_to_wait = 5.0
"""For a connection, where all are in use or the database does not answer; then the door says that it is busy."""
seconds_idle = 60.0
"""After that one connection more than is needed is closed."""


def share_connections(*, most: int) -> None:
    """From now on this process's threads take a connection from a pool of at most `most` for each piece of work, and
    give it back after it (`otai.db.give_back_connection`; Django does so after each request).

    Called before other threads ask anything. Nothing changes on SQLite, with `most` 0, and where connections are not
    kept at all (`OTAI_DATABASE_CONN_MAX_AGE` 0). For the server alone: a command or a worker has one connection, and
    forks, which a pool's threads would not survive.
    """
    ours: dict[str, Any] = connection.settings_dict
    kept_seconds = ours["CONN_MAX_AGE"]
    if connection.vendor != "postgresql" or not most or not kept_seconds:
        return
    connection.close()
    ours["CONN_MAX_AGE"] = 0
    ours["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": most,
        "timeout": seconds_to_wait,
        "max_idle": seconds_idle,
        "max_lifetime": float(kept_seconds),
        "name": "otai",
    }


def close_shared() -> None:
    """This process ends: its connections are closed, rather than left for the database to find out."""
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined]
