"""Request Tracker 5 by its REST 2.0: https://docs.bestpractical.com/rt/5.0/RT/REST2.html

The token is one of RT's own (Settings, Auth Tokens), or `user:password`. Its user needs SeeQueue and ShowTicket,
ShowTicketComments for comments, and SeeCustomField.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Iterator, Mapping
from datetime import UTC, timedelta
from typing import Any

from otai.helpdesks.asking import Asking, basic
from otai.helpdesks.systems.answers import labels_of, moment, objects, text
from otai.helpdesks.values import Article, ArticleWriter, FieldValue, Ticket, TicketPage, WantedTickets

PER_PAGE = 100
FIELDS = "Subject,Status,Priority,Created,LastUpdated,Queue,Owner,Requestor,CustomFields"
AUTHORS = {"Create": ArticleWriter.CUSTOMER, "Correspond": ArticleWriter.AGENT, "Comment": ArticleWriter.AGENT}
"""What a transaction of this type is, where it is not a requestor's; the first message of a ticket is the customer's
also where an agent wrote it down."""
NOBODY = "Nobody"
TEXTS = ("text/plain", "text/html")


class RequestTracker:
    """`RequestTracker(asking)`; `authorization` says what its token is sent as."""

    name = "Request Tracker"
    root = "REST/2.0"

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    @staticmethod
    def authorization(token: str) -> str:
        """The value of the Authorization header: of a token, or of `user:password`."""
        user, colon, password = token.partition(":")
        return basic(user, password) if colon else f"token {token}"

    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """The queues."""
        queues = self._all("queues/all", (("fields", "Name,Disabled"),))
        return {"Queue": tuple(text(one["Name"]) for one in queues if text(one.get("Disabled")) != "1")}

    def page(self, wanted: WantedTickets, cursor: str | None = None) -> TicketPage:
        """Up to 100 tickets by id; the cursor is the page's number."""
        number = int(cursor or 1)
        query = (
            *(("query", _ticket_sql(wanted)), ("fields", FIELDS), ("fields[Queue]", "Name")),
            *(("fields[Owner]", "Name"), ("orderby", "id"), ("per_page", str(PER_PAGE)), ("page", str(number))),
        )
        tickets, is_last = self._asking.read("tickets", query, lambda told: (_tickets(told), number >= told["pages"]))
        taken = tuple(one for one in tickets if wanted.takes(one, queue=str(one.fields.get("Queue", ""))))
        return TicketPage(taken, None if is_last else str(number + 1))

    def ticket(self, id: str) -> Ticket:
        """One ticket; its queue and owner by name."""
        query = (("fields[Queue]", "Name"), ("fields[Owner]", "Name"))
        return self._asking.read(f"ticket/{int(id)}", query, _ticket)

    def read(self, ticket: Ticket) -> Ticket:
        """With its messages: as it was created, replies and comments. What RT sent by itself, and files, are none."""
        requestors = self._asking.read(f"ticket/{ticket.id}", (), lambda told: _ids(told.get("Requestor")))
        return dataclasses.replace(ticket, articles=tuple(self._articles(ticket, requestors)))

    def _articles(self, ticket: Ticket, requestors: frozenset[str]) -> Iterator[Article]:
        path = f"ticket/{ticket.id}/history"
        for transaction in self._all(path, (("fields", "Type,Creator,Created"),)):
            kind = text(transaction.get("Type"))
            if kind not in AUTHORS:
                continue
            by_requestor = not _ids(transaction.get("Creator")).isdisjoint(requestors)
            body, subject = self._message(text(transaction["id"]))
            if body:
                yield Article(
                    writer=ArticleWriter.CUSTOMER if by_requestor else AUTHORS[kind],
                    written_at=self._asking.taken(transaction, path, lambda told: moment(told["Created"])),
                    body=body,
                    subject=subject,
                    is_internal=kind == "Comment",
                )

    def _message(self, transaction: str) -> tuple[str, str]:
        """Text and subject of a transaction's message, plain where it has both forms; ("", "") where it has none."""
        parts = self._all(f"transaction/{int(transaction)}/attachments", (("fields", "ContentType,Filename,Subject"),))
        for wanted in TEXTS:
            for part in parts:
                if part.get("ContentType") == wanted and not part.get("Filename"):
                    return self._asking.read(f"attachment/{int(part['id'])}", (), _content), text(part.get("Subject"))
        return "", ""

    def _all(self, path: str, query: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
        """All items of a collection, page by page."""
        found: list[dict[str, Any]] = []
        number = 1
        while True:
            asked = (*query, ("per_page", str(PER_PAGE)), ("page", str(number)))
            items, pages = self._asking.read(path, asked, lambda told: (objects(told["items"]), int(told["pages"])))
            found += items
            if number >= pages:
                return found
            number += 1


def _ticket_sql(wanted: WantedTickets) -> str:
    """The search in RT's own language. RT reads times in its user's zone, so it is asked for a day more; `takes` tells
    apart to the second."""
    parts = ["id > 0"]
    if wanted.queues:
        parts.append("(" + " OR ".join(f"Queue = '{_escaped(one)}'" for one in sorted(wanted.queues)) + ")")
    if wanted.created_since is not None:
        parts.append(f"Created >= '{wanted.created_since - timedelta(days=1)} 00:00:00'")
    if wanted.changed_since is not None:
        asked = wanted.changed_since.astimezone(UTC) - timedelta(days=1)
        parts.append(f"LastUpdated >= '{asked:%Y-%m-%d %H:%M:%S}'")
    return " AND ".join(parts)


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("'", "\\'")


def _tickets(told: Any) -> list[Ticket]:
    return [_ticket(one) for one in objects(told["items"])]


def _ticket(told: Any) -> Ticket:
    owner = _name(told.get("Owner"))
    fields: list[tuple[str, Any]] = [
        ("Queue", _name(told["Queue"])),
        ("Owner", "" if owner == NOBODY else owner),
        *((name, text(told.get(name))) for name in ("Status", "Priority")),
        *_custom_fields(told.get("CustomFields")),
    ]
    id = str(int(told["id"]))
    return Ticket(
        id=id,
        number=id,
        title=text(told["Subject"]),
        created_at=moment(told["Created"]),
        changed_at=moment(told["LastUpdated"]),
        fields=labels_of(fields),
    )


def _custom_fields(told: Any) -> Iterator[tuple[str, FieldValue]]:
    for one in told if isinstance(told, list) else ():
        values = [text(value) for value in one.get("values", ()) if text(value)]
        if values:
            yield text(one["name"]), values[0] if len(values) == 1 else tuple(values)


def _name(told: Any) -> str:
    return text(told.get("Name") or told["id"])


def _ids(told: Any) -> frozenset[str]:
    people = told if isinstance(told, list) else [told]
    return frozenset(text(one.get("id")) for one in people if isinstance(one, dict))


def _content(told: Any) -> str:
    try:
        return base64.b64decode(told["Content"] or "").decode("utf-8", errors="replace")
    except binascii.Error:
        raise ValueError("no base64") from None
