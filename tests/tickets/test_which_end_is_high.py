"""Which end of a scale is the high one, where the labels are bare numbers or the column has no name."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from otai.tickets.reading import read_tickets

pytestmark = pytest.mark.pure

WORDS = {"1": "1 - Critical", "2": "2 - High", "3": "3 - Moderate", "4": "4 - Low", "5": "5 - Planning"}
Row = dict[str, str]


def incidents() -> list[Row]:
    return [
        {
            "number": f"INC{n:07}", "short_description": f"printer {n} is broken again",
            "description": f"Hello, printer {n} does not work since {n % 9} days, please help.",
            "priority": str(1 + n % 5), "urgency": str(1 + n % 3), "assignment_group": ("Net", "Desk", "App")[n % 3],
        }
        for n in range(60)
    ]  # fmt: skip


def as_xml(rows: Iterable[Row]) -> str:
    inside = "".join(
        "<incident>" + "".join(f"<{name}>{value}</{name}>" for name, value in row.items()) + "</incident>"
        for row in rows
    )
    return f'<?xml version="1.0"?><unload unload_date="2026-01-01">{inside}</unload>'


def as_json(rows: Iterable[Row]) -> str:
    return json.dumps({"result": list(rows)})


def as_display_values(rows: Iterable[Row]) -> str:
    shown = [
        {name: {"value": v, "display_value": WORDS[v] if name == "priority" else v} for name, v in row.items()}
        for row in rows
    ]
    return json.dumps({"result": shown})


def as_csv(rows: Iterable[Row]) -> str:
    rows, file = list(rows), io.StringIO()
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def orders(tmp_path: Path, content: str) -> dict[str, str]:
    path = tmp_path / "export"
    path.write_text(content, encoding="utf-8")
    roles = read_tickets(path, into=tmp_path / "out.parquet").roles
    return {found.name: " ".join(label[:2].strip() for label in found.order) for found in roles.attributes}


@pytest.mark.parametrize("write", [as_xml, as_json, as_display_values, as_csv])
def test_servicenows_first_priority_is_the_highest_however_it_was_exported(
    tmp_path: Path, write: Callable[[Iterable[Row]], str]
) -> None:
    found = orders(tmp_path, write(incidents()))
    assert found["priority"] == "5 4 3 2 1" and found["urgency"] == "3 2 1"


def test_a_number_that_came_late_belongs_to_the_order(tmp_path: Path) -> None:
    rows = incidents() * 400
    rows[-1] = rows[-1] | {"priority": "0"}
    assert orders(tmp_path, as_csv(rows))["priority"] == "5 4 3 2 1 0"


@pytest.mark.parametrize(
    ("columns", "order"),
    [
        (("Work Item Type", "Priority"), "4 3 2 1"),
        (("finalclass", "priority"), "4 3 2 1"),
        (("createdon", "prioritycode"), "4 3 2 1"),
        (("identifier", "priorityLabel", "priority"), "4 3 2 1"),
        (("Ticket ID", "Priority"), "1 2 3 4"),
        (("Group", "Priority (1-4)"), "1 2 3 4"),
    ],
)
def test_whose_export_it_is_says_which_number_is_urgent(tmp_path: Path, columns: tuple[str, ...], order: str) -> None:
    rows = [
        {
            "Subject": f"printer {n} is broken",
            "Description": f"Hello, printer {n} does not work since {n % 9} days, please help.",
            **dict.fromkeys(columns, f"kind {n % 3}"),
            columns[-1]: str(1 + n % 4),
        }
        for n in range(60)
    ]
    assert orders(tmp_path, as_csv(rows))[columns[-1]] == order


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (("P1", "P2", "P3"), ("P3", "P2", "P1")),
        (("Prio 1", "Prio 2", "Prio 3"), ("Prio 3", "Prio 2", "Prio 1")),
        (("SEV1", "SEV2", "SEV3"), ("SEV3", "SEV2", "SEV1")),
        (("hoch", "mittel", "niedrig"), ("niedrig", "mittel", "hoch")),
        (("haute", "moyenne", "basse"), ("basse", "moyenne", "haute")),
        (("alta", "media", "baja"), ("baja", "media", "alta")),
        (("hoog", "gemiddeld", "laag"), ("laag", "gemiddeld", "hoog")),
        (("wysoki", "średni", "niski"), ("niski", "średni", "wysoki")),
        (("1", "2", "3"), ()),
        (("Net", "Desk", "App"), ()),
    ],
)
def test_without_a_header_the_labels_say_whether_they_are_an_order(
    tmp_path: Path, labels: tuple[str, ...], order: tuple[str, ...]
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        "".join(f"printer {n} is broken;printer {n} is dead since {n} days;{labels[n % 3]}\n" for n in range(60)),
        encoding="utf-8",
    )  # fmt: skip
    [found] = read_tickets(path, into=tmp_path / "out.parquet").roles.attributes
    assert found.order == order
