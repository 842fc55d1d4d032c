"""When the database is away: restarted, unreachable, full or locked. Work goes on, and what must be written is written
once it answers."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)

DATABASE_AWAY = (OperationalError, InterfaceError)
"""What Django raises when the server, the network or the disk below it is the trouble, and not the statement."""

first_pause_seconds = 0.2
longest_pause_seconds = 5.0

T = TypeVar("T")


def forget_connection() -> None:
    """The connection may be dead without knowing it; the next statement opens another."""
    with contextlib.suppress(DatabaseError, InterfaceError):
        connection.close()


def pause_seconds(failed: int) -> float:
    """How long to wait after so many failures in a row: twice as long each time, up to a bound."""
    return float(min(longest_pause_seconds, first_pause_seconds * 2 ** min(failed, 10)))


def once_it_answers(action: Callable[[], T], *, what: str, give_up: Callable[[], bool] = lambda: False) -> T:
    """The value of `action`, tried until the database answers. Raises its last error once `give_up()` is true.

    An action whose acknowledgement was lost in mid-commit is done a second time: it must find out by itself that it was
    done.
    """
    failed = 0
    while True:
        try:
            return action()
        except DATABASE_AWAY as error:
            forget_connection()
            if give_up():
                raise
            if failed == 0:
                log.warning("the database is away (%s): %s waits for it", str(error).strip(), what)
            time.sleep(pause_seconds(failed))
            failed += 1
