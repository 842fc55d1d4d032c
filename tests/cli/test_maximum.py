"""From the command line: what is tried on the tickets before an order, said with its quote, and asked about once."""

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
from otai.tickets.models import DataSet
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


def test_what_nothing_tells_is_said_with_each_quote_and_tried_for_who_is_asked(
    now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.cli.training.require_installation", lambda: None)
    acme = stories.acme(now)
    support = stories.tickets_of(acme, tmp_path, now)
    tried: list[str] = []

    def a_trial(data_set: DataSet) -> None:
        tried.append(data_set.name)
        stories.told_by_nothing(data_set, now, "priority")

    monkeypatch.setattr("otai.cli.training.try_quality", a_trial)
    quoted = CliRunner().invoke(app, ["quote", "--data-set", "support", "--org", "acme"], catch_exceptions=False)
    assert not tried and "nothing in these texts" not in quoted.output, "nobody is at a terminal"
    monkeypatch.setattr("otai.cli.training.is_asked", lambda **_: True)
    command = ["train", "support", "--detach", "--org", "acme"]
    asked = CliRunner().invoke(app, command, input="n\n")
    assert tried == [support.name] and "priority: nothing in these texts tells it." in asked.output
    assert asked.exit_code == 1 and not Run.objects.exists()
    quoted = CliRunner().invoke(app, ["quote", "--data-set", "support", "--org", "acme"], catch_exceptions=False)
    assert "priority: nothing in these texts tells it." in quoted.output
