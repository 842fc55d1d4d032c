from __future__ import annotations

import time
from collections.abc import Iterator

import pytest


@pytest.fixture
def server_far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server whose own clock stands 13 hours ahead of UTC: no rule of ours may read it."""
    monkeypatch.setenv("TZ", "Pacific/Tongatapu")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
