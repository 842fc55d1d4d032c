from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import translation


@pytest.fixture(autouse=True)
def whoever_comes_next_chose_no_language() -> Iterator[None]:
    """A page leaves its language with the thread; in a test that thread goes on with the next one."""
    yield
    translation.deactivate()
