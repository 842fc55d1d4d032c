from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from otai.learning.data.attributes import AttributeKind
from otai.learning.data.tickets import LabelledTickets
from otai.learning.errors import InputFailure
from tests.learning.made_up import made_up_tickets

pytestmark = pytest.mark.pure


def test_parquet_gives_back_the_tickets_that_were_written(tmp_path: Path) -> None:
    tickets = made_up_tickets(30, splits=True, unlabelled=0.3)
    tickets.write_parquet(tmp_path / "tickets.parquet")
    assert LabelledTickets.read_parquet(tmp_path / "tickets.parquet") == tickets


def test_a_ticket_without_body_or_subject_still_has_a_text(tmp_path: Path) -> None:
    table = pa.table(
        {
            "ticket": ["1", "2", "3"],
            "subject": ["Printer", None, None],
            "body": [None, "It smokes", None],
            "attribute:queue": ["a", None, "b"],
        }
    )
    pq.write_table(table, tmp_path / "tickets.parquet")
    tickets = LabelledTickets.read_parquet(tmp_path / "tickets.parquet")
    assert tickets.texts == ["Printer", "\nIt smokes", ""]
    assert tickets.attributes == {"queue": ["a", None, "b"]}
    assert tickets.languages == [None, None, None]
    assert tickets.splits is None


def test_a_file_without_bodies_is_refused_by_name(tmp_path: Path) -> None:
    pq.write_table(pa.table({"ticket": ["1"], "subject": ["x"]}), tmp_path / "tickets.parquet")
    with pytest.raises(InputFailure, match="body") as refusal:
        LabelledTickets.read_parquet(tmp_path / "tickets.parquet")
    assert refusal.value.code == "dataset_invalid"


@pytest.mark.parametrize("content", [b"", b"PAR1", b"ticket,subject\n1,x\n"])
def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tickets.parquet").write_bytes(content)
    with pytest.raises(InputFailure):
        LabelledTickets.read_parquet(tmp_path / "tickets.parquet")


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(InputFailure, match="2 tickets, but 1 entries in texts"):
        LabelledTickets(ids=["1", "2"], texts=["x"], languages=[None, None], attributes={})


def test_kinds_are_the_words_that_the_spec_file_uses() -> None:
    assert [kind.value for kind in AttributeKind] == ["single", "multi", "ordered"]


def test_languages_are_kept_as_codes_whatever_they_are_called() -> None:
    said = ["English", "DE-at", "deu", "Français", "en", None, "klingon-x"]
    tickets = LabelledTickets([str(n) for n in range(7)], ["a"] * 7, said, {})
    assert tickets.languages == ["en", "de", "de", "fr", "en", None, "klingon-x"]
