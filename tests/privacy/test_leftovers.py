"""Files that no row speaks of go too: of an export whose process died, of a cluster's training, of who is erased."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from otai.db import new_id, utc_now
from otai.orgs.models import Organisation
from otai.privacy import exports, leftovers, organisations
from otai.runs.models import Attempt
from otai.serving import deletion
from otai.tickets.files import file_store
from tests import stories
from tests.api.everything import completed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store(settings: Any, tmp_path: Path) -> Any:
    settings.OTAI_HOME, settings.OTAI_FILES = tmp_path / "home", (tmp_path / "store").as_uri()
    return file_store()


def planted(store: Any, tmp_path: Path, folder: str) -> str:
    file = tmp_path / "planted"
    file.write_text(f"quetzal {new_id()}")
    return str(store.put(file, folder=folder, suffix=".zip").path)


def test_an_export_whose_process_died_leaves_nothing(store: Any, tmp_path: Path) -> None:
    now = utc_now()
    acme = stories.acme(now)
    asked = exports.ask_for_export(organisation=acme, who="alice", now=now)
    half = planted(store, tmp_path, f"exports/{acme.id}/{asked.id}")
    gone = planted(store, tmp_path, f"exports/{acme.id}/{new_id()}")
    assert leftovers.sweep_leftovers(now=now) == 1
    assert store.exists(half) and not store.exists(gone), "one may be written at this moment"
    exports.make_exports(now=now)
    assert leftovers.sweep_leftovers(now=now) == 0, "once a day"
    assert leftovers.sweep_leftovers(now=now + timedelta(days=1)) == 1
    assert store.paths("exports") == [exports.export_of(acme, asked.id).file]


def test_of_an_erased_organisation_no_file_is_left_whoever_spoke_of_it(store: Any, tmp_path: Path) -> None:
    now = utc_now()
    acme, globex = stories.acme(now), stories.globex(now)
    stories.tickets_of(acme, tmp_path, now)
    stories.tickets_of(globex, tmp_path, now, name="theirs")
    for top in ("tickets", "models", "exports", "guarantees"):
        planted(store, tmp_path, f"{top}/{acme.id}/{new_id()}")
    organisations.ask_to_delete(organisation=acme, who="alice", now=now)
    organisations.erase_organisation(acme, now=now + organisations.grace)
    assert all(str(globex.id) in path for path in store.paths()) and len(store.paths()) == 1

    # What a process wrote in the very moment goes with the day's sweep.
    planted(store, tmp_path, f"models/{acme.id}")
    assert leftovers.sweep_leftovers(now=now + timedelta(days=40)) == 1
    assert Organisation.objects.get(id=acme.id).closed_at is not None and len(store.paths()) == 1


def test_what_a_cluster_trained_on_goes_when_nobody_came_back_for_it(store: Any, tmp_path: Path) -> None:
    now = utc_now()
    acme = stories.acme(now)
    run = completed(stories.ordered(acme, stories.tickets_of(acme, tmp_path, now), now), now)
    ended = Attempt.objects.get()
    going = Attempt.objects.create(run=run, number=2, worker="w", started_at=now)
    left = planted(store, tmp_path, f"jobs/{ended.id}")
    used = planted(store, tmp_path, f"jobs/{going.id}")

    def swept(later: datetime) -> list[str]:
        deletion.sweep_orphans(now=later)
        return store.paths("jobs")

    assert swept(now) == sorted([left, used]), "a worker may be about to fetch what was made"
    assert swept(now + timedelta(days=2)) == [used]
