"""What a page shows of a column before its import: as people read it, and without personal data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from otai.tickets.column_stats import SAMPLED_CHARACTERS, ColumnStats, _count
from otai.tickets.examples import examples_of
from otai.tickets.reading import preview_columns

pytestmark = pytest.mark.pure

ASKED = "<p>Hello,<br>the printer &amp; its tray are broken.</p><p>Ada Berg, +49 30 5550 1234</p>"
ANSWERED = "It is repaired.\n\nYour desk"
THREAD = [
    {"id": 2, "sender": "Agent", "body": ANSWERED, "created_at": "2026-03-02T09:00:00Z"},
    {"id": 1, "sender": "Customer", "body": ASKED, "created_at": "2026-03-01T09:00:00Z"},
]


def column(*cells: Any) -> ColumnStats:
    made = ColumnStats("messages")
    _count(made, list(cells), 1_000, 0, 1)
    return made


def shown(*cells: str, as_text: bool = False) -> list[str]:
    return [" ".join(text.split()) for text, _ in examples_of(column(*cells), as_text=as_text)]


def test_of_a_thread_the_messages_are_shown_as_people_read_them() -> None:
    cell = json.dumps(THREAD)
    asked = "Hello, the printer & its tray are broken. Ada Berg, [phone]"
    assert shown(cell) == [f"{asked} · It is repaired. Your desk"]
    assert shown(cell, as_text=True) == [asked]
    tree = "-->||agent||Jan||2026-03-02 09:00:00||<---\nFixed.\n-->||customer||Ada||2026-03-01 09:00:00||<---\nBroken."
    assert (shown(tree), shown(tree, as_text=True)) == (["Broken. · Fixed."], ["Broken."])


@pytest.mark.parametrize("at", ["in its first text", "behind its first message"])
def test_a_thread_that_is_longer_than_the_sample_shows_its_beginning(at: str) -> None:
    long = "The printer is broken. " * 400
    first, second = ("Hello. " + long, "Thanks.") if at == "in its first text" else ("Hello.", long)
    cell = json.dumps([{"body": first, "sender": {"type": "customer"}}, {"body": second, "sender": {"type": "desk"}}])
    assert len(cell) > SAMPLED_CHARACTERS
    (text,) = shown(cell, as_text=True)
    assert text.startswith("Hello.") and not {"{", "["} & set(text)


@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        (['{"address":"ada@example.com","name":"Acme","rel":null,"is_new":true}'], ["[email], Acme"]),
        (['{"address":"cut in the midd'], ['{"address":"cut in the midd']),
        (["C++", "<none>", "R&amp;D"], ["C++", "<none>", "R&amp;D"]),
        ([ASKED], ["Hello, the printer & its tray are broken. Ada Berg, [phone]"]),
    ],
)
def test_objects_say_their_values_and_texts_lose_their_markup(cells: Sequence[str], texts: list[str]) -> None:
    assert shown(*cells) == texts


def test_where_rows_are_messages_customers_messages_are_shown(tmp_path: Path) -> None:
    """The desk's answers repeat, and would be the most frequent values."""
    answer, question = (
        "Thank you for writing to us. We have repaired it.",
        "The printer in room {n} is broken",
    )
    rows = [f"T{n},agent,{answer},it\nT{n},customer,{question.format(n=n)},it" for n in range(20)]
    path = tmp_path / "messages.csv"
    path.write_text("\n".join(["ticket_id,sender_type,body,queue", *rows]))
    found = preview_columns(path)
    assert found.roles.single["sender"] == "sender_type"
    [body] = [one for one in found.as_dict()["columns"] if one["name"] == "body"]
    assert len(body["examples"]) == 5 and all("The printer in room" in text for text, _ in body["examples"])
