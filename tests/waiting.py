"""What comes about a moment later: rows say that a job is done before its files are gone, pages before streams."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def until(look: Callable[[], Any], holds: Callable[[Any], object] = bool, *, seconds: float = 60) -> Any:
    """What `look` finds as soon as it holds; fails with what was found last after so many seconds."""
    end = time.monotonic() + seconds
    while not holds(found := look()):
        assert time.monotonic() < end, f"after {seconds} seconds still {found!r}"
        time.sleep(0.05)
    return found
