"""Exports that lay aside while the rules were made: what their columns are called in other languages, and what their
cells hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from otai.learning.data.texts.times import parse_time
from otai.learning.data.texts.transcripts import customers_first_words
from otai.tickets.columns import ColumnRoles
from otai.tickets.label_orders import order_of
from otai.tickets.reading import read_tickets
from tests.tickets.test_other_helpdesks import TEAMS, agent, body, guessed, subject, team, written

pytestmark = pytest.mark.pure


def proposed(roles: ColumnRoles) -> list[str]:
    return [found.name for found in roles.attributes if found.proposed]


def customer(n: int) -> str:
    return f"{('Ada', 'Ben', 'Cleo', 'Dan', 'Eva')[n % 5]} {('Ahrens', 'Baker', 'Coster')[n // 5 % 3]}"


def account(n: int) -> str:
    return f"557058:{agent(n)[0]}{len(agent(n))}"


def test_jira_in_french_names_people_once_and_watchers_not_at_all(tmp_path: Path) -> None:
    columns = {
        "Résumé": subject, "Clé de ticket": lambda n: f"SUP-{n + 1}", "Priorité": lambda n: ("Haute", "Basse")[n % 2],
        "ID de la personne assignée": account, "Personne assignée": agent, "Créateur": customer,
        "Observateurs": customer, "Description": body, "Composants": team,
    }  # fmt: skip
    roles = guessed(written(tmp_path, columns))
    assert (roles.single["subject"], roles.single["body"]) == ("Résumé", "Description")
    assert [one.name for one in roles.attributes] == ["Priorité", "Personne assignée", "Composants"]


@pytest.mark.parametrize(
    "order",
    [
        ("Low", "Med", "High"),
        ("La plus basse", "Basse", "Moyenne", "Haute", "La plus haute"),
        ("Más baja", "Baja", "Media", "Alta", "Más alta"),
        ("Più bassa", "Bassa", "Media", "Alta", "Più alta"),
        ("Mais baixa", "Baixa", "Média", "Alta", "Mais alta"),
    ],
)
def test_orders_as_jira_and_spiceworks_write_them(order: tuple[str, ...]) -> None:
    assert order_of(sorted(order)) == order


def test_a_case_of_salesforce_in_german_speaks_of_no_customer(tmp_path: Path) -> None:
    columns = {
        "Kundenvorgangsnummer": lambda n: f"{n + 1:08}", "Betreff": subject, "Beschreibung": body,
        "Kundenvorgangsgrund": team, "Kundenvorgangsinhaber": agent, "Kundenname": customer,
        "Kundenvorgangsursprung": lambda n: ("E-Mail", "Telefon", "Web")[n % 3],
    }  # fmt: skip
    roles = guessed(written(tmp_path, columns))
    assert roles.single["ticket"] == "Kundenvorgangsnummer"
    assert proposed(roles) == ["Kundenvorgangsgrund", "Kundenvorgangsinhaber"]
    assert [one.name for one in roles.attributes] == [*proposed(roles), "Kundenvorgangsursprung"]


def test_an_owner_beside_a_responsible_whom_nobody_changes_is_the_agent(tmp_path: Path) -> None:
    columns = {
        "TicketNumber": lambda n: 202600001 + n, "Title": subject, "Body": body, "Queue": team, "Owner": agent,
        "Responsible": lambda n: "root@localhost",
    }  # fmt: skip
    assert proposed(guessed(written(tmp_path, columns))) == ["Queue", "Owner"]


def test_an_agent_told_twice_is_one_attribute_and_another_person_is_not(tmp_path: Path) -> None:
    columns = {
        "Ticketnummer": lambda n: 100_000 + n, "Betreff": body, "Zugewiesen": agent, "Zugewiesener Agent": agent,
        "Zugewiesenes Team": team, "Bearbeiter": lambda n: agent(n + n // 9 % 2),
    }  # fmt: skip
    assert proposed(guessed(written(tmp_path, columns))) == ["Zugewiesen", "Zugewiesenes Team", "Bearbeiter"]


def test_the_name_of_a_ticket_is_its_subject_however_short(tmp_path: Path) -> None:
    columns = {
        "Ticket ID": lambda n: 9_876_500_000 + n, "Ticket name": lambda n: f"Router {1000 + n}",
        "Ticket description": body, "Ticket owner": agent,
    }  # fmt: skip
    assert guessed(written(tmp_path, columns)).single["subject"] == "Ticket name"


def test_what_was_solved_at_the_first_call_is_known_only_afterwards(tmp_path: Path) -> None:
    columns = {"Request ID": lambda n: n, "Subject": subject, "Group": team, "FCR": lambda n: ("true", "false")[n % 2]}
    assert guessed(written(tmp_path, columns)).use_of("FCR") == "ignore"


def entries(n: int) -> str:
    """A request as TOPdesk keeps it: the newest entry first, each under its stamp."""
    day = n % 27 + 1
    first = f"{day}-1-2026 7:13 Ahrens, Ada: \n{body(n)}"
    answer = f"{day + 1}-1-2026 8:05 {agent(n)}: \nWe look after it"
    return (first, f"{answer}\n\n{first}")[n % 3 == 0]


def test_of_entries_under_stamps_the_first_is_the_ticket(tmp_path: Path) -> None:
    columns = {
        "Meldingnummer": lambda n: f"M2601 {n:03}", "Korte omschrijving": subject, "Verzoek": entries,
        "Behandelaarsgroep": team,
    }  # fmt: skip
    read_tickets(written(tmp_path, columns, delimiter=";"), into=tmp_path / "out.parquet")
    bodies = pq.read_table(tmp_path / "out.parquet").column("body").to_pylist()
    assert bodies == [body(n) for n in range(120)]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("2026-01-05 08:12 Ada Ahrens: The VPN drops", "The VPN drops"),
        ("05.01.2026 1:12 pm Ada: Down again\n05.01.2026 11:12 am Ada: It is down", "It is down"),
        ("08:12 Ada: The VPN drops", None),
        ("The VPN drops since\n05-01-2026 08:12 Ada: really", None),
    ],
)
def test_a_stamp_says_the_day_and_stands_at_the_beginning(cell: str, words: str | None) -> None:
    assert customers_first_words(cell) == words


def conversation(n: int, teams: tuple[int, ...], topics: tuple[str, ...]) -> dict[str, object]:
    """One of Intercom's; in one of fifty somebody moved it to another team by hand."""
    moved = n % 50 == 7
    return {
        "type": "conversation", "id": str(1000 + n), "created_at": 1_767_600_720 + 60 * n, "state": "closed",
        "team_assignee_id": str(teams[(n + moved) % len(teams)]), "admin_assignee_id": 510051 + n // 3 % 4,
        "source": {"subject": f"<p>{subject(n)}</p>", "body": f"<p>{body(n)}</p>", "author": {"name": f"Ada {n}"}},
        "custom_attributes": {"Topic": topics[n % len(topics)]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("teams", "topics", "kept"),
    [
        ((31, 32, 33), ("Billing", "Login", "Bugs"), None),
        ((31, 31, 32, 33), ("Billing", "Invoices", "Login", "Bugs"), False),
        ((31, 32), ("Billing", "Login"), False),
        ((31, 32, 33), ("Billing", "Login"), True),
    ],
)
def test_a_teams_number_beside_a_topic_that_says_it_is_not_proposed(
    tmp_path: Path, teams: tuple[int, ...], topics: tuple[str, ...], kept: bool | None
) -> None:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps({"conversations": [conversation(n, teams, topics) for n in range(200)]}))
    found = {one.name: one.proposed for one in guessed(path).attributes}
    assert found["custom_attributes.Topic"] and found["admin_assignee_id"]
    assert found.get("team_assignee_id") == kept


