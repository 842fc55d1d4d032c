"""Files from outside: in bounded memory, no larger than allowed, and nothing that explodes or climbs out of its
folder."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from otai.api.uploads import bare_name
from otai.tickets.models import DataSet
from tests.api.callers import ROOT, Program, answered

pytestmark = pytest.mark.django_db

WAIT = {"Prefer": "wait=120"}


def test_a_form_uploads_as_the_plain_body_does(alice: Program, tickets: Path) -> None:
    file = SimpleUploadedFile("support.csv", tickets.read_bytes(), "text/csv")
    status, data_set = answered(alice.client.post(ROOT + "/data-sets", {"file": file}, headers=WAIT))
    assert status == 201 and data_set["name"] == "support" and data_set["tickets"] == 150
    status, refused = answered(alice.client.post(ROOT + "/data-sets", {"other": "x"}))
    assert status == 422 and refused["error"]["code"] == "file_missing"


def test_columns_can_be_looked_at_and_named(alice: Program, tickets: Path) -> None:
    status, preview = answered(alice.upload("/data-sets/preview", tickets.read_bytes(), "text/csv"))
    assert status == 200 and {a["name"] for a in preview["roles"]["attributes"]} == {"queue", "priority"}
    status, data_set = answered(
        alice.upload("/data-sets?name=one&ignore=priority&attribute=queue", tickets.read_bytes(), "text/csv")
    )
    assert status == 201
    assert [a["name"] for a in alice.get(f"/data-sets/{data_set['id']}/attributes")[1]["items"]] == ["queue"]
    assert len(alice.get(f"/data-sets/{data_set['id']}/tickets?limit=3&offset=148")[1]["items"]) == 2


def test_a_preview_says_which_dates_nothing_settles(alice: Program) -> None:
    lines = [f"The printer in room {n} is on fire,{'it' if n % 3 else 'hr'},03/04/2026" for n in range(40)]
    content = "\n".join(["text,queue,opened", *lines]).encode()
    status, preview = answered(alice.upload("/data-sets/preview", content, "text/csv"))
    assert status == 200
    assert preview["unsettled_dates"] == {"column": "opened", "example": "03/04/2026", "read_as": "month-first"}
    _, said = answered(alice.upload("/data-sets/preview?dates=day-first", content, "text/csv"))
    assert said["unsettled_dates"] is None


def test_too_large_is_said_before_it_is_read(alice: Program, settings: Any) -> None:
    settings.OTAI_UPLOAD_MOST_BYTES = 1000
    response = alice.client.generic("POST", ROOT + "/data-sets?name=x", b"", "text/csv", CONTENT_LENGTH=str(2 << 30))
    assert response.status_code == 413 and response.json()["error"]["most_bytes"] == 1000


@pytest.mark.parametrize("as_form", [False, True])
def test_too_large_stops_where_the_limit_is(alice: Program, settings: Any, as_form: bool) -> None:
    settings.OTAI_UPLOAD_MOST_BYTES = 100_000
    content = b"text,queue\n" + b"vpn is down,network\n" * 7_000
    if as_form:
        response = alice.client.post(ROOT + "/data-sets", {"file": SimpleUploadedFile("a.csv", content)}, headers=WAIT)
    else:
        response = alice.upload("/data-sets?name=x", content, "text/csv")
    assert response.status_code == 413 and not DataSet.objects.exists()


def test_a_large_file_takes_little_memory(alice: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """64 MiB pass through in pieces of 1 MiB; what they hold is refused, since reading it is measured elsewhere."""

    class Endless(io.RawIOBase):
        left = 64 << 20

        def read(self, size: int = -1) -> bytes:
            size = min(size if size > 0 else 1 << 20, self.left)
            self.left -= size
            return b"\0" * size

    from django.test.client import FakePayload

    monkeypatch.setattr(FakePayload, "read", lambda self, size=-1: source.read(size))
    source = Endless()
    tracemalloc.start()
    try:
        response = alice.client.generic(
            "POST", ROOT + "/data-sets/preview", b"", "application/octet-stream", CONTENT_LENGTH=str(64 << 20)
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert response.status_code == 422 and source.left == 0
    assert peak < 24 << 20, f"{peak >> 20} MiB"


def test_help_speaks_of_rows_only_where_rows_are_wrong(alice: Program) -> None:
    status, refused = answered(alice.upload("/data-sets?name=x&filename=x.pdf", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"))
    assert status == 422
    assert "rows" not in refused["error"]["help"] and "preview" in refused["error"]["help"]
    rows = b'text,queue\nThe printer is on fire,it\nx,"The lift'
    status, refused = answered(alice.upload("/data-sets?name=x&filename=x.csv", rows))
    assert status == 422 and "skip_bad_rows" in refused["error"]["help"]


def bomb() -> bytes:
    """An Excel workbook of 100 kB that unpacks to 100 MB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (100 << 20))
    return out.getvalue()


