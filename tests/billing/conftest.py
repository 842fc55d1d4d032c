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


@pytest.fixture(scope="session")
def stripe_process() -> Iterator[Any]:
    from tests.billing.stripe_server import stripe_double

    with stripe_double() as double:
        yield double


@pytest.fixture
def stripe(stripe_process: Any, settings: Any) -> Iterator[Any]:
    """The real Stripe SDK against a stateful double in its own process; Stripe is offered beside the bank transfer."""
    from tests.billing.stripe_server import WEBHOOK_SECRET

    settings.OTAI_STRIPE_SECRET_KEY = "sk_test_12345"
    settings.OTAI_STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
    settings.OTAI_STRIPE_API_BASE = stripe_process.base
    settings.OTAI_GATEWAYS = [
        "otai.billing.gateways.bank_transfer:BankTransfer",
        "otai.billing.gateways.stripe:Stripe",
    ]
    stripe_process.forget_everything()
    yield stripe_process
