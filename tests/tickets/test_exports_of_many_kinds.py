"""Exports that nobody showed us beforehand: other shapes of JSON, mailboxes, chats, headers over two rows, what word
processors leave behind. Each rule with inputs of its own."""

from __future__ import annotations

import email.message
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from otai.learning.data.texts.html_text import text_of_html
from otai.learning.data.texts.office_text import text_of_rtf, without_styles
from otai.learning.data.texts.times import parse_time
from otai.learning.data.texts.transcripts import customers_first_words
from otai.learning.data.texts.writers import writer_of
from otai.tickets.sources.nested import Flattener
from otai.tickets.sources.opening import open_source
from tests.tickets.test_other_helpdesks import agent, body, brought, guessed, subject, team, written

pytestmark = pytest.mark.pure

ROWS = 60
DAY = datetime(2026, 1, 5, 8, 12, tzinfo=UTC)


def saved(tmp_path: Path, document: Any, name: str = "export.json") -> Path:
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def ticket(n: int) -> dict[str, Any]:
    return {"subject": subject(n), "message": body(n), "department": team(n)}


def columns() -> dict[str, list[str]]:
    return {name: [ticket(n)[name] for n in range(ROWS)] for name in ticket(0)}


ROWS_OF_LISTS = [list(ticket(n).values()) for n in range(ROWS)]
SHAPES: dict[str, Any] = {
    "members under their ids": {str(5_000 + n): ticket(n) for n in range(ROWS)},
    "such members inside": {"export": {"count": ROWS}, "tickets": {f"T-{n}": ticket(n) for n in range(ROWS)}},
    "a row of names above lists": [list(ticket(0)), *ROWS_OF_LISTS],
    "names beside lists": {"columns": list(ticket(0)), "index": [1, 2], "data": ROWS_OF_LISTS},
    "names that are objects": {
        "data": {"cols": [{"name": name} for name in ticket(0)], "rows": ROWS_OF_LISTS}
    },
    "lists of columns": columns(),
    "columns of numbered rows": {
        name: {str(n): cell for n, cell in enumerate(cells)} for name, cells in columns().items()
    },
}  # fmt: skip


@pytest.mark.parametrize("shape", list(SHAPES))
def test_json_is_a_table_whatever_its_shape(tmp_path: Path, shape: str) -> None:
    read, tickets = brought(saved(tmp_path, SHAPES[shape]), tmp_path)
    assert (len(tickets), read.roles.single["subject"], read.roles.single["body"]) == (ROWS, "subject", "message")
    assert tickets[7]["attribute:department"] == team(7)


def test_what_members_are_found_under_is_their_id(tmp_path: Path) -> None:
    for shape, first in (("members under their ids", "5000"), ("such members inside", "T-0")):
        _, tickets = brought(saved(tmp_path, SHAPES[shape]), tmp_path)
        assert tickets[0]["ticket"] == first


@pytest.mark.parametrize(
    "document",
    [
        {"subject": subject(1), "message": body(1), "to": ["a", "b"], "cc": ["c", "d"]},
        {"subject": subject(1), "message": body(1), "parts": {"x": ["1", "2"], "y": ["3", "4"]}},
    ],
)
def test_a_ticket_that_holds_lists_stays_one_ticket(tmp_path: Path, document: dict[str, Any]) -> None:
    _, tickets = brought(saved(tmp_path, document), tmp_path)
    assert [one["body"] for one in tickets] == [body(1)]


def test_values_of_a_database_are_values(tmp_path: Path) -> None:
    rows = [
        {"_id": {"$oid": f"{n:024x}"}, **ticket(n), "createdAt": {"$date": f"2026-01-{n % 28 + 1:02}T08:00:00Z"}}
        for n in range(ROWS)
    ]
    read, tickets = brought(saved(tmp_path, "\n".join(map(json.dumps, rows)), "export.ndjson"), tmp_path)
    assert (read.roles.single["ticket"], read.roles.single["created"]) == ("_id", "createdAt")
    assert tickets[3]["ticket"] == f"{3:024x}"


