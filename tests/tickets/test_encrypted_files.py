"""Files of an organisation lie encrypted in the store, with a key of its own: whoever has the disk, the bucket or a
backup reads nothing, and nobody does once the key is gone."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pyarrow.parquet import read_metadata

from otai import keyring, sealed_files
from otai.db import new_id, utc_now
from otai.deployment import situation
from otai.learning.model.bundle import Bundle
from otai.orgs import data_keys
from otai.orgs.models import Organisation, OrganisationKey
from otai.orgs.permissions import Role
from otai.pricing.price_book import Tier
from otai.privacy import exports
from otai.sealed_files import DataKey, NotSealedHere, seal, unseal
from otai.serving.queries import predict
from otai.tickets import opened_copies, waiting_uploads
from otai.tickets.erasing import finish_deletions
from otai.tickets.files import FileStore, file_store, kept_vectors
from otai.tickets.models import DataSet, UploadWaiting
from otai.tickets.opened_copies import SealedFileDamaged
from tests import stories
from tests.cli.test_team_commands import otai
from tests.serving.training_here import trained
from tests.web.visitors import columns_shown, member_of, of, upload

KEY = DataKey(new_id(), b"k" * 32)


def _sealed(plain: bytes) -> bytes:
    into = io.BytesIO()
    seal(io.BytesIO(plain), into, KEY)
    return into.getvalue()


def _opened(sealed: bytes, key: DataKey = KEY) -> bytes:
    into = io.BytesIO()
    unseal(io.BytesIO(sealed), into, lambda id: key)
    return into.getvalue()


@pytest.mark.pure
@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 32, 33, 100])
def test_what_is_sealed_opens_whatever_its_length(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_files, "PIECE_BYTES", 16)
    plain = bytes(range(length))
    assert _opened(_sealed(plain)) == plain
    assert _sealed(plain) != _sealed(plain), "each file has a key of its own"


@pytest.mark.pure
def test_pieces_are_not_changed_cut_off_exchanged_or_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_files, "PIECE_BYTES", 16)
    whole = _sealed(bytes(64))
    head, pieces = whole[: sealed_files.HEADER_BYTES], whole[sealed_files.HEADER_BYTES :]
    first, second, third, last = (pieces[at : at + 32] for at in range(0, 128, 32))
    for forged in (
        head + first + second + third,
        head + second + first + third + last,
        head + first + first + second + third + last,
        head + first + third + last,
        head + pieces[:-1],
        head + pieces + b"x",
        head[:-1] + bytes([head[-1] ^ 1]) + pieces,
        head + bytes([pieces[0] ^ 1]) + pieces[1:],
        head,
        b"PAR1",
    ):
        with pytest.raises(NotSealedHere):
            _opened(forged)
    with pytest.raises(NotSealedHere):
        _opened(whole, DataKey(KEY.id, b"x" * 32))


@pytest.fixture
def store(tmp_path: Path, settings: Any) -> FileStore:
    settings.OTAI_FILES = (tmp_path / "store").as_uri()
    settings.OTAI_OPENED_FILES = str(tmp_path / "opened")
    settings.OTAI_ENCRYPT_FILES = True
    return file_store()


def _raw(tmp_path: Path) -> list[bytes]:
    return [path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()]


@pytest.mark.django_db(transaction=True)
def test_tickets_and_models_are_used_as_ever_and_lie_encrypted(store: FileStore, tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now, tier=Tier.PRO)
    data_set = stories.tickets_of(acme, tmp_path, now)
    version = trained(acme, data_set, now)
    assert len(_raw(tmp_path)) == 2
    assert all(raw.startswith(sealed_files.MAGIC) for raw in _raw(tmp_path))
    assert read_metadata(store.local_path(data_set.file)).num_rows > 0
    assert predict(version, ["my printer is on fire"])
    assert Bundle.load(store.local_path(version.bundle_file))
    copies = [path for path in (tmp_path / "opened").rglob("*") if path.is_file()]
    assert copies and kept_vectors(acme.id) is None

    # A backup of the store, from before the organisation's key was deleted.
    backup = {path: (tmp_path / "store" / path).read_bytes() for path in store.paths()}
    assert data_keys.forget_key(acme.id) and not data_keys.forget_key(acme.id)
    for path in backup:
        with pytest.raises(data_keys.DataKeyGone):
            store.local_path(path)
    store.forget_copies()
    assert not [path for path in (tmp_path / "opened").rglob("*") if path.is_file()]
    data_keys.key_for(acme.id)
    for path in backup:
        with pytest.raises(data_keys.DataKeyGone):
            store.local_path(path)


@pytest.mark.django_db(transaction=True)
def test_the_command_encrypts_what_was_plain_and_its_rows_stay(
    store: FileStore, tmp_path: Path, now: datetime, settings: Any
) -> None:
    settings.OTAI_ENCRYPT_FILES = False
    acme = stories.acme(now)
    data_set = stories.tickets_of(acme, tmp_path, now)
    plain = store.local_path(data_set.file).read_bytes()
    assert plain.startswith(b"PAR1")
    settings.OTAI_ENCRYPT_FILES = True
    assert store.local_path(data_set.file).read_bytes() == plain, "plain files go on being read"
    assert json.loads(otai("keys", "encrypt", "--json")) == {"files": 1, "encrypted": 1}
    assert json.loads(otai("keys", "encrypt", "--json")) == {"files": 1, "encrypted": 0}
    assert all(raw.startswith(sealed_files.MAGIC) for raw in _raw(tmp_path))
    assert store.local_path(data_set.file).read_bytes() == plain
    settings.OTAI_ENCRYPT_FILES = False
    assert store.local_path(data_set.file).read_bytes() == plain, "encrypted ones as well"


@pytest.mark.django_db
def test_keys_of_organisations_are_rewrapped_and_no_file_is_touched(
    store: FileStore, tmp_path: Path, now: datetime, settings: Any
) -> None:
    acme, globex = stories.acme(now), stories.globex(now)
    source = tmp_path / "tickets.parquet"
    source.write_bytes(b"words of tickets " * 100)
    put = {one.id: store.put(source, folder=f"tickets/{one.id}/1", suffix=".parquet").path for one in (acme, globex)}
    before = _raw(tmp_path)
    assert data_keys.key_for(acme.id) == data_keys.key_for(acme.id) != data_keys.key_for(globex.id)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another key, long enough for all", [settings.SECRET_KEY]
    assert situation().hanging_on_former["data_keys"] == 2
    assert keyring.rewrap()["data_keys"] == 2
    settings.SECRET_KEY_FALLBACKS = []
    for path in put.values():
        assert store.local_path(path).read_bytes() == source.read_bytes()
    assert _raw(tmp_path) == before


@pytest.mark.django_db
def test_a_copy_lies_in_memory_and_nothing_does_where_nothing_is_encrypted(
    store: FileStore, tmp_path: Path, now: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, memory = stories.acme(now), tmp_path / "memory"
    memory.mkdir()
    monkeypatch.setattr(opened_copies, "IN_MEMORY", memory)
    settings.OTAI_OPENED_FILES, settings.OTAI_HOME, settings.OTAI_ENCRYPT_FILES = "", tmp_path / "home", False
    source = tmp_path / "tickets.parquet"
    source.write_bytes(b"words of tickets " * 100)
    plain = store.put(source, folder=f"tickets/{acme.id}/1", suffix=".parquet").path
    with store.open(plain) as handle:
        assert handle.read() == source.read_bytes()
    assert store.local_path(plain) == tmp_path / "store" / plain
    store.delete(plain)
    store.forget_copies()
    assert list(memory.iterdir()) == [] and not (tmp_path / "home").exists()

    settings.OTAI_ENCRYPT_FILES = True
    sealed = store.put(source, folder=f"tickets/{acme.id}/2", suffix=".parquet").path
    copy = store.local_path(sealed)
    (ours,) = memory.iterdir()
    assert copy.is_relative_to(ours) and (ours.stat().st_mode | copy.stat().st_mode) & 0o077 == 0
    os.utime(copy, (now.timestamp(), time.time() - opened_copies.stay_seconds - 1))
    finish_deletions(now=now)
    assert not copy.exists() and store.local_path(sealed) == copy
    ours.chmod(0o755)
    assert store.local_path(sealed).is_relative_to(tmp_path / "home"), "others could look into the folder in memory"
    store.delete(sealed)
    store.forget_copies()
    assert not [left for left in (tmp_path / "home").rglob("*") if left.is_file()]


@pytest.mark.django_db
def test_a_damaged_file_is_said_and_leaves_no_copy(store: FileStore, tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now)
    source = tmp_path / "tickets.parquet"
    source.write_bytes(b"words of tickets " * 100)
    path = store.put(source, folder=f"tickets/{acme.id}/1", suffix=".parquet").path
    lies = tmp_path / "store" / path
    lies.write_bytes(lies.read_bytes()[:-5])
    with pytest.raises(SealedFileDamaged):
        store.local_path(path)
    assert not [copy for copy in (tmp_path / "opened").rglob("*") if copy.is_file()]
    assert {folder.stat().st_mode & 0o077 for folder in opened_copies.folders(store.url)} == {0}
    store.delete(path)
    assert store.paths() == []


@pytest.mark.django_db
def test_a_remote_store_gets_ciphertext_alone(store: FileStore, tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now)
    remote = FileStore(f"memory://{tmp_path.name}", cache=tmp_path / "cache")
    source = tmp_path / "tickets.parquet"
    source.write_bytes(b"words of tickets " * 100)
    path = remote.put(source, folder=f"tickets/{acme.id}/1", suffix=".parquet").path
    with remote.open(path) as handle:
        assert handle.read() == source.read_bytes()
    lying = (tmp_path / "cache" / path).read_bytes()
    assert lying.startswith(sealed_files.MAGIC) and b"words" not in lying
    assert remote.is_encrypted(path)


@pytest.mark.django_db
def test_the_database_keeps_one_sealed_key_for_an_organisation(now: datetime) -> None:
    acme: Organisation = stories.acme(now)
    data_keys.key_for(acme.id)
    with pytest.raises(IntegrityError, match="orgs_organisation_key_is_sealed"), transaction.atomic():
        OrganisationKey.objects.update(sealed="")
    with pytest.raises(IntegrityError), transaction.atomic():
        OrganisationKey.objects.create(organisation=acme, sealed="s", made_at=utc_now())


@pytest.mark.django_db(transaction=True)
def test_an_upload_waits_encrypted_and_is_imported_as_ever(
    store: FileStore, tmp_path: Path, now: datetime, settings: Any
) -> None:
    settings.OTAI_HOME = tmp_path / "home"
    acme = stories.acme(utc_now())
    alice = of(member_of(acme, "alice", Role.OWNER, utc_now()))
    tickets = (
        stories.write_tickets(tmp_path / "quetzal.csv").read_bytes() + b"vpn drops,quetzal prints green,network,high\n"
    )
    columns = upload(alice, tickets)
    [waits] = (tmp_path / "home" / "uploads").rglob("file")
    assert waits.read_bytes().startswith(sealed_files.MAGIC) and waits.stat().st_mode & 0o777 == 0o600
    chosen = columns_shown(alice, columns)
    left = [path for path in (tmp_path / "home").rglob("*") if path.is_file() and b"quetzal" in path.read_bytes()]
    assert left == [], "nothing of it lies plain while somebody settles its columns"
    assert alice.get("/api/v1/uploads").json()["items"][0]["bytes"] == len(tickets)
    alice.post(columns, {"name": "support", **chosen})
    assert DataSet.objects.get(organisation=acme).bytes > 0
    assert not waits.exists() and not UploadWaiting.objects.exists()
    left = [path for path in tmp_path.rglob("*") if path.is_file() and b"quetzal prints" in path.read_bytes()]
    assert left == [], "nor afterwards"
    folders = [tmp_path / "home" / name for name in ("jobs", "arrivals")]
    assert {folder.stat().st_mode & 0o077 for folder in folders} == {0}, "what is worked on is plain, and ours alone"


@pytest.mark.django_db(transaction=True)
def test_a_waiting_upload_cannot_be_read_once_the_organisations_key_is_gone(
    store: FileStore, tmp_path: Path, settings: Any
) -> None:
    settings.OTAI_HOME = tmp_path / "home"
    acme = stories.acme(utc_now())
    kept = waiting_uploads.keep(acme, filename="a.csv", chunks=[b"subject,queue\n", b"a,b\n"])
    with waiting_uploads.opened(kept) as plain:
        assert plain.read_bytes() == b"subject,queue\na,b\n"
    assert not plain.exists()
    broken = dataclasses.replace(kept, path=kept.path.with_name("broken"))
    broken.path.write_bytes(kept.path.read_bytes()[:-1] + b"x")
    with pytest.raises(SealedFileDamaged), waiting_uploads.opened(broken):
        pass
    data_keys.forget_key(acme.id)
    with pytest.raises(data_keys.DataKeyGone), waiting_uploads.opened(kept):
        pass


@pytest.mark.django_db(transaction=True)
def test_an_export_is_read_piece_by_piece_and_opened_nowhere(store: FileStore, tmp_path: Path, settings: Any) -> None:
    settings.OTAI_HOME = tmp_path / "home"
    now = utc_now()
    acme = stories.acme(now)
    asked = exports.ask_for_export(organisation=acme, who="alice", now=now)
    exports.make_exports(now=now)
    store.forget_copies()
    found, file = exports.opened(acme, asked.id, who="alice", now=now)
    with file:
        content = b"".join(iter(lambda: file.read(1000), b""))
    assert len(content) == found.bytes and hashlib.sha256(content).hexdigest() == found.sha256
    assert not [path for path in (tmp_path / "opened").rglob("*") if path.is_file()]
    stored = tmp_path / "store" / found.file
    stored.write_bytes(stored.read_bytes()[:-1])
    with pytest.raises(SealedFileDamaged):
        store.reading(found.file)


@pytest.mark.pure
def test_what_was_cut_off_further_down_is_found_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_files, "PIECE_BYTES", 16)
    whole = _sealed(bytes(64))
    assert sealed_files.SealedReader(io.BytesIO(whole), lambda id: KEY).read() == bytes(64)
    cut = sealed_files.SealedReader(io.BytesIO(whole[:-8]), lambda id: KEY)
    with pytest.raises(NotSealedHere):
        cut.read()
