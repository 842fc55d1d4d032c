"""Memory that a long reading has let go of, given back to the system."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable
from functools import cache

import pyarrow as pa


def give_back() -> None:
    """Pages without anything on them, which the C library keeps for what may come: texts of all lengths come and go
    between what stays. Takes some milliseconds. Before processes are forked it is worth most, for each of them would
    hold those pages as long as it lives."""
    pa.default_memory_pool().release_unused()
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """glibc's own; other C libraries have none."""
    with contextlib.suppress(OSError, AttributeError):
        return ctypes.CDLL(None).malloc_trim
    return None
