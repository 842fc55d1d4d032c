"""All messages of a ticket in one cell: which of them is the ticket, the customer's first.

Helpdesks write threads in two ways: as a list of objects (articles, comments, conversations, threads, journals; a
source hands it on as compact JSON text), and as text with a line before each message (OTRS: `-->||customer||Ada
<ada@example.com>||2026-01-05 08:43:00||<---`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from otai.learning.data.language_names import folded
from otai.learning.data.texts.times import parse_time
from otai.learning.data.texts.writers import INCOMING, OUTGOING, WRITERS, writer_of

STARTS_AS_LIST = r"^\s*\[\s*\{"
_TREE = re.compile(r"^-->\|\|(?P<who>[^|\n]*)\|\|(?P<author>[^|\n]*)\|\|(?P<when>[^|\n]*)\|\|[^\n]*$", re.MULTILINE)
TREE_MARK = "-->||"
TEXT_KEYS = (
    "body",
    "plain_body",
    "body_text",
    "plainbody",
    "text",
    "content",
    "contents",
    "bodytext",
    "plaintext",
    "message",
    "description",
    "notes",
    "comment",
    "html_body",
    "body_html",
    "html",
    "preview",
    "bodypreview",
    "value",
)
TEXT_KEYS_OF_OBJECTS = frozenset(TEXT_KEYS) - {"value", "description", "notes"}
_WHO_KEYS = (
    "sender",
    "sender_type",
    "sendertype",
    "type",
    "author_type",
    "createdbytype",
    "role",
    "direction",
    "part_type",
)
_PEOPLE_KEYS = ("author", "createdby", "created_by", "creator", "user", "from", "sender", "actor")
_TIME_KEYS = (
    "created_at",
    "createdat",
    "create_time",
    "created_on",
    "createdon",
    "created",
    "date",
    "time",
    "timestamp",
    "sentat",
    "sent_at",
    "receivedat",
    "received_at",
    "at",
)


def holds_threads(cells: Sequence[str | None]) -> bool:
    """Half of the filled cells hold messages."""
    filled = [cell for cell in cells if cell][:100]
    return bool(filled) and sum(_looks_like_thread(cell) for cell in filled) >= 0.5 * len(filled)


def _looks_like_thread(cell: str) -> bool:
    if TREE_MARK in cell[:200]:
        return _TREE.search(cell) is not None
    # The sample may hold only the beginning of a cell, so the list is not parsed here.
    return re.match(STARTS_AS_LIST, cell) is not None and any(
        f'"{key}":' in cell.replace('": ', '":').lower() for key in TEXT_KEYS[:-1]
    )


def first_customer_message(cell: str) -> str | None:
    """The text of the customer's first message; the first message of all where nothing says who wrote them. None if the
    cell is no thread."""
    told = messages_of(cell)
    by_customer = [text for who, _, text in told if who == "customer"]
    by_unknown = [text for who, _, text in told if who is None]
    return (by_customer or by_unknown or [told[0][2]])[0] if told else None


ThreadMessage = tuple[str | None, str | None, str]
"""Who wrote it (customer, desk, None: not said), when (ISO 8601, for sorting), the text."""


def messages_of(cell: str) -> list[ThreadMessage]:
    """The messages of a thread that say something, by their times if they all have one; none if the cell is no
    thread."""
    if TREE_MARK in cell:
        messages = _of_tree(cell)
    elif re.match(STARTS_AS_LIST, cell):
        messages = _of_list(cell)
    else:
        return []
    told = [message for message in messages if message[2].strip()]
    if told and all(when is not None for _, when, _ in told):
        # Some helpdesks list the newest first.
        told.sort(key=lambda message: message[1] or "")
    return told


SAYS_WRITER = (INCOMING | OUTGOING) - frozenset(("isprivate", "private"))
"""Keys that say yes or no to who wrote it."""


def _of_tree(cell: str) -> list[ThreadMessage]:
    marks = list(_TREE.finditer(cell))
    if not marks:
        return []
    ends = [mark.start() for mark in marks[1:]] + [len(cell)]
    return [
        (WRITERS.get(folded(mark["who"])), _when(mark["when"]), cell[mark.end() : end].strip())
        for mark, end in zip(marks, ends, strict=True)
    ]


def _of_list(cell: str) -> list[ThreadMessage]:
    try:
        listed = json.loads(cell)
    except (ValueError, RecursionError):
        return []
    messages: list[ThreadMessage] = []
    for entry in _entries(listed, {}, 0):
        when = next((_when(str(entry[key])) for key in _TIME_KEYS if entry.get(key) not in (None, "")), None)
        messages.append((_writer(entry), when, _text(entry)))
    return messages


_DEEPEST = 4


def _entries(listed: Any, around: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """The messages of a list. One that says nothing itself may hold its text in an object of its own (`attributes`,
    `node`), or be an event with messages below it: those know of it what they do not say themselves."""
    for entry in listed if isinstance(listed, list) else ():
        if not isinstance(entry, Mapping):
            continue
        entry = {**around, **{re.sub(r"[^a-z]", "_", str(key).lower()): value for key, value in entry.items()}}
        inside = [] if _text(entry) or depth >= _DEEPEST else [*_inside(entry)]
        if not inside:
            yield entry
        for below in inside:
            rest = {key: value for key, value in entry.items() if not isinstance(value, list) and value is not below}
            yield from _entries(below if isinstance(below, list) else [below], rest, depth + 1)


def _inside(entry: Mapping[str, Any]) -> Iterator[Any]:
    for key, value in entry.items():
        if isinstance(value, list):
            says_more = any(isinstance(one, Mapping) for one in value)
        else:
            keys = map(str.lower, value) if isinstance(value, Mapping) and key not in _PEOPLE_KEYS else ()
            says_more = not TEXT_KEYS_OF_OBJECTS.isdisjoint(keys)
        if says_more:
            yield value


def _text(entry: Mapping[str, Any]) -> str:
    return next((str(entry[key]) for key in TEXT_KEYS if isinstance(entry.get(key), str) and entry[key].strip()), "")


def _writer(entry: Mapping[str, Any]) -> str | None:
    if (
        entry.get("internal") is True
        or entry.get("public") is False
        or entry.get("private") is True
        or entry.get("is_public") is False
    ):
        return "desk"
    for key, value in entry.items():
        if isinstance(value, bool) and folded(key) in SAYS_WRITER:
            return writer_of(key, str(value))
    for key in _PEOPLE_KEYS:
        person = entry.get(key)
        if isinstance(person, Mapping):
            for kind in ("type", "role"):
                if writer := WRITERS.get(folded(str(person.get(kind, "")))):
                    return writer
    for key in _WHO_KEYS:
        told = entry.get(key)
        if isinstance(told, Mapping):
            told = told.get("name")
        if isinstance(told, str) and (writer := writer_of(key, told)):
            return writer
    return None


def _when(text: str) -> str | None:
    found = parse_time(text)
    return None if found is None else found.isoformat()
