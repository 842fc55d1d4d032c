"""Writes old Excel files (.xls, BIFF8 in a compound file): the least that a reader needs, so that no unmaintained
library is."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

SECTOR = 512
END_OF_CHAIN, FREE, FAT_SECTOR, NO_STREAM = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF
SMALLEST_STREAM = 4096
"""Smaller streams would lie in a stream of their own."""

Cell = str | float | None


def write_xls(path: Path, sheets: dict[str, Sequence[Sequence[Cell]]]) -> None:
    """Sheets by their names, rows of texts, numbers and empty cells."""
    path.write_bytes(_compound_file(_workbook(sheets)))


def _record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _begin(kind: int) -> bytes:
    return _record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 1997, 0, 0))


def _workbook(sheets: dict[str, Sequence[Sequence[Cell]]]) -> bytes:
    pages = [_begin(0x0010) + b"".join(map(_cells, range(1 << 16), rows)) + _record(0x000A) for rows in sheets.values()]
    start = _begin(0x0005) + _record(0x0042, struct.pack("<H", 1200))
    names = [name.encode("utf-16-le") for name in sheets]
    at = len(start) + sum(len(_bound_sheet(0, name)) for name in names) + len(_record(0x000A))
    bounds = b""
    for name, page in zip(names, pages, strict=True):
        bounds += _bound_sheet(at, name)
        at += len(page)
    return start + bounds + _record(0x000A) + b"".join(pages)


def _bound_sheet(at: int, name: bytes) -> bytes:
    return _record(0x0085, struct.pack("<IBBBB", at, 0, 0, len(name) // 2, 1) + name)


def _cells(row: int, cells: Sequence[Cell]) -> bytes:
    parts = []
    for column, cell in enumerate(cells):
        place = struct.pack("<HHH", row, column, 0)
        if isinstance(cell, str):
            parts.append(_record(0x0204, place + struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le")))
        elif cell is not None:
            parts.append(_record(0x0203, place + struct.pack("<d", cell)))
    return b"".join(parts)


def _compound_file(stream: bytes) -> bytes:
    stream = stream.ljust(max(SMALLEST_STREAM, -(-len(stream) // SECTOR) * SECTOR), b"\0")
    sectors = len(stream) // SECTOR
    # The table of sectors first, then the directory, then the stream.
    tables = 1
    while tables * (SECTOR // 4) < tables + 1 + sectors:
        tables += 1
    chain = [FAT_SECTOR] * tables + [END_OF_CHAIN] + [tables + 2 + at for at in range(sectors - 1)] + [END_OF_CHAIN]
    chain += [FREE] * (tables * (SECTOR // 4) - len(chain))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack(
        "<HHHHH6xIIIIIIIIII",
        0x3E,
        3,
        0xFFFE,
        9,
        6,
        0,
        tables,
        tables,
        0,
        SMALLEST_STREAM,
        END_OF_CHAIN,
        0,
        END_OF_CHAIN,
        0,
        0,
    )
    header = header[:76].ljust(76, b"\0") + struct.pack("<109I", *[*range(tables), *[FREE] * (109 - tables)])
    directory = _entry("Root Entry", kind=5, child=1, start=END_OF_CHAIN, size=0) + _entry(
        "Workbook", kind=2, child=NO_STREAM, start=tables + 1, size=len(stream)
    )
    directory += _entry("", kind=0, child=NO_STREAM, start=0, size=0) * 2
    return header + struct.pack(f"<{len(chain)}I", *chain) + directory + stream


def _entry(name: str, *, kind: int, child: int, start: int, size: int) -> bytes:
    named = name.encode("utf-16-le")
    length = len(named) + 2 if name else 0
    siblings = struct.pack("<III", NO_STREAM, NO_STREAM, child)
    return (
        named.ljust(64, b"\0")
        + struct.pack("<HBB", length, kind, 1)
        + siblings
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
