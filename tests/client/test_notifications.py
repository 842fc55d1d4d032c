"""What whoever made the key was told, and wants to hear, from another machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from otai.cli.housekeeping import tell
from otai.orgs.operations import create_api_key
from otai.orgs.permissions import Role, Scope
from otai.outbound.models import NotificationChoice
from tests import stories
from tests.client.test_studio import otai, present
from tests.orgs.people import joins, person
from tests.outbound.test_notifications import happens, ordered_by


@pytest.mark.django_db(transaction=True)
def test_alice_reads_what_she_was_told_and_chooses_what_she_hears(
    live_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from otai.cli import remote

    acme = stories.acme(present())
    alice = joins(acme, person("alice"), Role.OWNER, present())
    bob = joins(acme, person("bob"), Role.TRAINER, present())
    made = create_api_key(organisation=acme, name="laptop", scopes=list(Scope), who=alice.user.email, now=present())
    monkeypatch.setenv("OTAI_URL", live_server.url)
    monkeypatch.setenv("OTAI_API_KEY", made.secret)
    monkeypatch.setenv("OTAI_LOGIN_FILE", str(tmp_path / "login"))

    happens(ordered_by(alice, tmp_path, present()), "failed", present())
    tell(now=present())
    [told] = json.loads(otai("notifications", "list", "--json"))
    assert told["kind"] == "training_failed"
    assert told["title"] in otai("notifications", "list")

    otai("notifications", "choose", "order_above_limit", "--mail", "daily", "--no-browser", "--above", "25")
    chosen = {one["kind"]: one for one in json.loads(otai("notifications", "choices", "--json"))}["order_above_limit"]
    assert (chosen["mail"], chosen["in_browser"], chosen["above_credits"]) == ("daily", False, 25)
    assert "daily" in otai("notifications", "choices")
    refused = CliRunner().invoke(remote.app, ["notifications", "choose", "order_above_limit", "--mail", "hourly"])
    assert refused.exit_code != 0 and getattr(refused.exception, "code", "") == "invalid_request"
    assert not NotificationChoice.objects.filter(member=bob).exists()
