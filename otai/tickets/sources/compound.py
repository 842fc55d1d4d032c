"""Compound files: the one container of old Excel workbooks, Outlook mails, Word documents and much else. Which of them
it is, is told by what lies at the top of its directory.

An Excel workbook may have a Word document inside it and a mail a workbook attached, so that a name anywhere in the file
says little.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

COMPOUND = b"\xd0\xcf\x11\xe0"
"""Such a file begins so."""
MOST_ENTRIES = 100_000
"""Of a directory: a mail with a thousand attachments has some ten thousand."""
SCANNED_BYTES = 64 << 20
_ENTRY = 128
_LAST_SECTOR = 0xFFFFFFFA
_SMALLEST_STREAM = 4_096
"""A smaller one lies in a stream of its own."""
_IN_HEADER = 109
"""Sectors of the allocation table that the header itself names."""

WORKBOOK = "xls"
_KINDS: tuple[tuple[str, str], ...] = (
    ("EncryptedPackage", "locked_workbook"),
    ("__properties_version1.0", "msg"),
    ("__substg1.0", "msg"),
    ("Workbook", WORKBOOK),
    ("Book", WORKBOOK),
    ("WordDocument", "word"),
    ("PowerPoint Document", "presentation"),
    ("VisioDocument", "visio"),
    ("Quill", "publisher"),
)
"""What a name at the top begins with."""
_ENDINGS = {
    (".msg", ".oft"): "msg",
    (".doc", ".dot"): "word",
    (".ppt", ".pps", ".pot"): "presentation",
    (".vsd", ".vss"): "visio",
    (".pub",): "publisher",
    (".xls", ".xlt"): WORKBOOK,
}


def kind_of_compound(path: Path, name: str) -> str | None:
    """Which kind of file it is: "xls", "msg", "word" ... (the codes of `otai/words/tables/kinds_of_files.py`); None
    where nothing tells. `name` is the customer's, in lower case: it counts where the directory does not tell, as in a
    file that was cut short."""
    with path.open("rb") as file:
        content = file.read(SCANNED_BYTES)
    top = _at_the_top(content)
    told = next((kind for mark, kind in _KINDS if any(name.startswith(mark) for name in top)), None)
    told = told or next((kind for endings, kind in _ENDINGS.items() if name.endswith(endings)), None)
    if told is None and not top:
        told = next((kind for mark, kind in _KINDS if mark.encode("utf-16-le") in content), None)
    return told


def _at_the_top(content: bytes) -> set[str]:
    """The names at the top of the directory, as far as it can be read."""
    entries = _directory(content)
    names: set[str] = set()
    seen: set[int] = set()
    waiting = [0]
    while waiting:
        at = waiting.pop()
        raw = entries[at * _ENTRY : (at + 1) * _ENTRY]
        if at in seen or len(raw) < _ENTRY:
            continue
        seen.add(at)
        length, left, right, child = struct.unpack("<H2x3I", raw[64:80])
        if at:
            names.add(raw[: max(0, min(length, 64) - 2)].decode("utf-16-le", errors="replace"))
            waiting += [left, right]
        else:
            waiting.append(child)
    return names


def stream_of(path: Path, names: Sequence[str]) -> bytes | None:
    """The content of the first stream of that name at the top, as far as it can be read; None where there is none, or
    one so small that it lies in another."""
    with path.open("rb") as file:
        content = file.read(SCANNED_BYTES)
    entries = _directory(content)
    for name in names:
        for at in range(0, len(entries), _ENTRY):
            raw = entries[at : at + _ENTRY]
            if len(raw) < _ENTRY or raw[: 2 * len(name) + 2] != f"{name}\0".encode("utf-16-le"):
                continue
            (length,) = struct.unpack_from("<H", raw, 64)
            start, size = struct.unpack_from("<II", raw, 116)
            if length == 2 * len(name) + 2 and size >= _SMALLEST_STREAM:
                return _chain(content, start, size)[:size]
    return None


def _directory(content: bytes) -> bytes:
    """Its entries, one after the other, as far as they are there."""
    try:
        (sector,) = struct.unpack_from("<I", content, 48)
    except struct.error:
        return b""
    return _chain(content, sector, MOST_ENTRIES * _ENTRY)


def _chain(content: bytes, sector: int, most: int) -> bytes:
    """The sectors of a stream, one after the other, as far as they are there."""
    found = bytearray()
    try:
        (shift,) = struct.unpack_from("<H", content, 30)
        size = 1 << shift if shift in (9, 12) else 0
        _, *_, more, more_sectors = struct.unpack_from("<7I", content, 48)
        table = list(struct.unpack_from(f"<{_IN_HEADER}I", content, 76))
        for _ in range(min(more_sectors, MOST_ENTRIES)):
            *named, more = struct.unpack_from(f"<{size // 4}I", content, (more + 1) * size)
            table += named
        while sector < _LAST_SECTOR and len(found) < most:
            found += content[(sector + 1) * size : (sector + 2) * size]
            of_table, place = divmod(sector, size // 4)
            (sector,) = struct.unpack_from("<I", content, (table[of_table] + 1) * size + 4 * place)
    except (struct.error, IndexError, ValueError, ZeroDivisionError):
        # Cut short, or no such file after all.
        pass
    return bytes(found)
