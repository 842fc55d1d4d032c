"""After labels were renamed at no cost a model answers with the new names at every door."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from typer.testing import CliRunner

from otai.cli.main import app
from otai.learning.model.bundle import Bundle
from otai.serving import advice, feedback, http, queries
from tests import stories

if TYPE_CHECKING:
    from django.test import Client

    from otai.orgs.models import Organisation
    from otai.serving.models import ModelVersion
    from otai.tickets.models import DataSet
    from tests.api.callers import Program

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.pure]

VPN = "my vpn drops every minute"


@pytest.fixture
def acme(transactional_db: None, now: datetime) -> Organisation:
    return stories.acme(now)


@pytest.fixture
def renamed(acme: Organisation, support: DataSet, version: ModelVersion, now: datetime) -> ModelVersion:
    """Alice calls the network infrastructure now, and takes the free advice to use the name."""
    feedback.map_labels(data_set=support, mapping={"queue": {"network": "infrastructure"}}, by="alice", now=now)
    [found] = advice.check(organisation=acme, name="support", now=now)
    assert advice.follow(organisation=acme, id=found.id, who="alice", now=now) is None
    return queries.version(acme, "support")


@pytest.fixture
def otai(renamed: ModelVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, [*words, "--org", "acme"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    return run


def queue_of(text: str) -> str:
    [label] = json.loads(text)["attributes"]["queue"]["labels"]
    return str(label)


def test_commands_exports_and_a_served_model_use_the_name(
    otai: Callable[..., str], renamed: ModelVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert queries.predict(renamed, [VPN])[0]["queue"].label == "infrastructure"
    assert queue_of(otai("predict", "support", VPN, "--json")) == "infrastructure"
    (tmp_path / "june.csv").write_text(f"subject,body\n{VPN},since today\n")
    otai("predict", "support", "--in", "june.csv", "--out", "routed.csv")
    [row] = csv.DictReader((tmp_path / "routed.csv").open())
    assert row["queue"] == "infrastructure"
    exported = json.loads(otai("model", "export", "support", "here.otai", "--json"))
    taken = Bundle.load(tmp_path / "here.otai")
    assert taken.predict([VPN])[0]["queue"].label == "infrastructure"
    assert exported["bytes"] == (tmp_path / "here.otai").stat().st_size
    served: list[Any] = []

    class Granian:
        def __init__(self, *given: Any, **more: Any) -> None:
            """As the server is called."""

        def serve(self) -> None:
            served.append(http.application())

    monkeypatch.setattr("granian.Granian", Granian)
    for name in (http.BUNDLE_VARIABLE, http.NAME_VARIABLE):
        monkeypatch.setenv(name, "")
    otai("serve", "support")
    [server] = served
    labels = {one.spec.name: one.labels for one in server.bundle.attributes}
    assert "infrastructure" in labels["queue"] and "network" not in labels["queue"]
    assert not Path(os.environ[http.BUNDLE_VARIABLE]).exists()


def test_downloads_carry_the_name_and_say_their_own_checksum(
    renamed: ModelVersion, alice: Client, program: Program, tmp_path: Path
) -> None:
    page = reverse("web:download_version", args=["acme", renamed.model_id, renamed.number])
    of_version = f"/models/{renamed.model.name}/versions/{renamed.number}"
    by_browser = alice.get(page)
    by_api = program.call("GET", f"{of_version}/bundle")
    for answer, said in ((by_browser, by_browser["X-Content-SHA256"]), (by_api, by_api["ETag"].strip('"'))):
        content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        assert hashlib.sha256(content).hexdigest() == said != renamed.bundle_sha256
        (tmp_path / "taken.otai").write_bytes(content)
        assert Bundle.load(tmp_path / "taken.otai").predict([VPN])[0]["queue"].label == "infrastructure"
        _status, told = program.get(of_version)
        assert (told["sha256"], told["bytes"]) == (said, len(content))
    exported = queries.export(renamed, tmp_path / "exported.otai")
    assert exported.read_bytes() == (tmp_path / "taken.otai").read_bytes()


def test_a_model_without_new_names_is_sent_as_it_was_trained(version: ModelVersion, alice: Client) -> None:
    answer = alice.get(reverse("web:download_version", args=["acme", version.model_id, version.number]))
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert hashlib.sha256(content).hexdigest() == answer["X-Content-SHA256"] == version.bundle_sha256


def test_a_file_exported_before_keeps_what_it_learnt(version: ModelVersion, tmp_path: Path) -> None:
    before = queries.export(version, tmp_path / "before.otai")
    version.renamed = {"queue": {"network": "infrastructure", "billing": "network"}}
    after = queries.export(version, tmp_path / "after.otai")
    said, since = (Bundle.load(path).predict([VPN, "invoice wrong amount"]) for path in (before, after))
    assert [one["queue"].label for one in said] == ["network", "billing"]
    assert [one["queue"].label for one in since] == ["infrastructure", "network"]
    assert [one["queue"].confidence for one in said] == [one["queue"].confidence for one in since]
