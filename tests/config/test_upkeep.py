"""A machine that only answers keeps itself: no worker does housekeeping there."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from otai.config.upkeep import Upkeep, keep_machine
from otai.db import utc_now
from otai.jobs.operations import upload_waits_seconds
from otai.serving import deletion
from otai.tickets import erasing, waiting_uploads
from otai.tickets.files import file_store, vectors_folder
from tests import stories
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_waited_a_day_and_what_was_deleted_elsewhere_goes(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OTAI_HOME, settings.OTAI_FILES = tmp_path / "home", (tmp_path / "store").as_uri()
    settings.OTAI_OPENED_FILES, settings.OTAI_ENCRYPT_FILES = str(tmp_path / "opened"), True
    now = utc_now()
    acme = stories.acme(now)
    data_set = stories.tickets_of(acme, tmp_path, now)
    old = waiting_uploads.keep(acme, filename="old.csv", chunks=[b"a"])
    young = waiting_uploads.keep(acme, filename="young.csv", chunks=[b"a"])
    then = time.time() - upload_waits_seconds - 60
    os.utime(old.path.parent, (then, then))
    keep_machine()
    assert not old.path.exists() and young.path.exists()

    # Another machine deletes the tickets; what this one made of them lies here still.
    deleted_at = utc_now()
    deletion.delete_tickets(organisation=acme, data_sets=[data_set], who="alice", now=deleted_at)
    vectors = vectors_folder(acme.id)
    vectors.mkdir(parents=True)
    (vectors / "one").write_text("1.0")
    monkeypatch.setattr("otai.config.upkeep.utc_now", lambda: deleted_at + erasing.looked_at_again_after)
    keep_machine()
    assert not vectors.exists() and not young.path.exists()
    assert not [path for path in (tmp_path / "opened").rglob("*") if path.is_file()]
    assert file_store().paths("tickets") == []


def test_rounds_go_on_though_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[int] = []

    def fails() -> None:
        rounds.append(1)
        raise RuntimeError("broken")

    monkeypatch.setattr("otai.config.upkeep.keep_machine", fails)
    upkeep = Upkeep(seconds=0.01).start()
    until(lambda: len(rounds) >= 2)
    upkeep.stop()
