"""One export of each helpdesk as it writes it, with all the columns around the few that matter, and files as people and
systems leave them: what is the ticket, what sorts it, and what nobody knew when it came in."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape

import openpyxl
import pytest

from otai.learning.evidence.leaks import Leaks
from tests.tickets.helpdesk_documents import DOCUMENTS
from tests.tickets.helpdesk_rows import FIRST, ROWS, SOLVED, Made, Right, cell, columns, ended, person, table
from tests.tickets.helpdesk_tables import TABLES
from tests.tickets.test_other_helpdesks import agent, body, brought, subject, team

pytestmark = pytest.mark.pure

PLAIN = (
    'Ticket-Nr. = T-{n:05d} | Betreff = Störung: {subject} | Beschreibung = Grüße,\n{body}; "dringend" | '
    "Warteschlange = {team} | Bearbeiter = {agent} | Erstellt am = {at:%d.%m.%Y %H:%M} | "
    "Geschlossen am = ?{later:%d.%m.%Y %H:%M}"
)
PLAIN_RIGHT = Right(
    "Betreff", "Beschreibung", "Ticket-Nr.", "Erstellt am", {"Warteschlange", "Bearbeiter"}, {"Geschlossen am"}
)


def mixed_lines() -> tuple[str, bytes]:
    """Two halves in two encodings, texts over several lines in quotes."""
    name, content = table(PLAIN, delimiter=";")()
    middle = content.index(b"T-00060")
    return name, content[:middle] + content[middle:].decode().encode("cp1252")


def workbook() -> tuple[str, bytes]:
    """Title, a header over two rows, days as numbers, numbers as text, a total, and a hidden sheet of lists."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Übersicht"
    for row in (
        ["Tickets je Team"],
        ["Team", "Anzahl"],
        *([name, 30] for name in ("Net", "Billing", "People", "Shipping")),
    ):
        sheet.append(row)
    lists = book.create_sheet("Listen")
    lists.sheet_state = "hidden"
    for n in range(400):
        lists.append([f"Wert {n}", n])
    data = book.create_sheet("Daten 2026")
    data.append(["Meldungen des ersten Quartals"])
    data.merge_cells("A1:G1")
    data.append([])
    data.append(["Meldung", None, None, "Zuordnung", None, "Verlauf", None])
    data.merge_cells("A3:C3")
    data.merge_cells("D3:E3")
    data.append([name for name, _ in columns(PLAIN)])
    for n in range(ROWS):
        values: list[object] = [cell(template, n) for _, template in columns(PLAIN)]
        values[0] = f"{n + 7:05d}"
        values[5] = 46_027.34 + n * 0.29
        values[6] = 46_028.34 + n * 0.29 if ended(n) else None
        data.append(values)
    data.append(["Summe", ROWS])
    file = io.BytesIO()
    book.save(file)
    return "export.xlsx", file.getvalue()


def packed(*files: tuple[str, bytes], name: str = "export.zip") -> tuple[str, bytes]:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files:
            archive.writestr(path, content)
    return name, file.getvalue()


def by_month() -> tuple[str, bytes]:
    """Three months with what other systems put beside them."""
    header, *_ = table(PLAIN, delimiter=";")()[1].split(b"\r\n", 1)
    months = []
    for month in range(3):
        rows = io.StringIO()
        writer = csv.writer(rows, delimiter=";")
        writer.writerows(
            [cell(template, n) for _, template in columns(PLAIN)] for n in range(40 * month, 40 * month + 40)
        )
        months.append((f"tickets/2026-{month + 1:02d}.csv", header + b"\r\n" + rows.getvalue().encode()))
    return packed(*months, ("__MACOSX/tickets/._2026-01.csv", b"\0\5\x16\7"), ("tickets/.DS_Store", b"\0\0\0\1Bud1"))


def of_a_database() -> tuple[str, bytes]:
    """Tables that belong to each other: the tickets among people and statistics."""
    people = "\r\n".join(["id,name,email", *(f"{n},{person(n)},c{n}@globex.example" for n in range(60))])
    queues = "\r\n".join(["queue_id,queue_name", *(f"{n},{team(n)}" for n in range(4))])
    tickets = table(PLAIN, delimiter=",")()[1]
    return packed(("users.csv", people.encode()), ("tickets.csv", tickets), ("queues.csv", queues.encode()))


