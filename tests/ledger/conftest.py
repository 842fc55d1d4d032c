"""Alice and Bob of acme, and Carol of globex, who must see nothing of it and for whom nothing changes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest

# Imports of models stand inside the fixtures: pytest reads this file before the database is chosen.


@pytest.fixture
def acme(db: None, now: datetime) -> UUID:
    from otai.orgs.operations import create_organisation

    return create_organisation(slug="acme", name="Acme Ltd", time_zone="Europe/Berlin", now=now).id


@pytest.fixture
def globex(db: None, now: datetime) -> UUID:
    """Carol's organisation, with credits of its own that nobody of acme can touch."""
    from otai.ledger.operations import LotSource, grant
    from otai.orgs.operations import create_organisation

    globex = create_organisation(slug="globex", name="Globex", time_zone="UTC", now=now).id
    grant(
        organisation=globex,
        credits=100,
        source=LotSource.INITIAL,
        key="sign-up",
        reference="pro",
        reason="Welcome",
        now=now,
    )
    return globex
