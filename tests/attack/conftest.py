"""Each test here is an attack: the marker is theirs by themselves. The Studio is that of tests/doors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doors.conftest import blank, open_studio, the_name_leads_here

__all__ = ("blank", "open_studio", "the_name_leads_here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.attack)
