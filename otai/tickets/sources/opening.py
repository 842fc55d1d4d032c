"""Which format a file has: by its content first; the ending of its name only settles what content leaves open."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path

from otai.tickets.limits import LIMITS, Limits
from otai.tickets.problems import refused
from otai.tickets.sources.delimited import DelimitedSource
from otai.tickets.sources.json_rows import JsonSource
from otai.tickets.sources.parquet import ParquetSource
from otai.tickets.sources.table import Source
from otai.tickets.sources.text import read_text_file
from otai.tickets.sources.workbook import WorkbookSource

HEAD_BYTES = 4_096

_REFUSED_BY_HEAD = (
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel file (.xls), or one with a password. Save it as .xlsx without a password, or as CSV",
    ),
    (b"%PDF", "a PDF. Export the tickets as CSV, JSON Lines, Excel or Parquet"),
    (b"SQLite format 3", "an SQLite database. Export the table as CSV"),
    (b"Rar!", "a RAR archive. Unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive. Unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive. Unpack it first"),
    (b"BZh", "a bzip2 archive. Unpack it first"),
    (b"\xfd7zXZ", "an xz archive. Unpack it first"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)


def open_source(
    path: Path,
    *,
    filename: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    limits: Limits = LIMITS,
) -> Source:
    """The file as a table. `filename` is what the customer calls it, where `path` is an upload's temporary name.

    Raises DatasetInvalid for a file that is missing, empty, of an unknown format, or beyond a bound.
    """
    name = (filename or path.name).lower()
    try:
        if not path.is_file():
            raise refused(f"There is no file {path}.")
        size = path.stat().st_size
        with path.open("rb") as handle:
            head = handle.read(HEAD_BYTES)
    except OSError as error:
        raise refused(f"The file {path} cannot be read: {error.strerror}.") from error
    if size == 0:
        raise refused("The file is empty.")
    if size > limits.source_bytes:
        raise refused(
            f"The file has {size / (1 << 30):.1f} GiB; {limits.source_bytes / (1 << 30):.0f} GiB is the most. Import it in parts."
        )
    for magic, what in _REFUSED_BY_HEAD:
        if head.startswith(magic):
            raise refused(f"The file is {what}.")
    if head.startswith(b"PAR1"):
        return ParquetSource(path, limits=limits)
    if head.startswith(b"PK\x03\x04"):
        _must_be_xlsx(path)
        return WorkbookSource(path, limits=limits, sheet=sheet)
    text = read_text_file(path, encoding=encoding, limits=limits)
    start = _first_characters(head, is_gzip=text.is_gzip, encoding=text.encoding)
    if delimiter is None and start.startswith("{"):
        return JsonSource(text, is_array=False)
    # A CSV may begin with "[ticket]"; an array of objects begins with "[{", with blanks between at most.
    if delimiter is None and start.startswith("[") and (start[1:].lstrip()[:1] in ("{", "]") or ".json" in name):
        return JsonSource(text, is_array=True)
    if delimiter is None and name.removesuffix(".gz").endswith((".tsv", ".tab")) and "\t" in start.partition("\n")[0]:
        delimiter = "\t"
    return DelimitedSource(text, delimiter=delimiter)


def _first_characters(head: bytes, *, is_gzip: bool, encoding: str) -> str:
    if is_gzip:
        try:
            head = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, HEAD_BYTES)
        except (zlib.error, gzip.BadGzipFile):
            return ""
    return head.decode(encoding, errors="ignore").lstrip("\ufeff \t\r\n")


def _must_be_xlsx(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise refused(
            f"The file looks like an Excel workbook and is damaged: {error}. Save it again as .xlsx."
        ) from error
    if "xl/workbook.xml" in names:
        return
    if "content.xml" in names and "mimetype" in names:
        raise refused("The file is an OpenDocument sheet (.ods). Save it as .xlsx or CSV.")
    raise refused("The file is a zip archive, not an Excel workbook. Unpack it first.")
