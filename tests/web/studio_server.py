"""A real installation for the stories that need a browser: `otai studio` and `otai worker` as processes, and
Chromium."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from tests.parts import chromium_program

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run", "--disable-quic"]  # fmt: skip


@dataclass
class Installation:
    """An installation of its own in `home`, with `settings` in its environment."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTAI_", "DJANGO_"))}
        quiet = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        return kept | quiet | {"OTAI_HOME": str(self.home)} | self.settings

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
    def process(self, *arguments: str, log: str = "", release: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """A command that goes on, and is ended with the block. What it says is in `log`, else in a file named by the
        command; `release` is a folder with another `otai` than this one."""
        said = (self.home / (log or f"{arguments[0]}.log")).open("wb")
        command = [sys.executable, "-m", "otai.cli.main", *arguments]
        with said, subprocess.Popen(command, env=self.environment, stdout=said, stderr=said, cwd=release) as running:
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
            answers(f"{base}/health/live", running, self.home / "studio.log")
            yield base


def answers(address: str, running: subprocess.Popen[bytes], log: Path, *, seconds: float = 60) -> None:
    """Returns as soon as `address` answers; with the log, where `running` ends before or never answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert running.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer: {log.read_text()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def chromium(*arguments: str) -> Iterator[Any]:
    from playwright.sync_api import Page, sync_playwright

    goto, reload = _as_people_go(Page.goto), _as_people_go(Page.reload)
    with sync_playwright() as playwright, mock.patch.multiple(Page, goto=goto, reload=reload):
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=[*QUIET, *arguments])
        try:
            yield browser
        finally:
            browser.close()


def _as_people_go(once: Callable[..., Any]) -> Callable[..., Any]:
    """Goes there, or loads the page anew, and once more where it loaded itself anew in that moment: a training's page
    does so when it ends, and the browser then gives up one of the two."""
    from playwright.sync_api import Error

    def twice(page: Any, *where: str, **options: Any) -> Any:
        try:
            return once(page, *where, **options)
        except Error as why:
            if "net::ERR_ABORTED" not in why.message:
                raise
            return once(page, *where, **options)

    return twice
