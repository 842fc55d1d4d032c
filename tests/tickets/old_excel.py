"""Writes old Excel files (.xls, BIFF8 in a compound file) and other compound files: the least that a reader needs, so
that no unmaintained library is."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

SECTOR = 512
ENTRIES_A_SECTOR = 4
END_OF_CHAIN, FREE, FAT_SECTOR, NO_STREAM = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF
SMALLEST_STREAM = 4096
"""Smaller streams would lie in a stream of their own."""


class Shown(NamedTuple):
    """A number under a format."""

    number: float
    format: str


Cell = str | float | Shown | None


def write_xls(path: Path, sheets: dict[str, Sequence[Sequence[Cell]]], *, holding: Sequence[str] = ()) -> None:
    """Sheets by their names, rows of texts, numbers and empty cells. `holding`: what an object in a sheet brings."""
    path.write_bytes(_compound_file({"Workbook": _workbook(sheets)}, holding=holding))


def compound_file(*names: str, holding: Sequence[str] = ()) -> bytes:
    """A file of another program in the same container, with these streams; `holding` are names in a storage of it."""
    return _compound_file(dict.fromkeys(names, b"words of a person"), holding=holding)


def _record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _begin(kind: int) -> bytes:
    return _record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 1997, 0, 0))


def _workbook(sheets: dict[str, Sequence[Sequence[Cell]]]) -> bytes:
    codes = sorted({cell.format for rows in sheets.values() for row in rows for cell in row if isinstance(cell, Shown)})
    pages = [
        _begin(0x0010) + b"".join(_cells(at, row, codes) for at, row in enumerate(rows)) + _record(0x000A)
        for rows in sheets.values()
    ]
    start = _begin(0x0005) + _record(0x0042, struct.pack("<H", 1200)) + _styles(codes)
    names = [name.encode("utf-16-le") for name in sheets]
    at = len(start) + sum(len(_bound_sheet(0, name)) for name in names) + len(_record(0x000A))
    bounds = b""
    for name, page in zip(names, pages, strict=True):
        bounds += _bound_sheet(at, name)
        at += len(page)
    return start + bounds + _record(0x000A) + b"".join(pages)


def _bound_sheet(at: int, name: bytes) -> bytes:
    return _record(0x0085, struct.pack("<IBBBB", at, 0, 0, len(name) // 2, 1) + name)


def _styles(codes: Sequence[str]) -> bytes:
    """A style without a format, and one for each of these."""
    if not codes:
        return b""
    formats = b"".join(
        _record(0x041E, struct.pack("<HHB", 164 + at, len(code), 1) + code.encode("utf-16-le"))
        for at, code in enumerate(codes)
    )
    styles = (0, *range(164, 164 + len(codes)))
    return formats + b"".join(_record(0x00E0, struct.pack("<HH16x", 0, style)) for style in styles)


def _cells(row: int, cells: Sequence[Cell], codes: Sequence[str]) -> bytes:
    parts = []
    for column, cell in enumerate(cells):
        style = codes.index(cell.format) + 1 if isinstance(cell, Shown) else 0
        cell = cell.number if isinstance(cell, Shown) else cell
        place = struct.pack("<HHH", row, column, style)
        if isinstance(cell, str):
            parts.append(_record(0x0204, place + struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le")))
        elif cell is not None:
            parts.append(_record(0x0203, place + struct.pack("<d", cell)))
    return b"".join(parts)


def _compound_file(streams: Mapping[str, bytes], *, holding: Sequence[str]) -> bytes:
    padded = [part.ljust(max(SMALLEST_STREAM, -(-len(part) // SECTOR) * SECTOR), b"\0") for part in streams.values()]
    sizes = [len(part) // SECTOR for part in padded]
    entries = 1 + len(streams) + (1 + len(holding) if holding else 0)
    in_directory = -(-entries // ENTRIES_A_SECTOR)
    # The table of sectors first, then the directory, then the streams.
    tables = 1
    while tables * (SECTOR // 4) < tables + in_directory + sum(sizes):
        tables += 1
    chain = [FAT_SECTOR] * tables
    starts = []
    for sectors in (in_directory, *sizes):
        starts.append(len(chain))
        chain += [*range(len(chain) + 1, len(chain) + sectors), END_OF_CHAIN]
    chain += [FREE] * (tables * (SECTOR // 4) - len(chain))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    sizes_and_places = (0, tables, starts[0], 0, SMALLEST_STREAM, END_OF_CHAIN, 0, END_OF_CHAIN, 0)
    header += struct.pack("<HHHHH6x9I", 0x3E, 3, 0xFFFE, 9, 6, *sizes_and_places)
    header += struct.pack("<109I", *[*range(tables), *[FREE] * (109 - tables)])
    directory = _directory(streams, starts[1:], [len(part) for part in padded], holding=holding)
    empty = _entry("", kind=0, start=0, size=0) * (in_directory * ENTRIES_A_SECTOR - entries)
    return header + struct.pack(f"<{len(chain)}I", *chain) + directory + empty + b"".join(padded)


def _directory(
    streams: Mapping[str, bytes], starts: Sequence[int], sizes: Sequence[int], *, holding: Sequence[str]
) -> bytes:
    """The root, its streams and, where there is one, its storage, each the right neighbour of the one before."""
    top = len(streams) + bool(holding)
    rights = [*range(2, top + 1), NO_STREAM]
    made = _entry("Root Entry", kind=5, child=1, start=END_OF_CHAIN, size=0)
    for name, right, start, size in zip(streams, rights, starts, sizes, strict=False):
        made += _entry(name, kind=2, right=right, start=start, size=size)
    if holding:
        made += _entry("MBD0018", kind=1, child=top + 1, start=0, size=0)
        inside = [*range(top + 2, top + 1 + len(holding)), NO_STREAM]
        made += b"".join(
            _entry(name, kind=2, right=right, start=END_OF_CHAIN, size=0)
            for name, right in zip(holding, inside, strict=True)
        )
    return made


def _entry(name: str, *, kind: int, start: int, size: int, right: int = NO_STREAM, child: int = NO_STREAM) -> bytes:
    named = name.encode("utf-16-le")
    length = len(named) + 2 if name else 0
    return (
        named.ljust(64, b"\0")
        + struct.pack("<HBB3I", length, kind, 1, NO_STREAM, right, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
