"""Imports of tables wait for the fixtures: this file is read before Django is set up."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def moment() -> datetime:
    """The present: the API's clock is the real one."""
    return datetime.now(tz=UTC)


@pytest.fixture
def acme(db: None, moment: datetime) -> Any:
    from otai.pricing.price_book import Tier
    from tests import stories

    return stories.acme(moment, tier=Tier.PRO)


@pytest.fixture
def globex(db: None, moment: datetime) -> Any:
    from tests import stories

    return stories.globex(moment)


@pytest.fixture
def alice(acme: Any) -> Any:
    """Acme's program, with every scope."""
    from tests.api.callers import Program

    return Program(acme)


@pytest.fixture
def carol(globex: Any) -> Any:
    """Globex's program, with every scope."""
    from tests.api.callers import Program

    return Program(globex)


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    from tests import stories

    return stories.write_tickets(tmp_path / "support.csv")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real model, trained once."""
    from otai.learning.recipes import recipe_for
    from otai.learning.training import train
    from tests.learning.made_up import QUEUE, made_up_tickets

    path = tmp_path_factory.mktemp("bundle") / "queue.otai"
    trained = train(made_up_tickets(120), [QUEUE], recipe_for("basic"))
    trained.bundle.save(path)
    path.with_suffix(".json").write_text(trained.report_card.to_json())
    return path
