"""Exports that call their columns otherwise than the one before: in another language, or by the name of another
report."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from otai.tickets.columns import ColumnRoles
from otai.tickets.reading import ReadTickets, read_tickets
from otai.tickets.renamed_columns import meaning, renamed
from tests.tickets.test_other_helpdesks import body, subject

pytestmark = pytest.mark.pure

ENGLISH = ("Ticket ID", "Subject", "Description", "Group", "Priority")


def export(path: Path, header: tuple[str, ...], first: int, last: int, group: str) -> Path:
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(header)
        writer.writerows([1000 + n, subject(n), body(n), f"{group} {n % 2}", ("Low", "High")[n % 2]]
                         for n in range(first, last))  # fmt: skip
    return path


def both(tmp_path: Path, header: tuple[str, ...]) -> tuple[ReadTickets, list[dict[str, Any]]]:
    first = export(tmp_path / "january.csv", ENGLISH, 0, 40, "desk")
    second = export(tmp_path / "february.csv", header, 30, 60, "bench")
    found = read_tickets(first, into=tmp_path / "out.parquet", further=[second])
    return found, pq.read_table(tmp_path / "out.parquet").to_pylist()


@pytest.mark.parametrize(
    "header",
    [
        ("Ticket-Nr", "Betreff", "Beschreibung", "Gruppe", "Priorität"),
        ("Nº de ticket", "Asunto", "Descripción", "Grupo", "Prioridad"),
        ("Numer zgłoszenia", "Temat", "Opis", "Grupa", "Priorytet"),
        ("ticket_id", "subject", "description", "group_name", "ticket.priority"),
    ],
    ids=["German", "Spanish", "Polish", "another report"],
)
def test_what_means_the_same_is_the_same_attribute_and_is_said(tmp_path: Path, header: tuple[str, ...]) -> None:
    found, tickets = both(tmp_path, header)
    assert len(tickets) == 60 and [one.name for one in found.roles.attributes] == ["Group", "Priority"]
    assert sum(str(ticket["attribute:Group"]).startswith("bench") for ticket in tickets) == 30
    assert all(ticket["attribute:Priority"] for ticket in tickets)
    said = {one.code: one.values for one in found.profile.findings}
    assert f"{header[3]} = Group" in said["columns_renamed"]["columns"]
    assert not {"columns_came", "columns_lacking"} & said.keys()


def test_where_two_could_be_meant_neither_is(tmp_path: Path) -> None:
    roles = ColumnRoles.parse(attributes=["Group"])
    assert renamed(roles, ["Gruppe", "Grupo"], frozenset()) == {}
    assert renamed(ColumnRoles.parse(attributes=["Group", "Gruppe"]), ["Grupo"], frozenset()) == {}
    assert renamed(roles, ["Group", "Gruppe"], frozenset()) == {}
    assert renamed(roles, ["Gruppe"], frozenset(["Gruppe"])) == {}


@pytest.mark.parametrize(
    ("one", "other"), [("queue", "category"), ("team", "group"), ("group", "group_id"), ("", "Group")]
)
def test_what_means_something_else_does(one: str, other: str) -> None:
    assert meaning(one) != meaning(other)
