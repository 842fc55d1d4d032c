"""Imports of tables wait for the fixtures: this file is read before Django is set up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest


@pytest.fixture
def acme(db: None, now: datetime) -> Any:
    from tests import stories

    return stories.acme(now)


@pytest.fixture
def globex(db: None, now: datetime) -> Any:
    from tests import stories

    return stories.globex(now)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Any]:
    """A customer's own web server, on this machine."""
    from tests.outbound.receiver import Receiver

    settings.OTAI_WEBHOOKS_ALLOW_PRIVATE = True
    with Receiver() as started:
        yield started