def test_what_people_read_is_taken_and_its_code_left_out(tmp_path: Path) -> None:
    shown = "@OData.Community.Display.V1.FormattedValue"
    rows = [
        {
            "ticketnumber": f"CAS-{n:05}", "title": subject(n), "description": body(n),
            "prioritycode": n % 3 + 1, f"prioritycode{shown}": ("High", "Normal", "Low")[n % 3],
            "casetypecode": n % 2, f"casetypecode{shown}": ("Question", "Problem")[n % 2],
            f"statecode{shown}": ("Resolved", "Active")[n * 5 % 7 % 2],
            "_ownerid_value": f"{n * 7 % 3:08x}-0000-4222-8333-000000000000", f"_ownerid_value{shown}": agent(n),
            f"_customerid_value{shown}": f"Kim Lau {n % 9}", f"_subjectid_value{shown}": team(n),
        }
        for n in range(ROWS)
    ]  # fmt: skip
    roles = guessed(saved(tmp_path, {"@odata.context": "x", "value": rows}))
    proposed = {found.name.removesuffix(shown): found for found in roles.attributes if found.proposed}
    assert set(proposed) == {"prioritycode", "casetypecode", "_ownerid_value", "_subjectid_value"}
    assert all(found.name.endswith(shown) for found in proposed.values())
    assert proposed["prioritycode"].order == ("Low", "Normal", "High")


def test_objects_of_one_thing_that_say_the_same_are_one_attribute(tmp_path: Path) -> None:
    rows = [
        {
            "id": n + 1, "subject": subject(n), "type": {"label": ("Question", "Problem")[n % 2], "type": "QP"[n % 2]},
            "team": {"id": n % 4, "title": team(n)}, "assignee": {"id": n * 7 % 3, "username": agent(n)},
            "posts": [
                {"contents": body(n), "creator": {"full_name": "Kim Lau", "role": "customer"}},
                {"contents": "It is repaired.", "creator": {"full_name": agent(n), "role": "agent"}},
            ],
        }
        for n in range(ROWS)
    ]  # fmt: skip
    read, tickets = brought(saved(tmp_path, {"data": rows}), tmp_path)
    assert [found.name for found in read.roles.attributes] == ["type.label", "team.title", "assignee.username"]
    assert [one["body"] for one in tickets] == [body(n) for n in range(ROWS)]


def test_a_card_has_a_name_where_a_ticket_has_a_subject(tmp_path: Path) -> None:
    rows = [{"id": f"c{n}", "name": subject(n), "desc": body(n), "labels": [{"name": team(n)}]} for n in range(ROWS)]
    assert dict(guessed(saved(tmp_path, {"cards": rows})).single) == {"ticket": "id", "subject": "name", "body": "desc"}
    people = written(tmp_path, {"id": lambda n: n, "name": lambda n: f"Kim Lau{'abcdefgh'[n % 8]}", "desc": body})
    assert "subject" not in guessed(people).single


def test_lines_with_labels_in_front_are_tickets(tmp_path: Path) -> None:
    lines = "".join(f"__label__{team(n).lower()} {body(n)}\n" for n in range(ROWS))
    read, tickets = brought(saved(tmp_path, lines, "train.txt"), tmp_path)
    assert {label.name for label in read.profile.attribute("labels").labels} == {"net", "billing", "people", "shipping"}
    assert tickets[0]["body"] == body(0)


def mail(n: int, *, answer: bool = False) -> email.message.EmailMessage:
    made = email.message.EmailMessage()
    at = DAY + timedelta(hours=7 * n + answer)
    sender, receiver = f"Kim Lau <kim{n}@acme.example>", "support@globex.example"
    made["From"], made["To"] = (receiver, sender) if answer else (sender, receiver)
    made["Subject"], made["Date"] = ("Re: " if answer else "") + subject(n), format_datetime(at)
    made["Message-ID"] = f"<{'r' if answer else 'm'}{n}@mail.example>"
    if answer:
        made["In-Reply-To"] = f"<m{n}@mail.example>"
    made["X-Gmail-Labels"] = f"Inbox,{team(n)}"
    words = f"The team {team(n)} has repaired it.\n" if answer else f"{body(n)}\nEs kostet 5 €.\n"
    made.set_content(words, charset="iso-8859-15", cte="quoted-printable")
    return made


