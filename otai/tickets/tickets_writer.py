"""The file of a data set, written batch by batch."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from otai.tickets.linking import LINKS
from otai.tickets.memory import give_back
from otai.tickets.row_order import MESSAGE_ID, SAID_AT, UPDATED
from otai.tickets.text_preparation import UNCUT

ROW_GROUP_TICKETS = 8_192
ROW_GROUP_BYTES = 64 << 20
GROUPS_BETWEEN_GIVING_BACK = 8


class TicketsWriter:
    """Batches of tickets into a Parquet file, in row groups of bounded size."""

    def __init__(self, target: Path, schema: pa.Schema) -> None:
        single = ("ticket", "subject", "body", UNCUT, "row", "created_at", LINKS, UPDATED, SAID_AT, MESSAGE_ID)
        repeating = [name for name in schema.names if name not in single]
        self._schema = schema
        self._file = pq.ParquetWriter(target, schema, compression="zstd", use_dictionary=repeating)
        self._waiting: list[pa.RecordBatch] = []
        self._bytes = self._rows = self._groups = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Adds tickets, which reach the file when a row group is full."""
        self._waiting.append(batch)
        self._bytes += batch.nbytes
        self._rows += batch.num_rows
        if self._rows >= ROW_GROUP_TICKETS or self._bytes >= ROW_GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        """Writes what waits and ends the file, which cannot be read before."""
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        if self._rows:
            self._file.write_table(pa.Table.from_batches(self._waiting, self._schema), row_group_size=self._rows)
        self._waiting, self._bytes, self._rows = [], 0, 0
        self._groups += 1
        if self._groups % GROUPS_BETWEEN_GIVING_BACK == 0:
            give_back()
