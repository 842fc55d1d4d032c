"""Questions to an index: which tickets have these words and labels, what is said of one, which are like it."""

from __future__ import annotations

import math
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from otai.errors import Unavailable
from otai.learning.data.tickets import LabelNames

MOST_SECONDS = 3.0
"""A question to an index of 200 000 tickets takes tens of milliseconds."""
STEPS_BETWEEN_LOOKS = 20_000
MOST_WORDS = 12
LIKE_WORDS = 8
"""Tickets are alike by at most so many of the ticket's rarest words ..."""
LIKE_SHARE = 0.02
"""... none of which more than this share of the tickets has; or 50 tickets."""

Connection = sqlite3.Connection


class TicketSearchTooLong(Unavailable):
    """A question that would keep the others waiting; a narrower one is answered."""

    code = "ticket_search_too_long"


@dataclass(frozen=True, slots=True)
class HeldOutPrediction:
    """What a model said of a ticket that it had not learnt, for one attribute. `text` are the first 8 bytes of the
    ticket's `same_text_key`; `confidence` is None for models of before it was kept."""

    text: bytes
    labels: LabelNames
    confidence: float | None


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets; what is empty asks for nothing. `attribute` is that of `label`, `predicted` and the rest.

    `without_label`: those that nobody gave a label of the attribute. `predictions`: of those alone, which may be asked
    what was `predicted`, between which confidences (0 to 1), and whether it `is_wrong`.
    """

    words: str = ""
    attribute: str = ""
    label: str = ""
    without_label: bool = False
    language: str = ""
    since: date | None = None
    until: date | None = None
    predictions: Sequence[HeldOutPrediction] | None = None
    predicted: str = ""
    confidence_from: float | None = None
    confidence_to: float | None = None
    is_wrong: bool | None = None


@dataclass(frozen=True, slots=True)
class IndexedTicket:
    """A ticket as the index knows it; `row` is its place in the Parquet file, from 0."""

    row: int
    id: str
    key: bytes
    language: str | None
    created_at: datetime | None
    subject: str
    excerpt: str
    labels: Mapping[str, LabelNames] = field(default_factory=dict)
    predicted: LabelNames | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class FoundTickets:
    """A page of what was found, and how many there are in all."""

    total: int
    tickets: list[IndexedTicket]


class TicketIndexReader:
    """One open index; use it in one thread, within `opened`."""

    def __init__(self, connection: Connection) -> None:
        self._ask = connection
        about = dict(connection.execute("SELECT name, value FROM about"))
        self.tickets, self.indexed = int(about["tickets"]), int(about["indexed"])
        self.attributes = {
            name: (number, bool(is_multi)) for number, name, is_multi in connection.execute("SELECT * FROM attribute")
        }

    def languages(self) -> list[str]:
        """Those of the tickets, the most frequent first."""
        asked = "SELECT language FROM ticket WHERE language IS NOT NULL GROUP BY language ORDER BY count(*) DESC, 1"
        return [language for (language,) in self._ask.execute(asked)]

    def has_times(self) -> bool:
        """Whether it is known of any ticket when it came in."""
        return self._ask.execute("SELECT 1 FROM ticket WHERE created IS NOT NULL LIMIT 1").fetchone() is not None

    def search(self, asked: TicketFilter, *, offset: int = 0, limit: int = 25) -> FoundTickets:
        """The tickets that the filter lets through, those that came in last first. Raises TicketSearchTooLong."""
        where, values = self._where(asked)
        if where is None:
            return FoundTickets(0, [])
        said = "LEFT JOIN said ON said.text = substr(t.key, 1, 8)" if asked.predictions is not None else ""
        with _within(MOST_SECONDS, self._ask):
            [total] = self._ask.execute(f"SELECT count(*) FROM ticket t {said} WHERE {where}", values).fetchone()  # noqa: S608
            shown = "t.*, said.labels, said.confidence" if said else "t.*, NULL, NULL"
            newest_first = "ORDER BY t.created DESC, t.row DESC LIMIT ? OFFSET ?"
            asked_for = f"SELECT {shown} FROM ticket t {said} WHERE {where} {newest_first}"  # noqa: S608
            rows = self._ask.execute(asked_for, [*values, limit, offset]).fetchall()
        return FoundTickets(total, self._with_labels(rows))

    def with_ids(self, ids: Sequence[str]) -> dict[str, IndexedTicket]:
        """Those of these tickets that are there, by id; of an id that stands twice, the last."""
        found: dict[str, IndexedTicket] = {}
        for start in range(0, len(ids), 500):
            part = list(ids[start : start + 500])
            marks = ",".join("?" * len(part))
            rows = self._ask.execute(f"SELECT *, NULL, NULL FROM ticket WHERE id IN ({marks}) ORDER BY row", part)  # noqa: S608
            found |= {one.id: one for one in self._with_labels(rows.fetchall())}
        return found

    def with_keys(self, keys: Sequence[bytes]) -> dict[bytes, IndexedTicket]:
        """Those of these texts that are there, by `same_text_key`."""
        found: dict[bytes, IndexedTicket] = {}
        for key in keys:
            rows = self._ask.execute(
                "SELECT *, NULL, NULL FROM ticket WHERE substr(key, 1, 8) = ? AND key = ? ORDER BY row LIMIT 1",
                (key[:8], key),
            ).fetchall()
            found |= {one.key: one for one in self._with_labels(rows)}
        return found

    def like(self, ticket: IndexedTicket, text: str, attribute: str, *, limit: int = 4) -> list[IndexedTicket]:
        """Tickets with a label of the attribute that share the rarest words of the text, the likest first. Each word
        counts by how rare it is (inverse document frequency)."""
        weights: dict[int, float] = {}
        most = max(50, int(self.indexed * LIKE_SHARE))
        for count, word in self._rarest(text, most=most):
            weight = math.log(1 + self.indexed / count)
            for (row,) in self._ask.execute("SELECT rowid FROM words WHERE words MATCH ?", (f'"{word}"',)):
                weights[row] = weights.get(row, 0.0) + weight
        weights.pop(ticket.row, None)
        ranked = sorted(weights, key=lambda row: (-weights[row], -row))[: 20 * limit]
        likest: list[IndexedTicket] = []
        for row in ranked:
            [candidate] = self._with_labels(
                self._ask.execute("SELECT *, NULL, NULL FROM ticket WHERE row = ?", (row,)).fetchall()
            )
            if candidate.labels.get(attribute) and candidate.key != ticket.key:
                likest.append(candidate)
            if len(likest) == limit:
                break
        return likest

    def _rarest(self, text: str, *, most: int) -> list[tuple[int, str]]:
        counted = []
        for word in dict.fromkeys(words_of(text.lower())[:400]):
            row = self._ask.execute("SELECT doc FROM vocabulary WHERE term = ?", (word,)).fetchone()
            if row is not None and 2 <= row[0] <= most and len(word) > 2:
                counted.append((row[0], word))
        return sorted(counted)[:LIKE_WORDS]

    def _with_labels(self, rows: Sequence[Sequence[Any]]) -> list[IndexedTicket]:
        carried: dict[int, dict[str, list[str]]] = {}
        numbers = [row[0] for row in rows]
        for start in range(0, len(numbers), 500):
            part = numbers[start : start + 500]
            asked = (
                "SELECT c.row, a.name, l.name FROM carries c JOIN label l ON l.number = c.label "  # noqa: S608
                f"JOIN attribute a ON a.number = l.attribute WHERE c.row IN ({','.join('?' * len(part))}) "
                "ORDER BY c.row, a.number, l.number"
            )
            for row, attribute, label in self._ask.execute(asked, part):
                carried.setdefault(row, {}).setdefault(attribute, []).append(label)
        return [_ticket(row, carried.get(row[0], {})) for row in rows]

    def _where(self, asked: TicketFilter) -> tuple[str | None, list[Any]]:
        """The condition and its values; None where nothing can be found."""
        parts: list[tuple[str, list[Any]]] = [("1", [])]
        if asked.words.strip():
            parts.append(_of_words(asked.words))
        if asked.label or asked.without_label:
            attribute = self.attributes.get(asked.attribute)
            if attribute is None:
                return None, []
            carried = "SELECT c.row FROM carries c JOIN label l ON l.number = c.label WHERE l.attribute = ?"
            if asked.without_label:
                parts.append((f"t.row NOT IN ({carried})", [attribute[0]]))
            else:
                parts.append((f"t.row IN ({carried} AND l.name = ?)", [attribute[0], asked.label]))
        if asked.language:
            parts.append(("t.language = ?", [asked.language]))
        if asked.since is not None:
            parts.append(("t.created >= ?", [_midnight(asked.since)]))
        if asked.until is not None:
            parts.append(("t.created < ?", [_midnight(asked.until + timedelta(days=1))]))
        if asked.predictions is not None:
            self._note(asked)
            parts.append(("said.text IS NOT NULL", []))
        return " AND ".join(f"({part})" for part, _ in parts), [value for _, values in parts for value in values]

    def _note(self, asked: TicketFilter) -> None:
        """The predictions that the filter lets through, in a table of this connection's own."""
        self._ask.execute("DROP TABLE IF EXISTS temp.said")
        self._ask.execute("CREATE TEMP TABLE said (text BLOB PRIMARY KEY, labels TEXT, confidence REAL)")
        kept = (one for one in asked.predictions or () if _lets_through(asked, one))
        self._ask.executemany(
            "INSERT OR IGNORE INTO said VALUES (?, ?, ?)",
            ((one.text, SEPARATOR.join(sorted(one.labels)), one.confidence) for one in kept),
        )
        if asked.is_wrong is None or (attribute := self.attributes.get(asked.attribute)) is None:
            return
        given = (
            f"SELECT coalesce(group_concat(name, '{SEPARATOR}'), '') FROM (SELECT l.name FROM ticket t JOIN carries c "  # noqa: S608
            "ON c.row = t.row JOIN label l ON l.number = c.label WHERE substr(t.key, 1, 8) = said.text "
            "AND l.attribute = ? AND t.row = (SELECT min(u.row) FROM ticket u WHERE substr(u.key, 1, 8) = said.text) "
            "ORDER BY l.name)"
        )
        other = "=" if asked.is_wrong else "<>"
        self._ask.execute(f"DELETE FROM said WHERE labels {other} ({given})", (attribute[0],))  # noqa: S608