def test_a_bomb_is_refused_before_it_goes_off(alice: Program) -> None:
    content = bomb()
    assert len(content) < 200_000
    for path in ("/data-sets?filename=a.xlsx", "/data-sets/preview?filename=a.xlsx"):
        status, refused = answered(alice.upload(path, content))
        assert status == 422 and refused["error"]["code"] == "dataset_invalid", refused
        assert "unpacks" in refused["error"]["message"]


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd.csv", "..\\..\\boot.csv", "/etc/cron.d/x.csv", "C:\\x.csv", "a\0b.csv", "x" * 290]
)
def test_a_name_never_becomes_a_path(alice: Program, tickets: Path, name: str) -> None:
    from urllib.parse import quote

    from otai.tickets.files import file_store

    status, data_set = answered(
        alice.upload(f"/data-sets?name=n&filename={quote(name)}", tickets.read_bytes(), "text/csv")
    )
    if "\0" in name:
        assert status == 422
        return
    assert status == 201
    assert "/" not in data_set["source_filename"] and "\\" not in data_set["source_filename"]
    stored = DataSet.objects.get(id=data_set["id"]).file
    assert stored.startswith(f"tickets/{alice.key.organisation_id}/") and stored in file_store().paths()


@pytest.mark.pure
def test_bare_names() -> None:
    assert bare_name("..\\..\\etc/passwd") == "passwd"
    assert bare_name("a/..") == "" and bare_name("") == ""
    assert bare_name("mail\r\nX: y.csv") == "mailX: y.csv"


def test_a_bad_row_is_named_and_can_be_left_out(alice: Program) -> None:
    content = b"text,queue\n" + b"vpn is down,network\n" * 20 + b"one,two,three,four\n" + b"bill wrong,billing\n" * 20
    status, refused = answered(alice.upload("/data-sets?name=n", content, "text/csv"))
    assert status == 422 and refused["error"]["row"] == 22 and refused["error"]["problems"], refused
    status, data_set = answered(alice.upload("/data-sets?name=n&skip_bad_rows=true", content, "text/csv"))
    assert status == 201 and data_set["left_out_rows"] == 1


def test_files_that_wait_on_the_page_are_listed_and_dropped(
    acme: Any, globex: Any, alice: Program, carol: Program
) -> None:
    from otai.tickets import waiting_uploads

    kept = waiting_uploads.keep(acme, filename="C:\\exports\\support.csv", chunks=[b"text,queue\n", b"x,it\n"])
    status, found = alice.get("/uploads")
    assert (status, [(one["id"], one["filename"], one["bytes"]) for one in found["items"]]) == (
        200,
        [(str(kept.id), "support.csv", 16)],
    )
    assert carol.get("/uploads")[1]["items"] == []
    assert carol.call("DELETE", f"/uploads/{kept.id}").status_code == 404
    assert kept.path.exists()
    assert alice.call("DELETE", f"/uploads/{kept.id}").status_code == 204
    assert not kept.path.exists()
    assert alice.get("/uploads")[1]["items"] == []
    assert alice.call("DELETE", f"/uploads/{kept.id}").status_code == 404
