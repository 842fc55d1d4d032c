"""What a movement refers to, made and read in one place."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from otai.ledger.references import EntryReference, ReferredTo, read_reference, reference_to
from tests.docstrings import OTAI

pytestmark = pytest.mark.pure

RUN = UUID("019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b")


@pytest.mark.parametrize(
    ("to", "name", "stored"),
    [
        (ReferredTo.RUN, RUN, "run:019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b"),
        (ReferredTo.PURCHASE, "OT-AB2CD-EF3GH", "purchase:OT-AB2CD-EF3GH"),
        (ReferredTo.TIER, "community", "tier:community"),
        (ReferredTo.GUARANTEE, RUN, "guarantee:019a4f0c-6d5e-7c31-9f3b-1c2d3e4f5a6b"),
    ],
)
def test_rows_say_what_they_are_about_as_they_always_did(to: ReferredTo, name: object, stored: str) -> None:
    """The column is chained, and rows of before are asked for by their whole value."""
    assert reference_to(to, name) == stored
    assert read_reference(stored) == EntryReference(to, str(name))


@pytest.mark.parametrize("stored", ["", "goodwill", "order-1", "run", "run:", "sprint:4", "Run:4", ":4"])
def test_what_names_none_of_these_refers_to_nothing(stored: str) -> None:
    assert read_reference(stored) is None


@pytest.mark.parametrize(("name", "id"), [(str(RUN), RUN), ("dead", None), ("", None)])
def test_a_name_that_is_no_id_has_none(name: str, id: UUID | None) -> None:
    assert EntryReference(ReferredTo.RUN, name).id == id


def test_nothing_else_makes_or_reads_a_reference() -> None:
    """By the text of the code: `f"run:{...}"`, `startswith("purchase:")` stand nowhere but in this one place."""
    written = re.compile(rf"""f?["'](?:{"|".join(ReferredTo)}):(?:\{{|["'])""")
    found = [
        f"{path.relative_to(OTAI)}: {line.strip()}"
        for path in sorted(OTAI.rglob("*"))
        if path.suffix in (".py", ".html") and "migrations" not in path.parts
        for line in path.read_text(encoding="utf-8").splitlines()
        if written.search(line) and "key=" not in line
    ]
    assert found == []
