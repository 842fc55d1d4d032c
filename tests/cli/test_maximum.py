"""Maximum from the command line: tried on the tickets before it is ordered, and asked about once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from otai.cli.main import app
from otai.db import utc_now
from otai.pricing.price_book import Tier
from otai.runs.models import Run
from otai.runs.operations import NoGainExpected
from tests import stories

pytestmark = pytest.mark.django_db

TRAIN = ("train", "support", "--mode", "maximum", "--yes", "--detach", "--org", "acme")


@pytest.fixture
def now() -> datetime:
    return utc_now()


def test_yes_alone_orders_no_maximum_that_is_not_expected_to_gain(
    now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.runs.readiness.require", lambda mode: None)
    monkeypatch.setattr("otai.cli.training.require_installation", lambda: None)
    acme = stories.acme(now, tier=Tier.ENTERPRISE)
    stories.maximum_tried(stories.tickets_of(acme, tmp_path, now), now, queue=0.0)
    refused = CliRunner().invoke(app, TRAIN)
    assert isinstance(refused.exception, NoGainExpected) and "no better than Business" in refused.output
    assert Run.objects.count() == 0
    ordered = CliRunner().invoke(app, [*TRAIN, "--accept-no-gain"], catch_exceptions=False)
    assert Run.objects.get().mode == "maximum", ordered.output
