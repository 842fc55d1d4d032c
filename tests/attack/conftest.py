"""Each test here is an attack: the marker is theirs by themselves. The Studio is that of tests/doors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.scene import Scene
from tests.doors.conftest import blank, open_studio, the_name_leads_here
from tests.doors.production import Blank, in_production

__all__ = ("blank", "open_studio", "the_name_leads_here")

UNBOUNDED = {
    **{f"OTAI_{what}_PER_MINUTE": "100000" for what in ("API_REQUESTS", "PAGES", "COSTLY_PAGES")},
    "OTAI_PAGES_PER_MINUTE_OF_ADDRESS": "100000",
    "OTAI_DESK_SECOND_FACTOR": "0",
}
"""What bounds requests has tests of its own; and an operator's session is theft enough."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.attack)


@pytest.fixture(scope="session")
def attacked(blank: Blank) -> Iterator[Scene]:
    """A Studio behind TLS, with a worker, and what stands in tests/attack/scene.py: for all attacks that do not say
    what must be left of it."""
    with in_production(*blank.new(), worker=True, settings=UNBOUNDED) as studio:
        yield Scene.made(studio)
