"""Files come back as they were written, in every format; nasty ones are refused or lose only their bad rows."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from openpyxl.cell import WriteOnlyCell

from otai.tickets.file_findings import findings_of_file
from otai.tickets.limits import LIMITS, Limits
from otai.tickets.options import FormatOptions
from otai.tickets.problems import BadRows, DatasetInvalid
from otai.tickets.sources.opening import open_source

pytestmark = pytest.mark.pure

Table = list[list[str]]


def rows_of(path: Path, *, limits: Limits = LIMITS, **options: Any) -> Table:
    """All rows of a file; fails on a bad one."""
    source = open_source(path, options=FormatOptions(**options), limits=limits)
    bad = BadRows(skip=False)
    rows = [
        ["" if cell is None else cell for cell in row]
        for batch in source.batches(bad)
        for row in zip(
            *(column.to_pylist() if isinstance(column, pa.Array) else column for column in batch.columns), strict=True
        )
    ]
    bad.refuse()
    return rows


def write_csv(table: Table, path: Path, *, delimiter: str = ",", encoding: str = "utf-8") -> None:
    with path.open("w", newline="", encoding=encoding) as handle:
        writer = csv.writer(handle, delimiter=delimiter)
        writer.writerow([f"column {n}" for n in range(len(table[0]))])
        writer.writerows(table)


def write_json_lines(table: Table, path: Path) -> None:
    with path.open("w", encoding="utf-8") as handle:
        for row in table:
            handle.write(json.dumps({f"column {n}": cell for n, cell in enumerate(row)}) + "\n")


def write_json_array(table: Table, path: Path) -> None:
    path.write_text(json.dumps([{f"column {n}": cell for n, cell in enumerate(row)} for row in table], indent=1))


def write_parquet(table: Table, path: Path) -> None:
    columns = list(zip(*table, strict=True))
    pq.write_table(pa.table({f"column {n}": pa.array(column, pa.string()) for n, column in enumerate(columns)}), path)


def write_workbook(table: Table, path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Tickets")
    sheet.append([f"column {n}" for n in range(len(table[0]))])
    for row in table:
        cells = []
        for text in row:
            cell = WriteOnlyCell(sheet, value="x")
            # Set directly, or openpyxl takes "=1" for a formula.
            cell._value, cell.data_type = text, "s"
            cells.append(cell)
        sheet.append(cells)
    book.save(path)


def a_table(characters: st.SearchStrategy[str]) -> st.SearchStrategy[Table]:
    cell = st.text(characters, max_size=12)
    return (
        st.integers(2, 5)
        .flatmap(lambda width: st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=8))
        .filter(lambda table: all(any(row) for row in table))
    )


ANY_CHARACTER = st.characters(exclude_categories=["Cs"])
XML_CHARACTER = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
quickly = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@quickly
@given(a_table(ANY_CHARACTER))
@pytest.mark.parametrize(
    ("write", "suffix"),
    [(write_csv, "csv"), (write_json_lines, "jsonl"), (write_json_array, "json"), (write_parquet, "parquet")],
)
def test_any_table_comes_back_the_same(write: Callable[[Table, Path], None], suffix: str, table: Table) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t.{suffix}"
        write(table, path)
        if suffix == "csv":
            # Of a tenth control codes it is refused: that is no text.
            assume(
                sum(path.read_bytes().count(code) for code in (*range(1, 9), *range(14, 27))) * 10
                <= path.stat().st_size
            )
        assert rows_of(path) == table


@settings(quickly, max_examples=25)
@given(a_table(XML_CHARACTER))
def test_any_table_comes_back_the_same_from_a_workbook(table: Table) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.xlsx"
        write_workbook(table, path)
        assert rows_of(path) == table


@quickly
@given(st.binary(max_size=400))
def test_any_bytes_are_rows_or_a_refusal_and_never_a_crash(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("csv", "jsonl", "xlsx", "parquet"):
            path = Path(folder) / f"t.{suffix}"
            path.write_bytes(content)
            try:
                source = open_source(path)
                for _ in source.batches(BadRows(skip=True)):
                    pass
            except DatasetInvalid:
                continue


GERMAN = [["Drucker größer", "Müller über Straße – „schön“", "a"], ["Maße", "Größe ändern: 5 €", "b"]]  # noqa: RUF001


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_found(tmp_path: Path, encoding: str, delimiter: str) -> None:
    write_csv(GERMAN * 5, tmp_path / "t.csv", delimiter=delimiter, encoding=encoding)
    assert rows_of(tmp_path / "t.csv") == GERMAN * 5


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1250", "Zażółć gęślą jaźń, proszę o pomoc z drukarką w biurze"),
        ("cp1251", "Не работает принтер в офисе, помогите пожалуйста"),  # noqa: RUF001
    ],
)
def test_other_alphabets_are_found(tmp_path: Path, encoding: str, text: str) -> None:
    table = [[text, "a"]] * 20
    write_csv(table, tmp_path / "t.csv", encoding=encoding)
    assert rows_of(tmp_path / "t.csv") == table


def test_one_umlaut_at_the_end_of_a_large_file_is_seen(tmp_path: Path) -> None:
    table = [["plain text here", "a"]] * 60_000 + [["Ümlaut", "b"]]
    write_csv(table, tmp_path / "t.csv", encoding="cp1252")
    assert rows_of(tmp_path / "t.csv")[-1] == ["Ümlaut", "b"]


def test_a_named_encoding_wins(tmp_path: Path) -> None:
    write_csv([["\u0160koda", "a"]], tmp_path / "t.csv", encoding="iso8859_2")
    assert rows_of(tmp_path / "t.csv", encoding="iso8859_2") == [["\u0160koda", "a"]]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_read(tmp_path: Path, line_end: str) -> None:
    (tmp_path / "t.csv").write_bytes(line_end.join(["a,b", "1,2", '"x\ny",3', ""]).encode())
    assert rows_of(tmp_path / "t.csv") == [["1", "2"], ["x\ny", "3"]]


def test_excel_hint_for_the_separator_is_followed(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sep=;\na;b\n1,5;2\n")
    assert rows_of(tmp_path / "t.csv") == [["1,5", "2"]]


def test_quotes_escaped_by_backslashes_are_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + '"he said \\"no\\", twice",2\n' * 5)
    assert rows_of(tmp_path / "t.csv")[0] == ['he said "no", twice', "2"]


def test_repeated_and_empty_header_names_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Labels,Labels,,Labels,Text\na,b,c,d,e\n")
    assert open_source(tmp_path / "t.csv").columns == ["Labels", "Labels (2)", "column 3", "Labels (3)", "Text"]


def test_one_column_is_a_table_too(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text\nhello there\nhow; are you\n")
    assert rows_of(tmp_path / "t.csv", delimiter=",") == [["hello there"], ["how; are you"]]


def test_delimiters_at_line_ends_are_no_extra_fields(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2,,\n3,4\n")
    assert rows_of(tmp_path / "t.csv") == [["1", "2"], ["3", "4"]]


def test_broken_quoting_throughout_is_given_up_soon(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + 'x,"y\nz,w\n' * 20_000 + "'")
    with pytest.raises(DatasetInvalid):
        rows_of(tmp_path / "t.csv", limits=Limits(field_characters=10_000))


class TestJson:
    def test_nested_keys_become_columns_and_lists_stay_lists(self, tmp_path: Path) -> None:
        (tmp_path / "t.jsonl").write_text(
            '{"fields": {"queue": "IT", "n": 1.10}, "tags": ["a", "b"], "ok": true, "x": null}\n'
        )
        source = open_source(tmp_path / "t.jsonl")
        assert source.columns == ["fields.queue", "fields.n", "tags", "ok", "x"]
        assert rows_of(tmp_path / "t.jsonl") == [["IT", "1.10", ["a", "b"], "true", ""]]

    @pytest.mark.parametrize(
        "line",
        ["{", "[1]", "3", '{"a": }', '{"a": "\\ud800"', "[" * 100_000, '{"a":' * 5_000, "null", '{"a": 1} {"a": 2}'],
    )
    def test_a_line_that_is_no_object_is_one_bad_row(self, tmp_path: Path, line: str) -> None:
        (tmp_path / "t.jsonl").write_text('{"a": "1"}\n' + line + '\n{"a": "2"}\n')
        source = open_source(tmp_path / "t.jsonl")
        bad = BadRows(skip=True)
        rows = [cell for batch in source.batches(bad) for cell in batch.columns[0]]
        assert rows == ["1", "2"]
        assert [problem.row for problem in bad.first] == [2]

    def test_a_huge_number_is_kept_as_written(self, tmp_path: Path) -> None:
        (tmp_path / "t.jsonl").write_text('{"a": ' + "9" * 5_000 + "}\n")
        assert rows_of(tmp_path / "t.jsonl") == [["9" * 5_000]]

    def test_a_large_array_is_read_in_pieces(self, tmp_path: Path) -> None:
        table = [{"text": "word " * 100, "n": str(n)} for n in range(10_000)]
        (tmp_path / "t.json").write_text(json.dumps(table))
        assert [row[1] for row in rows_of(tmp_path / "t.json")] == [str(n) for n in range(10_000)]


class TestWorkbooks:
    def test_numbers_dates_and_empty_cells_read_as_a_person_sees_them(self, tmp_path: Path) -> None:
        from datetime import datetime

        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        sheet.append(["text", "n", "x", "at", "yes"])
        sheet.append(["hello", 3, 1.5, datetime(2026, 1, 2, 3, 4), True])  # noqa: DTZ001
        sheet.append([None, None, None, None, None])
        sheet.append(["late", 4.0])
        book.save(tmp_path / "t.xlsx")
        assert rows_of(tmp_path / "t.xlsx") == [
            ["hello", "3", "1.5", "2026-01-02T03:04:00", "true"],
            ["late", "4", "", "", ""],
        ]

    def test_the_sheet_can_be_named(self, tmp_path: Path) -> None:
        book = openpyxl.Workbook()
        book.create_sheet("Two").append(["b", "c"])
        book["Two"].append(["1", "2"])
        book["Sheet"].append(["a", "b"])
        book["Sheet"].append(["x", "y"])
        book.save(tmp_path / "t.xlsx")
        assert rows_of(tmp_path / "t.xlsx") == [["x", "y"]]
        assert rows_of(tmp_path / "t.xlsx", sheet="Two") == [["1", "2"]]
        with pytest.raises(DatasetInvalid, match="“Sheet”, “Two”"):
            rows_of(tmp_path / "t.xlsx", sheet="Three")

    def test_a_zip_bomb_is_refused_before_it_is_unpacked(self, tmp_path: Path) -> None:
        write_workbook([["a", "b"]], tmp_path / "t.xlsx")
        with (
            zipfile.ZipFile(tmp_path / "t.xlsx", "a", zipfile.ZIP_DEFLATED) as archive,
            archive.open("xl/worksheets/sheet9.xml", "w") as part,
        ):
            for _ in range(80):
                part.write(b"\0" * (1 << 20))
        with pytest.raises(DatasetInvalid, match="200 times"):
            open_source(tmp_path / "t.xlsx")

    def test_a_document_type_is_refused(self, tmp_path: Path) -> None:
        write_workbook([["a", "b"]], tmp_path / "t.xlsx")
        with zipfile.ZipFile(tmp_path / "t.xlsx", "a") as archive:
            archive.writestr("xl/evil.xml", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>')
        with pytest.raises(DatasetInvalid, match="document type"):
            open_source(tmp_path / "t.xlsx")

    def test_an_archive_that_is_no_workbook_is_named(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
            archive.writestr("word/document.xml", "<w/>")
        with pytest.raises(DatasetInvalid, match="text document"):
            open_source(tmp_path / "t.zip")

    def test_texts_that_would_fill_the_memory_are_refused(self, tmp_path: Path) -> None:
        write_workbook([[f"some text {n}", "b"] for n in range(200)], tmp_path / "t.xlsx")
        with pytest.raises(DatasetInvalid, match="Save the sheet as CSV"):
            open_source(tmp_path / "t.xlsx", limits=Limits(shared_strings_bytes=500))


class TestParquet:
    def test_types_read_as_a_csv_would_hold_them(self, tmp_path: Path) -> None:
        from datetime import UTC, datetime

        at = datetime(2026, 1, 2, tzinfo=UTC)
        pq.write_table(
            pa.table(
                {
                    "n": [1, 2], "x": [3.0, None], "y": [1.5, 2.5],
                    "at": pa.array([at, None], pa.timestamp("ns", tz="UTC")), "yes": [True, None],
                    "tags": [["a", "b"], None], "s": [{"a": 1}, None], "d": pa.array(["p", "q"]).dictionary_encode(),
                }
            ),
            tmp_path / "t.parquet",
        )  # fmt: skip
        assert open_source(tmp_path / "t.parquet").columns == ["n", "x", "y", "at", "yes", "tags", "d"]
        assert rows_of(tmp_path / "t.parquet") == [
            ["1", "3", "1.5", "2026-01-02T00:00:00+00:00", "true", ["a", "b"], "p"], ["2", "", "2.5", "", "", "", "q"],
        ]  # fmt: skip

    def test_a_cut_off_file_is_refused(self, tmp_path: Path) -> None:
        sink = io.BytesIO()
        pq.write_table(pa.table({"a": ["x"] * 1000}), sink)
        (tmp_path / "t.parquet").write_bytes(sink.getvalue()[:-20])
        with pytest.raises(DatasetInvalid, match="cannot be opened"):
            open_source(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pa.array([0, 10**18, -(10**17), None], pa.timestamp("us")), ["1970-01-01T00:00:00", "", "", ""]),
        (pa.array([0, 10**17, -(10**17)], pa.timestamp("ms")), ["1970-01-01T00:00:00", "", ""]),
        (pa.array([0, 10**15], pa.timestamp("s")), ["1970-01-01T00:00:00", ""]),
        (pa.array([0, 2**63 - 1], pa.timestamp("ns")), ["1970-01-01T00:00:00", "2262-04-11T23:47:16.854775"]),
        (pa.array([0], pa.timestamp("us", tz="Z")), ["1970-01-01T00:00:00+00:00"]),
        (pa.array([0], pa.timestamp("us", tz="Mars/Olympus")), ["1970-01-01T00:00:00+00:00"]),
        (pa.array([0], pa.timestamp("us", tz="Europe/Berlin")), ["1970-01-01T01:00:00+01:00"]),
        (pa.array([1.5, 2.0, None], pa.float16()), ["1.5", "2", ""]),
    ],
)
def test_times_that_no_calendar_has_are_missing_and_no_zone_or_width_is_damage(
    column: pa.Array, texts: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"text": ["a ticket"] * len(column), "at": column}), path)
    assert [row[1] for row in rows_of(path)] == texts


class TestTheHeaderHasASayInTheDelimiter:
    """Rows that end early, or go on for longer, are no reason to read a table by the bars in its texts."""

    @pytest.mark.parametrize("other", ["|", ";", "\t"])
    @pytest.mark.parametrize(
        "row", [["a few words", "", "{}"], ["a few words", "", "{}", "\n"], ["a", "x{}y", "z", "\n\n"]]
    )
    def test_ragged_rows_with_another_delimiter_in_them(self, tmp_path: Path, row: list[str], other: str) -> None:
        rows = [["text", "queue"], [cell.format(other) for cell in row], ["b", other, "c", "\n"]]
        with (tmp_path / "t.csv").open("w", newline="") as handle:
            csv.writer(handle).writerows(rows)
        source = open_source(tmp_path / "t.csv")
        bad = BadRows(skip=True)
        read = sum(len(batch.numbers) for batch in source.batches(bad))
        assert source.columns[:2] == ["text", "queue"]
        assert read + bad.count <= 2

    @pytest.mark.parametrize("title", ["Tickets, as of today", "Report, 2026-11-27, made by Alice"])
    def test_a_title_with_a_comma_does_not_choose_the_comma(self, tmp_path: Path, title: str) -> None:
        body = "".join(f"printer {n}, on floor 2, is jammed;IT\n" for n in range(5))
        (tmp_path / "t.csv").write_text(f"{title}\n\ntext;queue\n{body}")
        assert open_source(tmp_path / "t.csv").columns == ["text", "queue"]

    def test_a_bar_in_a_quoted_name_of_the_header_is_part_of_the_name(self, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text('text,"queue|team"\n"a, b|c",IT\n"d|e",HR,\n')
        assert open_source(tmp_path / "t.csv").columns == ["text", "queue|team"]


@pytest.mark.parametrize("ending", ["csv", "json", "parquet", "xlsx"])
def test_a_column_whose_name_is_cut_is_told(ending: str, tmp_path: Path) -> None:
    question = "How satisfied are you with " + "the answer to " * 20 + "your question?"
    path, rows = tmp_path / f"tickets.{ending}", [["It prints nothing.", "very"], ["It hums.", "hardly"]]
    names = ["text", question]
    if ending == "csv":
        path.write_text("\n".join(",".join(row) for row in [names, *rows]))
    elif ending == "json":
        path.write_text(json.dumps([dict(zip(names, row, strict=True)) for row in rows]))
    elif ending == "parquet":
        pq.write_table(pa.table(dict(zip(names, zip(*rows, strict=True), strict=True))), path)
    else:
        book = openpyxl.Workbook()
        for row in [names, *rows]:
            book.active.append(row)
        book.save(path)
    source = open_source(path)
    assert source.columns == ["text", question[:200]]
    [found] = [one for one in findings_of_file(source.noted) if one.code == "column_names_cut"]
    assert (found.values["columns"], found.values["characters"]) == ([question[:60].rstrip() + "…"], 200)


def test_cells_are_counted_while_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    write_csv([["x"] * 100] * 20_000, path)
    with pytest.raises(DatasetInvalid) as refusal:
        rows_of(path, limits=Limits(cells=1_000_000))
    assert refusal.value.case == "cells" and refusal.value.details["most"] == 1_000_000
    assert refusal.value.details["row"] < 15_000, "it is not read to its end"
    assert len(rows_of(path, limits=Limits(cells=2_000_000))) == 20_000


def test_mails_are_counted_while_a_mailbox_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mails.mbox"
    path.write_text("From ann@acme.example Mon Jan  5 08:00:00 2026\nSubject: printer\n\nIt is on fire.\n\n" * 30)
    with pytest.raises(DatasetInvalid) as refusal:
        rows_of(path, limits=Limits(mails=20))
    assert (refusal.value.case, refusal.value.details["most"]) == ("mails", 20)