@pytest.mark.parametrize("answers_first", [False, True])
def test_the_mails_of_a_conversation_are_one_ticket_of_the_customers_words(tmp_path: Path, answers_first: bool) -> None:
    mails = [one for n in range(ROWS) for one in (mail(n), *([mail(n, answer=True)] if n % 2 else []))]
    path = tmp_path / "export.mbox"
    parts = [b"From x@y Mon Jan 05 08:12:00 2026\n" + one.as_bytes() + b"\n" for one in mails]
    path.write_bytes(b"".join(reversed(parts) if answers_first else parts))
    _, tickets = brought(path, tmp_path)
    assert {one["ticket"] for one in tickets} == {f"m{n}@mail.example" for n in range(ROWS)}
    assert all("5 €" in one["body"] and "repaired" not in one["body"] for one in tickets)


def test_folders_of_mails_sort_them(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for n in range(ROWS):
            archive.writestr(f"export/{team(n)}/mail{n}.eml", mail(n).as_bytes())
    path = tmp_path / "mails.zip"
    path.write_bytes(packed.getvalue())
    read, tickets = brought(path, tmp_path)
    assert [found.name for found in read.roles.attributes if found.proposed] == ["labels", "folder"]
    assert tickets[5]["attribute:folder"] == team(5)


def test_a_first_ticket_whose_labels_come_again_is_no_header(tmp_path: Path) -> None:
    agents, priorities = ("Erika", "Hans", "Olga"), ("low", "high")
    rows = [f"Printer {n} is on fire,{agents[n % 3]},{priorities[n % 2]}" for n in range(60)]
    (tmp_path / "tickets.csv").write_text("\n".join(rows))
    source = open_source(tmp_path / "tickets.csv")
    assert source.columns == ["column 1", "column 2", "column 3"]
    # A column that is called like one of its labels is none.
    (tmp_path / "named.csv").write_text("\n".join(["What,Who,low", *rows]))
    assert open_source(tmp_path / "named.csv").columns == ["What", "Who", "low"]


def test_a_header_over_two_rows_names_each_column_once(tmp_path: Path) -> None:
    names = '"ID","Subject","Text","Handling","",""\n"","","","Team","Priority","Agent"\n'
    rows = "".join(
        f'"{n}","{subject(n)}","{body(n)}","{team(n)}","{("Low", "High")[n % 2]}","{agent(n)}"\n' for n in range(ROWS)
    )
    read, tickets = brought(saved(tmp_path, names + rows, "export.csv"), tmp_path)
    assert [found.name for found in read.roles.attributes] == ["Team", "Priority", "Agent"]
    assert len(tickets) == ROWS
    grouped = '"Tickets 2026","","",""\n"Ticket","","Handling",""\n"No","Subject","Team","Agent"\n'
    rows = "".join(f'"{n + 100}","{subject(n)}","{team(n)}","{agent(n)}"\n' for n in range(ROWS))
    read, tickets = brought(saved(tmp_path, grouped + rows, "export.csv"), tmp_path)
    assert (len(tickets), read.roles.single) == (ROWS, {"ticket": "No", "subject": "Subject"})


def test_a_chat_in_a_cell_is_what_the_customer_wrote_first(tmp_path: Path) -> None:
    def chat(n: int) -> str:
        clock = f"[08:{n % 60:02}:10]"
        lines = (f"Kim Lau: {body(n)}", "Kim Lau: any news?", f"{agent(n)}: This is {team(n)}.", "Kim Lau: ok")
        return "\n".join(f"{clock} {line}" for line in lines)

    path = written(tmp_path, {"Chat ID": lambda n: f"C{n}", "Transcript": chat, "Team": team}, rows=ROWS)
    _, tickets = brought(path, tmp_path)
    assert [one["body"] for one in tickets] == [f"{body(n)}\nany news?" for n in range(ROWS)]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("(08:12) Agent Tim: Hello\n(08:13) Visitor 12: no wifi\nat all\n(08:14) Agent Tim: ah", "no wifi\nat all"),
        ("Customer: no wifi\nAgent: since when?\nCustomer: noon", "no wifi"),
        ("Ann (09:01 AM): no wifi\nTim (09:02 AM): since when?", "no wifi"),
        ("2026-01-05 08:12:00 ERROR: disk full\n2026-01-05 08:12:01 INFO: retry", None),
        ("Dear all: no wifi\nplease help: soon", None),
    ],
)  # fmt: skip
def test_chats_are_told_from_logs_and_letters(cell: str, words: str | None) -> None:
    assert customers_first_words(cell) == words


