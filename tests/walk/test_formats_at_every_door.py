"""Every format that docs/importing.md names comes in through every door: a browser, the API in both ways, and the
command line.

What a file is, is seen from its content. So each comes under its own name, under wrong ones, and under one without an
ending.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from typer.testing import CliRunner

from tests.tickets.old_excel import write_xls

if TYPE_CHECKING:
    from tests.api.callers import Program

TICKETS = 40
HEADER = ["subject", "body", "queue"]
ROWS = [
    [f"Printer {number}", f"The printer in room {number} smells, of smoke", "it" if number % 2 else "office"]
    for number in range(TICKETS)
]


def delimited(delimiter: str) -> bytes:
    return "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in [HEADER, *ROWS]).encode()


def json_lines() -> bytes:
    return "\n".join(json.dumps(dict(zip(HEADER, row, strict=True))) for row in ROWS).encode()


def json_array() -> bytes:
    return json.dumps([dict(zip(HEADER, row, strict=True)) for row in ROWS]).encode()


def workbook() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for row in [HEADER, *ROWS]:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    columns = dict(zip(HEADER, map(list, zip(*ROWS, strict=True)), strict=True))
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def old_workbook() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write_xls(Path(folder) / "t.xls", {"Tickets": [HEADER, *ROWS]})
        return (Path(folder) / "t.xls").read_bytes()


def open_document() -> bytes:
    def row(cells: list[str]) -> str:
        said = "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in cells
        )
        return f"<table:table-row>{said}</table:table-row>"

    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    rows = "".join(map(row, [HEADER, *ROWS]))
    return packed(
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": f'<?xml version="1.0"?><office:document-content{spaces}><office:body><office:spreadsheet><table:table '  # noqa: E501
            f'table:name="Tickets">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'.encode(),
        }
    )


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def tar_gz(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def parts() -> dict[str, bytes]:
    """One export in two files."""
    return {
        f"part-{n}.csv": "\r\n".join(",".join(f'"{cell}"' for cell in row) for row in [HEADER, *ROWS[n::2]]).encode()
        for n in (0, 1)
    }


def xml(root: str, ticket: str, names: list[str]) -> bytes:
    tickets = "".join(
        f"<{ticket}>{''.join(f'<{name}>{cell}</{name}>' for name, cell in zip(names, row, strict=True))}</{ticket}>"
        for row in ROWS
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{tickets}</{root}>'.encode()


def html_table() -> bytes:
    """What a helpdesk calls an Excel file."""
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in [HEADER, *ROWS])
    return f"<html><head><meta charset=utf-8></head><body><table border=1>{rows}</table></body></html>".encode()


def spreadsheet_2003() -> bytes:
    """What old helpdesks write as `.xls`, too: markup of a workbook."""
    of = "urn:schemas-microsoft-com:office:spreadsheet"

    def row(cells: list[str]) -> str:
        return "".join(f'<Cell><Data ss:Type="String">{cell}</Data></Cell>' for cell in cells)

    rows = "".join(f"<Row>{row(cells)}</Row>\n" for cells in [HEADER, *ROWS])
    return (
        f'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n<Workbook xmlns="{of}" xmlns:ss="{of}">'
        f'<Worksheet ss:Name="Tickets"><Table>{rows}</Table></Worksheet></Workbook>'
    ).encode()


def lines_with_labels() -> bytes:
    """As fastText is taught."""
    return "".join(f"__label__{queue} {subject}: {body}\n" for subject, body, queue in ROWS).encode()


def mail(number: int) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "Bob <bob@customer.example>", "helpdesk@acme.example"
    message["Subject"], message["Date"] = ROWS[number][0], formatdate(1_790_000_000 + 3600 * number)
    message["Message-ID"], message["X-Gmail-Labels"] = f"<{number}@customer.example>", ROWS[number][2]
    message.set_content(ROWS[number][1])
    return message


def mbox() -> bytes:
    return b"".join(
        b"From bob@customer.example Mon Nov  2 09:30:00 2026\n" + bytes(mail(n)) + b"\n" for n in range(TICKETS)
    )


def mails() -> bytes:
    return packed({f"{n}.eml": bytes(mail(n)) for n in range(TICKETS)})


FORMATS: dict[str, Callable[[], bytes]] = {
    "csv": lambda: delimited(","),
    "semicolons.csv": lambda: delimited(";"),
    "bars.csv": lambda: delimited("|"),
    "tsv": lambda: delimited("\t"),
    "utf16.txt": lambda: delimited("\t").decode().encode("utf-16"),
    "jsonl": json_lines,
    "json": json_array,
    "xlsx": workbook,
    "parquet": parquet,
    "csv.gz": lambda: gzip.compress(delimited(",")),
    "jsonl.gz": lambda: gzip.compress(json_lines()),
    "json.gz": lambda: gzip.compress(json_array()),
}

LATER_FORMATS: dict[str, Callable[[], bytes]] = {
    "xls": old_workbook,
    "ods": open_document,
    "servicenow.xml": lambda: xml("unload", "incident", ["short_description", "description", "assignment_group"]),
    "freshdesk.xml": lambda: xml("helpdesk-tickets", "helpdesk-ticket", ["subject", "description", "group-name"]),
    "table.xls": html_table,
    "2003.xls": spreadsheet_2003,
    "txt": lines_with_labels,
    "mbox": mbox,
    "eml.zip": mails,
    "parts.zip": lambda: packed(parts()),
    "parts.tar.gz": lambda: tar_gz(parts()),
    "parts.csv.gz.zip": lambda: packed({f"{name}.gz": gzip.compress(content) for name, content in parts().items()}),
}
"""Under its own name at two doors, without an ending at the others: every name costs an import."""

DOCUMENTED = {
    "CSV, TSV": ["csv", "semicolons.csv", "bars.csv", "tsv", "utf16.txt"],
    "Excel (.xlsx, .xls), OpenDocument (.ods)": ["xlsx", "xls", "ods"],
    "JSON Lines, JSON": ["jsonl", "json"],
    "XML": ["servicenow.xml", "freshdesk.xml"],
    "HTML": ["table.xls", "2003.xls"],
    "mbox": ["mbox", "eml.zip"],
    "lines with labels in front": ["txt"],
    "Parquet": ["parquet"],
}
"""Which of them a line of the table in docs/importing.md is proved by."""

NAMES = ["its own", "export", "export.xls", "export.csv", "export.xlsx"]


@pytest.mark.pure
def test_every_format_that_the_documentation_names_comes_in_here() -> None:
    page = (Path(__file__).parents[2] / "docs" / "importing.md").read_text()
    _, table = page.split("## Which files\n\n| format | what is understood |\n|---|---|\n")
    named = [line.split("|")[1].strip() for line in table.partition("\n\n")[0].splitlines()]
    assert named == list(DOCUMENTED)
    there = FORMATS | LATER_FORMATS
    proved = {format for formats in DOCUMENTED.values() for format in formats}
    assert proved <= set(there)
    # What else comes in is one of these, packed.
    assert all(format.endswith((".gz", ".zip")) for format in set(there) - proved)


@pytest.fixture
def acme(db: None) -> Any:
    from otai.db import utc_now
    from tests import stories

    return stories.acme(utc_now())


@pytest.fixture
def browser(acme: Any) -> Client:
    from otai.db import utc_now
    from otai.orgs.permissions import Role
    from tests.orgs.people import joins, person

    client = Client()
    now = utc_now()
    client.force_login(joins(acme, person("alice"), Role.OWNER, now).user)
    return client


@pytest.fixture
def program(acme: Any) -> Program:
    from tests.api.callers import Program

    return Program(acme)


def through_the_browser(file: Path, browser: Client) -> None:
    from tests.web.visitors import columns_shown

    answer = browser.post("/acme/tickets/upload", {"file": SimpleUploadedFile(file.name, file.read_bytes())})
    assert answer.status_code == 302, answer.content.decode()
    columns = str(answer["Location"])
    assert "The printer in room" in browser.get(columns).content.decode()
    answer = browser.post(columns, {"name": "support", **columns_shown(browser, columns)})
    assert answer.status_code == 302, answer.content.decode()


def through_the_api(file: Path, program: Program, *, as_form: bool, content_type: str) -> None:
    from tests.api.callers import ROOT, answered

    # A line with labels in front is one text.
    texts = {"body"} if file.read_bytes().startswith(b"__label__") else {"subject", "body"}
    for path, expected in (("/data-sets/preview", 200), ("/data-sets?name=support", 201)):
        if as_form:
            form = {"file": SimpleUploadedFile(file.name, file.read_bytes())}
            status, found = answered(program.client.post(ROOT + path, form, headers={"Prefer": "wait=120"}))
        else:
            named = f"{path}{'&' if '?' in path else '?'}filename={file.name}"
            status, found = answered(program.upload(named, file.read_bytes(), content_type))
        assert status == expected, found
        assert texts <= set(found["roles"]["single"]), path


def through_the_command_line(file: Path) -> None:
    from otai.cli.tickets import app

    for words in (["columns", str(file), "--json"], ["import", str(file), "--name", "support", "--json"]):
        result = CliRunner().invoke(app, words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output


DOORS: dict[str, Callable[[Path, Client, Any], None]] = {
    "browser": lambda file, browser, program: through_the_browser(file, browser),
    "api-body": lambda file, browser, program: through_the_api(
        file, program, as_form=False, content_type="application/octet-stream"
    ),
    # What `curl --data-binary @file` says unless it is told otherwise.
    "api-curl": lambda file, browser, program: through_the_api(
        file, program, as_form=False, content_type="application/x-www-form-urlencoded"
    ),
    "api-form": lambda file, browser, program: through_the_api(file, program, as_form=True, content_type=""),
    "command-line": lambda file, browser, program: through_the_command_line(file),
}


def once(formats: dict[str, Callable[[], bytes]], *, everywhere: tuple[str, ...]) -> list[Any]:
    """Parameters: reading a file is the same on every database, so only some formats come in on each of them."""
    return [name if name in everywhere else pytest.param(name, marks=pytest.mark.pure) for name in formats]


def comes_in(format: str, door: str, name: str, folder: Path, browser: Client, program: Program, *, as_: int) -> None:
    """The file under that name, as this version of the data set."""
    from otai.tickets.models import DataSet

    file = folder / (f"support.{format}" if name == "its own" else name)
    file.write_bytes(FORMATS[format]())
    DOORS[door](file, browser, program)
    newest = DataSet.objects.get(name="support", version=as_)
    assert (newest.tickets, newest.source_filename) == (TICKETS, file.name)
    assert [one.name for one in newest.attributes.all()] == ["queue"]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("format", once(FORMATS, everywhere=("csv", "xlsx")))
def test_a_format_comes_in_by_every_door(
    format: str, door: str, browser: Client, program: Program, tmp_path: Path
) -> None:
    # Each format under each name, and each name at each door, though not all three together: that is torture's.
    name = NAMES[(list(FORMATS).index(format) + list(DOORS).index(door)) % len(NAMES)]
    comes_in(format, door, name, tmp_path, browser, program, as_=1)


@pytest.mark.torture
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("format", FORMATS)
def test_a_format_comes_in_under_any_name(
    format: str, door: str, browser: Client, program: Program, tmp_path: Path
) -> None:
    for version, name in enumerate(NAMES, start=1):
        comes_in(format, door, name, tmp_path, browser, program, as_=version)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("format", once(LATER_FORMATS, everywhere=("eml.zip",)))
def test_a_format_that_came_later_comes_in_by_every_door(
    format: str, door: str, browser: Client, program: Program, tmp_path: Path
) -> None:
    from otai.tickets.models import DataSet

    content = LATER_FORMATS[format]()
    file = tmp_path / (f"support.{format}" if door in ("browser", "command-line") else "export")
    file.write_bytes(content)
    DOORS[door](file, browser, program)
    made = DataSet.objects.get(name="support")
    assert (made.tickets, made.source_filename) == (TICKETS, file.name)
    labels = {label.name for one in made.attributes.all() for label in one.labels.all()}
    assert {"it", "office"} <= labels, made.roles
