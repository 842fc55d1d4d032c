"""Chats written into one cell, a line for each message: `[08:12:05] Ann Baker: the router is down`; and entries under
a stamp of day, time and writer, as TOPdesk keeps a request (`05-01-2026 08:12 Baker, Ann:`), the newest first.

A pasted log looks alike, so a column is read so only where most of its cells are chats of at least two people, or begin
with a stamp.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from otai.learning.data.language_names import folded
from otai.learning.data.texts.writers import WRITERS

_DAY = r"(?:\d{4}-\d{2}-\d{2}[ T]|\d{1,2}[./-]\d{1,2}[./-]\d{2,4},? )"
_CLOCK = rf"{_DAY}?\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?: ?[AaPp]\.?[Mm]\.?)?"
_WHO = r"[^\W\d_][^:\n\[\]()<>|]{0,39}"
_LINE = re.compile(
    rf"^[ \t]*(?:[\[(]?{_CLOCK}[\])]?[ \t]*+(?:[-\u2013|][ \t]*+)?(?P<who>{_WHO})|"
    rf"(?P<who_first>{_WHO}?)[ \t]*[\[(]{_CLOCK}[\])]|(?P<who_alone>{_WHO}))[ \t]*:[ \t]*",
    re.MULTILINE,
)
_LEVELS = frozenset(("info", "error", "warn", "warning", "debug", "trace", "fatal", "notice", "critical", "severe"))
FEWEST_CELLS = 5
SHARE = 0.6


_STAMP = re.compile(
    rf"[ \t]*(?P<day>{_DAY})(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?::\d{{2}})?(?: ?(?P<half>[AaPp]))?"
)


@dataclass(frozen=True, slots=True)
class _Message:
    """Who wrote what, and when: (year, month, day, hour, minute), only to be compared; None without a day."""

    who: str
    text: str
    at: tuple[int, ...] | None


def holds_transcripts(cells: Sequence[str | None]) -> bool:
    """Most of the filled cells are chats, or entries under stamps."""
    filled = [cell for cell in cells if cell][:200]
    if len(filled) < FEWEST_CELLS:
        return False
    read = [_messages(cell) for cell in filled]
    return sum(_is_chat(messages) or _is_stamped(messages) for messages in read) >= SHARE * len(filled)


def customers_first_words(cell: str) -> str | None:
    """What the customer wrote until somebody answered, and of entries of one writer the first; None if the cell is
    neither."""
    messages = _messages(cell)
    if not _is_chat(messages):
        return (min(messages, key=_when).text or None) if _is_stamped(messages) else None
    if _is_stamped(messages) and _when(messages[0]) > _when(messages[-1]):
        messages.reverse()
    told = [(one.who, WRITERS.get(one.who) or WRITERS.get(one.who.split(" ")[0])) for one in messages]
    customers = [who for who, writer in told if writer == "customer"] or [who for who, writer in told if writer is None]
    customer = customers[0] if customers else messages[0].who
    first = next(at for at, one in enumerate(messages) if one.who == customer)
    words = []
    for one in messages[first:]:
        if one.who != customer:
            break
        words.append(one.text)
    return "\n".join(words).strip() or None


def _is_chat(messages: list[_Message]) -> bool:
    return len({one.who for one in messages}) > 1


def _is_stamped(messages: list[_Message]) -> bool:
    return bool(messages) and all(one.at is not None for one in messages)


def _when(message: _Message) -> tuple[int, ...]:
    return message.at or ()


def _messages(cell: str) -> list[_Message]:
    """Each message, in order. Lines without a clock count only where their writers are words such as "Customer" and
    "Agent"."""
    marks = list(_LINE.finditer(cell))
    told = [mark for mark in marks if mark["who_alone"] is None or _writer(mark["who_alone"]) is not None]
    if not told or cell[: told[0].start()].strip() or any(_who(mark) in _LEVELS for mark in told):
        return []
    names = [(mark["who"] or mark["who_first"] or mark["who_alone"] or "").strip() for mark in told]
    if not all(name[:1].isupper() or _writer(name) is not None for name in names):
        # Programs that write a log have no names with capitals.
        return []
    ends = [mark.start() for mark in told[1:]] + [len(cell)]
    return [
        _Message(_who(mark), cell[mark.end() : end].strip(), _stamped_at(mark[0]))
        for mark, end in zip(told, ends, strict=True)
    ]


def _stamped_at(mark: str) -> tuple[int, ...] | None:
    stamp = _STAMP.match(mark)
    if stamp is None:
        return None
    day = [int(part) for part in re.findall(r"\d+", stamp["day"])]
    afternoon = 12 if (stamp["half"] or "").lower() == "p" and stamp["hour"] != "12" else 0
    return (*(day if day[0] > 31 else reversed(day)), int(stamp["hour"]) + afternoon, int(stamp["minute"]))


def _writer(who: str) -> str | None:
    name = who.strip().casefold()
    return WRITERS.get(folded(name)) or WRITERS.get(folded(name.split(" ")[0]))


def _who(mark: re.Match[str]) -> str:
    return (mark["who"] or mark["who_first"] or mark["who_alone"] or "").strip().casefold()
