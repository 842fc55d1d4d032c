"""Acme's data, from another machine: how long it is kept, all of it in a file, its deletion."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from otai.orgs.models import Organisation
from otai.orgs.operations import create_api_key
from otai.orgs.permissions import Scope
from otai.privacy import exports
from otai.privacy.retention import Periods, periods
from otai.serving.models import TrainedModel
from tests import stories
from tests.api.everything import completed
from tests.client.test_studio import otai, otai_here, present

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme(live_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Organisation:
    acme = stories.acme(present())
    made = create_api_key(organisation=acme, name="laptop", scopes=list(Scope), who="alice", now=present())
    monkeypatch.setenv("OTAI_URL", live_server.url)
    monkeypatch.setenv("OTAI_API_KEY", made.secret)
    monkeypatch.setenv("OTAI_LOGIN_FILE", str(tmp_path / "login"))
    return acme


def refused(*words: str) -> str:
    from otai.cli import remote

    done = CliRunner().invoke(remote.app, list(words))
    assert done.exit_code != 0
    return str(getattr(done.exception, "code", done.output))


def test_periods_export_and_deletion_are_set_from_another_machine(
    acme: Organisation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert otai("org", "retention") == "tickets: kept\nfeedback: kept\nlogs: kept\nuploads: a day\n"
    otai("org", "retention", "--tickets", "365", "--logs", "30")
    assert otai("org", "retention", "--logs", "0") == otai_here("org", "retention", "--org", "acme")
    assert periods(acme) == Periods(tickets_days=365)

    monkeypatch.setattr("otai.client.studio.Studio.wait_for_export", _made_at_once)
    said = json.loads(otai("org", "export", str(tmp_path / "acme.zip"), "--json"))
    assert (tmp_path / "acme.zip").stat().st_size == said["bytes"]
    assert zipfile.ZipFile(tmp_path / "acme.zip").testzip() is None

    assert "Nothing was changed" in otai("org", "delete")
    assert refused("org", "delete", "--yes") == "name_missing"
    assert refused("org", "delete", "globex", "--yes") == "not_confirmed"
    assert "is erased on" in otai("org", "delete", "acme", "--yes")
    acme.refresh_from_db()
    assert acme.closing_at is not None
    otai("org", "keep")
    acme.refresh_from_db()
    assert acme.closing_at is None


def _made_at_once(there: Any, id: str) -> dict[str, Any]:
    """What housekeeping does meanwhile."""
    exports.make_exports(now=present())
    return dict(there._get(f"/organisation/exports/{id}"))


def test_tickets_and_models_are_deleted_at_both_doors_of_the_command_line(acme: Organisation, tmp_path: Path) -> None:
    data_set = stories.tickets_of(acme, tmp_path, present())
    run = completed(stories.ordered(acme, data_set, present()), present())
    assert "Nothing was changed" in otai("model", "delete", run.model_name)
    assert "Nothing was changed" in otai_here("model", "delete", run.model_name, "--org", "acme")
    would = otai("tickets", "delete", data_set.name, "--all-versions")
    assert would == otai_here("tickets", "delete", data_set.name, "--all-versions", "--dry-run", "--org", "acme")
    assert "deleted" in otai("model", "delete", run.model_name, "--yes")
    assert not TrainedModel.objects.exists()
    assert "tickets are deleted" in otai("tickets", "delete", data_set.name, "--version", "1", "--yes")
    data_set.refresh_from_db()
    assert data_set.deleted_at is not None
