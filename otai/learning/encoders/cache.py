"""Vectors of texts that were encoded before, by content: encoding again after a label was corrected costs next to
nothing.

One SQLite file in the caller's folder, so several processes may read and write at once. A text is known by its SHA-256
(the text itself is not kept) and an encoder by its fingerprint. The cache never fails a training: what cannot be read
is encoded again, a damaged file is begun anew, and a file that is locked or on a full disk is left alone (`failures`
counts those times).

Whoever deletes tickets deletes the folder of their cache as well: vectors are made from the text and tell something of
it.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from otai.learning.arrays import Rows, Vectors

FILE = "vectors.sqlite3"
DEFAULT_MAX_BYTES = 2 * 1024**3
"""About a million vectors of 512 numbers."""

LOCK_SECONDS = 30.0
_ROWS_A_QUERY = 500
# A vector of 512 numbers is 2 KB: of SQLite's usual 4 KB pages half would stay empty.
_PAGE_BYTES = 16_384
_KEPT_WHEN_FULL = 0.8
_DAY_SECONDS = 86_400
_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (
    encoder TEXT NOT NULL, text_sha256 BLOB NOT NULL, vector BLOB NOT NULL, crc32 INTEGER NOT NULL,
    used_on INTEGER NOT NULL,
    PRIMARY KEY (encoder, text_sha256)
);
CREATE INDEX IF NOT EXISTS vectors_longest_unused ON vectors (used_on);
"""

_Answer = TypeVar("_Answer")


class VectorCache:
    """The cache in one folder. `hits` and `misses` count texts since this object was made."""

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        clock: Callable[[], float] = time.time,
        lock_seconds: float = LOCK_SECONDS,
    ) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        self.hits = self.misses = self.failures = 0
        self._clock, self._lock_seconds = clock, lock_seconds

    @property
    def path(self) -> Path:
        """The SQLite file in the cache's folder."""
        return self.folder / FILE

    def read(self, encoder: str, texts: Sequence[str], vectors: Vectors) -> Rows:
        """Writes the vectors that are known into their rows of `vectors` (texts, d); returns the rows that are not
        known."""
        rows = {_digest(text): row for row, text in enumerate(texts)}
        unknown = set(range(len(texts)))
        today = self._today()

        def look_up(connection: sqlite3.Connection) -> None:
            stale = []
            for digests in _portions(list(rows)):
                these = f"text_sha256 IN ({','.join('?' * len(digests))})"
                known_rows = connection.execute(
                    "SELECT text_sha256, vector, crc32, used_on FROM vectors WHERE encoder = ? AND " + these,  # noqa: S608 - marks only
                    [encoder, *digests],
                )
                for digest, blob, crc32, used_on in known_rows:
                    # A bit that flipped on the disk must not become a vector; the row is written again below.
                    if len(blob) != 4 * vectors.shape[1] or zlib.crc32(blob) != crc32:
                        continue
                    vectors[rows[digest]] = np.frombuffer(blob, dtype="<f4")
                    unknown.discard(rows[digest])
                    if used_on < today:
                        stale.append((today, encoder, digest))
            if stale:
                # At most once a day a vector: reading should not wait for those who write.
                connection.executemany("UPDATE vectors SET used_on = ? WHERE encoder = ? AND text_sha256 = ?", stale)

        if self.path.exists():
            self._attempt(look_up)
        self.hits += len(texts) - len(unknown)
        self.misses += len(unknown)
        return np.array(sorted(unknown), dtype=np.int64)

    def write(self, encoder: str, texts: Sequence[str], vectors: Vectors) -> None:
        """Keeps the vector of each text. Beyond `max_bytes`, those unused for longest make room."""
        today = self._today()
        rows = []
        for text, vector in zip(texts, vectors, strict=True):
            blob = vector.astype("<f4").tobytes()
            rows.append((encoder, _digest(text), blob, zlib.crc32(blob), today))

        def keep(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?, ?)", rows)
            self._make_room(connection)

        if rows:
            self._attempt(keep)

    def count(self) -> int:
        """How many vectors are kept, of all encoders; 0 where the cache cannot be read."""
        answer = self._attempt(lambda connection: int(connection.execute("SELECT count(*) FROM vectors").fetchone()[0]))
        return answer or 0

    def _make_room(self, connection: sqlite3.Connection) -> None:
        pages, free, page_bytes = (
            int(connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        # Rooms that were freed are filled before the file grows, so it stays at about max_bytes.
        used = (pages - free) * page_bytes
        if used <= self.max_bytes:
            return
        count = int(connection.execute("SELECT count(*) FROM vectors").fetchone()[0])
        surplus = count - int(count * self.max_bytes * _KEPT_WHEN_FULL / used)
        connection.execute(
            "DELETE FROM vectors WHERE rowid IN (SELECT rowid FROM vectors ORDER BY used_on, rowid LIMIT ?)", [surplus]
        )

    def _attempt(self, act: Callable[[sqlite3.Connection], _Answer]) -> _Answer | None:
        """The answer of `act`, or None if the file would not let it: it is then as if nothing were cached."""
        for last in (False, True):
            try:
                with self._connection() as connection:
                    return act(connection)
            except sqlite3.OperationalError:
                # Locked for too long, read-only, disk full: others may still need the file as it is.
                break
            except sqlite3.DatabaseError:
                if last:
                    break
                for suffix in ("", "-journal"):
                    with contextlib.suppress(OSError):
                        self.path.with_name(FILE + suffix).unlink()
            except OSError:
                break
        self.failures += 1
        return None

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        self.folder.mkdir(parents=True, exist_ok=True)
        # A connection for each call: nothing to share between threads, and nothing to inherit across a fork.
        connection = sqlite3.connect(self.path, timeout=self._lock_seconds, isolation_level=None)
        try:
            connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            # What a power cut may damage is only a cache; every row carries its own checksum.
            connection.execute("PRAGMA synchronous = OFF")
            if (
                connection.execute(
                    "SELECT count(*) FROM sqlite_master WHERE name = 'vectors_longest_unused'"
                ).fetchone()[0]
                == 0
            ):
                connection.executescript(_SCHEMA)
            yield connection
            if connection.in_transaction:
                connection.execute("COMMIT")
        finally:
            connection.close()

    def _today(self) -> int:
        return int(self._clock() // _DAY_SECONDS)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _portions(digests: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(digests), _ROWS_A_QUERY):
        yield digests[start : start + _ROWS_A_QUERY]
