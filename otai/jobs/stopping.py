"""Being told to stop while we follow a job in the foreground: what it left is tidied up before we go."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def told_to_stop_as_exception() -> Iterator[None]:
    """SIGTERM and SIGHUP become SystemExit(128 + SIGNAL) here, as Ctrl-C is KeyboardInterrupt. A process with ways of
    its own to stop keeps them, and only a main thread gets signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _stop(number: int, _frame: FrameType | None) -> None:
    # Once: whoever insists ends us at once, and the next command tidies up.
    signal.signal(number, signal.SIG_DFL)
    raise SystemExit(128 + number)
