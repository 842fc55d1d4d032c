"""A clock that a test sets, for whole programs: Python reads this file first where its folder is in PYTHONPATH.

The file that MOVED_CLOCK names says by how many seconds the clock is ahead. Moved are the product's clock
(`otai.db.utc_now`) and `time.time`, by which the Stripe double dates what it makes and signatures are checked.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import otai.db


def move(ahead: Callable[[], float]) -> None:
    seconds, now = time.time, otai.db.utc_now

    def moved_now() -> datetime:
        return now() + timedelta(seconds=ahead())

    otai.db.utc_now = moved_now
    time.time = lambda: seconds() + ahead()


if clock := os.environ.get("MOVED_CLOCK"):
    file = Path(clock)
    move(lambda: float(file.read_text()))
