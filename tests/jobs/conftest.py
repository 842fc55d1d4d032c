"""Tables are imported inside the fixtures: pytest reads this file before Django is set up."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from otai.orgs.models import Organisation


@pytest.fixture
def acme(db: None, now: datetime, settings: Any, tmp_path: Path) -> Organisation:
    from otai.orgs.operations import create_organisation

    settings.OTAI_HOME = tmp_path / "home"
    return create_organisation(slug="acme", name="Acme Ltd", time_zone="Europe/Berlin", now=now)


@pytest.fixture
def globex(db: None, now: datetime) -> Organisation:
    from otai.orgs.operations import create_organisation

    return create_organisation(slug="globex", name="Globex", time_zone="UTC", now=now)
