from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.helpdesks import story

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Fake:
    """One fake helpdesk, at an address of this machine."""

    system: str
    address: str

    def answers_first(self, *told: tuple[int, dict[str, str], str]) -> None:
        """So it answers what it is asked next, one answer a request."""
        request = urllib.request.Request(f"{self.address}/told-first", data=json.dumps(told).encode())
        urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture(scope="session")
def fake_of() -> Iterator[Callable[[str], Fake]]:
    """A fake of a system, started once for all tests of this process."""
    started: dict[str, tuple[subprocess.Popen[str], Fake]] = {}

    def fake_of(system: str) -> Fake:
        if system not in started:
            module = f"tests.helpdesks.fakes.{system.replace('-', '_')}"
            program = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            assert program.stdout is not None
            started[system] = program, Fake(system, program.stdout.readline().strip())
        return started[system][1]

    yield fake_of
    for program, _ in started.values():
        program.communicate(timeout=10)


@pytest.fixture
def fake(request: Any, fake_of: Callable[[str], Fake], settings: Any) -> Fake:
    settings.OTAI_WEBHOOKS_ALLOW_PRIVATE = True
    return fake_of(getattr(request, "param", "zammad"))


@pytest.fixture
def waits() -> list[float]:
    """How long was waited, in seconds: nobody waits here."""
    return []


@pytest.fixture
def helpdesk(fake: Fake, waits: list[float]) -> Iterator[Any]:
    from otai.helpdesks.connecting import System, connected

    with connected(System(fake.system), fake.address, story.TOKEN, wait=waits.append) as asked:
        yield asked


@pytest.fixture
def acme(db: None, now: Any, settings: Any, tmp_path: Path) -> Any:
    from tests import stories

    settings.OTAI_FILES = (tmp_path / "store").as_uri()
    return stories.acme(now)
