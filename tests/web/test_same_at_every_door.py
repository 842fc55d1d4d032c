"""One file, three doors: command line, API and browser take its columns for the same and bring the same tickets in."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from typer.testing import CliRunner

from otai.db import utc_now
from otai.errors import OtaiError
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.tickets.models import DataSet
from tests import stories
from tests.api.callers import Program, answered
from tests.conftest import SHARED
from tests.orgs.people import joins, person
from tests.web.exports_of_all_kinds import EXPORTS
from tests.web.visitors import columns_shown

pytestmark = pytest.mark.django_db

CASES = SHARED / "cases" / "imports"

MATTERS = ("router {} restarts", "invoice {} is wrong", "payslip {} is missing", "parcel {} is late")
TEAMS = ("Net", "Billing", "People", "Shipping")


def tickets(count: int = 80) -> Iterator[dict[str, Any]]:
    for n in range(count):
        matter = MATTERS[n % 4].format(1000 + 7 * n)
        yield {
            "number": n + 1, "title": matter,
            "text": f"Hello, the {matter} since {n % 20} days. Please help.\n\nKind regards\nAda Row\nExample Ltd, "
                "Tel. +49 30 555 01",
            "team": TEAMS[n % 4], "priority": ("low", "high")[n % 2],
        }  # fmt: skip


def titled_csv() -> bytes:
    lines = ["Auswertung;;;", "Nummer;Betreff;Text;Team"]
    lines += [f'{one["number"]};{one["title"]};"{one["text"]} Grüße aus Köln";{one["team"]}' for one in tickets()]
    return "\r\n".join(lines).encode("cp1252")


def nested_json() -> bytes:
    return json.dumps(
        {
            "result": [
                {
                    "key": f"HELP-{one['number']}", "fields": {"summary": one["title"], "description": one["text"]},
                    "group": {"id": 1, "name": one["team"]},
                    "labels": [{"name": one["priority"]}, {"name": "vip"}],
                    "comments": [{"author": {"role": "agent"}, "body": f"Your ticket is with {one['team']}."}],
                }
                for one in tickets()
            ]
        }
    ).encode()  # fmt: skip


def html_table() -> bytes:
    rows = "".join(
        f"<tr><td>{one['number']}</td><td>{one['title']}</td><td>{html.escape(one['text'])}</td><td>{one['team']}</td><td>{one['priority']}</td></tr>"
        for one in tickets()
    )
    return f"<html><body><table><tr><th>ID</th><th>Subject</th><th>Description</th><th>Queue</th><th>Priority</th></tr>{rows}</table></body></html>".encode()  # noqa: E501


MADE = {
    "titled.csv": titled_csv,
    "nested.json": nested_json,
    "export.xls": html_table,
    "dump.sql": lambda: b"CREATE TABLE t (a int);\n",
}


@pytest.fixture
def acme() -> Organisation:
    return stories.acme(utc_now())


@pytest.fixture
def alice(acme: Organisation) -> Client:
    now: datetime = utc_now()
    browser = Client()
    browser.force_login(joins(acme, person("alice"), Role.OWNER, now).user)
    return browser


def by_command(path: Path) -> dict[str, Any] | str:
    from otai.cli.tickets import app

    done = CliRunner().invoke(app, ["import", str(path), "--org", "acme", "--name", "by-command", "--json"])
    if isinstance(done.exception, OtaiError):
        return done.exception.message
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.output))


def by_api(path: Path, program: Program) -> dict[str, Any] | str:
    response = program.upload(f"/data-sets?name=by-api&filename={path.name}", path.read_bytes())
    status, answer = answered(response)
    return dict(answer) if status == 201 else str(answer["error"]["message"])


def by_browser(path: Path, browser: Client) -> DataSet | str:
    answer = browser.post("/acme/tickets/upload", {"file": SimpleUploadedFile(path.name, path.read_bytes())})
    if answer.status_code != 302:
        return html.unescape(answer.content.decode())
    page = html.unescape(browser.get(answer["Location"]).content.decode())
    if 'name="role-' not in page:
        # Refused, with what would help.
        return page
    shown = columns_shown(browser, answer["Location"])
    agreed = browser.post(answer["Location"], {"name": "by-browser", **shown})
    found = DataSet.objects.filter(name="by-browser").first()
    return found if found is not None else html.unescape(agreed.content.decode())


def understood(answer: dict[str, Any]) -> dict[str, Any]:
    """What an answer says of the tickets and the columns; not when, nor under which name."""
    profile, roles = answer["profile"], answer["roles"]
    return {
        "tickets": answer["tickets"],
        "columns": {name: roles["single"].get(name) for name in roles["single"]},
        "attributes": [
            (one["name"], one["kind"], sorted(one["columns"]), one["separator"], one["proposed"])
            for one in roles["attributes"]
        ],
        "labels": [(one["name"], one["kind"], one["order"], one["labels"]) for one in profile["attributes"]],
        "lengths": profile["text_length"],
        "times": (profile["first_created_at"], profile["last_created_at"]),
        "languages": profile["languages"],
        "findings": sorted(one["code"] for one in profile["findings"]),
    }


def compare(path: Path, acme: Organisation, browser: Client) -> None:
    command, api, page = by_command(path), by_api(path, Program(acme)), by_browser(path, browser)
    if isinstance(command, str):
        # Each door names the remedy as it is said there.
        assert api == command.replace("--skip-bad-rows", "skip_bad_rows=true")
        # The page goes on with a table of the rows.
        assert isinstance(page, str) and command[:40].partition(",")[0] in " ".join(page.split())
        return
    assert isinstance(api, dict) and isinstance(page, DataSet), (api, page)
    expected = understood(command)
    assert understood(api) == expected
    shown = {"tickets": page.tickets, "profile": page.profile, "roles": page.roles}
    assert understood(shown) == expected


@pytest.mark.parametrize("name", MADE)
def test_a_file_is_the_same_at_every_door(name: str, tmp_path: Path, acme: Organisation, alice: Client) -> None:
    (tmp_path / name).write_bytes(MADE[name]())
    compare(tmp_path / name, acme, alice)


@pytest.mark.parametrize(
    "name",
    [one if one in ("codes.xlsx", "attached.b64") else pytest.param(one, marks=pytest.mark.torture) for one in EXPORTS],
)
def test_exports_of_all_kinds_are_the_same_at_every_door(
    name: str, tmp_path: Path, acme: Organisation, alice: Client
) -> None:
    (tmp_path / name).write_bytes(EXPORTS[name]())
    compare(tmp_path / name, acme, alice)


@pytest.mark.torture
@pytest.mark.timeout(1_200)
def test_every_case_is_the_same_at_every_door(acme: Organisation, alice: Client) -> None:
    """The exports and inputs that were tried, where they lie beside the clone."""
    if not CASES.is_dir():
        pytest.skip("needs ../shared/cases/imports, which this clone does not have")
    different = {}
    for path in sorted(CASES.iterdir()):
        if path.suffix in (".md",) or path.name == "expected.json":
            continue
        try:
            compare(path, acme, alice)
        except AssertionError as error:
            different[path.name] = str(error)[:600]
        for data_set in DataSet.objects.all():
            data_set.delete()
    assert not different, different
