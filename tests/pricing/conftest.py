from __future__ import annotations

import pytest

from otai.pricing import published, quote


@pytest.fixture(autouse=True)
def nothing_worked_out_before() -> None:
    """Each test works out its prices and reads its books itself: what another test left in a cache proves nothing."""
    quote._price.cache_clear()
    published.read.cache_clear()
