"""Tables are imported inside the fixtures: pytest reads this file before Django is set up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from django.utils import translation

if TYPE_CHECKING:
    from django.test import Client

    from otai.orgs.models import Organisation


@pytest.fixture(autouse=True)
def whoever_comes_next_chose_no_language() -> Iterator[None]:
    """A page leaves its language with the thread; in a test that thread goes on with the next one."""
    yield
    translation.deactivate()


@pytest.fixture
def acme(now: datetime) -> Organisation:
    from tests import stories

    return stories.acme(now)


@pytest.fixture
def alice(acme: Organisation, now: datetime, client: Client) -> Client:
    """Her browser, signed in."""
    from otai.orgs.permissions import Role
    from tests.orgs.people import joins, person

    client.force_login(joins(acme, person("alice"), Role.OWNER, now).user)
    return client
