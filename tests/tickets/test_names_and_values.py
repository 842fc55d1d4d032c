"""Columns whose names say little or too much: the values and the state of the tickets decide."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import openpyxl
import pytest

from otai.learning.data.texts.times import parse_time, which_first
from otai.tickets.label_columns import split_labels
from tests.tickets.test_other_helpdesks import Make, agent, body, brought, guessed, subject, team, written

pytestmark = pytest.mark.pure

TICKET: dict[str, Make] = {
    "Ticket ID": lambda n: f"T-{n}", "Subject": subject, "Body": body, "Queue": team, "Status": lambda n: state(n),
}  # fmt: skip


def state(n: int) -> str:
    return ("Closed", "Open", "Closed")[n % 3]


def word(n: int) -> str:
    """A label that has nothing to do with the team or the state."""
    return ("Alpha", "Beta", "Gamma", "Beta")[n * 5 // 3 % 4]


def use(tmp_path: Path, header: str, make: Make) -> str:
    """What a further column beside a ticket's is taken for: "proposed", "kept" or why it is left out."""
    roles = guessed(written(tmp_path, {**TICKET, header: make}))
    told = {found.name: "proposed" if found.proposed else "kept" for found in roles.attributes}
    return told.get(header, roles.why[header])


@pytest.mark.parametrize(
    "header",
    [
        "Resolver Group", "Resolution Team", "Lösungsgruppe", "Équipe de résolution", "Grupo de resolución",
        "Squadra di risoluzione", "Oplosgroep", "Grupo de solução", "Zespół rozwiązania",
    ],
)  # fmt: skip
def test_the_group_that_is_to_resolve_a_ticket_sorts_it(tmp_path: Path, header: str) -> None:
    assert use(tmp_path, header, word) == "proposed"


@pytest.mark.parametrize("header", ["Feedback Type", "Interaction Reason", "Answer Team", "Rückmeldungsart"])
def test_a_word_of_afterwards_is_outweighed_by_what_open_tickets_say(tmp_path: Path, header: str) -> None:
    assert use(tmp_path, header, word) == "proposed"
    # Filled where the ticket is closed, or with other labels then, it came later.
    assert "only after" in use(tmp_path, header, lambda n: word(n) if state(n) == "Closed" else "")
    assert "only after" in use(tmp_path, header, lambda n: word(n) if state(n) == "Closed" else "none yet")


@pytest.mark.parametrize("header", ["Resolution Type", "Closure Category", "Last Team", "Escalated To", "Reply Count"])
def test_how_a_ticket_ended_stays_out_whatever_open_tickets_say(tmp_path: Path, header: str) -> None:
    assert "only after" in use(tmp_path, header, word)


