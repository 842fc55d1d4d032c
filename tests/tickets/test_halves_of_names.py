"""First and last name of who works on a ticket in two columns, as Help Scout and lists made by people have them."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from otai.tickets.options import ImportOptions
from otai.tickets.reading import read_tickets
from tests.tickets.helpdesk_rows import table
from tests.tickets.test_other_helpdesks import guessed

pytestmark = pytest.mark.pure

TICKET = "Ticket ID = {n} | Subject = {subject} | Body = {body} | Status = {state} | "


def export(tmp_path: Path, columns: str) -> Path:
    name, content = table(TICKET + columns)()
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("Assignee First Name", "Assignee Last Name", "Assignee"),
        ("assignee.first", "assignee.last", "assignee"),
        ("agent_firstname", "agent_surname", "agent"),
        ("Bearbeiter Vorname", "Bearbeiter Nachname", "Bearbeiter"),
        ("Vorname des Bearbeiters", "Nachname des Bearbeiters", "Bearbeiters"),
        ("Prénom de l'agent", "Nom de l'agent", "Prénom de l'agent"),
        ("Operatore Nome proprio", "Operatore Cognome", "Operatore"),
        ("Agente Nombre", "Agente Apellidos", "Agente"),
        ("Behandelaar voornaam", "Behandelaar achternaam", "Behandelaar"),
    ],
)
def test_both_are_one_attribute_of_whole_names(tmp_path: Path, first: str, last: str, name: str) -> None:
    path = export(tmp_path, f"{last} = {{agent_last}} | {first} = {{agent_first}}")
    (found,) = guessed(path).attributes
    assert (found.name, found.columns, found.proposed) == (name, (first, last), True)
    read_tickets(path, into=tmp_path / "out.parquet")
    labels = set(pq.read_table(tmp_path / "out.parquet")[f"attribute:{name}"].to_pylist())
    assert labels == {"Jana Peters", "Tim Wolf", "Eva Sommer"}


def test_ids_and_addresses_of_the_same_people_are_no_attributes_of_their_own(tmp_path: Path) -> None:
    columns = (
        "assignee.id = 73{agent_number} | assignee.first = {agent_first} | assignee.last = {agent_last} | "
        "assignee.email = {agent_first}@acme.example | primaryCustomer.first = {first} | primaryCustomer.last = {last}"
    )
    assert [found.name for found in guessed(export(tmp_path, columns)).attributes] == ["assignee"]


@pytest.mark.parametrize(
    "columns",
    [
        "First Name = {first} | Last Name = {last}",
        "Customer First Name = {first} | Customer Last Name = {last}",
        "Requester Vorname = {first} | Requester Nachname = {last}",
        "Last Agent First Name = {agent_first} | Last Agent Last Name = {agent_last}",
        "Assignee First Name = P{n} | Assignee Last Name = Q{n}",
    ],
)
def test_names_of_customers_and_of_who_came_later_are_none(tmp_path: Path, columns: str) -> None:
    assert guessed(export(tmp_path, columns)).attributes == ()


def test_beside_another_column_of_agents_that_one_is_taken(tmp_path: Path) -> None:
    columns = "Owner = {agent} | Agent First Name = {agent_first} | Agent Last Name = {agent_last}"
    assert [found.name for found in guessed(export(tmp_path, columns)).attributes] == ["Owner"]


def test_who_shows_and_confirms_the_columns_imports_whole_names(tmp_path: Path) -> None:
    """As the browser does: every column with its use, none changed."""
    path = export(tmp_path, "Assignee First Name = {agent_first} | Assignee Last Name = {agent_last}")
    shown = guessed(path)
    confirmed = shown.settled({name: shown.use_of(name) for name in shown.reasons})
    read = read_tickets(path, into=tmp_path / "out.parquet", options=ImportOptions(roles=confirmed))
    assert [(found.name, found.columns) for found in read.roles.attributes] == [
        ("Assignee", ("Assignee First Name", "Assignee Last Name"))
    ]
