"""Transactions, identifiers and clocks that the rooms with tables share."""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import ParamSpec, TypeVar

import uuid_utils.compat
from django.db import OperationalError, close_old_connections, connection, transaction

from otai.errors import Unavailable

log = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")

tries_of_a_transaction = 4
"""Each further try waits a little longer; after the last one the door answers that the database is busy."""
longest_first_pause_seconds = 0.05


def new_id() -> uuid.UUID:
    """A UUIDv7: unique and time-ordered, so that an index on it grows at one end (a random key costs about 4 times the
    WAL)."""
    return uuid_utils.compat.uuid7()


def made_at(id: uuid.UUID) -> datetime:
    """When `new_id` made it, to the millisecond. Raises ValueError for an id that says no time."""
    if id.version != 7:
        raise ValueError(f"{id} is no UUIDv7")
    return datetime.fromtimestamp((id.int >> 80) / 1000, tz=UTC)


def utc_now() -> datetime:
    """The time, for doors and workers. Nothing that decides calls this: decisions are handed their clock."""
    return datetime.now(tz=UTC)


def give_back_connection() -> None:
    """This thread does without the database for a while: what it has of its process's pool is free for others
    (otai/config/pool.py). Without a pool it keeps its own; within a transaction nothing happens."""
    if not connection.in_atomic_block:
        close_old_connections()


def was_given_up_for_another(error: BaseException) -> bool:
    """Whether the database ended this transaction so that another could go on: a deadlock, or a conflict of
    serialisable ones."""
    return getattr(error.__cause__, "sqlstate", None) in ("40P01", "40001")


class DatabaseBusy(Unavailable):
    """The database was kept from answering by others, or does not answer at all. Nothing was changed; `seconds` says
    when to try again."""

    code = "database_busy"


def busy(error: OperationalError) -> DatabaseBusy:
    """What a door answers where the database did not."""
    said = str(error).strip()
    if said.startswith(("no such table", "unable to open database file")):
        return DatabaseBusy("not_set_up", seconds=30)
    log.warning("the database did not answer: %s", said.splitlines()[:1])
    if was_given_up_for_another(error) or getattr(error.__cause__, "sqlstate", None) == "55P03":
        return DatabaseBusy("others", seconds=2)
    return DatabaseBusy("no_answer", seconds=30)


def one_transaction(operation: Callable[Arguments, Returned]) -> Callable[Arguments, Returned]:
    """The operation as one transaction, or as part of the caller's.

    Locks are taken in one order (docs/ledger.md), so that no two wait for each other. Where the database ends it all
    the same in favour of another, nothing of it was written, and it is done again from the beginning, a bounded number
    of times: the operation must touch nothing but the database. Within a caller's transaction the conflict is the
    caller's, who repeats the whole.
    """

    @wraps(operation)
    def in_a_transaction(*arguments: Arguments.args, **named: Arguments.kwargs) -> Returned:
        tries = 1 if connection.in_atomic_block else tries_of_a_transaction
        for number in range(1, tries + 1):
            try:
                with transaction.atomic():
                    return operation(*arguments, **named)
            except OperationalError as error:
                if number == tries or not was_given_up_for_another(error):
                    raise
                log.warning("%s is done again: %s", operation.__qualname__, str(error).splitlines()[0])
                time.sleep(random.uniform(0, longest_first_pause_seconds) * 2**number)  # noqa: S311  no secret
        raise AssertionError("the last try returns or raises")

    return in_a_transaction
