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
    "search_results", "service_requests", "cards", "workorders", "tasks", "messages", "documents", "rss",
    "payload", "export",
})  # fmt: skip
PARTS_OF_A_TICKET = frozenset({
    "comments", "articles", "threads", "conversation_parts", "custom_fields", "customfields", "tags", "labels",
    "attachments", "journals",
    "notes", "followers", "watchers", "events", "history", "changelog", "activities", "audits", "fields",
    "worklogs", "links", "assignees",
    "participants", "cols", "columns", "headers", "header", "schema", "cc_emails", "to_emails", "collaborators",
    "users", "groups", "organizations", "companies", "contacts", "agents", "actions", "checklists", "members",
    "memberships",
})  # fmt: skip
"""Lists that a ticket has, or that stand beside the tickets of a page: never the tickets where another list is
there."""
TEXTS_OF_A_TICKET = frozenset(
    {"subject", "title", "summary", "description", "body", "text", "short_description", "message", "source"}
)


FEWEST_KEYED = 3
KEYS_COMPARED = 50
ALIKE = 0.5
"""Objects of which so large a share of all keys is in every one are things of one kind."""


@dataclass(slots=True)
class ListOfObjects:
    """Where tickets may lie. `is_keyed`: they are the members of an object, each under its id."""

    path: tuple[str, ...]
    elements: int = 0
    characters: int = 0
    is_keyed: bool = False

    @property
    def name(self) -> str:
        """What the list is called; "" for the document itself."""
        return self.path[-1].lower() if self.path else ""

    def rank(self) -> tuple[bool, bool, int]:
        """What lists are compared by; the highest is the list of tickets."""
        return self.name not in PARTS_OF_A_TICKET, self.name in WRAPPER_NAMES, self.characters


NO_LIST = ListOfObjects(())


def list_of_tickets(cursor: Cursor) -> ListOfObjects:
    """The list of tickets in the object that begins here; NO_LIST where the object is a ticket itself."""
    found: list[ListOfObjects] = []
    keys: set[str] = set()
    try:
        _look(cursor, (), found, keys)
        is_only = not cursor.peek()
    except (DatasetInvalid, _EnoughIsKnown):
        # Cut or damaged; what was seen until there decides, and the reading itself says what is wrong.
        is_only = False
    if not found or (keys & TEXTS_OF_A_TICKET and not (is_only and max(one.elements for one in found) > 1)):
        return NO_LIST
    best = max(found, key=ListOfObjects.rank)
    if best.name in PARTS_OF_A_TICKET or (not is_only and best.name not in WRAPPER_NAMES):
        return NO_LIST
    return best


class _EnoughIsKnown(Exception):
    pass


def _look(cursor: Cursor, path: tuple[str, ...], lists: list[ListOfObjects], keys: set[str]) -> set[str]:
    """The keys of the object that begins here. Lists of objects in it come to `lists`, and the object itself where
    its members are alike."""
    own: set[str] = set()
    inside: list[ListOfObjects] = []
    alike = _Alike()
    start = cursor.read
    for key in cursor.members():
        if not path:
            keys.add(key.lower())
        own.add(key)
        begins = cursor.peek()
        if begins == "{" and len(path) < DEEPEST:
            of_member: list[ListOfObjects] = []
            alike.add(_look(cursor, (*path, key), of_member, keys))
            if len(inside) < KEYS_COMPARED:
                inside += of_member
            if cursor.read > LOOKED_CHARACTERS and alike.are_many:
                break
        elif begins == "[":
            alike.others += 1
            candidate = ListOfObjects((*path, key))
            first = cursor.read
            for _ in cursor.items():
                is_object = cursor.peek() == "{"
                cursor.value()
                candidate.elements += is_object
                candidate.characters = cursor.read - first
                if cursor.read > LOOKED_CHARACTERS and candidate.elements:
                    lists.append(candidate)
                    raise _EnoughIsKnown
            if candidate.elements:
                inside.append(candidate)
        else:
            alike.others += 1
            cursor.pass_over()
    if alike.are_many:
        # What lies in the tickets is no list of tickets.
        lists.append(ListOfObjects(path, alike.objects, cursor.read - start, is_keyed=True))
        if cursor.read > LOOKED_CHARACTERS:
            raise _EnoughIsKnown
    else:
        lists += inside
    return own


class _Alike:
    """Whether the members of an object are objects of one kind, each under its id."""

    def __init__(self) -> None:
        self.objects = self.others = 0
        self._all: set[str] = set()
        self._common: set[str] = set()

    def add(self, keys: set[str]) -> None:
        self.objects += 1
        if self.objects > KEYS_COMPARED:
            return
        self._common = keys if self.objects == 1 else self._common & keys
        self._all |= keys

    @property
    def are_many(self) -> bool:
        # Keys that are all numbers are those of rows: the object is a table by columns.
        return (
            self.objects >= FEWEST_KEYED
            and not self.others
            and len(self._common) > 1
            and len(self._common) >= ALIKE * len(self._all)
            and not all(key.isdigit() for key in self._common)
        )


def tickets_at(cursor: Cursor, where: ListOfObjects, *, depth: int = 0) -> Iterator[tuple[Any, int]]:
    """(document, characters) of each ticket of the value that begins here; everything beside the list is passed
    over."""
    begins = cursor.peek()
    path = where.path[depth:]
    if begins == "[" and not path:
        for _ in cursor.items():
            yield cursor.value()
    elif begins == "{" and path:
        for key in cursor.members():
            if key == path[0]:
                yield from tickets_at(cursor, where, depth=depth + 1)
            else:
                cursor.pass_over()
    elif begins == "{" and where.is_keyed:
        for key in cursor.members():
            document, characters = cursor.value()
            yield _with_key(document, key), characters
    else:
        yield cursor.value()


def _with_key(document: Any, key: str) -> Any:
    """The ticket with what it was found under as its id, unless it says it itself."""
    if not isinstance(document, dict):
        return document
    name = "id" if "id" not in document else "key"
    return document if key in (document.get("id"), document.get("key")) else {name: key, **document}
