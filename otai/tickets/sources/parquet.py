"""Parquet files: columns of text, numbers, times and lists of text, read a few thousand rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as types

from otai.tickets.limits import Limits
from otai.tickets.problems import BadRows, refused
from otai.tickets.sources.table import Noted, RowBatch, clean_name, read_as, unique_header
from otai.words.sentences import Fact

ROWS_AT_ONCE = 1_024
ROWS_WITHOUT_BOUND = 16
"""Rows at once where each may repeat what the one before it said (DELTA_BYTE_ARRAY), however small the file is."""
MOST_BATCH_BYTES = 256 << 20
"""What so few rows may unpack to: a dictionary can turn a small file into any amount of text. Judged before it is
unpacked."""
MOST_PAGE_BYTES = 1 << 30
"""What one column of a group of rows may hold, as the file itself says. Writers make groups of 64 to 128 MB, all
columns together."""


class ParquetSource:
    """A Parquet file as a table. Rows are numbered from 1. Columns of structures and maps are left out."""

    def __init__(self, path: Path, *, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self._read = 0
        self.noted = Noted()
        with self._open() as parquet:
            schema = parquet.schema_arrow
            if parquet.metadata.num_rows > limits.rows:
                raise refused("parquet_rows", rows=parquet.metadata.num_rows, most=limits.rows)
            self._size = max(parquet.metadata.num_rows, 1)
            self._repeating, self._rows_at_once = _read_how(parquet.metadata)
        readable = [index for index, field in enumerate(schema) if _is_readable(field.type)]
        if not readable:
            raise refused("parquet_no_column")
        names = [schema[index].name for index in readable]
        if len(set(schema.names)) != len(schema.names):
            raise refused("parquet_column_twice")
        self._names = names
        self.left_out = [clean_name(field.name) for field in schema if not _is_readable(field.type)]
        self.columns = unique_header(names, limits, self.noted)
        self.format = read_as(Fact("format_parquet"))

    def bytes_read(self) -> int:
        return self._path.stat().st_size * self._read // self._size

    def batches(self, bad: BadRows) -> Iterator[RowBatch]:
        """The rows, as many at once as memory is meant to hold."""
        self._read = 0
        with self._open() as parquet:
            try:
                for batch in parquet.iter_batches(
                    batch_size=self._rows_at_once, columns=self._names, use_threads=False
                ):
                    if (size := sum(map(_unpacked_bytes, batch.columns))) > MOST_BATCH_BYTES:
                        raise refused("parquet_unpacked", rows=batch.num_rows, megabytes=round(size / 1000000.0))
                    first = self._read + 1
                    self._read += batch.num_rows
                    columns = [_texts(batch.column(batch.schema.get_field_index(name))) for name in self._names]
                    yield RowBatch(list(range(first, self._read + 1)), columns)
            except (pa.ArrowException, OSError) as error:
                raise refused("parquet_damaged", error=error, row=self._read) from error

    def _open(self) -> pq.ParquetFile:
        try:
            # Repeated texts stay a dictionary, as they lie in the file, until we know what they would unpack to.
            return pq.ParquetFile(self._path, pre_buffer=False, read_dictionary=getattr(self, "_repeating", None))
        except (pa.ArrowException, OSError) as error:
            raise refused("parquet_unopened", error=error) from error


def _read_how(metadata: pq.FileMetaData) -> tuple[list[str], int]:
    """Which columns have dictionaries of texts, and how many rows may be read at once. Raises DatasetInvalid for what
    no writer makes."""
    repeating: dict[str, None] = {}
    rows_at_once = ROWS_AT_ONCE
    for group in range(metadata.num_row_groups):
        of_group = metadata.row_group(group)
        for column in range(of_group.num_columns):
            chunk = of_group.column(column)
            if chunk.total_uncompressed_size > MOST_PAGE_BYTES:
                raise refused(
                    "parquet_group",
                    column=chunk.path_in_schema,
                    megabytes=round(chunk.total_uncompressed_size / 1000000.0),
                )
            if chunk.physical_type == "BYTE_ARRAY" and chunk.has_dictionary_page:
                repeating[chunk.path_in_schema] = None
            if "DELTA_BYTE_ARRAY" in chunk.encodings:
                rows_at_once = ROWS_WITHOUT_BOUND
    return list(repeating), rows_at_once


def _unpacked_bytes(column: pa.Array) -> int:
    """What the column takes once each of its repeated texts stands in its own place."""
    kind = column.type
    if types.is_list(kind) or types.is_large_list(kind):
        return _unpacked_bytes(column.flatten())
    if not types.is_dictionary(kind):
        return int(column.nbytes)
    if not _is_text(kind.value_type):
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary).cast(pa.int64())
    return int(pc.sum(lengths.take(column.indices)).as_py() or 0)


def _is_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_readable(kind: pa.DataType) -> bool:
    if types.is_dictionary(kind):
        return _is_readable(kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind):
        kind = kind.value_type.value_type if types.is_dictionary(kind.value_type) else kind.value_type
        return _is_text(kind) or bool(types.is_integer(kind))
    return bool(_is_text(kind) or types.is_primitive(kind) or types.is_decimal(kind) or types.is_null(kind))


def _texts(column: pa.Array) -> pa.Array:
    """The column as strings (or lists of strings), as they would stand in a CSV: whole numbers without a point, times
    in ISO 8601."""
    kind = column.type
    if types.is_dictionary(kind):
        return _texts(column.dictionary_decode())
    if types.is_list(kind) or types.is_large_list(kind):
        if types.is_dictionary(kind.value_type):
            column = column.cast(pa.list_(kind.value_type.value_type))
        return column.cast(pa.list_(pa.string()))
    if types.is_float16(kind):
        # Arrow computes nothing with half floats; numpy widens them.
        return _texts(pa.array(column.to_numpy(zero_copy_only=False).astype("float32"), from_pandas=True))
    if types.is_floating(kind):
        # A column of whole numbers with gaps comes out of data frames as floats; 3.0 is then the label "3".
        whole = pc.and_kleene(pc.equal(pc.round(column), column), pc.less(pc.abs(column), 1e15))
        as_text = column.cast(pa.string())
        trimmed = pc.replace_substring_regex(as_text, r"\.0$", "")
        return pc.if_else(
            pc.is_nan(column), pa.scalar(None, pa.string()), pc.if_else(pc.fill_null(whole, False), trimmed, as_text)
        )
    if types.is_timestamp(kind):
        times = _within_the_calendar(column).cast(pa.timestamp("us", tz=_zone(kind.tz)), safe=False).to_pylist()
        return pa.array([None if time is None else time.isoformat() for time in times], pa.string())
    return column.cast(pa.string())


_TICKS_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_FIRST_SECOND, _LAST_SECOND = -62_135_510_400, 253_402_214_400
"""2 January of the year 1 and 31 December 9999, in seconds of the epoch: a day within what a calendar date can say, in
every zone."""


def _within_the_calendar(column: pa.Array) -> pa.Array:
    """The times, without those that no calendar has: a damaged or unset time is a missing one."""
    ticks = _TICKS_A_SECOND[column.type.unit]
    most = 2**63 - 1
    first, last = max(_FIRST_SECOND * ticks, -most), min(_LAST_SECOND * ticks, most)
    counted = column.cast(pa.int64())
    known = pc.and_(pc.greater_equal(counted, first), pc.less_equal(counted, last))
    return pc.if_else(known, column, pa.scalar(None, column.type))


def _zone(name: str | None) -> str | None:
    """The zone that times are written in. What it is called changes no instant: a name that nobody knows is read as
    UTC."""
    if name is None:
        return None
    try:
        pa.lib.string_to_tzinfo(name)
    except Exception:  # noqa: BLE001 -- Arrow raises what the zone library at hand raises
        return "UTC"
    return name
