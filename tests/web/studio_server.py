"""A real installation for the stories that need a browser: `otai studio` and `otai worker` as processes, and Chromium."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run", "--disable-quic"]  # fmt: skip


@dataclass
class Installation:
    """An installation of its own in `home`."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTAI_", "DJANGO_"))}
        return kept | {"OTAI_HOME": str(self.home), "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}

    def otai(self, *arguments: str, fails: bool = False) -> str:
        """A command to its end; what it printed."""
        command = [sys.executable, "-m", "otai.cli.main", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300, check=False)
        assert fails or done.returncode == 0, f"otai {' '.join(arguments)}: {done.stderr}{done.stdout}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.otai(*arguments, "--json"))

    def python(self, code: str) -> Any:
        """A program in this installation; the JSON in the last line that it printed."""
        more = {"DJANGO_SETTINGS_MODULE": "otai.config.settings"}
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, env=self.environment | more, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    @contextmanager
    def process(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        log = (self.home / f"{arguments[0]}.log").open("wb")
        command = [sys.executable, "-m", "otai.cli.main", *arguments]
        with log, subprocess.Popen(command, env=self.environment, stdout=log, stderr=log) as running:
            try:
                yield running
            finally:
                running.terminate()
                try:
                    running.wait(15)
                except subprocess.TimeoutExpired:
                    running.kill()

    @contextmanager
    def studio(self) -> Iterator[str]:
        """The address of the Studio while it is served."""
        port = free_port()
        base = f"http://localhost:{port}"
        with self.process("studio", "--port", str(port)) as running:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                assert running.poll() is None, (self.home / "studio.log").read_text()
                try:
                    with urllib.request.urlopen(f"{base}/health/live", timeout=2):
                        break
                except OSError:
                    time.sleep(0.2)
            yield base


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()
