"""Style sheets and scripts while processes start together, and while a new release comes beside a running one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse, HttpResponseNotFound
from django.test import RequestFactory

from otai.web import static_files
from otai.web.static_files import StudioStatic, StudioStaticFiles, collect

pytestmark = pytest.mark.pure


@pytest.fixture
def root(tmp_path: Path, settings: Any) -> Iterator[Path]:
    settings.STATIC_ROOT = str(tmp_path / "static")
    static_files.fingerprint.cache_clear()
    yield tmp_path / "static"
    static_files.fingerprint.cache_clear()


@pytest.fixture
def shipped(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A small package's files in the place of all others."""
    folder = tmp_path / "shipped"
    (folder / "css").mkdir(parents=True)
    settings.STATICFILES_DIRS = [str(folder)]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    from django.contrib.staticfiles import finders

    finders.get_finder.cache_clear()
    yield folder
    finders.get_finder.cache_clear()


def release(shipped: Path, text: str) -> str:
    """The next release ships another style sheet; its address once it is collected."""
    (shipped / "css" / "studio.css").write_text(text)
    static_files.fingerprint.cache_clear()
    assert collect()
    return StudioStatic().url("css/studio.css")


def asked(server: StudioStaticFiles, address: str) -> HttpResponse:
    return server(RequestFactory().get(address))


def content(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_an_upgrade_beside_a_running_server_takes_nothing_from_it(root: Path, shipped: Path) -> None:
    old = release(shipped, "body { color: black }")
    running = StudioStaticFiles(lambda _: HttpResponseNotFound())
    new = release(shipped, "body { color: navy }")
    assert old != new
    # The server of before has its own, and serves the next release's to a browser that was sent there.
    assert content(asked(running, old)) == b"body { color: black }"
    assert content(asked(running, new)) == b"body { color: navy }"
    # The new server serves pages that are still open.
    begun = StudioStaticFiles(lambda _: HttpResponseNotFound())
    assert content(asked(begun, old)) == b"body { color: black }"
    assert "immutable" in asked(begun, new)["Cache-Control"]
    assert not collect(), "done is done"


def test_names_of_before_go_after_a_month(root: Path, shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = release(shipped, "body { color: black }")
    running = StudioStaticFiles(lambda _: HttpResponseNotFound())
    release(shipped, "body { color: navy }")
    noted = root / static_files.REPLACED
    long_ago = {name: at - static_files.kept_seconds - 60 for name, at in json.loads(noted.read_text()).items()}
    assert len(long_ago) == 1
    noted.write_text(json.dumps(long_ago))
    new = release(shipped, "body { color: teal }")
    assert asked(running, old).status_code == 404, "swept, and no server breaks over it"
    assert content(asked(running, new)) == b"body { color: teal }"


def test_no_address_leads_out_of_the_folder(root: Path, shipped: Path) -> None:
    release(shipped, "body { color: black }")
    (root.parent / "secret.0123456789ab.txt").write_text("secret")
    server = StudioStaticFiles(lambda _: HttpResponseNotFound())
    for address in (
        "/static/../secret.0123456789ab.txt",
        "/static//etc/x.0123456789ab.txt",
        "/static/a\0.0123456789ab.txt",
    ):
        request = RequestFactory().get("/static/x")
        request.path_info = address
        assert server(request).status_code == 404


def test_processes_that_start_together_all_find_everything(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTAI_")}
    environment |= {"OTAI_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "otai.config.settings"}
    command = [sys.executable, "-m", "otai.config.manage", "prepare_studio"]
    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in started:
        _, said = process.communicate(timeout=240)
        assert process.returncode == 0, said
    folder = tmp_path / "static"
    [listed] = folder.glob("staticfiles-*.json")
    names = json.loads(listed.read_text())["paths"].values()
    assert len(names) > 50 and all((folder / name).is_file() for name in names)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("static-")] == []
