"""The canonical form of a transfer, by hand: what the audit and PostgreSQL both compute, and what no row can be changed
without."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from otai.ledger.chain import START, pins_text, request_hash, transfer_hash

pytestmark = pytest.mark.pure

PREVIOUS = bytes(range(32))
ROW: dict[str, Any] = {
    "organisation": UUID("0195f000-0000-7000-8000-000000000001"),
    "seq": 7,
    "id": UUID("0195f000-0000-7000-8000-00000000000a"),
    "at": datetime(2026, 11, 2, 9, 30, 0, 250_000, tzinfo=UTC),
    "kind": "hold",
    "source": "available",
    "target": "held",
    "credits": 3,
    "request_hash": b"\x01\xff",
    "hold": UUID("0195f000-0000-7000-8000-00000000000b"),
    "lots": '[["a", 3]]',
    "available": 3,
    "held": 3,
    "spent": 0,
    "key": "order:1",
    "reference": "run ä",
    "reason": "why|not",
}


def test_a_row_hashes_to_the_form_written_out_by_hand() -> None:
    form = (
        "v1|0195f000-0000-7000-8000-000000000001|7|0195f000-0000-7000-8000-00000000000a|1793611800250000|hold|available|held|3|01ff"
        '|0195f000-0000-7000-8000-00000000000b|[["a", 3]]|3|3|0|7|order:1|5|run ä|7|why|not'
    )
    assert transfer_hash(PREVIOUS, **ROW) == hashlib.sha256(PREVIOUS + form.encode()).digest()
    without_hold = form.replace("|0195f000-0000-7000-8000-00000000000b|", "|-|")
    assert transfer_hash(PREVIOUS, **{**ROW, "hold": None}) == hashlib.sha256(PREVIOUS + without_hold.encode()).digest()


CHANGED: dict[str, Any] = {
    "organisation": UUID(int=1),
    "seq": 8,
    "id": UUID(int=2),
    "at": ROW["at"] + timedelta(microseconds=1),
    "kind": "capture",
    "source": "held",
    "target": "spent",
    "credits": 4,
    "request_hash": b"\x01\xfe",
    "hold": None,
    "lots": '[["a", 2], ["b", 1]]',
    "available": 4,
    "held": 4,
    "spent": 1,
    "key": "order:2",
    "reference": "run b",
    "reason": "why not",
}


@pytest.mark.parametrize("field", ROW)
def test_no_field_changes_without_the_hash(field: str) -> None:
    assert transfer_hash(PREVIOUS, **{**ROW, field: CHANGED[field]}) != transfer_hash(PREVIOUS, **ROW)


def test_the_chain_hangs_on_the_row_before_and_begins_with_zeros() -> None:
    assert bytes(32) == START
    assert transfer_hash(START, **ROW) != transfer_hash(PREVIOUS, **ROW)


def test_an_instant_hashes_alike_in_every_time_zone() -> None:
    in_kolkata = ROW["at"].astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert transfer_hash(PREVIOUS, **{**ROW, "at": in_kolkata}) == transfer_hash(PREVIOUS, **ROW)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"key": "a|1|b", "reference": ""}, {"key": "a", "reference": "b"}),
        ({"key": "", "reference": "x", "reason": ""}, {"key": "x", "reference": "", "reason": ""}),
        ({"reference": "a", "reason": "bc"}, {"reference": "ab", "reason": "c"}),
    ],
)
def test_no_two_rows_have_the_same_form(one: dict[str, str], other: dict[str, str]) -> None:
    assert transfer_hash(PREVIOUS, **{**ROW, **one}) != transfer_hash(PREVIOUS, **{**ROW, **other})


def test_lots_are_written_as_postgresql_prints_them() -> None:
    assert pins_text([]) == "[]"
    assert pins_text([("lot 1", 2), ("lot 2", 30)]) == '[["lot 1", 2], ["lot 2", 30]]'


def test_a_key_is_bound_to_what_was_asked_and_why() -> None:
    assert request_hash("hold", 3, None, reason="order") == hashlib.sha256(b'["hold", 3, null, "order"]').digest()
    assert request_hash("hold", 3, None, reason="order") != request_hash("hold", 3, None, reason="other")
    assert request_hash("hold", 3, reason="order") != request_hash("hold", "3", reason="order")
