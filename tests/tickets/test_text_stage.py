"""Texts that are read in processes beside: the same as in one, and nothing is left of them whatever happens."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from otai.tickets import text_stage
from otai.tickets.reading import ReadTickets, read_tickets
from otai.tickets.sample import write_csv
from otai.tickets.sources import table
from otai.tickets.text_preparation import TextPreparation, TextRules

pytestmark = pytest.mark.pure

SCHEMA = pa.schema([("ticket", pa.string()), ("subject", pa.string()), ("body", pa.string()), ("row", pa.int64())])


def batch_of(first: int, rows: int = 40) -> pa.RecordBatch:
    made = [
        f"Hello,<br>router {n} is down.<br>Kind regards\nAda\nTel. +49 30 555{n:04d}"
        for n in range(first, first + rows)
    ]
    ids = [str(n) for n in range(first, first + rows)]
    numbers = pa.array(range(first + 1, first + 1 + rows), pa.int64())
    return pa.RecordBatch.from_arrays(
        [pa.array(ids), pa.array([f"router {one}" for one in ids]), pa.array(made), numbers], schema=SCHEMA
    )


def stage_of(folder: Path) -> tuple[text_stage.TextsHere, text_stage.TextProcesses]:
    here = text_stage.TextsHere(text_stage.TextReader(), TextPreparation(TextRules()))
    return here, text_stage.TextProcesses(here, folder, processes=2)


def children() -> list[int]:
    return [child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def many_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small batches, and processes for whatever size."""
    monkeypatch.setattr(table, "BATCH_ROWS", 100)


def _read(path: Path, into: Path) -> tuple[ReadTickets, list[dict[str, Any]]]:
    read = read_tickets(path, into=into)
    return read, pq.read_table(into).to_pylist()


def test_processes_beside_give_what_one_gives(
    tmp_path: Path, many_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(tmp_path / "t.csv", tickets=1_500, seed=5)
    alone, rows = _read(tmp_path / "t.csv", tmp_path / "alone.parquet")
    monkeypatch.setattr(text_stage, "BYTES_FOR_PROCESSES", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    before = children()
    beside, rows_beside = _read(tmp_path / "t.csv", tmp_path / "beside.parquet")
    assert rows_beside == rows
    assert children() == before
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
    told, told_beside = ({one.code: one.values for one in read.profile.findings} for read in (alone, beside))
    assert told.keys() == told_beside.keys()
    assert {"html_became_text", "text_was_cut", "duplicate_tickets"} <= told.keys()
    for code in told.keys() - {"personal_data", "text_was_cut"}:
        assert told[code] == told_beside[code]
    # Examples are those of whichever process saw them first.
    assert told["text_was_cut"]["by_kind"] == told_beside["text_was_cut"]["by_kind"]
    for counted in ("tickets", "looked_at", "by_kind"):
        assert told["personal_data"][counted] == told_beside["personal_data"][counted]


def test_batches_come_back_in_order(tmp_path: Path) -> None:
    here, stage = stage_of(tmp_path)
    back = [batch for first in range(0, 800, 40) for batch in stage.give(batch_of(first))]
    back += list(stage.end())
    stage.close()
    assert [row for batch in back for row in batch.column("ticket").to_pylist()] == [str(n) for n in range(800)]
    assert here.reader.mended.html == 800 and here.preparation.count.rows == 800
    assert back[0].column("body")[0].as_py() == "Hello,\nrouter 0 is down.\nKind regards"
    assert not list(tmp_path.glob("given-*")) and not list(tmp_path.glob("done-*"))


@pytest.mark.parametrize(("ended_by", "raised"), [(signal.SIGKILL, MemoryError), (signal.SIGTERM, RuntimeError)])
def test_a_process_that_is_ended_ends_the_import(
    tmp_path: Path, ended_by: signal.Signals, raised: type[Exception]
) -> None:
    before = children()
    _, stage = stage_of(tmp_path)
    list(stage.give(batch_of(0)))
    for child in set(children()) - set(before):
        os.kill(child, ended_by)
    with pytest.raises(raised):
        for first in range(40, 2_000, 40):
            list(stage.give(batch_of(first)))
        list(stage.end())
    stage.close()
    assert children() == before


def test_an_import_that_stops_leaves_no_process(tmp_path: Path) -> None:
    before = children()
    _, stage = stage_of(tmp_path)
    list(stage.give(batch_of(0)))
    stage.close()
    stage.close()
    assert children() == before


def test_a_small_file_starts_none(tmp_path: Path) -> None:
    reader, preparation = text_stage.TextReader(), TextPreparation(None)
    assert isinstance(text_stage.text_stage(reader, preparation, size=100_000, folder=tmp_path), text_stage.TextsHere)
