"""Every format that docs/importing.md names comes in over TLS: from a browser, from curl in both ways, from the Python
client and from the command line of another machine.

What each format holds, and that no other is documented, is said by tests/walk/test_formats_at_every_door.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otai.client import Studio
from tests.doors.production import Customer, Production
from tests.walk.test_formats_at_every_door import FORMATS, LATER_FORMATS, TICKETS

# What is in a file is the same on any database.
pytestmark = pytest.mark.postgres

ALL = FORMATS | LATER_FORMATS


@pytest.fixture(scope="module")
def acme(studio: Production) -> Customer:
    return studio.customer("acme-files")


@pytest.fixture(scope="module")
def page(studio: Production, browser: Any, acme: Customer) -> Any:
    return studio.page(browser, acme)


def from_a_browser(file: Path, name: str, page: Any) -> None:
    page.goto("tickets/")
    page.set_input_files("#file", file)
    page.click("[data-uploads] button")
    page.wait_for_url("**/tickets/uploads/**")
    assert "The printer in room" in page.inner_text("#columns")
    page.fill("#name", name)
    page.click("text=Import these tickets")
    page.wait_for_selector(f"text={TICKETS} tickets are imported")


def by_curl(file: Path, name: str, studio: Production, acme: Customer, *words: str) -> None:
    said = ["--fail-with-body", "-H", f"Authorization: Bearer {acme.key}", "-H", "Prefer: wait=30", *words]
    looked = json.loads(studio.curl(*said, f"{studio.url}/api/v1/data-sets/preview?filename={file.name}"))
    assert "body" in looked["roles"]["single"]
    made = json.loads(studio.curl(*said, f"{studio.url}/api/v1/data-sets?name={name}&filename={file.name}"))
    assert made["tickets"] == TICKETS


def by_the_python_client(file: Path, name: str, studio: Production, acme: Customer) -> None:
    with Studio(studio.url, acme.key) as program:
        assert program.import_tickets(file, name=name).tickets == TICKETS


def by_the_command_line(file: Path, name: str) -> None:
    from typer.testing import CliRunner

    from otai.cli.remote import app

    for words in (["columns", str(file)], ["import", str(file), "--name", name]):
        said = CliRunner().invoke(app, ["tickets", *words, "--json"])
        assert said.exit_code == 0, (said.output, said.exception)


Door = Callable[[Path, str, Production, Customer], None]

DOORS: dict[str, Door] = {
    "curl": lambda file, name, studio, acme: by_curl(file, name, studio, acme, "--data-binary", f"@{file}"),
    "curl-form": lambda file, name, studio, acme: by_curl(file, name, studio, acme, "-F", f"file=@{file}"),
    "python-client": by_the_python_client,
    "command-line": lambda file, name, studio, acme: by_the_command_line(file, name),
}


@pytest.mark.parametrize("format", ALL)
def test_a_format_comes_in_by_every_door(
    format: str,
    trusted: Production,
    acme: Customer,
    page: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTAI_URL", trusted.url)
    monkeypatch.setenv("OTAI_API_KEY", acme.key)
    file = tmp_path / f"support.{format}"
    file.write_bytes(ALL[format]())
    from_a_browser(file, f"{format} browser", page)
    for door, comes_in in DOORS.items():
        comes_in(file, f"{format}-{door}", trusted, acme)
    with Studio(trusted.url, acme.key) as program:
        made = {one.name: one.tickets for one in program.data_sets() if one.source_filename == file.name}
    assert made == dict.fromkeys([f"{format} browser", *(f"{format}-{door}" for door in DOORS)], TICKETS)
