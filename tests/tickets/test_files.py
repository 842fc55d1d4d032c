"""A file is in the store whole or not at all, here and in a remote store."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from otai.tickets.files import FileStore, FileStoreUnavailable

pytestmark = pytest.mark.pure


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    url = (tmp_path / "store").as_uri() if request.param == "local" else f"memory://{tmp_path.name}"
    return FileStore(url, cache=tmp_path / "cache")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.bin"
    path.write_bytes(b"tickets " * 1000)
    return path


def test_what_is_put_can_be_opened_and_carries_its_hash(store: FileStore, source: Path) -> None:
    stored = store.put(source, folder="tickets/acme", suffix=".parquet")
    assert stored.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert stored.path == f"tickets/acme/{stored.sha256}.parquet"
    assert stored.bytes == 8000
    with store.open(stored.path) as handle:
        assert handle.read() == source.read_bytes()
    assert store.local_path(stored.path).read_bytes() == source.read_bytes()
    assert store.local_path(stored.path).read_bytes() == source.read_bytes()


def test_putting_twice_is_putting_once(store: FileStore, source: Path) -> None:
    assert store.put(source, folder="a", suffix="") == store.put(source, folder="a", suffix="")
    assert len(store.paths()) == 1


def test_a_deleted_file_is_gone_and_can_be_deleted_again(store: FileStore, source: Path) -> None:
    stored = store.put(source, folder="a", suffix="")
    store.delete(stored.path)
    store.delete(stored.path)
    assert store.paths() == []
    assert not store.exists(stored.path)
    with pytest.raises(FileStoreUnavailable), store.open(stored.path):
        pass
    with pytest.raises(FileStoreUnavailable):
        store.local_path("a/other")


@pytest.mark.parametrize("path", ["../outside", "a/../../outside", "{outside}", "", "a//b", "."])
def test_a_path_cannot_lead_out_of_the_store(store: FileStore, path: str, tmp_path: Path) -> None:
    # A file of the test's own: this one is deleted where a store forgets to look.
    outside = tmp_path / "outside"
    outside.write_text("not the store's")
    for act in (store.delete, store.local_path):
        with pytest.raises(AssertionError):
            act(path.format(outside=outside))
    assert outside.read_text() == "not the store's"


def test_a_store_that_does_not_take_the_file_keeps_nothing(tmp_path: Path, source: Path) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")
    with pytest.raises(FileStoreUnavailable):
        FileStore((tmp_path / "store").as_uri()).put(source, folder="a", suffix="")


def test_an_unknown_kind_of_store_is_named() -> None:
    with pytest.raises(FileStoreUnavailable, match="nonsense"):
        FileStore("nonsense://x")
