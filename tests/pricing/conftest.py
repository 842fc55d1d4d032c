from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from otai.pricing import published, quote


@pytest.fixture(autouse=True)
def nothing_worked_out_before() -> None:
    """Each test works out its prices and reads its books itself: what another test left in a cache proves nothing."""
    quote._price.cache_clear()
    published.read.cache_clear()


@pytest.fixture
def server_far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server whose own clock stands 13 hours ahead of UTC: no rule of ours may read it."""
    monkeypatch.setenv("TZ", "Pacific/Tongatapu")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
