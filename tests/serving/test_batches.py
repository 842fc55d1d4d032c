"""Whole files and streams of tickets: every row is accounted for, in order, in bounded memory."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from otai.learning.model.bundle import Bundle
from otai.learning.model.deciding import PrecisionUnknown, Thresholds
from otai.serving.batches import (
    BatchCount,
    BatchRow,
    CsvWriter,
    JsonLinesWriter,
    rows_of_file,
    rows_of_lines,
)
from otai.tickets.columns import ColumnRoles, ColumnsInvalid
from otai.tickets.options import ReadOptions
from otai.tickets.problems import DatasetInvalid
from otai.tickets.sources import table

pytestmark = pytest.mark.pure

TICKETS = [
    ("T-1", "vpn is down", "the vpn and the wifi router are down", "Network"),
    ("T-2", "refund", "invoice payment refund charge", "Billing"),
    ("T-3", "login", "password account locked reset", "Access"),
]


def rows_in(bundle: Bundle, path: Path, **options: Any) -> list[BatchRow]:
    return [row for batch in rows_of_file(bundle, path, options=ReadOptions(**options)) for row in batch]


def queues(rows: list[BatchRow]) -> list[str | None]:
    return [row.prediction["queue"].label if row.prediction else None for row in rows]


def test_csv_excel_and_json_lines_give_the_same(bundle: Bundle, tmp_path: Path) -> None:
    cells = [["number", "subject", "body"], *([ticket, subject, body] for ticket, subject, body, _ in TICKETS)]
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file, delimiter=";").writerows(cells)
    book = openpyxl.Workbook()
    for line in cells:
        book.active.append(line)  # type: ignore[union-attr]
    book.save(tmp_path / "t.xlsx")
    objects = [dict(zip(cells[0], line, strict=True)) for line in cells[1:]]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, objects)))
    roles = ColumnRoles.parse(columns=["number=ticket"])
    for name in ("t.csv", "t.xlsx", "t.jsonl"):
        rows = rows_in(bundle, tmp_path / name, roles=roles)
        assert [row.ticket for row in rows] == ["T-1", "T-2", "T-3"]
        assert queues(rows) == ["Network", "Billing", "Access"]


def test_a_bad_row_keeps_its_place_and_the_others_are_predicted(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(
        b"subject,body\nvpn down,router wifi vpn\nbroken,too,many,cells\nrefund,invoice payment refund\nnul,a\0b\n"
    )
    rows = rows_in(bundle, path)
    assert [(row.number, row.prediction is None) for row in rows] == [(2, False), (3, True), (4, False), (5, True)]
    counted = BatchCount()
    for row in rows:
        counted.add(row)
    assert (counted.predicted, counted.wrong) == (2, 2) and counted.first_wrong[0].startswith("row 3: ")
    out = io.StringIO()
    JsonLinesWriter(out).write(rows)
    assert [sorted(json.loads(line)) for line in out.getvalue().splitlines()][1] == ["error", "row", "ticket"]


def test_a_file_that_is_none_and_columns_that_are_not_there_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG rest")
    with pytest.raises(DatasetInvalid):
        rows_in(bundle, tmp_path / "picture.png")
    with pytest.raises(DatasetInvalid):
        rows_in(bundle, tmp_path / "nowhere.csv")
    (tmp_path / "t.csv").write_text("subject,body\na,b\n")
    with pytest.raises(ColumnsInvalid):
        rows_in(bundle, tmp_path / "t.csv", roles=ColumnRoles.parse(columns=["text=body"]))


def test_a_csv_says_what_may_be_decided_alone(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("subject,body\n" + "".join(f"{one[1]},{one[2]}\n" for one in TICKETS) + "hm,hm\n")
    rows = rows_in(bundle, tmp_path / "t.csv")
    out = io.StringIO()
    CsvWriter(out, bundle, precision=0.95).write(rows)
    read = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [row["queue"] for row in read[:3]] == ["Network", "Billing", "Access"]
    for one in bundle.attributes:
        threshold = one.thresholds.get("0.95", 2.0)
        said = [row[f"{one.spec.name} decide alone"] for row in read]
        sure = [row.prediction is not None and row.prediction[one.spec.name].confidence >= threshold for row in rows]
        assert said == ["yes" if alone else "no" for alone in sure]
    assert bundle.attributes[1].thresholds["0.95"] and read[0]["error"] == ""
    lines = io.StringIO()
    JsonLinesWriter(lines, Thresholds.at(bundle, 0.95)).write(rows)
    alone = [json.loads(line)["attributes"]["priority"]["decides_alone"] for line in lines.getvalue().splitlines()]
    assert alone == [row["priority decide alone"] == "yes" for row in read]
    with pytest.raises(PrecisionUnknown):
        CsvWriter(io.StringIO(), bundle, precision=0.8)


def test_lines_are_answered_as_they_come(bundle: Bundle) -> None:
    class Slow(io.BytesIO):
        """Gives one line at a time, as a pipe would whose writer waits for each answer."""

        def read1(self, size: int | None = -1, /) -> bytes:
            return self.readline()

    lines = [
        '{"text": "vpn router wifi", "id": 7}',
        "",
        '"invoice refund"',
        "{no json",
        '{"other": 1}',
        '{"subject": "password login"}',
    ]
    batches = rows_of_lines(bundle, Slow("\n".join(lines).encode()))
    first = next(batches)
    assert [(row.number, row.ticket) for row in first] == [(1, "7")] and queues(first) == ["Network"]
    rows = [row for batch in batches for row in batch]
    assert [(row.number, queue) for row, queue in zip(rows, queues(rows), strict=True)] == [
        (3, "Billing"),
        (4, None),
        (5, None),
        (6, "Access"),
    ]
    assert "no JSON" in rows[1].wrong and "neither" in rows[2].wrong


def test_an_endless_line_ends_the_reading(bundle: Bundle) -> None:
    [[row]] = list(rows_of_lines(bundle, io.BytesIO(b'"' + b"x" * 9_000_000)))
    assert row.prediction is None and "reading ends here" in row.wrong


def test_a_long_file_takes_no_more_memory_than_a_short_one(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Batches of a sixteenth show in a second what full ones show in a minute.
    monkeypatch.setattr(table, "BATCH_ROWS", 256)

    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.csv"
        path.write_text(
            "subject,body\n" + "".join(f"vpn {n},router wifi down {n} {'words ' * 30}\n" for n in range(rows))
        )
        tracemalloc.start()
        counted = sum(len(batch) for batch in rows_of_file(bundle, path))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert counted == rows
        return most

    assert peak(2_048) < 1.6 * peak(512)
