"""The server's process as it is before its first request."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.web.studio_server import Installation, answers, free_port

LOADED = """
import gc, sys, importlib
importlib.import_module(sys.argv[1])
print(gc.get_freeze_count(), len(gc.get_objects()), "otai.web.views.models" in sys.modules)
"""


@pytest.mark.pure
@pytest.mark.parametrize("entry", ["otai.config.asgi", "otai.config.wsgi"])
def test_what_stays_is_set_aside_before_anybody_waits_for_it(entry: str, tmp_path: Path) -> None:
    environment = os.environ | {"OTAI_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "otai.config.settings"}
    environment.pop("OTAI_DATABASE_URL", None)
    command = [sys.executable, "-W", "ignore", "-c", LOADED, entry]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()
    frozen, looked_at, pages_are_loaded = int(said[0]), int(said[1]), said[2]
    assert pages_are_loaded == "True"
    assert frozen > 100_000 and looked_at < 1_000, "a full collection looks at next to nothing"


@pytest.mark.pure
def test_a_process_that_dies_is_replaced_and_the_others_go_on(installation: Installation) -> None:
    log = installation.home / "studio.log"
    port = free_port()
    address = f"http://localhost:{port}/health/live"
    with installation.process("studio", "--port", str(port), "--workers", "2") as running:
        answers(address, running, log)
        # The server's processes are those that listen; each has helpers of its own beside.
        before = _serving(running.pid)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        deadline = time.monotonic() + 60
        while len(_serving(running.pid) - {min(before)}) < 2:
            assert running.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "nobody came in the place of the one that died"
            time.sleep(0.2)
        answers(address, running, log)


def _serving(server: int) -> set[int]:
    found = set()
    for child in psutil.Process(server).children():
        with contextlib.suppress(psutil.Error):
            if child.status() != psutil.STATUS_ZOMBIE and "worker" in " ".join(child.cmdline() or [child.name()]):
                found.add(child.pid)
    return found
