"""Tables are imported inside the fixtures: pytest reads this file before Django is set up. `acme` and `now` are each
file's own."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otai.learning.model.bundle import Bundle
from otai.learning.recipes import recipe_for
from otai.learning.training import train
from tests.learning.made_up import PRIORITY, QUEUE, TAGS, made_up_tickets

if TYPE_CHECKING:
    from django.test import Client

    from otai.orgs.models import Organisation
    from otai.serving.models import ModelVersion
    from otai.tickets.models import DataSet
    from tests.api.callers import Program


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """A model of queue, priority and tags, trained once for all tests here."""
    return train(made_up_tickets(300), [QUEUE, PRIORITY, TAGS], recipe_for("basic")).bundle


@pytest.fixture
def support(acme: Organisation, tmp_path: Path, now: datetime) -> DataSet:
    from tests import stories

    return stories.tickets_of(acme, tmp_path, now)


@pytest.fixture
def version(acme: Organisation, support: DataSet, now: datetime) -> ModelVersion:
    """A model of these tickets in use."""
    from tests.serving.training_here import trained

    return trained(acme, support, now)


@pytest.fixture
def program(acme: Organisation) -> Program:
    from tests.api.callers import Program

    return Program(acme)


@pytest.fixture
def alice(acme: Organisation, now: datetime) -> Client:
    """Her browser, signed in."""
    from otai.orgs.permissions import Role
    from tests.web.visitors import member_of, of

    return of(member_of(acme, "alice", Role.OWNER, now))
