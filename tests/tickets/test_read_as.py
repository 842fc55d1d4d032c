"""As what a file was read is a code with values: each format says itself in every language, made by its real reader."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from otai.tickets.formats_of_before import MADE_AS, PHRASES, format_of, made_as_of
from otai.tickets.models import DataSet
from otai.tickets.options import FormatOptions
from otai.tickets.sources.opening import open_source
from otai.words.catalogue import say_fact
from otai.words.tables import file_formats
from otai.words.tables.file_formats import FORMATS

pytestmark = pytest.mark.pure

HEADER = ["subject", "body", "queue"]
ROWS = [[f"Printer {n}", f"It smells of smoke in room {n}, please come soon", ("it", "hr")[n % 2]] for n in range(30)]
OBJECTS = [dict(zip(HEADER, row, strict=True)) for row in ROWS]


def lines(delimiter: str) -> bytes:
    return "".join(delimiter.join(f'"{cell}"' for cell in row) + "\n" for row in [HEADER, *ROWS]).encode()


def mixed() -> bytes:
    return (
        lines(",") + '"Größe","läuft nicht mehr","it"\n'.encode() + '"Größe","läuft nicht mehr","it"\n'.encode("cp1252")
    )


def workbook(*sheets: str) -> bytes:
    book, file = openpyxl.Workbook(write_only=True), io.BytesIO()
    for name in sheets:
        sheet = book.create_sheet(name)
        for row in [HEADER, *ROWS]:
            sheet.append(row)
    book.save(file)
    return file.getvalue()


def parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(OBJECTS), file)
    return file.getvalue()


def zipped(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return file.getvalue()


def mails() -> list[bytes]:
    made = []
    for subject, body, _ in ROWS:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "ann@example.com", "help@example.org", subject
        mail["Date"] = "Mon, 02 Nov 2026 10:00:00 +0000"
        mail.set_content(body)
        made.append(mail.as_bytes())
    return made


def element(row: list[str]) -> str:
    return f"<ticket><body>{row[1]}</body><queue>{row[2]}</queue></ticket>"


def cells(row: list[str]) -> str:
    return "".join(f"<td>{cell}</td>" for cell in row)


FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "CSV, UTF-8": (lambda: lines(","), "CSV, UTF-8"),
    "CSV separated by semicolons, UTF-8": (lambda: lines(";"), "CSV, getrennt durch Semikolons, UTF-8"),
    "CSV separated by semicolons, cp1252": (
        lambda: lines(";").replace(b"smoke", "Smörgås".encode("cp1252")),
        "CSV, getrennt durch Semikolons, cp1252",
    ),
    "CSV separated by bars, UTF-8": (lambda: lines("|"), "CSV, getrennt durch senkrechte Striche, UTF-8"),
    "CSV separated by '~', UTF-8": (lambda: lines("~"), "CSV, getrennt durch '~', UTF-8"),
    "TSV, UTF-8, gzip": (lambda: gzip.compress(lines("\t")), "TSV, UTF-8, gzip"),
    "CSV, UTF-8 with lines in cp1252": (mixed, "CSV, UTF-8 mit Zeilen in cp1252"),
    "HTML table, UTF-8": (
        lambda: f"<table>{''.join(f'<tr>{cells(row)}</tr>' for row in [HEADER, *ROWS])}</table>".encode(),
        "HTML-Tabelle, UTF-8",
    ),
    "JSON array, UTF-8": (lambda: json.dumps(OBJECTS).encode(), "JSON-Array, UTF-8"),
    "JSON, list 'data.items', UTF-8": (
        lambda: json.dumps({"data": {"items": OBJECTS}}).encode(),
        "JSON, Liste 'data.items', UTF-8",
    ),
    "JSON Lines, UTF-8": (lambda: "\n".join(map(json.dumps, OBJECTS)).encode(), "JSON Lines, UTF-8"),
    "lines with labels in front, UTF-8": (
        lambda: "".join(f"__label__{queue} {body}\n" for _, body, queue in ROWS).encode(),
        "Zeilen mit Labels davor, UTF-8",
    ),
    "mbox": (
        lambda: b"".join(b"From ann@example.com Mon Nov  2 10:00:00 2026\n" + one + b"\n" for one in mails()),
        "mbox",
    ),
    "Parquet": (parquet, "Parquet"),
    "Excel, sheet 'HTML table'": (lambda: workbook("HTML table"), "Excel, Blatt 'HTML table'"),
    "Excel, sheets 'a', 'b', 'c' ...": (lambda: workbook(*"abcd"), "Excel, Blätter 'a', 'b', 'c' ..."),
    "XML, elements 'ticket'": (
        lambda: f"<all>{''.join(map(element, ROWS))}</all>".encode(),
        "XML, Elemente 'ticket'",
    ),
    "zip of 1 file, CSV, UTF-8": (lambda: zipped(a_csv=lines(",")), "zip aus 1 Datei, CSV, UTF-8"),
    "zip of 2 files, Excel, sheet 'a'": (
        lambda: zipped(a_xlsx=workbook("a"), b_xlsx=workbook("a")),
        "zip aus 2 Dateien, Excel, Blatt 'a'",
    ),
}


def test_the_columns_example_is_what_a_file_says() -> None:
    assert str(DataSet._meta.get_field("source_format").help_text).partition(": ")[2] in FILES


@pytest.mark.parametrize("english", FILES)
def test_each_reader_says_its_format_in_every_language(english: str, tmp_path: Path) -> None:
    make, german = FILES[english]
    (tmp_path / "export").write_bytes(make())
    options = FormatOptions(delimiter="~") if "~" in english else FormatOptions()
    fact = open_source(tmp_path / "export", options=options).format
    assert (say_fact(fact), say_fact(fact, language="de")) == (english, german)
    assert format_of(json.loads(json.dumps(fact.as_dict()))) == fact, "what a job or a profile keeps"


@pytest.mark.parametrize(
    "written", [*FILES, "made from version 3", "zip of 12 files, CSV, iso8859-1", "Excel, sheet 'a, b"]
)
def test_a_phrase_of_a_release_before_is_read_as_what_it_said(written: str) -> None:
    assert say_fact(format_of(written)) == written


def test_an_old_phrase_is_said_in_the_readers_language() -> None:
    assert say_fact(format_of("made from version 3"), language="de") == "entstanden aus Version 3"
    assert (
        say_fact(format_of("tar of 2 files, TSV, UTF-8, gzip"), language="fr") == "tar de 2 fichiers, TSV, UTF-8, gzip"
    )


def test_every_phrase_of_before_has_its_sentence() -> None:
    assert PHRASES.keys() - FORMATS.keys() == set()


@pytest.mark.parametrize("stored", [*MADE_AS, "feedback on support"])
def test_what_a_release_before_said_of_its_versions_is_a_fact_now(stored: str) -> None:
    assert say_fact(made_as_of(stored)) == stored
    assert say_fact(made_as_of(stored), language="de") != stored
    assert made_as_of(stored).code in file_formats.MADE_AS
