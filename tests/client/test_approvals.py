"""Commands against a Studio elsewhere: an order that waits is approved or declined with a key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from otai.orgs.operations import create_api_key
from otai.orgs.permissions import Scope
from tests.client.test_studio import otai, present
from tests.runs.test_approvals import Team, email


@pytest.mark.django_db(transaction=True)
def test_an_order_is_decided_from_another_machine_by_a_key_of_somebody_else(
    live_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from otai.cli import remote

    team = Team(present(), tmp_path)
    monkeypatch.setenv("OTAI_URL", live_server.url)
    monkeypatch.setenv("OTAI_LOGIN_FILE", str(tmp_path / "login"))

    def with_key_of(name: str, scopes: list[Scope]) -> None:
        made = create_api_key(organisation=team.acme, name=name, scopes=scopes, who=email(name), now=present())
        monkeypatch.setenv("OTAI_API_KEY", made.secret)

    def refused(*words: str) -> str:
        done = CliRunner().invoke(remote.app, list(words))
        assert done.exit_code != 0 and done.exception is not None
        return getattr(done.exception, "code", done.output)

    approved, declined = team.orders(), team.orders()
    decide = ("runs", "approve", str(approved.number)), ("runs", "decline", str(declined.number), "--why", "not now")
    for name, scopes, code in (
        ("olivia", [one for one in Scope if one is not Scope.RUNS_APPROVE], "not_allowed"),
        ("bob", [Scope.RUNS_APPROVE], "own_order"),
    ):
        with_key_of(name, scopes)
        assert refused(*decide[0]) == code
    with_key_of("olivia", [Scope.RUNS_APPROVE])
    assert "is approved" in otai(*decide[0])
    assert json.loads(otai(*decide[1], "--json"))["approval"]["why"] == "not now"
    assert refused(*decide[1]) == "approval_decided"
    approved.refresh_from_db()
    declined.refresh_from_db()
    assert (approved.status, declined.status) == ("queued", "cancelled")
