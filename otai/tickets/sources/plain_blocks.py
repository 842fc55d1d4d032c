"""Records of delimited text, block by block: plain ones as columns that Arrow reads, all others as text for Python's
reader.

A block is plain where both readers surely see the same: a quote opens a field, closes one or stands doubled inside,
every record has the header's fields, every byte is UTF-8. Arrow would also take what is none of this, without a word;
so it is looked for first, over all bytes at once.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from otai.tickets.sources import table
from otai.tickets.sources.text import UNDECODABLE_HANDLER

FIRST_BYTES = 1 << 18
"""Read by Python's reader: there stand titles, the header, and what else is no ticket."""
FEWEST_BYTES = 1 << 16
LONGEST_RECORD = 1 << 24
"""In bytes: what no block of this length holds the end of is left to Python's reader."""
_BYTE_ORDER_MARK = "\ufeff".encode()
_QUOTE, _LINE_FEED, _RETURN = b'"\n\r'


@dataclass(frozen=True, slots=True)
class PlainRecords:
    """Some records, whole columns at a time: an array of strings each, none null."""

    arrays: list[pa.Array]

    def __len__(self) -> int:
        return len(self.arrays[0])

    def below(self, records: int) -> PlainRecords:
        """Without the first `records`."""
        return PlainRecords([array.slice(records) for array in self.arrays])

    def rows(self) -> list[list[str]]:
        """The same as lists of fields."""
        return [list(row) for row in zip(*(array.to_pylist() for array in self.arrays), strict=True)]


@dataclass(frozen=True, slots=True)
class PlainReader:
    """Reads blocks of plain records of `width` fields."""

    delimiter: str
    width: int
    most_characters: int
    """Of a field; a block in which one may be longer is none of these."""

    def parts(self, handle: io.BufferedReader) -> Iterator[PlainRecords | io.TextIOWrapper]:
        """The bytes of `handle` in their order, a part at a time, each of whole records."""
        rest = b""
        wanted = FIRST_BYTES
        is_first = True
        while True:
            data, is_end = _with_more(rest, handle, wanted)
            quotes = np.flatnonzero(np.frombuffer(data, np.uint8) == _QUOTE)
            end = len(data) if is_end else _end_of_records(data, quotes)
            while not end and not is_end and len(data) < LONGEST_RECORD:
                data, is_end = _with_more(data, handle, len(data))
                quotes = np.flatnonzero(np.frombuffer(data, np.uint8) == _QUOTE)
                end = len(data) if is_end else _end_of_records(data, quotes)
            if not end or not self._are_plain(data, quotes[: np.searchsorted(quotes, end)]):
                if data:
                    yield _characters(io.BufferedReader(_Continued(data, handle), FIRST_BYTES))
                return
            block, rest = data[:end], data[end:]
            columns = None if is_first else self._read(block)
            yield _characters(io.BytesIO(block)) if columns is None else columns
            if is_end:
                return
            is_first = False
            records = block.count(b"\n") if columns is None else len(columns)
            wanted = max(FEWEST_BYTES, min(table.BATCH_ROWS * len(block) // max(records, 1), table.BATCH_CHARACTERS))

    def _are_plain(self, data: bytes, quotes: NDArray[np.intp]) -> bool:
        """Whether each quote begins or ends a field, or is doubled inside one."""
        if len(quotes) % 2:
            return False
        edges = np.zeros(256, np.bool_)
        edges[[_QUOTE, _LINE_FEED, _RETURN, ord(self.delimiter)]] = True
        signs = np.frombuffer(data, np.uint8)
        opening, closing = quotes[::2], quotes[1::2]
        opening = opening[1:] if len(opening) and not opening[0] else opening
        closing = closing[:-1] if len(closing) and closing[-1] == len(data) - 1 else closing
        return bool(edges[signs[opening - 1]].all() and edges[signs[closing + 1]].all())

    def _read(self, block: bytes) -> PlainRecords | None:
        """None where the records are not plain."""
        if block.startswith(_BYTE_ORDER_MARK):
            # Arrow passes it over.
            return None
        names = [str(place) for place in range(self.width)]
        try:
            read = arrow_csv.read_csv(
                pa.BufferReader(block),
                read_options=arrow_csv.ReadOptions(
                    column_names=names, use_threads=False, block_size=max(len(block) + 1, FEWEST_BYTES)
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self.delimiter, newlines_in_values=True, ignore_empty_lines=False
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    null_values=[],
                    strings_can_be_null=False,
                ),
            ).combine_chunks()
        except pa.ArrowException:
            return None
        if len(block) > self.most_characters and any(
            (pc.max(pc.binary_length(column)).as_py() or 0) > self.most_characters for column in read.columns
        ):
            return None
        columns = PlainRecords([_whole(column) for column in read.columns])
        return None if _has_empty_record(columns) else columns


def _has_empty_record(columns: PlainRecords) -> bool:
    """Arrow reads a line with nothing on it as a record of empty fields."""
    empty = None
    for array in columns.arrays:
        is_empty = pc.equal(pc.binary_length(array), 0)
        empty = is_empty if empty is None else pc.and_(empty, is_empty)
        if not pc.any(empty).as_py():
            return False
    return True


def _characters(stream: IO[bytes]) -> io.TextIOWrapper:
    return io.TextIOWrapper(stream, encoding="utf-8", errors=UNDECODABLE_HANDLER, newline="")


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.array([], pa.string())])


def _with_more(data: bytes, handle: io.BufferedReader, wanted: int) -> tuple[bytes, bool]:
    """The bytes with `wanted` more behind them, and whether these are the last."""
    more = handle.read(wanted)
    return data + more, len(more) < wanted


def _end_of_records(data: bytes, quotes: NDArray[np.intp]) -> int:
    """Behind the last line feed that no quotes are around; 0 where there is none."""
    end = data.rfind(b"\n")
    while end >= 0 and (before := int(np.searchsorted(quotes, end))) % 2:
        end = data.rfind(b"\n", 0, int(quotes[before - 1]))
    return end + 1


class _Continued(io.RawIOBase):
    """Bytes that were read already, and then the rest of a stream."""

    def __init__(self, data: bytes, handle: io.BufferedReader) -> None:
        self._data, self._handle = memoryview(data), handle

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._data:
            return int(self._handle.readinto(buffer))
        taken = self._data[: len(buffer)]
        buffer[: len(taken)] = taken
        self._data = self._data[len(taken) :]
        return len(taken)
