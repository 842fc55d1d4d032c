"""Chats written into one cell, a line for each message: `[08:12:05] Ann Baker: the router is down`.

A pasted log looks alike, so a column is read so only where most of its cells are chats of at least two people.
"""

from __future__ import annotations

import re

from otai.tickets.column_names import folded
from otai.tickets.column_stats import ColumnStats
from otai.tickets.writers import WRITERS

_CLOCK = r"(?:\d{4}-\d{2}-\d{2}[ T]|\d{1,2}[./]\d{1,2}[./]\d{2,4},? )?\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp]\.?[Mm]\.?)?"
_WHO = r"[^\W\d_][^:\n\[\]()<>|]{0,39}"
_LINE = re.compile(
    rf"^[ \t]*(?:[\[(]?{_CLOCK}[\])]?[ \t]*+(?:[-\u2013|][ \t]*+)?(?P<who>{_WHO})|"
    rf"(?P<who_first>{_WHO}?)[ \t]*[\[(]{_CLOCK}[\])]|(?P<who_alone>{_WHO}))[ \t]*:[ \t]*",
    re.MULTILINE,
)
_LEVELS = frozenset(("info", "error", "warn", "warning", "debug", "trace", "fatal", "notice", "critical", "severe"))
FEWEST_CELLS = 5
SHARE = 0.6


def holds_transcripts(column: ColumnStats) -> bool:
    """Most of the filled cells are chats."""
    cells = [cell for cell in column.cells if cell][:200]
    return len(cells) >= FEWEST_CELLS and sum(len(_messages(cell)) > 1 for cell in cells) >= SHARE * len(cells)


def customers_first_words(cell: str) -> str | None:
    """What the customer wrote until somebody answered; None if the cell is no chat."""
    messages = _messages(cell)
    if len({who for who, _ in messages}) < 2:
        return None
    told = [(who, WRITERS.get(who) or WRITERS.get(who.split(" ")[0])) for who, _ in messages]
    customers = [who for who, writer in told if writer == "customer"] or [who for who, writer in told if writer is None]
    customer = customers[0] if customers else messages[0][0]
    first = next(at for at, (who, _) in enumerate(messages) if who == customer)
    words = []
    for who, text in messages[first:]:
        if who != customer:
            break
        words.append(text)
    return "\n".join(words).strip() or None


def _messages(cell: str) -> list[tuple[str, str]]:
    """(who, text) of each message, in order. Lines without a clock count only where their writers are words such as
    "Customer" and "Agent"."""
    marks = list(_LINE.finditer(cell))
    told = [mark for mark in marks if mark["who_alone"] is None or _writer(mark["who_alone"]) is not None]
    if not told or cell[: told[0].start()].strip() or any(_who(mark) in _LEVELS for mark in told):
        return []
    names = [(mark["who"] or mark["who_first"] or mark["who_alone"] or "").strip() for mark in told]
    if not all(name[:1].isupper() or _writer(name) is not None for name in names):
        # Programs that write a log have no names with capitals.
        return []
    ends = [mark.start() for mark in told[1:]] + [len(cell)]
    found = [(_who(mark), cell[mark.end() : end].strip()) for mark, end in zip(told, ends, strict=True)]
    return found if len({who for who, _ in found}) > 1 else []


def _writer(who: str) -> str | None:
    name = who.strip().casefold()
    return WRITERS.get(folded(name)) or WRITERS.get(folded(name.split(" ")[0]))


def _who(mark: re.Match[str]) -> str:
    return (mark["who"] or mark["who_first"] or mark["who_alone"] or "").strip().casefold()
