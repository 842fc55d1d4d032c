"""`otai webhooks`: an operator adds an endpoint, tries it, and reads the log."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from otai.orgs.models import Organisation
from otai.outbound.models import Endpoint
from tests.outbound.receiver import Receiver

pytestmark = pytest.mark.django_db(transaction=True)


def otai(*arguments: str, code: int = 0) -> Any:
    from otai.cli.main import app

    found = CliRunner().invoke(app, ["webhooks", *arguments])
    assert found.exit_code == code, (found.output, found.exception)
    return found.output


def test_an_endpoint_is_added_tried_and_removed(acme: Organisation, receiver: Receiver) -> None:
    made = json.loads(otai("add", receiver.url, "--event", "run.completed", "--json"))
    assert made["secret"].startswith("whsec_") and "secret" not in otai("list", "--json")
    assert "It arrived: 200" in otai("test", made["id"])
    assert receiver.verified(0, made["secret"])["type"] == "webhook.test"
    (sent,) = json.loads(otai("log", "--json"))
    assert sent["state"] == "delivered"
    assert "on its way again" in otai("replay", sent["id"])
    rotated = json.loads(otai("rotate", made["id"], "--json"))
    assert rotated["secret"] != made["secret"]
    otai("remove", made["id"])
    assert not Endpoint.objects.exists()
    assert "run.completed" in otai("events")