def test_pasted_logs_stay_what_they_are(tmp_path: Path) -> None:
    def pasted(n: int) -> str:
        part = "".join("abcdefghij"[int(digit)] for digit in str(1_000 + 37 * n))
        return f"08:12:0{n % 10} worker {part}: started\n08:12:0{n % 10} proxy: refused {part}\n{body(n)} {part}"

    path = written(tmp_path, {"Subject": subject, "Body": pasted, "Team": team}, rows=ROWS)
    _, tickets = brought(path, tmp_path)
    assert all("started" in one["body"] and "proxy: refused" in one["body"] for one in tickets)


def test_what_word_processors_leave_is_no_text() -> None:
    rtf = (
        r"{\rtf1\ansi{\fonttbl{\f0\fnil Calibri;}}{\*\generator x;}\viewkind4\pard\f0\fs22 "
        r"M\'fcller \u8364? said:\par no wifi\par }"
    )
    assert text_of_rtf(rtf) == "Müller € said:\nno wifi"
    styles = (
        "/* Style Definitions */ p.MsoNormal, li.MsoNormal {margin:0cm; size:11.0pt;}\n@page Section1 {size:1pt;}\n"
    )
    assert without_styles(styles + "no wifi {really}: yes") == "no wifi {really}: yes"
    assert (
        without_styles("body {color: red} is what I wrote, not MsoNormal")
        == "body {color: red} is what I wrote, not MsoNormal"
    )
    assert text_of_html("<p class=MsoNormal>no wifi<o:p></o:p></p>") == "no wifi"


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("Jan 05, 2026 @ 08:12 AM", "2026-01-05T08:12"), ("2026/01/05 8:12:00 PM GMT+1", "2026-01-05T19:12"), (
            "2026-01-05 08:12 PM", "2026-01-05T20:12"), ("05.01.2026 08:12 AM", "2026-01-05T08:12"),
        ("2026/01/05 8:12:00 AM UTC-10", "2026-01-05T18:12"), ("05-ene-26 8:12 p. m.", "2026-01-05T20:12"),
        ("Mon Jan 05 2026 08:12:00 GMT+0100 (Central European Standard Time)", "2026-01-05T07:12"),
    ],
)  # fmt: skip
def test_clocks_of_twelve_hours_and_short_zones(text: str, utc: str) -> None:
    found = parse_time(text)
    assert found is not None and found.isoformat().startswith(utc)


@pytest.mark.parametrize(
    ("column", "value", "writer"),
    [("Direction", "IN", "customer"), ("Richtung", "Ausgang", "desk"), ("Floor", "in", None)],
)
def test_a_direction_tells_who_wrote(column: str, value: str, writer: str | None) -> None:
    assert writer_of(column, value) == writer


@pytest.mark.parametrize("header", ["Conversation type", "Kontakttyp", "Soort binnenkomst", "Type"])
def test_how_a_ticket_came_in_is_not_proposed_whatever_it_is_called(tmp_path: Path, header: str) -> None:
    def channel(n: int) -> str:
        return ("E-Mail", "Telefonisch", "Chat")[n * 5 % 7 % 3]

    roles = guessed(written(tmp_path, {"Subject": subject, "Body": body, "Queue": team, header: channel}))
    assert {found.name: found.proposed for found in roles.attributes} == {"Queue": True, header: False}


