"""What an archive or a workbook holds beside one plain table: lists of people with the numbers of tickets, parts that
say when a ticket changed and parts that do not, cells merged over many rows."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from otai.tickets.reading import ReadTickets, read_tickets
from tests.tickets.test_other_helpdesks import body, subject, team

pytestmark = pytest.mark.pure


def read(path: Path) -> tuple[ReadTickets, list[dict[str, Any]]]:
    found = read_tickets(path, into=path.parent / "out.parquet")
    return found, pq.read_table(path.parent / "out.parquet").to_pylist()


def zipped(path: Path, **tables: list[list[Any]]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, rows in tables.items():
            text = io.StringIO()
            csv.writer(text).writerows(rows)
            archive.writestr(f"{name}.csv", text.getvalue())
    return path


def test_people_whose_numbers_are_those_of_tickets_are_no_tickets(tmp_path: Path) -> None:
    users = [["id", "name", "email", "role"], *([n, f"User {n}", f"u{n}@x.example", "end-user"] for n in range(300))]
    tickets = [["Ticket ID", "Subject", "Description", "Group"]]
    tickets += [[n, subject(n), body(n), team(n)] for n in range(60)]
    comments = [["id", "ticket_id", "author_role", "body", "created_at"]]
    for n in range(60):
        comments += [[2 * n, n, "end-user", body(n), f"2026-01-05 08:{n:02}"]]
        comments += [[2 * n + 1, n, "agent", "We replaced it.", f"2026-01-05 09:{n:02}"]]
    found, stored = read(zipped(tmp_path / "a.zip", comments=comments, tickets=tickets, users=users))
    said = {one.code: one.values for one in found.profile.findings}
    assert len(stored) == 60 and not any("replaced" in str(one["body"]) for one in stored)
    assert said["files_chosen"] == {"files": ["tickets.csv"], "left_out": ["users.csv"]}
    assert said["tables_joined"] == {"files": ["comments.csv"]}


@pytest.mark.parametrize("names", [("Nr", "Betreff", "Text", "Warteschlange"), ("A", "B", "C", "D")])
@pytest.mark.parametrize("kind", ["zip", "workbook"])
def test_the_tickets_are_the_table_with_texts_however_long_a_list_beside_it_is(
    tmp_path: Path, kind: str, names: tuple[str, ...]
) -> None:
    customers = [["Customer", "City", "Contract"], *([f"C{n}", "Gent", ("gold", "iron")[n % 2]] for n in range(300))]
    notes = [[f"Please read this before you use the list of our tickets, paragraph {n}."] for n in range(30)]
    tickets = [list(names), *([n, subject(n), body(n), team(n)] for n in range(60))]
    if kind == "zip":
        path = zipped(tmp_path / "all.zip", customers=customers, tickets=tickets)
    else:
        book = openpyxl.Workbook()
        for title, rows in (("Notes", notes), ("Customers", customers), ("Tickets", [["Of 2026"], [], *tickets])):
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(row)
        book.save(path := tmp_path / "all.xlsx")
    found, stored = read(path)
    assert (len(stored), [one.name for one in found.roles.attributes]) == (60, [names[3]])
    (said,) = (one.values for one in found.profile.findings if one.code in ("sheets_chosen", "files_chosen"))
    assert "ustomers" in str(said["left_out"]) and "ickets" not in str(said["left_out"])


@pytest.mark.parametrize("kind", ["zip", "workbook"])
def test_a_later_part_without_a_time_of_change_is_newer(tmp_path: Path, kind: str) -> None:
    """As of two files that are given one after the other."""
    header = ["Ticket ID", "Subject", "Description", "Group", "Created"]
    first = [[*header, "Updated at"]]
    first += [[n, subject(n), body(n), team(n), f"2026-01-05 08:{n:02}", f"2026-03-05 08:{n:02}"] for n in range(40)]
    second = [header, *([n, subject(n), body(n), "Moved", f"2026-01-05 08:{n:02}"] for n in range(20))]
    if kind == "zip":
        path = zipped(tmp_path / "parts.zip", a=first, b=second)
    else:
        path = workbook(tmp_path / "parts.xlsx", a=first, b=second)
    _, stored = read(path)
    assert len(stored) == 40 and sum(one["attribute:Group"] == "Moved" for one in stored) == 20


def workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    book.save(path)
    return path


def test_small_numbers_are_ids_where_the_column_says_of_what(tmp_path: Path) -> None:
    rows = [["Ticket ID", "Subject", "Description", "Group"]]
    rows += [[n % 30 + 1, subject(n % 30), body(n % 30), team(n)] for n in range(60)]
    found, stored = read(zipped(tmp_path / "twice.zip", all=rows))
    assert found.roles.single["ticket"] == "Ticket ID" and len(stored) == 30


@pytest.mark.parametrize("rows_of_one", [2, 20])
def test_cells_merged_over_rows_say_the_same_in_all_of_them(tmp_path: Path, rows_of_one: int) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.append(["Group", "Ticket ID", "Subject", "Description"])
    for n in range(60):
        value = team(n // rows_of_one) if n % rows_of_one == 0 else None
        page.append([value, n + 1000, subject(n), body(n)])
    for start in range(2, 62, rows_of_one):
        page.merge_cells(f"A{start}:A{start + rows_of_one - 1}")
    book.save(tmp_path / "merged.xlsx")
    _, stored = read(tmp_path / "merged.xlsx")
    assert [one["attribute:Group"] for one in stored] == [team(n // rows_of_one) for n in range(60)]


def test_a_header_merged_over_two_rows_stays_one(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.append(["Ticket ID", "Subject", "Request", None])
    page.append([None, None, "Description", "Group"])
    for n in range(60):
        page.append([n + 1000, subject(n), body(n), team(n)])
    for cells in ("A1:A2", "B1:B2", "C1:D1"):
        page.merge_cells(cells)
    book.save(tmp_path / "header.xlsx")
    found, stored = read(tmp_path / "header.xlsx")
    assert len(stored) == 60 and found.roles.single["ticket"] == "Ticket ID"


def test_titles_and_totals_are_counted_on_every_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for month, first in (("January", 0), ("February", 32), ("March", 64)):
        sheet = book.create_sheet(month)
        sheet.append([f"Tickets of {month}"])
        sheet.append(["Number", "Subject", "Description", "Team"])
        for n in range(first, first + 32):
            sheet.append([n, subject(n), body(n), team(n)])
        sheet.append(["Total", None, None, 32])
    book.save(tmp_path / "months.xlsx")
    found, stored = read(tmp_path / "months.xlsx")
    said = {one.code: one.values for one in found.profile.findings}
    assert len(stored) == 96
    assert said["header_found_below"] == {"rows": 3}
    assert (said["footer_left_out"]["rows"], said["footer_left_out"]["example"]) == (3, "Total 32")
