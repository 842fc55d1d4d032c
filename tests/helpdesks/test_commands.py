"""`otai helpdesks`, as a helpdesk lead types it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from otai.helpdesks.problems import HelpdeskRefused, InvalidHelpdeskAddress
from tests.helpdesks import story
from tests.helpdesks.conftest import Fake

cli = CliRunner()


def otai_helpdesks(*words: str, token: str = story.TOKEN) -> str:
    from otai.cli.helpdesks import app

    result = cli.invoke(app, list(words), env={"OTAI_HELPDESK_TOKEN": token})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_alice_connects_looks_and_imports(acme: Any, fake: Fake) -> None:
    there = (fake.system, fake.address)
    assert "Network, Printing, Accounts" in otai_helpdesks("check", *there)
    shown = json.loads(otai_helpdesks("preview", *there, "--json"))
    assert [one["text"] for one in shown["tickets"]] == [one.text for one in story.tickets()[:10]]
    assert shown["roles"]["single"] == {
        "subject": "title",
        "body": "articles",
        "created": "created_at",
        "ticket": "number",
    }
    looked_at = otai_helpdesks("preview", *there, "--tickets", "2")
    assert story.Told(2).text in looked_at and story.ANSWER not in looked_at and story.ADA not in looked_at

    imported = json.loads(otai_helpdesks("import", *there, "--name", "support", "--json"))
    assert (imported["name"], imported["version"], imported["tickets"]) == ("support", 1, story.TICKETS)
    learnt = {one["name"] for one in imported["roles"]["attributes"]}
    assert {"group", "priority"} <= learnt
    since = story.Told(story.TICKETS).changed_at.strftime("%Y-%m-%dT%H:%M:%S")
    again = ("import", *there, "--name", "support", "--add", "--changed-since", since)
    # What is there already comes in once.
    assert f"support v2: {story.TICKETS} tickets" in otai_helpdesks(*again)


def test_nothing_is_imported_where_nothing_is_read(acme: Any, fake: Fake, settings: Any) -> None:
    from otai.cli.helpdesks import NoTicketsThere
    from otai.tickets.models import DataSet

    there = ("import", fake.system, fake.address, "--name", "support")
    with pytest.raises(NoTicketsThere):
        otai_helpdesks(*there, "--queue", "Sales")
    with pytest.raises(HelpdeskRefused):
        otai_helpdesks(*there, token="another")
    settings.OTAI_WEBHOOKS_ALLOW_PRIVATE = False
    with pytest.raises(InvalidHelpdeskAddress):
        otai_helpdesks(*there)
    assert not DataSet.objects.exists()


def test_alice_keeps_a_helpdesk_and_reads_it_by_its_name(acme: Any, fake: Fake) -> None:
    assert "zammad is connected" in otai_helpdesks("connect", fake.system, fake.address, "--name", "zammad")
    [kept] = json.loads(otai_helpdesks("list", "--json"))
    assert kept["address"] == fake.address and story.TOKEN not in str(kept)
    otai_helpdesks("change", "zammad", "--queue", "Network", "--rename", "network")
    looked = json.loads(otai_helpdesks("look", "network", "--json"))
    assert looked["labels"]["group"] == list(story.QUEUES) and len(looked["tickets"]) == 10
    assert {one["fields"]["group"] for one in looked["tickets"]} == {"Network"}
    fetched = json.loads(otai_helpdesks("fetch", "network", "--name", "support", "--json"))
    assert fetched["tickets"] == sum(one.queue == "Network" for one in story.tickets())
    assert "its token is gone" in otai_helpdesks("disconnect", "network")
    assert json.loads(otai_helpdesks("list", "--json")) == []
