"""Several tables in one archive or workbook, or given one after the other: tables of one kind are one, messages and
labels join their tickets, and what is something else is named."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from otai.tickets.reading import preview_columns
from tests.tickets.test_rows_of_one_ticket import (
    answer,
    findings,
    labels,
    otai_tickets,
    queue,
    request,
    stored,
    table,
    thanks,
)

if TYPE_CHECKING:
    from otai.orgs.models import Organisation
    from otai.tickets.files import FileStore
    from otai.tickets.models import DataSet

pytestmark = [pytest.mark.pure, pytest.mark.django_db]

Bring = Callable[..., "DataSet"]
Tables = dict[str, tuple[str, list[list[Any]]]]


def zipped(tables: Tables) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, (header, rows) in tables.items():
            archive.writestr(f"export/{name}.csv", table(header, rows))
    return held.getvalue()


def workbook(tables: Tables) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, (header, rows) in tables.items():
        sheet = book.create_sheet(name)
        sheet.append(header.split(","))
        for row in rows:
            sheet.append(row)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def one_by_one(bring: Bring, tables: Tables, folder: Path) -> DataSet:
    paths = []
    for name, (header, rows) in tables.items():
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text(table(header, rows))
    return bring(paths[0], filename=paths[0].name, further=paths[1:])


def brought(bring: Bring, way: str, tables: Tables, folder: Path) -> DataSet:
    if way == "zip":
        return bring(zipped(tables), filename="export.zip")
    if way == "workbook":
        return bring(workbook(tables), filename="export.xlsx")
    return one_by_one(bring, tables, folder)


WAYS = ("zip", "workbook", "one by one")
LEVELS = ("low", "high")

FIELDS: dict[str, Callable[[int], str]] = {
    "Ticket ID": lambda n: f"T{n}",
    "Description": request,
    "Group": queue,
    "Priority": lambda n: LEVELS[n % 2],
    "Site": lambda n: ("Gent", "Lyon")[n % 2],
}


def month(header: str, ids: range) -> tuple[str, list[list[Any]]]:
    return header, [[FIELDS[name.capitalize().replace(" id", " ID")](n) for name in header.split(",")] for n in ids]


MONTHS: dict[str, Tables] = {
    "a column more": {
        "january": month("Ticket ID,Description,Group,Priority", range(60)),
        "february": month("Ticket ID,Description,Group", range(60, 100)),
    },
    "a column less first, in another order": {
        "january": month("Group,Ticket ID,Description", range(60)),
        "february": month("Ticket ID,Priority,Description,Group", range(60, 100)),
    },
    "three, each with a column of its own": {
        "january": month("Ticket ID,Description,Group", range(40)),
        "february": month("Description,Group,Ticket ID,Priority", range(40, 70)),
        "march": month("ticket id,group,description,Site", range(70, 100)),
    },
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("tables", MONTHS)
def test_tables_of_one_kind_are_one_whatever_columns_they_have(
    bring: Bring, tmp_path: Path, tables: str, way: str
) -> None:
    made = brought(bring, way, MONTHS[tables], tmp_path)
    tickets = stored(made)
    assert {id: row["body"] for id, row in tickets.items()} == {f"T{n}": request(n) for n in range(100)}
    assert labels(made) == {f"T{n}": queue(n) for n in range(100)}
    has_level = {int(id[1:]) for id, label in labels(made, "Priority").items() if label is not None}
    assert (
        has_level
        == {
            "a column more": set(range(60)),
            "a column less first, in another order": set(range(60, 100)),
            "three, each with a column of its own": set(range(40, 70)),
        }[tables]
    )


def comments(n: int) -> list[list[Any]]:
    """An answer of the desk and thanks, newest first."""
    return [
        [9_000 + 2 * n + 1, 100 + n, "customer", thanks(n), f"2026-01-06 1{n % 10}:30"],
        [9_000 + 2 * n, 100 + n, "agent", answer(n), f"2026-01-06 0{n % 10}:10"],
    ]


COMMENTS = ("id,ticket_id,author_type,body,created_at", [row for n in range(60) for row in comments(n)])
WITH_TEXT = (
    "id,subject,description,group,created_at",
    [[100 + n, f"trouble {n} here", request(n), queue(n), "2026-01-05 08:00"] for n in range(60)],
)
NAMES_OF_BOTH = {
    "en": (WITH_TEXT, COMMENTS),
    "one name for the id": (
        ("ticket_id,subject,body,group", [row[:4] for row in WITH_TEXT[1]]),
        ("ticket_id,author_type,comment,comment_created_at", [row[1:] for row in COMMENTS[1]]),
    ),
    "de": (
        ("Ticketnummer,Betreff,Beschreibung,Group,Erstellt am", WITH_TEXT[1]),
        ("Artikel-Nr,Ticketnummer,Absendertyp,Nachricht,Erstellt am", COMMENTS[1]),
    ),
    "fr": (
        ("N° ticket,Sujet,Description,Group,Date de création", WITH_TEXT[1]),
        ("N° commentaire,N° ticket,Rôle,Commentaire,Date du commentaire", COMMENTS[1]),
    ),
    "texts called alike": (
        ("id,subject,body,group,created_at", WITH_TEXT[1]),
        ("id,ticket_id,author_type,body,created_at", COMMENTS[1]),
    ),
    "without a sender": (WITH_TEXT, ("id,ticket_id,body,created_at", [[*row[:2], *row[3:]] for row in COMMENTS[1]])),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("names", NAMES_OF_BOTH)
@pytest.mark.parametrize("first", ["tickets", "comments"])
def test_tickets_and_their_comments_become_tickets_with_labels_and_threads(
    bring: Bring, tmp_path: Path, names: str, way: str, first: str
) -> None:
    tickets, messages = NAMES_OF_BOTH[names]
    tables: Tables = {"tickets": tickets, "comments": messages}
    made = brought(bring, way, tables if first == "tickets" else dict(reversed(tables.items())), tmp_path)
    assert {id: row["body"] for id, row in stored(made).items()} == {str(100 + n): request(n) for n in range(60)}
    attribute = next(one.name for one in made.attributes.all() if one.name.lower() == "group")
    assert labels(made, attribute) == {str(100 + n): queue(n) for n in range(60)}
    found = findings(made)
    assert found["messages_joined"]["rows"] == 120 and found["messages_joined"]["tickets"] == 60
    assert "comments" in found["tables_joined"]["files"][0]


@pytest.mark.parametrize("way", WAYS)
def test_where_tickets_have_no_text_the_first_comment_of_the_customer_is_it(
    bring: Bring, tmp_path: Path, way: str
) -> None:
    rows = [[9_000 + 3 * n + at, 100 + n, ("customer", "agent", "customer")[at], (request, answer, thanks)[at](n),
             f"2026-01-06 0{at + 1}:00"] for n in range(60) for at in (2, 1, 0)]  # fmt: skip
    tables: Tables = {
        "tickets": ("id,subject,group", [[100 + n, f"trouble {n} here", queue(n)] for n in range(60)]),
        "comments": (COMMENTS[0], rows),
    }
    made = brought(bring, way, tables, tmp_path)
    assert {id: (row["subject"], row["body"]) for id, row in stored(made).items()} == {
        str(100 + n): (f"trouble {n} here", request(n)) for n in range(60)
    }
    assert labels(made, "group")["101"] == queue(1)


@pytest.mark.parametrize("way", WAYS)
def test_labels_in_a_table_of_their_own_join_the_tickets(bring: Bring, tmp_path: Path, way: str) -> None:
    tables: Tables = {
        "tickets": ("id,subject,description", [[100 + n, f"trouble {n} here", request(n)] for n in range(60)]),
        "routing": ("ticket_id,group,priority", [[100 + n, queue(n), LEVELS[n % 2]] for n in range(59, -1, -1)]),
    }
    made = brought(bring, way, tables, tmp_path)
    assert labels(made, "group") == {str(100 + n): queue(n) for n in range(60)}
    assert stored(made)["103"]["body"] == request(3) and "messages_joined" not in findings(made)


@pytest.mark.parametrize("way", ["zip", "workbook"])
def test_what_is_something_else_is_named(bring: Bring, tmp_path: Path, way: str) -> None:
    tables: Tables = {
        "tickets": WITH_TEXT,
        "comments": COMMENTS,
        "agents": ("id,name,email", [[n, f"Agent {n}", f"a{n}@acme.example"] for n in range(1, 9)]),
        "prices": ("product,price", [[f"P{n}", n * 3] for n in range(1, 9)]),
    }
    made = brought(bring, way, tables, tmp_path)
    assert made.tickets == 60
    found = findings(made)["files_chosen" if way == "zip" else "sheets_chosen"]
    ending = ".csv" if way == "zip" else ""
    assert sorted(found["left_out"]) == [f"agents{ending}", f"prices{ending}"]


def test_comments_may_be_added_to_tickets_that_are_there(bring: Bring) -> None:
    bring(table(*WITH_TEXT))
    made = bring(table(*COMMENTS), add=True)
    assert {id: row["body"] for id, row in stored(made).items()} == {str(100 + n): request(n) for n in range(60)}
    assert labels(made, "group") == {str(100 + n): queue(n) for n in range(60)}
    assert "columns_lacking" not in findings(made) and "columns_came" not in findings(made)


def test_alice_imports_both_at_the_command_line_in_either_way(
    acme: Organisation, store: FileStore, tmp_path: Path
) -> None:
    (tmp_path / "both.zip").write_bytes(zipped({"tickets": WITH_TEXT, "comments": COMMENTS}))
    for name, rows in (("tickets", WITH_TEXT), ("comments", COMMENTS)):
        (tmp_path / f"{name}.csv").write_text(table(*rows))
    one = otai_tickets("import", str(tmp_path / "both.zip"), "--name", "zipped")
    two = otai_tickets("import", str(tmp_path / "tickets.csv"), str(tmp_path / "comments.csv"), "--name", "given")
    assert one["tickets"] == two["tickets"] == 60
    assert json.dumps(one["roles"]["single"]) == json.dumps(two["roles"]["single"])
    columns = otai_tickets("columns", str(tmp_path / "both.zip"))
    assert columns["single"]["body"] == "description"


COMMENT_COLUMNS = {
    "Ticket ID,Ticket subject,Comment ID,Comment,Group": "Comment",
    "Ticket ID,Ticket subject,Comment ID,Comments,Group": "Comments",
    "Ticket ID,Ticket subject,Comment ID,Comment body,Group": "Comment body",
    "Ticketnummer,Ticketbetreff,Kommentar-ID,Kommentar,Group": "Kommentar",
    "N° ticket,Sujet du ticket,N° commentaire,Commentaires,Group": "Commentaires",
    "Ticket ID,Asunto,ID del comentario,Comentario,Group": "Comentario",
}


@pytest.mark.parametrize("header", COMMENT_COLUMNS)
@pytest.mark.parametrize("words", ["long", "short"])
def test_rows_of_comments_keep_what_they_say(bring: Bring, header: str, words: str) -> None:
    """However short: the subject is the ticket's, and the same in all of its rows."""
    said: dict[str, Callable[[int], str]] = {"long": request, "short": lambda n: f"case {n} fails"}
    rows = [
        [100 + n, f"The printer in the second office of building {n} makes trouble", 9_000 + 2 * n + at,
         said[words](n) if at == 0 else "thank you", queue(n)]
        for n in range(60) for at in (1, 0)
    ]  # fmt: skip
    made = bring(table(header, rows))
    assert {id: row["body"] for id, row in stored(made).items()} == {str(100 + n): said[words](n) for n in range(60)}
    assert all(row["subject"] for row in stored(made).values())


def test_what_is_joined_is_said_before_the_import(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    who = ("agent", "customer")
    said = [[f"{n // 2}", who[n % 2], f"The printer in room {n} is broken"] for n in range(60)]
    path.write_bytes(
        zipped(
            {
                "tickets": ("id,title,queue", [[f"{n}", f"Case {n}", ("net", "desk")[n % 2]] for n in range(30)]),
                "comments": ("ticket_id,author_role,body", said),
            }
        )
    )
    [fact] = [one for one in preview_columns(path).rows_become if one.code == "rows_joined"]
    assert [name.rpartition("/")[2] for name in fact.values["files"]] == ["comments.csv"]
