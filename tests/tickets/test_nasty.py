"""Whatever an upload holds: tickets, or a refusal that says why. Never a crash, never half of it."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.pure

quickly = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))

NASTY = st.sampled_from(
    ["", " ", "\0", "\x01\x02", "\ufeff", "\u200b", "a\nb", '"', "=1+1", "<p>x</p>", "&nbsp;", "&#0;", "nan", "null",
        "|", "a|b", "|" * 50, ";", "😀",
     "2026-01-01", "31.12.2026", "1e999", "-0", "é", "e\u0301", "İ", "test", "train", "de", "low", "high", "x" * 300,
     "\u2028", "<script>", "row 2"]
)  # fmt: skip
CELL = NASTY | st.text(max_size=8)
HEADER = st.sampled_from(["text", "subject", "id", "created", "language", "split", "queue", "priority", "tags", "tag_1",
    "tag_2", "", "a", "a"]) | st.text(max_size=5)  # fmt: skip


def bring_in(path: Path, **roles: Any) -> tuple[int, int, list[dict[str, Any]]]:
    """Tickets, bad rows, and the stored tickets: an import without its database rows."""
    from otai.tickets.columns import ColumnRoles
    from otai.tickets.options import ImportOptions
    from otai.tickets.reading import read_tickets

    target = path.with_suffix(".out.parquet")
    read_in = read_tickets(
        path, into=target, options=ImportOptions(roles=ColumnRoles.parse(**roles), skip_bad_rows=True)
    )
    profile, settled = read_in.profile, read_in.roles
    # What goes into the database must be JSON that PostgreSQL takes: no NUL, no half characters.
    for text in texts_in([profile.as_dict(), settled.as_dict()]):
        assert "\0" not in text
        text.encode()
    return profile.tickets, read_in.left_out_rows, pq.read_table(target).to_pylist()


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for part in pair for text in texts_in(part))
    elif isinstance(value, list | tuple):
        yield from (text for part in value for text in texts_in(part))


@quickly
@given(st.lists(HEADER, min_size=1, max_size=6), st.lists(st.lists(CELL, max_size=7), max_size=12))
def test_any_csv_is_tickets_or_a_refusal(header: list[str], rows: list[list[str]]) -> None:
    from otai.tickets.problems import DatasetInvalid

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        with path.open("w", newline="", encoding="utf-8", errors="surrogatepass") as handle:
            csv.writer(handle).writerows([["text", *header], *(["a few words here", *row] for row in rows)])
        try:
            tickets, bad, stored = bring_in(path)
        except DatasetInvalid as refusal:
            assert refusal.message
            return
        assert tickets == len(stored)
        assert tickets + bad <= len(rows)
        assert len({ticket["ticket"] for ticket in stored}) == tickets


def test_a_column_called_by_a_nul_is_named_by_its_place_in_what_is_said_of_it(tmp_path: Path) -> None:
    rows = [["text", ""], ["a few words here", "", "\0"], ["a few words here", "\0"], ["a few words here", "", ""]]
    with (tmp_path / "t.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    assert bring_in(tmp_path / "t.csv")[1] == 1


@pytest.mark.parametrize("sign", ["\0", "\x07"])
def test_a_cell_that_cannot_be_printed_is_shown_as_a_mark(tmp_path: Path, sign: str) -> None:
    """What a column was taken for quotes an example, which the database has to take."""
    with (tmp_path / "t.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([["text", "room"], *(["a few words here", f"{sign}x"] for _ in range(3))])
    assert bring_in(tmp_path / "t.csv")[0] == 3


JSON_VALUE = st.recursive(
    CELL | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CELL, inner, max_size=3), max_leaves=6
)  # fmt: skip


@quickly
@given(st.lists(st.dictionaries(HEADER, JSON_VALUE, max_size=5), min_size=1, max_size=10))
def test_any_json_is_tickets_or_a_refusal(rows: list[dict[str, Any]]) -> None:
    from otai.tickets.problems import DatasetInvalid

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.jsonl"
        path.write_text("".join(json.dumps({"body": "a few words here"} | row) + "\n" for row in rows))
        try:
            tickets, _, stored = bring_in(path)
        except DatasetInvalid:
            return
        assert tickets == len(stored) <= len(rows)


def test_a_header_of_undecodable_bytes_is_shown_with_a_mark(tmp_path: Path) -> None:
    from otai.tickets.sources.opening import open_source

    (tmp_path / "t.csv").write_bytes(("text,größe,ähnlich,übrig,k\n" + "ü,ü,ü,ü,ü\n" * 3).encode() + b"")
    broken = (tmp_path / "t.csv").read_bytes().replace(b"k\n", b"k\xff\n", 1)
    (tmp_path / "t.csv").write_bytes(broken)
    assert open_source(tmp_path / "t.csv").columns == ["text", "größe", "ähnlich", "übrig", "k?"]


def test_all_tickets_the_same_are_findings_not_failures(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text,queue\n" + "the same words again,IT\n" * 50)
    tickets, bad, _ = bring_in(tmp_path / "t.csv", attributes=["queue"])
    assert (tickets, bad) == (50, 0)


def test_a_ticket_of_a_hundred_thousand_words_comes_in_whole(tmp_path: Path) -> None:
    words = " ".join(f"word{n}" for n in range(100_000))
    (tmp_path / "t.csv").write_text(f'text,queue\n"{words}",IT\nshort one here,HR\n')
    _, _, stored = bring_in(tmp_path / "t.csv", attributes=["queue"])
    assert stored[0]["body"] == words


def test_five_thousand_labels_come_in_and_are_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "text,code\n" + "".join(f"words about thing {n},code {n % 5000}\n" for n in range(6000))
    )
    tickets, _, _ = bring_in(tmp_path / "t.csv", attributes=["code"])
    assert tickets == 6000


def test_what_nobody_sees_in_columns_and_labels_is_no_part_of_them(tmp_path: Path) -> None:
    rows = "the printer is on fire,V\u200bPN\nthe router is on fire,VPN\u200e\nno money came,\u202eBilling\n"
    (tmp_path / "t.csv").write_text("text,qu\u200beue\u202e\n" + rows * 4)
    tickets, _, stored = bring_in(tmp_path / "t.csv", attributes=["queue"])
    assert tickets == 12
    assert {ticket["attribute:queue"] for ticket in stored} == {"VPN", "Billing"}
