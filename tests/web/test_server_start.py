"""The server's process as it is before its first request."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
