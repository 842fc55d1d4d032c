"""Zendesk by its Support API: https://developer.zendesk.com/api-reference/ticketing/introduction/

Pages are those of the incremental export, by the time of the last change: lists and searches leave archived tickets
out. The token is `mail:token` of an administrator, or an OAuth access token with the scope `read`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any

from otai.helpdesks.asking import Asking, Parameters, basic
from otai.helpdesks.systems.answers import labels_of, moment, objects, text
from otai.helpdesks.values import Article, ArticleWriter, Ticket, TicketPage, WantedTickets

PER_PAGE = 100
PRIORITIES = ("low", "normal", "high", "urgent")
DELETED = "deleted"
OWN_FIELDS = frozenset(("subject", "description", "status", "tickettype", "priority", "group", "assignee"))
"""Types of ticket fields that every Zendesk has; all others are a customer's own."""


class Zendesk:
    """`Zendesk(asking)`; `authorization` says what its token is sent as."""

    name = "Zendesk"
    root = "api/v2"

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._groups: dict[int, str] | None = None
        self._fields: dict[int, str] | None = None

    @staticmethod
    def authorization(token: str) -> str:
        """The value of the Authorization header: of `mail:token`, or of an OAuth access token."""
        mail, colon, secret = token.partition(":")
        return basic(f"{mail}/token", secret) if colon else f"Bearer {token}"

    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """Groups and priorities."""
        return {"group": tuple(self._groups_by_id().values()), "priority": PRIORITIES}

    def page(self, wanted: WantedTickets, cursor: str | None = None) -> TicketPage:
        """Up to 100 tickets by the time of their last change."""
        begin = ("cursor", cursor) if cursor else ("start_time", str(_start(wanted)))
        tickets, following = self._asking.read(
            "incremental/tickets/cursor",
            (begin, ("per_page", str(PER_PAGE))),
            lambda told: (
                [self._ticket(one) for one in objects(told["tickets"]) if one.get("status") != DELETED],
                None if told["end_of_stream"] else str(told["after_cursor"]),
            ),
        )
        taken = tuple(one for one in tickets if wanted.takes(one, queue=str(one.fields.get("group", ""))))
        return TicketPage(taken, following)

    def ticket(self, id: str) -> Ticket:
        """One ticket; its group by name."""
        return self._asking.read(f"tickets/{int(id)}", (), lambda told: self._ticket(told["ticket"]))

    def read(self, ticket: Ticket) -> Ticket:
        """With its comments; those of end users are the customer's."""
        articles: list[Article] = []
        for told in self._pages(f"tickets/{ticket.id}/comments", (("include", "users"),)):
            articles += self._asking.taken(told, f"tickets/{ticket.id}/comments", lambda told: [*_articles(told)])
        return dataclasses.replace(ticket, articles=tuple(sorted(articles, key=lambda one: one.written_at)))

    def _ticket(self, told: dict[str, Any]) -> Ticket:
        group = told.get("group_id")
        own = self._fields_by_id()
        fields: list[tuple[str, Any]] = [
            *((name, told.get(name)) for name in ("priority", "type", "status", "tags")),
            ("group", self._groups_by_id().get(group, "") if isinstance(group, int) else ""),
            ("channel", (told.get("via") or {}).get("channel")),
            *((own[one["id"]], one["value"]) for one in told.get("custom_fields") or () if one["id"] in own),
        ]
        id = str(int(told["id"]))
        return Ticket(
            id=id,
            number=id,
            title=text(told.get("raw_subject") or told["subject"]),
            created_at=moment(told["created_at"]),
            changed_at=moment(told["updated_at"]),
            fields=labels_of(fields),
        )

    def _groups_by_id(self) -> dict[int, str]:
        if self._groups is None:
            self._groups = {
                int(one["id"]): text(one["name"])
                for told in self._pages("groups")
                for one in self._asking.taken(told, "groups", lambda told: objects(told["groups"]))
            }
        return self._groups

    def _fields_by_id(self) -> dict[int, str]:
        """Titles of the fields that are no field of every Zendesk."""
        if self._fields is None:
            self._fields = {
                int(one["id"]): text(one["title"])
                for told in self._pages("ticket_fields")
                for one in self._asking.taken(told, "ticket_fields", lambda told: objects(told["ticket_fields"]))
                if one.get("type") not in OWN_FIELDS
            }
        return self._fields

    def _pages(self, path: str, query: Parameters = ()) -> Iterator[Any]:
        """All pages of a list, by cursor."""
        after: Parameters = ()
        while True:
            told = self._asking.get(path, (*query, ("page[size]", str(PER_PAGE)), *after))
            yield told
            more = self._asking.taken(
                told, path, lambda told: told["meta"]["has_more"] and str(told["meta"]["after_cursor"])
            )
            if not more:
                return
            after = (("page[after]", more),)


def _start(wanted: WantedTickets) -> int:
    """Seconds since 1970: what came in since a day has changed since then."""
    begins = [datetime.combine(wanted.created_since, time(), UTC)] if wanted.created_since else []
    begins += [wanted.changed_since] if wanted.changed_since else []
    return int(max(begins).timestamp()) if begins else 0


def _articles(told: Any) -> Iterator[Article]:
    customers = {one["id"] for one in objects(told["users"]) if one.get("role") == "end-user"}
    for one in objects(told["comments"]):
        yield Article(
            writer=ArticleWriter.CUSTOMER if one["author_id"] in customers else ArticleWriter.AGENT,
            written_at=moment(one["created_at"]),
            body=text(one.get("html_body") or one["body"]),
            is_internal=one.get("public") is False,
        )
