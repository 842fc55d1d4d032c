"""What other helpdesks call their columns, and what they write into them: each rule with inputs of its own."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from otai.learning.data.texts.writers import writer_of
from otai.tickets.column_names import name_of
from otai.tickets.columns import ColumnRoles
from otai.tickets.guessing import guess_roles, look_at
from otai.tickets.label_orders import order_of
from otai.tickets.periods import is_period
from otai.tickets.problems import DatasetInvalid
from otai.tickets.reading import ReadTickets, read_tickets
from otai.tickets.sources.opening import open_source

pytestmark = pytest.mark.pure

MATTERS = ("router {} restarts", "invoice {} is wrong", "payslip {} is missing", "parcel {} is late")
TEAMS = ("Net", "Billing", "People", "Shipping")

Make = Callable[[int], object]


def subject(n: int) -> str:
    return MATTERS[n % 4].format(1000 + 7 * n)


def body(n: int) -> str:
    return f"Hello, the {subject(n)} since {n % 28 + 1} days, and nobody knows why. Please help."


def team(n: int) -> str:
    return TEAMS[n % 4]


def agent(n: int) -> str:
    return ("Jana Peters", "Tim Wolf", "Eva Sommer")[n * 7 % 3]


def written(tmp_path: Path, columns: dict[str, Make], *, rows: int = 120, delimiter: str = ",") -> Path:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(columns)
    writer.writerows([make(n) for make in columns.values()] for n in range(rows))
    path = tmp_path / "export.csv"
    path.write_text(file.getvalue(), encoding="utf-8")
    return path


def guessed(path: Path) -> ColumnRoles:
    return guess_roles(look_at(open_source(path)))


def brought(path: Path, tmp_path: Path) -> tuple[ReadTickets, list[dict[str, object]]]:
    read = read_tickets(path, into=tmp_path / "out.parquet")
    return read, pq.read_table(tmp_path / "out.parquet").to_pylist()


@pytest.mark.parametrize(
    "low_to_high",
    [
        ["niedrig", "mittel", "hoch", "dringend"], ["Basse", "Moyenne", "Haute", "Critique"], [
            "Baja", "Normal", "Alta", "Urgente"], [
            "Bassa", "Media", "Alta", "Molto "
        "alta"],
        ["Laag", "Normaal", "Hoog", "Kritiek"], ["niski", "średni", "wysoki", "krytyczny"], [
            "Baixa", "Normal", "Alta", "Urgente"], [
            "4 - Faible", "3 "
        "- Modérée", "1 "
        "- Critique"],
        ["4 - Baja", "3 - Moderada", "2 - Alta", "1 - Crítica"], ["Prio 3", "Prio 2", "Prio 1"], ["P3 geplant", "P2 "
        "bald", "P1 "
        "Stillstand"], [
            "SEV3", "SEV2", "SEV1"],
        ["Sev C", "Sev B", "Sev A"], ["Basso", "Medio", "Alto", "Urgentissimo"],
    ],
)  # fmt: skip
def test_priorities_are_ordered_in_eight_languages(low_to_high: list[str]) -> None:
    assert order_of(sorted(low_to_high)) == tuple(low_to_high)


@pytest.mark.parametrize("labels", [["red", "green", "blue"], ["High", "Hoch"], ["Alta", "Alto", "Baja"]])
def test_what_is_no_scale_or_two_of_them_is_no_order(labels: list[str]) -> None:
    assert order_of(labels) == ()


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Vorgangsschlüssel", "SD-{}"), ("Numer zgłoszenia", "ZG/{}/2026"), ("Número de caso", "{}"), (
            "Meldingnummer", "M2602 "
        "{}"), (
            "Référence demande", "I-{}"),
        ("Segnalazione numero", "{}"), ("Incident ID*+", "INC{}"), ("Clave de incidente", "{}"), ("Issue", "{}"),
    ],
)  # fmt: skip
def test_ids_are_known_by_what_they_number(tmp_path: Path, header: str, value: str) -> None:
    path = written(tmp_path, {"Anlage": lambda n: n % 3, header: lambda n: value.format(n + 101), "Betreff": subject})
    assert guessed(path).single["ticket"] == header


def test_small_numbers_are_ids_too_and_come_again(tmp_path: Path) -> None:
    rows = written(
        tmp_path,
        {
            "Ticket "
            "ID": lambda n: n % 90 + 1, "Subject": lambda n: subject(n % 90), "Body": lambda n: body(n % 90),
            "Queue": lambda n: team(n if n < 90 else n + 1),
        },
        rows=105,
    )  # fmt: skip
    _, tickets = brought(rows, tmp_path)
    assert len(tickets) == 90
    assert {ticket["ticket"]: ticket["attribute:Queue"] for ticket in tickets}["1"] == team(91)


def test_a_number_without_a_name_is_known_by_its_form(tmp_path: Path) -> None:
    path = written(tmp_path, {"A": lambda n: f"{n:08x}-1111-4222-8333-{n:012x}", "B": subject, "C": body, "D": team})
    assert dict(guessed(path).single) == {"ticket": "A", "subject": "B", "body": "C"}


@pytest.mark.parametrize(
    "header",
    [
        "Vorgangstyp", "Hilfethema", "Behandelaarsgroep", "Équipe->Nom", "Assigned Group*+", "Operational "
        "Categorization Tier 1", "Pipeline", "Kategorie "
        "Ebene 2", "Serviceteam",
        "operatorGroup.name", "Area Path", "Stichwörter", "Marcadores",
    ],
)  # fmt: skip
def test_what_sorts_tickets_is_proposed_whatever_the_helpdesk(tmp_path: Path, header: str) -> None:
    path = written(
        tmp_path, {"Betreff": subject, "Text": body, "Priorität": lambda n: ["low", "high"][n % 2], header: team}
    )
    assert {found.name: found.proposed for found in guessed(path).attributes}[header]


@pytest.mark.parametrize(
    "header", ["Affecté à", "Atribuído", "Zugewiesener Agent", "Agent->Nom complet", "Ticket owner", "Operador"]
)
def test_who_works_on_it_is_proposed(tmp_path: Path, header: str) -> None:
    path = written(tmp_path, {"Betreff": subject, "Text": body, "Queue": team, header: agent})
    assert {found.name: found.proposed for found in guessed(path).attributes}[header]


@pytest.mark.parametrize(
    "header",
    [
        "Mis à jour par", "Happiness", "Reaberturas", "Reaperturas", "Time Elapsed", "Resolve By KPI", "Name des "
        "Anfragenden", "Demandeur->Nom "
        "complet", "Organisation "
        "contact->Nom",
    ],
)  # fmt: skip
def test_what_came_later_and_who_asked_is_no_attribute(tmp_path: Path, header: str) -> None:
    path = written(tmp_path, {"Betreff": subject, "Text": body, "Queue": team, header: agent})
    assert header in guessed(path).ignored


def test_a_subject_chosen_from_a_list_sorts_and_the_title_is_the_subject(tmp_path: Path) -> None:
    roles = guessed(written(tmp_path, {"Case Title": subject, "Description": body, "Subject": team}))
    assert dict(roles.single) == {"subject": "Case Title", "body": "Description"}
    assert [(found.name, found.proposed) for found in roles.attributes] == [("Subject", True)]


@pytest.mark.parametrize("takes_up", [True, False])
def test_notes_are_the_text_where_they_take_up_the_subject(tmp_path: Path, takes_up: bool) -> None:
    def notes(n: int) -> str:
        return (
            body(n) if takes_up else f"Checked with colleague number {n} and closed after a call, all was well again."
        )

    roles = guessed(written(tmp_path, {"Summary*": subject, "Notes": notes, "Assigned Group*+": team}))
    assert roles.single.get("body") == ("Notes" if takes_up else None)


def test_cells_written_as_formulas_are_read_in_any_quoting(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {"Nummer": lambda n: f'="{n:07d}"', "Betreff": subject, "Gruppe": lambda n: f'="{team(n)}"'},
        delimiter=";",
    )
    read, tickets = brought(path, tmp_path)
    assert tickets[1]["ticket"] == "0000001"
    assert {label.name for label in read.profile.attribute("Gruppe").labels} == set(TEAMS)


@pytest.mark.parametrize(
    ("column", "value", "writer"),
    [
        ("incoming", "true", "customer"), ("is_inbound", "0", "desk"), ("From agent", "False", "customer"), (
            "internal", "ja", "desk"), (
            "Sender", "Agent", "desk"),
        ("Absendertyp", "Kunde", "customer"), ("incoming", "perhaps", None), ("colour", "true", None),
    ],
)  # fmt: skip
def test_who_wrote_a_row_is_told_by_a_word_or_by_yes_and_no(column: str, value: str, writer: str | None) -> None:
    assert writer_of(column, value) == writer


def test_rows_that_say_incoming_become_tickets_of_the_customers_words(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {
            "conversation_id": lambda n: n // 2 + 1, "mailbox": lambda n: team(n // 2), "incoming": lambda n: (
                "false"
            ) if n % 2 == 0 else "true",
            "text": lambda n: body(n // 2) if n % 2 else f"We have taken it up as number {n}, your team "
                f"{team(n // 2)}.",
        },
    )  # fmt: skip
    _, tickets = brought(path, tmp_path)
    assert len(tickets) == 60
    assert not any("taken it up" in str(ticket["body"]) for ticket in tickets)


def _workbook(tmp_path: Path, sheets: list[str]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for at, title in enumerate(sheets):
        sheet = book.create_sheet(title)
        sheet.append(["ID", "Subject", "Message", "Priority"])
        for n in range(at, 120, len(sheets)):
            sheet.append([n + 1, subject(n), body(n), ("low", "medium", "high")[n % 3]])
    path = tmp_path / "export.xlsx"
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("sheets", "sorts"),
    [
        (list(TEAMS), True),
        (["Januar", "Februar", "März 2026"], False),
        (["Sheet1", "Sheet2"], False),
        (["2025-Q1", "2025-Q2"], False),
    ],
)
def test_a_sheet_for_each_queue_sorts_and_one_for_each_month_does_not(
    tmp_path: Path, sheets: list[str], sorts: bool
) -> None:
    roles = guessed(_workbook(tmp_path, sheets))
    (sheet,) = [found for found in roles.attributes if found.name == "Sheet"]
    assert sheet.proposed is sorts


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Marketing", False),
        ("Maintenance", False),
        ("Team 1", False),
        ("Décembre", True),
        ("KW 12", True),
        ("12.2025", True),
        ("Mayo 2026", True),
    ],
)
def test_periods_are_told_from_names(name: str, expected: bool) -> None:
    assert is_period(name) is expected


@pytest.mark.parametrize(
    "start", ["tickets:\n  - id: 1\n    subject: x\n", "- id: 1\n  subject: x\n", "---\ntickets:\n- id: 1\n  text: y\n"]
)
def test_yaml_is_refused_by_name(tmp_path: Path, start: str) -> None:
    (tmp_path / "t.yaml").write_text(start * 20)
    with pytest.raises(DatasetInvalid, match="YAML"):
        open_source(tmp_path / "t.yaml")


def test_a_name_behind_an_arrow_is_the_things_name() -> None:
    assert name_of("Équipe->Nom").core == ("equipe",)
    assert name_of("Nom").core == ("nom",)


@pytest.mark.parametrize(
    "write",
    [
        lambda tags: json.dumps(tags), repr, lambda tags: "{" + ",".join(tags) + "}", " | ".join, ";#".join, "\n".join,
        "; ".join,
    ],
)  # fmt: skip
def test_several_labels_are_parted_however_programs_write_lists(
    tmp_path: Path, write: Callable[[list[str]], str]
) -> None:
    path = written(
        tmp_path,
        {
            "id": lambda n: n + 1,
            "text": body,
            "Labels": lambda n: write([("net", "fin", "hr", "ship")[n % 4], ("vip", "onsite", "repeat")[n % 3]]),
        },
    )
    read, _ = brought(path, tmp_path)
    (labels,) = read.profile.attributes
    assert labels.kind == "multi"
    assert {label.name for label in labels.labels} == {"net", "fin", "hr", "ship", "vip", "onsite", "repeat"}


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("Logged At", "created"), ("Meldezeitpunkt", "created"), ("Fecha de alta", "created"),
        ("Datum aanmelding", "created"), ("N° de demande", "ticket"),
        ("Nº incidencia", "ticket"), ("Störungsnr.", "ticket"), ("Incidentnr", "ticket"), ("Nr zgł.", "ticket"),
    ],
)  # fmt: skip
def test_times_and_numbers_of_more_service_desks_are_known(tmp_path: Path, header: str, role: str) -> None:
    def value(n: int) -> object:
        return f"2026-02-{n % 28 + 1:02d} 08:30" if role == "created" else 700 + n

    later = {"Closed": lambda n: f"2026-03-{n % 28 + 1:02d} 08:30"}
    path = written(tmp_path, {"Betreff": subject, header: value, **later, "Text": body, "Queue": team})
    assert guessed(path).single[role] == header


def test_a_reports_page_numbers_between_the_tickets_are_none(tmp_path: Path) -> None:
    head = "Nr;Betreff;Gruppe\n"
    pages = (
        head + "".join(f"{n};{subject(n)};{team(n)}\n" for n in range(at, at + 30)) + f"Seite {at // 30 + 1} von 3;;\n"
        for at in (0, 30, 60)
    )
    (tmp_path / "t.csv").write_text("".join(pages))
    read, tickets = brought(tmp_path / "t.csv", tmp_path)
    assert len(tickets) == 90
    assert {"footer_left_out", "headers_repeated"} <= {finding.code for finding in read.profile.findings}
