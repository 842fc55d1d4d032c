"""Which format a file has: by its content first; the ending of its name only settles what content leaves open."""

from __future__ import annotations

import dataclasses
import gzip
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Literal

from otai.tickets.limits import LIMITS, Limits
from otai.tickets.options import FormatOptions
from otai.tickets.problems import BadRows, DatasetInvalid, refused, told_as
from otai.tickets.sources.archive import ArchiveSource, unpacked_gzip
from otai.tickets.sources.compound import COMPOUND, WORKBOOK, kind_of_compound
from otai.tickets.sources.delimited import DelimitedSource
from otai.tickets.sources.encodings import known_encoding
from otai.tickets.sources.html_table import HtmlTableSource
from otai.tickets.sources.json_rows import JsonSource
from otai.tickets.sources.mails import MailSource
from otai.tickets.sources.marked_lines import LABEL_MARK, MarkedLinesSource
from otai.tickets.sources.no_tickets import must_be_a_table
from otai.tickets.sources.packed_as_text import instead_of, packed_as_text
from otai.tickets.sources.parquet import ParquetSource
from otai.tickets.sources.table import Beside, RowBatch, Source
from otai.tickets.sources.text import TextFile, read_text_file
from otai.tickets.sources.workbook import WorkbookKind, WorkbookSource
from otai.tickets.sources.xml_rows import SPREADSHEET, SpreadsheetXmlSource, XmlSource
from otai.words.sentences import Fact

HEAD_BYTES = 4_096
DEEPEST_ARCHIVE = 2
"""An archive in an archive is opened; one in that is not."""

INSTEAD = Fact("instead_export_table")
_AS_CSV = Fact("instead_table_as_csv")
_REFUSED_BY_HEAD: tuple[tuple[bytes, str, Fact], ...] = (
    (b"%PDF", "pdf", INSTEAD),
    (b"{\\rtf", "rtf", INSTEAD),
    (b"SQLite format 3", "sqlite", _AS_CSV),
    (b"!BDN", "pst", Fact("instead_from_outlook")),
    (b"Rar!", "rar", Fact("instead_zip")),
    (b"7z\xbc\xaf", "7z", Fact("instead_zip")),
    (b"\x28\xb5\x2f\xfd", "zstd", Fact("instead_zip_or_gz")),
    (b"BZh", "bzip2", Fact("instead_zip_or_gz")),
    (b"\xfd7zXZ", "xz", Fact("instead_zip_or_gz")),
    (b"\x89PNG", "picture", INSTEAD),
    (b"GIF8", "picture", INSTEAD),
    (b"\xff\xd8\xff", "picture", INSTEAD),
    (b"\x80\x04\x95", "pickle", INSTEAD),
    (b"Obj\x01", "avro", Fact("instead_parquet")),
    (b"ORC", "orc", Fact("instead_parquet")),
    (b"ARROW1", "arrow", Fact("instead_parquet")),
)
_INSTEAD_OF_COMPOUND: Mapping[str, Fact] = {
    "locked_workbook": Fact("instead_without_password"),
    "msg": Fact("instead_from_outlook"),
}
_SQL = r"(?:--[^\n]*+\n|/\*.*?\*/;?|\s++)*+(INSERT INTO|CREATE TABLE|CREATE DATABASE|DROP TABLE|COPY \S+ \()"
_REFUSED_BY_TEXT: tuple[tuple[re.Pattern[str], str, Fact], ...] = (
    (re.compile(r"\$VAR\d+ = |\$[\w:]+ = [{\[]\s*$", re.MULTILINE), "perl", INSTEAD),
    (re.compile(_SQL, re.IGNORECASE | re.DOTALL), "sql", Fact("instead_table_by_query")),
    (re.compile(r"-- (MySQL|MariaDB|PostgreSQL|phpMyAdmin)"), "sql", _AS_CSV),
    (re.compile(r"PGDMP"), "postgresql", _AS_CSV),
    (re.compile(r"BEGIN:V(CALENDAR|CARD)"), "calendar", INSTEAD),
    (re.compile(r"<\?php|#!/|import \w+|from \w+ import "), "program", INSTEAD),
    (re.compile(r"(---\s*\n)?- \w+:.*\n  \w+:|(---\s*\n)?\w+:[^\S\n]*+\n\s*+- \w+:.*\n\s+\w+:"), "yaml", INSTEAD),
    (re.compile(r"dn: \w+="), "ldif", INSTEAD),
)


def _is_a(what: str, instead: Fact) -> DatasetInvalid:
    return refused("is_a", what=Fact(f"file_{what}"), instead=instead)


_MAIL_HEAD = re.compile(r"([A-Za-z][A-Za-z0-9-]*:[^\n]*\n(?:[ \t][^\n]*\n)*){3,}", re.MULTILINE)
_MAIL_NAMES = re.compile(
    r"^(return-path|received|from|to|subject|date|message-id|mime-version|content-type|delivered-to):",
    re.IGNORECASE | re.MULTILINE,
)


