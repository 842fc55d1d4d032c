"""What waits for approval, and who decides, from the command line."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from otai.cli.runs import app as runs_app
from otai.cli.team import app as org_app
from otai.runs.approval import OwnOrder
from tests.runs.test_approvals import Team

pytestmark = pytest.mark.django_db


def said_by(app: typer.Typer, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--org", "acme"], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_an_operator_says_what_waits_and_decides(
    now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = Team(now, tmp_path)
    assert "No order waits" in said_by(org_app, "approval", "--none")
    assert "No order waits" in said_by(org_app, "approval")
    assert "Orders above 0 credits wait for approval, at most 3 days" in said_by(
        org_app, "approval", "--above", "0", "--days", "3"
    )
    monkeypatch.setenv("OTAI_ACTOR", "olga")
    own, declined = team.orders("olga"), team.orders()
    assert "waits for approval until" in said_by(runs_app, "show", str(own.number))
    with pytest.raises(OwnOrder):
        said_by(runs_app, "approve", str(own.number))
    assert "is declined" in said_by(runs_app, "decline", str(declined.number), "--why", "not now")
    monkeypatch.setenv("OTAI_ACTOR", "otto")
    monkeypatch.setattr("otai.cli.runs.utc_now", lambda: now)
    approved = json.loads(said_by(runs_app, "approve", str(own.number), "--json"))
    assert (approved["status"], approved["approval"]) == ("queued", "approved")
