"""The folders where trainings work: their own, gone with them, and swept where they were killed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from otai.runs.scratch import node_folder


@pytest.mark.pure
def test_a_node_removes_what_killed_trainings_left_of_tickets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = (
        "import os, tempfile; from otai.runs.scratch import node_folder\n"
        f"tempfile.tempdir = {str(tmp_path)!r}\n"
        "with node_folder() as folder: (folder / 'tickets.parquet').touch(); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", left], check=False).returncode == 9
    [killed] = tmp_path.iterdir()
    with node_folder() as beside:
        assert list(tmp_path.iterdir()) == [beside] and not killed.exists()
        with node_folder():
            assert beside.exists(), "its training goes on"
    assert not list(tmp_path.iterdir())
