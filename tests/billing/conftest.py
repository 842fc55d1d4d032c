"""Imports of tables wait for the fixtures: this file is read before Django is set up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest


@pytest.fixture
def acme(db: None, now: datetime) -> Any:
    from tests.billing.people import acme_signs_up

    return acme_signs_up(now)


@pytest.fixture
def globex(db: None, now: datetime) -> Any:
    from tests.billing.people import globex_signs_up

    return globex_signs_up(now)


@pytest.fixture
def fake(settings: Any) -> Iterator[Any]:
    """The fake provider, offered beside the bank transfer."""
    from otai.billing.gateways import gateways

    settings.OTAI_GATEWAYS = ["otai.billing.gateways.bank_transfer:BankTransfer", "otai.billing.testing:FakeGateway"]
    gateway: Any = gateways()["fake"]
    gateway.forget_everything()
    yield gateway
    gateway.forget_everything()
