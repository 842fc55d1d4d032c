"""Looks for words in everything that an installation keeps: every table, every file below OTAI_HOME, whatever it is
packed in."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq
from django.conf import settings
from django.db import connection


def found_in_tables(words: Sequence[str]) -> dict[str, list[str]]:
    """`table.column` -> which of the words stand in it. All columns of all tables, also of those that no model
    describes."""
    found: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT * FROM {name}")
            columns = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    if there := _in_bytes(_as_bytes(value), words):
                        found.setdefault(f"{table}.{column}", []).extend(there)
    return found


def found_in_files(words: Sequence[str], root: Path | None = None) -> dict[str, list[str]]:
    """Path -> which of the words stand in the file's name, its bytes, or what they unpack to."""
    root = root or Path(settings.OTAI_HOME)
    found: dict[str, list[str]] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        there = set(_in_bytes(name.encode(), words))
        if path.is_file():
            for content in unpacked(_content(path)):
                there.update(_in_bytes(content, words))
        if there:
            found[name] = sorted(there)
    return found


def _content(path: Path) -> bytes:
    if ".sqlite3" not in path.name:
        return path.read_bytes()
    # By another process: where one closes a file, POSIX takes all of that process's locks on it. SQLite here would then
    # work on a log that others believe nobody has open, and remove.
    return subprocess.run(["cat", path], capture_output=True, check=True).stdout


def unpacked(content: bytes, depth: int = 3) -> Iterator[bytes]:
    """The bytes as they are, and whatever Parquet, zip, tar, gzip, zlib or xz make of them."""
    yield content
    if not depth:
        return
    if content[:4] == b"PAR1":
        table = pq.read_table(io.BytesIO(content))
        yield json.dumps(table.to_pylist(), default=str, ensure_ascii=False).encode()
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for name in packed.namelist():
                yield name.encode()
                yield from unpacked(packed.read(name), depth - 1)
    for opened in (gzip.decompress, zlib.decompress, lzma.decompress):
        try:
            inner = opened(content)
        except (OSError, zlib.error, lzma.LZMAError, EOFError):
            continue
        yield from unpacked(inner, depth - 1)
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as packed_files:
            for member in packed_files.getmembers():
                if (file := packed_files.extractfile(member)) is not None:
                    yield from unpacked(file.read(), depth - 1)
    except tarfile.TarError:
        return


def _as_bytes(value: object) -> bytes:
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else str(value).encode()


def _in_bytes(content: bytes, words: Sequence[str]) -> list[str]:
    # As JSON escapes them they would look otherwise; so only plain letters are planted.
    lower = content.lower()
    return [word for word in words if word.encode() in lower or word.encode("utf-16-le") in lower]