@pytest.mark.parametrize(
    "header",
    [
        "Osoba odpowiedzialna",
        "Zugewiesene Person",
        "Responder",
        "Besitzer",
        "Teammate assigned",
        "Assegnatario",
        "Toegewezen persoon",
        "Persona asignada",
    ],
)
def test_more_names_of_who_works_on_it(tmp_path: Path, header: str) -> None:
    roles = guessed(written(tmp_path, {"Subject": subject, "Body": body, "Queue": team, header: agent}))
    assert {found.name: found.proposed for found in roles.attributes} == {"Queue": True, header: True}


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Codice richiesta", "RIC/2026/{:04d}"),
        ("Identyfikator zgłoszenia", "{}"),
        ("Code", "ABC-{:03d}"),
        ("Numéro de dossier", "{:05d}"),
    ],
)
def test_more_names_of_numbers(tmp_path: Path, header: str, value: str) -> None:
    path = written(tmp_path, {"Site": lambda n: n % 3, header: lambda n: value.format(n + 101), "Subject": subject})
    assert guessed(path).single["ticket"] == header


def test_a_message_of_the_customer_is_no_person(tmp_path: Path) -> None:
    roles = guessed(written(tmp_path, {"Onderwerp": subject, "Bericht klant": body, "Klant": agent, "Wachtrij": team}))
    assert (roles.single["body"], "Klant" in roles.ignored) == ("Bericht klant", True)


def test_when_it_was_changed_is_not_when_it_came(tmp_path: Path) -> None:
    def at(hours: int) -> Any:
        return lambda n: (DAY + timedelta(hours=7 * n + hours)).strftime("%Y-%m-%d %H:%M")

    path = written(
        tmp_path, {"Temat": subject, "Data aktualizacji": at(5), "Data zamknięcia": at(9), "Utworzone": at(0)}
    )
    assert guessed(path).single["created"] == "Utworzone"


def test_a_document_of_an_editor_is_its_words() -> None:
    words = [{"type": "text", "text": "no wifi"}, {"type": "hardBreak"}, {"type": "mention", "attrs": {"text": "@Tim"}}]
    listed = {"type": "bulletList", "content": [{"type": "listItem", "content": [{"type": "text", "text": "room 7"}]}]}
    document = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": words}, listed]}
    row = Flattener().row({"key": "SD-1", "fields": {"description": document}})
    assert row == {"key": "SD-1", "fields.description": "no wifi\n@Tim\nroom 7"}


def test_how_tickets_ended_is_no_attribute_whatever_it_is_called(tmp_path: Path) -> None:
    def reason(n: int) -> str:
        return ("Fixed", "Deferred", "Duplicate", "Won't fix")[n * 5 % 7 % 4]

    roles = guessed(written(tmp_path, {"Title": subject, "Description": body, "Reason": reason, "Area Path": team}))
    assert [found.name for found in roles.attributes] == ["Area Path"]
    sorts = guessed(written(tmp_path, {"Title": subject, "Description": body, "Reason": team}))
    assert [found.name for found in sorts.attributes] == ["Reason"]


def test_a_report_says_of_what_it_is_above_the_header(tmp_path: Path) -> None:
    above = "Report:;Tickets;\nFrom:;01.01.2026;31.03.2026\nMade by:;Tim Wolf;\n\n"
    rows = "".join(f"{n};{subject(n)};{body(n)};{team(n)};P{n % 4 + 1}\n" for n in range(1, ROWS))
    read, tickets = brought(saved(tmp_path, f"{above}No;Title;Text;Category;Prio\n{rows}", "export.csv"), tmp_path)
    assert (len(tickets), read.roles.single["body"]) == (ROWS - 1, "Text")


def test_a_table_in_markdown_has_no_ticket_of_dashes(tmp_path: Path) -> None:
    rows = "".join(f"| {n} | {subject(n)} | {team(n)} |\n" for n in range(100, 100 + ROWS))
    _, tickets = brought(saved(tmp_path, f"| id | subject | queue |\n|---|:---|---:|\n{rows}", "table.md"), tmp_path)
    assert [one["subject"] for one in tickets] == [subject(n) for n in range(100, 100 + ROWS)]
