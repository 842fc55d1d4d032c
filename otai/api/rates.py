"""How often one caller may ask. A sliding window over two counters of a minute each, in Django's cache `rates`.

Counting is one atomic step of the cache, so threads and, with a shared cache, processes cannot slip past each other.
With the one that comes with the product, in memory, each process counts for itself.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import caches

window_seconds = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """`limit` requests in a minute, of which `remaining` are left now; `reset_seconds` until the minute ends."""

    limit: int
    remaining: int
    reset_seconds: int
    exceeded: bool

    def headers(self) -> dict[str, str]:
        """What a client may still send and when it may send more, as headers (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
            "RateLimit-Policy": f"{self.limit};w={window_seconds}",
        }


def count(who: str, *, limit: int | None = None, clock: float | None = None) -> Rate:
    """Counts one request of `who`. A request beyond the limit counts too: who hammers on does not get in sooner."""
    cache = caches["rates"]
    limit = limit or settings.OTAI_API_REQUESTS_PER_MINUTE
    clock = time.time() if clock is None else clock
    window, into = divmod(clock, window_seconds)
    key = f"api-rate:{who}:{window:.0f}"
    if cache.add(key, 1, timeout=2 * window_seconds):
        here = 1
    else:
        try:
            here = cache.incr(key)
        except ValueError:
            # It lapsed between the two steps: a new count begins.
            here = 1
    before = cache.get(f"api-rate:{who}:{window - 1:.0f}", 0)
    # The minute before counts with the share of it that the last 60 seconds still cover.
    used = here + before * (1 - into / window_seconds)
    return Rate(
        limit=limit,
        remaining=max(0, int(limit - used)),
        reset_seconds=max(1, int(window_seconds - into)),
        exceeded=used > limit,
    )
