"""Tickets that say that they belong together are never both learnt from and measured on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from otai.learning.data.attributes import AttributeSpec
from otai.learning.data.splitting import related_numbers_of
from otai.learning.data.tickets import LabelledTickets
from otai.learning.evidence.measuring import choose_holdout
from otai.tickets.column_names import name_of
from otai.tickets.linking import kind_of_link
from tests.tickets.test_other_helpdesks import Make, body, brought, guessed, subject, team, written
from tests.tickets.test_threads import read

pytestmark = pytest.mark.pure

PAIRS = 60
LINKED: dict[str, dict[str, Make]] = {
    "mails that answer mails": {
        "Message-ID": lambda n: f"<{n}@globex.example>",
        "In-Reply-To": lambda n: f"<{n - 1}@globex.example>" if n % 2 else "",
    },
    "the whole chain of mails": {
        "Message-ID": lambda n: f"<{n}@globex.example>",
        "References": lambda n: f"<gone{n}@x.example> <{n - 1}@globex.example>" if n % 2 else "",
    },
    "a thread's id": {"Thread ID": lambda n: f"thr-{n // 2:04x}"},
    "a parent": {"Parent": lambda n: f"SUP-{n - 1}" if n % 2 else ""},
    "related issues in words": {"Related issues": lambda n: f"Follows #SUP-{n - 1}, copied" if n % 2 else ""},
    "a field of Jira": {"Inward issue link (Duplicate)": lambda n: f"SUP-{n - 1}" if n % 2 else ""},
    "a parent in German": {"Übergeordneter Vorgang": lambda n: f"SUP-{n - 1}" if n % 2 else ""},
}


def tickets_of(tmp_path: Path, columns: dict[str, Make]) -> Path:
    """Tickets of which each second belongs to the one before, about something else in other words."""
    described: dict[str, Make] = {"Key": lambda n: f"SUP-{n}", "Subject": subject, "Body": body, "Queue": team}
    return written(tmp_path, described | columns, rows=2 * PAIRS)


@pytest.mark.parametrize("how", LINKED)
def test_linked_tickets_never_straddle_the_holdout(tmp_path: Path, how: str) -> None:
    path = tickets_of(tmp_path, LINKED[how])
    read_in, _ = brought(path, tmp_path)
    assert [found.name for found in read_in.roles.attributes] == ["Queue"]
    tickets = LabelledTickets.read_parquet(tmp_path / "out.parquet")
    numbers = related_numbers_of(tickets.texts, tickets.links)
    assert (numbers[::2] == numbers[1::2]).all() and len(np.unique(numbers)) == PAIRS
    held = choose_holdout(tickets, [AttributeSpec("Queue")], share=0.3)
    assert 10 < len(held) < PAIRS
    assert set(held // 2 * 2) | set(held // 2 * 2 + 1) == set(held)


def test_without_such_a_column_tickets_stand_alone(tmp_path: Path) -> None:
    brought(tickets_of(tmp_path, {}), tmp_path)
    tickets = LabelledTickets.read_parquet(tmp_path / "out.parquet")
    assert tickets.links is None
    assert len(np.unique(related_numbers_of(tickets.texts, tickets.links))) == 2 * PAIRS


def test_what_half_of_the_desk_hangs_on_is_no_thread(tmp_path: Path) -> None:
    brought(tickets_of(tmp_path, {"Parent": lambda n: "SUP-9000" if n % 2 else ""}), tmp_path)
    tickets = LabelledTickets.read_parquet(tmp_path / "out.parquet")
    assert len(np.unique(related_numbers_of(tickets.texts, tickets.links))) == 2 * PAIRS


def test_only_hashes_of_what_links_are_kept(tmp_path: Path) -> None:
    brought(tickets_of(tmp_path, LINKED["mails that answer mails"]), tmp_path)
    table = pq.read_table(tmp_path / "out.parquet")
    assert "globex.example" not in str(table.column("links").to_pylist())


def test_rows_of_one_ticket_and_what_is_added_keep_their_links(tmp_path: Path) -> None:
    first = written(tmp_path, {"Key": lambda n: f"SUP-{n}", "Subject": subject, "Body": body, "Queue": team})
    first = first.rename(tmp_path / "first.csv")
    second = written(
        tmp_path,
        {
            "Key": lambda n: f"SUP-{n // 2 + 115}", "Subject": lambda n: subject(n // 2 + 500), "Queue": team,
            "Body": lambda n: body(n // 2 + 500), "Parent": lambda n: f"SUP-{n // 2}" if n % 2 else "",
        },
        rows=20,
    )  # fmt: skip
    _, tickets = read(first, second)
    links: dict[str, Any] = {str(ticket["ticket"]): ticket["links"] for ticket in tickets}
    assert len(tickets) == 125
    assert set(links["SUP-122"]) & set(links["SUP-124"]) == set() and len(links["SUP-124"]) == 2


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("via.source.from.ticket_id", "ticket"), ("fields.parent.key", "ticket"), ("Linked Tickets", "ticket"),
        ("Verknüpfte Tickets", "ticket"), ("Tickets liés", "ticket"), ("Chamado pai", "ticket"),
        ("conversation_id", "thread"), ("in_reply_to", "mail"), ("Department", None), ("Tags", None), ("Title", None),
        ("Related service", None),
    ],
)  # fmt: skip
def test_columns_that_link_are_known_by_their_names(header: str, kind: str | None) -> None:
    assert kind_of_link(name_of(header)) == kind


def test_the_reason_says_what_the_column_is_for(tmp_path: Path) -> None:
    roles = guessed(tickets_of(tmp_path, LINKED["a parent"]))
    assert "belong together" in roles.why["Parent"]