def open_source(
    path: Path, *, filename: str | None = None, options: FormatOptions = FormatOptions(), limits: Limits = LIMITS
) -> Source:
    """The file as a table. `filename` is what the customer calls it, where `path` is an upload's temporary name.

    Raises DatasetInvalid for a file that is missing, empty, no table, or beyond a bound.
    """
    with told_as("file_damaged"):
        return _Told(_opened(path, (filename or path.name).lower(), options, limits, depth=0), limits)


class _Told:
    """A source that refuses the file where its reader fails (readers raise what their parsers raise), and where it has
    more cells than an import may have."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self._source, self._most_cells = source, limits.cells
        self.format, self.columns, self.noted = source.format, source.columns, source.noted
        of_source: list[Beside] = getattr(source, "beside", [])
        self.beside = [dataclasses.replace(one, source=_Told(one.source, limits)) for one in of_source]
        if hasattr(source, "first_batches"):
            self.first_batches = partial(self._told, source.first_batches)

    def bytes_read(self) -> int:
        return self._source.bytes_read()

    def batches(self, bad: BadRows) -> Iterator[RowBatch]:
        """Those of the source. Raises DatasetInvalid."""
        return self._told(self._source.batches, bad)

    def _told(self, batches: Callable[[BadRows], Iterator[RowBatch]], bad: BadRows) -> Iterator[RowBatch]:
        with told_as("file_damaged"):
            read = batches(bad)
        cells = 0
        while True:
            with told_as("file_damaged"):
                rows = next(read, None)
            if rows is None:
                return
            cells += len(rows.numbers) * len(self.columns)
            if cells > self._most_cells:
                raise refused("cells", most=self._most_cells, row=rows.numbers[-1])
            yield rows


def _opened(path: Path, name: str, options: FormatOptions, limits: Limits, *, depth: int) -> Source:
    head = _head(path, limits)
    for magic, what, instead in _REFUSED_BY_HEAD:
        if head.startswith(magic):
            raise _is_a(what, instead)
    if head.startswith(b"PAR1"):
        return ParquetSource(path, limits=limits)
    if head.startswith(COMPOUND):
        return _opened_compound(path, name, options, limits)
    if head.startswith(b"PK\x03\x04"):
        kind = _kind_of_zip(path)
        if kind != "zip":
            return _workbook(path, kind, options, limits)
        return _archive(path, "zip", options, limits, depth=depth)
    if head[257:262] == b"ustar":
        return _archive(path, "tar", options, limits, depth=depth)
    if head.startswith(b"\x1f\x8b"):
        return _opened_gzip(path, head, name, options, limits, depth=depth)
    return _opened_text(path, head, name, options, limits)


def _head(path: Path, limits: Limits) -> bytes:
    try:
        if not path.is_file():
            raise refused("no_file", path=path)
        size = path.stat().st_size
        with path.open("rb") as handle:
            head = handle.read(HEAD_BYTES)
    except OSError as error:
        raise refused("file_unreadable", path=path, error=error.strerror) from error
    if size == 0:
        raise refused("empty")
    if size > limits.source_bytes:
        raise refused("large", size=round(size / (1 << 30), 1), most=round(limits.source_bytes / (1 << 30)))
    return head


def _workbook(path: Path, kind: WorkbookKind, options: FormatOptions, limits: Limits) -> Source:
    with _remedied("sheet", "header"):
        return WorkbookSource(path, limits=limits, sheet=options.sheet, header=options.header, kind=kind)


def _archive(path: Path, kind: str, options: FormatOptions, limits: Limits, *, depth: int) -> Source:
    if depth >= DEEPEST_ARCHIVE:
        raise refused("archives_in_archives")

    def opened(file: Path, name: str) -> Source:
        return _opened(file, name.lower(), options, limits, depth=depth + 1)

    return ArchiveSource(path, kind=kind, limits=limits, opened=opened)


def _opened_gzip(path: Path, head: bytes, name: str, options: FormatOptions, limits: Limits, *, depth: int) -> Source:
    try:
        inner = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, HEAD_BYTES)
    except (zlib.error, gzip.BadGzipFile):
        inner = b""
    is_binary = inner.startswith((b"PAR1", b"PK\x03\x04", COMPOUND, b"\x1f\x8b")) or inner[257:262] == b"ustar"
    if not is_binary:
        return _opened_text(path, inner, name.removesuffix(".gz"), options, limits)
    if depth >= DEEPEST_ARCHIVE:
        raise refused("archives_in_archives")
    folder = tempfile.TemporaryDirectory(prefix="otai-archive-")
    unpacked = unpacked_gzip(path, Path(folder.name), limits)
    source = _opened(unpacked, name.removesuffix(".gz"), options, limits, depth=depth + 1)
    # The unpacked file stays as long as the source that reads it.
    source._unpacked_in = folder  # type: ignore[attr-defined]
    return source


def _opened_text(path: Path, head: bytes, name: str, options: FormatOptions, limits: Limits) -> Source:
    # Three of four bytes of UTF-32 are zero; whoever says that it is, is believed, and what it is not is found in
    # reading.
    if not (known_encoding(options.encoding or "") or "").startswith(("utf_16", "utf_32")):
        _must_be_text(head)
    with _remedied("encoding") if options.encoding else nullcontext():
        text = read_text_file(path, encoding=options.encoding, limits=limits)
    start = head.decode("utf-8" if text.is_mixed else text.encoding, errors="ignore").lstrip("\ufeff \t\r\n")
    for pattern, what, instead in _REFUSED_BY_TEXT:
        if pattern.match(start):
            raise _is_a(what, instead)
    if (packed := packed_as_text(start)) is not None:
        raise refused("is_a", what=packed, instead=instead_of(packed))
    if start.startswith("From ") and re.match(r"From \S.*\d{4}\s*\n", start):
        return MailSource(mbox=text, limits=limits)
    if (mail := _MAIL_HEAD.match(start)) and len(set(map(str.lower, _MAIL_NAMES.findall(mail[0])))) >= 2:
        raise refused("single_mail")
    if options.delimiter is None:
        markup = _opened_markup(text, start, name, options)
        if markup is not None:
            return markup
    if options.delimiter is None and options.header is None:
        must_be_a_table(_beginning(text))
    delimiter = options.delimiter
    if delimiter is None and name.endswith((".tsv", ".tab")) and "\t" in start.partition("\n")[0]:
        delimiter = "\t"
    with _remedied("header", "delimiter", "encoding"):
        return DelimitedSource(text, delimiter=delimiter, header=options.header)


def _beginning(text: TextFile) -> str:
    with text.open() as handle:
        return handle.read(HEAD_BYTES).lstrip("\ufeff")


@contextmanager
def _remedied(*options: str) -> Iterator[None]:
    """What can be said about how the file is read, in a refusal that it may help against."""
    try:
        yield
    except DatasetInvalid as problem:
        problem.details.setdefault("remedies", list(options))
        raise


def _opened_markup(text: TextFile, start: str, name: str, options: FormatOptions) -> Source | None:
    """JSON, XML or HTML, which nobody delimits; None for anything else."""
    lower = start[:HEAD_BYTES].lower()
    if start.startswith("{"):
        return JsonSource(text)
    # A CSV may begin with "[ticket]"; a list of objects begins with "[{", with blanks between at most.
    inside = start[1:].lstrip()
    if start.startswith("[") and (inside.startswith(("{", "]", '["')) or ".json" in name):
        return JsonSource(text)
    if start.startswith(LABEL_MARK):
        return MarkedLinesSource(text)
    is_html = re.match(
        r"(?:<!--.*?-->\s*+)*+<(!doctype html|html|head|body|table|meta|style|div|center|p)\b", lower, re.DOTALL
    )
    if is_html or (lower.startswith("<?xml") and "<html" in lower):
        return HtmlTableSource(text, header=options.header)
    if lower.startswith("<?xml") or re.match(r"<([a-z_][\w:.-]*+)[^<>]*>\s*+<", lower):
        if SPREADSHEET in start:
            return SpreadsheetXmlSource(text, sheet=options.sheet, header=options.header)
        return XmlSource(text)
    return None


def _must_be_text(head: bytes) -> None:
    """Refuses what is of no kind that we know and no text either."""
    is_wide = head.startswith((b"\xff\xfe", b"\xfe\xff")) or 0.3 < head.count(0) / len(head) < 0.6 if head else False
    controls = sum(head.count(code) for code in (*range(1, 9), *range(14, 27)))
    if head and not is_wide and (head.count(0) > 0.1 * len(head) or controls > 0.1 * len(head)):
        raise refused("no_text", instead=INSTEAD)


def _kind_of_zip(path: Path) -> WorkbookKind | Literal["zip"]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            mimetype = (
                archive.read("mimetype")[:100]
                if "mimetype" in names and archive.getinfo("mimetype").file_size < 1_000
                else b""
            )
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise refused("excel_or_zip_damaged", error=error) from error
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        raise refused("xlsb")
    if b"opendocument.spreadsheet" in mimetype:
        return "ods"
    if b"opendocument" in mimetype or "word/document.xml" in names or "ppt/presentation.xml" in names:
        raise _is_a("office", INSTEAD)
    if any(name.endswith(".iwa") for name in names):
        raise refused("numbers")
    return "zip"


def _opened_compound(path: Path, name: str, options: FormatOptions, limits: Limits) -> Source:
    """An old workbook; mails of Outlook, Word documents and workbooks with a password have the same container."""
    kind = kind_of_compound(path, name)
    if kind == WORKBOOK:
        return _workbook(path, "xls", options, limits)
    if kind is None:
        raise refused("compound")
    raise _is_a(kind, _INSTEAD_OF_COMPOUND.get(kind, INSTEAD))