def test_a_stand_at_a_fair_is_no_state_of_work(tmp_path: Path) -> None:
    assert use(tmp_path, "Stand", lambda n: ("Hall 3", "Hall 4", "Foyer")[n * 5 // 3 % 3]) == "kept"
    assert "state" in use(tmp_path, "Stand", lambda n: ("offen", "in Arbeit", "erledigt")[n * 5 // 3 % 3])


@pytest.mark.parametrize(
    "header",
    [
        "Contact Reason", "Reason for contact", "Kontaktgrund", "Kontaktanlass", "Vorgangsgrund", "Motif de contact",
        "Motivo de contacto", "Motivo del contatto", "Reden van contact", "Motivo do contato", "Issue", "Gewerk",
        "Subject matter",
    ],
)  # fmt: skip
def test_why_somebody_wrote_sorts_tickets(tmp_path: Path, header: str) -> None:
    assert use(tmp_path, header, word) == "proposed"


@pytest.mark.parametrize(
    "header",
    [
        "Owned By", "Case Handler", "Zugeteilt an", "Sachbearbeitung", "Pris en charge par", "Conseiller", "Asesor",
        "Addetto", "In carico a", "Uitvoerder", "Konsultant", "Analista",
    ],
)  # fmt: skip
def test_who_works_on_it_is_known_by_more_words(tmp_path: Path, header: str) -> None:
    assert use(tmp_path, header, agent) == "proposed"


@pytest.mark.parametrize(
    "header", ["Slug", "SR #", "Aktenzeichen", "Identifiant", "Expediente", "Numero pratica", "Kenmerk", "Sygnatura"]
)
def test_ids_are_known_by_more_words(tmp_path: Path, header: str) -> None:
    columns: dict[str, Make] = {"Subject": subject, "Body": body, "Queue": team, header: lambda n: f"A{n}"}
    assert guessed(written(tmp_path, columns)).single["ticket"] == header


def test_a_first_column_that_counts_the_rows_is_the_id(tmp_path: Path) -> None:
    columns: dict[str, Make] = {"Poz.": lambda n: n + 1, "Temat": subject, "Opis": body, "Kolejka": team}
    assert guessed(written(tmp_path, columns)).single["ticket"] == "Poz."


@pytest.mark.parametrize(
    "text",
    [
        "05/01/2026 08.12", "05/01/2026 à 08h12", "05.01.2026 08:12:00.123", "05.01.2026 - 08:12", "2026-1-5 8:12",
        "05.Jan.2026 08:12", "Jan-05-2026 08:12", "Mon 05/01/2026 8:12 AM", "ma 5-1-2026 08:12", "08:12 05/01/2026",
        "/Date(1767600720000+0100)/", "Jan  5 2026 08:12:00:000AM", "05-Jan-26 08.12.00.000000 AM",
    ],
)  # fmt: skip
def test_times_of_mail_programs_and_databases_are_read(text: str) -> None:
    assert parse_time(text, month_first=False) == datetime(2026, 1, 5, 8, 12, tzinfo=UTC)


def test_a_weekday_in_front_does_not_hide_which_comes_first() -> None:
    assert which_first("Tue 13/01/2026 08:12") == "day"
    assert which_first("Mon 1/5/2026 8:12 AM") == "either"


HEADER = ["Name", "Team", "Owner", "Description", "Creation Log"]


def board(*groups: str, each: int = 40) -> list[list[str]]:
    """Rows of a board as it is exported: each group has its name in a row, the header again below it, subitems below
    their ticket, and a row that sums the group up."""
    rows = [["Support board"], ["What the desk works on"]]
    for group, first in zip(groups, range(0, each * len(groups), each), strict=True):
        rows += [[], [group], HEADER]
        for n in range(first, first + each):
            rows.append([subject(n), team(n), agent(n), body(n), f"2026-01-{n % 28 + 1:02d} 08:12:00"])
            if n % 15 == 3:
                rows += [["Subitems", "Name", "Owner", "Status"], ["", f"Call back {n}", agent(n), "Done"]]
        rows.append(["", "", "", "", "Jan 1 - Jan 28"])
        rows.append(["", "2 teams", "", "", "Jan 1"])
    return rows


def exported(tmp_path: Path, rows: list[list[str]], kind: str) -> Path:
    path = tmp_path / f"board.{kind}"
    if kind == "xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append([cell or None for cell in row])  # type: ignore[union-attr]
        file = io.BytesIO()
        book.save(file)
        path.write_bytes(file.getvalue())
    else:
        # As a spreadsheet saves it: every row as wide as the header.
        csv.writer(lines := io.StringIO()).writerows([*row, *[""] * (len(HEADER) - len(row))] for row in rows)
        path.write_text(lines.getvalue())
    return path


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_tickets_say_in_which_group_of_a_board_they_stand(tmp_path: Path, kind: str) -> None:
    rows = board("Network", "Printers", "Accounts", each=250 if kind == "xlsx" else 40)
    read, tickets = brought(exported(tmp_path, rows, kind), tmp_path)
    each = len(tickets) // 3
    assert each == (250 if kind == "xlsx" else 40)
    assert [ticket["attribute:Group"] for ticket in tickets] == [
        group for group in ("Network", "Printers", "Accounts") for _ in range(each)
    ]
    assert {found.name: found.proposed for found in read.roles.attributes} == dict.fromkeys(
        ("Group", "Team", "Owner"), True
    )
    assert read.roles.single["created"] == "Creation Log"
    (told,) = [one.values for one in read.profile.findings if one.code == "rows_in_groups"]
    assert (told["column"], told["groups"]) == ("Group", ["Network", "Printers", "Accounts"])
    assert told["rows"] == 3 * 2 + sum(2 for n in range(3 * each) if n % 15 == 3)


@pytest.mark.parametrize(
    "groups",
    [
        ("To Do", "Working on it", "Done"),
        ("This week", "Next week", "Last month"),
        ("Diese Woche", "Nächste Woche", "Januar 2026"),
    ],
)
def test_groups_that_say_how_far_or_when_are_not_proposed(tmp_path: Path, groups: tuple[str, ...]) -> None:
    read, tickets = brought(exported(tmp_path, board(*groups), "xlsx"), tmp_path)
    assert len(tickets) == 120
    assert "Group" not in {found.name for found in read.roles.attributes if found.proposed}


def test_a_title_that_stands_above_every_header_names_no_groups(tmp_path: Path) -> None:
    read, tickets = brought(exported(tmp_path, board("Tickets", "Tickets"), "xlsx"), tmp_path)
    assert "Group" not in read.roles.reasons and len(tickets) >= 80
    assert [one.code for one in read.profile.findings if one.code in ("rows_in_groups", "headers_repeated")] == [
        "headers_repeated"
    ]


def articles(tmp_path: Path, header: str, make: Make) -> Path:
    """Rows of articles as OTRS exports them: each brings what the further column says of its ticket again."""
    lines = [f"id,{header},create_time,a_subject,a_body,queue"]
    for n in range(200):
        lines += [
            f"{n},{make(n)},2026-03-01 0{at}:00:00,Printer {n},The printer {n} is broken {at}.,{team(n)}"
            for at in range(1 + n % 4)
        ]
    path = tmp_path / "articles.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize(
    ("header", "make"),
    [
        ("tn", lambda n: 202_600_000 + 7 * n), ("Vorgang", lambda n: f"V-{n}"),
        ("link", lambda n: f"https://desk.example.com/{n}"), ("folder", lambda n: f"Case of {n}"),
        ("Type", lambda n: 202_600_000 + 7 * n), ("room", lambda n: f"R{n // 2}"),
    ],
)  # fmt: skip
def test_what_names_one_or_two_tickets_sorts_none_however_many_articles_they_have(
    tmp_path: Path, header: str, make: Make
) -> None:
    assert [found.name for found in guessed(articles(tmp_path, header, make)).attributes] == ["queue"]


def tags_of(
    tmp_path: Path, *cells: str, header: str = "Tags", beside: Mapping[str, Make] = MappingProxyType({})
) -> list[str] | str:
    """The labels that come of some cells, each in many tickets, under this header, with other columns `beside`."""
    path = written(tmp_path, {**TICKET, **beside, header: lambda n: cells[n % len(cells)]})
    found = next(one for one in guessed(path).attributes if one.name == header)
    if found.separator is None:
        return "one a cell"
    return sorted({label for cell in cells for label in split_labels(cell, found.separator)})


@pytest.mark.parametrize(
    "cells",
    [
        ("billing vip", "billing", "login vip"),
        ("access_rights vip", "hardware"),
        ("billing invoice vip", "access login web"),
        ("billing vip", "hardware printer", "login web"),
        ("billing vip", "network"),
        ("billing vip", "network vip"),
    ],
)
def test_blanks_part_tags_also_in_few_combinations(tmp_path: Path, cells: tuple[str, ...]) -> None:
    assert tags_of(tmp_path, *cells) == sorted({tag for cell in cells for tag in cell.split()})


@pytest.mark.parametrize(
    "cells",
    [
        ("password reset", "billing question", "new laptop"),
        ("Billing VIP", "Billing", "Login VIP"),
        ("reset password", "change password", "change address"),
        ("billing", "billing question", "login trouble"),
    ],
)
def test_a_tag_of_several_words_stays_one(tmp_path: Path, cells: tuple[str, ...]) -> None:
    assert tags_of(tmp_path, *cells) == "one a cell"


def test_of_two_different_tags_the_texts_say_whether_one_is_a_phrase(tmp_path: Path) -> None:
    said: dict[str, Make] = {"body": lambda n: f"{body(n)} It may need a password reset, as in case {n}."}
    assert tags_of(tmp_path, "password reset", "network", beside=said) == "one a cell"
    assert tags_of(tmp_path, "reset password", "network") == "one a cell"


def test_whose_export_it_is_tells_that_blanks_part_its_tags(tmp_path: Path) -> None:
    zendesk: dict[str, Make] = {"Group stations": lambda n: n % 4, "Ticket type": lambda n: ("Problem", "Task")[n % 2]}
    for cells in (
        ("vip billing", "network"),
        ("billing", "billing question", "login trouble"),
        ("vip",) * 9 + ("a b",),
    ):
        assert tags_of(tmp_path, *cells, beside=zendesk) == sorted({tag for cell in cells for tag in cell.split()})