SEPARATOR = "\x1f"


def _lets_through(asked: TicketFilter, one: HeldOutPrediction) -> bool:
    if asked.predicted and asked.predicted not in one.labels:
        return False
    if asked.confidence_from is not None and (one.confidence is None or one.confidence < asked.confidence_from):
        return False
    return asked.confidence_to is None or (one.confidence is not None and one.confidence <= asked.confidence_to)


def _ticket(row: Sequence[Any], labels: Mapping[str, list[str]]) -> IndexedTicket:
    number, id, key, language, created, subject, excerpt, predicted, confidence = row
    return IndexedTicket(
        number,
        id,
        key,
        language,
        None if created is None else datetime.fromtimestamp(created, UTC),
        subject,
        excerpt,
        {name: tuple(found) for name, found in labels.items()},
        None if predicted is None else tuple(part for part in predicted.split(SEPARATOR) if part),
        confidence,
    )


def words_of(text: str) -> list[str]:
    """The words of a text as the index parts them."""
    return re.findall(r"[^\W_]+", text)


def _of_words(asked: str) -> tuple[str, list[Any]]:
    """All of the words, the last one as a beginning; or the id."""
    words = words_of(asked)[:MOST_WORDS]
    if not words:
        return "t.id = ?", [asked.strip()]
    match = " AND ".join([*(f'"{word}"' for word in words[:-1]), f'"{words[-1]}"*'])
    return "t.row IN (SELECT rowid FROM words WHERE words MATCH ?) OR t.id = ?", [match, asked.strip()]


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


@contextmanager
def opened(path: Path) -> Iterator[TicketIndexReader]:
    """The index in that file, in a `with`."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        yield TicketIndexReader(connection)
    finally:
        connection.close()


@contextmanager
def _within(seconds: float, connection: Connection) -> Iterator[None]:
    until = time.monotonic() + seconds
    connection.set_progress_handler(lambda: int(time.monotonic() > until), STEPS_BETWEEN_LOOKS)
    try:
        yield
    except sqlite3.OperationalError as ended:
        if "interrupt" not in str(ended):
            raise
        raise TicketSearchTooLong("seconds", seconds=int(seconds)) from None
    finally:
        connection.set_progress_handler(None, 0)