@pytest.mark.parametrize("header", ["Creado por", "Criado por", "Aangemaakt door", "Utworzone przez", "Erstellt von"])
def test_who_wrote_a_ticket_down_is_no_attribute(tmp_path: Path, header: str) -> None:
    columns = {"Asunto": subject, "Texto": body, "Equipo": team, header: customer}
    assert [one.name for one in guessed(written(tmp_path, columns)).attributes] == ["Equipo"]


@pytest.mark.parametrize("header", ["Satisfied?", "Zufrieden", "Client satisfait", "Klant tevreden"])
def test_whether_a_customer_was_content_is_known_afterwards(tmp_path: Path, header: str) -> None:
    columns = {"Subject": subject, "Text": body, "Team": team, header: lambda n: ("Yes", "No")[n * 5 % 7 % 2]}
    assert [one.name for one in guessed(written(tmp_path, columns)).attributes] == ["Team"]


def test_kayakos_numbers_stand_beside_their_names_and_its_staff_works_on_tickets(tmp_path: Path) -> None:
    columns = {
        "subject": subject, "contents": body, "departmentid": lambda n: TEAMS.index(team(n)) + 3, "department": team,
        "ownerstaffname": agent,
    }  # fmt: skip
    assert proposed(guessed(written(tmp_path, columns))) == ["department", "ownerstaffname"]


def test_a_log_that_names_who_and_when_says_when_the_ticket_came(tmp_path: Path) -> None:
    columns = {
        "Name": subject, "Request details": body, "Ticket type": team,
        "Creation log": lambda n: f"{agent(n)} Jan {n % 28 + 1}, 2026 10:0{n % 10} AM",
    }  # fmt: skip
    roles = guessed(written(tmp_path, columns))
    assert (roles.single["created"], proposed(roles)) == ("Creation log", ["Ticket type"])
    assert parse_time("Jana Peters Jan 3, 2026 10:00 AM") == datetime(2026, 1, 3, 10, tzinfo=UTC)
    assert parse_time("Call Jana Peters, Jan 3, 2026 10:00 AM") is None
