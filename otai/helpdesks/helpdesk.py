"""What every helpdesk's adapter can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from otai.helpdesks.values import Ticket, TicketPage, WantedTickets


class Helpdesk(Protocol):
    """A helpdesk that is asked and never written to. Each method raises HelpdeskRefused (what it was asked is not
    allowed, or it is no such helpdesk) and HelpdeskUnavailable (trying again later may help)."""

    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """The labels that exist, by field: of the queue at least. What the token may not see is left out."""
        ...

    def page(self, wanted: WantedTickets, cursor: str | None = None) -> TicketPage:
        """The first page of what is wanted, or the one that the cursor of the page before asks for. A page may be empty
        and not the last."""
        ...

    def ticket(self, id: str) -> Ticket:
        """One ticket, without articles."""
        ...

    def read(self, ticket: Ticket) -> Ticket:
        """The ticket with its articles, the oldest first, and with fields that pages leave out."""
        ...
