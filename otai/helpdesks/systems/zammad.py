"""Zammad by its REST API: https://docs.zammad.org/en/latest/api/intro.html

Pages come by id (the search by time needs Elasticsearch, which not every Zammad has), so what is wanted is told apart
here. The token needs `ticket.agent`, and read access to the groups.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from otai.helpdesks.asking import Asking
from otai.helpdesks.problems import HelpdeskRefused
from otai.helpdesks.systems.answers import labels_of, moment, objects, text
from otai.helpdesks.values import Article, ArticleWriter, FieldValue, Ticket, TicketPage, WantedTickets

PER_PAGE = 100
LISTS = {"group": "groups", "priority": "ticket_priorities", "state": "ticket_states"}
NO_LABELS = frozenset(("id", "number", "title", "note", "customer", "created_by", "updated_by"))
"""What is no label, or names a customer."""
ENDS_OF_NO_LABELS = ("_id", "_ids", "_at")
NOBODY = "-"


class Zammad:
    """`Zammad(asking)`; `authorization` says what its token is sent as."""

    name = "Zammad"
    root = "api/v1"

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    @staticmethod
    def authorization(token: str) -> str:
        """The value of the Authorization header."""
        return f"Token token={token}"

    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """Groups, priorities and states, as far as the token may list them."""
        found = {}
        for field, path in LISTS.items():
            try:
                listed = self._asking.read(path, (("page", "1"), ("per_page", "500")), objects)
            except HelpdeskRefused as refused:
                if refused.case != "rights":
                    raise
                continue
            found[field] = tuple(str(one["name"]) for one in listed if one.get("active", True) and one.get("name"))
        return found

    def page(self, wanted: WantedTickets, cursor: str | None = None) -> TicketPage:
        """Up to 100 tickets by id; the cursor is the page's number."""
        number = int(cursor or 1)
        query = (("expand", "true"), ("page", str(number)), ("per_page", str(PER_PAGE)))
        tickets = self._asking.read("tickets", query, lambda listed: [_ticket(one) for one in objects(listed)])
        taken = tuple(one for one in tickets if wanted.takes(one, queue=str(one.fields.get("group", ""))))
        return TicketPage(taken, str(number + 1) if len(tickets) >= PER_PAGE else None)

    def ticket(self, id: str) -> Ticket:
        """One ticket with its fields by name."""
        return self._asking.read(f"tickets/{int(id)}", (("expand", "true"),), _ticket)

    def read(self, ticket: Ticket) -> Ticket:
        """With its articles, and its tags where pages leave them out."""
        articles = self._asking.read(
            f"ticket_articles/by_ticket/{ticket.id}",
            (("expand", "true"),),
            lambda listed: sorted((_article(one) for one in objects(listed)), key=lambda one: one.written_at),
        )
        tags: Mapping[str, FieldValue] = {}
        if "tags" not in ticket.fields:
            query = (("object", "Ticket"), ("o_id", ticket.id))
            tags = self._asking.read("tags", query, lambda answer: labels_of([("tags", answer["tags"])]))
        return dataclasses.replace(ticket, articles=tuple(articles), fields={**ticket.fields, **tags})


def _ticket(told: dict[str, Any]) -> Ticket:
    fields = (
        (name, value)
        for name, value in told.items()
        if name not in NO_LABELS and not name.endswith(ENDS_OF_NO_LABELS) and value != NOBODY
    )
    return Ticket(
        id=str(int(told["id"])),
        number=text(told["number"]),
        title=text(told["title"]),
        created_at=moment(told["created_at"]),
        changed_at=moment(told["updated_at"]),
        fields=labels_of(fields),
    )


def _article(told: dict[str, Any]) -> Article:
    return Article(
        writer=ArticleWriter(told["sender"]),
        written_at=moment(told["created_at"]),
        subject=text(told.get("subject")),
        body=text(told["body"]),
        is_internal=told.get("internal") is True,
    )
