"""What helpdesks answer, the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

FieldValue = str | tuple[str, ...]
"""A label, or several."""


class ArticleWriter(StrEnum):
    """Who wrote an article, in the words that an import knows (`learning.data.texts.writers`)."""

    CUSTOMER = "Customer"
    AGENT = "Agent"
    SYSTEM = "System"


@dataclass(frozen=True, slots=True)
class Article:
    """One message of a ticket, without attachments. `is_internal`: customers do not see it."""

    writer: ArticleWriter
    written_at: datetime
    body: str
    subject: str = ""
    is_internal: bool = False


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as a helpdesk keeps it. `id` is what the helpdesk is asked by, `number` what people call it; `fields`
    hold no names or addresses of customers. `articles` are empty until the ticket is read."""

    id: str
    number: str
    title: str
    created_at: datetime
    changed_at: datetime
    fields: Mapping[str, FieldValue]
    articles: tuple[Article, ...] = ()


@dataclass(frozen=True, slots=True)
class TicketPage:
    """Tickets without articles, by their ids. `cursor` asks for the next page; None: this is the last."""

    tickets: tuple[Ticket, ...]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class WantedTickets:
    """Which tickets to read: all, or those of some queues, those that came in since a day, those changed since a
    time (UTC, both included)."""

    queues: frozenset[str] = field(default_factory=frozenset)
    created_since: date | None = None
    changed_since: datetime | None = None

    def takes(self, ticket: Ticket, *, queue: str) -> bool:
        """Whether the ticket, which lies in the queue, is one of them."""
        return (
            (not self.queues or queue in self.queues)
            and (self.created_since is None or ticket.created_at.date() >= self.created_since)
            and (self.changed_since is None or ticket.changed_at >= self.changed_since)
        )
