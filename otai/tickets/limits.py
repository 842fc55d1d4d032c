"""How much one import may bring. Each bound keeps memory or time in hand; none is a matter of price."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one import. Beyond one of them the import is refused with `dataset_invalid`, which names the bound and
    the row."""

    columns: int = 500
    rows: int = 20_000_000
    cells: int = 500_000_000
    """Rows times columns, counted as they are read: a small file that unpacks to nothing but separators ends here,
    with a reason, rather than when its processor time is over. Two million tickets with 250 columns fit."""
    mails: int = 2_000_000
    """Of a mailbox: one takes much longer to read than a row."""
    source_bytes: int = 16 << 30
    """Of the text itself: a compressed file counts with what it unpacks to."""
    field_characters: int = 2_000_000
    """A ticket of 100 000 words fits twice."""
    line_bytes: int = 16 << 20
    """A text line without an end would otherwise be read into memory whole."""
    labels: int = 10_000
    """Different labels of one attribute."""
    label_characters: int = 200
    labels_of_a_ticket: int = 1_000
    """Of a multi-label attribute."""
    unpacked_ratio: int = 200
    """A compressed part that unpacks to more than this many times its size is a bomb: text reaches 20."""
    unpacked_bytes_trusted: int = 64 << 20
    """Below this the ratio does not matter: an empty workbook has a high one."""
    workbook_bytes: int = 4 << 30
    """A sheet unpacked; it is streamed."""
    shared_strings_bytes: int = 256 << 20
    """The texts of a workbook unpacked; they are held in memory while it is read."""


LIMITS = Limits()
