"""Where in a JSON document the tickets lie: answers of APIs wrap their list in an object, beside page numbers and lists
of other things."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from otai.tickets.problems import DatasetInvalid
from otai.tickets.sources.json_cursor import Cursor

DEEPEST = 4
"""data.repository.issues.nodes"""
LOOKED_CHARACTERS = 64 << 20
"""So much is looked at to choose among several lists."""
WRAPPER_NAMES = frozenset({
    "tickets", "result", "results", "issues", "conversations", "items", "data", "records", "rows", "nodes", "edges",
    "hits", "value",
    "values", "entries", "incidents", "cases", "requests", "helpdesk_tickets", "list", "content", "response", "objects",
    "elements",
    "search_results", "service_requests", "workorders", "tasks", "messages", "documents", "rss", "payload", "export",
})  # fmt: skip
PARTS_OF_A_TICKET = frozenset({
    "comments", "articles", "threads", "conversation_parts", "custom_fields", "customfields", "tags", "labels",
    "attachments", "journals",
    "notes", "followers", "watchers", "events", "history", "changelog", "activities", "audits", "fields", "worklogs",
    "links", "assignees",
    "participants", "cc_emails", "to_emails", "collaborators", "users", "groups", "organizations", "companies",
    "contacts", "agents",
})  # fmt: skip
"""Lists that a ticket has, or that stand beside the tickets of a page: never the tickets where another list is
there."""
TEXTS_OF_A_TICKET = frozenset(
    {"subject", "title", "summary", "description", "body", "text", "short_description", "message", "source"}
)


@dataclass(slots=True)
class ListOfObjects:
    path: tuple[str, ...]
    elements: int = 0
    characters: int = 0

    def rank(self) -> tuple[bool, bool, int]:
        """What lists are compared by; the highest is the list of tickets."""
        return self.path[-1].lower() not in PARTS_OF_A_TICKET, self.path[-1].lower() in WRAPPER_NAMES, self.characters


def list_of_tickets(cursor: Cursor) -> tuple[str, ...]:
    """The path of keys to the list of tickets in the object that begins here; empty where the object is a ticket
    itself."""
    found: list[ListOfObjects] = []
    keys: set[str] = set()
    try:
        _look(cursor, (), found, keys)
        is_only = not cursor.peek()
    except (DatasetInvalid, _EnoughIsKnown):
        # Cut or damaged; what was seen until there decides, and the reading itself says what is wrong.
        is_only = False
    if not found or (keys & TEXTS_OF_A_TICKET and not (is_only and max(one.elements for one in found) > 1)):
        return ()
    best = max(found, key=ListOfObjects.rank)
    name = best.path[-1].lower()
    if name in PARTS_OF_A_TICKET or (not is_only and name not in WRAPPER_NAMES):
        return ()
    return best.path


class _EnoughIsKnown(Exception):
    pass


def _look(cursor: Cursor, path: tuple[str, ...], found: list[ListOfObjects], keys: set[str]) -> None:
    for key in cursor.members():
        if not path:
            keys.add(key.lower())
        begins = cursor.peek()
        if begins == "{" and len(path) < DEEPEST:
            _look(cursor, (*path, key), found, keys)
        elif begins == "[":
            candidate = ListOfObjects((*path, key))
            start = cursor.read
            for _ in cursor.items():
                is_object = cursor.peek() == "{"
                cursor.value()
                candidate.elements += is_object
                candidate.characters = cursor.read - start
                if cursor.read > LOOKED_CHARACTERS and candidate.elements:
                    found.append(candidate)
                    raise _EnoughIsKnown
            if candidate.elements:
                found.append(candidate)
        else:
            cursor.pass_over()


def tickets_at(cursor: Cursor, path: tuple[str, ...]) -> Iterator[tuple[Any, int]]:
    """(document, characters) of each ticket of the value that begins here; everything beside the list is passed
    over."""
    begins = cursor.peek()
    if begins == "[" and not path:
        for _ in cursor.items():
            yield cursor.value()
    elif begins == "{" and path:
        for key in cursor.members():
            if key == path[0]:
                yield from tickets_at(cursor, path[1:])
            else:
                cursor.pass_over()
    else:
        yield cursor.value()
