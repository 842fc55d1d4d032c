"""The file store in an object store that speaks S3: moto's, on this machine. Real S3 was not run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from otai.runs.executors.local import LocalExecutor
from otai.runs.worker import Worker
from otai.serving import queries as serving
from otai.serving.operations import register_completed_runs
from otai.tickets.files import FileStore, FileStoreUnavailable
from tests import stories


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    made = ThreadedMotoServer(port=0)
    made.start()
    host, port = made.get_host_and_port()
    yield f"http://{host}:{port}"
    made.stop()


@pytest.fixture
def url(server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "alice",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    bucket = f"otai-{abs(hash(request.node.name))}"
    boto3.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return f"s3://{bucket}/studio"


@pytest.mark.pure
def test_a_file_is_put_read_fetched_once_and_deleted(url: str, tmp_path: Path) -> None:
    source = tmp_path / "tickets.parquet"
    source.write_bytes(b"tickets" * 1000)
    store = FileStore(url, cache=tmp_path / "cache")
    kept = store.put(source, folder="acme", suffix=".parquet")
    assert store.put(source, folder="acme", suffix=".parquet") == kept
    assert store.paths() == [kept.path] and store.exists(kept.path)
    with store.open(kept.path) as file:
        assert file.read() == source.read_bytes()
    here = store.local_path(kept.path)
    assert here.read_bytes() == source.read_bytes() and store.local_path(kept.path) == here
    store.delete(kept.path)
    store.delete(kept.path)
    assert store.paths() == []


@pytest.mark.pure
def test_what_is_not_there_or_does_not_answer_is_said(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(url, cache=tmp_path / "cache")
    with pytest.raises(FileStoreUnavailable, match="could not be read"):
        store.local_path("acme/gone.parquet")
    with pytest.raises(FileStoreUnavailable, match="is not in the store"), store.open("acme/gone.parquet"):
        pass
    source = tmp_path / "tickets.parquet"
    source.write_bytes(b"tickets")
    with pytest.raises(FileStoreUnavailable, match="Nothing was stored"):
        FileStore("s3://no/such_bucket").put(source, folder="acme", suffix=".parquet")

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(FileStoreUnavailable, match="Nothing was stored"):
        FileStore(url).put(source, folder="acme", suffix=".parquet")


@pytest.mark.django_db(transaction=True)
def test_alice_trains_and_predicts_where_files_lie_in_an_object_store(
    url: str, now: datetime, tmp_path: Path, settings: Any
) -> None:
    settings.OTAI_FILES = url
    acme = stories.acme(now)
    data_set = stories.tickets_of(acme, tmp_path, now)
    run = stories.ordered(acme, data_set, now)
    Worker(LocalExecutor(), clock=lambda: now).work_once()
    run.refresh_from_db()
    assert run.status == "completed", run.failure_message
    [version] = register_completed_runs(now=now)
    assert {Path(path).suffix for path in FileStore(url).paths()} == {".parquet", ".otai"}
    [said] = serving.predict(version, ["invoice wrong amount"])
    assert said.attributes["queue"].labels == ("billing",)