def mail(n: int, *, answer: bool = False) -> EmailMessage:
    message = EmailMessage()
    message["Message-ID"] = f"<{n}{'b' if answer else 'a'}@globex.example>"
    message["Date"] = format_datetime(FIRST + timedelta(hours=7 * n + answer))
    message["From"] = f"{agent(n)} <support@acme.example>" if answer else f"{person(n)} <c{n}@globex.example>"
    message["To"] = f"c{n}@globex.example" if answer else "support@acme.example"
    message["Subject"] = f"{'Re: ' if answer else ''}Störung: {subject(n)}"
    if answer:
        message["In-Reply-To"] = message["References"] = f"<{n}a@globex.example>"
    else:
        message["X-Gmail-Labels"] = f"Inbox,{team(n)}"
    text = f"{SOLVED}\n\nAm 5. Januar schrieb {person(n)}:\n> {body(n)}" if answer else body(n)
    message.set_content(text, cte="base64")
    message.add_alternative(f"<html><body><p>{text}</p></body></html>", subtype="html", cte="quoted-printable")
    return message


def mailbox() -> tuple[str, bytes]:
    mails = [mail(n, answer=answer) for n in range(ROWS) for answer in (False, True)]
    return "group.mbox", b"".join(b"From - Mon Jan  5 08:12:00 2026\n" + one.as_bytes() + b"\n\n" for one in mails)


def folders_of_mails() -> tuple[str, bytes]:
    return packed(*((f"Archive/{team(n)}/{n:04d}.eml", mail(n).as_bytes()) for n in range(ROWS)))


def html_called_xls() -> tuple[str, bytes]:
    rows = "".join(
        "<tr>"
        + "".join(f"<td class=xl24>{escape(cell(made, n)).replace(chr(10), '<br>')}</td>" for _, made in columns(PLAIN))
        + "</tr>"
        for n in range(ROWS)
    )
    head = "".join(f"<th><b>{escape(name)}</b></th>" for name, _ in columns(PLAIN))
    page = (
        '<html><head><meta http-equiv=Content-Type content="text/html; charset=windows-1252"></head><body>'
        f"<table><tr><td>Export of 05.01.2026</td></tr></table>"
        f"<table border=1><tr>{head}</tr>{rows}</table></body></html>"
    )
    return "export.xls", page.encode("cp1252")


MAILS_RIGHT = Right(None, None, None, None, {"labels"}, set())
CASES: dict[str, tuple[Made, Right]] = {
    **TABLES,
    **DOCUMENTS,
    "lines in two encodings, texts over several lines": (mixed_lines, PLAIN_RIGHT),
    "tabs in a file called .csv": (table(PLAIN, delimiter="\t"), PLAIN_RIGHT),
    "UTF-16 from a database": (table(PLAIN, delimiter=";", encoding="utf-16"), PLAIN_RIGHT),
    "a first line that names the delimiter": (
        table(PLAIN, delimiter=";", before="sep=;\r\n", encoding="cp1252"),
        PLAIN_RIGHT,
    ),
    "bars between": (table(PLAIN, delimiter="|", name="export.txt"), PLAIN_RIGHT),
    "a total below": (
        table(PLAIN, delimiter=";", after="\r\nAnzahl Tickets: 120\r\nErstellt von: M. Muster\r\n"),
        PLAIN_RIGHT,
    ),
    "a workbook made by people": (workbook, PLAIN_RIGHT),
    "a file a month, packed by a Mac": (by_month, PLAIN_RIGHT),
    "tables of a database": (of_a_database, PLAIN_RIGHT),
    "HTML called .xls": (html_called_xls, PLAIN_RIGHT),
    "a mailbox with the answers": (mailbox, MAILS_RIGHT),
    "folders of mails": (folders_of_mails, replace(MAILS_RIGHT, proposed={"folder", "labels"})),
}


@pytest.fixture(autouse=True)
def _only_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lines are worth is measured by training: half a second a file, and another test's story."""
    monkeypatch.setattr("otai.tickets.reading.find_leaks", lambda texts, labels: Leaks(()))


@pytest.mark.parametrize("case", CASES)
def test_an_export_is_understood_whole(tmp_path: Path, case: str) -> None:
    make, right = CASES[case]
    name, content = make()
    (tmp_path / name).write_bytes(content)
    read, tickets = brought(tmp_path / name, tmp_path)
    roles = dict(read.roles.single)
    wanted = {
        role: column
        for role in ("subject", "body", "ticket", "created")
        if (column := getattr(right, role)) is not None
    }
    assert {role: roles.get(role) for role in wanted} == wanted
    kept = {found.name for found in read.roles.attributes}
    proposed = {found.name for found in read.roles.attributes if found.proposed}
    assert (right.proposed - proposed, right.never & kept, proposed - right.proposed) == (set(), set(), set())
    assert len(tickets) == ROWS
    told = sorted(tickets, key=lambda ticket: str(ticket["created_at"]))[7]
    assert str(told["created_at"])[:10] == "2026-01-07"
    assert subject(7) in str(told["subject"]) and body(7)[:40] in str(told["body"]) and SOLVED not in str(told["body"])
