"""Exports of many helpdesks and oddities, a few dozen tickets each, for what all doors must say alike."""

from __future__ import annotations

import base64
import csv
import gzip
import html
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

TICKETS = 48
MATTERS = ("router {} restarts", "invoice {} is wrong", "payslip {} is missing", "parcel {} is late")
TEAMS = ("Network", "Billing", "People", "Shipping")
AGENTS = ("Jana Peters", "Tim Wolf", "Eva Sommer")
LEVELS = ("Low", "Medium", "High", "Urgent")

Make = Callable[[int], Any]


def subject(n: int) -> str:
    return MATTERS[n % 4].format(1000 + 7 * n)


def body(n: int) -> str:
    return f"Hello, the {subject(n)} since {n % 28 + 1} days. Please help.\n\nKind regards\nAda Row"


def team(n: int) -> str:
    return TEAMS[n % 4]


def agent(n: int) -> str:
    return AGENTS[n * 7 % 3]


def level(n: int) -> str:
    return LEVELS[(n * 7 + n // 5) % 4]


def number(n: int) -> str:
    return f"INC-{n + 1001}"


def opened(form: str) -> Make:
    return lambda n: (datetime(2026, 1, 3, 8, 5, tzinfo=UTC) + timedelta(hours=7 * n, minutes=n)).strftime(form)


def one_of(*values: str) -> Make:
    return lambda n: values[(n * 5 + n // 3) % len(values)]


def table(columns: Mapping[str, Make], *, delimiter: str = ",", encoding: str = "utf-8", rows: int = TICKETS) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(columns)
    writer.writerows([make(n) for make in columns.values()] for n in range(rows))
    return file.getvalue().encode(encoding)


def tickets(make: Callable[[int], Any]) -> list[Any]:
    return [make(n) for n in range(TICKETS)]


def book(fill: Callable[[Any], None]) -> bytes:
    import openpyxl

    made = openpyxl.Workbook()
    fill(made)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def codes(made: Any) -> None:
    made.active.append(["Id", "Title", "Details", "Code"])
    for n in range(TICKETS):
        made.active.append([n + 1, subject(n), body(n), (1.1, 1.1, 2.2, 2.2)[n % 4]])
        if n % 2:
            made.active.cell(n + 2, 4).number_format = "0.00"


def titled(made: Any) -> None:
    made.active.title = "Pivot"
    made.active.append(["Row Labels", "Count"])
    data = made.create_sheet("Data")
    data.append(["Tickets of January", None, None, None])
    data.append([])
    data.append(["Key", "Subject", "Body", "Queue"])
    for n in range(TICKETS):
        data.append([n + 1, subject(n), body(n), team(n)])
    data.append(["Total", None, None, TICKETS])


def html_report() -> bytes:
    cells = tickets(lambda n: f"<td>{n}</td><td>{subject(n)}</td><td>{html.escape(body(n))}</td><td>{team(n)}</td>")
    head = "<tr><th>RequestID</th><th>Subject</th><th>Description</th><th>Group</th></tr>"
    rows = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<html><body><h2>Requests</h2><table>{head}{rows}</table></body></html>".encode()


def kayako() -> bytes:
    made = tickets(
        lambda n: (
            f'<ticket id="{n + 1}"><department><![CDATA[{team(n)}]]></department>'
            f"<subject><![CDATA[{subject(n)}]]></subject>"
            f"<posts><post><creator>2</creator><contents><![CDATA[{body(n)}]]></contents></post><post><creator>1</creator>"
            f"<contents><![CDATA[We pass it to {team(n)}]]></contents></post></posts></ticket>"
        )
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><tickets>{"".join(made)}</tickets>'.encode()


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


FRESHSERVICE: Mapping[str, Make] = {
    "Ticket Id": number, "Subject": subject, "Description": body, "Status": one_of("Open", "Pending", "Closed"),
    "Priority": level, "Group": team, "Agent": agent, "Created Time": opened("%Y-%m-%d %H:%M"),
    "Resolution Status": one_of("Within SLA", "SLA Violated"),
}  # fmt: skip
HALOPSA: Mapping[str, Make] = {
    "Ticket ID": lambda n: n + 2001, "Summary": subject, "Details": body, "Team": team, "Agent": agent,
    "Priority": one_of("1 - Critical", "2 - High", "3 - Medium", "4 - Low"), "Time Taken": lambda n: n % 7 * 0.25,
    "Date Logged": opened("%d/%m/%Y %H:%M:%S"), "SLA State": one_of("I", "O"),
}  # fmt: skip
TOPDESK: Mapping[str, Make] = {
    "Meldingsnummer": lambda n: f"M {2601000 + n}", "Korte omschrijving": subject, "Verzoek": body,
    "Behandelaarsgroep": team, "Behandelaar": agent, "Aanmaakdatum": opened("%d-%m-%Y %H:%M"),
    "Gereed": one_of("Ja", "Nee"), "Oplossing": lambda n: f"Herstart door café {team(n)}",
}  # fmt: skip
ZNUNY: Mapping[str, Make] = {
    "Ticket#": lambda n: f"20260103{n:08}", "Age": lambda n: f"{n % 9} d {n % 20} h",
    "Created": opened("%Y-%m-%d %H:%M"),
    "State": one_of("closed successful", "open"), "Priority": one_of("1 very low", "3 normal", "5 very high"),
    "Queue": lambda n: f"Desk::{team(n)}", "Owner": agent, "Title": subject,
}  # fmt: skip
GLPI: Mapping[str, Make] = {
    "ID": lambda n: n + 950, "Titre": subject, "Statut": one_of("Nouveau", "Clos"), "Attribué à - Technicien": agent,
    "Date d'ouverture": opened("%d-%m-%Y %H:%M"), "Attribué à - Groupe de techniciens": team,
    "Description": lambda n: f"&#60;p&#62;{body(n)}&#60;/p&#62;",
}  # fmt: skip
OSTICKET: Mapping[str, Make] = {
    "Ticket-Nummer": lambda n: str(100200 + n), "Erstellungsdatum": opened("%d.%m.%y %H:%M"), "Betreff": subject,
    "Abteilung": team, "Überfällig": one_of("0", "1"), "Anzahl der Beiträge": lambda n: n % 5,
}  # fmt: skip
FRONT: Mapping[str, Make] = {
    "Message ID": lambda n: f"msg_{n:04x}", "Conversation ID": lambda n: f"cnv_{n // 2:04x}",
    "Direction": lambda n: ("Inbound", "Outbound")[n % 2], "Inbox": lambda n: team(n // 2),
    "Message date": opened("%Y-%m-%d %H:%M"), "Subject": lambda n: subject(n // 2),
    "Extract": lambda n: "We look at it" if n % 2 else body(n // 2), "Tags": lambda n: ("vip", "b2b")[n // 2 % 2],
}  # fmt: skip
HUBSPOT: Mapping[str, Make] = {
    "Ticket ID": lambda n: 4100000000 + n, "Ticket name": subject, "Ticket description": body, "Priority": level,
    "Category": one_of("Product issue", "Billing issue"), "Create date": opened("%Y-%m-%d %H:%M"),
    "Time to close (HH:mm:ss)": lambda n: f"{n}:03:09",
}  # fmt: skip
DYNAMICS: Mapping[str, Make] = {
    "(Do Not Modify) Case": lambda n: f"{n:08x}-1111-2222-3333-444455556666", "Case Title": subject,
    "Description": body,
    "Case Number": lambda n: f"CAS-{n + 1001:05}-X7K{n % 9}", "Owner": agent, "Subject": team,
    "Created On": opened("%m/%d/%Y %I:%M %p"), "Status Reason": one_of("In Progress", "Problem Solved"),
}  # fmt: skip
SOLARWINDS: Mapping[str, Make] = {
    "Number": lambda n: n + 1, "Title": subject, "Description": lambda n: f"<p>{body(n)}</p>", "Assigned To": team,
    "Tags": one_of("vip", "vip, urgent", ""), "Created At (UTC)": opened("%b %d, %Y %H:%M"),
    "To Resolution": lambda n: n * 13,
}  # fmt: skip
GORGIAS: Mapping[str, Make] = {
    "Ticket id": lambda n: n + 7001, "Ticket subject": subject, "Ticket body": body, "Assignee team": team,
    "Tags": one_of("refund, vip", "shipping", "refund, shipping, urgent"), "Survey score": one_of("5", "4", ""),
}  # fmt: skip
POLISH: Mapping[str, Make] = {
    "Nr zgłoszenia": lambda n: f"ZG/{n}/2026", "Temat": subject, "Treść zgłoszenia": body, "Dział": team,
    "Data zgłoszenia": opened("%d.%m.%Y %H:%M"), "Priorytet": one_of("Niski", "Średni", "Wysoki"),
}  # fmt: skip
SPANISH: Mapping[str, Make] = {
    "ID": lambda n: n + 1, "Título": subject, "Descripción": body, "Mesa de ayuda": team,
    "Prioridad": one_of("Baja", "Alta"),
    "Fecha de creación": opened("%d/%m/%Y %H:%M"), "Solución": lambda n: f"Se reinició por {team(n)} {n}",
}  # fmt: skip

EXPORTS: dict[str, Callable[[], bytes]] = {
    "freshservice.csv": lambda: table(FRESHSERVICE),
    "halopsa.csv": lambda: table(HALOPSA),
    "topdesk.csv": lambda: table(TOPDESK, delimiter=";", encoding="cp1252"),
    "znuny.csv": lambda: table(ZNUNY, delimiter=";"),
    "glpi.csv": lambda: table(GLPI, delimiter=";"),
    "osticket.csv": lambda: table(OSTICKET),
    "kayako.xml": kayako,
    "front.csv": lambda: table(FRONT, rows=2 * TICKETS),
    "hubspot.csv": lambda: table(HUBSPOT),
    "dynamics.csv": lambda: table(DYNAMICS),
    "solarwinds.csv": lambda: table(SOLARWINDS),
    "manageengine.xls": html_report,
    "gorgias.csv": lambda: table(GORGIAS),
    "polish.csv": lambda: table(POLISH, delimiter=";", encoding="cp1250"),
    "spanish.txt": lambda: table(SPANISH, delimiter="\t", encoding="utf-16"),
    "liveagent.json": lambda: json.dumps(
        {"response": {"tickets": tickets(lambda n: {
            "code": number(n), "subject": subject(n), "departmentname": team(n),
            "messages": [{"usertype": "C", "message": f"<p>{body(n)}</p>"}, {"usertype": "A", "message": "Ours"}],
        })}}
    ).encode(),
    "salesforce.json": lambda: json.dumps(
        {"totalSize": TICKETS, "records": tickets(lambda n: {
            "attributes": {"type": "Case"}, "CaseNumber": f"{n:08}", "Subject": subject(n), "Description": body(n),
            "Owner": {"Name": team(n)}, "CreatedDate": opened("%Y-%m-%dT%H:%M:%S.000+0000")(n),
        })}
    ).encode(),
    "zoho.json": lambda: json.dumps(
        {"data": tickets(lambda n: {
            "id": str(19040000000 + n), "subject": subject(n), "description": f"<div>{body(n)}</div>",
            "department": {"id": str(n % 4), "name": team(n)}, "priority": level(n),
        })}
    ).encode(),
    "youtrack.json": lambda: json.dumps(tickets(lambda n: {
        "idReadable": number(n), "summary": subject(n), "description": body(n), "created": 1767427200000 + n * 9000000,
        "customFields": [{"name": "Subsystem", "value": {"name": team(n)}}],
    })).encode(),
    "search.ndjson": lambda: "\n".join(tickets(lambda n: json.dumps(
        {"title": subject(n), "message": body(n), "queue": team(n), "@timestamp": opened("%Y-%m-%dT%H:%M:%SZ")(n)}
    ))).encode(),
    "codes.xlsx": lambda: book(codes),
    "titled.xlsx": lambda: book(titled),
    "spool.csv": lambda: b"\r\nSQL> select * from t;\r\n"
    + table({"NO": number, "TITLE": subject, "DESCRIPTION": body, "QUEUE": team})
    + b"\r\n48 rows selected.\r\n",
    "powershell.csv": lambda: b"#TYPE System.Object\r\n"
    + table({"Id": number, "Title": subject, "Body": body, "Team": team}),
    "packed.csv.gz": lambda: gzip.compress(table(FRESHSERVICE)),
    "months.zip": lambda: zipped({"a.csv": table(HUBSPOT, rows=30), "b.csv": table(HUBSPOT)}),
    "attached.b64": lambda: base64.encodebytes(table(FRESHSERVICE)),
    "letter.pdf": lambda: b"%PDF-1.7 of a desk",
    "short.csv": lambda: b"Id,Title,Body,Team,Site\r\n" + b"1,printer,it smokes,Office\r\n" * 40,
}  # fmt: skip
