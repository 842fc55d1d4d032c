"""Servers that start together on one home, and the next release beside a running one: every page has its style sheets
and scripts, whoever answers."""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

import otai
from tests.web.studio_server import Installation, answers, free_port

pytestmark = pytest.mark.pure


def start(stack: ExitStack, installation: Installation, *names: str, release: Path | None = None) -> dict[str, str]:
    """Servers of these names, all at once: the address of each, when all answer."""
    started = {}
    for name in names:
        port = free_port()
        running = stack.enter_context(
            installation.process("studio", "--port", str(port), "--workers", "1", log=f"{name}.log", release=release)
        )
        started[name] = (f"http://localhost:{port}", running)
    for name, (address, running) in started.items():
        answers(f"{address}/health/live", running, installation.home / f"{name}.log")
    return {name: address for name, (address, _running) in started.items()}


def assets(address: str) -> set[str]:
    """What a page of that server names."""
    found = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', httpx.get(f"{address}/account/login/").text))
    assert any(name.endswith(".css") for name in found) and any(name.endswith(".js") for name in found)
    return found


def test_two_that_start_together_and_the_next_release_beside_them_have_all_files_of_each_other(
    installation: Installation, tmp_path: Path
) -> None:
    shutil.rmtree(installation.home / "static", ignore_errors=True)
    here = Path(otai.__file__).parent
    upgraded = tmp_path / "upgraded"
    # With what is compiled of it: its times are copied, too.
    shutil.copytree(here, upgraded / "otai")
    for sheet in (upgraded / "otai" / "web" / "static").rglob("*.css"):
        sheet.write_text(sheet.read_text() + "\n/* the next release */\n")
    with ExitStack() as stack:
        servers = start(stack, installation, "first", "second")
        before = assets(servers["first"])
        assert assets(servers["second"]) == before
        servers |= start(stack, installation, "upgraded", release=upgraded)
        after = assets(servers["upgraded"])
        assert after != before
        # A page that is still open, answered by the new server, and the other way round.
        missing = [
            (name, file)
            for name, address in servers.items()
            for file in sorted(before | after)
            if httpx.get(address + file).status_code != 200
        ]
        assert not missing
        for file in before - after:
            if file.endswith(".css"):
                assert "the next release" not in httpx.get(servers["upgraded"] + file).text
