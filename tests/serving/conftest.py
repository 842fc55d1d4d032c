from __future__ import annotations

import pytest

from otai.learning.model.bundle import Bundle
from otai.learning.recipes import recipe_for
from otai.learning.training import train
from tests.learning.made_up import PRIORITY, QUEUE, TAGS, made_up_tickets


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """A model of queue, priority and tags, trained once for all tests here."""
    return train(made_up_tickets(300), [QUEUE, PRIORITY, TAGS], recipe_for("basic")).bundle
